"""The values of a deployment: one typed tree, the same in Python, on the command line and in Helm.

``Values()`` is the deployment that its publisher validated on one node of eight Ascend
910B4 (:data:`PUBLISHED`). Every key is always there: unset is ``""``, ``[]``, ``{}``, 0 or
``enabled: false``. Only the free maps (engine arguments, environment) may hold
null, which leaves that entry out.

The docstring under a field is its documentation everywhere: here, in ``dsv4deploy explain``,
in the JSON schema and in the chart's values.yaml. Its ``Unit:``, ``Becomes:`` and ``Source:``
lines name the unit, the flag or field that the value ends in, and where the default comes from
where that is not :data:`PUBLISHED`.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType

PUBLISHED = "Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W4A8)"
"""Whose figures the defaults are, unless a value's sentence names another source."""

SECRET = re.compile(r"(?i)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|CREDENTIAL)S?$")
"""How the name of a variable ends whose value is a secret."""

# --- scalars -------------------------------------------------------------------------------

# JSON, and so Helm, carries integers exactly only up to here.
EXACT = 2**53 - 1
# Control characters, line separators, byte order marks and non-characters: some YAML readers
# and writers lose or refuse them (Helm 3.17's schema check among them).
_UNSAFE = "\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
# `{{` starts a template that KServe expands anywhere in an LLMInferenceService.
LINE = f"^(\\{{?[^{{\x00-\x1f{_UNSAFE}])*\\{{?$"
TEXT = f"^(\\{{?[^{{\x00-\x08\x0b-\x1f{_UNSAFE}])*\\{{?$"


def _whole(value: Any) -> Any:
    """8.0 is 8: Helm's numbers are floats, and JSON schema calls both an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: float) -> int | float:
    """8.0 is 8, but -0.0 stays: Helm prints it as -0."""
    return value if str(value) == "-0.0" else int(value) if value.is_integer() else value


def _unique(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError("the same item stands here twice: keep one")
    return items


def _read_only(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("values are frozen: build new ones with load()")


class FrozenDict(dict[str, Any]):
    """A mapping that can't be changed, so that frozen values are frozen all the way down."""

    __setitem__ = __delitem__ = __ior__ = _read_only
    update = setdefault = pop = popitem = clear = _read_only

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self),)


def _kind(value: Any) -> str:
    """Which branch of :data:`Data` a value takes, by its type alone."""
    if value is None:
        return "{null}"
    if isinstance(value, bool):
        return "{boolean}"
    if isinstance(value, int | float):
        return "{number}"
    if isinstance(value, list | tuple):
        return "{list}"
    return "{object}" if isinstance(value, dict) else "{text}"


Boolean = Annotated[bool, Strict()]
# The order matters: with the bounds behind the validator the JSON schema would lose them.
# Kubernetes keeps these in 32 bits.
Count = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]
# Bounds far above anything that exists, so that no product of values overflows Helm's integers.
Size = Annotated[int, Strict(), Field(ge=1, le=4096), BeforeValidator(_whole)]
Tokens = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]
Natural = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1), BeforeValidator(_whole)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=86_400), BeforeValidator(_whole)]
Port = Annotated[int, Strict(), Field(ge=1, le=65_535), BeforeValidator(_whole)]
# Small enough that no request's weighted tokens leave the 32 bits of a budget.
Weight = Annotated[int, Strict(), Field(ge=1, le=1000), BeforeValidator(_whole)]
Fraction = Annotated[float, Strict(), Field(gt=0, le=1)]
Number = Annotated[
    float, Strict(), Field(ge=-EXACT, le=EXACT, allow_inf_nan=False), AfterValidator(_number)
]


def _text(pattern: str, words: str, low: int, high: int) -> Any:
    return Field(pattern=_said(pattern, words), min_length=low, max_length=high)


def _said(pattern: str, words: str) -> str:
    PATTERNS[pattern] = words
    return pattern


PATTERNS: dict[str, str] = {}
"""What each text must look like, in words, by the regular expression that checks it. The
expressions keep to what RE2 (Helm), Rust (Python) and JSON schema read alike."""

