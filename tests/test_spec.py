"""The default render is the published deployment, leaf by leaf.

What is expected here was written down from the publication, not from what the package prints.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dsv4deploy import Release, Values, load
from dsv4deploy.manifest.render import render

NAME = "deepseek-v4-flash-w4a8-agg-base"
NPU = "huawei.com/Ascend910"
HTTP = {"path": "/health", "port": "http"}

SERVICE = {
    "apiVersion": "serving.kserve.io/v1alpha2",
    "kind": "LLMInferenceService",
    "metadata": {
        "name": NAME,
        "namespace": "demo",
        "labels": {"infernex.io/runtime": "true"},
        "annotations": {
            "infernex.io/disabled-components": "mooncake,cache-indexer,pd-orchestrator,eagle-eye"
        },
    },
    "spec": {
        "model": {
            "uri": "oci://docker.io/alaudadockerhub/modelcar-deepseek-v4-flash-w4a8-mtp:v0.1.0",
            "name": "gdydems/DeepSeek-V4-Flash-w4a8-mtp",
        },
        "replicas": 1,
        "baseRefs": [{"name": "deepseek-v4-flash-w4a8-agg-router"}],
        "router": {"scheduler": {}, "gateway": {}, "route": {}},
        "template": {
            "enableServiceLinks": False,  # not published: see tests/test_published.py
            "imagePullSecrets": [{"name": "modelcar-registry-auth"}],
            "containers": [
                {
                    "name": "main",
                    "image": "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-openeuler",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["bash", "-lc"],
                    "ports": [{"name": "http", "containerPort": 8000, "protocol": "TCP"}],
                    "resources": {
                        "requests": {"cpu": "8", "memory": "64Gi", NPU: "8"},
                        "limits": {"cpu": "64", "memory": "256Gi", NPU: "8"},
                    },
                    "startupProbe": {"httpGet": HTTP, "periodSeconds": 30, "failureThreshold": 120},
                    "readinessProbe": {"httpGet": HTTP, "periodSeconds": 10, "failureThreshold": 3},
                    "livenessProbe": {
                        "httpGet": HTTP,
                        "periodSeconds": 10,
                        "timeoutSeconds": 10,
                        "failureThreshold": 3,
                    },
                    "securityContext": {
                        "runAsUser": 0,
                        "runAsGroup": 0,
                        "runAsNonRoot": False,
                        "allowPrivilegeEscalation": False,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
                }
            ],
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "32Gi"}}],
        },
    },
}

ENVIRONMENT = {
    "HOME": "/home",
    "HF_HUB_OFFLINE": "1",
    "VLLM_USE_V1": "1",
    "PYTHONHASHSEED": "0",
    "OMP_PROC_BIND": "false",
    "OMP_NUM_THREADS": "10",
    "PYTORCH_NPU_ALLOC_CONF": "expandable_segments:True",
    "LD_PRELOAD": "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
    "HCCL_BUFFSIZE": "1024",
    "VLLM_ASCEND_ENABLE_FLASHCOMM1": "1",
    "TASK_QUEUE_ENABLE": "1",
    "HCCL_OP_EXPANSION_MODE": "AIV",
}

SERVER = ["python3", "-m", "vllm.entrypoints.openai.api_server"]
FLAGS: dict[str, Any] = {
    "--port": 8000,
    "--model": "/mnt/models",
    "--served-model-name": "gdydems/DeepSeek-V4-Flash-w4a8-mtp",
    "--trust-remote-code": None,
    "--data-parallel-size": 1,
    "--tensor-parallel-size": 8,
    "--enable-expert-parallel": None,
    "--quantization": "ascend",
    "--tokenizer-mode": "deepseek_v4",
    "--safetensors-load-strategy": "prefetch",
    "--model-loader-extra-config": {"enable_multithread_load": "true", "num_threads": 128},
    "--max-model-len": 32768,
    "--max-num-batched-tokens": 2048,
    "--max-num-seqs": 4,
    "--gpu-memory-utilization": 0.90,
    "--block-size": 128,
    "--async-scheduling": None,
    "--enable-prefix-caching": None,
    "--speculative-config": {"num_speculative_tokens": 1, "method": "mtp", "enforce_eager": True},
    "--compilation-config": {"cudagraph_mode": "FULL_DECODE_ONLY"},
    "--additional-config": {
        "ascend_compilation_config": {"enable_npugraph_ex": True, "enable_static_kernel": False},
        "enable_cpu_binding": True,
        "multistream_overlap_shared_expert": True,
    },
    "--no-disable-hybrid-kv-cache-manager": None,
    "--chat-template": "/vllm-workspace/vllm/examples/tool_chat_template_deepseekv3.jinja",
}

GRPC = {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
SCHEDULER = {
    "pool": {
        "spec": {
            "selector": {
                "matchLabels": {
                    "app.kubernetes.io/name": NAME,
                    "app.kubernetes.io/part-of": "llminferenceservice",
                    "kserve.io/component": "workload",
                }
            },
            "targetPorts": [{"number": 8000}],
            "endpointPickerRef": {
                "failureMode": "FailOpen",
                "kind": "Service",
                "name": f"{NAME}-epp-service",
                "port": {"number": 9002},
            },
        }
    },
    "template": {
        "serviceAccountName": f"{NAME}-epp-sa",
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "containers": [
            {
                "name": "main",
                "image": "build-harbor.alauda.cn/3rdparty/openfuyao/hermes-router:26.6.0-rc.2",
                "imagePullPolicy": "IfNotPresent",
                "ports": [
                    {"name": "grpc", "containerPort": 9002, "protocol": "TCP"},
                    {"name": "grpc-health", "containerPort": 9003, "protocol": "TCP"},
                    {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
                ],
                "startupProbe": {
                    "grpc": {"port": 9003, "service": "liveness"},
                    **GRPC,
                    "failureThreshold": 30,
                },
                "livenessProbe": {"grpc": {"port": 9003, "service": "liveness"}, **GRPC},
                "readinessProbe": {"grpc": {"port": 9003, "service": "readiness"}, **GRPC},
                "resources": {
                    "requests": {"cpu": "1", "memory": "1Gi"},
                    "limits": {"memory": "4Gi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "runAsNonRoot": True,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumeMounts": [
                    {"name": "tls-certs", "mountPath": "/etc/ssl/certs", "readOnly": True}
                ],
            }
        ],
        "volumes": [
            {
                "name": "tls-certs",
                "secret": {
                    "secretName": "{{ ChildName .ObjectMeta.Name `-kserve-self-signed-certs` }}"
                },
            }
        ],
    },
}
ROUTER = {
    "apiVersion": "serving.kserve.io/v1alpha2",
    "kind": "LLMInferenceServiceConfig",
    "metadata": {
        "name": "deepseek-v4-flash-w4a8-agg-router",
        "namespace": "kserve",
        "labels": {"app.kubernetes.io/part-of": "infernex-bridge"},
    },
    "spec": {"router": {"scheduler": SCHEDULER}},
}
ROUTER_ARGS = {
    "--pool-name": f"{NAME}-inference-pool",
    "--pool-namespace": "demo",
    "--pool-group": "inference.networking.k8s.io",
    "--zap-encoder": "json",
    "--v": "1",
    "--tracing": "false",
    "--metrics-endpoint-auth": "false",
}
PICKER = {
    "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
    "kind": "EndpointPickerConfig",
    "plugins": [
        {
            "type": "metrics-data-source",
            "parameters": {"scheme": "http", "path": "/metrics", "insecureSkipVerify": True},
        },
        {"type": "core-metrics-extractor"},
        {"type": "random-picker"},
    ],
    "schedulingProfiles": [{"name": "default", "plugins": [{"pluginRef": "random-picker"}]}],
}


def the(kind: str, values: Values | None = None, release: Release | None = None) -> Any:
    (item,) = (
        item for item in render(values or Values(), release or Release()) if item["kind"] == kind
    )
    return item


def script() -> str:
    return str(the("LLMInferenceService")["spec"]["template"]["containers"][0]["args"][0])


def flags(words: list[str]) -> dict[str, Any]:
    """Command-line words as data: a bare flag is None, JSON and numbers are what they stand for."""
    found: dict[str, Any] = {}
    while words:
        flag = words.pop(0)
        assert flag.startswith("--"), flag
        assert flag not in found, f"{flag} stands twice"
        found[flag] = None
        if words and not words[0].startswith("--"):
            word = words.pop(0)
            number = word[:1] == "{" or (word[:1].isdigit() and word.count(".") < 2)
            found[flag] = json.loads(word) if number else word
    return found


def by_shell_rules(text: str) -> list[str]:
    (line,) = (line for line in text.replace("\\\n", " ").splitlines() if "exec " in line)
    return shlex.split(line)[1:]


def by_bash(text: str) -> list[str]:
    """What bash itself would execute: its builtins stand back for functions that only report."""
    report = "import json, sys; print(json.dumps(sys.argv[1:]))"
    prelude = (
        "set() { :; }; source() { :; }; timeout() { :; }\n"
        f'exec() {{ {shlex.quote(sys.executable)} -c {shlex.quote(report)} "$@"; }}\n'
    )
    done = subprocess.run(
        ["bash", "-c", prelude + text], capture_output=True, text=True, check=True
    )
    words: list[str] = json.loads(done.stdout)
    return words


def test_the_service_is_the_published_one() -> None:
    service = the("LLMInferenceService")
    container = service["spec"]["template"]["containers"][0]
    (text,) = container.pop("args")
    environment = container.pop("env")
    assert service == SERVICE
    assert {item["name"]: item["value"] for item in environment} == ENVIRONMENT
    assert len(environment) == len(ENVIRONMENT)
    assert isinstance(text, str)


@pytest.mark.parametrize("read", [by_shell_rules, by_bash])
def test_the_script_starts_the_published_server(read: Any) -> None:
    words = read(script())
    assert words[:3] == SERVER
    assert flags(words[3:]) == FLAGS


def test_the_script_sources_what_is_required_and_tries_the_rest() -> None:
    lines = script().splitlines()
    assert lines[0] == "set -ex"
    ascend = "/usr/local/Ascend"
    assert lines[1] == f"source {ascend}/ascend-toolkit/set_env.sh"
    assert sorted(lines[2:4]) == [
        f"source {ascend}/nnal/asdsip/set_env.sh 2>/dev/null || true",
        f"source {ascend}/nnal/atb/set_env.sh 2>/dev/null || true",
    ]
    assert lines[5] == "timeout 60 sh -c 'until [ -e /mnt/models ]; do sleep 0.1; done' || {"
    assert lines[9].startswith("exec ")


def test_the_router_is_the_published_one() -> None:
    router = the("LLMInferenceServiceConfig")
    container = router["spec"]["router"]["scheduler"]["template"]["containers"][0]
    words = container.pop("args")
    assert router == ROUTER
    args = dict(zip(words[::2], words[1::2], strict=True))
    assert yaml.safe_load(args.pop("--config-text")) == PICKER
    assert args == ROUTER_ARGS


def test_nothing_else_is_emitted() -> None:
    kinds = [item["kind"] for item in render(Values())]
    assert kinds == ["LLMInferenceServiceConfig", "LLMInferenceService"]


# --- names ----------------------------------------------------------------------------------------


def strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from strings(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from strings(item)
    elif isinstance(tree, str):
        yield tree


def replaced(tree: Any, words: dict[str, str]) -> Any:
    if isinstance(tree, dict):
        return {key: replaced(value, words) for key, value in tree.items()}
    if isinstance(tree, list):
        return [replaced(item, words) for item in tree]
    if isinstance(tree, str):
        for old, new in words.items():
            tree = tree.replace(old, new)
    return tree


def test_one_value_renames_everything_that_repeats_the_name() -> None:
    values = load({"name": "abc", "maas": {"enabled": True}})
    renamed = render(values, Release(namespace="prod"))
    words = {NAME: "abc", "deepseek-v4-flash-w4a8-agg-router": "abc-router"}
    expected = replaced(render(load({"maas": {"enabled": True}}), Release("prod")), words)
    assert renamed == expected
    text = "\n".join(strings(renamed))
    assert "agg-base" not in text
    assert "demo" not in text
    assert {item["metadata"]["namespace"] for item in renamed} == {"prod", "kserve", "maas-system"}


def test_two_services_live_in_one_namespace() -> None:
    def keys(values: dict[str, Any]) -> set[tuple[str, str, str]]:
        return {
            (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])
            for item in render(load(values))
        }

    one = {"name": "one", "maas": {"enabled": True}}
    two = {"name": "two", "maas": {"enabled": True, "gateway": {"create": False}}}
    assert not keys(one) & keys(two)


# --- the MaaS ingress -----------------------------------------------------------------------------


def test_the_maas_ingress_is_off_by_default_and_whole_when_on() -> None:
    kinds = {item["kind"] for item in render(load(set=["maas.enabled=true"]))}
    assert kinds - {"LLMInferenceService", "LLMInferenceServiceConfig"} == {
        *("Gateway", "ClientTrafficPolicy", "SecurityPolicy", "BackendTrafficPolicy"),
        *("AIGatewayRoute", "AIServiceBackend", "Backend"),
    }


def test_replicas_and_resources_of_the_proxies_come_with_a_budget_for_evictions() -> None:
    values = load({"maas": {"enabled": True, "gateway": {"replicas": 4}}})
    kubernetes = the("EnvoyProxy", values)["spec"]["provider"]["kubernetes"]
    assert kubernetes["envoyDeployment"]["replicas"] == 4
    assert kubernetes["envoyDeployment"]["container"]["resources"] == {
        "requests": {"cpu": "2", "memory": "512Mi"},
        "limits": {"memory": "2Gi"},
    }
    assert kubernetes["envoyPDB"] == {"maxUnavailable": 1}
    parameters = the("Gateway", values)["spec"]["infrastructure"]["parametersRef"]
    assert parameters["name"] == the("EnvoyProxy", values)["metadata"]["name"]
    one = load({"maas": {"enabled": True, "gateway": {"replicas": 1}}})
    assert "envoyPDB" not in the("EnvoyProxy", one)["spec"]["provider"]["kubernetes"]
    logged = load({"maas": {"enabled": True, "gateway": {"accessLog": {"enabled": True}}}})
    assert "provider" not in the("EnvoyProxy", logged)["spec"]


def test_a_proxy_that_ends_lets_the_longest_request_end_first() -> None:
    asked = {"enabled": True, "requestTimeout": "20m", "gateway": {"replicas": 2}}
    assert the("EnvoyProxy", load({"maas": asked}))["spec"]["shutdown"] == {"drainTimeout": "20m"}
    endless = load({"maas": {**asked, "requestTimeout": "0s"}})
    assert "shutdown" not in the("EnvoyProxy", endless)["spec"]


def test_keys_are_references_to_a_secret_and_go_no_further() -> None:
    policy = the("SecurityPolicy", load(set=["maas.enabled=true"]))
    assert policy["metadata"]["namespace"] == "maas-system"
    assert policy["spec"] == {
        "targetRefs": [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "maas"},
        ],
        "apiKeyAuth": {
            "credentialRefs": [{"group": "", "kind": "Secret", "name": "maas-api-keys"}],
            "extractFrom": [{"headers": ["Authorization"]}],
            "forwardClientIDHeader": "x-user-id",
            "sanitize": True,
        },
    }


def test_a_quota_counts_the_tokens_of_a_user_and_model_after_the_answer() -> None:
    policy = the("BackendTrafficPolicy", load(set=["maas.enabled=true"]))
    (rule,) = policy["spec"]["rateLimit"]["global"]["rules"]
    assert policy["spec"]["rateLimit"]["type"] == "Global"
    (selector,) = rule["clientSelectors"]
    assert selector["headers"] == [
        {"name": "x-user-id", "type": "Distinct"},
        {"name": "x-ai-eg-model", "type": "Exact", "value": SERVICE["spec"]["model"]["name"]},
    ]
    assert rule["cost"] == {
        "request": {"from": "Number", "number": 0},
        "response": {
            "from": "Metadata",
            "metadata": {"namespace": "io.envoy.ai_gateway", "key": "llm_total_token"},
        },
    }
    route = the("AIGatewayRoute", load(set=["maas.enabled=true"]))
    assert route["spec"]["llmRequestCosts"] == [
        {"metadataKey": "llm_input_token", "type": "InputToken"},
        {"metadataKey": "llm_output_token", "type": "OutputToken"},
        {"metadataKey": "llm_total_token", "type": "TotalToken"},
    ]
    assert policy["spec"]["targetRefs"][0]["name"] == route["metadata"]["name"]


GOLD: dict[str, Any] = {
    "clients": ["alice", "bob.smith"],
    "quotas": {
        "minute": {"tokens": 40_000, "unit": "Minute", "count": "weighted"},
        "day": {"tokens": 9_000_000, "unit": "Day", "count": "output"},
    },
}
CI: dict[str, Any] = {
    "clients": ["ci"],
    "quotas": {"day": {"tokens": 10**9, "unit": "Day", "count": "total"}},
}


def limits(policy: dict[str, Any], user: str) -> set[tuple[str, int]]:
    """The limits that count a user's requests, as Envoy Gateway reads a policy's rules."""

    def holds(header: dict[str, Any]) -> bool:
        value = user if header["name"] == "x-user-id" else SERVICE["spec"]["model"]["name"]
        match header["type"]:
            case "Distinct":
                return True
            case "Exact":
                return bool(header["value"] == value)
        return bool(re.fullmatch(header["value"], value)) is not header.get("invert", False)

    return {
        (rule["limit"]["unit"], rule["limit"]["requests"])
        for rule in policy["spec"]["rateLimit"]["global"]["rules"]
        for selector in rule["clientSelectors"]
        if all(map(holds, selector["headers"]))
    }


def test_who_stands_in_a_tier_has_its_budgets_and_no_others() -> None:
    values = load({"maas": {"enabled": True, "tiers": {"gold": GOLD, "ci": CI}}})
    policy = the("BackendTrafficPolicy", values)
    gold = {("Minute", 40_000), ("Day", 9_000_000)}
    assert limits(policy, "alice") == limits(policy, "bob.smith") == gold
    assert limits(policy, "ci") == {("Day", 10**9)}
    for other in ("carol", "bobxsmith", "alice2", "xalice"):
        assert limits(policy, other) == {("Hour", 1_800_000)}
    for rule in policy["spec"]["rateLimit"]["global"]["rules"]:
        kinds = [header["type"] for header in rule["clientSelectors"][0]["headers"]]
        assert kinds.count("Distinct") == 1, "one counter a user"
    alone = load({"maas": {"enabled": True, "quotas": {"hour": None}, "tiers": {"ci": CI}}})
    assert limits(the("BackendTrafficPolicy", alone), "carol") == set()


@pytest.mark.parametrize(
    ("weights", "key", "costs"),
    [
        ({}, "llm_total_token", []),
        ({"input": 1, "output": 1}, "llm_total_token", []),
        ({"output": 4}, "llm_weighted_token", ["input_tokens * 1u + output_tokens * 4u"]),
        ({"input": 3}, "llm_weighted_token", ["input_tokens * 3u + output_tokens * 1u"]),
    ],
)
def test_a_weighted_quota_counts_what_the_route_weighs(
    weights: dict[str, int], key: str, costs: list[str]
) -> None:
    quotas = {"hour": {"count": "weighted"}}
    values = load({"maas": {"enabled": True, "weights": weights, "quotas": quotas}})
    (rule,) = the("BackendTrafficPolicy", values)["spec"]["rateLimit"]["global"]["rules"]
    assert rule["cost"]["response"]["metadata"]["key"] == key
    told = the("AIGatewayRoute", values)["spec"]["llmRequestCosts"]
    assert key in {cost["metadataKey"] for cost in told}
    assert [cost["cel"] for cost in told if cost["type"] == "CEL"] == costs


def test_a_client_s_own_word_for_its_id_and_model_is_dropped() -> None:
    keys = {"clientIdHeader": "x-client"}
    values = load({"maas": {"enabled": True, "apiKeys": keys}})
    headers = the("ClientTrafficPolicy", values)["spec"]["headers"]
    assert headers == {"earlyRequestHeaders": {"remove": ["x-client", "x-ai-eg-model"]}}
    assert the("SecurityPolicy", values)["spec"]["apiKeyAuth"]["forwardClientIDHeader"] == (
        "x-client"
    )


def test_a_long_answer_is_not_cut_and_not_begun_twice() -> None:
    values = load({"maas": {"enabled": True, "requestTimeout": "30m", "quotas": {"hour": None}}})
    (rule,) = the("AIGatewayRoute", values)["spec"]["rules"]
    assert rule["timeouts"] == {"request": "30m"}
    policy = the("BackendTrafficPolicy", values)["spec"]
    # Without quotas the policy still stands: in its place one of the Gateway could set retries.
    assert policy == {
        "targetRefs": policy["targetRefs"],
        "timeout": {"http": {"streamIdleTimeout": "30m"}},
    }


def test_under_tls_the_plain_port_only_redirects() -> None:
    tls = {"enabled": True, "port": 8443, "secretName": "cert"}
    values = load({"maas": {"enabled": True, "gateway": {"tls": tls, "hostname": "m.example"}}})
    plain, secure = the("Gateway", values)["spec"]["listeners"]
    assert (plain["name"], plain["protocol"], plain["port"]) == ("http", "HTTP", 80)
    assert (secure["name"], secure["protocol"], secure["port"]) == ("https", "HTTPS", 8443)
    assert secure["tls"] == {
        "mode": "Terminate",
        "certificateRefs": [{"group": "", "kind": "Secret", "name": "cert"}],
    }
    assert plain["hostname"] == secure["hostname"] == "m.example"
    assert "annotations" not in the("Gateway", values)["metadata"]
    redirect = the("HTTPRoute", values)["spec"]
    assert [parent["sectionName"] for parent in redirect["parentRefs"]] == ["http"]
    assert redirect["rules"] == [
        {
            "filters": [
                {
                    "type": "RequestRedirect",
                    "requestRedirect": {"scheme": "https", "port": 8443, "statusCode": 301},
                }
            ]
        }
    ]
    (parent,) = the("AIGatewayRoute", values)["spec"]["parentRefs"]
    assert parent["sectionName"] == "https"
    # The keys' policy is the whole Gateway's, the plain port's included.
    (target,) = the("SecurityPolicy", values)["spec"]["targetRefs"]
    assert "sectionName" not in target


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [("ClusterIssuer", "cert-manager.io/cluster-issuer"), ("Issuer", "cert-manager.io/issuer")],
)
def test_cert_manager_is_told_who_makes_the_certificate(kind: str, annotation: str) -> None:
    tls = {"enabled": True, "issuer": {"kind": kind, "name": "ca"}}
    values = load({"maas": {"enabled": True, "gateway": {"tls": tls, "hostname": "m.example"}}})
    assert the("Gateway", values)["metadata"]["annotations"] == {annotation: "ca"}


def test_the_access_log_names_user_and_tokens_and_no_secret() -> None:
    values = load({"maas": {"enabled": True, "gateway": {"accessLog": {"enabled": True}}}})
    proxy = the("EnvoyProxy", values)
    reference = the("Gateway", values)["spec"]["infrastructure"]["parametersRef"]
    assert reference["name"] == proxy["metadata"]["name"]
    assert proxy["metadata"]["namespace"] == "maas-system"
    assert proxy["spec"]["mergeType"] == "StrategicMerge"
    (setting,) = proxy["spec"]["telemetry"]["accessLog"]["settings"]
    fields = setting["format"]["json"]
    assert fields["user"] == "%REQ(x-user-id)%"
    costs = the("AIGatewayRoute", values)["spec"]["llmRequestCosts"]
    for cost in costs:
        logged = fields[cost["metadataKey"].removeprefix("llm_") + "s"]
        assert logged == f"%DYNAMIC_METADATA(io.envoy.ai_gateway:{cost['metadataKey']})%"
    text = str(fields).lower()
    assert not [word for word in ("authorization", "cookie", "%req(:path", "body") if word in text]


def test_with_keys_no_gateway_but_the_one_that_asks_for_them_reaches_the_engine() -> None:
    def admitted(**maas: Any) -> list[dict[str, Any]]:
        values = load({"maas": maas, "networkPolicy": {"enabled": True}})
        own, test, *others = the("NetworkPolicy", values)["spec"]["ingress"]
        assert own["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == NAME
        assert test["from"] == [{"podSelector": {"matchLabels": {"dsv4deploy.io/test": NAME}}}]
        return [peer for rule in others for peer in rule["from"]]

    def named(name: str) -> dict[str, Any]:
        return {"matchLabels": {"kubernetes.io/metadata.name": name}}

    monitoring = {"namespaceSelector": named("monitoring")}
    everybody = {"namespaceSelector": named("envoy-gateway-system")}
    proxies = {
        "matchLabels": {
            "gateway.envoyproxy.io/owning-gateway-name": "maas",
            "gateway.envoyproxy.io/owning-gateway-namespace": "maas-system",
        }
    }
    assert admitted() == [everybody, monitoring]
    # KServe's own gateway, which asks for no key, may have its proxies in the same namespace.
    assert admitted(enabled=True) == [{**everybody, "podSelector": proxies}, monitoring]
    elsewhere = {"namespaceSelector": named("maas-system"), "podSelector": proxies}
    gateway = {"proxyNamespace": "maas-system"}
    assert admitted(enabled=True, gateway=gateway) == [elsewhere, everybody, monitoring]


@pytest.mark.parametrize(
    ("parallelism", "target"),
    [
        ({}, {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{NAME}-kserve"}),
        (
            {"data": 2},
            {
                "apiVersion": "leaderworkerset.x-k8s.io/v1",
                "kind": "LeaderWorkerSet",
                "name": f"{NAME}-kserve-mn",
            },
        ),
    ],
)
def test_a_schedule_sets_the_number_of_what_kserve_makes(
    parallelism: dict[str, Any], target: dict[str, Any]
) -> None:
    day = {"start": "0 6 * * 1-5", "end": "0 19 * * 1-5", "replicas": 3}
    scaling = {"enabled": True, "maxReplicas": 4, "schedules": {"day": day}}
    grace = {"termination": {"gracePeriodSeconds": 150}}
    values = load({"replicas": 2, "scaling": scaling, "engine": grace, "parallelism": parallelism})
    assert "replicas" not in the("LLMInferenceService", values)["spec"]
    spec = the("ScaledObject", values)["spec"]
    assert spec["scaleTargetRef"] == target
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 4)
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 150}]
    (trigger,) = spec["triggers"]
    assert trigger["metadata"] == {
        "timezone": "UTC",
        "start": day["start"],
        "end": day["end"],
        "desiredReplicas": "3",
    }


@pytest.mark.parametrize(
    ("replicas", "unavailable", "parallelism", "pods"),
    [
        (1, 1, {}, 0),
        (2, 1, {}, 1),
        (3, 2, {}, 1),
        (2, 0, {}, 2),
        (3, 1, {"data": 2, "dataLocal": 1}, 4),
    ],
)
def test_an_eviction_leaves_the_instances_that_are_wanted_while_an_upgrade_lowers_their_number(
    replicas: int, unavailable: int, parallelism: dict[str, Any], pods: int
) -> None:
    budget = {"enabled": True, "maxUnavailable": unavailable}
    values = {"replicas": replicas, "disruptionBudget": budget, "parallelism": parallelism}
    spec = the("PodDisruptionBudget", load(values))["spec"]
    assert (spec["minAvailable"], "maxUnavailable" in spec) == (pods, False)


def test_the_proxies_are_monitored_where_nothing_else_does() -> None:
    on = {"maas": {"enabled": True}, "monitoring": {"enabled": True}}
    assert [item["metadata"]["name"] for item in render(load(on)) if item["kind"] == "PodMonitor"]
    both = load({**on, "monitoring": {"enabled": True, "proxies": {"enabled": True}}})
    monitors = {i["metadata"]["name"]: i for i in render(both) if i["kind"] == "PodMonitor"}
    assert monitors.keys() == {f"{NAME}-engine", "maas-proxies"}
    spec = monitors["maas-proxies"]["spec"]
    assert spec["namespaceSelector"] == {"matchNames": ["envoy-gateway-system"]}
    assert [(each["port"], each["path"]) for each in spec["podMetricsEndpoints"]] == [
        ("metrics", "/stats/prometheus"),
        ("aigw-admin", "/metrics"),
    ]


@pytest.mark.parametrize(("length", "limit"), [(32_768, 1_048_576), (200_000, 6_400_000)])
def test_the_longest_prompt_fits_the_gateway_s_buffers(length: int, limit: int) -> None:
    values = load({"engine": {"args": {"max-model-len": length}}, "maas": {"enabled": True}})
    spec = the("ClientTrafficPolicy", values)["spec"]
    assert spec["connection"] == {"bufferLimit": limit}
    assert spec["http2"] == {
        "initialStreamWindowSize": limit,
        "initialConnectionWindowSize": 2 * limit,
    }
    assert limit > 85_000  # the published 17.5k-token request, which the default limit holds up


def test_the_route_leads_to_the_workload_or_to_the_pool() -> None:
    by_service = load(set=["maas.enabled=true"])
    (endpoint,) = the("Backend", by_service)["spec"]["endpoints"]
    host = f"{NAME}-kserve-workload-svc.demo.svc.cluster.local"
    assert endpoint == {"fqdn": {"hostname": host, "port": 8000}}

    by_pool = load(set=["maas.enabled=true", "maas.backend=InferencePool"])
    kinds = {item["kind"] for item in render(by_pool)}
    assert not kinds & {"Backend", "AIServiceBackend"}
    (rule,) = the("AIGatewayRoute", by_pool)["spec"]["rules"]
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool"}
    assert rule["backendRefs"] == [
        {**pool, "name": f"{NAME}-inference-pool", "namespace": "demo"},
    ]
    grant = the("ReferenceGrant", by_pool)
    assert grant["metadata"]["namespace"] == "demo"
    assert grant["spec"]["to"] == [{**pool, "name": f"{NAME}-inference-pool"}]
