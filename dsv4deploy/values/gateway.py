"""The MaaS ingress: the Gateway, its API keys and its token quotas."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .scalars import (
    Boolean,
    Budget,
    ClientId,
    Duration,
    FrozenDict,
    HeaderName,
    Hostname,
    Label,
    Map,
    Natural,
    ObjectName,
    OptionalName,
    Port,
    Quantity,
    QuotaName,
    Section,
    Size,
    UniqueSome,
    Weight,
)


class AccessLog(Section):
    """What the Gateway's proxies write for each request."""

    enabled: Boolean = False
    """Whether the proxies log each request's user, model and token count, as JSON on stdout.
    No key, no prompt, no query and no answer is in it. Without it the proxies write Envoy Gateway's
    own format, which names no user.
    Source: the published ingress sets none.
    Becomes: an EnvoyProxy, and spec.infrastructure.parametersRef of the Gateway"""


class AiGateway(Section):
    """The Envoy AI Gateway that runs in the cluster."""

    version: Literal["1.0", "1.1"] = "1.0"
    """Its release. Releases before 1.1 look for an InferencePool in the route's own namespace only.
    Source: Envoy AI Gateway pull request 2339.
    Becomes: whether `maas.backend: InferencePool` can work from another namespace"""


class CertificateIssuer(Section):
    """Who makes the certificate, where cert-manager runs with its Gateway API support on."""

    kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Whether the issuer is cluster-wide or in `maas.namespace`.
    Source: a choice of this project.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""
    name: OptionalName = ""
    """Its name; empty where the Secret is made by other means. It must prove the host name by DNS:
    an HTTP-01 challenge comes without a key, and the Gateway refuses it.
    Source: a choice of each cluster.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""


class GatewayTls(Section):
    """Clients' connections under TLS. The plain port then only redirects to it."""

    enabled: Boolean = False
    """Whether the Gateway serves the model over HTTPS only.
    Source: the published ingress is plain HTTP.
    Becomes: the Gateway's https listener and the HTTPRoute that redirects to it"""
    port: Port = 443
    """The port of its HTTPS listener.
    Source: the port of https URLs.
    Becomes: spec.listeners"""
    secret_name: ObjectName = "maas-tls"
    """A kubernetes.io/tls Secret in `maas.namespace`: yours, or the one that cert-manager makes.
    Source: a choice of this project.
    Becomes: tls.certificateRefs of spec.listeners"""
    issuer: CertificateIssuer = CertificateIssuer()


class ProxyRequests(Section):
    """What the scheduler reserves for a proxy."""

    cpu: Quantity = "2"
    """CPU reserved: one core for 250 streams.
    Unit: cores
    Source: Alauda AI documentation, MaaS gateway's load test: 2,000 streams of 200 chunks on four
    gateways of 2 CPUs and 512 MiB.
    Becomes: resources.requests.cpu of container envoy"""
    memory: Quantity = "512Mi"
    """Memory reserved.
    Unit: bytes
    Source: the same test; Envoy Gateway's own default.
    Becomes: resources.requests.memory of container envoy"""


class ProxyLimits(Section):
    """What a proxy may use at most."""

    memory: Quantity = "2Gi"
    """Memory at most: above it the kubelet ends all streams of the proxy. Each request may hold its
    whole prompt, so raise it with `engine.args.max-model-len` and `maas.bytesPerToken`.
    Unit: bytes
    Source: computed: 1,024 prompts of the default buffer limit, 1 MiB, and as much again.
    Becomes: resources.limits.memory of container envoy"""


class ProxyResources(Section):
    """A proxy's CPU and memory, where `maas.gateway.replicas` is set."""

    requests: ProxyRequests = ProxyRequests()
    limits: ProxyLimits = ProxyLimits()


class MaasGateway(Section):
    """The Gateway that clients with API keys reach."""

    create: Boolean = True
    """Whether this deployment makes the Gateway and its policies for keys and buffers; false where
    another deployment has made them and this one only adds its route.
    Source: a choice of this project.
    Becomes: the Gateway, its SecurityPolicy and its ClientTrafficPolicy"""
    name: Label = "maas"
    """Its name, and that of its policies.
    Source: a choice of this project.
    Becomes: metadata.name of the Gateway"""
    class_name: ObjectName = "eg"
    """The cluster's GatewayClass that Envoy Gateway serves; `kubectl get gatewayclass` lists them.
    Source: the name in Envoy Gateway's quickstart; a cluster may use another.
    Becomes: spec.gatewayClassName"""
    port: Port = 80
    """The port of its HTTP listener.
    Source: a choice of this project.
    Becomes: spec.listeners"""
    hostname: Hostname = ""
    """The host name that it answers to; empty is any.
    Source: a choice of this project.
    Becomes: hostname of spec.listeners"""
    proxy_namespace: Label = "envoy-gateway-system"
    """Where its proxies run.
    Source: Envoy Gateway runs its proxies in its own namespace, unless it is told to run them in
    each Gateway's.
    Becomes: spec.ingress of the NetworkPolicy and spec.namespaceSelector of the proxies' PodMonitor
    """
    receive_timeout: Duration = "60s"
    """How long a client may take to send its request; then it is answered with 408. Envoy itself
    waits for ever, with what it has got in its buffers.
    Unit: a duration such as 60s
    Source: a choice of this project: 1 MiB in a minute is 17 KiB a second.
    Becomes: spec.timeout.http.requestReceivedTimeout of the ClientTrafficPolicy"""
    replicas: Natural = 0
    """Proxies that run at once; 0 leaves their number and their resources to the GatewayClass. One
    has room for 1,024 requests at once, those that wait for the engine among them, and refuses more
    with 500. Plan for 500 a proxy: connections are spread at random. With 2 or more, one at a time
    may be evicted.
    Unit: proxies
    Source: Envoy's circuit breakers; the 1,024 are measured in tests/e2e/test_gateway.py. The 500:
    Alauda AI documentation, MaaS gateway's load test, 2,000 streams on four gateways.
    Becomes: provider.kubernetes.envoyDeployment.replicas and envoyPDB of an EnvoyProxy"""
    resources: ProxyResources = ProxyResources()
    tls: GatewayTls = GatewayTls()
    access_log: AccessLog = AccessLog()


