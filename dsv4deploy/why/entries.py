"""The known errors: the entries of the YAML files in this folder, and the phrases that find them.

A phrase is matched word by word. Letter case, punctuation, quotes and white space do not count, so
that a phrase finds its message in a terminal, in JSON and in a log with colours alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from ..values import yaml as yamlio

FILES = ("vllm", "ascend", "hccl", "kserve", "kubernetes", "gateway", "tools", "dsv4deploy")
"""The files of entries, in the order of the page."""

Parts = tuple[bytes, ...]
"""What a phrase asks for, one after the other, with anything between."""

_KEPT = b"abcdefghijklmnopqrstuvwxyz0123456789_\n"
_WORDS = bytes(byte if byte in _KEPT else 32 for byte in bytes(range(256)).lower())
_PHRASE = bytes(byte if byte in b"*|" else word for byte, word in enumerate(_WORDS))


@dataclass(frozen=True)
class Entry:
    """A known error.

    Attributes:
        area: the component that reports it.
        code: its name.
        text: phrases, each of which finds it in a line. ``*`` stands for anything, ``a|b`` for
            either word.
        example: a line in which it is found.
        cause: why it happens.
        fix: how to fix it.
        source: where this is known from.
        distance: from the root: 0 for a cause, 1 for what follows from another error in the same
            log, 2 for what others see of it, 3 for a line that reports only that something failed.
        unless: phrases that are removed from a line before it is searched.
        rules: codes of the rules that warn of it before.
        checks: codes of doctor's checks that find its cause.
    """

    area: str
    code: str
    text: tuple[str, ...]
    example: str
    cause: str
    fix: str
    source: str
    distance: int = 0
    unless: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the files."""
    return tuple(entry for name in FILES for entry in _read(f"{name}.yaml"))


def _read(name: str) -> Iterator[Entry]:
    (areas,) = yamlio.parse((files(__package__) / name).read_text("utf-8"))
    for area, inner in areas.items():
        for code, fields in inner.items():
            yield _entry(area, code, fields)


def _entry(area: str, code: str, fields: dict[str, Any]) -> Entry:
    lists = {key: tuple(fields.get(key, ())) for key in ("text", "unless", "rules", "checks")}
    return Entry(area, code, **{**fields, **lists})


def words(text: bytes) -> bytes:
    """A text in UTF-8 as lowercase words with spaces around them; ends of lines are kept."""
    return text.replace(b"\\n", b"  ").translate(_WORDS)


@cache
def phrases(phrase: str) -> tuple[Parts, ...]:
    """A phrase in the form of :func:`words`; one of several for each choice of ``|``."""
    choices = [word.split(b"|") for word in phrase.encode().translate(_PHRASE).split()]
    return tuple(
        tuple((b" " + b" ".join(choice) + b" ").split(b"*")) for choice in product(*choices)
    )


def place(parts: Parts, line: bytes) -> tuple[int, int] | None:
    """Where a phrase begins and ends in a line of single spaced words; None where it is not.

    A ``*`` at its end is the rest of the line.
    """
    begin, end = -1, 1
    for part in parts:
        at = line.find(part, end - 1)
        if at < 0:
            return None
        begin, end = at if begin < 0 else begin, at + len(part)
    return begin, end if parts[-1].strip() else len(line)


def found(entry: Entry, parts: Parts, line: bytes) -> bool:
    """Whether a phrase of an entry is in a line of single spaced words."""
    if place(parts, line) is None:
        return False
    for phrase in entry.unless:
        for other in phrases(phrase):
            while (span := place(other, line)) is not None:
                line = line[: span[0]] + b" \n " + line[span[1] :]
    return place(parts, line) is not None


@cache
def index() -> dict[bytes, list[tuple[Entry, Parts, frozenset[bytes]]]]:
    """The entries by a word that a line must have, with all the words that it must have.

    That word is the one in the fewest phrases, which is a rare word in a log as well.
    """
    every = [
        (entry, parts, frozenset(word for word in b"*".join(parts).split() if b"*" not in word))
        for entry in entries()
        for phrase in entry.text
        for parts in phrases(phrase)
    ]
    often = Counter(word for _, _, needed in every for word in needed)
    by_word: dict[bytes, list[tuple[Entry, Parts, frozenset[bytes]]]] = {}
    for each in every:
        rarest = min(sorted(each[2]), key=lambda word: (often[word], -len(word)))
        by_word.setdefault(rarest, []).append(each)
    return by_word
