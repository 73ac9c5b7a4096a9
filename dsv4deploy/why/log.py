"""The lines of a log: their encoding, wrapping, level and process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")

_NARROW = 240
"""The width in characters from which on a text counts as not wrapped."""

_HEAD = rb"""
    \s* (?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)\s+)?      # kubectl logs --timestamps
    (?P<process> (?: \[pod/[^\]]+\]\s* | \([\w-]+[^()]*\bpid=\d+\)\s* | \[rank\d+\]:\s? )* )
"""
_HEADED = re.compile(_HEAD, re.VERBOSE)

_LEVEL = re.compile(
    _HEAD
    + rb"""
    (?: (?:\[?\d{4}[-/]\d\d[-/]\d\d[\sT][\d:,.]+Z?(?:[+-][\d:]+)?\]?(?:\[\d+\])*[\s-]*
           (?:[\w.]+\s-\s)?)?                                 # a date, and a logger's name
        \[?\b(?P<word>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL
               |(?<=\[)(?:trace|debug|info|warn(?:ing)?|error|critical))\b(?=[\s\]:,-])
      | \[?(?P<letter>[DIWEF])\d{3,8}\ [\d:.]+                # klog, glog, c10d
      | (?:\S+\s+)?(?P<event>Normal|Warning)\s+[A-Z]\w+\s     # an event of Kubernetes
      | .{0,400}?(?:"(?:level|severity)"\s*:\s*"|\blevel=)(?P<field>[A-Za-z]+)
    )""",
    re.VERBOSE,
)

_BODY = re.compile(rb"""\\?["'](?:messages|prompt|content|input)\\?["']\s*:|\bprompt:\s*['"]""")
"""Where the words of a user begin in a line."""

_RECORD = re.compile(
    rb"""\s*(?:[\[({<>|*#-]|\d{4}-|\d+[smhd]\s|[IWEF]\d{4}|[A-Z]{4,8}[\s:]|Warning\s|Normal\s
         |Traceback|File\s"|[\w.]+(?:Error|Exception)\b|time=|level=|$)""",
    re.VERBOSE,
)
"""How a line of its own begins: no line before it was wrapped into it."""


@dataclass(frozen=True)
class Text:
    """A text of which some lines may be wrapped.

    Attributes:
        lines: unwrapped. That a line is wrapped is a guess, so users see the original ones.
        numbers: of the first original line of each, from 1.
        original: the lines as they are in the text.
    """

    lines: list[bytes]
    numbers: Sequence[int]
    original: list[bytes]

    def parts(self, index: int) -> list[bytes]:
        """The original lines of an unwrapped one."""
        end = self.numbers[index + 1] - 1 if index + 1 < len(self.numbers) else None
        return self.original[self.numbers[index] - 1 : end]


def unwrapped(data: bytes) -> Text:
    """A text in UTF-8 or UTF-16, without colours, and unwrapped."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    elif data[1:200:2].count(0) > len(data[1:200:2]) // 2:
        data = data.decode("utf-16-le", "replace").encode()
    if b"\x1b" in data:
        data = _COLOUR.sub(b"", data)
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _unwrapped(data.split(b"\n"))


def _unwrapped(physical: list[bytes]) -> Text:
    """Lines of a narrow terminal or mail, put together again."""
    width = max(map(len, physical))
    if width > _NARROW:
        return Text(physical, range(1, len(physical) + 1), physical)
    # A terminal cuts words at its edge; other programs wrap between words, at no common width.
    cut = width % 10 == 0 or sum(len(line) == width for line in physical) > 1
    whole, numbers = physical[:1], [1]
    for number, (before, line) in enumerate(pairwise(physical), 2):
        if not _wraps(before, line, width):
            whole.append(line)
            numbers.append(number)
        elif cut and len(before) == width:
            whole[-1] += line
        else:
            whole[-1] += b" " + line.lstrip()
    return Text(whole, numbers, physical)


def _wraps(before: bytes, line: bytes, width: int) -> bool:
    """Whether a line ended only because the first word of the next one had no room."""
    if width < 40 or len(before) < width // 2 or _RECORD.match(line):
        return False
    return len(before) + 1 + len(line.split(b" ", 1)[0]) > width


def level(line: bytes) -> str:
    """``info``, ``warning`` or ``error``, as in the line itself; ``""`` if it has none."""
    match = _LEVEL.match(line)
    if not match:
        return ""
    word = match["word"] or match["letter"] or match["event"] or match["field"]
    first = word[:1].upper()
    if first in b"EFCP":
        return "error"
    if first == b"W":
        return "warning"
    # The scheduler reports what it can't do at the level of information.
    return "" if b' err="' in line else "info"


def process(line: bytes) -> str:
    """The prefix that names a line's process, such as ``(Worker_TP3 pid=9)``; often ``""``."""
    match = _HEADED.match(line)
    return match["process"].decode("utf-8", "replace").strip() if match else ""


def without_body(line: bytes) -> bytes:
    """A line up to a prompt, a request's body or an answer in it: these are no errors."""
    match = _BODY.search(line)
    return line[: match.start()] if match else line
