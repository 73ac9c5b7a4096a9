"""What a deployment finds on a cluster: KServe, its gateways, Redis and LeaderWorkerSet.

Each is installed as its own chart or manifest has it, but for three things. A self-signed
certificate takes cert-manager's place. The router's readiness probe does not wait 30 s for its
first try. No controller has a liveness probe: on a busy machine those of 1 s restart it for ever.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from control_plane import ENVOY, certificate, objects, other_crds, until
from parts import go_module, run
from tools import find

from . import nodes, software
from .machine import require
from .nodes import Cluster, Tree

HERE = Path(__file__).resolve().parent
LWS = "sigs.k8s.io/lws@v0.7.0"
POOLS = "sigs.k8s.io/gateway-api-inference-extension@v1.0.2"
SYSTEM, AI_SYSTEM = "envoy-gateway-system", "envoy-ai-gateway-system"
_SPACES = ("kserve", "lws-system", SYSTEM, AI_SYSTEM)
# Seconds that Envoy waits for the rate limit: the default of 20 ms is less than a busy machine
# needs, and counts as no limit.
PATIENCE = 8
_WEBHOOK = "llmisvc-webhook-server-service.kserve.svc"


@contextmanager
def stack(folder: Path, kserve: str) -> Iterator[Cluster]:
    """A cluster of one node with all of this on it, while the block runs."""
    require()
    images = software.archive(folder / "images.tar", kserve)
    installed = _charts(folder, kserve)
    kinds = [item for item in installed if item["kind"] == "CustomResourceDefinition"]
    with nodes.control_plane(folder) as cluster:
        # The API server takes its time for them; meanwhile images are imported.
        thread = threading.Thread(target=cluster.apply, args=kinds)
        thread.start()
        nodes.join(cluster, cluster.first, images)
        images.unlink()
        thread.join()
        until("the node is ready", lambda: cluster.ready(cluster.first))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        cluster.apply(*(item for item in installed if item not in kinds))
        cluster.kubectl(
            "wait", "--for=condition=Available", "deploy", "--all", "-A", "--timeout=300s"
        )
        _configure(cluster, kserve)
        yield cluster


def _charts(folder: Path, kserve: str) -> list[Tree]:
    """Every object of every chart, and of the manifests beside them."""
    theirs = go_module(f"{software.KSERVE}@{kserve}") / "charts"
    pulled = "kserve.llmisvc.controller.imagePullPolicy=IfNotPresent"
    image = "image.manager.tag=v0.7.0,image.manager.pullPolicy=IfNotPresent"
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in _SPACES
    ]
    found += objects(HERE / "coredns.yaml")
    found += objects(go_module(ENVOY[1]) / "examples" / "token_ratelimit" / "redis.yaml")
    found += gateways(folder, {}) + _kinds()
    found += chart("lws", go_module(LWS) / "charts" / "lws", "lws-system", "--set", image)
    own = chart("kserve-crd", theirs / "kserve-llmisvc-crd", "kserve")
    own += chart("kserve", theirs / "kserve-llmisvc-resources", "kserve", "--set", pulled)
    found += _certified(folder, own)
    for item in found:
        if item["kind"] == "Deployment":
            for container in item["spec"]["template"]["spec"]["containers"]:
                container.pop("livenessProbe", None)
    # Two charts bring the same CRDs: the last one counts.
    meta = [(item["kind"], item["metadata"]) for item in found]
    keys = [(kind, each.get("namespace"), each["name"]) for kind, each in meta]
    return list(dict(zip(keys, found, strict=True)).values())


def chart(name: str, path: Path, namespace: str, *options: object) -> list[Tree]:
    """A chart's objects, hooks included, each with its namespace."""
    text = run(find("helm3"), "template", name, path, "-n", namespace, *options)
    return [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]


