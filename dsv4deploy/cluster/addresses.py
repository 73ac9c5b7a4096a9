"""Where clients reach a deployment: KServe's own ingress, or the MaaS gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ClusterError
from ..manifest.render import Release
from ..values.json import read_json
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
    spec, status = ((gateway or {}).get(part) or {} for part in ("spec", "status"))
    listeners, addresses = spec.get("listeners"), status.get("addresses")
    if not listeners or not addresses or not addresses[0].get("value"):
        raise ClusterError(
            f"Gateway {namespace}/{name} has no {'address' if listeners else 'listener'}: give "
            "--url, such as that of a `kubectl port-forward`",
            "NotFound",
        )
    wanted = "HTTPS" if tls else "HTTP"
    chosen = next((each for each in listeners if each["protocol"] == wanted), listeners[0])
    named = values.maas.gateway.hostname if ingress == "maas" else ""
    host = addresses[0]["value"] if not named or "*" in named else named
    host = f"[{host}]" if ":" in host else host
    scheme = chosen["protocol"].lower()
    return f"{scheme}://{host}:{chosen['port']}{path}/v1/chat/completions"


def configuration(cluster: Cluster) -> dict[str, Any]:
    """KServe's ConfigMap: each key's JSON.

    Raises:
        ClusterError: a key of it is no JSON.
    """
    found = cluster.get("v1", "ConfigMap", "inferenceservice-config", "kserve")
    data = (found or {}).get("data") or {}
    settings = {}
    for key, text in data.items():
        if text.lstrip()[:1] == "{":
            try:
                settings[key] = read_json(text)
            except ValueError as error:
                raise ClusterError(
                    f"ConfigMap kserve/inferenceservice-config: {key} is not JSON: {error}: "
                    "correct it, for KServe can't read it either",
                    "Malformed",
                ) from None
    return settings


def kserve_gateway(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The namespace and name of KServe's own Gateway, of its :func:`configuration`."""
    told = settings.get("ingress", {}).get("kserveIngressGateway")
    gateway = told if told and isinstance(told, str) else "kserve/kserve-ingress-gateway"
    namespace, _, name = gateway.partition("/")
    return namespace, name
