"""Why a deployment does not start on a real node: what ``doctor`` and ``apply --wait`` say."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import ENGINES, begun, dsv4deploy
from control_plane import until

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
def restricted(cluster: Cluster) -> Iterator[None]:
    level = "pod-security.kubernetes.io/enforce"
    cluster.kubectl("label", "namespace", HOME, f"{level}=restricted")
    try:
        yield
    finally:
        cluster.kubectl("label", "namespace", HOME, f"{level}-")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("spoil", "check", "why"),
    [
        (broken_device, "free-npus", f"Insufficient {NPU}"),
        (cordoned, "nodes-ready", "were unschedulable"),
        (limited, "quota", "exceeded quota: npus"),
        (restricted, "pod-security", 'violates PodSecurity "restricted:latest"'),
    ],
)
def test_each_reason_is_told_by_doctor_and_while_waiting(
    real: Cluster, spoil: Spoil, check: str, why: str
) -> None:
    with spoil(real):
        found = json.loads(dsv4deploy(real, "doctor", *PLACE, "-o", "json", code=1))
        errors = {each["code"] for each in found if each["severity"] == "error"}
        assert check in errors
        with begun(real, "apply", *PLACE, "--wait") as (process, lines):
            line = next(line for line in lines if line.startswith("failed: "))
            process.send_signal(signal.SIGINT)
        assert why in line
