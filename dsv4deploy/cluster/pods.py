"""The state of pods from their events: why one has no node, can't start, or has ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ClusterError
from .client import Cluster, Object

Pod = Mapping[str, Any]

CRASH_LOOP = "a container keeps failing"
_STUCK = {
    "ErrImagePull": "an image cannot be pulled",
    "ImagePullBackOff": "an image cannot be pulled",
    "InvalidImageName": "an image name is invalid",
    "CreateContainerConfigError": "a container's configuration is invalid",
    "CrashLoopBackOff": CRASH_LOOP,
}
"""Why a container can't start, in words, by the reason for which it waits."""

PULLS = ("ErrImagePull", "ImagePullBackOff")
"""The reasons for which a container waits whose image can't be pulled."""
# Kubelet repeats the error of the last try after this (Kubernetes 1.32 and newer).
_BACK_OFF = re.compile(r"Back-off pulling image \S+: ErrImagePull: ")
_ABSENT = "FailedToRetrieveImagePullSecret"
"""The reason of kubelet's event about a pull secret that is absent, whether it is needed or not."""
_MESSAGE = 300
"""Characters of a container's last line that are shown."""


def containers(pod: Pod) -> list[Object]:
    """The states of a pod's containers, in the order in which they start."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def label(pod: Pod, name: str) -> str:
    """A pod's label; ``""`` where it has none of that name."""
    return str((pod["metadata"].get("labels") or {}).get(name, ""))


def main(those: list[Object]) -> Object:
    """The engine's own of a pod's containers, or of their states; empty where there is none."""
    return next((each for each in those if each["name"] == "main"), {})


def current(pods: list[Object]) -> list[Object]:
    """Pods without those that a node has rejected or evicted, which stay beside their successors.

    Where there are only such, the last of them.
    """
    gone = [pod for pod in pods if rejected(pod)]
    last = sorted(gone, key=lambda pod: str(pod["metadata"].get("creationTimestamp") or ""))[-1:]
    return [pod for pod in pods if not rejected(pod)] or last


def rejected(pod: Pod) -> str:
    """Why a node has rejected or evicted a pod, such as a full disk; ``""`` where none has.

    Of pods whose containers are always restarted, no others fail as a whole.
    """
    status = pod.get("status") or {}
    if status.get("phase") != "Failed":
        return ""
    name, node = pod["metadata"]["name"], (pod.get("spec") or {}).get("nodeName", "")
    told = ": ".join(filter(None, (status.get("reason"), (status.get("message") or "").strip())))
    return f"node {node} rejected or evicted pod {name}: {told}"


def unscheduled(pod: Pod) -> str:
    """Why a pod has no node; ``""`` where it has one, or has just been made."""
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return condition.get("message") or "the pod is waiting for a node"
    return ""


def lost(pod: Pod) -> str:
    """The node of a pod whose kubelet no longer reports; ``""`` where it reports.

    The node controller then sets the pod's condition Ready to False, and leaves what kubelet has
    reported of its containers (Kubernetes 1.34.4, controller_utils.go, MarkPodsNotReady).
    """
    conditions = (pod.get("status") or {}).get("conditions") or []
    held = {each["type"]: each["status"] for each in conditions}
    gone = (held.get("Ready"), held.get("ContainersReady")) == ("False", "True")
    return str(pod["spec"]["nodeName"]) if gone else ""


def tainted(cluster: Cluster) -> str:
    """The nodes with a condition, such as a full disk, for which Kubernetes itself taints them.

    Returns:
        ``""`` where none has, or this user may list no nodes.
    """
    try:
        nodes = cluster.list("v1", "Node")
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        return ""
    own = re.compile(r"node\.kubernetes\.io/(?!unschedulable)")
    return ", ".join(
        f"node {node['metadata']['name']} has the taint {taint['key']}"
        for node in nodes
        for taint in (node.get("spec") or {}).get("taints") or []
        if own.match(taint["key"])
    )


