"""Every rule, failing and passing."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsv4deploy import Severity, Values, ValuesError, check, load
from dsv4deploy.checks.engine import OWNED_FLAGS
from dsv4deploy.checks.rule import Rule
from dsv4deploy.checks.rules import RULES, explain
from dsv4deploy.cluster import doctor
from dsv4deploy.facts import builds
from dsv4deploy.findings import errors
from dsv4deploy.manifest import crds
from dsv4deploy.values.quantities import seconds

Tree = dict[str, Any]


def args(flags: Tree) -> Tree:
    return {"engine": {"args": flags}}


def additional(config: Tree) -> Tree:
    return args({"additional-config": config})


def graph(mode: str) -> Tree:
    return args({"compilation-config": {"cudagraph_mode": mode}})


def env(**variables: str | None) -> Tree:
    return {"engine": {"env": variables}}


BUILDS = {
    "0.22.1": "nightly-releases-v0.22.1rc",
    "0.23.0": "nightly-main-0709",
    "0.24.0": "v0.24.0rc1",
    "0.25.1": "v0.25.1rc1",
    "0.26.0": "v0.26.0rc1",
    "0.27.1": "main-2026-08-22",
    "0.30.0": "v0.30.0rc2",
}
"""A build of each version of vLLM."""


def build(number: str) -> Tree:
    return {"engine": {"build": BUILDS.get(number, number)}}


def dsa_cp(number: str, **variables: str) -> Tree:
    config = {"additional-config": {"enable_dsa_cp": True}}
    engine = {"build": BUILDS.get(number, number), "args": config, "env": variables}
    return {"engine": engine}


DRAINS = {"preStopSeconds": 15, "shutdownTimeoutSeconds": 120, "gracePeriodSeconds": 150}


def scaled(**scaling: Any) -> Tree:
    """Three instances by day, and one else."""
    day = {"start": "0 6 * * 1-5", "end": "0 19 * * 1-5", "replicas": 3}
    on = {"enabled": True, "maxReplicas": 3, "schedules": {"day": day}}
    return {"scaling": {**on, **scaling}, "engine": {"termination": DRAINS}}


def newer_dsa_cp(number: str) -> Tree:
    """With the default's arguments of the loader gone, which these engines refuse."""
    return builds.patched(loader(number, multithread=True), dsa_cp(number))


def shared_dsa_cp(number: str) -> Tree:
    config = {"enable_dsa_cp": True, "enable_shared_expert_dp": True}
    variables = {"VLLM_ASCEND_ENABLE_FLASHCOMM1": None}
    flags = {"additional-config": config}
    return {"engine": {"build": BUILDS[number], "args": flags, "env": variables}}


def dspark(number: str, tokens: int) -> Tree:
    config = {"method": "dspark", "num_speculative_tokens": tokens}
    return {"engine": {"build": BUILDS[number], "args": {"speculative-config": config}}}


def loader(
    number: str, multithread: bool | str, strategy: str | None = None, threads: int = 128
) -> Tree:
    config = {"enable_multithread_load": multithread, "num_threads": threads}
    flags = {"model-loader-extra-config": config, "safetensors-load-strategy": strategy}
    return {"engine": {"build": BUILDS[number], "args": flags}}


def speculative(method: str, tokens: int) -> Tree:
    return args({"speculative-config": {"method": method, "num_speculative_tokens": tokens}})


def shared(number: str, tokens: int) -> Tree:
    flags = {
        "additional-config": {"enable_shared_expert_dp": True},
        "speculative-config": {"method": "mtp", "num_speculative_tokens": tokens},
    }
    variables = {"VLLM_ASCEND_ENABLE_FLASHCOMM1": None}
    return {"engine": {"build": BUILDS[number], "args": flags, "env": variables}}


def fused(number: str, value: int) -> Tree:
    config = {"additional-config": {"enable_fused_mc2": value}}
    return {"engine": {"build": BUILDS[number], "args": config}}


def keyed(number: str) -> Tree:
    config = {"additional-config": {"enable_dsa_pc": True}}
    return {"engine": {"build": BUILDS[number], "args": config}}


def interval(number: str, tokens: str) -> Tree:
    variables = {"VLLM_PREFIX_CACHE_RETENTION_INTERVAL": tokens}
    return {"engine": {"build": BUILDS[number], "env": variables}}


def tier(*clients: str, tokens: int = 10**6) -> Tree:
    budget = {"tokens": tokens, "unit": "Hour", "count": "weighted"}
    return {"clients": list(clients), "quotas": {"hour": budget}}


ISSUED: Tree = {"enabled": True, "issuer": {"name": "letsencrypt"}}
STORE: Tree = {"kvStore": {"enabled": True}}
NAMED: Tree = {"envFromPod": {"POD_NAME": "metadata.name"}}


# By a rule's code: values that break it, and values near them that do not.
def volume(name: str) -> Tree:
    return {"engine": {"extraVolumes": {name: {"hostPath": {"path": "/x"}}}}}


def extra(item: Tree) -> Tree:
    return {"extraObjects": {"site": item}}


def asking(resources: Tree) -> Tree:
    container = {"image": "a/b:c", "resources": {"limits": resources}}
    return {"engine": {"extraContainers": {"logs": container}}}


def own_registry(*, engine: list[str], router: list[str]) -> Tree:
    """Both images in one registry that may require credentials."""
    return {
        "engine": {"image": "r.lan/vllm-ascend:v0.23.0", "imagePullSecrets": engine},
        "router": {"image": "r.lan/router:1", "imagePullSecrets": router},
    }


