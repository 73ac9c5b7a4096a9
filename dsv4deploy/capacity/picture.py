"""A traffic plan as data, as values and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from markupsafe import Markup

from ..sizing.svg import Canvas, ticks
from ..values.commented import commented
from .plan import Goal, Outcome, TrafficPlan, at_loads, instances_at_loads

_SHARES = (0.2, 0.5, 0.7, 0.8, 0.9)
_LOADS = (0.5, 1.5, 2.0)
_BUDGET = 2**32 - 1  # what a rate limit counts to


def as_data(made: TrafficPlan) -> dict[str, Any]:
    """The plan as plain data; times in seconds, rates a second."""
    return {
        "profile": made.deployment.name,
        "instances": made.instances,
        "nodes": made.nodes,
        "npus": made.npus,
        "bound_by": made.bound_by,
        "rate": made.traffic.rate,
        "capacity": made.capacity,
        "slots": made.slots,
        "goals": [str(goal) for goal in made.goals],
        "goals_met": not made.outcome.missed(made.goals),
        "outcome": asdict(made.outcome),
        "one_instance_less": asdict(made.fewer) if made.fewer else None,
        "erlang_c_mean_wait": made.erlang_wait,
        "tokens_per_hour": made.tokens_per_hour,
        "quota_tokens_per_hour": made.quota,
        "gateway": asdict(made.gateway) if made.gateway else None,
        "points": [
            {key: value for key, value in asdict(point).items() if key != "spread"}
            for point in made.points
        ],
        "notes": list(made.notes),
    }


def values_file(made: TrafficPlan, ingress: str, render: str) -> str:
    """The plan as a values file, to merge over its deployment.

    Args:
        made: the plan.
        ingress: ``maas`` writes the gateway's size and its quotas as well.
        render: the command that renders the plan.
    """
    tree: dict[str, Any] = {"replicas": made.instances}
    if ingress == "maas":
        tree["maas"] = {"enabled": True}
        if made.gateway:
            size = made.gateway.gateway
            requests = {"cpu": f"{size.cpu:g}", "memory": size.memory}
            tree["maas"]["gateway"] = {
                "replicas": size.replicas,
                "resources": {"requests": requests},
            }
        if made.quota:
            budget = {"tokens": min(made.quota, _BUDGET), "unit": "Hour", "count": "total"}
            tree["maas"]["quotas"] = {"hour": budget}
    head = [
        f"# {made.traffic.rate * 60:.4g} requests per minute, "
        f"{' and '.join(map(str, made.goals))}:",
        f"# {made.instances} instances of {made.deployment.name} on {made.nodes} nodes.",
        f"# Render it with the files of the plan: {render}",
        "",
    ]
    return "\n".join([*head, *commented(tree)]).rstrip() + "\n"


_COLOURS = ("#3b5b92", "#d9822b", "#7a5195", "#2f8f5b")
_STYLE = """
text { font: 12px sans-serif; fill: #111827 }
.title { font-size: 14px; font-weight: bold }
.axis { stroke: #111827 }
.grid { stroke: #e5e7eb }
.goal { stroke: #b91c1c; stroke-dasharray: 5 3 }
polyline { fill: none; stroke-width: 2 }
""" + "".join(
    f".series-{index} {{ stroke: {colour} }} .dot-{index} {{ fill: {colour} }}\n"
    for index, colour in enumerate(_COLOURS)
)
_WIDTH, _HEIGHT = 760, 300


def svg(plans: Sequence[TrafficPlan]) -> str:
    """Load against the first goal's figure, and instances against load: a standalone SVG picture.

    Args:
        plans: of the same traffic and goals, four at most.
    """
    goal = plans[0].goals[0]
    loads = [at_loads(made, _SHARES) for made in plans]
    needs = [instances_at_loads(made, _LOADS) for made in plans]
    upper = _latency(goal, loads)
    names = [f"{made.deployment.name}, {made.instances} instances" for made in plans]
    figures = [
        [(rate * 60, found.figures[goal.name].likely) for rate, found in series] for series in loads
    ]
    _series(upper, figures, names, goal.unit)
    at = upper.y(goal.bound)
    upper.line(float(upper.left), at, float(_WIDTH - upper.right), at, "goal")
    upper.text(_WIDTH - upper.right - 4.0, at - 6, str(goal), "end")
    most = max(number for series in needs for _, number in series)
    lower = _panel(
        "fewest instances that meet all goals",
        max(rate for series in needs for rate, _ in series) * 60,
        most * 1.15,
    )
    counts = [[(rate * 60, float(number)) for rate, number in series] for series in needs]
    _series(lower, counts, [made.deployment.name for made in plans], "instances")
    whole = Canvas((_WIDTH, 2 * _HEIGHT), (0, 0, 0, 0), (0, 1), (0, 1))
    for index, panel in enumerate((upper, lower)):
        drawn = Markup("\n").join(panel.parts)
        whole.add('<g transform="translate(0 {})">{}</g>', index * _HEIGHT, drawn)
    return whole.document(
        f"{goal.metric.upper()} p{goal.percentile} by load, and instances by load: "
        + "; ".join(names),
        _STYLE,
    )


def _latency(goal: Goal, loads: Sequence[Sequence[tuple[float, Outcome]]]) -> Canvas:
    drawn = [found.figures[goal.name].likely for series in loads for _, found in series]
    most = min(max(drawn), 4 * goal.bound)
    return _panel(
        f"{goal.metric.upper()} p{goal.percentile}, {goal.unit}",
        max(rate for series in loads for rate, _ in series) * 60,
        max(most, goal.bound) * 1.15,
    )


def _panel(title: str, x: float, y: float) -> Canvas:
    canvas = Canvas((_WIDTH, _HEIGHT), (44, 24, 44, 64), (0, x), (0, y))
    canvas.text(24.0, 24.0, title, "start", "title")
    canvas.y_axis(ticks(0, y), lambda value: f"{value:g}")
    canvas.x_axis(ticks(0, x, 8), lambda value: f"{value:g}")
    canvas.text(float(_WIDTH - canvas.right), _HEIGHT - 6.0, "requests per minute", "end")
    return canvas


def _series(
    canvas: Canvas, series: Sequence[Sequence[tuple[float, float]]], names: Sequence[str], unit: str
) -> None:
    for index, (points, name) in enumerate(zip(series, names, strict=True)):
        # What is above the plot is left out: the queue there grows without end.
        within = [(x, y) for x, y in points if y <= canvas.y1]
        path = " ".join(f"{canvas.x(x):.1f},{canvas.y(y):.1f}" for x, y in within)
        canvas.add('<polyline points="{}" class="series-{}"/>', path, index)
        for x, y in within:
            canvas.add(
                '<circle cx="{}" cy="{}" r="4" class="dot-{}"><title>{}</title></circle>',
                canvas.x(x),
                canvas.y(y),
                index,
                f"{name}: {x:.4g} requests per minute, {y:.3g} {unit}",
            )
        left = float(canvas.left + 12)
        top = canvas.top + 4.0 + 16 * index
        canvas.add('<rect x="{}" y="{}" width="10" height="10" class="dot-{}"/>', left, top, index)
        canvas.text(left + 16, top + 9, name, "start")
