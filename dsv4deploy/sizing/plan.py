"""What one card must hold: weights, KV cache, activation, buffers, graphs; and what is left.

All memory is in GiB (2^30 bytes) a card unless a name says otherwise. Weights and the KV cache
are arithmetic over the model's published config.json and the cache layout that vllm-ascend's
release v0.22.1rc builds for ``deepseek_v4``; what can't be known without the card is an
:class:`Estimate` with its range and where it comes from. Nothing here was measured by this
project: it has no NPU.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Any

from ..errors import DeployError
from ..manifest.conditions import DSA_CP, FLASHCOMM, holds
from ..values.tree import Values

GIB = 2**30


class Provenance(StrEnum):
    """How a figure is known."""

    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMED = "assumed"


class Verdict(StrEnum):
    """Whether a deployment fits on its cards."""

    FITS = "fits"
    """Every estimate may be at its worst."""
    TIGHT = "tight"
    """It fits with the likely figures, and not with the worst."""
    DOES_NOT_FIT = "does not fit"
    """It does not fit with the likely figures."""


@dataclass(frozen=True)
class Estimate:
    """A figure in GiB that is not known exactly.

    Attributes:
        low: the least it may be.
        likely: what is reckoned with.
        high: the most it may be.
        provenance: how it is known.
        source: who measured it, or how it was derived, or why it is assumed.
    """

    low: float
    likely: float
    high: float
    provenance: Provenance
    source: str

    @classmethod
    def measured(cls, value: float, source: str) -> Estimate:
        """A figure that somebody has measured on the very deployment."""
        return cls(value, value, value, Provenance.MEASURED, source)


_MEASURED_64 = Estimate(
    60.96,
    61.0,
    61.27,
    Provenance.MEASURED,
    "vllm-ascend issues 13439 and 6611 and sglang issue 29838: what torch sees of a 64 GB card",
)
CARDS: dict[str, Estimate] = {
    "910B4": Estimate(
        29.5,
        30.0,
        32.0,
        Provenance.ASSUMED,
        "not published: npu-smi says 32768 MB (vllm-ascend issue 8746), and 64 GB cards show 95 % "
        "of theirs; measure it and pass --memory",
    ),
    "910B4-1": _MEASURED_64,
    "910B3": _MEASURED_64,
    "A3": _MEASURED_64,
}
"""What torch sees of one NPU's memory. An A3 card has two NPUs of 64 GB; each counts."""

# --- the model: DeepSeek-V4-Flash's config.json ------------------------------------------------

HIDDEN, LAYERS, MTP_LAYERS, VOCABULARY = 4096, 43, 1, 129_280
HEADS, HEAD_DIM, Q_LORA, O_LORA, O_GROUPS = 64, 512, 1024, 1024, 8
EXPERTS, EXPERTS_A_TOKEN, EXPERT_WIDTH, HASH_LAYERS, HC = 256, 6, 2048, 3, 4
INDEX_HEADS, INDEX_DIM = 64, 128
# compress_ratios: two layers have a sliding window alone, 21 compress by 4, 20 by 128.
C4, C128 = 21, 20
MAX_MODEL_LEN = 1_048_576
WINDOW = 128

_BLOCKS = LAYERS + MTP_LAYERS
_EXPERT = 3 * HIDDEN * EXPERT_WIDTH


class Sharding(StrEnum):
    """How a class of weights is spread over the cards of an instance."""

    EXPERT = "expert parallel"
    TENSOR = "tensor parallel"
    REPLICATED = "replicated"


@dataclass(frozen=True)
class WeightClass:
    """Weights that are stored and spread alike.

    Attributes:
        name: what they are.
        parameters: how many, in the whole model.
        bytes_each: bytes a parameter takes.
        sharding: how they are spread.
        shards: over how many cards; 1 where each holds them all.
    """

    name: str
    parameters: int
    bytes_each: float
    sharding: Sharding
    shards: int

    @property
    def total_bytes(self) -> float:
        """Bytes in the whole model."""
        return self.parameters * self.bytes_each

    @property
    def gib(self) -> float:
        """GiB on one card."""
        return self.total_bytes / self.shards / GIB


