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
    OptionalName,
    Port,
    Quantity,
    ResourceName,
    SchedulerName,
    Section,
    Size,
    TaintKey,
    Text,
    VariableName,
    Word,
)

PUBLISHED = "Alauda AI documentation, DeepSeek-V4-Flash (W4A8), docs/en/plan/validated_models"
"""Whose figures the defaults are, unless a value's sentence names another source."""


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
    """How one instance is split over the NPUs. A pod asks for `tensor` × `dataLocal` of them; an
    instance of `data` ranks is `data` / `dataLocal` pods on as many nodes, a leader and workers.
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
    Source: Alauda AI documentation, DeepSeek-V4-Flash (W8A8), docs/en/plan/validated_models.
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
    card: Literal[
        "910B1", "910B2", "910B2C", "910B3", "910B4", "910B4-1", "A3", "950PR", "950DT"
    ] = "910B4"
    """The card: 910B4 has 32 GB, the other cards of 910B have 64 GB, and so has each of an A3's two
    dies, which are an NPU each; a 950PR has 128 GB and a 950DT 96 GB.
    Becomes: the memory plan"""
    node_selector: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels that a node must have, such as `node.kubernetes.io/npu.chip.name: 910B4`, which tells
    32 GB cards from 64 GB ones where the cluster sets it.
    Source: the published manifest has none.
    Becomes: nodeSelector of the engine's pods"""
    tolerations: Map[TaintKey, Toleration] = FrozenDict()
    """Taints that the engine's pods stand, by the taint's key; `*` is every taint.
    Source: the published manifest has none.
    Becomes: tolerations of the engine's pods"""
    scheduler_name: SchedulerName = ""
    """The scheduler of the engine's pods, such as volcano; empty leaves it to the cluster.
    Source: the published manifest has none.
    Becomes: schedulerName of the engine's pods"""


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
    """Whether the router is in the service itself instead of a preset of its own.
    Becomes: spec.router.scheduler, in the place of spec.baseRefs"""
    preset: RouterPreset = RouterPreset()
    image: Image = "build-harbor.alauda.cn/3rdparty/openfuyao/hermes-router:26.6.0-rc.2"
    """The router's image.
    Becomes: image of the router's container main"""
    replicas: Count = 1
    """Routers that run at once. The published picker chooses at random, so that several need not
    know of each other.
    Unit: routers
    Becomes: spec.router.scheduler.replicas where it is more than 1"""
    one_word_booleans: Boolean = False
    """Whether its two booleans are one word, `--tracing=false`, as the publisher's newest manifest
    has them. The endpoint picker of Gateway API Inference Extension v1.5.0 reads the two words of
    the validated manifest, `--tracing false`, as true.
    Becomes: args of the router's container main"""
    verbosity: Natural = 1
    """How much the router logs.
    Becomes: --v"""
    resources: RouterResources = RouterResources()
    env: Map[VariableName, Variable] = FrozenDict()
    """Environment variables of the router, as in `engine.env`.
    Source: the published manifest has none.
    Becomes: env of the router's container main"""
    service_links: Boolean = True
    """Whether Kubernetes adds variables for each Service of the namespace, as is its default.
    Becomes: enableServiceLinks: false of the router's pods where it is false"""
    pod_labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels of the router's pods. KServe makes them a part of the Deployment's selector, which
    can't be changed: set them before the first apply, or delete the Deployment at a change.
    Source: the published manifest has none.
    Becomes: spec.router.scheduler.labels"""
    pod_annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations of the router's pods.
    Source: the published manifest has none.
    Becomes: spec.router.scheduler.annotations"""
    priority_class_name: OptionalName = ""
    """The priority class of the router's pods; empty leaves it to the cluster.
    Source: the published manifest has none.
    Becomes: priorityClassName of the router's pods"""
    affinity: Fields = FrozenDict()
    """The affinity of the router's pods, as Kubernetes writes it: `nodeAffinity`, `podAffinity`,
    `podAntiAffinity`.
    Source: the published manifest has none.
    Becomes: affinity of the router's pods"""
    topology_spread_constraints: Map[LabelKey, Fields] = FrozenDict()
    """How routers are spread, by topology key: the other fields of each constraint, such as
    `maxSkew`, `whenUnsatisfiable` and `labelSelector`.
    Source: the published manifest has none.
    Becomes: topologySpreadConstraints of the router's pods"""
    termination_grace_period_seconds: Natural = 30
    """How long a stopping router may take to finish.
    Unit: seconds
    Becomes: terminationGracePeriodSeconds of the router's pod"""


