"""Whether a cluster can carry a deployment: read-only questions to its API, no node is entered.

Each check answers with what it found and, where that is wrong, what to do. What this user may not
read is ``unknown``, which is no failure.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from ...checks.rules import check
from ...errors import ClusterError
from ...findings import Finding, Severity
from ...manifest.render import Release, render
from ...values.quantities import quantity, seconds
from ...values.tree import Maas, Values
from ..addresses import configuration, kserve_gateway
from ..client import Cluster, Object
from ..keys import listed

SERVING = "serving.kserve.io"
GATEWAY_API = "gateway.networking.k8s.io/v1"


def _finding(code: str, severity: Severity, message: str, fix: str = "") -> Finding:
    return Finding(code, severity, "", message, fix)


class Facts:
    """What is asked of the cluster, each question once.

    Attributes:
        cluster: where.
        values: the deployment.
        release: its namespace.
    """

    def __init__(self, cluster: Cluster, values: Values, release: Release) -> None:
        self.cluster = cluster
        self.values = values
        self.release = release

    @cached_property
    def nodes(self) -> list[Object]:
        """Nodes with this deployment's NPUs."""
        name = self.values.npu.resource_name
        found = self.cluster.list("v1", "Node")
        return [node for node in found if quantity(_allocatable(node).get(name, "0"))]

    @cached_property
    def chosen(self) -> list[Object]:
        """Those of them that npu.nodeSelector picks."""
        wanted = self.values.npu.node_selector.items()
        return [
            node for node in self.nodes if wanted <= (node["metadata"].get("labels") or {}).items()
        ]

    @cached_property
    def fitting(self) -> list[Object]:
        """Those of them that take pods."""
        return [node for node in self.chosen if not _closed(node)]

    @cached_property
    def others(self) -> dict[str, list[Object]]:
        """By node, the pods of others that hold something of it."""
        found: dict[str, list[Object]] = {}
        for pod in self.cluster.list("v1", "Pod"):
            if not _ended(pod) and not _own(self, pod):
                found.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
        return found

    def left(self, node: Object, resource: str) -> float:
        """How much of a resource of a node no other pod has requested."""
        pods = self.others.get(node["metadata"]["name"], [])
        held = sum(_asked(pod, resource) for pod in pods)
        return quantity(_allocatable(node).get(resource, "0")) - held

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """KServe's ConfigMap: each key's JSON."""
        return configuration(self.cluster)

    @cached_property
    def own_pods(self) -> list[Object]:
        """Pods of this very service, which give way to the new ones."""
        found = self.cluster.list("v1", "Pod", self.release.namespace)
        return [pod for pod in found if _own(self, pod)]

    @cached_property
    def envoy_gateway(self) -> str:
        """Envoy Gateway's own configuration, as text."""
        for item in self.cluster.list("v1", "ConfigMap", "envoy-gateway-system"):
            text = (item.get("data") or {}).get("envoy-gateway.yaml")
            if text:
                return str(text)
        return ""


