"""The MaaS gateway's promises, over real HTTP through a real Envoy.

The objects are those that dsv4deploy renders, unchanged; :mod:`gateway` says what runs.
Times are scaled down where a test would have to wait: BRIEF cuts after 2 s what CHAT lets go on.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import ssl
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import pytest
from cluster.nodes import Cluster, Tree
from cluster.stack import PATIENCE, SYSTEM
from control_plane import certificate, until
from gateway import Gateway, handed_out, listens
from streams import Stream, stream

from dsv4deploy import Release, Values, load
from dsv4deploy.cluster.doctor import CHECKS
from dsv4deploy.cluster.doctor.facts import Facts
from dsv4deploy.cluster.keys import KeySecret, create, revoke, rotate
from dsv4deploy.manifest.render import render


def deployment(name: str, **maas: Any) -> Values:
    """A deployment, and model, behind the Gateway."""
    return load({"name": name, "model": {"name": name}, "maas": {"enabled": True, **maas}})


def tokens(number: int, unit: str, count: str) -> Tree:
    return {"tokens": number, "unit": unit, "count": count}


SHARED = {"create": False}
CHAT = deployment("chat", gateway={"accessLog": {"enabled": True}})
SMALL = deployment(
    "small", gateway=SHARED, quotas={"hour": None, "day": tokens(100, "Day", "total")}
)
BRIEF = deployment("brief", gateway=SHARED, requestTimeout="2s")
# Three windows at once, and a tier. Days and longer: a test may run at the edge of an hour.
TIERED = deployment(
    "tiered",
    gateway=SHARED,
    weights={"input": 1, "output": 4},
    quotas={
        "hour": None,
        "day": tokens(100, "Day", "output"),
        "month": tokens(1000, "Month", "weighted"),
        "year": tokens(500, "Year", "input"),
    },
    tiers={
        "gold": {"clients": ["gold.one"], "quotas": {"day": tokens(1000, "Day", "total")}},
    },
)
SECURE = deployment(
    "secure",
    namespace="secure-system",
    gateway={"name": "secure", "tls": {"enabled": True}, "receiveTimeout": "2s"},
)

LITTLE = {"requests": {"cpu": "10m", "memory": "64Mi"}}
MANY = deployment(
    "many",
    namespace="many-system",
    gateway={"name": "many", "replicas": 4, "resources": LITTLE},
)

# Seconds that a busy machine may add to a time that Envoy keeps.
MARGIN = 12

User = tuple[str, str]
"""A client's id and key."""


