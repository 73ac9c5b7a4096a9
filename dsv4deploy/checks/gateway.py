"""Rules of the MaaS gateway: its listeners, its buffers, its quotas and tiers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import inf

from ..capacity.points import published_profile
from ..facts.published import Metric, rows
from ..findings import Severity
from ..values.gateway import Quota
from ..values.json import to_json
from ..values.quantities import seconds
from ..values.tree import Values
from .rule import Places, Rule


def _maas(condition: str) -> str:
    """A condition that must hold where the MaaS gateway is on."""
    return f"not Values.maas.enabled or {condition}"


def _created(condition: str) -> str:
    """A condition that must hold where the deployment creates its own Gateway."""
    return _maas(f"not Values.maas.gateway.create or {condition}")


_HEADER = "Values.maas.apiKeys.clientIdHeader"
_RESERVED = (
    # What a request is, where it goes and who asks (RFC 9110, 6265).
    ("accept", "authorization", "content-encoding", "content-type", "cookie", "host", "set-cookie"),
    # How it is framed, hop by hop (RFC 9110, section 7.6.1; RFC 9112).
    ("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding"),
    # What a gateway says of it.
    ("date", "forwarded", "traceparent", "tracestate", "upgrade", "via", "x-request-id"),
)
_OWN = ("proxy-", "x-ai-eg-", "x-envoy-", "x-forwarded-", "x-gateway-")
"""Beginnings of the names of headers that the gateway, or a proxy before it, writes and reads."""

RULES: list[Rule] = [
    Rule(
        code="maas-namespace",
        severity=Severity.ERROR,
        path="maas.namespace",
        condition=_maas('Values.maas.namespace != "envoy-gateway-system"'),
        message="in envoy-gateway-system, the gateway's policies are reported as accepted but are "
        "not enforced: requests without a key succeed, or every request fails with 500",
        fix="set maas.namespace to a separate namespace, such as maas-system",
        source="Alauda AI documentation, MaaS gateway; the 500 is seen in "
        "tests/e2e/test_gateway.py",
    ),
    Rule(
        code="maas-pool-namespace",
        severity=Severity.ERROR,
        path="maas.backend",
        condition=_maas(
            'Values.maas.backend != "InferencePool" or '
            'Values.maas.namespace == Release.Namespace or Values.maas.aiGateway.version != "1.0"'
        ),
        message="Envoy AI Gateway 1.0 looks for the pool in the route's namespace, but the pool is "
        "in the service's namespace: the route is never resolved",
        fix="set maas.namespace to the service's namespace, set maas.aiGateway.version to 1.1 if "
        "the cluster runs that release, or set maas.backend to Service",
        source="Envoy AI Gateway issues 2173 and 2230; pull request 2339, merged after 1.0",
    ),
    Rule(
        code="maas-service-balances-connections",
        severity=Severity.WARNING,
        path="maas.backend",
        condition=_maas(
            'Values.maas.backend == "InferencePool" or '
            "(Values.replicas == 1 and not Values.scaling.enabled)"
        ),
        message="a Service balances connections, not requests: all requests on a connection that "
        "the gateway keeps open reach the same instance, so an instance that starts later receives "
        "few requests",
        fix="set it to InferencePool, so that the router chooses an instance for each request; "
        "rule maas-pool-namespace describes the requirements",
        source="Kubernetes documentation, Virtual IPs and Service Proxies: kube-proxy chooses a "
        "backend for each connection; Envoy 1.38 documentation, Connection pooling: HTTP/1.1 "
        "connections are reused",
    ),
    Rule(
        code="maas-window",
        severity=Severity.ERROR,
        path="maas.bytesPerToken",
        condition=_maas(
            'Values.engine.args["max-model-len"] * Values.maas.bytesPerToken * 2 <= 2147483647'
        ),
        message="max-model-len × bytesPerToken × 2 exceeds the largest HTTP/2 window, 2147483647 "
        "bytes",
        fix="lower maas.bytesPerToken",
        source="RFC 9113, section 6.9.1",
    ),
    Rule(
        code="maas-buffer",
        severity=Severity.ERROR,
        path="maas.bytesPerToken",
        condition=_maas("Values.maas.bytesPerToken >= 5"),
        message="the gateway's buffer is too small for the published prompt (4.9 bytes per token): "
        "such a request is rejected with 413, or hangs with Envoy older than 1.36",
        fix="keep the default, 32, or set it to 24 or more for text that is not English",
        source="Alauda AI documentation, MaaS gateway: 85 KB for 17.5k tokens",
    ),
    Rule(
        code="maas-buffer-escapes",
        severity=Severity.WARNING,
        path="maas.bytesPerToken",
        condition=_maas("Values.maas.bytesPerToken >= 24 or Values.maas.bytesPerToken < 5"),
        message="the gateway rejects a long Chinese prompt that a client escapes as \\uXXXX, "
        "because the prompt takes up to 24 bytes per token",
        fix="keep the default, 32",
        source="RFC 8259, section 7: 6 bytes per character, of which 4 are a token",
    ),
    Rule(
        code="maas-open-ingress",
        severity=Severity.WARNING,
        path="networkPolicy.enabled",
        condition=_maas("Values.networkPolicy.enabled"),
        message="KServe's own ingress and the engine's port do not require a key: anyone who can "
        "reach either of them can bypass keys and quotas",
        fix="set it to true, and list the namespaces that are allowed to connect: "
        "networkPolicy.fromNamespaces",
        source="Alauda AI documentation, MaaS gateway: the internal ingress of KServe has no "
        "authentication",
    ),
    Rule(
        code="maas-plain-http",
        severity=Severity.WARNING,
        path="maas.gateway.tls.enabled",
        condition=_created("Values.maas.gateway.tls.enabled"),
        message="API keys and prompts cross the network as plain text",
        fix="set it to true, unless something in front of the gateway terminates TLS",
        source="RFC 6750, section 5.3: bearer tokens need TLS",
    ),
    Rule(
        code="maas-client-header",
        severity=Severity.ERROR,
        path="maas.apiKeys.clientIdHeader",
        condition=_maas(
            " and ".join(
                [
                    *(f"{_HEADER} not in ({', '.join(map(to_json, row))})" for row in _RESERVED),
                    *(f'not "{each}" in {_HEADER}' for each in _OWN),
                ]
            )
        ),
        message="requests use this header for another purpose, but the gateway replaces the value "
        "that a client sends with the client's ID",
        fix="keep the default, x-user-id, or choose a header that nothing else reads",
        source="Envoy Gateway 1.8.1: earlyRequestHeaders.remove, forwardClientIDHeader; RFC 9110",
    ),
    Rule(
        code="maas-tls-hostname",
        severity=Severity.ERROR,
        path="maas.gateway.hostname",
        condition=_created(
            "not Values.maas.gateway.tls.enabled or not Values.maas.gateway.tls.issuer.name or "
            "Values.maas.gateway.hostname"
        ),
        message="cert-manager issues a certificate only for a listener's hostname, and skips a "
        "listener without a hostname",
        fix="set it to the hostname that clients use",
        source="cert-manager documentation, Annotated Gateway resource",
    ),
    Rule(
        code="maas-tls-port",
        severity=Severity.ERROR,
        path="maas.gateway.tls.port",
        condition=_maas(
            "not Values.maas.gateway.tls.enabled or "
            "Values.maas.gateway.tls.port != Values.maas.gateway.port"
        ),
        message="the HTTP listener and the HTTPS listener use the same port, so both are rejected",
        fix="give each listener its own port, such as 80 and 443",
        source="Gateway API v1.5.1, apis/v1/gateway_types.go, line 103: listeners must be distinct",
    ),
    Rule(
        code="maas-tls-redirect",
        severity=Severity.WARNING,
        path="maas.gateway.port",
        condition=_created(
            "not Values.maas.gateway.tls.enabled or Values.maas.gateway.port == 80 or "
            "Values.maas.gateway.tls.port != 443"
        ),
        message="the HTTP listener redirects to HTTPS but keeps the HTTP port, because Envoy "
        "Gateway omits port 443 from the redirect and Envoy then uses the port of the request",
        fix="set it to 80, or set maas.gateway.tls.port to a port other than 443",
        source="Envoy Gateway 1.8.1, internal/xds/translator/route.go, line 493",
    ),
    Rule(
        code="maas-no-quota",
        severity=Severity.WARNING,
        path="maas.quotas",
        condition=_maas("Values.maas.quotas"),
        message="a single key can use the engine's whole capacity, because nothing limits its "
        "tokens",
        fix="set a quota, such as hour",
        source="Alauda AI documentation, MaaS gateway: what its token limits are for",
    ),
]


@Rule(
    code="maas-timeout",
    severity=Severity.ERROR,
    path="maas.requestTimeout",
    message="the gateway cuts streams after {limit} s, but a published response of 128 tokens "
    "takes {answer} s",
    fix="set it to at least twice that time; the default is 900s",
    source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8): TTFT + 127 × ITL; Envoy AI Gateway "
    "v1.0.0, api/v1alpha1/ai_gateway_route_helper.go, line 15: 60 s by default",
).finder(RULES)
def _request_timeout(values: Values) -> Places:
    allowed = seconds(values.maas.request_timeout)
    published = values.monitoring.published
    longest = (published.ttft_milliseconds + 127 * published.itl_milliseconds) / 1000
    # 0s is no limit, in the Gateway API's words.
    if values.maas.enabled and 0 < allowed < longest:
        yield "", {"limit": f"{allowed:g}", "answer": f"{longest:.0f}"}


_STREAMS = 500  # of a proxy, as the source says


@Rule(
    code="maas-gateway-small",
    severity=Severity.WARNING,
    path="maas.gateway.replicas",
    message="the engines process {requests} requests at once, but the gateway's proxies "
    f"({{proxies}}) carry only {_STREAMS} streams each",
    fix="set it to {wanted} or more",
    source="Alauda AI documentation, MaaS gateway's load test: 2,000 streams on four gateways; "
    "docs/gateway.md: a proxy rejects the 1,025th",
).finder(RULES)
def _proxies(values: Values) -> Places:
    gateway, scaling = values.maas.gateway, values.scaling
    instances = max(values.replicas, scaling.max_replicas if scaling.enabled else 0)
    requests = instances * values.parallelism.data * values.engine.args.max_num_seqs
    # Without a number the class decides, whose own default is one.
    proxies, wanted = max(gateway.replicas, 1), -(-requests // _STREAMS)
    if values.maas.enabled and gateway.create and proxies < wanted:
        yield "", {"requests": requests, "proxies": proxies, "wanted": wanted}


@Rule(
    code="maas-quota-small",
    severity=Severity.WARNING,
    path="maas.quotas",
    message="the longest request uses {longest} tokens, more than the {tokens} tokens of a whole "
    "window",
    fix="raise the quota's tokens to engine.args.max-model-len or more",
    source="Envoy Gateway 1.8.1, api/v1alpha1/ratelimit_types.go, line 117: the cost of a "
    "response is counted after the response",
).finder(RULES)
def _quotas(values: Values) -> Places:
    maas, length = values.maas, values.engine.args.max_model_len
    weight = max(maas.weights.input, maas.weights.output)
    for place, name, quota in _budgets(values):
        longest = length * (weight if quota.count == "weighted" else 1)
        if maas.enabled and quota.count != "output" and quota.tokens < longest:
            yield f"{place}.{name}", {"longest": longest, "tokens": quota.tokens}


def _budgets(values: Values) -> Iterator[tuple[str, str, Quota]]:
    """Each quota of everybody and of the tiers: where it is, its name, and itself."""
    places = {"maas.quotas": values.maas.quotas}
    places |= {f"maas.tiers.{name}.quotas": tier.quotas for name, tier in values.maas.tiers.items()}
    for place, quotas in sorted(places.items()):
        for name, quota in sorted(quotas.items()):
            yield place, name, quota


_WINDOWS = {
    "Second": 1,
    "Minute": 60,
    "Hour": 3600,
    "Day": 86_400,
    "Month": 30 * 86_400,
    "Year": 365 * 86_400,
}
"""Seconds of a quota's window."""


