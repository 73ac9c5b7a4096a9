"""What is known to go wrong, as data: each rule is a condition, a sentence, a fix and a source.

A condition is an expression in the templates' language over ``Values`` and ``Release``, true
where all is well. It is evaluated here, and the chart carries it as ``fail`` with the same
sentence, so that a plain ``helm install`` is guarded too. What needs Python (quantities, memory,
the engine's flags) names a function in ``finds``; the chart alone does not check it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import ValuesError, nearest
from ..facts import flags
from ..findings import Finding, Severity
from ..manifest.conditions import DSA_CP, FLASHCOMM, argument, equals, has, true, variable
from ..manifest.render import Release, context, expression
from ..sizing import memory
from ..values.quantities import quantity, seconds
from ..values.tree import SECRET, Values


@dataclass(frozen=True)
class Rule:
    """A condition that must hold.

    Attributes:
        code: its name.
        severity: of its finding.
        path: the value that the finding names.
        condition: an expression over ``Values`` and ``Release``, true where all is well; in words
            where ``finds`` looks.
        message: what is wrong where it is false.
        fix: what to do about it.
        source: where this is known from.
        engine: the versions of vLLM that it holds for, such as ``<0.23.0``; ``""`` is all.
        platform: the platform's versions that it holds for; ``""`` is all.
        published: why it stands in a validated profile all the same, where it does.
        upstream: why it stands in an upstream profile, whose command nobody here has measured.
        finds: what needs Python: each place and what is wrong there, of the values.
    """

    code: str
    severity: Severity
    path: str
    condition: str
    message: str
    fix: str
    source: str
    engine: str = ""
    platform: str = ""
    published: str = ""
    upstream: str = ""
    finds: Callable[[Values], Iterator[tuple[str, str]]] | None = None

    @property
    def sentence(self) -> str:
        """What is said where the condition is false, here and by the chart."""
        return f"{self.path}: {self.message}: {self.fix}"

    def concerns(self, version: str) -> bool:
        """Whether it holds for a version of vLLM such as ``0.22.1``."""
        sign, number = re.fullmatch(r"([<>]=?|=|)(.*)", self.engine).groups()  # type: ignore[union-attr]
        if not number:
            return True
        have, bound = _numbers(version), _numbers(number)
        return {"<": have < bound, ">=": have >= bound, "=": have == bound}[sign]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# What the template itself puts on the command line, and the value that each comes from.
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


_MTP = equals("mtp", "speculative-config", "method")
_DSPARK = equals("dspark", "speculative-config", "method")
_DRAFTS = argument("speculative-config", "num_speculative_tokens")
_DRAFTS_KNOWN = f"({has('speculative-config', 'num_speculative_tokens')} and {_DRAFTS} is number)"
_LOADER = has("model-loader-extra-config", "enable_multithread_load")
_MULTITHREAD = argument("model-loader-extra-config", "enable_multithread_load")
_LOADER_SOURCE = (
    "default_loader.py of vLLM 0.24.0 and 0.25.0, read: 0.23.0 has no such test; vLLM pull request "
    "45196, merged on 2026-06-17, so an image built of vLLM's main branch may have it under an "
    "older number; vllm-ascend issue 13392"
)
_SPECULATES = f"({has('speculative-config')} and {argument('speculative-config')} is mapping)"
_ARGS = "Values.engine.args"


# --- what needs Python: each yields a place and what is wrong there -----------------------------

Finds = Iterator[tuple[str, str]]


def _arguments(values: Values) -> dict[str, Any]:
    return values.engine.args.model_dump(by_alias=True)


def _flags(values: Values) -> Finds:
    """Engine arguments that the engine's own parser does not know."""
    version = values.engine.version
    if not flags.known(version):
        return
    for flag, value in _arguments(values).items():
        message = "" if flag in OWNED_FLAGS else flags.problem(version, flag, value)
        if message:
            yield f"engine.args.{flag}", message


def _version(values: Values) -> Finds:
    """An engine whose flags are not known here."""
    version = values.engine.version
    if not flags.known(version):
        yield (
            "engine.version",
            f"the flags of vLLM {version} are not known here, so the arguments are not checked",
        )


def _variables(values: Values) -> Finds:
    """An environment variable that is set in two places."""
    fixed = {"MOONCAKE_CONFIG_PATH"} if values.kv_store.enabled else set()
    text = {name for name, value in values.engine.env.items() if value is not None}
    fields = {name for name, value in values.engine.env_from_pod.items() if value is not None}
    for name in sorted((text & fields) | (fixed & (text | fields))):
        yield (
            f"engine.env.{name}",
            "this variable is set in another place too, and Kubernetes refuses it twice",
        )


# The smallest run of tokens that this model's cache can use again is this many blocks.
_BLOCKS_OF_A_HIT = 128
_INTERVAL = "VLLM_PREFIX_CACHE_RETENTION_INTERVAL"


def _prefix_cache(values: Values) -> Finds:
    """A prefix cache that can never hit: one of the four conditions of a hit is missing."""
    args = _arguments(values)
    if args.get("enable-prefix-caching") is not True:
        return
    unit = args["block-size"] * _BLOCKS_OF_A_HIT
    additional = args.get("additional-config")
    interval = values.engine.env.get(_INTERVAL) or ""
    missing = []
    if not (isinstance(additional, dict) and additional.get("enable_dsa_cp") is True):
        missing.append("engine.args.additional-config.enable_dsa_cp is not true")
    if not (interval.isdigit() and int(interval) and int(interval) % unit == 0):
        missing.append(f"{_INTERVAL} is no multiple of {unit} tokens")
    if args["max-model-len"] <= unit:
        missing.append(f"no prompt has the {unit} tokens that a hit takes at this block-size")
    if values.engine.version == "0.22.1":
        missing.append("vLLM 0.22.1's cache of this model does not hit")
    if missing:
        yield (
            "engine.args.enable-prefix-caching",
            f"the prefix cache's hit rate will be 0: {'; '.join(missing)}",
        )


