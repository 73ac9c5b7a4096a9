"""The alerts, by the real promtool: well-formed, silent on a healthy engine, loud on a sick one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import OPERATOR
from parts import run

from dsv4deploy import load
from dsv4deploy.manifest.crds import validate
from dsv4deploy.manifest.render import render

ON = ["monitoring.enabled=true", "maas.enabled=true", "name=chat", "replicas=2"]
POD = 'namespace="demo", pod="chat-kserve-1"'
OTHER = 'namespace="demo", pod="chat-kserve-2"'
VLLM = "vllm:time_to_first_token_seconds"
ITL = "vllm:inter_token_latency_seconds"
PROXY = 'namespace="envoy-gateway-system", pod="envoy-maas-system-maas-1", container="envoy"'
CPU = f"container_cpu_usage_seconds_total{{{PROXY}}}"
RESERVED = f'kube_pod_container_resource_requests{{resource="cpu", {PROXY}}}'
ANSWERS = 'envoy_http_downstream_rq_xx{{envoy_response_code_class="{}"}}'
CUT = "envoy_cluster_upstream"
ROUTE = '{envoy_cluster_name="httproute/maas-system/chat/rule/0"}'
GEN_AI = "gen_ai_server_time_to_first_token_seconds"
MODEL = '{gen_ai_request_model="gdydems/DeepSeek-V4-Flash-w4a8-mtp"}'

# By alert: a healthy series and a sick one, a sample a minute, and when the alert must have fired.
CASES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "EngineNotReady": (
        {f'kube_pod_status_ready{{condition="true", {POD}}}': "0x50 1x60"},
        {f'kube_pod_status_ready{{condition="true", {POD}}}': "0x110"},
        "61m",
    ),
    "InstanceNotReady": (
        {
            f'kube_pod_status_ready{{condition="true", {POD}}}': "0x50 1x60",
            f'kube_pod_status_ready{{condition="true", {OTHER}}}': "1x110",
        },
        {
            f'kube_pod_status_ready{{condition="true", {POD}}}': "0x110",
            f'kube_pod_status_ready{{condition="true", {OTHER}}}': "1x110",
        },
        "61m",
    ),
    "CacheNearlyFull": (
        {f"vllm:kv_cache_usage_perc{{{POD}}}": "0.9x30"},
        {f"vllm:kv_cache_usage_perc{{{POD}}}": "0.97x30"},
        "10m",
    ),
    "Preemptions": (
        {f"vllm:num_preemptions_total{{{POD}}}": "7x30"},
        {f"vllm:num_preemptions_total{{{POD}}}": "0+1x30"},
        "10m",
    ),
    "RequestsWaiting": (
        {f"vllm:num_requests_waiting{{{POD}}}": "0x4 2 0x30"},
        {f"vllm:num_requests_waiting{{{POD}}}": "2x30"},
        "10m",
    ),
    "SlowFirstToken": (
        {f"{VLLM}_sum{{{POD}}}": "0+9.8x60", f"{VLLM}_count{{{POD}}}": "0+1x60"},
        {f"{VLLM}_sum{{{POD}}}": "0+25x60", f"{VLLM}_count{{{POD}}}": "0+1x60"},
        "30m",
    ),
    "SlowTokens": (
        {f"{ITL}_sum{{{POD}}}": "0+0.18x60", f"{ITL}_count{{{POD}}}": "0+1x60"},
        {f"{ITL}_sum{{{POD}}}": "0+0.5x60", f"{ITL}_count{{{POD}}}": "0+1x60"},
        "30m",
    ),
    "KeysRefused": (
        {
            "envoy_http_api_key_auth_unauthorized": "0+1x60",
            "envoy_http_api_key_auth_allowed": "0+9x60",
        },
        {
            "envoy_http_api_key_auth_unauthorized": "0+9x60",
            "envoy_http_api_key_auth_allowed": "0+1x60",
        },
        "30m",
    ),
    "QuotasUsedUp": (
        {"envoy_cluster_ratelimit_over_limit": "3x60"},
        {"envoy_cluster_ratelimit_over_limit": "0+3x60"},
        "30m",
    ),
    "QuotasNotEnforced": (
        {"envoy_cluster_ratelimit_failure_mode_allowed": "3x60"},
        {"envoy_cluster_ratelimit_failure_mode_allowed": "0+1x60"},
        "10m",
    ),
    "GatewayFull": (
        {f"{CUT}_rq_active_overflow": "5x60", f"{CUT}_rq_pending_overflow": "3x60"},
        {f"{CUT}_rq_active_overflow": "5+1x60", f"{CUT}_rq_pending_overflow": "3x60"},
        "10m",
    ),
    "GatewayOverloaded": (
        # All of the CPU, and nobody is refused.
        {CPU: "0+120x60", RESERVED: "2x60", ANSWERS.format(2): "0+90x60"},
        {
            CPU: "0+120x60",
            RESERVED: "2x60",
            ANSWERS.format(2): "0+90x60",
            ANSWERS.format(5): "0+9x60",
        },
        "20m",
    ),
    "StreamsCut": (
        {
            f"{CUT}_cx_destroy_remote_with_active_rq{ROUTE}": "3x60",
            f"{CUT}_rq_timeout{ROUTE}": "2x60",
        },
        {
            f"{CUT}_cx_destroy_remote_with_active_rq{ROUTE}": "3x60",
            f"{CUT}_rq_timeout{ROUTE}": "2+1x60",
        },
        "10m",
    ),
    "SlowFirstTokenAtGateway": (
        {f"{GEN_AI}_sum{MODEL}": "0+9.8x60", f"{GEN_AI}_count{MODEL}": "0+1x60"},
        {f"{GEN_AI}_sum{MODEL}": "0+25x60", f"{GEN_AI}_count{MODEL}": "0+1x60"},
        "30m",
    ),
}


@pytest.fixture(scope="module")
def rule() -> Any:
    (item,) = (item for item in render(load(set=ON)) if item["kind"] == "PrometheusRule")
    return item


def test_the_rules_are_well_formed(
    rule: Any, go_build: Callable[[str], Path], tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rule["spec"]))
    assert "SUCCESS: 14 rules found" in run(go_build("promtool"), "check", "rules", file)


def test_there_is_a_case_for_every_alert(rule: Any) -> None:
    names = [alert["alert"] for group in rule["spec"]["groups"] for alert in group["rules"]]
    assert sorted(names) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_an_alert_is_silent_in_health_and_fires_in_sickness(
    name: str, rule: Any, go_build: Callable[[str], Path], tmp_path: Path
) -> None:
    healthy, sick, when = CASES[name]
    (alert,) = (
        alert
        for group in rule["spec"]["groups"]
        for alert in group["rules"]
        if alert["alert"] == name
    )
    fired = {"exp_labels": alert["labels"], "exp_annotations": alert["annotations"]}
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": key, "values": values} for key, values in series.items()],
            "alert_rule_test": [{"eval_time": when, "alertname": name, "exp_alerts": expected}],
        }
        for series, expected in ((healthy, []), (sick, [fired]))
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    run(go_build("promtool"), "test", "rules", file)


def test_the_operator_takes_monitor_and_rule(go_module: Callable[[str], Path]) -> None:
    objects = [
        item for item in render(load(set=ON)) if item["apiVersion"] == "monitoring.coreos.com/v1"
    ]
    assert len(objects) == 2
    folder = go_module(OPERATOR) / "example" / "prometheus-operator-crd"
    assert validate(objects, folder) == []
