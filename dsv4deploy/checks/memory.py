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
    fix="{what gives room}, or use more or larger cards; `dsv4deploy plan` shows the calculation",
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
    message="{card} at {utilization}: tight: it fits with the likely figures; in the worst case, "
    "{reason}",
    fix="{what gives room}; `dsv4deploy plan` shows the calculation, and --calibrate replaces the "
    "plan's assumptions with figures from an engine's startup log",
    source=f"{_SOURCE}, at its worst",
).finder(RULES)
def _tight(values: Values) -> Places:
    made = plan(values)
    if made.verdict == Verdict.TIGHT:
        yield "", _facts(made, made.worst)


def _facts(made: MemoryPlan, case: Case) -> dict[str, str]:
    reason, remedy = _reason(made, case)
    return {
        "card": made.card,
        "utilization": f"{made.utilization:g}",
        "reason": reason,
        "what gives room": remedy,
    }


def _reason(made: MemoryPlan, case: Case) -> tuple[str, str]:
    """What a card lacks, and what gives it."""
    size = made.cache_set_by
    if case.margin < 0:
        left = (
            f"{size} leaves {case.available:.1f} GiB"
            if size
            else f"{case.available:.1f} GiB are left"
        )
        return (
            f"{left} for the KV cache, but the longest request needs "
            f"{made.cache.admission_gib:.1f} (most of it by {made.bound_by})",
            f"lower {made.bound_by}, or raise {size or 'gpu-memory-utilization'}",
        )
    return (
        f"graphs and buffers that are allocated after the profile run need {-case.slack:.1f} GiB "
        f"more than {size or f'a utilization of {made.utilization:g}'} leaves",
        f"lower {size or 'gpu-memory-utilization'} or max-num-batched-tokens",
    )