def _retention(values: Values) -> Finds:
    """A retention interval that is no multiple of the block size."""
    interval, block = values.engine.env.get(_INTERVAL), values.engine.args.block_size
    if interval and not (interval.isdigit() and int(interval) % block == 0):
        yield f"engine.env.{_INTERVAL}", f"{interval} is no multiple of the block size, {block}"


def _texts_for(word: str) -> Callable[[Values], Finds]:
    """JSON arguments in which a boolean stands in quotes."""

    def finds(values: Values) -> Finds:
        for flag, value in _arguments(values).items():
            if isinstance(value, dict):
                for path in _paths(value, word):
                    counts = "not every engine takes it" if word == "true" else "counts as true"
                    yield f"engine.args.{flag}.{path}", f'"{word}" in quotes is text, and {counts}'

    return finds


def _paths(tree: Any, word: str) -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from (f"{key}.{below}" for below in _paths(value, word))
        elif isinstance(value, str) and value.lower() == word:
            yield key


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


def _additional(values: Values) -> Finds:
    """Keys of --additional-config that are not known."""
    given = _arguments(values).get("additional-config")
    for key in sorted(given) if isinstance(given, dict) else ():
        if key not in _ADDITIONAL:
            near = difflib.get_close_matches(key, _ADDITIONAL, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            yield (
                f"engine.args.additional-config.{key}",
                f"this key is not known here{hint}, and the engine ignores unknown ones without a "
                "word",
            )


def _secrets(values: Values) -> Finds:
    """Variables whose names are those of secrets."""
    for name, value in sorted(values.engine.env.items()):
        # A reference to another variable is no secret.
        if value and SECRET.search(name) and not value.startswith("$("):
            yield (
                f"engine.env.{name}",
                "a secret would stand in the manifest, in the release and in its history",
            )


def _cpus(values: Values) -> Finds:
    """Fewer cores reserved than CPU binding takes."""
    additional = _arguments(values).get("additional-config")
    binds = not (isinstance(additional, dict) and additional.get("enable_cpu_binding") is False)
    npus = values.parallelism.tensor * values.parallelism.data_local
    cpu = values.engine.resources.requests.cpu
    if binds and quantity(cpu) < 5 * npus:
        yield (
            "engine.resources.requests.cpu",
            f"CPU binding takes 5 cores a NPU or more, {5 * npus}, and the scheduler reserves "
            f"{cpu}",
        )


_READY = "VLLM_ENGINE_READY_TIMEOUT_S"


def _ready_timeout(values: Values) -> Finds:
    """A server that gives up on its engine before the startup probe does."""
    startup = values.engine.probes.startup
    budget = startup.period_seconds * startup.failure_threshold
    text = values.engine.env.get(_READY) or "600"
    if not text.isdigit() or int(text) < budget:
        yield (
            f"engine.env.{_READY}",
            f"the server gives up on its engine after {text} s, and the startup probe on the pod "
            f"after {budget} s",
        )


def _shared_memory(values: Values) -> Finds:
    """Less shared memory than published."""
    if quantity(values.engine.shm_size) < quantity("32Gi"):
        yield (
            "engine.shmSize",
            "the engine's processes hand tensors over in shared memory, and less than the "
            "published 32Gi has been seen to kill them",
        )


def _memory_limit(values: Values) -> Finds:
    """A memory limit that shared memory and the store take whole."""
    store = values.kv_store.segment_bytes * values.parallelism.data_local
    taken = quantity(values.engine.shm_size) + (store if values.kv_store.enabled else 0)
    if quantity(values.engine.resources.limits.memory) <= taken:
        yield (
            "engine.resources.limits.memory",
            f"shared memory and the store's segment take {taken / memory.GIB:.0f}Gi, all of it",
        )


def _request_timeout(values: Values) -> Finds:
    """A gateway that cuts streams."""
    allowed = seconds(values.maas.request_timeout)
    published = values.monitoring.published
    longest = (published.ttft_milliseconds + 127 * published.itl_milliseconds) / 1000
    # 0s is no limit, in the Gateway API's words.
    if values.maas.enabled and 0 < allowed < longest:
        yield (
            "maas.requestTimeout",
            f"the gateway cuts streams after {allowed:g} s, and a published answer of 128 tokens "
            f"takes {longest:.0f} s",
        )


def _quotas(values: Values) -> Finds:
    """Quotas that one request overdraws."""
    maas, length = values.maas, values.engine.args.max_model_len
    places = {"maas.quotas": maas.quotas}
    places |= {f"maas.tiers.{name}.quotas": tier.quotas for name, tier in maas.tiers.items()}
    weight = max(maas.weights.input, maas.weights.output)
    for place, quotas in sorted(places.items()):
        for name, quota in sorted(quotas.items()):
            longest = length * (weight if quota.count == "weighted" else 1)
            if maas.enabled and quota.count != "output" and quota.tokens < longest:
                yield (
                    f"{place}.{name}",
                    f"one longest request takes {longest} tokens, more than a whole window's "
                    f"{quota.tokens}",
                )


def _clients_in_two_tiers(values: Values) -> Finds:
    """Clients to whom the budgets of two tiers would apply."""
    seen: dict[str, str] = {}
    for name, tier in sorted(values.maas.tiers.items()):
        for client in tier.clients:
            if client in seen:
                yield (
                    f"maas.tiers.{name}.clients",
                    f"{client} stands in tier {seen[client]} too, and both tiers' budgets would "
                    "count it",
                )
            seen[client] = name


def _tier_too_large(values: Values) -> Finds:
    """Tiers whose clients' names together are more than a selector's value may hold."""
    for name, tier in sorted(values.maas.tiers.items()):
        pattern = "|".join(tier.clients).replace(".", "[.]")
        if len(pattern) + 4 > 1024:
            yield (
                f"maas.tiers.{name}.clients",
                f"these ids make a pattern of {len(pattern) + 4} characters, and a rate limit's "
                "selector holds 1024",
            )


def _cannot_fit(values: Values) -> Finds:
    """A deployment that no estimate makes fit."""
    made = memory.outline(values)
    if not made.best.holds:
        yield "npu.card", f"a {made.card} can't hold this deployment: {_why(made, made.best)}"


def _unlikely(values: Values) -> Finds:
    """A deployment that fits only if estimates are at their best."""
    made = memory.outline(values)
    if made.best.holds and not made.likely.holds:
        yield (
            "npu.card",
            f"a {made.card} is not likely to hold this deployment: {_why(made, made.likely)}",
        )


def _why(made: memory.MemoryPlan, reckoning: memory.Reckoning) -> str:
    if reckoning.margin < 0:
        return (
            f"{reckoning.available:.1f} GiB are left for the KV cache, and the longest request "
            f"takes {made.cache.admission_gib:.1f} (most of it by {made.bound_by})"
        )
    return (
        f"graphs and buffers that come after the profile run take {-reckoning.slack:.1f} GiB more "
        f"than a utilization of {made.utilization:g} leaves"
    )


RULES: tuple[Rule, ...] = (
    *(
        Rule(
            code=f"owned-flag-{flag}",
            severity=Severity.ERROR,
            path=f"engine.args.{flag}",
            condition=f'"{flag}" not in Values.engine.args',
            message=f"--{flag} comes from {owner}",
            fix=f"set {owner} and leave engine.args.{flag} out",
            source="the engine's template: a flag that stands twice means the last one",
        )
        for flag, owner in OWNED_FLAGS.items()
    ),
    Rule(
        code="data-parallel-pods",
        severity=Severity.ERROR,
        path="parallelism.dataLocal",
        condition="Values.parallelism.data == Values.parallelism.dataLocal or "
        "Values.parallelism.data == Values.parallelism.dataLocal * 2",
        message="an instance is one pod, or a leader and one worker, with dataLocal ranks each",
        fix="set parallelism.dataLocal to parallelism.data, or to half of it for two nodes",
        source="the manifest has a leader and one worker",
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
        code="claim-without-pvc",
        severity=Severity.ERROR,
        path="model.uri",
        condition='Values.model.claims.leader == "" or "pvc://" in Values.model.uri',
        message="the weights stand on model.claims, but this names another place",
        fix="set it to pvc:// with the leader's claim, such as pvc://weights-0/",
        source="KServe v0.17.0's LLMISVC controller, run: with the storage initializer off nothing "
        "else brings the weights",
    ),
    Rule(
        code="name-hashed-pool",
        severity=Severity.ERROR,
        path="name",
        condition="Values.name | length <= 48",
        message="KServe hashes the pool's name of a service with a name of over 48 characters, and "
        "the router then looks for a pool that does not exist",
        fix="shorten name to 38 characters or fewer",
        source="KServe v0.17.0's LLMISVC controller, run: children's names over 63 characters "
        "are hashed",
    ),
    Rule(
        code="name-hashed-child",
        severity=Severity.WARNING,
        path="name",
        condition="Values.name | length <= 38",
        message="KServe hashes the names of some of the service's children where its name has over "
        "38 characters, so that they can't be told from the service's name",
        fix="shorten name to 38 characters or fewer",
        source="KServe v0.17.0's LLMISVC controller, run: children's names over 63 characters "
        "are hashed",
    ),
    Rule(
        code="port-of-workload-service",
        severity=Severity.WARNING,
        path="engine.port",
        condition="Values.engine.port == 8000",
        message="KServe's workload Service leads to port 8000, so the engine can be reached only "
        "through the pool",
        fix="leave engine.port at 8000",
        source="KServe v0.17.0's LLMISVC controller, run: the Service's port is 8000",
    ),
    Rule(
        code="rollout-in-place",
        severity=Severity.WARNING,
        path="kserve.rolloutInPlace",
        condition='not Values.kserve.rolloutInPlace or Values.kserve.version == "main"',
        message="this KServe has no field for it, so an update of a model that fills its node "
        "never ends: the new pod waits for the old one's NPUs",
        fix="stop the service (annotation serving.kserve.io/stop), apply, and start it",
        source="KServe pull request 5916; no rolloutStrategy in the CRDs of v0.17, v0.19 and v0.20",
    ),
    Rule(
        code="grace-below-waits",
        severity=Severity.ERROR,
        path="engine.termination.gracePeriodSeconds",
        condition="Values.engine.termination.gracePeriodSeconds >= "
        "Values.engine.termination.preStopSeconds + "
        "Values.engine.termination.shutdownTimeoutSeconds",
        message="the kubelet kills the engine before it has finished its requests",
        fix="set it to preStopSeconds + shutdownTimeoutSeconds or more",
        source="Kubernetes, pod lifecycle: the grace period counts from the start of preStop",
    ),
    Rule(
        code="router-goes-first",
        severity=Severity.WARNING,
        path="router.terminationGracePeriodSeconds",
        condition="Values.router.terminationGracePeriodSeconds >= "
        "Values.engine.termination.gracePeriodSeconds",
        message="the router is gone before the engines behind it have drained",
        fix="set it to engine.termination.gracePeriodSeconds or more",
        source="vLLM and KServe issues on drains, kserve 5485 and 5496",
    ),
    Rule(
        code="maas-namespace",
        severity=Severity.ERROR,
        path="maas.namespace",
        condition='not (Values.maas.enabled and Values.maas.namespace == "envoy-gateway-system")',
        message="in envoy-gateway-system the gateway's policies are reported as accepted and not "
        "enforced: requests without a key are answered, or every request is 500",
        fix="set maas.namespace to a namespace of its own, such as maas-system",
        source="Alauda AI documentation, MaaS gateway; the 500 is seen in "
        "tests/e2e/test_gateway.py",
    ),
    Rule(
        code="maas-window",
        severity=Severity.ERROR,
        path="maas.bytesPerToken",
        condition="not Values.maas.enabled or "
        'Values.engine.args["max-model-len"] * Values.maas.bytesPerToken * 2 <= 2147483647',
        message="max-model-len × bytesPerToken × 2 is above HTTP/2's largest window, 2147483647 "
        "bytes",
        fix="lower maas.bytesPerToken",
        source="RFC 9113, section 6.9.1",
    ),
    # --- parallel sizes ---
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
    # --- sequence parallelism and DSA-CP ---
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
        f'{_ARGS}["max-num-seqs"] >= Values.parallelism.tensor or ({_DRAFTS_KNOWN} and '
        f'{_ARGS}["max-num-seqs"] * ({_DRAFTS} | int + 1) >= Values.parallelism.tensor)',
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
        condition=f"not {FLASHCOMM} or "
        f'{_ARGS}["max-num-batched-tokens"] % Values.parallelism.tensor == 0',
        message="with sequence parallelism a step's tokens are split over the tensor parallel "
        "ranks, and this is no multiple of them",
        fix="choose a multiple of parallelism.tensor",
        source="vllm-ascend v0.22.1rc, ascend_config.py: only adjusted for prefill context "
        "parallelism",
    ),
    # --- limits ---
    Rule(
        code="batched-tokens-below-seqs",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f'{_ARGS}["max-num-batched-tokens"] >= {_ARGS}["max-num-seqs"]',
        message="a step must hold a token of each request; the engine stops at its start",
        fix="set it to max-num-seqs or more",
        source="vLLM 0.22.1, SchedulerConfig, run",
    ),
    Rule(
        code="batched-tokens-below-length",
        severity=Severity.ERROR,
        path="engine.args.max-num-batched-tokens",
        condition=f"not ({has('enable-chunked-prefill')} and "
        f"{argument('enable-chunked-prefill')} is boolean and "
        f"not {argument('enable-chunked-prefill')}) or "
        f'{_ARGS}["max-num-batched-tokens"] >= {_ARGS}["max-model-len"]',
        message="without chunked prefill a whole prompt must fit in one step; the engine stops at "
        "its start",
        fix="leave enable-chunked-prefill out, or raise this to max-model-len",
        source="vLLM 0.22.1, SchedulerConfig, run",
    ),
    Rule(
        code="model-length",
        severity=Severity.ERROR,
        path="engine.args.max-model-len",
        condition=f'{_ARGS}["max-model-len"] <= {memory.MAX_MODEL_LEN}',
        message=f"the model's positions end at {memory.MAX_MODEL_LEN}",
        fix=f"set it to {memory.MAX_MODEL_LEN} or less",
        source="config.json: max_position_embeddings",
    ),
    Rule(
        code="block-size",
        severity=Severity.ERROR,
        path="engine.args.block-size",
        condition=f'{_ARGS}["block-size"] in (32, 64, 128)',
        message="the engine knows blocks of 32, 64 and 128 tokens, and takes 32 for anything else "
        "with no more than a line in its log",
        fix="set it to 128, as published, or to 32 or 64",
        source="vllm-ascend v0.22.1rc, utils.py, refresh_block_size; pull request 10354",
    ),
    # --- the model's own flags ---
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
        condition=f"not ({has('chat-template')} and {argument('chat-template')} is string) or "
        f"not {equals('deepseek_v4', 'tokenizer-mode')}",
        message="under tokenizer-mode deepseek_v4 the template is not used, and yet the engine "
        "stops at its start where the file is missing",
        fix="set it to null",
        source="vLLM 0.22.1, tokenizers/deepseek_v4.py and validate_parsed_serve_args, run",
        engine=">=0.22.0",
        published="The published command line names a file that is in its image, so it does no "
        "harm.",
    ),
    Rule(
        code="tool-calls-as-text",
        severity=Severity.WARNING,
        path="engine.args.tool-call-parser",
        condition=has("tool-call-parser"),
        message="tool calls come back as text inside of the answer",
        fix="set tool-call-parser to deepseek_v4 and enable-auto-tool-choice to true",
        source="vllm-ascend's tutorial sets both; vllm-ascend issues 8997, 8875, 8713",
        published="Kept as published: the benchmark calls no tools. Add both flags if clients do.",
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
    # --- speculative decoding and graphs ---
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
        condition=f"not ({_LOADER}) or {_MULTITHREAD} is boolean",
        message="this engine stops at its start where it is no boolean",
        fix="write true without quotes, or take it out",
        source=_LOADER_SOURCE,
        engine=">=0.24.0",
    ),
    Rule(
        code="multithread-strategy",
        severity=Severity.ERROR,
        path="engine.args.safetensors-load-strategy",
        condition=f"not ({true('model-loader-extra-config', 'enable_multithread_load')} or "
        f"{equals('true', 'model-loader-extra-config', 'enable_multithread_load')}) or "
        f"not ({has('safetensors-load-strategy')} and "
        f"{argument('safetensors-load-strategy')} is string) or "
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
        code="kv-format",
        severity=Severity.ERROR,
        path="engine.args.additional-config.enable_kv_nz",
        condition=f"not {true('additional-config', 'enable_kv_nz')}",
        message="models with DSA sparse attention can't have it: the engine stops at its start",
        fix="take it out",
        source="vllm-ascend v0.22.1rc, ascend_config.py",
    ),
    # --- caches ---
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
        code="kv-store-hybrid-cache",
        severity=Severity.ERROR,
        path="engine.args.disable-hybrid-kv-cache-manager",
        condition=f"not Values.kvStore.enabled or ({has('disable-hybrid-kv-cache-manager')} and "
        f"{argument('disable-hybrid-kv-cache-manager')} is boolean)",
        message="with a KV store this engine turns its hybrid cache manager off by itself, and "
        "runs out of memory",
        fix="set it to false, which is --no-disable-hybrid-kv-cache-manager",
        source="vllm-ascend issues 9975 and 9087; v0.22.1rc's store connector supports it",
        engine="<0.22.0",
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
        published="The two data parallel ranks of the published instance share the store, and its "
        "hit rates were measured that way.",
    ),
    Rule(
        code="retention-not-read",
        severity=Severity.WARNING,
        path="engine.env.VLLM_PREFIX_CACHE_RETENTION_INTERVAL",
        condition='not ("VLLM_PREFIX_CACHE_RETENTION_INTERVAL" in Values.engine.env and '
        'Values.engine.env["VLLM_PREFIX_CACHE_RETENTION_INTERVAL"] is string)',
        message="this engine does not read it",
        fix="set it to null, or use an image with vLLM 0.23.0 or newer",
        source="vLLM 0.22.1, envs.py: it is not there",
        engine="<0.23.0",
    ),
    # --- settings that do nothing, or the opposite ---
    Rule(
        code="dead-use-v1",
        severity=Severity.WARNING,
        path="engine.env.VLLM_USE_V1",
        condition='not ("VLLM_USE_V1" in Values.engine.env and '
        'Values.engine.env["VLLM_USE_V1"] is string)',
        message="this engine does not read it: there is no other engine any more",
        fix="set it to null",
        source="vLLM 0.22.1, envs.py: it is not there",
        engine=">=0.22.0",
        published="A leftover of the published manifest; it does nothing.",
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
    # --- the platform ---
    Rule(
        code="moving-image-tag",
        severity=Severity.WARNING,
        path="engine.image",
        condition='"@sha256:" in Values.engine.image or (":" in Values.engine.image | base and '
        'not "nightly" in Values.engine.image and not ":latest" in Values.engine.image and '
        'not ":main" in Values.engine.image)',
        message="this tag moves: the next pull may bring another engine",
        fix="pin it with @sha256:…, which `skopeo inspect` or a running pod's imageID tells",
        source="vllm-ascend issue 15055",
        published="The publisher names the nightly tag and no digest; a digest made up here would "
        "be worse. Pin what you have pulled.",
        upstream="The tutorial leaves the image open, and the validated deployment's stands here. "
        "Pin what you have pulled.",
    ),
    Rule(
        code="any-card",
        severity=Severity.WARNING,
        path="npu.nodeSelector",
        condition="Values.npu.nodeSelector or not (Values.npu.resourceName == "
        '"huawei.com/Ascend910")',
        message="huawei.com/Ascend910 is any card of the family, with 32 GB or 64 GB, and nothing "
        "says which node to take",
        fix="set a label that tells the card, such as node.kubernetes.io/npu.chip.name: 910B4",
        source="names of MindCluster's device plugin and node labels",
        published="The publisher's cluster had cards of one kind.",
        upstream="The tutorial is run by hand on one machine; only you know your nodes' labels.",
    ),
    Rule(
        code="startup-budget",
        severity=Severity.WARNING,
        path="engine.probes.startup",
        condition="Values.engine.probes.startup.periodSeconds * "
        "Values.engine.probes.startup.failureThreshold >= 3600",
        message="loading the weights and capturing graphs may take an hour, and the kubelet "
        "restarts the engine before that",
        fix="set periodSeconds × failureThreshold to 3600 or more",
        source="Alauda AI documentation, DeepSeek-V4-Flash (W4A8): 120 × 30 s",
    ),
    Rule(
        code="grace-below-answer",
        severity=Severity.WARNING,
        path="engine.termination.gracePeriodSeconds",
        condition="Values.engine.termination.gracePeriodSeconds * 1000 >= "
        "Values.monitoring.published.ttftMilliseconds + "
        "127 * Values.monitoring.published.itlMilliseconds",
        message="a restart aborts requests: the kubelet kills the engine sooner than a published "
        "answer of 128 tokens takes",
        fix="set preStopSeconds, shutdownTimeoutSeconds and this, as examples/production does",
        source="published E2E: TTFT + 127 × ITL; KServe's presets give 30 or 60 s",
        published="The published manifest leaves it to KServe's preset. Adding it changes how the "
        "pod ends, not how it answers.",
        upstream="The tutorial runs the container by hand, so KServe's preset stands.",
    ),
    Rule(
        code="budget-of-one",
        severity=Severity.WARNING,
        path="disruptionBudget.enabled",
        condition="not Values.disruptionBudget.enabled or Values.replicas > 1",
        message="with one instance a budget either allows its eviction or blocks every drain of "
        "its node",
        fix="set it to false, or raise replicas",
        source="Kubernetes, Specifying a Disruption Budget",
    ),
    # --- the MaaS gateway ---
    Rule(
        code="maas-open-ingress",
        severity=Severity.WARNING,
        path="networkPolicy.enabled",
        condition="not Values.maas.enabled or Values.networkPolicy.enabled",
        message="KServe's own ingress and the engine's port ask for no key: whoever reaches them "
        "goes round keys and quotas",
        fix="set it to true, with the namespaces that may connect",
        source="Alauda AI documentation: Internal KServe ingress (no auth)",
    ),
    Rule(
        code="maas-plain-http",
        severity=Severity.WARNING,
        path="maas.gateway.tls.enabled",
        condition="not Values.maas.enabled or not Values.maas.gateway.create or "
        "Values.maas.gateway.tls.enabled",
        message="API keys and prompts cross the network as plain text",
        fix="set it to true, unless something before the gateway ends TLS",
        source="RFC 6750, section 5.3: bearer tokens need TLS",
    ),
    Rule(
        code="maas-tls-hostname",
        severity=Severity.ERROR,
        path="maas.gateway.hostname",
        condition="not Values.maas.enabled or not Values.maas.gateway.create or "
        "not Values.maas.gateway.tls.enabled or not Values.maas.gateway.tls.issuer.name or "
        "Values.maas.gateway.hostname",
        message="cert-manager makes a certificate for a listener's host name only, and passes over "
        "a listener without one",
        fix="set it to the name that clients use",
        source="cert-manager documentation, Annotated Gateway resource",
    ),
    Rule(
        code="maas-tls-port",
        severity=Severity.ERROR,
        path="maas.gateway.tls.port",
        condition="not Values.maas.enabled or not Values.maas.gateway.tls.enabled or "
        "Values.maas.gateway.tls.port != Values.maas.gateway.port",
        message="the plain listener and the one under TLS have one port: both are refused",
        fix="give each its own, such as 80 and 443",
        source="Gateway API, Gateway: listeners of one port must have one protocol",
    ),
    Rule(
        code="maas-tls-redirect",
        severity=Severity.WARNING,
        path="maas.gateway.port",
        condition="not Values.maas.enabled or not Values.maas.gateway.create or "
        "not Values.maas.gateway.tls.enabled or Values.maas.gateway.port == 80 or "
        "Values.maas.gateway.tls.port != 443",
        message="the plain listener redirects to https on its own port, since Envoy Gateway leaves "
        "443 out of the redirect and Envoy then keeps the port that was asked for",
        fix="set it to 80, or maas.gateway.tls.port to another than 443",
        source="Envoy Gateway 1.8.1, internal/xds/translator/route.go",
    ),
    Rule(
        code="maas-no-quota",
        severity=Severity.WARNING,
        path="maas.quotas",
        condition="not Values.maas.enabled or Values.maas.quotas",
        message="a key may take all of the engine: nothing limits its tokens",
        fix="set a quota, such as hour",
        source="what the MaaS ingress is for",
    ),
    Rule(
        code="maas-buffer",
        severity=Severity.ERROR,
        path="maas.bytesPerToken",
        condition="not Values.maas.enabled or Values.maas.bytesPerToken >= 5",
        message="the gateway's buffer is below the published prompt, which takes 4.9 bytes a "
        "token: it is refused with 413, or hangs on Envoy before 1.36",
        fix="leave it at 32, or set 24 or more for text that is not English",
        source="Alauda AI documentation: 85 KB for 17.5k tokens",
    ),
    Rule(
        code="maas-buffer-escapes",
        severity=Severity.WARNING,
        path="maas.bytesPerToken",
        condition="not Values.maas.enabled or Values.maas.bytesPerToken >= 24 or "
        "Values.maas.bytesPerToken < 5",
        message="a long prompt in Chinese that a client escapes as \\uXXXX takes up to 24 bytes a "
        "token, and is refused",
        fix="leave it at 32",
        source="JSON's escapes: 6 bytes a character, 4 characters a token",
    ),
    # --- what needs Python ---
    Rule(
        code="engine-flag",
        severity=Severity.ERROR,
        path="engine.args",
        condition="each argument is one that the engine's own parser takes",
        message="the engine's parser does not take an argument",
        fix="correct the flag, or take it out with null",
        source="the command-line parser of vLLM 0.22.1, read out of it",
        engine="=0.22.1",
        finds=_flags,
    ),
    Rule(
        code="unknown-engine-version",
        severity=Severity.WARNING,
        path="engine.version",
        condition="the flags of the engine's version are known here",
        message="the flags of this version are not known here, so the arguments are not checked",
        fix="set engine.version to the version in the image; known: 0.22.1",
        source="the lists of flags that ship with this package",
        published="Only vLLM 0.22.1's parser has been read so far.",
        upstream="Only vLLM 0.22.1's parser has been read so far.",
        finds=_version,
    ),
    Rule(
        code="variable-twice",
        severity=Severity.ERROR,
        path="engine.env",
        condition="each environment variable is set in one place",
        message="a variable is set in another place too, and Kubernetes refuses it twice",
        fix="set it once: in engine.env, in engine.envFromPod, or by kvStore",
        source="Kubernetes: env is a map by name under server-side apply",
        finds=_variables,
    ),
    Rule(
        code="prefix-cache-cannot-hit",
        severity=Severity.WARNING,
        path="engine.args.enable-prefix-caching",
        condition="the prefix cache is off, or all that a hit takes is there",
        message="the prefix cache's hit rate will be 0",
        fix="see to all of it, or do not count on the cache",
        source="vllm-ascend issues 10710, 12589, 13339, 16270; Alauda AI documentation, "
        "DeepSeek-V4-Flash (W8A8)",
        published="Published so, with a measured hit rate of 0: the published figures hold without "
        "it.",
        upstream="The tutorial leaves the cache on, and tells no hit rate.",
        finds=_prefix_cache,
    ),
    Rule(
        code="retention-interval",
        severity=Severity.ERROR,
        path="engine.env.VLLM_PREFIX_CACHE_RETENTION_INTERVAL",
        condition="it is a multiple of the block size",
        message="the interval must be a multiple of the block size",
        fix="set it to 128 × engine.args.block-size",
        source="vllm-ascend, tutorial DeepSeek-V4-Flash: 4096 at 32, 16384 at 128",
        finds=_retention,
    ),
    Rule(
        code="text-for-boolean",
        severity=Severity.WARNING,
        path="engine.args",
        condition='no argument\'s JSON has "true" where true is meant',
        message='"true" in quotes is text, which not every engine takes',
        fix="write true without quotes",
        source="vllm-ascend v0.22.1rc, ascend_config.py: any text is true; vLLM pull request "
        "45196: text is refused",
        published="The published command line has it in model-loader-extra-config, and its engine "
        "takes it for true; vLLM 0.24.0 and newer refuses it.",
        finds=_texts_for("true"),
    ),
    Rule(
        code="text-for-false",
        severity=Severity.ERROR,
        path="engine.args",
        condition='no argument\'s JSON has "false" where false is meant',
        message='"false" in quotes is text, and counts as true',
        fix="write false without quotes",
        source="vllm-ascend v0.22.1rc, ascend_config.py: any text is true",
        finds=_texts_for("false"),
    ),
    Rule(
        code="additional-config-key",
        severity=Severity.WARNING,
        path="engine.args.additional-config",
        condition="each of its keys is known",
        message="a key is not known here, and the engine ignores unknown ones without a word",
        fix="correct it, or take it out",
        source="vllm-ascend v0.20.2rc to v0.26.0rc, ascend_config.py and utils.py",
        finds=_additional,
    ),
    Rule(
        code="secret-in-variable",
        severity=Severity.WARNING,
        path="engine.env",
        condition="no variable's name is that of a secret",
        message="a secret would stand in the manifest, in the release and in its history",
        fix="keep it in a Secret that the cluster's own tools hand to the pod",
        source="Kubernetes, good practices for Secrets",
        finds=_secrets,
    ),
    Rule(
        code="cpu-binding",
        severity=Severity.WARNING,
        path="engine.resources.requests.cpu",
        condition="it is 5 a NPU or more where the engine binds CPUs",
        message="CPU binding takes 5 cores a NPU or more, and the scheduler reserves fewer",
        fix="set it to 5 × parallelism.tensor × parallelism.dataLocal or more",
        source="vllm-ascend issue 6966",
        published="Published so; with a node to itself the engine gets the cores all the same, up "
        "to its limit.",
        finds=_cpus,
    ),
    Rule(
        code="engine-ready-timeout",
        severity=Severity.WARNING,
        path="engine.env.VLLM_ENGINE_READY_TIMEOUT_S",
        condition="it is as long as the startup probe's budget",
        message="the server gives up on its engine sooner than the startup probe gives up on the "
        "pod",
        fix="set it to periodSeconds × failureThreshold of engine.probes.startup",
        source="vLLM 0.22.1, envs.py: 600 s by default; upstream's nightly tests set 3000",
        published="Published so; where loading takes longer than this, set it.",
        upstream="The tutorial sets none; where loading takes longer than this, set it.",
        finds=_ready_timeout,
    ),
    Rule(
        code="shared-memory",
        severity=Severity.WARNING,
        path="engine.shmSize",
        condition="it is 32Gi or more",
        message="the engine's processes hand tensors over in shared memory, and less than the "
        "published 32Gi has been seen to kill them",
        fix="set it to 32Gi",
        source="Alauda AI documentation, DeepSeek-V4-Flash; vllm-ascend pull request 8693",
        finds=_shared_memory,
    ),
    Rule(
        code="memory-limit",
        severity=Severity.ERROR,
        path="engine.resources.limits.memory",
        condition="it holds the shared memory and the store's segment",
        message="shared memory and the store's segment count against it, and take all of it",
        fix="raise it above engine.shmSize and kvStore.segmentBytes together",
        source="Kubernetes, emptyDir: memory-backed volumes count against the limit",
        finds=_memory_limit,
    ),
    Rule(
        code="maas-timeout",
        severity=Severity.ERROR,
        path="maas.requestTimeout",
        condition="it is above the published time of a request",
        message="the gateway cuts streams sooner than a published answer of 128 tokens takes",
        fix="set it to twice that or more; 900s by default",
        source="published E2E: TTFT + 127 × ITL; Envoy AI Gateway cuts at 60 s by default",
        finds=_request_timeout,
    ),
    Rule(
        code="maas-client-in-two-tiers",
        severity=Severity.ERROR,
        path="maas.tiers",
        condition="each client stands in one tier at most",
        message="a client stands in two tiers, and both tiers' budgets would count it",
        fix="leave it in one",
        source="Envoy Gateway: each rate limit rule that matches a request counts it",
        finds=_clients_in_two_tiers,
    ),
    Rule(
        code="maas-tier-too-large",
        severity=Severity.ERROR,
        path="maas.tiers",
        condition="each tier's ids fit a selector's value",
        message="the ids of a tier's clients are longer than a rate limit's selector may be",
        fix="split the tier in two with the same budgets, or give shorter ids",
        source="Envoy Gateway 1.8.1's CRD: 1024 characters a header's value",
        finds=_tier_too_large,
    ),
    Rule(
        code="maas-quota-small",
        severity=Severity.WARNING,
        path="maas.quotas",
        condition="each quota holds one longest request",
        message="one longest request takes more than a whole window",
        fix="raise its tokens to engine.args.max-model-len or more",
        source="tokens are charged after the answer: vLLM's usage, Envoy's response cost",
        finds=_quotas,
    ),
    Rule(
        code="memory-cannot-fit",
        severity=Severity.ERROR,
        path="npu.card",
        condition="with every estimate at its best, the card holds the deployment",
        message="the card can't hold this deployment",
        fix="lower max-num-batched-tokens or gpu-memory-utilization, or take more or larger cards; "
        "`dsv4deploy plan` shows the sum",
        source="the memory plan: config.json, vllm-ascend v0.22.1rc's cache layout",
        finds=_cannot_fit,
    ),
    Rule(
        code="memory-unlikely",
        severity=Severity.WARNING,
        path="npu.card",
        condition="with every estimate as it is likely, the card holds the deployment",
        message="the card is not likely to hold this deployment",
        fix="lower max-num-batched-tokens or gpu-memory-utilization; `dsv4deploy plan` shows the "
        "sum, and --calibrate takes a start's log in the place of its assumptions",
        source="the memory plan: config.json, vllm-ascend v0.22.1rc's cache layout",
        finds=_unlikely,
    ),
)


