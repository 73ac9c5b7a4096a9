"""The KV cache's blocks against vLLM's own planner, in every build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsv4deploy.facts.builds import Build, builds
from dsv4deploy.sizing.kv_cache import KvCache

BUILDS = builds()


def ids(build: Build) -> str:
    return build.name


# Length, step, block size, draft layers, blocks needed, blocks by which vLLM's log divides: read
# in the output of vLLM 0.22.1's own planner with vllm-ascend v0.22.1rc, not in our data.
READ = [
    (32_768, 2048, 128, 1, 429, 416),
    (32_768, 4096, 128, 1, 781, 756),
    (32_768, 8192, 128, 1, 1485, 1435),
    (200_000, 8192, 128, 1, 1823, 1772),
    (65_536, 2048, 128, 1, 495, 482),
    (4096, 2048, 128, 1, 372, 359),
    (100_000, 3000, 128, 1, 731, 711),
    (8192, 8192, 128, 1, 1429, 1380),
    (16_384, 1024, 128, 1, 220, 213),
    (131_072, 2048, 128, 1, 627, 613),
    (133_120, 8192, 128, 1, 1688, 1637),
    (1_048_576, 10_240, 128, 1, 3883, 3812),
    (32_768, 2048, 64, 1, 854, 828),
    (200_000, 8192, 64, 1, 3641, 3538),
    (32_768, 2048, 32, 1, 1704, 1651),
    (1_048_576, 10_240, 32, 1, 15_520, 15_234),
    (32_768, 2048, 128, 0, 429, 415),
    (200_000, 8192, 128, 0, 1823, 1769),
    (800_000, 8192, 128, 3, 3031, 2980),
]


@pytest.mark.parametrize(("length", "batched", "size", "drafts", "needed", "logged"), READ)
def test_the_longest_request_takes_as_many_blocks_as_vllm_counts(
    length: int, batched: int, size: int, drafts: int, needed: int, logged: int
) -> None:
    cache = KvCache(size, length, batched, draft_layers=drafts)
    assert (cache.admission_blocks, cache.logged_blocks) == (needed, logged)


@pytest.mark.parametrize("build", BUILDS, ids=ids)
def test_every_pair_of_a_build_equals_that_build_s_own_planner(build: Build) -> None:
    assert len(build.pairs) == 2 * len(READ)
    for pair in build.pairs:
        cache = KvCache(
            pair.block_size,
            pair.max_model_len,
            pair.max_num_batched_tokens,
            draft_layers=pair.draft_layers,
            logs_needed_blocks=build.logs_needed_blocks,
            family=pair.family,
        )
        assert cache.bytes_per_block == pair.bytes_per_block
        assert (cache.admission_blocks, cache.logged_blocks) == (pair.needed, pair.logged)
        ahead = replace(cache, steps_in_flight=build.steps_in_flight)
        assert (ahead.admission_blocks, ahead.logged_blocks) == (
            pair.needed_async,
            pair.logged_async,
        )


@pytest.mark.parametrize(
    ("name", "needed", "logged"),
    [("nightly-releases-v0.22.1rc", 429, 416), ("v0.23.0", 781, 756), ("v0.26.0rc1", 781, 756)],
)
def test_a_build_that_keeps_two_steps_needs_their_blocks(
    name: str, needed: int, logged: int
) -> None:
    build = next(each for each in BUILDS if each.name == name)
    cache = KvCache(128, 32_768, 2048, steps_in_flight=build.steps_in_flight)
    assert (cache.admission_blocks, cache.logged_blocks) == (needed, logged)


@pytest.mark.parametrize(
    ("size", "drafts", "expected"),
    [
        (128, 1, 3_397_376),
        (64, 1, 1_698_688),
        (32, 1, 849_344),
        (128, 0, 3_249_664),
        (128, 3, 3_692_800),
    ],
)
def test_a_block_takes_as_many_bytes_as_vllm_counts(size: int, drafts: int, expected: int) -> None:
    assert KvCache(size, 32_768, 2048, draft_layers=drafts).bytes_per_block == expected


def test_the_log_s_tokens_and_blocks_belong_to_each_other() -> None:
    cache = KvCache(128, 32_768, 2048)
    assert cache.tokens(1695) == 133_513
    for blocks in (416, 1000, 1695):
        assert cache.blocks_of_tokens(cache.tokens(blocks)) == blocks


def test_a_request_that_is_answered_keeps_far_fewer_blocks() -> None:
    cache = KvCache(128, 32_768, 2048)
    assert cache.requests(cache.admission_blocks - 1) == 0
    assert cache.requests(cache.admission_blocks) == 1
    assert cache.requests(cache.admission_blocks + 3 * cache.decoding_blocks) == 4
    assert cache.decoding_blocks < cache.admission_blocks / 5
