"""``dsv4deploy why``: what an error means, by its text."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ..errors import DeployError
from ..why.entries import Entry, matching
from .options import FORMAT
from .output import print_json, print_text


@click.command()
@click.argument("text", metavar="TEXT|-")
@FORMAT
def why(text: str, output: str) -> None:
    """Explain an error by its text: why it comes, what to do, and how that is known.

    TEXT is a message; - reads a log from stdin. Exits with 1 where nothing is known of it.

    \b
    dsv4deploy why "no healthy upstream"
    kubectl logs POD -c main | dsv4deploy why -
    """
    found = matching(_stdin() if text == "-" else text)
    if not found:
        raise DeployError("nothing is known of this: give all of the log, from its first error on")
    if output == "json":
        print_json([{"line": line, **asdict(entry)} for entry, line in found])
        return
    print_text("\n\n".join(_page(entry, line) for entry, line in found))


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