@cache
def _conditions() -> Callable[[Mapping[str, Any]], Any]:
    # One expression for all: compiling each by itself takes several times as long.
    conditions = ", ".join(f"({rule.condition})" for rule in RULES if not rule.finds)
    return expression(f"[{conditions}]")


def check(
    values: Values, release: Release | None = None, *, ignore: Collection[str] = ()
) -> list[Finding]:
    """Everything that is known to be wrong with a deployment; empty where nothing is.

    Args:
        values: what :func:`dsv4deploy.load` returns.
        release: the namespace to deploy to; ``demo`` by default.
        ignore: codes of warnings to leave out.

    Raises:
        ValuesError: a code to ignore is not known, or an error's.
    """
    for code in ignore:
        if rule(code).severity == Severity.ERROR:
            raise ValuesError.of("--ignore", code, "an error can't be ignored: correct the value")
    data = context(values, release or Release())
    holds = iter(_conditions()(data))
    findings = []
    for each in RULES:
        places = (
            each.finds(values)
            if each.finds
            else iter([] if next(holds) else [(each.path, each.message)])
        )
        if each.code not in ignore and each.concerns(values.engine.version):
            findings += [
                Finding(each.code, each.severity, path, message, each.fix)
                for path, message in places
            ]
    return sorted(findings, key=lambda finding: finding.severity != Severity.ERROR)


