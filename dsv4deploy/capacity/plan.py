"""The plan for traffic: the fewest instances of a deployment that meet a goal, and why.

Nothing is measured here. Every figure comes from operating points by simulation, and has the range
of the replications; where points were interpolated, the range is wider by the error of that.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor
from random import Random
from statistics import fmean

from ..errors import DeployError
from ..facts.estimates import Estimate, Provenance
from ..values.tree import Values
from .gateway import GatewaySize, gateway_size
from .points import INTERPOLATION_ERROR, Curve, NotMeasuredError, OperatingPoint, Surface
from .queueing import mean_wait
from .simulation import Phases, Served, simulate
from .traffic import Lengths, Request, poisson, rate_of

PERCENTILES = (50, 95, 99)
_COUNT = 3000  # requests of a replication, and up to five times as many where queues change slowly
_SETTLING = 0.1  # of a replication's requests: they meet empty instances, and are not counted
_REPLICATIONS = 3

_MEASURES: dict[str, Callable[[Served], float]] = {
    "ttft": lambda served: served.ttft,
    "e2e": lambda served: served.e2e,
    "speed": lambda served: served.speed,
    "wait": lambda served: served.wait,
}


@dataclass(frozen=True)
class Goal:
    """What a share of the requests must get.

    Attributes:
        metric: ``ttft`` or ``e2e`` in seconds, or ``speed`` in tokens per second of one user.
        percentile: 50, 95 or 99.
        bound: the most of ``ttft`` and ``e2e``, the least of ``speed``.
    """

    metric: str
    percentile: int
    bound: float

    @classmethod
    def parse(cls, text: str) -> Goal:
        """A goal as a user writes it: ``ttft-p95=10s``, ``e2e-p99=60`` or ``speed-p50=8``.

        Raises:
            ValueError: the text is not of this form.
        """
        found = re.fullmatch(r"(ttft|e2e|speed)-p(50|95|99)=(\d+(?:\.\d+)?)(ms|s)?", text)
        if not found or not float(found[3]) or (found[4] and found[1] == "speed"):
            raise ValueError(
                f"{text!r}: must be ttft, e2e or speed, a percentile of 50, 95 or 99, and a "
                "bound: ttft-p95=10s, e2e-p99=60s or speed-p50=8 (tokens per second of one user)"
            )
        bound = float(found[3]) / (1000 if found[4] == "ms" else 1)
        return cls(found[1], int(found[2]), bound)

    @property
    def name(self) -> str:
        """Of its figure, such as ``ttft-p95``."""
        return f"{self.metric}-p{self.percentile}"

    @property
    def unit(self) -> str:
        """Of its bound."""
        return "tokens/s" if self.metric == "speed" else "s"

    def met(self, figure: Estimate) -> bool:
        """Whether it is met at the worse end of the figure's range."""
        return figure.low >= self.bound if self.metric == "speed" else figure.high <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.metric == "speed" else "≤"
        return f"{self.metric.upper()} p{self.percentile} {sign} {self.bound:g} {self.unit}"


@dataclass(frozen=True)
class Traffic:
    """What is asked of a service.

    Attributes:
        rate: requests per second.
        inputs: lengths of prompts.
        outputs: lengths of answers.
        burst: requests that arrive at the same moment.
        trace: the requests themselves, in the place of the four above; empty without one.
        users: among whom quotas are shared; None where that is not known.
        seed: of what is drawn.
    """

    rate: float
    inputs: Lengths
    outputs: Lengths
    burst: int = 1
    trace: tuple[Request, ...] = ()
    users: int | None = None
    seed: int = 42

    @classmethod
    def of_trace(
        cls, trace: Sequence[Request], *, users: int | None = None, seed: int = 42
    ) -> Traffic:
        """The traffic of a trace."""
        inputs = _observed([request.input_tokens for request in trace])
        outputs = _observed([request.output_tokens for request in trace])
        return cls(rate_of(trace), inputs, outputs, 1, tuple(trace), users, seed)

    def requests(self, replication: int, count: int = _COUNT) -> list[Request]:
        """So many requests of one replication; a trace is the same in all."""
        if self.trace:
            return list(self.trace)
        return poisson(
            self.rate,
            self.inputs,
            self.outputs,
            count=count,
            burst=self.burst,
            seed=self.seed + replication,
        )

    @property
    def tokens(self) -> float:
        """Input and output tokens of a request, on average."""
        return self.inputs.mean + self.outputs.mean


