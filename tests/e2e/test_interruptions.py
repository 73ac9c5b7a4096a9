"""Each verb that writes, on a real node: killed, interrupted, or with an API server that hangs.

It happens when the API server has carried out a write and the command does not know it yet. One
deployment goes through all of it, in this order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from cluster.nodes import Cluster
from cluster.relay import WAYS, Way, disturbed
from cluster.user import QUICK, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, MODEL = "interruptions", load().model.name
PLACE = ("--name", "chat", "-n", HOME)
KEYS = (*PLACE, "--set", "maas.enabled=true", "--set", f"maas.namespace={HOME}")
SERVICE = "/llminferenceservices/chat"


@pytest.fixture(scope="module")
def chat(real: Cluster) -> Iterator[str]:
    """The deployment; the URL of its ingress."""
    with deployed(real, HOME):
        yield ingress(real, HOME)


def differs_in_nothing(cluster: Cluster, words: tuple[str, ...], _: str) -> None:
    """The live objects are what the command's values say."""
    dsv4deploy(cluster, "diff", *(each for each in words[1:] if each != "--yes"))


def is_the_last_revision(cluster: Cluster, words: tuple[str, ...], told: str) -> None:
    assert f"roll back to revision {words[-1]}" in told
    assert revisions(cluster)[-1]["status"] == "deployed"


def is_gone(cluster: Cluster, _: tuple[str, ...], __: str) -> None:
    assert "there is no service" in dsv4deploy(cluster, "status", *PLACE, code=1)
    assert revisions(cluster) == []
    dsv4deploy(cluster, "apply", *PLACE, *QUICK, "--wait")


def is_the_key(cluster: Cluster, words: tuple[str, ...], told: str) -> None:
    """The key that was printed is the one that is in force."""
    (key,) = re.findall(r"^dsv4_\S+", told, re.MULTILINE)
    listed = dsv4deploy(cluster, "keys", "list", *KEYS)
    assert re.search(rf"{words[-1]} .*{hashlib.sha256(key.encode()).hexdigest()[:12]}", listed)


def is_revoked(cluster: Cluster, words: tuple[str, ...], _: str) -> None:
    assert words[-1] not in dsv4deploy(cluster, "keys", "list", *KEYS)


def revisions(cluster: Cluster) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(dsv4deploy(cluster, "history", *PLACE, "-o", "json"))
    return found


@dataclass(frozen=True)
class Verb:
    """A command that writes.

    Attributes:
        words: the command; ``WAY`` is what happens to it, so that each command changes something,
            and ``BEFORE`` the revision before.
        write: the request in which it happens.
        holds: asserts what is there in the end.
        again: whether the same command goes on.
    """

    words: tuple[str, ...]
    write: str
    holds: Callable[[Cluster, tuple[str, ...], str], None]
    again: bool = True


VERBS = {
    "apply": Verb(
        (
            *("apply", *PLACE, *QUICK, "--set", "networkPolicy.enabled=true"),
            *("--set", "networkPolicy.fromNamespaces={envoy-gateway-system,WAY}"),
        ),
        "PATCH .*/networkpolicies/",
        differs_in_nothing,
    ),
    "upgrade": Verb(
        ("upgrade", *PLACE, *QUICK, "--yes", "--set-string", "engine.env.STEP=WAY"),
        f"PATCH .*{SERVICE}",
        differs_in_nothing,
    ),
    "rollback": Verb(
        ("rollback", *PLACE, "--yes", "BEFORE"), f"PATCH .*{SERVICE}", is_the_last_revision
    ),
    "delete": Verb(("delete", *PLACE, "--yes"), f"DELETE .*{SERVICE}", is_gone),
    "keys create": Verb(
        ("keys", "create", *KEYS, "WAY"), "(POST|PUT) .*/secrets", is_the_key, again=False
    ),
    "keys revoke": Verb(
        ("keys", "revoke", *KEYS, "--yes", "WAY"), "PUT .*/secrets", is_revoked, again=False
    ),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_verb_in_whose_middle_something_happens_is_carried_out_in_the_end(
    real: Cluster, chat: str, verb: Verb, way: Way
) -> None:
    known = [each["revision"] for each in revisions(real) if each["status"] == "superseded"]
    given = {"WAY": way.__name__, "BEFORE": str(known[-1] if known else "")}
    words = tuple(re.sub("WAY|BEFORE", lambda found: given[found[0]], each) for each in verb.words)
    # A run that was killed leaves its Lease behind.
    patient = (*words, "--wait-for", "60")
    code, told = disturbed(real, way, verb.write, *patient)
    assert code == WAYS[way], told
    if code and verb.again:
        dsv4deploy(real, *patient)
    verb.holds(real, words, told)
    until("it answers", lambda: complete(chat, MODEL).whole)
