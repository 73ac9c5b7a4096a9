"""All exceptions that this package raises on purpose.

::

    DeployError
    ├── ValuesError        the values can't be read, merged or accepted
    ├── RenderError        a template or its input is wrong: a fault of this package
    ├── TranslationError   a template uses something that has no counterpart in Helm
    ├── OverlayError       a cluster's values differ from the base in what no patch can change
    ├── ClusterError       the cluster rejects something, or can't be reached
    └── InterruptionError  a run that changes a cluster was interrupted

Each message states where the problem is, what is wrong, and how to fix it. The command line prints
``str(error)`` and nothing else. One exception is outside this tree: ``Failed`` of the code that
runs in the container of the benchmark's Job without this package.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from .findings import Finding, Severity


class DeployError(Exception):
    """The base of every error this package raises on purpose."""


class ValuesError(DeployError):
    """The values can't be read, merged or accepted.

    Attributes:
        findings: what is wrong, in the order of the document; never empty.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)))

    @classmethod
    def of(cls, source: str, path: str, message: str) -> ValuesError:
        """The error of one value."""
        return cls([Finding("", Severity.ERROR, path, message, source=source)])


class RenderError(DeployError):
    """A template or its input is wrong: a fault of this package, not of the values."""


class TranslationError(DeployError):
    """A template uses something that has no counterpart in Helm; the message shows where."""


class OverlayError(DeployError):
    """A cluster's values differ from the base in something that a patch can't change."""


class Reason(StrEnum):
    """The reason of a cluster's error: Kubernetes' own reason if it has one."""

    NO_CONTEXT = "NoContext"
    """There is no kubeconfig, or it has no such context."""
    UNREACHABLE = "Unreachable"
    """The API server gave no answer."""
    UNAUTHORIZED = "Unauthorized"
    """The API server does not accept the credentials."""
    FORBIDDEN = "Forbidden"
    """The user lacks a right."""
    DENIED = "Denied"
    """The cluster forbids it for all users: a webhook, a quota, the namespace's pod security."""
    NOT_FOUND = "NotFound"
    """An object, a namespace or a revision does not exist."""
    UNKNOWN_KIND = "UnknownKind"
    """The cluster has no such kind."""
    BAD_REQUEST = "BadRequest"
    """The API server can't do what the request asks for, such as the log of a pod that waits."""
    INVALID = "Invalid"
    """The API server or a webhook rejects an object."""
    CONFLICT = "Conflict"
    """Another field manager has set the field."""
    STALE = "Stale"
    """Another client has changed an object since it was read; the object was not overwritten."""
    ALREADY_EXISTS = "AlreadyExists"
    """An object of this name exists."""
    HELD = "Held"
    """Another run holds the service's Lease: it is changing the service."""
    LOST = "Lost"
    """Another run has taken over this run's Lease; this one writes nothing more."""
    MALFORMED = "Malformed"
    """A response is not a Kubernetes response."""
    TOO_MANY_REQUESTS = "TooManyRequests"
    """The API server is overloaded."""
    SERVER_ERROR = "ServerError"
    """The API server failed, with a status of 500 or above."""
    WEBHOOK_DOWN = "WebhookDown"
    """The server of a webhook does not answer."""
    REFUSED = "Refused"
    """Any other rejection."""
    FAILED = "Failed"
    """The service can't reach the state that the run waits for."""
    TIMEOUT = "Timeout"
    """The service did not reach that state in time."""


class ClusterError(DeployError):
    """The cluster rejects something, can't be reached, or is not in the expected state.

    Args:
        message: what happened, and how to fix it.
        reason: one of :class:`Reason`, or its text.

    Attributes:
        reason: why.
    """

    def __init__(self, message: str, reason: str) -> None:
        self.reason = Reason(reason)
        super().__init__(message)


def command(*words: object) -> str:
    """A command for a message, in backquotes, with each word quoted for a POSIX shell."""
    from shlex import join  # only a message needs it

    return f"`{join(map(str, words))}`"


class InterruptionError(DeployError):
    """A run that changes a cluster was interrupted; the message states what runs now."""


def suggestion(word: str, words: Iterable[str]) -> str:
    """``: did you mean x?`` with the most similar of the words; ``""`` if none is similar."""
    close = _closest(word, words, 1, 0.6)
    return f": did you mean {close[0]}?" if close else ""


_FEW = 12
"""The maximum number of words that a message lists."""


def nearest(word: str, words: Iterable[str]) -> str:
    """The :func:`suggestion`; else all words, or the three nearest if there are many."""
    known = sorted(words)
    if told := suggestion(word, known):
        return told
    if len(known) > _FEW:
        return f": the nearest are {', '.join(_closest(word, known, 3, 0.0))}"
    return f": there are {', '.join(known)}" if known else ""


def _closest(word: str, words: Iterable[str], number: int, cutoff: float) -> list[str]:
    from difflib import get_close_matches  # only a mistake needs it

    lowered = {name.lower(): name for name in words}
    return [lowered[name] for name in get_close_matches(word.lower(), lowered, number, cutoff)]
