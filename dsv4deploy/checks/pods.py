"""Rules of what a user adds: labels, volumes, mounts, containers and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..findings import Severity
from ..manifest.render import Release, render
from ..values.json import to_json
from ..values.tree import Values
from .rule import Places, Rule

_ENGINE_LABELS = (
    *("app.kubernetes.io/component", "app.kubernetes.io/name", "app.kubernetes.io/part-of"),
    *("kserve.io/component", "leaderworkerset.sigs.k8s.io/worker-index", "llm-d.ai/role"),
)
_KSERVE_PRESET = "KServe's preset"

RULES: list[Rule] = [
    Rule(
        code="engine-label-selected",
        severity=Severity.ERROR,
        path="engine.podLabels.{name}",
        condition='"{name}" not in Values.engine.podLabels',
        table=dict.fromkeys(_ENGINE_LABELS, "KServe"),
        message="{owner} sets this label and selects the engine's pods by it",
        fix="remove it, or choose another key",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/workload_single_node.go, line 281, "
        "and v0.20.0, line 179: spec.labels replace the labels that the selectors name",
    ),
    Rule(
        code="router-label-selected",
        severity=Severity.ERROR,
        path="router.podLabels.{name}",
        condition='"{name}" not in Values.router.podLabels',
        table=dict.fromkeys(_ENGINE_LABELS[:3], "KServe"),
        message="{owner} sets this label and selects the router's pods by it",
        fix="remove it, or choose another key",
        source="KServe v0.17.0, pkg/controller/v1alpha2/llmisvc/scheduler.go, lines 412 and 718, "
        "and v0.20.0, lines 484 and 1623",
    ),
    Rule(
        code="pod-labels-of-workers",
        severity=Severity.WARNING,
        path="engine.podLabels",
        condition="not (Values.engine.podLabels or Values.engine.podAnnotations) or "
        "Values.parallelism.data <= Values.parallelism.dataLocal or "
        'Values.kserve.version in ("0.20", "main")',
        message="this KServe version passes neither labels nor annotations to the pods of an "
        "instance that spans several nodes",
        fix="upgrade KServe to 0.20 and set kserve.version to 0.20, or remove the labels and "
        "annotations",
        source="KServe, workload_multi_node.go: v0.17.0 and v0.19.0 do not read spec.labels and "
        "spec.annotations, v0.20.0 does from line 264",
    ),
    Rule(
        code="extra-volume-name",
        severity=Severity.ERROR,
        path="engine.extraVolumes.{name}",
        condition='"{name}" not in Values.engine.extraVolumes',
        table={
            "dshm": _KSERVE_PRESET,
            "home": _KSERVE_PRESET,
            "kserve-provision-location": "KServe's storage initializer",
            "model": "model.claims",
            "model-cache": _KSERVE_PRESET,
            "mooncake-config": "kvStore",
            "shm": "engine.shmSize",
            "tls-certs": _KSERVE_PRESET,
            "tmp-dir": _KSERVE_PRESET,
        },
        message="the pod already has a volume with this name from {owner}",
        fix="choose another name",
        source="KServe v0.17.0, config/llmisvcconfig/config-llm-template.yaml, lines 81 to 92: "
        "volumes of the presets are merged by name",
    ),
    Rule(
        code="extra-mount-path",
        severity=Severity.ERROR,
        path="engine.extraVolumeMounts",
        condition='"/dev/shm" not in Values.engine.extraVolumeMounts and '
        '"/mnt/models" not in Values.engine.extraVolumeMounts and '
        '(not Values.kvStore.enabled or "/app" not in Values.engine.extraVolumeMounts)',
        message="the engine already has volumes at /dev/shm and /mnt/models, and, with kvStore, at "
        "/app",
        fix="choose another path",
        source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 3028: the path is the key "
        "of the list",
    ),
    Rule(
        code="extra-container-name",
        severity=Severity.ERROR,
        path="engine.extraContainers.{name}",
        condition='"{name}" not in Values.engine.extraContainers and '
        '"{name}" not in Values.engine.extraInitContainers',
        table={
            "llm-d-routing-sidecar": "KServe",
            "main": "the engine",
            "modelcar": "KServe's modelcar",
            "modelcar-init": "KServe's modelcar",
            "mooncake-config-init": "kvStore",
            "storage-initializer": "KServe's storage initializer",
            "warm-up": "engine.warmUp",
        },
        message="the pod already has a container with this name from {owner}",
        fix="choose another name",
        source="KServe v0.17.0, pkg/constants, lines 448 to 458; containers of the presets are "
        "merged by name",
    ),
]


OWNED_CONTAINERS = next(rule.table for rule in RULES if rule.code == "extra-container-name")
"""Who has a container of a name, by the name."""
_VOLUMES = next(rule.table for rule in RULES if rule.code == "extra-volume-name")


@Rule(
    code="extra-mount-volume",
    severity=Severity.ERROR,
    path="engine.extraVolumeMounts",
    message="this mount names the volume {name}, but the pod has no volume with that name",
    fix="set name to the name of a volume in engine.extraVolumes",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 2378, VolumeMount: its name is "
    "that of a volume of the pod",
).finder(RULES)
def _extra_mounts(values: Values) -> Places:
    known = {*values.engine.extra_volumes, *_VOLUMES}
    for path, mount in values.engine.extra_volume_mounts.items():
        name = mount.get("name", "")
        if not isinstance(name, str) or name not in known:
            yield f"engine.extraVolumeMounts.{path}", {"name": to_json(name)}


_KEYED = {
    "engine.extraContainers": "name",
    "engine.extraInitContainers": "name",
    "engine.extraVolumeMounts": "mountPath",
    "engine.extraVolumes": "name",
    "engine.topologySpreadConstraints": "topologyKey",
    "router.topologySpreadConstraints": "topologyKey",
}


def _entries(values: Values, path: str) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a map of the engine's or the router's, by its path."""
    section, _, key = path.partition(".")
    found: Mapping[str, Mapping[str, Any]] = values.model_dump(by_alias=True)[section][key]
    return found