def _allocatable(node: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = (node.get("status") or {}).get("allocatable") or {}
    return found


def _closed(node: Mapping[str, Any]) -> str:
    """Why a node takes no pods; ``""`` where it does."""
    if node["spec"].get("unschedulable"):
        return "is cordoned"
    conditions = (node.get("status") or {}).get("conditions") or []
    true = {each["type"] for each in conditions if each["status"] == "True"}
    if "Ready" not in true:
        return "is not ready"
    return "has no disk left (DiskPressure)" if "DiskPressure" in true else ""


Answer = Iterator[tuple[Severity, str, str]]
CHECKS: dict[str, Callable[[Facts], Answer]] = {}
"""Each check by its code: what it finds, in words, and the fix. Without an answer all is well."""

MEANINGS: dict[str, str] = {}
"""What is so where a check finds nothing, by its code."""


def _check(code: str, meaning: str) -> Callable[..., Any]:
    def register(function: Callable[[Facts], Answer]) -> Callable[[Facts], Answer]:
        CHECKS[code], MEANINGS[code] = function, meaning
        return function

    return register


def examine(cluster: Cluster, values: Values, release: Release | None = None) -> list[Finding]:
    """Every check's answers, in the order in which they are best read.

    Raises:
        ClusterError: the cluster can't be reached, or does not know this user.
    """
    facts = Facts(cluster, values, release or Release())
    found: list[Finding] = []
    for code, function in CHECKS.items():
        try:
            answers = [_finding(code, *answer) for answer in function(facts)]
        except ClusterError as error:
            if error.reason in ("Unreachable", "Unauthorized"):
                raise
            answers = [_finding(code, Severity.UNKNOWN, str(error).splitlines()[0])]
        found += answers or [_finding(code, Severity.OK, MEANINGS[code])]
    return found


# --- the platform ------------------------------------------------------------------------------


# KServe's installation guide asks for 1.32 since v0.16.
@_check("kubernetes-version", "Kubernetes is 1.32 or newer")
def _kubernetes(facts: Facts) -> Answer:
    told = facts.cluster.request("GET", "/version")
    version = (int(told["major"]), int(re.sub(r"\D", "", told["minor"])))
    if version < (1, 32):
        yield Severity.ERROR, f"Kubernetes is {told['gitVersion']}", "upgrade it to 1.32 or newer"


def _kinds(facts: Facts, kinds: Mapping[str, tuple[str, ...]], fix: str) -> Answer:
    for api, names in kinds.items():
        missing = [name for name in names if not facts.cluster.has(api, name)]
        if missing:
            yield Severity.ERROR, f"the cluster has no {', '.join(missing)} of {api}", fix


@_check("kserve-api", "LLMInferenceService v1alpha2 is served")
def _kserve_api(facts: Facts) -> Answer:
    if facts.cluster.has(f"{SERVING}/v1alpha2", "LLMInferenceService"):
        return
    older = facts.cluster.has(f"{SERVING}/v1alpha1", "LLMInferenceService")
    found = "serves v1alpha1 only" if older else "is not there"
    yield Severity.ERROR, f"LLMInferenceService {found}", "install KServe v0.17 or newer"


@_check("kserve-config-api", "LLMInferenceServiceConfig is there")
def _kserve_config_api(facts: Facts) -> Answer:
    kinds = {f"{SERVING}/v1alpha2": ("LLMInferenceServiceConfig",)}
    yield from _kinds(facts, kinds, "install KServe v0.17 or newer with its LLMISVC CRDs")


@_check("rollout-field", "spec.rolloutStrategy is as kserve.rolloutInPlace needs it")
def _rollout(facts: Facts) -> Answer:
    name = f"llminferenceservices.{SERVING}"
    crd = facts.cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
    text = json.dumps((crd or {}).get("spec") or {})
    has, wants = '"rolloutStrategy"' in text, facts.values.kserve.rollout_in_place
    if wants and not has:
        yield (
            Severity.ERROR,
            "this KServe has no rolloutStrategy",
            "set kserve.rolloutInPlace to false, and update with `dsv4deploy upgrade`",
        )


@_check("leaderworkerset", "LeaderWorkerSet is there, which KServe always watches")
def _lws(facts: Facts) -> Answer:
    kinds = {"leaderworkerset.x-k8s.io/v1": ("LeaderWorkerSet",)}
    yield from _kinds(facts, kinds, "install LeaderWorkerSet v0.7 or newer")


@_check("inference-pool", "InferencePool is there")
def _pool(facts: Facts) -> Answer:
    kinds = {"inference.networking.k8s.io/v1": ("InferencePool",)}
    yield from _kinds(facts, kinds, "install the Gateway API Inference Extension's CRDs, v1")


@_check("gateway-api", "Gateway and HTTPRoute are there")
def _gateway_api(facts: Facts) -> Answer:
    kinds = {GATEWAY_API: ("Gateway", "HTTPRoute")}
    yield from _kinds(facts, kinds, "install the Gateway API's CRDs, v1.2 or newer")


def _webhooks(facts: Facts, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Webhooks that see LLMInferenceServices, with the name of their configuration."""
    for item in facts.cluster.list("admissionregistration.k8s.io/v1", kind):
        for webhook in item.get("webhooks") or []:
            for rule in webhook.get("rules") or []:
                if "llminferenceservices" in rule.get("resources", []):
                    yield item["metadata"]["name"], rule


@_check("kserve-webhook", "KServe's webhook checks v1alpha2")
def _kserve_webhook(facts: Facts) -> Answer:
    rules = [rule for _, rule in _webhooks(facts, "ValidatingWebhookConfiguration")]
    if not any("v1alpha2" in rule["apiVersions"] or "*" in rule["apiVersions"] for rule in rules):
        yield (
            Severity.ERROR,
            "no webhook checks LLMInferenceServices of v1alpha2",
            "install KServe's LLMISVC webhooks",
        )


@_check("infernex-webhook", "InferNex Bridge's webhook sees v1alpha2")
def _infernex(facts: Facts) -> Answer:
    found = [
        rule
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        for name, rule in _webhooks(facts, kind)
        if "infernex" in name
    ]
    if not found:
        yield (
            Severity.WARNING,
            "no webhook of InferNex Bridge was found: the service runs as plain KServe runs it",
            "install InferNex Bridge 26.6.0",
        )
    elif not any({"v1alpha2", "*"} & set(rule["apiVersions"]) for rule in found):
        yield (
            Severity.ERROR,
            "InferNex Bridge's webhook does not see v1alpha2",
            "install InferNex Bridge 26.6.0",
        )


def _controllers(facts: Facts) -> list[Object]:
    return [
        item
        for item in facts.cluster.list("apps/v1", "Deployment", "kserve")
        if "llmisvc" in item["metadata"]["name"]
    ]


@_check("kserve-controller", "KServe's LLMISVC controller runs")
def _controller(facts: Facts) -> Answer:
    found = _controllers(facts)
    if not any((item.get("status") or {}).get("readyReplicas") for item in found):
        state = "is not ready" if found else "is not in namespace kserve"
        yield Severity.ERROR, f"the LLMISVC controller {state}", "see to its pods' events and logs"


@_check("kserve-version", "KServe is v0.17 to v0.19")
def _kserve_version(facts: Facts) -> Answer:
    found = [
        (int(tag[1]), int(tag[2]))
        for item in _controllers(facts)
        for container in item["spec"]["template"]["spec"]["containers"]
        if (tag := re.search(r":v?(\d+)\.(\d+)[^:]*$", container.get("image", "")))
    ]
    if not found:
        yield (
            Severity.UNKNOWN,
            "no tag of the controller's image tells KServe's version",
            "compare the image's digest with those of the releases v0.17 to v0.19",
        )
        return
    version = found[0]
    told = f"KServe is v{version[0]}.{version[1]}"
    if version < (0, 17):
        yield Severity.ERROR, told, "upgrade it to v0.17 or newer: v0.16 has no v1alpha2"
    elif version > (0, 19):
        yield (
            Severity.WARNING,
            f"{told}, newer than what the deployment was validated with",
            "v0.17 to v0.19 are what InferNex Bridge 26.6.0 goes with",
        )
    else:
        yield Severity.OK, told, ""


@_check("kserve-presets", "KServe's presets stand in namespace kserve")
def _presets(facts: Facts) -> Answer:
    kind = "LLMInferenceServiceConfig"
    found = {
        item["metadata"]["name"]
        for item in facts.cluster.list(f"{SERVING}/v1alpha2", kind, "kserve")
    }
    wanted = ["kserve-config-llm-template", "kserve-config-llm-router-route"]
    if facts.values.parallelism.data > facts.values.parallelism.data_local:
        wanted.append("kserve-config-llm-worker-data-parallel")
    missing = [name for name in wanted if name not in found]
    if missing:
        yield (
            Severity.ERROR,
            f"namespace kserve lacks {', '.join(missing)}",
            "apply config/llmisvcconfig of your KServe release",
        )


@_check("modelcar-user", "KServe leaves the engine's user alone")
def _modelcar(facts: Facts) -> Answer:
    settings = facts.configuration.get("storageInitializer") or {}
    user = settings.get("uidModelcar")
    if facts.values.model.uri.startswith("oci://") and user not in (None, "", 0):
        yield (
            Severity.WARNING,
            f"KServe runs the engine as user {user}, not as root, for oci:// models; v0.17 also "
            "drops the rest of its securityContext",
            "set uidModelcar to 0 in ConfigMap kserve/inferenceservice-config, as the published "
            "engine ran as root",
        )


@_check("modelcar-enabled", "KServe takes models from oci:// addresses")
def _modelcar_enabled(facts: Facts) -> Answer:
    settings = facts.configuration.get("storageInitializer") or {}
    on = settings.get("enableModelcar", True)
    if facts.values.model.uri.startswith("oci://") and settings and not on:
        yield (
            Severity.ERROR,
            "model.uri is oci://, and ModelCars are off",
            "set enableModelcar to true in ConfigMap kserve/inferenceservice-config",
        )


@_check("kserve-gateway", "KServe's own Gateway is there and programmed")
def _kserve_gateway(facts: Facts) -> Answer:
    place, name = kserve_gateway(facts.configuration)
    yield from _gateway(facts, place, name, "make it, or name yours in kserveIngressGateway")


def _gateway(facts: Facts, namespace: str, name: str, fix: str) -> Answer:
    found = facts.cluster.get(GATEWAY_API, "Gateway", name, namespace)
    if not found:
        yield Severity.ERROR, f"there is no Gateway {namespace}/{name}", fix
        return
    conditions = (found.get("status") or {}).get("conditions") or []
    if not any(c["type"] == "Programmed" and c["status"] == "True" for c in conditions):
        yield (
            Severity.ERROR,
            f"Gateway {namespace}/{name} is not programmed",
            "see to its controller: kubectl describe gateway",
        )


# --- the nodes ---------------------------------------------------------------------------------


def _per_pod(values: Values) -> int:
    return values.parallelism.tensor * values.parallelism.data_local


def _pods(values: Values) -> int:
    return values.replicas * (values.parallelism.data // values.parallelism.data_local or 1)


@_check("npu-nodes", "nodes offer the NPUs, and npu.nodeSelector picks some")
def _npus(facts: Facts) -> Answer:
    resource = facts.values.npu.resource_name
    if not facts.nodes:
        yield (
            Severity.ERROR,
            f"no node offers {resource}",
            "install the device plugin, or set npu.resourceName to what `kubectl describe node` "
            "lists",
        )
    elif not facts.chosen:
        yield (
            Severity.ERROR,
            f"{len(facts.nodes)} nodes offer {resource}, and npu.nodeSelector picks none of them",
            "set npu.nodeSelector to labels of theirs",
        )


@_check("nodes-ready", "the nodes that npu.nodeSelector picks are ready and take pods")
def _nodes_ready(facts: Facts) -> Answer:
    for node in facts.chosen:
        why = _closed(node)
        if why:
            yield (
                Severity.WARNING if facts.fitting else Severity.ERROR,
                f"node {node['metadata']['name']} {why}",
                "kubectl describe node, and kubectl uncordon",
            )


@_check("free-npus", "enough nodes have all the NPUs of a pod free")
def _free(facts: Facts) -> Answer:
    resource, npus = facts.values.npu.resource_name, _per_pod(facts.values)
    room = sum(int(facts.left(node, resource) / npus) for node in facts.fitting)
    if room < _pods(facts.values):
        yield (
            Severity.ERROR,
            f"there is room for {room} pods of {npus} × {resource}, and {_pods(facts.values)} are "
            "needed",
            "free nodes: `kubectl get pods -A -o wide` shows who holds them",
        )


def _ended(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _own(facts: Facts, pod: Mapping[str, Any]) -> bool:
    """Whether a pod is of this very service, which gives way to the new one."""
    labels = pod["metadata"].get("labels") or {}
    here = pod["metadata"]["namespace"] == facts.release.namespace
    return here and labels.get("app.kubernetes.io/name") == facts.values.name


def _asked(pod: Mapping[str, Any], resource: str) -> float:
    """How much of a resource a pod's containers request together."""
    return sum(
        quantity(((container.get("resources") or {}).get("requests") or {}).get(resource, "0"))
        for container in pod["spec"]["containers"]
    )


_CARD = "node.kubernetes.io/npu.chip.name"


@_check("card", "the nodes' cards are those of npu.card")
def _card(facts: Facts) -> Answer:
    wanted = facts.values.npu.card
    told = {
        node["metadata"]["name"]: (node["metadata"].get("labels") or {}).get(_CARD, "")
        for node in facts.fitting
    }
    wrong = {name: card for name, card in told.items() if card and not _same(card, wanted)}
    if wrong:
        name, card = next(iter(wrong.items()))
        yield (
            Severity.ERROR,
            f"node {name} has {card}, not {wanted}: {len(wrong)} of {len(told)} nodes",
            f"set npu.nodeSelector to {_CARD}: the card's name, or npu.card to what is there",
        )
    elif not all(told.values()):
        yield (
            Severity.UNKNOWN,
            f"no label {_CARD} tells which card the nodes have, 32 GB or 64 GB",
            "label them, or look with npu-smi",
        )


def _same(card: str, wanted: str) -> bool:
    short = card.removeprefix("Ascend").removeprefix("-").upper()
    return short == wanted or (wanted == "A3" and short.startswith(("910C", "A3", "910_93")))


@_check("arm64", "the nodes are arm64, as the images are")
def _arm(facts: Facts) -> Answer:
    other = [
        node["metadata"]["name"]
        for node in facts.fitting
        if (node["metadata"].get("labels") or {}).get("kubernetes.io/arch", "arm64") != "arm64"
    ]
    if other:
        yield (
            Severity.ERROR,
            f"not arm64: {', '.join(other)}",
            "add kubernetes.io/arch: arm64 to npu.nodeSelector",
        )


# A containerd node holds a ModelCar compressed and unpacked: 128 GB and 151 GB of W4A8 (Alauda AI
# documentation); of W8A8 280 GB, taken twice.
_DISK = {"w4a8": 280e9, "w8a8": 560e9}


@_check("disk", "the nodes have the disk free that the weights take, compressed and unpacked")
def _disk(facts: Facts) -> Answer:
    if not facts.values.model.uri.startswith("oci://"):
        return
    need = _DISK[facts.values.model.quantization]
    weights = facts.values.model.uri.removeprefix("oci://")
    for node in facts.fitting:
        name = node["metadata"]["name"]
        images = (node.get("status") or {}).get("images") or []
        if any(weights in (each.get("names") or []) for each in images):
            continue  # they are there already
        free = facts.left(node, "ephemeral-storage") - sum(each["sizeBytes"] for each in images)
        if not _allocatable(node).get("ephemeral-storage"):
            yield (
                Severity.UNKNOWN,
                f"node {name} does not tell its disk",
                f"look with df on the node: the weights take up to {need / 1e9:.0f} GB",
            )
        elif free < need:
            yield (
                Severity.ERROR,
                f"node {name} has {max(free, 0) / 1e9:.0f} GB of ephemeral disk beside its images "
                f"and pods, and the weights take up to {need / 1e9:.0f} GB",
                "give it more disk, or keep the weights on a PersistentVolumeClaim (pvc://)",
            )


@_check("taints", "the engine's pods stand the nodes' taints")
def _taints(facts: Facts) -> Answer:
    stood = facts.values.npu.tolerations
    for node in facts.fitting:
        for taint in node["spec"].get("taints") or []:
            # Kubernetes' own taints say what the node's conditions say.
            own = taint["key"].startswith("node.kubernetes.io/")
            if own or taint["effect"] == "PreferNoSchedule":
                continue
            known = [stood[key] for key in (taint["key"], "*") if key in stood]
            if not any(
                each.effect in ("", taint["effect"])
                and (each.operator == "Exists" or each.value == taint.get("value", ""))
                for each in known
            ):
                yield (
                    Severity.ERROR,
                    f"node {node['metadata']['name']} has the taint {taint['key']}:"
                    f"{taint['effect']}, which the pods do not stand",
                    f"add {taint['key']} to npu.tolerations",
                )


# DSpark's image of vLLM 0.25.1 has CANN 9.0.1.
_DRIVERS = {"0.22.1": (25, 0), "0.23.0": (25, 2), "0.25.0": (25, 2), "0.25.1": (25, 0)}
# Storage and network plugins label their drivers' versions too.
_DRIVER_LABEL = re.compile(r"(?=.*(npu|ascend|hdk)).*(driver|hdk).*version", re.IGNORECASE)


@_check("driver", "the nodes' drivers fit the image's CANN, as far as a label tells")
def _driver(facts: Facts) -> Answer:
    least = _DRIVERS.get(facts.values.engine.version)
    for node in facts.fitting:
        labels = node["metadata"].get("labels") or {}
        told = [text for key, text in labels.items() if _DRIVER_LABEL.search(key)]
        numbers = re.match(r"(\d+)\.(\d+)", told[0]) if told else None
        name = node["metadata"]["name"]
        look = "look with npu-smi info: CANN 9.0 needs HDK 25.0, CANN 9.1 needs 25.2"
        if not numbers:
            yield Severity.UNKNOWN, f"no label tells node {name}'s driver", look
        elif not least:
            version = facts.values.engine.version
            yield Severity.UNKNOWN, f"which driver vLLM {version}'s image needs is not known", look
        elif (int(numbers[1]), int(numbers[2])) < least:
            yield (
                Severity.ERROR,
                f"node {name} has driver {told[0]}, older than {least[0]}.{least[1]}",
                "upgrade the driver, or take an image with an older CANN",
            )


# --- the namespace -----------------------------------------------------------------------------


@_check("namespace", "the namespaces of all objects are there")
def _namespace(facts: Facts) -> Answer:
    objects = render(facts.values, facts.release)
    for name in sorted({item["metadata"]["namespace"] for item in objects}):
        if not facts.cluster.get("v1", "Namespace", name):
            yield (
                Severity.ERROR,
                f"there is no namespace {name}",
                f"kubectl create namespace {name}",
            )


@_check("rights", "this user may apply the service")
def _rights(facts: Facts) -> Answer:
    for verb in ("get", "patch", "create"):
        if not facts.cluster.may(verb, "llminferenceservices", facts.release.namespace, SERVING):
            yield (
                Severity.ERROR,
                f"this user may not {verb} LLMInferenceServices in {facts.release.namespace}",
                "ask for that right, or use another context",
            )


@_check("pull-secrets", "the image pull secrets are there")
def _pull_secrets(facts: Facts) -> Answer:
    for name in facts.values.engine.image_pull_secrets:
        found = facts.cluster.get("v1", "Secret", name, facts.release.namespace)
        kinds = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
        if not found:
            yield (
                Severity.WARNING,
                f"there is no Secret {name}, which only a private registry needs",
                f"make it, or take {name} out of engine.imagePullSecrets",
            )
        elif found["type"] not in kinds:
            yield (
                Severity.ERROR,
                f"Secret {name} is of type {found['type']}",
                "make it with `kubectl create secret docker-registry`",
            )


@_check("claims", "the weights' claims are there and bound")
def _claims(facts: Facts) -> Answer:
    claims = facts.values.model.claims
    for name in filter(None, (claims.leader, claims.worker)):
        kind = "PersistentVolumeClaim"
        found = facts.cluster.get("v1", kind, name, facts.release.namespace)
        phase = ((found or {}).get("status") or {}).get("phase", "")
        if not found:
            yield Severity.ERROR, f"there is no claim {name}", "make it, with the weights on it"
        elif phase not in ("Bound", ""):
            yield (
                Severity.WARNING,
                f"claim {name} is {phase}",
                "see to its volume, unless it waits for its first pod",
            )


@_check("quota", "no ResourceQuota of the namespace is in the way")
def _quota(facts: Facts) -> Answer:
    values = facts.values
    requests = values.engine.resources.requests
    needs = {
        values.npu.resource_name: float(_per_pod(values)),
        "cpu": quantity(requests.cpu),
        "memory": quantity(requests.memory),
    }
    for item in facts.cluster.list("v1", "ResourceQuota", facts.release.namespace):
        status = item.get("status") or {}
        hard = status.get("hard") or item["spec"].get("hard") or {}
        for resource, need in needs.items():
            # Kubernetes writes cpu for requests.cpu, too.
            keys = [key for key in (f"requests.{resource}", resource) if key in hard]
            for key in keys:
                used = quantity((status.get("used") or {}).get(key, "0"))
                back = sum(_asked(pod, resource) for pod in facts.own_pods) if used else 0.0
                left = quantity(hard[key]) - used + back
                if left < need * _pods(values):
                    yield (
                        Severity.ERROR,
                        f"quota {item['metadata']['name']} leaves {left:g} of {key}, and "
                        f"{need * _pods(values):g} are needed",
                        "raise it",
                    )


# --- the MaaS ingress --------------------------------------------------------------------------

_POLICIES = "gateway.envoyproxy.io/v1alpha1"


@_check("maas-kinds", "the kinds of the gateway's objects are there")
def _maas_kinds(facts: Facts) -> Answer:
    if facts.values.maas.enabled:
        wanted: dict[str, list[str]] = {}
        for item in render(facts.values, facts.release):
            if re.search(r"gateway\.", item["apiVersion"]):
                wanted.setdefault(item["apiVersion"], []).append(item["kind"])
        kinds = {api: tuple(dict.fromkeys(names)) for api, names in wanted.items()}
        yield from _kinds(
            facts, kinds, "install Envoy Gateway 1.8 and Envoy AI Gateway 1.0, CRDs too"
        )


@_check("maas-gateway", "the MaaS gateway's class, or the gateway itself, is there")
def _maas_gateway(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not maas.enabled:
        return
    if not maas.gateway.create:
        fix = "deploy the one that makes it first, or set maas.gateway.create"
        yield from _gateway(facts, maas.namespace, maas.gateway.name, fix)
    elif not facts.cluster.get(GATEWAY_API, "GatewayClass", maas.gateway.class_name):
        yield (
            Severity.ERROR,
            f"there is no GatewayClass {maas.gateway.class_name}",
            "set maas.gateway.className to one of `kubectl get gatewayclass`",
        )


@_check("api-keys", "the API keys' Secret holds bare keys")
def _api_keys(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not maas.enabled:
        return
    name = maas.api_keys.secret_name
    found = facts.cluster.get("v1", "Secret", name, maas.namespace)
    if not found:
        yield (
            Severity.ERROR,
            f"there is no Secret {maas.namespace}/{name}: every request would be refused",
            "make it: each client's id, and its bare key",
        )
        return
    keys = {
        client: base64.b64decode(text).decode(errors="replace")
        for client, text in (found.get("data") or {}).items()
    }
    if not keys:
        yield Severity.ERROR, f"Secret {name} has no key", "add a client's id and its key"
    for client, key in sorted(keys.items()):
        # The key itself is never said.
        if key.lower().startswith("bearer"):
            yield (
                Severity.ERROR,
                f"{client}'s key begins with Bearer, so it is always 401",
                "store the bare key: the gateway takes the word off by itself",
            )
        elif not key or key != key.strip() or len(key.split()) > 1:
            yield (
                Severity.ERROR,
                f"{client}'s key is empty or has blanks or a line's end",
                "store it with `printf %s`, without a line's end",
            )
    if len(set(keys.values())) < len(keys):
        yield Severity.ERROR, f"two clients of Secret {name} have one key", "give each its own"
    now = datetime.now(UTC)
    for known in listed(found):
        if known.expired(now):
            yield (
                Severity.WARNING,
                f"{known.client}'s key has expired, and is accepted all the same",
                f"`dsv4deploy keys rotate {known.client}`, or revoke it",
            )
    yield from _tiers(maas, keys.keys())


def _tiers(maas: Maas, clients: Collection[str]) -> Answer:
    """Clients without a key, and keys without a budget."""
    placed = {client: name for name, tier in maas.tiers.items() for client in tier.clients}
    for client, name in sorted(placed.items()):
        if client not in clients:
            yield (
                Severity.WARNING,
                f"tier {name} names {client}, who has no key",
                f"`dsv4deploy keys create {client}`, or take it out of maas.tiers",
            )
    free = sorted(set(clients) - placed.keys())
    if placed and not maas.quotas and free:
        yield (
            Severity.WARNING,
            f"nothing limits {', '.join(free)}: they stand in no tier, and maas.quotas is empty",
            "put them into a tier, or set maas.quotas for everybody else",
        )


@dataclass(frozen=True)
class RateLimit:
    """What Envoy Gateway's own configuration says of the global rate limit; no policy can.

    Attributes:
        redis: the addresses of Redis; none where it is not configured.
        closed: whether requests are refused where the rate limit gives no answer.
        seconds: how long Envoy waits for that answer.
    """

    redis: tuple[str, ...]
    closed: bool
    seconds: float

    @classmethod
    def of(cls, text: str) -> RateLimit:
        """What ``envoy-gateway.yaml`` says; the defaults where it is not YAML."""
        import yaml

        try:
            settings = (yaml.safe_load(text) or {})["rateLimit"]
            url = settings["backend"]["redis"]["url"]
        except (yaml.YAMLError, LookupError, TypeError):
            return cls((), closed=False, seconds=0.02)
        closed, timeout = settings.get("failClosed") is True, settings.get("timeout", "20ms")
        addresses = [each.strip() for each in str(url).split(",") if each.strip()]
        return cls(tuple(addresses), closed, seconds(str(timeout)))


_CONFIGURATION = "ConfigMap envoy-gateway-system/envoy-gateway-config"


@_check("redis", "Envoy Gateway counts tokens in Redis")
def _redis(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not (maas.enabled and (maas.quotas or maas.tiers)):
        return
    found = RateLimit.of(facts.envoy_gateway).redis
    if not found:
        yield (
            Severity.ERROR,
            "Envoy Gateway's configuration names no Redis, so quotas count nothing",
            f"set rateLimit.backend.redis.url in {_CONFIGURATION}, and see that Envoy Gateway "
            "makes the Deployment envoy-ratelimit",
        )
    for address in found:
        # To Go's URLs what stands before a colon is a scheme, which begins with a letter.
        if ":" in address and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address):
            yield (
                Severity.ERROR,
                f"Envoy Gateway can't read Redis' address {address}, and stops at its next start",
                f"name Redis by a host name, such as redis.redis.svc:6379, in {_CONFIGURATION}",
            )


# Envoy Gateway issue 6487: with the default of 20 ms a slow Redis is a bypass that nobody sees.
@_check("redis-absence", "without Redis requests are refused, not let through")
def _fail_closed(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not (maas.enabled and (maas.quotas or maas.tiers) and facts.envoy_gateway):
        return
    found = RateLimit.of(facts.envoy_gateway)
    late = f"with Redis gone, or later than {found.seconds * 1000:g} ms,"
    if found.closed:
        yield Severity.OK, f"{late} requests are refused, not let through", ""
    else:
        yield (
            Severity.WARNING,
            f"{late} the gateway lets every request through uncounted",
            "set rateLimit.failClosed to true in Envoy Gateway's configuration, if quotas matter "
            "more to you than answers, and rateLimit.timeout to what your Redis may take",
        )


@_check("patch-policies", "Envoy Gateway applies the patch that lets many requests wait at once")
def _patch_policies(facts: Facts) -> Answer:
    import yaml

    maas = facts.values.maas
    if not (maas.enabled and maas.gateway.parallel_requests > 1024 and facts.envoy_gateway):
        return
    try:
        enabled = yaml.safe_load(facts.envoy_gateway)["extensionApis"]["enableEnvoyPatchPolicy"]
    except (yaml.YAMLError, LookupError, TypeError):
        enabled = False
    if enabled is not True:
        yield (
            Severity.WARNING,
            "Envoy Gateway ignores EnvoyPatchPolicies: where more than 512 requests wait for their "
            "first token, the next are answered with 500",
            f"set extensionApis.enableEnvoyPatchPolicy to true in {_CONFIGURATION}",
        )


# Envoy AI Gateway 1.0.0 puts its processor before the first of some filters; responseOverride's is
# the listener's very first one, so the processor comes before the key check.
@_check("response-override", "no policy puts the AI Gateway's processor before the key check")
def _response_override(facts: Facts) -> Answer:
    if not facts.values.maas.enabled:
        return
    kind, place = "BackendTrafficPolicy", facts.values.maas.namespace
    for item in facts.cluster.list(_POLICIES, kind, place):
        if item["spec"].get("responseOverride"):
            yield (
                Severity.ERROR,
                f"{kind} {place}/{item['metadata']['name']} has responseOverride: the gateway "
                "lists its models, and reads requests, without asking for a key",
                "take it out, or give its route a Gateway of its own",
            )


@_check("one-policy", "no other policy has the gateway or its route")
def _one_policy(facts: Facts) -> Answer:
    if not facts.values.maas.enabled:
        return
    own = {
        (item["kind"], item["metadata"]["name"]): set(_targets(facts, item))
        for item in render(facts.values, facts.release)
        if item["apiVersion"] == _POLICIES and "targetRefs" in item["spec"]
    }
    for (kind, name), targets in own.items():
        for other in facts.cluster.list(_POLICIES, kind, facts.values.maas.namespace):
            shared = sorted(targets & set(_targets(facts, other)))
            if shared and other["metadata"]["name"] != name:
                yield (
                    Severity.ERROR,
                    f"{kind} {other['metadata']['name']} has {shared[0][1]} too: the older of the "
                    "two wins, and the other does nothing",
                    "put both into one",
                )


def _targets(facts: Facts, policy: Object) -> Iterator[tuple[str, str]]:
    """The kinds and names of the Gateways and HTTPRoutes beside a policy that it is for."""
    spec = policy["spec"]
    for each in [*(spec.get("targetRefs") or []), *filter(None, [spec.get("targetRef")])]:
        yield each["kind"], each["name"]
    for each in spec.get("targetSelectors") or []:
        if each["kind"] in ("Gateway", "HTTPRoute"):
            place, wanted = policy["metadata"]["namespace"], _selector(each)
            for item in facts.cluster.list(GATEWAY_API, each["kind"], place, wanted):
                yield each["kind"], item["metadata"]["name"]


def _selector(terms: Mapping[str, Any]) -> str:
    """A selector by labels as lists of the API take it."""
    wanted = [f"{key}={text}" for key, text in (terms.get("matchLabels") or {}).items()]
    for term in terms.get("matchExpressions") or []:
        key, operator, among = term["key"], term["operator"], ",".join(term.get("values") or [])
        bare = {"Exists": key, "DoesNotExist": f"!{key}"}
        wanted.append(bare.get(operator, f"{key} {operator.lower()} ({among})"))
    return ",".join(wanted)


# Envoy Gateway 1.8.1 takes the most specific SecurityPolicy alone, unless that one has mergeType.
@_check("key-check", "no policy takes the key check off the gateway or one of its routes")
def _key_check(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not maas.enabled:
        return
    # The AI Gateway's controller gives this model's route the service's name.
    guarded = {("Gateway", maas.gateway.name), ("HTTPRoute", facts.values.name)}
    for route in facts.cluster.list(GATEWAY_API, "HTTPRoute", maas.namespace):
        for parent in route["spec"].get("parentRefs") or []:
            place = parent.get("namespace", maas.namespace)
            if (place, parent["name"]) == (maas.namespace, maas.gateway.name):
                guarded.add(("HTTPRoute", route["metadata"]["name"]))
    for policy in facts.cluster.list(_POLICIES, "SecurityPolicy", maas.namespace):
        if "apiKeyAuth" in policy["spec"] or policy["spec"].get("mergeType"):
            continue
        for kind, name in sorted(guarded & set(_targets(facts, policy))):
            yield (
                Severity.ERROR,
                f"SecurityPolicy {maas.namespace}/{policy['metadata']['name']} takes the place of "
                f"the key check for {kind} {name}: it asks nobody for a key",
                "set its mergeType to StrategicMerge where it is for a route; else take it out",
            )


# What Envoy Gateway 1.8.1 sets where a ClientTrafficPolicy says nothing, and how many times the
# longest prompt each must hold.
_ROOM = (
    ("connection", "bufferLimit", "32Ki", 1),
    ("http2", "initialStreamWindowSize", "64Ki", 1),
    ("http2", "initialConnectionWindowSize", "1Mi", 2),
)


@_check("prompt-size", "another deployment's gateway has room for this model's prompts")
def _prompt_size(facts: Facts) -> Answer:
    maas = facts.values.maas
    if not maas.enabled or maas.gateway.create:
        return
    longest = facts.values.engine.args.max_model_len * maas.bytes_per_token
    target = ("Gateway", maas.gateway.name)
    policies = facts.cluster.list(_POLICIES, "ClientTrafficPolicy", maas.namespace)
    found = [each["spec"] for each in policies if target in _targets(facts, each)]
    for spec in found or [{}]:
        for section, field, default, times in _ROOM:
            room = quantity(str((spec.get(section) or {}).get(field, default)))
            if room < times * longest:
                yield (
                    Severity.ERROR,
                    f"Gateway {maas.gateway.name} has {section}.{field} {room:.0f}, and this "
                    f"model's max-model-len × maas.bytesPerToken needs {times * longest}: longer "
                    "prompts are refused with 413",
                    "raise maas.bytesPerToken of the deployment that makes the Gateway, or set "
                    "maas.gateway.create with a name of its own",
                )


# --- the manifest ------------------------------------------------------------------------------


@_check("values", "no rule speaks against the values")
def _values(facts: Facts) -> Answer:
    for finding in check(facts.values, facts.release):
        yield finding.severity, f"{finding.path}: {finding.message}", finding.fix


@_check("dry-run", "the API server and its webhooks take the manifest")
def _dry_run(facts: Facts) -> Answer:
    for item in render(facts.values, facts.release):
        try:
            facts.cluster.apply(item, dry_run=True, force=True)
        except ClusterError as error:
            yield Severity.ERROR, str(error), "see the checks above"