_ONE_LINE = "one line of text without control characters or `{{`, which KServe would expand"
Line = Annotated[str, Strict(), _text(LINE, _ONE_LINE, 0, 8192)]
Word = Annotated[str, Strict(), _text(LINE, _ONE_LINE, 1, 1024)]
Text = Annotated[
    str,
    Strict(),
    _text(TEXT, "text without control characters or `{{`, which KServe would expand", 0, 65_536),
]
Path = Annotated[
    str,
    Strict(),
    _text(r"^/[A-Za-z0-9._/@+-]*$", "an absolute path of letters, digits and . _ / @ + -", 1, 1024),
]
CommandLine = Annotated[
    str,
    Strict(),
    _text(
        r"^[A-Za-z0-9._/=-]+( [A-Za-z0-9._/=-]+)*$",
        "words of letters, digits and . _ / = - with one blank between them",
        1,
        1024,
    ),
]
ShellOptions = Annotated[
    str, Strict(), _text(r"^([-+][A-Za-z]+)?$", "options of `set` such as -ex or +e", 0, 16)
]
Version = Annotated[
    str, Strict(), _text(r"^[0-9]+\.[0-9]+\.[0-9]+$", "a version such as 0.22.1", 5, 32)
]
Label = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        "lower-case letters, digits and -, a letter first and no - last",
        1,
        63,
    ),
]
ObjectName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "lower-case letters, digits, - and ., as Kubernetes names objects",
        1,
        253,
    ),
]
HeaderName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a header's name: lower-case letters, digits, -", 1, 256
    ),
]
# Keys of free maps have no bound on their length: the JSON schema says of them only what they
# match, since Helm then names the place of one that does not.
FLAG_NAME = _said(
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    "a vLLM flag without its --: lower-case words with - between them",
)
FlagName = Annotated[str, Strict(), Field(pattern=FLAG_NAME)]
VariableName = Annotated[
    str,
    Strict(),
    Field(pattern=_said(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _, no digit first")),
]
QuotaName = Annotated[
    str,
    Strict(),
    Field(pattern=_said(r"^[a-z][-a-z0-9]*$", "lower-case letters, digits and -, a letter first")),
]
# A key of a Secret, a name of its annotations and a header's value.
CLIENT_ID = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
ClientId = Annotated[
    str,
    Strict(),
    _text(CLIENT_ID, "a client's id: letters and digits with . _ - between them, up to 63", 1, 63),
]
LabelKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^([a-z0-9][-a-z0-9.]*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
            "a label's key such as node.kubernetes.io/npu.chip.name",
        )
    ),
]
TaintKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^(\*|([a-z0-9][-a-z0-9.]*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$",
            "a taint's key such as huawei.com/npu, or * for every taint",
        )
    ),
]
LabelValue = Annotated[
    str,
    Strict(),
    _text(
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        "a label's value: letters, digits and - _ . between them",
        0,
        63,
    ),
]
OptionalName = Annotated[
    str,
    Strict(),
    _text(
        r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
        "the name of a Kubernetes object, or nothing",
        0,
        253,
    ),
]
Address = Annotated[
    str,
    Strict(),
    _text(
        r"^([a-z]+://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?$",
        "an address such as redis-service:6379 or redis://redis-service:6379",
        1,
        512,
    ),
]
SchedulerName = Annotated[
    str,
    Strict(),
    _text(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "a scheduler's name, or nothing", 0, 253),
]
Hostname = Annotated[
    str,
    Strict(),
    _text(
        r"^((\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
        "a host name such as maas.example.com or *.example.com, or nothing",
        0,
        253,
    ),
]
# Helm 3.17 takes the key `<<` for YAML's merge key even where it is quoted.
LineKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            f"^([^<{{\x00-\x1f{_UNSAFE}](\\{{?[^{{\x00-\x1f{_UNSAFE}])*\\{{?)?$",
            "one line of text without control characters, < or { first, or `{{`",
        )
    ),
]
Image = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+"
        r"(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$",
        "an image such as registry/repository:tag or registry/repository@sha256:…",
        1,
        512,
    ),
]
ModelUri = Annotated[
    str,
    Strict(),
    _text(
        r"^(oci|pvc|hf|s3)://[A-Za-z0-9][A-Za-z0-9._/:@-]*$",
        "oci://registry/repository:tag, pvc://claim/path, hf://owner/model or s3://bucket/path",
        1,
        512,
    ),
]
Quantity = Annotated[
    str,
    Strict(),
    _text(
        r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$",
        'a Kubernetes quantity in quotes, such as "8", "500m" or "64Gi"',
        1,
        32,
    ),
]
Duration = Annotated[
    str,
    Strict(),
    _text(r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", "a duration such as 90s, 15m or 1h30m", 2, 32),
]
ResourceName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9][A-Za-z0-9._-]*$",
        "an extended resource such as huawei.com/Ascend910",
        1,
        253,
    ),
]

# --- free data -----------------------------------------------------------------------------

if TYPE_CHECKING:
    Data: TypeAlias = Any
    Argument: TypeAlias = Any
else:
    _Null = Annotated[None, Tag("{null}")]
    _Boolean = Annotated[Boolean, Tag("{boolean}")]
    _Number = Annotated[Number, Tag("{number}")]
    _Line = Annotated[Line, Tag("{text}")]
    _Words = tuple[Annotated[_Number | _Line, Discriminator(_kind)], ...]
    # What JSON holds, with text of one line.
    Data = TypeAliasType(
        "Data",
        Annotated[
            _Null
            | _Boolean
            | _Number
            | _Line
            | Annotated[tuple["Data", ...], Tag("{list}")]
            | Annotated[dict[LineKey, "Data"], AfterValidator(FrozenDict), Tag("{object}")],
            Discriminator(_kind),
        ],
    )
    # A flag's value: true is --flag, false --no-flag, null leaves it out; a list is several words,
    # an object is JSON.
    Argument = Annotated[
        _Null
        | _Boolean
        | _Number
        | _Line
        | Annotated[_Words, Field(min_length=1), Tag("{list}")]
        | Annotated[dict[LineKey, Data], AfterValidator(FrozenDict), Tag("{object}")],
        Discriminator(_kind),
    ]


