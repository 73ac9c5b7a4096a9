"""The meaning of an API server's error, and its fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import ClusterError, Reason
from . import answers

_ADVICE = {
    401: ("Unauthorized", "log in again: the API server rejects this context's credentials"),
    403: ("Forbidden", "ask an administrator for this permission, or use another context"),
    404: ("NotFound", ""),
    409: ("Conflict", ""),
    422: ("Invalid", ""),
    429: ("TooManyRequests", "the API server is overloaded, so try again later"),
}
"""By HTTP status, the reason of an answer that names none, and the fix."""

_RIGHT = re.compile(r" cannot \S+ (resource|path) ")
"""How RBAC reports a missing right; every other 403 has another cause."""

_DENIALS = (
    (
        "denied the request",
        "change the field that the cluster's webhook names, or ask the owner of the webhook",
    ),
    ("exceeded quota", "free resources in the namespace, or ask for a larger quota"),
    (
        "violates PodSecurity",
        "set the namespace's label pod-security.kubernetes.io/enforce to a level that admits it",
    ),
    ("is being terminated", "wait until the namespace is deleted, and then create it again"),
)
"""Part of the message of a 403 that is not about a permission, and the fix."""


def explained(status: int, phrase: str, body: str, request: str) -> ClusterError:
    """The error for an API server's response, with advice.

    Args:
        status: of HTTP, 400 or above.
        phrase: of HTTP, such as ``Bad Request``.
        body: the answer, a ``Status`` of Kubernetes or any other text.
        request: method and path.
    """
    refusal = answers.refusal(body)
    message = str(refusal.get("message") or phrase or f"HTTP {status}")
    reason = str(refusal.get("reason") or "")
    if status == 409 and reason != "AlreadyExists":
        return _conflict(message, (refusal.get("details") or {}).get("causes") or [])
    if "failed calling webhook" in message:
        return ClusterError(
            f"{message}; the webhook's server does not respond, so check its pods",
            "WebhookDown",
        )
    if status == 403 and not _RIGHT.search(message):
        return _denied(message)
    if status >= 500:
        return ClusterError(f"{request}: the API server failed: {message}", "ServerError")
    known, advice = _ADVICE.get(status, ("Refused", ""))
    reason = reason if reason in tuple(Reason) else known
    return ClusterError(f"{message}; {advice}" if advice else message, reason)


def _conflict(message: str, causes: list[Mapping[str, Any]]) -> ClusterError:
    fields = [
        f"{cause.get('field', '')} ({cause.get('message', '')})"
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    ]
    if fields:
        message = (
            f"another field manager has set {', '.join(fields)}; remove these fields from the "
            "values, or take them over with --force-conflicts"
        )
        return ClusterError(message, "Conflict")
    return ClusterError(f"{message}; another client changed the object, so try again", "Stale")


def _denied(message: str) -> ClusterError:
    for part, advice in _DENIALS:
        if part in message:
            return ClusterError(f"{message}; {advice}", "Denied")
    return ClusterError(message, "Forbidden")
