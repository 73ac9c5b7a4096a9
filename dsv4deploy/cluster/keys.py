"""API keys of the MaaS ingress: one Secret, each client's id with that client's bare key.

A key is 256 random bits behind a constant prefix, by which scanners of leaked secrets may know it.
It is handed out once, by :func:`create` and :func:`rotate`, before the cluster knows it, so that
every key in effect has an owner. It is nowhere else but in the Secret: in no argument, no message,
no annotation and no :class:`Key`.

The Secret is read, changed and replaced as the version that was read, so that of two administrators
at once none loses what the other has done.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import ClusterError, ValuesError
from ..values.scalars import CLIENT_ID
from .client import MANAGER, Cluster, Object
from .lease import CLOCK, Clock, held
from .readiness import SILENT

PREFIX = "dsv4_"
"""What each key begins with."""

_CREATED = "created.keys.dsv4deploy.io/"
_EXPIRES = "expires.keys.dsv4deploy.io/"
# How often a change is tried again that somebody else's has overtaken.
_TRIES = 8


@dataclass(frozen=True)
class Key:
    """The public facts of a key.

    Attributes:
        client: whose it is.
        fingerprint: the first 12 digits of its SHA-256, to distinguish keys.
        created: when; None where it was made by other means.
        expires: when it should be replaced; None is never. No gateway reads it.
    """

    client: str
    fingerprint: str
    created: datetime | None
    expires: datetime | None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over. It is accepted until it is revoked or rotated."""
        return self.expires is not None and self.expires <= now


@dataclass(frozen=True)
class KeySecret:
    """The Secret that holds the keys: ``maas.namespace`` and ``maas.apiKeys.secretName``."""

    cluster: Cluster
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name}"


def keys(secret: KeySecret) -> list[Key]:
    """All keys, by client; none where there is no Secret."""
    return listed(_read(secret) or {})


def listed(item: Object) -> list[Key]:
    """The keys of a Secret as the API server gives it, by client."""
    notes = item.get("metadata", {}).get("annotations") or {}
    return [
        Key(
            client,
            _fingerprint(text),
            _time(notes, _CREATED, client),
            _time(notes, _EXPIRES, client),
        )
        for client, text in sorted((item.get("data") or {}).items())
    ]


HandOut = Callable[[str], None]
"""Gives a key to whom it is for; what it raises leaves the cluster unchanged."""


def create(
    secret: KeySecret,
    clients: Sequence[str],
    lifetime: timedelta | None,
    now: datetime,
    hand_out: HandOut,
) -> None:
    """Makes a key for each client, for all or for none, and the Secret where there is none.

    Args:
        secret: where.
        clients: new clients' ids.
        lifetime: after which the keys should be replaced; None is never.
        now: the time, with its zone.
        hand_out: gets the key; of several clients, a line with each client's id and key.

    Raises:
        ValuesError: one of them can't be a client's id.
        ClusterError: a client has a key; with reason AlreadyExists.
    """
    for client in clients:
        _check(client)
    new = {client: _new() for client in clients}

    def add(item: Object) -> None:
        for client, key in new.items():
            # Ours, where the answer to the first try was lost.
            if item["data"].get(client) not in (None, _encoded(key)):
                raise ClusterError(
                    f"{client} already has a key; replace it with `dsv4deploy keys rotate`, or "
                    "remove it with `dsv4deploy keys revoke`",
                    "AlreadyExists",
                )
            _put(item, client, key, lifetime, now)

    lines = [f"{client} {key}" for client, key in new.items()]
    text = "\n".join(lines if len(new) > 1 else new.values())
    _change(secret, add, made=True, first=lambda: hand_out(text))


def rotate(
    secret: KeySecret, client: str, lifetime: timedelta | None, now: datetime, hand_out: HandOut
) -> None:
    """Replaces a client's key; the old one is rejected as soon as the gateway has read it.

    Args:
        secret: where.
        client: whose.
        lifetime: after which it should be replaced; None gives it the old one's.
        now: the time, with its zone.
        hand_out: gets the new key.

    Raises:
        ClusterError: there is no such client; with reason NotFound.
    """
    key = _new()

    def exchange(item: Object) -> None:
        old = _of(secret, item, client)
        before = old.expires - old.created if old.expires and old.created else None
        _put(item, client, key, lifetime or before, now)

    _change(secret, exchange, first=lambda: hand_out(key))


