"""Whether a result is valid: whether it was measured correctly.

A closed loop ties its figures together: some of them determine the others. A result whose figures
disagree gets no verdict. The same identities hold of the published tables, within their rounding;
``docs/bench-report.md`` explains each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

from ..facts import published
from ..facts.published import Metric
from .figures import amount, number, percent
from .results import Request, Result, Run

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


def tail(concurrency: int, sequences: int) -> float:
    """The part of a run that may pass while its last sequences end, and places are empty.

    At most: all places but one are empty while the last sequence runs.
    """
    return (concurrency - 1) / sequences


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
    ttft, itl, e2e, decode, tps = (means.figures[metric] for metric in Metric)
    output, both = means.output_tokens, means.input_tokens + means.output_tokens
    off = {metric: means.rounding.get(metric, 0.0) for metric in Metric}
    empty = tail(means.concurrency, means.sequences)
    low, high = 1 - empty - LOST - means.lost, 1 + EXACT

    summed = ttft + (output - 1) * itl
    rounded = off[Metric.TTFT] * ttft + off[Metric.ITL] * itl * (output - 1) + off[Metric.E2E] * e2e
    expected = _ratio(means.concurrency * both * 1000, e2e)
    throughput, throughput_off = _ratio(tps, expected), off[Metric.TPS] + off[Metric.E2E]
    in_flight = _ratio(decode * e2e / 1000, output)
    part, part_off = in_flight / means.concurrency, off[Metric.DECODE] + off[Metric.E2E]
    by_throughput, by_tokens = _ratio(tps, decode), _ratio(both, output)
    tokens_off = off[Metric.TPS] + off[Metric.DECODE] + EXACT
    return [
        Check(
            "latency",
            "E2E = TTFT + (OSL − 1) × ITL",
            f"{number(summed)} ms by the sum, and E2E is {number(e2e)} ms",
            bool(e2e) and abs(summed - e2e) <= max(rounded, EXACT * e2e),
        ),
        Check(
            "throughput",
            "TPS = concurrency × (ISL + OSL) / E2E",
            f"{number(tps)} tokens/s is {percent(throughput)} of {number(expected)}, "
            f"and with the run's tail {percent(max(low, 0))} to {percent(high)} may be",
            low - throughput_off <= throughput <= high + throughput_off,
        ),
        Check(
            "in-flight",
            "requests in flight = concurrency",
            f"{in_flight:.2f} in flight by Little's law (decode × E2E / OSL), and "
            f"{max(low, 0) * means.concurrency:.2f} to {high * means.concurrency:.2f} may be",
            low - part_off <= part <= high + part_off,
        ),
        Check(
            "tokens",
            "TPS / decode = (ISL + OSL) / OSL",
            f"{by_throughput:.1f} by throughput, and {by_tokens:.1f} by tokens",
            bool(by_tokens) and abs(by_throughput / by_tokens - 1) <= tokens_off,
        ),
    ]


def _ratio(one: float, other: float) -> float:
    """Their ratio; 0 where nothing was measured."""
    return one / other if other else 0.0


def checks(result: Result) -> list[Check]:
    """What must hold of a result before its figures mean anything, and whether it does.

    A check of each run fails if it fails in one of them, and reports that run.
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
    lost = _ratio(TURNAROUND, run.means[Metric.E2E] / 1000 * asked.time_scale)
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
        f"{worst.label} is {amount(worst, run.means[worst])}, and by the records "
        f"{amount(worst, recorded[worst])}",
        apart[worst] <= EXACT,
    )
