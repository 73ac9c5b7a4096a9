"""What every check returns: the shape of the values, the rules, CRD validation and ``doctor``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for a deployment."""

    ERROR = "error"
    """It stops ``render``, ``apply`` and ``helm install``."""
    WARNING = "warning"
    """The deployment continues, and can fail."""
    UNKNOWN = "unknown"
    """The check got no answer, for example because a permission is missing."""
    SKIPPED = "skipped"
    """The check did not run: the deployment does not need it, or an earlier check failed."""
    OK = "ok"
    """The check ran and found nothing wrong."""


@dataclass(frozen=True)
class Finding:
    """A result of a check: an error, a possible error, or that all is well.

    Attributes:
        code: the name of the rule or check; ``""`` for the shape of the values.
        severity: what it means.
        path: the dotted path of the value, or of the object's field; ``""`` for the whole.
        message: what was found.
        fix: how to fix it; ``""`` if the message states it or nothing is wrong.
        source: the file, option or object that has it, as the user named it.
    """

    code: str
    severity: Severity
    path: str
    message: str
    fix: str = ""
    source: str = ""

    def __str__(self) -> str:
        code = f"[{self.code}] " if self.code else ""
        parts = (self.source, self.path, self.message, self.fix)
        return code + ": ".join(filter(None, parts))


def errors(findings: list[Finding]) -> list[Finding]:
    """The findings that stop a deployment."""
    return [finding for finding in findings if finding.severity == Severity.ERROR]


def count(findings: Iterable[Finding]) -> str:
    """The number of findings of each severity, such as ``1 error, 2 warnings``."""
    numbers = Counter(finding.severity for finding in findings)
    return ", ".join(
        f"{numbers[severity]} {severity}{'s' * (numbers[severity] > 1 and severity in _COUNTABLE)}"
        for severity in Severity
        if numbers[severity]
    )


_COUNTABLE = (Severity.ERROR, Severity.WARNING)
