"""A service that runs, read from its cluster as the objects of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..cluster.diff import label, own
from ..errors import ClusterError, DeployError, Reason
from ..manifest.render import Release, render
from ..values.loading import load
from .inversion import everything
from .manifest import SERVICE

Object = dict[str, Any]
API = "serving.kserve.io/v1alpha2"
PRESETS = "kserve"
"""Where KServe looks for an LLMInferenceServiceConfig that the service's namespace lacks."""


def live(cluster: Cluster, name: str, namespace: str) -> tuple[list[Object], list[str]]:
    """A service with its router configuration, and the objects that could belong to it.

    These are the objects that a render of the service's name would make, with the names that the
    MaaS ingress has by default. Nothing is in them that servers and controllers write.

    Returns:
        the objects, and a sentence for each that may not be read.

    Raises:
        DeployError: there is no such service.
        ClusterError: the cluster can't be asked.
    """
    service = cluster.get(API, SERVICE, name, namespace)
    if service is None:
        raise DeployError(f"namespace {namespace} has no {SERVICE} {name}")
    found = [own(service)]
    refused = []
    related = {label(item): item for item in _related(service, name, namespace)}
    for item in related.values():
        try:
            there = cluster.live(item)
        except ClusterError as error:
            if error.reason != Reason.FORBIDDEN:
                raise
            refused.append(f"{label(item)}: not read: {error}")
            continue
        if there is not None:
            found.append(own(there))
    return found, refused


def _related(service: Mapping[str, Any], name: str, namespace: str) -> Iterator[Object]:
    for reference in (service.get("spec") or {}).get("baseRefs") or ():
        for place in dict.fromkeys((namespace, PRESETS)):
            yield {
                "apiVersion": API,
                "kind": f"{SERVICE}Config",
                "metadata": {"name": reference["name"], "namespace": place},
            }
    for backend in ("Service", "InferencePool"):
        values = load(everything(), {"maas": {"backend": backend}}, name=name)
        for item in render(values, Release(namespace=namespace)):
            if not item["kind"].startswith(SERVICE):
                yield item


def without_defaults(cluster: Cluster, objects: list[Object]) -> list[Object]:
    """Objects without the fields that have the default of their kind's schema.

    The API server writes these fields if a manifest omits them. A schema that the cluster does not
    publish leaves the object as it is.
    """
    return [_pruned(item, _schema(cluster, item)) for item in objects]


def _schema(cluster: Cluster, item: Object) -> Mapping[str, Any]:
    version = item["apiVersion"]
    path = f"/openapi/v3/apis/{version}" if "/" in version else f"/openapi/v3/api/{version}"
    try:
        schemas = cluster.request("GET", path)["components"]["schemas"]
    except ClusterError as error:
        if error.reason in (Reason.NOT_FOUND, Reason.FORBIDDEN):
            return {}
        raise
    for schema in schemas.values():
        kinds = schema.get("x-kubernetes-group-version-kind") or ()
        if any(each["kind"] == item["kind"] for each in kinds):
            return _map(schema)
    return {}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _pruned(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_pruned(each, _map(schema.get("items"))) for each in value]
    if not isinstance(value, dict):
        return value
    fields, rest = _map(schema.get("properties")), _map(schema.get("additionalProperties"))
    kept = {}
    for key, each in value.items():
        below = _map(fields.get(key, rest))
        if "default" not in below or below["default"] != each:
            kept[key] = _pruned(each, below)
    return kept
