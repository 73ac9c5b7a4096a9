"""The uncertain figures of one card, and the figures of a log that replace them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import DeployError
from ..facts.cards import CARDS
from ..facts.estimates import GIB, Estimate, Provenance
from ..values import quantities
from ..values.pods import texts
from ..values.tree import Values
from .engine import engine_build, kv_cache
from .startup_log import Calibration
from .weights import INFERRED, WeightClass, weights

_LOG = "the engine's log"
_RUNTIME, _GRAPHS = 0.2, 0.8
# A card's memory as torch sees it differs by this much between hosts.
_TOLERANCE = 0.5


@dataclass(frozen=True)
class Estimates:
    """What one card holds besides the KV cache, in GiB.

    Attributes:
        memory: what torch sees of the card.
        weights: the weights on one card.
        activation: the peak of one step's tensors.
        buffers: communication buffers that exist when vLLM measures.
        after_profiling: graphs, and the buffers that are made later; they come out of what
            gpu-memory-utilization leaves.
    """

    memory: Estimate
    weights: Estimate
    activation: Estimate
    buffers: Estimate
    after_profiling: Estimate


def estimates(values: Values, memory: float | None) -> Estimates:
    """What is known of a deployment's cards without a log; ``memory`` in GiB, where measured."""
    seen = CARDS[values.npu.card].memory
    visible = seen if memory is None else Estimate.measured(memory, "given")
    buffers, after_profiling = _buffers(values)
    return Estimates(
        memory=visible,
        weights=_weights(weights(values), values),
        activation=_activation(values.engine.args.max_num_batched_tokens),
        buffers=buffers,
        after_profiling=after_profiling,
    )


def _weights(classes: tuple[WeightClass, ...], values: Values) -> Estimate:
    total = sum(part.gib for part in classes)
    inferred = sum(part.gib * INFERRED.get(part.name, 0) for part in classes)
    if values.parallelism.tensor == 8:
        return Estimate(
            total - inferred - 0.2,
            total + 0.1,
            total + 0.5,
            Provenance.DERIVED,
            "config.json and vllm-ascend's sharding; quantization scales need 0.1 to 0.4. The "
            "published 20.6 GB per card of W8A8 at TP 8 × DP 2 is in this range, but weak "
            "evidence, because it is written as 280/16, which is 17.5",
        )
    return Estimate(
        (total - inferred) * 0.98,
        total,
        total * 1.14,
        Provenance.DERIVED,
        "config.json and vllm-ascend's sharding; for sizes other than TP 8, a log shows 14 % more "
        "(vllm-ascend issue 13439)",
    )


def _activation(batched: int) -> Estimate:
    likely = 0.3 + 0.3 * batched / 2048
    return Estimate(
        min(0.2, likely),
        likely,
        1.5 * likely,
        Provenance.ASSUMED,
        "0.21 GiB was logged in vllm-ascend issue 13439; scaled by max-num-batched-tokens",
    )


def _buffers(values: Values) -> tuple[Estimate, Estimate]:
    """Communication buffers that exist at the profile run, and what comes after it."""
    text = texts(values.engine.env).get("HCCL_BUFFSIZE", "")
    given = quantities.whole(text)
    size = 200 if given is None else given
    # A communicator takes its buffer twice. Group mc2 has HCCL_BUFFSIZE, tensor and expert
    # parallel 200 MB each, data parallel 50 MB.
    others = 2 * 200 + (50 if values.parallelism.data > 1 else 0)
    whole = 2 * (size + others) / 1024
    source = (
        f"2 × (HCCL_BUFFSIZE {size} MB + {others} MB): Huawei's HCCL_BUFFSIZE page and "
        "vllm-ascend's get_hccl_config_for_pg_options"
    )
    return (
        Estimate(
            _RUNTIME,
            _RUNTIME + whole / 2,
            _RUNTIME + whole,
            Provenance.ASSUMED,
            f"{source}. They are created at first use: none, half or all of them before vLLM "
            "measures; 0.22 GiB was logged in vllm-ascend issue 13439",
        ),
        Estimate(
            _GRAPHS,
            _GRAPHS + whole / 2,
            _GRAPHS + whole,
            Provenance.ASSUMED,
            "graphs of 0.79 GiB were logged in vllm-ascend issue 13439, and no known build "
            "reserves memory for this model's graphs; the rest is buffers that are created after "
            "vLLM has measured",
        ),
    )


def check_log(log: Calibration, values: Values, memory: Estimate) -> None:
    """Rejects a log that can't be from this deployment.

    Raises:
        DeployError: it is of another card, another version of vLLM or other parallel sizes.
    """
    build = engine_build(values)
    parallel = values.parallelism
    for what, logged, here, path in (
        ("vLLM", log.version, build and build.vllm.version, "engine.image"),
        ("tensor-parallel-size", log.tensor, parallel.tensor, "parallelism.tensor"),
        ("data-parallel-size", log.data, parallel.data, "parallelism.data"),
    ):
        if logged is not None and here is not None and logged != here:
            raise DeployError(
                f"the log is of another engine, which has {what} {logged}, but this deployment has "
                f"{here}; pass the log of this deployment, or set {path} to the log's value"
            )
    if log.memory is None:
        return
    low, high = memory.low - _TOLERANCE, memory.high + _TOLERANCE
    if not low <= log.memory <= high:
        raise DeployError(
            f"the log is of another card, which has {log.memory:.2f} GiB, but a "
            f"{values.npu.card} has {memory.low:.1f} to {memory.high:.1f}; check npu.card"
        )


