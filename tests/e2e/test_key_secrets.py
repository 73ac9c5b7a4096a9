"""`dsv4deploy keys` on a real API server: the Secret that the gateway reads."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Plane

from dsv4deploy import load
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.doctor import examine
from dsv4deploy.cluster.keys import KeySecret, create, keys, revoke, rotate
from dsv4deploy.errors import ClusterError
from dsv4deploy.findings import Severity

Typed = Callable[..., subprocess.CompletedProcess[str]]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def typed(plane: Plane, home: str) -> Typed:
    """Types `dsv4deploy keys` for the MaaS ingress in the test's namespace."""

    def run(*words: str, code: int = 0, context: str = "admin") -> Any:
        command = [sys.executable, "-m", "dsv4deploy", "keys", *words]
        command += ["--set", f"maas.namespace={home}", "--context", context]
        command += ["--kubeconfig", str(plane.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def made(place: KeySecret, client: str, lifetime: timedelta | None = None) -> str:
    """A new key of a client's."""
    given: list[str] = []
    create(place, [client], lifetime, NOW, given.append)
    (key,) = given
    return key


def stored(cluster: Cluster, home: str) -> dict[str, str]:
    """What the gateway reads: each client's bare key."""
    secret = cluster.get("v1", "Secret", "maas-api-keys", home) or {}
    data = secret.get("data") or {}
    return {client: base64.b64decode(text).decode() for client, text in data.items()}


def test_the_life_of_a_key(typed: Typed, cluster: Cluster, home: str) -> None:
    assert typed("list", "-o", "json").stdout == "[]\n"
    first = typed("create", "alice", "--expires", "90d")
    key = first.stdout.removesuffix("\n")
    assert key not in first.stderr
    assert stored(cluster, home) == {"alice": key}
    secret = cluster.get("v1", "Secret", "maas-api-keys", home) or {}
    assert secret["type"] == "Opaque"
    assert secret["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "dsv4deploy"}
    assert "alice already has a key" in typed("create", "alice", code=1).stderr
    assert typed("create", "bob.smith").stdout.strip() == stored(cluster, home)["bob.smith"]

    rows = json.loads(typed("list", "-o", "json").stdout)
    assert [(row["client"], row["expired"]) for row in rows] == [
        ("alice", False),
        ("bob.smith", False),
    ]
    expires, created = (datetime.fromisoformat(rows[0][word]) for word in ("expires", "created"))
    assert expires - created == timedelta(days=90)
    assert rows[1]["expires"] == ""
    assert key not in typed("list").stdout

    again = typed("rotate", "alice").stdout.strip()
    assert again != key
    assert stored(cluster, home)["alice"] == again
    rotated = json.loads(typed("list", "-o", "json").stdout)[0]
    assert rotated["fingerprint"] != rows[0]["fingerprint"]
    # The new key lives as long as the old one was to.
    expires, created = (datetime.fromisoformat(rotated[word]) for word in ("expires", "created"))
    assert expires - created == timedelta(days=90)

    assert "Revoke alice's key" in typed("revoke", "alice", code=1).stderr
    assert typed("revoke", "alice", "--yes").stdout == ""
    assert stored(cluster, home).keys() == {"bob.smith"}
    notes = (cluster.get("v1", "Secret", "maas-api-keys", home) or {})["metadata"]["annotations"]
    assert not [note for note in notes if "alice" in note]
    assert "no key for alice; it has keys for bob.smith" in typed("rotate", "alice", code=1).stderr
    assert "it has keys for bob.smith" in typed("revoke", "alice", "--yes", code=1).stderr


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full", "| true", "-o FILE"])
def test_a_key_that_can_t_be_shown_replaces_none(
    plane: Plane, cluster: Cluster, home: str, tmp_path: Path, redirection: str
) -> None:
    key = made(KeySecret(cluster, home, "maas-api-keys"), "alice")
    file = tmp_path / "alice.key"
    command = [sys.executable, "-m", "dsv4deploy", "keys", "rotate", "alice"]
    command += ["--set", f"maas.namespace={home}", "--kubeconfig", str(plane.kubeconfig)]
    if redirection == "-o FILE":
        file.write_text("another's\n")
        command += ["-o", str(file)]
        redirection = ""
    script = f"set -o pipefail; {shlex.join(command)} {redirection}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write the key" in done.stderr
    assert "nothing has been changed" in done.stderr
    assert stored(cluster, home) == {"alice": key}


def test_a_key_in_a_file_is_its_owner_s_alone(
    typed: Typed, cluster: Cluster, home: str, tmp_path: Path
) -> None:
    file = tmp_path / "alice.key"
    assert typed("create", "alice", "-o", str(file)).stdout == ""
    assert file.read_text() == stored(cluster, home)["alice"] + "\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_expired_key_is_told_and_is_still_there(
    typed: Typed, cluster: Cluster, home: str
) -> None:
    place = KeySecret(cluster, home, "maas-api-keys")
    made(place, "alice", timedelta(hours=1))
    told = typed("list", code=1)
    assert told.stdout.splitlines()[1].split()[-1] == "True"
    assert "accepted until it is revoked or rotated" in told.stderr
    assert stored(cluster, home).keys() == {"alice"}


BUDGET = {"day": {"tokens": 10**9, "unit": "Day", "count": "total"}}


@pytest.mark.parametrize(
    ("lifetime", "maas", "told"),
    [
        (None, {}, ["the Secret of the API keys contains bare keys only"]),
        (timedelta(hours=1), {}, ["alice's key has expired"]),
        (
            None,
            {"tiers": {"gold": ["alice"]}},
            ["the Secret of the API keys contains bare keys only"],
        ),
        (None, {"tiers": {"gold": ["alice", "bob"]}}, ["tier gold names bob, which has no key"]),
        (
            None,
            {"tiers": {"gold": ["bob"]}, "quotas": {"hour": None}},
            ["tier gold names bob", "no quota limits alice: no tier contains them"],
        ),
    ],
)
def test_doctor_says_whose_key_is_old_and_who_has_no_budget(
    cluster: Cluster,
    home: str,
    lifetime: timedelta | None,
    maas: dict[str, Any],
    told: list[str],
) -> None:
    made(KeySecret(cluster, home, "maas-api-keys"), "alice", lifetime)
    tiers = {
        name: {"clients": clients, "quotas": BUDGET}
        for name, clients in maas.get("tiers", {}).items()
    }
    values = load({"maas": {"enabled": True, "namespace": home, **maas, "tiers": tiers}})
    found = [each for each in examine(cluster, values) if each.code == "api-keys"]
    assert len(found) == len(told)
    for each, text in zip(found, told, strict=True):
        assert text in each.message
        assert each.severity == (Severity.OK if "bare" in text else Severity.WARNING)


def test_a_secret_that_somebody_else_has_made_keeps_what_it_holds(
    cluster: Cluster, home: str
) -> None:
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": "maas-api-keys",
                "namespace": home,
                "labels": {"team": "platform"},
                "annotations": {"note": "by hand"},
            },
            "stringData": {"old": "by-hand"},
        }
    )
    place = KeySecret(cluster, home, "maas-api-keys")
    key = made(place, "alice")
    assert stored(cluster, home) == {"old": "by-hand", "alice": key}
    assert [(each.client, each.created) for each in keys(place)] == [("alice", NOW), ("old", None)]
    rotate(place, "old", None, NOW, lambda _: None)
    assert revoke(place, "old").created == NOW
    meta = (cluster.get("v1", "Secret", "maas-api-keys", home) or {})["metadata"]
    assert meta["labels"] == {"team": "platform"}
    assert meta["annotations"]["note"] == "by hand"


def test_administrators_at_once_lose_no_key(plane: Plane, cluster: Cluster, home: str) -> None:
    def add(client: str) -> str:
        own = Cluster.connect(kubeconfig=str(plane.kubeconfig))
        return made(KeySecret(own, home, "maas-api-keys"), client)

    clients = [f"client-{number}" for number in range(6)]
    with ThreadPoolExecutor(len(clients)) as pool:
        keys_of = dict(zip(clients, pool.map(add, clients), strict=True))
    assert stored(cluster, home) == keys_of


def test_who_may_not_is_told_so_and_nothing_is_printed(typed: Typed) -> None:
    refused = typed("create", "alice", code=1, context="reader")
    assert refused.stdout == ""
    assert "ask an administrator for this permission" in refused.stderr
    assert typed("create", "a/b", code=1).stdout == ""
    assert "90d or 12h" in typed("create", "alice", "--expires", "soon", code=2).stderr


def test_a_namespace_that_is_not_there_is_said(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="not found"):
        made(KeySecret(cluster, "nowhere", "maas-api-keys"), "alice")
