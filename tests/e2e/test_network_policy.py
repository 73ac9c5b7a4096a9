"""The network policy on a real node, where a controller enforces it: who reaches the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import ENGINES, QUICK, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, VALUES = "fenced", load()
FENCE = ("--set", "networkPolicy.enabled=true")
# Pods by their namespace and label, and whether they reach the engine.
PROBES = {
    ("monitoring", "prometheus"): True,
    (HOME, "test"): True,
    (HOME, "other"): False,
    ("elsewhere", "test"): False,
    ("elsewhere", "other"): False,
}


@pytest.fixture(scope="module")
def engine(real: Cluster) -> Iterator[str]:
    """The address of an engine with the policy, which pods of several places may try to reach."""
    with deployed(real, HOME, *FENCE):
        real.apply(*(space(name) for name in ("monitoring", "elsewhere")))
        real.apply(*(pod(*place) for place in PROBES))
        for namespace, name in PROBES:
            ready = ("--for=condition=Ready", f"pod/{name}", "--timeout=60s")
            real.kubectl("wait", "-n", namespace, *ready)
        (found,) = real.list("pods", HOME, ENGINES)
        yield str(found["status"]["podIP"])
        for namespace, name in PROBES:
            real.kubectl("delete", "pod", name, "-n", namespace, "--now")


def space(name: str) -> Tree:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def pod(namespace: str, name: str) -> Tree:
    labels = {"dsv4deploy.io/test": "chat"} if name == "test" else {}
    container = {"name": "main", "image": VALUES.test.image, "command": ["sleep", "infinity"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{**container, "imagePullPolicy": "IfNotPresent"}]},
    }


def reaches(cluster: Cluster, namespace: str, name: str, address: str, port: int = 8000) -> bool:
    """Whether a pod can connect to an address."""
    script = f"timeout 2 bash -c '</dev/tcp/{address}/{port}' && echo connected || true"
    words = ("exec", "-n", namespace, name, "--", "bash", "-c", script)
    return "connected" in cluster.kubectl(*words)


@pytest.mark.parametrize("place", PROBES, ids="/".join)
def test_the_engine_is_reached_by_those_that_are_named_and_by_nobody_else(
    real: Cluster, engine: str, place: tuple[str, str]
) -> None:
    assert reaches(real, *place, engine) is PROBES[place]


def test_the_router_s_figures_are_closed_too(real: Cluster, engine: str) -> None:
    assert engine
    of_it = "app.kubernetes.io/component=llminferenceservice-router-scheduler"
    (router,) = real.list("pods", HOME, of_it)
    address = router["status"]["podIP"]
    assert reaches(real, "monitoring", "prometheus", address, 9090)
    assert not reaches(real, HOME, "other", address, 9090)


def test_requests_pass_through_the_gateway_the_router_and_dns(real: Cluster, engine: str) -> None:
    assert engine
    assert complete(ingress(real, HOME), VALUES.model.name).whole
    dsv4deploy(real, "smoke", "--name", "chat", "-n", HOME)


def test_a_namespace_that_is_no_longer_named_is_closed_out(real: Cluster, engine: str) -> None:
    named = (*FENCE, "--set", "networkPolicy.fromNamespaces={envoy-gateway-system}")
    dsv4deploy(real, "apply", "--name", "chat", "-n", HOME, *named, *QUICK)
    closed = ("monitoring", "prometheus", engine)
    until("Prometheus is closed out", lambda: not reaches(real, *closed))
    assert complete(ingress(real, HOME), VALUES.model.name).whole
