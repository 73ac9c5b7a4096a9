"""How figures are written: with three digits or more, a unit, a sign."""

from ..facts.published import Metric


def amount(metric: Metric, value: float) -> str:
    """A value of a metric with its unit."""
    return number(value, metric.unit)


def number(value: float, unit: str = "") -> str:
    """A value with three digits or more, and its unit."""
    told = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}"
    return f"{told} {unit}" if unit else told


def percent(part: float, *, signed: bool = False) -> str:
    """A part of one as a percentage."""
    told = f"{abs(part) * 100:.1f} %"
    if not signed or told == "0.0 %":
        return told
    return f"+{told}" if part > 0 else f"−{told}"
