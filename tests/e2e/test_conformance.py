"""The conformance suite on the real gateway: it passes as emitted, and notices what is changed.

A mutant is an emitted policy with one field dropped or wrong.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from control_plane import Tree, until
from gateway_plane import Gateway, gateway_plane, handed_out
from test_gateway import SHARED, deployment, place, tokens

from dsv4deploy import Release, Values
from dsv4deploy.cluster.keys import create
from dsv4deploy.conformance.gateway import Gateway as Client
from dsv4deploy.conformance.gateway import Target
from dsv4deploy.conformance.suite import CASES, Outcome, Report, run
from dsv4deploy.manifest.render import render

HOUR = 3600
# By what is charged: a quota's headers show one window only.
CHARGED = {"total": (1, 1), "input": (1, 0), "output": (0, 1), "weighted": (1, 4)}
MODELS = {
    count: deployment(
        f"by-{count}",
        gateway={"receiveTimeout": "2s"} if count == "total" else SHARED,
        weights={"input": 1, "output": 4},
        quotas={"hour": tokens(100_000, "Hour", count)},
    )
    for count in CHARGED
}
TOTAL = MODELS["total"]
SMALL = deployment("small", gateway=SHARED, quotas={"hour": tokens(3000, "Hour", "total")})
SLOWLY = {"metadata": {"itl": "0.02"}}


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory,
    go_module: Callable[[str], Path],
    go_build: Callable[..., Path],
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_plane(folder, go_module, go_build, [*MODELS.values(), SMALL]) as running:
        yield running


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> tuple[str, str]:
    """Two clients' keys."""
    where, now = place(gateway, TOTAL), datetime.now(UTC)
    made = [handed_out(create, where, f"user-{uuid.uuid4().hex[:8]}", None, now) for _ in range(2)]
    client = Client(target(gateway, (made[0], made[1])))
    until("the keys are taken", lambda: client.ask().status_code == 200)
    until("both are", lambda: client.ask(key=made[1]).status_code == 200)
    client.close()
    return made[0], made[1]


def target(
    gateway: Gateway, keys: tuple[str, str], values: Values = TOTAL, count: str = "total"
) -> Target:
    """The gateway with what is promised of a model."""
    return Target(
        url=f"{gateway.url}/v1",
        model=values.model.name,
        key=keys[0],
        second_key=keys[1],
        body=SLOWLY,
        quota=(values.maas.quotas["hour"].tokens, HOUR),
        weights=CHARGED[count],
        max_request=TOTAL.engine.args.max_model_len * TOTAL.maas.bytes_per_token,
        receive_timeout=2,
        timeout=15,
    )


def others(report: Report) -> dict[str, str]:
    """The cases that did not pass, with what was found."""
    return {
        each.case.code: f"{each.outcome}: {each.found}"
        for each in report.results
        if each.outcome is not Outcome.PASSED
    }


# What no request decides, or what is not to be had here.
SKIPPED = {"guardrails", "long-4000000-http1", "long-4000000-http2"}
BURNING = {"stream-long", "quota-used-up", "quota-used-up-spoofed", "quota-used-up-others"}


def test_every_case_passes_on_the_gateway_as_emitted(
    gateway: Gateway, keys: tuple[str, str]
) -> None:
    report = run(target(gateway, keys), CASES)
    assert others(report).keys() == SKIPPED | BURNING, others(report)


def test_what_burns_quota_passes_too(gateway: Gateway, keys: tuple[str, str]) -> None:
    chosen = [case for case in CASES if case.code in BURNING - {"stream-long"}]
    report = run(replace(target(gateway, keys, SMALL), destructive=True, body={}), chosen)
    # The second key's budget is its own.
    assert others(report) == {}
    long = [case for case in CASES if case.code == "stream-long"]
    assert others(run(replace(target(gateway, keys), destructive=True), long)) == {}


# --- mutants ------------------------------------------------------------------------------------