class Values(Section):
    """Everything that a deployment can be told.

    Values are frozen. :func:`dsv4deploy.load` makes them, and :meth:`replace` makes changed ones;
    pydantic's ``model_copy(update=…)`` validates nothing. The reference of values has each of them.
    """

    name: Label = "deepseek-v4-flash-w4a8-agg-base"
    """The service's name, and the root of every name that follows from it: router preset, pool,
    endpoint picker, service account, selectors.
    Becomes: metadata.name of the LLMInferenceService"""
    replicas: Count = 1
    """Instances of the model; each takes all NPUs of `parallelism`. With `scaling`, the least.
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
    """Labels of every object. Where an object has a label of the same key, its own stays. Pods
    have `engine.podLabels` and `router.podLabels`.
    Source: the published manifest has none.
    Becomes: metadata.labels of every object"""
    annotations: Map[LabelKey, Text] = FrozenDict()
    """Annotations of every object. Where an object has one of the same key, its own stays. Pods
    have `engine.podAnnotations` and `router.podAnnotations`.
    Source: the published manifest has none.
    Becomes: metadata.annotations of every object"""
    standard_labels: Boolean = False
    """Whether every object has the labels that Helm's guide recommends: `app.kubernetes.io/name`,
    `app.kubernetes.io/instance` with the service's name, `app.kubernetes.io/managed-by` with the
    tool that renders, Helm or dsv4deploy, and from Helm `helm.sh/chart`. An object's own labels
    and those in `labels` stay.
    Source: the published manifest has none; Helm, Labels and Annotations.
    Becomes: metadata.labels of every object"""
    extra_objects: Map[ObjectKey, ExtraObject] = FrozenDict()
    """More objects in the service's namespace, by name: `apiVersion` and `kind` of each, `labels`
    and `annotations`, and in `fields` everything else, such as `data` or `spec`.
    Source: the published manifest has none.
    Becomes: an object each, applied before all others"""
    maas: Maas = Maas()
    kserve: Kserve = Kserve()
    network_policy: NetworkPolicy = NetworkPolicy()
    disruption_budget: DisruptionBudget = DisruptionBudget()
    monitoring: Monitoring = Monitoring()
    test: Test = Test()
    global_: dict[str, Any] = Field(default_factory=dict, alias="global")
    """Values that Helm hands down from an umbrella chart; nothing here reads them."""
    enabled: Always = True
    """What an umbrella chart's `condition` reads: with false there, Helm leaves this chart out. On
    its own this chart can't be left out, so here only true is accepted."""
    tags: dict[str, Any] = Field(default_factory=dict)
    """Tags of an umbrella chart that hands them down; nothing here reads them.
    Source: Helm, chart dependencies."""

    def replace(self, changes: Mapping[str, Any]) -> "Values":
        """Values with changes laid on them, as a values file is: maps merge, all else replaces, and
        null takes an entry of a map away.

        Args:
            changes: a tree of values in the spelling of values files, such as
                ``{"engine": {"args": {"max-num-seqs": 8}}}``.

        Raises:
            ValuesError: the result is not accepted; it names each path.
        """
        from .loading import replaced  # which makes Values

        return replaced(self, changes)
