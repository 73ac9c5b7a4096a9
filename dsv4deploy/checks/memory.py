"""Whether the card holds the deployment, by the memory plan."""

from __future__ import annotations

from ..findings import Severity
from ..sizing.plan import Case, MemoryPlan, plan
from ..values.tree import Values
from .rule import Places, Rule

RULES: list[Rule] = []


@Rule(
    code="memory-cannot-fit",
    severity=Severity.ERROR,
    path="npu.card",
    message="a {card} can't hold this deployment: {reason}",
    fix="lower max-num-batched-tokens or gpu-memory-utilization, or take more or larger cards; "
    "`dsv4deploy plan` shows the sum",
    source="the memory plan: config.json, vllm-ascend v0.22.1rc's cache layout",
).finder(RULES)
def _cannot_fit(values: Values) -> Places:
    made = plan(values)
    if not made.best.holds:
        yield "", {"card": made.card, "reason": _reason(made, made.best)}


@Rule(
    code="memory-unlikely",
    severity=Severity.WARNING,
    path="npu.card",
    message="a {card} is not likely to hold this deployment: {reason}",
    fix="lower max-num-batched-tokens or gpu-memory-utilization; `dsv4deploy plan` shows the "
    "sum, and --calibrate takes a start's log in the place of its assumptions",
    source="the memory plan: config.json, vllm-ascend v0.22.1rc's cache layout",
).finder(RULES)
def _unlikely(values: Values) -> Places:
    made = plan(values)
    if made.best.holds and not made.likely.holds:
        yield "", {"card": made.card, "reason": _reason(made, made.likely)}


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
