"""What an engine's log says, and what the plan does with it."""

from __future__ import annotations

import pytest

from dsv4deploy import DeployError, Values, load, plan
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.facts.estimates import Estimate, Provenance
from dsv4deploy.sizing.kv_cache import KvCache
from dsv4deploy.sizing.plan import Verdict
from dsv4deploy.sizing.startup_log import Calibration, read_log


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


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
    figures = (told.weights, told.available, told.max_num_batched_tokens, told.utilization)
    assert figures == (19.61, 4.31, 2048, 0.9)
    assert told.lines == tuple(LOG.splitlines()[each] for each in (2, 5, 1, 0))
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
    assert (told.weights, told.memory, told.available) == (19.5, 29.8, None)
    assert plan(Values(), calibration=told).memory.likely == 29.8


def test_a_log_without_memory_is_refused() -> None:
    with pytest.raises(DeployError, match="pass the engine's log from its first line"):
        read_log("INFO nothing here")


def test_an_assumed_card_stays_assumed_and_keeps_its_range() -> None:
    told = Calibration(weights=19.6, available=6.0)
    made = plan(Values(), calibration=told)
    assert made.memory == CARDS["910B4"].memory
    assert made.buffers.low < made.buffers.likely < made.buffers.high
    assert made.worst.slack == pytest.approx(29.5 * 0.1 - made.after_profiling.high)
    # What was not made when vLLM measured comes later.
    assumed = plan(Values())
    assert made.buffers.low + made.after_profiling.high == pytest.approx(assumed.buffers.high + 0.8)
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
    "GPU KV cache size: 133,513 tokens\nMaximum concurrency for 32,768 tokens per request: 3.95x",
    f"GPU KV cache size: {1695 * 16_384 // 383:,} tokens\n"
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
    with pytest.raises(DeployError, match="check that the log is of this deployment"):
        plan(Values(), calibration=told)


def test_the_log_of_a_start_that_had_nothing_left_is_possible() -> None:
    tight = of("engine.args.max-num-batched-tokens=8192")
    made = plan(tight, calibration=Calibration(weights=24.0, available=-0.3))
    assert made.likely.available == pytest.approx(-0.3)
    assert made.verdict == Verdict.DOES_NOT_FIT


def test_a_log_of_a_larger_card_is_refused() -> None:
    with pytest.raises(DeployError, match=r"; check npu\.card"):
        plan(Values(), calibration=Calibration(weights=19.6, available=33.0))


# The line of vllm-ascend's worker.py, with the figures of a 910B4 and of vllm-ascend issue 13439.
USAGE = (
    "Free memory on device ({free}/{total} GiB) on startup. Desired GPU memory utilization is "
    "({util}, {wanted} GiB). Actual usage: {weights} GiB for weights, {active} GiB for peak "
    "activation, {other} GiB for non-torch memory, {graphs} GiB for NPU graph memory. Replace "
    "gpu_memory_utilization with `--kv-cache-memory=4000000000` (3.73 GiB) to fit into requested "
    "memory, or `--kv-cache-memory=6000000000` (5.59 GiB) to fully utilize NPU free memory. "
    "Current KV cache memory: {cache} GiB."
)
SMALL = {
    "free": 29.6,
    "total": 29.8,
    "util": 0.9,
    "wanted": 26.82,
    "weights": 19.71,
    "active": 0.55,
    "other": 0.31,
    "graphs": 0.62,
    "cache": 6.25,
}


def usage(**changed: float) -> str:
    return USAGE.format(**SMALL | changed)


def test_the_line_of_actual_usage_alone_is_enough() -> None:
    told = read_log(usage())
    made = plan(Values(), calibration=told)
    assert told.lines == (usage(),)
    for estimate, figure in (
        (made.memory, 29.8),
        (made.weights, 19.71),
        (made.activation, 0.55),
        (made.after_profiling, 0.62),
    ):
        assert (estimate.provenance, estimate.likely) == (Provenance.MEASURED, figure)
    assert made.buffers.likely == pytest.approx(0.31, abs=0.02)
    assert made.likely.available == pytest.approx(6.25)
    assert made.worst.available == made.best.available


def test_actual_usage_goes_before_every_other_line_and_its_worst_rank_counts() -> None:
    text = "\n".join([LOG, usage(), usage(cache=6.05, active=0.75), usage(cache=6.2)])
    told = read_log(text)
    assert (told.weights, told.available, told.activation) == (19.71, 6.05, 0.75)


def test_a_newer_build_s_longer_line_is_read_too() -> None:
    more = "After warmup: torch reserved memory 26.1 GiB, torch allocated memory 25 GiB."
    assert read_log(f"{usage()} {more}").graphs == 0.62


def test_another_step_is_computed_from_what_was_measured() -> None:
    known = read_log(f"max_num_batched_tokens=2048\n{usage()}")
    more = plan(of("engine.args.max-num-batched-tokens=4096"), calibration=known)
    assert more.activation.low == 0.55
    assert more.activation.likely == pytest.approx(0.85)
    assert more.activation.provenance == Provenance.DERIVED


def test_a_cache_of_a_given_size_tells_nothing_of_what_is_left() -> None:
    fixed = (
        "Loading model weights took 19.6 GB\nInitial free memory 29.60 GiB, reserved 4.00 GiB for "
        "KV Cache as specified by kv_cache_memory_bytes, skipping memory profiling."
    )
    assert read_log(f"{fixed}\nGPU KV cache size: 99,000 tokens").tokens is None
    forced = "Overriding num_gpu_blocks=1695 with num_gpu_blocks_override=900"
    told = read_log(f"{LOG}{forced}\n# GPU blocks: 900")
    assert (told.blocks, told.available) == (None, 4.31)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Initializing a V1 LLM engine (v0.23.0) with config: tensor_parallel_size=8, ", "vLLM"),
        (
            "vLLM API server version 0.24.0+empty",
            "which has vLLM 0.24.0, but this deployment has 0.22.1",
        ),
        ("tensor_parallel_size=4, data_parallel_size=1, ", "tensor-parallel-size 4"),
        ("tensor_parallel_size=8, data_parallel_size=2, ", "data-parallel-size 2"),
        (usage(total=60.96), "another card, which has 60.96 GiB, but a 910B4 has 29.5 to 32.0"),
    ],
)
def test_a_log_of_another_engine_is_refused(line: str, message: str) -> None:
    told = read_log(f"Loading model weights took 19.6 GB\n{line}")
    with pytest.raises(DeployError, match=message):
        plan(Values(), calibration=told)


def test_a_log_of_this_engine_is_taken() -> None:
    line = (
        "Initializing a V1 LLM engine (v0.22.1+empty) with config: model='/mnt/models', "
        "tensor_parallel_size=8, pipeline_parallel_size=1, data_parallel_size=1, "
    )
    assert plan(Values(), calibration=read_log(f"{line}\n{usage()}")).weights.likely == 19.71
