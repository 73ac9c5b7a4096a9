"""What the cluster's platform has: Kubernetes, KServe, InferNex and their APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...findings import Severity
from ..addresses import kserve_gateway
from ..client import Object
from .facts import GATEWAY_API, KSERVE, Facts
from .registry import Answers, Checks, gateway_programmed, kinds_served

CHECKS = Checks()


# KServe's installation guide asks for 1.32 since v0.16.
@CHECKS.add("kubernetes-version", "the Kubernetes version is 1.32 or newer")
def _kubernetes(facts: Facts) -> Answers:
    told = facts.cluster.request("GET", "/version")
    version = tuple(int(re.sub("[^0-9]", "", told[part])) for part in ("major", "minor"))
    if version < (1, 32):
        yield (
            Severity.ERROR,
            f"Kubernetes is {told['gitVersion']}",
            "upgrade Kubernetes to 1.32 or newer",
        )


@CHECKS.add("kserve-api", "LLMInferenceService v1alpha2 is served")
def _kserve_api(facts: Facts) -> Answers:
    if facts.cluster.has(f"{KSERVE}/v1alpha2", "LLMInferenceService"):
        return
    older = facts.cluster.has(f"{KSERVE}/v1alpha1", "LLMInferenceService")
    found = "is served only as v1alpha1" if older else "does not exist"
    yield Severity.ERROR, f"LLMInferenceService {found}", "install KServe v0.17 or newer"


@CHECKS.add("kserve-config-api", "LLMInferenceServiceConfig exists")
def _kserve_config_api(facts: Facts) -> Answers:
    kinds = {f"{KSERVE}/v1alpha2": ("LLMInferenceServiceConfig",)}
    yield from kinds_served(facts, kinds, "install KServe v0.17 or newer with its LLMISVC CRDs")


def _no_rollout(facts: Facts) -> str:
    return "" if facts.values.kserve.rollout_in_place else "kserve.rolloutInPlace is false"


@CHECKS.add(
    "rollout-field", "the CRD has spec.rolloutStrategy if kserve.rolloutInPlace is on", _no_rollout
)
def _rollout(facts: Facts) -> Answers:
    if '"rolloutStrategy"' not in json.dumps(_crd(facts, f"llminferenceservices.{KSERVE}")):
        yield (
            Severity.ERROR,
            "KServe's CRD has no spec.rolloutStrategy",
            "set kserve.rolloutInPlace to false, and update with `dsv4deploy upgrade`",
        )


def _crd(facts: Facts, name: str) -> Object:
    """A CRD of the cluster.

    Raises:
        ClusterError: there is none.
    """
    path = facts.cluster.path("apiextensions.k8s.io/v1", "CustomResourceDefinition", name=name)
    found: Object = facts.cluster.request("GET", path)
    return found


@CHECKS.add("leaderworkerset", "the kind LeaderWorkerSet, which KServe always watches, exists")
def _lws(facts: Facts) -> Answers:
    kinds = {"leaderworkerset.x-k8s.io/v1": ("LeaderWorkerSet",)}
    yield from kinds_served(facts, kinds, "install LeaderWorkerSet v0.7 or newer")


# https://github.com/kserve/kserve/issues/6043, KServe v0.17 to v0.20. Times are written alike, so
# that they sort as text.
@CHECKS.add(
    "leaderworkerset-watch",
    "KServe's LLMISVC controller started after LeaderWorkerSet was installed",
)
def _lws_watch(facts: Facts) -> Answers:
    made = _crd(facts, "leaderworkersets.leaderworkerset.x-k8s.io")["metadata"]["creationTimestamp"]
    started = [
        time
        for pod in facts.every("v1", "Pod", "kserve")
        if "llmisvc" in pod["metadata"]["name"]
        and (time := (pod.get("status") or {}).get("startTime"))
    ]
    if not started:
        yield Severity.UNKNOWN, "no pod of KServe's LLMISVC controller has started", ""
    elif min(started) < made:
        yield (
            Severity.WARNING,
            "KServe's LLMISVC controller is older than LeaderWorkerSet's CRD and does not watch "
            "LeaderWorkerSets, so a service on two nodes never becomes Ready, although it serves "
            "requests",
            "kubectl -n kserve rollout restart deployment/llmisvc-controller-manager",
        )


@CHECKS.add("inference-pool", "InferencePool exists")
def _pool(facts: Facts) -> Answers:
    kinds = {"inference.networking.k8s.io/v1": ("InferencePool",)}
    yield from kinds_served(facts, kinds, "install the Gateway API Inference Extension's CRDs, v1")


@CHECKS.add("gateway-api", "the kinds Gateway and HTTPRoute exist")
def _gateway_api(facts: Facts) -> Answers:
    kinds = {GATEWAY_API: ("Gateway", "HTTPRoute")}
    yield from kinds_served(facts, kinds, "install the Gateway API's CRDs, v1.2 or newer")


def _webhooks(facts: Facts, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Webhooks that see LLMInferenceServices, with the name of their configuration."""
    for item in facts.every("admissionregistration.k8s.io/v1", kind):
        for webhook in item.get("webhooks") or []:
            for rule in webhook.get("rules") or []:
                if "llminferenceservices" in (rule.get("resources") or []):
                    yield item["metadata"]["name"], rule