def rule(code: str) -> Rule:
    """A rule by its code.

    Raises:
        ValuesError: there is none; the message names the nearest.
    """
    known = {each.code: each for each in RULES}
    if code not in known:
        raise ValuesError.of("rules", code, f"there is no such rule{nearest(code, known)}")
    return known[code]


def explain_rule(code: str) -> str:
    """What ``dsv4deploy rules show`` prints.

    Raises:
        ValuesError: there is no such rule.
    """
    each = rule(code)
    rows = [
        ("severity", each.severity),
        ("value", each.path),
        ("holds for", _versions(each)),
        ("must hold", each.condition),
        ("fix", each.fix),
        ("source", each.source),
        ("checked by", _checked_by(each)),
        ("published", each.published),
        ("upstream", each.upstream),
    ]
    return "\n".join(
        [f"{each.code}: {each.message}", ""]
        + [f"  {label:10} {text}" for label, text in rows if text]
    )


def _versions(each: Rule) -> str:
    parts = [f"vLLM {each.engine.replace('>=', 'from ').replace('<', 'before ').replace('=', '')}"]
    return ", ".join([*(parts if each.engine else []), *filter(None, [each.platform])]) or "all"


def _checked_by(each: Rule) -> str:
    if each.finds:
        return "dsv4deploy"
    return "dsv4deploy; the chart " + (
        "refuses to render" if each.severity == Severity.ERROR else "says it in its notes"
    )


