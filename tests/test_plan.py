"""The memory planner against the model's and the publishers' own figures."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsv4deploy import DeployError, Values, load, plan
from dsv4deploy.sizing.plan import (
    CARDS,
    Calibration,
    Estimate,
    KvCache,
    Provenance,
    Sharding,
    Verdict,
    as_data,
    bar,
    read_log,
    segments,
    svg,
    weights,
)
from dsv4deploy.values.loading import profile_names

NAMES = profile_names()


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


# Blocks and GiB that vLLM 0.22.1's own planner gave with vllm-ascend v0.22.1rc's patches on a CPU.
RUN = [
    (32_768, 2048, 429, 1.357),
    (32_768, 4096, 781, 2.471),
    (32_768, 8192, 1485, 4.699),
    (65_536, 2048, 495, 1.566),
    (131_072, 2048, 627, 1.984),
    (133_120, 8192, 1688, 5.341),
    (200_000, 8192, 1823, 5.768),
    (1_048_576, 10_240, 3883, 12.286),
]


@pytest.mark.parametrize(("length", "batched", "blocks", "gib"), RUN)
def test_the_longest_request_takes_as_many_blocks_as_vllm_counts(
    length: int, batched: int, blocks: int, gib: float
) -> None:
    cache = KvCache(128, length, batched)
    assert cache.admission_blocks == blocks
    assert round(cache.admission_gib, 3) == gib


@pytest.mark.parametrize(("size", "expected"), [(128, 3_397_376), (64, 1_698_688), (32, 849_344)])
def test_a_block_takes_as_many_bytes_as_vllm_counts(size: int, expected: int) -> None:
    cache = KvCache(size, 32_768, 2048)
    assert cache.bytes_per_block == expected
    assert cache.admission_gib == pytest.approx(1.357, rel=0.01)


def test_without_a_draft_the_draft_layer_has_no_cache() -> None:
    assert KvCache(128, 32_768, 2048, 0).bytes_per_block == 147_712 * 22


def test_a_request_that_is_answered_keeps_far_fewer_blocks() -> None:
    cache = KvCache(128, 32_768, 2048)
    assert cache.requests(cache.admission_blocks - 1) == 0
    assert cache.requests(cache.admission_blocks) == 1
    assert cache.requests(cache.admission_blocks + 3 * cache.decoding_blocks) == 4
    assert cache.decoding_blocks < cache.admission_blocks / 5


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


LOG = """\
INFO 08-21 [core.py:93] Initializing a V1 LLM engine with config: gpu_memory_utilization=0.9,
INFO 08-21 [scheduler.py:231] Chunked prefill is enabled with max_num_batched_tokens=2048.
INFO 08-21 [model_runner_v1.py:2] Loading model weights took 19.61 GB
INFO 08-21 [model_runner_v1.py:2] Loading model weights took 19.58 GB
INFO 08-21 [worker.py:301] Available KV cache memory: 4.40 GiB
INFO 08-21 [worker.py:301] Available KV cache memory: 4.31 GiB
"""


def test_a_log_takes_the_place_of_assumptions() -> None:
    told = read_log(LOG)
    assert told == Calibration(19.61, 4.31, None, 2048, 0.9)
    made = plan(Values(), calibration=told)
    assert made.weights.likely == 19.61
    assert made.likely.available == pytest.approx(4.31)
    assert made.likely.blocks == KvCache(128, 32_768, 2048).blocks(4.31)
    assert made.weights.provenance == Provenance.MEASURED
    assert made.buffers.provenance == Provenance.DERIVED


def test_a_log_of_another_step_size_tells_of_this_one_too() -> None:
    told = read_log(LOG)
    more = plan(of("engine.args.max-num-batched-tokens=4096"), calibration=told)
    assert more.likely.available == pytest.approx(4.31 - 0.3)
    higher = plan(of("engine.args.gpu-memory-utilization=0.92"), calibration=told)
    assert higher.likely.available == pytest.approx(4.31 + 0.02 * higher.memory.likely)


def test_a_failed_start_s_log_tells_the_card_s_memory() -> None:
    line = (
        "Loading model weights took 19.5 GB\nValueError: Free memory on device (20.1/29.8 GiB) on "
        "startup is less than desired GPU memory utilization (0.9, 26.8 GiB)."
    )
    told = read_log(line)
    assert told == Calibration(weights=19.5, memory=29.8)
    assert plan(Values(), calibration=told).memory.likely == 29.8


def test_a_log_without_memory_is_refused() -> None:
    with pytest.raises(DeployError, match="give the engine's log from its start"):
        read_log("INFO nothing here")


def test_an_assumed_card_stays_assumed_and_keeps_its_range() -> None:
    told = Calibration(weights=19.6, available=6.0)
    made = plan(Values(), calibration=told)
    assert made.memory == CARDS["910B4"]
    assert made.buffers.low < made.buffers.likely < made.buffers.high
    assert made.worst.slack == pytest.approx(29.5 * 0.1 - made.late.high)
    # What was not made when vLLM measured comes later.
    assumed = plan(Values())
    assert made.buffers.low + made.late.high == pytest.approx(assumed.buffers.high + 0.8)
    assert made.verdict == Verdict.TIGHT
    measured = plan(Values(), memory=30.0, calibration=told)
    assert measured.buffers.low == measured.buffers.high
    assert measured.memory.provenance == Provenance.MEASURED


def test_a_measured_card_is_not_made_smaller() -> None:
    made = plan(Values(), memory=31.0, calibration=read_log(LOG))
    assert made.memory == Estimate.measured(31.0, "given")
    assert made.likely.available == pytest.approx(4.31)


def test_a_log_narrows_the_card_that_it_can_be_of() -> None:
    # 29.5 GiB can't hold this and the least of buffers.
    made = plan(Values(), calibration=Calibration(weights=19.6, available=6.5))
    assert made.memory.low == pytest.approx((19.6 + 6.5 + 0.6 + 0.2) / 0.9)
    assert made.memory.provenance == Provenance.DERIVED
    assert made.buffers.low == pytest.approx(0.2)


# The lines that vLLM prints of 1,695 blocks, at the default deployment and at half of its length.
CACHES = [
    "# GPU blocks: 1695, # CPU blocks: 0",
    "GPU KV cache size: 129,467 tokens\nMaximum concurrency for 32,768 tokens per request: 3.95x",
    f"GPU KV cache size: {1695 * 16_384 // 396:,} tokens\n"
    "Maximum concurrency for 16,384 tokens per request: 4.28x",
]


@pytest.mark.parametrize("lines", CACHES)
def test_blocks_and_tokens_tell_the_cache_s_memory_too(lines: str) -> None:
    made = plan(Values(), calibration=read_log(f"Loading model weights took 19.6 GB\n{lines}"))
    assert made.likely.blocks == 1695
    assert made.likely.available == pytest.approx(1695 * 3_397_376 / 2**30)


def test_what_vllm_says_of_memory_goes_before_its_blocks() -> None:
    told = read_log(f"Available KV cache memory: 4.31 GiB\n{CACHES[0]}")
    assert plan(Values(), calibration=told).likely.available == pytest.approx(4.31)


@pytest.mark.parametrize("available", [-30.0, -5.0, 0.0])
def test_a_log_with_more_left_over_than_buffers_take_is_refused(available: float) -> None:
    told = read_log(
        f"Loading model weights took 19.6 GB\nAvailable KV cache memory: {available} GiB"
    )
    with pytest.raises(DeployError, match="is it the log of this deployment"):
        plan(Values(), calibration=told)


def test_the_log_of_a_start_that_had_nothing_left_is_possible() -> None:
    tight = of("engine.args.max-num-batched-tokens=8192")
    made = plan(tight, calibration=Calibration(weights=24.0, available=-0.3))
    assert made.likely.available == pytest.approx(-0.3)
    assert made.verdict == Verdict.DOES_NOT_FIT


def test_sequence_parallelism_is_the_same_for_the_rules_and_the_plan() -> None:
    switch = of(
        "engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null",
        'engine.args.additional-config={"enable_flashcomm1": true}',
    )
    assert weights(switch) == weights(Values())
    plain = of("engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null")
    assert weights(plain) != weights(Values())


def test_a_log_of_a_larger_card_is_refused() -> None:
    with pytest.raises(DeployError, match=r"is npu\.card right\?"):
        plan(Values(), calibration=Calibration(weights=19.6, available=33.0))


def test_the_parts_of_a_card_are_all_of_it() -> None:
    made = plan(Values())
    assert sum(part.gib for part in segments(made)) == pytest.approx(made.memory.likely)
    drawn = bar(made).splitlines()[0]
    assert len(drawn) == 73
    assert drawn.endswith("|")


def test_an_overflow_stands_beyond_the_card_s_edge() -> None:
    drawn = bar(plan(of('model.quantization="w8a8"'))).splitlines()[0]
    assert not drawn.endswith("|")
    assert len(drawn) == 73


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_a_picture_and_the_data_is_data(name: str, tmp_path: Path) -> None:
    made = plan(load(profile=name))
    root = ET.fromstring(svg(made))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) >= 14
    data = json.loads(json.dumps(as_data(made)))
    assert data["verdict"] == made.verdict
    assert data["cache"]["admission_blocks"] == made.cache.admission_blocks