DIRECT = "localhost,127.0.0.1,.svc,.cluster.local,10.96.0.0/12"
CASES: dict[str, tuple[Tree, Tree]] = {
    "owned-flag": (args({"headless": True}), args({"headless-x": True})),
    "data-parallel-pods": (
        {"parallelism": {"data": 3, "dataLocal": 2}},
        {"parallelism": {"data": 4}},
    ),
    "worker-claim-shared": (
        {"parallelism": {"data": 4}, "model": {"claims": {"worker": "weights-1"}}},
        {"parallelism": {"data": 2}, "model": {"claims": {"worker": "weights-1"}}},
    ),
    "router-booleans": ({}, {"router": {"oneWordBooleans": True}}),
    "maas-pool-namespace": (
        {"maas": {"enabled": True, "backend": "InferencePool"}},
        {"maas": {"enabled": True, "backend": "InferencePool", "aiGateway": {"version": "1.1"}}},
    ),
    "name-hashed-pool": ({"name": "x" * 49}, {"name": "x" * 48}),
    "name-hashed-child": ({"name": "x" * 39}, {"name": "x" * 38}),
    "port-of-workload-service": ({"engine": {"port": 8001}}, {"engine": {"port": 8000}}),
    "kv-store-pod-name": (
        {"kvStore": {"enabled": True}},
        {"kvStore": {"enabled": True}, "engine": {"envFromPod": {"POD_NAME": "metadata.name"}}},
    ),
    "claim-without-pvc": (
        {"model": {"claims": {"leader": "weights-0"}}},
        {"model": {"claims": {"leader": "weights-0"}, "uri": "pvc://weights-0/"}},
    ),
    "rollout-in-place": (
        {"kserve": {"rolloutInPlace": True}},
        {"kserve": {"rolloutInPlace": True, "version": "main"}},
    ),
    "grace-below-waits": (
        {"engine": {"termination": {"preStopSeconds": 15, "gracePeriodSeconds": 14}}},
        {"engine": {"termination": {"preStopSeconds": 15, "gracePeriodSeconds": 15}}},
    ),
    "router-goes-first": (
        {"engine": {"termination": {"gracePeriodSeconds": 31}}},
        {"engine": {"termination": {"gracePeriodSeconds": 30}}},
    ),
    "maas-namespace": (
        {"maas": {"enabled": True, "namespace": "envoy-gateway-system"}},
        {"maas": {"enabled": False, "namespace": "envoy-gateway-system"}},
    ),
    "maas-window": (
        {"maas": {"enabled": True}, "engine": {"args": {"max-model-len": 33_554_432}}},
        {"maas": {"enabled": True}, "engine": {"args": {"max-model-len": 33_554_431}}},
    ),
    # --- parallel sizes, sequence parallelism, DSA-CP ---
    "tensor-parallel-size": ({"parallelism": {"tensor": 16}}, {"parallelism": {"tensor": 4}}),
    "tensor-parallel-alone": (
        {"npu": {"card": "950DT"}},
        {"npu": {"card": "950DT"}, **additional({"enable_dsa_cp": True})},
    ),
    "loader-key": (
        args({"model-loader-extra-config": {"num_thread": 8}}),
        args({"model-loader-extra-config": {"num_threads": 8}}),
    ),
    "loader-threads": (loader("0.24.0", True, threads=0), loader("0.23.0", True, threads=0)),
    "expert-parallel-size": (
        {"parallelism": {"data": 3, "dataLocal": 3}},
        {"parallelism": {"data": 3, "dataLocal": 3, "expert": False}},
    ),
    "flashcomm-needs-experts": (
        {"parallelism": {"expert": False}},
        {"parallelism": {"expert": False}, **env(VLLM_ASCEND_ENABLE_FLASHCOMM1=None)},
    ),
    "dsa-cp-needs-flashcomm": (
        dsa_cp("0.23.0", VLLM_ASCEND_ENABLE_FLASHCOMM1="0"),
        dsa_cp("0.23.0", VLLM_ASCEND_ENABLE_FLASHCOMM1="1"),
    ),
    "dsa-cp-shared-experts": (shared_dsa_cp("0.26.0"), shared_dsa_cp("0.25.1")),
    "batched-tokens-uneven": (
        args({"max-num-batched-tokens": 2047}),
        args({"max-num-batched-tokens": 2040}),
    ),
    # --- limits ---
    "batched-tokens-below-seqs": (
        args({"max-num-batched-tokens": 8, "max-num-seqs": 9}),
        args({"max-num-batched-tokens": 8, "max-num-seqs": 8}),
    ),
    "batched-tokens-below-length": (
        args({"enable-chunked-prefill": False}),
        args({"enable-chunked-prefill": True}),
    ),
    "model-length": (args({"max-model-len": 1_048_577}), args({"max-model-len": 1_048_576})),
    "block-size": (args({"block-size": 96}), args({"block-size": 64})),
    # --- the model's own flags ---
    "chat-template-ignored": ({}, args({"chat-template": None})),
    "tool-choice-without-parser": (
        args({"enable-auto-tool-choice": True}),
        args({"enable-auto-tool-choice": True, "tool-call-parser": "deepseek_v4"}),
    ),
    "api-key-in-arguments": (args({"api-key": "x"}), args({"seed": 1})),
    # --- speculative decoding and graphs ---
    "dspark-tokens": (dspark("0.25.1", 4), dspark("0.25.1", 5)),
    "piecewise-graphs": (graph("PIECEWISE"), graph("FULL_AND_PIECEWISE")),
    "piecewise-graphs-driver": (graph("FULL_AND_PIECEWISE"), graph("FULL_DECODE_ONLY")),
    "multithread-text": (loader("0.24.0", "true"), loader("0.24.0", True)),
    "multithread-strategy": (
        loader("0.24.0", True, "prefetch"),
        loader("0.24.0", True, "lazy"),
    ),
    "launch-blocking": (
        env(ASCEND_LAUNCH_BLOCKING="1"),
        {"engine": {"env": {"ASCEND_LAUNCH_BLOCKING": "1"}, "args": {"enforce-eager": True}}},
    ),
    "shared-experts-mixed": (
        additional({"mix_placement": True}),
        additional({"mix_placement": True, "multistream_overlap_shared_expert": False}),
    ),
    "kv-format": (additional({"enable_kv_nz": True}), additional({"enable_kv_nz": False})),
    # --- caches ---
    "hybrid-cache-off": (
        args({"disable-hybrid-kv-cache-manager": True}),
        args({"disable-hybrid-kv-cache-manager": None}),
    ),
    "kv-store-one-instance": (
        {**STORE, "engine": NAMED},
        {**STORE, "engine": NAMED, "replicas": 2},
    ),
    # --- settings that do nothing, or the opposite ---
    # --- the platform ---
    "moving-image-tag": (
        {"engine": {"image": "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc"}},
        {"engine": {"image": f"ascend/vllm:nightly-releases-v0.22.1rc@sha256:{'0' * 64}"}},
    ),
    "any-card": ({}, {"npu": {"nodeSelector": {"node.kubernetes.io/npu.chip.name": "910B4"}}}),
    "startup-budget": (
        {"engine": {"probes": {"startup": {"failureThreshold": 119}}}},
        {"engine": {"probes": {"startup": {"failureThreshold": 120}}}},
    ),
    "grace-below-answer": (
        {"engine": {"termination": {"gracePeriodSeconds": 33}}},
        {"engine": {"termination": {"gracePeriodSeconds": 34}}},
    ),
    "budget-of-one": (
        {"disruptionBudget": {"enabled": True}},
        {"disruptionBudget": {"enabled": True}, "replicas": 2},
    ),
    # --- the MaaS gateway ---
    "maas-open-ingress": (
        {"maas": {"enabled": True}},
        {"maas": {"enabled": True}, "networkPolicy": {"enabled": True}},
    ),
    "maas-service-balances-connections": (
        {"maas": {"enabled": True}, "replicas": 2},
        {"maas": {"enabled": True, "backend": "InferencePool"}, "replicas": 2},
    ),
    "maas-plain-http": (
        {"maas": {"enabled": True}},
        {"maas": {"enabled": True, "gateway": {"tls": {"enabled": True}}}},
    ),
    "maas-client-header": (
        {"maas": {"enabled": True, "apiKeys": {"clientIdHeader": "x-ai-eg-model"}}},
        {"maas": {"enabled": True, "apiKeys": {"clientIdHeader": "x-user"}}},
    ),
    "maas-tls-hostname": (
        {"maas": {"enabled": True, "gateway": {"tls": ISSUED}}},
        {"maas": {"enabled": True, "gateway": {"tls": ISSUED, "hostname": "maas.example.com"}}},
    ),
    "maas-tls-port": (
        {"maas": {"enabled": True, "gateway": {"port": 443, "tls": {"enabled": True}}}},
        {"maas": {"enabled": True, "gateway": {"port": 443}}},
    ),
    "maas-tls-redirect": (
        {"maas": {"enabled": True, "gateway": {"port": 8080, "tls": {"enabled": True}}}},
        {
            "maas": {
                "enabled": True,
                "gateway": {"port": 8080, "tls": {"enabled": True, "port": 8443}},
            }
        },
    ),
    "maas-no-quota": (
        {"maas": {"enabled": True, "quotas": {"hour": None}}},
        {"maas": {"enabled": True}},
    ),
    "maas-buffer": (
        {"maas": {"enabled": True, "bytesPerToken": 4}},
        {"maas": {"enabled": True, "bytesPerToken": 5}},
    ),
    "maas-buffer-escapes": (
        {"maas": {"enabled": True, "bytesPerToken": 23}},
        {"maas": {"enabled": True, "bytesPerToken": 24}},
    ),
    # --- what needs Python ---
    "engine-flag": (args({"max-num-seq": 4}), args({"seed": 4})),
    "variable-twice": (
        {"engine": {"env": {"POD_IP": "1"}, "envFromPod": {"POD_IP": "status.podIP"}}},
        {"engine": {"env": {"POD_IP": None}, "envFromPod": {"POD_IP": "status.podIP"}}},
    ),
    "text-for-boolean": (
        {},
        args({"model-loader-extra-config": {"enable_multithread_load": True}}),
    ),
    "text-for-false": (
        additional({"ascend_compilation_config": {"enable_npugraph_ex": "false"}}),
        additional({"ascend_compilation_config": {"enable_npugraph_ex": False}}),
    ),
    "additional-config-key": (
        additional({"enable_dsa_cp_with_layer_shard": True}),
        additional({"enable_mlapo": True, "weight_nz_mode": 1}),
    ),
    "scaling-no-schedule": (scaled(schedules={}), scaled()),
    "scaling-below-replicas": ({**scaled(maxReplicas=2), "replicas": 3}, scaled()),
    "scaling-cuts-answers": (
        {**scaled(), "engine": {"termination": {"shutdownTimeoutSeconds": 0}}},
        scaled(),
    ),
    "scaling-slow-end": (
        {**scaled(), "engine": {"termination": {**DRAINS, "gracePeriodSeconds": 1801}}},
        {**scaled(), "engine": {"termination": {**DRAINS, "gracePeriodSeconds": 1800}}},
    ),
    "scaling-schedule": (scaled(maxReplicas=2), scaled(maxReplicas=3)),
    "hugging-face-token": (
        {"model": {"uri": "hf://a/b"}, **env(HF_TOKEN="$(FROM_ELSEWHERE)")},
        env(HF_TOKEN="$(FROM_ELSEWHERE)", HF_HUB_OFFLINE=None),
    ),
    "secret-in-variable": (env(HF_TOKEN="hf_x"), env(HF_TOKEN="$(FROM_ELSEWHERE)")),
    "engine-label-selected": (
        {"engine": {"podLabels": {"app.kubernetes.io/name": "chat"}}},
        {"engine": {"podLabels": {"team": "chat"}}},
    ),
    "router-label-selected": (
        {"router": {"podLabels": {"app.kubernetes.io/component": "router"}}},
        {"router": {"podLabels": {"kserve.io/component": "router"}}},
    ),
    "pod-labels-of-workers": (
        {"parallelism": {"data": 2}, "engine": {"podAnnotations": {"a": "b"}}},
        {
            "parallelism": {"data": 2},
            "engine": {"podAnnotations": {"a": "b"}},
            "kserve": {"version": "0.20"},
        },
    ),
    "extra-volume-name": (volume("shm"), volume("hccn-conf")),
    "extra-container-name": (
        {"engine": {"extraInitContainers": {"modelcar-init": {"image": "a/b:c"}}}},
        {"engine": {"extraInitContainers": {"wait": {"image": "a/b:c"}}}},
    ),
    "extra-mount-path": (
        {
            "kvStore": {"enabled": True},
            "engine": {"extraVolumeMounts": {"/app": {"name": "tmp-dir"}}},
        },
        {"engine": {"extraVolumeMounts": {"/app": {"name": "tmp-dir"}}}},
    ),
    "extra-mount-volume": (
        {"engine": {"extraVolumeMounts": {"/etc/hccn.conf": {"name": "hccn"}}}},
        {"engine": {"extraVolumeMounts": {"/tmp": {"name": "tmp-dir"}}}},
    ),
    "extra-key-twice": (
        {"engine": {"extraContainers": {"logs": {"name": "log", "image": "a/b:c"}}}},
        {"engine": {"extraContainers": {"logs": {"image": "a/b:c"}}}},
    ),
    "extra-volume-source": (
        {"engine": {"extraVolumes": {"x": {"emptyDir": {}, "hostPath": {"path": "/x"}}}}},
        {"engine": {"extraVolumes": {"x": {"emptyDir": {}}}}},
    ),
    "extra-container-image": (
        {"engine": {"extraContainers": {"logs": {"command": ["x"]}}}},
        {"engine": {"extraContainers": {"logs": {"image": "a/b:c"}}}},
    ),
    "extra-container-twice": (
        {
            "engine": {
                "extraContainers": {"logs": {"image": "a/b:c"}},
                "extraInitContainers": {"logs": {"image": "a/b:c"}},
            }
        },
        {"engine": {"extraContainers": {"logs": {"image": "a/b:c"}}}},
    ),
    "extra-container-npus": (
        asking({"huawei.com/Ascend910": 1}),
        asking({"cpu": 1}),
    ),
    "spread-without-selector": (
        {"router": {"topologySpreadConstraints": {"zone": {"maxSkew": 1}}}},
        {"router": {"topologySpreadConstraints": {"zone": {"labelSelector": {"a": 1}}}}},
    ),
    "own-label-stays": (
        {"labels": {"infernex.io/runtime": "false"}},
        {"labels": {"grafana_dashboard": "1"}},
    ),
    "extra-object-of-cluster": (
        extra({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}),
        extra({"apiVersion": "v1", "kind": "ConfigMap"}),
    ),
    "extra-object-name": (
        {"name": "site", **extra({"apiVersion": "v1", "kind": "LLMInferenceService"})},
        {"name": "site", **extra({"apiVersion": "v1", "kind": "ConfigMap"})},
    ),
    "extra-object-fields": (
        extra({"apiVersion": "v1", "kind": "ConfigMap", "fields": {"metadata": {}}}),
        extra({"apiVersion": "v1", "kind": "ConfigMap", "fields": {"data": {}}}),
    ),
    "cpu-binding": (
        {"engine": {"resources": {"requests": {"cpu": "39999m"}}}},
        {"engine": {"resources": {"requests": {"cpu": "40"}}}},
    ),
    "engine-ready-timeout": (
        env(VLLM_ENGINE_READY_TIMEOUT_S="3599"),
        env(VLLM_ENGINE_READY_TIMEOUT_S="3600"),
    ),
    "memory-limit": (
        {"engine": {"resources": {"limits": {"memory": "32Gi"}}}},
        {"engine": {"resources": {"limits": {"memory": "64G"}}}},
    ),
    "maas-timeout": (
        {"maas": {"enabled": True, "requestTimeout": "33s"}},
        {"maas": {"enabled": True, "requestTimeout": "34s"}},
    ),
    "maas-client-in-two-tiers": (
        {"maas": {"tiers": {"gold": tier("alice", "bob"), "silver": tier("bob")}}},
        {"maas": {"tiers": {"gold": tier("alice", "bob"), "silver": tier("carol")}}},
    ),
    "maas-tier-too-large": (
        {"maas": {"tiers": {"gold": tier("a" * 61, *(f"b{n:062}" for n in range(15)))}}},
        {"maas": {"tiers": {"gold": tier("a" * 60, *(f"b{n:062}" for n in range(15)))}}},
    ),
    "maas-gateway-small": (
        {"replicas": 251, "maas": {"enabled": True, "gateway": {"replicas": 2}}},
        {"replicas": 251, "maas": {"enabled": True, "gateway": {"replicas": 3}}},
    ),
    "maas-quota-small": (
        {"maas": {"enabled": True, "quotas": {"hour": {"tokens": 32_767}}}},
        {"maas": {"enabled": True, "quotas": {"hour": {"tokens": 32_768}}}},
    ),
    # The best published figure is 2,306 tokens per second.
    "maas-quota-above-capacity": (
        {"maas": {"enabled": True, "quotas": {"hour": {"tokens": 8_301_601}}}},
        {"maas": {"enabled": True, "quotas": {"hour": {"tokens": 8_301_600}}}},
    ),
    # --- the engine's build ---
    "unknown-build": (build("v9.9.9"), build("0.22.1")),
    "image-for-other-chip": (
        {"engine": {"image": "quay.io/ascend/vllm-ascend:v0.23.0-a3"}},
        {"engine": {"image": "quay.io/ascend/vllm-ascend:v0.23.0"}},
    ),
    "flag-in-server": (
        {"engine": {"server": "vllm serve /mnt/models --host 127.0.0.1"}},
        {"engine": {"server": "vllm serve /mnt/models --host 0.0.0.0"}},
    ),
    "unknown-parser": (
        args({"reasoning-parser": "deepseek-v4"}),
        args({"reasoning-parser": "deepseek_v4"}),
    ),
    "speculative-method": (speculative("medusah", 1), speculative("medusa", 1)),
    "unread-variable": ({}, env(VLLM_USE_V1=None)),
    "variable-value": (
        env(VLLM_ASCEND_ENABLE_FLASHCOMM1="true"),
        env(VLLM_ASCEND_ENABLE_FLASHCOMM1="0"),
    ),
    "additional-config-type": (
        additional({"weight_prefetch_config": True}),
        additional({"weight_prefetch_config": {"enabled": True}}),
    ),
    "prefill-decode-key": (
        additional({"recompute_scheduler_enable": True}),
        additional({"recompute_scheduler_enable": False}),
    ),
    "profiling-chunks": (
        additional({"profiling_chunk_config": {"enabled": True}}),
        additional({"profiling_chunk_config": {"enabled": False}}),
    ),
    "unsupported-flag": (args({"pipeline-parallel-size": 2}), args({"seed": 2})),
    "host": (args({"host": "127.0.0.1"}), args({"host": "0.0.0.0"})),
    "dsa-cp-off": (newer_dsa_cp("0.30.0"), newer_dsa_cp("0.27.1")),
    "dsa-cp-second-runner": (
        dsa_cp("0.30.0", VLLM_USE_V2_MODEL_RUNNER="1"),
        dsa_cp("0.30.0", VLLM_USE_V2_MODEL_RUNNER="0"),
    ),
    "additional-config-refused": (keyed("0.30.0"), keyed("0.27.1")),
    "dsa-cp-crashes": (dsa_cp("0.22.1"), dsa_cp("0.23.0")),
    "dsa-cp-unproven": (dsa_cp("v0.22.1rc1"), dsa_cp("0.22.1")),
    "mc2-fused-hierarchy": (
        additional({"enable_mc2_hierarchy_comm": True, "enable_fused_mc2": 1}),
        additional({"enable_mc2_hierarchy_comm": True, "enable_fused_mc2": 0}),
    ),
    # --- drafts, batches and graphs ---
    "dspark-version": (dspark("0.23.0", 7), dspark("0.25.1", 7)),
    "draft-tokens-uneven": (speculative("mtp", 2), speculative("mtp", 3)),
    "draft-tokens-uneven-shared": (
        shared("0.23.0", 2),
        shared("0.26.0", 2),
    ),
    "finegrained-tp": (
        additional({"finegrained_tp_config": {"lmhead_tensor_parallel_size": 8}}),
        {
            "parallelism": {"data": 2, "dataLocal": 2},
            **additional({"finegrained_tp_config": {"lmhead_tensor_parallel_size": 2}}),
        },
    ),
    "mc2-fused-value": (fused("0.24.0", 2), fused("0.24.0", 1)),
    "graph-capture-empty": (args({"max-num-seqs": 3}), args({"max-num-seqs": 4})),
    "batch-off-grid": (args({"max-num-seqs": 6}), args({"max-num-seqs": 8})),
    "hccl-buffer": (env(HCCL_BUFFSIZE="1GB"), env(HCCL_BUFFSIZE="512")),
    "quantization": (args({"quantization": "nope"}), args({"quantization": None})),
    "tokenizer-mode": (args({"tokenizer-mode": "hf"}), args({"tokenizer-mode": None})),
    "tool-calls-as-text": (
        args({"tool-call-parser": "deepseek_v4"}),
        args({"tool-call-parser": "deepseek_v4", "enable-auto-tool-choice": True}),
    ),
    "prefix-cache-no-hit": ({}, args({"enable-prefix-caching": False})),
    "retention-interval": (
        interval("0.23.0", "16001"),
        interval("0.23.0", "128"),
    ),
    "openmp-binding": (env(OMP_PROC_BIND="TRUE"), env(OMP_PROC_BIND="False")),
    "preload-missing": ({}, env(LD_PRELOAD="/usr/lib64/libjemalloc.so.2")),
    "shell-variable": (env(HCCL_IF_IP="$local_ip"), env(HCCL_IF_IP="$(POD_IP)")),
    "placeholder": (
        {"model": {"uri": "oci://registry.example.com/weights:v1"}},
        {"model": {"uri": "oci://registry.site-a.lan/weights:v1"}},
    ),
    "registry-without-secret": (
        own_registry(engine=["site"], router=[]),
        own_registry(engine=[], router=[]),
    ),
    "untagged-image": (
        {"model": {"uri": "oci://r.lan:5000/ai/modelcar"}},
        {"model": {"uri": f"oci://r.lan:5000/ai/modelcar@sha256:{'0' * 64}"}},
    ),
    "proxy-without-exceptions": (
        env(http_proxy="http://proxy:3128"),
        env(http_proxy="http://proxy:3128", NO_PROXY=DIRECT),
    ),
    "shared-memory": ({"engine": {"shmSize": "15Gi"}}, {"engine": {"shmSize": "16Gi"}}),
    "memory-does-not-fit": (
        {"model": {"quantization": "w8a8"}},
        {"model": {"quantization": "w8a8"}, "npu": {"card": "910B3"}},
    ),
    "memory-tight": ({}, {"npu": {"card": "910B3"}}),
}


