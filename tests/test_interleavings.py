"""Runs of two and three people at once, in every order and with every fault: nothing is lost."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from functools import partial
from typing import Any

import pytest
from fake_api import FakeCluster, State, parsed, started
from interleavings import Point, Program, Run, Said, begun, sample, walk

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.diff import changes
from dsv4deploy.cluster.lease import Clock
from dsv4deploy.cluster.plan import owned, prepare
from dsv4deploy.cluster.readiness import STOP, Wait, service_of, stopped
from dsv4deploy.cluster.revisions import RUNS, Revision, history, target
from dsv4deploy.cluster.rollout import ServiceRef, apply, delete, removal, run, upgrade
from dsv4deploy.errors import ClusterError

Tree = dict[str, Any]
PLACE = ServiceRef("chat", "demo")
SERVICE = "/apis/serving.kserve.io/v1alpha2/namespaces/demo/llminferenceservices/chat"


def service(image: str) -> Tree:
    main = {"name": "main", "image": image}
    return {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": "chat", "namespace": "demo"},
        "spec": {"template": {"containers": [main]}},
    }


def policy(rule: str) -> Tree:
    """What protects the service; it is applied before it, and deleted after it."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "chat", "namespace": "demo"},
        "spec": {"rule": rule},
    }


OLD = [policy("old"), service("old")]
QUOTA = [policy("new"), service("old")]
NEW = [policy("new"), service("new")]
BARE = [service("bare")]
BAD = [policy("new"), service("bad")]


# --- what people do ----------------------------------------------------------------------------


def waits(cluster: Cluster) -> Wait:
    """KServe's controller follows at once; the image ``bad`` never gets ready."""

    def wait(until: str) -> str:
        if until == "started":
            return until
        if cluster.guard:
            cluster.guard()
        live = cluster.live(service(""))
        if live is None or stopped(live) != (until == "stopped"):
            raise ClusterError(f"chat cannot become {until}", "Failed")
        if live["spec"]["template"]["containers"][0]["image"] == "bad" and until == "ready":
            raise ClusterError("the engine has crashed", "Failed")
        return until

    return wait


def applies(objects: list[Tree], cluster: Cluster, clock: Clock, _: Any) -> str:
    def act(plan: Any) -> str:
        if plan.downtime:
            raise ClusterError("the engines would restart", "Refused")
        return f"{apply(cluster, plan, force=True)} objects written"

    make = lambda: prepare(cluster, objects, force=True)  # noqa: E731 - a name for the line's sake
    return run(cluster, PLACE, "apply", make, act, clock=clock)


def upgrades(objects: list[Tree], cluster: Cluster, clock: Clock, ask: Any) -> str:
    def act(plan: Any) -> str:
        return upgrade(cluster, plan, force=True, wait=waits(cluster))

    make = lambda: prepare(cluster, objects, force=True)  # noqa: E731 - a name for the line's sake
    return run(cluster, PLACE, "upgrade", make, act, ask, clock=clock)


def upgrades_unasked(objects: list[Tree], cluster: Cluster, clock: Clock, _: Any) -> str:
    return upgrades(objects, cluster, clock, None)


def rolls_back(cluster: Cluster, clock: Clock, _: Any) -> str:
    def act(plan: Any) -> str:
        return upgrade(cluster, plan, force=True, wait=waits(cluster))

    def make() -> Any:
        return prepare(cluster, target(cluster, "chat", "demo").objects, force=True)

    return run(cluster, PLACE, "rollback", make, act, clock=clock)


def deletes(cluster: Cluster, clock: Clock, _: Any) -> str:
    def act(planned: Any) -> str:
        delete(cluster, planned)
        return "deleted"

    return run(cluster, PLACE, "delete", lambda: removal(cluster, PLACE), act, clock=clock)


VERBS: dict[str, Program] = {
    "apply": partial(applies, QUOTA),
    "upgrade": partial(upgrades_unasked, NEW),
    "upgrade to what fails": partial(upgrades_unasked, BAD),
    "rollback": rolls_back,
    "delete": deletes,
}


