"""The values of a deployment: one typed tree, the same in Python, on the command line and in Helm.

``Values()`` is the deployment that its publisher validated on one node of eight Ascend
910B4 (:data:`PUBLISHED`). Every key is always there: unset is ``""``, ``[]``, ``{}``, 0 or
``enabled: false``. In a map under keys of the user's choice, null removes an entry.

The docstring of a field is its documentation everywhere: here, in ``dsv4deploy explain``, in the
JSON schema and in the chart's values.yaml. Its ``Unit:``, ``Becomes:`` and ``Source:`` lines name
the unit, the flag or field that the value becomes, and the source of the default if it is not
:data:`PUBLISHED`.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from .engine import Engine, KvStore
from .gateway import Maas
from .platform import DisruptionBudget, Kserve, Monitoring, NetworkPolicy, Scaling, Test
from .pods import ExtraObject, Fields, Variable
from .scalars import (
    Always,
    Boolean,
    Count,
    FrozenDict,
    Image,
    Label,
    LabelKey,
    LabelValue,
    Map,
    ModelUri,
    Natural,
    ObjectKey,
    ObjectName,
    OptionalName,
    Port,
    Quantity,
    ResourceName,
    SchedulerName,
    Section,
    Size,
    TaintKey,
    Text,
    Unique,
    VariableName,
    Word,
)

PUBLISHED = "Alauda AI documentation, DeepSeek-V4-Flash (W4A8), docs/en/plan/validated_models"
"""The source of the defaults, unless a value's documentation names another one."""


class Claims(Section):
    """PersistentVolumeClaims that hold the weights, one per node, instead of a download."""

    leader: OptionalName = ""
    """The claim that the leader or the only pod mounts; empty if KServe's storage initializer
    downloads the weights.
    Source: the published manifest has none.
    Becomes: volume model at /mnt/models, and spec.storageInitializer.enabled"""
    worker: OptionalName = ""
    """The claim that the worker mounts.
    Source: the published manifest has none.
    Becomes: volume model at /mnt/models of spec.worker"""


class Model(Section):
    """The model to serve."""

    uri: ModelUri = "oci://docker.io/alaudadockerhub/modelcar-deepseek-v4-flash-w4a8-mtp:v0.1.0"
    """The location of the weights. `oci://` is a ModelCar, which the node pulls as an image: about
    128 GB compressed for W4A8, and more after unpacking, on the node's disk. KServe's storage
    initializer downloads `hf://` before the engine starts, and `HF_HUB_OFFLINE` of the engine does
    not prevent it; its token comes from the Secrets of the namespace's ServiceAccount `default`.
    Becomes: spec.model.uri"""
    name: Word = "gdydems/DeepSeek-V4-Flash-w4a8-mtp"
    """The name that clients use in the `model` field of a request.
    Becomes: spec.model.name and --served-model-name"""
    quantization: Literal["w4a8", "w8a8"] = "w4a8"
    """Quantization of the weights: w4a8 has 4-bit experts and about 151 GB, w8a8 has about 280 GB.
    Becomes: the memory plan"""
    claims: Claims = Claims()


class Parallelism(Section):
    """How one instance is split across NPUs. A pod requests `tensor` × `dataLocal` NPUs. An
    instance of `data` ranks has `data` / `dataLocal` pods on as many nodes: a leader and workers.
    """

    tensor: Size = 8
    """Tensor parallel size: the number of NPUs that share each layer.
    Unit: NPUs
    Becomes: --tensor-parallel-size and the pod's NPU request"""
    data: Size = 1
    """Data parallel size of one instance.
    Unit: ranks
    Becomes: --data-parallel-size"""
    data_local: Size = 1
    """Number of data parallel ranks in one pod.
    Unit: ranks
    Becomes: the pod's NPU request"""
    expert: Boolean = True
    """Whether the experts are spread over all NPUs (expert parallelism) instead of each expert
    being split.
    Becomes: --enable-expert-parallel"""
    rpc_port: Port = 13_389
    """The port on which the ranks of two nodes find each other.
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
    Becomes: --data-parallel-rpc-port and the worker's containerPort"""


class Toleration(Section):
    """How the pods tolerate a taint."""

    operator: Literal["Exists", "Equal"]
    """Whether the pods tolerate any value of the taint, or only the one in `value`.
    Becomes: operator"""
    value: LabelValue
    """The taint's value; empty with Exists.
    Becomes: value"""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"]
    """The tolerated effect; empty means every effect.
    Becomes: effect"""