@pytest.fixture(scope="module")
def gateway(real: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    deployments = [CHAT, SMALL, BRIEF, TIERED, SECURE, MANY]
    with Gateway(real, tmp_path_factory.mktemp("gateway"), deployments) as running:
        handed_out(create, place(running), ["first"], None, datetime.now(UTC))
        # Until then the policy has no keys to look for, and all is 500.
        until("keys are asked for", lambda: ask(running).status_code == 401)
        yield running


def place(gateway: Gateway, values: Values = CHAT) -> KeySecret:
    """Where a Gateway's keys are."""
    return KeySecret(gateway.cluster, values.maas.namespace, values.maas.api_keys.secret_name)


def new(gateway: Gateway, name: str = "") -> User:
    """A new client, whose key the gateway knows."""
    name = name or f"user-{uuid.uuid4().hex[:8]}"
    key = handed_out(create, place(gateway), [name], None, datetime.now(UTC))
    until("the key is taken", lambda: knows(gateway, f"Bearer {key}"))
    return name, key


@pytest.fixture
def user(gateway: Gateway) -> User:
    return new(gateway)


@pytest.fixture
def counted(gateway: Gateway) -> Iterator[None]:
    """Fails a test whose quotas were not looked at: a limit that is passed open looks like none."""
    before = unlimited(gateway)
    yield
    assert unlimited(gateway) == before


def unlimited(gateway: Gateway) -> float:
    """How often the rate limit service gave no answer, or a request went on without one."""
    return sum(gateway.stats(r"^envoy_cluster_ratelimit_(error|failure_mode_allowed)").values())


def cut(gateway: Gateway, model: str) -> float:
    """How many streams have ended without their last chunk, as the alert StreamsCut counts them."""
    rules = render(
        load({"name": model, "maas": {"enabled": True}, "monitoring": {"enabled": True}})
    )
    text = json.dumps([item for item in rules if item["kind"] == "PrometheusRule"])
    (route,) = set(re.findall(r'envoy_cluster_name=~\\"([^"\\]+)', text))
    figures = gateway.stats(
        rf'^envoy_cluster_upstream_(cx_destroy_remote_with_active_rq|rq_timeout).+"{route}"'
    )
    return sum(figures.values())


def knows(gateway: Gateway, authorization: str) -> bool:
    """Whether a key comes in: keys are looked at before models, which are free to name."""
    headers = {"Authorization": authorization} if authorization else {}
    status = ask(gateway, headers=headers, model="no-such-model").status_code
    assert status in (401, 404)
    return status == 404


def body(model: str = "chat", text: str = "Hello", **more: Any) -> Tree:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def ask(
    gateway: Gateway,
    user: User | None = None,
    headers: dict[str, str] | None = None,
    http2: bool = False,
    **options: Any,
) -> httpx.Response:
    """One request of a user, or with headers of its own."""
    sent = {"Authorization": f"Bearer {user[1]}"} if user else {}
    with httpx.Client(http1=not http2, http2=http2, timeout=60) as client:
        url = f"{gateway.url}/v1/chat/completions"
        return client.post(url, json=body(**options), headers={**sent, **(headers or {})})


def usage(answer: httpx.Response) -> int:
    """The tokens that an answer, streamed or not, says it took."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    chunks = [json.loads(line) for line in lines if line != "[DONE]"]
    return sum((chunk.get("usage") or {}).get("total_tokens", 0) for chunk in chunks)


def charged(gateway: Gateway, user: User, model: str = "chat") -> int:
    """The tokens that Redis holds against a user, for a model with one quota."""
    return sum(n for key, n in gateway.charged(user[0]).items() if f"/{model}/" in key)


def reached(gateway: Gateway, user: User) -> list[Tree]:
    """A user's requests, as the model server got them."""
    return [each for each in gateway.seen() if ["x-user-id", user[0]] in each["headers"]]


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "comes_in"),
    [
        ("", False),
        ("Bearer wrong", False),
        ("Bearer KEY", True),
        ("KEY", True),
        ("bearer KEY", False),
        ("Bearer  KEY", False),
        ("Basic KEY", False),
    ],
)
def test_only_a_right_key_as_bearer_or_bare_comes_in(
    gateway: Gateway, user: User, authorization: str, comes_in: bool
) -> None:
    assert knows(gateway, authorization.replace("KEY", user[1])) == comes_in


def test_who_has_a_key_is_answered(gateway: Gateway, user: User) -> None:
    assert ask(gateway, user).json()["usage"]["completion_tokens"] == 16
    assert ask(gateway).status_code == 401


def test_a_key_stored_with_its_prefix_opens_nothing(gateway: Gateway, user: User) -> None:
    keys = place(gateway)
    secret = gateway.cluster.get("v1", "Secret", keys.name, keys.namespace)
    assert secret
    secret["data"]["prefixed"] = base64.b64encode(b"Bearer sk-prefixed").decode()
    gateway.cluster.replace(secret)
    until("the gateway has read it", lambda: knows(gateway, "Bearer Bearer sk-prefixed"))
    assert not knows(gateway, "Bearer sk-prefixed")
    assert not knows(gateway, "sk-prefixed")


