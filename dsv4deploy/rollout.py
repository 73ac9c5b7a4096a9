"""Deployments in a cluster: plan, apply, upgrade, roll back, delete, and their history.

A revision is a Secret beside the service with the objects that were applied. It is written before
the first object changes and marked ``deployed`` after the last, so whoever comes next, on this
machine or another, knows what was meant and what ran before. Every step can be repeated: after an
interruption at any point, the same command goes on, and :func:`rollback` goes back.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .cluster import MANAGER, Cluster, Object, managed
from .diff import Change, changes, downtime, label
from .errors import ClusterError

STOP = "serving.kserve.io/stop"
"""KServe's annotation that takes a service's pods away and leaves the service."""

KEPT = 10
"""Revisions that are kept."""

_OWNER = "dsv4deploy.io/service"
_VERSION = "dsv4deploy.io/revision"
_STATUS = "dsv4deploy.io/status"
_STOPPER = f"{MANAGER}-stop"


@dataclass(frozen=True)
class Revision:
    """What was applied, once.

    Attributes:
        number: counts from 1.
        status: pending, deployed, superseded or failed.
        created: when, as Kubernetes writes it.
        objects: what was applied.
    """

    number: int
    status: str
    created: str
    objects: list[Object]


@dataclass(frozen=True)
class Plan:
    """What an apply would do.

    Attributes:
        service: the service's name.
        namespace: the service's namespace.
        objects: what is desired, in the order in which it is applied.
        writes: those that differ from what is live, or that somebody else has applied.
        removed: those of the last revision that are no longer desired.
        changes: the fields that would change.
        downtime: why the engines would restart; ``""`` where they would not.
    """

    service: str
    namespace: str
    objects: list[Object]
    writes: list[Object]
    removed: list[Object]
    changes: list[Change]
    downtime: str


@dataclass(frozen=True)
class Progress:
    """Where a service is on its way.

    Attributes:
        phase: stopped, accepted, scheduled, image, weights, loading, capturing, ready or failed.
        done: how far, from 0 to 1, as far as conditions, pods and logs tell.
        message: what is waited for, or why it can't succeed.
    """

    phase: str
    done: float
    message: str


Tell = Callable[[Progress], None]


def _quiet(_: Progress) -> None:
    """Tells nobody."""


def _service(objects: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(item for item in objects if item["kind"] == "LLMInferenceService")


# --- revisions ---------------------------------------------------------------------------------


def history(cluster: Cluster, service: str, namespace: str) -> list[Revision]:
    """The revisions of a service, oldest first."""
    found = cluster.list("v1", "Secret", namespace, f"{_OWNER}={service}")
    return sorted(map(_revision, found), key=lambda revision: revision.number)


def _revision(secret: Mapping[str, Any]) -> Revision:
    labels = secret["metadata"]["labels"]
    packed = base64.b64decode(secret["data"]["objects"])
    return Revision(
        number=int(labels[_VERSION]),
        status=labels[_STATUS],
        created=secret["metadata"].get("creationTimestamp", ""),
        objects=json.loads(gzip.decompress(packed)),
    )


def _save(cluster: Cluster, plan: Plan, revision: Revision) -> None:
    packed = gzip.compress(json.dumps(revision.objects, sort_keys=True).encode(), mtime=0)
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "dsv4deploy.io/revision",
            "metadata": {
                "name": f"dsv4deploy.{plan.service}.{revision.number}",
                "namespace": plan.namespace,
                "labels": {
                    _OWNER: plan.service,
                    _VERSION: str(revision.number),
                    _STATUS: revision.status,
                },
            },
            "data": {"objects": base64.b64encode(packed).decode()},
        },
        force=True,
    )


def _begin(cluster: Cluster, plan: Plan) -> Revision:
    """The pending revision of these objects: the one that was interrupted, or a new one."""
    known = history(cluster, plan.service, plan.namespace)
    last = known[-1] if known else None
    if last and last.status == "pending":
        if last.objects == plan.objects:
            return last
        _mark(cluster, plan, last, "failed")
    revision = Revision((last.number if last else 0) + 1, "pending", "", plan.objects)
    _save(cluster, plan, revision)
    return revision


def _mark(cluster: Cluster, plan: Plan, revision: Revision, status: str) -> None:
    _save(cluster, plan, Revision(revision.number, status, "", revision.objects))


def _finish(cluster: Cluster, plan: Plan, revision: Revision) -> None:
    """Marks a revision as deployed, and takes the oldest away."""
    known = history(cluster, plan.service, plan.namespace)
    _mark(cluster, plan, revision, "deployed")
    for other in known:
        if other.number != revision.number and other.status == "deployed":
            _mark(cluster, plan, other, "superseded")
    for other in known[: max(0, len(known) - KEPT)]:
        cluster.delete(_secret_of(plan, other))


def _secret_of(plan: Plan, revision: Revision) -> Object:
    name = f"dsv4deploy.{plan.service}.{revision.number}"
    meta = {"name": name, "namespace": plan.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta}


# --- apply -------------------------------------------------------------------------------------


def prepare(
    cluster: Cluster, objects: list[Object], *, force: bool = False, remove: bool = True
) -> Plan:
    """What applying these objects would do, by the server's own dry run of each.

    Args:
        cluster: where.
        objects: what :func:`dsv4deploy.render` returns.
        force: whether fields that others have set are taken over.
        remove: whether objects of the last revision that are no longer desired go.

    Raises:
        ClusterError: one of them would be refused; nothing has been written. The message has
            a line for each.
    """
    service = _service(objects)
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    _namespaces(cluster, objects)
    found: list[Change] = []
    writes: list[Object] = []
    refused: list[ClusterError] = []
    for item in objects:
        try:
            live = cluster.live(item)
            made = cluster.apply(item, dry_run=True, force=force)
        except ClusterError as error:
            if error.reason in ("Unreachable", "Unauthorized"):
                raise
            refused.append(error)
            continue
        own = changes(live, made)
        found += own
        if own or live is None or _fields(live) != _fields(made):
            writes.append(item)
    if refused:
        told = "\n".join(map(str, refused))
        raise ClusterError(f"{told}\nnothing has been changed", refused[0].reason)
    removed = _no_longer(cluster, name, namespace, objects) if remove else []
    for item in removed:
        found += changes(item, None)
    return Plan(name, namespace, objects, writes, removed, found, downtime(found))


def _namespaces(cluster: Cluster, objects: list[Object]) -> None:
    wanted = sorted({item["metadata"]["namespace"] for item in objects})
    missing = [name for name in wanted if not cluster.get("v1", "Namespace", name)]
    if missing:
        raise ClusterError(
            f"the cluster has no namespace {', '.join(missing)}: kubectl create namespace "
            f"{missing[0]}; nothing has been changed",
            "NotFound",
        )


def _fields(item: Mapping[str, Any]) -> Any:
    """The fields of an object that this tool has set."""
    entries = item["metadata"].get("managedFields") or []
    return [entry.get("fieldsV1") for entry in entries if entry.get("manager") == MANAGER]


def _no_longer(
    cluster: Cluster, service: str, namespace: str, objects: list[Object]
) -> list[Object]:
    """Live objects of earlier revisions that this tool has made and that are not desired."""
    wanted = set(map(label, objects))
    gone: dict[str, Object] = {}
    for revision in history(cluster, service, namespace):
        for item in revision.objects:
            if label(item) not in wanted and label(item) not in gone:
                live = cluster.live(item)
                if live and managed(live):
                    gone[label(item)] = live
    return list(gone.values())


def apply(cluster: Cluster, plan: Plan, *, force: bool = False) -> int:
    """Applies a plan; how many objects were written or removed.

    Where nothing differs, nothing is written. A service whose engines would restart is applied as
    it is: :func:`upgrade` is for those.

    Raises:
        ClusterError: an object was refused; the message says how far it went. The revision stays
            pending, and the same command goes on.
    """
    known = history(cluster, plan.service, plan.namespace)
    settled = bool(known) and known[-1].status == "deployed" and known[-1].objects == plan.objects
    if settled and not plan.writes and not plan.removed:
        return 0
    revision = _begin(cluster, plan)
    _write(cluster, plan, force)
    _finish(cluster, plan, revision)
    return len(plan.writes) + len(plan.removed)


def _write(cluster: Cluster, plan: Plan, force: bool) -> None:
    done: list[str] = []
    try:
        for item in plan.writes:
            cluster.apply(item, force=force)
            done.append(label(item))
        for item in reversed(plan.removed):
            cluster.delete(item)
            done.append(label(item))
    except ClusterError as error:
        whole = len(plan.writes) + len(plan.removed)
        state = f"{len(done)} of {whole} objects were written ({', '.join(done) or 'none'})"
        raise ClusterError(
            f"{error}\n{state}: run the same command again to go on, or `dsv4deploy rollback`",
            error.reason,
        ) from None


# --- upgrade -----------------------------------------------------------------------------------


def upgrade(
    cluster: Cluster,
    plan: Plan,
    *,
    force: bool = False,
    wait: Callable[[str], None] | None = None,
) -> None:
    """Stop, apply, start, wait; on failure back to what ran before.

    A model that fills its node can't roll over: no released KServe lets the old pod go before
    the new one is there. So its engines are stopped first.

    Args:
        cluster: where.
        plan: what :func:`prepare` made.
        force: whether fields that others have set are taken over.
        wait: waits for ``stopped`` and for ``ready``, and raises ClusterError where that can't be;
            :func:`waiting` makes one. None waits for nothing.

    Raises:
        ClusterError: it failed; the message says what runs now.
    """
    before = _last_deployed(cluster, plan)
    revision = _begin(cluster, plan)
    try:
        _replace(cluster, plan, force, wait)
    except ClusterError as error:
        if error.reason in ("Unreachable", "Unauthorized") or before is None:
            raise
        _mark(cluster, plan, revision, "failed")
        state = f"revision {before.number} runs again, as before"
        try:
            _replace(cluster, prepare(cluster, before.objects, force=True), True, wait)
        except ClusterError as second:
            state = f"revision {before.number} was put back, and: {second}"
        raise ClusterError(f"{error}\n{state}", error.reason) from None
    _finish(cluster, plan, revision)


def _replace(cluster: Cluster, plan: Plan, force: bool, wait: Callable[[str], None] | None) -> None:
    service = _service(plan.objects)
    live = cluster.live(service)
    # Where only the start is left of an interrupted run, the engines are not stopped again.
    if live and (plan.downtime or _stopped(live)):
        _stop(cluster, live)
        if wait:
            wait("stopped")
    _write(cluster, plan, force)
    _start(cluster, service)
    if wait:
        wait("ready")


def _stopped(service: Mapping[str, Any]) -> bool:
    return (service["metadata"].get("annotations") or {}).get(STOP) == "true"


def _named(service: Mapping[str, Any], annotations: Object) -> Object:
    return {
        "apiVersion": service["apiVersion"],
        "kind": service["kind"],
        "metadata": {
            "name": service["metadata"]["name"],
            "namespace": service["metadata"]["namespace"],
            **({"annotations": annotations} if annotations else {}),
        },
    }


def _stop(cluster: Cluster, service: Mapping[str, Any]) -> None:
    # A manager of its own, so that applying the service does not take the annotation away. The
    # spec's required part comes along: a server-side apply is validated as a whole.
    cluster.apply(_named(service, {STOP: "true"}), force=True, manager=_STOPPER)


def _start(cluster: Cluster, service: Mapping[str, Any]) -> None:
    live = cluster.live(service)
    if live and STOP in (live["metadata"].get("annotations") or {}):
        cluster.apply(_named(service, {STOP: "false"}), force=True, manager=_STOPPER)
        cluster.apply(_named(service, {}), force=True, manager=_STOPPER)


def _last_deployed(cluster: Cluster, plan: Plan) -> Revision | None:
    known = history(cluster, plan.service, plan.namespace)
    return next((each for each in reversed(known) if each.status == "deployed"), None)


def target(cluster: Cluster, service: str, namespace: str, number: int = 0) -> Revision:
    """The revision to go back to.

    Args:
        cluster: where.
        service: the service's name.
        namespace: its namespace.
        number: a revision's; 0 is what ran before: the deployed one where a newer one has been
            interrupted or has failed, else the one before it.

    Raises:
        ClusterError: there is none; the message lists what there is.
    """
    known = history(cluster, service, namespace)
    if number:
        chosen = [each for each in known if each.number == number]
    elif known and known[-1].status == "deployed":
        chosen = [each for each in known if each.status == "superseded"][-1:]
    else:
        chosen = [each for each in known if each.status == "deployed"][-1:]
    if not chosen:
        there = ", ".join(f"{each.number} ({each.status})" for each in known) or "none"
        raise ClusterError(
            f"{service} in {namespace} has no revision to go back to; there are: {there}",
            "NotFound",
        )
    return chosen[0]


def delete(
    cluster: Cluster, service: str, namespace: str, dry_run: bool = False
) -> tuple[list[Object], list[Object]]:
    """Deletes what this tool has made for a service, its history last.

    Args:
        cluster: where.
        service: the service's name.
        namespace: its namespace.
        dry_run: whether it only says.

    Returns:
        the objects that go, and those that stay since somebody else has made them.
    """
    known = history(cluster, service, namespace)
    items: dict[str, Object] = {}
    for revision in known:
        for item in revision.objects:
            items[label(item)] = item
    going: list[Object] = []
    staying: list[Object] = []
    for item in items.values():
        live = cluster.live(item)
        if live:
            (going if managed(live) else staying).append(live)
    if not dry_run:
        for item in reversed(going):
            cluster.delete(item)
        plan = Plan(service, namespace, [], [], [], [], "")
        for revision in known:
            cluster.delete(_secret_of(plan, revision))
    return going, staying


# --- progress ----------------------------------------------------------------------------------

_STUCK = {
    "ErrImagePull": "an image can't be pulled",
    "ImagePullBackOff": "an image can't be pulled",
    "InvalidImageName": "an image's name is wrong",
    "CreateContainerConfigError": "a container's configuration is wrong",
    "CrashLoopBackOff": "a container keeps failing",
}
_LINES = (
    ("Capturing", "capturing", 0.9, "graphs are captured"),
    ("Graph capturing", "capturing", 0.9, "graphs are captured"),
    ("Available KV cache memory", "capturing", 0.85, "the KV cache is laid out"),
    ("Loading model weights took", "capturing", 0.8, "the weights are loaded"),
    ("Loading safetensors", "loading", 0.4, "the weights are read"),
)


def progress(cluster: Cluster, service: str, namespace: str) -> Progress:
    """Where a service is, as far as its conditions, its pods and their logs tell."""
    live = cluster.get("serving.kserve.io/v1alpha2", "LLMInferenceService", service, namespace)
    if live is None:
        return Progress("failed", 0.0, f"there is no service {service} in {namespace}")
    conditions = {each["type"]: each for each in (live.get("status") or {}).get("conditions") or []}
    pods = cluster.list("v1", "Pod", namespace, f"app.kubernetes.io/name={service}")
    if _stopped(live):
        running = bool(pods) or _workloads(cluster, service, namespace)
        message = "its pods are going" if running else "its pods are gone"
        return Progress("stopping" if running else "stopped", 0.0, message)
    presets = conditions.get("PresetsCombined", {})
    if presets.get("status") == "False":
        return Progress("failed", 0.0, presets.get("message", "its presets can't be combined"))
    # Conditions may still be those of the pods before; the workload tells of these.
    if conditions.get("Ready", {}).get("status") == "True" and _serves(cluster, service, namespace):
        return Progress("ready", 1.0, "it answers")
    engines = [
        pod for pod in pods if pod["metadata"]["labels"].get("kserve.io/component") == "workload"
    ]
    if not engines:
        return Progress("accepted", 0.05, "KServe makes its pods")
    return min((_pod(cluster, pod) for pod in engines), key=lambda each: each.done)


def _workloads(cluster: Cluster, service: str, namespace: str) -> list[Object]:
    """A service's engines: the Deployment of one pod, or the LeaderWorkerSet of two."""
    sets = "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", f"{service}-kserve-mn"
    found = (
        cluster.get("apps/v1", "Deployment", f"{service}-kserve", namespace),
        cluster.get(*sets, namespace),
    )
    return [item for item in found if item]