def _observed(tokens: Sequence[int]) -> Lengths:
    counted = sorted(Counter(tokens).items())
    return Lengths(tuple((each, each, float(many)) for each, many in counted))


@dataclass(frozen=True)
class Deployment:
    """One instance of a deployment, and what was measured of it.

    Attributes:
        name: of the profile.
        values: the deployment.
        surface: its operating points.
    """

    name: str
    values: Values
    surface: Surface

    @property
    def sequences(self) -> int:
        """Requests that one instance takes at once: max-num-seqs × data parallel."""
        return self.values.engine.args.max_num_seqs * self.values.parallelism.data

    @property
    def nodes(self) -> int:
        """Nodes of one instance."""
        return self.values.parallelism.data // self.values.parallelism.data_local

    @property
    def npus(self) -> int:
        """NPUs of one instance."""
        return self.values.parallelism.tensor * self.values.parallelism.data


@dataclass(frozen=True)
class Outcome:
    """What traffic gets of so many instances.

    Attributes:
        instances: how many.
        figures: by name: ``ttft-p95`` and so on for TTFT, E2E, wait (s) and speed (tokens/s of one
            user), and ``utilisation`` (busy slots as a part of all).
        kinds: the same of each class of the trace, without utilisation.
        most_requests: in flight and waiting at once, at the most.
        waiting: the share of requests that wait for a slot.
    """

    instances: int
    figures: dict[str, Estimate]
    kinds: dict[str, dict[str, Estimate]]
    most_requests: int
    waiting: float

    def missed(self, goals: Sequence[Goal]) -> list[Goal]:
        """The goals that are not met."""
        return [goal for goal in goals if not goal.met(self.figures[goal.name])]


@dataclass(frozen=True)
class TrafficPlan:
    """The fewest instances of a deployment that meet the goals.

    Attributes:
        deployment: what was planned.
        traffic: for what.
        goals: which goals.
        slots: requests in flight on one instance, of which the plan makes use.
        outcome: with the instances of the plan.
        fewer: what one instance less would do; None where that would not keep up, or there is one.
        bound_by: what determines the number of instances, in a sentence.
        capacity: requests per second that the instances serve at most.
        erlang_wait: the mean wait in seconds by Erlang's formula, if all slots had one queue.
        gateway: the gateway for the streams at once; None if so many were not measured.
        points: the operating points used.
        notes: what to know of the figures, in sentences.
    """

    deployment: Deployment
    traffic: Traffic
    goals: tuple[Goal, ...]
    slots: int
    outcome: Outcome
    fewer: Outcome | None
    bound_by: str
    capacity: float
    erlang_wait: float
    gateway: GatewaySize | None
    points: tuple[OperatingPoint, ...]
    notes: tuple[str, ...]

    @property
    def instances(self) -> int:
        """How many."""
        return self.outcome.instances

    @property
    def nodes(self) -> int:
        """Of all instances."""
        return self.instances * self.deployment.nodes

    @property
    def npus(self) -> int:
        """Of all instances."""
        return self.instances * self.deployment.npus

    @property
    def tokens_per_hour(self) -> int:
        """Input and output tokens that all instances make in an hour of this traffic, at most."""
        return floor(self.capacity * self.traffic.tokens * 3600)

    @property
    def quota(self) -> int | None:
        """Tokens per hour of each user, all users together at most those of all instances."""
        users = self.traffic.users
        return self.tokens_per_hour // users if users else None