def after(state: State, *programs: Program) -> State:
    """The state that runs leave, one after the other."""
    for number, program in enumerate(programs):
        point = Point(state, (Run(begun(program, f"before-{number}")),), 0)
        ends: list[Point] = []
        walk(point, ends.append, set(), lambda _: None)
        (end,) = ends
        state = end.api
    return state


def killed_while_stopped(state: State) -> State:
    """The state that an upgrade leaves that is killed after it has stopped the engines."""
    point = Point(state, (Run(begun(partial(upgrades_unasked, NEW), "killed")),), 1)
    found: list[State] = []

    def keep(now: Point) -> None:
        live = parsed(now.api[SERVICE]) if SERVICE in now.api else {}
        if now.runs[0].dead and live and stopped(live):
            found.append(now.api)

    walk(point, lambda _: None, set(), keep)
    return found[0]


DEPLOYED = after(started(), partial(upgrades_unasked, OLD))
TWICE = after(DEPLOYED, partial(applies, QUOTA))
STARTS: dict[str, State] = {
    "made by kubectl": started(*OLD),
    "deployed": DEPLOYED,
    "deployed twice": TWICE,
    "stopped by a run that was killed": killed_while_stopped(DEPLOYED),
}


# --- what must hold ----------------------------------------------------------------------------


def of(state: State) -> tuple[Tree | None, list[Revision], FakeCluster]:
    cluster = FakeCluster(state)
    live = parsed(state[SERVICE]) if SERVICE in state else None
    return live, history(cluster, "chat", "demo"), cluster


def is_live(cluster: FakeCluster, revision: Revision) -> bool:
    """Whether the live objects are a revision's, and no others are left."""
    items = revision.objects
    wanted = {item["kind"] for item in items}
    for item in items:
        shapes = [owned(item, service_of(items))]
        shapes += [item] if revision.status == "adopted" else []
        live = cluster.live(item)
        if live is None or all(
            changes(live, cluster.apply(shape, dry_run=True, force=True)) for shape in shapes
        ):
            return False
    others = [item for item in OLD if item["kind"] not in wanted]
    return not any(cluster.live(item) for item in others)


def says_what_runs(point: Point) -> None:
    """At the end of a run, what it says runs is what runs; unless others are at work by then."""
    for each in point.runs:
        said = each.next if not each.dead else None
        others = [other for other in point.runs if other is not each and other.live]
        if not isinstance(said, Said) or others:
            continue
        assert said.text
        assert said.reason != "DeployError", said


def settled(point: Point) -> None:
    """What every end must be."""
    live, known, cluster = of(point.api)
    last = known[-1] if known else None
    said = [each.next for each in point.runs if not each.dead]
    done = [each for each in said if isinstance(each, Said) and not each.reason]
    told = " | ".join(each.text for each in said if isinstance(each, Said))
    # What is said to run, runs, and is all that is there; or a run was killed or says otherwise.
    if last and last.status in RUNS and not (live and is_live(cluster, last)):
        honest = [
            each for each in said if isinstance(each, Said) and "matches no revision" in each.text
        ]
        assert honest or any(each.dead for each in point.runs), (told, known)
    # Of each that is done its revision is in the history, as deployed or followed by another.
    for each in done:
        if found := re.search(r"revision (\d+) \((\w+)\)$", each.text):
            number = int(found[1])
            numbers = [revision.number for revision in known]
            assert number in numbers or not known, (told, known)
            status = next((r.status for r in known if r.number == number), "deleted")
            assert status in (*RUNS, "superseded", "deleted"), (told, known)
    # A service that is stopped is one whose last run has not ended well.
    if live and stopped(live):
        assert last is not None, told
        assert last.status in ("pending", "failed"), told