def weights(values: Values) -> tuple[WeightClass, ...]:
    """The model's weights by class, and how this deployment spreads them.

    Routed experts take half a byte a parameter in W4A8 and one in W8A8, everything else that is
    quantized one byte; gates and hyper-connections are 32 bits, embeddings 16.
    Source: computed from config.json; the classes' sharding is vllm-ascend v0.22.1rc's.
    """
    tensor, cards = values.parallelism.tensor, values.parallelism.tensor * values.parallelism.data
    spread = (Sharding.EXPERT, cards) if values.parallelism.expert else (Sharding.TENSOR, tensor)
    expert = 0.5 if values.model.quantization == "w4a8" else 1.0
    split = (Sharding.TENSOR, tensor)
    whole = (Sharding.REPLICATED, 1)
    attention = Q_LORA * HEADS * HEAD_DIM * _BLOCKS
    output = (HEADS * HEAD_DIM // O_GROUPS) * O_GROUPS * O_LORA * _BLOCKS
    small = (
        _BLOCKS * HIDDEN * (Q_LORA + HEAD_DIM)  # wq_a, wkv
        + C4 * 2 * HIDDEN * 2 * HEAD_DIM  # the compressors' wkv and gate, two windows wide
        + C128 * 2 * HIDDEN * HEAD_DIM
        + C4 * (Q_LORA * INDEX_HEADS * INDEX_DIM + HIDDEN * INDEX_HEADS)  # the indexer
        + C4 * 2 * HIDDEN * 2 * INDEX_DIM
        + MTP_LAYERS * 2 * HIDDEN * HIDDEN  # the MTP head's projections
    )
    exact = _BLOCKS * (EXPERTS * HIDDEN + 2 * (2 + HC) * HC * HC * HIDDEN)
    return (
        WeightClass("routed experts", LAYERS * EXPERTS * _EXPERT, expert, *spread),
        WeightClass("routed experts (MTP)", MTP_LAYERS * EXPERTS * _EXPERT, expert, *spread),
        WeightClass(
            "shared experts", _BLOCKS * _EXPERT, 1, *(whole if holds(FLASHCOMM, values) else split)
        ),
        WeightClass("wq_b", attention, 1, *(whole if holds(DSA_CP, values) else split)),
        WeightClass("wo_a", output, 1, *split),
        WeightClass("wo_b", O_GROUPS * O_LORA * HIDDEN * _BLOCKS, 1, *split),
        WeightClass("wq_a, wkv, compressors, indexer, MTP projections", small, 1, *whole),
        WeightClass("gates, hyper-connections", exact, 4, *whole),
        WeightClass("hash tables", HASH_LAYERS * VOCABULARY * EXPERTS_A_TOKEN, 4, *whole),
        WeightClass("embedding, head", 2 * VOCABULARY * HIDDEN, 2, *split),
    )


def _draft_tokens(values: Values) -> int:
    speculative = values.engine.args.model_dump().get("speculative-config")
    tokens = speculative.get("num_speculative_tokens") if isinstance(speculative, dict) else 0
    return tokens if isinstance(tokens, int) and tokens > 0 else 0


# --- the KV cache ------------------------------------------------------------------------------


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
        draft_tokens=_draft_tokens(values),
    )


# --- the plan ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Calibration:
    """What an engine's log told of its own start, in GiB a card.

    Attributes:
        weights: ``Loading model weights took … GB``; vLLM's GB is 2^30 bytes.
        available: ``Available KV cache memory: … GiB``.
        memory: the card's, where ``Free memory on device`` told it.
        max_num_batched_tokens: of that start, where the log told it.
        utilization: of that start, where the log told it.
        blocks: ``# GPU blocks: …``, of the KV cache.
        tokens: ``GPU KV cache size: … tokens``.
        max_model_len: of that start, which ``Maximum concurrency for … tokens`` told.
    """

    weights: float | None = None
    available: float | None = None
    memory: float | None = None
    max_num_batched_tokens: int | None = None
    utilization: float | None = None
    blocks: int | None = None
    tokens: int | None = None
    max_model_len: int | None = None


def _number(text: str) -> int:
    return int(text.replace(",", ""))


_LOG: dict[str, tuple[str, Callable[[str], Any]]] = {
    "weights": (r"[Ll]oading (?:model )?weights took ([0-9.]+) ?Gi?B", float),
    "available": (r"Available KV cache memory: (-?[0-9.]+) GiB", float),
    "memory": (r"Free memory on device[^(]*\([0-9.]+/([0-9.]+) GiB\)", float),
    "max_num_batched_tokens": (r"max_num_batched_tokens'?[=:] ?([0-9]+)", int),
    "utilization": (r"gpu_memory_utilization'?[=:] ?([0-9.]+[0-9])", float),
    "blocks": (r"# GPU blocks: ([0-9]+)", int),
    "tokens": (r"GPU KV cache size: ([0-9,]+) tokens", _number),
    "max_model_len": (r"Maximum concurrency for ([0-9,]+) tokens", _number),
}
_WORST: dict[str, Callable[..., Any]] = {
    "weights": max,
    **dict.fromkeys(("available", "memory", "blocks", "tokens"), min),
}


