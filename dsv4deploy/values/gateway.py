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
    """Whether the proxies log each request's user, model and token count, as JSON on stdout. The
    log does not contain keys, prompts, queries, or responses. If this is off, the proxies use Envoy
    Gateway's default format, which does not include the user.
    Source: the published ingress sets none.
    Becomes: an EnvoyProxy, and spec.infrastructure.parametersRef of the Gateway"""


class AiGateway(Section):
    """The Envoy AI Gateway release that runs in the cluster."""

    version: Literal["1.0", "1.1"] = "1.0"
    """The release. Releases before 1.1 look for an InferencePool only in the route's namespace.
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
    challenge: the request of an HTTP-01 challenge has no API key, so the Gateway rejects it.
    Source: a choice of each cluster.
    Becomes: cert-manager.io/cluster-issuer or cert-manager.io/issuer of the Gateway"""


class GatewayTls(Section):
    """TLS for client connections. With TLS, the HTTP port only redirects to the HTTPS port."""

    enabled: Boolean = False
    """Whether the Gateway serves the model only over HTTPS.
    Source: the published ingress is plain HTTP.
    Becomes: the Gateway's https listener and the HTTPRoute that redirects to it"""
    port: Port = 443
    """The port of the HTTPS listener.
    Source: the port of https URLs.
    Becomes: spec.listeners"""
    secret_name: ObjectName = "maas-tls"
    """A kubernetes.io/tls Secret in `maas.namespace`: one that you create, or the one that
    cert-manager creates.
    Source: a choice of this project.
    Becomes: tls.certificateRefs of spec.listeners"""
    issuer: CertificateIssuer = CertificateIssuer()


class ProxyRequests(Section):
    """Resources that the scheduler reserves for each proxy."""

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
    """Maximum resources for each proxy."""

    memory: Quantity = "2Gi"
    """Maximum memory. A proxy that exceeds it is killed, which ends all of the proxy's streams.
    Each request may hold its whole prompt, so raise this limit together with
    `engine.args.max-model-len` and `maas.bytesPerToken`.
    Unit: bytes
    Source: computed: 1,024 prompts at the default buffer limit, 1 MiB, and the same amount again.
    Becomes: resources.limits.memory of container envoy"""


class ProxyResources(Section):
    """A proxy's CPU and memory, if `maas.gateway.replicas` is set."""

    requests: ProxyRequests = ProxyRequests()
    limits: ProxyLimits = ProxyLimits()


class MaasGateway(Section):
    """The Gateway that clients with API keys reach."""

    create: Boolean = True
    """Whether this deployment creates the Gateway and its policies for keys and buffers. Set it to
    false if another deployment creates them and this deployment only adds its route.
    Source: a choice of this project.
    Becomes: the Gateway, its SecurityPolicy and its ClientTrafficPolicy"""
    name: Label = "maas"
    """The name of the Gateway and its policies.
    Source: a choice of this project.
    Becomes: metadata.name of the Gateway"""
    class_name: ObjectName = "eg"
    """The GatewayClass that Envoy Gateway serves in the cluster; `kubectl get gatewayclass` lists
    the classes.
    Source: the name in Envoy Gateway's quickstart; a cluster may use another name.
    Becomes: spec.gatewayClassName"""
    port: Port = 80
    """The port of the HTTP listener.
    Source: a choice of this project.
    Becomes: spec.listeners"""
    hostname: Hostname = ""
    """The hostname that the Gateway accepts; empty accepts any hostname.
    Source: a choice of this project.
    Becomes: hostname of spec.listeners"""
    proxy_namespace: Label = "envoy-gateway-system"
    """The namespace in which the Gateway's proxies run.
    Source: Envoy Gateway runs its proxies in its own namespace, unless it is configured to run them
    in the namespace of each Gateway.
    Becomes: spec.ingress of the NetworkPolicy and spec.namespaceSelector of the proxies' PodMonitor
    """
    receive_timeout: Duration = "60s"
    """How long a client may take to send its request before the gateway responds with 408, as a
    duration such as 60s. By default, Envoy waits indefinitely and keeps the received part of the
    request in its buffers.
    Source: a choice of this project: 1 MiB in a minute is 17 KiB per second.
    Becomes: spec.timeout.http.requestReceivedTimeout of the ClientTrafficPolicy"""
    replicas: Natural = 0
    """Number of proxies; with 0, the GatewayClass determines the number of proxies and their
    resources. A proxy accepts 1,024 concurrent requests, including those that wait for the engine,
    and rejects further requests with 500. Plan for 500 requests per proxy, because connections are
    distributed at random. With 2 or more proxies, one proxy at a time can be evicted.
    Unit: proxies
    Source: Envoy's circuit breakers; the 1,024 are measured in tests/e2e/test_gateway.py. The 500:
    Alauda AI documentation, MaaS gateway's load test, 2,000 streams on four gateways.
    Becomes: provider.kubernetes.envoyDeployment.replicas and envoyPDB of an EnvoyProxy"""
    resources: ProxyResources = ProxyResources()
    tls: GatewayTls = GatewayTls()
    access_log: AccessLog = AccessLog()


