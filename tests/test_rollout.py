"""What a run does to a service that others change, too; on an API server in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from fake_api import FakeCluster, State, parsed, started

from dsv4deploy import Release, load, render
from dsv4deploy.cli.upgrade import agreed
from dsv4deploy.cluster import scaler
from dsv4deploy.cluster.diff import label
from dsv4deploy.cluster.lease import Clock
from dsv4deploy.cluster.plan import Plan, prepare
from dsv4deploy.cluster.readiness import STOP, Wait, progress, stopped
from dsv4deploy.cluster.revisions import history, manifest, target
from dsv4deploy.cluster.rollout import (
    ServiceRef,
    apply,
    delete,
    removal,
    run,
    upgrade,
    what_runs,
)
from dsv4deploy.cluster.scaler import PAUSE
from dsv4deploy.errors import ClusterError, InterruptionError

Tree = dict[str, Any]
PLACE = ServiceRef("chat", "demo")


def item(kind: str, api: str, **fields: Any) -> Tree:
    meta = {"name": "chat", "namespace": "demo"}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **fields}


def service(image: str) -> Tree:
    containers = [{"name": "main", "image": image}]
    spec = {"template": {"containers": containers}}
    return item("LLMInferenceService", "serving.kserve.io/v1alpha2", spec=spec)


def policy(rule: str) -> Tree:
    return item("NetworkPolicy", "networking.k8s.io/v1", spec={"rule": rule})


OLD = [policy("old"), service("old")]
QUOTA = [policy("new"), service("old")]
NEW = [policy("new"), service("new")]


class Hooked(FakeCluster):
    """A cluster where something happens just before the requests that a test names."""

    def __init__(self, server: list[State], part: str = "", hook: Callable[[], None] | None = None):
        super().__init__({})
        self._server = server
        self._part, self._hook = part, hook

    def _once(self, method: str, path: str, query: Any, body: Any) -> Any:
        line = f"{method} {path}" + (" (dry run)" if "dryRun" in query else "")
        told = f"{line} {body}"
        if self._hook and self._part in told:
            hook, self._hook = self._hook, None
            hook()
        return super()._once(method, path, query, body)


def clock(name: str) -> Clock:
    """A clock on which a wait takes no time, and nothing happens in the background."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Clock(lambda: now[0], sleep, lambda *_: nullcontext(), lambda: name)


def never(what: str) -> Wait:
    """A wait for a phase that never comes."""

    def wait(until: str) -> str:
        if until == what:
            raise ClusterError(f"chat cannot become {until}", "Failed")
        return until

    return wait


def changed(
    cluster: FakeCluster,
    objects: list[Tree],
    *,
    ask: Callable[[Plan], bool] | None = None,
    wait: Wait = lambda until: until,
    verb: str = "upgrade",
    name: str = "alice",
) -> str:
    def act(plan: Plan) -> str:
        if verb == "apply":
            return f"{apply(cluster, plan, force=True)} written"
        return upgrade(cluster, plan, force=True, wait=wait)

    make = lambda: prepare(cluster, objects, force=True)  # noqa: E731 - a name for the line's sake
    return run(cluster, PLACE, verb, make, act, ask, clock=clock(name))


def waits(cluster: FakeCluster, objects: list[Tree]) -> list[str]:
    """What an upgrade waits for."""
    waited: list[str] = []

    def wait(until: str) -> str:
        waited.append(until)
        return until

    changed(cluster, objects, wait=wait)
    return waited


def there(*objects: Tree, deployed: bool = True) -> list[State]:
    """A server with a deployment, made by this tool or by kubectl."""
    if not deployed:
        return [started(*objects)]
    cluster = FakeCluster(started())
    changed(cluster, list(objects))
    return cluster._server


def statuses(cluster: FakeCluster) -> list[str]:
    return [revision.status for revision in history(cluster, "chat", "demo")]


def image(cluster: FakeCluster) -> str:
    live = cluster.live(service(""))
    assert live
    return str(live["spec"]["template"]["containers"][0]["image"])


