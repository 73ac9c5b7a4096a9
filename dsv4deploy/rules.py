"""What is known to go wrong, as data: each rule is a condition, a sentence, a fix and a source.

A condition is an expression in the templates' language over ``Values`` and ``Release``, true
where all is well. It is evaluated here, and the chart carries it as ``fail`` with the same
sentence, so that a plain ``helm install`` is guarded too. What needs Python (the engine's flags)
is a function in :data:`CHECKS`; the chart alone does not check it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from . import flags
from .render import Release, context, environment
from .values import Values


class Severity(StrEnum):
    """Whether a finding stops a deployment."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or may be.

    Attributes:
        code: the rule's name, for :func:`check`'s caller and the documentation.
        severity: an error stops ``render`` and ``helm install``; a warning does not.
        path: the dotted path of the value, or of the object's field.
        message: what is wrong.
        fix: what to do about it.
    """

    code: str
    severity: Severity
    path: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}: {self.fix}"


@dataclass(frozen=True)
class Rule:
    """A condition that must hold.

    Attributes:
        code: its name.
        severity: of its finding.
        path: the value that the finding names.
        condition: an expression over ``Values`` and ``Release``, true where all is well.
        message: what is wrong where it is false.
        fix: what to do about it.
        source: where this is known from.
    """

    code: str
    severity: Severity
    path: str
    condition: str
    message: str
    fix: str
    source: str

    @property
    def sentence(self) -> str:
        """What is said where the condition is false, here and by the chart."""
        return f"{self.path}: {self.message}: {self.fix}"


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
        "enforced: requests without a key would be answered",
        fix="set maas.namespace to a namespace of its own, such as maas-system",
        source="Alauda AI documentation, MaaS gateway",
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
)


@cache
def _conditions() -> Callable[..., Any]:
    # One expression for all: compiling each by itself takes several times as long.
    conditions = ", ".join(f"({rule.condition})" for rule in RULES)
    return environment().compile_expression(f"[{conditions}]", undefined_to_none=False)


def check(values: Values, release: Release | None = None) -> list[Finding]:
    """Everything that is known to be wrong with a deployment; empty where nothing is.

    Args:
        values: what :func:`dsv4deploy.load` returns.
        release: the namespace to deploy to; ``demo`` by default.
    """
    data = context(values, release or Release())
    findings = [
        Finding(rule.code, rule.severity, rule.path, rule.message, rule.fix)
        for rule, holds in zip(RULES, _conditions()(data), strict=True)
        if not holds
    ]
    for function in CHECKS:
        findings += function(values)
    return sorted(findings, key=lambda finding: finding.severity != Severity.ERROR)


def errors(findings: list[Finding]) -> list[Finding]:
    """Those findings that stop a deployment."""
    return [finding for finding in findings if finding.severity == Severity.ERROR]


def _flags(values: Values) -> Iterator[Finding]:
    """Engine arguments that the engine's own parser does not know."""
    version = values.engine.version
    if not flags.known(version):
        yield Finding(
            "unknown-engine-version",
            Severity.WARNING,
            "engine.version",
            f"the flags of vLLM {version} are not known here, so the arguments are not checked",
            f"set engine.version to the version in the image; known: {', '.join(flags.versions())}",
        )
        return
    for flag, value in values.engine.args.model_dump(by_alias=True).items():
        message = "" if flag in OWNED_FLAGS else flags.problem(version, flag, value)
        if message:
            yield Finding(
                "engine-flag",
                Severity.ERROR,
                f"engine.args.{flag}",
                message,
                "correct the flag, or take it out with null",
            )


def _variables(values: Values) -> Iterator[Finding]:
    """An environment variable that is set in two places."""
    fixed = {"MOONCAKE_CONFIG_PATH"} if values.kv_store.enabled else set()
    text = {name for name, value in values.engine.env.items() if value is not None}
    fields = {name for name, value in values.engine.env_from_pod.items() if value is not None}
    for name in sorted((text & fields) | (fixed & (text | fields))):
        yield Finding(
            "variable-twice",
            Severity.ERROR,
            f"engine.env.{name}",
            "this variable is set in another place too, and Kubernetes refuses it twice",
            "set it once: in engine.env, in engine.envFromPod, or by kvStore",
        )


# The smallest run of tokens that this model's cache can use again is this many blocks.
_BLOCKS_OF_A_HIT = 128


def _prefix_cache(values: Values) -> Iterator[Finding]:
    """A prefix cache that can never hit: one of the four conditions of a hit is missing."""
    args = values.engine.args.model_dump(by_alias=True)
    if args.get("enable-prefix-caching") is not True:
        return
    unit = args["block-size"] * _BLOCKS_OF_A_HIT
    additional = args.get("additional-config")
    interval = values.engine.env.get("VLLM_PREFIX_CACHE_RETENTION_INTERVAL") or ""
    missing = []
    if not (isinstance(additional, dict) and additional.get("enable_dsa_cp") is True):
        missing.append("engine.args.additional-config.enable_dsa_cp is not true")
    if not (interval.isdigit() and int(interval) and int(interval) % unit == 0):
        missing.append(f"VLLM_PREFIX_CACHE_RETENTION_INTERVAL is no multiple of {unit} tokens")
    if args["max-model-len"] <= unit:
        missing.append(f"no prompt has the {unit} tokens that a hit takes at this block-size")
    if values.engine.version == "0.22.1":
        missing.append("vLLM 0.22.1's cache of this model does not hit")
    if missing:
        yield Finding(
            "prefix-cache-cannot-hit",
            Severity.WARNING,
            "engine.args.enable-prefix-caching",
            f"the prefix cache's hit rate will be 0: {'; '.join(missing)}",
            "see to all of it, or do not count on the cache",
        )


CHECKS: tuple[Callable[[Values], Iterator[Finding]], ...] = (_flags, _variables, _prefix_cache)
"""What needs Python: the chart alone does not check these."""
