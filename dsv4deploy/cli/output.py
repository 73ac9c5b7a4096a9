"""What a user sees: tables and JSON on stdout, messages and progress bars on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
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
