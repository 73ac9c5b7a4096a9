"""Checks of the doctor that need no real API server; the rest is in e2e."""

from __future__ import annotations

from typing import Any

import pytest
from api_server import Serve

from dsv4deploy import Release, load
from dsv4deploy.cluster import doctor
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.doctor import CHECKS
from dsv4deploy.cluster.doctor.facts import EnvoyGateway, Facts
from dsv4deploy.errors import ClusterError
from dsv4deploy.findings import Finding, Severity, count
from dsv4deploy.values.profiles import profile_names

CONFIGURATION = """\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
provider: {type: Kubernetes}
extensionManager: {backendResources: []}
rateLimit:
"""


def configuration(url: str, **settings: Any) -> str:
    lines = [f"  {word}: {value}\n" for word, value in settings.items()]
    backend = f'  backend: {{type: Redis, redis: {{url: "{url}"}}}}\n'
    return CONFIGURATION + backend + "".join(lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (configuration("redis:6379"), EnvoyGateway(("redis:6379",))),
        (
            configuration("a:1, b:2", failClosed="true", timeout="1s500ms"),
            EnvoyGateway(("a:1", "b:2"), True, 1.5),
        ),
        (configuration("a:1", timeout="0.5s"), EnvoyGateway(("a:1",), False, 0.5)),
        (configuration(""), EnvoyGateway()),
        (CONFIGURATION, EnvoyGateway()),
        ("", EnvoyGateway()),
        ("rateLimit: [", EnvoyGateway()),
        ("- rateLimit", EnvoyGateway()),
    ],
)
def test_what_no_policy_can_set_is_read(text: str, told: EnvoyGateway) -> None:
    assert EnvoyGateway.of(text) == told


def meta(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "demo", "uid": "1", "resourceVersion": "7"}


def answers(
    serve: Serve,
    code: str,
    text: str,
    **maas: Any,
) -> list[tuple[Severity, str]]:
    """A check's answers on a cluster whose Envoy Gateway is configured like this."""
    kinds = (200, {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]})
    found = {"metadata": meta("envoy-gateway-config"), "data": {"envoy-gateway.yaml": text}}
    cluster, *_ = serve(kinds, (200, {"items": [found]}))
    values = load({"maas": {"enabled": True, **maas}})
    return [(told[0], told[1]) for told in CHECKS[code].answers(Facts(cluster, values, Release()))]


@pytest.mark.parametrize("url", ["redis:6379", "redis://10.0.0.1:6379", "redis.ns.svc:6379", "r"])
def test_an_address_that_envoy_gateway_reads(serve: Serve, url: str) -> None:
    assert answers(serve, "redis", configuration(url)) == [(Severity.OK, CHECKS["redis"].meaning)]


@pytest.mark.parametrize("url", ["10.0.0.1:6379", "redis:6379,10.0.0.1:6379", "my_redis:6379"])
def test_an_address_that_stops_envoy_gateway(serve: Serve, url: str) -> None:
    ((status, message),) = answers(serve, "redis", configuration(url))
    assert status == Severity.ERROR
    assert f"cannot parse the Redis address {url.rpartition(',')[2]}" in message


@pytest.mark.parametrize(
    ("settings", "status", "told"),
    [
        ({}, Severity.WARNING, "takes longer than 20 ms, the gateway accepts every request"),
        (
            {"timeout": "100ms"},
            Severity.WARNING,
            "takes longer than 100 ms, the gateway accepts every",
        ),
        ({"failClosed": "true"}, Severity.OK, "takes longer than 20 ms, requests are rejected"),
        (
            {"failClosed": "true", "timeout": "1s"},
            Severity.OK,
            "takes longer than 1000 ms, requests",
        ),
    ],
)
def test_what_happens_without_redis_is_told(
    serve: Serve,
    settings: dict[str, str],
    status: Severity,
    told: str,
) -> None:
    ((found, message),) = answers(serve, "redis-absence", configuration("redis:6379", **settings))
    assert found == status
    assert told in message


def test_the_pods_are_those_of_as_many_instances_as_may_run_at_once() -> None:
    def pods(**values: Any) -> int:
        return Facts(Cluster(None), load(values), Release()).pods

    scaling = {"enabled": True, "maxReplicas": 3}
    assert pods(replicas=2) == 2
    assert pods(replicas=2, scaling=scaling) == 3
    assert pods(parallelism={"data": 2}, scaling=scaling) == 6


