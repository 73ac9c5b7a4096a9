"""Where a service is on its way through the hour of loading, and waiting for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..errors import ClusterError
from .client import Cluster, Object

STOP = "serving.kserve.io/stop"
"""KServe's annotation that takes a service's pods away and leaves the service."""


SILENT = ("Unreachable", "ServerError", "TooManyRequests")
"""Reasons of errors that say nothing of a service: the cluster gave no answer."""


@dataclass(frozen=True)
class Progress:
    """Where a service is on its way.

    Attributes:
        phase: stopping, stopped, accepted, scheduled, image, weights, loading, capturing, routing
            (the pods are ready, and KServe does not say so yet), ready or failed; unknown where
            the cluster gives no answer.
        done: how far, from 0 to 1, as far as conditions, pods and logs tell.
        message: what is waited for, or why it can't succeed.
        started: when the engine's containers were started, the last of them, as Kubernetes writes
            it; ``""`` where one does not run.
        ended: how containers of the engine ended last, and when, by ``pod/container``.
    """

    phase: str
    done: float
    message: str
    started: str = ""
    ended: Mapping[str, str] = field(default_factory=dict)


Check: TypeAlias = Callable[[], object]
"""Raises ClusterError where there is no more sense in waiting."""


def service_of(objects: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The LLMInferenceService among a deployment's objects."""
    return next(item for item in objects if item["kind"] == "LLMInferenceService")


def stopped(service: Mapping[str, Any]) -> bool:
    """Whether a service's engines are to be gone."""
    return (service["metadata"].get("annotations") or {}).get(STOP) == "true"


_CRASHES = 2
"""How often a container may end while it is waited for, until that is a crash loop."""

STUCK = {
    "ErrImagePull": "an image can't be pulled",
    "ImagePullBackOff": "an image can't be pulled",
    "InvalidImageName": "an image's name is wrong",
    "CreateContainerConfigError": "a container's configuration is wrong",
    "CrashLoopBackOff": "a container keeps failing",
}
"""Why a container can't start, in words, by Kubernetes' reason."""
_LINES = (
    ("Capturing", "capturing", 0.9, "graphs are captured"),
    ("Graph capturing", "capturing", 0.9, "graphs are captured"),
    ("Available KV cache memory", "capturing", 0.85, "the KV cache is laid out"),
    ("Loading model weights took", "capturing", 0.8, "the weights are loaded"),
    ("Loading safetensors", "loading", 0.4, "the weights are read"),
)


def progress(cluster: Cluster, service: str, namespace: str) -> Progress:
    """Where a service is, as far as its conditions, its pods and their logs tell."""
    live = cluster.get("serving.kserve.io/v1alpha2", "LLMInferenceService", service, namespace)
    if live is None:
        return Progress("failed", 0.0, f"there is no service {service} in {namespace}")
    pods = cluster.list("v1", "Pod", namespace, f"app.kubernetes.io/name={service}")
    # Of one pod, or a leader and its workers. The router's have another component.
    engines = [
        pod
        for pod in pods
        if pod["metadata"]["labels"].get("app.kubernetes.io/component", "").startswith(_ENGINE)
    ]
    now = _phase(cluster, live, pods, engines)
    return replace(now, started=_started(engines), ended=_ended(engines))


def _phase(cluster: Cluster, live: Object, pods: list[Object], engines: list[Object]) -> Progress:
    service, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
    conditions = {each["type"]: each for each in (live.get("status") or {}).get("conditions") or []}
    if stopped(live):
        running = bool(pods) or _workloads(cluster, service, namespace)
        message = "its pods are going" if running else "its pods are gone"
        return Progress("stopping" if running else "stopped", 0.0, message)
    for each in conditions.values():
        if each["status"] == "False" and _hopeless(each):
            return Progress("failed", 0.0, f"{each['type']}: {each.get('message', '')}")
    ready = conditions.get("Ready", {})
    # Conditions may still be those of the pods before; the workload tells of these.
    if ready.get("status") == "True" and _serves(cluster, live):
        return Progress("ready", 1.0, "it answers")
    if not engines:
        refused = _refused(cluster, service, namespace)
        if refused:
            return Progress("failed", 0.0, f"its pods can't be made: {refused}")
        return Progress("accepted", 0.05, "KServe makes its pods")
    last = min((_pod(cluster, pod) for pod in engines), key=lambda each: each.done)
    if last.phase == "routing" and ready.get("message"):
        return Progress(last.phase, last.done, f"{last.message}: {ready['message']}")
    return last


_ENGINE = "llminferenceservice-workload"
"""How the component of an engine's pods begins, as KServe labels them."""


def _hopeless(condition: Mapping[str, Any]) -> bool:
    """Whether KServe has failed at something, such as a missing preset or Gateway.

    Its controller names such reasons so (v0.17 to v0.20); all others are states on the way. It also
    gives one of them when another controller was faster at an object, and then tries again.
    """
    reason, message = condition.get("reason", ""), condition.get("message", "")
    failed = reason == "RefsInvalid" or reason.endswith("Error")
    return failed and "the object has been modified" not in message