def test_each_image_without_a_tag_is_named() -> None:
    values = load(
        {
            "router": {"image": "r.lan:5000/router"},
            "test": {"image": "r.lan/python:latest"},
            "engine": {"image": "r.lan/a/b", "extraContainers": {"logs": {"image": "busybox"}}},
        }
    )
    paths = [each.path for each in check(values) if each.code == "untagged-image"]
    assert paths == ["router.image", "test.image", "engine.extraContainers.logs.image"]


def codes(values: Tree) -> set[str]:
    return {finding.code for finding in check(load(values))}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_failing_and_a_passing_case(rule: Rule) -> None:
    failing, passing = CASES[rule.code]
    assert rule.code in codes(failing)
    assert rule.code not in codes(passing)


def found(values: Tree, code: str) -> list[tuple[str, str]]:
    """The paths and fixes of a rule's findings."""
    return [(each.path, each.fix) for each in check(load(values)) if each.code == code]


@pytest.mark.parametrize(
    ("values", "lacking", "fix"),
    [
        (
            own_registry(engine=["site"], router=[]),
            ["router.imagePullSecrets"],
            'set it to ["site"], as with --set-json \'router.imagePullSecrets=["site"]\'; ',
        ),
        (
            own_registry(engine=[], router=["site"]),
            ["engine.imagePullSecrets"],
            'set it to ["site"]',
        ),
        (own_registry(engine=["a"], router=["b"]), [], ""),
        # The published images need no credentials, and neither does another registry's router.
        ({"router": {"image": "quay.io/site/router:1"}}, [], ""),
        ({"router": {"image": "r.lan/router:1"}}, [], ""),
        (
            {"router": {"image": "r.lan/router:1"}, "model": {"uri": "oci://r.lan/weights:1"}},
            ["router.imagePullSecrets"],
            'set it to ["modelcar-registry-auth"]',
        ),
    ],
)
def test_one_registry_has_the_same_credentials_for_all_pods(
    values: Tree, lacking: list[str], fix: str
) -> None:
    told = found(values, "registry-without-secret")
    assert [path for path, _ in told] == lacking
    assert all(text.startswith(fix) for _, text in told)


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        (env(HTTPS_PROXY={"secretKeyRef": {"name": "p", "key": "u"}}), ["engine.env.HTTPS_PROXY"]),
        (env(HTTP_PROXY="http://p", HTTPS_PROXY="http://p"), ["engine.env.HTTP_PROXY"]),
        (env(HTTP_PROXY="", https_proxy=None), []),
        (env(HTTP_PROXY="http://p", no_proxy=DIRECT), []),
        (env(HTTP_PROXY="http://p", no_proxy="localhost, 127.0.0.1,svc,*.cluster.local"), []),
        (env(HTTP_PROXY="http://p", NO_PROXY="*"), []),
        (env(HTTP_PROXY="http://p", NO_PROXY={"configMapKeyRef": {"name": "a", "key": "b"}}), []),
        (env(HTTP_PROXY="http://p", NO_PROXY=".corp.lan"), ["engine.env.NO_PROXY"]),
        (env(HTTP_PROXY="http://p", NO_PROXY="localhost,127.0.0.1"), ["engine.env.NO_PROXY"]),
        (env(NO_PROXY="localhost"), []),
        ({"router": {"env": {"https_proxy": "http://p"}}}, ["router.env.https_proxy"]),
    ],
)
def test_a_proxy_needs_a_list_of_what_is_reached_without_it(values: Tree, paths: list[str]) -> None:
    assert [path for path, _ in found(values, "proxy-without-exceptions")] == paths


