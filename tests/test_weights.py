"""The model's weights against its card and what was published."""

from __future__ import annotations

import pytest

from dsv4deploy import Values, load, plan
from dsv4deploy.sizing.weights import Sharding, weights


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


# Of the second no parameter is in the checkpoint: it is a copy.
UNCOUNTED = {"hash tables", "embedding (MTP)"}


def billions(values: Values) -> float:
    return sum(part.parameters for part in weights(values) if part.name not in UNCOUNTED) / 1e9


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
    stored = (part for part in weights(values) if part.name != "embedding (MTP)")
    total = sum(part.total_bytes for part in stored)
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
    assert spread(apart)["routed experts"] == (Sharding.TENSOR, 16)
    shared = load(
        {
            "engine": {
                "env": {"VLLM_ASCEND_ENABLE_FLASHCOMM1": None},
                "args": {"additional-config": {"enable_shared_expert_dp": True}},
            }
        }
    )
    assert spread(shared)["shared experts"] == (Sharding.REPLICATED, 1)


@pytest.mark.parametrize(("data", "expected"), [(1, Sharding.TENSOR), (2, Sharding.REPLICATED)])
def test_the_newest_build_turns_dsa_cp_off_without_data_parallelism(
    data: int, expected: Sharding
) -> None:
    engine = {
        "build": "v0.30.0rc2",
        "args": {"additional-config": {"enable_dsa_cp": True}},
    }
    values = load({"parallelism": {"data": data, "dataLocal": data}, "engine": engine})
    (found,) = (part.sharding for part in weights(values) if part.name == "wq_b")
    assert found == expected


def held(*sets: str, profile: str = "") -> float:
    """GiB of weights on one card."""
    return sum(part.gib for part in weights(of(*sets, profile=profile)))


def test_without_a_draft_its_weights_are_not_loaded() -> None:
    drafted = held()
    assert drafted - held("engine.args.speculative-config=null") == pytest.approx(0.62, abs=0.05)
    other = 'engine.args.speculative-config={"method": "ngram", "num_speculative_tokens": 4}'
    assert held(other) == held("engine.args.speculative-config=null")


def test_any_of_vllm_s_names_for_mtp_is_mtp() -> None:
    alias = '{"method": "qwen3_next_mtp", "num_speculative_tokens": 1}'
    assert held(f"engine.args.speculative-config={alias}") == held()


@pytest.mark.parametrize(
    ("profile", "more"),
    [("ascend-910b3-8-w4a8-dspark", 1.2), ("ascend-a3-16-w8a8-dspark", 1.7)],
)
def test_three_layers_draft_for_dspark(profile: str, more: float) -> None:
    # vllm-ascend v0.25.1rc1: about so much more than MTP that shares its embedding.
    mtp = 'engine.args.speculative-config={"method": "mtp", "num_speculative_tokens": 1}'
    parts = weights(of(mtp, profile=profile))
    shared = sum(part.gib for part in parts if part.name != "embedding (MTP)")
    assert held(profile=profile) - shared == pytest.approx(more, abs=0.25)


def test_every_class_says_where_it_is_known_from() -> None:
    assert all(part.source for part in weights(Values()))


def test_sequence_parallelism_is_the_same_for_the_rules_and_the_plan() -> None:
    switch = of(
        "engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null",
        'engine.args.additional-config={"enable_flashcomm1": true}',
    )
    assert weights(switch) == weights(Values())
    plain = of("engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null")
    assert weights(plain) != weights(Values())