def read_log(text: str) -> Calibration:
    """What a vLLM start-up log tells; of several ranks or starts, the worst of the last 64 lines.

    Raises:
        DeployError: neither the weights nor the KV cache's size stands in it.
    """
    found: dict[str, Any] = {}
    for name, (pattern, kind) in _LOG.items():
        numbers = [kind(number) for number in re.findall(pattern, text)][-64:]
        if numbers:
            found[name] = _WORST[name](numbers) if name in _WORST else numbers[-1]
    if not found.keys() & {"weights", "available", "blocks", "tokens"}:
        raise DeployError(
            "the log has neither `Loading model weights took … GB` nor `Available KV cache memory: "
            "… GiB` nor `GPU KV cache size: … tokens`: give the engine's log from its start "
            "(kubectl logs, container main)"
        )
    return Calibration(**found)


@dataclass(frozen=True)
class Reckoning:
    """One card with every estimate at one end of its range, in GiB.

    Attributes:
        available: what is left for the KV cache inside of gpu-memory-utilization.
        margin: that, less what the longest request needs.
        slack: what is left outside of it, less what comes after the profile run.
        blocks: KV cache blocks.
        requests: longest requests in flight at once.
    """

    available: float
    margin: float
    slack: float
    blocks: int
    requests: int

    @property
    def holds(self) -> bool:
        """Whether the engine starts and then stays within the card."""
        return self.margin >= 0 and self.slack >= 0


@dataclass(frozen=True)
class Limits:
    """The most that still fits with the likely figures, all else as it is; 0 where nothing does.

    Attributes:
        max_num_batched_tokens: in steps of 256 tokens.
        max_num_seqs: longest requests in flight at once without preemption.
        max_model_len: in steps of 1,024 tokens.
    """

    max_num_batched_tokens: int
    max_num_seqs: int
    max_model_len: int


@dataclass(frozen=True)
class MemoryPlan:
    """What each card of a deployment holds, in GiB.

    Attributes:
        card: its name.
        utilization: gpu-memory-utilization.
        memory: what torch sees of the card.
        weights: the weights on one card.
        weight_classes: of what they consist.
        activation: the peak of one step's tensors.
        buffers: communication buffers that stand when vLLM measures.
        late: graphs, and the buffers that are made later; they come out of what
            gpu-memory-utilization leaves.
        cache: the KV cache's arithmetic.
        worst: every estimate at its worst end.
        likely: every estimate as it is likely.
        best: every estimate at its best end.
        limits: the most that still fits.
    """

    card: str
    utilization: float
    memory: Estimate
    weights: Estimate
    weight_classes: tuple[WeightClass, ...]
    activation: Estimate
    buffers: Estimate
    late: Estimate
    cache: KvCache
    worst: Reckoning
    likely: Reckoning
    best: Reckoning
    limits: Limits

    @property
    def verdict(self) -> Verdict:
        """Whether it fits."""
        if self.worst.holds:
            return Verdict.FITS
        return Verdict.TIGHT if self.likely.holds else Verdict.DOES_NOT_FIT

    @property
    def kv_tokens(self) -> int:
        """``GPU KV cache size`` as vLLM logs it: tokens, counted by the longest request's need."""
        return self.likely.blocks * self.cache.max_model_len // self.cache.admission_blocks

    @property
    def bound_by(self) -> str:
        """The argument that takes most of the longest request's need."""
        steps = self.cache.step_blocks > self.cache.context_blocks
        return "max-num-batched-tokens" if steps else "max-model-len"


def plan(
    values: Values, *, memory: float | None = None, calibration: Calibration | None = None
) -> MemoryPlan:
    """Whether a deployment fits on its cards, and what is left.

    Args:
        values: the deployment; ``npu.card``, ``model.quantization``, ``parallelism`` and
            ``engine`` are read.
        memory: GiB that torch sees of one card, where it was measured.
        calibration: what :func:`read_log` found in the log of a start of this deployment, on
            this card; only its limits may have changed since.

    Raises:
        DeployError: the log can't be of this deployment on this card.
    """
    if calibration:
        calibration = _completed(calibration, values)
    base = outline(values, memory, calibration)
    return replace(base, limits=_limits(base, values, memory, calibration))