def test_nobody_applies_while_another_stops_the_engines() -> None:
    server = there(*OLD)
    told: list[str] = []

    bob = Hooked(server)
    lease = "/apis/coordination.k8s.io/v1/namespaces/demo/leases/dsv4deploy.chat"

    def renewed(_: float) -> None:
        # Alice's Lease is renewed meanwhile, which her clock in this test does not do.
        bob.replace(parsed(server[0][lease]))

    slow = replace(clock("bob"), sleep=renewed)

    def colleague() -> None:
        with pytest.raises(
            ClusterError, match="another run is changing chat: upgrade by alice"
        ) as error:
            run(bob, PLACE, "apply", lambda: None, lambda _: "", clock=slow)
        told.append(error.value.reason)

    cluster = Hooked(server, f"'{STOP}': 'true'", colleague)
    assert changed(cluster, NEW).endswith(
        "service chat in namespace demo is running: revision 2 (deployed)"
    )
    assert (told, image(cluster)) == (["Held"], "new")
    assert statuses(cluster) == ["superseded", "deployed"]


def test_a_plan_that_is_stale_after_the_question_is_shown_again() -> None:
    server = there(*OLD)
    shown: list[list[str]] = []

    def ask(plan: Plan) -> bool:
        shown.append([change.path for change in plan.changes])
        if len(shown) == 1:
            changed(Hooked(server), QUOTA, verb="apply", name="bob")
        return True

    cluster = Hooked(server)
    told = changed(cluster, [policy("old"), service("new")], ask=ask)
    assert told.endswith("is running: revision 3 (deployed)")
    engine = "spec.template.containers[main].image"
    assert shown == [[engine], ["spec.rule", engine]]
    live = cluster.live(policy(""))
    assert live
    assert live["spec"]["rule"] == "old"


def test_who_answers_no_has_changed_nothing_and_is_told_what_runs() -> None:
    server = there(*OLD)
    before = server[0]
    with pytest.raises(
        InterruptionError,
        match="nothing has been changed; service chat in namespace demo is running; its",
    ):
        changed(Hooked(server), NEW, ask=lambda _: False)
    assert server[0] == before


def test_the_way_back_has_a_wait_of_its_own() -> None:
    cluster = FakeCluster({})
    cluster._server = there(*OLD)
    waited: list[str] = []

    def back(until: str) -> str:
        waited.append(until)
        return until

    plan = prepare(cluster, NEW, force=True)
    with pytest.raises(ClusterError, match="revision 1 is running again"):
        upgrade(cluster, plan, force=True, wait=never("ready"), wait_back=back)
    assert waited == ["started", "stopped", "ready"]


@pytest.mark.parametrize("phase", ["stopped", "ready"])
def test_what_somebody_else_has_made_is_put_back_where_an_upgrade_fails(phase: str) -> None:
    cluster = Hooked(there(*OLD, deployed=False))
    tries: list[str] = []

    def wait(until: str) -> str:
        tries.append(until)
        if until == phase and tries.count(until) == 1:
            raise ClusterError(f"chat cannot become {until}", "Timeout")
        return until

    with pytest.raises(
        ClusterError,
        match="is running again\nservice chat in namespace demo is running: revision 1",
    ):
        changed(cluster, NEW, wait=wait)
    assert statuses(cluster) == ["adopted", "failed"]
    assert image(cluster) == "old"
    assert not stopped(cluster.live(service("")) or {})


def test_what_somebody_else_has_made_can_be_gone_back_to() -> None:
    cluster = Hooked(there(*OLD, deployed=False))
    changed(cluster, NEW)
    assert statuses(cluster) == ["superseded", "deployed"]
    changed(cluster, target(cluster, "chat", "demo").objects)
    assert image(cluster) == "old"


def test_ctrl_c_while_the_engines_are_stopped_says_so_and_what_goes_on() -> None:
    cluster = Hooked(there(*OLD, deployed=False))

    def wait(until: str) -> str:
        if until == "started":
            return until
        raise KeyboardInterrupt

    with pytest.raises(InterruptionError) as told:
        changed(cluster, NEW, wait=wait)
    assert str(told.value) == (
        "interrupted: service chat in namespace demo is stopped: revision 1 (adopted); run the "
        "same command again to continue, or `dsv4deploy rollback 1 --name chat -n demo` to roll "
        "back"
    )


def test_a_webhook_that_dies_after_the_stop_is_not_called_no_change() -> None:
    def down() -> None:
        cluster._hook = down
        raise ClusterError("failed calling webhook", "WebhookDown")

    server = there(*OLD)
    cluster = Hooked(server)

    def wait(until: str) -> str:
        if until == "stopped":
            cluster._part, cluster._hook = "PATCH", down
        return until

    with pytest.raises(ClusterError) as told:
        changed(cluster, NEW, wait=wait)
    assert "nothing has been changed" not in str(told.value)
    assert "service chat in namespace demo is stopped" in str(told.value)
    assert str(told.value).endswith("or `dsv4deploy rollback 1 --name chat -n demo` to roll back")


