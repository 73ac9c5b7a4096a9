"""The rights of examples/rbac: enough for every verb, and none that no verb uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Plane
from control_plane import install_crds, namespace, objects, set_status
from test_deployments import ROOT, SHORT, kubelet, stopped_and_started  # noqa: F401 - a fixture

from dsv4deploy import Release, load, render
from dsv4deploy.cluster import Cluster
from dsv4deploy.doctor import Status, examine
from dsv4deploy.ingress import address
from dsv4deploy.rollout import apply, delete, history, prepare, target

Right = tuple[str, str, str]
RIGHTS = ROOT / "examples" / "rbac" / "rbac.yaml"
# What every user may do: discovery, the version, and asking for one's own rights.
OPEN = {"selfsubjectaccessreviews"}
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
    verbs = {"GET": ("get" if found[3] else "list",), "DELETE": ("delete",), "POST": ("create",)}
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


@pytest.mark.usefixtures("kubelet")
def test_these_rights_are_enough_and_none_is_too_many(
    user: Recording, cluster: Cluster, home: str
) -> None:
    on = {"enabled": True}
    everything = {
        "maas": {**on, "namespace": f"{home}-maas", "quotas": {"hour": {"tokens": 10**6}}},
        "monitoring": on,
        "networkPolicy": on,
        "disruptionBudget": on,
    }
    one = load(SHORT, everything, set=["maas.backend=InferencePool"])
    other = load(SHORT, everything, set=["maas.backend=Service"])
    claims = {"uri": "pvc://weights/", "claims": {"leader": "weights"}}
    release = Release(namespace=home)

    found = [*examine(user, one, release), *examine(user, load({"model": claims}), release)]
    assert not [
        each for each in found if each.status == Status.UNKNOWN and "forbid" in each.message
    ]
    assert apply(user, prepare(user, render(one, release)))
    stopped_and_started(user, prepare(user, render(other, release)))
    # What progress asks for while pods of the engine start.
    assert user.log(home, "no-such-pod", "main") == ""
    assert user.list("v1", "Event", home) is not None
    maas = next(item for item in render(other, release) if item["kind"] == "Gateway")
    set_status(cluster, maas, {"addresses": [{"type": "IPAddress", "value": "127.0.0.1"}]})
    for ingress in ("kserve", "maas"):
        assert address(user, other, release, ingress).startswith("http://127.0.0.1:")
    back = target(user, "chat", home)
    stopped_and_started(user, prepare(user, back.objects, force=True))
    going, staying = delete(user, "chat", home)
    assert (len(going) >= len(back.objects), staying) == (True, [])
    assert history(user, "chat", home) == []
    assert granted() - user.used == set()
