"""One writer at a time: the Lease that a run holds while it writes.

A run that writes to a service holds the Lease ``dsv4deploy.SERVICE`` in the service's namespace. It
is judged as client-go's leader election judges one: a holder whose record does not change for as
long as the Lease lasts, on the clock of who waits, is gone, and the Lease is taken over. Clocks of
two machines are never compared.

A run proves before each write that the Lease is still its own (:meth:`Lease.check`): it was renewed
within the last 20 seconds, and no other run takes over a Lease of 30 seconds before that. The API
server drops a write after :data:`~dsv4deploy.cluster.client.GUARDED_WRITE` seconds, so none comes
into force later.
"""

from __future__ import annotations

import copy
import getpass
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import ClusterError
from .client import GUARDED_WRITE, Cluster, Object

DURATION = 30
"""Seconds for which a Lease lasts that is not renewed."""

_RENEWAL = 10.0
_DEADLINE = DURATION - GUARDED_WRITE
_LOOK = 2.0
# Seconds for a request about the Lease: a late answer must leave time for the next try.
_TIMEOUT = 5.0

_API = "coordination.k8s.io/v1"
_DOING = "dsv4deploy.io/doing"

Background = Callable[[Callable[[], None], float], AbstractContextManager[None]]


@contextmanager
def _repeated(do: Callable[[], None], interval: float) -> Iterator[None]:
    """Does something again and again in a thread while the block runs."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(interval):
            do()

    threading.Thread(target=work, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _seconds() -> float:
    # Time passes while a laptop sleeps, too, which time.monotonic leaves out on Linux and macOS.
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC_RAW"):
        if hasattr(time, name):
            return time.clock_gettime(getattr(time, name))
    return time.monotonic()


def _identity() -> str:
    """Who holds a Lease: ``user@host/process/random``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Clock:
    """What a Lease needs of time.

    Attributes:
        seconds: the time since some moment, also while the machine sleeps.
        sleep: waits so many seconds.
        repeated: does something every so many seconds while a block runs.
        identity: who holds a Lease.
    """

    seconds: Callable[[], float] = _seconds
    sleep: Callable[[float], None] = time.sleep
    repeated: Background = _repeated
    identity: Callable[[], str] = _identity


CLOCK = Clock()


@contextmanager
def held(
    cluster: Cluster,
    namespace: str,
    name: str,
    doing: str,
    *,
    wait: float = 0.0,
    clock: Clock = CLOCK,
) -> Iterator[None]:
    """Holds a Lease while the block runs, and lets each write of the cluster ask it first.

    Args:
        cluster: where.
        namespace: the Lease's.
        name: the Lease's, ``dsv4deploy.SERVICE``.
        doing: what is done meanwhile, for others to read.
        wait: how many seconds to wait for a holder that is at work.
        clock: the time.

    Raises:
        ClusterError: another run is at work; with reason Held.
    """
    lease = Lease(cluster, namespace, name, doing, clock)
    lease.acquire(wait)
    cluster.guard, cluster.unanswered = lease.check, 0
    try:
        with clock.repeated(lease.renew, _RENEWAL):
            yield
    finally:
        cluster.guard = None
        # A write without an answer may yet come into force: the Lease runs out by itself.
        if not cluster.unanswered:
            lease.release()


