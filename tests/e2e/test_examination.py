"""Each check of the doctor, on a cluster that can carry a deployment and on one that can't."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from conftest import Plane
from control_plane import condition, namespace, set_status

from dsv4deploy import Release, load
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.doctor import CHECKS, examine
from dsv4deploy.cluster.doctor.facts import Facts
from dsv4deploy.findings import Finding, Severity, errors
from dsv4deploy.manifest.render import render

Tree = dict[str, Any]
Spoil = Callable[[Cluster], None]
MAAS = {"enabled": True, "namespace": "doctor-maas"}
VALUES: Tree = {"name": "chat", "maas": MAAS, "router": {"preset": {"namespace": "doctor"}}}
NODE: Tree = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "npu-1",
        "labels": {
            "kubernetes.io/arch": "arm64",
            "node.kubernetes.io/npu.chip.name": "910B4",
            "example.com/npu-driver-version": "25.5.1",
        },
    },
}
CAPACITY = {"cpu": "192", "memory": "1Ti", "ephemeral-storage": "1Ti", "huawei.com/Ascend910": "8"}
KEYS: Tree = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "maas-api-keys", "namespace": "doctor-maas"},
}
SECOND: Tree = {**NODE, "metadata": {**NODE["metadata"], "name": "npu-2"}}
QUOTA: Tree = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "small", "namespace": "doctor"},
    "spec": {"hard": {"requests.huawei.com/Ascend910": "4"}},
}
CONFIGURATION: Tree = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "envoy-gateway-config", "namespace": "envoy-gateway-system"},
}
REDIS = """\
rateLimit:
  failClosed: true
  backend:
    type: Redis
    redis:
      url: redis:6379
"""


def secret(**keys: str) -> Tree:
    data = {name: base64.b64encode(key.encode()).decode() for name, key in keys.items()}
    return {**KEYS, "data": data}


def bridge(*versions: str) -> Tree:
    rule = {
        "apiGroups": ["serving.kserve.io"],
        "apiVersions": list(versions),
        "resources": ["llminferenceservices"],
        "operations": ["CREATE"],
    }
    webhook = {
        "name": "bridge.infernex.io",
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [rule],
        "failurePolicy": "Ignore",
        "objectSelector": {"matchLabels": {"no-such": "object"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "infernex-bridge"},
        "webhooks": [webhook],
    }


def policy(name: str) -> Tree:
    gateway = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "maas"}
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": name, "namespace": "doctor-maas"},
        "spec": {"targetRefs": [gateway]},
    }


def overriding() -> Tree:
    """A policy that an administrator has added to the gateway's own."""
    match = {"statusCodes": [{"type": "Value", "value": 503}]}
    rule = {"match": match, "response": {"body": {"type": "Inline", "inline": "later"}}}
    item = policy("other")
    route = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "other"}
    spec = {"targetRefs": [route], "responseOverride": [rule]}
    return {**item, "kind": "BackendTrafficPolicy", "spec": spec}


ROUTE: Tree = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "site", "namespace": "doctor-maas", "labels": {"team": "a"}},
    "spec": {"parentRefs": [{"name": "maas"}]},
}
GATEWAY: Tree = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "maas", "namespace": "doctor-maas", "labels": {"team": "a"}},
    "spec": {
        "gatewayClassName": "eg",
        "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}],
    },
}


def cross_origin(**spec: Any) -> Tree:
    """A policy that lets browsers in from elsewhere, and asks for no key."""
    cors = {"allowOrigins": ["https://chat.example.com"]}
    return {**policy("other"), "kind": "SecurityPolicy", "spec": {"cors": cors, **spec}}


def named(kind: str, name: str) -> Tree:
    return {"group": "gateway.networking.k8s.io", "kind": kind, "name": name}


def selected(kind: str, **expression: Any) -> Tree:
    """Targets by a selector: their team, or an expression about it."""
    terms = {"matchLabels": {"team": "a"}}
    if expression:
        terms = {"matchExpressions": [{"key": "team", **expression}]}
    return {"targetSelectors": [{"kind": kind, **terms}]}