class Section(BaseModel):
    """A part of the tree: frozen, closed, camelCase in YAML and snake_case in Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


# --- the tree ------------------------------------------------------------------------------


class Claims(Section):
    """PersistentVolumeClaims that hold the weights, one a node, in the place of a download."""

    leader: OptionalName = ""
    """The claim that the leader, or the only pod, mounts; empty where KServe's storage initializer
    brings the weights.
    Source: the published manifest has none.
    Becomes: volume model at /mnt/models, and spec.storageInitializer.enabled"""
    worker: OptionalName = ""
    """The claim that the worker mounts.
    Source: the published manifest has none.
    Becomes: volume model at /mnt/models of spec.worker"""


class Model(Section):
    """The model that is served."""

    uri: ModelUri = "oci://docker.io/alaudadockerhub/modelcar-deepseek-v4-flash-w4a8-mtp:v0.1.0"
    """Where KServe finds the weights. `oci://` is a ModelCar, pulled as an image: about 128 GB
    compressed for W4A8, and more once unpacked, on the node's own disk.
    Becomes: spec.model.uri"""
    name: Word = "gdydems/DeepSeek-V4-Flash-w4a8-mtp"
    """The name that clients ask for in the `model` field of a request.
    Becomes: spec.model.name and --served-model-name"""
    quantization: Literal["w4a8", "w8a8"] = "w4a8"
    """How the weights are quantized: w4a8 has 4-bit experts, about 151 GB; w8a8 about 280 GB.
    Becomes: the memory plan"""
    claims: Claims = Claims()


class Parallelism(Section):
    """How one instance is split over the NPUs. A pod asks for `tensor` × `dataLocal` of them; where
    `data` is more than `dataLocal`, a worker's pod on a second node holds the rest.
    """

    tensor: Size = 8
    """Tensor parallel size: the NPUs that share each layer.
    Unit: NPUs
    Becomes: --tensor-parallel-size and the pod's NPU request"""
    data: Size = 1
    """Data parallel size of one instance.
    Unit: ranks
    Becomes: --data-parallel-size"""
    data_local: Size = 1
    """Data parallel ranks in one pod.
    Unit: ranks
    Becomes: the pod's NPU request"""
    expert: Boolean = True
    """Whether the experts are spread over all NPUs (expert parallelism) instead of each expert
    being split.
    Becomes: --enable-expert-parallel"""
    rpc_port: Port = 13_389
    """The port on which the ranks of two nodes find each other.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: --data-parallel-rpc-port and the worker's containerPort"""


class Toleration(Section):
    """How a taint is stood."""

    operator: Literal["Exists", "Equal"]
    """Whether any value of the taint is stood, or the one in `value`.
    Becomes: operator"""
    value: LabelValue
    """The taint's value; empty with Exists.
    Becomes: value"""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"]
    """The effect that is stood; empty is every effect.
    Becomes: effect"""


class Npu(Section):
    """The accelerators, as the cluster's device plugin names them."""

    resource_name: ResourceName = "huawei.com/Ascend910"
    """The extended resource that stands for one NPU. The name alone does not tell 32 GB cards
    from 64 GB ones.
    Becomes: the key in resources.requests and resources.limits"""
    card: Literal["910B4", "910B4-1", "910B3", "A3"] = "910B4"
    """The card: 910B4 has 32 GB, 910B4-1 and 910B3 have 64 GB, and so has each of an A3's two NPUs.
    Becomes: the memory plan"""
    node_selector: Annotated[dict[LabelKey, LabelValue], AfterValidator(FrozenDict)] = FrozenDict()
    """Labels that a node must have, such as `node.kubernetes.io/npu.chip.name: 910B4`, which tells
    32 GB cards from 64 GB ones where the cluster sets it.
    Source: the published manifest has none.
    Becomes: nodeSelector of the engine's pods"""
    tolerations: Annotated[dict[TaintKey, Toleration], AfterValidator(FrozenDict)] = FrozenDict()
    """Taints that the engine's pods stand, by the taint's key; `*` is every taint.
    Source: the published manifest has none.
    Becomes: tolerations of the engine's pods"""
    scheduler_name: SchedulerName = ""
    """The scheduler of the engine's pods, such as volcano; empty leaves it to the cluster.
    Source: the published manifest has none.
    Becomes: schedulerName of the engine's pods"""


class KvStore(Section):
    """A mooncake store beside the engine, in which KV cache blocks outlive their requests (variant
    agg-mc-kv).
    """

    enabled: Boolean = False
    """Whether the engine uses the store.
    Becomes: --kv-transfer-config, the init container mooncake-config-init, and mooncake in
    infernex.io/disabled-components"""
    metadata_server: Address = "redis://redis-service:6379"
    """Where the store keeps its metadata.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: metadata_server in mooncake.json"""
    master_server_address: Address = "mooncake-master-service:30089"
    """The store's master.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: master_server_address in mooncake.json"""
    protocol: Literal["ascend", "rdma", "tcp"] = "ascend"
    """How blocks travel.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: protocol in mooncake.json"""
    segment_bytes: Annotated[int, Strict(), Field(ge=0, le=EXACT), BeforeValidator(_whole)] = (
        42_949_672_960
    )
    """Host memory that each rank gives to the store, 40 GiB.
    Unit: bytes
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: global_segment_size in mooncake.json"""
    port: Port = 20_000
    """The port of the KV connector.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: kv_port in --kv-transfer-config"""
    lookup_port: Natural = 1
    """The RPC port on which the connector looks blocks up.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: lookup_rpc_port in --kv-transfer-config"""


class EngineArgs(BaseModel):
    """vLLM's command line, in vLLM's own spelling without the leading `--`.

    The five limits are always there, since other objects and rules depend on them; every other
    flag is free. true is `--flag`, false `--no-flag`, null leaves it out; a list is several
    words, an object is JSON. What another value owns (port, parallel sizes, served model name,
    model) can't be named again here.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )
    __pydantic_extra__: dict[FlagName, Argument]

    max_model_len: Tokens = 32_768
    """The longest prompt and answer together.
    Unit: tokens
    Becomes: --max-model-len, and the MaaS gateway's buffer limit"""
    max_num_batched_tokens: Tokens = 2048
    """Tokens processed in one step, prompts and answers together. On this model it bounds the
    KV cache's need far more than max-model-len does.
    Unit: tokens
    Becomes: --max-num-batched-tokens"""
    max_num_seqs: Count = 4
    """Requests processed at once; more of them wait.
    Unit: requests
    Becomes: --max-num-seqs"""
    gpu_memory_utilization: Fraction = 0.9
    """The share of each card's memory that the engine may take; graphs are not part of it.
    Unit: a share of 1
    Becomes: --gpu-memory-utilization"""
    block_size: Count = 128
    """Tokens of one KV cache block. The engine knows 32, 64 and 128 and replaces anything else
    by 32 without a word.
    Unit: tokens
    Becomes: --block-size"""


