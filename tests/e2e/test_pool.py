"""The MaaS ingress through an InferencePool of two engines, on a real node.

Each takes four of the eight NPUs; with 64 GB each they hold the model.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cluster.nodes import Cluster
from cluster.user import ENGINES, address, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, MODEL = "pool", load().model.name
ROUTER = "chat-kserve-router-scheduler"
TWO = (
    *("--set", "replicas=2", "--set", "parallelism.tensor=4", "--set", "npu.card=910B3"),
    *("--set", "maas.enabled=true", "--set", "maas.backend=InferencePool"),
    *("--set", f"maas.namespace={HOME}", "--set", "maas.gateway.className=eg"),
)


@pytest.fixture(scope="module")
def ask(real: Cluster) -> Iterator[tuple[str, str]]:
    """The gateway's URL, and a key that it takes."""
    real.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    told = dsv4deploy(real, "keys", "create", "bob", "--name", "chat", "-n", HOME, *TWO)
    key = next(line for line in told.splitlines() if line.startswith("dsv4_"))
    with deployed(real, HOME, *TWO):
        url = until("the gateway has an address", lambda: address(real, "maas", HOME))
        until("the gateway answers", lambda: complete(url, MODEL, key=key).whole)
        yield url, key


def test_a_killed_engine_costs_no_new_request_after_five_seconds(
    real: Cluster, ask: tuple[str, str]
) -> None:
    url, key = ask
    failed: list[float] = []
    asked: list[float] = []
    ended = threading.Event()

    def load_it() -> None:
        while not ended.is_set():
            begun = time.monotonic()
            asked.append(begun)
            if not complete(url, MODEL, 20, key).whole:
                failed.append(begun)

    threads = [threading.Thread(target=load_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    until("requests are answered", lambda: len(asked) > 20)
    assert failed == []
    first, _ = real.list("pods", HOME, ENGINES)
    name = first["metadata"]["name"]
    real.kubectl("delete", "pod", name, "-n", HOME, "--grace-period=0", "--force")
    killed = time.monotonic()
    until("ten seconds have passed", lambda: time.monotonic() > killed + 10)
    ended.set()
    for thread in threads:
        thread.join()
    assert sum(begun > killed + 5 for begun in asked) > 20
    assert [begun - killed for begun in failed if begun > killed + 5] == []
    until("both are ready again", lambda: _ready(real) == 2)


def _ready(cluster: Cluster) -> int:
    found = cluster.get("deployment", "chat-kserve", HOME)
    return int((found or {}).get("status", {}).get("readyReplicas") or 0)


@contextmanager
def without_a_router(cluster: Cluster) -> Iterator[None]:
    """The router is gone, and KServe does not bring it back."""
    controller = ("deployment/llmisvc-controller-manager", "-n", "kserve")
    cluster.kubectl("scale", *controller, "--replicas=0")
    cluster.kubectl("wait", "pod", "-n", "kserve", "--all", "--for=delete", "--timeout=60s")
    cluster.kubectl("scale", f"deployment/{ROUTER}", "-n", HOME, "--replicas=0")
    of_it = "app.kubernetes.io/component=llminferenceservice-router-scheduler"
    until("the router is gone", lambda: not cluster.list("pods", HOME, of_it))
    try:
        yield
    finally:
        cluster.kubectl("scale", *controller, "--replicas=1")
        cluster.kubectl("rollout", "status", *controller, "--timeout=120s")
        cluster.kubectl("scale", f"deployment/{ROUTER}", "-n", HOME, "--replicas=1")


def test_without_its_router_nobody_is_answered_whatever_the_pool_says(
    real: Cluster, ask: tuple[str, str]
) -> None:
    url, key = ask
    kind, name = "inferencepool.inference.networking.k8s.io", "chat-inference-pool"

    def answers() -> list[int]:
        """The status at the MaaS ingress, and at the internal one."""
        inside = ingress(real, HOME)
        return [complete(url, MODEL, key=key).status, complete(inside, MODEL).status]

    assert answers() == [200, 200]
    pool = real.get(kind, name, HOME)
    assert pool
    assert pool["spec"]["endpointPickerRef"]["failureMode"] == "FailOpen"
    with without_a_router(real):
        # Envoy AI Gateway 1.0.0, inferencepool.go of its extension server: FailureModeAllow: false.
        assert answers() == [500, 500]
        closed = {"spec": {"endpointPickerRef": {"failureMode": "FailClose"}}}
        real.kubectl("patch", kind, name, "-n", HOME, "--type=merge", "-p", json.dumps(closed))
        assert answers() == [500, 500]
    until("requests are answered again", lambda: answers() == [200, 200])
