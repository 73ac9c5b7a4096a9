"""The revisions of a service: what was applied to it, and how that ended.

A revision is a Secret beside the service with the objects that were applied. It is created before
the first object changes and marked ``deployed`` after the last, so the next run, on this machine
or another, knows what was intended and what ran before.

Nothing is locked: a run takes over a revision that is pending, since a run that was killed looks
like one that is still at work. The run that was overtaken notices it at its next look, or before
it marks its revision, and ends.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ClusterError
from .client import Cluster, Object

KEPT = 10
"""How many revisions are kept, besides the last that ran where all of these have failed."""

OVERTAKEN = "Overtaken"
"""The reason of the error that ends a run whose revision another run has taken over."""

_SERVICE = "dsv4deploy.io/service"
_VERSION = "dsv4deploy.io/revision"
_STATUS = "dsv4deploy.io/status"
_RAN = ("superseded", "deployed")


@dataclass(frozen=True)
class Revision:
    """What was applied to a service, once.

    Attributes:
        service: the service's name.
        namespace: the service's namespace.
        number: counts from 1.
        status: pending, deployed, superseded or failed.
        created: when, as Kubernetes writes it; ``""`` before it is in the cluster.
        objects: what was applied.
    """

    service: str
    namespace: str
    number: int
    status: str
    created: str
    objects: list[Object]


def history(cluster: Cluster, service: str, namespace: str) -> list[Revision]:
    """The revisions of a service, oldest first."""
    found = cluster.list("v1", "Secret", namespace, f"{_SERVICE}={service}")
    return sorted(map(_read, found), key=lambda revision: revision.number)


def _read(secret: Mapping[str, Any]) -> Revision:
    meta = secret["metadata"]
    packed = base64.b64decode(secret["data"]["objects"])
    return Revision(
        service=meta["labels"][_SERVICE],
        namespace=meta["namespace"],
        number=int(meta["labels"][_VERSION]),
        status=meta["labels"][_STATUS],
        created=meta.get("creationTimestamp", ""),
        objects=json.loads(gzip.decompress(packed)),
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


def target(cluster: Cluster, service: str, namespace: str, number: int = 0) -> Revision:
    """The revision to go back to.

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
        chosen = [each for each in known if each.number == number]
    elif known and known[-1].status == "deployed":
        # A run that was killed between two marks leaves two that are deployed.
        chosen = [each for each in known[:-1] if each.status in _RAN][-1:]
    else:
        chosen = [each for each in known if each.status == "deployed"][-1:]
    if not chosen:
        there = ", ".join(f"{each.number} ({each.status})" for each in known) or "none"
        raise ClusterError(
            f"{service} in {namespace} has no revision to go back to; there are: {there}",
            "NotFound",
        )
    return chosen[0]


# --- the steps of a run ------------------------------------------------------------------------


@contextmanager
def leaving(state: str) -> Iterator[None]:
    """Errors inside report the state that they leave."""
    try:
        yield
    except ClusterError as error:
        if error.reason == OVERTAKEN:
            raise
        raise ClusterError(f"{error}\n{state}", error.reason) from None


def following(
    service: str, namespace: str, objects: list[Object], known: list[Revision]
) -> Revision:
    """The pending revision of these objects that comes after those that are known."""
    number = known[-1].number + 1 if known else 1
    return Revision(service, namespace, number, "pending", "", objects)


@leaving("no object has been written")
def begin(cluster: Cluster, wanted: Revision, known: list[Revision]) -> Revision:
    """The pending revision of a run: the same one that was interrupted, or the wanted one.

    Raises:
        ClusterError: another run has just created the same number; with reason Conflict.
    """
    last = known[-1] if known else None
    if last and last.status == "pending":
        if last.objects == wanted.objects:
            return last
        mark(cluster, last, "failed")
    try:
        cluster.create(manifest(wanted))
    except ClusterError as error:
        if error.reason != "AlreadyExists":
            raise
        # Somebody else's, or ours where the answer to the first try was lost.
        made = history(cluster, wanted.service, wanted.namespace)[-1]
        if (made.number, made.objects) != (wanted.number, wanted.objects):
            raise ClusterError(
                f"somebody else has begun revision {wanted.number} of {wanted.service} just now: "
                "see `dsv4deploy history`, and run this again when theirs is done",
                "Conflict",
            ) from None
    return wanted


def mark(cluster: Cluster, revision: Revision, status: str) -> Revision:
    """The revision with another status, which the cluster has too."""
    marked = replace(revision, status=status)
    cluster.apply(manifest(marked), force=True)
    return marked


@leaving("all objects are written: run the same command again to mark their revision")
def finish(cluster: Cluster, revision: Revision) -> None:
    """Marks a revision as deployed, and deletes the oldest ones.

    Raises:
        ClusterError: another run has taken it over.
    """
    known = require_last(cluster, revision)
    mark(cluster, revision, "deployed")
    for other in known[:-1]:
        if other.status == "deployed":
            mark(cluster, other, "superseded")
    # However many have failed since, there is one to go back to.
    last_that_ran = [other for other in known if other.status in _RAN][-1:]
    for other in known[:-KEPT]:
        if other not in last_that_ran:
            cluster.delete(manifest(other))


def require_last(cluster: Cluster, revision: Revision) -> list[Revision]:
    """The history of a service, whose last revision is this one, as this run left it.

    Raises:
        ClusterError: another run has taken it over.
    """
    known = history(cluster, revision.service, revision.namespace)
    last = known[-1] if known else None
    if last and (last.number, last.status) == (revision.number, revision.status):
        return known
    name = revision.service
    if last and last.number > revision.number:
        what = f"revision {last.number} of {name} was begun at {last.created}"
    elif last and last.number == revision.number:
        what = f"another run has marked revision {last.number} of {name} {last.status}"
    else:
        what = f"revision {revision.number} of {name} was deleted"
    raise ClusterError(
        f"{what}, and has overtaken this run of revision {revision.number}: it ends here, writes "
        "nothing more and puts nothing back; see `dsv4deploy history`",
        OVERTAKEN,
    )
