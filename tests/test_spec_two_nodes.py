"""The two-node profile renders the published W8A8 deployment, leaf by leaf.

What is expected here was written down from the publication, not from what the package prints.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest
from test_spec import GRPC, PICKER, ROUTER_ARGS, SCHEDULER, flags, replaced

from dsv4deploy import Values, load, render
from dsv4deploy.values import yaml as yamlio

NAME = "deepseek-v4-flash-w8a8-agg-mc-kv"
IMAGE = "quay.io/ascend/vllm-ascend:nightly-main-openeuler-0709"
NPU = "huawei.com/Ascend910"
HTTP = {"path": "/health", "port": "http"}
PROCESS = {"exec": {"command": ["pgrep", "-f", "vllm serve"]}}
POD_IP = {"fieldRef": {"fieldPath": "status.podIP"}}

ENVIRONMENT = {
    "HOME": "/home",
    "VLLM_LOGGING_LEVEL": "INFO",
    "HF_HUB_OFFLINE": "1",
    "HCCL_OP_EXPANSION_MODE": "AIV",
    "VLLM_PREFIX_CACHE_RETENTION_INTERVAL": "16384",
    "VLLM_ASCEND_ENABLE_FLASHCOMM1": "1",
    "HCCL_IF_IP": POD_IP,
    "GLOO_SOCKET_IFNAME": "eth0",
    "TP_SOCKET_IFNAME": "eth0",
    "HCCL_SOCKET_IFNAME": "eth0",
    "VLLM_RPC_TIMEOUT": "360000",
    "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": "3000",
    "HCCL_EXEC_TIMEOUT": "200",
    "HCCL_CONNECT_TIMEOUT": "120",
    "OMP_PROC_BIND": "false",
    "OMP_NUM_THREADS": "10",
    "PYTORCH_NPU_ALLOC_CONF": "expandable_segments:True",
    "ACL_OP_INIT_MODE": "1",
    "TASK_QUEUE_ENABLE": "1",
    "CPU_AFFINITY_CONF": "1",
    "VLLM_ENGINE_READY_TIMEOUT_S": "1200",
    "PYTHONHASHSEED": "0",
    "MOONCAKE_CONFIG_PATH": "/app/mooncake.json",
    "HCCL_WHITELIST_DISABLE": "1",
    "HCCL_INTRA_ROCE_ENABLE": "1",
    "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
    "POD_IP": POD_IP,
}

FLAGS: dict[str, Any] = {
    "--host": "0.0.0.0",
    "--port": 8000,
    "--served-model-name": "deepseek-v4-flash-w8a8",
    "--trust-remote-code": None,
    "--data-parallel-size": 2,
    "--data-parallel-size-local": 1,
    "--data-parallel-address": "10.0.0.1",
    "--data-parallel-rpc-port": 13389,
    "--tensor-parallel-size": 8,
    "--enable-expert-parallel": None,
    "--quantization": "ascend",
    "--tokenizer-mode": "deepseek_v4",
    "--safetensors-load-strategy": "prefetch",
    "--model-loader-extra-config": {"enable_multithread_load": "true", "num_threads": 128},
    "--max-model-len": 200000,
    "--max-num-batched-tokens": 8192,
    "--max-num-seqs": 32,
    "--gpu-memory-utilization": 0.92,
    "--block-size": 128,
    "--async-scheduling": None,
    "--enable-prefix-caching": None,
    "--speculative-config": {"num_speculative_tokens": 1, "method": "mtp", "enforce_eager": True},
    "--compilation-config": {"cudagraph_mode": "FULL_DECODE_ONLY"},
    "--additional-config": {
        "ascend_compilation_config": {"enable_npugraph_ex": True, "enable_static_kernel": False},
        "enable_cpu_binding": True,
        "enable_dsa_cp": True,
        "multistream_overlap_shared_expert": True,
    },
    "--seed": 1024,
    "--tool-call-parser": "deepseek_v4",
    "--enable-auto-tool-choice": None,
    "--reasoning-parser": "deepseek_v4",
    "--kv-transfer-config": {
        "engine_id": "$(POD_NAME)",
        "kv_connector": "AscendStoreConnector",
        "kv_role": "kv_both",
        "kv_port": "20000",
        "kv_connector_extra_config": {
            "backend": "mooncake",
            "decode": {"dp_size": 2, "tp_size": 8},
            "prefill": {"dp_size": 2, "tp_size": 8},
            "lookup_rpc_port": "1",
        },
    },
}
LEADER = {"--api-server-count": 1}
WORKER = {"--headless": None, "--data-parallel-start-rank": 1}


@pytest.fixture
def service() -> Any:
    (item,) = render(load(profile="ascend-910b3-16-w8a8"))
    return item


def container(probes: dict[str, Any], port: dict[str, Any]) -> dict[str, Any]:
    amount = {NPU: "8"}
    return {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/bash", "-c"],
        "ports": [{**port, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": "16", "memory": "96Gi", **amount},
            "limits": {"cpu": "48", "memory": "480Gi", **amount},
        },
        **probes,
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "shm", "mountPath": "/dev/shm"},
            {"name": "mooncake-config", "mountPath": "/app", "readOnly": True},
        ],
    }


def pod(main: dict[str, Any]) -> dict[str, Any]:
    return {
        "enableServiceLinks": False,  # not published: see tests/test_published.py
        "hostIPC": True,
        "tolerations": [{"operator": "Exists"}],
        "imagePullSecrets": [{"name": "modelcar-registry-auth"}],
        "initContainers": [
            {
                "name": "mooncake-config-init",
                "image": IMAGE,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/bash", "-c"],
                "env": [{"name": "POD_IP", "valueFrom": POD_IP}],
                "volumeMounts": [{"name": "mooncake-config", "mountPath": "/app"}],
            }
        ],
        "containers": [main],
        "volumes": [
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "32Gi"}},
            {"name": "mooncake-config", "emptyDir": {}},
        ],
    }


PODS = {
    "template": pod(
        container(
            {
                "startupProbe": {"httpGet": HTTP, "periodSeconds": 30, "failureThreshold": 160},
                "readinessProbe": {"httpGet": HTTP, "periodSeconds": 10, "failureThreshold": 3},
                "livenessProbe": {
                    "httpGet": HTTP,
                    "periodSeconds": 15,
                    "timeoutSeconds": 10,
                    "failureThreshold": 8,
                },
            },
            {"name": "http", "containerPort": 8000},
        )
    ),
    "worker": pod(
        container(
            {
                "startupProbe": {**PROCESS, "periodSeconds": 30, "failureThreshold": 160},
                "livenessProbe": {
                    **PROCESS,
                    "periodSeconds": 30,
                    "timeoutSeconds": 10,
                    "failureThreshold": 6,
                },
            },
            {"name": "dp-rpc", "containerPort": 13389},
        )
    ),
}


@pytest.mark.parametrize("role", ["template", "worker"])
def test_a_pod_is_the_published_one(role: str, service: Any) -> None:
    got = service["spec"][role]
    got["containers"][0].pop("args")
    got["initContainers"][0].pop("args")
    environment = got["containers"][0].pop("env")
    assert got == PODS[role]
    values = {item["name"]: item.get("value") or item["valueFrom"] for item in environment}
    assert values == ENVIRONMENT
    assert len(environment) == len(ENVIRONMENT)


def executed(script: str, hosts: str, **environment: str) -> tuple[list[str], str]:
    """The server's words and LD_LIBRARY_PATH, as bash itself arrives at them."""
    report = (
        "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['LD_LIBRARY_PATH']]))"
    )
    stubs = (
        "set() { :; }; source() { :; }; timeout() { :; }; sleep() { :; }\n"
        f"getent() {{ {hosts}; }}\n"
        f'exec() {{ {shlex.quote(sys.executable)} -c {shlex.quote(report)} "$@"; }}\n'
    )
    done = subprocess.run(
        ["bash", "-c", stubs + script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "LWS_LEADER_ADDRESS": "lead.er", **environment},
    )
    words, libraries = json.loads(done.stdout)
    return words, libraries


