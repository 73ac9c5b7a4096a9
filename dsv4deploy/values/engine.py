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
    """A Mooncake store that runs next to the engine and keeps KV cache blocks after their requests
    end (variant agg-mc-kv).
    """

    enabled: Boolean = False
    """Whether the engine uses the store.
    Becomes: --kv-transfer-config, the init container mooncake-config-init, and mooncake in
    infernex.io/disabled-components"""
    metadata_server: Address = "redis://redis-service:6379"
    """The address of the service in which the store keeps its metadata.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: metadata_server in mooncake.json"""
    master_server_address: Address = "mooncake-master-service:30089"
    """The address of the store's master.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: master_server_address in mooncake.json"""
    protocol: Literal["ascend", "rdma", "tcp"] = "ascend"
    """The protocol that transfers blocks.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: protocol in mooncake.json"""
    segment_bytes: Bytes = 42_949_672_960
    """Host memory that each rank contributes to the store; the default is 40 GiB.
    Unit: bytes
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: global_segment_size in mooncake.json"""
    port: Port = 20_000
    """The port of the KV connector.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: kv_port in --kv-transfer-config"""
    lookup_port: Natural = 1
    """The RPC port that the connector uses to look up blocks.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: lookup_rpc_port in --kv-transfer-config"""


MOST_ARGS = 512
"""The maximum number of engine arguments: twice the number of vLLM's flags."""


class EngineArgs(BaseModel):
    """vLLM's command line, in vLLM's own spelling without the leading `--`.

    The five limits are always present, because other objects and rules depend on them. Every other
    flag is optional. true becomes `--flag`, false becomes `--no-flag`, and null omits the flag. A
    list becomes several words, and an object becomes JSON. Text reaches vLLM unchanged: Kubernetes
    does not expand `$(NAME)` in it. You cannot set flags here that come from another value (port,
    parallel sizes, served model name, model).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )
    __pydantic_extra__: dict[FlagName, Argument]

    max_model_len: Tokens = 32_768
    """Maximum total length of a prompt and its response.
    Unit: tokens
    Becomes: --max-model-len, and the MaaS gateway's buffer limit"""
    max_num_batched_tokens: Tokens = 2048
    """Maximum number of tokens processed in one step, in prompts and responses together. With this
    model, this limit affects the required KV cache far more than max-model-len does.
    Unit: tokens
    Becomes: --max-num-batched-tokens"""
    max_num_seqs: Count = 4
    """Maximum number of requests processed at once; additional requests wait.
    Unit: requests
    Becomes: --max-num-seqs"""
    gpu_memory_utilization: Fraction = 0.9
    """The fraction of each card's memory that the engine may use, excluding graphs.
    Unit: a fraction of 1
    Becomes: --gpu-memory-utilization"""
    block_size: Count = 128
    """Number of tokens in one KV cache block. The engine supports 32, 64 and 128, and silently
    replaces any other value with 32.
    Unit: tokens
    Becomes: --block-size"""

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(given) > MOST_ARGS:
            raise ValueError(f"must have {MOST_ARGS} entries or fewer, not {len(given)}")
        return given


class EnvironmentScripts(Section):
    """Shell scripts that are sourced before the server starts."""

    required: tuple[Path, ...] = ("/usr/local/Ascend/ascend-toolkit/set_env.sh",)
    """Scripts that the engine requires. With -e in `shellOptions`, the container stops if a script
    is missing or fails.
    Becomes: source lines of the engine's script"""
    optional: tuple[Path, ...] = (
        "/usr/local/Ascend/nnal/atb/set_env.sh",
        "/usr/local/Ascend/nnal/asdsip/set_env.sh",
    )
    """Scripts that are sourced if the image has them; a missing or failing script is skipped.
    Becomes: source lines of the engine's script"""


class Requests(Section):
    """Resources that the scheduler reserves for the engine; `parallelism` adds the NPUs."""

    cpu: Quantity = "8"
    """CPU to reserve. The engine's CPU binding requires at least 5 cores per NPU.
    Unit: cores
    Becomes: resources.requests.cpu"""
    memory: Quantity = "64Gi"
    """Memory reserved.
    Unit: bytes
    Becomes: resources.requests.memory"""


class Limits(Section):
    """Maximum resources for the engine; `parallelism` adds the NPUs."""

    cpu: Quantity = "64"
    """Maximum CPU.
    Unit: cores
    Becomes: resources.limits.cpu"""
    memory: Quantity = "256Gi"
    """Maximum memory, including shared memory.
    Unit: bytes
    Becomes: resources.limits.memory"""