class EnvironmentScripts(Section):
    """Shell files sourced before the server starts."""

    required: tuple[Path, ...] = ("/usr/local/Ascend/ascend-toolkit/set_env.sh",)
    """Files without which the engine can't run; with -e in `shellOptions` the container stops where
    one is missing or fails.
    Becomes: source lines of the engine's script"""
    optional: tuple[Path, ...] = (
        "/usr/local/Ascend/nnal/atb/set_env.sh",
        "/usr/local/Ascend/nnal/asdsip/set_env.sh",
    )
    """Files sourced where the image has them; a missing or failing one is passed over.
    Becomes: source lines of the engine's script"""


class Requests(Section):
    """What the scheduler reserves for the engine; NPUs are added from `parallelism`."""

    cpu: Quantity = "8"
    """CPU reserved. The engine's CPU binding works best with 5 or more a NPU.
    Unit: cores
    Becomes: resources.requests.cpu"""
    memory: Quantity = "64Gi"
    """Memory reserved.
    Unit: bytes
    Becomes: resources.requests.memory"""


class Limits(Section):
    """What the engine may use at most; NPUs are added from `parallelism`."""

    cpu: Quantity = "64"
    """CPU at most.
    Unit: cores
    Becomes: resources.limits.cpu"""
    memory: Quantity = "256Gi"
    """Memory at most, shared memory included.
    Unit: bytes
    Becomes: resources.limits.memory"""


class Resources(Section):
    """The engine container's CPU and memory."""

    requests: Requests = Requests()
    limits: Limits = Limits()


class Probe(Section):
    """When the kubelet asks the engine for GET /health, and what it takes for an answer."""

    period_seconds: Count
    """How often it asks.
    Unit: seconds
    Becomes: periodSeconds"""
    timeout_seconds: Natural = 0
    """How long it waits for one answer; 0 leaves that to Kubernetes, which waits 1 second.
    Unit: seconds
    Becomes: timeoutSeconds"""
    failure_threshold: Count
    """How many failures in a row count.
    Unit: failures
    Becomes: failureThreshold"""


class Probes(Section):
    """The engine's probes."""

    startup: Probe = Probe(period_seconds=30, failure_threshold=120)
    """The start-up budget: `periodSeconds` × `failureThreshold`, 60 minutes. The engine is
    restarted where loading takes longer."""
    readiness: Probe = Probe(period_seconds=10, failure_threshold=3)
    """When the router stops sending requests."""
    liveness: Probe = Probe(period_seconds=10, timeout_seconds=10, failure_threshold=3)
    """When a running engine is restarted, which costs another hour of loading."""


class WorkerProbes(Section):
    """The worker's probes: it serves no HTTP, so they look for the server's process."""

    startup: Probe = Probe(period_seconds=30, failure_threshold=160)
    """The start-up budget: `periodSeconds` × `failureThreshold`, 80 minutes.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8)."""
    liveness: Probe = Probe(period_seconds=30, timeout_seconds=10, failure_threshold=6)
    """When a running worker is restarted.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8)."""


class Worker(Section):
    """The second node's pod of an instance, where `parallelism.data` is more than `dataLocal`."""

    process: CommandLine = "vllm serve"
    """What its probes look for among the running command lines.
    Source: Alauda AI documentation, inference guide, DeepSeek-V4-Flash (W8A8).
    Becomes: pgrep -f in startupProbe and livenessProbe"""
    probes: WorkerProbes = WorkerProbes()


class Termination(Section):
    """How an engine goes: without it, a restart aborts every request in flight."""

    pre_stop_seconds: Natural = 0
    """How long a stopping pod waits before the server is told, while gateway and router learn to
    send elsewhere; 0 leaves the wait out.
    Unit: seconds
    Source: the published manifest has none.
    Becomes: lifecycle.preStop of container main"""
    shutdown_timeout_seconds: Natural = 0
    """How long the server then finishes the requests that it has; 0 leaves it to vLLM, which aborts
    them.
    Unit: seconds
    Source: the published manifest has none.
    Becomes: --shutdown-timeout"""
    grace_period_seconds: Natural = 0
    """When the kubelet kills what is left; it must cover both waits. 0 leaves it to KServe's
    preset, 30 or 60 seconds.
    Unit: seconds
    Source: the published manifest has none; the presets of KServe v0.17 to v0.20.
    Becomes: terminationGracePeriodSeconds of the engine's pods"""