def stuck(pod: Pod) -> tuple[str, str]:
    """Why a container of a pod can't start.

    Returns:
        Kubernetes' reason, such as ErrImagePull, and the same in words, with the names of the pod
        and the container; twice ``""`` where all can.
    """
    for container in containers(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason in _STUCK:
            where = f"{pod['metadata']['name']}/{container['name']}"
            why = ended(container) or _BACK_OFF.sub("", waiting.get("message") or "")
            return reason, f"{_STUCK[reason]}: {where}: {why}"
    return "", ""


def ended(container: Mapping[str, Any]) -> str:
    """How a container ended last, such as OOMKilled, and when; ``""`` where it never has.

    A container that fails may leave the end of its log as its message: of several lines the last
    one is given, which names the error.
    """
    states = (container.get(key) or {} for key in ("state", "lastState"))
    end = next((state["terminated"] for state in states if state.get("terminated")), None)
    if not end:
        return ""
    lines = (end.get("message") or "").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    parts = (end.get("reason"), f"exit code {end.get('exitCode')}", last[:_MESSAGE])
    told = ": ".join(filter(None, parts))
    return f"{told} ({end['finishedAt']})" if end.get("finishedAt") else told


def failures(pods: list[Object]) -> dict[str, str]:
    """How the containers of pods ended last, by ``pod/container``, where that was a failure."""
    return {
        f"{pod['metadata']['name']}/{container['name']}": end
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")  # it ends because it is deleted
        for container in containers(pod)
        # An init container that has done its work is ready.
        if not container.get("ready") and (end := ended(container))
    }


def started(pods: list[Object]) -> str:
    """When the last of the pods' main containers was started; ``""`` where one does not run."""
    times = []
    for pod in pods:
        running = (main(containers(pod)).get("state") or {}).get("running") or {}
        times.append(running.get("startedAt") or "")
    return max(times, default="") if all(times) else ""


def warning(cluster: Cluster, namespace: str, about: str) -> str:
    """The last thing that went wrong with an object, in its events.

    Kubelet reports each pull secret that is absent, and pulls without it: that is omitted here.

    Args:
        cluster: where.
        namespace: the object's.
        about: a field selector of its events, such as ``involvedObject.uid=…``.

    Returns:
        ``""`` where there is none, or this user may see none.
    """
    events = _warnings(cluster, namespace, about)
    return _last(event for event in events if event.get("reason") != _ABSENT)


def missing_pull_secret(cluster: Cluster, namespace: str, about: str) -> str:
    """The absent pull secrets of a pod, in kubelet's words; the arguments of :func:`warning`.

    It matters only where an image can't be pulled.
    """
    events = _warnings(cluster, namespace, about)
    return _last(event for event in events if event.get("reason") == _ABSENT)


def refused(cluster: Cluster, group: Object) -> str:
    """Why a LeaderWorkerSet's last pod could not be made; ``""`` if none was rejected.

    StatefulSets make its pods: one makes the leaders, and each leader has one for its workers. They
    report a rejection only in events.
    """
    name, namespace = group["metadata"]["name"], group["metadata"]["namespace"]
    found = _warnings(cluster, namespace, "involvedObject.kind=StatefulSet,reason=FailedCreate")
    # Those of an earlier LeaderWorkerSet of this name stay for an hour.
    made = group["metadata"].get("creationTimestamp") or ""
    return _last(
        event
        for event in found
        if re.fullmatch(rf"{re.escape(name)}(-\d+)?", event["involvedObject"]["name"])
        and (event.get("lastTimestamp") or "") >= made
    )


def _warnings(cluster: Cluster, namespace: str, about: str) -> list[Object]:
    try:
        return cluster.list("v1", "Event", namespace, fields=f"{about},type=Warning")
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        return []


def _last(events: Iterable[Object]) -> str:
    last = max(events, key=lambda each: each.get("lastTimestamp") or "", default={})
    return str(last.get("message") or "")