def test_who_has_lost_the_lease_writes_nothing_after_the_winner() -> None:
    server = there(*OLD)
    late = clock("alice")

    def act(plan: Plan) -> str:
        def wait(until: str) -> str:
            if until == "ready":
                late.sleep(100)
                changed(Hooked(server), [policy("two"), service("two")], name="bob")
                raise ClusterError("the engine has crashed", "Failed")
            return until

        return upgrade(cluster, plan, wait=wait)

    cluster = Hooked(server)
    with pytest.raises(
        ClusterError, match=r"(?s)has crashed.*lost the Lease.*to a run that has already ended"
    ) as told:
        run(cluster, PLACE, "upgrade", lambda: prepare(cluster, NEW), act, clock=late)
    assert str(told.value).endswith(
        "service chat in namespace demo is running; its latest revision is 3 (deployed)"
    )
    assert (image(cluster), statuses(cluster)[-1]) == ("two", "deployed")


def test_what_protects_goes_in_first_and_out_last() -> None:
    maas = {"maas": {"enabled": True}, "networkPolicy": {"enabled": True}}
    kinds = [each["kind"] for each in render(load(maas), Release())]
    for one, other in (
        ("NetworkPolicy", "LLMInferenceService"),
        ("SecurityPolicy", "Gateway"),
        ("ClientTrafficPolicy", "Gateway"),
        ("BackendTrafficPolicy", "AIGatewayRoute"),
        ("SecurityPolicy", "AIGatewayRoute"),
    ):
        assert kinds.index(one) < kinds.index(other)
    cluster = Hooked(there(*OLD))
    route = item("ConfigMap", "v1", data={"a": "1"})  # it ranks after the policy
    changed(cluster, [*OLD, route])
    cluster.calls.clear()
    changed(cluster, [service("old")])
    gone = [line.split("/")[-2] for line in cluster.calls if line.startswith("DELETE")]
    assert gone == ["configmaps", "networkpolicies"]


def controller(server: list[State], finalizer: str = "kserve") -> None:
    """A controller's write to the service: a finalizer."""
    theirs = service("old")
    del theirs["spec"]
    theirs["metadata"] |= {"finalizers": [finalizer]}
    Hooked(server).apply(theirs, manager="kserve")


def test_what_a_controller_writes_in_between_is_no_change_of_ours() -> None:
    server = there(*OLD)
    cluster = Hooked(server, "llminferenceservices/chat (dry run)", lambda: controller(server))
    assert prepare(cluster, OLD).changes == []


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_controller_s_write_after_the_plan_does_not_stop_the_run(replicas: int) -> None:
    server = there(*instances("old", replicas))
    cluster = Hooked(server)
    plan = prepare(cluster, instances("new", replicas))
    controller(server)

    def wait(until: str) -> str:
        cluster._part = "llminferenceservices/chat {"
        cluster._hook = lambda: controller(server, "once more")
        return until

    upgrade(cluster, plan, wait=wait)
    assert (image(cluster), statuses(cluster)) == ("new", ["superseded", "deployed"])
    planned = removal(cluster, PLACE)
    controller(server, "another")
    delete(cluster, planned)
    assert what_runs(cluster, PLACE) == "service chat in namespace demo does not exist"


def test_an_object_that_somebody_changes_after_the_plan_is_planned_again() -> None:
    server = there(*OLD)

    def admin() -> None:
        Hooked(server).apply(policy("by hand"), manager="kubectl", force=True)

    cluster = Hooked(server, "POST /api/v1/namespaces/demo/secrets", admin)
    changed(cluster, QUOTA, verb="apply")
    assert statuses(cluster) == ["superseded", "deployed"]
    live = cluster.live(policy(""))
    assert live
    assert live["spec"]["rule"] == "new"


def broken(name: str = "dsv4deploy.chat.7", **labels: str) -> Tree:
    meta = {"name": name, "namespace": "demo"}
    marks = {"dsv4deploy.io/service": "chat", **labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "labels": marks}}


