"""Whether a service is ready, on its way, or has failed; and waiting for it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ..errors import ClusterError
from . import pods, scaler
from .client import MANAGER, Cluster, Object
from .scaler import workloads

API, KIND = "serving.kserve.io/v1alpha2", "LLMInferenceService"

STOP = "serving.kserve.io/stop"
"""KServe's annotation that takes a service's pods away and leaves the service."""


SILENT = ("Unreachable", "ServerError", "TooManyRequests")
"""Reasons of errors that are not about the service: the cluster gave no answer."""


@dataclass(frozen=True)
class Progress:
    """Where a service is on its way.

    Attributes:
        phase: stopping, stopped, starting (KServe still reports it as stopped), scaling (KEDA has
            not yet acted on a pause), accepted, scheduled, image, weights, loading, capturing,
            routing (the pods are ready, and not yet the rest), lagging (the engines are ready, and
            nothing but KServe's word for it is missing), ready or failed; unknown where the
            cluster gives no answer.
        done: how far, from 0 to 1, as far as conditions, pods and logs show.
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


def service_of(objects: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The LLMInferenceService among a deployment's objects.

    Raises:
        ClusterError: there is none, which a revision of another tool's making may lack.
    """
    for item in objects:
        if item["kind"] == KIND:
            return item
    raise ClusterError(f"the objects contain no {KIND}", "NotFound")


def stopped(service: Mapping[str, Any]) -> bool:
    """Whether a service's engines are to be gone."""
    return (service["metadata"].get("annotations") or {}).get(STOP) == "true"


_CRASHES = 2
"""How often one container may fail during a wait, until that is a crash loop."""

_NO_NODE = ("preemption", "Insufficient", "didn't match")
"""Words of the scheduler's messages about a pod that no node can take."""

_LINES = (
    ("Capturing", "capturing", 0.9, "the engine is capturing graphs"),
    ("Graph capturing", "capturing", 0.9, "the engine is capturing graphs"),
    ("Available KV cache memory", "capturing", 0.85, "the engine is allocating the KV cache"),
    ("Loading model weights took", "capturing", 0.8, "the engine has loaded the weights"),
    ("Loading safetensors", "loading", 0.4, "the engine is reading the weights"),
)


def progress(cluster: Cluster, service: str, namespace: str) -> Progress:
    """The phase of a service, as far as its conditions, its pods and their logs show."""
    live = cluster.get(API, KIND, service, namespace)
    if live is None:
        return Progress("failed", 0.0, f"namespace {namespace} has no service {service}")
    found = cluster.list("v1", "Pod", namespace, f"app.kubernetes.io/name={service}")
    # Of one pod, or a leader and its workers.
    engines, routers = (
        [pod for pod in found if pods.label(pod, "app.kubernetes.io/component").startswith(each)]
        for each in (_ENGINE, _ROUTER)
    )
    engines, routers = pods.current(engines), pods.current(routers)
    if stopped(live):
        running = bool(found) or workloads(cluster, service, namespace)
        message = "the pods are terminating" if running else "all pods have terminated"
        now = Progress("stopping" if running else "stopped", 0.0, message)
    else:
        now = _starting(cluster, live, engines, routers)
    return replace(now, started=pods.started(engines), ended=pods.failures(engines))


def _starting(
    cluster: Cluster, live: Object, engines: list[Object], routers: list[Object]
) -> Progress:
    """Where a service is that is not to be stopped."""
    conditions = (live.get("status") or {}).get("conditions") or []
    for each in conditions:
        if each["status"] == "False" and _hopeless(each):
            return Progress("failed", 0.0, f"{each['type']}: {each.get('message', '')}")
    if number := _scaling(cluster, live):
        return Progress("scaling", 0.03, f"KEDA has yet to change the instances to {number}")
    ready: Object = next((each for each in conditions if each["type"] == "Ready"), {})
    # Conditions may still be those of the pods before; the workload tells of these.
    if _serves(cluster, live):
        if ready.get("status") == "True" and _routes(cluster, live):
            return Progress("ready", 1.0, "the service accepts requests")
        if (missing := {each["type"] for each in conditions if each["status"] != "True"}) and (
            missing <= _OF_WORKLOADS
        ):
            why = ready.get("message") or "Ready is not True"
            return Progress("lagging", 0.97, f"the engines are ready, but KServe is not: {why}")
    least = 2 if "worker" in (live.get("spec") or {}) else 1
    if len(engines) < least and (refused := _refused(cluster, live)):
        return Progress("failed", 0.0, f"the pods cannot be created: {refused}")
    if not engines:
        if ready.get("reason") == "Stopped":
            return Progress("starting", 0.02, "KServe has not started the service yet")
        return Progress("accepted", 0.05, "KServe is creating the pods")
    # Those that end have served, and free the NPUs that new ones wait for.
    staying = [pod for pod in engines if not pod["metadata"].get("deletionTimestamp")]
    freed = len(staying) < len(engines)
    ways = (_engine(cluster, pod, freed=freed) for pod in staying or engines)
    last = min(ways, key=lambda each: each.done)
    if last.phase == "routing":
        if why := next(filter(None, (_stuck(cluster, pod) for pod in routers)), ""):
            return Progress("failed", 0.0, why)
        return replace(last, message=_routing(live["metadata"]["name"], conditions))
    return last


def _scaling(cluster: Cluster, service: Object) -> int:
    """The instances at which a ScaledObject is paused, until the workload has as many; else 0."""
    if "replicas" in (service.get("spec") or {}):
        return 0
    meta = service["metadata"]["name"], service["metadata"]["namespace"]
    number = scaler.paused_at(cluster.get(scaler.API, scaler.KIND, *meta))
    return number if number and scaler.instances(workloads(cluster, *meta)) != number else 0


def _routing(service: str, conditions: list[Object]) -> str:
    """What is waited for once the engines are ready."""
    unmet = {each["type"]: each.get("message") for each in conditions if each["status"] != "True"}
    router = _router(service)
    parts = {
        "SchedulerWorkloadReady": f"the router (Deployment {router})",
        "InferencePoolReady": f"InferencePool {service}-inference-pool",
        "HTTPRoutesReady": f"HTTPRoute {service}-kserve-route",
        "GatewaysReady": "the Gateway",
    }
    waits = [f"{what} is not ready: {unmet[key]}" for key, what in parts.items() if key in unmet]
    replaced = "" if unmet else f"Deployment {router} is replacing its pods"
    told = "; ".join(waits) or unmet.get("Ready") or replaced
    return "the engines are ready" + (f", but {told}" if told else "")


_ENGINE, _ROUTER = "llminferenceservice-workload", "llminferenceservice-router"
"""How the component of an engine's and of a router's pods begins, as KServe labels them."""

_OF_WORKLOADS = {"Ready", "WorkloadsReady", "MainWorkloadReady", "WorkerWorkloadReady"}
"""Conditions that repeat the workload's own status (KServe v0.17 to v0.20,
llm_inference_service_lifecycle.go).

KServe watches LeaderWorkerSets only where their CRD was there when its controller started
(kserve/kserve#6043): then these stay as they were.
"""

_NUDGE = "dsv4deploy.io/nudge"
"""An annotation whose change makes KServe look at a service once more."""


def _hopeless(condition: Mapping[str, Any]) -> bool:
    """Whether KServe has failed at something, such as a missing preset or Gateway.

    Its controller names such reasons so (v0.17 to v0.20); all others are states on the way. It also
    gives one of them when another controller was faster at an object, and then tries again.
    """
    reason, message = condition.get("reason", ""), condition.get("message", "")
    failed = reason == "RefsInvalid" or reason.endswith("Error")
    return failed and "the object has been modified" not in message


def _refused(cluster: Cluster, service: Object) -> str:
    """Why no pod of a service's engines could be made, such as a quota; ``""`` where none was."""
    for item in workloads(cluster, service["metadata"]["name"], service["metadata"]["namespace"]):
        for condition in (item.get("status") or {}).get("conditions") or []:
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                return str(condition.get("message", ""))
        if item["kind"] == "LeaderWorkerSet":
            return pods.refused(cluster, item)
    return ""


def _serves(cluster: Cluster, service: Object) -> bool:
    """Whether the current engines are those that the service requests, and are ready."""
    meta = service["metadata"]
    found = workloads(cluster, meta["name"], meta["namespace"])
    return bool(found) and all(_current(service, item) and _counted(item) for item in found)


def _router(service: str) -> str:
    """The name of a service's router's Deployment, as KServe gives it."""
    return f"{service}-kserve-router-scheduler"


def _routes(cluster: Cluster, service: Object) -> bool:
    """Whether the router's pods are the current ones: one that ends cuts the streams through it."""
    meta = service["metadata"]
    router = cluster.get("apps/v1", "Deployment", _router(meta["name"]), meta["namespace"])
    return router is None or _counted(router)


def _current(service: Object, workload: Object) -> bool:
    """Whether KServe has brought an engine's workload up to the service."""
    asked, spec = service.get("spec") or {}, workload.get("spec") or {}
    wanted, instances = asked.get("template") or {}, asked.get("replicas")
    leader = (spec.get("leaderWorkerTemplate") or {}).get("leaderTemplate")
    made = (spec.get("template") or leader or {}).get("spec") or {}
    ours, theirs = (pods.main(pod.get("containers") or []) for pod in (wanted, made))
    texts, set_ = (
        {each["name"]: each.get("value", "") for each in main.get("env") or []}
        for main in (ours, theirs)
    )
    return (
        all(ours[key] == theirs.get(key) for key in ("image", "args") if key in ours)
        # KServe adds variables of its own.
        and texts.items() <= set_.items()
        and instances in (None, spec.get("replicas"))
    )


def _counted(workload: Object) -> bool:
    """Whether all of a workload's replicas are new and ready, as its controller has seen it."""
    status, wanted = workload.get("status") or {}, (workload.get("spec") or {}).get("replicas")
    generation = workload["metadata"].get("generation") or 0
    updated = status.get("updatedReplicas") or 0
    # A rolling update that is stuck has an old replica that is ready, and a new one that is not.
    if (status.get("replicas") or 0) > updated:
        return False
    enough = min(status.get("readyReplicas") or 0, updated) >= (1 if wanted is None else wanted)
    seen = status.get("observedGeneration")
    return enough and (seen is None or seen >= generation)


def _about(pod: Object) -> str:
    """The field selector of a pod's events."""
    return f"involvedObject.kind=Pod,involvedObject.name={pod['metadata']['name']}"


def _stuck(cluster: Cluster, pod: Object) -> str:
    """Why a container of a pod can't start; ``""`` where all can."""
    reason, why = pods.stuck(pod)
    if reason not in pods.PULLS:
        return why
    secret = pods.missing_pull_secret(cluster, pod["metadata"]["namespace"], _about(pod))
    return "; ".join(filter(None, (why, secret)))


def _engine(cluster: Cluster, pod: Object, *, freed: bool) -> Progress:
    """Where one pod of the engines is on its way; ``freed`` is whether others end."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    if why := pods.rejected(pod):
        return Progress("failed", 0.0, why)
    if why := pods.unscheduled(pod):
        if any(word in why for word in _NO_NODE) and not freed:
            # Kubernetes names no taint from v1.34 on.
            tainted = pods.tainted(cluster) if "untolerated taint(s)" in why else ""
            told = f"{why.rstrip('.')}; {tainted}" if tainted else why
            return Progress("failed", 0.0, f"no node can run pod {name}: {told}")
        return Progress("scheduled", 0.05, why)
    if node := pods.lost(pod):
        return Progress("failed", 0.0, f"pod {name} is on node {node}, which does not respond")
    if why := _stuck(cluster, pod):
        return Progress("failed", 0.0, why)
    states = pods.containers(pod)
    main = pods.main(states)
    if not (main.get("state") or {}).get("running"):
        problem = pods.warning(cluster, namespace, _about(pod))
        more = f": {problem}" if problem else ""
        if not (pod.get("status") or {}).get("containerStatuses"):
            return Progress("image", 0.1, f"pod {name} is waiting for images and weights{more}")
        return Progress("weights", 0.2, f"pod {name} is fetching images and weights{more}")
    if main.get("ready"):
        return Progress("routing", 0.95, f"pod {name} is ready")
    text = cluster.log(namespace, name, "main")
    for line, phase, done, message in _LINES:
        if line in text:
            return Progress(phase, done, f"pod {name}: {message}")
    return Progress("loading", 0.3, f"pod {name}: the engine is starting")


@dataclass(frozen=True)
class Limits:
    """How long a wait may take, in seconds.

    Attributes:
        timeout: in all.
        fetching: without a running engine.
        loading: from the start of the engine's containers.
        interval: between two looks.
        patience: how long a failure must last, since a pod may fail once and recover; and how
            long KServe may lag behind engines that are ready.
        outage: how long the cluster may give no answer.
    """

    timeout: float
    fetching: float = math.inf
    loading: float = math.inf
    interval: float = 5.0
    patience: float = 60.0
    outage: float = 600.0


def watch(
    cluster: Cluster, service: str, namespace: str, until: str, limits: Limits
) -> Iterator[Progress]:
    """The progress of a service until it is ``ready``, ``stopped`` or ``started``.

    It is started once KServe has acted on the last start. A stop before that comes too early:
    KServe would make the pods once the stop has seemed to be over.

    Ready engines serve requests, although KServe may not report them as ready. After a while KServe
    is nudged to look again, and after another the wait ends with the phase ``lagging``.

    Args:
        cluster: where; its guard is asked at each look.
        service: its name.
        namespace: its namespace.
        until: the phase that ends it.
        limits: how long it may take.

    Raises:
        ClusterError: it can't succeed, took longer than it may, or the cluster is gone.
    """
    record = _Record(service, until, limits)
    now = Progress("unknown", 0.0, "")
    while True:
        try:
            if cluster.guard:
                cluster.guard()
            now = progress(cluster, service, namespace)
            record.answered(now)
            if record.nudges():
                _nudge(cluster, service, namespace)
        except ClusterError as error:
            if error.reason not in SILENT or record.silent():
                raise
            now = replace(now, phase="unknown", message=str(error))
        yield now
        started = until == "started" and now.phase not in ("starting", "unknown")
        if now.phase == until or started or record.lagged():
            return
        record.judge(now)
        time.sleep(limits.interval)


def _nudge(cluster: Cluster, service: str, namespace: str) -> None:
    """Gives KServe a reason to look at a service once more."""
    meta = {"name": service, "namespace": namespace}
    notes = {_NUDGE: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    item = {"apiVersion": API, "kind": KIND, "metadata": {**meta, "annotations": notes}}
    live = cluster.live(item)
    # Whether it comes too late or is forbidden: it may help, and nothing depends on it.
    with suppress(ClusterError):
        cluster.apply(item, live=live, force=True, manager=f"{MANAGER}-nudge")


class _Record:
    """What a wait has seen, which decides whether it continues."""

    def __init__(self, service: str, until: str, limits: Limits) -> None:
        self._service, self._until, self._limits = service, until, limits
        # When the wait began, the engine was started, it last did not fail, and the last answer.
        self._begun = self._since = self._well = self._heard = time.monotonic()
        self._started = ""
        # Ends of containers, in order; so many were before this wait.
        self._ends: list[tuple[str, str]] = []
        self._before: int | None = None
        # Since when KServe lags behind engines that are ready, and whether it was nudged.
        self._lags: float | None = None
        self._nudged = False

    def answered(self, now: Progress) -> None:
        """Takes in an answer of the cluster."""
        self._heard = time.monotonic()
        self._ends += [each for each in now.ended.items() if each not in self._ends]
        if self._before is None:
            self._before = len(self._ends)
        if now.phase != "lagging":
            self._lags = None
        elif self._lags is None:
            self._lags = self._heard

    def _lag(self) -> float:
        """For how many seconds KServe lags behind."""
        return 0.0 if self._lags is None else self._heard - self._lags

    def nudges(self) -> bool:
        """Whether it is time to nudge KServe, which is done once."""
        due = self._lag() >= self._limits.patience and not self._nudged
        self._nudged = self._nudged or due
        return due

    def lagged(self) -> bool:
        """Whether KServe has lagged for so long that nothing more is to be expected of it."""
        return self._until == "ready" and self._lag() >= 2 * self._limits.patience

    def silent(self) -> bool:
        """Whether the cluster has given no answer for longer than it may."""
        return time.monotonic() - self._heard >= self._limits.outage

    def judge(self, now: Progress) -> None:
        """Raises ClusterError where the wait can't succeed, or has taken longer than it may."""
        clock, limits, starts = time.monotonic(), self._limits, self._until == "ready"
        if now.phase == "lagging" and starts:
            self._well = clock  # it serves, and the wait ends soon
            return
        end = "{} terminated: {}".format(*self._ends[-1]) if self._ends else ""
        # A container that fails late starts again before patience ends. Counts of restarts don't
        # show it: all pods of two nodes are made anew.
        crashes = Counter(name for name, _ in self._ends[self._before :])
        if starts and max(crashes.values(), default=0) >= _CRASHES:
            why = f"{self._service} cannot become ready: {pods.CRASH_LOOP}: {end}"
            raise ClusterError(why, "Failed")
        # A service that somebody else has stopped does not get ready either.
        bad = ("failed", "stopping", "stopped") if starts else ("failed",)
        if now.phase not in bad:
            self._well = clock
        elif clock - self._well >= limits.patience:
            why = f"{self._service} cannot become {self._until}: {now.message}"
            raise ClusterError(why, "Failed")
        if now.started != self._started:
            self._started, self._since = now.started, clock
        longest = limits.loading if self._started else limits.fetching
        if clock - self._begun >= limits.timeout or clock - self._since >= longest:
            # A container that can't start says in its own message how it ended.
            repeated = bool(self._ends) and self._ends[-1][1] in now.message
            why = now.message if repeated or not end else f"{now.message}; {end}"
            raise ClusterError(
                f"{self._service} is not {self._until} after {clock - self._begun:.0f} s "
                f"({now.phase}): {why}",
                "Timeout",
            )


Wait: TypeAlias = Callable[[str], str]
"""Waits for a phase, and returns what was reached."""

LAGS = (
    "the engines are ready and serve requests, but KServe does not report this: restart its "
    "controller with `kubectl -n kserve rollout restart deployment/llmisvc-controller-manager`"
)


def waiting(
    cluster: Cluster,
    service: str,
    namespace: str,
    limits: Limits,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Wait:
    """What an upgrade waits with.

    Args:
        cluster: where.
        service: its name.
        namespace: its namespace.
        limits: how long each wait may take.
        tell: is called with each observation.
    """

    def wait(until: str) -> str:
        phase = until
        for now in watch(cluster, service, namespace, until, limits):
            tell(now)
            phase = now.phase
        return LAGS if phase == "lagging" else phase

    return wait


FETCHING = 2700.0
"""Seconds for images and weights: at 1 Gbit/s 128 GB take 17 minutes, and 280 GB 37."""


def budget(objects: Iterable[Mapping[str, Any]], turns: int = 1) -> Limits:
    """How long a service may take to become ready.

    Loading may take what the startup probe allows, from the start of the container as there; a
    minute more is for what follows, until KServe reports that it is ready.

    Args:
        objects: its objects.
        turns: how many of its instances are replaced one after the other.
    """
    spec = service_of(objects).get("spec") or {}
    main = pods.main((spec.get("template") or {}).get("containers") or [])
    # Of a service that was adopted, with Kubernetes' defaults for a probe.
    probe = main.get("startupProbe") or {"failureThreshold": 360}
    loading = float((probe.get("periodSeconds") or 10) * (probe.get("failureThreshold") or 3) + 60)
    return Limits((FETCHING + loading) * turns, FETCHING, loading)