def test_tiers_alone_need_redis_too(serve: Serve) -> None:
    budget = {"day": {"tokens": 10**9, "unit": "Day", "count": "total"}}
    tiers = {"gold": {"clients": ["alice"], "quotas": budget}}
    empty: dict[str, Any] = {"quotas": {"hour": None}}
    skipped = (Severity.SKIPPED, "maas.quotas and maas.tiers are empty")
    assert answers(serve, "redis", "", **empty) == [skipped]
    ((status, message),) = answers(serve, "redis", "", **empty, tiers=tiers)
    assert status == Severity.ERROR
    assert "names no Redis" in message


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"retry": {"numRetries": 1}}, []),
        ({"responseOverride": []}, []),
        ({"responseOverride": [{"match": {}}]}, ["BackendTrafficPolicy maas-system/other sets"]),
    ],
)
def test_a_policy_that_opens_the_gateway_is_found(
    serve: Serve,
    spec: dict[str, Any],
    told: list[str],
) -> None:
    name = {"name": "backendtrafficpolicies", "kind": "BackendTrafficPolicy", "namespaced": True}
    item = {"metadata": meta("other"), "spec": spec}
    cluster, *_ = serve((200, {"resources": [name]}), (200, {"items": [item]}))
    facts = Facts(cluster, load(set=["maas.enabled=true"]), Release())
    found = list(CHECKS["response-override"].ask(facts))
    assert [message.partition(" responseOverride")[0] for _, message, _ in found] == told
    assert all(status == Severity.ERROR for status, _, _ in found)


def test_a_quantity_that_is_not_valid_makes_its_check_unknown(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"resources": [{"name": "nodes", "kind": "Node", "namespaced": False}]}
    allocatable = {"huawei.com/Ascend910": "eight"}
    node = {"metadata": meta("npu-1"), "spec": {}, "status": {"allocatable": allocatable}}
    cluster, *_ = serve((200, kinds), (200, {"items": [node]}))
    monkeypatch.setattr(doctor, "CHECKS", {"npu-nodes": CHECKS["npu-nodes"]})
    (found,) = doctor.examine(cluster, load())
    assert (found.code, found.severity) == ("npu-nodes", Severity.UNKNOWN)
    assert "'eight' is not a Kubernetes quantity" in found.message


@pytest.mark.parametrize(
    ("made", "started", "told"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", Severity.WARNING),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", Severity.OK),
        ("2026-01-01T00:00:00Z", "", Severity.UNKNOWN),
    ],
)
def test_a_controller_that_is_older_than_leader_worker_set_does_not_watch_it(
    monkeypatch: pytest.MonkeyPatch, made: str, started: str, told: Severity
) -> None:
    crd = {"metadata": {"name": "leaderworkersets", "creationTimestamp": made}}
    pod = {"metadata": {"name": "llmisvc-controller-manager-0"}, "status": {"startTime": started}}
    other = {"metadata": {"name": "kserve-0"}, "status": {"startTime": "2025-01-01T00:00:00Z"}}
    cluster = Cluster(None)
    monkeypatch.setattr(cluster, "path", lambda *_, **__: "")
    monkeypatch.setattr(cluster, "request", lambda *_: crd)
    monkeypatch.setattr(cluster, "list", lambda *_: [pod, other])
    facts = Facts(cluster, load(), Release())
    found = CHECKS["leaderworkerset-watch"].answers(facts)
    assert [severity for severity, *_ in found] == [told]


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": meta("hf"), "type": "Opaque"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {**SECRET, "data": {"token": "aGY="}}), [CHECKS["references"].meaning]),
        ((200, SECRET), ["has no key token"]),
        ((404, {"reason": "NotFound"}), ["does not exist"]),
    ],
)
def test_a_variable_refers_to_a_key_that_is_there(
    serve: Serve, answer: tuple[int, Any], told: list[str]
) -> None:
    kinds = (200, {"resources": [{"name": "secrets", "kind": "Secret", "namespaced": True}]})
    cluster, *_ = serve(kinds, answer)
    own = {"apiVersion": "v1", "kind": "ConfigMap", "fields": {"data": {"proxy": "x"}}}
    refers = {
        "HF_TOKEN": {"secretKeyRef": {"name": "hf", "key": "token"}},
        "PROXY": {"configMapKeyRef": {"name": "site", "key": "proxy"}},
        "PLAIN": "x",
    }
    values = load({"engine": {"env": refers}, "extraObjects": {"site": own}})
    found = CHECKS["references"].answers(Facts(cluster, values, Release()))
    start = "Secret hf, which HF_TOKEN refers to, "
    assert [message.removeprefix(start) for _, message, _ in found] == told
    ((status, *_),) = CHECKS["references"].answers(Facts(cluster, load(), Release()))
    assert status == Severity.SKIPPED