def test_the_advice_for_a_moving_tag_leads_to_no_other_warning() -> None:
    image = load().engine.image
    before = codes({})
    assert before - codes({"engine": {"image": f"{image}@sha256:{'0' * 64}"}}) == {
        "moving-image-tag"
    }
    assert codes({"engine": {"image": f"{image}@sha256:{'0' * 64}"}}) < before
    untagged = {"engine": {"image": f"r.lan:5000/vllm-ascend@sha256:{'0' * 64}"}}
    (unknown,) = (each for each in check(load(untagged)) if each.code == "unknown-build")
    assert "has a digest but no tag" in unknown.message


SECRET = {"apiVersion": "v1", "kind": "Secret"}


@pytest.mark.parametrize(
    ("values", "paths"),
    [
        (env(DB_PASS="x", MYSQL_PWD="y"), ["engine.env.DB_PASS", "engine.env.MYSQL_PWD"]),
        (env(REDIS_URL="redis://u:p@h", PWD="/", MAX_TOKENS="5"), ["engine.env.REDIS_URL"]),
        (
            args({"hf-token": "x", "api-key": ["y", "z"]}),
            ["engine.args.api-key"] * 2 + ["engine.args.hf-token"],
        ),
        (
            args({"x": {"y": [{"password": "p"}], "bytes_per_token": "5"}}),
            ["engine.args.x.y.password"],
        ),
        (args({"hf-token": "", "api-key": None}), []),
        (env(A="hf_" + "x" * 30, B="Bearer abcdefgh", C="hf_transfer", D="sk-short"), ["A", "B"]),
        (env(A="AKIA" + "Z" * 16, B="eyJhbGciOi.eyJzdWIi.x", C="basic auth"), ["A", "B"]),
        (env(A="-----BEGIN RSA PRIVATE KEY-----\nx", COMPASS="north", MONKEY="1"), ["A"]),
        (env(HF_TOKEN={"secretKeyRef": {"name": "hf", "key": "token"}}), []),
        ({"router": {"env": {"REDIS_PASSWORD": "x"}}}, ["router.env.REDIS_PASSWORD"]),
        (
            {"extraObjects": {"hf": {**SECRET, "fields": {"stringData": {"token": "x"}}}}},
            ["extraObjects.hf"],
        ),
        ({"extraObjects": {"hf": SECRET}}, []),
    ],
    ids=str,
)
def test_a_secret_is_found_wherever_it_is(values: Tree, paths: list[str]) -> None:
    found = check(load(values))
    found_at = [f.path for f in found if f.code == "secret-in-variable"]
    assert found_at == [path if "." in path else f"engine.env.{path}" for path in paths]


