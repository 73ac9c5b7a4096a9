"""Rules of the engine's caches: blocks, prefix cache, KV store."""

from __future__ import annotations

from ..findings import Severity
from ..manifest.conditions import argument, true
from ..sizing.engine import arguments, engine_build
from ..values.pods import texts
from ..values.quantities import whole
from ..values.tree import Values
from .rule import Places, Rule

_INTERVAL = "VLLM_PREFIX_CACHE_RETENTION_INTERVAL"


RULES: list[Rule] = [
    Rule(
        code="block-size",
        severity=Severity.ERROR,
        path="engine.args.block-size",
        condition=f"{argument('block-size')} in (32, 64, 128)",
        message="the engine supports blocks of 32, 64, or 128 tokens; for any other value, it "
        "falls back to 32 and reports this only in its log",
        fix="set it to 128, the published value, or to 32 or 64",
        source="vllm-ascend v0.22.1rc, utils.py, line 1246, refresh_block_size; pull request 10354",
    ),
    Rule(
        code="kv-format",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_kv_nz",
        condition=f"not {true('additional-config', 'enable_kv_nz')}",
        message="models with DSA sparse attention do not support this format: the engine fails to "
        "start",
        fix="remove this key",
        source="vllm-ascend, ascend_config.py: lines 245 to 249 of v0.22.1rc, 259 of main at "
        "182b75ea84",
    ),
    Rule(
        code="hybrid-cache-off",
        severity=Severity.ERROR,
        path="engine.args.disable-hybrid-kv-cache-manager",
        condition=f"not {true('disable-hybrid-kv-cache-manager')}",
        message="every layer's cache would be as long as the longest request, so the cache would "
        "not fit",
        fix="set it to false, which passes --no-disable-hybrid-kv-cache-manager",
        source="vllm-ascend issues 9975 and 9087",
    ),
    Rule(
        code="kv-store-one-instance",
        severity=Severity.WARNING,
        path="kvStore.enabled",
        condition="not Values.kvStore.enabled or Values.replicas > 1 or Values.scaling.enabled",
        message="the store shares blocks between instances, but this deployment has only one "
        "instance: the store keeps only the blocks that no longer fit on that instance's cards",
        fix="raise replicas, or set kvStore.enabled to false",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W8A8): the purpose of the variant",
    ),
    Rule(
        code="kv-store-pod-name",
        severity=Severity.ERROR,
        path="engine.envFromPod.POD_NAME",
        condition='not Values.kvStore.enabled or "POD_NAME" in Values.engine.envFromPod',
        message="the KV store's engine_id is $(POD_NAME): without this variable, all engines would "
        "share one ID",
        fix="set engine.envFromPod.POD_NAME to metadata.name",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models",
    ),
]


@Rule(
    code="retention-interval",
    severity=Severity.ERROR,
    path=f"engine.env.{_INTERVAL}",
    message="{interval} is not a multiple of {unit} tokens: the engine fails to start",
    fix="set it to 128 × engine.args.block-size, or to null",
    source="vLLM 0.23.0 to 0.27.1, v1/core/kv_cache_coordinator.py, "
    "_validate_prefix_cache_retention_interval (line 52 of 0.23.0): multiples of the scheduler's "
    "block. vllm-ascend pull request 13242, on main since 2026-08-20: that is 128 × block-size; "
    "before it is block-size, as vLLM's resolve_kv_cache_block_sizes gives with the package of "
    "v0.26.0rc1, run (issue 16270 names v0.26.0rc1 with 4096 at block-size 32, and code that this "
    "package does not have). vLLM 0.30.0 no longer reads it",
    engine=">=0.23.0, <0.30.0",
).finder(RULES)
def _retention(values: Values) -> Places:
    interval, build = texts(values.engine.env).get(_INTERVAL), engine_build(values)
    # In these the scheduler's block is the one of the layers that compress by 128.
    blocks = _BLOCKS_OF_A_HIT if build and build.name in _WHOLE_HITS else 1
    unit = values.engine.args.block_size * blocks
    tokens = whole(interval or "")
    if tokens is not None and tokens % unit:
        yield "", {"interval": interval, "unit": unit}


# The smallest run of tokens that this model's cache can use again is this many blocks.
_BLOCKS_OF_A_HIT = 128
_WHOLE_HITS = ("main-2026-08-22",)


@Rule(
    code="prefix-cache-no-hit",
    severity=Severity.WARNING,
    path="engine.args.enable-prefix-caching",
    message="do not rely on prefix caching: {reason}",
    fix="use an image with vLLM 0.23.0 or newer, and use prompts longer than {unit} tokens or a "
    "smaller block-size; or keep the value, but do not expect hits",
    source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8): a rate of 0; vllm-ascend issue "
    "10710: 0 in v0.22.1rc1 at block-size 32 too, gone with v0.23.0rc1; issues 12589, 13339, 16270",
).finder(RULES)
def _prefix_cache(values: Values) -> Places:
    args = arguments(values)
    build = engine_build(values)
    unit = args["block-size"] * _BLOCKS_OF_A_HIT
    if args.get("enable-prefix-caching") is False:  # vLLM has it on by default
        return
    if args["max-model-len"] <= unit:
        short = f"no prompt has the {unit} tokens that a hit requires at this block-size"
        yield "", {"reason": short, "unit": unit}
    elif build and build.vllm.version == "0.22.1":
        measured = "a hit rate of 0 was measured with vLLM 0.22.1"
        yield "", {"reason": measured, "unit": unit}