@Rule(
    code="extra-key-twice",
    severity=Severity.ERROR,
    path="engine.extraContainers",
    message="{field} is already the key of this entry in the map",
    fix="remove {field}, and use its value as the key",
    source="docs/own-parts.md: the map is rendered as a list of named entries",
).finder(RULES)
def _keyed(values: Values) -> Places:
    for path, field in _KEYED.items():
        for name, entry in _entries(values, path).items():
            if field in entry:
                yield f"{path}.{name}.{field}", {"field": field}


@Rule(
    code="extra-volume-source",
    severity=Severity.ERROR,
    path="engine.extraVolumes",
    message="a volume must have exactly one source, but this one has {count}",
    fix="specify exactly one source, such as hostPath, configMap, secret, emptyDir or "
    "persistentVolumeClaim",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 49, VolumeSource",
).finder(RULES)
def _sources(values: Values) -> Places:
    for name, volume in values.engine.extra_volumes.items():
        count = len(volume.keys() - {"name"})
        if count != 1:
            yield f"engine.extraVolumes.{name}", {"count": count or "none"}


def _containers(values: Values) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The path of each extra container, and its fields."""
    for key in ("extraContainers", "extraInitContainers"):
        for name, container in _entries(values, f"engine.{key}").items():
            yield f"engine.{key}.{name}", container


@Rule(
    code="extra-container-image",
    severity=Severity.ERROR,
    path="engine.extraContainers",
    message="a container needs an image, but this one has none",
    fix="set image to an image reference with a tag",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 2909, Container",
).finder(RULES)
def _images(values: Values) -> Places:
    for path, container in _containers(values):
        if not isinstance(container.get("image"), str):
            yield path, {}


@Rule(
    code="extra-container-twice",
    severity=Severity.ERROR,
    path="engine.extraInitContainers",
    message="engine.extraContainers also has a container with this name",
    fix="rename one of the two containers",
    source="Kubernetes' k8s.io/api v0.36.1, core/v1/types.go, line 5115: container names are "
    "unique in a pod",
).finder(RULES)
def _twice(values: Values) -> Places:
    both = values.engine.extra_containers.keys() & values.engine.extra_init_containers.keys()
    for name in sorted(both):
        yield f"engine.extraInitContainers.{name}", {}


@Rule(
    code="extra-container-npus",
    severity=Severity.WARNING,
    path="engine.extraContainers",
    message="this container requests {resource} in addition to the engine's NPUs: the pod needs a "
    "node with more NPUs",
    fix="remove {resource} from the container's resources",
    source="Kubernetes documentation, Device Plugins: containers do not share a device",
).finder(RULES)
def _npus(values: Values) -> Places:
    for path, container in _containers(values):
        resources = container.get("resources")
        for key in ("limits", "requests"):
            asked = resources.get(key) if isinstance(resources, Mapping) else None
            for resource in sorted(asked) if isinstance(asked, Mapping) else ():
                if resource == values.npu.resource_name or resource.startswith("huawei.com/"):
                    yield f"{path}.resources.{key}", {"resource": resource}


@Rule(
    code="spread-without-selector",
    severity=Severity.WARNING,
    path="engine.topologySpreadConstraints",
    message="without labelSelector, this constraint does not match any pods, so it has no effect",
    fix="in labelSelector.matchLabels, set app.kubernetes.io/name to the service's name, and set "
    "app.kubernetes.io/component",
    source="Kubernetes documentation, Pod Topology Spread Constraints",
).finder(RULES)
def _spread(values: Values) -> Places:
    for path, key in _KEYED.items():
        if key == "topologyKey":
            for name, constraint in _entries(values, path).items():
                if not constraint.get("labelSelector"):
                    yield f"{path}.{name}", {}


@Rule(
    code="own-label-stays",
    severity=Severity.WARNING,
    path="labels",
    message="the {kind} already has a label with this key and keeps its own value",
    fix="choose another key, unless the label is meant for the other objects",
    source="docs/own-parts.md: the labels of published manifests stay",
).finder(RULES)
def _own_labels(values: Values) -> Places:
    own = {
        "infernex.io/runtime": ("LLMInferenceService", True),
        "app.kubernetes.io/part-of": ("LLMInferenceServiceConfig", not values.router.inline),
        "grafana_dashboard": ("ConfigMap with the dashboard", values.monitoring.enabled),
    }
    for name, (kind, there) in own.items():
        if there and name in values.labels:
            yield f"labels.{name}", {"kind": kind}


CLUSTER_WIDE = (
    *("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "GatewayClass", "Namespace"),
    *("Node", "PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)


@Rule(
    code="extra-object-of-cluster",
    severity=Severity.ERROR,
    path="extraObjects",
    message="a {kind} is cluster-scoped, but extra objects must be namespaced",
    fix="apply the object separately, and remove it from extraObjects",
    source="Kubernetes documentation, Namespaces: not all objects are in a namespace",
).finder(RULES)
def _of_cluster(values: Values) -> Places:
    for name, item in values.extra_objects.items():
        if item.kind in CLUSTER_WIDE:
            yield f"extraObjects.{name}", {"kind": item.kind}


@Rule(
    code="extra-object-name",
    severity=Severity.ERROR,
    path="extraObjects",
    message="the manifest already has a {kind} with this name",
    fix="choose another name",
    source="Kubernetes documentation, Object Names and IDs: a name is unique by kind and namespace",
).finder(RULES)
def _names(values: Values) -> Places:
    if values.extra_objects:
        release = Release()
        own = {
            (item["kind"], item["metadata"]["name"])
            for item in render(values.model_copy(update={"extra_objects": {}}), release)
            if item["metadata"]["namespace"] == release.namespace
        }
        for name, item in values.extra_objects.items():
            if (item.kind, name) in own:
                yield f"extraObjects.{name}", {"kind": item.kind}


@Rule(
    code="extra-object-fields",
    severity=Severity.ERROR,
    path="extraObjects",
    message="{field} is not allowed in fields",
    fix="write apiVersion, kind, labels and annotations next to fields; the name is the key in "
    "the map, and the namespace is the release's",
    source="docs/own-parts.md: the package writes these fields itself",
).finder(RULES)
def _fields(values: Values) -> Places:
    for name, item in values.extra_objects.items():
        for field in sorted(item.fields.keys() & {"apiVersion", "kind", "metadata"}):
            yield f"extraObjects.{name}.fields.{field}", {"field": field}
