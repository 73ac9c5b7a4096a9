"""Whether a valid result reproduces the published figures, and comparisons of several results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from ..facts import published
from ..facts.published import LATENCIES, Figure, Metric, Row
from .figures import amount, percent
from .results import Result, Settings
from .soundness import Check, checks, tail

TOLERANCE = 0.10
"""How far a mean may be from its published figure. The published runs through two ingresses differ
by 8 %, in the direction that no gateway explains: less would be finer than their noise."""


class Outcome(StrEnum):
    """The outcome of a result."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NO_VERDICT = "no verdict"
    """The run is not sound."""
    UNPUBLISHED = "nothing to compare with"
    """The run is sound, and nothing was published for it."""


@dataclass(frozen=True)
class Verdict:
    """A verdict and its reasons.

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
    """A result with its verdict, comparisons and notes.

    Attributes:
        result: what was measured.
        row: what it is compared with; None where nothing was published.
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
            0.0 if metric in LATENCIES else _longer_tail(asked, row),
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


def _longer_tail(asked: Settings, row: Row | None) -> float:
    """What a run's tail may cost beyond that of the published one, as a part of the throughput."""
    if row is None:
        return 0.0
    return max(0.0, tail(asked.concurrency, asked.sequences) - tail(row.concurrency, row.sequences))


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
    if row.note:
        reason = f"the published row is of another configuration: it was {row.note}"
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
        f"{told.metric.label} is {percent(abs(told.deviation))} {way} the published {figure.text} "
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
        yield "Compared with KServe's row, because nothing was published without a gateway."
    if len(result.runs) == 1:
        yield "One run has no spread: `bench run --runs 3` adds two more."
    if row and asked.requests < row.requests:
        yield (
            f"Reduced: {asked.requests} requests per run, where {row.requests} were published. "
            f"Its tail weighs more: throughput may be {percent(_longer_tail(asked, row))} lower "
            "for that alone, which is allowed for."
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
            f"{one.metric.label} is {percent(abs(other.mean / one.mean - 1))} "
            f"{'higher' if other.mean > one.mean else 'lower'} through MaaS "
            f"({amount(one.metric, one.mean)} and {amount(one.metric, other.mean)})"
            for one, other in zip(self.kserve.comparisons, self.maas.comparisons, strict=True)
            if one.mean and abs(other.mean - one.mean) > max(one.spread, other.spread)
        )

    @property
    def sentence(self) -> str:
        """A comparison."""
        if not (self.kserve.sound and self.maas.sound):
            return "No comparison: one of the two results is not valid."
        if min(len(self.kserve.result.runs), len(self.maas.result.runs)) < 2:
            return "No comparison: a single run has no spread to compare a difference with."
        if not self.measurable:
            return "No measurable overhead: every difference is below the spread between runs."
        return "; ".join(self.measurable) + "."


def _alike(asked: Settings) -> tuple[object, ...]:
    """What results must have in common to be compared."""
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
