"""What an apply would do: the plan, and what it has seen of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ClusterError
from ..manifest.render import rank
from .client import MANAGER, Cluster, Object, managed
from .diff import Change, changes, downtime, label, own
from .readiness import service_of, stopped
from .revisions import UNREADABLE, Revision, following, history, manifest
from .scaler import instances, paused_at, scaler_of, scales, workloads

OWNER = "dsv4deploy.io/owner"
"""The annotation of what is applied: the ``namespace/name`` of the service that it belongs to."""

# How often an object is read again that somebody keeps changing.
_TRIES = 5


@dataclass(frozen=True)
class Plan:
    """What an apply would do. Two plans are equal where they would do the same.

    Attributes:
        service: the service's name.
        namespace: the service's namespace.
        objects: what is desired, in the order in which it is applied.
        writes: those that differ from what is live, or that somebody else has applied.
        removed: those of earlier revisions that are no longer desired; their names alone.
        changes: the fields that would change.
        downtime: why the engines would restart; ``""`` where they would not.
        known: the history.
        adopted: what runs and has no revision yet, as the one that it gets; else None.
        scaled: how many instances run where a ScaledObject sets their number; 0 where the service
            names it.
        seen: each object as it was live, None for one that was not, by its label.
    """

    service: str
    namespace: str
    objects: list[Object]
    writes: list[Object]
    removed: list[Object]
    changes: list[Change]
    downtime: str
    known: list[Revision] = field(default_factory=list)
    adopted: Revision | None = None
    scaled: int = 0
    seen: Mapping[str, Object | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def revision(self) -> Revision | None:
        """The last revision; None where there is none."""
        return self.known[-1] if self.known else None

    @property
    def settled(self) -> bool:
        """Whether the cluster matches the plan, and the history records it."""
        last = self.revision
        same = last is not None and (last.status, last.objects) == ("deployed", self.objects)
        return same and not self.writes and not self.removed

    @property
    def rolling(self) -> int:
        """To how many instances the service goes down while they are replaced one after the other;
        0 where all must stop, or none is replaced.

        KServe up to v0.20 sets no strategy for its Deployment, so Kubernetes' holds: a quarter of
        the instances more, rounded up, and a quarter fewer, rounded down. With four fifths of them
        the new ones find room on the nodes of those that are gone. A LeaderWorkerSet replaces one
        at a time in its place (LeaderWorkerSet v0.7.0, leaderworkerset_webhook.go, line 71), and so
        does `rolloutStrategy`. A ScaledObject is paused at that number.
        """
        service = service_of(self.objects)
        live = self.seen.get(label(service))
        if not live or stopped(live):
            return 0
        spec, before = service["spec"], live["spec"]
        wanted, running = (each.get("replicas") or self.scaled or 1 for each in (spec, before))
        status = self.revision.status if self.revision else ""
        halfway = status in ("pending", "failed")
        paths = [each.path for each in self.changes if each.object == label(service)]
        if not self.downtime and not self.paused:
            # An interrupted run goes on behind the instances that it was replacing.
            return running if halfway and running < wanted and paths == ["spec.replicas"] else 0
        instances = max(running, wanted) if halfway else running
        # Of another shape than before they are another workload. Where a ScaledObject is new or
        # goes, it and the service would both set the number.
        reshaped = any((key in spec) != (key in before) for key in ("worker", "replicas")) or any(
            not path or path.startswith("spec.parallelism") for path in paths
        )
        if self.paused:
            replacing = self.downtime or status == "pending"
            return self.paused if replacing and not reshaped else 0
        if instances == 1 or reshaped or not paths:
            return 0
        in_place = "worker" in spec or "rolloutStrategy" in spec
        return int(wanted if in_place else min(wanted, 4 * instances // 5))

    @property
    def paused(self) -> int:
        """The number of instances at which an interrupted run has paused the ScaledObject, or 0."""
        scaler = scaler_of(self.objects) if self.scaled else None
        return paused_at(self.seen.get(label(scaler))) if scaler else 0

    def wanted(self) -> Revision:
        """The revision of the plan's objects."""
        known = [*self.known, *([self.adopted] if self.adopted else [])]
        return following(self.service, self.namespace, self.objects, known, "pending")


@dataclass(frozen=True)
class Look:
    """One object as it is, and what applying it would do.

    Attributes:
        live: the object in the cluster; None where there is none.
        changes: the fields that would change.
        differs: whether applying it would write anything.
    """

    live: Object | None
    changes: list[Change]
    differs: bool


def look(cluster: Cluster, item: Object, *, force: bool) -> Look:
    """What applying an object would do, by a dry run over just that state of it that was read.

    What a controller writes in between is not taken for a change of this tool's.

    Args:
        cluster: where.
        item: the object, as it is applied.
        force: whether fields that others have set are taken over.

    Raises:
        ClusterError: it would be rejected, or belongs to another service.
    """
    for tried in range(1, _TRIES + 1):
        live = cluster.live(item)
        theirs, ours = owner(live), owner(item)
        if theirs and ours and theirs != ours:
            raise ClusterError(
                f"{label(item)} belongs to service {theirs}; give it another name in the values, "
                "or leave the object to that service (maas.gateway.create, router.preset)",
                "Conflict",
            )
        try:
            made = cluster.apply(item, live=live, dry_run=True, force=force)
        except ClusterError as error:
            if error.reason != "Stale" or tried == _TRIES:
                raise
        else:
            found = changes(live, made)
            differs = live is None or bool(found) or _fields(live) != _fields(made)
            return Look(live, found, differs)
    raise AssertionError  # the loop returns or raises


