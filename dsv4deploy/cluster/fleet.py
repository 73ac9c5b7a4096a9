"""The same thing done to many clusters at once, where one that fails does not stop the others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from ..errors import DeployError

WORKERS = 10
"""Clusters that are worked on at the same time."""

# Seconds between two looks for a Ctrl-C.
_LOOK = 0.2

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


@dataclass(frozen=True)
class Outcomes:
    """What became of all targets.

    Attributes:
        outcomes: one for each target, in the targets' order.
        interrupted: whether Ctrl-C was pressed.
    """

    outcomes: list[Outcome]
    interrupted: bool


def each(
    targets: Mapping[str, T],
    do: Callable[[T], str],
    tell: Callable[[Outcome], None],
    say: Callable[[str], None],
) -> Outcomes:
    """Does something to every target, some at a time.

    The first Ctrl-C begins no further target and waits for those under way; the second leaves
    them. Both come as outcomes.

    Args:
        targets: by name.
        do: acts on one target, and returns what it did; whatever it raises is that target's
            failure.
        tell: is called with each outcome as it comes.
        say: is called with what Ctrl-C does.
    """
    waiting: SimpleQueue[str] = SimpleQueue()
    ended: SimpleQueue[Outcome] = SimpleQueue()
    begun: set[str] = set()
    for name in targets:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            begun.add(name)
            ended.put(_one(name, targets[name], do))

    found: dict[str, Outcome] = {}
    left, told = set(targets), False
    with _counted() as interrupts:
        # Daemons, which a second Ctrl-C leaves behind.
        for _ in range(min(WORKERS, len(targets))):
            threading.Thread(target=work, daemon=True).start()
        while left and len(interrupts) < 2:
            if interrupts and not told:
                told = True
                left.difference_update(_drained(waiting))
                under_way = ", ".join(name for name in targets if name in left)
                say(
                    f"interrupted: still in progress: {under_way or 'none'}; press Ctrl-C again "
                    "to stop waiting"
                )
            with suppress(Empty):
                outcome = ended.get(timeout=_LOOK)
                found[outcome.target] = outcome
                left.discard(outcome.target)
                tell(outcome)
    for name in targets:
        if name not in found:
            message = "left in progress; see `dsv4deploy status` and `dsv4deploy history`"
            message = message if name in begun else "not started, because of the interruption"
            found[name] = Outcome(name, False, message)
    return Outcomes([found[name] for name in targets], bool(interrupts))


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Each Ctrl-C while the block runs, which interrupts nothing by itself."""
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread()
    if not ours or before is not signal.default_int_handler:
        yield interrupts
        return
    signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _one(name: str, target: T, do: Callable[[T], str]) -> Outcome:
    try:
        return Outcome(name, True, do(target))
    except DeployError as error:
        return Outcome(name, False, str(error))
    except Exception as error:  # the others' outcomes must not be lost to a fault
        message = f"internal error, please report it: {type(error).__name__}: {error}"
        return Outcome(name, False, message)


def _drained(waiting: SimpleQueue[str]) -> list[str]:
    """Takes all remaining items from a queue."""
    names = []
    while True:
        try:
            names.append(waiting.get_nowait())
        except Empty:
            return names
