"""Quantities of Kubernetes and durations of Go, as numbers."""

from __future__ import annotations

import pytest

from dsv4deploy.values.quantities import quantity, seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8.0),
        ("500m", 0.5),
        ("5n", 5e-9),
        ("1k", 1000.0),
        ("64Gi", 64 * 2.0**30),
        ("1.5Ti", 1.5 * 2.0**40),
        (".5", 0.5),
        ("-1Mi", -(2.0**20)),
        ("1e3", 1000.0),
        ("1E", 1e18),
        ("1Ei", 2.0**60),
    ],
)
def test_a_quantity_is_a_number(text: str, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "1K", "Gi", "1 Gi", "1gi", "1mi", "1e", "x"])
def test_what_kubernetes_does_not_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        quantity(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("90s", 90.0), ("1m30s", 90.0), ("1h", 3600.0), ("0.5s", 0.5), ("250ms", 0.25), ("5µs", 5e-6)],
)
def test_a_duration_is_seconds(text: str, number: float) -> None:
    assert seconds(text) == pytest.approx(number)