def revoke(secret: KeySecret, client: str) -> Key:
    """Takes a client's key away; what it was.

    Raises:
        ClusterError: there is no such client; with reason NotFound.
    """
    gone: list[Key] = []

    def drop(item: Object) -> None:
        # Our own doing, where the answer to a try before was lost.
        if gone and client not in item["data"]:
            return
        gone.append(_of(secret, item, client))
        del item["data"][client]
        for prefix in (_CREATED, _EXPIRES):
            item["metadata"]["annotations"].pop(prefix + client, None)

    _change(secret, drop)
    return gone[-1]


def _new() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _check(client: str) -> None:
    if not re.fullmatch(CLIENT_ID, client) or len(client) > 63:
        message = (
            "must consist of at most 63 letters, digits, '.', '_' or '-', and start and end with "
            "a letter or digit"
        )
        raise ValuesError.of(f"client {client!r}", "", message)


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _fingerprint(text: str) -> str:
    return hashlib.sha256(base64.b64decode(text)).hexdigest()[:12]


def _time(notes: dict[str, str], prefix: str, client: str) -> datetime | None:
    try:
        return datetime.strptime(notes.get(prefix + client, ""), "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=UTC
        )
    except ValueError:
        return None


def _told(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of(secret: KeySecret, item: Object, client: str) -> Key:
    for key in listed(item):
        if key.client == client:
            return key
    known = ", ".join(item["data"]) or "no client"
    raise ClusterError(f"{secret} has no key for {client}; it has keys for {known}", "NotFound")


def _put(item: Object, client: str, key: str, lifetime: timedelta | None, now: datetime) -> None:
    notes = item["metadata"]["annotations"]
    item["data"][client] = _encoded(key)
    notes[_CREATED + client] = _told(now)
    notes.pop(_EXPIRES + client, None)
    if lifetime:
        notes[_EXPIRES + client] = _told(now + lifetime)


def _read(secret: KeySecret) -> Object | None:
    return secret.cluster.get("v1", "Secret", secret.name, secret.namespace)


def _empty(secret: KeySecret) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": secret.name,
            "namespace": secret.namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGER},
        },
    }


def holding(
    secret: KeySecret, doing: str, wait: float = 0.0, clock: Clock = CLOCK
) -> AbstractContextManager[None]:
    """Holds the Secret's Lease while the block runs.

    Args:
        secret: where.
        doing: what is done, for others who wait.
        wait: how many seconds to wait for another run that is at work.
        clock: the Lease's time.
    """
    name = f"dsv4deploy.keys.{secret.name}"
    return held(secret.cluster, secret.namespace, name, doing, wait=wait, clock=clock)


def _change(
    secret: KeySecret,
    change: Callable[[Object], None],
    *,
    made: bool = False,
    first: Callable[[], None] | None = None,
) -> None:
    """Changes the Secret as it is now; begins again where somebody else was faster.

    Args:
        secret: where.
        change: changes the Secret's object.
        made: whether the Secret is made where there is none.
        first: hands a key out, once, when the server has accepted the change as a dry run.
    """
    handed_out = False
    try:
        for tried in range(1, _TRIES + 1):
            item, write = _changed(secret, change, made=made)
            try:
                if first and not handed_out:
                    write(item, dry_run=True)
                    first()
                    handed_out = True
                write(item)
            except ClusterError as error:
                if error.reason not in ("Stale", "AlreadyExists") or tried == _TRIES:
                    raise
            else:
                return
    except ClusterError as error:
        if not handed_out:
            raise
        known = "may be in effect; compare its fingerprint with `dsv4deploy keys list`"
        state = known if error.reason in SILENT else "is not in effect"
        message = f"{error}\nthe key that was already printed {state}"
        raise ClusterError(message, error.reason) from None


def _changed(
    secret: KeySecret, change: Callable[[Object], None], *, made: bool
) -> tuple[Object, Callable[..., Object]]:
    """The Secret with a change, and what writes it."""
    found = _read(secret)
    if found is None and not made:
        message = f"{secret} does not exist; `dsv4deploy keys create` creates it"
        raise ClusterError(message, "NotFound")
    item = copy.deepcopy(found) if found else _empty(secret)
    item["data"] = item.get("data") or {}
    item["metadata"]["annotations"] = item["metadata"].get("annotations") or {}
    change(item)
    return item, secret.cluster.replace if found else secret.cluster.create