@pytest.mark.parametrize(
    ("secret", "number"),
    [
        (broken(), 0),
        (broken(**{"dsv4deploy.io/revision": "7", "dsv4deploy.io/status": "deployed"}), 7),
        ({**broken(), "data": {"objects": "bm90IGd6aXA="}}, 0),
    ],
)
def test_a_revision_that_can_t_be_read_is_said_and_left_alone(secret: Tree, number: int) -> None:
    cluster = Hooked(there(*OLD))
    cluster.apply(secret, manager="kubectl")
    unreadable = [each for each in history(cluster, "chat", "demo") if not each.objects]
    assert [(each.number, each.status) for each in unreadable] == [(number, "unreadable")]
    assert changed(cluster, NEW).endswith(f"is running: revision {max(2, number + 1)} (deployed)")
    changed(cluster, target(cluster, "chat", "demo", 1).objects)
    delete(cluster, removal(cluster, PLACE))
    assert [each.status for each in history(cluster, "chat", "demo")] == ["unreadable"]


def unreachable() -> None:
    raise ClusterError("no answer", "Unreachable")


def test_what_cannot_be_read_back_is_said() -> None:
    cluster = Hooked(there(*OLD), "GET", unreachable)
    assert what_runs(cluster, PLACE) == (
        "cannot read back the service's state (no answer); see `dsv4deploy status --name chat -n "
        "demo` and `dsv4deploy history --name chat -n demo`"
    )


def test_an_api_server_that_cannot_be_reached_is_reported_once() -> None:
    cluster = Hooked(there(*OLD), "GET", unreachable)
    with pytest.raises(ClusterError, match=r"^no answer\nnothing has been changed$"):
        changed(cluster, NEW)
    cluster = Hooked(there(*OLD), "GET", unreachable)
    assert what_runs(cluster, PLACE, known="no answer").startswith(
        "cannot read back the service's state; see `dsv4deploy status "
    )


def test_what_runs_names_what_differs_from_every_revision() -> None:
    cluster = Hooked(there(*OLD))
    cluster.apply(policy("by hand"), manager="kubectl", force=True)
    assert what_runs(cluster, PLACE) == (
        "service chat in namespace demo is running, but matches no revision; objects that differ "
        "from revision 1 (deployed): NetworkPolicy demo/chat; `dsv4deploy rollback 1 --name chat "
        "-n demo` restores revision 1"
    )
    delete(cluster, removal(cluster, PLACE))
    assert what_runs(cluster, PLACE) == "service chat in namespace demo does not exist"


def test_delete_takes_what_it_has_shown() -> None:
    cluster = Hooked(there(*OLD))
    planned = removal(cluster, PLACE)
    assert planned.going == list(map(label, OLD))
    cluster.apply(policy("by hand"), manager="kubectl", force=True)
    with pytest.raises(ClusterError, match="modified") as told:
        delete(cluster, planned)
    assert told.value.reason == "Stale"


def test_the_secret_of_a_revision_is_the_same_for_the_same_objects() -> None:
    plan = prepare(Hooked(there(*OLD)), NEW)
    assert manifest(plan.wanted()) == manifest(plan.wanted())


# --- several instances --------------------------------------------------------------------------


def instances(image: str, replicas: int, **spec: Any) -> list[Tree]:
    """A service of several instances."""
    made = service(image)
    return [{**made, "spec": {**made["spec"], "replicas": replicas, **spec}}]


class Watched(FakeCluster):
    """A cluster, and the image and the instances of its service at each wait."""

    def __init__(self, *objects: Tree) -> None:
        super().__init__({})
        self._server = there(*objects)
        self.seen: list[tuple[str, int]] = []

    def look(self) -> tuple[str, int]:
        """The service's image and instances."""
        live = self.live(service(""))
        assert live
        assert not stopped(live)
        return image(self), live["spec"]["replicas"]

    def wait(self, until: str) -> str:
        """Notes what the service is when it is waited for."""
        self.seen.append(self.look())
        return until