@Rule(
    code="maas-quota-above-capacity",
    severity=Severity.WARNING,
    path="maas.quotas",
    message="one user may spend {tokens} tokens per {unit}, but all instances together process "
    "{made:.0f} according to the best published figure: this quota does not limit any user",
    fix="lower the quota's tokens; with your own figures, `dsv4deploy plan traffic --users 200 "
    "--each 30/h --input-tokens 17920 --goal ttft-p95=10s` shows each user's share",
    source="Alauda AI documentation, docs/en/plan/validated_models: input and output tokens per "
    "second, measured with aiperf 0.7.0",
).finder(RULES)
def _quota_above_capacity(values: Values) -> Places:
    made_by = {
        profile: max(row.figures[Metric.TPS].value for row in group)
        for profile, group in groupby(
            (row for row in rows() if not row.note), lambda row: row.profile
        )
    }
    weight = max(values.maas.weights.input, values.maas.weights.output)
    for place, name, quota in _budgets(values):
        window = _WINDOWS[quota.unit] * values.replicas
        window *= weight if quota.count == "weighted" else 1
        # Most quotas are below what any deployment makes, and need no look-up.
        if values.maas.enabled and quota.tokens > window * min(made_by.values()):
            made = window * made_by.get(published_profile(values), inf)
            if quota.tokens > made:
                facts = {"tokens": quota.tokens, "unit": quota.unit.lower(), "made": made}
                yield f"{place}.{name}", facts