def test_a_rotated_key_takes_the_old_ones_place_and_a_revoked_one_is_out(
    gateway: Gateway, user: User
) -> None:
    other, old = new(gateway)
    key = handed_out(rotate, place(gateway), other, None, datetime.now(UTC))
    until("the new key is taken", lambda: knows(gateway, f"Bearer {key}"))
    assert not knows(gateway, f"Bearer {old}")
    revoke(place(gateway), other)
    until("the key is out", lambda: not knows(gateway, f"Bearer {key}"))
    assert knows(gateway, f"Bearer {user[1]}")


def test_headers_that_a_client_makes_up_change_nothing(gateway: Gateway, user: User) -> None:
    other = new(gateway)
    made_up = {"x-user-id": other[0], "x-ai-eg-model": "small"}
    assert ask(gateway, user, made_up).status_code == 200
    (request,) = reached(gateway, user)
    got = {name: [text for each, text in request["headers"] if each == name] for name in made_up}
    assert got == {"x-user-id": [user[0]], "x-ai-eg-model": ["chat"]}
    assert "authorization" not in dict(request["headers"])
    assert request["options"]["model"] == "chat"
    assert not gateway.charged(other[0])


def test_every_route_of_the_gateway_asks_for_a_key(gateway: Gateway, user: User) -> None:
    maas = CHAT.maas
    backend = {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": CHAT.name}
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "of-somebody-else", "namespace": maas.namespace},
        "spec": {
            "parentRefs": [{"name": maas.gateway.name}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/seen"}}],
                    "backendRefs": [backend],
                }
            ],
        },
    }
    gateway.cluster.apply(route)
    headers = {"Authorization": f"Bearer {user[1]}"}

    def status(path: str, **options: Any) -> int:
        return httpx.get(f"{gateway.url}{path}", **options).status_code

    until("the route is there", lambda: status("/seen", headers=headers) == 200)
    assert status("/seen") == 401
    assert status("/seen", headers={"x-user-id": user[0]}) == 401
    gateway.cluster.delete(route)
    assert status("/v1/models") == 401
    assert status("/v1/models", headers=headers) == 200


def test_a_policy_of_routes_own_asks_for_no_key_unless_it_is_merged(
    gateway: Gateway, user: User
) -> None:
    policy: Tree = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "SecurityPolicy",
        "metadata": {"name": "of-somebody-else", "namespace": CHAT.maas.namespace},
        "spec": {
            # All routes: which one a request takes is not known when keys are asked for.
            "targetSelectors": [{"kind": "HTTPRoute"}],
            "cors": {"allowOrigins": ["https://chat.example.com"]},
        },
    }

    def found() -> list[str]:
        facts = Facts(gateway.cluster, CHAT, Release())
        return [message for _, message, _ in CHECKS["key-check"].ask(facts)]

    assert found() == []
    gateway.cluster.apply(policy)
    until("it holds", lambda: ask(gateway).status_code == 200)
    assert "for HTTPRoute chat, which therefore requires no key" in " ".join(found())
    policy["spec"]["mergeType"] = "StrategicMerge"
    gateway.cluster.apply(policy)
    until("it is merged", lambda: ask(gateway).status_code == 401)
    assert ask(gateway, user).status_code == 200
    assert found() == []
    gateway.cluster.delete(policy)


def test_the_access_log_says_who_used_what_and_no_key(gateway: Gateway, user: User) -> None:
    answer = ask(gateway, user, stream=True)
    where = (gateway.envoy["metadata"]["name"], "-n", SYSTEM, "-c", "envoy")

    def text() -> str:
        return gateway.real.kubectl("logs", *where)

    def lines() -> list[Tree]:
        found = [json.loads(line) for line in text().splitlines() if line[:1] == "{"]
        return [line for line in found if line["user"] == user[0] and line["total_tokens"]]

    (line,) = until("the request is logged", lines)
    assert (line["model"], line["path"]) == ("chat", "/v1/chat/completions")
    assert (line["output_tokens"], line["total_tokens"]) == (16, usage(answer))
    assert user[1] not in text()


