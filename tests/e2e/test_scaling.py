"""Several instances on a real API server, with KServe's real controller."""

from __future__ import annotations

from typing import Any

import pytest
from control_plane import LONG, meanwhile, until
from test_deployments import deploy, engine, kubelet, objects, settled

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.plan import prepare
from dsv4deploy.cluster.readiness import Limits, waiting
from dsv4deploy.cluster.rollout import upgrade

Tree = dict[str, Any]
__all__ = ["kubelet"]  # a fixture
THREE = {"name": "chat", "replicas": 3}
DRAINS = {"preStopSeconds": 15, "shutdownTimeoutSeconds": 120, "gracePeriodSeconds": 150}
DAY = {"start": "0 6 * * 1-5", "end": "0 19 * * 1-5", "replicas": 2}
SCALED = {
    "name": "chat",
    "engine": {"termination": DRAINS},
    "scaling": {"enabled": True, "maxReplicas": 2, "schedules": {"day": DAY}},
}


@pytest.mark.usefixtures("kubelet")
def test_kserve_brings_the_new_engines_and_fewer_of_them_in_one_write(
    cluster: Cluster, home: str
) -> None:
    """What the Deployment's controller sees: nothing else would leave the others serving."""
    deploy(cluster, objects(home, THREE))
    until("KServe has made it", lambda: engine(cluster, home)["spec"]["replicas"] == 3)
    seen: list[tuple[int, bool]] = []

    def look() -> None:
        spec = engine(cluster, home)["spec"]
        (script,) = spec["template"]["spec"]["containers"][0]["args"]
        state = spec["replicas"], "--max-num-seqs 8" in script
        if state not in seen[-1:]:
            seen.append(state)

    wanted = objects(home, THREE, {"engine": {"args": {"max-num-seqs": 8}}})
    wait = waiting(cluster, "chat", home, Limits(LONG, interval=0.1))
    with meanwhile(look):
        upgrade(cluster, prepare(cluster, wanted), wait=wait)
    look()
    assert seen == [(3, False), (2, True), (3, True)]
    settled(cluster, home, wanted)


def test_kserve_leaves_the_number_alone_that_a_schedule_sets(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SCALED)
    (scaled,) = (item for item in wanted if item["kind"] == "ScaledObject")
    deploy(cluster, wanted)
    target = scaled["spec"]["scaleTargetRef"]
    made = engine(cluster, home)
    assert (made["apiVersion"], made["kind"]) == (target["apiVersion"], target["kind"])
    assert made["metadata"]["name"] == target["name"]
    path = cluster.path("apps/v1", "Deployment", home, target["name"]) + "/scale"
    scale = cluster.request("GET", path)
    cluster.request("PUT", path, body={**scale, "spec": {"replicas": 2}})
    # KServe has acted once the engine has the new variable.
    deploy(cluster, objects(home, SCALED, {"engine": {"env": {"TOUCHED": "1"}}}))

    def touched() -> bool:
        return "TOUCHED" in str(engine(cluster, home)["spec"])

    until("KServe has changed it", touched)
    assert engine(cluster, home)["spec"]["replicas"] == 2
