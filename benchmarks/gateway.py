"""What the MaaS gateway adds to a request: direct against gateway, ratios from one run.

    .venv/bin/python benchmarks/gateway.py

Needs root, Go and Redis, as the gateway's tests do (``tests/e2e/gateway_plane.py`` says what runs).
The gateway has all of the chart's policies on: keys, quotas counted in Redis (with room for what is
sent here), long prompts. Behind it and beside it answers the same model server, which takes no time
but that between tokens. Requests to the two take turns, or run side by side, so that both meet the
same machine.

The published times are those of the deployment without a gateway in front (W4A8 on 8 × 910B4,
concurrency 4): TTFT 3758 and 9789 ms, ITL 90.9 and 182.1 ms. The published bytes a token are 4.9.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]
from control_plane import until  # noqa: E402 - modules beside the tests, not a package
from gateway_plane import Gateway, gateway_plane, handed_out  # noqa: E402
from parts import go_build, go_module  # noqa: E402
from streams import Stream, stream  # noqa: E402

from dsv4deploy import Values, load  # noqa: E402
from dsv4deploy.cluster.keys import KeySecret, create  # noqa: E402

BYTES_PER_TOKEN = 4.9
TOKENS = 128
AT_ONCE = 4
TURNS = 150  # requests to each of the two, one after the other
ROUNDS = 3  # rounds of AT_ONCE streams at the published pace
Both = tuple[list[Stream], list[Stream]]  # direct, and through the gateway


@dataclass(frozen=True)
class Scenario:
    """A published scenario: tokens of the prompt, and milliseconds."""

    name: str
    prompt: int
    ttft: float
    itl: float


SCENARIOS = (
    Scenario("8k", 8_000, 3758, 90.9),
    Scenario("17.5k", 17_500, 9789, 182.1),
)


def body(scenario: Scenario, itl: float) -> dict[str, Any]:
    """One request of a scenario, ``itl`` seconds from token to token."""
    text = "x" * int(scenario.prompt * BYTES_PER_TOKEN)
    return {
        "model": "chat",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": TOKENS,
        "metadata": {"itl": str(itl)},
    }


def cpu(gateway: Gateway) -> dict[str, float]:
    """The seconds of CPU that each of the gateway's programs has taken."""
    taken = {}
    for name, pid in gateway.processes().items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        taken[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return taken


def whole(streams: list[Stream]) -> list[Stream]:
    """The streams, all of which must have come to their end."""
    assert all(len(each.tokens) == TOKENS and each.done for each in streams)
    return streams


async def in_turn(
    gateway: Gateway, scenario: Scenario, key: str
) -> tuple[list[Stream], list[Stream]]:
    """Requests without a pause between tokens, direct and through the gateway by turns."""
    direct, through = [], []
    async with aiohttp.ClientSession() as session:
        for _ in range(TURNS):
            request = body(scenario, 0)
            direct.append(await stream(session, gateway.model_url, key, request))
            through.append(await stream(session, gateway.url, key, request))
    return whole(direct)[5:], whole(through)[5:]


async def side_by_side(gateway: Gateway, scenario: Scenario, key: str) -> Both:
    """Streams at the published pace, as many at once as were published, both ways at a time."""
    found: Both = ([], [])
    request = body(scenario, scenario.itl / 1000)
    async with aiohttp.ClientSession() as session:
        for _ in range(ROUNDS):
            urls = (gateway.model_url, gateway.url) * AT_ONCE
            done = await asyncio.gather(*(stream(session, url, key, request) for url in urls))
            found[0].extend(done[::2])
            found[1].extend(done[1::2])
    return whole(found[0]), whole(found[1])


def milliseconds(times: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    return statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000


def gaps(streams: list[Stream]) -> list[float]:
    """All times from token to token."""
    return [
        later - sooner
        for each in streams
        for sooner, later in zip(each.arrivals, each.arrivals[1:], strict=False)
    ]


def row(what: str, direct: list[float], through: list[float], published: float) -> None:
    """One line of the table."""
    (d50, d99), (g50, g99) = milliseconds(direct), milliseconds(through)
    times = f"{d50:9.2f} {d99:9.2f} {g50:9.2f} {g99:9.2f} × {g50 / d50:7.2f} {g50 - d50:+9.2f}"
    print(f"  {what:24} {times} {(g50 - d50) / published:12.3%}")


def measure(gateway: Gateway, scenario: Scenario, key: str) -> None:
    """Prints a scenario's table."""
    size = int(scenario.prompt * BYTES_PER_TOKEN)
    print(f"\n{scenario.name} tokens in ({size} bytes), {TOKENS} out; milliseconds")
    heads = ("direct", "p99", "gateway", "p99")
    print(
        f"  {'':24} " + " ".join(f"{head:>9}" for head in heads) + "    ratio    added of published"
    )
    before = cpu(gateway)
    direct, through = asyncio.run(in_turn(gateway, scenario, key))
    after = cpu(gateway)
    firsts = [[each.ttft for each in streams] for streams in (direct, through)]
    row("TTFT", *firsts, scenario.ttft)
    ends = [[each.arrivals[-1] - each.begun for each in streams] for streams in (direct, through)]
    row("all tokens at once", ends[0], ends[1], scenario.ttft + (TOKENS - 1) * scenario.itl)
    each = {name: (after[name] - before[name]) / TURNS * 1000 for name in after}
    print(f"  CPU a request: {', '.join(f'{name} {time:.2f}' for name, time in each.items())}")
    direct, through = asyncio.run(side_by_side(gateway, scenario, key))
    row(
        f"TTFT, {AT_ONCE} at once",
        [s.ttft for s in direct],
        [s.ttft for s in through],
        scenario.ttft,
    )
    row("ITL at published pace", gaps(direct), gaps(through), scenario.itl)


def deployment() -> Values:
    """The default deployment behind a gateway, with room in its quota."""
    quotas = {"hour": {"tokens": 2**32 - 1, "unit": "Hour", "count": "total"}}
    maas = {"enabled": True, "quotas": quotas}
    return load({"name": "chat", "model": {"name": "chat"}, "maas": maas})


def main() -> None:
    """Starts the gateway and prints a table for each scenario."""
    with tempfile.TemporaryDirectory() as name:
        values = deployment()
        with gateway_plane(Path(name), go_module, go_build, [values]) as gateway:
            maas = values.maas
            keys = KeySecret(gateway.cluster, maas.namespace, maas.api_keys.secret_name)
            key = handed_out(create, keys, "benchmark", None, datetime.now(UTC))

            def comes_in() -> bool:
                return asyncio.run(once(gateway, key)).status == 200

            until("the key is taken", comes_in)
            for scenario in SCENARIOS:
                measure(gateway, scenario, key)
            print()
            unseen = gateway.stats(r"^envoy_cluster_ratelimit_(error|failure_mode_allowed)")
            print(f"requests that no quota saw: {sum(unseen.values()):.0f}")


async def once(gateway: Gateway, key: str) -> Stream:
    """One request through the gateway."""
    async with aiohttp.ClientSession() as session:
        return await stream(session, gateway.url, key, body(SCENARIOS[0], 0))


if __name__ == "__main__":
    main()
