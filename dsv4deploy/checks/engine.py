"""Rules of the engine: its arguments and variables, by what breaks them."""

from __future__ import annotations

from ..facts.model import MAX_MODEL_LEN
from ..findings import Severity
from ..manifest.conditions import (
    DSA_CP,
    FLASHCOMM,
    MTP,
    SHARED_SPREAD,
    SHARED_WHOLE,
    argument,
    equals,
    false,
    has,
    is_a,
    is_off,
    is_on,
    true,
    variable,
)
from .rule import Rule

OWNED_FLAGS = {
    "api-server-count": "engine.apiServerCount",
    "data-parallel-address": "parallelism.data",
    "data-parallel-rpc-port": "parallelism.rpcPort",
    "data-parallel-size": "parallelism.data",
    "data-parallel-size-local": "parallelism.dataLocal",
    "data-parallel-start-rank": "parallelism.data",
    "enable-expert-parallel": "parallelism.expert",
    "headless": "parallelism.data",
    "model": "engine.server",
    "port": "engine.port",
    "served-model-name": "model.name",
    "shutdown-timeout": "engine.termination.shutdownTimeoutSeconds",
    "tensor-parallel-size": "parallelism.tensor",
}
"""What the template itself puts on the command line, and the value that each comes from."""

_ROLES = (
    "separate prefill and decode instances are not supported, and kvStore sets its own "
    "configuration"
)
_PODS = "the manifest requests tensor × dataLocal NPUs per pod, and data / dataLocal pods"
_RANKS = "KServe's LeaderWorkerSet and the server in each pod distribute the ranks themselves"
_HTTP = "the probes, the router and the gateway use plain HTTP on engine.port"
UNSUPPORTED_FLAGS = {
    "config": "a file of flags inside the image is not checked",
    "data-parallel-backend": _RANKS,
    "data-parallel-external-lb": _RANKS,
    "data-parallel-hybrid-lb": _RANKS,
    "data-parallel-multi-port-external-lb": _RANKS,
    "data-parallel-rank": _RANKS,
    "ec-transfer-config": _ROLES,
    "elastic-ep-max-dp-size": _PODS,
    "enable-elastic-ep": _PODS,
    "kv-transfer-config": _ROLES,
    "master-addr": _PODS,
    "master-port": _PODS,
    "nnodes": _PODS,
    "node-rank": _PODS,
    "pipeline-parallel-size": _PODS,
    "prefill-context-parallel-size": _PODS,
    "ssl-certfile": _HTTP,
    "ssl-keyfile": _HTTP,
    "uds": _HTTP,
}
"""What a manifest of this package can't follow, and why."""

_LOADER = ("model-loader-extra-config", "enable_multithread_load")
_LOADER_SOURCE = (
    "vLLM 0.24.0 to 0.27.1, model_executor/model_loader/default_loader.py, lines 99 and 121; "
    "0.23.0 has no such test; vLLM pull request 45196, merged on 2026-06-17, so an image built of "
    "vLLM's main branch may have it under an older number; vllm-ascend issue 13392"
)
_FUSED = ("additional-config", "enable_fused_mc2")
_SEQS, _BATCHED = argument("max-num-seqs"), argument("max-num-batched-tokens")
_EVERY = "0.0.0.0"  # noqa: S104 - an address that a server may be given
_LENGTH = argument("max-model-len")

