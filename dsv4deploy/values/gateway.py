"""The MaaS ingress: the Gateway, its API keys and its token quotas."""

from typing import Literal

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
    MapOfSome,
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
    """The log line that the Gateway's proxies write for each request."""

    enabled: Boolean = False
    """Whether the proxies log each request's user, model and token count, as JSON on stdout.
    The log contains no key, prompt, query or answer. If this is off, the proxies write Envoy
    Gateway's default format, which does not name the user.
    Source: the published ingress sets none.
    Becomes: an EnvoyProxy, and spec.infrastructure.parametersRef of the Gateway"""


class AiGateway(Section):
    """The Envoy AI Gateway release that runs in the cluster."""

    version: Literal["1.0", "1.1"] = "1.0"
    """Its release. Releases before 1.1 look for an InferencePool in the route's own namespace only.
    Source: Envoy AI Gateway pull request 2339.
    Becomes: whether `maas.backend: InferencePool` can work from another namespace"""


class CertificateIssuer(Section):
    """The issuer of the certificate, if cert-manager runs with its Gateway API support enabled."""

    kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Whether the issuer is cluster-wide or in `maas.namespace`.
    Source: a choice of this project.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""
    name: OptionalName = ""
    """The issuer's name; empty if you create the Secret yourself. The issuer must use a DNS-01
    challenge: an HTTP-01 challenge arrives without a key, and the Gateway rejects it.
    Source: a choice of each cluster.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""


class GatewayTls(Section):
    """TLS for clients' connections. With TLS, the plain port only redirects to the TLS port."""

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
    """Whether this deployment creates the Gateway and its policies for keys and buffers. Set it to
    false if another deployment creates them and this one only adds its route.
    Source: a choice of this project.
    Becomes: the Gateway, its SecurityPolicy and its ClientTrafficPolicy"""
    name: Label = "maas"
    """The name of the Gateway and of its policies.
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
    """The host name that the Gateway accepts; empty accepts any.
    Source: a choice of this project.
    Becomes: hostname of spec.listeners"""
    proxy_namespace: Label = "envoy-gateway-system"
    """The namespace in which its proxies run.
    Source: Envoy Gateway runs its proxies in its own namespace, unless it is configured to run them
    in the namespace of each Gateway.
    Becomes: spec.ingress of the NetworkPolicy and spec.namespaceSelector of the proxies' PodMonitor
    """
    receive_timeout: Duration = "60s"
    """How long a client may take to send its request before the gateway answers with 408. By
    default Envoy waits indefinitely and keeps the received part in its buffers.
    Unit: a duration such as 60s
    Source: a choice of this project: 1 MiB in a minute is 17 KiB per second.
    Becomes: spec.timeout.http.requestReceivedTimeout of the ClientTrafficPolicy"""
    replicas: Natural = 0
    """Number of proxies; 0 leaves their number and their resources to the GatewayClass. A proxy has
    room for 1,024 concurrent requests, including those that wait for the engine, and rejects more
    with 500. Plan 500 for each proxy, since connections are spread at random. With 2 or more
    proxies, one at a time can be evicted.
    Unit: proxies
    Source: Envoy's circuit breakers; the 1,024 are measured in tests/e2e/test_gateway.py. The 500:
    Alauda AI documentation, MaaS gateway's load test, 2,000 streams on four gateways.
    Becomes: provider.kubernetes.envoyDeployment.replicas and envoyPDB of an EnvoyProxy"""
    resources: ProxyResources = ProxyResources()
    tls: GatewayTls = GatewayTls()
    access_log: AccessLog = AccessLog()


class ApiKeys(Section):
    """API keys, always as a reference: a value never contains a key."""

    secret_name: ObjectName = "maas-api-keys"
    """An Opaque Secret in `maas.namespace`. In its data each key is a client's ID, and each value
    is that client's bare API key, without `Bearer `.
    Source: a choice of this project.
    Becomes: spec.apiKeyAuth.credentialRefs of the SecurityPolicy"""
    client_id_header: HeaderName = "x-user-id"
    """The header in which the gateway forwards the client's ID; quotas count by it.
    Becomes: spec.apiKeyAuth.forwardClientIDHeader and the quotas' selectors"""


