"""Whether a result is sound, and whether it is what was published.

A closed loop ties its figures together: whoever knows some of them knows the others. A result
whose figures disagree was not measured as it should be, and gets no verdict. The same identities
hold of the published tables, within their rounding; ``docs/benchmark.md`` explains each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean

from ..facts import published
from ..facts.published import Figure, Metric, Row
from .results import Request, Result, Run, Settings

TOLERANCE = 0.10
"""How far a mean may be from its published figure. The published runs through two ingresses differ
by 8 %, in the direction that no gateway explains: less would be finer than their noise."""
EXACT = 0.0025
"""How far two figures may disagree that are one by arithmetic."""
LOST = 0.01
"""The part of a run that may pass between requests, beside its tail."""
TURNAROUND = 0.1
"""Seconds that aiperf may take from an answer to the next request of that place. On two cores with
nothing to spare it took 0.04 to 0.07 on average, else a tenth of that: nothing beside an engine's
15 s, and much beside a simulator's whose time runs ten times as fast."""
INPUT_TOLERANCE = 0.02
"""How far prompts may be from the scenario's length: chat templates add some tokens."""

NAMES = {
    Metric.TTFT: "TTFT",
    Metric.ITL: "ITL",
    Metric.E2E: "E2E",
    Metric.DECODE: "Decode",
    Metric.TPS: "TPS",
}
LATENCIES = (Metric.TTFT, Metric.ITL, Metric.E2E)
"""Metrics of which less is better; of the others more is."""


def amount(metric: Metric, value: float) -> str:
    """A value of a metric with its unit."""
    return number(value, "ms" if metric in LATENCIES else "tokens/s")


def number(value: float, unit: str = "") -> str:
    """A value with three digits or more, and its unit."""
    told = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}"
    return f"{told} {unit}" if unit else told


def percent(part: float, *, signed: bool = False) -> str:
    """A part of one as a percentage."""
    told = f"{abs(part) * 100:.1f} %"
    if not signed or told == "0.0 %":
        return told
    return f"+{told}" if part > 0 else f"−{told}"


# --- whether figures agree ---------------------------------------------------------------------


@dataclass(frozen=True)
class Means:
    """A closed loop's figures.

    Attributes:
        figures: every metric, ms and tokens/s.
        input_tokens: the mean of a request.
        output_tokens: the mean of a request.
        concurrency: requests in flight.
        sequences: requests that wait for no other, or conversations of requests that do.
        rounding: how far each may have been rounded, as a part of its value.
        lost: the part of a request's time that passes before the next one.
    """

    figures: dict[Metric, float]
    input_tokens: float
    output_tokens: float
    concurrency: int
    sequences: int
    rounding: dict[Metric, float] = field(default_factory=dict)
    lost: float = 0.0

    @property
    def tail(self) -> float:
        """The part of the run that may pass while the last sequences end, and places are empty."""
        return _tail(self.concurrency, self.sequences)


def _tail(concurrency: int, sequences: int) -> float:
    """At most: all places but one are empty while the last sequence runs."""
    return (concurrency - 1) / sequences


def _whole(row: Row) -> int:
    """The sequences of a published run: four requests make a conversation."""
    return row.requests // (4 if row.scenario == 2 else 1)


@dataclass(frozen=True)
class Check:
    """One thing that must hold of a result.

    Attributes:
        code: its name.
        title: what must hold.
        found: what is, in words.
        holds: whether it does.
    """

    code: str
    title: str
    found: str
    holds: bool


