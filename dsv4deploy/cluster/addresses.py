"""Where clients reach a deployment: KServe's own ingress, or the MaaS gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import ClusterError
from ..manifest.render import Release
from ..values.tree import Values
from .client import Cluster


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
        namespace, name = kserve_gateway(configuration(cluster))
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


def configuration(cluster: Cluster) -> dict[str, Any]:
    """KServe's ConfigMap: each key's JSON."""
    found = cluster.get("v1", "ConfigMap", "inferenceservice-config", "kserve")
    data = (found or {}).get("data") or {}
    return {key: json.loads(text) for key, text in data.items() if text.lstrip()[:1] == "{"}


def kserve_gateway(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The namespace and name of KServe's own Gateway, of its :func:`configuration`."""
    told = (settings.get("ingress") or {}).get("kserveIngressGateway")
    namespace, _, name = (told or "kserve/kserve-ingress-gateway").partition("/")
    return namespace, name
