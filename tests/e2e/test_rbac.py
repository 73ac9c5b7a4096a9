"""The rights of examples/rbac: enough for every verb, and none that no verb uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tokenizer
from conftest import Plane
from control_plane import Tree, install_crds, meanwhile, namespace, objects, set_status
from test_deployments import ROOT, SHORT, kubelet, stopped_and_started  # noqa: F401 - a fixture

from dsv4deploy import DeployError, Release, load
from dsv4deploy.bench import dataset, job
from dsv4deploy.bench.run import Benchmark, Subject, subject
from dsv4deploy.cluster.addresses import address
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.doctor import examine
from dsv4deploy.cluster.keys import KeySecret, create, holding, keys, revoke, rotate
from dsv4deploy.cluster.lease import held
from dsv4deploy.cluster.plan import prepare
from dsv4deploy.cluster.revisions import history, target
from dsv4deploy.cluster.rollout import ServiceRef, apply, delete, removal
from dsv4deploy.findings import Severity
from dsv4deploy.manifest.render import render

Right = tuple[str, str, str]
RIGHTS = ROOT / "examples" / "rbac" / "rbac.yaml"
# What every user may do: discovery, the version, and asking for one's own rights.
OPEN = {"selfsubjectaccessreviews"}
PROFILE = "ascend-910b4-8-w4a8"
GRANTS = "config/crd/standard/gateway.networking.k8s.io_referencegrants.yaml"


class Recording(Cluster):
    """A cluster that notes which rights are used."""

    used: set[Right]

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        self.used |= set(rights(method, path))
        return super().request(method, path, query, body)


def rights(method: str, path: str) -> Iterator[Right]:
    """The rights that a request takes: verb, group, resource."""
    found = re.fullmatch(
        r"/(?:api|apis/([^/]+))/[^/]+(?:/namespaces/[^/]+)?/([^/]+)(?:/([^/]+))?(/log)?", path
    )
    if not found or found[2] in OPEN:
        return
    group, resource = found[1] or "", found[2] + (found[4] or "")
    verbs = {
        "GET": ("get" if found[3] else "list",),
        "DELETE": ("delete",),
        "POST": ("create",),
        "PUT": ("update",),
    }
    # A server-side apply of what is not there yet creates it.
    for verb in verbs.get(method, ("patch", "create")):
        yield verb, group, resource


def granted() -> set[Right]:
    return {
        (verb, group, resource)
        for item in objects(RIGHTS)
        for rule in item.get("rules", [])
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.fixture
def user(
    plane: Plane, cluster: Cluster, home: str, go_module: Callable[[str], Path]
) -> Iterator[Recording]:
    """A user with these rights in the test's namespaces, and no others."""
    install_crds(cluster, objects(go_module("sigs.k8s.io/gateway-api@v1.5.1") / GRANTS))
    places = {"demo": home, "maas-system": f"{home}-maas"}
    for name in (f"{home}-maas", "envoy-gateway-system"):
        namespace(cluster, name)
    items = objects(RIGHTS)
    for item in items:
        place = item["metadata"].get("namespace")
        if place:
            item["metadata"]["namespace"] = places.get(place, place)
        if "subjects" in item:
            (subject,) = item["subjects"]
            subject.update(kind="User", name="reader")
        cluster.apply(item)
    made = Recording(Cluster.connect("reader", str(plane.kubeconfig))._client)
    made.used = set()
    yield made
    for item in items:
        cluster.delete(item)


@pytest.fixture
def benchmark(tmp_path: Path) -> Callable[[Subject], Benchmark]:
    """A small benchmark of a deployment's."""
    model = str(tokenizer.train(tmp_path / "tokenizer"))
    data = dataset.make(tmp_path / "dataset", model, requests=16, size=0.01)
    return lambda subject: Benchmark(subject, data, tmp_path / "results", [1], [4], runs=1)


