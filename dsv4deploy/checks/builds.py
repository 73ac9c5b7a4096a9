"""Rules that follow the facts of the engine's build: what it reads, and what it rejects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import nearest, suggestion
from ..facts import flags
from ..facts.builds import Build, builds, chip_of
from ..facts.cards import CARDS
from ..findings import Severity
from ..sizing.engine import arguments, engine_build
from ..values.pods import texts
from ..values.tree import Values
from .engine import OWNED_FLAGS
from .rule import Places, Rule

RULES: list[Rule] = []


@Rule(
    code="unknown-build",
    severity=Severity.WARNING,
    path="engine.build",
    message="{what}, so checks that depend on the build are skipped: flags, parsers, keys of "
    "additional-config, variables, chips, and the rules for specific builds",
    fix="if the image was made from one of the known builds, set engine.build to it ({builds}); "
    "otherwise keep the value, and compare your values with the documentation of the image",
    source="docs/engine-builds.md: the facts of builds that ship with this package",
).finder(RULES)
def _unknown_build(values: Values) -> Places:
    if engine_build(values):
        return
    name, known = values.engine.build, [each.name for each in builds()]
    wrong = f"there is no build {name}{nearest(name, known)}"
    tagless = re.search(r"/[^:/]+@sha256:", values.engine.image)
    tag = "the image has a digest but no tag, which would name its build"
    what = wrong if name else tag if tagless else "the image's tag names no known build"
    yield "", {"what": what, "builds": ", ".join(known)}


@Rule(
    code="image-for-other-chip",
    severity=Severity.ERROR,
    path="engine.image",
    message="this image is for {chip}, and npu.card {card} is {family}: the engine fails to "
    "start, because the device does not match the device type that the image was built for",
    fix="use the image of the same version for {family}: its tag {ends}",
    source="vllm-ascend, utils.py, check_ascend_device_type: line 806 of v0.22.1rc, read in every "
    "build",
).finder(RULES)
def _image_chip(values: Values) -> Places:
    chip, family = chip_of(values.engine.image), CARDS[values.npu.card].family
    if chip and chip != family:
        ends = {"A2": "names no chip", "A3": "ends in -a3", "950": "ends in -a5 or -950dt"}[family]
        yield "", {"chip": chip, "card": values.npu.card, "family": family, "ends": ends}


@Rule(
    code="engine-flag",
    severity=Severity.ERROR,
    path="engine.args",
    message="{what vLLM's parser would reject or misread}",
    fix="correct the flag, or remove it with null",
    source="the command-line parser of the build's vLLM, read out of its sources: "
    "engine/arg_utils.py, line 286 of 0.22.1, makes a flag of each field",
).finder(RULES)
def _flags(values: Values) -> Places:
    build = engine_build(values)
    if not build:
        return
    for flag, value in arguments(values).items():
        problem = flags.problem(build.vllm.version, flag, value)
        if problem and flag not in OWNED_FLAGS:
            yield f"engine.args.{flag}", {"what vLLM's parser would reject or misread": problem}


@Rule(
    code="flag-in-server",
    severity=Severity.ERROR,
    path="engine.server",
    message="--{flag} in the server's command is not checked, and can contradict another value",
    fix="set engine.args.{flag} instead",
    source="Alauda AI documentation, DeepSeek-V4-Flash (W8A8): --model and --host 0.0.0.0 are "
    "part of the command, and all else is engine.args",
).finder(RULES)
def _flag_in_server(values: Values) -> Places:
    server = values.engine.server.replace("--host 0.0.0.0", "")
    for flag in re.findall(r"(?<!\S)--([\w-]+)", server):
        if flag != "model":
            yield "", {"flag": flag}


_PARSERS = ("tool-call-parser", "reasoning-parser")


@Rule(
    code="unknown-parser",
    severity=Severity.ERROR,
    path="engine.args",
    message="{vllm} has no {flag} {name}{nearest}: the engine fails to start",
    fix="set it to deepseek_v4, or remove it",
    source="vLLM's tool_parsers and reasoning packages: the names are a table of each version; an "
    "unknown one is a KeyError (tool_parsers/abstract_tool_parser.py, line 219 of 0.22.1, and "
    "reasoning/abs_reasoning_parsers.py, line 221)",
).finder(RULES)
def _parsers(values: Values) -> Places:
    build, args = engine_build(values), arguments(values)
    if not build:
        return
    tables = (build.vllm.tool_parsers, build.vllm.reasoning_parsers)
    for flag, known in zip(_PARSERS, tables, strict=True):
        name, plugin = args.get(flag), args.get(flag.replace("call-parser", "parser") + "-plugin")
        # Without --enable-auto-tool-choice the tools' parser is not looked up.
        read = flag == "reasoning-parser" or args.get("enable-auto-tool-choice") is True
        if isinstance(name, str) and name and not plugin and read and name not in known:
            facts = {"vllm": f"vLLM {build.vllm.version}", "flag": flag}
            yield f"engine.args.{flag}", {**facts, "name": name, "nearest": nearest(name, known)}


@Rule(
    code="speculative-method",
    severity=Severity.ERROR,
    path="engine.args.speculative-config.method",
    message="{vllm} has no speculative method {name}{nearest}",
    fix="set it to mtp, or to dspark where the weights have its draft",
    source="vLLM, config/speculative.py, lines 34 and 541 of 0.22.1: the names are a table of each "
    "version",
).finder(RULES)
def _method(values: Values) -> Places:
    build, config = engine_build(values), arguments(values).get("speculative-config")
    name = config.get("method") if isinstance(config, Mapping) else None
    if build and isinstance(name, str) and name not in build.vllm.speculative_methods:
        known = sorted({*build.vllm.speculative_methods.values()})
        facts = {"vllm": f"vLLM {build.vllm.version}", "name": name}
        yield "", {**facts, "nearest": nearest(name, known)}


# --- variables ------------------------------------------------------------------------------------

# What others than vLLM and vllm-ascend read, as far as profiles, upstream's tutorials and Huawei's
# pages on HCCL's variables name it.
_OTHERS = (
    *("ACL_OP_INIT_MODE", "ASCEND_BUFFER_POOL", "ASCEND_CONNECT_TIMEOUT"),
    *("ASCEND_GLOBAL_LOG_LEVEL", "ASCEND_LAUNCH_BLOCKING", "ASCEND_RT_VISIBLE_DEVICES"),
    *("ASCEND_TRANSFER_TIMEOUT", "CPU_AFFINITY_CONF", "GLOO_SOCKET_IFNAME"),
    *("HCCL_ALGO", "HCCL_BUFFSIZE", "HCCL_CONNECT_TIMEOUT", "HCCL_DETERMINISTIC"),
    *("HCCL_EXEC_TIMEOUT", "HCCL_IF_BASE_PORT", "HCCL_IF_IP", "HCCL_INTRA_PCIE_ENABLE"),
    *("HCCL_INTRA_ROCE_ENABLE", "HCCL_OP_EXPANSION_MODE", "HCCL_RDMA_RETRY_CNT"),
    *("HCCL_RDMA_SL", "HCCL_RDMA_TC", "HCCL_RDMA_TIMEOUT", "HCCL_SOCKET_FAMILY"),
    *("HCCL_SOCKET_IFNAME", "HCCL_WHITELIST_DISABLE", "HCCL_WHITELIST_FILE"),
    *("HF_HUB_OFFLINE", "HF_TOKEN", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD"),
    *("MOONCAKE_CONFIG_PATH", "OMP_NUM_THREADS", "OMP_PROC_BIND", "PYTHONHASHSEED"),
    *("PYTORCH_NPU_ALLOC_CONF", "TASK_QUEUE_ENABLE", "TP_SOCKET_IFNAME"),
)


def _variables(build: Build) -> Mapping[str, Any]:
    return {**build.vllm.variables, **build.variables}


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether the words differ by one added, missing or replaced letter, or by two exchanged
    letters.
    """
    return abs(len(one) - len(other)) < 2 and bool(_shortened(one) & _shortened(other))


