"""The KV cache's blocks against vLLM's own planner."""

from __future__ import annotations

import pytest

from dsv4deploy.sizing.kv_cache import KvCache

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
