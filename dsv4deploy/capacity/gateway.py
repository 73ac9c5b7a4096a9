"""How large a gateway must be for so many streams at once, from the publisher's load test.

The test's rows are in ``data/gateway.yaml``. Between them: a replica for 500 streams, and two at
least; a core for 250 streams; the rate limiter does not grow. Guardrails: 3 for 100 streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil
from typing import Any

from ..values import yaml as yamlio
from .points import NotMeasuredError


@dataclass(frozen=True)
class Part:
    """A part of the gateway: its replicas, and the CPU cores and memory of each."""

    replicas: int
    cpu: float
    memory: str


@dataclass(frozen=True)
class GatewaySize:
    """What so many streams need.

    Attributes:
        streams: at once.
        gateway: the proxies.
        rate_limiter: the rate limit service.
        guardrails: replicas of the guardrails, of 1 CPU and 1 GiB; None for more streams than were
            measured with them. This package deploys none.
        source: who measured it.
    """

    streams: int
    gateway: Part
    rate_limiter: Part
    guardrails: int | None
    source: str


@cache
def load_test() -> dict[str, Any]:
    """The publisher's load test, as ``data/gateway.yaml`` has it."""
    (data,) = yamlio.parse((files(__package__) / "data" / "gateway.yaml").read_text("utf-8"))
    return data


def gateway_size(streams: int) -> GatewaySize:
    """The gateway for so many streams at once; fewer than the test's least count as these.

    Raises:
        NotMeasuredError: the publisher has not measured so many.
    """
    test = load_test()
    least, most = test["streams"][0], test["streams"][-1]
    if streams > most["streams"]:
        raise NotMeasuredError(
            f"not measured: a gateway for {streams} concurrent streams; the publisher's load test "
            f"ends at {most['streams']}"
        )
    counted = max(streams, least["streams"])
    replicas = max(2, ceil(counted / 500))
    guarded = test["guardrails"][-1]["streams"]
    return GatewaySize(
        streams=streams,
        gateway=Part(replicas, ceil(counted / 25 / replicas) / 10, least["gateway"]["memory"]),
        rate_limiter=Part(**least["rateLimiter"]),
        guardrails=ceil(3 * streams / 100) if streams <= guarded else None,
        source=test["source"],
    )