def gateways(folder: Path, settings: Tree) -> list[Tree]:
    """The objects of Envoy Gateway's and Envoy AI Gateway's charts.

    Args:
        folder: for a values file.
        settings: the EnvoyGateway configuration beside what Envoy AI Gateway asks for.
    """
    gateway, ai = map(go_module, ENVOY)
    image = {"image": "docker.io/envoyproxy/gateway:v1.8.1", "pullPolicy": "IfNotPresent"}
    limits = {"timeout": f"{PATIENCE}s", **settings.get("rateLimit", {})}
    values = {
        "global": {"images": {"envoyGateway": image}},
        "config": {"envoyGateway": {**settings, "rateLimit": limits}},
    }
    own = folder / "envoy-gateway-values.yaml"
    own.write_text(yaml.safe_dump(values))
    path = gateway / "charts" / "gateway-helm"
    examples = [
        ai / "examples" / name / "envoy-gateway-values-addon.yaml"
        for name in ("token_ratelimit", "inference-pool")
    ]
    # The release fills its defaults' three placeholders in; `own` replaces them.
    files = (path / "values.tmpl.yaml", ai / "manifests" / "envoy-gateway-values.yaml", *examples)
    flags = [word for file in (*files, own) for word in ("-f", file)]
    # Figures by user, as docs/gateway.md advises.
    users = ("--set", "controller.metricsRequestHeaderAttributes=x-user-id:user.id")
    charts = ai / "manifests" / "charts"
    found = chart("eg", path, SYSTEM, *flags)
    return found + chart("aieg", charts / "ai-gateway-helm", AI_SYSTEM, *users)


def _kinds() -> list[Tree]:
    """Gateway API's, Envoy Gateway's, Envoy AI Gateway's kinds, and InferencePool."""
    options = ("--set", "crds.gatewayAPI.enabled=true,crds.gatewayAPI.channel=standard")
    found = chart("eg", go_module(ENVOY[0]) / "charts" / "gateway-crds-helm", SYSTEM, *options)
    bases = go_module(POOLS) / "config" / "crd" / "bases"
    found += objects(bases / "inference.networking.k8s.io_inferencepools.yaml")
    found += other_crds(go_module)
    return [item for item in found if item["kind"] == "CustomResourceDefinition"]


def _certified(folder: Path, items: list[Tree]) -> list[Tree]:
    """KServe's objects with a certificate where cert-manager would put one."""
    made = certificate(folder / "kserve", f"/CN={_WEBHOOK}", f"DNS:{_WEBHOOK}")
    data = {
        f"tls.{kind}": base64.b64encode(made.with_suffix(f".{kind}").read_bytes()).decode()
        for kind in ("crt", "key")
    }
    for item in items:
        spec = item.get("spec", {})
        hooks = [*item.get("webhooks", []), spec.get("conversion", {}).get("webhook", {})]
        for hook in filter(None, hooks):
            hook["clientConfig"]["caBundle"] = data["tls.crt"]
    meta = {"name": "llmisvc-webhook-server-cert", "namespace": "kserve"}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta}
    return [
        *(item for item in items if not item["apiVersion"].startswith("cert-manager.io/")),
        {**secret, "data": data},
    ]


def _configure(cluster: Cluster, kserve: str) -> None:
    """KServe's presets, and its Gateway."""
    presets = go_module(f"{software.KSERVE}@{kserve}") / "config" / "llmisvcconfig"
    made = objects(*presets.glob("config-*.yaml"), HERE / "gateway.yaml")
    for item in made:
        if item["metadata"]["name"] == "kserve-config-llm-scheduler":
            (main, *_) = item["spec"]["router"]["scheduler"]["template"]["containers"]
            main["readinessProbe"]["initialDelaySeconds"] = 1

    def applied() -> bool:
        # A webhook may be ready a moment before it is reached.
        try:
            cluster.apply(*made, namespace="kserve")
        except AssertionError as error:
            if "failed calling webhook" not in str(error):
                raise
            return False
        return True

    until("KServe takes its presets", applied)
    words = ("-n", "kserve", "gateway/kserve-ingress-gateway", "--timeout=300s")
    cluster.kubectl("wait", "--for=condition=Programmed", *words)
