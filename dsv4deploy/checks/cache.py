"""Rules of the engine's caches: blocks, prefix cache, KV store."""

from __future__ import annotations

from ..findings import Severity
from ..manifest.conditions import DSA_CP, argument, holds, true, variable
from ..sizing.engine import engine_build
from ..values.tree import Values
from .rule import Places, Rule

_INTERVAL = "VLLM_PREFIX_CACHE_RETENTION_INTERVAL"


RULES: list[Rule] = [
    Rule(
        code="block-size",
        severity=Severity.ERROR,
        path="engine.args.block-size",
        condition=f"{argument('block-size')} in (32, 64, 128)",
        message="the engine knows blocks of 32, 64 and 128 tokens, and takes 32 for anything else "
        "with no more than a line in its log",
        fix="set it to 128, as published, or to 32 or 64",
        source="vllm-ascend v0.22.1rc, utils.py, refresh_block_size; pull request 10354",
    ),
    Rule(
        code="kv-format",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_kv_nz",
        condition=f"not {true('additional-config', 'enable_kv_nz')}",
        message="models with DSA sparse attention can't have it: the engine stops at its start",
        fix="take it out",
        source="vllm-ascend v0.22.1rc, ascend_config.py",
    ),
    Rule(
        code="hybrid-cache-off",
        severity=Severity.ERROR,
        path="engine.args.disable-hybrid-kv-cache-manager",
        condition=f"not {true('disable-hybrid-kv-cache-manager')}",
        message="every layer's cache would be as long as the longest request: it no longer fits",
        fix="set it to false, which is --no-disable-hybrid-kv-cache-manager",
        source="vllm-ascend issues 9975 and 9087",
    ),
    Rule(
        code="kv-store-one-instance",
        severity=Severity.WARNING,
        path="kvStore.enabled",
        condition="not Values.kvStore.enabled or Values.replicas > 1",
        message="a store gives blocks to other instances, and there is one: it only keeps what no "
        "longer fits on its own cards",
        fix="raise replicas, or set it to false",
        source="the variant's purpose in Alauda AI documentation, DeepSeek-V4-Flash (W8A8)",
    ),
    Rule(
        code="kv-store-pod-name",
        severity=Severity.ERROR,
        path="engine.envFromPod.POD_NAME",
        condition='not Values.kvStore.enabled or "POD_NAME" in Values.engine.envFromPod',
        message="the KV store's engine_id is $(POD_NAME), which this variable holds: without it "
        "all engines would share one id",
        fix="set engine.envFromPod.POD_NAME to metadata.name",
        source="Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8)",
    ),
    Rule(
        code="retention-not-read",
        severity=Severity.WARNING,
        path=f"engine.env.{_INTERVAL}",
        condition=f"not {variable(_INTERVAL)}",
        message="this engine does not read it",
        fix="set it to null, or use an image with vLLM 0.23.0 or newer",
        source="vLLM 0.22.1, envs.py: it is not there",
        engine="<0.23.0",
    ),
]


@Rule(
    code="retention-interval",
    severity=Severity.ERROR,
    path=f"engine.env.{_INTERVAL}",
    message="{interval} is no multiple of the block size, {block}",
    fix="set it to 128 × engine.args.block-size",
    source="vllm-ascend, tutorial DeepSeek-V4-Flash: 4096 at 32, 16384 at 128",
).finder(RULES)
def _retention(values: Values) -> Places:
    interval, block = values.engine.env.get(_INTERVAL), values.engine.args.block_size
    if interval and not (interval.isdigit() and int(interval) % block == 0):
        yield "", {"interval": interval, "block": block}


# The smallest run of tokens that this model's cache can use again is this many blocks.
_BLOCKS_OF_A_HIT = 128


@Rule(
    code="prefix-cache-cannot-hit",
    severity=Severity.WARNING,
    path="engine.args.enable-prefix-caching",
    message="the prefix cache's hit rate will be 0: {reasons}",
    fix="see to all of it, or do not count on the cache",
    source="vllm-ascend issues 10710, 12589, 13339, 16270; Alauda AI documentation, "
    "DeepSeek-V4-Flash (W8A8)",
).finder(RULES)
def _prefix_cache(values: Values) -> Places:
    args = values.engine.args.model_dump(by_alias=True)
    if args.get("enable-prefix-caching") is not True:
        return
    unit = args["block-size"] * _BLOCKS_OF_A_HIT
    interval = values.engine.env.get(_INTERVAL) or ""
    missing = []
    if not holds(DSA_CP, values):
        missing.append("engine.args.additional-config.enable_dsa_cp is not true")
    if not (interval.isdigit() and int(interval) and int(interval) % unit == 0):
        missing.append(f"{_INTERVAL} is no multiple of {unit} tokens")
    if args["max-model-len"] <= unit:
        missing.append(f"no prompt has the {unit} tokens that a hit takes at this block-size")
    build = engine_build(values)
    if build and build.vllm.version == "0.22.1":
        missing.append("vLLM 0.22.1's cache of this model does not hit")
    if missing:
        yield "", {"reasons": "; ".join(missing)}