def _serves(cluster: Cluster, service: str, namespace: str) -> bool:
    """Whether the engines that stand now are ready."""
    found = _workloads(cluster, service, namespace)
    return bool(found) and all(
        (item.get("status") or {}).get("readyReplicas", 0) >= item["spec"].get("replicas", 1)
        and item["status"].get("updatedReplicas", 0) >= item["spec"].get("replicas", 1)
        for item in found
    )


def _pod(cluster: Cluster, pod: Mapping[str, Any]) -> Progress:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            told = condition.get("message", "")
            if "preemption" in told or "Insufficient" in told or "didn't match" in told:
                return Progress("failed", 0.0, f"no node takes pod {name}: {told}")
            return Progress("scheduled", 0.05, told or "it waits for a node")
    inner = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for container in inner:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _STUCK:
            ended = (container.get("lastState") or {}).get("terminated") or {}
            why = ended.get("message") or waiting.get("message") or ""
            return Progress(
                "failed", 0.0, f"{_STUCK[waiting['reason']]}: {name}/{container['name']}: {why}"
            )
    if not status.get("containerStatuses"):
        return Progress("image", 0.1, f"pod {name} waits for its images and weights")
    main: Object = next((each for each in inner if each["name"] == "main"), {})
    if not (main.get("state") or {}).get("running"):
        return Progress("weights", 0.2, f"pod {name} fetches images and weights")
    if main.get("ready"):
        return Progress("ready", 1.0, f"pod {name} is ready")
    text = cluster.log(pod["metadata"]["namespace"], name, "main")
    for line, phase, done, message in _LINES:
        if line in text:
            return Progress(phase, done, f"pod {name}: {message}")
    return Progress("loading", 0.3, f"pod {name}: the engine starts")


