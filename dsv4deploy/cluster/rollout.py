"""Changes of a service in a cluster: one run at a time applies, upgrades or deletes.

Every step can be repeated: after an interruption at any point the same command continues, and a
rollback to :func:`dsv4deploy.cluster.revisions.target` restores what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ..errors import ClusterError, InterruptionError
from .client import Cluster, Object, managed
from .diff import Change, label, same
from .lease import CLOCK, Clock, held
from .plan import Look, Plan, look, no_longer, owned, prepare
from .readiness import API, KIND, SILENT, STOP, Wait, service_of, stopped
from .revisions import (
    UNREADABLE,
    Revision,
    begin,
    finish,
    history,
    last_that_ran,
    manifest,
    mark,
)
from .scaler import PAUSE, STOPPER, paused_at, scaler_of

# How often a plan, or the write of one object, is made anew because somebody else was faster.
_TRIES = 5

P = TypeVar("P")


@dataclass(frozen=True)
class ServiceRef:
    """A service: its name and its namespace."""

    service: str
    namespace: str

    def __str__(self) -> str:
        return f"service {self.service} in namespace {self.namespace}"

    @property
    def options(self) -> str:
        """The options that name it on a command line."""
        return f"--name {self.service} -n {self.namespace}"


# --- every run ---------------------------------------------------------------------------------


def run(
    cluster: Cluster,
    place: ServiceRef,
    doing: str,
    make: Callable[[], P],
    act: Callable[[P], str],
    ask: Callable[[P], bool] | None = None,
    *,
    wait: float = 0.0,
    clock: Clock = CLOCK,
) -> str:
    """A change of a service under its Lease, from the plan to what runs in the end.

    The Lease is not held while the user is asked. The plan is computed again under it, and where
    that is another than the one that was agreed to, it is shown again.

    Args:
        cluster: where.
        place: the service.
        doing: what is done, for others who wait.
        make: makes the plan.
        act: carries out a plan, and returns what it did.
        ask: shows a plan, and whether it is agreed to; without it, the user is not asked.
        wait: how many seconds to wait for another run that is at work.
        clock: the Lease's time.

    Returns:
        what was done, and what runs now.

    Raises:
        ClusterError: it failed; the message states what runs now.
        InterruptionError: the user pressed Ctrl-C or answered no; so does its message.
    """
    before = cluster.writes

    def end(error: ClusterError | None = None) -> str:
        # A write without an answer may have come into force.
        changed = cluster.writes > before or cluster.unanswered
        if error and error.reason == "Unreachable" and not changed:
            return "nothing has been changed"
        unchanged = "" if changed else "nothing has been changed; "
        # Others may be at work where this run does not hold the Lease.
        alone = cluster.guard is not None and not (error and error.reason == "Lost")
        return unchanged + what_runs(cluster, place, compare=alone, known=str(error))

    try:
        # The Lease is held to its end, so that what is read back is what this run has left.
        with ExitStack() as stack:
            try:
                done = _agreed(stack, cluster, place, doing, make, act, ask, wait, clock)
                return f"{done}; {what_runs(cluster, place)}"
            except KeyboardInterrupt:
                raise InterruptionError(f"interrupted: {end()}") from None
            except ClusterError as error:
                if error.reason == "Held":
                    raise
                raise ClusterError(f"{error}\n{end(error)}", error.reason) from None
    except KeyboardInterrupt:
        message = f"interrupted before the service's state was read back; {_tells(place)}"
        raise InterruptionError(message) from None


def _agreed(
    stack: ExitStack,
    cluster: Cluster,
    place: ServiceRef,
    doing: str,
    make: Callable[[], P],
    act: Callable[[P], str],
    ask: Callable[[P], bool] | None,
    wait: float,
    clock: Clock,
) -> str:
    """Carries out a plan that is still what was agreed to."""
    lease = partial(
        held,
        cluster,
        place.namespace,
        f"dsv4deploy.{place.service}",
        doing,
        wait=wait,
        clock=clock,
    )
    if not ask:
        stack.enter_context(lease())
    plan = make()
    for tried in range(1, _TRIES + 1):
        if ask:
            stack.close()
            if not ask(plan):
                raise KeyboardInterrupt
            stack.enter_context(lease())
            agreed, plan = plan, make()
            if plan != agreed:
                continue
        try:
            return act(plan)
        except ClusterError as error:
            if error.reason != "Stale" or tried == _TRIES:
                raise
            plan = make()
    message = f"{place} changed each time before the plan was confirmed; try again"
    raise ClusterError(message, "Stale")


def what_runs(cluster: Cluster, place: ServiceRef, *, compare: bool = True, known: str = "") -> str:
    """The state of a service, read back, and the command to continue; never an error.

    Args:
        cluster: where.
        place: the service.
        compare: whether its objects are compared with its revisions.
        known: an error that the user sees anyway, which this message does not repeat.
    """
    try:
        live = cluster.get(API, KIND, place.service, place.namespace)
        revisions = [
            each
            for each in history(cluster, place.service, place.namespace)
            if each.status != UNREADABLE
        ]
        if not revisions:
            return f"{place} {_state(live)}" + (", but has no revision" if live else "")
        return _read_back(cluster, place, _state(live), revisions, compare)
    except ClusterError as error:
        reason = "" if str(error) == known else f" ({error})"
        return f"cannot read back the service's state{reason}; {_tells(place)}"


def _tells(place: ServiceRef) -> str:
    options = place.options
    return f"see `dsv4deploy status {options}` and `dsv4deploy history {options}`"


def _read_back(
    cluster: Cluster, place: ServiceRef, state: str, known: list[Revision], compare: bool
) -> str:
    last, ran = known[-1], last_that_ran(known)
    if not compare:
        return f"{place} {state}; its latest revision is {last.number} ({last.status})"
    differing: list[str] = []
    try:
        for revision in [last, ran] if ran and ran is not last else [last]:
            found = _differing(cluster, place, revision, known)
            if not found:
                return f"{place} {state}: {revision}{_next(place, state, last, ran, revision)}"
            differing = differing or found
    except ClusterError as error:
        told = (
            f"its latest revision is {last.number} ({last.status}), but the command could not "
            f"verify this ({error})"
        )
        return f"{place} {state}; {told}{_next(place, state, last, ran, None)}"
    some = ", ".join(differing[:3]) + (", …" if differing[3:] else "")
    return (
        f"{place} {state}, but matches no revision; objects that differ from {last}: {some}"
        f"{_next(place, state, last, ran, None)}"
    )


def _state(live: Object | None) -> str:
    if live is None:
        return "does not exist"
    if live["metadata"].get("deletionTimestamp"):
        return "is being deleted"
    return "is stopped" if stopped(live) else "is running"


def _differing(
    cluster: Cluster, place: ServiceRef, revision: Revision, known: list[Revision]
) -> list[str]:
    """The objects that are not as a revision has them, with those that it has not."""
    differing = []
    for item in revision.objects:
        # What was adopted is as it was found, or as it was put back.
        shapes = [owned(item, service_of(revision.objects))]
        shapes += [item] if revision.status == "adopted" else []
        looks = (look(cluster, shape, force=True) for shape in shapes)
        if all(found.live is None or found.changes for found in looks):
            differing.append(label(item))
    others = no_longer(cluster, place.service, place.namespace, revision.objects, known)
    return differing + list(map(label, others))


def _next(
    place: ServiceRef, state: str, last: Revision, ran: Revision | None, found: Revision | None
) -> str:
    """The command to continue; ``""`` if nothing is left to do."""
    back = f"`dsv4deploy rollback {ran.number if ran else ''} {place.options}`".replace("  ", " ")
    if last.status == "pending":
        return "; run the same command again to continue" + (
            f", or {back} to roll back" if ran else ""
        )
    if state == "is running" and found is ran and ran:
        return ""
    return f"; {back} restores revision {ran.number}" if ran else "; apply the values again"


# --- apply -------------------------------------------------------------------------------------


def apply(cluster: Cluster, plan: Plan, *, force: bool = False) -> int:
    """Applies a plan; how many objects were written or removed.

    Where nothing differs, nothing is written. A service whose engines would restart is applied as
    it is: :func:`upgrade` is for those. One that an interrupted upgrade has stopped is started.

    Raises:
        ClusterError: an object was rejected. The revision stays pending, and the same command
            continues. With reason Stale somebody has changed an object since the plan was made.
    """
    service = service_of(plan.objects)
    live = plan.seen[label(service)]
    started = bool(live and managed(live, STOPPER))
    if plan.settled and not started:
        return 0
    known = begin(cluster, plan.adopted, plan.wanted(), plan.known)
    _write(cluster, plan, force)
    if started:
        _start(cluster, service)
    _resume(cluster, plan.objects)
    finish(cluster, known)
    return len(plan.writes) + len(plan.removed) + started


def _write(cluster: Cluster, plan: Plan, force: bool) -> None:
    service = service_of(plan.objects)
    for item in plan.writes:
        planned = [change for change in plan.changes if change.object == label(item)]
        found = Look(plan.seen[label(item)], planned, differs=True)
        _write_one(cluster, owned(item, service), found, force)
    for item in reversed(plan.removed):
        _delete_one(cluster, plan.seen[label(item)])


def _write_one(cluster: Cluster, item: Object, planned: Look, force: bool) -> None:
    """Writes an object over the state that was read, or over one that changes in the same way."""
    found = planned
    for tried in range(1, _TRIES + 1):
        try:
            cluster.apply(item, live=found.live, force=force)
        except ClusterError as error:
            if error.reason != "Stale" or tried == _TRIES:
                raise
        else:
            return
        found = look(cluster, item, force=force)
        if not found.differs:  # the answer to the first try was lost
            return
        if found.changes != planned.changes:
            raise _changed(item)


def _changed(item: Mapping[str, Any]) -> ClusterError:
    message = f"another client changed {label(item)} in the meantime; run the command again"
    return ClusterError(message, "Stale")


def _delete_one(cluster: Cluster, seen: Object | None) -> None:
    """Deletes an object as it was read, whatever controllers have written meanwhile."""
    live = seen
    for tried in range(1, _TRIES + 1):
        if live is None:
            return
        try:
            cluster.delete(live, live=live)
        except ClusterError as error:
            if error.reason != "Stale" or tried == _TRIES:
                raise
            live = cluster.live(live)
            if live and not same(live, seen):
                raise
        else:
            return


# --- upgrade -----------------------------------------------------------------------------------


def upgrade(
    cluster: Cluster,
    plan: Plan,
    *,
    force: bool = False,
    wait: Wait = lambda _: "",
    wait_back: Wait | None = None,
) -> str:
    """Stop, apply, start and wait; on failure, roll back to what ran before.

    A model that fills its node can't roll over: no released KServe lets the old pod go before
    the new one is there. So a single instance is stopped first, and several are replaced one after
    the other (:attr:`dsv4deploy.cluster.plan.Plan.rolling`).

    Args:
        cluster: where.
        plan: what :func:`dsv4deploy.cluster.plan.prepare` made.
        force: whether fields that others have set are taken over.
        wait: waits for ``started``, ``stopped`` and ``ready``, and raises ClusterError where that
            can't be; :func:`dsv4deploy.cluster.readiness.waiting` makes one. By default nothing is
            waited for.
        wait_back: the same on the way back; by default ``wait``. It may take longer: what ran
            before needs its time to start, however short the time for the new one is.

    Returns:
        the wait's message about a service that is ready.

    Raises:
        ClusterError: it failed; what ran before was restored if possible.
    """
    live = plan.seen[label(service_of(plan.objects))]
    if live and not stopped(live) and plan.settled:
        return wait("ready")
    known = begin(cluster, plan.adopted, plan.wanted(), plan.known)
    try:
        told = _replace(cluster, plan, force, wait)
    except ClusterError as error:
        raise _gone_back(cluster, known, error, wait_back or wait) from None
    finish(cluster, known)
    return told


def _replace(cluster: Cluster, plan: Plan, force: bool, wait: Wait, *, back: bool = False) -> str:
    """Stops or replaces what runs where it must be, writes the plan, starts and waits.

    Args:
        cluster: where.
        plan: what to write.
        force: whether fields that others have set are taken over.
        wait: as of :func:`upgrade`.
        back: whether engines that do not end are written over: they must not keep what ran
            before away.
    """
    service = service_of(plan.objects)
    live = plan.seen[label(service)]
    if plan.rolling and plan.scaled:
        return _replace_paused(cluster, plan, force, wait)
    if plan.rolling:
        _write(cluster, _with_fewer(cluster, plan, force), force)
        wait("ready")
        return _with_all(cluster, service, force, wait)
    if live and (plan.downtime or (stopped(live) and not back)):
        steps = ["stopped"] if stopped(live) else ["started", "stopped"]
        for step in steps:
            if step == "stopped":
                _mark(cluster, service, {STOP: "true"})
            try:
                wait(step)
            except ClusterError as error:
                if not back or error.reason in _LEFT:
                    raise
    _write(cluster, plan, force)
    _start(cluster, service)
    _resume(cluster, plan.objects)
    return wait("ready")


def _replace_paused(cluster: Cluster, plan: Plan, force: bool, wait: Wait) -> str:
    """Replaces instances whose number a ScaledObject sets, while it is paused at fewer of them.

    Where an interrupted run has paused it, its engines may be those that failed: they are not
    waited for.
    """
    scaler = scaler_of(plan.objects)
    if scaler and plan.rolling < plan.scaled and not plan.paused:
        _mark(cluster, scaler, {PAUSE: str(plan.rolling)})
        wait("ready")
    _write(cluster, plan, force)
    told = wait("ready")
    _resume(cluster, plan.objects)
    return told


def _with_fewer(cluster: Cluster, plan: Plan, force: bool) -> Plan:
    """A plan with as many instances as are replaced one after the other."""
    service = service_of(plan.objects)
    fewer = {**service, "spec": {**service["spec"], "replicas": plan.rolling}}
    found = look(cluster, owned(fewer, service), force=force)
    planned = [change for change in plan.changes if change.object == label(service)]
    if _but_instances(found.changes) != _but_instances(planned):
        raise _changed(service)
    return replace(
        plan,
        writes=[fewer if item is service else item for item in plan.writes],
        changes=[change for change in plan.changes if change not in planned] + found.changes,
        seen={**plan.seen, label(service): found.live},
    )


def _but_instances(found: list[Change]) -> list[Change]:
    return [each for each in found if each.path != "spec.replicas"]


def _with_all(cluster: Cluster, service: Mapping[str, Any], force: bool, wait: Wait) -> str:
    """Brings a service whose instances have been replaced to all of them."""
    applied = owned(dict(service), service)
    found = look(cluster, applied, force=force)
    if _but_instances(found.changes):
        raise _changed(service)
    if not found.differs:
        return "ready"
    _write_one(cluster, applied, found, force)
    return wait("ready")


# Reasons of errors after which nothing is put back: the run may write nothing more, or goes on
# with a plan that is made anew.
_LEFT = (*SILENT, "Unauthorized", "Lost", "Stale")


def _gone_back(
    cluster: Cluster, known: list[Revision], error: ClusterError, wait: Wait
) -> ClusterError:
    """The error of a failed upgrade, after what ran before was restored if possible."""
    *others, revision = known
    before = last_that_ran(others)
    if error.reason in _LEFT or before is None:
        return error
    try:
        mark(cluster, revision, "failed")
        back = prepare(cluster, before.objects, force=True)
        _replace(cluster, back, True, wait, back=True)
    except ClusterError as second:
        message = f"{error}\nthe rollback to revision {before.number} failed: {second}"
        return ClusterError(message, "Lost" if second.reason == "Lost" else error.reason)
    return ClusterError(f"{error}\nrevision {before.number} is running again", error.reason)


def _mark(cluster: Cluster, item: Mapping[str, Any], annotations: Object) -> None:
    """Applies annotations to an object as it is now, and to no other state of it.

    They have a manager of their own, so that applying the object does not remove them.
    """
    meta = {key: item["metadata"][key] for key in ("name", "namespace")}
    marked = {"apiVersion": item["apiVersion"], "kind": item["kind"]}
    marked |= {"metadata": {**meta, **({"annotations": annotations} if annotations else {})}}
    for tried in range(1, _TRIES + 1):
        live = cluster.live(item)
        if live is None:
            return
        try:
            cluster.apply(marked, live=live, force=True, manager=STOPPER)
        except ClusterError as error:
            if error.reason != "Stale" or tried == _TRIES:
                raise
        else:
            return


def _start(cluster: Cluster, service: Mapping[str, Any]) -> None:
    live = cluster.live(service)
    if live and STOP in (live["metadata"].get("annotations") or {}):
        _mark(cluster, service, {STOP: "false"})
        _mark(cluster, service, {})


def _resume(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Ends the pause of a ScaledObject, unless somebody else has paused it."""
    scaler = scaler_of(objects)
    if scaler and paused_at(cluster.live(scaler)):
        _mark(cluster, scaler, {})


