"""The output for users: tables and JSON on stdout, messages and progress bars on stderr.

Every verb prints through this module. Text of servers, logs and files reaches the terminal without
control characters, which a terminal would interpret.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ..errors import DeployError
from ..findings import Finding, Severity
from .suggested import completed

if TYPE_CHECKING:
    from ..cluster.readiness import Progress


# Control characters without tab and line feed; what changes the direction of text; half characters,
# which no encoding writes.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: object) -> str:
    """Text for a terminal, each control character as the ``\\u…`` that JSON writes."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def say(message: object) -> None:
    """A message, on stderr."""
    width = columns_of(sys.stderr)
    lines = [wrapped(line, width, "  ") for line in printable(completed(str(message))).split("\n")]
    click.echo("\n".join(part for line in lines for part in line), err=True)


def print_text(text: object) -> None:
    """A result, on stdout."""
    click.echo(printable(text))


def print_sentence(text: object) -> None:
    """A result whose lines wrap at the terminal's width, on stdout."""
    width = columns_of(sys.stdout)
    for line in printable(completed(str(text))).split("\n"):
        print_text("\n".join(wrapped(line, width, "    " if line.startswith(" ") else "")))


def print_finding(
    finding: Finding, *, notes: Mapping[str, str] | None = None, err: bool = False
) -> None:
    """A finding on lines of its own, with its fix, and with notes such as why it is kept."""
    code = f"[{finding.code}]" if finding.code else ""
    head = printable(f"{finding.severity}{code}")
    place = ": ".join(filter(None, (finding.source, finding.path)))
    text = ": ".join(filter(None, (f"{head} {place}" if place else head, finding.message)))
    below = {"fix": finding.fix, **(notes or {})}
    width = columns_of(sys.stderr if err else sys.stdout)
    lines = wrapped(printable(text), width, "  ")
    for name, note in below.items():
        if note:
            lines += wrapped(f"  {name}: {printable(completed(note))}", width, "    ")
    shown = click.style(head, fg=_COLOURS[finding.severity], bold=True)
    lines[0] = lines[0].replace(head, shown, 1)
    click.echo("\n".join(lines), err=err, color=False if os.environ.get("NO_COLOR") else None)


_COLOURS = {
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.UNKNOWN: "cyan",
    Severity.SKIPPED: "bright_black",
    Severity.OK: "green",
}


def columns_of(stream: IO[str] | None) -> int:
    """The width of a stream's terminal, or COLUMNS; 0 if there is neither."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal():
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream else 0
    except (OSError, ValueError):
        return 0


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A text's lines, broken between words only and never in a command in backquotes.

    Args:
        text: one paragraph.
        width: of a line in columns; 0 is one line.
        indent: what every line but the first begins with.
    """
    if not width:
        return [text]
    # textwrap does not break at a no-break space.
    joined = re.sub(r"`[^`]+`", lambda found: found[0].replace(" ", "\xa0"), text)
    lines = textwrap.wrap(
        joined,
        max(width, 20),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\xa0", " ") for line in lines] or [""]


def print_file(text: str) -> None:
    """The text of a file, such as a manifest, on stdout and unchanged."""
    click.echo(text, nl=False)


def print_json(data: Any) -> None:
    """Data as JSON, on stdout; a number that JSON does not have (NaN, infinity) is null."""
    print_text(json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def print_table(
    header: Sequence[str], rows: Iterable[Iterable[Any]], *, sentences: bool = False
) -> None:
    """A table on stdout, whose cells are never broken.

    Args:
        header: the columns' names.
        rows: their cells.
        sentences: whether the last column holds sentences. They wrap between words where they are
            wider than the terminal: in their column, or below their row where that is narrow.
    """
    from tabulate import tabulate

    lines = [list(map(printable, row)) for row in (header, *rows)]
    width = columns_of(sys.stdout) if sentences else 0
    room = width - sum(max(map(len, cells)) + 2 for cells in [*zip(*lines, strict=True)][:-1])
    below = [line.pop() for line in lines] if width and room < _READABLE else []
    if width and not below:
        for line in lines:
            line[-1] = "\n".join(wrapped(line[-1], room))
    table = tabulate(lines, tablefmt="plain", disable_numparse=True)
    if below:
        pairs = zip(table.splitlines(), below, strict=True)
        parts = [[row, *wrapped(f"  {sentence}", width, "  ")] for row, sentence in pairs]
        table = "\n".join(line for part in parts for line in part)
    print_text(table)


_READABLE = 30
"""How many columns a sentence needs to be readable."""


def confirmed(question: str) -> bool:
    """Asks on stderr, and returns whether the answer is yes. Ctrl-C means no.

    Raises:
        DeployError: there is no terminal.
    """
    try:
        return click.confirm(printable(question), err=True)
    except click.Abort:
        if sys.stdin.isatty():
            return False
        raise DeployError("cannot ask for confirmation without a terminal; pass --yes") from None


@contextmanager
def waiting_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr, from the first message on; without a terminal, one message per
    phase.
    """
    bar: Any = None
    phase, told = "", set[str]()
    with ExitStack() as shown:

        def tell(now: Progress) -> None:
            nonlocal bar, phase
            if bar is None:
                made = click.progressbar(length=100, file=sys.stderr, label="waiting", width=30)
                bar = shown.enter_context(made)
            bar.label = printable(now.phase)
            bar.update(max(0, round(now.done * 100) - bar.pos))
            if now.phase != phase:
                told.clear()
            # Within a phase messages alternate, such as those of an image that can't be pulled.
            if now.message not in told and not sys.stderr.isatty():
                say(f"{now.phase}: {now.message}")
            told.add(now.message)
            phase = now.phase

        yield tell


def hand_out(secret: str, file: Path | None) -> None:
    """Prints a secret, or writes it to a new file that only the user can read.

    Args:
        secret: one line.
        file: which file; None is stdout.

    Raises:
        DeployError: it could not be written.
    """
    try:
        if file:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(f"{secret}\n")
                opened.flush()
                os.fsync(opened.fileno())
        elif sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        else:
            sys.stdout.write(f"{secret}\n")
            sys.stdout.flush()
    except OSError as error:
        if not file:
            # What stdout did not take, Python would try to write once more at its end.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        raise DeployError(
            f"{file or 'stdout'}: cannot write the key: {error.strerror}; nothing has been changed"
        ) from None