def _completed(log: Calibration, values: Values) -> Calibration:
    """What the log does not tell of its start is as it is here, and blocks are memory."""
    args = values.engine.args
    batched = log.max_num_batched_tokens or args.max_num_batched_tokens
    length = log.max_model_len or args.max_model_len
    cache = replace(kv_cache(values), max_model_len=length, max_num_batched_tokens=batched)
    available, blocks = log.available, log.blocks
    if blocks is None and log.tokens is not None:
        # As MemoryPlan.kv_tokens, the other way round.
        blocks = ceil(log.tokens * cache.admission_blocks / length)
    if available is None and blocks is not None:
        available = blocks * cache.bytes_per_block / GIB
    return replace(
        log,
        available=available,
        max_num_batched_tokens=batched,
        utilization=log.utilization or args.gpu_memory_utilization,
    )


def outline(
    values: Values, memory: float | None = None, calibration: Calibration | None = None
) -> MemoryPlan:
    """The plan without its limits, which take most of the time; else as :func:`plan`."""
    args = values.engine.args
    classes = weights(values)
    visible = Estimate.measured(memory, "given") if memory is not None else CARDS[values.npu.card]
    held = _weights(classes, values)
    activation = _activation(args.max_num_batched_tokens)
    buffers, late = _buffers(values)
    worst_buffers, best_buffers = buffers.high, buffers.low
    if calibration:
        visible, held, buffers, late = _calibrated(
            calibration, values, visible, held, buffers, late
        )
        if calibration.available is not None:
            # What is left of a card's sum is more on a larger card: the ends belong together.
            worst_buffers, best_buffers = buffers.low, buffers.high
    cache = kv_cache(values)
    utilization = args.gpu_memory_utilization

    def reckon(has: float, weight: float, active: float, early: float, later: float) -> Reckoning:
        available = has * utilization - weight - active - early
        blocks = cache.blocks(available)
        margin = available - cache.admission_gib
        slack = has * (1 - utilization) - later
        return Reckoning(available, margin, slack, blocks, cache.requests(blocks))

    return MemoryPlan(
        card=values.npu.card,
        utilization=utilization,
        memory=visible,
        weights=held,
        weight_classes=classes,
        activation=activation,
        buffers=buffers,
        late=late,
        cache=cache,
        worst=reckon(visible.low, held.high, activation.high, worst_buffers, late.high),
        likely=reckon(visible.likely, held.likely, activation.likely, buffers.likely, late.likely),
        best=reckon(visible.high, held.low, activation.low, best_buffers, late.low),
        limits=Limits(0, 0, 0),
    )


def _weights(classes: tuple[WeightClass, ...], values: Values) -> Estimate:
    total = sum(part.gib for part in classes)
    if values.parallelism.tensor == 8:
        return Estimate(
            total - 0.2,
            total + 0.1,
            total + 0.5,
            Provenance.DERIVED,
            "config.json and vllm-ascend's sharding; within the published 20.6 GB a card of W8A8 "
            "at TP 8 × DP 2. Quantization scales take 0.1 to 0.4",
        )
    return Estimate(
        total * 0.98,
        total,
        total * 1.14,
        Provenance.DERIVED,
        "config.json and vllm-ascend's sharding; at other sizes than TP 8 a log shows 14 % more "
        "(vllm-ascend issue 13439)",
    )


def _activation(batched: int) -> Estimate:
    likely = 0.3 + 0.3 * batched / 2048
    return Estimate(
        min(0.2, likely),
        likely,
        1.5 * likely,
        Provenance.ASSUMED,
        "0.21 GiB was logged in vllm-ascend issue 13439; grown with max-num-batched-tokens",
    )


