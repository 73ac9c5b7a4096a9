"""What is asked of the cluster, each question once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import ClusterError
from ...manifest.render import Release, render
from ...values.json import finite
from ...values.merge import found_at
from ...values.quantities import quantity, seconds
from ...values.tree import Values
from ..addresses import configuration
from ..client import Cluster, Object

KSERVE = "serving.kserve.io"
GATEWAY_API = "gateway.networking.k8s.io/v1"


@dataclass(frozen=True)
class EnvoyGateway:
    """What Envoy Gateway's own configuration sets, which no policy can.

    Attributes:
        redis: the addresses of the global rate limit's Redis; none where it is not configured.
        closed: whether requests are rejected if the rate limit service gives no answer.
        seconds: how long Envoy waits for that answer.
    """

    redis: tuple[str, ...] = ()
    closed: bool = False
    seconds: float = 0.02

    @classmethod
    def of(cls, text: str) -> EnvoyGateway:
        """What ``envoy-gateway.yaml`` sets; the defaults where it is not YAML."""
        import yaml

        try:
            settings = yaml.safe_load(text)
        except (RecursionError, ValueError, yaml.YAMLError):
            settings = None
        redis = str(found_at(settings, ("rateLimit", "backend", "redis", "url")) or "")
        # Without Redis nothing is counted, whatever else the rate limit says.
        limit = settings["rateLimit"] if redis else {}
        return cls(
            redis=tuple(address for each in redis.split(",") if (address := each.strip())),
            closed=limit.get("failClosed") is True,
            seconds=seconds(str(limit.get("timeout", "20ms"))),
        )


class Facts:
    """What is asked of the cluster, each question once.

    Attributes:
        cluster: where.
        values: the deployment.
        release: its namespace.
        profile: the profile below the values; ``""`` is the default one.
    """

    def __init__(
        self, cluster: Cluster, values: Values, release: Release, profile: str = ""
    ) -> None:
        self.cluster = cluster
        self.values = values
        self.release = release
        self.profile = profile

    def every(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> list[Object]:
        """All objects of a kind, as :meth:`~..client.Cluster.list` takes its words.

        Raises:
            ClusterError: the cluster does not know the kind, which is no answer.
        """
        self.cluster.path(api_version, kind)
        return self.cluster.list(api_version, kind, namespace, selector)

    @cached_property
    def objects(self) -> list[Object]:
        """The deployment's objects."""
        return render(self.values, self.release)

    @property
    def npus(self) -> int:
        """NPUs of each pod."""
        return self.values.parallelism.tensor * self.values.parallelism.data_local

    @property
    def pods(self) -> int:
        """Pods of as many instances as may run at once."""
        parallel, scaling = self.values.parallelism, self.values.scaling
        instances = max(self.values.replicas, scaling.max_replicas if scaling.enabled else 0)
        return instances * (parallel.data // parallel.data_local or 1)

    @cached_property
    def nodes(self) -> list[Object]:
        """Nodes with this deployment's NPUs."""
        name = self.values.npu.resource_name
        return [node for node in self.every("v1", "Node") if allocatable(node, name)]

    @cached_property
    def chosen(self) -> list[Object]:
        """Those of them that npu.nodeSelector picks."""
        wanted = self.values.npu.node_selector.items()
        return [node for node in self.nodes if wanted <= labels(node).items()]

    @cached_property
    def fitting(self) -> list[Object]:
        """Those of them that take pods."""
        return [node for node in self.chosen if not closed(node)]

    @cached_property
    def others(self) -> dict[str, list[Object]]:
        """By node, the pods of others that hold something of it."""
        found: dict[str, list[Object]] = {}
        for pod in self.every("v1", "Pod"):
            ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
            if not ended and not self._owns(pod):
                found.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
        return found

    def left(self, node: Object, resource: str) -> float:
        """How much of a resource of a node no other pod has requested."""
        pods = self.others.get(node["metadata"]["name"], [])
        return allocatable(node, resource) - sum(requested(pod, resource) for pod in pods)

    @cached_property
    def own_pods(self) -> list[Object]:
        """Pods of this very service, which are replaced by the new ones."""
        return [pod for pod in self.every("v1", "Pod", self.release.namespace) if self._owns(pod)]

    def _owns(self, pod: Object) -> bool:
        here = pod["metadata"]["namespace"] == self.release.namespace
        return here and labels(pod).get("app.kubernetes.io/name") == self.values.name

    @cached_property
    def kserve(self) -> dict[str, Any]:
        """KServe's ConfigMap: each key's JSON."""
        return configuration(self.cluster)

    @cached_property
    def envoy_gateway(self) -> EnvoyGateway | None:
        """Envoy Gateway's own configuration; None where there is none."""
        for item in self.every("v1", "ConfigMap", "envoy-gateway-system"):
            text = (item.get("data") or {}).get("envoy-gateway.yaml")
            if text:
                return EnvoyGateway.of(text)
        return None


def labels(item: Object) -> dict[str, str]:
    """An object's labels."""
    return item["metadata"].get("labels") or {}


def amount(text: object) -> float:
    """A quantity of an object in the cluster as a number.

    Raises:
        ClusterError: it is none.
    """
    try:
        return finite(str(quantity(str(text))))
    except ValueError as error:
        raise ClusterError(f"an object in the cluster is invalid: {error}", "Invalid") from None


def allocatable(node: Object, resource: str) -> float:
    """How much of a resource a node has for pods."""
    return amount(((node.get("status") or {}).get("allocatable") or {}).get(resource, "0"))


def requested(pod: Object, resource: str) -> float:
    """How much of a resource a pod's containers request together."""
    return sum(
        amount(((container.get("resources") or {}).get("requests") or {}).get(resource, "0"))
        for container in pod["spec"].get("containers") or []
    )


def closed(node: Object) -> str:
    """Why a node takes no pods; ``""`` where it does."""
    if node["spec"].get("unschedulable"):
        return "is cordoned"
    conditions = (node.get("status") or {}).get("conditions") or []
    true = {each["type"] for each in conditions if each["status"] == "True"}
    if "Ready" not in true:
        return "is not ready"
    return "is out of disk space (DiskPressure)" if "DiskPressure" in true else ""