def _workloads(cluster: Cluster, service: str, namespace: str) -> list[Object]:
    """A service's engines: the Deployment of one pod, or the LeaderWorkerSet of two."""
    sets = "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", f"{service}-kserve-mn"
    found = (
        cluster.get("apps/v1", "Deployment", f"{service}-kserve", namespace),
        cluster.get(*sets, namespace),
    )
    return [item for item in found if item]


def _refused(cluster: Cluster, service: str, namespace: str) -> str:
    """Why no pod of a service's engines could be made, such as a quota; ``""`` where none was."""
    for item in _workloads(cluster, service, namespace):
        for condition in (item.get("status") or {}).get("conditions") or []:
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                return str(condition.get("message", ""))
    return ""


def warning(cluster: Cluster, namespace: str, about: str) -> str:
    """The last thing that went wrong with an object, in its events.

    Args:
        cluster: where.
        namespace: the object's.
        about: a field selector of its events, such as ``involvedObject.uid=…``.

    Returns:
        ``""`` where there is none, or this user may see none.
    """
    try:
        events = cluster.list("v1", "Event", namespace, fields=f"{about},type=Warning")
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        return ""
    last = max(events, key=lambda each: each.get("lastTimestamp") or "", default={})
    return str(last.get("message") or "")


def _pod_warning(cluster: Cluster, namespace: str, pod: str) -> str:
    about = f"involvedObject.kind=Pod,involvedObject.name={pod}"
    told = warning(cluster, namespace, about)
    return f": {told}" if told else ""


def _serves(cluster: Cluster, service: Object) -> bool:
    """Whether the engines that stand now are those that the service asks for, and are ready."""
    meta = service["metadata"]
    found = _workloads(cluster, meta["name"], meta["namespace"])
    return bool(found) and all(_current(service, item) and _counted(item) for item in found)


def _current(service: Object, workload: Object) -> bool:
    """Whether KServe has brought an engine's workload up to the service."""
    wanted, spec = service["spec"].get("template") or {}, workload["spec"]
    made = spec.get("template") or spec["leaderWorkerTemplate"]["leaderTemplate"]
    ours, theirs = (_main(pod.get("containers") or []) for pod in (wanted, made["spec"]))
    return all(ours[key] == theirs.get(key) for key in ("image", "args") if key in ours)


def _main(containers: list[Object]) -> Object:
    """The engine's own of a pod's containers, or of their states; empty where there is none."""
    return next((each for each in containers if each["name"] == "main"), {})


def _counted(workload: Object) -> bool:
    """Whether all of a workload's replicas are new and ready, as its controller has seen it."""
    status, wanted = workload.get("status") or {}, workload["spec"].get("replicas", 1)
    generation = workload["metadata"].get("generation", 0)
    return bool(
        status.get("readyReplicas", 0) >= wanted
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("observedGeneration", generation) >= generation
    )


def _containers(pod: Mapping[str, Any]) -> list[Object]:
    """The states of a pod's containers, in the order in which they start."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _end(container: Mapping[str, Any]) -> str:
    """How a container ended last, such as OOMKilled; ``""`` where it never has."""
    states = (container.get(key) or {} for key in ("state", "lastState"))
    end = next((state["terminated"] for state in states if state.get("terminated")), None)
    if not end:
        return ""
    parts = (end.get("reason"), f"exit code {end.get('exitCode')}", end.get("message"))
    told = ": ".join(filter(None, parts))
    return f"{told} ({end['finishedAt']})" if end.get("finishedAt") else told


def _ended(engines: list[Object]) -> dict[str, str]:
    return {
        f"{pod['metadata']['name']}/{container['name']}": end
        for pod in engines
        if not pod["metadata"].get("deletionTimestamp")  # it ends since it is to
        for container in _containers(pod)
        # As one that runs first does when it has done its work.
        if not container.get("ready") and (end := _end(container))
    }


def _started(engines: list[Object]) -> str:
    """When the last of the engine's containers was started; ``""`` where one does not run."""
    times = []
    for pod in engines:
        running = (_main(_containers(pod)).get("state") or {}).get("running") or {}
        times.append(running.get("startedAt") or "")
    return max(times, default="") if all(times) else ""