class Npu(Section):
    """The accelerators, as the cluster's device plugin names them."""

    resource_name: ResourceName = "huawei.com/Ascend910"
    """The extended resource that represents one NPU. The name does not distinguish 32 GB cards from
    64 GB cards.
    Becomes: the key in resources.requests and resources.limits"""
    card: Literal[
        "910B1", "910B2", "910B2C", "910B3", "910B4", "910B4-1", "A3", "950PR", "950DT"
    ] = "910B4"
    """The card type. A 910B4 has 32 GB; the other 910B cards have 64 GB, and so does each of the
    two dies of an A3, where each die is one NPU. A 950PR has 128 GB, and a 950DT has 96 GB.
    Becomes: the memory plan"""
    node_selector: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels that a node must have, such as `node.kubernetes.io/npu.chip.name: 910B4`, which
    distinguishes 32 GB cards from 64 GB cards if the cluster sets it. Null removes a label that the
    profile sets.
    Source: the published manifest has none.
    Becomes: nodeSelector of the engine's pods"""
    tolerations: Map[TaintKey, Toleration] = FrozenDict()
    """Taints that the engine's pods tolerate, by the taint's key; `*` is every taint.
    Source: the published manifest has none.
    Becomes: tolerations of the engine's pods"""
    scheduler_name: SchedulerName = ""
    """The scheduler of the engine's pods, such as volcano; empty means the cluster's default.
    Source: the published manifest has none.
    Becomes: schedulerName of the engine's pods"""


class RouterPreset(Section):
    """The LLMInferenceServiceConfig that holds the router."""

    namespace: Label = "kserve"
    """The namespace of the preset. KServe looks in the service's namespace and in `kserve`. Two
    services with the same name in different namespaces would overwrite each other's preset in
    `kserve`, so set this to the service's namespace for each.
    Becomes: metadata.namespace of the LLMInferenceServiceConfig"""


class RouterRequests(Section):
    """Resources that the scheduler reserves for the router."""

    cpu: Quantity = "1"
    """CPU reserved.
    Unit: cores
    Becomes: resources.requests.cpu"""
    memory: Quantity = "1Gi"
    """Memory reserved.
    Unit: bytes
    Becomes: resources.requests.memory"""


class RouterLimits(Section):
    """Maximum resources for the router."""

    memory: Quantity = "4Gi"
    """Maximum memory.
    Unit: bytes
    Becomes: resources.limits.memory"""


class RouterResources(Section):
    """The router's CPU and memory."""

    requests: RouterRequests = RouterRequests()
    limits: RouterLimits = RouterLimits()


class Router(Section):
    """hermes-router, the endpoint picker that chooses a pod for each request."""

    inline: Boolean = False
    """Whether the router is part of the service instead of a separate preset.
    Becomes: spec.router.scheduler, instead of spec.baseRefs"""
    preset: RouterPreset = RouterPreset()
    image: Image = "build-harbor.alauda.cn/3rdparty/openfuyao/hermes-router:26.6.0-rc.2"
    """The router's image.
    Becomes: image of the router's container main"""
    image_pull_secrets: Unique[ObjectName] = ()
    """Secrets with registry credentials in the service's namespace, for the router's image in a
    private registry; `engine.imagePullSecrets` are the engine's alone.
    Source: the published manifest has none.
    Becomes: imagePullSecrets of the router's pods"""
    replicas: Count = 1
    """Number of routers. The published picker chooses at random, so several routers do not need to
    coordinate.
    Unit: routers
    Becomes: spec.router.scheduler.replicas where it is more than 1"""
    one_word_booleans: Boolean = False
    """Whether to write the router's two boolean flags as one word, `--tracing=false`, like the
    publisher's newest manifest. The endpoint picker of Gateway API Inference Extension v1.5.0 reads
    the two words of the validated manifest, `--tracing false`, as true.
    Becomes: args of the router's container main"""
    verbosity: Natural = 1
    """Log verbosity of the router.
    Becomes: --v"""
    resources: RouterResources = RouterResources()
    env: Map[VariableName, Variable] = FrozenDict()
    """Environment variables of the router, in the same format as `engine.env`.
    Source: the published manifest has none.
    Becomes: env of the router's container main"""
    service_links: Boolean = True
    """Whether Kubernetes adds environment variables for each Service in the namespace, which is its
    default.
    Becomes: enableServiceLinks: false of the router's pods where it is false"""
    pod_labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels of the router's pods. KServe adds them to the Deployment's selector, which is
    immutable: set them before the first apply, or delete the Deployment when you change them.
    Source: the published manifest has none.
    Becomes: spec.router.scheduler.labels"""
    pod_annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations of the router's pods.
    Source: the published manifest has none.
    Becomes: spec.router.scheduler.annotations"""
    priority_class_name: OptionalName = ""
    """The priority class of the router's pods; empty means the cluster's default.
    Source: the published manifest has none.
    Becomes: priorityClassName of the router's pods"""
    affinity: Fields = FrozenDict()
    """The affinity of the router's pods, in Kubernetes' format: `nodeAffinity`, `podAffinity`,
    `podAntiAffinity`.
    Source: the published manifest has none.
    Becomes: affinity of the router's pods"""
    topology_spread_constraints: Map[LabelKey, Fields] = FrozenDict()
    """Topology spread constraints of the routers, by topology key. Each entry has the other fields
    of the constraint, such as `maxSkew`, `whenUnsatisfiable` and `labelSelector`.
    Source: the published manifest has none.
    Becomes: topologySpreadConstraints of the router's pods"""
    termination_grace_period_seconds: Natural = 30
    """How long a terminating router may take to finish.
    Unit: seconds
    Becomes: terminationGracePeriodSeconds of the router's pod"""


