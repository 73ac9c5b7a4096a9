"""Changes of a service in a cluster: plan, apply, upgrade, delete.

Every step can be repeated: after an interruption at any point the same command goes on, and going
back to :func:`dsv4deploy.cluster.revisions.target` goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..errors import ClusterError
from .client import MANAGER, Cluster, Object, managed
from .diff import Change, changes, downtime, label
from .readiness import SILENT, STOP, Check, Wait, service_of, stopped
from .revisions import (
    OVERTAKEN,
    Revision,
    begin,
    finish,
    following,
    history,
    leaving,
    manifest,
    mark,
    require_last,
)

OWNER = "dsv4deploy.io/owner"
"""The annotation of what is applied: the ``namespace/name`` of the service that it belongs to."""

_STOPPER = f"{MANAGER}-stop"


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
        revision: the last one; None where there is none.
    """

    service: str
    namespace: str
    objects: list[Object]
    writes: list[Object]
    removed: list[Object]
    changes: list[Change]
    downtime: str
    revision: Revision | None = None


def _begin(cluster: Cluster, plan: Plan, known: list[Revision]) -> Revision:
    return begin(cluster, following(plan.service, plan.namespace, plan.objects, known), known)


def _settled(plan: Plan, known: list[Revision]) -> bool:
    """Whether the cluster is as the plan wants it, and its history says so."""
    last = known[-1] if known else None
    same = last is not None and (last.status, last.objects) == ("deployed", plan.objects)
    return same and not plan.writes and not plan.removed


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
            owner = _owner(live)
            if owner not in ("", f"{namespace}/{name}"):
                raise ClusterError(
                    f"{label(item)} belongs to the service {owner}: give this one another name, or "
                    "leave the object to the other (maas.gateway.create, router.preset)",
                    "Conflict",
                )
            made = cluster.apply(_owned(item, service), dry_run=True, force=force)
        except ClusterError as error:
            if error.reason in ("Unreachable", "Unauthorized"):
                raise
            refused.append(error)
            continue
        own = changes(live, made)
        found += own
        if own or live is None or _fields(live) != _fields(made):
            writes.append(item)
    known = history(cluster, name, namespace)
    plan = Plan(name, namespace, objects, writes, [], found, "", known[-1] if known else None)
    try:
        cluster.apply(manifest(following(name, namespace, objects, known)), dry_run=True)
    except ClusterError as error:
        refused.append(error)
    if refused:
        told = "\n".join(map(str, refused))
        raise ClusterError(f"{told}\nnothing has been changed", refused[0].reason)
    removed = _no_longer(cluster, plan, known)
    for item in removed:
        found += changes(item, None)
    return replace(plan, removed=removed, downtime=downtime(found))


def taking_over(plan: Plan) -> str:
    """What is said of a plan that goes on where another run has not ended; ``""`` where none is."""
    last = plan.revision
    if not last or last.status != "pending":
        return ""
    return f"taking over from the run that began revision {last.number} at {last.created}"


def _owned(item: Object, service: Mapping[str, Any]) -> Object:
    """An object as it is applied: it says whose it is."""
    meta = service["metadata"]
    owner = {OWNER: f"{meta['namespace']}/{meta['name']}"}
    annotations = {**(item["metadata"].get("annotations") or {}), **owner}
    return {**item, "metadata": {**item["metadata"], "annotations": annotations}}


def _owner(live: Mapping[str, Any] | None) -> str:
    """Whose an object is; ``""`` where it does not say."""
    meta = live["metadata"] if live else {}
    return str((meta.get("annotations") or {}).get(OWNER, ""))


def _ours(live: Object, service: str, namespace: str) -> bool:
    """Whether this tool has made an object for this service."""
    return managed(live) and _owner(live) in ("", f"{namespace}/{service}")


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


def _no_longer(cluster: Cluster, plan: Plan, known: list[Revision]) -> list[Object]:
    """Live objects of earlier revisions that this tool has made and that are not desired."""
    wanted = set(map(label, plan.objects))
    gone: dict[str, Object] = {}
    for revision in known:
        for item in revision.objects:
            if label(item) not in wanted and label(item) not in gone:
                live = cluster.live(item)
                if live and _ours(live, plan.service, plan.namespace):
                    gone[label(item)] = live
    return list(gone.values())


def apply(cluster: Cluster, plan: Plan, *, force: bool = False) -> int:
    """Applies a plan; how many objects were written or removed.

    Where nothing differs, nothing is written. A service whose engines would restart is applied as
    it is: :func:`upgrade` is for those. One that an interrupted upgrade has stopped is started.

    Raises:
        ClusterError: an object was refused; the message says how far it went. The revision stays
            pending, and the same command goes on. Or another run has begun a revision; then
            nothing more has been written.
    """
    known = history(cluster, plan.service, plan.namespace)
    service = service_of(plan.objects)
    held = _held(cluster.live(service))
    if _settled(plan, known) and not held:
        return 0
    revision = _begin(cluster, plan, known)
    _write(cluster, plan, force)
    if held:
        _start(cluster, service)
    finish(cluster, revision)
    return len(plan.writes) + len(plan.removed) + held


