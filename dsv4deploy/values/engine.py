"""The vLLM engine: its image, command line, environment, probes and resources, and its store."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .pods import Fields, Variable
from .scalars import (
    Address,
    Argument,
    Boolean,
    BuildName,
    Bytes,
    CommandLine,
    Count,
    FlagName,
    Fraction,
    FrozenDict,
    Image,
    LabelKey,
    LabelValue,
    Map,
    MountPath,
    Natural,
    ObjectName,
    OptionalName,
    PartName,
    Path,
    Port,
    Quantity,
    Section,
    ShellOptions,
    Text,
    Tokens,
    Unique,
    VariableName,
    Word,
)


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
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: metadata_server in mooncake.json"""
    master_server_address: Address = "mooncake-master-service:30089"
    """The store's master.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: master_server_address in mooncake.json"""
    protocol: Literal["ascend", "rdma", "tcp"] = "ascend"
    """How blocks travel.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: protocol in mooncake.json"""
    segment_bytes: Bytes = 42_949_672_960
    """Host memory that each rank gives to the store, 40 GiB.
    Unit: bytes
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: global_segment_size in mooncake.json"""
    port: Port = 20_000
    """The port of the KV connector.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: kv_port in --kv-transfer-config"""
    lookup_port: Natural = 1
    """The RPC port on which the connector looks blocks up.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: lookup_rpc_port in --kv-transfer-config"""


MOST_ARGS = 512
"""How many engine arguments are accepted: twice the flags that vLLM has."""


class EngineArgs(BaseModel):
    """vLLM's command line, in vLLM's own spelling without the leading `--`.

    The five limits are always there, since other objects and rules depend on them; every other
    flag is free. true is `--flag`, false `--no-flag`, null leaves it out; a list is several
    words, an object is JSON. Text reaches vLLM as it is written: Kubernetes expands no `$(NAME)`
    in it. What another value owns (port, parallel sizes, served model name, model) can't be named
    again here.
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

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(given) > MOST_ARGS:
            raise ValueError(f"must have {MOST_ARGS} entries or fewer, not {len(given)}")
        return given


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
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models."""
    liveness: Probe = Probe(period_seconds=30, timeout_seconds=10, failure_threshold=6)
    """When a running worker is restarted.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models."""


class Worker(Section):
    """An instance's pods on its other nodes, if `parallelism.data` exceeds `dataLocal`."""

    process: CommandLine = "vllm serve"
    """What its probes look for among the running command lines.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
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
    """How long the server may then take to finish the requests in flight; 0 leaves this to vLLM,
    which aborts them.
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
    build: BuildName = ""
    """The build of vLLM and vllm-ascend in the image, such as `v0.23.0`; empty finds it from the
    image's tag. `check` and `plan` follow what is known of that build; it is not part of the
    manifest.
    Source: the tag of the published image names its build."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the node pulls the image.
    Becomes: imagePullPolicy"""
    image_pull_secrets: Unique[ObjectName] = ("modelcar-registry-auth",)
    """Secrets with registry credentials in the service's namespace, for a private registry. A list
    of yours replaces the default list: name the Secret of the ModelCar's registry too.
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
    env: Map[VariableName, Variable] = FrozenDict(
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
    Kubernetes puts another variable's value in the place of `$(NAME)`, and `$` in that of `$$`.
    A secret comes from a Secret: `HF_TOKEN: {secretKeyRef: {name: hf, key: token}}`; other text may
    come from a ConfigMap: `{configMapKeyRef: {name: site, key: proxy}}`.
    Becomes: env of container main"""
    env_from_pod: Map[
        VariableName, Literal["metadata.name", "metadata.namespace", "status.podIP"] | None
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
    pod_labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels of the engine's pods. KServe makes them a part of the Deployment's selector, which
    can't be changed: set them before the first apply, or delete the Deployment at a change.
    Source: the published manifest has none.
    Becomes: spec.labels"""
    pod_annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations of the engine's pods.
    Source: the published manifest has none.
    Becomes: spec.annotations"""
    priority_class_name: OptionalName = ""
    """The priority class of the engine's pods; empty leaves it to the cluster.
    Source: the published manifest has none.
    Becomes: priorityClassName of the engine's pods"""
    affinity: Fields = FrozenDict()
    """The affinity of the engine's pods, as Kubernetes writes it: `nodeAffinity`, `podAffinity`,
    `podAntiAffinity`.
    Source: the published manifest has none.
    Becomes: affinity of the engine's pods"""
    topology_spread_constraints: Map[LabelKey, Fields] = FrozenDict()
    """How instances are spread, by topology key: the other fields of each constraint, such as
    `maxSkew`, `whenUnsatisfiable` and `labelSelector`.
    Source: the published manifest has none.
    Becomes: topologySpreadConstraints of the engine's pods"""
    warm_up: Boolean = False
    """Whether a pod is ready only once its engine has answered one completion, after each start:
    the first one is slow, and without it a client waits for it.
    Source: the published manifest has none; its publisher's MaaS documentation advises it.
    Becomes: container warm-up, whose readiness probe waits for the answer"""
    termination: Termination = Termination()
    worker: Worker = Worker()
    resources: Resources = Resources()
    shm_size: Quantity = "32Gi"
    """Shared memory for the processes of the engine; it counts against the memory limit.
    Unit: bytes
    Becomes: sizeLimit of the emptyDir volume at /dev/shm"""
    probes: Probes = Probes()
    extra_volumes: Map[PartName, Fields] = FrozenDict()
    """More volumes of the engine's pods, by name: the source of each, such as
    `{hostPath: {path: /etc/hccn.conf, type: File}}`.
    Source: the published manifest has none.
    Becomes: volumes of the engine's pods"""
    extra_volume_mounts: Map[MountPath, Fields] = FrozenDict()
    """More mounts of container main, by path: `name` of the volume and other fields, such as
    `{name: hccn-conf, readOnly: true}`.
    Source: the published manifest has none.
    Becomes: volumeMounts of container main"""
    extra_init_containers: Map[PartName, Fields] = FrozenDict()
    """More init containers of the engine's pods, by name, in the order of their names.
    Source: the published manifest has none.
    Becomes: initContainers of the engine's pods"""
    extra_containers: Map[PartName, Fields] = FrozenDict()
    """More containers of the engine's pods, by name: the other fields of each, such as `image`.
    Source: the published manifest has none.
    Becomes: containers of the engine's pods"""
