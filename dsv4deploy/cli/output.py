"""What a user sees: tables and JSON on stdout, messages and progress bars on stderr, files."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """Data as JSON, on stdout; a number that JSON does not have (NaN, infinity) is null."""
    click.echo(json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False))


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
        [list(map(str, row)) for row in rows],
        headers=list(header),
        tablefmt="plain",
        maxcolwidths=list(widths),
        disable_numparse=True,
    )
    click.echo(table)


def confirm(question: str) -> None:
    """Asks on stderr, and returns after a yes only.

    Raises:
        click.Abort: the answer is no.
        DeployError: nobody can answer.
    """
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise DeployError("no terminal to ask on: give --yes") from None
    if not agreed:
        raise click.Abort


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
