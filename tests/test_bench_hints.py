"""What is said of a benchmark before it takes its hours."""

from __future__ import annotations

from typing import Any

import pytest

from dsv4deploy import Values, load
from dsv4deploy.bench.hints import hints
from dsv4deploy.capacity.points import published_profile
from dsv4deploy.values.profiles import profile_names

W4A8, W8A8 = "ascend-910b4-8-w4a8", "ascend-910b3-16-w8a8"
SIZE = {"requests": 240, "runs": 3}
UNLIMITED = {"maas": {"quotas": {"hour": None}}}


def test_figures_are_those_of_the_same_cards_quantization_and_parallelism() -> None:
    assert {name: published_profile(load(profile=name)) for name in (W4A8, W8A8)} == {
        W4A8: W4A8,
        W8A8: W8A8,
    }
    assert (
        published_profile(load({"name": "mine", "engine": {"args": {"max-num-seqs": 8}}})) == W4A8
    )
    assert published_profile(load({"npu": {"card": "910B4-1"}})) == ""
    others = [name for name in profile_names() if name.startswith("ascend-a3")]
    assert others
    assert {published_profile(load(profile=name)) for name in others} == {""}


def test_what_was_published_needs_no_hint() -> None:
    assert hints(Values(), W4A8, ["kserve"], [1, 2], [4], **SIZE) == []
    large = load(UNLIMITED, profile=W8A8)
    assert hints(large, W8A8, ["maas"], [1, 2], [8, 16, 32], **SIZE) == []


def test_a_concurrency_that_the_engines_queue_is_told() -> None:
    told = hints(Values(), W4A8, ["kserve"], [1], [4, 8], **SIZE)
    assert "concurrency 8 is more than the 4 requests that run at once" in told[0]
    assert "in scenario 1 through kserve at concurrency 8, only through kserve at 4 and" in told[1]


def test_a_run_that_nothing_was_published_for_is_told() -> None:
    (told,) = hints(load(profile=W8A8), W8A8, ["kserve"], [2], [8, 16], **SIZE)
    assert "through kserve at concurrency 8, 16, only through maas at 8, 16, 32, so the rep" in told
    assert hints(Values(), W4A8, ["direct"], [1], [4], **SIZE) == []
    (told,) = hints(Values(), "", ["kserve"], [1], [4], **SIZE)
    assert told.startswith("no figures were published for these cards")


def test_an_ingress_that_a_network_policy_closes_is_told() -> None:
    closed = load({"networkPolicy": {"enabled": True}})
    (told,) = hints(closed, W4A8, ["kserve"], [1], [4], **SIZE)
    assert "blocks KServe's ingress from the engine" in told
    unlimited = load({"networkPolicy": {"enabled": True}}, UNLIMITED)
    assert hints(unlimited, W4A8, ["maas"], [1], [4], **SIZE) == []


@pytest.mark.parametrize(
    ("quota", "scenarios", "runs", "spent"),
    [
        # 240 requests of 8,128 tokens, in about a quarter of an hour.
        ({"tokens": 1_800_000, "unit": "Hour", "count": "total"}, [1], 1, "1,950,720"),
        ({"tokens": 1_960_000, "unit": "Hour", "count": "total"}, [1], 1, ""),
        # Three runs take longer than an hour lets them: 2,099 tokens per second, and a fifth more.
        ({"tokens": 1_960_000, "unit": "Minute", "count": "total"}, [1], 3, ""),
        ({"tokens": 150_000, "unit": "Minute", "count": "total"}, [1], 3, "151,128"),
        # 240 requests of each scenario.
        ({"tokens": 6_000_000, "unit": "Day", "count": "input"}, [1, 2], 1, "6,220,800"),
        ({"tokens": 61_440, "unit": "Day", "count": "output"}, [1, 2], 1, ""),
        ({"tokens": 61_439, "unit": "Day", "count": "output"}, [1, 2], 1, "61,440"),
        ({"tokens": 100_000, "unit": "Day", "count": "weighted"}, [1], 1, "2,073,600"),
    ],
)
def test_a_quota_that_the_benchmark_spends_is_told(
    quota: dict[str, Any], scenarios: list[int], runs: int, spent: str
) -> None:
    values = load({"maas": {"quotas": {"hour": None, "mine": quota}, "weights": {"output": 5}}})
    told = hints(values, W4A8, ["maas"], scenarios, [4], requests=240, runs=runs)
    assert [f"needs up to {spent}, " in each for each in told] == ([True] if spent else [])
    assert hints(values, W4A8, ["kserve"], scenarios, [4], requests=240, runs=runs) == []
