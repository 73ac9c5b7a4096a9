"""The revisions of a service: what was applied to it, and how that ended.

A revision is a Secret beside the service with the objects that were applied. It is created before
the first object changes and marked ``deployed`` after the last, so the next run, on this machine
or another, knows what was intended and what ran before. A service that something else has made
gets a revision ``adopted``, its objects as they are, before the first that changes it.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ClusterError
from ..values.json import read_json
from .client import Cluster, Object

KEPT = 10
"""How many revisions are kept, besides the last that ran where all of these have failed."""

RUNS = ("deployed", "adopted")
"""The statuses of a revision that runs, or that ran until a newer one was begun."""

UNREADABLE = "unreadable"
"""The status of a revision whose Secret does not hold what it should."""

# Bytes of a revision's objects: far more than any deployment has.
_LARGEST = 16 << 20

_SERVICE = "dsv4deploy.io/service"
_VERSION = "dsv4deploy.io/revision"
_STATUS = "dsv4deploy.io/status"


@dataclass(frozen=True)
class Revision:
    """What was applied to a service, once.

    Attributes:
        service: the service's name.
        namespace: the service's namespace.
        number: counts from 1; 0 where it can't be read.
        status: adopted, pending, deployed, superseded, failed or unreadable.
        created: when, as Kubernetes writes it; ``""`` before it is in the cluster.
        objects: what was applied; none where it can't be read.
        secret: its Secret as it was read; None before it is in the cluster.
    """

    service: str
    namespace: str
    number: int
    status: str
    created: str
    objects: list[Object]
    secret: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"revision {self.number} ({self.status})"


def history(cluster: Cluster, service: str, namespace: str) -> list[Revision]:
    """The revisions of a service, oldest first, with those that can't be read."""
    found = cluster.list("v1", "Secret", namespace, f"{_SERVICE}={service}")
    read = (_read(secret, service, namespace) for secret in found)
    return sorted(read, key=lambda revision: revision.number)


def _read(secret: Mapping[str, Any], service: str, namespace: str) -> Revision:
    meta = secret["metadata"]
    labels = meta.get("labels") or {}
    number, status = labels.get(_VERSION, ""), labels.get(_STATUS, UNREADABLE)
    try:
        packed = base64.b64decode((secret.get("data") or {})["objects"])
        unpacker = zlib.decompressobj(wbits=31)
        objects = read_json(unpacker.decompress(packed, _LARGEST).decode())
        if not unpacker.eof:
            raise ValueError("incomplete, or too large")
        # What follows reads these of each object.
        [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in objects]
    except (LookupError, TypeError, ValueError, zlib.error):
        status, objects = UNREADABLE, []
    return Revision(
        service=service,
        namespace=namespace,
        number=int(number) if re.fullmatch("[0-9]{1,18}", number) else 0,
        status=status,
        created=meta.get("creationTimestamp") or "",
        objects=objects,
        secret=secret,
    )


def manifest(revision: Revision) -> Object:
    """The Secret of a revision."""
    packed = gzip.compress(json.dumps(revision.objects, sort_keys=True).encode(), mtime=0)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "dsv4deploy.io/revision",
        "metadata": {
            "name": f"dsv4deploy.{revision.service}.{revision.number}",
            "namespace": revision.namespace,
            "labels": {
                _SERVICE: revision.service,
                _VERSION: str(revision.number),
                _STATUS: revision.status,
            },
        },
        "data": {"objects": base64.b64encode(packed).decode()},
    }


def last_that_ran(known: Iterable[Revision]) -> Revision | None:
    """The last revision that runs, or ran until a newer one was begun; None where none did."""
    return next((each for each in reversed(list(known)) if each.status in RUNS), None)


def target(cluster: Cluster, service: str, namespace: str, number: int = 0) -> Revision:
    """The revision to roll back to.

    Args:
        cluster: where.
        service: the service's name.
        namespace: the service's namespace.
        number: of a revision; 0 is what ran before: the deployed one where a newer one was
            interrupted or has failed, else the one before it.

    Raises:
        ClusterError: there is none; the message lists what there is.
    """
    known = history(cluster, service, namespace)
    if number:
        chosen = [each for each in known if each.number == number and each.objects]
    elif known and known[-1].status == "deployed":
        # A run that was killed between two marks leaves two that are deployed.
        chosen = [each for each in known[:-1] if each.status in ("superseded", *RUNS)][-1:]
    else:
        chosen = [each for each in known if each.status in RUNS][-1:]
    if not chosen:
        there = ", ".join(f"{each.number} ({each.status})" for each in known) or "none"
        raise ClusterError(
            f"service {service} in namespace {namespace} has no revision to roll back to; its "
            f"revisions are: {there}",
            "NotFound",
        )
    return chosen[0]


# --- the steps of a run ------------------------------------------------------------------------


def following(
    service: str, namespace: str, objects: list[Object], known: list[Revision], status: str
) -> Revision:
    """The revision of these objects that comes after those that are known."""
    number = known[-1].number + 1 if known else 1
    return Revision(service, namespace, number, status, "", objects)


def begin(
    cluster: Cluster, adopted: Revision | None, wanted: Revision, known: list[Revision]
) -> list[Revision]:
    """Starts a revision, or continues the same one that was interrupted.

    Args:
        cluster: where.
        adopted: what ran before and has no revision; it gets one first.
        wanted: the run's revision.
        known: the history.

    Returns:
        the history, with the run's own revision as the last.
    """
    known = list(known)
    if known and known[-1].status == "pending":
        if known[-1].objects == wanted.objects:
            return known
        known[-1] = mark(cluster, known[-1], "failed")
    for revision in filter(None, (adopted, wanted)):
        known.append(_create(cluster, revision))
    return known


def _create(cluster: Cluster, revision: Revision) -> Revision:
    item = manifest(revision)
    try:
        made = cluster.create(item)
    except ClusterError as error:
        found = cluster.live(item) if error.reason == "AlreadyExists" else None
        # Ours, where the answer to the first try was lost.
        if not found or found.get("data") != item["data"]:
            raise
        made = found
    return replace(revision, secret=made)


def mark(cluster: Cluster, revision: Revision, status: str) -> Revision:
    """The revision with another status, which the cluster has too.

    Raises:
        ClusterError: somebody has changed or deleted it; with reason Stale.
    """
    item = manifest(replace(revision, status=status))
    try:
        made = cluster.apply(item, live=revision.secret, force=True)
    except ClusterError as error:
        found = cluster.live(item) if error.reason == "Stale" else None
        # Done, where the answer to the first try was lost.
        if not found or found["metadata"].get("labels") != item["metadata"]["labels"]:
            raise
        made = found
    return replace(revision, status=status, secret=made)


def finish(cluster: Cluster, known: list[Revision]) -> None:
    """Marks the last revision as deployed and what ran before as superseded; deletes the oldest."""
    *others, revision = known
    mark(cluster, revision, "deployed")
    others = [
        mark(cluster, other, "superseded") if other.status in RUNS else other for other in others
    ]
    # However many have failed since, there is one to go back to.
    ran = [other for other in others if other.status == "superseded"][-1:]
    for other in others[: max(0, len(known) - KEPT)]:
        if other.status != UNREADABLE and other not in ran:
            cluster.delete(manifest(other), live=other.secret)