def test_no_case_is_left_behind() -> None:
    assert CASES.keys() == {rule.code for rule in RULES}
    assert len(CASES) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_is_wrong_what_to_do_and_how_it_is_known(rule: Rule) -> None:
    assert min(len(rule.message), len(rule.fix), len(rule.source)) > 10
    assert not rule.message.endswith(".")
    assert rule.sentence == f"[{rule.code}] {rule.path}: {rule.message}: {rule.fix}"
    assert (rule.finds is None) == bool(rule.condition)


@pytest.mark.parametrize(("flag", "owner"), OWNED_FLAGS.items())
def test_a_flag_of_the_template_s_own_is_refused_with_its_owner(flag: str, owner: str) -> None:
    (found,) = errors(check(load(args({flag: 8}))))
    assert (found.code, found.path) == ("owned-flag", f"engine.args.{flag}")
    assert found.message == f"--{flag} is set from {owner}"
    assert found.fix == f"set {owner}, and remove engine.args.{flag}"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (loader("0.23.0", "true", "prefetch"), set()),
        (loader("0.24.0", "true", "prefetch"), {"multithread-text", "multithread-strategy"}),
        (loader("0.24.0", False, "prefetch"), set()),
        (loader("0.27.1", True, "eager"), {"multithread-strategy"}),
        (args({"model-loader-extra-config": None}), set()),
    ],
)
def test_a_loader_that_newer_engines_refuse_is_refused(values: Tree, told: set[str]) -> None:
    assert {code for code in codes(values) if code.startswith("multithread")} == told