class Engine(Section):
    """The vLLM engine: container `main` of the service's pods."""

    image: Image = "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-openeuler"
    """The engine's image. A nightly tag moves: pin what runs with `@sha256:…`.
    Becomes: image of container main"""
    version: Version = "0.22.1"
    """vLLM's version in the image. `check` holds the arguments against that version's own list of
    flags; it is not part of the manifest."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the node pulls the image.
    Becomes: imagePullPolicy"""
    image_pull_secrets: Annotated[
        tuple[ObjectName, ...],
        AfterValidator(_unique),
        Field(json_schema_extra={"uniqueItems": True}),
    ] = ("modelcar-registry-auth",)
    """Secrets with registry credentials in the service's namespace; only of use with a private
    registry.
    Becomes: spec.template.imagePullSecrets"""
    shell: Annotated[tuple[Word, ...], Field(min_length=1)] = ("bash", "-lc")
    """The command that runs the engine's script.
    Becomes: command of container main"""
    shell_options: ShellOptions = "-ex"
    """Options that the script sets first; empty sets none.
    Becomes: the script's `set` line"""
    environment_scripts: EnvironmentScripts = EnvironmentScripts()
    server: CommandLine = "python3 -m vllm.entrypoints.openai.api_server --model /mnt/models"
    """The server's command up to its flags. KServe mounts the model at /mnt/models.
    Becomes: the exec line of the engine's script"""
    port: Port = 8000
    """The port that the server listens on, for the probes, the router and KServe's services.
    KServe's own services expect 8000.
    Becomes: --port, containerPort and the pool's target port"""
    api_server_count: Natural = 0
    """API server processes of the leader; 0 leaves it to vLLM.
    Source: the published manifest leaves it out.
    Becomes: --api-server-count"""
    args: EngineArgs = EngineArgs(
        **{  # pyright: ignore[reportArgumentType]
            "additional-config": {
                "ascend_compilation_config": {
                    "enable_npugraph_ex": True,
                    "enable_static_kernel": False,
                },
                "enable_cpu_binding": True,
                "multistream_overlap_shared_expert": True,
            },
            "async-scheduling": True,
            "chat-template": "/vllm-workspace/vllm/examples/tool_chat_template_deepseekv3.jinja",
            "compilation-config": {"cudagraph_mode": "FULL_DECODE_ONLY"},
            "disable-hybrid-kv-cache-manager": False,
            "enable-prefix-caching": True,
            "model-loader-extra-config": {"enable_multithread_load": "true", "num_threads": 128},
            "quantization": "ascend",
            "safetensors-load-strategy": "prefetch",
            "speculative-config": {
                "enforce_eager": True,
                "method": "mtp",
                "num_speculative_tokens": 1,
            },
            "tokenizer-mode": "deepseek_v4",
            "trust-remote-code": True,
        }
    )
    env: Annotated[
        dict[VariableName, Text | None],
        AfterValidator(FrozenDict),
    ] = FrozenDict(
        HCCL_BUFFSIZE="1024",
        HCCL_OP_EXPANSION_MODE="AIV",
        HF_HUB_OFFLINE="1",
        HOME="/home",
        LD_PRELOAD="/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
        OMP_NUM_THREADS="10",
        OMP_PROC_BIND="false",
        PYTHONHASHSEED="0",
        PYTORCH_NPU_ALLOC_CONF="expandable_segments:True",
        TASK_QUEUE_ENABLE="1",
        VLLM_ASCEND_ENABLE_FLASHCOMM1="1",
        VLLM_USE_V1="1",
    )
    """Environment variables by name; null leaves one out. Values are text: write "1", not 1.
    Kubernetes puts another variable's value in the place of `$(NAME)`.
    Becomes: env of container main"""
    env_from_pod: Annotated[
        dict[VariableName, Literal["metadata.name", "metadata.namespace", "status.podIP"] | None],
        AfterValidator(FrozenDict),
    ] = FrozenDict()
    """Environment variables that hold a field of the pod, by name; null leaves one out.
    Source: the published manifest has none.
    Becomes: env of container main, with valueFrom.fieldRef"""
    host_ipc: Boolean = False
    """Whether the pod shares the node's IPC namespace.
    Becomes: hostIPC of the engine's pods"""
    supplemental_groups: tuple[Natural, ...] = ()
    """Groups of the engine's processes. HAMi's device plugin gives /dev/davinci* to group 1000.
    Source: the published manifest has none; HAMi ascend-device-plugin, issue 139.
    Becomes: securityContext.supplementalGroups of the engine's pods"""
    termination: Termination = Termination()
    worker: Worker = Worker()
    resources: Resources = Resources()
    shm_size: Quantity = "32Gi"
    """Shared memory for the processes of the engine; it counts against the memory limit.
    Unit: bytes
    Becomes: sizeLimit of the emptyDir volume at /dev/shm"""
    probes: Probes = Probes()


class RouterPreset(Section):
    """The LLMInferenceServiceConfig that holds the router."""

    namespace: Label = "kserve"
    """Its namespace. KServe looks in the service's own namespace and in `kserve`; two services of
    one name in two namespaces would overwrite each other's preset in `kserve`, so give each its
    own namespace here.
    Becomes: metadata.namespace of the LLMInferenceServiceConfig"""


class RouterRequests(Section):
    """What the scheduler reserves for the router."""

    cpu: Quantity = "1"
    """CPU reserved.
    Unit: cores
    Becomes: resources.requests.cpu"""
    memory: Quantity = "1Gi"
    """Memory reserved.
    Unit: bytes
    Becomes: resources.requests.memory"""


class RouterLimits(Section):
    """What the router may use at most."""

    memory: Quantity = "4Gi"
    """Memory at most.
    Unit: bytes
    Becomes: resources.limits.memory"""


class RouterResources(Section):
    """The router's CPU and memory."""

    requests: RouterRequests = RouterRequests()
    limits: RouterLimits = RouterLimits()