RULES: list[Rule] = [
    Rule(
        code="owned-flag",
        severity=Severity.ERROR,
        path="engine.args.{name}",
        condition='"{name}" not in Values.engine.args',
        message="--{name} comes from {owner}",
        fix="set {owner} and leave engine.args.{name} out",
        source="Python documentation, argparse: if an option is given twice, the last one counts",
        table=OWNED_FLAGS,
    ),
    Rule(
        code="unsupported-flag",
        severity=Severity.ERROR,
        path="engine.args.{name}",
        condition='"{name}" not in Values.engine.args',
        message="--{name} is not supported: {owner}",
        fix="leave engine.args.{name} out",
        source="vLLM 0.22.1, config/parallel.py, line 766: the world is PP × TP × PCP; KServe "
        "v0.17.0, llm_inference_service_types_func.go, line 83: data / dataLocal pods",
        table=UNSUPPORTED_FLAGS,
    ),
    Rule(
        code="host",
        severity=Severity.ERROR,
        path="engine.args.host",
        condition=f"not {has('host')} or {equals(_EVERY, 'host')} or {equals('::', 'host')}",
        message="the server would listen on this address only, but the kubelet's probes and the "
        "router connect to the pod's address",
        fix="remove it, or set it to 0.0.0.0",
        source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 2652: a probe connects to "
        "the pod's IP",
    ),
    Rule(
        code="tensor-parallel-size",
        severity=Severity.ERROR,
        path="parallelism.tensor",
        condition="Values.parallelism.tensor in (1, 2, 4, 8)",
        message="the model's output projection has 8 groups, and the number of tensor parallel "
        "ranks must divide them evenly",
        fix="set it to 1, 2, 4 or 8",
        source="config.json: o_groups 8; vllm-ascend v0.22.1rc, models/deepseek_v4.py, line 726",
    ),
    Rule(
        code="tensor-parallel-alone",
        severity=Severity.WARNING,
        path="parallelism.tensor",
        condition='Values.npu.card not in ("950PR", "950DT") or Values.parallelism.tensor == 1 or '
        f"({DSA_CP} and {FLASHCOMM})",
        message="upstream does not support tensor parallelism of this model on an Ascend 950 "
        "without DSA-CP and sequence parallelism",
        fix="set it to 1 and parallelism.data to the number of NPUs, or set enable_dsa_cp and "
        "enable_flashcomm1 of additional-config to true",
        source="vllm-ascend v0.23.0, tutorial DeepSeek-V4-Flash, line 323",
    ),
    Rule(
        code="expert-parallel-size",
        severity=Severity.ERROR,
        path="parallelism.data",
        condition="not Values.parallelism.expert or "
        "256 % (Values.parallelism.tensor * Values.parallelism.data) == 0",
        message="with expert parallelism, the number of ranks (tensor × data) must divide the "
        "model's 256 experts evenly",
        fix="choose parallelism.tensor and parallelism.data whose product divides 256",
        source="config.json: n_routed_experts 256; vllm-ascend v0.22.1rc, models/deepseek_v4.py, "
        "line 364",
    ),
    Rule(
        code="flashcomm-needs-experts",
        severity=Severity.ERROR,
        path="engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1",
        condition=f"not {FLASHCOMM} or "
        "(Values.parallelism.expert and Values.parallelism.tensor > 1)",
        message="sequence parallelism of a mixture of experts requires expert parallelism and a "
        "tensor parallel size above 1; the engine fails to start",
        fix="set parallelism.expert to true and parallelism.tensor above 1, or set this to null",
        source="vllm-ascend v0.22.1rc, platform.py, lines 733 and 737",
        engine="<0.27.0",
    ),
    Rule(
        code="dsa-cp-needs-flashcomm",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not {DSA_CP} or {FLASHCOMM} or {SHARED_SPREAD}",
        message="DSA-CP needs sequence parallelism; the engine fails to start with `DSA CP "
        "requires SP`",
        fix='set engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1 to "1", or remove enable_dsa_cp',
        source="vllm-ascend, utils.py, enable_dsa_cp: line 1361 of v0.22.1rc, 1533 of v0.23.0, "
        "1404 of v0.26.0rc1; main at 182b75ea84 no longer asks for it (line 1324)",
        engine="<0.27.0",
    ),
    Rule(
        code="dsa-cp-shared-experts",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not ({DSA_CP} and {SHARED_SPREAD}) or {FLASHCOMM}",
        message="on this engine enable_shared_expert_dp no longer turns on sequence parallelism, "
        "which DSA-CP needs; the engine fails to start with `DSA CP requires SP`",
        fix="set enable_flashcomm1 of additional-config to true, or remove enable_dsa_cp",
        source="vllm-ascend v0.26.0rc1, utils.py, enable_sp (line 861) and enable_dsa_cp (line "
        "1402)",
        engine=">=0.26.0, <0.27.0",
    ),
    Rule(
        code="dsa-cp-off",
        severity=Severity.WARNING,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not {DSA_CP} or (Values.parallelism.expert and Values.parallelism.tensor > 1 "
        "and Values.parallelism.data > 1)",
        message="this engine turns DSA-CP off, with only a line in its log, unless expert "
        "parallelism is on and both the tensor and the data parallel size are above 1",
        fix="remove it, or set parallelism.expert to true and both sizes above 1",
        source="vllm-ascend v0.30.0rc2, ascend_config.py, line 806; vLLM 0.30.0, "
        "config/parallel.py, use_sequence_parallel_moe, line 715",
        builds=("v0.30.0rc2",),
    ),
    Rule(
        code="dsa-cp-second-runner",
        severity=Severity.ERROR,
        path="engine.env.VLLM_USE_V2_MODEL_RUNNER",
        condition=f"not ({DSA_CP} and {variable('VLLM_USE_V2_MODEL_RUNNER', '1')})",
        message="this engine's second model runner does not support DSA-CP: the engine fails to "
        "start",
        fix="set it to null, or remove enable_dsa_cp",
        source="vllm-ascend v0.30.0rc2, ascend_config.py, line 709",
        builds=("v0.30.0rc2",),
    ),
    Rule(
        code="dsa-cp-crashes",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not ({DSA_CP} and {MTP})",
        message="on this image DSA-CP with MTP crashes or hangs in sustained decoding of 8k "
        "prompts: its index buffer is wrong",
        fix="remove enable_dsa_cp, or use an image with vLLM 0.23.0 or newer",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8), which reports it for this image",
        builds=("nightly-releases-v0.22.1rc",),
    ),
    Rule(
        code="dsa-cp-unproven",
        severity=Severity.WARNING,
        path="engine.args.additional-config.enable_dsa_cp",
        condition=f"not ({DSA_CP} and {MTP})",
        message="the publisher of the validated deployment saw DSA-CP with MTP crash or hang on "
        "a later commit of this branch, although upstream's page for this tag turns it on",
        fix="try sustained decoding of 8k prompts before you rely on it, or remove enable_dsa_cp",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8); vllm-ascend v0.22.1rc1, "
        "tutorial DeepSeek-V4-Flash, line 189",
        builds=("v0.22.1rc1",),
    ),
    Rule(
        code="batched-tokens-uneven",
        severity=Severity.WARNING,
        path="engine.args.max-num-batched-tokens",
        condition=f"not {FLASHCOMM} or {_BATCHED} % Values.parallelism.tensor == 0",
        message="with sequence parallelism the tokens of a step are split across the tensor "
        "parallel ranks, but this value is not a multiple of their number",
        fix="choose a multiple of parallelism.tensor",
        source="vllm-ascend v0.22.1rc, ascend_config.py, line 123: only adjusted for prefill "
        "context parallelism",
    ),
    Rule(
        code="batched-tokens-below-seqs",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f"{_BATCHED} >= {_SEQS}",
        message="a step must hold at least one token of each request; the engine fails to start",
        fix="set it to max-num-seqs or more",
        source="vLLM 0.22.1, config/scheduler.py, lines 261 and 273, run",
    ),
    Rule(
        code="batched-tokens-below-length",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f"not {false('enable-chunked-prefill')} or {_BATCHED} >= {_LENGTH}",
        message="without chunked prefill a whole prompt must fit in one step; the engine fails to "
        "start",
        fix="leave enable-chunked-prefill out, or raise this to max-model-len",
        source="vLLM 0.22.1, config/scheduler.py, lines 261 and 273, run",
    ),
    Rule(
        code="model-length",
        severity=Severity.ERROR,
        path="engine.args.max-model-len",
        condition=f"{_LENGTH} <= {MAX_MODEL_LEN}",
        message=f"the model supports at most {MAX_MODEL_LEN} positions",
        fix=f"set it to {MAX_MODEL_LEN} or less",
        source="DeepSeek-V4-Flash's config.json: max_position_embeddings; vllm-ascend v0.23.0, "
        "tutorial DeepSeek-V4-Flash, line 249",
    ),
    Rule(
        code="quantization",
        severity=Severity.ERROR,
        path="engine.args.quantization",
        condition=f"not {has('quantization')} or {equals('ascend', 'quantization')}",
        message="these weights are quantized for Ascend, and vLLM's parser accepts any word "
        "here, so it does not catch the error",
        fix="set it to ascend, or remove it: vllm-ascend then detects it from the weights",
        source="vllm-ascend, quantization/utils.py, maybe_auto_detect_quantization: line 141 of "
        "v0.22.1rc1 and v0.23.0, 178 of main at 182b75ea84; vLLM 0.22.1's parser, run",
    ),
    Rule(
        code="tokenizer-mode",
        severity=Severity.ERROR,
        path="engine.args.tokenizer-mode",
        condition=f"not {has('tokenizer-mode')} or {equals('deepseek_v4', 'tokenizer-mode')} or "
        f"{equals('auto', 'tokenizer-mode')}",
        message="without this model's message encoding, prompts are built incorrectly and "
        "answers are garbage; vLLM's parser accepts any word here, so it does not catch the error",
        fix="set it to deepseek_v4, or remove it: auto is deepseek_v4 for this model",
        source="vLLM, config/model.py: line 632 of 0.22.1, 626 of 0.23.0, 630 of 0.25.1, 658 of "
        "0.27.1",
    ),
    Rule(
        code="chat-template-ignored",
        severity=Severity.WARNING,
        path="engine.args.chat-template",
        condition=f"not {is_a('string', 'chat-template')} or "
        f"not {equals('deepseek_v4', 'tokenizer-mode')}",
        message="with tokenizer-mode deepseek_v4 the engine does not use the template, but it "
        "fails to start if the file is missing",
        fix="set it to null",
        source="vLLM 0.22.1, tokenizers/deepseek_v4.py, line 26, and "
        "entrypoints/openai/cli_args.py, line 393, run",
    ),
    Rule(
        code="tool-calls-as-text",
        severity=Severity.WARNING,
        path="engine.args.tool-call-parser",
        condition=f"{has('tool-call-parser')} and {true('enable-auto-tool-choice')}",
        message="tool calls that the model chooses are returned as text inside the answer",
        fix="set tool-call-parser to deepseek_v4 and enable-auto-tool-choice to true",
        source="vllm-ascend's tutorial sets both; vllm-ascend issues 8997, 8875, 8713",
    ),
    Rule(
        code="tool-choice-without-parser",
        severity=Severity.ERROR,
        path="engine.args.enable-auto-tool-choice",
        condition=f"not {true('enable-auto-tool-choice')} or {has('tool-call-parser')}",
        message="the engine fails to start without a tool-call-parser",
        fix="set engine.args.tool-call-parser to deepseek_v4",
        source="vLLM 0.22.1, entrypoints/openai/cli_args.py, line 396, run",
    ),
    Rule(
        code="api-key-in-arguments",
        severity=Severity.ERROR,
        path="engine.args.api-key",
        condition=f"not ({has('api-key')})",
        message="the key would be readable in the manifest, and vLLM requires it on some of its "
        "paths only",
        fix="remove it, and give clients keys through maas",
        source="vLLM issue 58144",
    ),
    Rule(
        code="multithread-text",
        severity=Severity.ERROR,
        path="engine.args.model-loader-extra-config.enable_multithread_load",
        condition=f"not ({has(*_LOADER)}) or {argument(*_LOADER)} is boolean",
        message="this engine fails to start unless the value is a boolean",
        fix="write true without quotes, or remove it",
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
        message="with enable_multithread_load this engine supports only the strategy lazy, and "
        "fails to start",
        fix="set it to null, or remove enable_multithread_load from model-loader-extra-config",
        source=_LOADER_SOURCE,
        engine=">=0.24.0",
    ),
    Rule(
        code="shared-experts-mixed",
        severity=Severity.ERROR,
        path="engine.args.additional-config.mix_placement",
        condition=f"not ({true('additional-config', 'mix_placement')} and "
        f"({true('additional-config', 'multistream_overlap_shared_expert')} or {SHARED_WHOLE}))",
        message="it cannot be combined with multistream_overlap_shared_expert or "
        "enable_shared_expert_dp",
        fix="remove it, or remove the other keys",
        source="vllm-ascend, ascend_config.py: line 305 of v0.22.1rc, 449 of main at 182b75ea84",
    ),
    Rule(
        code="mc2-fused-value",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_fused_mc2",
        condition=f"({is_off(*_FUSED)} or {is_on(*_FUSED)}) and "
        f"not {variable('VLLM_ASCEND_ENABLE_FUSED_MC2', '2')}",
        message="this engine accepts only 0 or 1 here, and fails to start with anything else",
        fix="set it to 0 or 1, or remove it",
        source="vllm-ascend, ascend_config.py: line 169 of v0.24.0rc1, 158 of v0.25.1rc1, 166 of "
        "main at 182b75ea84; v0.30.0rc2 takes 2 (line 674)",
        engine=">=0.24.0, <0.30.0",
    ),
    Rule(
        code="mc2-fused-hierarchy",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_mc2_hierarchy_comm",
        condition=f"not {true('additional-config', 'enable_mc2_hierarchy_comm')} or "
        f"{is_off(*_FUSED)}",
        message="it cannot be combined with enable_fused_mc2: the engine fails to start",
        fix="remove one of the two",
        source="vllm-ascend v0.22.1rc, platform.py, line 762",
    ),
]