def drafts(seqs: int, speculative: Tree | None) -> Tree:
    return args({"max-num-seqs": seqs, "speculative-config": speculative})


NONE: Tree = {"max-num-seqs": 2, "speculative-config": None}


@pytest.mark.parametrize(
    ("values", "empty"),
    [
        (drafts(7, None), True),
        (drafts(8, None), False),
        (args({**NONE, "compilation-config": {"cudagraph_capture_sizes": [1, 2, 4]}}), True),
        (args({**NONE, "compilation-config": {"cudagraph_capture_sizes": [8]}}), False),
        (args({**NONE, "enforce-eager": True}), False),
        ({**drafts(4, None), "parallelism": {"tensor": 4, "data": 2, "dataLocal": 2}}, False),
    ],
)
def test_without_drafts_a_step_holds_a_token_of_each_request(values: Tree, empty: bool) -> None:
    assert ("graph-capture-empty" in codes(values)) == empty


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("harbor.local:5000/ascend/vllm-ascend", True),
        ("ascend/vllm-ascend", True),
        ("harbor.local:5000/ascend/vllm-ascend:latest", True),
        ("harbor.local:5000/ascend/vllm-ascend:v0.23.0", False),
        ("ascend/vllm-ascend:v0.23.0", False),
        (f"harbor.local:5000/vllm-ascend@sha256:{'0' * 64}", False),
    ],
)
def test_a_registry_s_port_is_no_tag(image: str, moves: bool) -> None:
    assert ("moving-image-tag" in codes({"engine": {"image": image}})) == moves