def _shortened(word: str) -> set[str]:
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


@Rule(
    code="unread-variable",
    severity=Severity.WARNING,
    path="engine.env",
    message="{build} does not read this variable{nearest}",
    fix="correct its name, or set it to null",
    source="vllm/envs.py (line 577 of 0.22.1) and vllm_ascend/envs.py (line 30 of v0.22.1rc1 to "
    "main) of the build; names that HCCL, PyTorch and OpenMP read are compared with Huawei's and "
    "upstream's pages",
).finder(RULES)
def _unread(values: Values) -> Places:
    build = engine_build(values)
    known = {*_OTHERS, *(_variables(build) if build else ())}
    for name in sorted(values.engine.env):
        if name in known:
            continue
        near = next((other for other in sorted(known) if _one_letter_apart(name, other)), "")
        if near or (build and name.startswith("VLLM_")):
            engine = build.name if build else "the engine"
            facts = {"build": engine, "nearest": near and f": did you mean {near}?"}
            yield f"engine.env.{name}", facts


@Rule(
    code="variable-value",
    severity=Severity.ERROR,
    path="engine.env",
    message='the engine expects {kind} here, and fails to start with "{value}"',
    fix="write {kind}, or set it to null",
    source="vllm/envs.py (line 577 of 0.22.1) and vllm_ascend/envs.py (line 30 of v0.22.1rc1 to "
    "main) of the build: int(), float() and a list of choices",
).finder(RULES)
def _values(values: Values) -> Places:
    build = engine_build(values)
    kinds = _variables(build) if build else {}
    for name, value in sorted(texts(values.engine.env).items()):
        kind = _wanted(kinds.get(name), value)
        if kind and not value.startswith("$("):
            yield f"engine.env.{name}", {"kind": kind, "value": value}


