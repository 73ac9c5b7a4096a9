"""The published figures, as they were printed, each row with its source.

They are in ``data/published.json``. A figure is kept as its text: the printed digits show how far
it was rounded, and :class:`Figure` reckons with that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any


class Metric(StrEnum):
    """What is measured."""

    TTFT = "ttft"
    """Time to the first token, ms."""
    ITL = "itl"
    """Time between tokens, ms: (E2E − TTFT) / (output tokens − 1)."""
    E2E = "e2e"
    """From the request to its last token, ms."""
    DECODE = "decode"
    """Output tokens per second, of all requests together."""
    TPS = "tps"
    """Input and output tokens per second, of all requests together."""

    @property
    def label(self) -> str:
        """Its name in a table."""
        return "Decode" if self == Metric.DECODE else self.value.upper()

    @property
    def unit(self) -> str:
        """``ms`` or ``tokens/s``."""
        return "ms" if self in LATENCIES else "tokens/s"


LATENCIES = (Metric.TTFT, Metric.ITL, Metric.E2E)
"""Metrics of which less is better; of the others more is."""

_UNITS = {"s": 1000.0, "ms": 1.0, "tokens/s": 1.0}


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes:
        text: as printed, such as ``1.76 s``.
        value: in ms or tokens/s.
        rounding: half a unit of the last digit printed, in ms or tokens/s.
    """

    text: str
    value: float
    rounding: float

    @classmethod
    def parse(cls, text: str) -> Figure:
        """The figure that a text prints.

        Raises:
            ValueError: it is no number with a unit that is known.
        """
        match = re.fullmatch(r"(\d+(?:\.(\d+))?) (\S+)", text)
        if not match or match[3] not in _UNITS:
            raise ValueError(f"{text!r} is not a figure, which is a number and {', '.join(_UNITS)}")
        factor = _UNITS[match[3]]
        return cls(text, float(match[1]) * factor, 0.5 * factor / 10 ** len(match[2] or ""))


@dataclass(frozen=True)
class Scenario:
    """What is asked of the model.

    Attributes:
        number: 1 or 2.
        title: its short name.
        description: the requests in words.
        conversations: system prompts in scenario 1, users in scenario 2; each makes 4 requests.
        input_tokens: the mean of a request.
        shortest: input tokens of the shortest request.
        longest: input tokens of the longest one.
        input_tokens_source: where that comes from.
    """

    number: int
    title: str
    description: str
    conversations: int
    input_tokens: int
    shortest: int
    longest: int
    input_tokens_source: str


@dataclass(frozen=True)
class Row:
    """One row of the published tables.

    Attributes:
        profile: the shipped profile that was measured.
        scenario: 1 or 2.
        ingress: ``kserve`` or ``maas``.
        concurrency: requests in flight, in a closed loop.
        requests: of one run.
        runs: how many were averaged; 0 where that is not published.
        figures: what was published of it.
        note: in what it is another deployment than the profile; ``""`` where it is none.
        source: who published it, and where.
    """

    profile: str
    scenario: int
    ingress: str
    concurrency: int
    requests: int
    runs: int
    figures: dict[Metric, Figure]
    note: str
    source: str

    @property
    def sequences(self) -> int:
        """Requests of a run that wait for no other; in scenario 2, conversations of 4 requests."""
        return self.requests // 4 if self.scenario == 2 else self.requests


@cache
def _data() -> dict[str, Any]:
    text = (Path(__file__).parent / "data" / "published.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


OUTPUT_TOKENS: int = _data()["outputTokens"]
"""Of each answer, in both scenarios."""


@cache
def scenarios() -> dict[int, Scenario]:
    """The two scenarios by their number."""
    found = (
        Scenario(
            number=entry["number"],
            title=entry["title"],
            description=entry["description"],
            conversations=entry["conversations"],
            input_tokens=entry["inputTokens"],
            shortest=entry["shortest"],
            longest=entry["longest"],
            input_tokens_source=entry["inputTokensSource"],
        )
        for entry in _data()["scenarios"]
    )
    return {scenario.number: scenario for scenario in found}


@cache
def rows() -> tuple[Row, ...]:
    """Every published row, in the order of the tables."""
    return tuple(
        Row(
            **{
                **entry,
                "figures": {
                    Metric(name): Figure.parse(text) for name, text in entry["figures"].items()
                },
            }
        )
        for entry in _data()["rows"]
    )


def compared_with(ingress: str) -> str:
    """The ingress whose figures a run is compared with: without a gateway nothing was published,
    and KServe's adds least.
    """
    return "kserve" if ingress == "direct" else ingress


def row(profile: str, scenario: int, ingress: str, concurrency: int) -> Row | None:
    """The row that a run is compared with; None where nothing was published.

    Args:
        profile: the name of a shipped profile.
        scenario: 1 or 2.
        ingress: ``kserve`` or ``maas``; ``direct`` was not published.
        concurrency: requests in flight.
    """
    wanted = (profile, scenario, ingress, concurrency)
    for each in rows():
        if (each.profile, each.scenario, each.ingress, each.concurrency) == wanted:
            return each
    return None
