"""A discrete-event simulation of instances with slots.

A request goes to the instance that has the fewest, waits there until a slot is free, and then
passes through its phases: the prompt, and the answer. How fast a phase passes depends at every
moment on what is in flight on the instance, by the operating points: with n in flight all the time
each phase takes as long as was measured with n in flight.

The loop is our own. A library's event costs as much as a request does here, and the queues at high
utilisation need hundreds of thousands of requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, nan

from .traffic import Request

Phases = tuple[Sequence[float], Sequence[float]]
"""Seconds of the prompt and of the answer, each by the number in flight: entry 0 is of one."""

_DONE = 1e-9  # seconds that are left of a phase that has ended, but for rounding


@dataclass(slots=True)
class Served:
    """What became of a request; times in seconds.

    Attributes:
        request: the request.
        arrived: when it arrived.
        started: when it got a slot.
        first: when its first token came.
        ended: when its last token came.
    """

    request: Request
    arrived: float
    started: float = nan
    first: float = nan
    ended: float = nan

    @property
    def wait(self) -> float:
        """From its arrival to its slot."""
        return self.started - self.arrived

    @property
    def ttft(self) -> float:
        """From its arrival to its first token."""
        return self.first - self.arrived

    @property
    def e2e(self) -> float:
        """From its arrival to its last token."""
        return self.ended - self.arrived

    @property
    def speed(self) -> float:
        """Tokens per second of its answer, after the first token."""
        return (self.request.output_tokens - 1) / (self.ended - self.first)


@dataclass(slots=True)
class _Job:
    served: Served
    phases: Phases
    answering: bool = False
    left: float = 1.0


@dataclass(slots=True)
class _Instance:
    slots: int
    waiting: deque[_Job] = field(default_factory=deque)
    running: list[_Job] = field(default_factory=list)
    since: float = 0.0
    due: float = inf

    def take(self, job: _Job, now: float) -> None:
        """Adds a request that arrives now."""
        self.waiting.append(job)
        if len(self.running) < self.slots:
            self.advance(now)
            self.admit(now)

    def admit(self, now: float) -> None:
        """Gives free slots to those that wait, and computes when the next phase ends."""
        while self.waiting and len(self.running) < self.slots:
            job = self.waiting.popleft()
            job.served.started = now
            self.running.append(job)
        index = len(self.running) - 1
        left = [job.left * job.phases[job.answering][index] for job in self.running]
        self.due = now + min(left, default=inf)

    def advance(self, now: float) -> int:
        """Moves all that is in flight on to now; how many requests ended."""
        passed, index = now - self.since, len(self.running) - 1
        self.since = now
        going: list[_Job] = []
        for job in self.running:
            whole = job.phases[job.answering][index]
            job.left -= passed / whole if whole else 1.0
            if job.left * whole > _DONE:
                going.append(job)
            elif job.answering:
                job.served.ended = now
            else:
                job.served.first = now
                job.answering, job.left = True, 1.0
                going.append(job)
        ended = len(self.running) - len(going)
        self.running = going
        return ended


def simulate(
    requests: Sequence[Request],
    phases: Callable[[Request], Phases],
    *,
    instances: int,
    slots: int,
    places: int | None = None,
    concurrency: int | None = None,
) -> list[Served]:
    """What becomes of requests, in the order of their arrivals.

    Args:
        requests: in the order of their times.
        phases: what each takes.
        instances: how many serve.
        slots: requests in flight on one instance.
        places: how many may wait at one instance; more are rejected and not in the result. None is
        no limit.
        concurrency: a closed loop of so many in flight: each request arrives when one before it
            ends, and its time does not count. None is an open loop.
    """
    fleet = [_Instance(slots) for _ in range(instances)]
    # Beside the instances, for min() and index() of a list are quick.
    dues, loads = [inf] * instances, [0] * instances
    coming = deque(requests)
    found: list[Served] = []
    now, free = 0.0, concurrency or 0
    while True:
        due, arrival = min(dues), inf
        if coming and (concurrency is None or free):
            arrival = coming[0].time if concurrency is None else now
        if arrival == due == inf:
            return found
        if arrival > due:
            index = dues.index(due)
            now = due
            ended = fleet[index].advance(now)
            fleet[index].admit(now)
            loads[index] -= ended
            free += ended
        else:
            now, free = arrival, free - 1
            request = coming.popleft()
            index = loads.index(min(loads))
            if places is not None and loads[index] >= slots + places:
                continue
            found.append(Served(request, now))
            fleet[index].take(_Job(found[-1], phases(request)), now)
            loads[index] += 1
        dues[index] = fleet[index].due