_KINDS = {
    "boolean": ("0 or 1", r"\s*[01]\s*"),
    "integer": ("a whole number", r"\s*[-+]?\d+\s*"),
    "number": ("a number", r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"),
}


def _wanted(kind: Any, value: str) -> str:
    """What a variable takes, in words, where the value is none of that."""
    if isinstance(kind, list | tuple):
        return "" if value.lower() in map(str.lower, kind) else f"one of {', '.join(kind)}"
    words, pattern = _KINDS.get(kind, ("", ""))
    return "" if not words or re.fullmatch(pattern, value) else words


# --- --additional-config --------------------------------------------------------------------------


def _additional(values: Values) -> Mapping[str, Any]:
    given = arguments(values).get("additional-config")
    return given if isinstance(given, Mapping) else {}


@Rule(
    code="additional-config-key",
    severity=Severity.WARNING,
    path="engine.args.additional-config",
    message="{build} does not read this key, and ignores it silently{nearest}",
    fix="correct it, or remove it",
    source="vllm_ascend of the build: every key that its sources read from additional_config, "
    "most of them in ascend_config.py from line 34 of v0.22.1rc1 on",
).finder(RULES)
def _keys(values: Values) -> Places:
    return _unknown_keys(values, refused=False)


@Rule(
    code="additional-config-refused",
    severity=Severity.ERROR,
    path="engine.args.additional-config",
    message="{build} does not know this key, and fails to start{nearest}",
    fix="correct it, or remove it",
    source="vllm-ascend v0.30.0rc2, ascend_config.py, line 565: its configuration forbids other "
    "keys than its own",
).finder(RULES)
def _refused_keys(values: Values) -> Places:
    return _unknown_keys(values, refused=True)


def _unknown_keys(values: Values, refused: bool) -> Places:
    build = engine_build(values)
    if build and build.refuses_unknown_keys == refused:
        for key in sorted(_additional(values).keys() - build.additional_config.keys()):
            near = suggestion(key, build.additional_config)
            yield f"engine.args.additional-config.{key}", {"build": build.name, "nearest": near}


@Rule(
    code="additional-config-type",
    severity=Severity.ERROR,
    path="engine.args.additional-config",
    message="the engine expects a {kind} here",
    fix="write a {kind}, or remove the key",
    source="vllm_ascend/ascend_config.py of the build, from line 34 of v0.22.1rc1 on: the key's "
    "value is used as one",
).finder(RULES)
def _key_types(values: Values) -> Places:
    build = engine_build(values)
    if not build:
        return
    wanted = {"mapping": Mapping, "list": list | tuple}
    for key, value in sorted(_additional(values).items()):
        kind = build.additional_config.get(key, "")
        if kind in wanted and value is not None and not isinstance(value, wanted[kind]):
            yield f"engine.args.additional-config.{key}", {"kind": kind}


_ROLE_KEYS = (
    ("layer_sharding",),
    ("recompute_scheduler_enable",),
    ("scheduler_config", "recompute_scheduler_enable"),
    ("finegrained_tp_config", "oproj_tensor_parallel_size"),
    ("finegrained_tp_config", "olora_tensor_parallel_size"),
)


@Rule(
    code="prefill-decode-key",
    severity=Severity.ERROR,
    path="engine.args.additional-config",
    message="this key is for instances that only prefill or only decode, but this instance does "
    "both: the engine fails to start",
    fix="remove this key",
    source="vllm-ascend, platform.py and ascend_config.py: lines 344 and 681, 453 and 463 of "
    "v0.22.1rc; lines 346 and 703, 558 and 568 of v0.23.0; lines 676, 686 and, in platform.py, 915 "
    "of main at 182b75ea84",
).finder(RULES)
def _role_keys(values: Values) -> Places:
    for path in _ROLE_KEYS:
        if _read(values, path):
            yield f"engine.args.additional-config.{'.'.join(path)}", {}


def _read(values: Values, path: tuple[str, ...]) -> Any:
    """What a key of additional-config is set to; None where the build does not read it."""
    build = engine_build(values)
    if build and path[0] not in build.additional_config:
        return None
    value: Any = _additional(values)
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


_SIZES = ("embedding", "lmhead", "mlp", "olora", "oproj")


@Rule(
    code="finegrained-tp",
    severity=Severity.ERROR,
    path="engine.args.additional-config.finegrained_tp_config",
    message="{why}: the engine fails to start",
    fix="remove it, or choose a divisor of parallelism.data",
    source="vllm-ascend, ascend_config.py: line 487 of v0.22.1rc1, 592 of v0.23.0, 709 of main at "
    "182b75ea84; embedding_tensor_parallel_size: line 156 of v0.23.0, 141 of v0.25.1rc1",
).finder(RULES)
def _finegrained(values: Values) -> Places:
    build, given = engine_build(values), _additional(values).get("finegrained_tp_config")
    data = values.parallelism.data
    needs = build and any("finegrained_tp_config" in each for each in build.refusals.values())
    for key in (f"{part}_tensor_parallel_size" for part in _SIZES):
        size = given.get(key) if isinstance(given, Mapping) else None
        path = f"engine.args.additional-config.finegrained_tp_config.{key}"
        if not isinstance(size, int) or size <= 0:
            continue
        if data % size:
            yield path, {"why": f"{size} does not divide the data parallel size, {data}"}
        elif needs and key.startswith("embedding"):
            yield path, {"why": "this needs the recompute scheduler of instances that only decode"}


@Rule(
    code="profiling-chunks",
    severity=Severity.ERROR,
    path="engine.args.additional-config.profiling_chunk_config",
    message="this needs pipeline parallelism, which this deployment does not have: the engine "
    "fails to start",
    fix="remove this key",
    source="vllm-ascend, ascend_config.py: line 69 of v0.22.1rc; in scheduler_config, 74 of "
    "v0.25.1rc1 and 93 of main at 182b75ea84",
).finder(RULES)
def _profiling_chunks(values: Values) -> Places:
    for above in ((), ("scheduler_config",)):
        if _read(values, (*above, "profiling_chunk_config", "enabled")):
            path = ".".join(("engine.args.additional-config", *above, "profiling_chunk_config"))
            yield path, {}


_LOADER = "model-loader-extra-config"
_LOADER_KEYS = ("enable_multithread_load", "enable_weights_track", "num_threads")
_DEFAULT_LOADERS = ("auto", "hf", "mistral", "npcache", "pt", "safetensors")


@Rule(
    code="loader-key",
    severity=Severity.ERROR,
    path=f"engine.args.{_LOADER}",
    message="the loader does not know this key{nearest}: the engine fails to start",
    fix="correct it, or remove it",
    source="vLLM, model_executor/model_loader/default_loader.py: line 87 of 0.22.1 and 0.23.0, 91 "
    "of 0.24.0 to 0.27.1",
).finder(RULES)
def _loader_keys(values: Values) -> Places:
    args = arguments(values)
    given = args.get(_LOADER)
    if isinstance(given, Mapping) and args.get("load-format", "auto") in _DEFAULT_LOADERS:
        for key in sorted(given.keys() - set(_LOADER_KEYS)):
            yield f"engine.args.{_LOADER}.{key}", {"nearest": nearest(key, _LOADER_KEYS)}


@Rule(
    code="loader-threads",
    severity=Severity.ERROR,
    path=f"engine.args.{_LOADER}.num_threads",
    message="the loader accepts only a whole number above 0 here: the engine fails to start",
    fix="write one, such as 128, or remove it",
    source="vLLM 0.24.0 to 0.27.1, model_executor/model_loader/default_loader.py, line 105",
    engine=">=0.24.0",
).finder(RULES)
def _loader_threads(values: Values) -> Places:
    given = arguments(values).get(_LOADER)
    threads = given.get("num_threads") if isinstance(given, Mapping) else None
    if threads is not None and not (isinstance(threads, int) and threads > 0):
        yield "", {}


# --- texts for booleans ---------------------------------------------------------------------------


def _texts(values: Values, word: str) -> Places:
    """Each boolean of an argument's JSON that is the text of a word."""
    for flag, value in arguments(values).items():
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
    message='"true" in quotes is text, and some engines reject it',
    fix="write true without quotes",
    source="vllm-ascend v0.22.1rc, ascend_config.py, line 289: any text is true; vLLM pull "
    "request 45196: text is rejected",
).finder(RULES)
def _true_as_text(values: Values) -> Places:
    return _texts(values, "true")


@Rule(
    code="text-for-false",
    severity=Severity.ERROR,
    path="engine.args",
    message='"false" in quotes is text, which the engine treats as true',
    fix="write false without quotes",
    source="vllm-ascend v0.22.1rc, ascend_config.py, line 289: any text is true",
).finder(RULES)
def _false_as_text(values: Values) -> Places:
    return _texts(values, "false")
