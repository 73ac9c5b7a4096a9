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
PAUSED = "autoscaling.keda.sh/paused-replicas"
SCALED = {
    "name": "chat",
    "engine": {"termination": DRAINS},
    "scaling": {"enabled": True, "maxReplicas": 2, "schedules": {"day": DAY}},
}


def note(cluster: Cluster, home: str, seen: list[tuple[int, bool]]) -> None:
    """Notes how many engines KServe's Deployment has, and whether they are the new ones."""
    spec = engine(cluster, home)["spec"]
    (script,) = spec["template"]["spec"]["containers"][0]["args"]
    state = spec["replicas"], "--max-num-seqs 8" in script
    if state not in seen[-1:]:
        seen.append(state)


@pytest.mark.usefixtures("kubelet")
def test_kserve_brings_the_new_engines_and_fewer_of_them_in_one_write(
    cluster: Cluster, home: str
) -> None:
    """What the Deployment's controller sees: nothing else would leave the others serving."""
    deploy(cluster, objects(home, THREE))
    until("KServe has made it", lambda: engine(cluster, home)["spec"]["replicas"] == 3)
    seen: list[tuple[int, bool]] = []

    wanted = objects(home, THREE, {"engine": {"args": {"max-num-seqs": 8}}})
    wait = waiting(cluster, "chat", home, Limits(LONG, interval=0.1))
    with meanwhile(lambda: note(cluster, home, seen)):
        upgrade(cluster, prepare(cluster, wanted), wait=wait)
    note(cluster, home, seen)
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


@pytest.mark.usefixtures("kubelet")
def test_an_upgrade_pauses_the_scaler_at_fewer_instances(cluster: Cluster, home: str) -> None:
    """With the steps of KEDA that count here; test_keda.py has KEDA itself."""
    wanted = objects(home, SCALED)
    (scaled,) = (item for item in wanted if item["kind"] == "ScaledObject")
    deploy(cluster, wanted)
    until("KServe has made it", lambda: engine(cluster, home))
    seen: list[tuple[int, bool]] = []

    def act() -> None:
        made = engine(cluster, home)
        paused = (cluster.live(scaled) or scaled)["metadata"].get("annotations", {}).get(PAUSED)
        number = int(paused or 2)
        if made["spec"]["replicas"] != number:
            path = cluster.path("apps/v1", "Deployment", home, made["metadata"]["name"])
            body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": number}}
            body["metadata"] = {key: made["metadata"][key] for key in ("name", "namespace")}
            cluster.request("PUT", f"{path}/scale", body=body)
        note(cluster, home, seen)

    act()
    wanted = objects(home, SCALED, {"engine": {"args": {"max-num-seqs": 8}}})
    wait = waiting(cluster, "chat", home, Limits(LONG, interval=0.1))
    with meanwhile(act):
        upgrade(cluster, prepare(cluster, wanted), wait=wait)
        until("the scaler goes on", lambda: (2, True) in seen)
    assert seen == [(2, False), (1, False), (1, True), (2, True)]
    settled(cluster, home, wanted)