class Resources(Section):
    """The engine container's CPU and memory."""

    requests: Requests = Requests()
    limits: Limits = Limits()


class Probe(Section):
    """Schedule and thresholds of the kubelet's GET /health requests to the engine."""

    period_seconds: Count
    """Interval between two requests.
    Unit: seconds
    Becomes: periodSeconds"""
    timeout_seconds: Natural = 0
    """Timeout of one request; 0 means the Kubernetes default, 1 second.
    Unit: seconds
    Becomes: timeoutSeconds"""
    failure_threshold: Count
    """Number of consecutive failures before the kubelet acts.
    Unit: failures
    Becomes: failureThreshold"""


class Probes(Section):
    """The engine's probes."""

    startup: Probe = Probe(period_seconds=30, failure_threshold=120)
    """The startup budget: `periodSeconds` × `failureThreshold`, 60 minutes by default. The kubelet
    restarts the engine if startup takes longer."""
    readiness: Probe = Probe(period_seconds=10, failure_threshold=3)
    """The conditions under which the router stops sending requests to the engine."""
    liveness: Probe = Probe(period_seconds=10, timeout_seconds=10, failure_threshold=3)
    """The conditions under which the kubelet restarts a running engine. Loading can then take
    another hour."""


class WorkerProbes(Section):
    """The worker's probes. A worker does not serve HTTP, so the probes look for the server's
    process.
    """

    startup: Probe = Probe(period_seconds=30, failure_threshold=160)
    """The startup budget: `periodSeconds` × `failureThreshold`, 80 minutes by default.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models."""
    liveness: Probe = Probe(period_seconds=30, timeout_seconds=10, failure_threshold=6)
    """The conditions under which the kubelet restarts a running worker.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models."""


class Worker(Section):
    """An instance's pods on nodes other than the leader's, if `parallelism.data` exceeds
    `dataLocal`.
    """

    process: CommandLine = "vllm serve"
    """The pattern that the worker's probes look for in the command lines of running processes.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: pgrep -f in startupProbe and livenessProbe"""
    probes: WorkerProbes = WorkerProbes()


class Termination(Section):
    """How an engine terminates. Without these settings, a restart aborts all requests in flight."""

    pre_stop_seconds: Natural = 0
    """How long a terminating pod waits before it signals the server, so that the gateway and the
    router can redirect requests; 0 means no wait.
    Unit: seconds
    Source: the published manifest has none.
    Becomes: lifecycle.preStop of container main"""
    shutdown_timeout_seconds: Natural = 0
    """How long the server may take after that wait to finish the requests in flight; 0 means vLLM's
    default, which aborts these requests.
    Unit: seconds
    Source: the published manifest has none.
    Becomes: --shutdown-timeout"""
    grace_period_seconds: Natural = 0
    """How long after the start of termination the kubelet kills the remaining processes; the period
    must cover both waits. 0 means the value in KServe's preset, 30 or 60 seconds.
    Unit: seconds
    Source: the published manifest has none; the presets of KServe v0.17 to v0.20.
    Becomes: terminationGracePeriodSeconds of the engine's pods"""