def plan_traffic(
    deployment: Deployment,
    traffic: Traffic,
    goals: Sequence[Goal],
    *,
    instances: int | None = None,
) -> TrafficPlan:
    """The fewest instances that meet the goals.

    Args:
        deployment: of what.
        traffic: for what.
        goals: all of them must be met.
        instances: plan with so many, whatever the goals are; None searches.

    Raises:
        NotMeasuredError: the traffic is outside of what was measured.
        DeployError: no number of instances meets the goals, or the given one does not keep up.
    """
    model = _Model.of(deployment, traffic)
    outcome = model.outcome(traffic, instances) if instances else _search(model, traffic, goals)
    chosen = outcome.instances
    fewer = model.outcome(traffic, chosen - 1) if model.keeps_up(traffic, chosen - 1) else None
    service = model.service(model.slots)
    streams = max(outcome.most_requests, chosen * deployment.sequences)
    try:
        gateway = gateway_size(streams)
    except NotMeasuredError:
        gateway = None
    return TrafficPlan(
        deployment=deployment,
        traffic=traffic,
        goals=tuple(goals),
        slots=model.slots,
        outcome=outcome,
        fewer=fewer,
        bound_by=_bound_by(model, outcome, fewer, goals),
        capacity=chosen * model.capacity,
        erlang_wait=mean_wait(chosen * model.slots, traffic.rate, service),
        gateway=gateway,
        points=deployment.surface.points,
        notes=tuple(_notes(model, traffic, outcome)),
    )


def _search(model: _Model, traffic: Traffic, goals: Sequence[Goal]) -> Outcome:
    """The outcome with the fewest instances that meet the goals."""
    stable = floor(traffic.rate / model.capacity) + 1
    for instances in range(1 if traffic.trace else stable, 8 * stable + 9):
        outcome = model.outcome(traffic, instances)
        missed = outcome.missed(goals)
        if not missed:
            return outcome
        if outcome.figures["in-flight"].high <= model.least and not outcome.waiting:
            break
    goal, figure = missed[0], outcome.figures[missed[0].name]
    end = figure.low if goal.metric == "speed" else figure.high
    raise DeployError(
        f"{model.deployment.name}: no number of instances meets {goal}: {instances} instances "
        f"reach {end:.3g} {goal.unit}, and more instances are not faster than the measurement with "
        f"{model.least} requests in flight; relax the goal, or plan with another profile"
    )