def identities(means: Means) -> list[Check]:
    """What the figures of one closed loop must be to each other."""
    figures, output = means.figures, means.output_tokens
    e2e = figures[Metric.E2E]
    off = {metric: means.rounding.get(metric, 0.0) for metric in Metric}

    summed = figures[Metric.TTFT] + (output - 1) * figures[Metric.ITL]
    parts = off[Metric.TTFT] * figures[Metric.TTFT]
    parts += off[Metric.ITL] * figures[Metric.ITL] * (output - 1)
    apart = abs(summed - e2e)
    latency = apart <= max(parts + off[Metric.E2E] * e2e, EXACT * e2e)

    low, high = 1 - means.tail - LOST - means.lost, 1 + EXACT
    expected = means.concurrency * (means.input_tokens + output) / e2e * 1000 if e2e else 0.0
    ratio = figures[Metric.TPS] / expected if expected else 0.0
    spare = off[Metric.TPS] + off[Metric.E2E]
    throughput = low - spare <= ratio <= high + spare

    flight = figures[Metric.DECODE] * e2e / 1000 / output if output else 0.0
    part = flight / means.concurrency
    spare = off[Metric.DECODE] + off[Metric.E2E]
    flying = low - spare <= part <= high + spare

    share = figures[Metric.TPS] / figures[Metric.DECODE] if figures[Metric.DECODE] else 0.0
    tokens = (means.input_tokens + output) / output if output else 0.0
    spare = off[Metric.TPS] + off[Metric.DECODE] + EXACT
    same = bool(tokens) and abs(share / tokens - 1) <= spare
    return [
        Check(
            "latency",
            "E2E = TTFT + (OSL − 1) × ITL",
            f"{number(summed)} ms by the sum, and E2E is {number(e2e)} ms",
            bool(e2e) and latency,
        ),
        Check(
            "throughput",
            "TPS = concurrency × (ISL + OSL) / E2E",
            f"{number(figures[Metric.TPS])} tokens/s is {percent(ratio)} of {number(expected)}, "
            f"and with the run's tail {percent(max(low, 0))} to {percent(high)} may be",
            throughput,
        ),
        Check(
            "in-flight",
            "requests in flight = concurrency",
            f"{flight:.2f} in flight by Little's law (decode × E2E / OSL), and "
            f"{max(low, 0) * means.concurrency:.2f} to {high * means.concurrency:.2f} may be",
            flying,
        ),
        Check(
            "tokens",
            "TPS / decode = (ISL + OSL) / OSL",
            f"{share:.1f} by throughput, and {tokens:.1f} by tokens",
            same,
        ),
    ]


# --- whether a result is sound -----------------------------------------------------------------


def checks(result: Result) -> list[Check]:
    """What must hold of a result before its figures mean anything, and whether it does.

    A check of each run fails where it fails in one of them, and tells of that.
    """
    asked = result.settings
    found = [
        Check(
            "runs",
            f"{asked.runs} run{'s' if asked.runs > 1 else ''}",
            f"{len(result.runs)} of {asked.runs} have ended",
            len(result.runs) == asked.runs,
        )
    ]
    if asked.bad_answers is not None:
        held = "; ".join(asked.bad_answers) or "those that were looked at do"
        found.append(Check("garbage", "answers make sense", held, not asked.bad_answers))
    by_code: dict[str, list[tuple[Run, Check]]] = {}
    for run in result.runs:
        for check in _checks_of_run(result, run):
            by_code.setdefault(check.code, []).append((run, check))
    for code, same in by_code.items():
        failed = [(run, check) for run, check in same if not check.holds]
        told = failed or same
        text = f"{told[0][1].found} ({', '.join(run.name for run, _ in told)})"
        if len({check.found for _, check in told}) > 1:
            also = ", ".join(run.name for run, _ in told[1:])
            text = f"{told[0][1].found} ({told[0][0].name}, and much the same in {also})"
        found.append(Check(code, same[0][1].title, text, not failed))
    return found


