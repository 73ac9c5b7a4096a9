"""Why a deployment does not start on a real node: what ``doctor`` and ``apply --wait`` say."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeAlias

import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import ENGINES, begun, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME = "reasons"
PLACE = ("--name", "chat", "-n", HOME)
Spoil: TypeAlias = Callable[[Cluster], AbstractContextManager[None]]
NPU = "huawei.com/Ascend910"


@pytest.fixture
def place(real: Cluster) -> Iterator[None]:
    """A namespace in which nothing runs, before and after."""
    real.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    yield
    dsv4deploy(real, "delete", *PLACE, "--yes")
    until("its engines are gone", lambda: not real.list("pods", HOME, ENGINES))


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


@contextmanager
def full(cluster: Cluster) -> Iterator[None]:
    """Kubelet reports DiskPressure; in the grace period of a soft limit it evicts no pod."""
    file = cluster.first.folder / "kubelet.json"
    before = file.read_text()
    limit = {"evictionSoft": {"nodefs.available": "99%"}}
    limit["evictionSoftGracePeriod"] = {"nodefs.available": "1h"}
    try:
        configure(cluster, json.dumps({**json.loads(before), **limit}))
        until("the disk is full", lambda: pressed(cluster))
        yield
    finally:
        configure(cluster, before)
        until("the disk is free", lambda: not pressed(cluster))


def configure(cluster: Cluster, text: str) -> None:
    """Starts kubelet anew with a configuration; all that runs is ready again afterwards."""
    (cluster.first.folder / "kubelet.json").write_text(text)
    cluster.first.restart("kubelet")
    until("kubelet is back", lambda: free(cluster) == "8")
    waiting = ("deploy", "--all", "-A", "--timeout=300s")
    cluster.kubectl("wait", "--for=condition=Available", *waiting)


def pressed(cluster: Cluster) -> bool:
    """Whether the node has the taint of a full disk."""
    return "disk-pressure" in json.dumps((cluster.get("node", "n1") or {})["spec"])


ONE = "ascend-910b4-8-w4a8"
TWO = ("ascend-910b3-16-w8a8", "--set", "engine.hostIpc=false")
TOLERATING = (ONE, "--set-json", 'npu.tolerations={"*": {"operator": "Exists"}}')


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


@pytest.mark.usefixtures("place")
def test_a_full_disk_keeps_pods_away_or_rejects_those_that_tolerate_it(real: Cluster) -> None:
    with full(real):
        taint = "untolerated taint {node.kubernetes.io/disk-pressure"
        reported(real, (ONE,), "nodes-ready", taint)
        dsv4deploy(real, "delete", *PLACE, "--yes")
        until("its engines are gone", lambda: not real.list("pods", HOME, ENGINES))
        reported(real, TOLERATING, "nodes-ready", "Evicted: The node had condition: [DiskPressure]")


@pytest.mark.usefixtures("place")
def test_a_namespace_of_the_baseline_standard_admits_all_pods_of_one_node(real: Cluster) -> None:
    with secured("baseline", real), deployed(real, HOME):
        assert complete(ingress(real, HOME), load().model.name).whole
