"""What is known of a log, and where it went wrong first where nothing is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import log
from .entries import Entry, found, index, words

_LONGEST = 20_000
"""The bytes of a line that are searched: a longer one holds a request's body or a dump."""

_MOST = 5
"""How many beginnings are shown."""

_BLOCK = 120
"""How many lines a traceback may have."""

_ERROR = re.compile(
    rb"""Traceback\ \(most\ recent\ call\ last\) | ^\W*(?:panic|fatal\ error|[Ee]rror):\s
       | ^terminate\ called | ^Fatal\ Python | Segmentation\ fault | \[Error\]: """,
    re.VERBOSE,
)
"""An error in a line without a level."""

_EXCEPTION = re.compile(
    rb"(?:^|[\]:]\s*|\s{2})(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b(?::|\s*$)"
)
"""The line of an exception, which ends a traceback."""

_SIGNS = (b"rror", b"xception", b"panic", b"traceback", b"fatal", b"critical", b"terminate called")


@dataclass(frozen=True)
class Known:
    """A known error in a log.

    Attributes:
        entry: what is known.
        line: the first line that it is found in; several lines where it is in none of them alone.
        number: of the first of these lines, from 1.
    """

    entry: Entry
    line: str
    number: int


@dataclass(frozen=True)
class Beginning:
    """The first error of a process, of which nothing is known.

    Attributes:
        process: the prefix of its lines; ``""`` where they have none.
        lines: its first line, and the exception that it ends with, each as in the log.
        number: of the first line, from 1.
        others: how many processes begin in the same way.
    """

    process: str
    lines: tuple[str, ...]
    number: int
    others: int = 0


def explain(data: bytes) -> tuple[list[Known], list[Beginning]]:
    """What is known of a message or a log, and where it begins to go wrong.

    Args:
        data: text in UTF-8 or UTF-16. The level of a single line does not count: a user who asks
            about one line wants to know what it means.

    Returns:
        the known errors, those nearest to the root first, and the first unknown error of each
        process, in the order of the text.
    """
    text = log.unwrapped(data)
    alone = sum(1 for line in text.lines if line.strip()) == 1
    known: dict[str, tuple[tuple[int, bool, int], Known]] = {}
    starts: dict[str, int] = {}
    # One translation of the whole text is much faster than one for each line.
    for at, listed in enumerate(words(b"\n".join(text.lines)).split(b"\n")):
        if not _possible(listed) <= known.keys() or len(text.parts(at)) > 1:
            level = log.level(text.lines[at][:_LONGEST])
            for each in _known(text, at) if alone or level != "info" else ():
                rank = (each.entry.distance, level == "warning", at)
                known.setdefault(each.entry.code, (rank, each))
        if any(sign in listed for sign in _SIGNS):
            line = text.lines[at][:_LONGEST]
            process = log.process(line)
            if process not in starts and _fails(line):
                starts[process] = at
    beginnings = [_beginning(text, process, at) for process, at in starts.items()]
    return (
        [each for _, each in sorted(known.values(), key=lambda pair: pair[0])],
        _merged([each for each in beginnings if each]),
    )


def _possible(line: bytes) -> set[str]:
    """The codes of the entries of which a line has every word, in whatever order."""
    listed = line.split()
    if index().keys().isdisjoint(listed):
        return set()
    has = set(listed)
    return {
        entry.code
        for word in index().keys() & has
        for entry, _, needed in index()[word]
        if needed <= has
    }


def _known(text: log.Text, at: int) -> Iterator[Known]:
    """What is known of an unwrapped line, with the original lines that it is found in."""
    parts = text.parts(at)
    # If the lines were not wrapped, the last word of one and the first of the next are two words.
    for entry in _entries(text.lines[at][:_LONGEST]) or _entries(b" ".join(parts)[:_LONGEST]):
        alone = [row for row, part in enumerate(parts) if parts[1:] and entry in _entries(part)]
        shown = parts[alone[0] : alone[0] + 1] if alone else parts
        yield Known(entry, _shown(shown), text.numbers[at] + (alone[0] if alone else 0))


def _entries(text: bytes) -> list[Entry]:
    """The entries that a line matches; of those, the nearest to the root."""
    listed = words(log.without_body(text)).split()
    line = b" " + b" ".join(listed) + b" "
    near = [each for word in dict.fromkeys(listed) for each in index().get(word, ())]
    hits = dict.fromkeys(entry for entry, parts, _ in near if found(entry, parts, line))
    nearest = min((entry.distance for entry in hits), default=0)
    return [entry for entry in hits if entry.distance == nearest]


def _fails(text: bytes) -> bool:
    level = log.level(text)
    if level in ("info", "warning"):
        return False
    return level == "error" or bool(_ERROR.search(text) or _EXCEPTION.search(text))


def _beginning(text: log.Text, process: str, first: int) -> Beginning | None:
    """The first error of a process; None where it is a known one."""
    last = first
    for at, line in enumerate(text.lines[first : first + _BLOCK], first):
        if log.process(line) not in (process, ""):
            continue
        if any(entry.distance == 0 for entry in _entries(line)):
            return None
        if _EXCEPTION.search(line):
            last = at
            break
    if _entries(text.lines[last]):
        return None
    shown = dict.fromkeys(_shown(text.parts(at)) for at in (first, last))
    return Beginning(process, tuple(shown), text.numbers[first])


def _merged(beginnings: list[Beginning]) -> list[Beginning]:
    """One of those that differ in their process, addresses and times only."""
    alike: dict[str, list[Beginning]] = {}
    for each in beginnings:
        text = each.lines[-1].removeprefix(each.process)
        alike.setdefault(re.sub(r"\d+", "", text), []).append(each)
    return [
        Beginning(same[0].process, same[0].lines, same[0].number, len(same) - 1)
        for same in list(alike.values())[:_MOST]
    ]


def _shown(lines: list[bytes]) -> str:
    """Lines as they are in a log; a very long one up to what is searched of it."""
    return b"\n".join(line[:_LONGEST] for line in lines).decode("utf-8", "replace").strip()