def _checks_of_run(result: Result, run: Run) -> Iterator[Check]:
    asked, answered = result.settings, run.answered
    count = len(run.requests)
    yield Check(
        "requests",
        f"{asked.requests} requests",
        f"{count} of {asked.requests}" + (", then it was broken off" if run.cancelled else ""),
        count == asked.requests and not run.cancelled,
    )
    failed = max(run.errors, count - len(answered))
    reasons = Counter(request.error for request in run.requests if request.error)
    why = ", ".join(f"{reason} × {times}" for reason, times in reasons.most_common(3))
    yield Check(
        "errors",
        "no errors",
        f"{failed} of {count} requests failed" + (f" ({why})" if why else ""),
        failed == 0,
    )
    wrong = [each.output_tokens for each in answered if each.output_tokens != asked.output_tokens]
    lengths = f"{len(wrong)} of {len(answered)} answers have another length"
    if wrong:
        lengths += f", {_range(wrong)} tokens: were ignore_eos and min_tokens sent?"
    yield Check(
        "output-length",
        f"output length {asked.output_tokens}",
        lengths,
        not wrong and run.length_mismatches == 0 and bool(answered),
    )
    scenario = published.scenarios()[asked.scenario]
    yield Check(
        "input-length",
        f"mean input length {scenario.input_tokens:,} ± {percent(INPUT_TOLERANCE)}",
        f"{run.input_tokens:,.0f} tokens",
        abs(run.input_tokens / scenario.input_tokens - 1) <= INPUT_TOLERANCE,
    )
    seconds = run.means[Metric.E2E] / 1000 * asked.time_scale
    lost = TURNAROUND / seconds if seconds else 0.0
    yield from identities(
        Means(
            figures=run.means,
            input_tokens=run.input_tokens,
            output_tokens=run.output_tokens,
            concurrency=asked.concurrency,
            sequences=asked.sequences,
            lost=lost,
        )
    )
    yield from _steady(result, run, lost)
    yield _summary(run, lost)


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _steady(result: Result, run: Run, lost: float) -> Iterator[Check]:
    """In flight until a place finds nothing left to start: here no tail has to be allowed."""
    asked = result.settings
    sequences: dict[str, list[Request]] = {}
    for index, request in enumerate(run.requests):
        name = request.conversation if asked.scenario == 2 else str(index)
        sequences.setdefault(name, []).append(request)
    last = max((each[0].start for each in sequences.values()), default=0.0)
    ends = (max(request.end for request in each) for each in sequences.values())
    end = min((each for each in ends if each >= last), default=0.0)
    if not end:
        return
    busy = sum(min(each.end, end) - each.start for each in run.requests if each.start < end)
    low = asked.concurrency * (1 - 2 * LOST - lost)
    high = asked.concurrency * (1 + EXACT)
    yield Check(
        "steady",
        "concurrency held until a place is left empty",
        f"{busy / end:.2f} in flight on average, and {low:.2f} to {high:.2f} may be",
        low <= busy / end <= high,
    )


def _summary(run: Run, lost: float) -> Check:
    """The summary that aiperf made, against its own records."""
    span, answered = run.span, run.answered
    if not answered or not span:
        return Check("summary", "the summary agrees with the records", "no record", False)
    out = sum(each.output_tokens for each in answered)
    both = out + sum(each.input_tokens for each in answered)
    recorded = {
        Metric.TTFT: fmean(each.ttft for each in answered),
        Metric.ITL: fmean(each.itl for each in answered),
        Metric.E2E: fmean(each.e2e for each in answered),
        Metric.DECODE: out / span,
        Metric.TPS: both / span,
    }
    apart = {
        metric: abs(run.means[metric] / value - 1) if value else float(run.means[metric] != 0)
        for metric, value in recorded.items()
    }
    worst = max(apart, key=lambda metric: apart[metric])
    return Check(
        "summary",
        "the summary agrees with the records",
        f"{NAMES[worst]} is {amount(worst, run.means[worst])}, and by the records "
        f"{amount(worst, recorded[worst])}",
        apart[worst] <= EXACT,
    )


# --- whether it is what was published ----------------------------------------------------------


class Outcome(StrEnum):
    """What can be said of a result."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NO_VERDICT = "no verdict"
    """The run is not sound."""
    UNPUBLISHED = "nothing to compare with"
    """The run is sound, and nothing was published for it."""


@dataclass(frozen=True)
class Verdict:
    """What can be said, and why.

    Attributes:
        outcome: in one word.
        reasons: why; empty where it is reproduced.
        simulated: whether a simulator answered, and not an engine.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    simulated: bool

    @property
    def sentence(self) -> str:
        """The verdict without its label of a simulator."""
        because = "; ".join(self.reasons)
        if self.outcome == Outcome.NOT_REPRODUCED:
            return f"not reproduced, because {because}"
        if self.outcome == Outcome.NO_VERDICT:
            return f"not reproduced, because the run is not sound and gets no verdict: {because}"
        return f"{self.outcome}: {because}" if because else str(self.outcome)

    def __str__(self) -> str:
        return f"SIMULATOR: {self.sentence}" if self.simulated else self.sentence


