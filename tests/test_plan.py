"""The verdicts of the memory plan, and its limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsv4deploy import Values, load, plan
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.sizing.plan import Verdict
from dsv4deploy.values.profiles import profile_names

NAMES = profile_names()


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_fits_or_is_tight(name: str) -> None:
    assert plan(load(profile=name)).verdict in (Verdict.FITS, Verdict.TIGHT)


@pytest.mark.parametrize(
    ("sets", "verdict"),
    [
        ((), Verdict.TIGHT),
        (("engine.args.gpu-memory-utilization=0.97",), Verdict.DOES_NOT_FIT),
        (("engine.args.max-num-batched-tokens=4096",), Verdict.TIGHT),
        (("engine.args.max-num-batched-tokens=8192",), Verdict.DOES_NOT_FIT),
        (('model.quantization="w8a8"',), Verdict.DOES_NOT_FIT),
        (('npu.card="910B4-1"',), Verdict.FITS),
        (('npu.card="910B4-1"', 'model.quantization="w8a8"'), Verdict.FITS),
    ],
)
def test_what_people_ask(sets: tuple[str, ...], verdict: Verdict) -> None:
    assert plan(of(*sets)).verdict == verdict


def test_w8a8_on_eight_small_cards_is_beyond_any_estimate() -> None:
    made = plan(of('model.quantization="w8a8"'))
    assert not made.best.holds
    assert made.limits.max_num_batched_tokens == made.limits.max_num_seqs == 0


def test_a_step_costs_more_than_a_length() -> None:
    made = plan(Values())
    assert made.bound_by == "max-num-batched-tokens"
    assert plan(of("engine.args.max-model-len=1000000")).bound_by == "max-model-len"


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_fit_and_what_is_next_does_not(name: str) -> None:
    values = load(profile=name)
    limits = plan(values).limits

    def likely(flag: str, value: int) -> bool:
        return plan(load(profile=name, set_json=[f"engine.args.{flag}={value}"])).likely.holds

    assert likely("max-num-batched-tokens", limits.max_num_batched_tokens)
    assert not likely("max-num-batched-tokens", limits.max_num_batched_tokens + 256)
    assert likely("max-model-len", limits.max_model_len)
    assert limits.max_model_len == 1_048_576 or not likely(
        "max-model-len", limits.max_model_len + 1024
    )
    assert limits.max_num_seqs >= 1


@given(
    small=st.floats(20, 100),
    more=st.floats(0, 50),
    batched=st.integers(1, 20_000),
    length=st.integers(1, 1_048_576),
    utilization=st.floats(0.3, 1),
    card=st.sampled_from(sorted(CARDS)),
)
def test_more_memory_never_makes_it_worse(
    small: float, more: float, batched: int, length: int, utilization: float, card: str
) -> None:
    tree: dict[str, Any] = {
        "npu": {"card": card},
        "engine": {
            "args": {
                "max-num-batched-tokens": batched,
                "max-model-len": length,
                "gpu-memory-utilization": utilization,
            }
        },
    }
    order = list(Verdict)
    one, other = (plan(load(tree), memory=gib) for gib in (small, small + more))
    assert order.index(other.verdict) <= order.index(one.verdict)
    assert other.likely.blocks >= one.likely.blocks