@dataclass(frozen=True)
class _Model:
    """A deployment's operating points, made ready for the lengths of some traffic."""

    deployment: Deployment
    slots: int
    curves: dict[int, Curve]
    lengths: tuple[tuple[int, int], ...]
    interpolated: bool
    replications: int

    @classmethod
    def of(cls, deployment: Deployment, traffic: Traffic) -> _Model:
        ends = {end for least, most, _ in traffic.inputs.parts for end in (least, most)}
        for tokens in sorted(ends):
            deployment.surface.curve(tokens)
        replications = 1 if traffic.trace else _REPLICATIONS
        asked = [request for each in range(replications) for request in traffic.requests(each)]
        prompts = {request.input_tokens for request in asked}
        curves = {tokens: deployment.surface.curve(tokens) for tokens in prompts}
        answers = min(request.output_tokens for request in asked)
        shortest = min(point.output_tokens for point in deployment.surface.points)
        if answers < shortest:
            raise NotMeasuredError(
                f"not measured: answers of {answers} tokens; answers shorter than the measured "
                f"{shortest} tokens make the engine spend a larger share of its time on prompts "
                "and generate tokens more slowly; set --output-tokens to a measured length"
            )
        slots = min(deployment.sequences, *(curve.most for curve in curves.values()))
        lengths = tuple((request.input_tokens, request.output_tokens) for request in asked)
        interpolated = any(len(curve.tiers) > 1 for curve in curves.values())
        return cls(deployment, slots, curves, lengths, interpolated, replications)

    @property
    def least(self) -> int:
        """The fewest requests in flight that were measured of every length."""
        return min(curve.tiers[0] for curve in self.curves.values())

    def service(self, in_flight: int) -> float:
        """The mean E2E of the traffic with so many in flight, in seconds."""
        times = {prompt: curve.at(in_flight) for prompt, curve in self.curves.items()}
        return fmean(
            times[prompt].ttft + (answer - 1) * times[prompt].itl for prompt, answer in self.lengths
        )

    @cached_property
    def capacity(self) -> float:
        """Requests per second that one instance serves with all slots busy."""
        return self.slots / self.service(self.slots)

    def keeps_up(self, traffic: Traffic, instances: int) -> bool:
        """Whether a queue does not grow without end; the one of a trace ends with it."""
        return instances > 0 and (bool(traffic.trace) or traffic.rate < instances * self.capacity)

    def outcome(self, traffic: Traffic, instances: int) -> Outcome:
        if not self.keeps_up(traffic, instances):
            least = math.floor(traffic.rate / self.capacity) + 1
            raise DeployError(
                f"{self.deployment.name}: the maximum of {instances} "
                f"{'instance' if instances == 1 else 'instances'} is "
                f"{instances * self.capacity * 60:.3g} requests per minute, but the load is "
                f"{traffic.rate * 60:.3g}; set --instances to {least} or more, or reduce the load"
            )
        runs = []
        idle = 1 - traffic.rate / (instances * self.capacity)
        count = round(_COUNT * min(5.0, max(1.0, 0.25 / idle))) if idle > 0 else _COUNT
        for replication in range(self.replications):
            phases = self._phases(traffic.seed + replication)
            requests = traffic.requests(replication, count)
            runs.append(simulate(requests, phases, instances=instances, slots=self.slots))
        settled = runs if traffic.trace else [run[int(len(run) * _SETTLING) :] for run in runs]
        busy = [_busy(run) / instances for run in runs]
        flat = [served for run in settled for served in run]
        kinds = sorted({served.request.kind for served in flat} - {""})
        return Outcome(
            instances,
            {
                **self._figures(settled),
                "in-flight": self._estimate(busy),
                "utilisation": self._estimate([each / self.slots for each in busy]),
            },
            {
                kind: self._figures(
                    [[each for each in run if each.request.kind == kind] for run in settled]
                )
                for kind in kinds
            },
            max(map(_most_at_once, runs)),
            sum(served.wait > 0 for served in flat) / len(flat),
        )

    def _curve(self, tokens: int) -> Curve:
        if tokens not in self.curves:
            self.curves[tokens] = self.deployment.surface.curve(tokens)
        return self.curves[tokens]

    def _phases(self, seed: int) -> Callable[[Request], Phases]:
        """What each request takes; prompts as unequal as they were measured."""
        random = Random(seed)  # noqa: S311 - no secret
        known: dict[tuple[int, int], Phases] = {}

        def phases(request: Request) -> Phases:
            asked = request.input_tokens, request.output_tokens
            curve = self._curve(request.input_tokens)
            if asked not in known:
                times = [curve.at(number) for number in range(1, self.slots + 1)]
                following = request.output_tokens - 1
                known[asked] = (
                    [each.ttft for each in times],
                    [each.itl * following for each in times],
                )
            prompt, answer = known[asked]
            if len(curve.spread) == 1:
                return prompt, answer
            ratio = random.choice(curve.spread)
            return [seconds * ratio for seconds in prompt], answer

        return phases

    def _figures(self, runs: Sequence[Sequence[Served]]) -> dict[str, Estimate]:
        figures = {}
        for name, measure in _MEASURES.items():
            measured = [sorted(map(measure, run)) for run in runs]
            for percentile in PERCENTILES:
                # Of speeds the slow end is what a user suffers.
                end = 100 - percentile if name == "speed" else percentile
                values = [quantile(ordered, end) for ordered in measured]
                figures[f"{name}-p{percentile}"] = self._estimate(values)
        return figures

    def _estimate(self, replications: Sequence[float]) -> Estimate:
        error = INTERPOLATION_ERROR if self.interpolated else 0.0
        return Estimate(
            min(replications) * (1 - error),
            fmean(replications),
            max(replications) * (1 + error),
            Provenance.DERIVED,
            "simulated from the operating points",
        )


