"""The conformance suite on a gateway of somebody else's: LiteLLM's proxy, before the simulator."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from control_plane import free_port, running, until

from dsv4deploy.conformance.gateway import Target
from dsv4deploy.conformance.suite import CASES, Outcome, run

KEY = "sk-of-the-proxy"
# Case: what LiteLLM 1.106.12 does instead, without a database.
DIFFERENT = {
    "key-wrong": "HTTP 400, application/json",  # it looks for other keys in its database
    "key-cut": "HTTP 400, application/json",
    "key-longer": "HTTP 400, application/json",
    "key-other-case": "HTTP 400, application/json",
    "key-basic": "HTTP 200, application/json",  # the scheme is not looked at
    "stream-usage": "the event with the usage has choices",
    "malformed-list": "HTTP 500",
    "unknown-model": "HTTP 400, application/json",
    "error-unknown-path": "`error` is not an object",
}


@pytest.fixture
def proxy(litellm: Path, tmp_path: Path) -> Iterator[str]:
    """Its URL."""
    ports = free_port(), free_port()
    served = {"model": "openai/simulated", "api_key": "none"}
    served["api_base"] = f"http://127.0.0.1:{ports[0]}/v1"
    config = tmp_path / "config.yaml"
    settings = {
        "model_list": [{"model_name": "chat", "litellm_params": served}],
        "general_settings": {"master_key": KEY},
    }
    config.write_text(yaml.safe_dump(settings))
    simulator = ("-m", "dsv4deploy", "bench", "simulate", "--model", "simulated")
    scaled = ("--time-scale", "0.001", "--port", ports[0])
    asked = ("--config", config, "--host", "127.0.0.1", "--port", ports[1])
    # No list of prices is fetched, and nothing is reported to anybody.
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    url = f"http://127.0.0.1:{ports[1]}"

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/health/liveliness").status_code == 200
        except httpx.TransportError:
            return False

    with (
        running(tmp_path / "simulator.log", sys.executable, *simulator, *scaled),
        running(tmp_path / "proxy.log", litellm, *asked, HOME=str(tmp_path), **quiet),
    ):
        until("the proxy serves", ready)
        yield f"{url}/v1"


def test_the_report_on_litellm_says_what_it_does(proxy: str) -> None:
    report = run(Target(url=proxy, model="chat", key=KEY), CASES)
    failed = {
        each.case.code: each.found for each in report.results if each.outcome is Outcome.FAILED
    }
    assert failed.keys() == DIFFERENT.keys(), failed
    for code, found in DIFFERENT.items():
        assert failed[code].startswith(found), failed[code]
    # On a busy machine the short stream comes at once, which decides nothing.
    at_once = [each for each in report.results if each.found.startswith("too fast to tell")]
    assert report.counts["passed"] + len(at_once) == 65
    skipped = {each.found for each in report.results if each.outcome is Outcome.SKIPPED}
    assert "the gateway does not speak HTTP/2" in skipped
    assert "answers have no x-ratelimit headers, and --quota is not given" in skipped
    # The same by hand, without the suite.
    headers = {"Authorization": f"Bearer {KEY}"}
    url = f"{proxy}/chat/completions"
    assert httpx.post(url, json=[], headers=headers).status_code == 500
    unknown = {"model": "no-such-model", "messages": []}
    assert httpx.post(url, json=unknown, headers=headers).status_code == 400
    assert httpx.get(f"{proxy}/nowhere", headers=headers).json() == {"detail": "Not Found"}