def added(*items: Tree) -> Spoil:
    return lambda cluster: [put(cluster, item) for item in items] and None


def limits(**changed: Any) -> Tree:
    """The policy that the deployment that makes the gateway has brought."""
    rendered = render(load(VALUES, changed), Release(namespace="doctor"))
    return next(item for item in rendered if item["kind"] == "ClientTrafficPolicy")


def controller(image: str = "kserve/llmisvc-controller:v0.17.0") -> Tree:
    labels = {"app": "llmisvc"}
    pod = {"containers": [{"name": "manager", "image": image}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llmisvc-controller-manager", "namespace": "kserve"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def offer(cluster: Cluster, capacity: Tree, ready: str = "True", **more: Any) -> None:
    conditions = [{"type": "Ready", "status": ready}]
    status = {"capacity": capacity, "allocatable": capacity, "conditions": conditions}
    set_status(cluster, NODE, {**status, **more})


def put(cluster: Cluster, item: Tree) -> None:
    cluster.apply(item, force=True)


def remove(cluster: Cluster, pod: Tree) -> None:
    """Deletes a pod at once: no kubelet is here to say that it has ended."""
    path = cluster.path("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    if cluster.live(pod):
        cluster.request("DELETE", path, {"gracePeriodSeconds": "0"})


def settings_of_kserve(cluster: Cluster) -> Tree:
    """KServe's ConfigMap, as it can be put again."""
    meta = {"name": "inferenceservice-config", "namespace": "kserve"}
    live = cluster.get("v1", "ConfigMap", *meta.values()) or {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": live["data"]}


def gateway(cluster: Cluster, programmed: str) -> None:
    """Says as its controller whether KServe's Gateway is programmed."""
    meta = {"name": "kserve-ingress-gateway", "namespace": "kserve"}
    item = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": meta}
    conditions = [{**condition("Programmed"), "status": programmed}]
    address = [{"type": "IPAddress", "value": "127.0.0.1"}]
    set_status(cluster, item, {"addresses": address, "conditions": conditions})


@pytest.fixture
def good(plane: Plane) -> Iterator[Cluster]:
    """A cluster that can carry the deployment."""
    cluster = Cluster.connect(kubeconfig=str(plane.kubeconfig))
    for name in ("doctor", "doctor-maas", "envoy-gateway-system"):
        namespace(cluster, name)
    put(cluster, NODE)
    offer(cluster, CAPACITY)
    put(cluster, controller())
    counts = {"replicas": 1, "readyReplicas": 1}
    set_status(cluster, controller(), counts)
    put(cluster, bridge("v1alpha1", "v1alpha2"))
    put(cluster, secret(alice="key-of-alice", bob="key-of-bob"))
    put(cluster, {**CONFIGURATION, "data": {"envoy-gateway.yaml": REDIS}})
    before = settings_of_kserve(cluster)
    yield cluster
    put(cluster, before)
    gateway(cluster, "True")
    for space in ("doctor", "doctor-maas"):
        remove(cluster, engine(space))
    for item in (
        NODE,
        SECOND,
        controller(),
        bridge(),
        KEYS,
        CONFIGURATION,
        policy("other"),
        overriding(),
        cross_origin(),
        limits(),
        ROUTE,
        GATEWAY,
        QUOTA,
    ):
        cluster.delete(item)


def diagnoses(cluster: Cluster, changed: Tree) -> list[Finding]:
    return examine(cluster, load(VALUES, changed), Release(namespace="doctor"))


def test_a_good_cluster_has_no_failure(good: Cluster) -> None:
    good.writes = 0
    found = diagnoses(good, {})
    assert errors(found) == []
    assert good.writes == 0
    assert {each.code for each in found} == CHECKS.keys()
    assert len(CHECKS) >= 20
    fine = (Severity.OK, Severity.SKIPPED)
    told = {each.code: each.severity for each in found if each.severity not in fine}
    # The shipped ConfigMap of KServe has a user of its own for ModelCars, its Role lacks a right
    # that newer pickers need, and the published values have warnings; the controller runs here
    # without a pod.
    warned = ("modelcar-user", "pull-secrets", "router-rights", "values")
    known = dict.fromkeys(warned, Severity.WARNING)
    assert told == {**known, "leaderworkerset-watch": Severity.UNKNOWN}


def test_what_the_service_holds_itself_is_free_for_it(good: Cluster) -> None:
    put(good, engine("doctor"))
    exact = {"requests.huawei.com/Ascend910": "8"}
    put(good, {**QUOTA, "spec": {"hard": exact}})
    set_status(good, QUOTA, {"hard": exact, "used": exact})
    assert errors(diagnoses(good, {})) == []


def test_weights_that_a_node_has_need_no_more_disk(good: Cluster) -> None:
    holding(load(VALUES).model.uri.removeprefix("oci://"))(good)
    (told,) = (each for each in diagnoses(good, {}) if each.code == "disk")
    assert told.severity == Severity.OK


def test_a_larger_node_has_room_for_two(good: Cluster) -> None:
    offer(good, {**CAPACITY, "huawei.com/Ascend910": "16"})
    assert "free-npus" not in {each.code for each in errors(diagnoses(good, {"replicas": 2}))}


def labelled(**labels: str) -> Spoil:
    keys = {"arch": "kubernetes.io/arch", "driver": "example.com/npu-driver-version"}
    node = deepcopy(NODE)
    node["metadata"]["labels"] |= {keys[key]: text for key, text in labels.items()}
    return lambda cluster: put(cluster, node)


def another_driver(cluster: Cluster) -> None:
    put(cluster, {**NODE, "metadata": {"name": "npu-1", "labels": {"csi/driver-version": "1.2"}}})


def unlabelled(cluster: Cluster) -> None:
    put(cluster, {**NODE, "metadata": {"name": "npu-1"}})


def tainted(cluster: Cluster) -> None:
    taint = {"key": "huawei.com/npu", "effect": "NoSchedule"}
    put(cluster, {**NODE, "spec": {"taints": [taint]}})


def occupied(cluster: Cluster) -> None:
    offer(cluster, {**CAPACITY, "huawei.com/Ascend910": "7"})


def small_disk(cluster: Cluster) -> None:
    offer(cluster, {**CAPACITY, "ephemeral-storage": "200Gi"})


def cordoned(cluster: Cluster) -> None:
    put(cluster, {**NODE, "spec": {"unschedulable": True}})


def not_ready(cluster: Cluster) -> None:
    offer(cluster, CAPACITY, ready="False")


DISK = {**CAPACITY, "ephemeral-storage": "300G"}


def holding(image: str) -> Spoil:
    """A node of 300 GB that has an image of 100 GB."""
    return lambda cluster: offer(cluster, DISK, images=[{"names": [image], "sizeBytes": 10**11}])


def pressed(cluster: Cluster) -> None:
    types = ("Ready", "DiskPressure")
    offer(cluster, CAPACITY, conditions=[{"type": each, "status": "True"} for each in types])


def untold_disk(cluster: Cluster) -> None:
    offer(cluster, {key: CAPACITY[key] for key in CAPACITY if key != "ephemeral-storage"})


def second_closed(cluster: Cluster) -> None:
    put(cluster, SECOND)
    set_status(cluster, SECOND, {"capacity": CAPACITY, "allocatable": CAPACITY})


def imaged(tag: str) -> Spoil:
    return lambda cluster: put(cluster, controller(f"kserve/llmisvc-controller{tag}"))


def without_modelcars(cluster: Cluster) -> None:
    item = settings_of_kserve(cluster)
    settings = json.loads(item["data"]["storageInitializer"])
    settings["enableModelcar"] = False
    item["data"]["storageInitializer"] = json.dumps(settings)
    put(cluster, item)


def without(item: Tree) -> Spoil:
    return lambda cluster: cluster.delete(item) and None


def gateway_down(cluster: Cluster) -> None:
    gateway(cluster, "False")


def limited(cluster: Cluster) -> None:
    put(cluster, QUOTA)


def limited_cpu(cluster: Cluster) -> None:
    put(cluster, {**QUOTA, "spec": {"hard": {"cpu": "4"}}})


def engine(space: str, **takes: str) -> Tree:
    """A pod of a service of the same name, with all the NPUs of the node or what else it takes."""
    takes = takes or {"huawei.com/Ascend910": "8"}
    resources = {"requests": takes, "limits": takes}
    container = {"name": "main", "image": "x", "resources": resources}
    labels = {"app.kubernetes.io/name": "chat"}
    meta = {"name": "chat-kserve-0", "namespace": space, "labels": labels}
    spec = {"nodeName": "npu-1", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def taken_elsewhere(cluster: Cluster) -> None:
    put(cluster, engine("doctor-maas"))


def disk_taken_elsewhere(cluster: Cluster) -> None:
    offer(cluster, DISK)
    put(cluster, engine("doctor-maas", **{"ephemeral-storage": "100G"}))


def opaque(cluster: Cluster) -> None:
    meta = {"name": "plain", "namespace": "doctor"}
    put(cluster, {"apiVersion": "v1", "kind": "Secret", "metadata": meta})


def nothing(_: Cluster) -> None:
    """Leaves the cluster as it is."""


FAILED, WARNING, UNKNOWN = Severity.ERROR, Severity.WARNING, Severity.UNKNOWN
# A check, what is wrong with the cluster or the values, and what the check says.
BAD: list[tuple[str, Spoil, Tree, Severity, str]] = [
    (
        "rollout-field",
        nothing,
        {"kserve": {"version": "main", "rolloutInPlace": True}},
        FAILED,
        "no spec.rolloutStrategy",
    ),
    ("infernex-webhook", without(bridge()), {}, WARNING, "no webhook of InferNex"),
    ("infernex-webhook", lambda c: put(c, bridge("v1alpha1")), {}, FAILED, "not process v1alpha2"),
    ("kserve-controller", without(controller()), {}, FAILED, "does not exist in namespace kserve"),
    ("kserve-version", imaged(":v0.16.0"), {}, FAILED, "KServe is v0.16"),
    ("kserve-version", imaged(":v0.20.1"), {}, WARNING, "newer than the validated releases"),
    ("kserve-version", imaged("@sha256:" + 64 * "0"), {}, UNKNOWN, "no tag"),
    ("router-rights", nothing, {}, WARNING, "permit the router to list inferencemodelrewrites"),
    ("modelcar-user", nothing, {}, WARNING, "as user 1010"),
    ("modelcar-enabled", without_modelcars, {}, FAILED, "ModelCars are disabled"),
    ("kserve-gateway", gateway_down, {}, FAILED, "is not programmed"),
    ("npu-nodes", without(NODE), {}, FAILED, "no node offers huawei.com/Ascend910"),
    ("npu-nodes", nothing, {"npu": {"nodeSelector": {"a": "b"}}}, FAILED, "selects none of them"),
    ("nodes-ready", cordoned, {}, FAILED, "npu-1 is cordoned"),
    ("nodes-ready", not_ready, {}, FAILED, "npu-1 is not ready"),
    ("nodes-ready", second_closed, {}, WARNING, "npu-2 is not ready"),
    ("free-npus", cordoned, {}, FAILED, "room for 0 pods with 8"),
    ("free-npus", occupied, {}, FAILED, "room for 0 pods with 8"),
    ("free-npus", nothing, {"replicas": 2}, FAILED, "2 are needed"),
    ("free-npus", taken_elsewhere, {}, FAILED, "room for 0 pods"),
    ("card", nothing, {"npu": {"card": "910B4-1"}}, FAILED, "has 910B4, not 910B4-1"),
    ("card", unlabelled, {}, UNKNOWN, "which card"),
    ("arm64", labelled(arch="amd64"), {}, FAILED, "not arm64: npu-1"),
    ("nodes-ready", pressed, {}, FAILED, "npu-1 is out of disk space"),
    ("disk", small_disk, {}, FAILED, "215 GB of ephemeral disk"),
    ("disk", holding("x/y:z"), {}, FAILED, "200 GB of ephemeral disk left by its images"),
    ("disk", disk_taken_elsewhere, {}, FAILED, "200 GB of ephemeral disk left by its images"),
    ("disk", untold_disk, {}, UNKNOWN, "does not report its disk space"),
    ("taints", tainted, {}, FAILED, "huawei.com/npu:NoSchedule"),
    ("driver", labelled(driver="24.1.0"), {}, FAILED, "older than 25.0"),
    ("driver", unlabelled, {}, UNKNOWN, "no label shows"),
    ("driver", another_driver, {}, UNKNOWN, "no label shows"),
    ("namespace", nothing, {"maas": {"namespace": "none"}}, FAILED, "no namespace none"),
    ("pull-secrets", opaque, {"engine": {"imagePullSecrets": ["plain"]}}, FAILED, "type Opaque"),
    (
        "claims",
        nothing,
        {"model": {"uri": "pvc://weights/", "claims": {"leader": "weights"}}},
        FAILED,
        "claim weights does not exist",
    ),
    ("quota", limited_cpu, {}, FAILED, "leaves 4 of cpu"),
    ("quota", limited, {}, FAILED, "leaves 4 of requests.huawei.com/Ascend910"),
    ("maas-gateway", nothing, {"maas": {"gateway": {"className": "x"}}}, FAILED, "GatewayClass x"),
    ("maas-gateway", nothing, {"maas": {"gateway": {"create": False}}}, FAILED, "no Gateway"),
    ("api-keys", without(KEYS), {}, FAILED, "so every request is rejected"),
    ("api-keys", lambda c: put(c, secret()), {}, FAILED, "contains no keys"),
    ("api-keys", lambda c: put(c, secret(eve="Bearer x")), {}, FAILED, "begins with Bearer"),
    ("api-keys", lambda c: put(c, secret(eve="x\n")), {}, FAILED, "a line break"),
    ("api-keys", lambda c: put(c, secret(eve="x", mallory="x")), {}, FAILED, "have the same key"),
    ("redis", without(CONFIGURATION), {}, FAILED, "names no Redis"),
    (
        "redis-absence",
        lambda c: put(
            c,
            {
                **CONFIGURATION,
                "data": {
                    "envoy-gateway.yaml": REDIS.replace("failClosed: true", "failClosed: false")
                },
            },
        ),
        {},
        WARNING,
        "accepts every request without counting it",
    ),
    ("response-override", lambda c: put(c, overriding()), {}, FAILED, "sets responseOverride"),
    ("one-policy", added(policy("other")), {}, FAILED, "other also sets maas"),
    (
        "one-policy",
        added(GATEWAY, {**policy("other"), "spec": selected("Gateway")}),
        {},
        FAILED,
        "other also sets maas",
    ),
    *(
        ("key-check", added(GATEWAY, ROUTE, cross_origin(**targets)), {}, FAILED, f"for {told},")
        for targets, told in (
            ({"targetRefs": [named("HTTPRoute", "chat")]}, "HTTPRoute chat"),
            ({"targetRef": named("HTTPRoute", "site")}, "HTTPRoute site"),
            ({"targetRefs": [named("Gateway", "maas")]}, "Gateway maas"),
            (selected("HTTPRoute"), "HTTPRoute site"),
            (selected("Gateway", operator="Exists"), "Gateway maas"),
            (selected("HTTPRoute", operator="In", values=["a", "b"]), "HTTPRoute site"),
        )
    ),
    (
        "prompt-size",
        nothing,
        {"maas": {"gateway": {"create": False}}},
        FAILED,
        "connection.bufferLimit to 32768, but max-model-len × maas.bytesPerToken of this model "
        "needs 1048576",
    ),
    (
        "prompt-size",
        added(limits()),
        {
            "engine": {"args": {"max-model-len": 65536}},
            "maas": {"gateway": {"create": False}},
        },
        FAILED,
        "connection.bufferLimit to 1048576, but max-model-len × maas.bytesPerToken of this model "
        "needs 2097152",
    ),
    ("values", nothing, {"engine": {"args": {"block-size": 96}}}, FAILED, "blocks of 32, 64"),
    ("values", nothing, {"name": "x" * 39}, WARNING, "the rules report "),
    ("dry-run", nothing, {"maas": {"namespace": "none"}}, FAILED, 'namespaces "none" not found'),
]


@pytest.mark.parametrize(
    ("code", "spoil", "changed", "status", "told"), BAD, ids=[f"{b[0]}-{b[4]}" for b in BAD]
)
def test_what_is_wrong_is_told_with_a_fix(
    good: Cluster, code: str, spoil: Spoil, changed: Tree, status: Severity, told: str
) -> None:
    spoil(good)
    found = [each for each in diagnoses(good, changed) if each.code == code]
    said = next(each for each in found if told in each.message)
    assert said.severity == status
    assert {each.severity for each in found if each.severity != WARNING} <= {status}
    assert said.fix


@pytest.mark.parametrize(
    "spec",
    [
        {"targetRefs": [named("HTTPRoute", "site")], "mergeType": "StrategicMerge"},
        {
            "targetRefs": [named("HTTPRoute", "site")],
            "apiKeyAuth": {
                "credentialRefs": [{"name": "of-this-route"}],
                "extractFrom": [{"headers": ["Authorization"]}],
            },
        },
        {"targetRefs": [named("HTTPRoute", "of-another-gateway")]},
        selected("HTTPRoute", operator="NotIn", values=["a"]),
        selected("HTTPRoute", operator="DoesNotExist"),
    ],
    ids=["merged", "with-keys", "elsewhere", "not-in", "not-there"],
)
def test_other_security_policies_leave_the_key_check_alone(good: Cluster, spec: Tree) -> None:
    added(GATEWAY, ROUTE, cross_origin(**spec))(good)
    assert "key-check" not in {each.code for each in errors(diagnoses(good, {}))}


def test_a_shared_gateway_has_room_for_a_model_like_its_first(good: Cluster) -> None:
    put(good, limits())
    shared = {"maas": {"gateway": {"create": False}}}
    assert "prompt-size" not in {each.code for each in errors(diagnoses(good, shared))}


# On a cluster with nothing.
MISSING = {
    "kserve-api",
    "kserve-config-api",
    "leaderworkerset",
    "inference-pool",
    "gateway-api",
    "kserve-webhook",
    "kserve-presets",
    "maas-kinds",
}


def test_on_a_cluster_with_nothing_the_missing_kinds_are_told(bare: Cluster) -> None:
    found = {each.code: each for each in diagnoses(bare, {})}
    for code in MISSING:
        assert found[code].severity == Severity.ERROR, found[code]
        assert "install" in found[code].fix or "apply" in found[code].fix


def test_who_may_do_nothing_is_told_so(plane: Plane, good: Cluster) -> None:
    assert good
    reader = Cluster.connect("reader", str(plane.kubeconfig))
    found = {each.code: each for each in diagnoses(reader, {})}
    assert found["rights"].severity == Severity.ERROR
    assert found["npu-nodes"].severity == Severity.UNKNOWN
    assert "forbidden" in found["npu-nodes"].message


def test_an_older_kubernetes_is_told(bare: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    older = {"major": "1", "minor": "31+", "gitVersion": "v1.31.4+k3s1"}
    monkeypatch.setattr(bare, "request", lambda *_: older)
    facts = Facts(bare, load(VALUES), Release(namespace="doctor"))
    ((status, message, fix),) = CHECKS["kubernetes-version"].ask(facts)
    assert (status, message) == (Severity.ERROR, "Kubernetes is v1.31.4+k3s1")
    assert "1.32" in fix


def test_every_check_is_seen_to_fail_or_to_warn() -> None:
    seen = {code for code, _, _, status, _ in BAD if status != Severity.UNKNOWN}
    # In this file, tests/test_doctor.py and tests/e2e/test_reasons.py.
    elsewhere = {"rights", "kubernetes-version"}
    elsewhere |= {"leaderworkerset-watch", "references", "router-preset", "pod-security"}
    assert seen | MISSING | elsewhere == CHECKS.keys()
