"""What one card must hold: weights, KV cache, activation, buffers, graphs; and what is left.

All memory is in GiB (2^30 bytes) a card unless a name says otherwise. Weights and the KV cache
are arithmetic over the model's published config.json and the cache layout that vllm-ascend's
release v0.22.1rc builds for ``deepseek_v4``; what can't be known without the card is an
:class:`Estimate` with its range and its source. Nothing here was measured by this project: it
has no NPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import ceil

from ..errors import DeployError
from ..facts.cards import CARDS
from ..facts.estimates import GIB, Estimate, Provenance
from ..facts.model import MAX_MODEL_LEN
from ..values import quantities
from ..values.tree import Values
from .kv_cache import KvCache, kv_cache
from .startup_log import Calibration
from .weights import WeightClass, weights


class Verdict(StrEnum):
    """Whether a deployment fits on its cards."""

    FITS = "fits"
    """Every estimate may be at its worst."""
    TIGHT = "tight"
    """It fits with the likely figures, and not with the worst."""
    DOES_NOT_FIT = "does not fit"
    """It does not fit with the likely figures."""


@dataclass(frozen=True)
class Case:
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
        after_profiling: graphs, and the buffers that are made later; they come out of what
            gpu-memory-utilization leaves.
        cache: the KV cache's arithmetic.
        worst: every estimate at its worst end.
        likely: every estimate as it is likely.
        best: every estimate at its best end.
        values: the deployment.
        given_memory: what the caller measured of the card; None where nothing was.
        calibration: what the log of a start says; None without one.
    """

    card: str
    utilization: float
    memory: Estimate
    weights: Estimate
    weight_classes: tuple[WeightClass, ...]
    activation: Estimate
    buffers: Estimate
    after_profiling: Estimate
    cache: KvCache
    worst: Case
    likely: Case
    best: Case
    values: Values
    given_memory: float | None
    calibration: Calibration | None

    @property
    def verdict(self) -> Verdict:
        """Whether it fits."""
        if self.worst.holds:
            return Verdict.FITS
        return Verdict.TIGHT if self.likely.holds else Verdict.DOES_NOT_FIT

    @cached_property
    def limits(self) -> Limits:
        """The most that still fits, found by planning again with other arguments."""
        args = self.values.engine.args

        def fits(flag: str, value: int) -> bool:
            engine = self.values.engine.model_copy(
                update={"args": args.model_copy(update={flag: value})}
            )
            tried = self.values.model_copy(update={"engine": engine})
            return plan(tried, memory=self.given_memory, calibration=self.calibration).likely.holds

        return Limits(
            _largest(lambda n: fits("max_num_batched_tokens", n), 256, 1_048_576),
            self.likely.requests if self.likely.holds else 0,
            _largest(lambda n: fits("max_model_len", n), 1024, MAX_MODEL_LEN),
        )

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

    def case(has: float, weight: float, active: float, early: float, later: float) -> Case:
        available = has * utilization - weight - active - early
        blocks = cache.blocks(available)
        margin = available - cache.admission_gib
        slack = has * (1 - utilization) - later
        return Case(available, margin, slack, blocks, cache.requests(blocks))

    return MemoryPlan(
        card=values.npu.card,
        utilization=utilization,
        memory=visible,
        weights=held,
        weight_classes=classes,
        activation=activation,
        buffers=buffers,
        after_profiling=late,
        cache=cache,
        worst=case(visible.low, held.high, activation.high, worst_buffers, late.high),
        likely=case(visible.likely, held.likely, activation.likely, buffers.likely, late.likely),
        best=case(visible.high, held.low, activation.low, best_buffers, late.low),
        values=values,
        given_memory=memory,
        calibration=calibration,
    )


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
    given = quantities.whole(values.engine.env.get("HCCL_BUFFSIZE") or "")
    size = 200 if given is None else given
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