def _pod(cluster: Cluster, pod: Mapping[str, Any]) -> Progress:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            told = condition.get("message", "")
            if "preemption" in told or "Insufficient" in told or "didn't match" in told:
                return Progress("failed", 0.0, f"no node takes pod {name}: {told}")
            return Progress("scheduled", 0.05, told or "it waits for a node")
    for container in _containers(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in STUCK:
            why = _end(container) or waiting.get("message") or ""
            return Progress(
                "failed", 0.0, f"{STUCK[waiting['reason']]}: {name}/{container['name']}: {why}"
            )
    if not status.get("containerStatuses"):
        told = _pod_warning(cluster, pod["metadata"]["namespace"], name)
        return Progress("image", 0.1, f"pod {name} waits for its images and weights{told}")
    main = _main(_containers(pod))
    if not (main.get("state") or {}).get("running"):
        told = _pod_warning(cluster, pod["metadata"]["namespace"], name)
        return Progress("weights", 0.2, f"pod {name} fetches images and weights{told}")
    if main.get("ready"):
        return Progress("routing", 0.95, f"pod {name} is ready")
    text = cluster.log(pod["metadata"]["namespace"], name, "main")
    for line, phase, done, message in _LINES:
        if line in text:
            return Progress(phase, done, f"pod {name}: {message}")
    return Progress("loading", 0.3, f"pod {name}: the engine starts")


def watch(
    cluster: Cluster,
    service: str,
    namespace: str,
    until: str,
    *,
    timeout: float,
    fetching: float = math.inf,
    loading: float = math.inf,
    interval: float = 5.0,
    patience: float = 60.0,
    outage: float = 600.0,
    check: Check = lambda: None,
) -> Iterator[Progress]:
    """The progress of a service until it is ``ready`` or ``stopped``.

    Args:
        cluster: where.
        service: its name.
        namespace: its namespace.
        until: the phase that ends it.
        timeout: seconds, in all.
        fetching: seconds that may pass without a running engine.
        loading: seconds that an engine may take from the start of its containers.
        interval: seconds between two looks.
        patience: seconds that a failure must last: a pod may fail once and come round.
        outage: seconds that the cluster may give no answer.
        check: is called at each look; what it raises ends the wait.

    Raises:
        ClusterError: it can't succeed, took longer than it may, or the cluster is gone.
    """
    start = since = well = seen = time.monotonic()
    now = Progress("unknown", 0.0, "")
    started = ""
    # Ends of containers, in order; so many were before this wait.
    ends: list[tuple[str, str]] = []
    before: int | None = None
    while True:
        try:
            now = progress(cluster, service, namespace)
            check()
            seen = time.monotonic()
            ends += [each for each in now.ended.items() if each not in ends]
            before = len(ends) if before is None else before
        except ClusterError as error:
            if error.reason not in SILENT or time.monotonic() - seen >= outage:
                raise
            now = replace(now, phase="unknown", message=str(error))
        yield now
        if now.phase == until:
            return
        clock = time.monotonic()
        end = "{} ended: {}".format(*ends[-1]) if ends else ""
        # One that fails late is back in its start before patience ends, and so for ever. Restarts
        # don't tell: of two nodes all pods are made anew.
        crashes = [name for name, _ in ends[before:]]
        if until == "ready" and any(crashes.count(name) >= _CRASHES for name in crashes):
            why = f"{STUCK['CrashLoopBackOff']}: {end}"
            raise ClusterError(f"{service} can't become {until}: {why}", "Failed")
        # Stopped by somebody else, it gets ready no more than a failed one does.
        if not (now.phase == "failed" or (until == "ready" and now.phase.startswith("stop"))):
            well = clock
        elif clock - well >= patience:
            raise ClusterError(f"{service} can't become {until}: {now.message}", "Failed")
        if now.started != started:
            started, since = now.started, clock
        if clock - start >= timeout or clock - since >= (loading if started else fetching):
            told = "; ".join(filter(None, (now.message, end)))
            raise ClusterError(
                f"{service} is not {until} after {clock - start:.0f} s ({now.phase}): {told}",
                "Timeout",
            )
        time.sleep(interval)


Wait: TypeAlias = Callable[[str, Check], None]
"""Waits for a phase, and checks at each look."""


def waiting(
    cluster: Cluster,
    service: str,
    namespace: str,
    tell: Callable[[Progress], None] = lambda _: None,
    **times: float,
) -> Wait:
    """What an upgrade waits with.

    Args:
        cluster: where.
        service: its name.
        namespace: its namespace.
        tell: is told of each look.
        times: of :func:`watch`: timeout, fetching, loading, interval, patience, outage.
    """

    def wait(until: str, check: Check) -> None:
        for now in watch(cluster, service, namespace, until, check=check, **times):
            tell(now)

    return wait


FETCHING = 2700.0
"""Seconds for images and weights: at 1 Gbit/s 128 GB take 17 minutes, and 280 GB 37."""


def budget(objects: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds that a service may take, as :func:`watch` names them.

    Loading may take what the startup probe gives it, from the start of the container as there; a
    minute more is for what follows, until KServe says that it is ready.
    """
    service = service_of(objects)
    probe = service["spec"]["template"]["containers"][0]["startupProbe"]
    loading = float(probe["periodSeconds"] * probe["failureThreshold"] + 60)
    return {"timeout": FETCHING + loading, "fetching": FETCHING, "loading": loading}
