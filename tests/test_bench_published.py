"""The published figures: complete, sourced, and equal to what the documentation's tables print."""

from __future__ import annotations

import pytest

from dsv4deploy.facts.published import OUTPUT_TOKENS, Figure, Metric, row, rows, scenarios
from dsv4deploy.values.profiles import profile_names

# Typed from the published tables: TTFT, ITL, E2E in ms, decode and total in tokens/s.
TABLES = [
    ("ascend-910b4-8-w4a8", 1, "kserve", 4, (3758, 90.9, 15300, 33, 2124)),
    ("ascend-910b4-8-w4a8", 1, "maas", 4, (3872, 91.4, 15481, 33, 2099)),
    ("ascend-910b4-8-w4a8", 2, "kserve", 4, (9789, 182.1, 32918, 16, 2189)),
    ("ascend-910b4-8-w4a8", 2, "maas", 4, (9003, 175.9, 31338, 16, 2306)),
    ("ascend-910b3-16-w8a8", 2, "maas", 8, (1760, 72, 10900, 93.6, 13198)),
    ("ascend-910b3-16-w8a8", 2, "maas", 16, (1360, 90, 12800, 159.3, 22467)),
    ("ascend-910b3-16-w8a8", 2, "maas", 32, (1940, 123, 17600, 230.9, 32559)),
    ("ascend-910b3-16-w8a8", 1, "maas", 8, (3190, 305, 41900, 24.2, 1539)),
    ("ascend-910b3-16-w8a8", 1, "maas", 16, (3420, 350, 47800, 42.3, 2689)),
    ("ascend-910b3-16-w8a8", 1, "maas", 32, (5710, 493, 68300, 59.2, 3759)),
]


@pytest.mark.parametrize(("profile", "scenario", "ingress", "concurrency", "figures"), TABLES)
def test_a_row_holds_what_was_printed(
    profile: str, scenario: int, ingress: str, concurrency: int, figures: tuple[float, ...]
) -> None:
    found = row(profile, scenario, ingress, concurrency)
    assert found
    assert tuple(found.figures[metric].value for metric in Metric) == figures


def test_a_row_of_another_configuration_says_so() -> None:
    for each in rows():
        other = (each.profile, each.scenario) == ("ascend-910b3-16-w8a8", 1)
        assert each.note == ("measured eager, without graphs and without the KV store" * other)


def test_every_row_names_a_profile_and_its_source() -> None:
    assert len(rows()) == len(TABLES)
    for each in rows():
        assert each.profile in profile_names()
        assert each.scenario in scenarios()
        assert "aiperf 0.7.0" in each.source
    assert OUTPUT_TOKENS == 128
    assert all(each.conversations * 4 == 240 for each in scenarios().values())


def test_what_was_not_published_is_not_found() -> None:
    assert row("ascend-910b4-8-w4a8", 1, "direct", 4) is None
    assert row("ascend-910b4-8-w4a8", 1, "maas", 8) is None


@pytest.mark.parametrize(
    ("text", "value", "rounding"),
    [("1.76 s", 1760, 5), ("72 ms", 72, 0.5), ("90.9 ms", 90.9, 0.05), ("33 tokens/s", 33, 0.5)],
)
def test_a_figure_knows_how_far_it_was_rounded(text: str, value: float, rounding: float) -> None:
    figure = Figure.parse(text)
    assert figure.value == pytest.approx(value)
    assert figure.rounding == pytest.approx(rounding)


@pytest.mark.parametrize("text", ["", "12", "12 min", "about 12 ms"])
def test_a_figure_without_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a figure"):
        Figure.parse(text)