def _write(cluster: Cluster, plan: Plan, force: bool) -> None:
    done: list[str] = []
    try:
        for item in plan.writes:
            cluster.apply(_owned(item, service_of(plan.objects)), force=force)
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
    wait: Wait = lambda *_: None,
) -> None:
    """Stop, apply, start, wait; on failure back to what ran before.

    A model that fills its node can't roll over: no released KServe lets the old pod go before
    the new one is there. So its engines are stopped first.

    Args:
        cluster: where.
        plan: what :func:`prepare` made.
        force: whether fields that others have set are taken over.
        wait: waits for ``stopped`` and for ``ready``, and raises ClusterError where that can't be;
            :func:`dsv4deploy.cluster.readiness.waiting` makes one. By default nothing is waited
            for.

    Raises:
        ClusterError: it failed; the message says what runs now.
    """
    service = service_of(plan.objects)
    live = cluster.live(service)
    known = history(cluster, plan.service, plan.namespace)
    if live and not stopped(live) and _settled(plan, known):
        wait("ready", lambda: None)
        return
    before = next((each for each in reversed(known) if each.status == "deployed"), None)
    revision = _begin(cluster, plan, known)
    check = partial(require_last, cluster, revision)
    try:
        if live and (plan.downtime or stopped(live)):
            _stop(cluster, live)
            wait("stopped", check)
        _start_anew(cluster, plan, force, wait, check)
    except ClusterError as error:
        raise _gone_back(cluster, revision, before, error, wait) from None
    finish(cluster, revision)


def _gone_back(
    cluster: Cluster, revision: Revision, before: Revision | None, error: ClusterError, wait: Wait
) -> ClusterError:
    """The error that ends a failed upgrade, after what ran before was put back where that can be.

    Args:
        cluster: where.
        revision: the one that failed.
        before: the deployed one; None where there is none.
        error: why it failed.
        wait: as of :func:`upgrade`.

    Raises:
        ClusterError: the revision could not be marked, or another run has taken it over.
    """
    if error.reason in SILENT or error.reason == "Unauthorized":
        return ClusterError(
            f"{error}\nrevision {revision.number} is under way, and how it ends is not known: "
            "run the same command again to go on, or `dsv4deploy rollback`",
            error.reason,
        )
    if error.reason == OVERTAKEN or before is None:
        return error
    with leaving(
        f"{error}\nrevision {revision.number} is pending, and nothing was put back: run the "
        "same command again to go on, or `dsv4deploy rollback`"
    ):
        require_last(cluster, revision)
        failed = mark(cluster, revision, "failed")
    state = f"revision {before.number} runs again, as before"
    try:
        back = prepare(cluster, before.objects, force=True)
        _go_back(cluster, back, wait, partial(require_last, cluster, failed))
    except ClusterError as second:
        state = f"going back to revision {before.number} failed: {second}"
    return ClusterError(f"{error}\n{state}", error.reason)


def _go_back(cluster: Cluster, plan: Plan, wait: Wait, check: Check) -> None:
    """Puts back what ran before; where nothing was written yet, its engines only start."""
    live = cluster.live(service_of(plan.objects))
    if live and plan.downtime:
        _stop(cluster, live)
        # Engines that do not end must not keep the old objects away.
        with suppress(ClusterError):
            wait("stopped", check)
    _start_anew(cluster, plan, True, wait, check)


def _start_anew(cluster: Cluster, plan: Plan, force: bool, wait: Wait, check: Check) -> None:
    check()
    _write(cluster, plan, force)
    _start(cluster, service_of(plan.objects))
    wait("ready", check)


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


def _held(live: Object | None) -> bool:
    """Whether this tool has stopped a service, and not started it again to the end."""
    return bool(live and managed(live, _STOPPER))


def _stop(cluster: Cluster, service: Mapping[str, Any]) -> None:
    # A manager of its own, so that applying the service does not take the annotation away.
    cluster.apply(_named(service, {STOP: "true"}), force=True, manager=_STOPPER)


def _start(cluster: Cluster, service: Mapping[str, Any]) -> None:
    live = cluster.live(service)
    if live and STOP in (live["metadata"].get("annotations") or {}):
        cluster.apply(_named(service, {STOP: "false"}), force=True, manager=_STOPPER)
        cluster.apply(_named(service, {}), force=True, manager=_STOPPER)


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
            (going if _ours(live, service, namespace) else staying).append(live)
    if not dry_run:
        for item in reversed(going):
            cluster.delete(item)
        for revision in known:
            cluster.delete(manifest(revision))
    return going, staying