class Lease:
    """A Lease that this run holds or waits for; :func:`held` makes one."""

    def __init__(
        self, cluster: Cluster, namespace: str, name: str, doing: str, clock: Clock
    ) -> None:
        self._cluster = copy.copy(cluster)
        self._cluster.timeout = _TIMEOUT
        self._place = (_API, "Lease", name, namespace)
        self._doing = doing
        self._clock = clock
        self._identity = clock.identity()
        self._lock = threading.Lock()
        # The Lease as this run has written it last; when, at the latest; and who has taken it.
        self._item: Object = {}
        self._renewed = 0.0
        self._lost = ""

    def acquire(self, wait: float) -> None:
        """Waits until the Lease is free or its holder is gone, and takes it.

        Args:
            wait: how many seconds to wait for a holder that is at work. Whether it is can take
                one duration of the Lease to find out.

        Raises:
            ClusterError: another run is at work, with reason Held.
        """
        begun = since = self._clock.seconds()
        seen: Mapping[str, Any] | None = None
        works = False
        while True:
            now = self._clock.seconds()
            found = self._cluster.get(*self._place)
            record = _spec(found)
            if record != seen:
                works = seen is not None
                seen, since = record, now
            gone = now - since >= record.get("leaseDurationSeconds", DURATION)
            if gone or not record.get("holderIdentity"):
                if self._take(found):
                    return
                continue
            if works and now - begun >= wait:
                raise ClusterError(self._told(found or {}), "Held")
            self._clock.sleep(_LOOK)

    def _told(self, found: Object) -> str:
        """Who holds the Lease, since when, and what for."""
        doing = (found["metadata"].get("annotations") or {}).get(_DOING, "a change")
        spec, name = _spec(found), self._place[2].removeprefix("dsv4deploy.")
        return (
            f"another run is changing {name}: {doing} by {spec['holderIdentity']} since "
            f"{spec.get('acquireTime', 'an unknown time')}; pass --wait-for SECONDS to wait until "
            "it ends; nothing has been changed"
        )

    def _take(self, found: Object | None) -> bool:
        """Writes this run into the Lease; returns whether no other run was faster."""
        before = self._clock.seconds()
        time = _timestamp()
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": time,
            "renewTime": time,
            "leaseTransitions": _spec(found).get("leaseTransitions", 0) + (found is not None),
        }
        api, kind, name, namespace = self._place
        meta: Object = found["metadata"] if found else {"name": name, "namespace": namespace}
        notes = {**(meta.get("annotations") or {}), _DOING: self._doing}
        item = {"apiVersion": api, "kind": kind, "metadata": {**meta, "annotations": notes}}
        write = self._cluster.replace if found else self._cluster.create
        try:
            self._item = write({**item, "spec": spec})
        except ClusterError as error:
            if error.reason == "NotFound" and not found:
                message = (
                    f"the cluster has no namespace {namespace}; run "
                    f"`kubectl create namespace {namespace}`"
                )
                raise ClusterError(message, "NotFound") from None
            if error.reason not in ("Stale", "NotFound", "AlreadyExists"):
                raise
            return False
        self._renewed = before
        self._cluster.tries = 1
        return True

    def check(self) -> None:
        """Proves that the Lease is this run's own, by a renewal where the last is a while ago.

        Raises:
            ClusterError: another run has taken it over, with reason Lost; or the cluster gives no
                answer.
        """
        with self._lock:
            if self._lost:
                raise ClusterError(self._lost, "Lost")
            before = self._clock.seconds()
            if before - self._renewed < _RENEWAL:
                return
            try:
                self._item = self._written({"renewTime": _timestamp()})
                self._renewed = before
            except ClusterError as error:
                if error.reason == "Lost":
                    self._lost = str(error)
                if self._lost or before - self._renewed >= _DEADLINE:
                    raise

    def renew(self) -> None:
        """As :meth:`check`, for the background: what it finds, the next check raises."""
        with suppress(ClusterError):
            self.check()

    def release(self) -> None:
        """Frees the Lease; where that can't be, it runs out by itself."""
        with self._lock, suppress(ClusterError):
            if not self._lost:
                self._written({"holderIdentity": "", "leaseDurationSeconds": 1})
            self._lost = "this run has already released its Lease"

    def _written(self, change: Object) -> Object:
        """The Lease with a change of its spec, written over this run's own record only."""
        for _ in range(2):
            item = {**self._item, "spec": {**_spec(self._item), **change}}
            try:
                return self._cluster.replace(item)
            except ClusterError as error:
                if error.reason not in ("Stale", "NotFound"):
                    raise
            # The answer to a renewal may have been lost, and then the record is this run's.
            found = self._cluster.get(*self._place)
            holder = _spec(found).get("holderIdentity", "")
            if not found or holder != self._identity:
                break
            self._item = found
        name = self._place[2]
        raise ClusterError(
            f"this run lost the Lease {name} to {holder or 'a run that has already ended'}, and "
            "makes no further changes",
            "Lost",
        )


def _spec(found: Mapping[str, Any] | None) -> Object:
    return (found or {}).get("spec") or {}


def _timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
