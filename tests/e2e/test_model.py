"""The API server in memory, of the tests of runs at once, answers as a real one does."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.errors import ClusterError

sys.path.append(str(Path(__file__).resolve().parent.parent))

from fake_api import FakeCluster, started

Tree = dict[str, Any]
Step = tuple[str, Tree]
STEPS = 16


def sequence(seed: int) -> list[Step]:
    """Some requests about two objects, by two managers, with what was read at some time."""
    rng = random.Random(seed)
    kinds = rng.choice([("ConfigMap", "Secret"), ("ConfigMap", "ConfigMap"), ("Lease", "Secret")])
    steps = []
    for _ in range(STEPS):
        number = rng.randrange(2)
        kind = kinds[number]
        verbs = ["create", "replace", "delete", "get", "list"]
        verbs += [] if kind == "Lease" else ["apply"] * 6
        step = {
            "kind": kind,
            "name": f"object-{number}",
            "fields": {key: rng.choice("xy") for key in rng.sample("abc", rng.randint(1, 3))},
            "manager": rng.choice(["one", "two"]),
            "force": rng.random() < 0.4,
            "dry": rng.random() < 0.2,
            # Which of the states that were read it is to be written over.
            "over": rng.choice(["none", "first", "last", "last"]),
        }
        steps.append((rng.choice(verbs), step))
    return steps


def item(step: Tree, home: str) -> Tree:
    meta = {"name": step["name"], "namespace": home, "labels": {"a": step["fields"].get("a", "z")}}
    kind, fields = step["kind"], step["fields"]
    made: Tree = {"apiVersion": "v1", "kind": kind, "metadata": meta}
    if kind == "Lease":
        made["apiVersion"] = "coordination.k8s.io/v1"
        times = dict.fromkeys(("renewTime", "acquireTime"), "2026-01-01T00:00:00.000000Z")
        return {**made, "spec": {"holderIdentity": "".join(sorted(fields)), **times}}
    if kind == "Secret":
        return {**made, "type": "Opaque", "data": {key: value * 4 for key, value in fields.items()}}
    return {**made, "data": fields}


class Replay:
    """The answers of one cluster to a sequence, without what no two servers have in common."""

    def __init__(self, cluster: Cluster, home: str) -> None:
        self.cluster, self.home = cluster, home
        # The states of each object that were read or written, and the versions by their order.
        self.seen: dict[str, list[Tree]] = {}
        self.versions: dict[str, list[tuple[str, str]]] = {}

    def step(self, verb: str, step: Tree) -> Any:
        """The answer to one request."""
        wanted = item(step, self.home)
        seen = self.seen.get(step["name"], [])
        over = {"none": None, "first": seen[:1], "last": seen[-1:]}[step["over"]]
        live = over[0] if over else None
        try:
            answer = self._asked(verb, step, wanted, live)
        except ClusterError as error:
            text = str(error)
            told = sorted(name for name in ("one", "two") if f'"{name}"' in text)
            return str(error.reason), told
        if isinstance(answer, dict) and not step["dry"]:
            self.seen.setdefault(step["name"], []).append(answer)
        return self.plain(answer, dry=step["dry"])

    def _asked(self, verb: str, step: Tree, wanted: Tree, live: Tree | None) -> Any:
        options: Tree = {"dry_run": step["dry"]}
        match verb:
            case "get":
                step["dry"] = False
                return self.cluster.live(wanted)
            case "list":
                found = self.cluster.list(wanted["apiVersion"], step["kind"], self.home, "a=x")
                return [each for each in found if each["metadata"]["name"].startswith("object")]
            case "apply":
                options |= {"force": step["force"], "manager": step["manager"]}
                return self.cluster.apply(wanted, live=live, **options)
            case "create":
                return self.cluster.create(wanted, **options)
            case "replace" if not live:
                return None
            case "replace":
                meta = {**live["metadata"], **wanted["metadata"]}
                return self.cluster.replace({**wanted, "metadata": meta}, **options)
        return self.cluster.delete(wanted, live=live)

    def plain(self, answer: Any, *, dry: bool) -> Any:
        """An answer with versions by their order, and without times."""
        if isinstance(answer, list):
            return [self.plain(each, dry=dry) for each in answer]
        if not isinstance(answer, dict):
            return answer
        meta = answer["metadata"]
        entries = meta.get("managedFields") or []
        told: Tree = {
            "data": answer.get("data"),
            "holder": (answer.get("spec") or {}).get("holderIdentity"),
            "labels": meta.get("labels"),
            # Of an update the real one also keeps the maps around its fields, which is not read.
            "managers": sorted(e["manager"] for e in entries if e["operation"] == "Apply"),
        }
        if not dry:
            version = (meta["uid"], meta["resourceVersion"])
            known = self.versions.setdefault(meta["name"], [])
            if version not in known:
                known.append(version)
            told["version"] = known.index(version)
        return told


@pytest.mark.parametrize("seed", range(50))
def test_the_server_in_memory_answers_as_a_real_one(
    bare: Cluster, seed: int, space: Callable[[], str]
) -> None:
    home = space()
    real, fake = Replay(bare, home), Replay(FakeCluster(started()), "demo")
    for number, (verb, step) in enumerate(sequence(seed)):
        answers = [each.step(verb, dict(step)) for each in (real, fake)]
        assert answers[0] == answers[1], (number, verb, step)


@pytest.fixture
def space(bare: Cluster) -> Callable[[], str]:
    """Makes a namespace of the test's own."""

    def make() -> str:
        name = f"model-{random.SystemRandom().randrange(16**8):08x}"
        bare.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    return make