def _buffers(values: Values) -> tuple[Estimate, Estimate]:
    """Communication buffers that stand at the profile run, and what comes after it."""
    text = values.engine.env.get("HCCL_BUFFSIZE") or ""
    size = int(text) if text.isdigit() else 200
    # A communicator takes its buffer twice. Group mc2 has HCCL_BUFFSIZE, tensor and expert
    # parallel 200 MB each, data parallel 50 MB.
    others = 2 * 200 + (50 if values.parallelism.data > 1 else 0)
    whole = 2 * (size + others) / 1024
    runtime, graphs = 0.2, 0.8
    source = (
        f"2 × (HCCL_BUFFSIZE {size} MB + {others} MB): Huawei's HCCL_BUFFSIZE page and "
        "vllm-ascend's get_hccl_config_for_pg_options"
    )
    return (
        Estimate(
            runtime,
            runtime + whole / 2,
            runtime + whole,
            Provenance.ASSUMED,
            f"{source}. They are made when first used: none, half or all of them before vLLM "
            "measures; 0.22 GiB was logged in vllm-ascend issue 13439",
        ),
        Estimate(
            graphs,
            graphs + whole / 2,
            graphs + whole,
            Provenance.ASSUMED,
            "graphs of 0.79 GiB were logged in vllm-ascend issue 13439, and this model's are not "
            "reserved for; the rest is buffers made after vLLM has measured",
        ),
    )


def _calibrated(
    log: Calibration,
    values: Values,
    memory: Estimate,
    held: Estimate,
    buffers: Estimate,
    late: Estimate,
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """The estimates with what a log told in the place of assumptions."""
    if log.memory is not None:
        memory = Estimate.measured(log.memory, "the engine's log")
    if log.weights is not None:
        held = Estimate.measured(log.weights, "the engine's log")
    if log.available is None:
        return memory, held, buffers, late
    batched = log.max_num_batched_tokens or values.engine.args.max_num_batched_tokens
    utilization = log.utilization or values.engine.args.gpu_memory_utilization
    active = _activation(batched)
    least = (held.low + log.available + active.low + buffers.low) / utilization
    most = (held.high + log.available + active.high + buffers.high) / utilization
    if least > memory.high + 0.5:
        raise DeployError(
            f"the log's weights and KV cache take {least:.1f} GiB or more, and a "
            f"{values.npu.card} has {memory.high:.1f}: is npu.card right?"
        )
    if most < memory.low - 0.5:
        raise DeployError(
            f"the log's weights and KV cache, with all that buffers can take, are {most:.1f} GiB, "
            f"and a {values.npu.card} has {memory.low:.1f}: is it the log of this deployment, on a "
            "card with nothing else on it?"
        )
    taken = held.likely + log.available + active.likely
    bottom, top = ((taken + gib) / utilization for gib in (buffers.low, buffers.high))
    if memory.provenance == Provenance.MEASURED:
        top = memory.high  # what seems left over is activation, which is assumed
    ends = memory.low, memory.likely, memory.high
    # With less or more memory than this, the log's figures can't be.
    low, likely, high = (max(min(gib, top), bottom) for gib in ends)
    if (low, likely, high) != ends:
        source = f"{memory.source}; narrowed by the engine's log"
        memory = Estimate(low, likely, high, Provenance.DERIVED, source)
    seen, smaller, larger = (gib * utilization - taken for gib in (likely, low, high))
    graphs = late.low
    return (
        memory,
        held,
        Estimate(
            smaller,
            seen,
            larger,
            Provenance.DERIVED,
            "the engine's log: what is left of its own sum, more on a card of more memory",
        ),
        Estimate(
            graphs,
            graphs + max(0.0, buffers.high - seen) / 2,
            graphs + max(0.0, buffers.high - smaller),
            late.provenance,
            late.source,
        ),
    )


def _limits(
    base: MemoryPlan, values: Values, memory: float | None, calibration: Calibration | None
) -> Limits:
    args = values.engine.args

    def fits(flag: str, value: int) -> bool:
        changed = values.engine.model_copy(update={"args": args.model_copy(update={flag: value})})
        tried = values.model_copy(update={"engine": changed})
        return outline(tried, memory, calibration).likely.holds

    return Limits(
        _largest(lambda n: fits("max_num_batched_tokens", n), 256, 1_048_576),
        base.likely.requests if base.likely.holds else 0,
        _largest(lambda n: fits("max_model_len", n), 1024, MAX_MODEL_LEN),
    )


def _largest(holds: Callable[[int], bool], step: int, most: int) -> int:
    """The largest multiple of ``step`` up to ``most`` that holds; 0 where none does."""
    low, high = 0, most // step
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle * step):
            low = middle
        else:
            high = middle - 1
    return low * step


# --- how it is shown ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Segment:
    """A part of the card's bar: its name, GiB with the likely figures, and how it is known."""

    name: str
    gib: float
    provenance: str