@pytest.mark.parametrize("path", ["/seen", "/metrics", "/invocations", "/v1/load_lora_adapter"])
def test_the_engine_s_other_endpoints_are_out_of_reach(
    gateway: Gateway, user: User, path: str
) -> None:
    headers = {"Authorization": f"Bearer {user[1]}", "x-ai-eg-model": "chat"}
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{gateway.url}{path}", headers=headers, json=body())
        assert answer.status_code == 404
    assert not reached(gateway, user)


def test_monitoring_and_network_policy_pick_the_proxy_and_find_its_figures(
    gateway: Gateway, user: User
) -> None:
    on = {"enabled": True}
    rendered = render(
        load(
            {
                "maas": on,
                "monitoring": {**on, "proxies": on},
                "networkPolicy": on,
            }
        ),
        Release(),
    )
    pod = gateway.envoy
    labels, spec = pod["metadata"]["labels"], pod["spec"]
    (monitor,) = (item["spec"] for item in rendered if item["metadata"]["name"] == "maas-proxies")
    (policy,) = (item["spec"] for item in rendered if item["kind"] == "NetworkPolicy")
    assert monitor["namespaceSelector"]["matchNames"] == [pod["metadata"]["namespace"]]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    peers = [peer for rule in policy["ingress"] for peer in rule["from"]]
    (proxies,) = (peer for peer in peers if peer.keys() == {"namespaceSelector", "podSelector"})
    assert proxies["podSelector"]["matchLabels"].items() <= labels.items()
    assert ask(gateway, user).status_code == 200
    ports = {
        port["name"]: port["containerPort"]
        for container in (*spec["initContainers"], *spec["containers"])
        for port in container.get("ports", [])
    }

    def metrics() -> str:
        return "".join(
            httpx.get(f"http://{gateway.address}:{ports[each['port']]}{each['path']}").text
            for each in monitor["podMetricsEndpoints"]
        )

    text = metrics()
    assert "envoy_cluster_ratelimit_ok{" in text
    assert 'envoy_http_downstream_rq_xx{envoy_response_code_class="5"' in text
    ask(gateway, user, stream=True)
    assert re.search(
        r"^gen_ai_server_time_to_first_token_seconds_sum\{.*gen_ai_request_model=\"chat\"",
        metrics(),
        re.MULTILINE,
    )
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith("gen_ai_client_token_usage_sum")
        and f'user_id="{user[0]}"' in line
        and 'gen_ai_token_type="output"' in line
    )
    assert 'gen_ai_request_model="chat"' in line
    assert float(line.rpartition(" ")[2]) == 16


# --- quotas ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("counted")
def test_over_its_quota_a_user_is_refused_and_another_is_not(gateway: Gateway, user: User) -> None:
    size = {"model": "small", "max_tokens": 60, "metadata": {"prompt": "20"}}
    for spent in (80, 160):  # the second one passes the limit of 100, and is the last
        assert ask(gateway, user, **size).status_code == 200
        until("it is charged", lambda spent=spent: charged(gateway, user, "small") == spent)
    refused = ask(gateway, user, **size)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["x-ratelimit-reset"]) <= 86_400
    for name in ({"x-user-id": "somebody"}, {"x-ai-eg-model": "chat"}):
        assert ask(gateway, user, name, **size).status_code == 429
    assert ask(gateway, new(gateway), **size).status_code == 200
    assert ask(gateway, user).status_code == 200  # another model has a quota of its own
    assert charged(gateway, user, "small") == 160


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"stream": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": {"include_usage": False}},
    ],
)
def test_what_is_charged_is_what_the_engine_reported(
    gateway: Gateway, user: User, asked: Tree
) -> None:
    answers = [ask(gateway, user, max_tokens=tokens, **asked) for tokens in (3, 40)]
    reported = sum(request["usage"]["total_tokens"] for request in reached(gateway, user))
    assert reported == sum(map(usage, answers)) > 43
    until("both are charged", lambda: charged(gateway, user) == reported)
    for request in reached(gateway, user):
        # Clients that did not ask for a report get one: without it nothing could be charged.
        assert request["options"].get("stream_options", {}).get("include_usage") == (
            True if asked else None
        )


