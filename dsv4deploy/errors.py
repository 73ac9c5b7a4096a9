"""Everything this package raises on purpose.

::

    DeployError
    ├── ValuesError    the values can't be read, merged or accepted
    ├── RenderError    a template or its input is wrong: a fault of this package
    └── ClusterError   the cluster refused something, or can't be reached

Each says where, what is wrong, and what to do about it. The command line prints
``str(error)`` and nothing else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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


class ClusterError(DeployError):
    """The cluster refused something, can't be reached, or is not in the state that it should be.

    Attributes:
        reason: Kubernetes' word for it, such as Forbidden, Conflict or NotFound; Unreachable where
            no answer came.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)


def nearest(word: str, words: Iterable[str]) -> str:
    """``: did you mean x?``, or all there are."""
    known = sorted(words)
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f": did you mean {lowered[close[0]]}?"
    return f": there are {', '.join(known)}" if known else ""