DROP = object()
SECURITY, CLIENT, TRAFFIC = "SecurityPolicy", "ClientTrafficPolicy", "BackendTrafficPolicy"
ROUTE, SERVICE, BACKEND, GATEWAY = "AIGatewayRoute", "AIServiceBackend", "Backend", "Gateway"
RULE = "rateLimit.global.rules.0"
WHO, COST = f"{RULE}.clientSelectors.0.headers", f"{RULE}.cost"
CHARGES = f"{COST}.response.metadata.key"
# Kind, field, what it becomes, the case that must fail, and the model whose policy it is.
MUTANTS: list[tuple[str, str, Any, str, str]] = [
    (SECURITY, "targetRefs.0.name", "another", "key-none", "total"),
    (SECURITY, "apiKeyAuth.credentialRefs.0.name", "another", "key-right", "total"),
    (SECURITY, "apiKeyAuth.extractFrom.0.headers.0", "X-API-Key", "key-right", "total"),
    (SECURITY, "apiKeyAuth.forwardClientIDHeader", DROP, "quota-announced", "total"),
    (SECURITY, "apiKeyAuth.forwardClientIDHeader", "x-client", "quota-announced", "total"),
    (SECURITY, "apiKeyAuth.sanitize", DROP, "key-not-passed-on", "total"),
    (SECURITY, "apiKeyAuth.sanitize", False, "key-not-passed-on", "total"),
    (CLIENT, "targetRefs.0.name", "another", "long-85000-http1", "total"),
    (CLIENT, "connection", DROP, "long-66000-http1", "total"),
    (CLIENT, "connection.bufferLimit", 80_000, "long-85000-http1", "total"),
    (CLIENT, "connection.bufferLimit", 8 << 20, "too-long", "total"),
    (CLIENT, "http2", DROP, "long-85000-http2", "total"),
    (CLIENT, "http2.initialStreamWindowSize", DROP, "long-85000-http2", "total"),
    (CLIENT, "http2.initialStreamWindowSize", 100_000, "long-300000-http2", "total"),
    (CLIENT, "http2.initialConnectionWindowSize", DROP, "long-two-http2", "total"),
    (CLIENT, "http2.initialConnectionWindowSize", 100_000, "long-300000-http2", "total"),
    (CLIENT, "timeout", DROP, "slow-request", "total"),
    (CLIENT, "timeout.http.requestReceivedTimeout", "60s", "slow-request", "total"),
    (CLIENT, "headers", DROP, "closed-metrics", "total"),
    (CLIENT, "headers.earlyRequestHeaders.remove", ["x-user-id"], "closed-metrics", "total"),
    (CLIENT, "headers.earlyRequestHeaders.remove", ["x-ai-eg-model"], "quota-not-spoofed", "total"),
    (TRAFFIC, "targetRefs.0.name", "another", "quota-announced", "total"),
    (TRAFFIC, "targetRefs.0.kind", "GRPCRoute", "quota-announced", "total"),
    (TRAFFIC, "timeout.http.streamIdleTimeout", "1ms", "stream-whole", "total"),
    (TRAFFIC, "rateLimit", DROP, "quota-announced", "total"),
    (TRAFFIC, f"{WHO}.0", DROP, "quota-own", "total"),
    (TRAFFIC, f"{WHO}.0.name", "x-user", "quota-announced", "total"),
    (TRAFFIC, f"{WHO}.1.value", "x", "quota-announced", "total"),
    (TRAFFIC, f"{WHO}.1.name", "x-model", "quota-announced", "total"),
    (TRAFFIC, f"{RULE}.limit.requests", 90_000, "quota-promised", "total"),
    (TRAFFIC, f"{RULE}.limit.unit", "Day", "quota-promised", "total"),
    (TRAFFIC, f"{COST}.request", DROP, "quota-charged", "total"),
    (TRAFFIC, f"{COST}.request.number", 1, "quota-charged", "total"),
    (TRAFFIC, f"{COST}.response", DROP, "quota-charged", "total"),
    (TRAFFIC, f"{COST}.response.metadata.namespace", "x", "quota-charged", "total"),
    (TRAFFIC, CHARGES, "llm_output_token", "quota-charged", "total"),
    (TRAFFIC, CHARGES, "llm_total_token", "quota-charged", "input"),
    (TRAFFIC, CHARGES, "llm_total_token", "quota-charged", "output"),
    (TRAFFIC, CHARGES, "llm_total_token", "quota-charged", "weighted"),
    (ROUTE, "parentRefs.0.name", "another", "key-right", "input"),
    (ROUTE, "rules.0.matches.0.headers.0.name", "x-model", "key-right", "input"),
    (ROUTE, "rules.0.matches.0.headers.0.value", "another", "key-right", "input"),
    (ROUTE, "rules.0.backendRefs.0.name", "another", "key-right", "input"),
    (ROUTE, "rules.0.timeouts.request", "100ms", "stream-parallel", "input"),
    (ROUTE, "rules.0.timeouts", DROP, "stream-long", "input"),
    (ROUTE, "llmRequestCosts.0", DROP, "quota-charged", "input"),
    (ROUTE, "llmRequestCosts.1", DROP, "quota-charged", "output"),
    (ROUTE, "llmRequestCosts.2", DROP, "quota-charged", "total"),
    (ROUTE, "llmRequestCosts.3", DROP, "quota-charged", "weighted"),
    (ROUTE, "llmRequestCosts.3.cel", "input_tokens + output_tokens", "quota-charged", "weighted"),
    (ROUTE, "llmRequestCosts.0.type", "OutputToken", "quota-charged", "input"),
    (ROUTE, "llmRequestCosts", DROP, "quota-charged-silent", "total"),
    (SERVICE, "schema.name", "Cohere", "completion-shape", "input"),
    (SERVICE, "backendRef.name", "another", "key-right", "input"),
    (BACKEND, "endpoints.0.fqdn.hostname", "nowhere.invalid", "key-right", "input"),
    (BACKEND, "endpoints.0.fqdn.port", 9, "key-right", "input"),
    (GATEWAY, "listeners.0.hostname", "another.example.com", "key-right", "total"),
    (GATEWAY, "listeners.0.allowedRoutes.namespaces", {"from": "None"}, "key-right", "total"),
]  # fmt: skip
# What a client can't notice, and why.
EQUIVALENT: dict[tuple[str, str, str], str] = {}
PATIENCE = 40


