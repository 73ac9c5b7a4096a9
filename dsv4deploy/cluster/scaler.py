"""The number of instances that a ScaledObject of KEDA sets, and its pause during an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .client import MANAGER, Cluster, Object, managed

API, KIND = "keda.sh/v1alpha1", "ScaledObject"

_PAUSED = "autoscaling.keda.sh/paused"
PAUSE = f"{_PAUSED}-replicas"
"""The annotation by which KEDA deletes its HorizontalPodAutoscaler and scales to a fixed number
(KEDA v2.21.0, controllers/keda/scaledobject_controller.go, line 359)."""

STOPPER = f"{MANAGER}-stop"
"""The field manager of annotations that stop or pause something: applying objects keeps them."""


def scaler_of(objects: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The ScaledObject among a deployment's objects."""
    return next((item for item in objects if item["kind"] == KIND), None)


def paused_at(scaler: Mapping[str, Any] | None) -> int:
    """The number of instances that this tool has paused a ScaledObject at; 0 if it has not."""
    if not scaler or not managed(scaler, STOPPER):
        return 0
    return int((scaler["metadata"].get("annotations") or {}).get(PAUSE, 0))


def scales(scaler: Mapping[str, Any] | None) -> bool:
    """Whether a ScaledObject sets the number of instances, because only this tool pauses it."""
    if not scaler:
        return False
    annotations = scaler["metadata"].get("annotations") or {}
    return bool(paused_at(scaler)) or not any(key.startswith(_PAUSED) for key in annotations)


def workloads(cluster: Cluster, service: str, namespace: str) -> list[Object]:
    """A service's engines: the Deployment of one pod, or the LeaderWorkerSet of two."""
    sets = "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", f"{service}-kserve-mn"
    found = (
        cluster.get("apps/v1", "Deployment", f"{service}-kserve", namespace),
        cluster.get(*sets, namespace),
    )
    return [item for item in found if item]


def instances(found: Iterable[Object]) -> int:
    """The number of instances of a service's workloads; 0 without any."""
    return max(((item.get("spec") or {}).get("replicas", 1) for item in found), default=0)
