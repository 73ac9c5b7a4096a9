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
    """The deployment goes on, and may fail."""
    UNKNOWN = "unknown"
    """The check could not get an answer, such as for lack of a right."""
    SKIPPED = "skipped"
    """The check was not asked: the deployment does not need it, or an earlier check failed."""
    OK = "ok"
    """The check was asked and answered, and found nothing wrong."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, may be wrong, or was examined.

    Attributes:
        code: the name of the rule or check; ``""`` for the shape of the values.
        severity: what it means.
        path: the dotted path of the value, or of the object's field; ``""`` for the whole.
        message: what was found.
        fix: what to do about it; ``""`` where the message says it, or nothing is wrong.
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
    """Those findings that stop a deployment."""
    return [finding for finding in findings if finding.severity == Severity.ERROR]


def count(findings: Iterable[Finding]) -> str:
    """How many findings of each severity there are, such as ``1 error, 2 warnings``."""
    numbers = Counter(finding.severity for finding in findings)
    return ", ".join(
        f"{numbers[severity]} {severity}{'s' * (numbers[severity] > 1 and severity in _COUNTABLE)}"
        for severity in Severity
        if numbers[severity]
    )


_COUNTABLE = (Severity.ERROR, Severity.WARNING)