class Values(Section):
    """The complete configuration of a deployment.

    Values are frozen. :func:`dsv4deploy.load` makes them, and :meth:`replace` makes changed ones;
    pydantic's ``model_copy(update=…)`` validates nothing. The reference of values has each of them.
    """

    name: Label = "deepseek-v4-flash-w4a8-agg-base"
    """The service's name, and the root of every name that follows from it: router preset, pool,
    endpoint picker, service account, selectors.
    Becomes: metadata.name of the LLMInferenceService"""
    replicas: Count = 1
    """Number of instances of the model; each uses all NPUs of `parallelism`. With `scaling` it is
    the minimum.
    Unit: instances
    Becomes: spec.replicas, or spec.minReplicaCount of a ScaledObject"""
    scaling: Scaling = Scaling()
    model: Model = Model()
    parallelism: Parallelism = Parallelism()
    npu: Npu = Npu()
    kv_store: KvStore = KvStore()
    engine: Engine = Engine()
    router: Router = Router()
    labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels of every object. If an object already has a label with the same key, it keeps its own.
    Pods have `engine.podLabels` and `router.podLabels`.
    Source: the published manifest has none.
    Becomes: metadata.labels of every object"""
    annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations of every object. If an object already has an annotation with the same key, it
    keeps its own. Pods have `engine.podAnnotations` and `router.podAnnotations`.
    Source: the published manifest has none.
    Becomes: metadata.annotations of every object"""
    standard_labels: Boolean = False
    """Whether every object has the labels that Helm's guide recommends: `app.kubernetes.io/name`,
    `app.kubernetes.io/instance` with the service's name, `app.kubernetes.io/managed-by` with the
    tool that renders, Helm or dsv4deploy, and from Helm `helm.sh/chart`. The labels of the objects
    and those in `labels` take precedence.
    Source: the published manifest has none; Helm, Labels and Annotations.
    Becomes: metadata.labels of every object"""
    extra_objects: Map[ObjectKey, ExtraObject] = FrozenDict()
    """Additional objects in the service's namespace, by name. Each entry has `apiVersion`, `kind`,
    `labels`, `annotations`, and all other fields, such as `data` or `spec`, in `fields`.
    Source: the published manifest has none.
    Becomes: one object per entry, applied before all others"""
    maas: Maas = Maas()
    kserve: Kserve = Kserve()
    network_policy: NetworkPolicy = NetworkPolicy()
    disruption_budget: DisruptionBudget = DisruptionBudget()
    monitoring: Monitoring = Monitoring()
    test: Test = Test()
    global_: dict[str, Any] = Field(default_factory=dict, alias="global")
    """Values that Helm passes from an umbrella chart; this package does not read them."""
    enabled: Always = True
    """The `condition` of an umbrella chart: with false, Helm does not install this chart. The chart
    itself accepts only true."""
    tags: dict[str, Any] = Field(default_factory=dict)
    """Tags that an umbrella chart passes; this package does not read them.
    Source: Helm, chart dependencies."""

    def replace(self, changes: Mapping[str, Any]) -> "Values":
        """Returns the values with changes merged over them, like a values file: maps merge,
        everything else replaces, and null removes an entry of a map.

        Args:
            changes: a tree of values in the spelling of values files, such as
                ``{"engine": {"args": {"max-num-seqs": 8}}}``.

        Raises:
            ValuesError: the result is not accepted; it names each path.
        """
        from .loading import replaced  # which makes Values

        return replaced(self, changes)
