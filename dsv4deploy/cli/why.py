"""The verb that explains an error by its text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..errors import DeployError
from .root import cli
from .shared import FORMAT, print_json

if TYPE_CHECKING:
    from ..why.entries import Entry


@cli.command()
@click.argument("text", metavar="TEXT|-")
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def why(text: str, output: str) -> None:
    """Explain an error by its text: why it comes, what to do, and how that is known.

    TEXT is a message; - reads a log from stdin. Exits with 1 where nothing is known of it.

    \b
    dsv4deploy why "no healthy upstream"
    kubectl logs POD -c main | dsv4deploy why -
    """
    from ..why.entries import matching

    found = matching(_stdin() if text == "-" else text)
    if not found:
        raise DeployError("nothing is known of this: give all of the log, from its first error on")
    if output == "json":
        from dataclasses import asdict

        print_json([{"line": line, **asdict(entry)} for entry, line in found])
        return
    click.echo("\n\n".join(_page(entry, line) for entry, line in found))


def _page(entry: Entry, line: str) -> str:
    rows = [("found", line), ("cause", entry.cause), ("do", entry.fix)]
    rows += [("rule", f"dsv4deploy rules show {code}") for code in entry.rules]
    rows += [("check", f"dsv4deploy doctor, {code}") for code in entry.checks]
    rows += [("source", entry.source)]
    return "\n".join(
        [f"{entry.area}: {entry.code}", *(f"  {name:7} {text}" for name, text in rows)]
    )


def _stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace")
