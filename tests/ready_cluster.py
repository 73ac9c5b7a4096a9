"""A cluster in memory that can run the published deployment, except that its node has a taint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import fake_api

Tree = dict[str, Any]
_KSERVE = "serving.kserve.io/v1alpha2"
_GATEWAY = "gateway.networking.k8s.io/v1"
_WEBHOOKS = "admissionregistration.k8s.io/v1"
_CRDS = "apiextensions.k8s.io/v1"
fake_api.KINDS.update(
    {
        ("v1", "Node"): ("nodes", False),
        ("v1", "ResourceQuota"): ("resourcequotas", True),
        (_CRDS, "CustomResourceDefinition"): ("customresourcedefinitions", False),
        (_WEBHOOKS, "ValidatingWebhookConfiguration"): ("validatingwebhookconfigurations", False),
        (_WEBHOOKS, "MutatingWebhookConfiguration"): ("mutatingwebhookconfigurations", False),
        (_KSERVE, "LLMInferenceServiceConfig"): ("llminferenceserviceconfigs", True),
        ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"): ("leaderworkersets", True),
        ("inference.networking.k8s.io/v1", "InferencePool"): ("inferencepools", True),
        (_GATEWAY, "Gateway"): ("gateways", True),
        (_GATEWAY, "HTTPRoute"): ("httproutes", True),
    }
)
_CAPACITY = {
    "cpu": "192",
    "memory": "1Ti",
    "ephemeral-storage": "2Ti",
    "pods": "110",
    "huawei.com/Ascend910": "8",
}
_RULE = {"resources": ["llminferenceservices"], "apiVersions": ["v1alpha2"]}


def _item(api: str, kind: str, name: str, namespace: str = "", **more: Any) -> Tree:
    meta: Tree = {"name": name, "uid": name, "resourceVersion": "1"}
    meta |= {
        "creationTimestamp": fake_api.CREATED,
        **({"namespace": namespace} if namespace else {}),
    }
    return {
        "apiVersion": api,
        "kind": kind,
        **more,
        "metadata": {**meta, **more.get("metadata", {})},
    }


def _namespaced() -> list[Tree]:
    image = "kserve/llmisvc-controller:v0.19.0"
    pod = {"spec": {"containers": [{"name": "manager", "image": image}]}}
    pull = {"type": "kubernetes.io/dockerconfigjson"}
    gateway = {
        "spec": {"listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]},
        "status": {
            "addresses": [{"type": "IPAddress", "value": "192.0.2.10"}],
            "conditions": [{"type": "Programmed", "status": "True"}],
        },
    }
    return [
        _item("v1", "Secret", "modelcar-registry-auth", "demo", **pull),
        _item("v1", "ConfigMap", "inferenceservice-config", "kserve", data=_SETTINGS),
        _item("v1", "Pod", "llmisvc-controller", "kserve", spec={}, status=_STARTED),
        _item(
            *("apps/v1", "Deployment", "llmisvc-controller-manager", "kserve"),
            spec={"template": pod},
            status={"replicas": 1, "readyReplicas": 1},
        ),
        _item(_GATEWAY, "Gateway", "kserve-ingress-gateway", "kserve", **gateway),
        *(
            _item(_KSERVE, "LLMInferenceServiceConfig", f"kserve-config-llm-{name}", "kserve")
            for name in ("template", "router-route", "scheduler")
        ),
    ]


_STARTED = {"startTime": "2026-01-02T00:00:00Z"}
_SETTINGS = {"storageInitializer": '{"uidModelcar": 0, "enableModelcar": true}'}


def _unscoped() -> list[Tree]:
    labels = {"kubernetes.io/arch": "arm64", "node.kubernetes.io/npu.chip.name": "910B4"}
    labels["example.com/npu-driver-version"] = "25.5.1"
    taint = {"key": "huawei.com/npu", "value": "reserved", "effect": "NoSchedule"}
    ready = [{"type": "Ready", "status": "True"}]
    status = {"capacity": _CAPACITY, "allocatable": _CAPACITY, "conditions": ready}
    crd = "leaderworkersets.leaderworkerset.x-k8s.io"
    return [
        _item("v1", "Namespace", "kserve"),
        _item(
            *("v1", "Node", "npu-1"),
            metadata={"labels": labels},
            spec={"taints": [taint]},
            status=status,
        ),
        _item(_CRDS, "CustomResourceDefinition", crd, spec={}),
        *(
            _item(_WEBHOOKS, f"{kind}WebhookConfiguration", name, webhooks=[{"rules": [_RULE]}])
            for kind, name in (("Validating", "kserve"), ("Mutating", "infernex-bridge"))
        ),
    ]


class ReadyCluster(fake_api.FakeCluster):
    """The cluster; it reads objects without a namespace, which a :class:`FakeCluster` does not."""

    def __init__(self) -> None:
        super().__init__(fake_api.started())
        for item in _namespaced() + _unscoped():
            meta = item["metadata"]
            path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""))
            self.state[f"{path}/{meta['name']}"] = json.dumps(item)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        if method != "GET" or "/namespaces/" in path or path.endswith("/namespaces"):
            return super().answer(method, path, query, body)
        if path in self.state:
            return json.loads(self.state[path])
        plural = path.rpartition("/")[2]
        if plural in {name for name, _ in fake_api.KINDS.values()}:
            # Also the objects of all namespaces, such as pods.
            every = sorted(each for each in self.state if f"/{plural}/" in each)
            return {"items": [json.loads(self.state[each]) for each in every]}
        return super().answer(method, path, query, body)
