"""What one card must hold: weights, KV cache, activation, buffers, graphs; and what is left.

All memory is in GiB (2^30 bytes) per card unless a name shows another unit. Weights and the KV
cache are arithmetic over the model's published config.json and the cache layout that the engine's
build makes for ``deepseek_v4``; what can't be known without the card is an :class:`Estimate` with
its range and its source. Nothing here was measured by this project: it has no NPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ..facts.estimates import GIB, Estimate
from ..facts.flags import integer
from ..facts.model import MAX_MODEL_LEN
from ..values.tree import Values
from .engine import (
    arguments,
    captured_batches,
    draft,
    engine_build,
    kv_cache,
    most_as_graph,
    runs_as_graph,
)
from .estimates import calibrated, check_log, completed, estimates
from .kv_cache import KvCache
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
        batched_requests: longest requests in flight at once with it.
        max_num_seqs: longest requests in flight at once without preemption, such that a full
            batch of them runs as a graph.
        max_model_len: in steps of 1,024 tokens.
        length_requests: longest requests in flight at once with it.
    """

    max_num_batched_tokens: int
    batched_requests: int
    max_num_seqs: int
    max_model_len: int
    length_requests: int


@dataclass(frozen=True)
class MemoryPlan:
    """What each card of a deployment holds, in GiB.

    Attributes:
        card: its name.
        build: of the engine; ``""`` where it is not known.
        notes: what is not known of the engine, and what costs speed, in sentences.
        utilization: gpu-memory-utilization.
        memory: what torch sees of the card.
        weights: the weights on one card.
        weight_classes: of what they consist.
        activation: the peak of one step's tensors.
        buffers: communication buffers that exist when vLLM measures. after_profiling: graphs, and
            the buffers that are made later; they come out of what gpu-memory-utilization leaves.
        cache: the KV cache's arithmetic.
        cache_set_by: the argument that sets the KV cache's size; ``""`` where vLLM measures it.
        worst: every estimate at its worst end.
        likely: every estimate as it is likely.
        best: every estimate at its best end.
        values: the deployment.
        given_memory: what the caller measured of the card; None where nothing was.
        calibration: the facts of a startup log; None without one.
    """

    card: str
    build: str
    notes: tuple[str, ...]
    utilization: float
    memory: Estimate
    weights: Estimate
    weight_classes: tuple[WeightClass, ...]
    activation: Estimate
    buffers: Estimate
    after_profiling: Estimate
    cache: KvCache
    cache_set_by: str
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

        def case(flag: str, value: int) -> Case:
            args = self.values.engine.args.model_copy(update={flag: value})
            engine = self.values.engine.model_copy(update={"args": args})
            tried = self.values.model_copy(update={"engine": engine})
            return plan(tried, memory=self.given_memory, calibration=self.calibration).likely

        def most(flag: str, step: int, end: int) -> tuple[int, int]:
            found = _largest(lambda value: case(flag, value).holds, step, end)
            return found, case(flag, found).requests if found else 0

        batched, batched_requests = most("max_num_batched_tokens", 256, MAX_MODEL_LEN)
        length, length_requests = most("max_model_len", 1024, MAX_MODEL_LEN)
        requests = self.likely.requests if self.likely.holds else 0
        seqs = most_as_graph(self.values, requests)
        return Limits(batched, batched_requests, seqs, length, length_requests)

    @property
    def kv_tokens(self) -> int:
        """``GPU KV cache size`` as vLLM logs it, in tokens."""
        return self.cache.tokens(self.likely.blocks)

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
    made = estimates(values, memory)
    ends_swapped = False
    if calibration:
        check_log(calibration, values, made.memory)
        calibration = completed(calibration, values)
        made = calibrated(calibration, values, made)
        # What is left of a card's sum is more on a larger card: the ends belong together.
        ends_swapped = calibration.available is not None
    buffers, later = made.buffers, made.after_profiling
    least, most = (buffers.high, buffers.low) if ends_swapped else (buffers.low, buffers.high)
    cache = kv_cache(values)
    utilization = values.engine.args.gpu_memory_utilization
    set_by, fixed = _fixed_cache(values, cache)

    def case(has: float, weight: float, active: float, before: float, after: float) -> Case:
        taken = weight + active + before
        available = has * utilization - taken if fixed is None else fixed
        slack = has - after - (has * utilization if fixed is None else taken + fixed)
        blocks = cache.blocks(available)
        margin = available - cache.admission_gib
        return Case(available, margin, slack, blocks, cache.requests(blocks))

    has, held, active = made.memory, made.weights, made.activation
    build = engine_build(values)
    return MemoryPlan(
        card=values.npu.card,
        build=build.name if build else "",
        notes=tuple(_notes(values)),
        utilization=utilization,
        memory=has,
        weights=held,
        weight_classes=weights(values),
        activation=active,
        buffers=buffers,
        after_profiling=later,
        cache=cache,
        cache_set_by=set_by,
        worst=case(has.low, held.high, active.high, most, later.high),
        likely=case(has.likely, held.likely, active.likely, buffers.likely, later.likely),
        best=case(has.high, held.low, active.low, least, later.low),
        values=values,
        given_memory=memory,
        calibration=calibration,
    )


def _fixed_cache(values: Values, cache: KvCache) -> tuple[str, float | None]:
    """The argument that sets the KV cache's size, and that in GiB; None where vLLM measures it."""
    args = arguments(values)
    for flag, unit in (
        ("num-gpu-blocks-override", cache.bytes_per_block),
        ("kv-cache-memory-bytes", 1),
    ):
        given = integer(flag, args.get(flag))
        if given is not None:
            return flag, given * unit / GIB
    return "", None


def _notes(values: Values) -> list[str]:
    """What is not known of the engine, and batches that run without a graph."""
    build = engine_build(values)
    if not build:
        notes = [
            "the engine's build is unknown, so a step's tokens are counted twice, as in the builds "
            "that need the most memory"
        ]
    else:
        notes = [f"unknown for {build.name}: {each}" for each in build.unknown]
    seqs, tokens = values.engine.args.max_num_seqs, 1 + draft(values).tokens
    if not runs_as_graph(values, seqs):
        largest = max(captured_batches(values) or [0])
        notes.append(
            f"max-num-seqs {seqs} makes batches of {seqs * tokens} tokens, but graphs are captured "
            f"only up to {largest}: larger batches run eagerly, which was reported as 7.5 times "
            "slower (vllm-ascend issue 16049)"
        )
    return notes


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