@dataclass(frozen=True)
class Comparison:
    """A metric over the runs, and beside its published figure.

    Attributes:
        metric: which.
        values: its mean in each run, ms or tokens/s.
        published: None where it was not published.
        tail: the part of the throughput that the tail of a run with fewer requests than were
            published may cost beyond theirs; 0 for latencies.
    """

    metric: Metric
    values: tuple[float, ...]
    published: Figure | None
    tail: float

    @property
    def mean(self) -> float:
        """Over the runs."""
        return fmean(self.values)

    @property
    def name(self) -> str:
        """The metric's name."""
        return NAMES[self.metric]

    @property
    def spread(self) -> float:
        """Between the least and the most of the runs."""
        return max(self.values) - min(self.values)

    @property
    def deviation(self) -> float:
        """From the published figure, as a part of it; 0 where none was published."""
        return self.mean / self.published.value - 1 if self.published else 0.0

    @property
    def slower(self) -> bool:
        """Whether the deviation is to the worse."""
        return (self.deviation > 0) == (self.metric in LATENCIES)

    @property
    def allowed(self) -> tuple[float, float]:
        """The least and the most that the deviation may be, as parts of the published figure."""
        figure = self.published
        tolerance = TOLERANCE + (figure.rounding / figure.value if figure else 0.0)
        return -tolerance - self.tail, tolerance

    @property
    def within(self) -> bool:
        """Whether the deviation is allowed."""
        low, high = self.allowed
        return low <= self.deviation <= high


@dataclass(frozen=True)
class Judged:
    """A result with all that is said of it.

    Attributes:
        result: what was measured.
        row: what it is held against; None where nothing was published.
        checks: what must hold of it.
        comparisons: its metrics; empty where no run has ended.
        verdict: the conclusion.
        hints: what else to know about it.
    """

    result: Result
    row: Row | None
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    hints: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether its figures mean anything."""
        return all(check.holds for check in self.checks)

    @property
    def means(self) -> dict[Metric, float]:
        """Each metric's mean over the runs."""
        return {each.metric: each.mean for each in self.comparisons}

    @property
    def answered(self) -> bool:
        """Whether any request was."""
        return any(run.answered for run in self.result.runs)

    @property
    def ingress(self) -> str:
        """The ingress by its name."""
        return INGRESSES[self.result.settings.ingress]

    @property
    def label(self) -> str:
        """What was measured, in a few words."""
        asked = self.result.settings
        title = published.scenarios()[asked.scenario].title
        return f"Scenario {title}, {self.ingress}, concurrency {asked.concurrency}"


INGRESSES = {"kserve": "KServe", "maas": "MaaS", "direct": "direct"}


def judge(result: Result) -> Judged:
    """Whether a result is sound, and what was published."""
    asked = result.settings
    ingress = published.compared_with(asked.ingress)
    row = published.row(asked.profile, asked.scenario, ingress, asked.concurrency)
    figures = row.figures if row else {}
    compared = tuple(
        Comparison(
            metric,
            result.values(metric),
            figures.get(metric),
            0.0 if metric in LATENCIES else _longer_tail(result, row),
        )
        for metric in Metric
        if result.runs
    )
    made = tuple(checks(result))
    return Judged(
        result,
        row,
        made,
        compared,
        _verdict(result, row, made, compared),
        tuple(_hints(result, row)),
    )


def _longer_tail(result: Result, row: Row | None) -> float:
    """What a run's tail may cost beyond that of the published one, as a part of the throughput."""
    asked = result.settings
    if row is None:
        return 0.0
    return max(0.0, _tail(asked.concurrency, asked.sequences) - _tail(row.concurrency, _whole(row)))


def _verdict(
    result: Result, row: Row | None, made: Iterable[Check], compared: Iterable[Comparison]
) -> Verdict:
    simulated = result.settings.simulator is not None
    unsound = tuple(f"{check.title}: {check.found}" for check in made if not check.holds)
    if unsound:
        return Verdict(Outcome.NO_VERDICT, unsound, simulated)
    if row is None:
        asked = result.settings
        reason = (
            f"no figure was published for {asked.profile or 'a deployment without a profile'} in "
            f"scenario {asked.scenario} through {asked.ingress} at concurrency {asked.concurrency}"
        )
        return Verdict(Outcome.UNPUBLISHED, (reason,), simulated)
    # What is slower comes first; what is faster is no reproduction either, and may mean that
    # prompts were found in a cache.
    apart = sorted((each for each in compared if not each.within), key=lambda each: not each.slower)
    outcome = Outcome.NOT_REPRODUCED if apart else Outcome.REPRODUCED
    reasons = (_apart(each, row.figures[each.metric]) for each in apart)
    return Verdict(outcome, tuple(reasons), simulated)


def _apart(told: Comparison, figure: Figure) -> str:
    way = "above" if told.deviation > 0 else "below"
    return (
        f"{told.name} is {percent(abs(told.deviation))} {way} the published {figure.text} "
        f"({'slower' if told.slower else 'faster'})"
    )


