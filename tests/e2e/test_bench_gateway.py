"""The published benchmark through the real MaaS gateway: the real aiperf, every policy on, and the
simulator in the engine's place."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cluster.nodes import Cluster
from control_plane import running, until
from gateway import Gateway, handed_out
from test_bench import SCALE, Way, bench, verdict

from dsv4deploy import load
from dsv4deploy.bench.dataset import Dataset
from dsv4deploy.cluster.keys import KeySecret, create

# Three runs of the data set take more than the default budget of an hour.
LARGE = {"tokens": 1_000_000_000, "unit": "Hour", "count": "total"}
PUBLISHED = load({"maas": {"enabled": True, "quotas": {"hour": LARGE}}})


@pytest.fixture(scope="module")
def gateway(real: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(real, tmp_path_factory.mktemp("gateway"), [PUBLISHED]) as running:
        yield running


def key_of_a_new_client(gateway: Gateway) -> str:
    """As `keys create` makes it, once the gateway takes it."""
    maas = PUBLISHED.maas
    place = KeySecret(gateway.cluster, maas.namespace, maas.api_keys.secret_name)
    key = handed_out(create, place, [f"bench-{uuid.uuid4().hex[:8]}"], None, datetime.now(UTC))
    headers = {"Authorization": f"Bearer {key}"}
    until("the key is taken", lambda: httpx.get(gateway.url, headers=headers).status_code != 401)
    return key


@pytest.fixture
def way(gateway: Gateway, tmp_path: Path) -> Iterator[Way]:
    """Through the gateway to a simulator of what was published for it."""
    gateway.stop_model()
    log = tmp_path / "simulator.log"
    words = ("-m", "dsv4deploy", "bench", "simulate", "--host", "0.0.0.0", "--ingress", "maas")
    with running(log, sys.executable, *words, "--time-scale", SCALE):
        until("the simulator serves", lambda: "http://" in log.read_text("utf-8"))
        key = key_of_a_new_client(gateway)
        yield Way("maas", f"{gateway.url}/v1/chat/completions", key)


@pytest.mark.measured
def test_published_times_are_reproduced_through_the_gateway(
    gateway: Gateway,
    way: Way,
    aiperf: Path,
    data: Dataset,
    tmp_path: Path,
) -> None:
    output = tmp_path / "results"
    bench(aiperf, data, output, way, "--runs", "3")
    told = verdict(output, 0)
    assert told["outcome"] == "reproduced"
    assert [len(each["metrics"]["tps"]["runs"]) for each in told["results"]] == [3, 3]
    # The gateway answers for the list of models itself; each answer tells of the simulator.
    assert told["verdict"].startswith("SIMULATOR: ")
    files = [path for path in output.rglob("*") if path.is_file()]
    assert not any(way.key.encode() in path.read_bytes() for path in files)
    # Whatever reached the simulator has been counted.
    unlimited = gateway.stats(r"^envoy_cluster_ratelimit_(error|failure_mode_allowed)")
    assert sum(unlimited.values()) == 0
