"""What is known by the text of an error: the entries of ``data/troubleshooting.yaml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..values import yaml as yamlio


@dataclass(frozen=True)
class Entry:
    """An error that is known.

    Attributes:
        area: whose error it is.
        code: its name.
        pattern: a regular expression that finds it in a line, whatever the case.
        example: a line in which it is found.
        cause: why it comes.
        fix: what to do.
        source: where this is known from.
        rules: codes of the rules that warn of it before.
        checks: codes of doctor's checks that find its cause.
    """

    area: str
    code: str
    pattern: str
    example: str
    cause: str
    fix: str
    source: str
    rules: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    def found(self, text: str) -> int | None:
        """The number of the first line that it is found in, from 0; None if there is none."""
        pattern = re.compile(self.pattern, re.IGNORECASE)
        lines = enumerate(text.splitlines())
        return next((number for number, line in lines if pattern.search(line)), None)


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the file."""
    path = files(__package__) / "troubleshooting.yaml"
    (areas,) = yamlio.parse(path.read_text("utf-8"))
    return tuple(
        _entry(area, code, fields)
        for area, inner in areas.items()
        for code, fields in inner.items()
    )


def _entry(area: str, code: str, fields: dict[str, Any]) -> Entry:
    codes = {key: tuple(fields.get(key, ())) for key in ("rules", "checks")}
    return Entry(area, code, **{**fields, **codes})


def matching(text: str) -> list[tuple[Entry, str]]:
    """The entries that are found in a text, each with the first line that it is found in.

    Args:
        text: a message or a log.

    Returns:
        in the order in which the text has them: the first error of a log is often the cause.
    """
    lines = text.splitlines()
    places = {entry: number for entry in entries() if (number := entry.found(text)) is not None}
    return [
        (entry, lines[places[entry]].strip()) for entry in sorted(places, key=places.__getitem__)
    ]
