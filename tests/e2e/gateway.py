"""The MaaS gateway of a real cluster, as its clients and administrators see it.

A model server written for the tests answers in the engines' place: an engine neither waits nor
resets a connection at a client's word, and does not list what reached it. It runs on the node,
beside the tests, and Services with the names that KServe gives lead to it. Of what dsv4deploy
renders everything is applied but KServe's own objects.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from cluster.nodes import Cluster as Real
from cluster.nodes import Tree
from cluster.stack import SYSTEM, gateways
from control_plane import namespace, running, until
from parts import program, run

from dsv4deploy import Release, Values
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.manifest.render import render

REDIS = ("redis", "redis-system")
MODEL_SERVER = Path(__file__).resolve().parent / "model_server.py"


def listens(address: str, port: int) -> bool:
    """Whether something listens at an address."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _processes(pod: Tree) -> bool | None:
    """Whether a proxy's pod has Envoy AI Gateway's processor; None until it is ready."""
    conditions = pod["status"].get("conditions", [])
    if not any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        return None
    return "ai-gateway-extproc" in {each["name"] for each in pod["spec"].get("initContainers", [])}


class Gateway:
    """The Gateways of some deployments, the first of which clients reach.

    Args:
        real: their cluster, in whose network the calling thread is.
        folder: for logs and values files.
        deployments: what they are for.
    """

    def __init__(self, real: Real, folder: Path, deployments: list[Values]) -> None:
        self.real = real
        self.cluster = Cluster.connect(kubeconfig=str(real.kubeconfig))
        self.envoy: Tree = {}
        self._folder = folder
        self._deployments = deployments
        self._stack = ExitStack()
        node = real.get("node", "n1")
        assert node
        self._node = str(node["status"]["addresses"][0]["address"])

    def __enter__(self) -> Gateway:
        with ExitStack() as undo:
            undo.push(self)
            self.start_model()
            for values in self._deployments:
                self._deploy(values)
            self.envoy = self.proxy(self._deployments[0])
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        release = Release()
        spaces = {release.namespace}
        for values in self._deployments:
            for item in reversed(render(values, release)):
                self.cluster.delete(item)
            spaces.add(values.maas.namespace)
            secret = ("secret", values.maas.api_keys.secret_name, "-n", values.maas.namespace)
            self.real.kubectl("delete", *secret, "--ignore-not-found")
        self.real.kubectl("delete", "namespace", *(spaces - {SYSTEM}))

    @property
    def address(self) -> str:
        """The address of the first proxy's pod."""
        return str(self.envoy["status"]["podIP"])

    @property
    def url(self) -> str:
        """The plain listener of the first proxy's pod."""
        return f"http://{self.address}:10080"

    def stats(self, pattern: str, address: str = "") -> dict[str, float]:
        """The figures of a proxy, by default the first, whose lines match a pattern, by name."""
        text = httpx.get(f"http://{address or self.address}:19001/stats/prometheus").text
        lines = (line.rpartition(" ") for line in text.splitlines() if re.search(pattern, line))
        return {name: float(figure) for name, _, figure in lines if not name.startswith("#")}

    def seen(self) -> list[Tree]:
        """The requests that reached the model server, the last one last."""
        found: list[Tree] = httpx.get(f"http://{self._node}:8000/seen").json()
        return found

    def charged(self, user: str) -> dict[str, int]:
        """The tokens that Redis counts for a user, by its key: one for each rule and window."""
        service = self.real.get("service", *REDIS)
        assert service
        client = (program("redis-cli"), "-h", service["spec"]["clusterIP"], "--json")
        keys = json.loads(run(*client, "KEYS", f"*_{user}_*"))
        return {key: int(json.loads(run(*client, "GET", key))) for key in keys}

    def _deploy(self, values: Values) -> None:
        release = Release()
        for space in (values.maas.namespace, release.namespace):
            namespace(self.cluster, space)
        for item in render(values, release):
            if not item["apiVersion"].startswith("serving.kserve.io/"):
                self.cluster.apply(item, force=True)
        name, ports = f"{values.name}-kserve-workload-svc", [{"name": "http", "port": 8000}]
        meta: Tree = {"name": name, "namespace": release.namespace}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": meta}
        endpoints = {"addressType": "IPv4", "endpoints": [{"addresses": [self._node]}]}
        endpoints |= {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "ports": ports}
        labels = {"kubernetes.io/service-name": name}
        self.real.apply(
            {**service, "spec": {"ports": ports}},
            {**endpoints, "metadata": {**meta, "labels": labels}},
        )

    def proxy(self, values: Values) -> Tree:
        """The first pod of a deployment's Gateway, as :meth:`proxies` gives it."""
        return self.proxies(values)[0]

    def proxies(self, values: Values) -> list[Tree]:
        """The pods of a deployment's Gateway, once they have a processor and an upstream.

        Envoy resolves the model's name before it listens. Where that fails, it has no upstream
        until it tries again.
        """
        name, space = values.maas.gateway.name, values.maas.namespace
        owner = "gateway.envoyproxy.io/owning-gateway"

        def ready() -> list[Tree]:
            # A pod that was made before Envoy AI Gateway had configured its processor is replaced.
            found = [
                pod
                for pod in self.real.list(
                    "pods", SYSTEM, f"{owner}-name={name},{owner}-namespace={space}"
                )
                if "deletionTimestamp" not in pod["metadata"]
            ]
            wanted = max(values.maas.gateway.replicas, 1)
            return found if [_processes(pod) for pod in found] == [True] * wanted else []

        pods: list[Tree] = until("the proxies are ready", ready)
        for pod in pods:
            until("the proxy listens", lambda pod=pod: listens(pod["status"]["podIP"], 10080))
            until("it has an upstream", lambda pod=pod: self._upstreams(pod["status"]["podIP"]))
        return pods

    def _upstreams(self, address: str) -> bool:
        """Whether every route of a proxy leads somewhere."""
        name = 'envoy_cluster_membership_healthy.*envoy_cluster_name="httproute/'
        found = self.stats(name, address)
        return bool(found) and all(found.values())

    def start_model(self) -> None:
        """Starts the model server, which answers for every deployment's Service."""
        log = self._folder / "model.log"
        self._model = self._stack.enter_context(
            running(log, sys.executable, MODEL_SERVER, self._node, 8000)
        )
        until("the model server listens", lambda: listens(self._node, 8000))

    def stop_model(self) -> None:
        """Ends the model server until it is started again."""
        self._model.terminate()
        self._model.wait()

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """No Redis runs for a while; the next one is empty."""
        where = ("deployment/redis", "-n", REDIS[1])
        self.real.kubectl("scale", *where, "--replicas=0")
        until("Redis is gone", lambda: not self.real.list("pods", REDIS[1]))
        try:
            yield
        finally:
            self.real.kubectl("scale", *where, "--replicas=1")
            self.real.kubectl("rollout", "status", *where, "--timeout=300s")

    @contextmanager
    def asleep(self, *names: str) -> Iterator[None]:
        """The containers of some Deployments' pods are paused for a while."""
        tasks = [
            status["containerID"].removeprefix("containerd://")
            for pod in self.real.list("pods")
            if pod["metadata"]["name"].rsplit("-", 2)[0] in names
            for status in pod["status"]["containerStatuses"]
        ]
        task = ("ctr", "--namespace", "k8s.io", "task")
        for each in tasks:
            self.real.first.run(*task, "pause", each)
        try:
            yield
        finally:
            for each in tasks:
                self.real.first.run(*task, "resume", each)

    @contextmanager
    def configured(self, settings: Tree) -> Iterator[None]:
        """Envoy Gateway has other settings for a while."""
        self._configure(settings)
        try:
            yield
        finally:
            self._configure({})

    def _configure(self, settings: Tree) -> None:
        """What an upgrade of Envoy Gateway's chart with other settings does."""
        wanted = gateways(self._folder, settings)
        self.real.apply(next(item for item in wanted if item["kind"] == "ConfigMap"))
        self.refresh()

    def refresh(self) -> None:
        """Changes the gateway's pods, so that kubelet brings their volumes up to date at once."""
        change = f"changed={time.time()}"
        self.real.kubectl("annotate", "pods", "--all", "-n", SYSTEM, "--overwrite", change)


def handed_out(change: Callable[..., None], *arguments: Any) -> str:
    """The key that `create` or `rotate` of the keys hands out."""
    given: list[str] = []
    change(*arguments, given.append)
    return given[0]