@pytest.mark.usefixtures("counted")
def test_who_hangs_up_before_the_end_is_charged_nothing(gateway: Gateway, user: User) -> None:
    request = body(stream=True, max_tokens=500, metadata={"itl": "0.02", "prompt": "1000"})
    headers = {"Authorization": f"Bearer {user[1]}"}
    url = f"{gateway.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=request, headers=headers) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(9)]
    (request,) = until(
        "the engine hears of it",
        lambda: [each for each in reached(gateway, user) if each["left"]],
    )
    assert 4 < request["sent"] < 500
    assert ask(gateway, user).status_code == 200
    until("what came after is charged", lambda: charged(gateway, user) == 17)


@pytest.mark.usefixtures("counted")
def test_requests_that_run_at_once_may_overdraw_and_the_next_is_refused(
    gateway: Gateway, user: User
) -> None:
    size = {"model": "small", "max_tokens": 60, "metadata": {"ttft": "1"}}

    async def five() -> list[Stream]:
        async with aiohttp.ClientSession() as session:
            asked = [stream(session, gateway.url, user[1], body(**size)) for _ in range(5)]
            return await asyncio.gather(*asked)

    assert [each.usage for each in asyncio.run(five())] == [61] * 5
    until("all are charged", lambda: charged(gateway, user, "small") == 305)
    assert ask(gateway, user, **size).status_code == 429


@pytest.mark.usefixtures("counted")
def test_all_windows_count_at_once_each_in_its_own_tokens(gateway: Gateway, user: User) -> None:
    size = {"model": "tiered", "max_tokens": 60, "metadata": {"prompt": "20"}}
    assert ask(gateway, user, **size).status_code == 200
    spent = [20, 60, 20 + 4 * 60]
    until("all are charged", lambda: sorted(gateway.charged(user[0]).values()) == spent)
    assert ask(gateway, user, **size).status_code == 200
    until("all are charged", lambda: max(gateway.charged(user[0]).values()) == 2 * spent[2])
    assert ask(gateway, user, **size).status_code == 429  # 120 of 100 tokens of the answer


@pytest.mark.usefixtures("counted")
def test_who_stands_in_a_tier_has_its_budget_and_no_other(gateway: Gateway) -> None:
    gold = new(gateway, "gold.one")
    size = {"model": "tiered", "max_tokens": 300, "metadata": {"prompt": "300"}}
    for spent in (600, 1200):
        assert ask(gateway, gold, **size).status_code == 200
        until("it is charged", lambda spent=spent: charged(gateway, gold, "tiered") == spent)
    assert len(gateway.charged("gold.one")) == 1
    assert ask(gateway, gold, **size).status_code == 429


# --- long prompts and long answers ------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("size", [85_000, 1_000_000])
def test_long_prompts_come_through(gateway: Gateway, user: User, size: int, http2: bool) -> None:
    assert ask(gateway, user, http2=http2, text="x" * size).status_code == 200
    assert reached(gateway, user)[-1]["bytes"] > size


def test_a_prompt_above_the_limit_is_refused_at_once(gateway: Gateway, user: User) -> None:
    limit = CHAT.engine.args.max_model_len * CHAT.maas.bytes_per_token
    assert ask(gateway, user, text="x" * limit).status_code == 413
    assert not reached(gateway, user)


def test_without_the_policy_long_prompts_are_refused(gateway: Gateway, user: User) -> None:
    rendered = render(CHAT, Release())
    (policy,) = (item for item in rendered if item["kind"] == "ClientTrafficPolicy")
    gateway.cluster.delete(policy)

    def refused(size: int, http2: bool) -> bool:
        return ask(gateway, user, http2=http2, text="x" * size).status_code == 413

    until("the default holds", lambda: refused(85_000, False))
    assert not refused(30_000, False)
    assert refused(85_000, True)
    assert refused(1_000_000, False)
    gateway.cluster.apply(policy)
    until("ours holds", lambda: not refused(85_000, False))
    until("ours holds for HTTP/2", lambda: not refused(85_000, True))


