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
    """Access to the engine's port. KServe's own ingress requires no key: anyone who can reach the
    port bypasses keys and quotas.
    """

    enabled: Boolean = False
    """Whether only the namespaces below, the service's own router and pods, and the pod of `helm
    test` can reach the engine. With `maas.enabled`, only the proxies of that gateway in
    `maas.gateway.proxyNamespace` can connect, so KServe's ingress is closed. It needs a network
    plugin that enforces policies.
    Source: the published manifest has none.
    Becomes: a NetworkPolicy in the service's namespace"""
    from_namespaces: Unique[Label] = ("envoy-gateway-system", "monitoring")
    """Namespaces whose pods may connect: those of the proxies of KServe's gateway and of
    Prometheus.
    Source: Envoy Gateway runs its proxies in its own namespace; monitoring is the name that
    kube-prometheus uses.
    Becomes: spec.ingress of the NetworkPolicy"""


class DisruptionBudget(Section):
    """Whether evictions wait for other instances."""

    enabled: Boolean = False
    """Whether at most one instance may be evicted at a time. It does not help with a single
    instance: it either allows the eviction or blocks every drain of the node. It is therefore off
    by default.
    Source: the published manifest has none.
    Becomes: a PodDisruptionBudget in the service's namespace"""
    max_unavailable: Natural = 1
    """Maximum number of `replicas` that an eviction may make unavailable. With `scaling`, instances
    above `replicas` may be evicted, too.
    Unit: instances
    Source: a choice of this project.
    Becomes: spec.minAvailable of the PodDisruptionBudget: the pods of `replicas` minus this number.
    spec.maxUnavailable would allow the eviction of the only ready instance while `upgrade` replaces
    two"""


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
    """The KServe release that runs in the cluster, so that the manifest has only fields that it
    supports.
    """

    version: Literal["0.17", "0.18", "0.19", "0.20", "main"] = "0.17"
    """The release. All other fields exist in every release listed here.
    Source: the first release with LLMInferenceService v1alpha2.
    Becomes: whether spec.rolloutStrategy can be emitted"""
    rollout_in_place: Boolean = False
    """Whether an update stops the old pod before it starts the new one. A model that fills its node
    needs this: otherwise the new pod waits indefinitely for the NPUs of the old pod. Releases up to
    0.20 have no such field: stop the service, apply, and start it.
    Source: KServe pull request 5916.
    Becomes: spec.rolloutStrategy (maxSurge 0, maxUnavailable 1) where `version` is main"""


class PublishedFigures(Section):
    """Figures that the deployment's publisher measured, for alerts that compare with them."""

    ttft_milliseconds: Count = 9_789
    """Time to the first token, in the slower of the two published scenarios.
    Unit: milliseconds
    Becomes: the threshold of alert SlowFirstToken"""
    itl_milliseconds: Count = 183
    """Time between tokens, in the slower of the two published scenarios, rounded up.
    Unit: milliseconds
    Becomes: the threshold of alert SlowTokens"""


class ProxyMonitor(Section):
    """The metrics of the MaaS gateway's proxies, if nothing else in the cluster collects them."""

    enabled: Boolean = False
    """Whether a PodMonitor collects them: Envoy's metrics, and the tokens and times per model from
    the AI Gateway's processor. It is off by default, because two monitors would count everything
    twice.
    Source: a choice of this project; many clusters monitor Envoy Gateway as a whole.
    Becomes: a PodMonitor in `maas.namespace`, where `maas.gateway.create` is on"""


class Monitoring(Section):
    """A PodMonitor, alerts and a Grafana dashboard. They need Prometheus Operator."""

    enabled: Boolean = False
    """Whether the three objects are part of the manifest.
    Source: the published manifest has none.
    Becomes: PodMonitor, PrometheusRule and a ConfigMap with the dashboard"""
    labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels by which Prometheus selects monitors and rules, such as `release: prometheus`.
    Source: a choice of each cluster.
    Becomes: metadata.labels of the PodMonitor and the PrometheusRule"""
    interval: Duration = "30s"
    """Scrape interval of the engine's metrics.
    Unit: a duration such as 30s
    Source: a choice of this project.
    Becomes: podMetricsEndpoints.interval of the PodMonitor"""
    proxies: ProxyMonitor = ProxyMonitor()
    published: PublishedFigures = PublishedFigures()
    tolerance_percent: Count = 200
    """Percentage of a published time that an alert allows, over 10 minutes.
    Unit: percent
    Source: a choice of this project: twice what was published; two published runs differ by 8 %.
    Becomes: the thresholds of alerts SlowFirstToken and SlowTokens"""


class Test(Section):
    """The Job of `helm test`, which requests one completion from the service and checks it."""

    image: Image = "docker.io/library/python:3.13-slim"
    """An image with Python 3 on its path; the test uses nothing else. `bench run --job` installs
    aiperf in it, which needs glibc, as on Debian: on Alpine some packages would have to be
    compiled.
    Source: a choice of this project.
    Becomes: image of the test Job, and of the benchmark's"""
    timeout_seconds: Seconds = 300
    """Maximum duration of the completion.
    Unit: seconds
    Source: a choice of this project; the slowest published request takes 33 s.
    Becomes: activeDeadlineSeconds of the test Job"""
