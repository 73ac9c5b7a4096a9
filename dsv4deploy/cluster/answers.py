"""What an API server answers, and whether it is what Kubernetes sends.

Every answer passes :func:`checked`, once, so that no other module has to doubt what it reads. A
shape is a type, a list with the shape of each item, a test, or a map with shapes by key: ``key!``
must be there, other keys may be missing or null, and ``...`` is every key. What no shape names may
be anything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ClusterError
from ..values.json import read_json

Shape = Any


def _base64(value: object) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _version(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[0-9]{1,9}[^0-9]*", value))


_NAMES: dict[Any, str] = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    _base64: "base64",
    _version: "a number",
}

_TEXTS: Shape = {...: str}
_ENDED: Shape = {"reason": str, "exitCode": int, "message": str, "finishedAt": str}
_STATE: Shape = {
    "running": {"startedAt": str},
    "terminated": _ENDED,
    "waiting": {"reason": str, "message": str},
}
_CONTAINER: Shape = {
    "name!": str,
    "image": str,
    "args": [str],
    "resources": {"requests": {}},
    "startupProbe": {"periodSeconds": int, "failureThreshold": int},
}
_TARGET: Shape = {"kind!": str, "name!": str}
_TERM: Shape = {"key!": str, "operator!": str, "values": [str]}
_CONTAINERS: Shape = {"containers": [_CONTAINER], "nodeName": str}
_POD: Shape = {"metadata": {"labels": _TEXTS}, "spec": _CONTAINERS}
_STATUSES: Shape = [{"name!": str, "ready": bool, "state": _STATE, "lastState": _STATE}]
_META: Shape = {
    "name!": str,
    "generation": int,
    "creationTimestamp": str,
    "deletionTimestamp": str,
    "labels": _TEXTS,
    "annotations": _TEXTS,
    "managedFields": [{"manager": str, "fieldsV1": {}}],
}
_SPEC: Shape = {
    **_CONTAINERS,
    # Of workloads, whose template is a pod, and of an LLMInferenceService, where it is its spec.
    "template": {**_POD, **_CONTAINERS},
    "leaderWorkerTemplate": {"leaderTemplate": _POD, "workerTemplate": _POD},
    "replicas": int,
    "hard": {},
    # Of a Gateway, a route, a policy.
    "listeners": [{"protocol!": str, "port!": int}],
    "parentRefs": [{"name!": str, "namespace": str}],
    "targetRefs": [_TARGET],
    "targetRef": _TARGET,
    "targetSelectors": [{"kind!": str, "matchLabels": _TEXTS, "matchExpressions": [_TERM]}],
    "connection": {},
    "http2": {},
    "taints": [{"key!": str, "effect!": str}],
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "leaseTransitions": int,
    "renewTime": str,
    "acquireTime": str,
    "baseRefs": [{"name!": str}],
}
_STATUS: Shape = {
    "phase": str,
    "startTime": str,
    "conditions": [{"type!": str, "status!": str, "reason": str, "message": str}],
    "containerStatuses": _STATUSES,
    "initContainerStatuses": _STATUSES,
    "observedGeneration": int,
    "readyReplicas": int,
    "updatedReplicas": int,
    "allocatable": {},
    "hard": {},
    "used": {},
    "addresses": [{"value": str, "address": str}],
    "images": [{"names": [str], "sizeBytes": int}],
}
_RULE: Shape = {"apiVersions": [str], "resources": [str]}
_OBJECT: Shape = {
    "apiVersion": str,
    "kind": str,
    "type": str,
    "message": str,
    "lastTimestamp": str,
    "spec": _SPEC,
    "status": _STATUS,
    "webhooks": [{"rules": [_RULE]}],
}
# Kinds whose objects always have a spec, as far as it is read without a doubt.
_WITH_SPEC = (
    *("nodes", "pods", "deployments", "resourcequotas", "httproutes"),
    *("securitypolicies", "backendtrafficpolicies", "clienttrafficpolicies"),
)
_KINDS: Shape = {"resources!": [{"name!": str, "kind!": str, "namespaced!": bool}]}
_VERSION: Shape = {"major!": _version, "minor!": _version, "gitVersion!": str}
_REVIEW: Shape = {"status!": {"allowed!": bool}}
_SCHEMAS: Shape = {
    "components!": {
        "schemas!": {...: {"x-kubernetes-group-version-kind": [{"kind!": str}], "properties": {}}}
    }
}


_CAUSE: Shape = {"reason": str, "field": str, "message": str}
_REFUSAL: Shape = {"reason": str, "message": str, "details": {"causes": [_CAUSE]}}


def refusal(text: str) -> Mapping[str, Any]:
    """The ``Status`` in the body of an error; empty if it is something else."""
    try:
        data = read_json(text)
    except ValueError:
        return {}
    return {} if any(_problems(data, _REFUSAL, "")) else data


def checked(text: str, method: str, path: str) -> Any:
    """The data of an answer, or the text of a log or of what is outside of the API.

    Args:
        text: the answer's body.
        method: of the request.
        path: the request's, without its query.

    Raises:
        ClusterError: it is not what Kubernetes sends, with reason Malformed.
    """
    if path.endswith("/log") or not path.startswith(("/api", "/openapi", "/version")):
        return text
    try:
        data = read_json(text)
    except ValueError:
        problems = ["the body is not JSON"]
    else:
        problems = list(_problems(data, _shape(method, path), ""))
    if problems:
        raise ClusterError(
            f"{method} {path}: the response is not from a Kubernetes API server: {problems[0]}; "
            "check the server of the kubeconfig's context, and any proxy in front of it",
            "Malformed",
        )
    return data


def _shape(method: str, path: str) -> Shape:
    """The shape of an answer, which follows from the request's path."""
    if path == "/version":
        return _VERSION
    if path.startswith("/openapi"):
        return _SCHEMAS
    if path.endswith("accessreviews"):
        return _REVIEW
    _, *rest = path.removeprefix("/apis/").removeprefix("/api/").split("/")
    if path.startswith("/apis/"):
        rest = rest[1:]
    meta = _META
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
        meta = {**meta, "namespace!": str}
    elif rest == ["pods"]:  # of all namespaces
        meta = {**meta, "namespace!": str}
    if not rest:
        return _KINDS
    if method == "DELETE":
        return {}
    if method == "GET":  # what a dry run would make has neither
        meta = {**meta, "uid!": str, "resourceVersion!": str}
    data = {"secrets": {...: _base64}, "configmaps": _TEXTS}.get(rest[0], {})
    item = {**_OBJECT, "metadata!": meta, "data": data}
    if rest[0] in _WITH_SPEC:
        item["spec!"] = item.pop("spec")
    if method == "GET" and len(rest) == 1:
        return {"items!": [item]}
    return {**item, "apiVersion!": str, "kind!": str}


