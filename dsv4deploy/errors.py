"""Everything this package raises on purpose.

::

    DeployError
    ├── ValuesError        the values can't be read, merged or accepted
    ├── RenderError        a template or its input is wrong: a fault of this package
    ├── TranslationError   a template uses what Helm has no counterpart for
    ├── OverlayError       a cluster's values differ from the base in what no patch can change
    ├── ClusterError       the cluster refuses something, or can't be reached
    └── InterruptionError  somebody has interrupted a run that changes a cluster

Each says where, what is wrong, and what to do about it. The command line prints
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
    """A template uses what Helm has no counterpart for; the message says where."""


class OverlayError(DeployError):
    """A cluster's values differ from the base in what no patch can change."""


class Reason(StrEnum):
    """Why a cluster refused something; Kubernetes' own word where it has one."""

    NO_CONTEXT = "NoContext"
    """There is no kubeconfig, or it has no such context."""
    UNREACHABLE = "Unreachable"
    """The API server gave no answer."""
    UNAUTHORIZED = "Unauthorized"
    """The API server does not accept the credentials."""
    FORBIDDEN = "Forbidden"
    """The user lacks a right."""
    DENIED = "Denied"
    """The cluster forbids it to everybody: a webhook, a quota, the namespace's pod security."""
    NOT_FOUND = "NotFound"
    """An object, a namespace or a revision does not exist."""
    UNKNOWN_KIND = "UnknownKind"
    """The cluster has no such kind."""
    BAD_REQUEST = "BadRequest"
    """The API server can't do what the request asks for, such as the log of a pod that waits."""
    INVALID = "Invalid"
    """The API server or a webhook rejects an object."""
    CONFLICT = "Conflict"
    """Somebody else has set a field."""
    STALE = "Stale"
    """Somebody else has changed an object since it was read; nothing was written over it."""
    ALREADY_EXISTS = "AlreadyExists"
    """An object of this name exists."""
    HELD = "Held"
    """Another run holds the service's Lease: it is changing the service."""
    LOST = "Lost"
    """Another run has taken over this run's Lease; this one writes nothing more."""
    MALFORMED = "Malformed"
    """An answer is not one that Kubernetes sends."""
    TOO_MANY_REQUESTS = "TooManyRequests"
    """The API server is overloaded."""
    SERVER_ERROR = "ServerError"
    """The API server failed, with a status of 500 or above."""
    WEBHOOK_DOWN = "WebhookDown"
    """The server of a webhook does not answer."""
    REFUSED = "Refused"
    """Any other refusal."""
    FAILED = "Failed"
    """The service can't become what the run waits for."""
    TIMEOUT = "Timeout"
    """The service has not become it in time."""


class ClusterError(DeployError):
    """The cluster refuses something, can't be reached, or is not in the state that it should be.

    Args:
        message: what happened, and what to do about it.
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
    """Somebody has interrupted a run that changes a cluster; the message says what runs now."""


def suggestion(word: str, words: Iterable[str]) -> str:
    """``: did you mean x?`` with the most similar of the words; ``""`` if none is similar."""
    close = _closest(word, words, 1, 0.6)
    return f": did you mean {close[0]}?" if close else ""


_FEW = 12
"""How many words a message may list."""


def nearest(word: str, words: Iterable[str]) -> str:
    """The :func:`suggestion`, or else all words that there are, or of many the three nearest."""
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
