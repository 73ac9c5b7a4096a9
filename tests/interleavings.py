"""All interleavings of runs at the granularity of API calls, with a fault at every call.

A run is a function of the answers that it has got, so it needs no thread: it is executed again from
its beginning with these, until it asks for one more. What it has got is a node of a tree, which is
executed once, however many interleavings pass it. A state of the walk is the API server's state and
each run's node; no state is walked twice.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from fake_api import FakeCluster, RefusedError, State, parsed, respond

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.lease import DURATION, Clock
from dsv4deploy.cluster.refusals import explained
from dsv4deploy.errors import ClusterError, DeployError, InterruptionError

Tree = dict[str, Any]
Program = Callable[[Cluster, Clock, Callable[[Any], bool]], str]
"""A run: it gets a cluster, a clock, and what asks somebody; it returns what it says."""

LEASE = "/apis/coordination.k8s.io/v1/namespaces/demo/leases/dsv4deploy.chat"
FAULTS = ("kill", "Ctrl-C", "Ctrl-C after", "lost before", "lost after", "failed after", "stall")


class _Parked(BaseException):
    """A run waits for an answer."""


@dataclass(frozen=True)
class Call:
    """What a run waits for: an answer of the API server, of a clock, or of somebody.

    Attributes:
        kind: ``api``, ``sleep`` or ``ask``.
        request: method, path, query and body, of an API call.
        guarded: whether it is a write that asks the Lease first.
    """

    kind: str
    request: tuple[str, str, dict[str, str], Any] = ("", "", {}, None)
    guarded: bool = False


@dataclass(frozen=True)
class Said:
    """How a run has ended: what it said, and the reason of its error, ``""`` where it is done."""

    text: str
    reason: str = ""


@dataclass(eq=False)
class Node:
    """A run after the answers that it has got; ``next`` is what it waits for, or how it ended."""

    program: Program
    name: str
    answers: tuple[tuple[Any, float], ...] = ()
    children: dict[Any, Node] = field(default_factory=dict)
    next: Call | Said | None = None

    def after(self, answer: Any, now: float) -> Node:
        """The run with one answer more."""
        told = answer.args if isinstance(answer, BaseException) else answer
        key = (type(answer), json.dumps(told, sort_keys=True), now)
        if key not in self.children:
            self.children[key] = Node(self.program, self.name, (*self.answers, (answer, now)))
        return self.children[key]

    def run(self) -> Call | Said:
        """What it waits for next, or how it has ended."""
        if self.next is None:
            self.next = _execute(self)
        return self.next


class _Replay(FakeCluster):
    """A cluster that gives a run the answers of a node, and then parks it."""

    def __init__(self, node: Node) -> None:
        super().__init__({})
        self._left = iter(node.answers)
        self._box: dict[str, Any] = {"now": 0.0, "call": None}

    def take(self, call: Call) -> Any:
        """The next answer; without one, the run is parked at the call."""
        if self._box["call"]:  # it is being unwound
            raise _Parked
        answer, self._box["now"] = next(self._left, (_Parked(), 0.0))
        if isinstance(answer, _Parked):
            self._box["call"] = call
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _once(self, method: str, path: str, query: Any, body: Any) -> Any:
        return self.take(Call("api", (method, path, dict(query), body), "timeout" in query))


@cache
def begun(program: Program, name: str) -> Node:
    """A run that has got no answer yet: what one walk executes of it, no other walk does again."""
    return Node(program, name)


def _execute(node: Node) -> Call | Said:
    cluster = _Replay(node)
    box = cluster._box
    clock = Clock(
        seconds=lambda: box["now"],
        sleep=lambda _: cluster.take(Call("sleep")),
        repeated=lambda *_: nullcontext(),
        identity=lambda: node.name,
    )
    try:
        return Said(node.program(cluster, clock, lambda _: cluster.take(Call("ask"))))
    except _Parked:
        call: Call = box["call"]
        return call
    except InterruptionError as error:
        return Said(str(error), "Interrupted")
    except ClusterError as error:
        return Said(str(error), error.reason)
    except DeployError as error:
        return Said(str(error), "DeployError")


@dataclass(frozen=True)
class Run:
    """A run within a state: its node, its clock, and what befell it.

    Attributes:
        node: what it has got.
        now: the seconds on its clock.
        dead: whether it was killed.
        cut: whether its pending write can't come into force any more.
    """

    node: Node
    now: float = 0.0
    dead: bool = False
    cut: bool = False

    @property
    def next(self) -> Call | Said:
        """What it waits for, or how it has ended."""
        return self.node.run()

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return not self.dead and isinstance(self.next, Call)

    @property
    def key(self) -> Any:
        """What matters of it: of a run that goes on no more, only what it said."""
        if self.dead:
            return "dead"
        return (self.node, self.now, self.cut) if self.live else self.next

    def got(self, answer: Any) -> Run:
        """The run with an answer."""
        return Run(self.node.after(answer, self.now), self.now)


@dataclass(frozen=True)
class Point:
    """A state of the walk.

    Attributes:
        api: the API server's state.
        runs: each run's.
        faults: how many faults may follow.
        switches: how often a run may still be overtaken that could go on itself.
        last: the run that has made the last step.
    """

    api: State
    runs: tuple[Run, ...]
    faults: int
    switches: float = math.inf
    last: int = 0

    @property
    def key(self) -> Any:
        """What makes it this state and no other."""
        runs = tuple(run.key for run in self.runs)
        turn = () if self.switches == math.inf else (self.switches, self.last)
        return frozenset(self.api.items()), runs, self.faults, turn

    def overtakes(self, number: int) -> bool:
        """Whether a step of a run overtakes another that could go on itself."""
        last = self.runs[self.last]
        return number != self.last and last.live and last.next != Call("sleep")


def walk(
    start: Point, ended: Callable[[Point], None], seen: set[Any], check: Callable[[Point], None]
) -> None:
    """Walks every state that can be reached.

    Args:
        start: where.
        ended: is called with each state in which no run goes on.
        seen: the states that were walked; those of this walk are added.
        check: is called with each state.
    """
    left = [start]
    while left:
        point = left.pop()
        if point.key in seen:
            continue
        seen.add(point.key)
        check(point)
        following = _following(point)
        if not following:
            ended(point)
        left += following


def sample(start: Point, rng: random.Random) -> tuple[Point, int]:
    """Walks one way to its end, with a fault now and then.

    Returns:
        the end, and how many steps lead there.
    """
    point, steps = start, 0
    while True:
        good = _following(replace(point, faults=0))
        if not good:
            return point, steps
        bad = _following(point)[len(good) :] if rng.random() < 0.05 else []
        point = replace(rng.choice(bad or good), faults=point.faults - bool(bad))
        steps += 1


def _following(point: Point) -> list[Point]:
    """The states after one step: first those without a fault."""
    turns = [
        (number, call)
        for number, run in enumerate(point.runs)
        if isinstance(call := run.next, Call) and not run.dead
        if point.switches or not point.overtakes(number)
    ]
    good = [each for turn in turns for each in _step(point, *turn)]
    bad = [each for turn in turns for each in _faults(point, *turn)] if point.faults else []
    return good + bad


def _with(point: Point, number: int, run: Run, api: State | None = None, faults: int = 0) -> Point:
    runs = (*point.runs[:number], run, *point.runs[number + 1 :])
    return Point(
        point.api if api is None else api,
        runs,
        point.faults - faults,
        point.switches - point.overtakes(number),
        number,
    )


def _answer(api: State, call: Call) -> tuple[State, Any]:
    method, path, query, body = call.request
    try:
        return respond(api, method, path, query, body)
    except RefusedError as refusal:
        text = json.dumps(refusal.status)
        return api, explained(refusal.code, "", text, f"{method} {path}")


def _lost() -> ClusterError:
    return ClusterError("cannot reach the API server", "Unreachable")


def _step(point: Point, number: int, call: Call) -> Iterator[Point]:
    """What happens without a fault."""
    run = point.runs[number]
    if call.kind == "ask":
        yield _with(point, number, run.got(True))
    elif call.kind == "sleep":
        yield _slept(point, number)
    elif run.cut:
        yield _with(point, number, run.got(_lost()))
    else:
        api, answer = _answer(point.api, call)
        yield _with(point, number, run.got(answer), api)


def _holder(api: State) -> str:
    """Who holds the Lease; ``""`` where nobody does."""
    return str(parsed(api[LEASE])["spec"]["holderIdentity"]) if LEASE in api else ""


def _slept(point: Point, number: int) -> Point:
    """A run has waited for longer than a Lease lasts; a holder that lives has renewed it."""
    run = point.runs[number]
    awake = Run(run.node.after(None, run.now + DURATION), run.now + DURATION)
    api = point.api
    if any(each.node.name == _holder(api) and each.live for each in point.runs):
        lease = parsed(api[LEASE])
        api, _ = respond(api, "PUT", LEASE, {"fieldManager": "dsv4deploy"}, lease | {"renewed": 0})
    return _with(point, number, awake, api)


def _faults(point: Point, number: int, call: Call) -> Iterator[Point]:
    run = point.runs[number]
    yield _with(point, number, Run(run.node, run.now, dead=True), faults=1)
    yield _with(point, number, run.got(KeyboardInterrupt()), faults=1)
    if call.kind == "ask":
        yield _with(point, number, run.got(False), faults=1)
    if call.kind != "api" or run.cut:
        return
    yield _with(point, number, run.got(_lost()), faults=1)
    method, _, query, _ = call.request
    if method != "GET" and "dryRun" not in query:
        api, answer = _answer(point.api, call)
        if not isinstance(answer, BaseException):
            failed = ClusterError("the API server failed", "ServerError")
            for lost in (KeyboardInterrupt(), _lost(), failed):
                yield _with(point, number, run.got(lost), api, faults=1)
        yield from _stalled(point, number, call)


def _stalled(point: Point, number: int, call: Call) -> Iterator[Point]:
    """The holder of the Lease sleeps before a write; another waits, and takes the Lease over.

    To sleep before a read comes to the same: before the next write the Lease is asked for.
    """
    run = point.runs[number]
    if (
        LEASE not in point.api
        or parsed(point.api[LEASE])["spec"]["holderIdentity"] != run.node.name
    ):
        return
    for other, waiting in enumerate(point.runs):
        if other == number or not waiting.live or waiting.next != Call("sleep"):
            continue
        late = waiting.now + DURATION
        asleep = Run(run.node, run.now + DURATION, cut=call.guarded)
        stalled = _with(point, number, asleep, faults=1)
        yield _with(stalled, other, Run(waiting.node.after(None, late), late))
