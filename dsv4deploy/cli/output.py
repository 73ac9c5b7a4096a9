"""What a user sees: tables and JSON on stdout, messages and progress bars on stderr, files."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DeployError

if TYPE_CHECKING:
    from ..cluster.readiness import Progress


def say(message: str) -> None:
    """A message, on stderr."""
    click.echo(message, err=True)


def print_json(data: Any) -> None:
    """Data as JSON, on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(
    header: Iterable[str], rows: Iterable[Iterable[Any]], widths: Iterable[int]
) -> None:
    """A table on stdout; widths are in characters, and longer cells are wrapped."""
    from tabulate import tabulate

    table = tabulate(
        [list(map(str, row)) for row in rows],
        headers=list(header),
        tablefmt="plain",
        maxcolwidths=list(widths),
        disable_numparse=True,
    )
    click.echo(table)


def confirmed(question: str) -> bool:
    """Asks on stderr; whether the answer is yes. Ctrl-C is a no.

    Raises:
        DeployError: nobody can answer.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            return False
        raise DeployError("no terminal to ask on: give --yes") from None


@contextmanager
def waiting_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr; where that is no terminal, a line a phase."""
    with click.progressbar(length=100, file=sys.stderr, label="waiting", width=30) as bar:
        told = ""

        def tell(now: Progress) -> None:
            nonlocal told
            bar.label = now.phase
            bar.update(max(0, round(now.done * 100) - bar.pos))
            if now.message != told and not sys.stderr.isatty():
                say(f"{now.phase}: {now.message}")
            told = now.message

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


def write_files(texts: dict[Path, str]) -> None:
    """Writes all files or none; a failure leaves what was there before.

    The target of a link is written, and the link stays. A device or a pipe is written to.

    Raises:
        DeployError: a file can't be written; the message names it.
    """
    import tempfile  # a render to stdout does without it

    pending: list[tuple[Path, Path, Path]] = []
    path = Path()
    try:
        streams = [path for path in texts if path.exists() and not path.is_file()]
        for path in (path for path in texts if path not in streams):
            target = Path(os.path.realpath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            pending.append((Path(name), target, path))
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(texts[path])
            Path(name).chmod(0o644)
        for path in streams:
            path.write_text(texts[path], encoding="utf-8")
        while pending:
            whole, target, path = pending[0]
            whole.replace(target)
            pending.pop(0)
    except OSError as error:
        raise DeployError(f"{path}: can't write: {error.strerror}") from None
    finally:
        for whole, *_ in pending:
            with suppress(OSError):
                whole.unlink()