def watch(
    cluster: Cluster,
    service: str,
    namespace: str,
    until: str,
    *,
    timeout: float,
    interval: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Progress]:
    """The progress of a service until it is ``ready`` or ``stopped``.

    Args:
        cluster: where.
        service: its name.
        namespace: its namespace.
        until: the phase that ends it.
        timeout: seconds.
        interval: seconds between two looks.
        clock: seconds, for tests.
        sleep: waits, for tests.

    Raises:
        ClusterError: it can't succeed, or took longer than the timeout.
    """
    end = clock() + timeout
    failed = 0
    while True:
        now = progress(cluster, service, namespace)
        yield now
        if now.phase == until:
            return
        # A pod may fail once and come round: only what lasts is a failure.
        failed = failed + 1 if now.phase == "failed" else 0
        if failed >= 3:
            raise ClusterError(f"{service} can't become {until}: {now.message}", "Failed")
        if clock() >= end:
            raise ClusterError(
                f"{service} is not {until} after {timeout:.0f} s ({now.phase}): {now.message}",
                "Timeout",
            )
        sleep(interval)


def waiting(
    cluster: Cluster, plan: Plan, timeout: float, tell: Tell = _quiet, interval: float = 5.0
) -> Callable[[str], None]:
    """What :func:`upgrade` waits with.

    Args:
        cluster: where.
        plan: of which service.
        timeout: seconds, for each wait.
        tell: is told of each look.
        interval: seconds between two looks.
    """

    def wait(until: str) -> None:
        for now in watch(
            cluster, plan.service, plan.namespace, until, timeout=timeout, interval=interval
        ):
            tell(now)

    return wait


def budget(objects: Iterable[Mapping[str, Any]]) -> float:
    """Seconds that a service's own startup probe gives it, and ten minutes for images."""
    service = _service(objects)
    probe = service["spec"]["template"]["containers"][0]["startupProbe"]
    return float(probe["periodSeconds"] * probe["failureThreshold"] + 600)