def prepare(cluster: Cluster, objects: list[Object], *, force: bool = False) -> Plan:
    """What applying these objects would do, by the server's own dry run of each.

    Args:
        cluster: where.
        objects: what :func:`dsv4deploy.render` returns.
        force: whether fields that others have set are taken over.

    Raises:
        ClusterError: one of them would be rejected. The message has a line for each.
    """
    service = service_of(objects)
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    _namespaces(cluster, objects)
    looks: dict[str, Look] = {}
    refused: list[ClusterError] = []
    for item in objects:
        try:
            looks[label(item)] = look(cluster, owned(item, service), force=force)
        except ClusterError as error:
            if error.reason in ("Unreachable", "Unauthorized"):
                raise
            refused.append(error)
    known = history(cluster, name, namespace)
    gone = no_longer(cluster, name, namespace, objects, known)
    found = [change for each in looks.values() for change in each.changes]
    found += [change for item in gone for change in changes(item, None)]
    seen = {each: looked.live for each, looked in looks.items()}
    plan = Plan(
        service=name,
        namespace=namespace,
        objects=objects,
        writes=[item for item in objects if label(item) in looks and looks[label(item)].differs],
        removed=[_name(item) for item in gone],
        changes=found,
        downtime=downtime(found),
        known=known,
        adopted=_adopted(objects, seen, known),
        scaled=_scaled(cluster, objects, seen),
        seen={**seen, **{label(item): item for item in gone}},
    )
    for revision in filter(None, (plan.adopted, plan.wanted())):
        try:
            cluster.apply(manifest(revision), dry_run=True)
        except ClusterError as error:
            refused.append(error)
    if refused:
        raise ClusterError("\n".join(map(str, refused)), refused[0].reason)
    return plan


def _scaled(cluster: Cluster, objects: list[Object], seen: Mapping[str, Object | None]) -> int:
    """How many instances run where a ScaledObject sets their number; else 0."""
    service, scaler = service_of(objects), scaler_of(objects)
    live = seen.get(label(service))
    named = any("replicas" in each["spec"] for each in (service, live or service))
    if not live or named or not scaler or not scales(seen.get(label(scaler))):
        return 0
    meta = service["metadata"]
    return instances(workloads(cluster, meta["name"], meta["namespace"]))


def _adopted(
    objects: list[Object], seen: Mapping[str, Object | None], known: list[Revision]
) -> Revision | None:
    """What runs and has no revision yet, as a revision."""
    service = service_of(objects)
    if any(each.status != UNREADABLE for each in known) or not seen.get(label(service)):
        return None
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    lives = [own(live) for item in objects if (live := seen.get(label(item)))]
    return following(name, namespace, lives, known, "adopted")


def taking_over(plan: Plan) -> str:
    """The message about a plan that continues an unfinished run; ``""`` if there is none."""
    last = plan.revision
    if not last or last.status != "pending":
        return ""
    return f"taking over from the run that started revision {last.number} at {last.created}"


def owned(item: Object, service: Mapping[str, Any]) -> Object:
    """An object as it is applied, with its owner."""
    meta = service["metadata"]
    annotation = {OWNER: f"{meta['namespace']}/{meta['name']}"}
    annotations = {**(item["metadata"].get("annotations") or {}), **annotation}
    return {**item, "metadata": {**item["metadata"], "annotations": annotations}}


def owner(item: Mapping[str, Any] | None) -> str:
    """The owner of an object; ``""`` if it names none."""
    meta = item["metadata"] if item else {}
    return str((meta.get("annotations") or {}).get(OWNER, ""))


def ours(live: Object, service: str, namespace: str) -> bool:
    """Whether this tool has made an object for this service."""
    return managed(live) and owner(live) in ("", f"{namespace}/{service}")


def _name(item: Object) -> Object:
    """An object's kind, name and namespace, as an object."""
    meta = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta}


def _namespaces(cluster: Cluster, objects: list[Object]) -> None:
    wanted = sorted({item["metadata"]["namespace"] for item in objects})
    missing = [name for name in wanted if not cluster.get("v1", "Namespace", name)]
    if missing:
        raise ClusterError(
            f"the cluster has no namespace {', '.join(missing)}; run "
            f"`kubectl create namespace {missing[0]}`",
            "NotFound",
        )


def _fields(item: Mapping[str, Any]) -> Any:
    """The fields of an object that this tool has set."""
    entries = item["metadata"].get("managedFields") or []
    return [entry.get("fieldsV1") for entry in entries if entry.get("manager") == MANAGER]


def no_longer(
    cluster: Cluster,
    service: str,
    namespace: str,
    objects: Iterable[Object],
    known: Iterable[Revision],
) -> list[Object]:
    """Live objects of revisions that this tool has made and that are not desired.

    Args:
        cluster: where.
        service: the service's name.
        namespace: its namespace.
        objects: what is desired.
        known: the revisions.

    Returns:
        them in the order in which they were applied; they are deleted in the reverse.
    """
    wanted = set(map(label, objects))
    items = {
        label(item): item
        for revision in known
        for item in revision.objects
        if label(item) not in wanted
    }
    lives = (cluster.live(item) for item in items.values())
    return sorted((live for live in lives if live and ours(live, service, namespace)), key=rank)
