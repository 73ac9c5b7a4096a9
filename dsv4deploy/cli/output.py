"""What a user sees: tables and JSON on stdout, messages and progress bars on stderr.

Every verb prints through this module. Text of servers, logs and files reaches the terminal without
control characters, which a terminal would obey.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DeployError

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
    click.echo(printable(message), err=True)


def print_text(text: object) -> None:
    """A result, on stdout."""
    click.echo(printable(text))


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
    header: Iterable[str], rows: Iterable[Iterable[Any]], widths: Iterable[int]
) -> None:
    """A table on stdout; widths are in characters, and longer cells are wrapped."""
    from tabulate import tabulate

    table = tabulate(
        [list(map(printable, row)) for row in rows],
        headers=list(header),
        tablefmt="plain",
        maxcolwidths=list(widths),
        disable_numparse=True,
    )
    print_text(table)


def confirmed(question: str) -> bool:
    """Asks on stderr; whether the answer is yes. Ctrl-C is a no.

    Raises:
        DeployError: nobody can answer.
    """
    try:
        return click.confirm(printable(question), err=True)
    except click.Abort:
        if sys.stdin.isatty():
            return False
        raise DeployError("no terminal to ask on: give --yes") from None


@contextmanager
def waiting_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr; where that is no terminal, each message once a phase."""
    with click.progressbar(length=100, file=sys.stderr, label="waiting", width=30) as bar:
        phase, told = "", set[str]()

        def tell(now: Progress) -> None:
            nonlocal phase
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
    """Prints a secret, or writes it to a new file that nobody else may read; all of it, or fails.

    Args:
        secret: one line.
        file: which file; None is stdout.

    Raises:
        DeployError: it could not be handed out.
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
            f"{file or 'stdout'}: can't write the key: {error.strerror}: nothing has been changed"
        ) from None