class Engine(Section):
    """The vLLM engine: container `main` of the service's pods."""

    image: Image = "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-openeuler"
    """The engine's image. A nightly tag moves, so append the image's digest:
    `repository:tag@sha256:…`. Keep the tag, because it identifies the build.
    Becomes: image of container main"""
    build: BuildName = ""
    """The build of vLLM and vllm-ascend in the image, such as `v0.23.0`; if empty, the image's tag
    determines the build. `check` and `plan` use the facts about that build. This value is not part
    of the manifest.
    Source: the tag of the published image names its build."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the node pulls the image.
    Becomes: imagePullPolicy"""
    image_pull_secrets: Unique[ObjectName] = ("modelcar-registry-auth",)
    """Secrets with registry credentials in the service's namespace, for a private registry. Your
    list replaces the default list, so include the Secret for the ModelCar's registry.
    Becomes: spec.template.imagePullSecrets"""
    shell: Annotated[tuple[Word, ...], Field(min_length=1)] = ("bash", "-lc")
    """The command that runs the engine's script.
    Becomes: command of container main"""
    shell_options: ShellOptions = "-ex"
    """Shell options that the script sets first; empty sets none.
    Becomes: the script's `set` line"""
    environment_scripts: EnvironmentScripts = EnvironmentScripts()
    server: CommandLine = "python3 -m vllm.entrypoints.openai.api_server --model /mnt/models"
    """The server's command without its flags. KServe mounts the model at /mnt/models.
    Becomes: the exec line of the engine's script"""
    port: Port = 8000
    """The port that the server listens on, for the probes, the router and KServe's Services.
    KServe's own Services expect 8000.
    Becomes: --port, containerPort and the pool's target port"""
    api_server_count: Natural = 0
    """Number of API server processes in the leader; 0 means vLLM's default.
    Source: the published manifest omits it.
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
    """Environment variables by name; null omits a variable. Values are strings: write "1", not 1.
    Kubernetes replaces `$(NAME)` with the value of another variable, and `$$` with `$`. Read a
    secret from a Secret: `HTTPS_PROXY: {secretKeyRef: {name: proxy, key: url}}`. Other text can
    come from a ConfigMap: `{configMapKeyRef: {name: site, key: no-proxy}}`.
    Becomes: env of container main"""
    env_from_pod: Map[
        VariableName, Literal["metadata.name", "metadata.namespace", "status.podIP"]
    ] = FrozenDict()
    """Environment variables that hold a field of the pod, by name; null omits a variable.
    Source: the published manifest has none.
    Becomes: env of container main, with valueFrom.fieldRef"""
    host_ipc: Boolean = False
    """Whether the pod shares the node's IPC namespace.
    Becomes: hostIPC of the engine's pods"""
    supplemental_groups: tuple[Natural, ...] = ()
    """Supplemental groups of the engine's processes. HAMi's device plugin assigns /dev/davinci* to
    group 1000.
    Source: the published manifest has none; HAMi ascend-device-plugin, issue 139.
    Becomes: securityContext.supplementalGroups of the engine's pods"""
    pod_labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels for the engine's pods. KServe adds them to the Deployment's selector, which is
    immutable: set them before the first apply, or delete the Deployment when you change them.
    Source: the published manifest has none.
    Becomes: spec.labels"""
    pod_annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations for the engine's pods.
    Source: the published manifest has none.
    Becomes: spec.annotations"""
    priority_class_name: OptionalName = ""
    """The priority class of the engine's pods; empty means the cluster's default.
    Source: the published manifest has none.
    Becomes: priorityClassName of the engine's pods"""
    affinity: Fields = FrozenDict()
    """The affinity of the engine's pods, in Kubernetes' format: `nodeAffinity`, `podAffinity`,
    `podAntiAffinity`.
    Source: the published manifest has none.
    Becomes: affinity of the engine's pods"""
    topology_spread_constraints: Map[LabelKey, Fields] = FrozenDict()
    """Topology spread constraints of the instances, by topology key. Each entry has the other
    fields of the constraint, such as `maxSkew`, `whenUnsatisfiable` and `labelSelector`.
    Source: the published manifest has none.
    Becomes: topologySpreadConstraints of the engine's pods"""
    warm_up: Boolean = False
    """Whether a pod becomes ready only after its engine has completed one request after each start.
    The first request is slow; without a warm-up, a client has to wait for it.
    Source: the published manifest has none; the publisher's MaaS documentation recommends it.
    Becomes: container warm-up, whose readiness probe waits for the response"""
    termination: Termination = Termination()
    worker: Worker = Worker()
    resources: Resources = Resources()
    shm_size: Quantity = "32Gi"
    """Shared memory for the engine's processes; it counts toward the memory limit.
    Unit: bytes
    Becomes: sizeLimit of the emptyDir volume at /dev/shm"""
    probes: Probes = Probes()
    extra_volumes: Map[PartName, Fields] = FrozenDict()
    """Additional volumes of the engine's pods, by name. Each entry is the volume's source, such as
    `{hostPath: {path: /etc/hccn.conf, type: File}}`.
    Source: the published manifest has none.
    Becomes: volumes of the engine's pods"""
    extra_volume_mounts: Map[MountPath, Fields] = FrozenDict()
    """Additional mounts of container main, by path. Each entry has the volume's `name` and the
    other fields of the mount, such as `{name: hccn-conf, readOnly: true}`.
    Source: the published manifest has none.
    Becomes: volumeMounts of container main"""
    extra_init_containers: Map[PartName, Fields] = FrozenDict()
    """Additional init containers of the engine's pods, by name; they run in the order of their
    names.
    Source: the published manifest has none.
    Becomes: initContainers of the engine's pods"""
    extra_containers: Map[PartName, Fields] = FrozenDict()
    """Additional containers of the engine's pods, by name. Each entry has the other fields of the
    container, such as `image`.
    Source: the published manifest has none.
    Becomes: containers of the engine's pods"""
