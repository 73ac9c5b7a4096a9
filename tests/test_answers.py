"""What an API server may answer, and what Kubernetes never does: an error that quotes the call."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from documents import ODD
from fake_api import FakeCluster, State
from test_rollout import NEW, OLD, PLACE, changed, there

from dsv4deploy import load
from dsv4deploy.cluster.answers import checked
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.doctor import examine
from dsv4deploy.cluster.keys import KeySecret, create, keys, revoke
from dsv4deploy.cluster.readiness import Limits, progress, watch
from dsv4deploy.cluster.revisions import history, target
from dsv4deploy.cluster.rollout import delete, removal
from dsv4deploy.errors import ClusterError, DeployError

Tree = dict[str, Any]
SECRET = "/api/v1/namespaces/demo/secrets/x"
SPACE = "/api/v1/namespaces/demo"
META = '{"name": "x", "namespace": "demo", "uid": "1", "resourceVersion": "7"}'


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (SECRET, "[]", "the body is not a map"),
        (SECRET, "{", "the body is not JSON"),
        (SECRET, "null", "the body is not a map"),
        (SECRET, "{}", "metadata is missing"),
        (SECRET, '{"metadata": {"name": 1}}', "metadata.name is not a string"),
        (SECRET, '{"metadata": {"name": "x"}}', "metadata.namespace is missing"),
        (SPACE, '{"metadata": {"name": "x", "labels": ["a"]}}', "metadata.labels is not a map"),
        (SECRET, f'{{"metadata": {META}, "data": {{"a": "?"}}}}', "data.a is not base64"),
        (SECRET.removesuffix("/x"), '{"items": [{}]}', r"items\[0\].metadata is missing"),
        (SECRET.removesuffix("/x"), "{}", "items is missing"),
        (
            "/apis/apps/v1/namespaces/demo/deployments/x",
            f'{{"metadata": {META}, "spec": {{"replicas": true}}}}',
            "spec.replicas is not an integer",
        ),
        ("/api/v1", '{"resources": [{"name": "pods"}]}', r"resources\[0\].kind is missing"),
        ("/version", "{}", "major is missing"),
        ("/version", '{"major": "1", "minor": "", "gitVersion": "v1"}', "minor is not a number"),
        ("/version", f'{{"major": "{"9" * 5000}"}}', "major is not a number"),
    ],
)
def test_what_kubernetes_does_not_send_is_an_error_that_quotes_the_call(
    path: str, answer: str, told: str
) -> None:
    with pytest.raises(ClusterError, match=f"GET {path}: .*{told}; check the server") as error:
        checked(answer, "GET", path)
    assert error.value.reason == "Malformed"


def test_what_kubernetes_sends_is_taken_as_it_is() -> None:
    status = {"conditions": None, "containerStatuses": [{"name": "main", "state": {}}]}
    meta = {**json.loads(META), "creationTimestamp": None, "labels": {"a": "b"}, "other": 1}
    head = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
    pod = {**head, "spec": {"containers": []}, "status": status}
    path = "/api/v1/namespaces/demo/pods"
    assert checked(json.dumps(pod), "GET", f"{path}/x") == pod
    assert checked('{"items": null}', "GET", path) == {"items": None}
    assert checked("a log: {", "GET", f"{path}/x/log") == "a log: {"
    assert checked('{"kind": "Status", "status": "Success"}', "DELETE", f"{path}/x")
    made = {"metadata": {"name": "demo"}, "kind": "Namespace", "apiVersion": "v1"}
    assert checked(json.dumps(made), "PATCH", SPACE) == made


class Strange(FakeCluster):
    """A cluster of which one answer is something else."""

    def __init__(self, server: list[State], seed: int) -> None:
        super().__init__({})
        self._kinds = {}
        self._server = server
        self._random = random.Random(seed)
        self._left = [self._random.randint(1, 30)]

    def _once(self, method: str, path: str, query: Any, body: Any) -> Any:
        answer = super()._once(method, path, query, body)
        self._left[0] -= 1
        if not self._left[0]:
            answer = strange(self._random, answer)
        return checked(json.dumps(answer), method, path)


def strange(rng: random.Random, answer: Any) -> Any:
    """An answer with one place replaced or left out."""
    made = copy.deepcopy(answer)
    places = list(_places(made))
    odd = copy.deepcopy(rng.choice([*ODD, "x", 7]))
    if not places or rng.random() < 0.05:
        return odd
    holder, key = rng.choice(places)
    if isinstance(holder, dict) and rng.random() < 0.3:
        del holder[key]
    else:
        holder[key] = odd
    return made


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(entries):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def lists_keys(cluster: Cluster) -> None:
    place = KeySecret(cluster, "demo", "maas-api-keys")
    keys(place)
    revoke(place, "alice")


def waits(cluster: Cluster) -> None:
    progress(cluster, "chat", "demo")
    list(watch(cluster, "chat", "demo", "stopped", Limits(0.0, interval=0.0)))


NOW = datetime(2026, 1, 2, tzinfo=UTC)
MAIN = {"containers": [{"name": "main", "image": "old", "args": ["x"]}]}
ENGINE: tuple[tuple[str, str, str, Tree], ...] = (
    ("Pod", "chat-0", "v1", MAIN),
    ("Deployment", "chat-kserve", "apps/v1", {"replicas": 1, "template": {"spec": MAIN}}),
)

VERBS: dict[str, Callable[[Strange], Any]] = {
    "apply": lambda cluster: changed(cluster, OLD, verb="apply"),
    "upgrade": lambda cluster: changed(cluster, NEW),
    "rollback": lambda cluster: changed(cluster, target(cluster, "chat", "demo", 1).objects),
    "delete": lambda cluster: delete(cluster, removal(cluster, PLACE)),
    "history": lambda cluster: list(map(str, history(cluster, "chat", "demo"))),
    "status": waits,
    "keys": lists_keys,
    "doctor": lambda cluster: examine(cluster, load({"maas": {"enabled": True}})),
}


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_is_answered_no_verb_traces_back(verb: str) -> None:
    server = there(*OLD)
    whole = FakeCluster({})
    whole._server = server
    changed(whole, NEW)
    create(KeySecret(whole, "demo", "maas-api-keys"), "alice", None, NOW, lambda _: None)
    for kind, name, api, spec in ENGINE:
        meta = {"name": name, "namespace": "demo", "labels": {"app.kubernetes.io/name": "chat"}}
        meta["labels"] |= {"app.kubernetes.io/component": "llminferenceservice-workload"}
        status = {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "x"}}}]}
        status["conditions"] = [{"type": "PodScheduled", "status": "True", "message": ""}]
        item = {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec, "status": status}
        whole.apply(item)
    refused = 0
    for seed in range(150):
        cluster = Strange([dict(server[0])], seed)
        try:
            VERBS[verb](cluster)
        except DeployError as error:
            refused += "the response is not from a Kubernetes API server" in str(error)
    assert refused or verb == "doctor"