@pytest.mark.parametrize(("replicas", "fewer"), [(2, 1), (3, 2), (4, 3), (5, 4), (8, 6)])
def test_several_instances_are_replaced_while_others_serve(replicas: int, fewer: int) -> None:
    cluster = Watched(*instances("old", replicas))
    changed(cluster, instances("new", replicas), wait=cluster.wait)
    assert cluster.seen == [("new", fewer), ("new", replicas)]
    assert statuses(cluster) == ["superseded", "deployed"]
    # Kubernetes makes a quarter more, rounded up, and waits for no node.
    assert fewer + -(-fewer // 4) <= replicas


@pytest.mark.parametrize(
    "spec",
    [{"worker": {"containers": []}}, {"rolloutStrategy": {"maxSurge": 0, "maxUnavailable": 1}}],
    ids=["LeaderWorkerSet", "rolloutStrategy"],
)
def test_what_replaces_in_place_is_written_once(spec: Tree) -> None:
    cluster = Watched(*instances("old", 3, **spec))
    changed(cluster, instances("new", 3, **spec), wait=cluster.wait)
    assert cluster.seen == [("new", 3)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (instances("old", 1), instances("new", 2)),
        (instances("old", 2), instances("new", 2, worker={"containers": []})),
        (instances("old", 2), instances("new", 2, parallelism={"data": 2})),
    ],
    ids=["one", "other-workload", "other-size"],
)
def test_all_instances_stop_where_none_can_serve_meanwhile(
    before: list[Tree], after: list[Tree]
) -> None:
    cluster = FakeCluster({})
    cluster._server = there(*before)
    assert waits(cluster, after) == ["started", "stopped", "ready"]


def test_an_instance_that_fails_brings_the_old_ones_back_and_stops_none() -> None:
    cluster = Watched(*instances("old", 3))

    def wait(until: str) -> str:
        if not cluster.seen:
            cluster.wait(until)
            raise ClusterError("chat cannot become ready", "Failed")
        return cluster.wait(until)

    with pytest.raises(ClusterError, match="revision 1 is running again"):
        changed(cluster, instances("new", 3), wait=wait)
    assert cluster.seen == [("new", 2), ("old", 2), ("old", 3)]
    assert statuses(cluster) == ["deployed", "failed"]


def test_an_interrupted_replacement_goes_on_behind_the_instances_that_were_replaced() -> None:
    cluster = Watched(*instances("old", 2))

    def interrupted(until: str) -> str:
        cluster.wait(until)
        raise KeyboardInterrupt

    with pytest.raises(InterruptionError):
        changed(cluster, instances("new", 2), wait=interrupted)
    changed(cluster, instances("new", 2), wait=cluster.wait)
    assert cluster.seen == [("new", 1), ("new", 1), ("new", 2)]
    assert statuses(cluster) == ["superseded", "deployed"]


def test_what_somebody_changes_during_the_replacement_is_planned_again() -> None:
    cluster = Watched(*instances("old", 2))

    def wait(until: str) -> str:
        if not cluster.seen:
            cluster.apply(instances("other", 1)[0], force=True, manager="kubectl")
        return cluster.wait(until)

    changed(cluster, instances("new", 2), wait=wait)
    assert cluster.seen[0] == ("other", 1)
    assert cluster.seen[-1] == ("new", 2)


# --- several instances, of which a ScaledObject sets the number -----------------------------------


def scaled(image: str, most: int = 3) -> list[Tree]:
    """A service that names no number, and its ScaledObject."""
    spec = {"minReplicaCount": 1, "maxReplicaCount": most}
    return [service(image), item("ScaledObject", scaler.API, spec=spec)]


class Scaled(Watched):
    """A cluster with KServe and KEDA: the workload takes the service's image and KEDA's number."""

    def __init__(self, number: int, *objects: Tree, keda: bool = True) -> None:
        super().__init__(*(objects or scaled("old")))
        self.keda = keda
        self.number = number
        self.act()

    def act(self) -> None:
        """What the controllers do. The schedule asks for the number that there was at first."""
        live = self.live(item("ScaledObject", scaler.API))
        paused = int((live or item("", ""))["metadata"].get("annotations", {}).get(PAUSE, 0))
        made = item("Deployment", "apps/v1", spec={"replicas": paused or self.number})
        made["metadata"] = {**made["metadata"], "name": "chat-kserve"}
        if self.keda:
            self.apply(made, force=True, manager="keda")

    def look(self) -> tuple[str, int]:
        self.act()
        deployment = self.get("apps/v1", "Deployment", "chat-kserve", "demo")
        live = self.live(service(""))
        assert deployment
        assert live
        return "none" if stopped(live) else image(self), deployment["spec"]["replicas"]


@pytest.mark.parametrize(("number", "fewer"), [(2, 1), (3, 2), (5, 4)])
def test_a_scaler_is_paused_at_fewer_instances_while_they_are_replaced(
    number: int, fewer: int
) -> None:
    cluster = Scaled(number)
    changed(cluster, scaled("new"), wait=cluster.wait)
    assert cluster.seen == [("old", fewer), ("new", fewer)]
    assert cluster.look() == ("new", number)
    assert statuses(cluster) == ["superseded", "deployed"]