@contextmanager
def failing_jobs(cluster: Cluster, home: str) -> Iterator[None]:
    """Stands in for a Job controller whose pods all fail."""

    def fail() -> None:
        for made in cluster.list("batch/v1", "Job", home):
            if not (made.get("status") or {}).get("conditions"):
                words = ("FailureTarget", "Failed")
                failed = [{"type": word, "status": "True"} for word in words]
                started = "2026-01-01T00:00:00Z"
                set_status(cluster, made, {"startTime": started, "conditions": failed})

    with meanwhile(fail):
        yield


def selecting(namespace: str) -> Tree:
    """A policy for another Gateway, by labels, which doctor has to ask for."""
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": "other", "namespace": namespace},
        "spec": {"targetSelectors": [{"kind": "Gateway", "matchLabels": {"team": "a"}}]},
    }


@pytest.mark.usefixtures("kubelet")
def test_these_rights_are_enough_and_none_is_too_many(
    user: Recording,
    cluster: Cluster,
    home: str,
    benchmark: Callable[[Subject], Benchmark],
) -> None:
    on = {"enabled": True}
    everything = {
        "maas": {
            **on,
            "namespace": f"{home}-maas",
            "quotas": {"hour": {"tokens": 10**6}},
            "gateway": {"tls": on, "accessLog": on, "replicas": 2},
        },
        "monitoring": {**on, "proxies": on},
        "networkPolicy": on,
        "disruptionBudget": on,
        "scaling": {
            **on,
            "schedules": {"day": {"start": "0 6 * * *", "end": "0 19 * * *", "replicas": 2}},
        },
    }
    one = load(SHORT, everything, set=["maas.backend=InferencePool"])
    other = load(SHORT, everything, set=["maas.backend=Service"])
    claims = {"uri": "pvc://weights/", "claims": {"leader": "weights"}}
    release = Release(namespace=home)

    place, now = KeySecret(user, f"{home}-maas", one.maas.api_keys.secret_name), datetime.now(UTC)
    given: list[str] = []
    with holding(place, "keys"):
        create(place, ["alice"], None, now, given.append)
        rotate(place, "alice", None, now, given.append)
        assert revoke(place, "alice").client == "alice"
    assert len(given) == 2
    assert keys(place) == []
    cluster.apply(selecting(f"{home}-maas"))
    found = [*examine(user, one, release), *examine(user, load({"model": claims}), release)]
    assert not [
        each for each in found if each.severity == Severity.UNKNOWN and "forbid" in each.message
    ]
    assert apply(user, prepare(user, render(one, release)))
    stopped_and_started(user, prepare(user, render(other, release)))
    # What progress asks for while pods of the engine start.
    assert user.log(home, "no-such-pod", "main") == ""
    assert user.list("v1", "Event", home) is not None
    maas = next(item for item in render(other, release) if item["kind"] == "Gateway")
    set_status(cluster, maas, {"addresses": [{"type": "IPAddress", "value": "127.0.0.1"}]})
    for ingress, scheme in (("kserve", "http"), ("maas", "https")):
        assert address(user, other, release, ingress).startswith(f"{scheme}://127.0.0.1:")
    measured = benchmark(subject(other, PROFILE, ["direct"], release, user, inside=True))
    fast = job.Job("python:3.12", interval=0.1)
    with failing_jobs(cluster, home):
        # The second one finds the first one's Job, and puts its own in its place.
        for _ in range(2):
            with pytest.raises(DeployError, match="Job chat-bench failed"):
                job.run(user, measured, fast, release, print, print)
    back = target(user, "chat", home)
    stopped_and_started(user, prepare(user, back.objects, force=True))
    with held(user, home, "dsv4deploy.chat", "delete"):
        planned = removal(user, ServiceRef("chat", home))
        delete(user, planned)
    assert (len(planned.going) >= len(back.objects), planned.staying) == (True, [])
    assert history(user, "chat", home) == []
    assert granted() - user.used == set()
