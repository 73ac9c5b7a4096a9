"""An API server's semantics in memory: resourceVersions, server-side apply, Leases, Secrets.

``tests/e2e/test_model.py`` verifies that a real API server gives the same answers. Objects are kept
as JSON text, so that a state is cheap to copy, to compare and to hash. Versions count the writes of
one object; a real server's are opaque too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.refusals import explained

Tree = dict[str, Any]
Path = tuple[str, ...]
State = dict[str, str]
"""The JSON text of each object by its path, and the number of objects made there by ``#path``."""

KINDS = {
    ("v1", "Namespace"): ("namespaces", False),
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Secret"): ("secrets", True),
    ("v1", "Pod"): ("pods", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("coordination.k8s.io/v1", "Lease"): ("leases", True),
    ("networking.k8s.io/v1", "NetworkPolicy"): ("networkpolicies", True),
    ("keda.sh/v1alpha1", "ScaledObject"): ("scaledobjects", True),
    ("serving.kserve.io/v1alpha2", "LLMInferenceService"): ("llminferenceservices", True),
}
# What is the server's, or names the object: nobody owns it, and no apply changes it.
_UNOWNED = {
    ("apiVersion",),
    ("kind",),
    *(("metadata", key) for key in ("name", "namespace", "uid", "resourceVersion")),
    *(("metadata", key) for key in ("creationTimestamp", "managedFields")),
}
CREATED = "2026-01-01T00:00:00Z"
_MODIFIED = "Operation cannot be fulfilled on {}: the object has been modified; please apply your "
_MODIFIED += "changes to the latest version and try again"


class RefusedError(Exception):
    """The server refuses a request, with a ``Status``."""

    def __init__(self, code: int, reason: str, message: str, causes: list[Tree] | None = None):
        self.code = code
        details = {"causes": causes} if causes else {}
        self.status = {"kind": "Status", "reason": reason, "message": message, "details": details}
        super().__init__(message)


@cache
def parsed(text: str) -> Tree:
    """An object; it must not be changed."""
    found: Tree = json.loads(text)
    return found


def respond(
    state: State, method: str, path: str, query: Mapping[str, str], body: Any
) -> tuple[State, Tree]:
    """What a request changes, and its answer.

    Raises:
        RefusedError: it is refused.
    """
    if path == "/version":
        return state, {"major": "1", "minor": "34", "gitVersion": "v1.34.4"}
    if path.endswith("accessreviews"):
        return state, {"status": {"allowed": True}}
    if path.removeprefix("/apis/").removeprefix("/api/").count("/") == path.startswith("/apis/"):
        return state, _discovered(path)
    collection, name = _split(path)
    if method == "GET":
        return state, _get(state, path) if name else _list(state, path, query)
    if method == "POST":
        path = f"{path}/{body['metadata']['name']}"
        if path in state:
            raise RefusedError(409, "AlreadyExists", f"{collection} already exists")
    namespace = path.split("/namespaces/")[-1].split("/")[0]
    if _path("v1", "Namespace", "", namespace) not in state:
        raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')
    live = parsed(state[path]) if path in state else None
    if method == "DELETE":
        if live is None:
            raise RefusedError(404, "NotFound", f"{path} not found")
        _precondition(live, (body or {}).get("preconditions") or {}, path)
        changed, answer = None, {"kind": "Status", "status": "Success"}
    elif method == "PATCH":
        changed = answer = _applied(live, body, query["fieldManager"], "force" in query, path)
    else:
        # A Lease, and nothing else here, may be made by an update.
        if method == "PUT" and live is None and collection != "leases":
            raise RefusedError(404, "NotFound", f"{path} not found")
        _precondition(live, body["metadata"], path)
        changed = answer = _updated(live, body, query["fieldManager"])
    return _stored(state, path, live, changed, answer, dry="dryRun" in query)


def _discovered(path: str) -> Tree:
    """The kinds of an API version."""
    version = path.removeprefix("/apis/").removeprefix("/api/")
    found = [
        {"name": plural, "kind": kind, "namespaced": namespaced}
        for (api, kind), (plural, namespaced) in KINDS.items()
        if api == version
    ]
    if not found:
        raise RefusedError(404, "NotFound", "the server could not find the requested resource")
    return {"resources": found}


def _split(path: str) -> tuple[str, str]:
    """The name of a collection, and that of an object in it, or ``""``."""
    parts = path.split("/namespaces/")[-1].split("/")
    if path.endswith("/namespaces"):
        return "namespaces", ""
    return parts[1] if len(parts) > 1 else "namespaces", parts[2] if len(parts) > 2 else (
        parts[0] if len(parts) == 1 else ""
    )


def _path(api: str, kind: str, namespace: str, name: str) -> str:
    root = f"/apis/{api}" if "/" in api else f"/api/{api}"
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{place}/{KINDS[api, kind][0]}/{name}"


def _get(state: State, path: str) -> Tree:
    if path not in state:
        raise RefusedError(404, "NotFound", f"{path} not found")
    return parsed(state[path])


def _list(state: State, path: str, query: Mapping[str, str]) -> Tree:
    key, _, value = query.get("labelSelector", "").partition("=")
    found = [parsed(state[each]) for each in sorted(state) if each.rpartition("/")[0] == path]
    chosen = [
        item
        for item in found
        if not key or (item["metadata"].get("labels") or {}).get(key) == value
    ]
    return {"kind": "List", "items": chosen}


def _precondition(live: Tree | None, wanted: Mapping[str, Any], path: str) -> None:
    there = live["metadata"] if live else {}
    for key in ("uid", "resourceVersion"):
        if wanted.get(key) and wanted[key] != there.get(key):
            raise RefusedError(409, "Conflict", _MODIFIED.format(path))


def _stored(
    state: State, path: str, live: Tree | None, changed: Tree | None, answer: Tree, *, dry: bool
) -> tuple[State, Tree]:
    """The state with an object changed, made or deleted; its version counts real changes only."""
    after = dict(state)
    if changed is None:
        del after[path]
        return state if dry else after, answer
    count = int(state.get(f"#{path}", "0")) + (live is None)
    version = int(live["metadata"]["resourceVersion"]) if live else 0
    meta = {
        **changed["metadata"],
        "creationTimestamp": CREATED,
        "uid": f"{path}#{count}",
        "resourceVersion": str(version),
    }
    made = {**changed, "metadata": meta}
    if changed["kind"] == "Lease":
        # Times differ from write to write, and are not judged as times.
        made["spec"] = {**made["spec"], "renewTime": f"t{version + 1}"}
        made["spec"]["acquireTime"] = "t"
    if live is None or made != live:
        made["metadata"] = {**meta, "resourceVersion": str(version + 1)}
    after[path], after[f"#{path}"] = json.dumps(made, sort_keys=True), str(count)
    return state if dry else after, made


# --- who owns which field ----------------------------------------------------------------------


def _leaves(tree: Tree, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The fields of an object; a list is one field."""
    for key, value in tree.items():
        path = (*at, key)
        if path in _UNOWNED:
            continue
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _tree(leaves: Mapping[Path, Any]) -> Tree:
    tree: Tree = {}
    for path, value in leaves.items():
        place = tree
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return tree


def _owners(live: Tree | None) -> dict[tuple[str, str], set[Path]]:
    """The fields of each manager, by its name and operation."""
    entries = (live["metadata"].get("managedFields") or []) if live else []
    return {
        (entry["manager"], entry["operation"]): {
            tuple(path.split("\t")) for path in entry["fieldsV1"]
        }
        for entry in entries
    }


def _object(like: Tree, leaves: Mapping[Path, Any], owners: Mapping[Any, set[Path]]) -> Tree:
    tree = _tree(leaves)
    names = {key: like["metadata"][key] for key in ("name", "namespace") if key in like["metadata"]}
    entries = [
        {
            "manager": manager,
            "operation": operation,
            "fieldsV1": {"\t".join(path): {} for path in sorted(fields)},
        }
        for (manager, operation), fields in sorted(owners.items())
        if fields
    ]
    meta = {**tree.get("metadata", {}), **names, "managedFields": entries}
    return {**tree, "apiVersion": like["apiVersion"], "kind": like["kind"], "metadata": meta}


def _applied(live: Tree | None, wanted: Tree, manager: str, force: bool, path: str) -> Tree:
    """A server-side apply."""
    before, new = dict(_leaves(live or {})), dict(_leaves(wanted))
    owners, me = _owners(live), (manager, "Apply")
    conflicts: list[Tree] = []
    for field, value in new.items():
        others = [each for each, fields in owners.items() if each != me and field in fields]
        if before.get(field) == value or not others:
            continue
        if force:
            for other in others:
                owners[other] = owners[other] - {field}
            continue
        name = "." + ".".join(field)
        conflicts += [
            {
                "reason": "FieldManagerConflict",
                "message": f'conflict with "{each}"',
                "field": name,
            }
            for each, _ in others
        ]
    if conflicts:
        raise RefusedError(409, "Conflict", "Apply failed with conflicts", conflicts)
    _precondition(live, wanted["metadata"], path)
    mine = owners.pop(me, set())
    owned = set().union(*owners.values())
    after = {field: v for field, v in before.items() if field not in mine - new.keys() - owned}
    return _object(wanted, {**after, **new}, {**owners, me: set(new)})


def _updated(live: Tree | None, wanted: Tree, manager: str) -> Tree:
    """A create or an update: who changes a field owns it alone."""
    before, new = dict(_leaves(live or {})), dict(_leaves(wanted))
    changed = {field for field, value in new.items() if before.get(field, ...) != value}
    owners = {
        each: {field for field in fields if field in new and field not in changed}
        for each, fields in _owners(live).items()
    }
    me = (manager, "Update")
    return _object(wanted, new, {**owners, me: owners.get(me, set()) | changed})


# --- a client of it ----------------------------------------------------------------------------


def started(*objects: Tree, manager: str = "kubectl") -> State:
    """A state with a namespace ``demo`` and objects that somebody has applied."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
    text = json.dumps({**space, "metadata": {"name": "demo", "resourceVersion": "1", "uid": "d"}})
    state = {_path("v1", "Namespace", "", "demo"): text}
    for item in objects:
        meta = item["metadata"]
        place = _path(item["apiVersion"], item["kind"], meta["namespace"], meta["name"])
        state, _ = respond(state, "PATCH", place, {"fieldManager": manager}, item)
    return state


class FakeCluster(Cluster):
    """A cluster whose API server is in memory.

    Attributes:
        calls: the requests, such as ``PATCH /api/v1/…``; dry runs end with `` (dry run)``.
    """

    def __init__(self, state: State) -> None:
        super().__init__(None, lambda _: None)
        self._kinds = dict(KINDS)
        # A box, so that the copy that renews a Lease has the same server.
        self._server = [state]
        self.calls: list[str] = []

    @property
    def state(self) -> State:
        """The server's state."""
        return self._server[0]

    def _once(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        self.calls.append(f"{method} {path}" + (" (dry run)" if "dryRun" in query else ""))
        return self.answer(method, path, query, body)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        """The server's answer to a request."""
        try:
            self._server[0], answer = respond(self.state, method, path, query, body)
        except RefusedError as refusal:
            text = json.dumps(refusal.status)
            raise explained(refusal.code, "", text, f"{method} {path}") from None
        return answer