class Router(Section):
    """hermes-router, the endpoint picker that chooses a pod for each request."""

    inline: Boolean = False
    """Whether the router stands in the service itself instead of a preset of its own.
    Becomes: spec.router.scheduler, in the place of spec.baseRefs"""
    preset: RouterPreset = RouterPreset()
    image: Image = "build-harbor.alauda.cn/3rdparty/openfuyao/hermes-router:26.6.0-rc.2"
    """The router's image.
    Becomes: image of the router's container main"""
    verbosity: Natural = 1
    """How much the router logs.
    Becomes: --v"""
    resources: RouterResources = RouterResources()
    termination_grace_period_seconds: Natural = 30
    """How long a stopping router may take to finish.
    Unit: seconds
    Becomes: terminationGracePeriodSeconds of the router's pod"""


class AccessLog(Section):
    """What the Gateway's proxies write for each request."""

    enabled: Boolean = False
    """Whether it says who asked for which model and how many tokens that took, as JSON on stdout.
    No key, no prompt, no query and no answer is in it. Without it the proxies write Envoy Gateway's
    own format, which names no user.
    Source: the published ingress sets none.
    Becomes: an EnvoyProxy, and spec.infrastructure.parametersRef of the Gateway"""


class CertificateIssuer(Section):
    """Who makes the certificate, where cert-manager runs with its Gateway API support on."""

    kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Whether it stands in the whole cluster or in `maas.namespace`.
    Source: a choice of this project.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""
    name: OptionalName = ""
    """Its name; empty where the Secret is made by other means. It must prove the host name by DNS:
    an HTTP-01 challenge comes without a key, and the Gateway refuses it.
    Source: a choice of each cluster.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""


class GatewayTls(Section):
    """Clients' connections under TLS. The plain port then only redirects to it."""

    enabled: Boolean = False
    """Whether the Gateway serves the model over HTTPS only.
    Source: the published ingress is plain HTTP.
    Becomes: the Gateway's https listener and the HTTPRoute that redirects to it"""
    port: Port = 443
    """The port of its HTTPS listener.
    Source: the port of https URLs.
    Becomes: spec.listeners"""
    secret_name: ObjectName = "maas-tls"
    """A kubernetes.io/tls Secret in `maas.namespace`: yours, or the one that cert-manager makes.
    Source: a choice of this project.
    Becomes: tls.certificateRefs of spec.listeners"""
    issuer: CertificateIssuer = CertificateIssuer()


class MaasGateway(Section):
    """The Gateway that clients with API keys reach."""

    create: Boolean = True
    """Whether this deployment makes the Gateway and its policies for keys and buffers; false where
    another deployment has made them and this one only adds its route.
    Source: a choice of this project.
    Becomes: the Gateway, its SecurityPolicy and its ClientTrafficPolicy"""
    name: Label = "maas"
    """Its name, and that of its policies.
    Source: a choice of this project.
    Becomes: metadata.name of the Gateway"""
    class_name: ObjectName = "eg"
    """The cluster's GatewayClass that Envoy Gateway serves; `kubectl get gatewayclass` lists them.
    Source: the name in Envoy Gateway's quickstart; a cluster may use another.
    Becomes: spec.gatewayClassName"""
    port: Port = 80
    """The port of its HTTP listener.
    Source: a choice of this project.
    Becomes: spec.listeners"""
    hostname: Hostname = ""
    """The host name that it answers to; empty is any.
    Source: a choice of this project.
    Becomes: hostname of spec.listeners"""
    proxy_namespace: Label = "envoy-gateway-system"
    """Where its proxies run.
    Source: Envoy Gateway runs its proxies in its own namespace, unless it is told to run them in
    each Gateway's.
    Becomes: spec.ingress of the NetworkPolicy and spec.namespaceSelector of the proxies' PodMonitor
    """
    receive_timeout: Duration = "60s"
    """How long a client may take to send its request; then it is answered with 408. Envoy itself
    waits for ever, with what it has got in its buffers.
    Unit: a duration such as 60s
    Source: a choice of this project: 1 MiB in a minute is 17 KiB a second.
    Becomes: spec.timeout.http.requestReceivedTimeout of the ClientTrafficPolicy"""
    parallel_requests: Annotated[
        int, Strict(), Field(ge=1024, le=1_000_000), BeforeValidator(_whole)
    ] = 1024
    """How many requests may be in a proxy at once, those that wait for the engine among them; more
    are refused with 503 or 500. The default is Envoy's own, of which the AI Gateway's processor
    takes two for a request that waits for its first token: of 600 at once 92 were answered with
    500. A larger one needs enableEnvoyPatchPolicy in Envoy Gateway's configuration, which Envoy AI
    Gateway's installation sets. Each may hold its whole prompt, so the proxy's memory is bounded by
    this and the buffer limit.
    Unit: requests
    Source: Envoy's circuit breakers; the 600 are measured in tests/e2e/test_gateway.py.
    Becomes: above 1024 an EnvoyPatchPolicy, and spec.circuitBreaker of the BackendTrafficPolicy"""
    tls: GatewayTls = GatewayTls()
    access_log: AccessLog = AccessLog()


class ApiKeys(Section):
    """API keys, always as a reference: a key itself is never a value."""

    secret_name: ObjectName = "maas-api-keys"
    """An Opaque Secret in `maas.namespace`: each key of its data is a client's id, each value that
    client's bare API key, without `Bearer `.
    Source: a choice of this project.
    Becomes: spec.apiKeyAuth.credentialRefs of the SecurityPolicy"""
    client_id_header: HeaderName = "x-user-id"
    """The header in which the gateway passes the client's id on; quotas count by it.
    Becomes: spec.apiKeyAuth.forwardClientIDHeader and the quotas' selectors"""