def test_a_gateway_without_a_timeout_cuts_nothing() -> None:
    assert "maas-timeout" not in codes({"maas": {"enabled": True, "requestTimeout": "0s"}})


FIRST = {"v0.22.1rc1", "nightly-releases-v0.22.1rc"}
THIRD = {"nightly-main-0709", "v0.23.0rc1", "v0.23.0", "v0.23.0.post1"}
ALL = {each.name for each in builds.builds()}


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("", ALL),
        ("<0.22.1", set()),
        (">=0.22.1", ALL),
        ("=0.22.1", FIRST),
        ("<=0.23.0", FIRST | THIRD),
        (">0.23.0", ALL - FIRST - THIRD),
        (">=0.22.2, <0.24.0", THIRD),
    ],
)
def test_a_rule_names_the_engines_that_it_is_for(engine: str, told: set[str]) -> None:
    some = replace(RULES[0], engine=engine)
    assert {each.name for each in builds.builds() if some.concerns(each)} == told
    assert some.concerns(None) == (not engine)


def test_a_rule_may_be_for_some_builds_only() -> None:
    some = replace(RULES[0], builds=("v0.23.0",))
    assert {each.name for each in builds.builds() if some.concerns(each)} == {"v0.23.0"}
    assert not some.concerns(None)


def test_every_bound_divides_the_builds_that_are_known() -> None:
    for each in RULES:
        concerned = [build for build in builds.builds() if each.concerns(build)]
        bound = each.engine or each.builds
        assert 0 < len(concerned) < len(builds.builds()) if bound else concerned, each.code


@pytest.mark.parametrize("engine", ["0.22.1", "<0.22", "=>0.22.1", "==0.22.1", "<0.22.1,", "<x"])
def test_bounds_that_helm_or_python_reads_otherwise_are_refused(engine: str) -> None:
    with pytest.raises(ValueError, match=": no bounds such as"):
        replace(RULES[0], engine=engine)


def test_a_warning_can_be_left_out_and_an_error_can_t() -> None:
    found = check(Values(), ignore=["unread-variable"])
    assert "unread-variable" not in {finding.code for finding in found}
    assert len(found) == len(check(Values())) - 1
    with pytest.raises(ValuesError, match="an error cannot be ignored"):
        check(Values(), ignore=["block-size"])
    with pytest.raises(ValuesError, match=r"no such rule.*did you mean.*unread-variable"):
        check(Values(), ignore=["unread-variables"])


# A line of a file, an issue or pull request, an RFC, or a page by its title.
REFERENCE = re.compile(
    r"\blines? \d|\bissues? \d|\bpull requests? \d|\bRFC \d|\bdocs/[\w-]+\.md|"
    r"\b(Alauda AI|Kubernetes|MindCluster|Python|cert-manager) documentation, \w"
)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.code)
def test_a_rule_names_a_place_where_it_can_be_read(each: Rule) -> None:
    assert REFERENCE.search(each.source)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.code)
def test_a_rule_can_be_explained(each: Rule) -> None:
    text = explain(each.code)
    assert each.source in text
    assert each.fix in text


def test_the_owners_of_flags_are_explained() -> None:
    assert all(flag in explain("owned-flag") for flag in OWNED_FLAGS)


@pytest.mark.parametrize(
    ("command", "meanings"), [("check --crds", crds.MEANINGS), ("doctor", doctor.MEANINGS)]
)
def test_a_check_that_is_no_rule_can_be_explained(command: str, meanings: dict[str, str]) -> None:
    others = {command: meanings}
    for code, meaning in meanings.items():
        assert explain(code, others).startswith(f"{code}\n")
        assert meaning in explain(code, others)
        assert command in explain(code, others)
    with pytest.raises(ValuesError, match=f"did you mean {code}"):
        explain(f"{code}s", others)


@pytest.mark.parametrize(
    ("number", "limits", "told"),
    [
        ("0.22.1", {"max-model-len": 200_000}, "a hit rate of 0 was measured with vLLM 0.22.1"),
        ("0.22.1", {"max-model-len": 200_000, "block-size": 32}, "a hit rate of 0 was measured"),
        ("0.23.0", {"max-model-len": 16_384}, "no prompt has the 16384 tokens"),
        ("0.23.0", {"max-model-len": 4096, "block-size": 32}, "no prompt has the 4096 tokens"),
        ("0.23.0", {"max-model-len": 16_385}, ""),
        ("0.23.0", {"max-model-len": 16_384, "block-size": 64}, ""),
    ],
)
def test_a_prefix_cache_that_can_t_hit_is_named_with_the_reason(
    number: str, limits: Tree, told: str
) -> None:
    found = check(load({"engine": {"build": BUILDS[number], "args": limits}}))
    messages = [each.message for each in found if each.code == "prefix-cache-no-hit"]
    assert len(messages) == bool(told)
    assert all(told in message for message in messages)


@pytest.mark.parametrize(
    ("number", "tokens", "block", "wrong"),
    [
        ("0.22.1", "1", 128, False),  # not read
        ("0.23.0", "96", 32, False),
        ("0.23.0", "100", 32, True),
        ("0.26.0", "4096", 128, False),
        ("0.26.0", "96", 32, False),
        ("0.26.0", "100", 32, True),
        ("0.27.1", "16384", 128, False),
        ("0.27.1", "4096", 128, True),
        ("0.27.1", "0", 128, False),
        ("0.30.0", "100", 32, False),  # not read
    ],
)
def test_a_retention_interval_is_a_multiple_of_the_scheduler_s_block(
    number: str, tokens: str, block: int, wrong: bool
) -> None:
    values = load(interval(number, tokens), args({"block-size": block}))
    assert ("retention-interval" in {each.code for each in check(values)}) == wrong


