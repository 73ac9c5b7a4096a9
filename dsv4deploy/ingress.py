"""Where clients reach a deployment: KServe's own ingress, or the MaaS gateway."""

from __future__ import annotations

import json

from .cluster import Cluster
from .errors import ClusterError
from .render import Release
from .values import Values


def address(cluster: Cluster, values: Values, release: Release, ingress: str) -> str:
    """The URL of an ingress's chat completions.

    It has the host name that the MaaS Gateway's listeners answer to, and its certificate is for;
    without one, or with a wildcard, the Gateway's address.

    Args:
        cluster: where.
        values: the deployment.
        release: its namespace.
        ingress: ``kserve`` or ``maas``.

    Raises:
        ClusterError: its Gateway has no address.
    """
    tls = ingress == "maas" and values.maas.gateway.tls.enabled
    if ingress == "maas":
        namespace, name, path = values.maas.namespace, values.maas.gateway.name, ""
    else:
        namespace, name = kserve_gateway(cluster)
        path = f"/{release.namespace}/{values.name}"
    gateway = cluster.get("gateway.networking.k8s.io/v1", "Gateway", name, namespace)
    addresses = ((gateway or {}).get("status") or {}).get("addresses") or []
    if not gateway or not addresses:
        raise ClusterError(
            f"Gateway {namespace}/{name} has no address: give --url, such as that of a "
            "`kubectl port-forward`",
            "NotFound",
        )
    wanted = "HTTPS" if tls else "HTTP"
    listeners = gateway["spec"]["listeners"]
    chosen = next((each for each in listeners if each["protocol"] == wanted), listeners[0])
    named = values.maas.gateway.hostname if ingress == "maas" else ""
    host = addresses[0]["value"] if not named or "*" in named else named
    host = f"[{host}]" if ":" in host else host
    scheme = chosen["protocol"].lower()
    return f"{scheme}://{host}:{chosen['port']}{path}/v1/chat/completions"


def kserve_gateway(cluster: Cluster) -> tuple[str, str]:
    """The namespace and name of KServe's own Gateway, as KServe's ConfigMap tells it."""
    found = cluster.get("v1", "ConfigMap", "inferenceservice-config", "kserve") or {}
    settings = json.loads((found.get("data") or {}).get("ingress") or "{}")
    told = settings.get("kserveIngressGateway") or "kserve/kserve-ingress-gateway"
    namespace, _, name = told.partition("/")
    return namespace, name