def completed(log: Calibration, values: Values) -> Calibration:
    """A log with what it lacks of its start taken from here, and blocks turned into memory."""
    args = values.engine.args
    batched = log.max_num_batched_tokens or args.max_num_batched_tokens
    length = log.max_model_len or args.max_model_len
    cache = replace(kv_cache(values), max_model_len=length, max_num_batched_tokens=batched)
    available, blocks = log.available, log.blocks
    if blocks is None and log.tokens is not None:
        blocks = cache.blocks_of_tokens(log.tokens)
    if available is None and blocks is not None:
        available = blocks * cache.bytes_per_block / GIB
    return replace(
        log,
        available=available,
        max_num_batched_tokens=batched,
        utilization=log.utilization or args.gpu_memory_utilization,
    )


def _shifted(measured: float, batched: int, values: Values) -> Estimate:
    """A measured activation, moved to this deployment's step by what is assumed of a step."""
    here = values.engine.args.max_num_batched_tokens
    if here == batched:
        return Estimate.measured(measured, _LOG)
    shift = _activation(here).likely - _activation(batched).likely
    ends = sorted((measured, max(0.0, measured + 1.5 * shift)))
    return Estimate(
        ends[0],
        max(0.0, measured + shift),
        ends[1],
        Provenance.DERIVED,
        f"{_LOG} at max-num-batched-tokens {batched}; scaled by it",
    )


def calibrated(log: Calibration, values: Values, assumed: Estimates) -> Estimates:
    """The estimates, with assumptions replaced by the figures of a completed log.

    Raises:
        DeployError: the log's figures can't be of this deployment on this card.
    """
    memory, held, buffers = assumed.memory, assumed.weights, assumed.buffers
    if log.memory is not None:
        memory = Estimate.measured(log.memory, _LOG)
    if log.weights is not None:
        held = Estimate.measured(log.weights, _LOG)
    if log.non_torch is not None:
        buffers = Estimate.measured(log.non_torch, _LOG)
    batched = log.max_num_batched_tokens or values.engine.args.max_num_batched_tokens
    here, there = assumed.activation, _activation(batched)
    if log.activation is not None:
        there = Estimate.measured(log.activation, _LOG)
        here = _shifted(log.activation, batched, values)
    after_profiling = assumed.after_profiling
    made = Estimates(memory, held, here, buffers, after_profiling)
    if log.available is not None:
        made = _balanced(log, values, replace(made, activation=there))
        made = replace(made, activation=here)
    rest = Estimate(
        assumed.buffers.high - made.buffers.high,
        assumed.buffers.high - made.buffers.likely,
        assumed.buffers.high - made.buffers.low,
        Provenance.ASSUMED,
        "",
    )
    if log.graphs is not None:
        return replace(
            made,
            after_profiling=Estimate(
                log.graphs,
                log.graphs,
                log.graphs + max(0.0, rest.high),
                Provenance.MEASURED,
                f"{_LOG}, after its warm-up; at most, the buffers that it did not use come later",
            ),
        )
    if log.available is None:
        return made
    return replace(
        made,
        after_profiling=replace(
            after_profiling,
            low=_GRAPHS,
            likely=_GRAPHS + max(0.0, rest.likely) / 2,
            high=_GRAPHS + max(0.0, rest.high),
        ),
    )


def _balanced(log: Calibration, values: Values, made: Estimates) -> Estimates:
    """The card's memory and its buffers such that the log's own sum comes out."""
    utilization = log.utilization or values.engine.args.gpu_memory_utilization
    available = log.available or 0.0
    memory, held, active, buffers = made.memory, made.weights, made.activation, made.buffers
    least = (held.low + available + active.low + buffers.low) / utilization
    most = (held.high + available + active.high + buffers.high) / utilization
    if least > memory.high + _TOLERANCE:
        raise DeployError(
            f"the log's weights and KV cache need at least {least:.1f} GiB, but a "
            f"{values.npu.card} has {memory.high:.1f}; check npu.card"
        )
    if most < memory.low - _TOLERANCE:
        raise DeployError(
            f"the log's weights and KV cache, with the largest buffers, need only {most:.1f} GiB, "
            f"but a {values.npu.card} has {memory.low:.1f}; check that the log is of this "
            "deployment, and that nothing else used the card"
        )
    taken = held.likely + available + active.likely
    bottom, top = ((taken + gib) / utilization for gib in (buffers.low, buffers.high))
    if memory.provenance == Provenance.MEASURED:
        # What seems left over is rounding, or activation that is assumed.
        top = memory.high
    if log.non_torch is not None:
        bottom = min(bottom, memory.low)
    ends = memory.low, memory.likely, memory.high
    # With less or more memory than this, the log's figures can't be.
    low, likely, high = (max(min(gib, top), bottom) for gib in ends)
    if (low, likely, high) != ends:
        source = f"{memory.source}; narrowed by {_LOG}"
        memory = Estimate(low, likely, high, Provenance.DERIVED, source)
    seen, smaller, larger = (gib * utilization - taken for gib in (likely, low, high))
    measured = log.non_torch is not None
    return replace(
        made,
        memory=memory,
        buffers=Estimate(
            smaller,
            seen,
            larger,
            Provenance.MEASURED if measured else Provenance.DERIVED,
            f"{_LOG}: what is left of its own sum"
            + ("" if measured else ", more on a card of more memory"),
        ),
    )
