"""A deployment on two real nodes: leader and worker find each other, and lose each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from cluster import nodes, software
from cluster.machine import Machine
from cluster.nodes import Cluster, Tree
from cluster.user import ENGINES, begun, complete, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, PROFILE = "two", "ascend-910b3-16-w8a8"
MODEL = load(profile=PROFILE).model.name
PLACE = ("--name", "chat", "-n", HOME)
QUICK = tuple(
    word
    for probe in ("probes.startup", "probes.readiness", "worker.probes.startup")
    for word in ("--set", f"engine.{probe}.periodSeconds=1")
)


@pytest.fixture(scope="module")
def join(
    real: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Machine]]:
    """Adds one more node, which stays until the module's end."""
    images = software.of_a_second_node(tmp_path_factory.mktemp("images") / "images.tar")
    with ExitStack() as joined:

        def one() -> Machine:
            node = joined.enter_context(nodes.node(real, images))
            until("the node is ready", lambda: real.ready(node))
            return node

        yield one
    images.unlink()


@pytest.fixture(scope="module")
def second(join: Callable[[], Machine]) -> Machine:
    """The second node."""
    return join()


@pytest.fixture(scope="module")
def url(real: Cluster, second: Machine) -> Iterator[str]:
    """The URL of a deployment's ingress, on two nodes."""
    assert second.name == "n2"
    real.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    dsv4deploy(real, "apply", "--profile", PROFILE, *PLACE, *QUICK, "--wait")
    yield ingress(real, HOME)
    dsv4deploy(real, "delete", *PLACE, "--yes")
    until("its engines are gone", lambda: not real.list("pods", HOME, ENGINES))


def ranks(cluster: Cluster) -> dict[str, Tree]:
    """The leader ``"0"`` and the worker ``"1"``."""
    index = "leaderworkerset.sigs.k8s.io/worker-index"
    found = cluster.list("pods", HOME, index)
    return {each["metadata"]["labels"][index]: each for each in found}


def test_leader_and_worker_are_on_two_nodes_and_answer(real: Cluster, url: str) -> None:
    found = ranks(real)
    assert {each["spec"]["nodeName"] for each in found.values()} == {"n1", "n2"}
    for each in found.values():
        log = real.kubectl("logs", each["metadata"]["name"], "-n", HOME, "-c", "main")
        assert "all ranks have met" in log
    assert complete(url, MODEL).whole
    assert "chat: ready" in dsv4deploy(real, "status", *PLACE)


def test_a_killed_worker_takes_the_leader_with_it_and_both_come_back(
    real: Cluster, url: str
) -> None:
    before = {each["metadata"]["uid"] for each in ranks(real).values()}
    name = ranks(real)["1"]["metadata"]["name"]
    real.kubectl("delete", "pod", name, "-n", HOME, "--grace-period=0", "--force")
    until("nobody is answered", lambda: not complete(url, MODEL).whole)
    assert "chat: ready" not in dsv4deploy(real, "status", *PLACE, code=1)
    until("it answers again", lambda: complete(url, MODEL).whole)
    after = {each["metadata"]["uid"] for each in ranks(real).values()}
    assert len(after) == 2
    assert not after & before
    until("it is ready", lambda: "True" in _ready(real))


def _ready(cluster: Cluster) -> str:
    found = cluster.get("llminferenceservice", "chat", HOME)
    conditions = (found or {}).get("status", {}).get("conditions", [])
    return "".join(each["status"] for each in conditions if each["type"] == "Ready")


def test_a_killed_node_is_named_and_its_pods_come_back_when_it_is_deleted(
    real: Cluster, url: str, second: Machine, join: Callable[[], Machine]
) -> None:
    spare = join()
    (lost,) = (
        each["metadata"]["name"]
        for each in ranks(real).values()
        if each["spec"]["nodeName"] == second.name
    )
    second.holder.kill()
    until("nobody is answered", lambda: not complete(url, MODEL).whole)

    def named() -> bool:
        with begun(real, "status", *PLACE) as (_, lines):
            return next(lines).startswith(f"chat: failed: pod {lost} is on node n2, which does not")

    until("status names the node", named)
    # The engine tolerates every taint, as published: nothing evicts it.
    real.kubectl("delete", "node", "n2")
    until("it answers again", lambda: complete(url, MODEL).whole)
    assert {each["spec"]["nodeName"] for each in ranks(real).values()} == {"n1", spare.name}
    until("it is ready", lambda: "True" in _ready(real))
