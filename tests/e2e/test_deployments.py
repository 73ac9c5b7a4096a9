"""Deployments on a real API server, reconciled by KServe's real controller."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import control_plane
import pytest
from conftest import Plane
from control_plane import LONG, condition, free_port, meanwhile, until

from dsv4deploy import Release, load
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.plan import Plan, prepare
from dsv4deploy.cluster.readiness import (
    STOP,
    Limits,
    Wait,
    progress,
    stopped,
    waiting,
    watch,
)
from dsv4deploy.cluster.revisions import KEPT, history, target
from dsv4deploy.cluster.rollout import (
    Removal,
    ServiceRef,
    apply,
    delete,
    removal,
    upgrade,
    what_runs,
)
from dsv4deploy.errors import ClusterError
from dsv4deploy.manifest.render import render
from dsv4deploy.values.profiles import profile_names, summary

Tree = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(path.parent.name for path in ROOT.glob("examples/*/values.yaml"))
SHORT = {"name": "chat"}
MORE = {"name": "chat", "engine": {"args": {"max-num-seqs": 8}}}


def objects(home: str, *sources: Any, profile: str = "") -> list[Tree]:
    """A deployment's objects, all of them in the test's own namespace."""
    own = {"router": {"preset": {"namespace": home}}, "maas": {"namespace": home}}
    return render(load(*sources, own, profile=profile), Release(namespace=home))


def deploy(cluster: Cluster, wanted: list[Tree], **options: Any) -> int:
    return apply(cluster, prepare(cluster, wanted, **options), **options)


def deleted(cluster: Cluster, home: str) -> Removal:
    """What deleting the service has done."""
    planned = removal(cluster, ServiceRef("chat", home))
    delete(cluster, planned)
    return planned


def engine(cluster: Cluster, home: str) -> Tree:
    """The Deployment that KServe makes of the service."""
    found: Tree = until(
        "an engine", lambda: cluster.get("apps/v1", "Deployment", "chat-kserve", home)
    )
    return found


def service(wanted: list[Tree]) -> Tree:
    return next(item for item in wanted if item["kind"] == "LLMInferenceService")


@contextmanager
def kubelets(plane: Plane, home: str) -> Iterator[None]:
    """Stands in for kubelets and the gateway's controller: what KServe makes becomes ready."""
    cluster = Cluster.connect(kubeconfig=str(plane.kubeconfig))
    with meanwhile(lambda: make_ready(cluster, home)):
        yield


@pytest.fixture
def kubelet(plane: Plane, home: str) -> Iterator[None]:
    """The kubelets run as long as the test does."""
    with kubelets(plane, home):
        yield


def make_ready(cluster: Cluster, home: str) -> None:
    """Marks a namespace's engines, routes and pools as their controllers would."""
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    for item in cluster.list("apps/v1", "Deployment", home):
        # Seen anew whenever KServe's controller has changed it.
        seen = {"observedGeneration": item["metadata"]["generation"]}
        if not seen.items() <= (item.get("status") or {}).items():
            counts = dict.fromkeys(names, item["spec"]["replicas"])
            available = [{"type": "Available", "status": "True"}]
            set_status(cluster, item, {**seen, **counts, "conditions": available})
    parent = {
        "controllerName": "example.com/gateway",
        "parentRef": {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "name": "kserve-ingress-gateway",
            "namespace": "kserve",
        },
    }
    for api, kind in (
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("inference.networking.k8s.io/v1", "InferencePool"),
    ):
        for item in cluster.list(api, kind, home):
            generation = item["metadata"]["generation"]
            held = [condition(each, generation) for each in ("Accepted", "ResolvedRefs")]
            wanted = [{**parent, "conditions": held}]
            if (item.get("status") or {}).get("parents") != wanted:
                set_status(cluster, item, {"parents": wanted})


def set_status(cluster: Cluster, item: Tree, status: Tree) -> None:
    """Writes an object's status; not that of one that has just gone or changed."""
    try:
        control_plane.set_status(cluster, item, status)
    except ClusterError as error:
        if error.reason not in ("NotFound", "Conflict"):
            raise


# --- what KServe makes of it -------------------------------------------------------------------


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_accepted_strictly_and_reconciled(
    cluster: Cluster, home: str, name: str
) -> None:
    wanted = objects(home, SHORT, profile=name)
    assert deploy(cluster, wanted) == len(wanted)

    def combined() -> bool:
        live = cluster.live(service(wanted)) or {}
        conditions = (live.get("status") or {}).get("conditions") or []
        return any(c["type"] == "PresetsCombined" and c["status"] == "True" for c in conditions)

    until("its presets are combined", combined)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_accepted_strictly(cluster: Cluster, home: str, name: str) -> None:
    wanted = objects(home, str(ROOT / "examples" / name / "values.yaml"))
    assert deploy(cluster, wanted) == len(wanted)