def changed(item: Tree, field: str, value: Any) -> Tree:
    """An object with one field of its spec dropped or replaced."""
    item = deepcopy(item)
    *above, last = [int(word) if word.isdecimal() else word for word in field.split(".")]
    place: Any = item["spec"]
    for word in above:
        place = place[word]
    if value is DROP:
        del place[last]
    else:
        place[last] = value
    return item


@pytest.mark.parametrize(
    ("kind", "field", "value", "code", "count"),
    MUTANTS,
    ids=[f"{kind}-{field}-{'dropped' if value is DROP else value}-{count}"
         for kind, field, value, _, count in MUTANTS],
)  # fmt: skip
def test_a_mutant_is_caught(
    gateway: Gateway,
    keys: tuple[str, str],
    kind: str,
    field: str,
    value: Any,
    code: str,
    count: str,
) -> None:
    values = MODELS[count]
    (ours,) = (item for item in render(values, Release()) if item["kind"] == kind)
    (case,) = (case for case in CASES if case.code == code)
    promised = replace(target(gateway, keys, values, count), destructive=True)

    def failed() -> str:
        # As a kubelet would: the processor reads its settings from a mounted Secret.
        gateway.node.refresh(gateway.envoy)
        # On new connections: old ones keep the settings that they began with.
        (result,) = run(promised, [case]).results
        return result.found if result.outcome is Outcome.FAILED else ""

    assert not failed()
    gateway.cluster.apply(changed(ours, field, value), force=True)
    begun = time.monotonic()
    try:
        found = until("it is caught", failed, PATIENCE)
        # Not for a moment, while something is being changed.
        time.sleep(1)
        assert failed()
        print(f"\n{kind} {field}: {code} after {time.monotonic() - begun:.1f} s: {found[:150]}")
    finally:
        gateway.cluster.apply(ours, force=True)
    until("it passes again", lambda: not failed(), PATIENCE)
