"""Rules of scaling by schedule."""

from __future__ import annotations

from ..findings import Severity
from ..values.tree import Values
from .rule import Places, Rule


def _scaled(condition: str) -> str:
    """A condition that must hold where KEDA sets the number of instances."""
    return f"not Values.scaling.enabled or {condition}"


RULES: list[Rule] = [
    Rule(
        code="scaling-no-schedule",
        severity=Severity.ERROR,
        path="scaling.schedules",
        condition=_scaled("Values.scaling.schedules"),
        message="a ScaledObject requires a trigger, but no schedule is set",
        fix="add a schedule, or set scaling.enabled to false",
        source="KEDA v2.21.0, apis/keda/v1alpha1/scaledobject_types.go, line 126: triggers are "
        "required",
    ),
    Rule(
        code="scaling-below-replicas",
        severity=Severity.ERROR,
        path="scaling.maxReplicas",
        condition=_scaled("Values.scaling.maxReplicas >= Values.replicas"),
        message="this maximum is less than replicas, the minimum number of instances",
        fix="set it to the number of instances that the nodes can hold",
        source="KEDA v2.21.0, apis/keda/v1alpha1/scaledobject_types.go, line 389: the least may "
        "not be more than the most",
    ),
    Rule(
        code="scaling-cuts-answers",
        severity=Severity.ERROR,
        path="engine.termination",
        condition=_scaled(
            "(Values.engine.termination.preStopSeconds and "
            "Values.engine.termination.shutdownTimeoutSeconds)"
        ),
        message="an instance that terminates at the end of a schedule aborts its responses",
        fix="set preStopSeconds, shutdownTimeoutSeconds, and gracePeriodSeconds, as in "
        "examples/production",
        source="docs/production.md: on a real node the published engine cuts a stream under way",
    ),
    Rule(
        code="scaling-slow-end",
        severity=Severity.ERROR,
        path="engine.termination.gracePeriodSeconds",
        condition=_scaled("Values.engine.termination.gracePeriodSeconds <= 1800"),
        message="instances are removed one at a time, one per grace period, but Kubernetes allows "
        "at most 1800 seconds per period",
        fix="set it to 1800 or less",
        source="Kubernetes' k8s.io/api v0.36.1, autoscaling/v2/types.go, line 253: periodSeconds "
        "is 1800 at most",
    ),
]


@Rule(
    code="scaling-schedule",
    severity=Severity.ERROR,
    path="scaling.schedules",
    message="this schedule does not work: {reason}",
    fix="change the schedule's times or its replicas, or raise scaling.maxReplicas to the number "
    "of instances that the nodes can hold",
    source="KEDA v2.21.0, pkg/scalers/cron_scaler.go, line 48: start and end must differ; "
    "maxReplicaCount bounds the HorizontalPodAutoscaler",
).finder(RULES)
def _schedules(values: Values) -> Places:
    scaling = values.scaling
    for name, schedule in sorted(scaling.schedules.items() if scaling.enabled else ()):
        path = f"scaling.schedules.{name}"
        if schedule.start == schedule.end:
            yield f"{path}.end", {"reason": "it starts and ends at the same time"}
        if schedule.replicas > scaling.max_replicas:
            reason = f"it requests more instances than scaling.maxReplicas, {scaling.max_replicas}"
            yield f"{path}.replicas", {"reason": reason}
        if schedule.replicas <= values.replicas:
            reason = f"it does not add instances to replicas, {values.replicas}"
            yield f"{path}.replicas", {"reason": reason}
