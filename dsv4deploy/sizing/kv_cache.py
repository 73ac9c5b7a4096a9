"""vLLM's block arithmetic: what the longest request takes of the KV cache."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ..facts.estimates import GIB
from ..facts.model import HEAD_DIM, INDEX_DIM, MTP_LAYERS, WINDOW
from ..values.tree import Values


@dataclass(frozen=True)
class KvCache:
    """vLLM's block arithmetic for ``deepseek_v4`` on Ascend: one card's share of the cache.

    There is one KV head, so every tensor parallel rank holds the whole cache. Six groups of
    layers share one pool of blocks; the compressors' states take pages of 8 and 32 tokens, which
    is why a step's tokens (max-num-batched-tokens) cost more than a request's (max-model-len).

    Attributes:
        block_size: tokens of a block, 32, 64 or 128.
        max_model_len: tokens of the longest request.
        max_num_batched_tokens: tokens of one step.
        draft_tokens: speculative tokens a step; with any, the draft layer has a cache too.

    Source: vllm-ascend v0.22.1rc, deepseek_v4.py and patch_kv_cache_utils.py, run on a CPU with
    vLLM 0.22.1; equal to that code's own figures.
    """

    block_size: int
    max_model_len: int
    max_num_batched_tokens: int
    draft_tokens: int = 1

    @property
    def bytes_per_block(self) -> int:
        """Bytes that one block of the pool takes over all layers of a card."""
        main = 2 * HEAD_DIM * self.block_size
        indexer = (INDEX_DIM + 2) * self.block_size
        tuples = 22 + (MTP_LAYERS if self.draft_tokens else 0)
        return (main + indexer) * tuples

    @property
    def context_blocks(self) -> int:
        """Blocks of one longest request that its length takes."""
        return ceil(self.max_model_len / (4 * self.block_size)) + ceil(
            self.max_model_len / (128 * self.block_size)
        )

    def _window_blocks(self, step: int) -> int:
        def pages(window: int, page: int) -> int:
            return ceil(min(window - 1 + step, self.max_model_len) / page) + 1

        block = self.block_size
        return (
            2 * pages(WINDOW, block)
            + pages(8, max(1, block // 16))
            + pages(WINDOW, max(1, block // 4))
        )

    @property
    def step_blocks(self) -> int:
        """Blocks of one longest request that a step of max-num-batched-tokens takes."""
        return self._window_blocks(self.max_num_batched_tokens)

    @property
    def admission_blocks(self) -> int:
        """Blocks without which the longest request is not admitted."""
        return self.context_blocks + self.step_blocks

    @property
    def admission_gib(self) -> float:
        """GiB that :attr:`admission_blocks` take."""
        return self.admission_blocks * self.bytes_per_block / GIB

    @property
    def decoding_blocks(self) -> int:
        """Blocks that a longest request keeps while it is answered, a few tokens a step."""
        return self.context_blocks + self._window_blocks(1 + self.draft_tokens)

    def blocks(self, available: float) -> int:
        """Blocks in a pool of ``available`` GiB."""
        return max(0, int(available * GIB // self.bytes_per_block))

    def requests(self, blocks: int) -> int:
        """Longest requests in flight at once: one in its prompt, the others being answered."""
        if blocks < self.admission_blocks:
            return 0
        return 1 + (blocks - self.admission_blocks) // self.decoding_blocks


def kv_cache(values: Values) -> KvCache:
    """The KV cache of a deployment. An unknown block size counts as 32, as the engine takes it."""
    args = values.engine.args
    return KvCache(
        block_size=args.block_size if args.block_size in (32, 64, 128) else 32,
        max_model_len=args.max_model_len,
        max_num_batched_tokens=args.max_num_batched_tokens,
        draft_tokens=draft_tokens(values),
    )


def draft_tokens(values: Values) -> int:
    """Speculative tokens of one step; 0 without a draft."""
    speculative = values.engine.args.model_dump().get("speculative-config")
    tokens = speculative.get("num_speculative_tokens") if isinstance(speculative, dict) else 0
    return tokens if isinstance(tokens, int) and tokens > 0 else 0
