"""What is around the service: network policy, evictions, KServe, monitoring and the test."""

from typing import Literal

from .scalars import (
    Boolean,
    Count,
    CronTime,
    Duration,
    FrozenDict,
    Image,
    Label,
    LabelKey,
    LabelValue,
    Map,
    Natural,
    QuotaName,
    Seconds,
    Section,
    TimeZone,
    Unique,
)


class NetworkPolicy(Section):
    """Who reaches the engine's port. KServe's own ingress asks for no key: whoever reaches the port
    gets around keys and quotas.
    """

    enabled: Boolean = False
    """Whether only the namespaces below, the service's own router, its own pods and the pod of
    `helm test` reach the engine; with `maas.enabled`, of `maas.gateway.proxyNamespace` only that
    gateway's own proxies, so that KServe's ingress is closed. Needs a network plugin that enforces
    policies.
    Source: the published manifest has none.
    Becomes: a NetworkPolicy in the service's namespace"""
    from_namespaces: Unique[Label] = ("envoy-gateway-system", "monitoring")
    """Namespaces whose pods may connect: where KServe's gateway's proxies run, and Prometheus.
    Source: Envoy Gateway runs its proxies in its own namespace; monitoring is the name that
    kube-prometheus uses.
    Becomes: spec.ingress of the NetworkPolicy"""


class DisruptionBudget(Section):
    """Whether evictions wait for another instance."""

    enabled: Boolean = False
    """Whether one instance at most may be evicted at a time. With a single instance it can't help:
    it either allows the eviction or blocks every drain of the node, so it is off by default.
    Source: the published manifest has none.
    Becomes: a PodDisruptionBudget in the service's namespace"""
    max_unavailable: Natural = 1
    """Instances that may be away at once.
    Unit: instances
    Source: a choice of this project.
    Becomes: spec.maxUnavailable of the PodDisruptionBudget"""


class Schedule(Section):
    """A time that needs more instances."""

    start: CronTime
    """When it begins. An instance takes 17 to 37 minutes to load, and longer where the node has not
    got the weights yet: name a time that much before the first request.
    Unit: minute, hour, day of the month, month, day of the week, as in `0 7 * * 1-5`
    Becomes: start of a cron trigger"""
    end: CronTime
    """When it ends.
    Unit: minute, hour, day of the month, month, day of the week, as in `0 19 * * 1-5`
    Becomes: end of a cron trigger"""
    replicas: Count
    """Instances in that time; of schedules that overlap, the largest counts.
    Unit: instances
    Becomes: desiredReplicas of a cron trigger"""


class Scaling(Section):
    """Instances by the time of day, by KEDA. Reaction to load comes too late: an instance takes 17
    to 37 minutes to load.
    """

    enabled: Boolean = False
    """Whether KEDA sets the number of instances; `replicas` is then the least. The service names no
    number, and KServe leaves that of its workload alone. Needs KEDA.
    Source: the published manifest has none; KServe v0.17.0,
    pkg/controller/v1alpha2/llmisvc/workload.go, line 177.
    Becomes: a ScaledObject, and no spec.replicas"""
    max_replicas: Count = 1
    """The most instances at any time: as many as the nodes carry, since one more never starts.
    Unit: instances
    Source: a choice of each cluster.
    Becomes: spec.maxReplicaCount of the ScaledObject"""
    timezone: TimeZone = "UTC"
    """The time zone of the schedules.
    Source: a choice of this project.
    Becomes: timezone of the cron triggers"""
    schedules: Map[QuotaName, Schedule] = FrozenDict()
    """Times that need more instances, each under a name of your choice.
    Source: a choice of each site.
    Becomes: spec.triggers of the ScaledObject"""


class Kserve(Section):
    """The KServe that runs in the cluster, so that nothing is emitted that it has no field for."""

    version: Literal["0.17", "0.18", "0.19", "0.20", "main"] = "0.17"
    """Its release. What is emitted otherwise exists in all of these.
    Source: the first release with LLMInferenceService v1alpha2.
    Becomes: whether spec.rolloutStrategy can be emitted"""
    rollout_in_place: Boolean = False
    """Whether an update stops the old pod before it starts the new one. A model that fills its node
    needs it: otherwise the new pod waits for the old one's NPUs, and the old one for the new pod,
    for ever. Releases up to 0.20 have no field for it: stop the service, apply, start it.
    Source: KServe pull request 5916.
    Becomes: spec.rolloutStrategy (maxSurge 0, maxUnavailable 1) where `version` is main"""


class PublishedFigures(Section):
    """What the deployment's publisher measured, for alerts that compare with it."""

    ttft_milliseconds: Count = 9_789
    """Time to the first token, in the slower of the two published scenarios.
    Unit: milliseconds
    Becomes: the threshold of alert SlowFirstToken"""
    itl_milliseconds: Count = 183
    """Time between tokens, in the slower of the two published scenarios, rounded up.
    Unit: milliseconds
    Becomes: the threshold of alert SlowTokens"""


class ProxyMonitor(Section):
    """The metrics of the MaaS gateway's proxies, where nothing in the cluster collects them yet."""

    enabled: Boolean = False
    """Whether a PodMonitor collects them: Envoy's own, and tokens and times by model of the AI
    Gateway's processor beside it. Two monitors would count everything twice, so it is off.
    Source: a choice of this project; many clusters monitor Envoy Gateway as a whole.
    Becomes: a PodMonitor in `maas.namespace`, where `maas.gateway.create` is on"""


class Monitoring(Section):
    """Prometheus and Grafana: a PodMonitor, alerts and a dashboard. Needs Prometheus Operator."""

    enabled: Boolean = False
    """Whether the three objects are part of the manifest.
    Source: the published manifest has none.
    Becomes: PodMonitor, PrometheusRule and a ConfigMap with the dashboard"""
    labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels by which Prometheus selects monitors and rules, such as `release: prometheus`.
    Source: a choice of each cluster.
    Becomes: metadata.labels of the PodMonitor and the PrometheusRule"""
    interval: Duration = "30s"
    """How often the engine is asked for its metrics.
    Unit: a duration such as 30s
    Source: a choice of this project.
    Becomes: podMetricsEndpoints.interval of the PodMonitor"""
    proxies: ProxyMonitor = ProxyMonitor()
    published: PublishedFigures = PublishedFigures()
    tolerance_percent: Count = 200
    """How much of a published time an alert allows, over 10 minutes.
    Unit: percent
    Source: a choice of this project: twice what was published; two published runs are 8 % apart.
    Becomes: the thresholds of alerts SlowFirstToken and SlowTokens"""


class Test(Section):
    """What `helm test` runs: a Job that asks the service for one completion and looks at it."""

    image: Image = "docker.io/library/python:3.13-slim"
    """An image with Python 3 on its path; nothing else of it is used. `bench run --job` installs
    aiperf in it, which wants glibc, as Debian has it: on Alpine some of its packages would be
    compiled.
    Source: a choice of this project.
    Becomes: image of the test Job, and of the benchmark's"""
    timeout_seconds: Seconds = 300
    """How long the completion may take.
    Unit: seconds
    Source: a choice of this project; the slowest published request takes 33 s.
    Becomes: activeDeadlineSeconds of the test Job"""
