"""The model's weights against its card and what was published."""

from __future__ import annotations

import pytest

from dsv4deploy import Values, load, plan
from dsv4deploy.sizing.weights import Sharding, weights


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


def billions(values: Values) -> float:
    return sum(part.parameters for part in weights(values) if part.name != "hash tables") / 1e9


def test_the_model_has_as_many_parameters_as_its_card_says() -> None:
    # The model card: 284 B, without the MTP head's 6.61 B.
    assert billions(Values()) == pytest.approx(284 + 6.61, rel=0.002)


@pytest.mark.parametrize(
    ("quantization", "published", "within"), [("w4a8", 151e9, 0.01), ("w8a8", 280e9, 0.05)]
)
def test_all_weights_take_what_was_published(
    quantization: str, published: float, within: float
) -> None:
    values = load({"model": {"quantization": quantization}})
    total = sum(part.total_bytes for part in weights(values))
    assert total == pytest.approx(published, rel=within)


def test_a_card_of_the_two_node_deployment_holds_what_was_published() -> None:
    made = plan(load(profile="ascend-910b3-16-w8a8"))
    assert made.weights.low <= 20.6 <= made.weights.high


def test_classes_are_spread_as_the_engine_spreads_them() -> None:
    def spread(values: Values) -> dict[str, tuple[Sharding, int]]:
        return {part.name: (part.sharding, part.shards) for part in weights(values)}

    both = spread(load(profile="ascend-910b3-16-w8a8"))
    assert both["routed experts"] == (Sharding.EXPERT, 16)
    assert both["wq_b"] == (Sharding.REPLICATED, 1)
    assert both["shared experts"] == (Sharding.REPLICATED, 1)
    one = spread(Values())
    assert one["routed experts"] == (Sharding.EXPERT, 8)
    assert one["wq_b"] == (Sharding.TENSOR, 8)
    plain = spread(load({"engine": {"env": {"VLLM_ASCEND_ENABLE_FLASHCOMM1": None}}}))
    assert plain["shared experts"] == (Sharding.TENSOR, 8)
    apart = load({"parallelism": {"expert": False, "data": 2, "dataLocal": 2}})
    assert spread(apart)["routed experts"] == (Sharding.TENSOR, 8)


def test_sequence_parallelism_is_the_same_for_the_rules_and_the_plan() -> None:
    switch = of(
        "engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null",
        'engine.args.additional-config={"enable_flashcomm1": true}',
    )
    assert weights(switch) == weights(Values())
    plain = of("engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null")
    assert weights(plain) != weights(Values())