# --- delete ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Removal:
    """What deleting a service would do. Two are equal where they would do the same.

    Attributes:
        going: the labels of the objects that go, in the order in which they were applied.
        staying: the labels of those that stay since somebody else has made them.
        known: the history.
        seen: the objects that go, as they were read.
        stopped: the service, where it stays and this tool has stopped it; else None.
    """

    going: list[str]
    staying: list[str]
    known: list[Revision]
    seen: list[Object] = field(compare=False, repr=False)
    stopped: Object | None = field(default=None, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.going or self.known)


def removal(cluster: Cluster, place: ServiceRef) -> Removal:
    """What deleting a service would do."""
    known = history(cluster, place.service, place.namespace)
    readable = [revision for revision in known if revision.status != UNREADABLE]
    seen = no_longer(cluster, place.service, place.namespace, [], readable)
    going = list(map(label, seen))
    items = {label(item): item for revision in readable for item in revision.objects}
    staying = [each for each, item in items.items() if each not in going and cluster.live(item)]
    live = cluster.get(API, KIND, place.service, place.namespace)
    halted = live if live and managed(live, STOPPER) and label(live) not in going else None
    return Removal(going, staying, readable, seen, halted)


def delete(cluster: Cluster, planned: Removal) -> None:
    """Deletes what this tool has made for a service, its history last.

    A service that stays, since somebody else has made it, is not left stopped.
    """
    for item in reversed(planned.seen):
        _delete_one(cluster, item)
    if planned.stopped:
        _start(cluster, planned.stopped)
    for revision in planned.known:
        cluster.delete(manifest(revision), live=revision.secret)