class Quota(Section):
    """Tokens that one user may spend on this model in one window of time."""

    tokens: Annotated[int, Strict(), Field(ge=1, le=2**32 - 1), BeforeValidator(_whole)]
    """The budget. A request is charged after its answer, so the last one may overdraw it.
    Unit: tokens a window, weighted ones where `count` is weighted
    Becomes: limit.requests of a rate limit rule"""
    unit: Literal["Second", "Minute", "Hour", "Day", "Month", "Year"]
    """The window.
    Becomes: limit.unit of a rate limit rule"""
    count: Literal["input", "output", "total", "weighted"]
    """Which tokens are charged: the prompt's, the answer's, both, or both by `maas.weights`.
    Becomes: cost.response.metadata.key of a rate limit rule"""


class TokenWeights(Section):
    """What a token costs in quotas whose `count` is weighted. One each is the same as total."""

    input: Weight = 1
    """The weight of a token of the prompt.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""
    output: Weight = 1
    """The weight of a token of the answer.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""


class Tier(Section):
    """Clients with budgets of their own, in place of `maas.quotas`."""

    clients: Annotated[
        tuple[ClientId, ...],
        AfterValidator(_unique),
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    ]
    """Their ids: keys of the Secret with the API keys.
    Becomes: clientSelectors of rate limit rules, inverted in those of everybody else"""
    quotas: Annotated[dict[QuotaName, Quota], Field(min_length=1), AfterValidator(FrozenDict)]
    """Token budgets of each of them, by a name of your choice.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""


class Maas(Section):
    """The MaaS ingress: an OpenAI-compatible gateway with API keys and token quotas, made of Envoy
    Gateway's and Envoy AI Gateway's objects. Without it the service is reached through KServe's
    own gateway, which asks for no key.
    """

    enabled: Boolean = False
    """Whether the gateway's objects are part of the manifest.
    Source: a choice of this project.
    Becomes: the objects of the MaaS ingress"""
    namespace: Label = "maas-system"
    """The namespace of all its objects. Never `envoy-gateway-system`: there, policies are reported
    as accepted and not enforced.
    Becomes: metadata.namespace of the gateway's objects"""
    gateway: MaasGateway = MaasGateway()
    backend: Literal["Service", "InferencePool"] = "Service"
    """What the route leads to: KServe's workload Service, or the InferencePool, in which the router
    picks the pod (with one pod there is nothing to pick).
    Source: a choice of this project.
    Becomes: Backend and AIServiceBackend, or a reference to the pool and a ReferenceGrant"""
    api_keys: ApiKeys = ApiKeys()
    quotas: Annotated[dict[QuotaName, Quota], AfterValidator(FrozenDict)] = FrozenDict(
        hour=Quota(tokens=1_800_000, unit="Hour", count="total"),
    )
    """Token budgets of each user by a name of your choice: those of a minute, an hour and a day
    hold at once. Null takes the default one away, a quarter of what the published deployment
    processes in an hour: 2,000 tokens a second for four requests at once.
    Source: computed from the published 2,099 to 2,306 tokens a second, rounded down.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    weights: TokenWeights = TokenWeights()
    tiers: Annotated[dict[QuotaName, Tier], AfterValidator(FrozenDict)] = FrozenDict()
    """Groups of clients with budgets of their own, by a name of your choice. Who stands in none has
    the budgets above.
    Source: the published ingress has one budget for all.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    bytes_per_token: Size = 32
    """How many bytes of a request one token may take. The gateway buffers whole requests, so its
    limit is `engine.args.max-model-len` × this, 1 MiB by default; above it requests are refused
    with 413, or hang on Envoy older than 1.36. The published 17.5k-token prompt takes 4.9 bytes a
    token; a token of four Chinese characters takes 24 once JSON escapes them as \\uXXXX.
    Source: an assumption, from those two figures and a margin.
    Unit: bytes
    Becomes: spec.connection.bufferLimit and spec.http2 of the ClientTrafficPolicy"""
    request_timeout: Duration = "900s"
    """How long one request may take, stream included, and how long it may be silent; the gateway's
    own default of 60 s cuts longer answers. 4,096 tokens at the published 182 ms each take 756 s
    with the first one's 10 s, and without a stream nothing is sent before the last.
    Source: computed from the published figures, with a margin.
    Unit: a duration such as 90s or 15m
    Becomes: timeouts.request of the AIGatewayRoute, and spec.timeout.http.streamIdleTimeout of the
    BackendTrafficPolicy"""


class NetworkPolicy(Section):
    """Who reaches the engine's port. KServe's own ingress asks for no key: whoever reaches the port
    gets around keys and quotas.
    """

    enabled: Boolean = False
    """Whether only the namespaces below, the service's own router, its own pods and the pod of
    `helm test` reach the engine; with `maas.enabled`, of `maas.gateway.proxyNamespace` only that
    gateway's own proxies, so that KServe's ingress is closed. Needs a network plugin that enforces
    policies.
    Source: the published manifest has none.
    Becomes: a NetworkPolicy in the service's namespace"""
    from_namespaces: Annotated[
        tuple[Label, ...],
        AfterValidator(_unique),
        Field(json_schema_extra={"uniqueItems": True}),
    ] = ("envoy-gateway-system", "monitoring")
    """Namespaces whose pods may connect: where KServe's gateway's proxies run, and Prometheus.
    Source: Envoy Gateway runs its proxies in its own namespace; monitoring is the name that
    kube-prometheus uses.
    Becomes: spec.ingress of the NetworkPolicy"""


