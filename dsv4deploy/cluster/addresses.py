"""Where clients reach a deployment: KServe's own ingress, or the MaaS gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from ..errors import ClusterError
from ..manifest.render import Release
from ..values.json import read_json
from ..values.tree import Values
from .client import Cluster, Object


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
    if ingress == "maas":
        maas = values.maas
        place, tls = (maas.namespace, maas.gateway.name), maas.gateway.tls.enabled
        return f"{_base(cluster, place, tls=tls, host=maas.gateway.hostname)}/v1{_CHAT}"
    place = kserve_gateway(configuration(cluster))
    return f"{_base(cluster, place)}/{release.namespace}/{values.name}/v1{_CHAT}"


_CHAT = "/chat/completions"


def _base(
    cluster: Cluster, place: tuple[str, str], *, tls: bool = False, host: str | None = ""
) -> str:
    """The URL of a Gateway.

    Args:
        cluster: where.
        place: its namespace and name.
        tls: whether HTTPS is wanted.
        host: the host name that it answers to; None is the listener's own.

    Raises:
        ClusterError: it has no address.
    """
    namespace, name = place
    gateway = cluster.get("gateway.networking.k8s.io/v1", "Gateway", name, namespace)
    spec, status = ((gateway or {}).get(part) or {} for part in ("spec", "status"))
    listeners, addresses = spec.get("listeners"), status.get("addresses")
    if not listeners or not addresses or not addresses[0].get("value"):
        raise ClusterError(
            f"Gateway {namespace}/{name} has no {'address' if listeners else 'listener'}: pass "
            "--url to `smoke` or `bench run`, for example the URL of a `kubectl port-forward`",
            "NotFound",
        )
    wanted = "HTTPS" if tls else "HTTP"
    chosen = next((each for each in listeners if each["protocol"] == wanted), listeners[0])
    named = chosen.get("hostname", "") if host is None else host
    host = addresses[0]["value"] if not named or "*" in named else named
    host = f"[{host}]" if ":" in host else host
    return f"{chosen['protocol'].lower()}://{host}:{chosen['port']}"


@dataclass(frozen=True)
class Endpoint:
    """Where clients reach a model.

    Attributes:
        url: the base URL for clients of OpenAI's API; it ends in ``/v1``.
        model: the model's name in requests.
        keys: where its API keys are, in words; ``""`` where it takes none.
    """

    url: str
    model: str
    keys: str = ""

    @property
    def curl(self) -> str:
        """A command that asks for one completion; it takes the key from $API_KEY."""
        request = {
            "model": self.model,
            "messages": [{"role": "user", "content": "Hello"}],
            "max_tokens": 64,
        }
        key = ['-H "Authorization: Bearer $API_KEY"'] if self.keys else []
        parts = [
            f"curl {quote(self.url + _CHAT)}",
            *key,
            "-H 'Content-Type: application/json'",
            f"-d {quote(json.dumps(request, ensure_ascii=False))}",
        ]
        return " \\\n  ".join(parts)


def endpoint(cluster: Cluster, objects: Sequence[Object], ingress: str) -> Endpoint | None:
    """Where clients reach a deployment by an ingress; None where the deployment has not got it.

    Args:
        cluster: where.
        objects: those of the deployment.
        ingress: ``kserve`` or ``maas``.

    Raises:
        ClusterError: its Gateway has no address.
    """
    # A site's own objects stand behind those of the deployment.
    kinds = {item["kind"]: item for item in reversed(objects)}
    service, route = kinds.get("LLMInferenceService"), kinds.get("AIGatewayRoute")
    if not service or (ingress == "maas" and not route):
        return None
    meta, model = service["metadata"], service["spec"]["model"]["name"]
    if ingress == "kserve" or not route:
        base = _base(cluster, kserve_gateway(configuration(cluster)))
        return Endpoint(f"{base}/{meta['namespace']}/{meta['name']}/v1", model)
    parent = route["spec"]["parentRefs"][0]
    place = (route["metadata"]["namespace"], parent["name"])
    base = _base(cluster, place, tls=parent.get("sectionName") == "https", host=None)
    keys = f"those of the deployment that creates Gateway {place[0]}/{place[1]}"
    if auth := kinds.get("SecurityPolicy", {}).get("spec", {}).get("apiKeyAuth"):
        keys = f"Secret {place[0]}/{auth['credentialRefs'][0]['name']}"
    return Endpoint(f"{base}/v1", model, keys)


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
                    f"ConfigMap kserve/inferenceservice-config: key {key} is not valid JSON: "
                    f"{error}; fix it, because KServe cannot read it either",
                    "Malformed",
                ) from None
    return settings


def kserve_gateway(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The namespace and name of KServe's own Gateway, of its :func:`configuration`."""
    told = settings.get("ingress", {}).get("kserveIngressGateway")
    gateway = told if told and isinstance(told, str) else "kserve/kserve-ingress-gateway"
    namespace, _, name = gateway.partition("/")
    return namespace, name
