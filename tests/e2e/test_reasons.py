"""Why a deployment does not start on a real node: what ``doctor`` and ``apply --wait`` say."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeAlias

import pytest
from cluster import nodes
from cluster.nodes import Cluster, Tree
from cluster.user import begun, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME = "reasons"
PLACE = ("--name", "chat", "-n", HOME)
Spoil: TypeAlias = Callable[[Cluster], AbstractContextManager[None]]
NPU = "huawei.com/Ascend910"


@pytest.fixture
def place(real: Cluster) -> Iterator[None]:
    """A namespace in which nothing runs, before and after."""
    make_namespace(real)
    yield
    remove(real)


def make_namespace(cluster: Cluster) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})


def remove(cluster: Cluster) -> None:
    dsv4deploy(cluster, "delete", *PLACE, "--yes")
    # A Deployment that is still there may report what was wrong before.
    kinds = "pods,deployments,leaderworkersets"
    until("all of it is gone", lambda: not cluster.list(kinds, HOME))


def free(cluster: Cluster) -> str:
    node = cluster.get("node", "n1")
    assert node
    return str(node["status"]["allocatable"][NPU])


@contextmanager
def broken_device(cluster: Cluster) -> Iterator[None]:
    report = cluster.first.folder / "unhealthy"
    report.write_text("3")
    try:
        until("the device is reported", lambda: free(cluster) == "7")
        yield
    finally:
        report.unlink()
        until("the device is well", lambda: free(cluster) == "8")


@contextmanager
def cordoned(cluster: Cluster) -> Iterator[None]:
    cluster.kubectl("cordon", "n1")
    try:
        yield
    finally:
        cluster.kubectl("uncordon", "n1")


@contextmanager
def limited(cluster: Cluster) -> Iterator[None]:
    meta = {"name": "npus", "namespace": HOME}
    quota: Tree = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta}
    cluster.apply({**quota, "spec": {"hard": {f"requests.{NPU}": "4"}}})
    try:
        yield
    finally:
        cluster.kubectl("delete", "quota", "npus", "-n", HOME)


@contextmanager
def secured(level: str, cluster: Cluster) -> Iterator[None]:
    """The namespace admits what a Pod Security Standard admits."""
    key = "pod-security.kubernetes.io/enforce"
    cluster.kubectl("label", "namespace", HOME, f"{key}={level}")
    try:
        yield
    finally:
        cluster.kubectl("label", "namespace", HOME, f"{key}-")


ONE = "ascend-910b4-8-w4a8"
TWO = ("ascend-910b3-16-w8a8", "--set", "engine.hostIpc=false")
SECOND = ("--set", r"npu.nodeSelector.kubernetes\.io/hostname=n2")
TOLERATING = (
    "--set-json",
    'npu.tolerations={"*": {"operator": "Exists", "value": "", "effect": ""}}',
)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("spoil", "values", "check", "why"),
    [
        (broken_device, (ONE,), "free-npus", f"Insufficient {NPU}"),
        (cordoned, (ONE,), "nodes-ready", "were unschedulable"),
        (limited, (ONE,), "quota", "exceeded quota: npus"),
        (partial(secured, "restricted"), (ONE,), "pod-security", 'PodSecurity "restricted:latest"'),
        (partial(secured, "baseline"), TWO, "pod-security", 'must not include "IPC_LOCK"'),
    ],
)
def test_each_reason_is_told_by_doctor_and_while_waiting(
    real: Cluster, spoil: Spoil, values: tuple[str, ...], check: str, why: str
) -> None:
    with spoil(real):
        reported(real, values, check, why)


def reported(cluster: Cluster, values: tuple[str, ...], check: str, why: str) -> None:
    """Doctor finds an error, and `apply --wait` gives a reason."""
    words = (*PLACE, "--profile", *values)
    found = json.loads(dsv4deploy(cluster, "doctor", *words, "-o", "json", code=1))
    assert check in {each["code"] for each in found if each["severity"] == "error"}
    with begun(cluster, "apply", *words, "--wait") as (process, lines):
        line = next(line for line in lines if line.startswith("failed: "))
        process.send_signal(signal.SIGINT)
    assert why in line


def test_a_full_disk_keeps_pods_away_and_rejects_those_that_tolerate_it(real: Cluster) -> None:
    make_namespace(real)
    # With so soft a limit kubelet reports DiskPressure at once, and evicts nobody for an hour.
    limit, grace = {"nodefs.available": "99%"}, {"nodefs.available": "1h"}
    with nodes.node(real, evictionSoft=limit, evictionSoftGracePeriod=grace):
        until("the second node's disk is full", lambda: "disk-pressure" in taints(real, "n2"))
        why = "node n2 has the taint node.kubernetes.io/disk-pressure"
        reported(real, (ONE, *SECOND), "nodes-ready", why)
        remove(real)
        why = "Pod was rejected: The node had condition: [DiskPressure]"
        reported(real, (ONE, *SECOND, *TOLERATING), "nodes-ready", why)
        remove(real)


def taints(cluster: Cluster, node: str) -> str:
    return json.dumps((cluster.get("node", node) or {})["spec"].get("taints"))


def test_a_namespace_of_the_baseline_standard_admits_all_pods_of_one_node(real: Cluster) -> None:
    make_namespace(real)
    with secured("baseline", real), deployed(real, HOME):
        assert complete(ingress(real, HOME), load().model.name).whole
