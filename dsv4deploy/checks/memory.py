"""Whether the card holds the deployment, by the memory plan and in its words."""

from __future__ import annotations

from ..findings import Severity
from ..sizing.plan import Case, MemoryPlan, Verdict, plan
from ..values.tree import Values
from .rule import Places, Rule

RULES: list[Rule] = []
_SOURCE = (
    "docs/memory.md: config.json, the cache layout of the engine's build, and the range of each "
    "figure that is not known"
)


@Rule(
    code="memory-does-not-fit",
    severity=Severity.ERROR,
    path="npu.card",
    message="{card} at {utilization}: does not fit: {reason}",
    fix="lower max-num-batched-tokens or gpu-memory-utilization, or take more or larger cards; "
    "`dsv4deploy plan` shows the sum",
    source=f"{_SOURCE}, as it is likely",
).finder(RULES)
def _does_not_fit(values: Values) -> Places:
    made = plan(values)
    if made.verdict == Verdict.DOES_NOT_FIT:
        yield "", _facts(made, made.likely)


@Rule(
    code="memory-tight",
    severity=Severity.WARNING,
    path="npu.card",
    message="{card} at {utilization}: tight: it fits with the likely figures, and with the worst "
    "{reason}",
    fix="lower max-num-batched-tokens or gpu-memory-utilization; `dsv4deploy plan` shows the sum, "
    "and --calibrate takes the log of a start in the place of its assumptions",
    source=f"{_SOURCE}, at its worst",
).finder(RULES)
def _tight(values: Values) -> Places:
    made = plan(values)
    if made.verdict == Verdict.TIGHT:
        yield "", _facts(made, made.worst)


def _facts(made: MemoryPlan, case: Case) -> dict[str, str]:
    return {
        "card": made.card,
        "utilization": f"{made.utilization:g}",
        "reason": _reason(made, case),
    }


def _reason(made: MemoryPlan, case: Case) -> str:
    if case.margin < 0:
        return (
            f"{case.available:.1f} GiB are left for the KV cache, and the longest request "
            f"takes {made.cache.admission_gib:.1f} (most of it by {made.bound_by})"
        )
    return (
        f"graphs and buffers that come after the profile run take {-case.slack:.1f} GiB more "
        f"than a utilization of {made.utilization:g} leaves"
    )
