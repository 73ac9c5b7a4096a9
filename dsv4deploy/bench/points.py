"""Results of benchmarks as operating points, of the same kind as the published ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from ..capacity.points import OperatingPoint
from ..errors import DeployError
from ..facts.published import Metric, compared_with
from .results import Result, find, read


def measured_points(
    folders: Iterable[Path], profile: str, ingress: str
) -> tuple[OperatingPoint, ...]:
    """The operating points in results' folders that are of a profile and an ingress.

    A result through no gateway counts for KServe's ingress. One with more in flight than the engine
    processes at once is omitted: waiting counts as time to first token.

    Raises:
        DeployError: a folder holds no results, or a result is no operating point.
    """
    found = (read(folder) for folder in find(folders))
    return tuple(
        _point(result)
        for result in found
        if result.settings.profile == profile
        and compared_with(result.settings.ingress) == ingress
        and result.settings.concurrency <= result.settings.at_once
    )


def _point(result: Result) -> OperatingPoint:
    asked = result.settings
    answered = [request for run in result.runs for request in run.answered]
    if not answered or any(run.errors or run.cancelled for run in result.runs):
        raise DeployError(
            f"{result.folder}: is not an operating point, because it has no complete run, or "
            "requests failed; `dsv4deploy bench report` shows the reason"
        )
    if asked.concurrency % asked.replicas:
        raise DeployError(
            f"{result.folder}: is not an operating point, because {asked.concurrency} requests in "
            f"flight cannot be divided evenly among {asked.replicas} instances"
        )
    ttft = fmean(result.values(Metric.TTFT))
    prompts = [request.input_tokens for request in answered]
    who = "the simulator of the engine" if asked.simulator else "a benchmark run of your own"
    return OperatingPoint(
        in_flight=asked.concurrency // asked.replicas,
        input_tokens=fmean(prompts),
        shortest=min(prompts),
        longest=max(prompts),
        output_tokens=asked.output_tokens,
        ttft=ttft / 1000,
        itl=fmean(result.values(Metric.ITL)) / 1000,
        source=f"{who}, {result.folder}, {asked.started}",
        build=asked.image,
        spread=tuple(sorted(request.ttft / ttft for request in answered)),
    )
