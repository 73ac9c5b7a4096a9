"""Rules of the engine: its arguments and variables, by what breaks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import nearest
from ..facts import flags
from ..facts.builds import builds
from ..facts.model import MAX_MODEL_LEN
from ..findings import Severity
from ..manifest.conditions import (
    DSA_CP,
    FLASHCOMM,
    argument,
    equals,
    false,
    has,
    is_a,
    true,
    variable,
)
from ..sizing.engine import engine_build
from ..values.tree import Values
from .rule import Places, Rule

OWNED_FLAGS = {
    "api-server-count": "engine.apiServerCount",
    "data-parallel-address": "parallelism.data",
    "data-parallel-rpc-port": "parallelism.rpcPort",
    "data-parallel-size": "parallelism.data",
    "data-parallel-size-local": "parallelism.dataLocal",
    "data-parallel-start-rank": "parallelism.data",
    "enable-expert-parallel": "parallelism.expert",
    "headless": "parallelism.data",
    "kv-transfer-config": "kvStore",
    "model": "engine.server",
    "port": "engine.port",
    "served-model-name": "model.name",
    "shutdown-timeout": "engine.termination.shutdownTimeoutSeconds",
    "tensor-parallel-size": "parallelism.tensor",
}
"""What the template itself puts on the command line, and the value that each comes from."""

_MTP = equals("mtp", "speculative-config", "method")
_DSPARK = equals("dspark", "speculative-config", "method")
_DRAFTS = argument("speculative-config", "num_speculative_tokens")
_DRAFTS_KNOWN = is_a("number", "speculative-config", "num_speculative_tokens")
_SPECULATES = is_a("mapping", "speculative-config")
_LOADER = ("model-loader-extra-config", "enable_multithread_load")
_LOADER_SOURCE = (
    "default_loader.py of vLLM 0.24.0 and 0.25.0, read: 0.23.0 has no such test; vLLM pull request "
    "45196, merged on 2026-06-17, so an image built of vLLM's main branch may have it under an "
    "older number; vllm-ascend issue 13392"
)
_SEQS, _BATCHED = argument("max-num-seqs"), argument("max-num-batched-tokens")
_LENGTH = argument("max-model-len")

RULES: list[Rule] = [
    Rule(
        code="owned-flag",
        severity=Severity.ERROR,
        path="engine.args.{name}",
        condition='"{name}" not in Values.engine.args',
        message="--{name} comes from {owner}",
        fix="set {owner} and leave engine.args.{name} out",
        source="the engine's template: a flag that stands twice means the last one",
        table=OWNED_FLAGS,
    ),
    Rule(
        code="tensor-parallel-size",
        severity=Severity.ERROR,
        path="parallelism.tensor",
        condition="Values.parallelism.tensor in (1, 2, 4, 8)",
        message="the model's output projection has 8 groups, which tensor parallel ranks share "
        "evenly or not at all",
        fix="set it to 1, 2, 4 or 8",
        source="config.json: o_groups 8; vllm-ascend v0.22.1rc, models/deepseek_v4.py",
    ),
    Rule(
        code="expert-parallel-size",
        severity=Severity.ERROR,
        path="parallelism.data",
        condition="not Values.parallelism.expert or "
        "256 % (Values.parallelism.tensor * Values.parallelism.data) == 0",
        message="with expert parallelism, tensor × data ranks share the model's 256 experts evenly "
        "or not at all",
        fix="choose parallelism.tensor and parallelism.data whose product divides 256",
        source="config.json: n_routed_experts 256; vllm-ascend v0.22.1rc, models/deepseek_v4.py",
    ),
    Rule(
        code="flashcomm-needs-experts",
        severity=Severity.ERROR,
        path="engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1",
        condition=f"not {FLASHCOMM} or "
        "(Values.parallelism.expert and Values.parallelism.tensor > 1)",
        message="sequence parallelism of a mixture of experts needs expert parallelism and a "
        "tensor parallel size above 1; the engine stops at its start",
        fix="set parallelism.expert to true and parallelism.tensor above 1, or set this to null",
        source="vllm-ascend v0.22.1rc, platform.py",
    ),
    Rule(
        code="flashcomm-removed",
        severity=Severity.WARNING,
        path="engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1",
        condition=f"not {FLASHCOMM}",
        message="this engine has FlashComm v1 no longer, so the setting does nothing",
        fix="set it to null",
        source="vllm-ascend pull request 13946, merged after the branch of v0.26.0rc",
        engine=">=0.27.0",
    ),
    Rule(
        code="dsa-cp-needs-flashcomm",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not {DSA_CP} or {FLASHCOMM}",
        message="DSA-CP needs sequence parallelism; the engine stops at its start with `DSA CP "
        "requires SP`",
        fix='set engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1 to "1", or take enable_dsa_cp out',
        source="vllm-ascend v0.22.1rc, utils.py, and its additional_config.md",
        engine="<0.27.0",
    ),
    Rule(
        code="dsa-cp-crashes",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not ({DSA_CP} and {_MTP})",
        message="on this engine DSA-CP with MTP crashes or hangs in sustained decoding of 8k "
        "prompts: its index buffer is wrong",
        fix="take enable_dsa_cp out, or use an image with vLLM 0.23.0 or newer",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8); vllm-ascend issues 9746, 10095",
        engine="<0.23.0",
    ),
    Rule(
        code="graph-capture-empty",
        severity=Severity.ERROR,
        path="engine.args.max-num-seqs",
        condition=f"not {FLASHCOMM} or {true('enforce-eager')} or ({_SPECULATES} and "
        f"not {_DRAFTS_KNOWN}) or "
        f"{_SEQS} >= Values.parallelism.tensor or ({_DRAFTS_KNOWN} and "
        f"{_SEQS} * ({_DRAFTS} | int + 1) >= Values.parallelism.tensor)",
        message="with sequence parallelism graphs are captured for multiples of the tensor "
        "parallel size only, and max-num-seqs × (1 + num_speculative_tokens) is below the first: "
        "the engine stops at its start",
        fix="raise max-num-seqs until that product reaches parallelism.tensor",
        source="vllm-ascend v0.22.1rc, platform.py; vLLM 0.22.1, "
        "update_sizes_for_sequence_parallelism; inferred, not run",
    ),
    Rule(
        code="batched-tokens-uneven",
        severity=Severity.WARNING,
        path="engine.args.max-num-batched-tokens",
        condition=f"not {FLASHCOMM} or {_BATCHED} % Values.parallelism.tensor == 0",
        message="with sequence parallelism a step's tokens are split over the tensor parallel "
        "ranks, and this is no multiple of them",
        fix="choose a multiple of parallelism.tensor",
        source="vllm-ascend v0.22.1rc, ascend_config.py: only adjusted for prefill context "
        "parallelism",
    ),
    Rule(
        code="batched-tokens-below-seqs",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f"{_BATCHED} >= {_SEQS}",
        message="a step must hold a token of each request; the engine stops at its start",
        fix="set it to max-num-seqs or more",
        source="vLLM 0.22.1, SchedulerConfig, run",
    ),
    Rule(
        code="batched-tokens-below-length",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f"not {false('enable-chunked-prefill')} or {_BATCHED} >= {_LENGTH}",
        message="without chunked prefill a whole prompt must fit in one step; the engine stops at "
        "its start",
        fix="leave enable-chunked-prefill out, or raise this to max-model-len",
        source="vLLM 0.22.1, SchedulerConfig, run",
    ),
    Rule(
        code="model-length",
        severity=Severity.ERROR,
        path="engine.args.max-model-len",
        condition=f"{_LENGTH} <= {MAX_MODEL_LEN}",
        message=f"the model's positions end at {MAX_MODEL_LEN}",
        fix=f"set it to {MAX_MODEL_LEN} or less",
        source="config.json: max_position_embeddings",
    ),
    Rule(
        code="quantization",
        severity=Severity.ERROR,
        path="engine.args.quantization",
        condition=equals("ascend", "quantization"),
        message="these weights are quantized for Ascend, and vLLM's parser takes any word here",
        fix="set it to ascend",
        source="Alauda AI documentation, DeepSeek-V4-Flash; vLLM 0.22.1's parser, run",
    ),
    Rule(
        code="tokenizer-mode",
        severity=Severity.ERROR,
        path="engine.args.tokenizer-mode",
        condition=equals("deepseek_v4", "tokenizer-mode"),
        message="without this model's own encoding of messages, prompts are put together wrongly "
        "and answers are garbage; vLLM's parser takes any word here",
        fix="set it to deepseek_v4",
        source="vLLM 0.22.1, tokenizers/deepseek_v4.py; its parser, run",
    ),
    Rule(
        code="chat-template-ignored",
        severity=Severity.WARNING,
        path="engine.args.chat-template",
        condition=f"not {is_a('string', 'chat-template')} or "
        f"not {equals('deepseek_v4', 'tokenizer-mode')}",
        message="under tokenizer-mode deepseek_v4 the template is not used, and yet the engine "
        "stops at its start where the file is missing",
        fix="set it to null",
        source="vLLM 0.22.1, tokenizers/deepseek_v4.py and validate_parsed_serve_args, run",
    ),
    Rule(
        code="tool-calls-as-text",
        severity=Severity.WARNING,
        path="engine.args.tool-call-parser",
        condition=has("tool-call-parser"),
        message="tool calls come back as text inside of the answer",
        fix="set tool-call-parser to deepseek_v4 and enable-auto-tool-choice to true",
        source="vllm-ascend's tutorial sets both; vllm-ascend issues 8997, 8875, 8713",
    ),
    Rule(
        code="tool-choice-without-parser",
        severity=Severity.ERROR,
        path="engine.args.enable-auto-tool-choice",
        condition=f"not {true('enable-auto-tool-choice')} or {has('tool-call-parser')}",
        message="the engine stops at its start without a tool-call-parser",
        fix="set engine.args.tool-call-parser to deepseek_v4",
        source="vLLM 0.22.1, validate_parsed_serve_args, run",
    ),
    Rule(
        code="api-key-in-arguments",
        severity=Severity.ERROR,
        path="engine.args.api-key",
        condition=f"not ({has('api-key')})",
        message="the key would stand in the manifest for all to read, and vLLM asks for it on some "
        "of its paths only",
        fix="take it out, and give clients keys through maas",
        source="vLLM issue 58144",
    ),
    Rule(
        code="dspark-version",
        severity=Severity.ERROR,
        path="engine.args.speculative-config.method",
        condition=f"not {_DSPARK}",
        message="this engine does not know DSpark",
        fix="use an image with vLLM 0.25.0 or newer, or method mtp",
        source="vllm-ascend, tutorial DeepSeek-V4-Flash",
        engine="<0.25.0",
    ),
    Rule(
        code="dspark-tokens",
        severity=Severity.ERROR,
        path="engine.args.speculative-config.num_speculative_tokens",
        condition=f"not {_DSPARK} or not {_DRAFTS_KNOWN} or {_DRAFTS} | int >= 5",
        message="DSpark drafts five tokens or more",
        fix="set it to 7, as upstream does",
        source="vllm-ascend, tutorial DeepSeek-V4-Flash",
    ),
    Rule(
        code="piecewise-graphs",
        severity=Severity.ERROR,
        path="engine.args.compilation-config.cudagraph_mode",
        condition=f"not {equals('PIECEWISE', 'compilation-config', 'cudagraph_mode')}",
        message="piecewise graphs are not supported for this model",
        fix="set it to FULL_DECODE_ONLY",
        source="Alauda AI documentation, DeepSeek-V4-Flash; vllm-ascend's documentation",
    ),
    Rule(
        code="piecewise-graphs-driver",
        severity=Severity.WARNING,
        path="engine.args.compilation-config.cudagraph_mode",
        condition=f"not {equals('FULL_AND_PIECEWISE', 'compilation-config', 'cudagraph_mode')}",
        message="this mode needs more streams than drivers before HDK 25.5.1 have",
        fix="set it to FULL_DECODE_ONLY, or see that every node's driver is new enough",
        source="vllm-ascend's documentation: the stream budget of FULL_AND_PIECEWISE",
        platform="HDK before 25.5.1",
    ),
    Rule(
        code="multithread-text",
        severity=Severity.ERROR,
        path="engine.args.model-loader-extra-config.enable_multithread_load",
        condition=f"not ({has(*_LOADER)}) or {argument(*_LOADER)} is boolean",
        message="this engine stops at its start where it is no boolean",
        fix="write true without quotes, or take it out",
        source=_LOADER_SOURCE,
        engine=">=0.24.0",
    ),
    Rule(
        code="multithread-strategy",
        severity=Severity.ERROR,
        path="engine.args.safetensors-load-strategy",
        condition=f"not ({true(*_LOADER)} or {equals('true', *_LOADER)}) or "
        f"not {is_a('string', 'safetensors-load-strategy')} or "
        f"{equals('lazy', 'safetensors-load-strategy')}",
        message="with enable_multithread_load this engine knows no strategy but lazy, and stops at "
        "its start",
        fix="set it to null, or take enable_multithread_load out of model-loader-extra-config",
        source=_LOADER_SOURCE,
        engine=">=0.24.0",
    ),
    Rule(
        code="launch-blocking",
        severity=Severity.ERROR,
        path="engine.env.ASCEND_LAUNCH_BLOCKING",
        condition=f"not {variable('ASCEND_LAUNCH_BLOCKING', '1')} or {true('enforce-eager')}",
        message="with graphs the engine stops at its start",
        fix="set it to null, or set engine.args.enforce-eager to true",
        source="vllm-ascend v0.22.1rc, platform.py",
    ),
    Rule(
        code="shared-experts-mixed",
        severity=Severity.ERROR,
        path="engine.args.additional-config.mix_placement",
        condition=f"not ({true('additional-config', 'mix_placement')} and "
        f"{true('additional-config', 'multistream_overlap_shared_expert')})",
        message="it can't be together with multistream_overlap_shared_expert",
        fix="take one of the two out",
        source="vllm-ascend v0.22.1rc, ascend_config.py",
    ),
    Rule(
        code="dead-use-v1",
        severity=Severity.WARNING,
        path="engine.env.VLLM_USE_V1",
        condition=f"not {variable('VLLM_USE_V1')}",
        message="this engine does not read it: there is no other engine any more",
        fix="set it to null",
        source="vLLM 0.22.1, envs.py: it is not there",
    ),
    Rule(
        code="openmp-binding",
        severity=Severity.WARNING,
        path="engine.env.OMP_PROC_BIND",
        condition=f"not {variable('OMP_PROC_BIND', 'true')}",
        message="every process's threads are pinned to the first CPU",
        fix='set it to "false"',
        source="vllm-ascend issue 11307",
    ),
]


def _arguments(values: Values) -> dict[str, Any]:
    return values.engine.args.model_dump(by_alias=True)


@Rule(
    code="engine-flag",
    severity=Severity.ERROR,
    path="engine.args",
    message="{what vLLM's parser would reject or misread}",
    fix="correct the flag, or take it out with null",
    source="the command-line parser of the build's vLLM, read out of its sources",
).finder(RULES)
def _flags(values: Values) -> Places:
    build = engine_build(values)
    if not build:
        return
    for flag, value in _arguments(values).items():
        problem = flags.problem(build.vllm.version, flag, value)
        if problem and flag not in OWNED_FLAGS:
            yield f"engine.args.{flag}", {"what vLLM's parser would reject or misread": problem}


@Rule(
    code="unknown-build",
    severity=Severity.WARNING,
    path="engine.build",
    message="{what}, so what depends on the build is not checked: flags, parsers, keys of "
    "additional-config, variables, chips, and rules of some builds only",
    fix="if the image was made from one of the known builds, set engine.build to it ({builds}); "
    "otherwise leave it, and compare with the documentation of the image",
    source="the facts of builds that ship with this package, docs/engine-builds.md",
).finder(RULES)
def _unknown_build(values: Values) -> Places:
    if engine_build(values):
        return
    name, known = values.engine.build, [each.name for each in builds()]
    wrong = f"there is no build {name}{nearest(name, known)}"
    what = wrong if name else "the image's tag names no known build"
    yield "", {"what": what, "builds": ", ".join(known)}


def _texts(values: Values, word: str) -> Places:
    """Each boolean of an argument's JSON that is the text of a word."""
    for flag, value in _arguments(values).items():
        for path in _paths(value, word):
            yield f"engine.args.{flag}.{path}", {}


