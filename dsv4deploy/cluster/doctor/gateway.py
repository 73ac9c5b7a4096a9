"""Whether the MaaS gateway asks for keys, counts tokens and takes this model's prompts."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...errors import command
from ...findings import Severity
from ...values.gateway import Maas
from ..client import Object
from ..keys import listed
from .facts import GATEWAY_API, Facts, amount
from .registry import Answers, Checks, gateway_programmed, kinds_served

CHECKS = Checks()


def _off(facts: Facts) -> str:
    return "" if facts.values.maas.enabled else "maas.enabled is false"


def _unlimited(facts: Facts) -> str:
    maas = facts.values.maas
    return "" if maas.quotas or maas.tiers else "maas.quotas and maas.tiers are empty"


def _own_gateway(facts: Facts) -> str:
    return "maas.gateway.create is true" if facts.values.maas.gateway.create else ""


_POLICIES = "gateway.envoyproxy.io/v1alpha1"


@CHECKS.add("maas-kinds", "the kinds of the gateway's objects exist", _off)
def _maas_kinds(facts: Facts) -> Answers:
    wanted: dict[str, list[str]] = {}
    for item in facts.objects:
        if re.search(r"gateway\.", item["apiVersion"]):
            wanted.setdefault(item["apiVersion"], []).append(item["kind"])
    kinds = {api: tuple(dict.fromkeys(names)) for api, names in wanted.items()}
    yield from kinds_served(
        facts, kinds, "install Envoy Gateway 1.8 and Envoy AI Gateway 1.0, including their CRDs"
    )


@CHECKS.add("maas-gateway", "the MaaS gateway's class, or the gateway itself, exists", _off)
def _maas_gateway(facts: Facts) -> Answers:
    maas = facts.values.maas
    if not maas.gateway.create:
        fix = "first deploy the service that creates it, or set maas.gateway.create to true"
        yield from gateway_programmed(facts, maas.namespace, maas.gateway.name, fix)
    elif not facts.cluster.get(GATEWAY_API, "GatewayClass", maas.gateway.class_name):
        yield (
            Severity.ERROR,
            f"there is no GatewayClass {maas.gateway.class_name}",
            "set maas.gateway.className to a class that `kubectl get gatewayclass` lists",
        )


@CHECKS.add("api-keys", "the Secret of the API keys contains bare keys only", _off)
def _api_keys(facts: Facts) -> Answers:
    maas = facts.values.maas
    name = maas.api_keys.secret_name
    found = facts.cluster.get("v1", "Secret", name, maas.namespace)
    if not found:
        yield (
            Severity.ERROR,
            f"Secret {maas.namespace}/{name} does not exist, so every request is rejected",
            "create the Secret with each client's ID and bare key",
        )
        return
    keys = {
        client: base64.b64decode(text).decode(errors="replace")
        for client, text in (found.get("data") or {}).items()
    }
    if not keys:
        yield Severity.ERROR, f"Secret {name} contains no keys", "add a client's ID and key"
    for client, key in sorted(keys.items()):
        # The key itself is never said.
        if key.lower().startswith("bearer"):
            yield (
                Severity.ERROR,
                f"{client}'s key begins with Bearer, so its requests always get status 401",
                "store the bare key, because the gateway removes the word Bearer itself",
            )
        elif not key or key != key.strip() or len(key.split()) > 1:
            yield (
                Severity.ERROR,
                f"{client}'s key is empty, or contains whitespace or a line break",
                "store it with `printf %s`, which adds no line break",
            )
    if len(set(keys.values())) < len(keys):
        yield (
            Severity.ERROR,
            f"two clients of Secret {name} have the same key",
            "give each client its own key",
        )
    now = datetime.now(UTC)
    for known in listed(found):
        if known.expired(now):
            yield (
                Severity.WARNING,
                f"{known.client}'s key has expired, but is still accepted",
                f"run {command('dsv4deploy', 'keys', 'rotate', known.client)}, or revoke the key",
            )
    yield from _tiers(maas, keys.keys())


def _tiers(maas: Maas, clients: Collection[str]) -> Answers:
    """Clients without a key, and keys without a budget."""
    placed = {client: name for name, tier in maas.tiers.items() for client in tier.clients}
    for client, name in sorted(placed.items()):
        if client not in clients:
            yield (
                Severity.WARNING,
                f"tier {name} names {client}, which has no key",
                f"run {command('dsv4deploy', 'keys', 'create', client)}, or remove the client from "
                "maas.tiers",
            )
    free = sorted(set(clients) - placed.keys())
    if placed and not maas.quotas and free:
        yield (
            Severity.WARNING,
            f"no quota limits {', '.join(free)}: no tier contains them, and maas.quotas is empty",
            "add them to a tier, or set maas.quotas for all clients without a tier",
        )


_CONFIGURATION = "ConfigMap envoy-gateway-system/envoy-gateway-config"


@CHECKS.add("redis", "Envoy Gateway counts tokens in Redis", _off, _unlimited)
def _redis(facts: Facts) -> Answers:
    found = facts.envoy_gateway.redis if facts.envoy_gateway else ()
    if not found:
        yield (
            Severity.ERROR,
            "Envoy Gateway's configuration names no Redis, so quotas are not enforced",
            f"set rateLimit.backend.redis.url in {_CONFIGURATION}, and make sure that Envoy "
            "Gateway creates the Deployment envoy-ratelimit",
        )
    for address in found:
        # To Go's URLs what stands before a colon is a scheme, which begins with a letter.
        if ":" in address and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address):
            yield (
                Severity.ERROR,
                f"Envoy Gateway cannot parse the Redis address {address}, and fails to start",
                f"specify Redis by a host name, such as redis.redis.svc:6379, in {_CONFIGURATION}",
            )


# Envoy Gateway issue 6487: with the default of 20 ms a slow Redis is a bypass that nobody sees.
_NOT_FOUND = "Envoy Gateway's configuration was not found in namespace envoy-gateway-system"


@CHECKS.add("redis-absence", "without Redis, requests are rejected, not accepted", _off, _unlimited)
def _fail_closed(facts: Facts) -> Answers:
    found = facts.envoy_gateway
    if not found:
        yield Severity.UNKNOWN, _NOT_FOUND, ""
        return
    outage = f"if Redis is unavailable, or takes longer than {found.seconds * 1000:g} ms,"
    if found.closed:
        yield Severity.OK, f"{outage} requests are rejected, not accepted", ""
    else:
        yield (
            Severity.WARNING,
            f"{outage} the gateway accepts every request without counting it",
            "if quotas are more important than availability, set rateLimit.failClosed to true in "
            "Envoy Gateway's configuration, and rateLimit.timeout to the time that Redis needs",
        )


# Envoy AI Gateway 1.0.0 puts its processor before the first of some filters; responseOverride's is
# the listener's very first one, so the processor comes before the key check.
@CHECKS.add(
    "response-override", "no policy puts the AI Gateway's processor before the key check", _off
)
def _response_override(facts: Facts) -> Answers:
    kind, place = "BackendTrafficPolicy", facts.values.maas.namespace
    for item in facts.every(_POLICIES, kind, place):
        if item["spec"].get("responseOverride"):
            yield (
                Severity.ERROR,
                f"{kind} {place}/{item['metadata']['name']} sets responseOverride, so the "
                "gateway lists its models, and parses requests, without requiring a key",
                "remove this field, or use a separate Gateway for the policy's route",
            )


@CHECKS.add("one-policy", "no other policy targets the gateway or its route", _off)
def _one_policy(facts: Facts) -> Answers:
    own = {
        (item["kind"], item["metadata"]["name"]): set(_targets(facts, item))
        for item in facts.objects
        if item["apiVersion"] == _POLICIES and "targetRefs" in item["spec"]
    }
    for (kind, name), targets in own.items():
        for other in facts.every(_POLICIES, kind, facts.values.maas.namespace):
            shared = sorted(targets & set(_targets(facts, other)))
            if shared and other["metadata"]["name"] != name:
                yield (
                    Severity.ERROR,
                    f"{kind} {other['metadata']['name']} also sets {shared[0][1]}: the older "
                    "policy applies, and the newer one has no effect",
                    "merge the two policies",
                )


def _targets(facts: Facts, policy: Object) -> Iterator[tuple[str, str]]:
    """The kinds and names of the Gateways and HTTPRoutes beside a policy that it is for."""
    spec = policy["spec"]
    for each in [*(spec.get("targetRefs") or []), *filter(None, [spec.get("targetRef")])]:
        yield each["kind"], each["name"]
    for each in spec.get("targetSelectors") or []:
        if each["kind"] in ("Gateway", "HTTPRoute"):
            place, wanted = policy["metadata"]["namespace"], _selector(each)
            for item in facts.every(GATEWAY_API, each["kind"], place, wanted):
                yield each["kind"], item["metadata"]["name"]


def _selector(terms: Mapping[str, Any]) -> str:
    """A selector by labels as lists of the API take it."""
    wanted = [f"{key}={text}" for key, text in (terms.get("matchLabels") or {}).items()]
    for term in terms.get("matchExpressions") or []:
        key, operator, among = term["key"], term["operator"], ",".join(term.get("values") or [])
        bare = {"Exists": key, "DoesNotExist": f"!{key}"}
        wanted.append(bare.get(operator, f"{key} {operator.lower()} ({among})"))
    return ",".join(wanted)


# Envoy Gateway 1.8.1 takes the most specific SecurityPolicy alone, unless that one has mergeType.
@CHECKS.add(
    "key-check", "no policy removes the key check from the gateway or one of its routes", _off
)
def _key_check(facts: Facts) -> Answers:
    maas = facts.values.maas
    # The AI Gateway's controller gives this model's route the service's name.
    guarded = {("Gateway", maas.gateway.name), ("HTTPRoute", facts.values.name)}
    for route in facts.every(GATEWAY_API, "HTTPRoute", maas.namespace):
        for parent in route["spec"].get("parentRefs") or []:
            place = parent.get("namespace", maas.namespace)
            if (place, parent["name"]) == (maas.namespace, maas.gateway.name):
                guarded.add(("HTTPRoute", route["metadata"]["name"]))
    for policy in facts.every(_POLICIES, "SecurityPolicy", maas.namespace):
        if "apiKeyAuth" in policy["spec"] or policy["spec"].get("mergeType"):
            continue
        for kind, name in sorted(guarded & set(_targets(facts, policy))):
            yield (
                Severity.ERROR,
                f"SecurityPolicy {maas.namespace}/{policy['metadata']['name']} replaces the key "
                f"check for {kind} {name}, which therefore requires no key",
                "set the policy's mergeType to StrategicMerge if it targets a route; otherwise "
                "remove it",
            )


# What Envoy Gateway 1.8.1 sets where a ClientTrafficPolicy says nothing, and how many times the
# longest prompt each must hold.
_ROOM = (
    ("connection", "bufferLimit", "32Ki", 1),
    ("http2", "initialStreamWindowSize", "64Ki", 1),
    ("http2", "initialConnectionWindowSize", "1Mi", 2),
)


@CHECKS.add(
    "prompt-size",
    "another deployment's gateway accepts this model's prompts",
    _off,
    _own_gateway,
)
def _prompt_size(facts: Facts) -> Answers:
    maas = facts.values.maas
    longest = facts.values.engine.args.max_model_len * maas.bytes_per_token
    target = ("Gateway", maas.gateway.name)
    policies = facts.every(_POLICIES, "ClientTrafficPolicy", maas.namespace)
    found = [each["spec"] for each in policies if target in _targets(facts, each)]
    for spec in found or [{}]:
        for section, field, default, times in _ROOM:
            room = amount((spec.get(section) or {}).get(field, default))
            if room < times * longest:
                yield (
                    Severity.ERROR,
                    f"Gateway {maas.gateway.name} sets {section}.{field} to {room:.0f}, but "
                    f"max-model-len × maas.bytesPerToken of this model needs {times * longest}, so "
                    "longer prompts are rejected with status 413",
                    "raise maas.bytesPerToken of the deployment that creates the Gateway, or give "
                    "this one its own with maas.gateway.create and maas.gateway.name",
                )
