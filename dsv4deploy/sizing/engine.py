"""What a deployment's engine does that its sizes depend on: build, draft, graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..facts.builds import Build, builds, deployed
from ..facts.cards import CARDS
from ..manifest.conditions import DSA_CP, FLASHCOMM, SHARED_SPREAD, SHARED_WHOLE, holds
from ..values.tree import Values
from .kv_cache import KvCache

# vLLM's config/vllm.py, __post_init__: with another method, asynchronous scheduling is off unless
# the arguments turn it on.
_ASYNC_METHODS = {"", "mtp", "eagle", "eagle3", "extract_hidden_states", "dflash", "ngram_gpu"}
_DRAFT_LAYERS = {"mtp": 1, "dspark": 3}
_MOST_CAPTURED = 512


@dataclass(frozen=True)
class Draft:
    """How the engine speculates.

    Attributes:
        method: vLLM's name of it, aliases resolved; ``""`` without speculation.
        tokens: that it proposes a step; 0 without speculation.
        layers: of the model that draft it, each with weights and a cache.
    """

    method: str
    tokens: int
    layers: int


def engine_build(values: Values) -> Build | None:
    """The build that a deployment runs; None where it is not known."""
    return deployed(values.engine.build, values.engine.image)


def arguments(values: Values) -> dict[str, Any]:
    """VLLM's arguments by their flags without ``--``."""
    return values.engine.args.model_dump(by_alias=True)


def draft(values: Values) -> Draft:
    """How a deployment speculates."""
    config = arguments(values).get("speculative-config")
    tokens = config.get("num_speculative_tokens") if isinstance(config, dict) else 0
    if not isinstance(config, dict) or not isinstance(tokens, int) or tokens <= 0:
        return Draft("", 0, 0)
    given = str(config.get("method", "mtp"))
    build = engine_build(values)
    known = build.vllm.speculative_methods.get(given) if build else None
    method = known or ("mtp" if given.endswith("_mtp") else given)
    return Draft(method, tokens, _DRAFT_LAYERS.get(method, 0))


def schedules_ahead(values: Values) -> bool:
    """Whether the engine prepares a step while another one runs (asynchronous scheduling)."""
    wanted = arguments(values).get("async-scheduling")
    if isinstance(wanted, bool):
        return wanted
    method = draft(values).method
    # vLLM takes DSpark since 0.25.0, with asynchronous scheduling.
    return method in {*_ASYNC_METHODS, "dspark"}


def kv_cache(values: Values) -> KvCache:
    """The KV cache of a deployment. An unknown block size counts as 32, as the engine takes it."""
    args = values.engine.args
    speculation = draft(values)
    build = engine_build(values)
    # Of a build that is not known the larger need is assumed.
    ahead = build.steps_in_flight if build else 2
    return KvCache(
        block_size=args.block_size if args.block_size in (32, 64, 128) else 32,
        max_model_len=args.max_model_len,
        max_num_batched_tokens=args.max_num_batched_tokens,
        draft_tokens=speculation.tokens,
        draft_layers=speculation.layers,
        steps_in_flight=ahead if schedules_ahead(values) else 1,
        logs_needed_blocks=build.logs_needed_blocks if build else False,
        family=CARDS[values.npu.card].family,
    )


def flashcomm(values: Values) -> bool:
    """Whether FlashComm v1 (sequence parallelism) is on, in a build that has it.

    Before v0.26, vllm-ascend turns it on for whole shared experts (ascend_config.py, line 122 of
    v0.23.0, and utils.py, enable_sp, line 925).
    """
    build, switch = engine_build(values), _switch(values)
    if switch != "boolean":
        return False
    follows = build is not None and ("enable_shared_expert_dp",) in build.refusals.values()
    return holds(FLASHCOMM, values) or (follows and holds(SHARED_SPREAD, values))


def dsa_cp(values: Values) -> bool:
    """Whether DSA-CP is on; in v0.30.0rc2 it needs the sizes of vLLM's sequence parallelism."""
    return holds(DSA_CP, values) and (_switch(values) != "text" or _splits(values))


def _switch(values: Values) -> str:
    """How the build reads the variable VLLM_ASCEND_ENABLE_FLASHCOMM1.

    ``boolean`` where vllm-ascend's envs.py has it, and of an unknown build; ``text`` where it
    turns vLLM's own sequence parallelism on (v0.30.0rc2); ``""`` where nothing reads it.
    """
    build = engine_build(values)
    return str(build.variables.get("VLLM_ASCEND_ENABLE_FLASHCOMM1", "")) if build else "boolean"


def _splits(values: Values) -> bool:
    """Whether the sizes allow vLLM's sequence parallelism (use_sequence_parallel_moe)."""
    sizes = values.parallelism
    return sizes.expert and sizes.tensor > 1 and sizes.data > 1


def _aligned(values: Values) -> bool:
    """Whether graphs are made for multiples of the tensor parallel size only.

    Without FlashComm v1, vllm-ascend's platform.py (main at 182b75ea84, line 1042) does so for
    DSA-CP and for whole shared experts, and v0.30.0rc2 (line 1279) for vLLM's sequence
    parallelism as well.
    """
    switch = _switch(values)
    if switch == "boolean":
        return flashcomm(values)
    parallel = switch == "text" and holds(FLASHCOMM, values) and _splits(values)
    return parallel or dsa_cp(values) or holds(SHARED_WHOLE, values)


def captured_batches(values: Values) -> list[int] | None:
    """Batches in tokens that run as graphs; None where the engine makes no graphs.

    vllm-ascend's platform.py takes vLLM's grid up to max-num-seqs times the tokens of a decoding
    step, 512 at most, and drops what tensor parallelism does not divide under sequence
    parallelism. Larger batches run without a graph.
    """
    args = arguments(values)
    compilation = args.get("compilation-config")
    compilation = compilation if isinstance(compilation, dict) else {}
    if args.get("enforce-eager") is True or compilation.get("cudagraph_mode") == "NONE":
        return None
    build = engine_build(values)
    known = build or builds()[-1]
    largest = args["max-num-seqs"] * (1 + draft(values).tokens)
    explicit = compilation.get("cudagraph_capture_sizes")
    sizes = (
        sorted({size for size in explicit if type(size) is int})
        if isinstance(explicit, list | tuple)
        else known.vllm.captured(min(largest, _MOST_CAPTURED))
    )
    tensor = values.parallelism.tensor
    if tensor > 1 and _aligned(values):
        sizes = [size for size in sizes if size % tensor == 0]
    return sizes


def runs_as_graph(values: Values, max_num_seqs: int) -> bool:
    """Whether a full batch of that many requests runs as a graph, or none does."""
    args = values.engine.args.model_copy(update={"max_num_seqs": max_num_seqs})
    engine = values.engine.model_copy(update={"args": args})
    sizes = captured_batches(values.model_copy(update={"engine": engine}))
    return sizes is None or max_num_seqs * (1 + draft(values).tokens) in sizes


def most_as_graph(values: Values, requests: int) -> int:
    """The largest full batch of no more requests that runs as a graph; 0 where none does."""
    sizes = captured_batches(values)
    if sizes is None:
        return requests
    step = 1 + draft(values).tokens
    tried = {size // step for size in (*sizes, *range(_MOST_CAPTURED + 1))}
    fitting = sorted((n for n in tried if 0 < n <= requests), reverse=True)
    return next((n for n in fitting if runs_as_graph(values, n)), 0)