def reference() -> str:
    """docs/rules.md: every rule, and why a profile's choice stands where it breaks one."""
    from ..values.loading import load, profile_names
    from ..values.profiles import summary

    def why(name: str, code: str) -> str:
        each = rule(code)
        return each.published if summary(name)["provenance"] == "validated" else each.upstream

    lines = [
        "# Rules",
        "",
        "Written by `dsv4deploy rules write`. An error stops `render` and `helm install`; a",
        "warning does not, and `check --ignore CODE` leaves it out.",
        "",
        "| code | severity | holds for | checked by | what is wrong |",
        "|---|---|---|---|---|",
        *(
            f"| [{each.code}](#{each.code}) | {each.severity} | {_versions(each)} | "
            f"{_checked_by(each)} | {each.message} |"
            for each in RULES
        ),
        "",
        "## Warnings of the shipped profiles",
        "",
        "No profile has an error.",
        "",
        "| profile | warning | why it stands |",
        "|---|---|---|",
        *(
            f"| {name} | {finding.code} | {why(name, finding.code)} |"
            for name in profile_names()
            for finding in check(load(profile=name))
        ),
    ]
    for each in RULES:
        lines += [
            "",
            f"## {each.code}",
            "",
            f"{each.severity.capitalize()} at `{each.path}`: {each.message}.",
            "",
            f"- Fix: {each.fix}.",
            f"- Must hold: {each.condition if each.finds else f'`{each.condition}`'}.",
            f"- Holds for: {_versions(each)}.",
            f"- Source: {each.source}.",
        ]
    return "\n".join(lines) + "\n"
