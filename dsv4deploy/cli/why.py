"""``dsv4deploy why``: explains an error message."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict

import click

from ..errors import DeployError
from ..why.search import Beginning, Known, explain
from .options import FORMAT
from .output import columns_of, print_json, print_text, printable, wrapped


@click.command()
@click.argument("text", metavar="TEXT|-")
@FORMAT
def why(text: str, output: str) -> None:
    """Explain an error message: its cause, its fix and its source.

    TEXT is an error message, or - to read a log from stdin. The command shows known errors first,
    starting with those nearest to the root cause, and then the first unknown error of each process.
    It exits with 1 if there is neither.

    \b
    dsv4deploy why "no healthy upstream"
    kubectl logs POD -c main | dsv4deploy why -
    """
    if re.fullmatch(r"[1-5][0-9]{2}", text):
        text = f"HTTP {text}"
    known, beginnings = explain(
        sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    )
    if not known and not beginnings:
        from ..checks.rules import RULES

        if any(rule.code == text for rule in RULES):
            print_text(f"{text} is a rule's code: `dsv4deploy rules show {text}` explains it")
            return
        raise DeployError("this error is unknown; pipe the whole log into `dsv4deploy why -`")
    if output == "json":
        print_json(
            [{"line": each.line, "number": each.number, **asdict(each.entry)} for each in known]
            + [{"code": None, **asdict(each)} for each in beginnings]
        )
        return
    print_text("\n\n".join([*map(_page, known), *map(_unknown, beginnings)]))


def _page(known: Known) -> str:
    entry = known.entry
    rows = [("found", known.line), ("cause", entry.cause), ("do", entry.fix)]
    rows += [("rule", f"dsv4deploy rules show {code}") for code in entry.rules]
    rows += [("check", f"dsv4deploy doctor, {code}") for code in entry.checks]
    rows += [("source", entry.source)]
    return _rows(f"{entry.area}: {entry.code}", rows)


def _unknown(beginning: Beginning) -> str:
    others = f" and {beginning.others} more processes" if beginning.others else ""
    where = f"line {beginning.number}, {beginning.process or 'the log'}{others}"
    title = f"unknown, but this is where it started ({where})"
    return _rows(title, [("found", line) for line in beginning.lines])


def _rows(title: str, rows: list[tuple[str, str]]) -> str:
    width = columns_of(sys.stdout)
    return "\n".join([title, *(line for name, text in rows for line in _row(name, text, width))])


def _row(name: str, text: str, width: int) -> list[str]:
    first, *more = text.split("\n")
    lines = wrapped(printable(f"  {name:7} {first}"), width, _INDENT)
    for line in more:
        lines += wrapped(printable(_INDENT + line), width, _INDENT)
    return lines


_INDENT = " " * 10
