"""How long a service is waited for, by a clock that takes no time; the rest is in e2e."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dsv4deploy import Release, load, render
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.readiness import FETCHING, LAGS, Limits, budget, progress, waiting, watch
from dsv4deploy.errors import ClusterError

Tree = dict[str, Any]
Life = Callable[[float], Tree | None]


class Clock:
    """Stands in for the module ``time``."""

    now = 0.0

    def monotonic(self) -> float:
        """Seconds since the test's beginning."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Takes no time."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("dsv4deploy.cluster.readiness.time", made)
    return made


ABSENT = "Unable to retrieve some image pull secrets (site)"


class Engine(Cluster):
    """A cluster whose only pod's container is in a state that depends on the time."""

    def __init__(self, clock: Clock, life: Life) -> None:
        super().__init__(None)
        self._clock, self._life = clock, life
        self.meta: Tree = {}

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service, which is never ready."""
        meta = {"name": name, "namespace": namespace}
        return {"metadata": meta} if kind == "LLMInferenceService" else None

    def list(self, api_version: str, kind: str, *_: Any, **__: Any) -> list[Tree]:
        """The pod; kubelet's event about a pull secret that is absent."""
        if kind == "Event":
            return [{"reason": "FailedToRetrieveImagePullSecret", "message": ABSENT}]
        main = self._life(self._clock.now)
        labels = {"app.kubernetes.io/component": "llminferenceservice-workload"}
        meta = {"name": "chat-0", "namespace": "demo", "labels": labels, **self.meta}
        states = [{"name": "main", **main}] if main else []
        done = {"reason": "Completed", "exitCode": 0, "finishedAt": "000000001"}
        first = [{"name": "modelcar-init", "ready": True, "state": {"terminated": done}}]
        status = {"initContainerStatuses": first, "containerStatuses": states}
        pod = {"metadata": meta, "status": status}
        return [pod] if kind == "Pod" else []

    def log(self, *_: Any, **__: Any) -> str:
        """The engine is at its weights."""
        return "Loading safetensors"


def runs(since: float) -> Tree:
    return {"state": {"running": {"startedAt": f"{since:09.0f}"}}}


def waited(clock: Clock, life: Life, limits: Limits) -> tuple[float, ClusterError]:
    """After how many seconds it is given up, and why."""
    with pytest.raises(ClusterError) as told:
        for _ in watch(Engine(clock, life), "chat", "demo", "ready", limits):
            pass
    return clock.now, told.value


def ended(at: float) -> Tree:
    how = {"reason": "OOMKilled", "exitCode": 137, "message": "out of memory"}
    return {"terminated": {**how, "finishedAt": f"{at:09.0f}"}}


def crashing(life: float, pause: float, before: bool = False, anew: bool = False) -> Life:
    """An engine that ends after some seconds, and is started again after a pause.

    Args:
        life: until it ends.
        pause: until it is started again.
        before: it has ended before, too.
        anew: its pod is made anew when it is started again, as that of a LeaderWorkerSet is.
    """

    def state(now: float) -> Tree:
        lives, age = divmod(now, life + pause)
        born = now - age
        if age >= life:
            back_off = {"waiting": {"reason": "CrashLoopBackOff"}}
            return {"state": back_off, "lastState": ended(born + life)}
        told = (before or lives) and not anew
        return {**runs(born), **({"lastState": ended(born - pause)} if told else {})}

    return state


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("anew", [False, True])
def test_an_engine_that_fails_late_again_and_again_is_given_up(
    clock: Clock, before: bool, anew: bool
) -> None:
    seconds, told = waited(clock, crashing(660, 10, before, anew), Limits(10**6))
    assert (told.reason, seconds) == ("Failed", 1330)
    assert "keeps failing: chat-0/main terminated: OOMKilled: exit code 137: out of mem" in str(
        told
    )


