"""Whether a cluster can run a deployment: read-only questions to its API, no node is entered.

Each check answers with what it found and, where that is wrong, what to do. It is ``ok`` only where
the cluster gave an answer, ``skipped`` where the deployment needs none, and ``unknown`` where there
was none, such as for lack of a right; neither is a failure.
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


def examine(cluster: Cluster, values: Values, release: Release | None = None) -> list[Finding]:
    """Every check's answers, in the order in which they are best read.

    Raises:
        ClusterError: the cluster can't be reached, or does not know this user.
    """
    facts = Facts(cluster, values, release or Release())
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