def _problems(value: Any, shape: Shape, where: str) -> Iterator[str]:
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is not a list"
            return
        for number, item in enumerate(value):
            yield from _problems(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, dict):
        if not isinstance(value, Mapping):
            yield f"{where or 'the body'} is not a map"
            return
        yield from _in_map(value, shape, where)
    elif isinstance(shape, type):
        # To Python a boolean is a number. Go's integers have 64 bits.
        boolean = isinstance(value, bool) and shape is not bool
        large = shape is int and isinstance(value, int) and value.bit_length() > 63
        if not isinstance(value, shape) or boolean or large:
            yield f"{where} is not {_NAMES[shape]}"
    elif not shape(value):
        yield f"{where} is not {_NAMES[shape]}"


def _in_map(value: Mapping[str, Any], shape: Mapping[Any, Shape], where: str) -> Iterator[str]:
    for key, inner in shape.items():
        if key is ...:
            for name, each in value.items():
                yield from _problems(each, inner, f"{where}.{name}")
            continue
        name = key.removesuffix("!")
        found = value.get(name)
        if found is not None:
            yield from _problems(found, inner, f"{where}.{name}" if where else name)
        # Go writes an empty list as null.
        elif key.endswith("!") and not (name in value and isinstance(inner, list)):
            yield f"{where + '.' if where else ''}{name} is missing"