class ApiKeys(Section):
    """API keys, always as a reference: a key itself is never a value."""

    secret_name: ObjectName = "maas-api-keys"
    """An Opaque Secret in `maas.namespace`: each key of its data is a client's id, each value that
    client's bare API key, without `Bearer `.
    Source: a choice of this project.
    Becomes: spec.apiKeyAuth.credentialRefs of the SecurityPolicy"""
    client_id_header: HeaderName = "x-user-id"
    """The header in which the gateway passes the client's id on; quotas count by it.
    Becomes: spec.apiKeyAuth.forwardClientIDHeader and the quotas' selectors"""


class Quota(Section):
    """Tokens that one user may spend on this model in one window of time."""

    tokens: Budget
    """The budget. A request is charged after its answer, so the last one may overdraw it.
    Unit: tokens a window, weighted ones where `count` is weighted
    Becomes: limit.requests of a rate limit rule"""
    unit: Literal["Second", "Minute", "Hour", "Day", "Month", "Year"]
    """The window.
    Becomes: limit.unit of a rate limit rule"""
    count: Literal["input", "output", "total", "weighted"]
    """Which tokens are charged: the prompt's, the answer's, both, or both by `maas.weights`.
    Becomes: cost.response.metadata.key of a rate limit rule"""


class TokenWeights(Section):
    """What a token costs in quotas whose `count` is weighted. One each is the same as total."""

    input: Weight = 1
    """The weight of a token of the prompt.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""
    output: Weight = 1
    """The weight of a token of the answer.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""


class Tier(Section):
    """Clients with budgets of their own, in place of `maas.quotas`."""

    clients: UniqueSome[ClientId]
    """Their ids: keys of the Secret with the API keys.
    Becomes: clientSelectors of rate limit rules, inverted in those of everybody else"""
    # A bound behind a map's validator would be a text's in the JSON schema.
    quotas: Annotated[dict[QuotaName, Quota], Field(min_length=1), AfterValidator(FrozenDict)]
    """Token budgets of each of them, by a name of your choice.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""


class Maas(Section):
    """The MaaS ingress: an OpenAI-compatible gateway with API keys and token quotas, made of Envoy
    Gateway's and Envoy AI Gateway's objects. Without it the service is reached through KServe's
    own gateway, which asks for no key.
    """

    enabled: Boolean = False
    """Whether the gateway's objects are part of the manifest.
    Source: a choice of this project.
    Becomes: the objects of the MaaS ingress"""
    namespace: Label = "maas-system"
    """The namespace of all its objects. Never `envoy-gateway-system`: there, policies are reported
    as accepted and not enforced.
    Becomes: metadata.namespace of the gateway's objects"""
    gateway: MaasGateway = MaasGateway()
    ai_gateway: AiGateway = AiGateway()
    backend: Literal["Service", "InferencePool"] = "Service"
    """What the route leads to: KServe's workload Service, or the InferencePool, in which the router
    picks the pod (with one pod there is nothing to pick).
    Source: a choice of this project.
    Becomes: Backend and AIServiceBackend, or a reference to the pool and a ReferenceGrant"""
    api_keys: ApiKeys = ApiKeys()
    quotas: Map[QuotaName, Quota] = FrozenDict(
        hour=Quota(tokens=1_800_000, unit="Hour", count="total"),
    )
    """Token budgets for each user, each under a name of your choice; budgets per minute, hour and
    day apply at the same time. Null removes the default one, a quarter of what the published
    deployment processes in an hour: 2,000 tokens a second for four requests at once.
    Source: computed from the published 2,099 to 2,306 tokens a second, rounded down.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    weights: TokenWeights = TokenWeights()
    tiers: Map[QuotaName, Tier] = FrozenDict()
    """Groups of clients with budgets of their own, by a name of your choice. A client in none has
    the budgets above.
    Source: the published ingress has one budget for all.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    bytes_per_token: Size = 32
    """How many bytes of a request one token may take. The gateway buffers whole requests, so its
    limit is `engine.args.max-model-len` × this, 1 MiB by default; above it requests are refused
    with 413, or hang on Envoy older than 1.36. The published 17.5k-token prompt takes 4.9 bytes a
    token; a token of four Chinese characters takes 24 once JSON escapes them as \\uXXXX.
    Source: an assumption, from those two figures and a margin.
    Unit: bytes
    Becomes: spec.connection.bufferLimit and spec.http2 of the ClientTrafficPolicy"""
    request_timeout: Duration = "900s"
    """How long one request may take, stream included, and how long it may be silent; the gateway's
    own default of 60 s cuts longer answers. 4,096 tokens at the published 182 ms each take 756 s
    with the first one's 10 s, and without a stream nothing is sent before the last.
    Source: computed from the published figures, with a margin.
    Unit: a duration such as 90s or 15m
    Becomes: timeouts.request of the AIGatewayRoute, spec.timeout.http.streamIdleTimeout of the
    BackendTrafficPolicy, and spec.shutdown.drainTimeout of an EnvoyProxy"""