@CHECKS.add("kserve-webhook", "KServe's webhook validates v1alpha2")
def _kserve_webhook(facts: Facts) -> Answers:
    rules = [rule for _, rule in _webhooks(facts, "ValidatingWebhookConfiguration")]
    if not any({"v1alpha2", "*"} & set(rule.get("apiVersions") or []) for rule in rules):
        yield (
            Severity.ERROR,
            "no webhook validates LLMInferenceServices of v1alpha2",
            "install KServe's LLMISVC webhooks",
        )


@CHECKS.add("infernex-webhook", "InferNex Bridge's webhook processes v1alpha2")
def _infernex(facts: Facts) -> Answers:
    found = [
        rule
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        for name, rule in _webhooks(facts, kind)
        if "infernex" in name
    ]
    if not found:
        yield (
            Severity.WARNING,
            "no webhook of InferNex Bridge was found: KServe runs the service without InferNex",
            "install InferNex Bridge 26.6.0",
        )
    elif not any({"v1alpha2", "*"} & set(rule.get("apiVersions") or []) for rule in found):
        yield (
            Severity.ERROR,
            "InferNex Bridge's webhook does not process v1alpha2",
            "install InferNex Bridge 26.6.0",
        )


def _controllers(facts: Facts) -> list[Object]:
    return [
        item
        for item in facts.every("apps/v1", "Deployment", "kserve")
        if "llmisvc" in item["metadata"]["name"]
    ]


@CHECKS.add("kserve-controller", "KServe's LLMISVC controller runs")
def _controller(facts: Facts) -> Answers:
    found = _controllers(facts)
    if not any((item.get("status") or {}).get("readyReplicas") for item in found):
        state = "is not ready" if found else "does not exist in namespace kserve"
        yield Severity.ERROR, f"the LLMISVC controller {state}", "check its pods' events and logs"


def _version(facts: Facts) -> tuple[int, int] | None:
    """KServe's release, by the tag of its controller's image."""
    found = (
        (int(tag[1]), int(tag[2]))
        for item in _controllers(facts)
        for container in (item["spec"].get("template") or {}).get("spec", {}).get("containers")
        or []
        if (tag := re.search(r":v?([0-9]{1,6})\.([0-9]{1,6})[^:]*$", container.get("image", "")))
    )
    return next(found, None)


@CHECKS.add("kserve-version", "the KServe version is v0.17 to v0.19")
def _kserve_version(facts: Facts) -> Answers:
    version = _version(facts)
    if not version:
        yield (
            Severity.UNKNOWN,
            "no tag of the controller's image shows KServe's version",
            "compare the image's digest with those of the releases v0.17 to v0.19",
        )
        return
    told = f"KServe is v{version[0]}.{version[1]}"
    if version < (0, 17):
        yield (
            Severity.ERROR,
            told,
            "upgrade KServe to v0.17 or newer, because v0.16 has no v1alpha2",
        )
    elif version > (0, 19):
        yield (
            Severity.WARNING,
            f"{told}, which is newer than the validated releases",
            "install KServe v0.17 to v0.19, which InferNex Bridge 26.6.0 supports",
        )
    else:
        yield Severity.OK, told, ""


