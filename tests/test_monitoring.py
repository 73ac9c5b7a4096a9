"""Alerts, monitor and dashboard: every metric they name is one that the engine or gateway has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsv4deploy import load, render
from dsv4deploy.values.profiles import profile_names

METRICS = Path(__file__).with_name("data") / "metrics.json"
KNOWN = {
    name
    for entry in json.loads(
        (Path(__file__).with_name("data") / "metrics.json").read_text()
    ).values()
    for name in entry["names"]
}
ON = ["monitoring.enabled=true", "maas.enabled=true", "replicas=2"]
# Prometheus adds these endings to a histogram's name.
ENDINGS = ("_bucket", "_sum", "_count")


def the(kind: str, **options: Any) -> Any:
    (item,) = (item for item in render(load(set=ON, **options)) if item["kind"] == kind)
    return item


def alerts() -> dict[str, Any]:
    groups = the("PrometheusRule")["spec"]["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def dashboard() -> Any:
    return json.loads(the("ConfigMap")["data"]["deepseek-v4-flash.json"])


def named(expression: str) -> Iterator[str]:
    """The metrics in an expression."""
    bare = re.sub(r"\{[^}]*\}", "", re.sub(r'"[^"]*"', "", expression))
    for word in re.findall(r"\b(?:vllm:\w+|(?:envoy|kube|gen_ai|container)_\w+)", bare):
        ending = next((end for end in ENDINGS if word.endswith(end)), "")
        yield word if word in KNOWN else word.removesuffix(ending)


def test_every_metric_of_an_alert_is_known() -> None:
    assert len(alerts()) == 14
    for name, alert in alerts().items():
        metrics = set(named(alert["expr"]))
        assert metrics, name
        assert metrics <= KNOWN, name
        assert alert["annotations"].keys() == {"summary", "description"}


def test_every_metric_of_the_dashboard_is_known() -> None:
    panels = dashboard()["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(panels) == 8
    for expression in expressions:
        assert set(named(expression)) <= KNOWN, expression
    queries = [item["query"] for item in dashboard()["templating"]["list"][1:]]
    assert all(set(named(query)) <= KNOWN for query in queries)


def test_metrics_that_newer_engines_have_lost_are_not_named() -> None:
    text = json.dumps([alerts(), dashboard()])
    for gone in ("vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds"):
        assert gone not in text


@pytest.mark.parametrize("profile", profile_names())
def test_the_thresholds_are_the_profile_s_published_figures(profile: str) -> None:
    values = load(profile=profile).monitoring.published
    groups = the("PrometheusRule", profile=profile)["spec"]["groups"]
    by_name = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    assert by_name["SlowFirstToken"].endswith(f"> {values.ttft_milliseconds * 200} / 100")
    assert by_name["SlowTokens"].endswith(f"> {values.itl_milliseconds * 200} / 100")


def test_the_gateway_s_alerts_come_with_the_gateway() -> None:
    (rule,) = (
        item
        for item in render(load(set=["monitoring.enabled=true"]))
        if item["kind"] == "PrometheusRule"
    )
    assert len(rule["spec"]["groups"]) == 1


def test_prometheus_finds_the_objects_by_their_labels() -> None:
    labels = {"monitoring": {"labels": {"release": "prometheus"}}}
    found = [
        item
        for item in render(load(labels, set=ON))
        if item["apiVersion"] == "monitoring.coreos.com/v1"
    ]
    assert len(found) == 2
    assert all(item["metadata"]["labels"] == {"release": "prometheus"} for item in found)