def segments(made: MemoryPlan) -> list[Segment]:
    """The parts of a card with the likely figures; a sum above its memory is an overflow."""
    needed = made.cache.admission_gib
    spare = made.likely.available - needed
    return [
        Segment("weights", made.weights.likely, made.weights.provenance),
        Segment("activation", made.activation.likely, made.activation.provenance),
        Segment("buffers", made.buffers.likely, made.buffers.provenance),
        Segment("KV cache: longest request", needed, Provenance.DERIVED),
        Segment("KV cache: more requests", max(0.0, spare), Provenance.DERIVED),
        Segment("graphs, later buffers", made.late.likely, made.late.provenance),
        Segment("free", max(0.0, made.likely.slack), Provenance.DERIVED),
    ]


def as_data(made: MemoryPlan) -> dict[str, Any]:
    """The plan as plain data, for ``-o json``; GiB a card."""
    from dataclasses import asdict

    data = asdict(made)
    data["weight_classes"] = [
        {**asdict(part), "gib": part.gib, "total_bytes": part.total_bytes}
        for part in made.weight_classes
    ]
    data["cache"] |= {
        "bytes_per_block": made.cache.bytes_per_block,
        "admission_blocks": made.cache.admission_blocks,
        "admission_gib": made.cache.admission_gib,
        "decoding_blocks": made.cache.decoding_blocks,
    }
    return {
        "verdict": made.verdict.value,
        "kv_tokens": made.kv_tokens,
        "bound_by": made.bound_by,
        **data,
    }


def bar(made: MemoryPlan, width: int = 72) -> str:
    """One card as a stacked bar of text, and its legend."""
    parts = segments(made)
    scale = width / max(made.memory.likely, sum(part.gib for part in parts))
    marks = "█▓▒#=░·"
    drawn = ""
    edge = 0.0
    for mark, part in zip(marks, parts, strict=True):
        edge += part.gib * scale
        drawn += mark * (round(edge) - len(drawn))
    limit = round(made.memory.likely * scale)
    drawn = f"{drawn[:limit]}|{drawn[limit:]}"
    legend = [
        f"{mark} {part.name} {part.gib:.2f}"
        for mark, part in zip(marks, parts, strict=True)
        if part.gib > 0
    ]
    rows = [legend[:4], legend[4:]]
    return "\n".join([drawn, *("   ".join(row) for row in rows if row)])


_COLOURS = ("#3b5b92", "#5b8fc7", "#8fb8de", "#d9822b", "#f0b56b", "#7a5195", "#e5e7eb")


def svg(made: MemoryPlan) -> str:
    """One card as a stacked bar: a standalone SVG picture."""
    from xml.sax.saxutils import escape

    parts = segments(made)
    width, left, top, height = 720, 24, 64, 48
    total = max(made.memory.likely, sum(part.gib for part in parts))
    scale = (width - 2 * left) / total
    shapes, legend = [], []
    at = 0.0
    for index, (colour, part) in enumerate(zip(_COLOURS, parts, strict=True)):
        title = escape(f"{part.name}: {part.gib:.2f} GiB ({part.provenance})")
        shapes.append(
            f'<rect x="{left + at * scale:.1f}" y="{top}" width="{part.gib * scale:.1f}" '
            f'height="{height}" fill="{colour}"><title>{title}</title></rect>'
        )
        x, y = left + (index % 2) * 340, top + height + 52 + (index // 2) * 24
        legend.append(
            f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>'
            f'<text x="{x + 20}" y="{y}">{title}</text>'
        )
        at += part.gib
    lines = [
        f'<line x1="{left + gib * scale:.1f}" x2="{left + gib * scale:.1f}" y1="{top - 8}" '
        f'y2="{top + height + 8}" stroke="#111827" stroke-dasharray="4 3"/>'
        f'<text x="{left + gib * scale:.1f}" y="{y}" text-anchor="end">{name} {gib:.1f} GiB</text>'
        for gib, name, y in (
            (made.memory.likely, "card", top - 12),
            (made.memory.likely * made.utilization, "utilization", top + height + 20),
        )
    ]
    heading = escape(f"{made.card}: {made.verdict.value} (likely figures, GiB a card)")
    body = "\n".join([*shapes, *lines, *legend])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top + height + 152}" '
        'font-family="sans-serif" font-size="12" fill="#111827">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="{left}" y="24" font-size="16" font-weight="bold">{heading}</text>\n'
        f"{body}\n</svg>\n"
    )
