"""Separates the findings of a user's own values from those that the profile keeps on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..findings import Finding, Severity, count
from ..manifest.render import Release
from ..values.loading import load
from ..values.merge import found_at
from ..values.profiles import DEFAULT
from ..values.tree import Values
from .rules import check


class Origins(NamedTuple):
    """Findings by where they come from.

    Attributes:
        own: those of the user's values, and of values that the user has to set.
        kept: those that the profile has as well, with the same value, and on purpose.
        profile: the profile's name.
    """

    own: list[Finding]
    kept: list[Finding]
    profile: str

    def __str__(self) -> str:
        own = f"{count(self.own) or 'no findings'} from your values"
        return f"{own}; {len(self.kept)} known from {self.profile}" if self.kept else own


def origins(
    findings: Sequence[Finding], values: Values, release: Release, profile: str = ""
) -> Origins:
    """Separates the findings of a deployment by where they come from. An error is always own.

    Args:
        findings: what :func:`~.rules.check` returns.
        values: the deployment.
        release: its namespace.
        profile: the profile below the values; ``""`` is the default one.
    """
    base = load(profile=profile) if profile else Values()
    expected = findings if values == base else check(base, release)
    before, now = base.model_dump(by_alias=True), values.model_dump(by_alias=True)
    own: list[Finding] = []
    kept: list[Finding] = []
    for finding in findings:
        path = finding.path.split(".")
        same = finding in expected and found_at(before, path) == found_at(now, path)
        same = same and finding.code not in _TO_FILL_IN
        (kept if same and finding.severity == Severity.WARNING else own).append(finding)
    return Origins(own, kept, profile or DEFAULT)


_TO_FILL_IN = ("placeholder",)
"""What no profile can set, so that every user has to."""
