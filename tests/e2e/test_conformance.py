"""The conformance suite on the real gateway: it passes as emitted, and notices what is changed.

A mutant is an emitted policy with one field dropped or wrong.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cluster.nodes import Cluster, Tree
from cluster.stack import SYSTEM
from control_plane import until
from gateway import Gateway, handed_out
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
# Seconds until a change is noticed, or its end; the longest case takes more than a minute.
PATIENCE = 200
SLOWLY = {"metadata": {"itl": "0.02"}}


@pytest.fixture(scope="module")
def gateway(real: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with Gateway(real, folder, [*MODELS.values(), SMALL]) as running:
        yield running


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> tuple[str, str]:
    """Two clients' keys."""
    where, now = place(gateway, TOTAL), datetime.now(UTC)
    made = [
        handed_out(create, where, [f"user-{uuid.uuid4().hex[:8]}"], None, now) for _ in range(2)
    ]
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


# Where the suite takes more than one answer of any gateway, this one has one.
ANSWERS = {
    **{
        f"malformed-{name}": "HTTP 400"
        for name in ("cut-off", "list", "no-utf-8", "deep", "unclosed", "gzip", "length",
                     "two-lengths")
    },
    "malformed-no-model": "HTTP 404",
    "malformed-no-body": "HTTP 404",
    "malformed-chunks": "the connection was closed",
    "malformed-large-header": "HTTP 431",
    "many-headers": "HTTP 431",
    "unknown-model": "HTTP 404, text/plain: No matching route found",
    "key-scheme-case": "HTTP 401",
    "key-before-path": "HTTP 401",
}  # fmt: skip


def test_every_case_passes_on_the_gateway_as_emitted(
    gateway: Gateway, keys: tuple[str, str]
) -> None:
    report = run(target(gateway, keys), CASES)
    assert others(report).keys() == SKIPPED | BURNING, others(report)
    found = {each.case.code: each.found for each in report.results}
    assert {code: found[code][: len(text)] for code, text in ANSWERS.items()} == ANSWERS
    # Nothing but what was meant for the engine has reached it, and nothing has died.
    assert {request["options"]["model"] for request in gateway.seen()} == {TOTAL.model.name}
    pod = gateway.real.get("pod", gateway.envoy["metadata"]["name"], SYSTEM)
    assert pod
    states = (*pod["status"]["containerStatuses"], *pod["status"]["initContainerStatuses"])
    assert {each["restartCount"] for each in states} == {0}


def test_what_burns_quota_passes_too(gateway: Gateway, keys: tuple[str, str]) -> None:
    chosen = [case for case in CASES if case.code in BURNING - {"stream-long"}]
    report = run(replace(target(gateway, keys, SMALL), destructive=True, body={}), chosen)
    # The second key's budget is its own.
    assert others(report) == {}
    long = [case for case in CASES if case.code == "stream-long"]
    assert others(run(replace(target(gateway, keys), destructive=True), long)) == {}


# --- mutants ------------------------------------------------------------------------------------

DROP = object()
NOBODY = {"from": "Selector", "selector": {"matchLabels": {"nobody": "has-this"}}}
SECURITY, CLIENT, TRAFFIC = "SecurityPolicy", "ClientTrafficPolicy", "BackendTrafficPolicy"
ROUTE, SERVICE, BACKEND, GATEWAY = "AIGatewayRoute", "AIServiceBackend", "Backend", "Gateway"
RULE = "rateLimit.global.rules.0"
WHO, COST = f"{RULE}.clientSelectors.0.headers", f"{RULE}.cost"
REMOVED = "headers.earlyRequestHeaders.remove"
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
    (CLIENT, "timeout", DROP, "slow-request", "total"),
    (CLIENT, "timeout.http.requestReceivedTimeout", "60s", "slow-request", "total"),
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
    (ROUTE, "rules.0.matches.0.headers.0.type", "RegularExpression", "models-list", "input"),
    (ROUTE, "rules.0.backendRefs", DROP, "key-right", "input"),
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
    (GATEWAY, "listeners.0.allowedRoutes.namespaces", NOBODY, "key-right", "total"),
]  # fmt: skip
# Kind, field, what it becomes, and why no client notices.
SURVIVORS: list[tuple[str, str, Any, str]] = [
    (CLIENT, "headers", DROP, "both headers are set anew: x-user-id by the filter for keys"),
    (CLIENT, REMOVED, ["x-user-id"], "x-ai-eg-model is set anew from the body, by the processor"),
    (CLIENT, REMOVED, ["x-ai-eg-model"], "x-user-id is set anew by the filter for keys"),
    (CLIENT, "http2.initialConnectionWindowSize", DROP, "Envoy gives it back as it reads"),
    (CLIENT, "http2.initialConnectionWindowSize", 100_000, "Envoy gives it back as it reads"),
    (TRAFFIC, "timeout", DROP, "Envoy's own timeout ends five silent minutes"),
    (TRAFFIC, f"{WHO}.1", DROP, "the policy is the model's own already, by its route"),
]


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
        # The processor reads its settings from a mounted Secret.
        gateway.refresh()
        # On new connections: old ones keep the settings that they began with.
        (result,) = run(promised, [case]).results
        return result.found if result.outcome is Outcome.FAILED else ""

    gateway.cluster.apply(changed(ours, field, value), force=True)
    try:
        until("it is caught", failed, PATIENCE)
        # Not for a moment, while something is being changed.
        time.sleep(1)
        assert failed()
    finally:
        gateway.cluster.apply(ours, force=True)
    until("it passes again", lambda: not failed(), PATIENCE)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [survivor[:3] for survivor in SURVIVORS],
    ids=[f"{kind}-{field}-{'dropped' if value is DROP else value}"
         for kind, field, value, _ in SURVIVORS],
)  # fmt: skip
def test_what_no_client_notices_fails_no_case(
    gateway: Gateway, keys: tuple[str, str], kind: str, field: str, value: Any
) -> None:
    (ours,) = (item for item in render(TOTAL, Release()) if item["kind"] == kind)
    gateway.cluster.apply(changed(ours, field, value), force=True)
    # There is nothing to see that could be waited for; others are noticed within 10 s.
    time.sleep(10)
    try:
        assert others(run(target(gateway, keys), CASES)).keys() == SKIPPED | BURNING
    finally:
        gateway.cluster.apply(ours, force=True)