@pytest.mark.parametrize(
    ("tokens", "weight", "small"),
    [(32_768, 1, False), (32_767, 1, True), (32_768, 2, True), (65_536, 2, False)],
)
def test_a_tier_s_quotas_hold_a_longest_request_by_its_weight(
    tokens: int, weight: int, small: bool
) -> None:
    tiers = {"gold": tier("alice", tokens=tokens)}
    values = load({"maas": {"enabled": True, "tiers": tiers, "weights": {"output": weight}}})
    found = [each.path for each in check(values) if each.code == "maas-quota-small"]
    assert found == ["maas.tiers.gold.quotas.hour"] * small


@pytest.mark.parametrize(
    ("changed", "above"),
    [
        ({}, True),
        ({"replicas": 2}, False),
        ({"maas": {"quotas": {"hour": {"tokens": 3_000_000, "unit": "Minute"}}}}, True),
        ({"maas": {"quotas": {"hour": {"tokens": 10_000_000, "unit": "Day"}}}}, False),
        ({"maas": {"quotas": {"hour": {"count": "weighted"}}, "weights": {"output": 2}}}, False),
        # Nothing was published of such a deployment.
        ({"npu": {"card": "910B4-1"}}, False),
    ],
)
def test_a_quota_is_compared_with_what_all_instances_make(
    changed: dict[str, Any], above: bool
) -> None:
    large = {"maas": {"enabled": True, "quotas": {"hour": {"tokens": 10_000_000}}}}
    found = check(load(large, changed))
    assert ("maas-quota-above-capacity" in [each.code for each in found]) == above


@pytest.mark.parametrize(
    ("image", "meaning"),
    [
        ("registry.corp.example/python:3.13", ".example is a domain that RFC 2606 reserves"),
        ("example.com/python:3.13", "example.com is a domain that RFC 2606 reserves"),
        ("your-registry.lan/python:3.13", "your- represents an address that only you know"),
        ("counterexample.com/python:3.13", ""),
    ],
)
@pytest.mark.parametrize("path", ["engine", "router", "test"])
def test_a_placeholder_says_what_its_word_means(path: str, image: str, meaning: str) -> None:
    found = [each for each in check(load({path: {"image": image}})) if each.code == "placeholder"]
    assert [(each.path, meaning in each.message) for each in found] == (
        [(f"{path}.image", True)] if meaning else []
    )


def test_a_quota_is_per_hour() -> None:
    quotas = {"hour": {"tokens": 9_000_000}}
    found = check(load({"maas": {"enabled": True, "quotas": quotas}}))
    (message,) = (each.message for each in found if each.code == "maas-quota-above-capacity")
    assert message.startswith("one user may spend 9000000 tokens per hour, but ")


def test_errors_come_first_and_only_they_stop_a_deployment() -> None:
    wrong = {"name": "x" * 49, "engine": {"port": 1, "args": {"block-size": 96}}}
    found = check(load(wrong))
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities)
    assert {finding.severity for finding in errors(found)} == {Severity.ERROR}
    assert len(errors(found)) == 2


UNKNOWN = {"engine": {"image": "registry.site-a.example/own:1", "args": {"no-such-flag": 1}}}


def test_of_an_unknown_build_what_is_not_checked_is_named() -> None:
    found = check(load(UNKNOWN))
    finding = next(finding for finding in found if finding.code == "unknown-build")
    assert "engine-flag" not in {finding.code for finding in found}
    assert finding.severity == Severity.WARNING
    assert finding.message.startswith("the image's tag does not name a known build")
    assert all(each.name in finding.fix for each in builds.builds())


def test_a_build_that_is_named_goes_before_the_image_s_tag() -> None:
    found = check(load(UNKNOWN, {"engine": {"build": "v0.23.0"}}))
    assert "engine.args.no-such-flag" in {each.path for each in found if each.code == "engine-flag"}
    (told,) = (each for each in check(load(build("v0.23"))) if each.code == "unknown-build")
    assert told.message.startswith("there is no build v0.23: did you mean v0.23.0")


def test_an_old_values_file_learns_what_to_write_for_engine_version() -> None:
    with pytest.raises(
        ValuesError, match=r"engine.version: this value no longer exists.*engine.build"
    ):
        load({"engine": {"version": "0.22.1"}})


def test_a_build_is_one_data_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(builds.FACTS, tmp_path, dirs_exist_ok=True)
    newest = builds.builds()[-1]
    facts = json.loads((tmp_path / f"{newest.name}.json").read_text("utf-8"))
    facts |= {"vllm": "9.9.9", "tags": ["v9.9.9"]}
    (tmp_path / "v9.9.9.json").write_text(json.dumps(facts))
    (tmp_path / "vllm" / "9.9.9.json").write_text(json.dumps({"base": newest.vllm.version}))
    caches = (builds.merged, builds.vllm_versions, builds.vllm, builds.build, builds.builds)
    monkeypatch.setattr(builds, "FACTS", tmp_path)
    for cached in caches:
        cached.cache_clear()
    found = check(load(UNKNOWN, {"engine": {"image": "registry.site-a.example/own:v9.9.9"}}))
    for cached in caches:
        cached.cache_clear()
    assert "unknown-build" not in {finding.code for finding in found}
    assert "engine.args.no-such-flag" in {
        finding.path for finding in found if finding.code == "engine-flag"
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1h2m3s4ms", 3723.004),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("1.5h", 5400),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("250μs", 0.00025),
        ("20000000ns", 0.02),
        ("0", 0),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, told: float) -> None:
    assert seconds(text) == pytest.approx(told)


@pytest.mark.parametrize(
    "header",
    [
        *("authorization", "host", "content-type", "content-length", "connection", "te", "cookie"),
        *(
            "x-forwarded-for",
            "x-forwarded-client-cert",
            "x-envoy-original-path",
            "proxy-connection",
        ),
        *("x-request-id", "x-gateway-destination-endpoint", "transfer-encoding"),
    ],
)
def test_a_header_that_means_something_else_can_not_carry_the_client_s_id(header: str) -> None:
    found = check(load({"maas": {"enabled": True, "apiKeys": {"clientIdHeader": header}}}))
    assert "maas-client-header" in [each.code for each in found]
