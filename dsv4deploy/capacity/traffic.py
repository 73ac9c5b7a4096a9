"""Traffic: requests with their times and lengths, drawn from a rate or read from a trace."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ..errors import DeployError


@dataclass(frozen=True)
class Request:
    """One request of the traffic.

    Attributes:
        time: when it arrives, in seconds from the start.
        input_tokens: of its prompt.
        output_tokens: of its answer.
        kind: the class that it belongs to; ``""`` without classes.
    """

    time: float
    input_tokens: int
    output_tokens: int
    kind: str = ""


@dataclass(frozen=True)
class Lengths:
    """How long prompts or answers are: ranges of tokens, each uniform and with a weight.

    Attributes:
        parts: least tokens, most tokens, weight.
    """

    parts: tuple[tuple[int, int, float], ...]

    @classmethod
    def parse(cls, text: str) -> Lengths:
        """Lengths as a user writes them: ``8000``, ``8000-19456`` or ``8000=3,16384-19456=1``.

        Raises:
            ValueError: the text is not of this form.
        """
        parts = []
        for part in text.split(","):
            found = re.fullmatch(r"(\d{1,7})(?:-(\d{1,7}))?(?:=(\d{1,9}(?:\.\d+)?))?", part.strip())
            least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            weight = float(found[3] or 1) if found else 0.0
            if not 0 < least <= most or weight <= 0:
                raise ValueError(
                    f"{text!r}: must be tokens such as 8000, a range such as 8000-19456, or "
                    "several with weights such as 8000=3,17920=1"
                )
            parts.append((least, most, weight))
        return cls(tuple(parts))

    @property
    def mean(self) -> float:
        """The mean, in tokens."""
        total = sum(weight for _, _, weight in self.parts)
        return sum((least + most) / 2 * weight for least, most, weight in self.parts) / total

    def draw(self, random: Random) -> int:
        """One length, in tokens."""
        least, most, _ = self.parts[0]
        if len(self.parts) > 1:
            weights = [weight for _, _, weight in self.parts]
            ((least, most, _),) = random.choices(self.parts, weights)
        return least if least == most else random.randint(least, most)


def poisson(
    rate: float, inputs: Lengths, outputs: Lengths, *, count: int, burst: int, seed: int
) -> list[Request]:
    """Requests of people who do not know of each other.

    Args:
        rate: requests per second.
        inputs: lengths of prompts.
        outputs: lengths of answers.
        count: how many requests.
        burst: how many requests arrive at the same moment.
        seed: the same gives the same requests.
    """
    random = Random(seed)  # noqa: S311 - no secret
    found: list[Request] = []
    now = 0.0
    while len(found) < count:
        now += random.expovariate(rate / burst)
        found += [Request(now, inputs.draw(random), outputs.draw(random)) for _ in range(burst)]
    return found[:count]


_FORM = "the fields are time (seconds), input, output (tokens) and, optionally, class"


def read_trace(path: Path) -> list[Request]:
    """The requests of a trace, in the order of their times.

    Args:
        path: a ``.csv`` with a header, or JSON lines: ``time`` in seconds, ``input`` and
            ``output`` in tokens, and ``class``, which may be missing.

    Raises:
        DeployError: the file can't be read, or a line is not of this form.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise DeployError(f"{path}: is not UTF-8 text; convert the file") from None
    found = []
    for number, row in _rows(path, text):
        try:
            request = Request(
                float(row["time"]),
                int(row["input"]),
                int(row["output"]),
                str(row.get("class") or ""),
            )
        except (KeyError, TypeError, ValueError):
            raise DeployError(f"{path}:{number}: is not a request; {_FORM}") from None
        if not 0 <= request.time < 1e9 or min(request.input_tokens, request.output_tokens) < 1:
            raise DeployError(
                f"{path}:{number}: the time must be at least 0, and numbers of tokens at least 1"
            )
        found.append(request)
    if len(found) < 2 or len({request.time for request in found}) < 2:
        raise DeployError(f"{path}: a trace must contain two requests at different times; {_FORM}")
    return sorted(found, key=lambda request: request.time)


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = text.splitlines()
    if path.suffix == ".csv":
        # The header is line 1.
        yield from enumerate(csv.DictReader(lines), start=2)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            yield number, row if isinstance(row, dict) else {}


def rate_of(requests: Sequence[Request]) -> float:
    """Requests per second, on average."""
    return (len(requests) - 1) / (requests[-1].time - requests[0].time)