@CHECKS.add("kserve-presets", "KServe's presets are in namespace kserve")
def _presets(facts: Facts) -> Answers:
    kind = "LLMInferenceServiceConfig"
    found = {
        item["metadata"]["name"]
        for item in facts.cluster.list(f"{KSERVE}/v1alpha2", kind, "kserve")
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


# KServe, llmisvc/scheduler.go, expectedSchedulerRole: the rule is in v0.19.0, and not in v0.17.0.
@CHECKS.add("router-rights", "the router may read all objects that its endpoint picker lists")
def _router_rights(facts: Facts) -> Answers:
    space, account = facts.release.namespace, f"{facts.values.name}-epp-sa"
    kind, group = "inferencemodelrewrites", "inference.networking.x-k8s.io"
    version = _version(facts)
    if not version:
        yield Severity.UNKNOWN, "KServe's version is unknown", ""
        return
    if version != (0, 17) or facts.cluster.account_may("list", kind, space, group, account):
        return
    yield (
        Severity.WARNING,
        f"KServe v0.17 does not permit the router to list {kind}, but endpoint pickers from v1.4 "
        "need this permission: such a router never becomes ready",
        f"bind a ClusterRole with get, list and watch on {kind}.{group} to ServiceAccount "
        f"{account} in namespace {space}",
    )


@CHECKS.add("router-preset", "KServe's preset adds no container to the router")
def _router_preset(facts: Facts) -> Answers:
    name = "kserve-config-llm-scheduler"
    preset = facts.cluster.get(f"{KSERVE}/v1alpha2", "LLMInferenceServiceConfig", name, "kserve")
    if not preset:
        yield Severity.UNKNOWN, f"LLMInferenceServiceConfig kserve/{name} was not found", ""
        return
    scheduler = ((preset.get("spec") or {}).get("router") or {}).get("scheduler") or {}
    for container in (scheduler.get("template") or {}).get("containers") or []:
        if container["name"] != "main":
            yield (
                Severity.WARNING,
                f"KServe's preset {name} adds container {container['name']} to the router's pod, "
                f"with its own image: {container.get('image')}",
                "at an air-gapped site, also copy this image: the router needs it to become ready",
            )


def _no_modelcar(facts: Facts) -> str:
    if not facts.values.model.uri.startswith("oci://"):
        return "model.uri is not an image"
    return "" if facts.kserve else "ConfigMap kserve/inferenceservice-config was not found"


@CHECKS.add("modelcar-user", "KServe does not change the engine's user", _no_modelcar)
def _modelcar(facts: Facts) -> Answers:
    user = (facts.kserve.get("storageInitializer") or {}).get("uidModelcar")
    if user not in (None, "", 0):
        yield (
            Severity.WARNING,
            f"KServe runs the engine as user {user}, not as root, for oci:// models; KServe v0.17 "
            "also drops the other fields of the engine's securityContext",
            "set uidModelcar to 0 in ConfigMap kserve/inferenceservice-config, because the "
            "published engine ran as root",
        )


@CHECKS.add("modelcar-enabled", "KServe accepts models from oci:// URIs", _no_modelcar)
def _modelcar_enabled(facts: Facts) -> Answers:
    settings = facts.kserve.get("storageInitializer") or {}
    if not settings.get("enableModelcar", True):
        yield (
            Severity.ERROR,
            "model.uri begins with oci://, but ModelCars are disabled",
            "set enableModelcar to true in ConfigMap kserve/inferenceservice-config",
        )


@CHECKS.add("kserve-gateway", "KServe's own Gateway exists and is programmed")
def _kserve_gateway(facts: Facts) -> Answers:
    place, name = kserve_gateway(facts.kserve)
    yield from gateway_programmed(
        facts, place, name, "create it, or set kserveIngressGateway to your own Gateway"
    )
