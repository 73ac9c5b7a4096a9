"""vLLM's block arithmetic: what the longest request takes of the KV cache."""

from __future__ import annotations

from dataclasses import dataclass

from ..facts.estimates import GIB
from ..facts.model import C4, C128, HEAD_DIM, INDEX_DIM, LAYERS, WINDOW

# Layers that have a sliding window are in two groups of 22, one place of which a draft may take.
_TUPLES = 22


def _pages(tokens: int, page: int) -> int:
    return -(-tokens // page)


@dataclass(frozen=True)
class KvCache:
    """vLLM's block arithmetic for ``deepseek_v4`` on Ascend: one card's share of the cache.

    There is one KV head, so every tensor parallel rank holds the whole cache. Six groups of
    layers share one pool of blocks; the compressors' states take pages of 8 and 32 tokens, which
    is why a step's tokens (max-num-batched-tokens) cost more than a request's (max-model-len).
    An Ascend 950 keeps the cache in 8 bits, and has smaller pages.

    Attributes:
        block_size: tokens of a block, 32, 64 or 128.
        max_model_len: tokens of the longest request.
        max_num_batched_tokens: tokens of one step.
        draft_tokens: speculative tokens a step.
        draft_layers: layers of the draft model, each with a cache: 1 for MTP, 3 for DSpark.
        steps_in_flight: steps whose tokens the cache holds at once.
        logs_needed_blocks: whether vLLM's log divides by the blocks that a request needs.
        family: of the chips: ``A2`` and ``A3`` are alike, ``950`` is not.

    Source: vllm-ascend's patch_kv_cache_utils.py in each build of ``facts/data/builds``, run with
    its vLLM and no card; the tests compare with the figures of that code.
    """

    block_size: int
    max_model_len: int
    max_num_batched_tokens: int
    draft_tokens: int = 1
    draft_layers: int = 1
    steps_in_flight: int = 1
    logs_needed_blocks: bool = False
    family: str = "A2"

    @property
    def _page(self) -> int:
        """Bytes of a page of attention: 16 bits a value, or 8 bits and 128 bytes of scales."""
        token = HEAD_DIM + 128 if self.family == "950" else 2 * HEAD_DIM
        return token * self.block_size

    @property
    def _pair(self) -> int:
        """Bytes of a page of attention and one of the indexer: 8 bits a value, and a scale."""
        scale = 4 if self.family == "950" else 2
        return self._page + (INDEX_DIM + scale) * self.block_size

    @property
    def bytes_per_block(self) -> int:
        """Bytes that one block of the pool takes over all layers of a card."""
        return self._pair * (_TUPLES + self.draft_layers)

    def _context(self) -> tuple[int, int]:
        """Blocks of the layers that compress by 4 and by 128."""
        length, block = self.max_model_len, self.block_size
        return _pages(length, 4 * block), _pages(length, 128 * block)

    def _windows(self, step: int) -> tuple[int, int, int]:
        """Blocks of one group of sliding windows and of both kinds of compressor states."""
        tokens, block = step * self.steps_in_flight, self.block_size

        def pages(window: int, page: int) -> int:
            return _pages(min(window - 1 + tokens, self.max_model_len), page) + 1

        states = block // (8 if self.family == "950" else 4)
        return pages(WINDOW, block), pages(8, block // 16), pages(WINDOW, states)

    @property
    def context_blocks(self) -> int:
        """Blocks of one longest request that its length takes."""
        return sum(self._context())

    def _step_blocks(self, step: int) -> int:
        window, small, large = self._windows(step)
        return 2 * window + small + large

    @property
    def step_blocks(self) -> int:
        """Blocks of one longest request that a step of max-num-batched-tokens takes."""
        return self._step_blocks(self.max_num_batched_tokens)

    @property
    def admission_blocks(self) -> int:
        """Blocks without which the longest request is not admitted."""
        return self.context_blocks + self.step_blocks

    @property
    def admission_gib(self) -> float:
        """GiB that :attr:`admission_blocks` take."""
        return self.admission_blocks * self.bytes_per_block / GIB

    @property
    def logged_blocks(self) -> int:
        """Blocks a request by which vLLM divides for its log.

        Most builds count a group of layers by its bytes, and not every group fills its blocks.
        """
        if self.logs_needed_blocks:
            return self.admission_blocks
        by4, by128 = self._context()
        window, small, large = self._windows(self.max_num_batched_tokens)
        whole = C4 * self._pair
        part = C128 * (by128 + large) + (LAYERS + self.draft_layers) * window
        return _pages(whole * (by4 + small) + self._page * part, whole)

    def tokens(self, blocks: int) -> int:
        """``GPU KV cache size`` in vLLM's log, in tokens, of a pool of blocks."""
        return blocks * self.max_model_len // self.logged_blocks

    def blocks_of_tokens(self, tokens: int) -> int:
        """The smallest pool of which vLLM logs that many tokens."""
        return _pages(tokens * self.logged_blocks, self.max_model_len)

    @property
    def decoding_blocks(self) -> int:
        """Blocks that a longest request keeps while it is answered, a few tokens a step."""
        return self.context_blocks + self._step_blocks(1 + self.draft_tokens)

    def blocks(self, available: float) -> int:
        """Blocks in a pool of ``available`` GiB."""
        return max(0, int(available * GIB // self.bytes_per_block))

    def requests(self, blocks: int) -> int:
        """Longest requests in flight at once: one in its prompt, the others being answered."""
        if blocks < self.admission_blocks:
            return 0
        return 1 + (blocks - self.admission_blocks) // self.decoding_blocks
