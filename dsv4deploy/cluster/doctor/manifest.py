"""Whether the rules and the API server accept the manifest."""

from __future__ import annotations

from ...checks.kept import origins
from ...checks.rules import check
from ...errors import ClusterError
from ...findings import Severity, errors
from .facts import Facts
from .registry import Answers, Checks

CHECKS = Checks()


@CHECKS.add("values", "no rule rejects the values")
def _values(facts: Facts) -> Answers:
    found = check(facts.values, facts.release)
    for finding in errors(found):
        yield Severity.ERROR, f"{finding.path}: {finding.message}", finding.fix
    warnings = [finding for finding in found if finding.severity == Severity.WARNING]
    told = origins(warnings, facts.values, facts.release, facts.profile)
    if told.own:
        yield Severity.WARNING, f"the rules report {told}", "run `dsv4deploy check`"


@CHECKS.add("dry-run", "the API server and its webhooks accept the manifest")
def _dry_run(facts: Facts) -> Answers:
    for item in facts.objects:
        try:
            facts.cluster.apply(item, dry_run=True, force=True)
        except ClusterError as error:
            yield Severity.ERROR, str(error), "fix the failed checks above"