def test_an_engine_that_fails_at_once_is_given_up_after_patience(clock: Clock) -> None:
    seconds, told = waited(clock, crashing(5, 300), Limits(10**6))
    assert (told.reason, seconds) == ("Failed", 60)
    assert "chat-0/main: OOMKilled" in str(told)


def test_a_pod_that_goes_does_not_fail_by_its_end(clock: Clock) -> None:
    going = Engine(clock, crashing(660, 10))
    going.meta = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    with pytest.raises(ClusterError, match=r"not ready after 5000 s \(loading\): [^;]*$"):
        list(watch(going, "chat", "demo", "ready", Limits(5000)))


def test_what_has_done_its_work_before_the_engine_has_not_failed(clock: Clock) -> None:
    _, told = waited(clock, runs, Limits(5000))
    assert "ended" not in str(told)


def test_an_engine_that_ends_while_it_is_stopped_is_none_that_fails(clock: Clock) -> None:
    failing = Engine(clock, crashing(660, 10))
    with pytest.raises(ClusterError, match="not stopped after 5000 s"):
        list(watch(failing, "chat", "demo", "stopped", Limits(5000)))


class Lagging(Engine):
    """A cluster whose engine is ready, and whose KServe does not say so until it is nudged."""

    def __init__(self, clock: Clock, missing: list[str], helps: bool = False) -> None:
        super().__init__(clock, lambda now: {"ready": True, **runs(0)})
        self._missing, self._helps = missing, helps
        self.nudges: list[float] = []

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service, and its Deployment, whose one replica is new and ready."""
        meta = {"name": name, "namespace": namespace}
        if kind == "Deployment":
            return {"metadata": meta, "spec": {}, "status": {"readyReplicas": 1, **UPDATED}}
        if kind != "LLMInferenceService":
            return None
        good = self._helps and bool(self.nudges)
        told = [
            {"type": each, "status": "True" if good else "False", "message": "in progress"}
            for each in self._missing
        ]
        return {"metadata": meta, "status": {"conditions": told}}

    def apply(self, item: Any, **_: Any) -> Tree:
        """Notes a nudge."""
        self.nudges.append(self._clock.now)
        assert list(item["metadata"]["annotations"]) == ["dsv4deploy.io/nudge"]
        return dict(item)


UPDATED = {"updatedReplicas": 1}


def test_kserve_that_lags_is_nudged_and_then_said_not_to_matter(clock: Clock) -> None:
    cluster = Lagging(clock, ["Ready", "WorkloadsReady", "MainWorkloadReady"])
    wait = waiting(cluster, "chat", "demo", Limits(90))
    assert wait("ready") == LAGS
    assert (cluster.nudges, clock.now) == ([60], 120)


def test_kserve_that_is_nudged_may_catch_up(clock: Clock) -> None:
    cluster = Lagging(clock, ["Ready", "WorkloadsReady"], helps=True)
    assert waiting(cluster, "chat", "demo", Limits(5000))("ready") == "ready"
    assert (cluster.nudges, clock.now) == ([60], 65)


@pytest.mark.parametrize(("replicas", "phase"), [(1, "lagging"), (2, "routing")])
def test_a_rolling_update_with_an_old_replica_left_does_not_serve_yet(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, replicas: int, phase: str
) -> None:
    monkeypatch.setitem(UPDATED, "replicas", replicas)
    assert progress(Lagging(clock, ["Ready"]), "chat", "demo").phase == phase


class Rerouting(Lagging):
    """A service that KServe reports as ready while its router's Deployment replaces its pod."""

    def __init__(self, clock: Clock, replicas: int) -> None:
        super().__init__(clock, ["Ready"], helps=True)
        self.nudges = [0]
        self._replicas = replicas

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service, its engine's Deployment, and its router's with old replicas."""
        found = super().get(api_version, kind, name, namespace)
        if found and name.endswith("-router-scheduler"):
            found["status"] |= {"replicas": self._replicas}
        return found


@pytest.mark.parametrize(
    ("replicas", "phase", "message"),
    [
        (1, "ready", "the service accepts requests"),
        (2, "routing", "Deployment chat-kserve-router-scheduler is replacing its pods"),
    ],
)
def test_a_service_is_ready_once_its_router_is_not_replaced_any_more(
    clock: Clock, replicas: int, phase: str, message: str
) -> None:
    found = progress(Rerouting(clock, replicas), "chat", "demo")
    assert found.phase == phase
    assert found.message.endswith(message)


def test_a_route_that_is_not_ready_is_no_lag(clock: Clock) -> None:
    cluster = Lagging(clock, ["Ready", "RouterReady"])
    with pytest.raises(ClusterError, match=r"not ready after 500 s \(routing\)"):
        waiting(cluster, "chat", "demo", Limits(500))("ready")
    assert cluster.nudges == []


def test_a_wait_asks_whether_the_lease_is_still_held(clock: Clock) -> None:
    cluster = Lagging(clock, ["Ready", "RouterReady"])

    def guard() -> None:
        if clock.now >= 20:
            raise ClusterError("the Lease is lost", "Lost")

    cluster.guard = guard
    with pytest.raises(ClusterError, match="the Lease is lost"):
        waiting(cluster, "chat", "demo", Limits(500))("ready")
    assert clock.now == 20


class Starting(Engine):
    """A cluster whose KServe takes a while to act on a start, and then makes pods."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(clock, lambda now: runs(seconds))
        self._seconds = seconds

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service, whose conditions are those of the stop before at first."""
        found = super().get(api_version, kind, name, namespace)
        told = {"type": "Ready", "status": "False", "reason": "Stopped"}
        return found and {**found, "status": {"conditions": [told]}}

    def list(self, *words: Any, **fields: Any) -> list[Tree]:
        """No pod before KServe has acted."""
        return super().list(*words, **fields) if self._clock.now >= self._seconds else []


def test_a_service_is_started_once_kserve_has_acted_on_it(clock: Clock) -> None:
    assert progress(Starting(clock, 20), "chat", "demo").phase == "starting"
    waiting(Starting(clock, 20), "chat", "demo", Limits(5000))("started")
    assert clock.now == 20


def test_a_kserve_that_is_slow_to_act_is_waited_for_until_the_timeout(clock: Clock) -> None:
    waiting(Starting(clock, 300), "chat", "demo", Limits(5000))("started")
    with pytest.raises(
        ClusterError, match=r"not started after .* KServe has not started the service yet"
    ):
        waiting(Starting(clock, 10**6), "chat", "demo", Limits(5000))("started")


def test_a_pull_secret_that_is_absent_matters_only_where_an_image_cant_be_pulled(
    clock: Clock,
) -> None:
    def pulling(now: float) -> Tree:
        return {"state": {"waiting": {"reason": "ContainerCreating"}}}

    def failing(now: float) -> Tree:
        return {"state": {"waiting": {"reason": "ErrImagePull", "message": "denied"}}}

    assert "pull secret" not in progress(Engine(clock, pulling), "chat", "demo").message
    told = progress(Engine(clock, failing), "chat", "demo").message
    assert told == f"an image cannot be pulled: chat-0/main: denied; {ABSENT}"


def test_a_crash_is_told_once(clock: Clock) -> None:
    _, told = waited(clock, crashing(5, 10**6), Limits(30))
    assert str(told).count("out of memory") == 1


class Routed(Engine):
    """A cluster whose engine is ready, and whose router is not."""

    def __init__(self, clock: Clock, router: Tree) -> None:
        super().__init__(clock, lambda now: {"ready": True, **runs(0)})
        self._router = router

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service, with KServe's words about the router."""
        if kind != "LLMInferenceService":
            return None
        why = "Deployment does not have minimum availability"
        told = [
            {"type": each, "status": "False", "message": why}
            for each in ("Ready", "RouterReady", "SchedulerWorkloadReady")
        ]
        return {"metadata": {"name": name, "namespace": namespace}, "status": {"conditions": told}}

    def list(self, api_version: str, kind: str, *words: Any, **fields: Any) -> list[Tree]:
        """The engine's pod, and the router's."""
        found = super().list(api_version, kind, *words, **fields)
        labels = {"app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
        meta = {"name": "router-0", "namespace": "demo", "labels": labels}
        status = {"containerStatuses": [{"name": "main", **self._router}]}
        return found + ([{"metadata": meta, "status": status}] if kind == "Pod" else [])


def test_a_router_that_is_not_ready_is_named(clock: Clock) -> None:
    now = progress(Routed(clock, runs(0)), "chat", "demo")
    assert (now.phase, now.message) == (
        "routing",
        "the engines are ready, but the router (Deployment chat-kserve-router-scheduler) is not "
        "ready: Deployment does not have minimum availability",
    )


def test_a_router_that_cant_start_fails_the_service(clock: Clock) -> None:
    waits = {"reason": "ImagePullBackOff", "message": "no such image"}
    now = progress(Routed(clock, {"state": {"waiting": waits}}), "chat", "demo")
    assert now.phase == "failed"
    assert now.message == f"an image cannot be pulled: router-0/main: no such image; {ABSENT}"


@pytest.mark.parametrize("anew", [False, True])
def test_one_failure_is_none(clock: Clock, anew: bool) -> None:
    once = crashing(660, 10, anew=anew)
    life = lambda now: once(min(now, 700))  # noqa: E731 - a name for the line's sake
    seconds, told = waited(clock, life, Limits(5000))
    assert (told.reason, seconds) == ("Timeout", 5000)
    assert "; chat-0/main terminated: OOMKilled: exit code 137: out of memory" in str(told)


def test_an_engine_has_its_probe_s_time_from_its_start(clock: Clock) -> None:
    limits = budget(render(load(), Release()))
    assert limits == Limits(timeout=2700 + 3660, fetching=2700, loading=3660)
    late = FETCHING - 60  # later than ten minutes
    life = lambda now: runs(late) if now >= late else None  # noqa: E731
    seconds, told = waited(clock, life, limits)
    assert (told.reason, seconds) == ("Timeout", late + 3660)
    assert "not ready after 6300 s (loading)" in str(told)


def test_images_and_weights_have_a_time_of_their_own(clock: Clock) -> None:
    seconds, told = waited(clock, lambda _: None, budget(render(load(), Release())))
    assert (told.reason, seconds) == ("Timeout", FETCHING)
    assert "(image)" in str(told)


def test_a_timeout_that_is_given_is_the_only_one(clock: Clock) -> None:
    assert waited(clock, lambda _: None, Limits(9000))[0] == 9000


def test_instances_that_are_replaced_in_turn_have_their_time_each() -> None:
    objects = render(load(), Release())
    assert budget(objects, 3).timeout == 3 * budget(objects).timeout
    assert budget(objects, 3).loading == budget(objects).loading


class Replacing(Engine):
    """A cluster where a new pod waits for the NPUs of an old one."""

    def __init__(self, clock: Clock, ends: bool) -> None:
        super().__init__(clock, lambda now: {"ready": True, **runs(0)})
        self._ends = ends

    def list(self, api_version: str, kind: str, *words: Any, **fields: Any) -> list[Tree]:
        """The old pod, and the new one, which has no node."""
        if kind != "Pod":
            return []
        (old,) = super().list(api_version, kind, *words, **fields)
        why = {"type": "PodScheduled", "status": "False", "message": "8 Insufficient npu"}
        new = {**old, "status": {"conditions": [why]}}
        if self._ends:
            old["metadata"] = {**old["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        return [old, new]


@pytest.mark.parametrize(("ends", "phase"), [(True, "scheduled"), (False, "failed")])
def test_a_pod_that_waits_for_the_npus_of_one_that_ends_has_not_failed(
    clock: Clock, ends: bool, phase: str
) -> None:
    assert progress(Replacing(clock, ends), "chat", "demo").phase == phase


class Serving(Lagging):
    """A cluster where KServe has not brought the engine's Deployment up to the service yet."""

    def __init__(self, clock: Clock, asked: Tree, made: Tree) -> None:
        super().__init__(clock, ["Ready"])
        self._specs = {"LLMInferenceService": asked, "Deployment": made}

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service and its Deployment."""
        found = super().get(api_version, kind, name, namespace)
        return {**found, "spec": self._specs[kind]} if found else None


def pod(replicas: int | None, **variables: str) -> Tree:
    env = [{"name": name, **({"value": text} if text else {})} for name, text in variables.items()]
    template = {"containers": [{"name": "main", "image": "a", "env": env}]}
    return {"template": template, **({"replicas": replicas} if replicas else {})}


def deployment(replicas: int, **variables: str) -> Tree:
    return {"replicas": replicas, "template": {"spec": pod(None, **variables)["template"]}}


@pytest.mark.parametrize(
    ("asked", "made", "phase"),
    [
        (pod(1), deployment(1, OF_KSERVE="1"), "lagging"),
        (pod(1, A="1", B=""), deployment(1, A="1", B=""), "lagging"),
        (pod(None), deployment(1), "lagging"),
        (pod(1, A="2"), deployment(1, A="1"), "routing"),
        (pod(2), deployment(1), "routing"),
    ],
    ids=["more-variables", "empty-variable", "no-number", "other-variable", "other-number"],
)
def test_a_deployment_that_is_not_the_service_s_yet_does_not_count(
    clock: Clock, asked: Tree, made: Tree, phase: str
) -> None:
    assert progress(Serving(clock, asked, made), "chat", "demo").phase == phase


class Refusing(Cluster):
    """A cluster that refuses pods of two nodes, with events about the StatefulSets of one set."""

    def __init__(self, pods: list[str], events: dict[str, str]) -> None:
        super().__init__(None)
        self._pods, self._events = pods, events

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Tree | None:
        """The service and its LeaderWorkerSet."""
        meta = {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-02T00:00:00Z"}
        found = {"kind": kind, "metadata": meta, "spec": {"worker": {}}}
        return None if kind == "Deployment" else found

    def list(self, api_version: str, kind: str, *_: Any, **__: Any) -> list[Tree]:
        """The pods that are there, or the events."""
        if kind == "Pod":
            labels = {"app.kubernetes.io/component": "llminferenceservice-workload-leader"}
            return [
                {"metadata": {"name": each, "namespace": "demo", "labels": labels}}
                for each in self._pods
            ]
        return [
            {"involvedObject": {"name": name}, "message": "no", "lastTimestamp": time}
            for name, time in self._events.items()
        ]


LATER, BEFORE = "2026-01-02T00:00:09Z", "2026-01-01T23:59:59Z"


@pytest.mark.parametrize(
    ("pods", "events", "phase"),
    [
        ([], {"chat-kserve-mn": LATER}, "failed"),
        (["chat-kserve-mn-0"], {"chat-kserve-mn-0": LATER}, "failed"),
        (["chat-kserve-mn-0", "chat-kserve-mn-0-1"], {"chat-kserve-mn-0": LATER}, "image"),
        ([], {"chat-kserve-mn": BEFORE}, "accepted"),
        ([], {"chat-kserve-mn-of-another": LATER}, "accepted"),
        ([], {}, "accepted"),
    ],
)
def test_pods_of_two_nodes_that_are_refused_are_reported(
    pods: list[str], events: dict[str, str], phase: str
) -> None:
    now = progress(Refusing(pods, events), "chat", "demo")
    assert now.phase == phase
    assert (now.message == "the pods cannot be created: no") == (phase == "failed")