def quantile(ordered: Sequence[float], percentile: int) -> float:
    """The value that this share of samples, in ascending order, do not exceed."""
    return ordered[max(0, ceil(len(ordered) * percentile / 100) - 1)]


def _busy(run: Sequence[Served]) -> float:
    """Slots that are busy, on average, while requests arrive."""
    end = run[-1].arrived
    start = run[0].arrived
    return sum(max(0.0, min(each.ended, end) - each.started) for each in run) / (end - start)


def _most_at_once(run: Sequence[Served]) -> int:
    """The most requests that are in flight or wait at the same moment."""
    changes = sorted([(each.arrived, 1) for each in run] + [(each.ended, -1) for each in run])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _bound_by(model: _Model, outcome: Outcome, fewer: Outcome | None, goals: Sequence[Goal]) -> str:
    limit = (
        f"max-num-seqs × data parallel size: {model.slots} requests in flight per instance"
        if model.slots == model.deployment.sequences
        else f"the measured range: {model.slots} requests in flight per instance; the engine "
        f"accepts {model.deployment.sequences}, which `dsv4deploy bench run --concurrency "
        f"{model.deployment.sequences}` measures"
    )
    if outcome.instances == 1:
        return f"none, because one instance is the minimum ({limit})"
    if fewer is None:
        return f"throughput, because fewer instances cannot keep up with the requests ({limit})"
    missed = fewer.missed(goals)
    if not missed:
        return f"none, because fewer instances also meet the goals ({limit})"
    return f"{missed[0]} ({limit})"


def _notes(model: _Model, traffic: Traffic, outcome: Outcome) -> Iterator[str]:
    points = model.deployment.surface.points
    if outcome.figures["in-flight"].low < model.least:
        yield (
            f"fewer than {model.least} requests in flight were not measured and count as "
            f"{model.least}, so real times are at most these"
        )
    longest = max(point.output_tokens for point in points)
    if max(answer for _, answer in model.lengths) > longest:
        yield (
            f"answers longer than the measured {longest} tokens use the measured time between "
            "tokens; prompts are then a smaller part of the work, so real times are at most these"
        )
    if all(point.spread == (1.0,) for point in points):
        yield (
            "only means were published, so percentiles include waiting and load, but not the "
            "variation of the engine's own times; results of `dsv4deploy bench run` that you pass "
            "with --results include it"
        )
    if model.interpolated:
        yield (
            f"the error of interpolation between measured points is up to "
            f"{INTERPOLATION_ERROR:.1%}, which the ranges include"
        )


def at_loads(made: TrafficPlan, shares: Sequence[float]) -> list[tuple[float, Outcome]]:
    """Requests per second, and what the plan's instances make of them, by one replication each; of
    a trace its mean rate.

    Args:
        made: the plan.
        shares: the loads, as parts of what the instances serve at most; less than 1.
    """
    model = replace(_Model.of(made.deployment, made.traffic), replications=1)
    rates = [share * made.capacity for share in shares]
    return [
        (rate, model.outcome(replace(made.traffic, rate=rate, trace=()), made.instances))
        for rate in rates
    ]


def instances_at_loads(made: TrafficPlan, shares: Sequence[float]) -> list[tuple[float, int]]:
    """Requests per second, and the fewest instances that meet the plan's goals with them, by one
    replication each; with the plan's own load those of the plan.

    Args:
        made: the plan.
        shares: other loads, as parts of the plan's own.
    """
    model = replace(_Model.of(made.deployment, made.traffic), replications=1)
    found = [(made.traffic.rate, made.instances)]
    for share in shares:
        traffic = replace(made.traffic, rate=share * made.traffic.rate, trace=())
        found.append((traffic.rate, _search(model, traffic, made.goals).instances))
    return sorted(found)