@Rule(
    code="maas-client-in-two-tiers",
    severity=Severity.ERROR,
    path="maas.tiers",
    message="{client} is also in tier {other}, and the budgets of both tiers would count its "
    "tokens",
    fix="keep the client in only one tier",
    source="Envoy Gateway 1.8.1, api/v1alpha1/ratelimit_types.go, line 95: a rule applies where "
    "its selectors match",
).finder(RULES)
def _clients_in_two_tiers(values: Values) -> Places:
    seen: dict[str, str] = {}
    for name, tier in sorted(values.maas.tiers.items()):
        for client in tier.clients:
            if client in seen:
                yield f"maas.tiers.{name}.clients", {"client": client, "other": seen[client]}
            seen[client] = name


@Rule(
    code="maas-tier-too-large",
    severity=Severity.ERROR,
    path="maas.tiers",
    message="these IDs form a pattern of {length} characters, but a rate limit's selector allows "
    "at most 1024",
    fix="split the tier into two tiers with the same budgets, or use shorter IDs",
    source="Envoy Gateway 1.8.1, api/v1alpha1/ratelimit_types.go, line 367: 1024 characters per "
    "header value",
).finder(RULES)
def _tier_too_large(values: Values) -> Places:
    for name, tier in sorted(values.maas.tiers.items()):
        # With ^( and )$ around the ids.
        length = len("|".join(tier.clients).replace(".", "[.]")) + 4
        if length > 1024:
            yield f"maas.tiers.{name}.clients", {"length": length}
