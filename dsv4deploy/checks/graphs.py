"""Rules of drafts, batches and graphs: what the engine can capture, and what runs without."""

from __future__ import annotations

from ..facts.cards import CARDS
from ..facts.model import EXPERTS, EXPERTS_A_TOKEN, HIDDEN
from ..findings import Severity
from ..manifest.conditions import FLASHCOMM, SHARED_SPREAD, argument, equals, is_a, true, variable
from ..sizing.engine import arguments, captured_batches, draft, most_as_graph, runs_as_graph
from ..values.quantities import whole
from ..values.tree import Values
from .rule import Places, Rule

_DSPARK = equals("dspark", "speculative-config", "method")
_DRAFTS = f"{argument('speculative-config', 'num_speculative_tokens')} | int"
_DRAFTS_KNOWN = is_a("number", "speculative-config", "num_speculative_tokens")
_TENSOR = "Values.parallelism.tensor"
_MODE = "engine.args.compilation-config.cudagraph_mode"
_EVEN = (
    f"{true('enforce-eager')} or {equals('NONE', 'compilation-config', 'cudagraph_mode')} or "
    f"not {_DRAFTS_KNOWN} or {_DRAFTS} <= 0 or ({_DRAFTS} + 1) % {_TENSOR} == 0 or "
    f"{_TENSOR} % ({_DRAFTS} + 1) == 0"
)
_UNEVEN = (
    "a graph's batch size must be a multiple of both num_speculative_tokens plus 1 and the tensor "
    "parallel size, but the engine uses only the larger of the two and fails to start with `Can't "
    "determine cudagraph shapes`"
)
_UNEVEN_SOURCE = (
    "vLLM 0.22.1 to 0.27.1, config/compilation.py, adjust_cudagraph_sizes_for_spec_decode (line "
    "1464 of 0.22.1)"
)
_DIVIDE = (
    "set num_speculative_tokens so that num_speculative_tokens plus 1 divides the tensor parallel "
    "size or is a multiple of it: 1, 3, or 7 for size 8; 1, 3, 7, or 11 for size 4"
)

RULES: list[Rule] = [
    Rule(
        code="dspark-version",
        severity=Severity.ERROR,
        path="engine.args.speculative-config.method",
        condition=f"not {_DSPARK}",
        message="this engine does not support DSpark",
        fix="use an image with vLLM 0.25.0 or newer, or set the method to mtp",
        source="vLLM, config/speculative.py: line 60 of 0.25.1, and nothing in 0.24.0; "
        "vllm-ascend, tutorial DeepSeek-V4-Flash at 182b75ea84, line 42",
        engine="<0.25.0",
    ),
    Rule(
        code="dspark-tokens",
        severity=Severity.ERROR,
        path="engine.args.speculative-config.num_speculative_tokens",
        condition=f"not {_DSPARK} or not {_DRAFTS_KNOWN} or {_DRAFTS} >= 5",
        message="DSpark requires at least five draft tokens",
        fix="set it to 7, as upstream does",
        source="vllm-ascend, tutorial DeepSeek-V4-Flash at 182b75ea84, line 321",
    ),
    Rule(
        code="draft-tokens-uneven",
        severity=Severity.ERROR,
        path="engine.args.speculative-config.num_speculative_tokens",
        condition=f"not {FLASHCOMM} or {_EVEN}",
        message=f"with sequence parallelism, {_UNEVEN}",
        fix=_DIVIDE,
        source=f"{_UNEVEN_SOURCE}; vllm-ascend, worker/model_runner_v1.py, sets enable_sp (line "
        "5008 of v0.22.1rc)",
        engine="<0.27.0",
    ),
    Rule(
        code="draft-tokens-uneven-shared",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_shared_expert_dp",
        condition=f"not {SHARED_SPREAD} or {_EVEN}",
        message=f"this key turns on sequence parallelism, with which {_UNEVEN}",
        fix=f"remove enable_shared_expert_dp, or {_DIVIDE}",
        source=f"{_UNEVEN_SOURCE}; vllm-ascend, utils.py, enable_sp: line 869 of v0.22.1rc1, 925 "
        "of v0.23.0; not in v0.26.0rc1",
        engine="<0.26.0",
    ),
    Rule(
        code="piecewise-graphs",
        severity=Severity.ERROR,
        path=_MODE,
        condition=f"not {equals('PIECEWISE', 'compilation-config', 'cudagraph_mode')}",
        message="piecewise graphs are not supported for this model",
        fix="set it to FULL_DECODE_ONLY",
        source="Alauda AI documentation, DeepSeek-V4-Flash; vllm-ascend, tutorial "
        "DeepSeek-V4-Flash: every row of every build has FULL_DECODE_ONLY (lines 178 to 299 at "
        "182b75ea84)",
    ),
    Rule(
        code="piecewise-graphs-driver",
        severity=Severity.WARNING,
        path=_MODE,
        condition=f"not {equals('FULL_AND_PIECEWISE', 'compilation-config', 'cudagraph_mode')}",
        message="this mode needs more streams than drivers before HDK 25.5.1 provide",
        fix="set it to FULL_DECODE_ONLY, or make sure that every node's driver is HDK 25.5.1 or "
        "newer",
        source="vllm-ascend v0.22.1rc, release notes, FULL_AND_PIECEWISE: pull requests 9572 and "
        "9962",
        platform="HDK before 25.5.1",
    ),
    Rule(
        code="launch-blocking",
        severity=Severity.ERROR,
        path="engine.env.ASCEND_LAUNCH_BLOCKING",
        condition=f"not {variable('ASCEND_LAUNCH_BLOCKING', '1')} or {true('enforce-eager')} or "
        f"{equals('NONE', 'compilation-config', 'cudagraph_mode')}",
        message="the engine fails to start with graphs and blocking launches",
        fix="set it to null, or set engine.args.enforce-eager to true",
        source="vllm-ascend v0.22.1rc, platform.py, line 630",
    ),
]