def test_a_stream_is_cut_at_the_route_s_time_and_not_before(gateway: Gateway, user: User) -> None:
    size = {"stream": True, "max_tokens": 30, "metadata": {"itl": "0.1"}}
    before = cut(gateway, "brief")
    with pytest.raises(httpx.RemoteProtocolError):
        ask(gateway, user, model="brief", **size)
    assert cut(gateway, "brief") == before + 1
    assert reached(gateway, user)[-1]["sent"] < 30
    assert usage(ask(gateway, user, **size)) == 31
    assert ask(gateway, user, model="brief", metadata={"ttft": "3"}).status_code == 504


# --- what goes wrong --------------------------------------------------------------------------


def test_without_an_engine_the_service_is_unavailable(gateway: Gateway, user: User) -> None:
    gateway.stop_model()
    for streamed in (False, True):
        assert ask(gateway, user, stream=streamed).status_code == 503
    gateway.start_model()
    until("it is back", lambda: ask(gateway, user).status_code == 200)


def test_an_engine_that_dies_is_asked_once_whatever_a_policy_of_the_gateway_s_says(
    gateway: Gateway, user: User
) -> None:
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "maas"}
    (ours,) = (item for item in render(CHAT, Release()) if item["kind"] == "BackendTrafficPolicy")
    retrying = {
        **ours,
        "metadata": {**ours["metadata"], "name": "retrying"},
        "spec": {
            "targetRefs": [target],
            "retry": {"numRetries": 2, "retryOn": {"triggers": ["reset"]}},
        },
    }

    def asked(tokens: int) -> int:
        """How often the engine is asked for a stream that it breaks off after some tokens."""
        before = len(reached(gateway, user))
        # A reset may overtake what was sent just before it: time between tokens lets some arrive.
        how = {"reset": str(tokens), "itl": "0.1"}
        with suppress(httpx.RemoteProtocolError):
            ask(gateway, user, stream=True, metadata=how)
        return len(reached(gateway, user)) - before

    gateway.cluster.apply(retrying)
    gateway.cluster.delete(ours)
    until("the other policy holds", lambda: asked(0) == 3)
    gateway.cluster.apply(ours)
    until("ours holds", lambda: asked(0) == 1)
    before = cut(gateway, "chat")
    assert asked(3) == 1
    assert cut(gateway, "chat") == before + 1
    assert reached(gateway, user)[-1]["sent"] == 3
    gateway.cluster.delete(retrying)
    assert asked(0) == 1


def test_without_redis_nobody_is_counted_until_it_is_back(gateway: Gateway, user: User) -> None:
    size = {"model": "small", "max_tokens": 60, "metadata": {"prompt": "50"}}
    before = unlimited(gateway)
    with gateway.without_redis():
        for _ in range(3):
            answer = ask(gateway, user, **size)
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < PATIENCE + MARGIN
        assert unlimited(gateway) > before
    until("quotas count again", lambda: ask(gateway, user, **size).status_code == 429)
    assert charged(gateway, user, "small") > 100


def test_a_redis_that_hangs_lets_requests_pass_after_the_timeout(
    gateway: Gateway, user: User
) -> None:
    before = unlimited(gateway)
    with gateway.asleep("redis"):
        answer = ask(gateway, user)
    assert answer.status_code == 200
    assert PATIENCE <= answer.elapsed.total_seconds() < PATIENCE + MARGIN
    assert unlimited(gateway) > before


def test_without_controllers_the_proxy_goes_on(gateway: Gateway, user: User) -> None:
    with gateway.asleep("envoy-gateway", "ai-gateway-controller"):
        assert ask(gateway, user).status_code == 200
        assert not knows(gateway, "Bearer wrong")


