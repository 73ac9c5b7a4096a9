"""Operating points: what one instance does with so many requests in flight, as somebody measured.

Between points a figure is linear, in what is in flight and in the prompt's length. Beyond them
there is none: no model of an engine's steps is known that predicts the published figures it was not
fitted to. With fewer requests in flight than were measured, an instance is taken to be as slow as
at the fewest measured, which is an upper bound of what a request takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ..errors import DeployError
from ..facts.published import OUTPUT_TOKENS, Metric, rows, scenarios

if TYPE_CHECKING:  # the simulator, which runs on the standard library alone, imports this module
    from ..values.tree import Values

INTERPOLATION_ERROR = 0.061
"""The most by which E2E at 16 in flight, interpolated between 8 and 32, differs from what was
published, over six sweeps: tests/data/sweeps.yaml."""
_SAME_LENGTH = 1.05  # means of prompts that differ by less are one length


class NotMeasuredError(DeployError):
    """A figure is outside the measured range; the message shows how to measure it."""


@dataclass(frozen=True)
class OperatingPoint:
    """What one instance does in a closed loop.

    Attributes:
        in_flight: requests in flight on one instance.
        input_tokens: the mean of a prompt.
        shortest: tokens of the shortest prompt that was measured.
        longest: tokens of the longest one.
        output_tokens: of an answer.
        ttft: the mean time to the first token, in seconds.
        itl: the mean time between tokens, in seconds.
        source: who measured it, and where that can be read.
        build: the engine's image.
        spread: each request's TTFT as a part of the mean, ascending; (1,) where only the mean is
            known.
    """

    in_flight: int
    input_tokens: float
    shortest: int
    longest: int
    output_tokens: int
    ttft: float
    itl: float
    source: str
    build: str
    spread: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Times:
    """What a request takes, in seconds: ``ttft`` to its first token, ``itl`` between tokens."""

    ttft: float
    itl: float


@dataclass(frozen=True)
class Curve:
    """The times of prompts of one length, by what is in flight on the instance.

    Attributes:
        tiers: numbers in flight that were measured, ascending.
        times: those of each tier.
        spread: as in :class:`OperatingPoint`.
    """

    tiers: tuple[int, ...]
    times: tuple[Times, ...]
    spread: tuple[float, ...] = (1.0,)

    @classmethod
    def through(cls, points: Iterable[OperatingPoint]) -> Curve:
        """The curve through points of one length."""
        ordered = sorted(points, key=lambda point: point.in_flight)
        return cls(
            tuple(point.in_flight for point in ordered),
            tuple(Times(point.ttft, point.itl) for point in ordered),
            tuple(sorted(ratio for point in ordered for ratio in point.spread)),
        )

    @property
    def most(self) -> int:
        """The most in flight that was measured."""
        return self.tiers[-1]

    def at(self, in_flight: float) -> Times:
        """The times with so many in flight; below the first tier, those of the first tier.

        Raises:
            NotMeasuredError: so many were not measured.
        """
        if in_flight > self.most:
            raise NotMeasuredError(
                f"not measured: {in_flight:g} requests in flight on one instance; measurements end "
                f"at {self.most}; run `dsv4deploy bench run --concurrency {in_flight:g}`, and pass "
                "its results folder with --results"
            )
        if in_flight <= self.tiers[0]:
            return self.times[0]
        for (low, before), (high, after) in pairwise(zip(self.tiers, self.times, strict=True)):
            if in_flight <= high:
                return _between(before, after, (in_flight - low) / (high - low))
        return self.times[-1]


def _between(one: Times, other: Times, share: float) -> Times:
    return Times(
        one.ttft + (other.ttft - one.ttft) * share, one.itl + (other.itl - one.itl) * share
    )


@dataclass(frozen=True)
class Surface:
    """Everything that was measured of one deployment through one ingress.

    Attributes:
        points: in the order of their prompts' length, then of what is in flight.
    """

    points: tuple[OperatingPoint, ...]

    @classmethod
    def of(cls, *sources: Iterable[OperatingPoint]) -> Surface:
        """The surface through points; of two for the same traffic, the one of the later source."""
        kept: list[OperatingPoint] = []
        for source in sources:
            for point in source:
                kept = [each for each in kept if not _same_traffic(each, point)]
                kept.append(point)
        return cls(tuple(sorted(kept, key=lambda each: (each.input_tokens, each.in_flight))))

    @property
    def shortest(self) -> int:
        """Tokens of the shortest prompt that was measured."""
        return min(point.shortest for point in self.points)

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt that was measured."""
        return max(point.longest for point in self.points)

    def curve(self, input_tokens: float) -> Curve:
        """The times of prompts of this length.

        Raises:
            NotMeasuredError: such prompts were not measured.
        """
        if not self.shortest <= input_tokens <= self.longest:
            raise NotMeasuredError(
                f"not measured: prompts of {input_tokens:g} tokens; measurements cover "
                f"{self.shortest} to {self.longest} tokens; create a data set of that size with "
                "`dsv4deploy bench dataset --size`, run `dsv4deploy bench run --concurrency N`, "
                "and pass its results folder with --results"
            )
        groups = self._by_length()
        for low, high in pairwise(groups):
            start, end = _length(low), _length(high)
            if start < input_tokens < end:
                share = (input_tokens - start) / (end - start)
                return _mixed(Curve.through(low), Curve.through(high), share)
        nearest = min(groups, key=lambda group: abs(_length(group) - input_tokens))
        return Curve.through(nearest)

    def _by_length(self) -> list[list[OperatingPoint]]:
        groups: list[list[OperatingPoint]] = []
        for point in self.points:
            if groups and point.input_tokens <= groups[-1][0].input_tokens * _SAME_LENGTH:
                groups[-1].append(point)
            else:
                groups.append([point])
        return groups