class Platform(Cluster):
    """A cluster with a release of KServe, one container in its preset, and an answer on rights."""

    def __init__(self, tag: str, container: str = "main", allowed: bool = False) -> None:
        super().__init__(None)
        self._tag, self._container, self._may = tag, container, allowed
        self.asked: list[Any] = []

    def path(self, *_: Any, **__: Any) -> str:
        """It has every kind."""
        return ""

    def list(self, api_version: str, kind: str, *_: Any, **__: Any) -> list[dict[str, Any]]:
        """KServe's controller."""
        manager = {"name": "manager", "image": f"kserve/llmisvc-controller:{self._tag}"}
        spec = {"template": {"spec": {"containers": [manager]}}}
        return [{"metadata": {"name": "llmisvc-controller-manager"}, "spec": spec}]

    def get(self, *_: Any, **__: Any) -> dict[str, Any]:
        """The preset."""
        containers = [{"name": self._container, "image": "ghcr.io/llm-d/tokenizer:1"}]
        return {"spec": {"router": {"scheduler": {"template": {"containers": containers}}}}}

    def request(self, method: str, path: str, query: Any = None, body: Any = None, **_: Any) -> Any:
        """Whether an account has a right."""
        self.asked.append(body["spec"])
        return {"status": {"allowed": self._may}}


def ask(cluster: Cluster, code: str) -> list[str]:
    facts = Facts(cluster, load({"name": "chat"}), Release(namespace="demo"))
    return [f"{severity}: {message}" for severity, message, _ in CHECKS[code].ask(facts)]


def test_a_router_that_may_not_read_what_its_picker_lists_is_told() -> None:
    cluster = Platform("v0.17.0")
    (told,) = ask(cluster, "router-rights")
    assert told.startswith(
        "warning: KServe v0.17 does not permit the router to list inferencemodelre"
    )
    (asked,) = cluster.asked
    assert asked["user"] == "system:serviceaccount:demo:chat-epp-sa"
    assert "system:serviceaccounts:demo" in asked["groups"]


def test_a_router_that_has_its_rights_is_fine() -> None:
    assert ask(Platform("v0.17.0", allowed=True), "router-rights") == []
    assert ask(Platform("v0.19.0"), "router-rights") == []


def test_a_container_of_kserve_s_own_beside_the_router_is_told() -> None:
    (told,) = ask(Platform("v0.20.0", "tokenizer"), "router-preset")
    assert "adds container tokenizer to the router's pod" in told
    assert "ghcr.io/llm-d/tokenizer:1" in told
    assert ask(Platform("v0.17.0"), "router-preset") == []


# --- ok is only what was asked and answered ------------------------------------------------------


class Empty(Cluster):
    """A cluster that answers 404 to everything."""

    def __init__(self) -> None:
        super().__init__(None)

    def request(self, method: str, path: str, *_: Any, **__: Any) -> Any:
        raise ClusterError(f"{method} {path}: not found", "NotFound")


@pytest.mark.parametrize("maas", [False, True])
@pytest.mark.parametrize("profile", profile_names())
def test_where_the_cluster_answers_404_to_everything_nothing_of_it_is_ok(
    profile: str, maas: bool
) -> None:
    values = load({"maas": {"enabled": maas}}, profile=profile)
    found = {each.code: each for each in doctor.examine(Empty(), values)}
    assert found.keys() == CHECKS.keys()
    # The rules ask no cluster.
    assert {code for code, each in found.items() if each.severity == Severity.OK} <= {"values"}
    assert found["kserve-api"].severity == Severity.ERROR
    assert found["card"].severity == Severity.UNKNOWN
    assert found["one-policy"].severity == (Severity.UNKNOWN if maas else Severity.SKIPPED)


def test_what_the_deployment_does_not_need_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Empty()
    monkeypatch.setattr(cluster, "path", lambda *_, **__: "")
    monkeypatch.setattr(cluster, "list", lambda *_, **__: [])
    values = load({"model": {"uri": "hf://a/b"}, "engine": {"imagePullSecrets": []}})
    found = {each.code: each for each in doctor.examine(cluster, values)}
    reasons = {
        "redis": "maas.enabled is false",
        "key-check": "maas.enabled is false",
        "nodes-ready": "npu.nodeSelector selects no node with these NPUs",
        "disk": "model.uri is not an image",
        "claims": "model.claims is empty",
        "rollout-field": "kserve.rolloutInPlace is false",
    }
    for code, reason in reasons.items():
        assert (found[code].severity, found[code].message) == (Severity.SKIPPED, reason)
    assert found["npu-nodes"].severity == Severity.ERROR


def test_findings_are_counted_the_worst_first() -> None:
    severities = [Severity.OK, Severity.OK, Severity.ERROR, Severity.WARNING, Severity.WARNING]
    findings = [Finding("x", severity, "", "") for severity in [*severities, Severity.SKIPPED]]
    assert count(findings) == "1 error, 2 warnings, 1 skipped, 2 ok"
    assert count([]) == ""