@pytest.mark.parametrize(("role", "own"), [("template", LEADER), ("worker", WORKER)])
def test_a_script_starts_the_published_server(role: str, own: Any, service: Any) -> None:
    (script,) = service["spec"][role]["containers"][0]["args"]
    lines = script.splitlines()
    assert lines[0] == "set +e"
    assert [line for line in lines if line.startswith("source ")] == [
        "source /usr/local/Ascend/ascend-toolkit/set_env.sh 2>/dev/null || true",
        "source /usr/local/Ascend/nnal/atb/set_env.sh 2>/dev/null || true",
    ]
    words, libraries = executed(script, "echo '10.0.0.1 lead.er'", LD_LIBRARY_PATH="/a")
    assert words[:3] == ["vllm", "serve", "/mnt/models"]
    assert flags(words[3:]) == {**FLAGS, **own}
    assert libraries == "/usr/local/lib:/a"


def test_a_leader_that_no_look_up_finds_is_called_by_its_name(service: Any) -> None:
    (script,) = service["spec"]["worker"]["containers"][0]["args"]
    tries = "echo try >&2; return 2"
    words, _ = executed(script, tries)
    assert flags(words[3:])["--data-parallel-address"] == "lead.er"


def test_the_init_container_writes_the_store_s_configuration(service: Any, tmp_path: Any) -> None:
    (script,) = service["spec"]["template"]["initContainers"][0]["args"]
    expected = {
        "local_hostname": "10.0.0.7",
        "metadata_server": "redis://redis-service:6379",
        "master_server_address": "mooncake-master-service:30089",
        "device_name": "",
        "protocol": "ascend",
        "global_segment_size": 42949672960,
        "use_ascend_direct": True,
    }
    target = tmp_path / "mooncake.json"
    for environment, host in (({"POD_IP": "10.0.0.7"}, "10.0.0.7"), ({}, "0.0.0.0")):
        subprocess.run(
            ["bash", "-c", script.replace("/app/mooncake.json", str(target))],
            check=True,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
        assert json.loads(target.read_text()) == {**expected, "local_hostname": host}


def test_the_service_and_its_router_are_the_published_ones(service: Any) -> None:
    spec = service["spec"]
    router = spec.pop("router")
    for role in ("template", "worker"):
        spec.pop(role)
    assert service["metadata"] == {
        "name": NAME,
        "namespace": "demo",
        "labels": {"infernex.io/runtime": "true"},
        "annotations": {
            "infernex.io/disabled-components": "cache-indexer,pd-orchestrator,eagle-eye"
        },
    }
    uri = spec["model"].pop("uri")
    assert uri.endswith("/modelcar-deepseek-v4-flash-w8a8-mtp:v0.1.0")
    assert spec == {
        "model": {"name": "deepseek-v4-flash-w8a8"},
        "replicas": 1,
        "parallelism": {"data": 2, "dataLocal": 1},
    }

    renames = {Values().name: NAME, "hermes-router:26.6.0-rc.2": "hermes-router:26.6.0-rc.3"}
    expected = replaced(SCHEDULER, renames)
    expected["pool"]["spec"]["endpointPickerRef"]["group"] = ""
    labels = expected["pool"]["spec"]["selector"]["matchLabels"]
    labels["leaderworkerset.sigs.k8s.io/worker-index"] = "0"
    args = router["scheduler"]["template"]["containers"][0].pop("args")
    expected["template"]["containers"][0].pop("args", None)
    assert router == {"scheduler": expected, "gateway": {}, "route": {}}
    words = dict(zip(args[::2], args[1::2], strict=True))
    assert yamlio.read(words.pop("--config-text"), "config") == PICKER
    assert words == replaced(ROUTER_ARGS, renames)
    assert GRPC["timeoutSeconds"] == 5


def test_weights_may_stand_on_one_claim_a_node() -> None:
    claims = {"claims": {"leader": "node-0", "worker": "node-1"}, "uri": "pvc://node-0/"}
    (item,) = render(load({"model": claims}, profile="ascend-910b3-16-w8a8"))
    spec = item["spec"]
    assert spec["storageInitializer"] == {"enabled": False}
    assert spec["model"]["uri"] == "pvc://node-0/"
    for role, claim in (("template", "node-0"), ("worker", "node-1")):
        volume = {"claimName": claim, "readOnly": True}
        assert {"name": "model", "persistentVolumeClaim": volume} in spec[role]["volumes"]
        mount = {"name": "model", "mountPath": "/mnt/models", "readOnly": True}
        assert mount in spec[role]["containers"][0]["volumeMounts"]
