"""The report on benchmark results: one self-contained HTML page, Markdown, or plain data.

The page has no script, font or picture of its own and asks the network for nothing; its plots are
inline SVG. The same results give the same page, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import quantiles
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ..facts import published
from ..facts.published import LATENCIES, Metric
from . import plots
from .figures import amount, number, percent
from .results import Result, Run, find, read
from .verdict import (
    TOLERANCE,
    Comparison,
    Judged,
    Outcome,
    Overhead,
    Verdict,
    judge,
    overall,
    overheads,
    sweeps,
)

_BINS = 96


@dataclass(frozen=True)
class Report:
    """The report on a set of results.

    Attributes:
        judged: each result with its verdict.
    """

    judged: tuple[Judged, ...]

    @property
    def verdict(self) -> Verdict:
        """One of all: the worst, with its reasons."""
        return overall(self.judged)

    @property
    def ok(self) -> bool:
        """Whether all results are sound, and none differs from what was published of it."""
        return self.verdict.outcome in (Outcome.REPRODUCED, Outcome.UNPUBLISHED)

    @property
    def simulator(self) -> str:
        """What to know of simulated figures; ``""`` where an engine answered."""
        scales = {each.result.settings.time_scale for each in self.judged if each.verdict.simulated}
        if not scales:
            return ""
        every = all(each.verdict.simulated for each in self.judged)
        which = "Every figure measured here" if every else "What is marked so"
        told = f"{which} comes from a simulator of the engine, and is not a measurement of an NPU."
        if scales != {1.0}:
            factors = " or ".join(f"{1 / scale:.3g}" for scale in sorted(scales))
            told += (
                f" Its time ran {factors} times as fast; all figures are scaled back, and so is "
                "what the client itself takes."
            )
        return told

    def html(self) -> str:
        """One page that needs nothing else."""
        return _pages("html").get_template("report.html").render(report=self)

    def markdown(self) -> str:
        """The tables and verdicts, without the plots."""
        return _pages("md").get_template("report.md").render(report=self)

    def data(self) -> dict[str, Any]:
        """Plain data, for ``-o json``; ms and tokens/s."""
        return {
            "verdict": str(self.verdict),
            "outcome": self.verdict.outcome.value,
            "ok": self.ok,
            "simulator": self.simulator,
            "results": [_result(each) for each in self.judged],
            "overheads": [
                {
                    "kserve": str(each.kserve.result.folder),
                    "maas": str(each.maas.result.folder),
                    "found": each.sentence,
                }
                for each in overheads(self.judged)
            ],
        }


def report(folders: Iterable[Path]) -> Report:
    """Reads results and judges them.

    Args:
        folders: results as ``bench run`` writes them, or folders that hold some.

    Raises:
        DeployError: a folder holds no result, or a file in it is not what it should be.
    """
    results = sorted(map(read, find(folders)), key=_order)
    return Report(tuple(map(judge, results)))


def _order(result: Result) -> tuple[object, ...]:
    asked = result.settings
    return (asked.profile, asked.scenario, asked.ingress, asked.concurrency, str(result.folder))


def _result(each: Judged) -> dict[str, Any]:
    return {
        "folder": str(each.result.folder),
        "settings": each.result.settings.model_dump(mode="json", by_alias=True),
        "verdict": str(each.verdict),
        "outcome": each.verdict.outcome.value,
        "checks": [
            {"code": check.code, "holds": check.holds, "found": check.found}
            for check in each.checks
        ],
        "metrics": {
            told.metric.value: {
                "runs": list(told.values),
                "mean": told.mean,
                "spread": told.spread,
                "published": told.published.text if told.published else None,
                "deviation": told.deviation if told.published else None,
                "within": told.within,
            }
            for told in each.comparisons
        },
        "hints": list(each.hints),
    }


# --- what the pages ask for --------------------------------------------------------------------


def _as_markdown(value: object) -> str:
    """Text that Markdown shows as it is, on one line; markup stays markup.

    Profiles, models and the errors of servers come from results, which anybody may have written.
    """
    if isinstance(value, Markup):
        return value
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(value))
    # As entities, because some readers pass HTML through after a backslash.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#|~!])", r"\\\1", text)


@cache
def _pages(kind: str) -> Environment:
    """The environment of the pages whose names end in ``.html`` or ``.md``."""
    made = Environment(
        loader=PackageLoader("dsv4deploy.bench", "pages"),
        autoescape=select_autoescape(["html"]),
        finalize=_as_markdown if kind == "md" else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {
        "Outcome": Outcome,
        "LATENCIES": LATENCIES,
        "Metric": Metric,
        "TOLERANCE": TOLERANCE,
        "scenarios": published.scenarios,
        "overheads": overheads,
        "sweeps": sweeps,
        "distribution": _distribution,
        "percentiles": _percentiles,
        "throughput": _throughput,
        "deviation": _deviation,
        "both": _both,
        "sweep": _sweep,
        "span": _span,
        "sources": _sources,
    }
    made.filters |= {
        "amount": lambda value, metric: amount(metric, value),
        "number": number,
        "percent": lambda value: percent(value, signed=True),
    }
    return made


def _answered(each: Judged, metric: Metric) -> list[float]:
    """A latency of every answered request, of all runs."""
    return [getattr(request, metric.value) for run in each.result.runs for request in run.answered]


def _published(each: Judged, metric: Metric) -> float | None:
    figure = each.row.figures.get(metric) if each.row else None
    return figure.value if figure else None


def _distribution(each: Judged, metric: Metric) -> Markup:
    return plots.histogram(
        metric.label,
        _answered(each, metric),
        each.means[metric],
        _published(each, metric),
        lambda value: number(value, "ms"),
        lambda value: f"{value:,.10g}",
        each.result.settings.ingress,
    )


def _percentiles(each: Judged, metric: Metric) -> dict[str, float]:
    values = _answered(each, metric)
    # Of one value there are no quantiles; of the same one twice there are.
    cuts = quantiles(values if len(values) > 1 else values * 2, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98]}


def _throughput(each: Judged) -> Markup:
    seconds = max(run.span for run in each.result.runs)
    return plots.over_time(
        "Tokens per second",
        [(run.name, tokens_a_second(run, seconds)) for run in each.result.runs],
        seconds,
        _published(each, Metric.TPS),
        lambda value: f"{value:,.0f}",
        each.result.settings.ingress,
    )


def tokens_a_second(run: Run, seconds: float, bins: int = _BINS) -> list[float]:
    """A run's throughput over its time: input and output tokens per second.

    A request's tokens are spread evenly over its time: when they were computed is not known.

    Args:
        run: which.
        seconds: of all bins together.
        bins: how many.
    """
    width = seconds / bins
    made = [0.0] * bins
    for request in (each for each in run.answered if each.e2e):
        rate = (request.input_tokens + request.output_tokens) / (request.end - request.start)
        first, last = int(request.start / width), min(bins - 1, int(request.end / width))
        for index in range(first, last + 1):
            begins, ends = index * width, (index + 1) * width
            made[index] += rate * (min(ends, request.end) - max(begins, request.start)) / width
    return made


def _deviation(each: Judged, told: Comparison) -> Markup:
    assert told.published  # noqa: S101 the page asks where one is
    return plots.deviation(
        told.metric.label,
        [value / told.published.value - 1 for value in told.values],
        told.allowed,
        each.result.settings.ingress,
    )


def _both(each: Overhead) -> Markup:
    return plots.side_by_side(
        [
            (one.metric.label, [("KServe", "kserve", one.values), ("MaaS", "maas", other.values)])
            for one, other in zip(each.kserve.comparisons, each.maas.comparisons, strict=True)
        ]
    )


def _sweep(several: Sequence[Judged], metric: Metric) -> Markup:
    asked = several[0].result.settings
    return plots.by_concurrency(
        f"{metric.label}, {metric.unit}",
        [
            (each.result.settings.concurrency, each.means[metric], _published(each, metric))
            for each in several
        ],
        asked.at_once,
        lambda value: f"{value:,.0f}",
        asked.ingress,
    )


def _span(values: Sequence[float]) -> str:
    """The least and the most of the runs."""
    if len(values) < 2:
        return "one run"
    return f"{number(min(values))} to {number(max(values))}"


def _sources(judged: Iterable[Judged]) -> list[str]:
    return list(dict.fromkeys(each.row.source for each in judged if each.row))
