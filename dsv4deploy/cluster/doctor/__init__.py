"""Whether a cluster can run a deployment: read-only questions to its API, no node is entered.

Each check returns what it found and, if that is wrong, the fix. It is ``ok`` only if the cluster
answered, ``skipped`` if the deployment does not need it, and ``unknown`` if there was no answer,
for example because a permission is missing; neither is a failure.
"""

from __future__ import annotations

from ...errors import ClusterError
from ...findings import Finding, Severity
from ...manifest.render import Release
from ...values.tree import Values
from ..client import Cluster
from . import gateway, manifest, namespace, nodes, platform
from .facts import Facts

CHECKS = platform.CHECKS | nodes.CHECKS | namespace.CHECKS | gateway.CHECKS | manifest.CHECKS
"""Every check by its code, in the order in which they are best read."""

MEANINGS = {code: check.meaning for code, check in CHECKS.items()}
"""What each check verifies, by its code."""


def examine(
    cluster: Cluster, values: Values, release: Release | None = None, profile: str = ""
) -> list[Finding]:
    """Every check's answers, in the order in which they are best read.

    Args:
        cluster: the cluster.
        values: the deployment.
        release: its namespace.
        profile: the profile below the values, whose own warnings are omitted.

    Raises:
        ClusterError: the cluster can't be reached, or does not know this user.
    """
    facts = Facts(cluster, values, release or Release(), profile)
    found: list[Finding] = []
    for code, check in CHECKS.items():
        try:
            answers = check.answers(facts)
        except ClusterError as error:
            if error.reason in ("Unreachable", "Unauthorized"):
                raise
            answers = [(Severity.UNKNOWN, str(error).splitlines()[0], "")]
        found += [Finding(code, severity, "", message, fix) for severity, message, fix in answers]
    return found
