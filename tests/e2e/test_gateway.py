"""The MaaS gateway's promises, over real HTTP through a real Envoy.

The objects are those that dsv4deploy renders, unchanged; :mod:`gateway_plane` says what runs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import GoBuild
from control_plane import Tree, until
from gateway_plane import Gateway, gateway_plane

from dsv4deploy import load

MAAS = {"enabled": True, "gateway": {"create": False}}
CHAT = load({"name": "chat", "model": {"name": "chat"}, "maas": {"enabled": True}})
SMALL = load(
    {
        "name": "small",
        "model": {"name": "small"},
        "maas": {
            **MAAS,
            "quotas": {"hour": None, "day": {"tokens": 100, "unit": "Day", "count": "total"}},
        },
    }
)
BRIEF = load(
    {"name": "brief", "model": {"name": "brief"}, "maas": {**MAAS, "requestTimeout": "2s"}}
)
KEYS = {name: f"sk-{name}-0123456789abcdef" for name in ("alice", "bob")}


def write_keys(gateway: Gateway, keys: dict[str, str]) -> None:
    """The Secret with the clients' keys."""
    data = {name: base64.b64encode(key.encode()).decode() for name, key in keys.items()}
    meta = {"name": "maas-api-keys", "namespace": "maas-system"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque"}
    gateway.cluster.apply({**secret, "data": data}, force=True)


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, go_module: Any, go_build: GoBuild
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateway_plane(folder, go_module, go_build, [CHAT, SMALL, BRIEF]) as running:
        write_keys(running, KEYS)
        until("a key is taken", lambda: ask(running).status_code == 200)
        yield running


def body(model: str = "chat", text: str = "Hello", **more: Any) -> Tree:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def ask(
    gateway: Gateway, user: str = "alice", http2: bool = False, **options: Any
) -> httpx.Response:
    """One request, of a user or with an Authorization header of its own."""
    headers = {"Authorization": f"Bearer {KEYS[user]}"} if user else {}
    headers |= options.pop("headers", {})
    content = options.pop("json", None) or body(**options)
    with httpx.Client(http1=not http2, http2=http2, timeout=60) as client:
        return client.post(f"{gateway.url}/v1/chat/completions", json=content, headers=headers)


def with_key(gateway: Gateway, authorization: str) -> int:
    """The status of a request with this Authorization header."""
    headers = {"Authorization": authorization} if authorization else {}
    return ask(gateway, user="", headers=headers).status_code


def values(request: Tree, header: str) -> list[str]:
    """What a request had in a header, as the model server got it."""
    return [text for name, text in request["headers"] if name == header]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer wrong", 401),
        (f"Bearer {KEYS['alice']}", 200),
        (KEYS["alice"], 200),
        (f"bearer {KEYS['alice']}", 401),
        (f"Bearer  {KEYS['alice']}", 401),
        (f"Basic {KEYS['alice']}", 401),
    ],
)
def test_only_a_right_key_as_bearer_or_bare_comes_in(
    gateway: Gateway, authorization: str, status: int
) -> None:
    assert with_key(gateway, authorization) == status


def test_a_key_stored_with_its_prefix_opens_nothing(gateway: Gateway) -> None:
    write_keys(gateway, {**KEYS, "carol": "Bearer sk-carol", "dave": "sk-dave"})
    until("dave's key is taken", lambda: with_key(gateway, "Bearer sk-dave") == 200)
    assert with_key(gateway, "Bearer sk-carol") == 401
    assert with_key(gateway, "Bearer Bearer sk-carol") == 200  # what nobody's client sends


def test_a_rotated_key_takes_the_old_ones_place_and_a_revoked_one_is_out(gateway: Gateway) -> None:
    write_keys(gateway, {**KEYS, "erin": "sk-erin-1"})
    until("the key is taken", lambda: with_key(gateway, "Bearer sk-erin-1") == 200)
    write_keys(gateway, {**KEYS, "erin": "sk-erin-2"})
    until("the new key is taken", lambda: with_key(gateway, "Bearer sk-erin-2") == 200)
    assert with_key(gateway, "Bearer sk-erin-1") == 401
    write_keys(gateway, KEYS)
    until("the key is out", lambda: with_key(gateway, "Bearer sk-erin-2") == 401)
    assert ask(gateway).status_code == 200


def test_headers_that_a_client_makes_up_change_nothing(gateway: Gateway) -> None:
    made_up = {"x-user-id": "bob", "x-ai-eg-model": "small", "x-test": "made-up"}
    answer = ask(gateway, headers=made_up, max_tokens=3)
    assert answer.status_code == 200
    got = [request for request in gateway.seen() if ["x-test", "made-up"] in request["headers"]]
    (request,) = got
    assert values(request, "x-user-id") == ["alice"]
    assert values(request, "x-ai-eg-model") == ["chat"]
    assert values(request, "authorization") == []
    assert request["options"]["model"] == "chat"
    assert not gateway.charged("bob")