class DisruptionBudget(Section):
    """Whether evictions wait for another instance."""

    enabled: Boolean = False
    """Whether one instance at most may be evicted at a time. With a single instance it can't help:
    it either allows the eviction or blocks every drain of the node, so it is off by default.
    Source: the published manifest has none.
    Becomes: a PodDisruptionBudget in the service's namespace"""
    max_unavailable: Natural = 1
    """Instances that may be away at once.
    Unit: instances
    Source: a choice of this project.
    Becomes: spec.maxUnavailable of the PodDisruptionBudget"""


class Kserve(Section):
    """The KServe that runs in the cluster, so that nothing is emitted that it has no field for."""

    version: Literal["0.17", "0.18", "0.19", "0.20", "main"] = "0.17"
    """Its release. What is emitted otherwise exists in all of these.
    Source: the first release with LLMInferenceService v1alpha2.
    Becomes: whether spec.rolloutStrategy can be emitted"""
    rollout_in_place: Boolean = False
    """Whether an update stops the old pod before it starts the new one. A model that fills its node
    needs it: otherwise the new pod waits for the old one's NPUs, and the old one for the new pod,
    for ever. Releases up to 0.20 have no field for it: stop the service, apply, start it.
    Source: KServe pull request 5916.
    Becomes: spec.rolloutStrategy (maxSurge 0, maxUnavailable 1) where `version` is main"""


class PublishedFigures(Section):
    """What the deployment's publisher measured, for alerts that compare with it."""

    ttft_milliseconds: Count = 9_789
    """Time to the first token, in the slower of the two published scenarios.
    Unit: milliseconds
    Becomes: the threshold of alert SlowFirstToken"""
    itl_milliseconds: Count = 183
    """Time between tokens, in the slower of the two published scenarios, rounded up.
    Unit: milliseconds
    Becomes: the threshold of alert SlowTokens"""


class ProxyMonitor(Section):
    """The metrics of the MaaS gateway's proxies, where nothing in the cluster collects them yet."""

    enabled: Boolean = False
    """Whether a PodMonitor collects them: Envoy's own, and tokens and times by model of the AI
    Gateway's processor beside it. Two monitors would count everything twice, so it is off.
    Source: a choice of this project; many clusters monitor Envoy Gateway as a whole.
    Becomes: a PodMonitor in `maas.namespace`, where `maas.gateway.create` is on"""


class Monitoring(Section):
    """Prometheus and Grafana: a PodMonitor, alerts and a dashboard. Needs Prometheus Operator."""

    enabled: Boolean = False
    """Whether the three objects are part of the manifest.
    Source: the published manifest has none.
    Becomes: PodMonitor, PrometheusRule and a ConfigMap with the dashboard"""
    labels: Annotated[dict[LabelKey, LabelValue], AfterValidator(FrozenDict)] = FrozenDict()
    """Labels by which Prometheus selects monitors and rules, such as `release: prometheus`.
    Source: a choice of each cluster.
    Becomes: metadata.labels of the PodMonitor and the PrometheusRule"""
    interval: Duration = "30s"
    """How often the engine is asked for its metrics.
    Unit: a duration such as 30s
    Source: a choice of this project.
    Becomes: podMetricsEndpoints.interval of the PodMonitor"""
    proxies: ProxyMonitor = ProxyMonitor()
    published: PublishedFigures = PublishedFigures()
    tolerance_percent: Count = 200
    """How much of a published time an alert allows, over 10 minutes.
    Unit: percent
    Source: a choice of this project: twice what was published; two published runs are 8 % apart.
    Becomes: the thresholds of alerts SlowFirstToken and SlowTokens"""


class Test(Section):
    """What `helm test` runs: a Job that asks the service for one completion and looks at it."""

    image: Image = "docker.io/library/python:3.13-slim"
    """An image with Python 3 on its path; nothing else of it is used. `bench run --job` installs
    aiperf in it, which wants glibc, as Debian has it: on Alpine some of its packages would be
    compiled.
    Source: a choice of this project.
    Becomes: image of the test Job, and of the benchmark's"""
    timeout_seconds: Seconds = 300
    """How long the completion may take.
    Unit: seconds
    Source: a choice of this project; the slowest published request takes 33 s.
    Becomes: activeDeadlineSeconds of the test Job"""


class Values(Section):
    """Everything that a deployment can be told."""

    name: Label = "deepseek-v4-flash-w4a8-agg-base"
    """The service's name, and the root of every name that follows from it: router preset, pool,
    endpoint picker, service account, selectors.
    Becomes: metadata.name of the LLMInferenceService"""
    replicas: Count = 1
    """Instances of the model; each takes all NPUs of `parallelism`.
    Unit: instances
    Becomes: spec.replicas"""
    model: Model = Model()
    parallelism: Parallelism = Parallelism()
    npu: Npu = Npu()
    kv_store: KvStore = KvStore()
    engine: Engine = Engine()
    router: Router = Router()
    maas: Maas = Maas()
    kserve: Kserve = Kserve()
    network_policy: NetworkPolicy = NetworkPolicy()
    disruption_budget: DisruptionBudget = DisruptionBudget()
    monitoring: Monitoring = Monitoring()
    test: Test = Test()
    global_: dict[str, Any] = Field(default_factory=dict, alias="global")
    """Values that Helm hands down from an umbrella chart; nothing here reads them."""