def recovers(states: dict[Any, State], seen: set[Any]) -> None:
    """From every end a further run goes on, and another goes back."""

    def finished(wanted: list[Tree] | None, end: Point) -> None:
        live, known, cluster = of(end.api)
        (said,) = (each.next for each in end.runs)
        assert isinstance(said, Said)
        if wanted is None and said.reason:
            assert "no revision to roll back to" in said.text, said
            return
        assert not said.reason, said
        assert live
        assert not stopped(live)
        assert STOP not in (live["metadata"].get("annotations") or {})
        assert wanted in (None, known[-1].objects)
        assert (known[-1].status, is_live(cluster, known[-1])) == ("deployed", True), said
        assert "pending" not in [each.status for each in known]

    for state in states.values():
        for program, wanted in ((VERBS["upgrade"], NEW), (rolls_back, None)):
            point = Point(state, (Run(begun(program, "later")),), 0)
            walk(point, partial(finished, wanted), seen, lambda _: None)


def explored(
    start: State, programs: list[Program], faults: int = 1, switches: float = math.inf
) -> int:
    """How many states were walked."""
    seen: set[Any] = set()
    ends: dict[Any, State] = {}

    def ended(point: Point) -> None:
        settled(point)
        ends[frozenset(point.api.items())] = point.api

    runs = tuple(Run(begun(each, "ABC"[number])) for number, each in enumerate(programs))
    walk(Point(start, runs, faults, switches), ended, seen, says_what_runs)
    recovers(ends, seen)
    return len(seen)


PAIRS = [(one, other) for n, one in enumerate(VERBS) for other in list(VERBS)[n:]]
WALKED: Counter[str] = Counter()


@pytest.mark.parametrize("start", STARTS)
def test_two_at_once_lose_nothing(start: str) -> None:
    """Every interleaving of every two verbs."""
    for pair in PAIRS:
        states = explored(STARTS[start], [VERBS[each] for each in pair], faults=0)
        assert states > 200, pair
        WALKED["two at once"] += states


@pytest.mark.parametrize("start", ["made by kubectl", "deployed"])
@pytest.mark.parametrize("other", ["apply", "delete"])
def test_what_happens_while_somebody_is_asked_is_shown(start: str, other: str) -> None:
    states = explored(STARTS[start], [partial(upgrades, NEW), VERBS[other]], faults=0)
    assert states > 300
    WALKED["while somebody is asked"] += states


@pytest.mark.parametrize("other", ["apply", "rollback", "delete"])
def test_a_fault_at_any_call_loses_nothing(other: str) -> None:
    """Every interleaving, with one fault at every call."""
    states = explored(DEPLOYED, [VERBS["apply"], VERBS[other]])
    assert states > 5000
    WALKED["with a fault"] += states


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_fault_at_any_call_of_longer_runs_loses_nothing(pair: tuple[str, str]) -> None:
    """One fault at every call, where a run is overtaken only while it waits or has ended."""
    states = explored(DEPLOYED, [VERBS[each] for each in pair], switches=0)
    assert states > 300
    WALKED["with a fault, in turns"] += states


@pytest.mark.parametrize("start", STARTS)
def test_three_at_once_lose_nothing(start: str) -> None:
    """Some ways of three runs, with up to two faults."""
    for seed in range(60):
        rng = random.Random(f"{start} {seed}")
        programs = rng.choices([*VERBS.values(), partial(upgrades, NEW)], k=3)
        runs = tuple(Run(begun(each, "ABC"[number])) for number, each in enumerate(programs))
        end, steps = sample(Point(STARTS[start], runs, 2), rng)
        settled(end)
        seen: set[Any] = set()
        recovers({seed: end.api}, seen)
        WALKED["three at once"] += steps + len(seen)


def test_how_many_states_were_walked(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        told = ", ".join(f"{states} {what}" for what, states in WALKED.items())
        print(f"\n{WALKED.total()} states walked: {told}")
    assert len(WALKED) < 5 or WALKED.total() >= 100_000
