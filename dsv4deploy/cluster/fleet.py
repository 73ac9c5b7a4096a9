"""The same thing done to many clusters at once, where one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from ..errors import DeployError

WORKERS = 10
"""Clusters that are worked on at the same time."""

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What became of one target.

    Attributes:
        target: its name.
        done: whether it succeeded.
        message: what was done, or why it failed.
    """

    target: str
    done: bool
    message: str


def each(
    targets: Mapping[str, T], do: Callable[[T], str], tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Does something to every target, some at a time.

    Args:
        targets: by name.
        do: does it to one, and says what it did; it raises DeployError where it failed.
        tell: is told of each outcome as it comes.

    Returns:
        the outcomes, in the targets' order.
    """

    def one(name: str) -> Outcome:
        try:
            return Outcome(name, True, do(targets[name]))
        except DeployError as error:
            return Outcome(name, False, str(error))

    found: dict[str, Outcome] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for future in as_completed([pool.submit(one, name) for name in targets]):
            outcome = future.result()
            found[outcome.target] = outcome
            tell(outcome)
    return [found[name] for name in targets]