def test_a_gateway_that_fails_closed_answers_nobody_without_redis(
    gateway: Gateway, user: User
) -> None:
    with gateway.configured({"rateLimit": {"failClosed": True}}):
        with gateway.without_redis():
            until("it is closed", lambda: ask(gateway, user).status_code == 500)
        until("it is open", lambda: ask(gateway, user).status_code == 200)


def post(key: str, content: bytes, *headers: str) -> bytes:
    """A request's bytes."""
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: maas", "Connection: close"]
    lines += [f"Authorization: Bearer {key}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


def test_clients_that_stop_half_way_keep_nobody_waiting(gateway: Gateway, user: User) -> None:
    request = post(user[1], json.dumps(body()).encode())
    halves = [request[:40], request[:-10], b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    address = (gateway.address, 10080)
    held = [socket.create_connection(address) for _ in range(400)]
    for number, connection in enumerate(held):
        connection.sendall(halves[number % len(halves)])
    assert ask(gateway, user).status_code == 200
    # Who goes on in the end is answered.
    held[1].sendall(request[-10:])
    assert b"200 OK" in held[1].makefile("rb").readline()
    for connection in held:
        connection.close()
    assert ask(gateway, user).status_code == 200


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the proxy of a Gateway of its own, with TLS."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate(folder)
    data = {
        name: base64.b64encode((folder / name).read_bytes()).decode()
        for name in ("tls.crt", "tls.key")
    }
    meta = {"name": SECURE.maas.gateway.tls.secret_name, "namespace": SECURE.maas.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls"}
    gateway.cluster.apply({**secret, "data": data})
    address = str(gateway.proxy(SECURE)["status"]["podIP"])
    until("TLS is there", lambda: listens(address, 10443))
    return address


@pytest.fixture(scope="module")
def secret_key(gateway: Gateway, secure: str) -> str:
    """A key of that Gateway; before it has one nobody is answered, but told the models' names."""
    with httpx.Client(base_url=f"https://{secure}:10443", verify=False) as client:
        assert client.post("/v1/chat/completions", json=body(model="secure")).status_code == 500
        assert client.get("/v1/models").status_code == 200
    key = handed_out(create, place(gateway, SECURE), ["carol"], None, datetime.now(UTC))
    headers = {"Authorization": f"Bearer {key}"}

    def comes_in() -> bool:
        return httpx.get(f"http://{secure}:10080/", headers=headers).status_code == 301

    until("the key is taken", comes_in)
    return key


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_under_tls_the_model_answers_and_the_plain_port_sends_there(
    secure: str, secret_key: str, http2: bool
) -> None:
    path = "/v1/chat/completions"
    request = body(model="secure", text="x" * 85_000)
    headers = {"Authorization": f"Bearer {secret_key}"}
    with httpx.Client(verify=False, http2=http2) as client:
        url = f"https://{secure}:10443{path}"
        assert client.post(url, json=request).status_code == 401
        answer = client.post(url, json=request, headers=headers)
        assert (answer.status_code, answer.http_version) == (200, f"HTTP/{2 if http2 else 1.1}")
        plain = f"http://{secure}:10080{path}"
        assert client.post(plain, json=request).status_code == 401
        # A port that the client names is kept, right or wrong.
        for host in ("maas.example.com", "maas.example.com:8080"):
            answer = client.post(plain, json=request, headers={**headers, "Host": host})
            assert answer.status_code == 301
            assert answer.headers["location"] == f"https://{host}{path}"


def test_who_does_not_send_its_request_in_time_is_told_so(secure: str, secret_key: str) -> None:
    request = post(secret_key, json.dumps(body(model="secure")).encode())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((secure, 10443), timeout=120) as connection,
        context.wrap_socket(connection) as client,
    ):
        client.sendall(request[:-10])
        assert client.makefile("rb").readline().split()[1] == b"408"


# --- where it must not stand --------------------------------------------------------------------


# --- load -------------------------------------------------------------------------------------

STREAMS, TOKENS, GAP = 1000, 65, 1.0


async def at_once(urls: list[str], key: str, number: int, request: Tree) -> list[Stream]:
    """Streams that are asked for in turn at several proxies, in 5 ms each."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = []
        for place in range(number):
            url = urls[place % len(urls)]
            tasks.append(asyncio.create_task(stream(session, url, key, request)))
            await asyncio.sleep(0.005)
        return await asyncio.gather(*tasks)


OVERFLOW = r"^envoy_cluster_upstream_rq_(active|pending)_overflow"


@pytest.mark.measured
def test_a_proxy_refuses_what_is_above_its_1024_and_counts_it(gateway: Gateway, user: User) -> None:
    """Each takes a stream to the processor, which has 1,024 by Envoy's own limit."""
    before = sum(gateway.stats(OVERFLOW).values())
    request = body(max_tokens=3, metadata={"ttft": "20"})
    streams = asyncio.run(at_once([gateway.url], user[1], 1100, request))
    statuses = Counter(each.status for each in streams)
    assert statuses.keys() == {200, 500}
    assert 1000 < statuses[200] <= 1024
    assert sum(gateway.stats(OVERFLOW).values()) == before + statuses[500]


@pytest.mark.measured
def test_four_proxies_carry_two_thousand_who_wait_and_then_stream(gateway: Gateway) -> None:
    """All wait for their first token at the same time, and no stream loses one."""
    proxies = [pod["status"]["podIP"] for pod in gateway.proxies(MANY)]
    assert len(proxies) == 4
    key = handed_out(create, place(gateway, MANY), ["erin"], None, datetime.now(UTC))
    urls = [f"http://{proxy}:10080" for proxy in proxies]
    headers = {"Authorization": f"Bearer {key}"}

    def answers(url: str) -> bool:
        path = f"{url}/v1/chat/completions"
        return httpx.post(path, json=body(model="many"), headers=headers).status_code == 200

    for url in urls:
        until("the proxy answers", lambda url=url: answers(url))
    request = body(model="many", max_tokens=20, metadata={"ttft": "40", "itl": "2"})
    streams = asyncio.run(at_once(urls, key, 2000, request))
    last_asked = max(each.begun for each in streams)
    assert all(each.arrivals and each.arrivals[0] > last_asked for each in streams)
    whole = [f"t{number} " for number in range(20)]
    assert {each.status for each in streams} == {200}
    assert all(each.tokens == whole and each.done for each in streams)
    assert not any(sum(gateway.stats(OVERFLOW, proxy).values()) for proxy in proxies)


@pytest.mark.measured
@pytest.mark.usefixtures("counted")
def test_a_thousand_streams_of_a_minute_lose_no_token(gateway: Gateway, user: User) -> None:
    """They last longer than Envoy AI Gateway's 60 s for a request and Envoy Gateway's for a drain.

    A new key changes the listener meanwhile.
    """
    request = body(max_tokens=TOKENS, metadata={"itl": str(GAP)})

    def resident() -> int:
        (size,) = gateway.stats(r"^envoy_server_memory_physical_size\b").values()
        return int(size) // 2**20

    async def load() -> tuple[list[Stream], int]:
        peak = 0
        loads = asyncio.create_task(at_once([gateway.url], user[1], STREAMS, request))
        await asyncio.to_thread(new, gateway)
        while not loads.done():
            peak = max(peak, resident())
            await asyncio.sleep(1)
        return await loads, peak

    before = resident()
    streams, peak = asyncio.run(load())
    whole = [f"t{number} " for number in range(TOKENS)]
    assert {each.status for each in streams} == {200}
    assert all(each.tokens == whole and each.done for each in streams)
    spent = sum(each.usage for each in streams)
    assert spent == STREAMS * (TOKENS + 1)
    until("all is charged", lambda: charged(gateway, user) == spent)
    print(f"Envoy took {before} MiB before, {peak} MiB at most")
    assert peak < 512  # what Envoy Gateway asks for its pod