def _length(group: Sequence[OperatingPoint]) -> float:
    return sum(point.input_tokens for point in group) / len(group)


def _same_traffic(one: OperatingPoint, other: OperatingPoint) -> bool:
    lengths = sorted((one.input_tokens, other.input_tokens))
    return one.in_flight == other.in_flight and lengths[1] <= lengths[0] * _SAME_LENGTH


def _mixed(short: Curve, long: Curve, share: float) -> Curve:
    """The curve of a length between two that were measured, where both were."""
    most = min(short.most, long.most)
    tiers = tuple(sorted(tier for tier in {*short.tiers, *long.tiers} if tier <= most))
    times = tuple(_between(short.at(tier), long.at(tier), share) for tier in tiers)
    return Curve(tiers, times, tuple(sorted((*short.spread, *long.spread))))


def published_points(profile: str, ingress: str) -> tuple[OperatingPoint, ...]:
    """The published operating points of a shipped profile; empty where there are none.

    Rows of another deployment than the profile's (:attr:`Row.note`) are omitted.
    """
    from ..values.loading import load

    found = [
        row for row in rows() if (row.profile, row.ingress) == (profile, ingress) and not row.note
    ]
    build = load(profile=profile).engine.image if found else ""
    return tuple(
        OperatingPoint(
            in_flight=row.concurrency,
            input_tokens=scenarios()[row.scenario].input_tokens,
            shortest=scenarios()[row.scenario].shortest,
            longest=scenarios()[row.scenario].longest,
            output_tokens=OUTPUT_TOKENS,
            ttft=row.figures[Metric.TTFT].value / 1000,
            itl=row.figures[Metric.ITL].value / 1000,
            source=row.source,
            build=build,
        )
        for row in found
    )


def published_profile(values: Values) -> str:
    """The profile whose published figures a deployment is compared with.

    Returns:
        The one, of those with published figures, whose cards, quantization and parallelism are the
        deployment's; ``""`` where there is none.
    """
    from ..values.loading import load
    from ..values.profiles import profile_names

    def kind(of: Values) -> tuple[object, ...]:
        split = of.parallelism
        return of.npu.card, of.model.quantization, split.tensor, split.data, split.expert

    published = {each.profile for each in rows()}
    names = (name for name in profile_names() if name in published)
    return next((name for name in names if kind(load(profile=name)) == kind(values)), "")