def _hints(result: Result, row: Row | None) -> Iterator[str]:
    asked = result.settings
    if asked.at_once < asked.concurrency:
        yield (
            f"Saturated: the engine takes {asked.at_once} requests at once (max-num-seqs "
            f"{asked.max_num_seqs} × {asked.data_parallel} data parallel × {asked.replicas} "
            f"replicas), and {asked.concurrency - asked.at_once} of {asked.concurrency} wait: TTFT "
            "is queueing, and more concurrency brings no throughput."
        )
    if row and asked.ingress == "direct":
        yield "Held against KServe's row: nothing was published without a gateway."
    if row and row.note:
        yield f"The published row was {row.note}."
    if len(result.runs) == 1:
        yield "One run has no spread: `bench run --runs 3` goes on with two more."
    if row and asked.requests < row.requests:
        yield (
            f"Reduced: {asked.requests} requests a run, where {row.requests} were published. Its "
            f"tail weighs more: throughput may be {percent(_longer_tail(result, row))} lower for "
            "that alone, which is allowed for."
        )


# --- one result beside another -----------------------------------------------------------------


@dataclass(frozen=True)
class Overhead:
    """What MaaS adds to KServe, in otherwise equal results.

    Attributes:
        kserve: the result through KServe's own ingress.
        maas: the result through the MaaS gateway.
    """

    kserve: Judged
    maas: Judged

    @property
    def measurable(self) -> tuple[str, ...]:
        """The metrics whose difference is above the spread between runs, in words."""
        return tuple(
            f"{NAMES[one.metric]} is {percent(abs(other.mean / one.mean - 1))} "
            f"{'higher' if other.mean > one.mean else 'lower'} through MaaS "
            f"({amount(one.metric, one.mean)} and {amount(one.metric, other.mean)})"
            for one, other in zip(self.kserve.comparisons, self.maas.comparisons, strict=True)
            if one.mean and abs(other.mean - one.mean) > max(one.spread, other.spread)
        )

    @property
    def sentence(self) -> str:
        """What can be said."""
        if not (self.kserve.sound and self.maas.sound):
            return "Nothing can be said: one of the two is not sound."
        if min(len(self.kserve.result.runs), len(self.maas.result.runs)) < 2:
            return "Nothing can be said: one run has no spread to hold a difference against."
        if not self.measurable:
            return "No measurable overhead: every difference is below the spread between runs."
        return "; ".join(self.measurable) + "."


def _alike(asked: Settings) -> tuple[object, ...]:
    """What results must have in common to stand beside each other."""
    served = (asked.profile, asked.image, asked.model, asked.simulator)
    return (*served, asked.scenario, asked.requests)


def overheads(judged: Iterable[Judged]) -> list[Overhead]:
    """KServe beside MaaS, wherever both were measured alike."""
    sides: dict[object, dict[str, Judged]] = {}
    for each in judged:
        asked = each.result.settings
        sides.setdefault((*_alike(asked), asked.concurrency), {})[asked.ingress] = each
    return [
        Overhead(both["kserve"], both["maas"])
        for both in sides.values()
        if {"kserve", "maas"} <= both.keys()
    ]


def sweeps(judged: Iterable[Judged]) -> list[tuple[Judged, ...]]:
    """Results that differ in their concurrency alone, by concurrency; two or more each."""
    alike: dict[object, list[Judged]] = {}
    for each in judged:
        asked = each.result.settings
        alike.setdefault((*_alike(asked), asked.ingress), []).append(each)
    found = (
        tuple(sorted(same, key=lambda each: each.result.settings.concurrency))
        for same in alike.values()
    )
    return [same for same in found if len(same) > 1]


def overall(judged: Iterable[Judged]) -> Verdict:
    """One verdict of several: the worst outcome, with the first reason of each that has it."""
    every = list(judged)
    if len(every) == 1:
        return every[0].verdict
    order = (
        Outcome.NO_VERDICT,
        Outcome.NOT_REPRODUCED,
        Outcome.REPRODUCED,
        Outcome.UNPUBLISHED,
    )
    outcome = min((each.verdict.outcome for each in every), key=order.index)
    reasons = tuple(
        f"{each.label}: {each.verdict.reasons[0]}{_more(len(each.verdict.reasons) - 1)}"
        for each in every
        if each.verdict.outcome == outcome and each.verdict.reasons
    )
    return Verdict(outcome, reasons, any(each.verdict.simulated for each in every))


def _more(count: int) -> str:
    return f", and {count} more" if count else ""
