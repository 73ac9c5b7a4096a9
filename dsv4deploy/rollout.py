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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .cluster import MANAGER, Cluster, Object, managed
from .diff import Change, changes, downtime, label
from .errors import ClusterError
from .progress import STOP, service_of, stopped

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


def prepare(cluster: Cluster, objects: list[Object], *, force: bool = False) -> Plan:
    """What applying these objects would do, by the server's own dry run of each.

    Args:
        cluster: where.
        objects: what :func:`dsv4deploy.render` returns.
        force: whether fields that others have set are taken over.

    Raises:
        ClusterError: one of them would be refused; nothing has been written. The message has
            a line for each.
    """
    service = service_of(objects)
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
    removed = _no_longer(cluster, name, namespace, objects)
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
            :func:`dsv4deploy.progress.waiting` makes one. None waits for nothing.

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
    service = service_of(plan.objects)
    live = cluster.live(service)
    # Where only the start is left of an interrupted run, the engines are not stopped again.
    if live and (plan.downtime or stopped(live)):
        _stop(cluster, live)
        if wait:
            wait("stopped")
    _write(cluster, plan, force)
    _start(cluster, service)
    if wait:
        wait("ready")


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