VALIDATED = [name for name in profile_names() if summary(name)["provenance"] == "validated"]


def leader_worker_set(cluster: Cluster, home: str) -> Tree:
    """The LeaderWorkerSet that KServe makes of a service on two nodes."""
    found: Tree = until(
        "a LeaderWorkerSet",
        lambda: cluster.get(
            "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "chat-kserve-mn", home
        ),
    )
    return found


def engines(cluster: Cluster, home: str, wanted: list[Tree]) -> list[tuple[Tree, Tree]]:
    """Each of the engine's containers as it is wanted, and the pod's template made of it."""
    spec = service(wanted)["spec"]
    if "worker" not in spec:
        roles, made = ["template"], [engine(cluster, home)["spec"]["template"]]
    else:
        template = leader_worker_set(cluster, home)["spec"]["leaderWorkerTemplate"]
        roles, made = (
            ["template", "worker"],
            [template["leaderTemplate"], template["workerTemplate"]],
        )
    return [(spec[role]["containers"][0], each) for role, each in zip(roles, made, strict=True)]


@pytest.mark.parametrize("profile", VALIDATED)
def test_the_router_s_names_are_those_that_kserve_makes(
    cluster: Cluster, home: str, profile: str
) -> None:
    wanted = objects(home, SHORT, profile=profile)
    deploy(cluster, wanted)
    (_, leader), *_ = engines(cluster, home, wanted)
    router = until(
        "a router",
        lambda: cluster.get("apps/v1", "Deployment", "chat-kserve-router-scheduler", home),
    )
    for kind, name in (
        ("Service", "chat-epp-service"),
        ("Service", "chat-kserve-workload-svc"),
        ("ServiceAccount", "chat-epp-sa"),
        ("Secret", "chat-kserve-self-signed-certs"),
    ):
        assert until(f"{kind} {name}", lambda k=kind, n=name: cluster.get("v1", k, n, home))
    pool = until(
        "a pool",
        lambda: cluster.get(
            "inference.networking.k8s.io/v1", "InferencePool", "chat-inference-pool", home
        ),
    )
    # The leader's pod gets its index of LeaderWorkerSet's controller.
    index = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
    labels = leader["metadata"]["labels"] | (index if "worker" in service(wanted)["spec"] else {})
    assert pool["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert pool["spec"]["targetPorts"] == [{"number": 8000}]
    assert pool["spec"]["endpointPickerRef"]["name"] == "chat-epp-service"
    (main,) = router["spec"]["template"]["spec"]["containers"]
    words = dict(zip(main["args"][::2], main["args"][1::2], strict=True))
    assert words["--pool-name"] == pool["metadata"]["name"]
    assert words["--pool-namespace"] == home
    volumes = router["spec"]["template"]["spec"]["volumes"]
    assert {"chat-kserve-self-signed-certs"} == {
        volume["secret"]["secretName"] for volume in volumes if "secret" in volume
    }


@pytest.mark.parametrize("profile", VALIDATED)
def test_the_route_has_the_published_paths(cluster: Cluster, home: str, profile: str) -> None:
    deploy(cluster, objects(home, SHORT, profile=profile))
    route = until(
        "a route",
        lambda: cluster.get("gateway.networking.k8s.io/v1", "HTTPRoute", "chat-kserve-route", home),
    )
    paths = {
        match["path"]["value"]: rule["backendRefs"][0]["kind"]
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    }
    assert paths[f"/{home}/chat/v1/chat/completions"] == "InferencePool"
    assert paths[f"/{home}/chat/v1/completions"] == "InferencePool"
    assert paths[f"/{home}/chat"] == "Service"


def accepted(cluster: Cluster, home: str, template: Tree) -> None:
    """The API server takes a pod that is made of this template."""
    labels = template["metadata"]["labels"]
    meta = {"name": "tried", "namespace": home, "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}
    cluster.apply(pod, dry_run=True)


# What KServe's presets add to the engine. None of it is read by vLLM 0.22.1's published command
# line but the cache's place, which an offline engine with local weights does not use.
LEAKS = {"HF_HUB_CACHE", "MODEL_INIT_MODE", "VLLM_LOGGING_LEVEL"}


@pytest.mark.parametrize("profile", VALIDATED)
def test_the_engine_s_container_is_ours_after_the_presets_are_merged(
    cluster: Cluster, home: str, profile: str
) -> None:
    wanted = objects(home, SHORT, profile=profile)
    deploy(cluster, wanted)
    for ours, template in engines(cluster, home, wanted):
        merged(ours, template)
        accepted(cluster, home, template)


def merged(ours: Tree, template: Tree) -> None:
    """A pod's template keeps what is said of its engine here, and adds no more than is known."""
    pod = template["spec"]
    theirs = next(each for each in pod["containers"] if each["name"] == "main")
    for key in ("image", "command", "args", "resources"):
        assert theirs[key] == ours[key]
    variables = {each["name"]: each.get("value") for each in theirs["env"]}
    expected = {each["name"]: each.get("value") for each in ours["env"]}
    assert expected.items() <= variables.items()
    assert variables.keys() - expected.keys() == LEAKS - expected.keys()
    probes = {"startupProbe", "readinessProbe", "livenessProbe"}
    assert theirs.keys() & probes == ours.keys() & probes
    for probe in ours.keys() & probes:
        (handler,) = theirs[probe].keys() & {"exec", "grpc", "httpGet", "tcpSocket"}
        assert ours[probe][handler].items() <= theirs[probe][handler].items()
        for key in ("periodSeconds", "failureThreshold"):
            assert theirs[probe][key] == ours[probe][key]
        assert "initialDelaySeconds" not in theirs[probe]
    shm = next(volume for volume in pod["volumes"] if volume["name"] == "shm")
    assert shm["emptyDir"] == {"medium": "Memory", "sizeLimit": "32Gi"}
    mounts = {each["mountPath"]: each["name"] for each in theirs["volumeMounts"]}
    assert mounts["/dev/shm"] == "shm"
    # KServe v0.17 runs ModelCars as its own user; doctor's check modelcar-user tells.
    assert theirs["securityContext"] == {"runAsUser": 1010}
    assert {each["name"] for each in pod["containers"]} == {"main", "modelcar"}


def test_two_nodes_are_a_leader_and_a_worker(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT, profile="ascend-910b3-16-w8a8")
    deploy(cluster, wanted)
    made = leader_worker_set(cluster, home)
    template = made["spec"]["leaderWorkerTemplate"]
    assert (made["spec"]["replicas"], template["size"]) == (1, 2)
    leader, worker = template["leaderTemplate"], template["workerTemplate"]
    assert leader["metadata"]["labels"]["kserve.io/component"] == "workload"
    assert "kserve.io/component" not in worker["metadata"]["labels"]
    for pod, role in ((leader, "template"), (worker, "worker")):
        ours = service(wanted)["spec"][role]["containers"][0]
        theirs = next(each for each in pod["spec"]["containers"] if each["name"] == "main")
        assert theirs["args"] == ours["args"]
        assert theirs["resources"] == ours["resources"]
        accepted(cluster, home, pod)
    assert "--headless" in worker["spec"]["containers"][0]["args"][0]


def test_the_network_policy_lets_the_real_router_through(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT, {"networkPolicy": {"enabled": True}})
    deploy(cluster, wanted)
    policy = next(item for item in wanted if item["kind"] == "NetworkPolicy")
    router = until(
        "a router",
        lambda: cluster.get("apps/v1", "Deployment", "chat-kserve-router-scheduler", home),
    )
    labels = router["spec"]["template"]["metadata"]["labels"]
    peers = [peer for rule in policy["spec"]["ingress"] for peer in rule["from"]]
    pods = [peer["podSelector"].get("matchLabels", {}) for peer in peers if "podSelector" in peer]
    assert any(wanted_labels.items() <= labels.items() for wanted_labels in pods)
    selected = policy["spec"]["podSelector"]["matchLabels"].items()
    assert selected <= engine(cluster, home)["spec"]["template"]["metadata"]["labels"].items()


# --- apply -------------------------------------------------------------------------------------


def test_applied_twice_nothing_is_written(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT, {"maas": {"enabled": True}, "monitoring": {"enabled": True}})
    deploy(cluster, wanted)
    engine(cluster, home)
    cluster.writes = 0
    assert deploy(cluster, wanted) == 0
    assert cluster.writes == 0
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed"]


def test_a_field_of_somebody_else_is_a_conflict_that_names_both(
    cluster: Cluster, home: str
) -> None:
    wanted = objects(home, SHORT)
    deploy(cluster, wanted)
    theirs = {**service(wanted), "spec": {**service(wanted)["spec"], "replicas": 2}}
    cluster.apply(theirs, force=True, manager="someone")
    before = cluster.live(service(wanted))
    with pytest.raises(
        ClusterError, match=r"another field manager has set \.spec\.replicas.*someone"
    ) as told:
        prepare(cluster, wanted)
    assert told.value.reason == "Conflict"
    assert cluster.live(service(wanted)) == before
    assert deploy(cluster, wanted, force=True) == 1
    assert (cluster.live(service(wanted)) or {})["spec"]["replicas"] == 1


def test_what_is_no_longer_wanted_goes_and_what_others_made_stays(
    cluster: Cluster, home: str
) -> None:
    full = objects(home, SHORT, {"monitoring": {"enabled": True}})
    deploy(cluster, full)
    deploy(cluster, objects(home, SHORT))
    assert not cluster.list("monitoring.coreos.com/v1", "PodMonitor", home)
    wanted = objects(home, SHORT)
    foreign = {**wanted[0], "metadata": {**wanted[0]["metadata"]}}
    cluster.delete(foreign)
    cluster.apply(foreign, manager="someone")
    done = deleted(cluster, home)
    assert [each.split()[0] for each in done.going] == ["LLMInferenceService"]
    assert [each.split()[0] for each in done.staying] == ["LLMInferenceServiceConfig"]
    assert history(cluster, "chat", home) == []
    assert cluster.live(foreign)


def test_only_the_last_revisions_are_kept(cluster: Cluster, home: str) -> None:
    for number in range(KEPT + 3):
        wanted = objects(home, SHORT, {"router": {"verbosity": number}})
        deploy(cluster, wanted)
    numbers = [each.number for each in history(cluster, "chat", home)]
    assert numbers == list(range(4, KEPT + 4))
    assert target(cluster, "chat", home).number == KEPT + 2
    with pytest.raises(ClusterError, match="no revision to roll back to"):
        target(cluster, "chat", home, 1)


def test_what_failed_drives_out_no_revision_to_go_back_to(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))

    def fail(_: str) -> str:
        raise ClusterError("it has crashed", "Failed")

    for number in range(KEPT + 2):
        wanted = objects(home, SHORT, {"router": {"verbosity": number}})
        with pytest.raises(ClusterError, match="has crashed"):
            upgrade(cluster, prepare(cluster, wanted), wait=fail)
    deploy(cluster, objects(home, MORE))
    numbers = [each.number for each in history(cluster, "chat", home)]
    assert numbers == [1, *range(5, KEPT + 5)]
    assert target(cluster, "chat", home).number == 1


class Forbidding(Cluster):
    """A cluster whose user may not do something with Secrets, for real or as a dry run too."""

    def __init__(self, cluster: Cluster, method: str, tries: bool) -> None:
        super().__init__(cluster._client)
        self._method, self._tries = method, tries

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        asked = self._tries or "dryRun" not in (query or {})
        if asked and "/secrets" in path and method == self._method:
            raise ClusterError("secrets is forbidden", "Forbidden")
        return super().request(method, path, query, body)


def test_without_a_right_to_its_revision_nothing_is_written(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT)
    with pytest.raises(ClusterError, match=r"dsv4deploy\.chat\.1.*forbidden"):
        prepare(Forbidding(cluster, "PATCH", tries=True), wanted)
    with pytest.raises(ClusterError, match="forbidden"):
        deploy(Forbidding(cluster, "POST", tries=False), wanted)
    assert cluster.live(service(wanted)) is None
    with pytest.raises(ClusterError, match="forbidden"):
        deploy(Forbidding(cluster, "PATCH", tries=False), wanted)
    assert [each.status for each in history(cluster, "chat", home)] == ["pending"]
    assert prepare(cluster, wanted).writes == []


def never_ready(error: ClusterError) -> Wait:
    """Engines stop when they are to, and then fail."""

    def wait(until: str) -> str:
        if until == "ready":
            raise error
        return until

    return wait


def test_a_failure_that_can_t_be_marked_puts_nothing_back(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    new = objects(home, MORE)
    user = Forbidding(cluster, "PATCH", tries=False)
    told = r"(?s)it has crashed\nthe rollback to revision 1 failed: .*forbidden"
    crashed = ClusterError("it has crashed", "Failed")
    with pytest.raises(ClusterError, match=told):
        upgrade(user, prepare(user, new), wait=never_ready(crashed))
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed", "pending"]
    assert prepare(cluster, new).changes == []


def test_without_rights_it_is_said_and_nothing_is_written(plane: Plane, home: str) -> None:
    reader = Cluster.connect("reader", str(plane.kubeconfig))
    with pytest.raises(ClusterError, match=r"(?s)forbidden.*for this permission") as told:
        prepare(reader, objects(home, SHORT))
    assert told.value.reason == "Forbidden"


def test_without_a_namespace_it_is_said(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="kubectl create namespace nowhere"):
        prepare(cluster, objects("nowhere", SHORT))


def test_what_the_api_server_refuses_is_refused_before_anything_is_written(
    cluster: Cluster, home: str
) -> None:
    wanted = objects(home, SHORT)
    service(wanted)["spec"]["replicaz"] = 1
    with pytest.raises(ClusterError, match="replicaz"):
        prepare(cluster, wanted)
    assert cluster.live(wanted[0]) is None


def test_a_webhook_that_is_down_is_told_from_a_refusal(cluster: Cluster, home: str) -> None:
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"down-{home}"},
        "webhooks": [
            {
                "name": "down.example.com",
                "clientConfig": {"url": f"https://127.0.0.1:{free_port()}/"},
                "rules": [
                    {
                        "apiGroups": ["serving.kserve.io"],
                        "apiVersions": ["*"],
                        "resources": ["llminferenceservices"],
                        "operations": ["*"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": home}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    cluster.apply(hook)

    def refused() -> str:
        try:
            prepare(cluster, objects(home, SHORT))
        except ClusterError as error:
            return error.reason
        return ""

    try:
        until("the webhook is called", lambda: refused() == "WebhookDown")
    finally:
        cluster.delete(hook)


class Interrupted(BaseException):
    """Ends a run at once, as kill -9 does: nothing catches it."""


class Mortal(Cluster):
    """A cluster whose user is killed before their n-th write, which is after the one before."""

    def __init__(self, cluster: Cluster, deaths: int) -> None:
        super().__init__(cluster._client)
        self._left = deaths

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        if method == "GET" or "dryRun" in (query or {}):
            return super().request(method, path, query, body)
        self._left -= 1
        if self._left == 0:
            self.die()
        try:
            return super().request(method, path, query, body)
        except ClusterError as error:
            # A controller was faster: nothing is written, and the write is tried again.
            self._left += error.reason == "Stale"
            raise

    def die(self) -> None:
        """What happens instead of the write."""
        raise Interrupted


class Unstarted(Cluster):
    """A cluster whose user is killed before the write that starts the stopped engines."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster._client)

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        if body and (body["metadata"].get("annotations") or {}).get(STOP) == "false":
            raise Interrupted
        return super().request(method, path, query, body)


class Unreachable(Mortal):
    """A cluster whose API server goes away before the n-th write."""

    def die(self) -> None:
        """The server is gone."""
        raise ClusterError("cannot reach the API server", "Unreachable")


def stopped_and_started(cluster: Cluster, plan: Plan) -> None:
    limits = Limits(60, interval=0.1, patience=2.0)
    upgrade(cluster, plan, wait=waiting(cluster, plan.service, plan.namespace, limits))


def settled(cluster: Cluster, home: str, wanted: list[Tree]) -> None:
    """The deployment is what is wanted, runs, and its history says so."""
    plan = prepare(cluster, wanted)
    assert (plan.changes, plan.writes) == ([], [])
    # KServe may just be at it once more, since a pod's status has changed.
    for _ in watch(cluster, "chat", home, "ready", Limits(LONG, interval=0.1)):
        pass
    known = history(cluster, "chat", home)
    assert (known[-1].status, known[-1].objects) == ("deployed", wanted)
    assert "pending" not in [each.status for each in known]


@pytest.mark.usefixtures("kubelet")
def test_upgrade_stops_applies_starts_and_waits(cluster: Cluster, home: str) -> None:
    before, after = objects(home, SHORT), objects(home, MORE)
    stopped_and_started(cluster, prepare(cluster, before))
    plan = prepare(cluster, after)
    assert "changes the engine's pods" in plan.downtime
    phases = []
    tell = lambda now: phases.append(now.phase)  # noqa: E731 - a name for the line's sake
    wait = waiting(cluster, "chat", home, Limits(LONG, interval=0.1), tell)
    upgrade(cluster, plan, wait=wait)
    assert "ready" in phases[phases.index("stopped") :]
    settled(cluster, home, after)
    back = prepare(cluster, target(cluster, "chat", home).objects, force=True)
    stopped_and_started(cluster, back)
    settled(cluster, home, before)
    assert [each.status for each in history(cluster, "chat", home)] == [
        "superseded",
        "superseded",
        "deployed",
    ]


@pytest.mark.usefixtures("kubelet")
@pytest.mark.parametrize("recovery", ["again", "rollback"])
def test_killed_at_any_write_the_next_run_goes_on_or_back(
    cluster: Cluster, home: str, recovery: str
) -> None:
    old, new = objects(home, SHORT), objects(home, MORE)
    stopped_and_started(cluster, prepare(cluster, old))
    write = 0
    while True:
        write += 1
        mortal = Mortal(cluster, write)
        try:
            stopped_and_started(mortal, prepare(mortal, new))
        except Interrupted:
            pass
        else:
            break
        if recovery == "again":
            stopped_and_started(cluster, prepare(cluster, new))
            settled(cluster, home, new)
        known = history(cluster, "chat", home)
        if known[-1].objects != old or known[-1].status != "deployed":
            # Killed before its first write, there is nothing to go back from.
            chosen = target(cluster, "chat", home)
            if chosen.objects == old:
                stopped_and_started(cluster, prepare(cluster, chosen.objects, force=True))
            else:
                stopped_and_started(cluster, prepare(cluster, old))
        settled(cluster, home, old)
    assert write > 5
    settled(cluster, home, new)


class Silent(Cluster):
    """A cluster whose API server gives no answer to the next requests."""

    def __init__(self, cluster: Cluster, requests: int) -> None:
        super().__init__(cluster._client)
        self._left = requests

    def request(self, *given: Any, **more: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise ClusterError("cannot reach the API server", "Unreachable")
        return super().request(*given, **more)


@pytest.mark.usefixtures("kubelet")
def test_an_api_server_that_is_away_for_a_while_ends_no_wait(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    seen = list(watch(Silent(cluster, 3), "chat", home, "ready", Limits(60, interval=0.1)))
    assert [now.phase for now in seen[:3]] == ["unknown"] * 3
    assert seen[-1].phase == "ready"
    limits = Limits(60, interval=0.1, outage=0.3)
    with pytest.raises(ClusterError) as told:
        list(watch(Silent(cluster, 10**9), "chat", home, "ready", limits))
    assert told.value.reason == "Unreachable"


def test_an_upgrade_that_loses_the_cluster_puts_nothing_back(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    new = objects(home, MORE)
    gone = ClusterError("cannot reach the API server", "Unreachable")
    with pytest.raises(ClusterError, match="cannot reach"):
        upgrade(cluster, prepare(cluster, new), wait=never_ready(gone))
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed", "pending"]
    assert prepare(cluster, new).changes == []


def test_engines_that_do_not_stop_run_on(cluster: Cluster, home: str) -> None:
    old = objects(home, SHORT)
    deploy(cluster, old)
    waited: list[str] = []

    def wait(until: str) -> str:
        waited.append(until)
        if until == "stopped":
            raise ClusterError("chat is not stopped after 1 s", "Timeout")
        return until

    with pytest.raises(ClusterError, match=r"(?s)not stopped.*revision 1 is running again"):
        upgrade(cluster, prepare(cluster, objects(home, MORE)), wait=wait)
    assert waited == ["started", "stopped", "ready"]
    assert prepare(cluster, old).changes == []
    assert not stopped(cluster.live(service(old)) or {})


def test_a_service_leaves_alone_what_is_another_s_of_its_name(cluster: Cluster, home: str) -> None:
    other = f"{home}-two"
    control_plane.namespace(cluster, other)
    shared = {"router": {"preset": {"namespace": home}}}
    deploy(cluster, objects(home, SHORT))
    theirs = render(load(SHORT, shared), Release(namespace=other))
    for force in (False, True):
        with pytest.raises(ClusterError, match=f"belongs to service {home}/chat"):
            prepare(cluster, theirs, force=force)
    apart = render(
        load(SHORT, {"router": {"preset": {"namespace": other}}}), Release(namespace=other)
    )
    deploy(cluster, apart)
    done = deleted(cluster, other)
    assert {item["metadata"]["namespace"] for item in done.seen} == {other}
    assert prepare(cluster, objects(home, SHORT)).changes == []


def test_what_was_interrupted_while_stopped_is_started_by_an_apply(
    cluster: Cluster, home: str
) -> None:
    deploy(cluster, objects(home, SHORT))
    new = objects(home, MORE)
    with pytest.raises(Interrupted):
        upgrade(Unstarted(cluster), prepare(cluster, new))
    assert stopped(cluster.live(service(new)) or {})
    assert deploy(cluster, new) == 1
    assert not stopped(cluster.live(service(new)) or {})
    assert deploy(cluster, new) == 0


def test_what_somebody_else_has_stopped_stays_so(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT)
    deploy(cluster, wanted)
    meta = {**service(wanted)["metadata"], "annotations": {STOP: "true"}}
    cluster.apply({**service(wanted), "metadata": meta}, force=True, manager="someone")
    more = {"monitoring": {"enabled": True}}
    assert deploy(cluster, objects(home, SHORT, more)) > 0
    assert stopped(cluster.live(service(wanted)) or {})


def test_killed_while_it_goes_back_the_old_one_runs_after_an_apply(
    cluster: Cluster, home: str
) -> None:
    """An upgrade that fails is killed before each of its writes; nothing is waited for."""
    old, new = objects(home, SHORT), objects(home, MORE)
    deploy(cluster, old)
    states = set()
    for write in itertools.count(1):
        readies = itertools.count()

        def wait(until: str, readies: Iterator[int] = readies) -> str:
            if until == "ready" and next(readies) == 0:
                raise ClusterError("the engine has crashed", "Failed")
            return until

        mortal = Mortal(cluster, write)
        try:
            upgrade(mortal, prepare(mortal, new), wait=wait)
        except Interrupted:
            live, known = cluster.live(service(old)) or {}, history(cluster, "chat", home)
            states.add((stopped(live), known[-1].status))
        except ClusterError:
            break
        deploy(cluster, old)
        runs_as_before(cluster, home, old)
    assert states >= {(True, "pending"), (True, "failed"), (False, "failed")}
    runs_as_before(cluster, home, old, status="failed")


def runs_as_before(
    cluster: Cluster, home: str, wanted: list[Tree], status: str = "deployed"
) -> None:
    assert prepare(cluster, wanted).changes == []
    assert STOP not in (cluster.live(service(wanted)) or {})["metadata"]["annotations"]
    known = history(cluster, "chat", home)
    assert known[-1].status == status
    good = [each for each in known if each.status == "deployed"]
    assert [each.objects for each in good] == [wanted]


def test_what_kubectl_has_made_is_adopted_and_can_be_gone_back_to(
    cluster: Cluster, home: str
) -> None:
    for item in objects(home, SHORT):
        cluster.apply(item, manager="kubectl")
    engine(cluster, home)  # KServe's finalizer and status are on it by then
    crashed = ClusterError("it has crashed", "Failed")
    plan = prepare(cluster, objects(home, MORE), force=True)
    with pytest.raises(
        ClusterError, match=r"has crashed\nthe rollback to revision 1 failed.*crashed"
    ):
        upgrade(cluster, plan, force=True, wait=never_ready(crashed))
    assert [each.status for each in history(cluster, "chat", home)] == ["adopted", "failed"]
    assert what_runs(cluster, ServiceRef("chat", home)) == (
        f"service chat in namespace {home} is running: revision 1 (adopted)"
    )


def test_an_upgrade_to_what_runs_is_no_revision(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT)
    deploy(cluster, wanted)
    waited: list[str] = []
    upgrade(cluster, prepare(cluster, wanted), wait=lambda until: f"{waited.append(until)}")
    assert waited == ["ready"]
    assert len(history(cluster, "chat", home)) == 1


def test_an_api_server_that_goes_away_leaves_a_known_state(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT)
    gone = Unreachable(cluster, 3)
    with pytest.raises(ClusterError, match="cannot reach") as told:
        apply(gone, prepare(gone, wanted))
    assert told.value.reason == "Unreachable"
    assert [each.status for each in history(cluster, "chat", home)] == ["pending"]
    assert deploy(cluster, wanted) == 1
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed"]


def test_what_can_t_become_ready_is_given_up_and_put_back(cluster: Cluster, home: str) -> None:
    old = objects(home, SHORT)
    deploy(cluster, old)
    engine(cluster, home)
    plan = prepare(cluster, objects(home, MORE))

    def serve_the_old_one() -> None:
        made = cluster.get("apps/v1", "Deployment", "chat-kserve", home)
        script = made["spec"]["template"]["spec"]["containers"][0]["args"][0] if made else ""
        if "--max-num-seqs 8" in script:
            crash(cluster, home)
        else:
            cluster.delete(pod(home))
            make_ready(cluster, home)

    told = r"(?s)HCCL failed.*revision 1 is running again"
    with meanwhile(serve_the_old_one), pytest.raises(ClusterError, match=told):
        stopped_and_started(cluster, plan)
    assert prepare(cluster, old).changes == []
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed", "failed"]


def pod(home: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "chat-kserve-0",
            "namespace": home,
            "labels": {
                "app.kubernetes.io/name": "chat",
                "app.kubernetes.io/component": "llminferenceservice-workload",
            },
        },
        "spec": {"containers": [{"name": "main", "image": "example/engine"}]},
    }


def crash(cluster: Cluster, home: str) -> None:
    """A pod of the engine that keeps failing."""
    waits = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    ended = {"terminated": {"exitCode": 1, "message": "HCCL failed"}}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 3}
    cluster.apply(pod(home), manager="kubelet")
    status = {"containerStatuses": [{**container, "state": waits, "lastState": ended}]}
    set_status(cluster, pod(home), status)


PHASES: list[tuple[Tree, str, str]] = [
    (
        {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "message": "0/1 nodes are available: 1 Insufficient huawei.com/Ascend910.",
                }
            ]
        },
        "failed",
        "no node can run pod chat-kserve-0: 0/1 nodes",
    ),
    (
        {"conditions": [{"type": "PodScheduled", "status": "False", "message": "gated"}]},
        "scheduled",
        "gated",
    ),
    ({}, "image", "is waiting for images"),
    (
        {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ErrImagePull"}}}]},
        "failed",
        "an image cannot be pulled",
    ),
    (
        {
            "containerStatuses": [
                {"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}}
            ]
        },
        "weights",
        "is fetching images and weights",
    ),
    (
        {"containerStatuses": [{"name": "main", "state": {"running": {}}}]},
        "loading",
        "the engine is starting",
    ),
    (
        {"containerStatuses": [{"name": "main", "ready": True, "state": {"running": {}}}]},
        "routing",
        "the engines are ready",
    ),
]


@pytest.mark.parametrize(("status", "phase", "told"), PHASES, ids=[each[2] for each in PHASES])
def test_progress_reads_what_pods_tell(
    cluster: Cluster, home: str, status: Tree, phase: str, told: str
) -> None:
    deploy(cluster, objects(home, SHORT))
    cluster.apply(pod(home), manager="kubelet")
    rest = {"image": "x", "imageID": "", "ready": False, "restartCount": 0}
    full = [{**rest, **each} for each in status.get("containerStatuses", [])]
    set_status(cluster, pod(home), {**status, **({"containerStatuses": full} if full else {})})
    now = progress(cluster, "chat", home)
    assert (now.phase, told in now.message) == (phase, True), now


def test_a_worker_that_can_t_start_is_seen(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT, profile="ascend-910b3-16-w8a8"))
    made = until(
        "a LeaderWorkerSet",
        lambda: cluster.get(
            "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "chat-kserve-mn", home
        ),
    )
    template = made["spec"]["leaderWorkerTemplate"]
    running = {"name": "main", "image": "x", "imageID": "", "ready": True, "restartCount": 0}
    states: dict[str, Tree] = {
        "leaderTemplate": {**running, "state": {"running": {}}},
        "workerTemplate": {
            **running,
            "ready": False,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
        },
    }
    for name, state in states.items():
        own = pod(home)
        own["metadata"] |= {"name": name.lower(), "labels": template[name]["metadata"]["labels"]}
        cluster.apply(own, manager="kubelet")
        set_status(cluster, own, {"containerStatuses": [state]})
    now = progress(cluster, "chat", home)
    assert (now.phase, "workertemplate/main: no such image" in now.message) == ("failed", True)


def test_pods_that_can_t_be_made_are_told(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    why = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    set_status(cluster, engine(cluster, home), {"conditions": [why]})
    now = progress(cluster, "chat", home)
    assert (now.phase, now.message) == (
        "failed",
        "the pods cannot be created: exceeded quota: small",
    )


def test_a_pod_that_waits_says_what_went_wrong_last(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    cluster.apply(pod(home), manager="kubelet")
    about = {"kind": "Pod", "name": "chat-kserve-0", "namespace": home}
    for number, told in enumerate(("no space left on device", "pulling takes long")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"chat.{number}", "namespace": home},
            "involvedObject": about,
            "type": "Warning",
            "message": told,
            "lastTimestamp": f"2026-01-01T00:00:0{9 - number}Z",
        }
        cluster.apply(event, manager="kubelet")
    now = progress(cluster, "chat", home)
    assert (now.phase, now.message.partition(": ")[2]) == ("image", "no space left on device")


class Contended(Cluster):
    """A cluster where another controller was faster than KServe's at one of its objects."""

    def get(self, *given: Any) -> Any:
        found = super().get(*given)
        if found and found["kind"] == "LLMInferenceService":
            why = "Operation cannot be fulfilled: the object has been modified; please try again"
            failed = {"type": "SchedulerWorkloadReady", "reason": "SchedulerReconcileError"}
            ready = {"type": "Ready", "status": "False", "message": why}
            found["status"] = {"conditions": [{**ready, **failed}, ready]}
        return found


def test_kserve_s_next_try_is_no_failure(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    now = progress(Contended(cluster._client), "chat", home)
    assert (now.phase, now.message) == ("accepted", "KServe is creating the pods")


def test_a_service_without_its_preset_fails_early_with_kserve_s_reason(
    cluster: Cluster, home: str
) -> None:
    wanted = objects(home, SHORT)
    service(wanted)["spec"]["baseRefs"] = [{"name": "nope"}]
    deploy(cluster, wanted)
    with pytest.raises(ClusterError, match=r'become ready.*"nope"'):
        for _ in watch(cluster, "chat", home, "ready", Limits(LONG, interval=0.1, patience=0.3)):
            pass


def test_a_service_of_a_gateway_that_is_not_there_fails_early(cluster: Cluster, home: str) -> None:
    wanted = objects(home, SHORT)
    gateway = {"refs": [{"name": "nowhere", "namespace": home}]}
    service(wanted)["spec"]["router"]["gateway"] = gateway
    deploy(cluster, wanted)
    with pytest.raises(ClusterError, match=r"become ready: .*: .*nowhere"):
        for _ in watch(cluster, "chat", home, "ready", Limits(LONG, interval=0.1, patience=0.3)):
            pass


def test_waiting_ends_with_what_was_waited_for(cluster: Cluster, home: str) -> None:
    deploy(cluster, objects(home, SHORT))
    with pytest.raises(ClusterError, match="not ready after 1 s") as told:
        list(watch(cluster, "chat", home, "ready", Limits(1, interval=0.3)))
    assert told.value.reason == "Timeout"