@pytest.mark.parametrize(
    ("number", "told"),
    [(3, "one after the other, while the others serve"), (1, "The engines stop")],
)
def test_the_question_says_whether_others_serve_and_that_keda_is_paused(
    number: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dsv4deploy.cli.upgrade.confirmed", lambda _: True)
    assert agreed(None)(prepare(Scaled(number), scaled("new")))
    asked = capsys.readouterr().err
    assert told in asked
    assert ("KEDA is paused until then." in asked) == (number > 1)


def test_a_scaler_of_two_nodes_replaces_in_place_without_a_pause() -> None:
    worker = {"worker": {"containers": []}}

    def pair(image: str) -> list[Tree]:
        made, scaling = scaled(image)
        return [{**made, "spec": {**made["spec"], **worker}}, scaling]

    cluster = Scaled(3, *pair("old"))
    changed(cluster, pair("new"), wait=cluster.wait)
    assert cluster.seen == [("new", 3)]


def test_an_interrupted_pause_goes_on_with_the_same_number_and_ends() -> None:
    cluster = Scaled(3)
    waits = iter((False, True))

    def interrupted(until: str) -> str:
        cluster.wait(until)
        if next(waits):
            raise KeyboardInterrupt
        return until

    with pytest.raises(InterruptionError):
        changed(cluster, scaled("new"), wait=interrupted)
    changed(cluster, scaled("new"), wait=cluster.wait)
    assert cluster.seen == [("old", 2), ("new", 2), ("new", 2)]
    assert cluster.look() == ("new", 3)


def test_apply_ends_the_pause_of_an_interrupted_upgrade() -> None:
    cluster = Scaled(3)

    def interrupted(until: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(InterruptionError):
        changed(cluster, scaled("new"), wait=interrupted)
    assert cluster.look() == ("old", 2)
    changed(cluster, scaled("new"), verb="apply")
    assert cluster.look() == ("new", 3)


def test_a_failed_instance_brings_the_old_ones_back_under_the_same_pause() -> None:
    cluster = Scaled(3)

    def wait(until: str) -> str:
        cluster.wait(until)
        if image(cluster) == "new":
            raise ClusterError("chat can't become ready", "Failed")
        return until

    with pytest.raises(ClusterError, match="revision 1 is running again"):
        changed(cluster, scaled("new"), wait=wait)
    assert cluster.seen == [("old", 2), ("new", 2), ("old", 2)]
    assert cluster.look() == ("old", 3)


def test_without_keda_an_upgrade_fails_before_anything_is_replaced() -> None:
    cluster = Scaled(3)
    cluster.keda = False

    def wait(until: str) -> str:
        cluster.wait(until)
        now = progress(cluster, "chat", "demo")
        if now.phase == "scaling":
            raise ClusterError(now.message, "Timeout")
        return until

    with pytest.raises(ClusterError, match="KEDA has yet to change the instances to 2"):
        changed(cluster, scaled("new"), wait=wait)
    assert cluster.seen == [("old", 3), ("old", 3)]
    live = cluster.live(item("ScaledObject", scaler.API))
    assert live
    assert PAUSE not in live["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("number", "before", "after"),
    [
        (1, scaled("old"), scaled("new")),
        (3, scaled("old"), instances("new", 3)),
        (3, instances("old", 3), scaled("new")),
    ],
    ids=["one", "no-longer-scaled", "newly-scaled"],
)
def test_all_instances_stop_where_their_number_has_two_owners_or_is_one(
    number: int, before: list[Tree], after: list[Tree]
) -> None:
    cluster = Scaled(number, *before)
    assert waits(cluster, after) == ["started", "stopped", "ready"]


@pytest.mark.parametrize("annotation", [PAUSE, "autoscaling.keda.sh/paused"])
def test_a_pause_of_somebody_else_s_is_left_alone(annotation: str) -> None:
    cluster = Scaled(3)
    theirs = item("ScaledObject", scaler.API)
    theirs["metadata"] = {**theirs["metadata"], "annotations": {annotation: "3"}}
    cluster.apply(theirs, force=True, manager="kubectl")
    assert waits(cluster, scaled("new")) == ["started", "stopped", "ready"]
    live = cluster.live(theirs)
    assert live
    assert live["metadata"]["annotations"][annotation] == "3"