def _paths(tree: Any, word: str) -> Iterator[str]:
    for key, value in tree.items() if isinstance(tree, dict) else ():
        yield from (f"{key}.{below}" for below in _paths(value, word))
        if isinstance(value, str) and value.lower() == word:
            yield key


@Rule(
    code="text-for-boolean",
    severity=Severity.WARNING,
    path="engine.args",
    message='"true" in quotes is text, and not every engine takes it',
    fix="write true without quotes",
    source="vllm-ascend v0.22.1rc, ascend_config.py: any text is true; vLLM pull request "
    "45196: text is refused",
).finder(RULES)
def _true_as_text(values: Values) -> Places:
    return _texts(values, "true")


@Rule(
    code="text-for-false",
    severity=Severity.ERROR,
    path="engine.args",
    message='"false" in quotes is text, and counts as true',
    fix="write false without quotes",
    source="vllm-ascend v0.22.1rc, ascend_config.py: any text is true",
).finder(RULES)
def _false_as_text(values: Values) -> Places:
    return _texts(values, "false")


# Top-level keys of --additional-config that vllm-ascend's ascend_config.py and utils.py read in
# the versions whose branches were looked at.
_ADDITIONAL = (
    "ascend_compilation_config",
    "enable_cpu_binding",
    "enable_dsa_cp",
    "enable_flashcomm1",
    "enable_kv_nz",
    "enable_shared_expert_dp",
    "eplb_config",
    "mix_placement",
    "multistream_dsv4_dsa_overlap",
    "multistream_overlap_shared_expert",
    "recompute_scheduler_enable",
)


@Rule(
    code="additional-config-key",
    severity=Severity.WARNING,
    path="engine.args.additional-config",
    message="this key is not known here, and the engine ignores unknown ones without a word"
    "{nearest}",
    fix="correct it, or take it out",
    source="vllm-ascend v0.20.2rc to v0.26.0rc, ascend_config.py and utils.py",
).finder(RULES)
def _additional(values: Values) -> Places:
    given = _arguments(values).get("additional-config")
    for key in sorted(given) if isinstance(given, dict) else ():
        if key not in _ADDITIONAL:
            yield f"engine.args.additional-config.{key}", {"nearest": nearest(key, _ADDITIONAL)}
