"""The MaaS ingress through an InferencePool of two engines, on a real node.

Each takes four of the eight NPUs; with 64 GB each they hold the model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from cluster.nodes import Cluster
from cluster.user import ENGINES, QUICK, address, begun, complete, deployed, dsv4deploy, ingress
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


def test_a_killed_engine_costs_no_request_once_the_router_has_noticed(
    real: Cluster, ask: tuple[str, str]
) -> None:
    url, key = ask
    answered: list[bool] = []
    ended = threading.Event()

    def load_it() -> None:
        while not ended.is_set():
            answered.append(complete(url, MODEL, 20, key).whole)

    threads = [threading.Thread(target=load_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until("requests are answered", lambda: len(answered) > 20)
        assert all(answered)
        first, _ = _serving(real)
        real.kubectl("delete", "pod", first, "-n", HOME, "--grace-period=0", "--force")
        killed = len(answered)
        until("the other one answers", lambda: len(answered) > killed + 40 and all(answered[-20:]))
        noticed = len(answered)
        until("both are ready again", lambda: len(_serving(real) - {first}) == 2)
        more = len(answered)
        until("both have answered", lambda: len(answered) > more + 20)
        assert all(answered[noticed:])
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _serving(cluster: Cluster) -> set[str]:
    """The names of the engines' pods that are ready."""
    return {
        each["metadata"]["name"]
        for each in cluster.list("pods", HOME, ENGINES)
        for condition in each["status"].get("conditions", [])
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }


def test_a_drain_amid_an_upgrade_leaves_one_engine_at_any_time(
    real: Cluster, ask: tuple[str, str]
) -> None:
    url, key = ask
    budget = ("--set", "disruptionBudget.enabled=true", "--set-string")
    new = (*TWO, *QUICK, *budget, "engine.env.SIMULATED_LOAD=10", "--yes")
    drain = ("drain", "n1", f"--pod-selector={ENGINES}", "--delete-emptydir-data", "--force")
    with (
        ThreadPoolExecutor() as pool,
        begun(real, "upgrade", "--name", "chat", "-n", HOME, *new) as (_, lines),
    ):
        assert any(line.startswith("loading: ") for line in lines)
        drained = pool.submit(real.kubectl, *drain, "--ignore-daemonsets")
        try:
            # The budget allows no eviction before one is ready, and none but one after that.
            assert any(line.startswith("failed: no node can run pod ") for line in lines)
            until("the other one answers", lambda: complete(url, MODEL, key=key).whole)
            assert not drained.done()
        finally:
            real.kubectl("uncordon", "n1")
        assert "chat is ready" in "".join(lines)
        drained.result()
    until("both are ready", lambda: len(_serving(real)) == 2)


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