@Rule(
    code="graph-capture-empty",
    severity=Severity.ERROR,
    path="engine.args.max-num-seqs",
    message="the engine captures graphs only for batch sizes that are multiples of the tensor "
    "parallel size, {tensor}, but no batch size is such a multiple: {why}; the engine fails to "
    "start",
    fix="raise max-num-seqs until max-num-seqs × (1 + num_speculative_tokens) reaches "
    "parallelism.tensor, or add a multiple of parallelism.tensor to cudagraph_capture_sizes",
    source="vllm-ascend, platform.py, after update_sizes_for_sequence_parallelism: line 554 of "
    "v0.22.1rc, 1053 of main at 182b75ea84",
).finder(RULES)
def _no_graph(values: Values) -> Places:
    if captured_batches(values) == []:
        seqs, tokens = values.engine.args.max_num_seqs, 1 + draft(values).tokens
        why = f"a full batch has {seqs} × {tokens} tokens"
        if _explicit(values):
            why = "cudagraph_capture_sizes contains no multiple"
        yield "", {"tensor": values.parallelism.tensor, "why": why}


def _explicit(values: Values) -> bool:
    config = arguments(values).get("compilation-config")
    return isinstance(config, dict) and "cudagraph_capture_sizes" in config


@Rule(
    code="batch-off-grid",
    severity=Severity.WARNING,
    path="engine.args.max-num-seqs",
    message="a full batch of {seqs} requests has {tokens} tokens, but graphs are captured only up "
    "to {largest}: larger batches run eagerly, which is reported to be 7.5 times slower",
    fix="set it to {near}",
    source="vLLM, config/vllm.py, _set_cudagraph_sizes, and vllm-ascend's platform.py of the "
    "build; vllm-ascend issue 16049",
).finder(RULES)
def _off_grid(values: Values) -> Places:
    seqs, sizes = values.engine.args.max_num_seqs, captured_batches(values)
    if not sizes or runs_as_graph(values, seqs):
        return
    below = most_as_graph(values, seqs - 1)
    above = next((n for n in range(seqs + 1, seqs + 65) if runs_as_graph(values, n)), None)
    near = " or ".join(str(n) for n in (below, above) if n) or "a number of requests whose batches "
    "are captured"
    tokens = seqs * (1 + draft(values).tokens)
    yield "", {"seqs": seqs, "tokens": tokens, "largest": max(sizes), "near": near}


_UNTIL_SET = 200
"""MB of a communicator's buffer where HCCL_BUFFSIZE is not set."""


@Rule(
    code="hccl-buffer",
    severity=Severity.ERROR,
    path="engine.env.HCCL_BUFFSIZE",
    message="{what is wrong with it}",
    fix="set it to 1024, the published value, or to at least {least}: a number of MB without a "
    "unit",
    source="CANN's ops-transformer, moe_distribute_dispatch_v2_tiling.cpp: the formula that it "
    "prints with `HCCL_BUFFSIZE is too SMALL`, as in vllm-ascend pull request 3073 and issue 2674; "
    "vllm-ascend, dispatch_ffn_combine_tiling.cpp, line 285 of v0.22.1rc1 to main at 182b75ea84, "
    "with enable_fused_mc2; ascend_forward_context.py, select_moe_comm_method (line 233 of "
    "v0.22.1rc) and set_mc2_tokens_capacity (line 202 of v0.23.0): which batches go this way",
).finder(RULES)
def _hccl_buffer(values: Values) -> Places:
    text, least = values.engine.env.get("HCCL_BUFFSIZE"), dispatch_buffer(values)
    if not isinstance(text, str | None):
        return  # Its value is in the cluster.
    size = _UNTIL_SET if text is None else whole(text)
    wrong = ""
    if size is None:
        wrong = f'"{text}" is not a whole number of MB'
    elif size < least:
        has = f"HCCL's default is {_UNTIL_SET}" if text is None else f"the buffer has {text}"
        wrong = (
            f"dispatching a full batch to the experts requires a buffer of {least} MB, but {has}: "
            "the engine stops at its first step"
        )
    if wrong:
        yield "", {"what is wrong with it": wrong, "least": least or _UNTIL_SET}


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def dispatch_buffer(values: Values) -> int:
    """MB of HCCL_BUFFSIZE that dispatching a full batch takes; 0 where it goes another way."""
    parallel, family = values.parallelism, CARDS[values.npu.card].family
    ranks = parallel.tensor * parallel.data
    if not parallel.expert or ranks == 1 or (family == "A2" and ranks < 16):
        return 0
    limits, given = values.engine.args, arguments(values).get("additional-config")
    keys = given if isinstance(given, dict) else {}
    step = -(-limits.max_num_batched_tokens // parallel.tensor)
    if family == "A3" and keys.get("enable_fused_mc2") == 1 and ranks <= 32:
        return -(-step * EXPERTS_A_TOKEN * HIDDEN * 3 // 2**20) + 10
    batch = limits.max_num_seqs * (1 + draft(values).tokens)
    captured = -(-max(captured_batches(values) or [batch]) // parallel.tensor)
    tokens = min(step if keys.get("enable_prefill_mc2") is True else captured, 512)
    token = 2 * HIDDEN
    # A token's scale takes 32 bytes, and its place in the batch 12.
    dispatched = EXPERTS * _up(_up(token, 32) + 44, 512) + EXPERTS_A_TOKEN * _up(token, 512)
    return -(-2 * tokens * dispatched // 2**20)
