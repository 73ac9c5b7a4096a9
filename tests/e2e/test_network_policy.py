"""The network policy on a real node, where a controller enforces it: who reaches the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import ENGINES, QUICK, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, VALUES = "fenced", load()
FENCE = (
    *("--set", "networkPolicy.enabled=true", "--set", "kvStore.enabled=true"),
    *("--set", "engine.envFromPod.POD_NAME=metadata.name"),
    *("--set", "replicas=2", "--set", "parallelism.tensor=4", "--set", "npu.card=910B3"),
)
# Pods by their namespace and label, and whether they reach the engine.
PROBES = {
    ("monitoring", "prometheus"): True,
    (HOME, "test"): True,
    (HOME, "other"): False,
    ("elsewhere", "test"): False,
    ("elsewhere", "other"): False,
}


@pytest.fixture(scope="module")
def engines(real: Cluster) -> Iterator[list[Tree]]:
    """Two engines with the policy and a KV store, which pods of several places try to reach."""
    with deployed(real, HOME, *FENCE):
        real.apply(*(space(name) for name in ("monitoring", "elsewhere")))
        real.apply(*(pod(*place) for place in PROBES))
        for namespace, name in PROBES:
            ready = ("--for=condition=Ready", f"pod/{name}", "--timeout=60s")
            real.kubectl("wait", "-n", namespace, *ready)
        yield real.list("pods", HOME, ENGINES)
        for namespace, name in PROBES:
            real.kubectl("delete", "pod", name, "-n", namespace, "--now")


@pytest.fixture
def engine(engines: list[Tree]) -> str:
    """The address of one of them."""
    return str(engines[0]["status"]["podIP"])


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
    return "connected" in inside(cluster, namespace, name, script)


def inside(cluster: Cluster, namespace: str, name: str, script: str) -> str:
    """What a script prints in a pod's container main."""
    words = ("exec", "-n", namespace, name, "-c", "main", "--", "bash", "-c", script)
    return cluster.kubectl(*words)


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


def test_engines_reach_each_other_at_any_port_that_mooncake_takes(
    real: Cluster, engines: list[Tree]
) -> None:
    """Transfers go from engine to engine; each listens at a port that it chooses when it starts."""
    one, other = (each["metadata"]["name"] for each in engines)
    address, port = engines[1]["status"]["podIP"], 15428
    inside(real, HOME, other, f"python3 -m http.server {port} </dev/null >/dev/null 2>&1 &")
    until("the port is open", lambda: reaches(real, HOME, other, address, port))
    assert reaches(real, HOME, one, address, port)
    assert not reaches(real, HOME, "other", address, port)
    assert not reaches(real, "elsewhere", "other", address, port)


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