class ApiKeys(Section):
    """API keys. The values only refer to a Secret and never contain a key."""

    secret_name: ObjectName = "maas-api-keys"
    """An Opaque Secret in `maas.namespace`. In its data, each key is a client's ID, and each value
    is that client's bare API key, without `Bearer `.
    Source: a choice of this project.
    Becomes: spec.apiKeyAuth.credentialRefs of the SecurityPolicy"""
    client_id_header: HeaderName = "x-user-id"
    """The header in which the gateway forwards the client's ID; quotas identify clients by this
    header.
    Becomes: spec.apiKeyAuth.forwardClientIDHeader and the quotas' selectors"""


class Quota(Section):
    """Number of tokens that one user may use with this model in one time window."""

    tokens: Budget
    """The budget. A request is charged after its response, so the last request can exceed the
    budget.
    Unit: tokens per window, or weighted tokens if `count` is `weighted`
    Becomes: limit.requests of a rate limit rule"""
    unit: Literal["Second", "Minute", "Hour", "Day", "Month", "Year"]
    """The time window.
    Becomes: limit.unit of a rate limit rule"""
    count: Literal["input", "output", "total", "weighted"]
    """The tokens that count toward the budget: those in the prompt, those in the response, both, or
    both with `maas.weights`.
    Becomes: cost.response.metadata.key of a rate limit rule"""


class TokenWeights(Section):
    """Token weights for quotas whose `count` is `weighted`. If both weights are 1, the result is
    the same as with `total`.
    """

    input: Weight = 1
    """The weight of a token in the prompt.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""
    output: Weight = 1
    """The weight of a token in the response.
    Source: a choice of this project.
    Becomes: cel of spec.llmRequestCosts of the AIGatewayRoute"""


class Tier(Section):
    """Clients with separate budgets that replace `maas.quotas` for these clients."""

    clients: UniqueSome[ClientId]
    """The clients' IDs, which are the keys in the Secret with the API keys.
    Becomes: clientSelectors of rate limit rules, inverted in those of all other clients"""
    quotas: MapOfSome[QuotaName, Quota]
    """Token budgets of each client, by a name of your choice.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""


class Maas(Section):
    """The MaaS ingress: an OpenAI-compatible gateway with API keys and token quotas, built from
    objects of Envoy Gateway and Envoy AI Gateway. Without it, clients reach the service through
    KServe's own gateway, which does not require a key.
    """

    enabled: Boolean = False
    """Whether the gateway's objects are part of the manifest.
    Source: a choice of this project.
    Becomes: the objects of the MaaS ingress"""
    namespace: Label = "maas-system"
    """The namespace of all objects of the MaaS ingress. Never use `envoy-gateway-system`: in that
    namespace, policies are reported as accepted but are not enforced.
    Becomes: metadata.namespace of the gateway's objects"""
    gateway: MaasGateway = MaasGateway()
    ai_gateway: AiGateway = AiGateway()
    backend: Literal["Service", "InferencePool"] = "Service"
    """The backend of the route: KServe's workload Service, or the InferencePool, with which the
    router picks a pod for each request (with a single pod, there is no choice).
    Source: a choice of this project.
    Becomes: Backend and AIServiceBackend, or a reference to the pool and a ReferenceGrant"""
    api_keys: ApiKeys = ApiKeys()
    quotas: Map[QuotaName, Quota] = FrozenDict(
        hour=Quota(tokens=1_800_000, unit="Hour", count="total"),
    )
    """Token budgets that apply to each user, by names of your choice; budgets per minute, hour and
    day apply at the same time. Null removes the default budget. The default budget is a quarter of
    the tokens that the published deployment processes in an hour, at 2,000 tokens per second for
    four concurrent requests.
    Source: computed from the published 2,099 to 2,306 tokens per second, rounded down.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    weights: TokenWeights = TokenWeights()
    tiers: Map[QuotaName, Tier] = FrozenDict()
    """Groups of clients with separate budgets, by a name of your choice. A client that is not in
    any group has the budgets in `maas.quotas`.
    Source: the published ingress has one budget for all clients.
    Becomes: spec.rateLimit.global.rules of the BackendTrafficPolicy"""
    bytes_per_token: Size = 32
    """Maximum number of bytes per token in a request. The gateway buffers whole requests, so its
    limit is `engine.args.max-model-len` × this value, 1 MiB by default. Larger requests are
    rejected with 413, or hang with Envoy older than 1.36. The published 17.5k-token prompt takes
    4.9 bytes per token; a token of four Chinese characters takes 24 bytes if JSON escapes them as
    \\uXXXX.
    Source: an assumption based on these two figures and a margin.
    Unit: bytes
    Becomes: spec.connection.bufferLimit and spec.http2 of the ClientTrafficPolicy"""
    request_timeout: Duration = "900s"
    """Maximum duration of a request, including its stream, and of a pause in the stream, as a
    duration such as 90s or 15m. The gateway's default of 60 s cuts longer responses. 4,096 tokens
    at the published 182 ms each take 756 s, including 10 s for the first token; without streaming,
    the engine sends nothing before the last token.
    Source: computed from the published figures, with a margin.
    Becomes: timeouts.request of the AIGatewayRoute, spec.timeout.http.streamIdleTimeout of the
    BackendTrafficPolicy, and spec.shutdown.drainTimeout of an EnvoyProxy"""