class Quota(Section):
    """Number of tokens that one user may spend on this model in one time window."""

    tokens: Budget
    """The budget. A request is charged after its answer, so the last request can exceed the budget.
    Unit: tokens per window; weighted tokens if `count` is weighted
    Becomes: limit.requests of a rate limit rule"""
    unit: Literal["Second", "Minute", "Hour", "Day", "Month", "Year"]
    """The window.
    Becomes: limit.unit of a rate limit rule"""
    count: Literal["input", "output", "total", "weighted"]
    """The tokens that count: those of the prompt, of the answer, both, or both with `maas.weights`.
    Becomes: cost.response.metadata.key of a rate limit rule"""


class TokenWeights(Section):
    """Token weights for quotas whose `count` is weighted. Weights of 1 are the same as total."""

    input: Weight = 1
    """The weight of a token of the prompt.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""
    output: Weight = 1
    """The weight of a token of the answer.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""


class Tier(Section):
    """Clients with separate budgets, which replace `maas.quotas` for them."""

    clients: UniqueSome[ClientId]
    """The clients' IDs: keys of the Secret with the API keys.
    Becomes: clientSelectors of rate limit rules, inverted in those of all other clients"""
    quotas: MapOfSome[QuotaName, Quota]
    """Token budgets of each client, by a name of your choice.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""


class Maas(Section):
    """The MaaS ingress: an OpenAI-compatible gateway with API keys and token quotas, made of Envoy
    Gateway's and Envoy AI Gateway's objects. Without it the service is reached through KServe's
    own gateway, which requires no key.
    """

    enabled: Boolean = False
    """Whether the gateway's objects are part of the manifest.
    Source: a choice of this project.
    Becomes: the objects of the MaaS ingress"""
    namespace: Label = "maas-system"
    """The namespace of all its objects. Never use `envoy-gateway-system`: in that namespace
    policies are reported as accepted but not enforced.
    Becomes: metadata.namespace of the gateway's objects"""
    gateway: MaasGateway = MaasGateway()
    ai_gateway: AiGateway = AiGateway()
    backend: Literal["Service", "InferencePool"] = "Service"
    """The backend of the route: KServe's workload Service, or the InferencePool, in which the
    router picks the pod (with one pod there is nothing to pick).
    Source: a choice of this project.
    Becomes: Backend and AIServiceBackend, or a reference to the pool and a ReferenceGrant"""
    api_keys: ApiKeys = ApiKeys()
    quotas: Map[QuotaName, Quota] = FrozenDict(
        hour=Quota(tokens=1_800_000, unit="Hour", count="total"),
    )
    """Token budgets for each user, each under a name of your choice; budgets per minute, hour and
    day apply at the same time. Null removes the default budget. It is a quarter of the tokens that
    the published deployment processes in an hour: 2,000 tokens per second for four concurrent
    requests.
    Source: computed from the published 2,099 to 2,306 tokens per second, rounded down.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    weights: TokenWeights = TokenWeights()
    tiers: Map[QuotaName, Tier] = FrozenDict()
    """Groups of clients with separate budgets, by a name of your choice. A client that is in no
    group has the budgets of `maas.quotas`.
    Source: the published ingress has one budget for all.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    bytes_per_token: Size = 32
    """Maximum number of bytes of a request per token. The gateway buffers whole requests, so its
    limit is `engine.args.max-model-len` × this value, 1 MiB by default. Larger requests are
    rejected with 413, or hang on Envoy older than 1.36. The published 17.5k-token prompt takes 4.9
    bytes per token; a token of four Chinese characters takes 24 bytes if JSON escapes them as
    \\uXXXX.
    Source: an assumption, from those two figures and a margin.
    Unit: bytes
    Becomes: spec.connection.bufferLimit and spec.http2 of the ClientTrafficPolicy"""
    request_timeout: Duration = "900s"
    """Maximum duration of a request, including its stream, and of a pause in the stream. The
    gateway's default of 60 s cuts longer answers. 4,096 tokens at the published 182 ms each take
    756 s, including 10 s for the first token; without streaming nothing is sent before the last
    token.
    Source: computed from the published figures, with a margin.
    Unit: a duration such as 90s or 15m
    Becomes: timeouts.request of the AIGatewayRoute, spec.timeout.http.streamIdleTimeout of the
    BackendTrafficPolicy, and spec.shutdown.drainTimeout of an EnvoyProxy"""
