"""The MaaS gateway as it runs in a cluster: Envoy Gateway, Envoy AI Gateway, Envoy, quotas.

Envoy Gateway's and Envoy AI Gateway's own charts are applied to a kube-apiserver, their controllers
started with those charts' arguments and rights, and the pods that the controllers write (Envoy with
the external processor that Envoy AI Gateway's webhook adds to it, the rate limit service) run as
:mod:`pods` runs them. The objects under test are those that dsv4deploy renders, unchanged.

It differs from a cluster in this: Envoy is 1.38.3 from PyPI where Envoy Gateway 1.8.1 names 1.38.1,
the programs are built here from the releases' sources, and a model server written for the tests
stands behind the gateway, at the address of the Service that KServe would make.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from control_plane import (
    ENVOY,
    Tree,
    api_server,
    install_crds,
    namespace,
    other_crds,
    running,
    set_status,
    until,
)
from parts import program, run
from pods import NODE, Image, Node, Pod, network
from tools import find

from dsv4deploy import Release, Values
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.manifest.render import render

EXTENSION = "sigs.k8s.io/gateway-api-inference-extension@v1.0.2"
SYSTEM, AI_SYSTEM = "envoy-gateway-system", "envoy-ai-gateway-system"
REDIS = ("redis", "redis-system")  # the Service that Envoy AI Gateway's example names
# Seconds that Envoy waits for the rate limit: the default of 20 ms is less than a busy machine
# needs, and counts as no limit.
PATIENCE = 8
MODEL_SERVER = Path(__file__).resolve().parent / "model_server.py"


def images(go_build: Callable[..., Path]) -> dict[str, Image]:
    """What replaces the images that the charts and controllers name."""
    import envoy

    binary = Path(envoy.__file__).parent / "_bin" / "envoy"
    binary.chmod(0o755)
    return {
        "gateway": Image("usr/local/bin/envoy-gateway", go_build("ai-gateway", "envoy-gateway")),
        "ai-gateway-controller": Image("app", go_build("ai-gateway", "controller")),
        "ai-gateway-extproc": Image("app", go_build("ai-gateway", "extproc")),
        "ratelimit": Image("bin/ratelimit", go_build("ratelimit", "service_cmd")),
        "envoy": Image("usr/local/bin/envoy", binary),
    }


def charts(go_module: Callable[[str], Path], settings: Tree, folder: Path) -> list[Tree]:
    """The objects of Envoy Gateway's and Envoy AI Gateway's charts, hooks included.

    Args:
        go_module: finds a Go module's folder.
        settings: the EnvoyGateway configuration beside what Envoy AI Gateway asks for.
        folder: for a values file.
    """
    gateway, ai = map(go_module, ENVOY)
    helm = find("helm3")
    own = folder / "envoy-gateway-values.yaml"
    image = {"image": "docker.io/envoyproxy/gateway:v1.8.1", "pullPolicy": "IfNotPresent"}
    limits = {"timeout": f"{PATIENCE}s", **settings.get("rateLimit", {})}
    values = {
        "global": {"images": {"envoyGateway": image}},
        "config": {"envoyGateway": {**settings, "rateLimit": limits}},
    }
    own.write_text(yaml.safe_dump(values))
    chart = gateway / "charts" / "gateway-helm"
    # The release fills its defaults' three placeholders in; `own` replaces them.
    examples = [
        ai / "examples" / name / "envoy-gateway-values-addon.yaml"
        for name in ("token_ratelimit", "inference-pool")
    ]
    asked = ai / "manifests" / "envoy-gateway-values.yaml"
    files = (chart / "values.tmpl.yaml", asked, *examples, own)
    flags = [word for file in files for word in ("-f", file)]
    texts = [run(helm, "template", "eg", chart, "-n", SYSTEM, *flags)]
    chart = ai / "manifests" / "charts" / "ai-gateway-helm"
    # Figures by user, as docs/gateway.md advises.
    users = ("--set", "controller.metricsRequestHeaderAttributes=x-user-id:user.id")
    texts.append(run(helm, "template", "aieg", chart, "-n", AI_SYSTEM, *users))
    return [item for text in texts for item in yaml.load_all(text, yaml.CSafeLoader) if item]


def crds(go_module: Callable[[str], Path]) -> list[Tree]:
    """Gateway API's, Envoy Gateway's, Envoy AI Gateway's kinds, and InferencePool."""
    text = run(
        find("helm3"),
        *("template", go_module(ENVOY[0]) / "charts" / "gateway-crds-helm"),
        *("--set", "crds.gatewayAPI.enabled=true,crds.gatewayAPI.channel=standard"),
    )
    found = [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    bases = go_module(EXTENSION) / "config" / "crd" / "bases"
    pools = (bases / "inference.networking.k8s.io_inferencepools.yaml").read_text()
    found += [*yaml.load_all(pools, yaml.CSafeLoader), *other_crds(go_module)]
    return [item for item in found if item["kind"] == "CustomResourceDefinition"]


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


class Gateway:
    """A running gateway, as clients and administrators see it.

    Args:
        cluster: its control plane's API.
        node: its pods.
        folder: every program's log.
        go_module: finds a Go module's folder.
    """

    def __init__(
        self, cluster: Cluster, node: Node, folder: Path, go_module: Callable[[str], Path]
    ) -> None:
        self.cluster = cluster
        self.node = node
        self.folder = folder
        self.proxies: dict[str, list[Pod]] = {}
        self._go_module = go_module
        self._stack = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def envoy(self) -> Pod:
        """The first proxy's pod."""
        return next(iter(self.proxies.values()))[0]

    @property
    def url(self) -> str:
        """The plain listener that clients of the first proxy reach."""
        return f"http://{self.envoy.address}:10080"

    @property
    def model_url(self) -> str:
        """The model server itself."""
        return f"http://{NODE}:8000"

    def stats(self, pattern: str, proxy: Pod | None = None) -> dict[str, float]:
        """The figures of a proxy, the first by default, whose lines match a pattern, by name."""
        text = httpx.get(f"http://{(proxy or self.envoy).address}:19001/stats/prometheus").text
        lines = (line.rpartition(" ") for line in text.splitlines() if re.search(pattern, line))
        return {name: float(figure) for name, _, figure in lines if not name.startswith("#")}

    def seen(self) -> list[Tree]:
        """The requests that reached the model server, the last one last."""
        found: list[Tree] = httpx.get(f"{self.model_url}/seen").json()
        return found

    def redis(self, *command: str) -> Any:
        """What Redis answers."""
        client = (program("redis-cli"), "-h", NODE, "--json")
        return json.loads(run(*client, *command))

    def charged(self, user: str) -> dict[str, int]:
        """The tokens that stand against a user, by Redis's key: one for each rule and window."""
        return {key: int(self.redis("GET", key)) for key in self.redis("KEYS", f"*_{user}_*")}

    def processes(self) -> dict[str, int]:
        """The process ids of what a request passes through."""
        names = ("envoy", "ai-gateway-extproc")
        found = {name: self.envoy.processes[name].pid for name in names}
        limiter = self.node.pods["envoy-ratelimit"].processes["envoy-ratelimit"].pid
        return {**found, "ratelimit": limiter, "redis": self._processes["redis"].pid}

    def deploy(self, values: Values) -> None:
        """Applies a deployment's objects as they are; of KServe's there is nobody to read them."""
        release = Release()
        for space in (values.maas.namespace, release.namespace):
            namespace(self.cluster, space)
        self.node.serve(f"{values.name}-kserve-workload-svc", release.namespace)
        for item in render(values, release):
            if self.cluster.has(item["apiVersion"], item["kind"]):
                self.cluster.apply(item, force=True)

    def start_proxy(self, values: Values, *, processor: bool = True) -> Pod:
        """Starts the pods that the controllers want for a Gateway, and gives the first proxy's.

        Args:
            values: its deployment.
            processor: whether Envoy AI Gateway is to have its processor in the proxy's pod.
        """
        name, space = values.maas.gateway.name, values.maas.namespace
        cluster, node = self.cluster, self.node
        owner = f"gateway.envoyproxy.io/owning-gateway-namespace={space}"

        def wanted(kind: str, version: str = "v1") -> Tree | None:
            return next(iter(cluster.list(version, kind, SYSTEM, owner)), None)

        if processor:
            until(
                "Envoy AI Gateway has configured its processor",
                lambda: cluster.get("v1", "Secret", f"{name}-{space}", SYSTEM),
            )
        proxy = until("Envoy Gateway wants a proxy", lambda: wanted("Deployment", "apps/v1"))
        service = until("Envoy Gateway wants an address", lambda: wanted("Service"))
        if "envoy-ratelimit" not in node.pods:
            limiter = ("envoy-ratelimit", SYSTEM)
            until("its Service is there", lambda: cluster.get("v1", "Service", *limiter))
            node.start(
                until("its pod is wanted", lambda: cluster.get("apps/v1", "Deployment", *limiter))
            )
        replicas = proxy["spec"]["replicas"]
        pods = self.proxies[name] = [node.start(proxy) for _ in range(replicas)]
        pod = pods[0]
        assert ("ai-gateway-extproc" in pod.processes) == processor
        counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
        ready = {
            "observedGeneration": proxy["metadata"]["generation"],
            **dict.fromkeys(counts, replicas),
        }
        set_status(cluster, proxy, ready)
        set_status(cluster, service, {"loadBalancer": {"ingress": [{"ip": pod.address}]}})

        def programmed() -> bool:
            live = cluster.get("gateway.networking.k8s.io/v1", "Gateway", name, space)
            conditions = (live or {}).get("status", {}).get("conditions", [])
            met = {each["type"] for each in conditions if each["status"] == "True"}
            return "Programmed" in met

        until("the Gateway is programmed", programmed)
        for each in pods:
            until("the proxy listens", lambda each=each: _listens(each.address, 10080))
        return pod

    def start_redis(self) -> None:
        """Starts Redis, empty."""
        store = ("--save", "", "--appendonly", "no", "--dir", self.folder)
        command = (program("redis-server"), "--bind", "0.0.0.0", "--protected-mode", "no", *store)
        self._start("redis", 6379, *command)

    def start_model(self) -> None:
        """Starts the model server, which answers for every deployment's Service."""
        self._start("model", 8000, sys.executable, MODEL_SERVER, "0.0.0.0", 8000)

    def _start(self, name: str, port: int, *command: object) -> None:
        log = self.folder / f"{name}.log"
        process = self._stack.enter_context(running(log, *command))
        self._processes[name] = process

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            return _listens(NODE, port)

        until(f"{name} listens", listens)

    def stop(self, name: str) -> None:
        """Ends ``redis`` or ``model`` until it is started again."""
        self._processes[name].terminate()
        self._processes[name].wait()

    @contextmanager
    def asleep(self, *names: str) -> Iterator[None]:
        """Lets ``redis``, or pods by their workload's name, stand still for a while."""
        processes = [
            process
            for name in names
            for process in (
                self.node.pods[name].processes.values()
                if name in self.node.pods
                else [self._processes[name]]
            )
        ]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    def configure(self, settings: Tree) -> None:
        """Changes Envoy Gateway's own configuration, as an upgrade of its chart would."""
        wanted = charts(self._go_module, settings, self.folder)
        self.cluster.apply(next(item for item in wanted if item["kind"] == "ConfigMap"), force=True)
        self.node.refresh(self.node.pods["envoy-gateway"])


@contextmanager
def gateway_plane(
    folder: Path,
    go_module: Callable[[str], Path],
    go_build: Callable[..., Path],
    deployments: list[Values],
) -> Iterator[Gateway]:
    """The whole gateway around some deployments, the first of which makes the Gateway.

    The calling thread is in the pods' network meanwhile.
    """
    # All that is downloaded, while there is a way out.
    programs, server = images(go_build), go_build("kube")
    kinds, installed = crds(go_module), charts(go_module, {}, folder)
    with network(), ExitStack() as stack:
        kubeconfig, _ = stack.enter_context(api_server(folder, server, NODE))
        cluster = Cluster.connect(kubeconfig=str(kubeconfig))
        install_crds(cluster, kinds)
        for name in (SYSTEM, AI_SYSTEM, REDIS[1]):
            namespace(cluster, name)
        for item in installed:
            cluster.apply(item, force=True)
        named = {(item["kind"], item["metadata"]["name"]): item for item in installed}
        address = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        reached = int(address.rpartition(":")[2]), folder / "serving" / "apiserver.crt"
        node = stack.enter_context(Node(cluster, folder, reached, programs))
        gateway = stack.enter_context(Gateway(cluster, node, folder, go_module))
        gateway.start_redis()
        gateway.start_model()
        node.serve(*REDIS)
        job = node.start(named["Job", "eg-gateway-helm-certgen"])
        (certgen,) = job.processes.values()
        until("the certificates are made", lambda: certgen.poll() == 0)
        node.start(named["Deployment", "ai-gateway-controller"])
        node.start(named["Deployment", "envoy-gateway"])
        api = "gateway.networking.k8s.io/v1"
        controller = "gateway.envoyproxy.io/gatewayclass-controller"
        gateway_class = {"apiVersion": api, "kind": "GatewayClass"}
        gateway_class["metadata"] = {"name": deployments[0].maas.gateway.class_name}
        cluster.apply({**gateway_class, "spec": {"controllerName": controller}})
        for values in deployments:
            gateway.deploy(values)
        gateway.start_proxy(deployments[0])
        yield gateway


def handed_out(change: Callable[..., None], *arguments: Any) -> str:
    """The key that `create` or `rotate` of the keys hands out."""
    given: list[str] = []
    change(*arguments, given.append)
    return given[0]
