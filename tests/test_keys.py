"""API keys: what is said of them, and what two administrators at once do. The rest is in e2e."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_server import Answer, Serve, refusal

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.keys import KeySecret, create, listed, revoke, rotate
from dsv4deploy.errors import ClusterError, DeployError, ValuesError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KINDS = (200, {"resources": [{"name": "secrets", "kind": "Secret", "namespaced": True}]})
GONE = refusal(404, "NotFound", "gone")
CLASH = refusal(409, "Conflict", "the object has been modified")
SECRET = "/api/v1/namespaces/maas-system/secrets"
PUT = f"PUT {SECRET}/maas-api-keys?fieldManager=dsv4deploy"


def secret(annotations: dict[str, str] | None = None, **keys: str) -> dict[str, Any]:
    data = {client: base64.b64encode(key.encode()).decode() for client, key in keys.items()}
    meta = {"name": "maas-api-keys", "namespace": "maas-system", "resourceVersion": "7", "uid": "u"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**meta, "annotations": annotations or {}},
        "data": data,
    }


MADE = (201, secret())


def held(cluster: Cluster) -> KeySecret:
    return KeySecret(cluster, "maas-system", "maas-api-keys")


def test_what_is_listed_names_no_key() -> None:
    notes = {
        "created.keys.dsv4deploy.io/alice": "2026-01-01T00:00:00Z",
        "expires.keys.dsv4deploy.io/alice": "2026-01-02T03:04:05Z",
        "expires.keys.dsv4deploy.io/bob": "tomorrow",
    }
    alice, bob = listed(secret(notes, bob="dsv4_b", alice="dsv4_a"))
    assert (alice.client, bob.client) == ("alice", "bob")
    assert alice.created == datetime(2026, 1, 1, tzinfo=UTC)
    assert alice.expired(NOW)
    assert not alice.expired(NOW - timedelta(seconds=1))
    assert (bob.created, bob.expires, bob.expired(NOW)) == (None, None, False)
    assert alice.fingerprint != bob.fingerprint
    assert "dsv4_" not in repr((alice, bob))
    assert listed({}) == []


def test_keys_are_of_one_format_and_none_is_like_another(serve: Serve) -> None:
    made: set[str] = set()
    for _ in range(5):
        cluster, *_ = serve(KINDS, GONE, MADE)
        create(held(cluster), ["alice"], None, NOW, made.add)
    assert len(made) == 5
    assert all(re.fullmatch(r"dsv4_[A-Za-z0-9_-]{43}", key) for key in made)


def test_several_clients_get_their_keys_together(serve: Serve) -> None:
    cluster, asked, _ = serve(KINDS, GONE, MADE)
    given: list[str] = []
    create(held(cluster), ["alice", "bob"], None, NOW, given.append)
    (text,) = given
    assert [line.split()[0] for line in text.splitlines()] == ["alice", "bob"]
    assert len({line.split()[1] for line in text.splitlines()}) == 2
    assert len([line for line in asked if line.startswith("POST")]) == 2  # the dry run, and once
    cluster, *_ = serve(KINDS, (200, secret(bob="dsv4_b")))
    with pytest.raises(ClusterError, match="bob already has a key"):
        create(held(cluster), ["alice", "bob"], None, NOW, full)


def test_who_is_overtaken_begins_again_from_what_is_there_now(serve: Serve) -> None:
    there = refusal(409, "AlreadyExists", "there")
    read = (200, secret(bob="dsv4_b"))
    cluster, asked, _ = serve(KINDS, GONE, MADE, there, read, CLASH, read, MADE)
    given: list[str] = []
    create(held(cluster), ["alice"], None, NOW, given.append)
    get = f"GET {SECRET}/maas-api-keys"
    post = f"POST {SECRET}?fieldManager=dsv4deploy"
    assert asked[1:] == [get, f"{post}&dryRun=All", post, get, PUT, get, PUT]
    assert len(given) == 1


def test_a_key_that_is_gone_after_a_lost_answer_was_revoked(serve: Serve) -> None:
    lost = refusal(503, "ServiceUnavailable", "lost")
    there, gone = (200, secret(alice="dsv4_a")), (200, secret())
    cluster, asked, _ = serve(KINDS, there, lost, CLASH, gone, MADE)
    assert revoke(held(cluster), "alice").client == "alice"
    assert asked.count(PUT) == 3


def full(_: str) -> None:
    raise DeployError("no space left")


def test_a_key_that_can_t_be_handed_out_changes_nothing(serve: Serve) -> None:
    cluster, asked, _ = serve(KINDS, GONE, MADE)
    with pytest.raises(DeployError, match="no space left"):
        create(held(cluster), ["alice"], None, NOW, full)
    assert [line for line in asked if not line.startswith("GET") and "dryRun" not in line] == []


def test_what_the_server_refuses_is_refused_before_a_key_is_handed_out(serve: Serve) -> None:
    cluster, *_ = serve(KINDS, GONE, refusal(403, "Forbidden", "exceeded quota"))
    given: list[str] = []
    with pytest.raises(ClusterError, match="exceeded quota"):
        create(held(cluster), ["alice"], None, NOW, given.append)
    assert given == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(403, "Forbidden", "exceeded quota"), "already printed is not in effect"),
        (refusal(500, "", "lost"), "already printed may be in effect; compare its fingerprint"),
        (refusal(409, "AlreadyExists", "there"), "alice already has a key.*\n.*not in effect"),
    ],
)
def test_of_a_change_that_fails_later_it_is_said_what_the_key_is(
    serve: Serve, answer: Answer, told: str
) -> None:
    theirs = (200, secret(alice="dsv4_theirs"))
    cluster, *_ = serve(KINDS, GONE, MADE, answer, *(answer,) * 3, theirs)
    if answer[0] == 409:
        cluster, *_ = serve(KINDS, GONE, MADE, answer, theirs)
    given: list[str] = []
    with pytest.raises(ClusterError, match=told) as error:
        create(held(cluster), ["alice"], None, NOW, given.append)
    assert len(given) == 1
    assert given[0] not in str(error.value)


def test_who_is_overtaken_for_ever_gives_up(serve: Serve) -> None:
    read = (200, secret(alice="dsv4_a"))
    cluster, asked, _ = serve(KINDS, *(read, CLASH) * 8)
    with pytest.raises(ClusterError, match="another client changed the object"):
        revoke(held(cluster), "alice")
    assert asked.count(PUT) == 8


@pytest.mark.parametrize("client", ["", "-a", "a/b", "a b", "ä", "x" * 64, "a\n", "..", "a_"])
def test_what_can_t_be_a_client_is_refused_before_any_request(
    serve: Serve,
    client: str,
) -> None:
    cluster, asked, _ = serve(KINDS)
    with pytest.raises(ValuesError, match="63 letters, digits"):
        create(held(cluster), [client], None, NOW, full)
    assert asked == []


def test_a_refusal_holds_no_key(serve: Serve) -> None:
    place = held(serve(KINDS, (200, secret(alice="dsv4_a")))[0])
    with pytest.raises(ClusterError, match="alice already has a key") as clash:
        create(place, ["alice"], None, NOW, full)
    with pytest.raises(ClusterError, match="no key for bob; it has keys for alice") as missing:
        rotate(place, "bob", None, NOW, full)
    assert "dsv4_" not in f"{clash.value!r} {missing.value!r}"
    assert (clash.value.reason, missing.value.reason) == ("AlreadyExists", "NotFound")


def test_without_a_secret_there_is_nothing_to_revoke(serve: Serve) -> None:
    place = held(serve(KINDS, GONE)[0])
    with pytest.raises(
        ClusterError, match=r"Secret maas-system/maas-api-keys does not exist; .*keys create"
    ):
        revoke(place, "alice")
