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
    """Access to the engine's port. KServe's own ingress does not require a key: anyone who can
    reach the port can bypass keys and quotas.
    """

    enabled: Boolean = False
    """Whether access to the engine is limited to the namespaces below, the service's own router and
    pods, and the pod of `helm test`. With `maas.enabled`, only the MaaS gateway's proxies in
    `maas.gateway.proxyNamespace` can connect, so KServe's ingress is closed. The policy requires a
    network plugin that enforces policies.
    Source: the published manifest has none.
    Becomes: a NetworkPolicy in the service's namespace"""
    from_namespaces: Unique[Label] = ("envoy-gateway-system", "monitoring")
    """Namespaces whose pods may connect: those of the KServe gateway's proxies and of Prometheus.
    Source: Envoy Gateway runs its proxies in its own namespace; monitoring is the name that
    kube-prometheus uses.
    Becomes: spec.ingress of the NetworkPolicy"""


class DisruptionBudget(Section):
    """Whether evictions wait for other instances."""

    enabled: Boolean = False
    """Whether a PodDisruptionBudget limits evictions. It does not help with a single instance: it
    either allows the eviction or blocks every drain of the node. It is therefore off by default.
    Source: the published manifest has none.
    Becomes: a PodDisruptionBudget in the service's namespace"""
    max_unavailable: Natural = 1
    """Maximum number of instances in `replicas` that evictions may make unavailable. With
    `scaling`, instances in excess of `replicas` may be evicted as well.
    Unit: instances
    Source: a choice of this project.
    Becomes: spec.minAvailable of the PodDisruptionBudget: the pods of `replicas` minus this number.
    spec.maxUnavailable would allow the eviction of the only ready instance while `upgrade` replaces
    two"""


class Schedule(Section):
    """A period that needs more instances."""

    start: CronTime
    """When the period starts, such as `0 7 * * 1-5`: minute, hour, day of the month, month, and day
    of the week. An instance takes 17 to 37 minutes to load, and longer if the node does not have
    the weights yet, so choose a start that is this much earlier than the first request.
    Becomes: start of a cron trigger"""
    end: CronTime
    """When the period ends, such as `0 19 * * 1-5`, in the same format as `start`.
    Becomes: end of a cron trigger"""
    replicas: Count
    """Number of instances in this period; if schedules overlap, the largest number applies.
    Unit: instances
    Becomes: desiredReplicas of a cron trigger"""


class Scaling(Section):
    """Scaling by time of day with KEDA. Scaling by load would react too late, because an instance
    takes 17 to 37 minutes to load.
    """

    enabled: Boolean = False
    """Whether KEDA sets the number of instances; `replicas` is then the minimum. The service does
    not set a number, and KServe does not change the number of its workload. This requires KEDA.
    Source: the published manifest has none; KServe v0.17.0,
    pkg/controller/v1alpha2/llmisvc/workload.go, line 177.
    Becomes: a ScaledObject, and no spec.replicas"""
    max_replicas: Count = 1
    """Maximum number of instances at any time. Do not exceed the number that the nodes can hold,
    because further instances never start.
    Unit: instances
    Source: a choice of each cluster.
    Becomes: spec.maxReplicaCount of the ScaledObject"""
    timezone: TimeZone = "UTC"
    """The time zone of the schedules.
    Source: a choice of this project.
    Becomes: timezone of the cron triggers"""
    schedules: Map[QuotaName, Schedule] = FrozenDict()
    """Periods that need more instances, each under a name of your choice.
    Source: a choice of each site.
    Becomes: spec.triggers of the ScaledObject"""


class Kserve(Section):
    """The KServe release that runs in the cluster, so that the manifest has only fields that the
    release supports.
    """

    version: Literal["0.17", "0.18", "0.19", "0.20", "main"] = "0.17"
    """The release. Only `rolloutInPlace` depends on it: all other fields exist in every release
    listed here.
    Source: the first release with LLMInferenceService v1alpha2.
    Becomes: whether spec.rolloutStrategy can be emitted"""
    rollout_in_place: Boolean = False
    """Whether an update stops the old pod before it starts the new one. A model that fills its node
    needs this: otherwise the new pod waits indefinitely for the NPUs of the old pod. Releases up to
    0.20 do not have such a field: stop the service, apply the change, and start the service again.
    Source: KServe pull request 5916.
    Becomes: spec.rolloutStrategy (maxSurge 0, maxUnavailable 1) if `version` is main"""


class PublishedFigures(Section):
    """Figures that the deployment's publisher measured. Alerts compare current latencies with
    these figures.
    """

    ttft_milliseconds: Count = 9_789
    """Time to the first token, in the slower of the two published scenarios.
    Unit: milliseconds
    Becomes: the threshold of alert SlowFirstToken"""
    itl_milliseconds: Count = 183
    """Time between tokens, in the slower of the two published scenarios, rounded up.
    Unit: milliseconds
    Becomes: the threshold of alert SlowTokens"""


class ProxyMonitor(Section):
    """Metrics of the MaaS gateway's proxies, if nothing else in the cluster collects them."""

    enabled: Boolean = False
    """Whether a PodMonitor collects Envoy's metrics, and the tokens and times per model from the AI
    Gateway's processor. This is off by default, because two monitors would count everything twice.
    Source: a choice of this project; many clusters monitor Envoy Gateway as a whole.
    Becomes: a PodMonitor in `maas.namespace`, if `maas.gateway.create` is on"""


class Monitoring(Section):
    """A PodMonitor, alerts, and a Grafana dashboard. The PodMonitor and the alerts require
    Prometheus Operator.
    """

    enabled: Boolean = False
    """Whether the three objects are part of the manifest.
    Source: the published manifest has none.
    Becomes: PodMonitor, PrometheusRule and a ConfigMap with the dashboard"""
    labels: Map[LabelKey, LabelValue] = FrozenDict()
    """Labels with which Prometheus selects monitors and rules, such as `release: prometheus`.
    Source: a choice of each cluster.
    Becomes: metadata.labels of the PodMonitor and the PrometheusRule"""
    interval: Duration = "30s"
    """Scrape interval for the engine's metrics, as a duration such as 30s.
    Source: a choice of this project.
    Becomes: podMetricsEndpoints.interval of the PodMonitor"""
    proxies: ProxyMonitor = ProxyMonitor()
    published: PublishedFigures = PublishedFigures()
    tolerance_percent: Count = 200
    """The maximum latency, averaged over 10 minutes, as a percentage of the published latency. An
    alert fires above it.
    Unit: percent
    Source: a choice of this project: twice what was published; two published runs differ by 8 %.
    Becomes: the thresholds of alerts SlowFirstToken and SlowTokens"""


class Test(Section):
    """The Job that `helm test` runs. The Job requests one completion from the service and checks
    the response.
    """

    image: Image = "docker.io/library/python:3.13-slim"
    """An image with Python 3 on its path; the test uses nothing else. `bench run --job` installs
    aiperf in a container of this image. aiperf requires glibc, as on Debian: on Alpine, some
    packages would have to be compiled.
    Source: a choice of this project.
    Becomes: image of the test Job, and of the benchmark Job"""
    timeout_seconds: Seconds = 300
    """Maximum duration of the test.
    Unit: seconds
    Source: a choice of this project; the slowest published request takes 33 s.
    Becomes: activeDeadlineSeconds of the test Job"""
