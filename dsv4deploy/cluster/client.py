"""A Kubernetes cluster: get, list, server-side apply, delete. Objects are dicts, in and out.

The only module that knows the ``kubernetes`` client, which is imported when a cluster is first
connected to. Nothing is written but through :meth:`Cluster.apply`, :meth:`Cluster.create`,
:meth:`Cluster.replace` and :meth:`Cluster.delete`.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from .answers import checked
from .diff import label
from .refusals import explained

Object = dict[str, Any]

MANAGER = "dsv4deploy"
"""The field manager under which objects are applied."""

# What the client raises of a kubeconfig whose values are not what they must be.
_MALFORMED = (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
GUARDED_WRITE = 10
"""How many seconds the API server has for a write of a run that holds a Lease.

It is dropped after that (``timeout`` of the request's query), so that it can't come into force
after another run has taken over the Lease.
"""

# Bytes of an answer. A large cluster's list of pods is of this order.
_LARGEST = 64 << 20

# What is posted there is answered, and kept nowhere.
_REVIEWS = "/apis/authorization.k8s.io/v1/"


class Cluster:
    """One cluster, as a kubeconfig's context or a pod's service account reaches it.

    Args:
        client: a ``kubernetes.client.ApiClient``; :meth:`connect` makes one.
        sleep: waits between tries, in seconds.

    Attributes:
        guard: is called before each write, and raises ClusterError where it must not happen; None
            where every write may. :func:`dsv4deploy.cluster.lease.held` sets it.
        writes: how many requests have changed something.
        unanswered: how many writes got no answer; these may yet come into force.
        timeout: seconds for the answer to a request.
        tries: how often a request is tried that the server puts off (429, 5xx).
    """

    def __init__(self, client: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self.guard: Callable[[], None] | None = None
        self.writes = 0
        self.unanswered = 0
        self.timeout = 60.0
        self.tries = 4

    @classmethod
    def connect(cls, context: str = "", kubeconfig: str = "") -> Cluster:
        """The cluster of a kubeconfig's context, or the one that this pod runs in.

        Raises:
            ClusterError: there is no such configuration.
        """
        import yaml
        from kubernetes import client, config

        try:
            try:
                made = config.new_client_from_config(  # type: ignore[no-untyped-call]
                    kubeconfig or None, context or None
                )
            except config.ConfigException:
                if context or kubeconfig or "KUBERNETES_SERVICE_HOST" not in os.environ:
                    raise
                config.load_incluster_config()  # type: ignore[no-untyped-call]
                made = client.ApiClient()
        except (config.ConfigException, yaml.YAMLError, *_MALFORMED) as error:
            reason = _no_way(context, kubeconfig) or (
                f"{_fault(error)}; set KUBECONFIG, or pass a file with --kubeconfig"
            )
            raise ClusterError(f"cannot connect to a cluster: {reason}", "NoContext") from None
        return cls(made)

    # --- requests -------------------------------------------------------------------------

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """One request of the API; its answer as plain data.

        Args:
            method: GET, POST, PUT, PATCH (server-side apply) or DELETE.
            path: the API's path, such as ``/api/v1/namespaces``.
            query: parameters.
            body: plain data.

        Raises:
            ClusterError: the server rejected it or can't be reached; the message contains the fix.
        """
        query = dict(query or {})
        writes = method != "GET" and "dryRun" not in query and not path.startswith(_REVIEWS)
        guard = self.guard if writes else None
        if guard:
            query["timeout"] = f"{GUARDED_WRITE}s"
        for tried in range(1, self.tries + 1):
            if guard:
                guard()
            self.unanswered += writes
            try:
                answer = self._once(method, path, query, body)
            except ClusterError as error:
                self.unanswered -= writes and error.reason != "Unreachable"
                if error.reason not in ("TooManyRequests", "ServerError") or tried == self.tries:
                    raise
                self._sleep(2.0**tried / 2)
            else:
                self.unanswered -= writes
                self.writes += writes
                return answer
        raise AssertionError  # the loop returns or raises

    def _once(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        # The client's configuration, credentials and connections; its generated calls take other
        # arguments with every release, and know no server-side apply of any kind of object.
        from urllib.parse import quote, urlencode

        from urllib3.exceptions import HTTPError

        settings = self._client.configuration
        headers = {**self._client.default_headers, "Accept": "application/json"}
        for setting in settings.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        if body is not None:
            apply = method == "PATCH"
            headers["Content-Type"] = f"application/{'apply-patch+yaml' if apply else 'json'}"
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                f"{settings.host}{quote(path)}" + (f"?{urlencode(query)}" if query else ""),
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                timeout=self.timeout,
                retries=False,
                preload_content=False,
            )
            content = _content(response)
        except (HTTPError, OSError) as error:
            raise ClusterError(
                f"cannot reach the API server ({error}); check that the cluster is running, and "
                "that the kubeconfig's context is the right one",
                "Unreachable",
            ) from None
        if len(content) > _LARGEST:
            raise ClusterError(
                f"{method} {path}: the response is larger than {_LARGEST >> 20} MiB; check that "
                "the kubeconfig's context names a Kubernetes API server",
                "Malformed",
            )
        text = content.decode(errors="replace")  # a log may hold anything
        if response.status >= 400:
            raise explained(response.status, response.reason or "", text, f"{method} {path}")
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            raise ClusterError(
                f"{settings.host} responds with a web page; check that the kubeconfig's context "
                "names a Kubernetes API server, and that no login page is in front of it",
                "Unauthorized",
            )
        return checked(text, method, path)

    def may(self, verb: str, resource: str, namespace: str, group: str = "") -> bool:
        """Whether this user has a right.

        Args:
            verb: such as ``get``.
            resource: in the plural, such as ``pods`` or ``pods/log``.
            namespace: where.
            group: of the API; ``""`` is the core's.
        """
        kind, _, part = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": kind, "subresource": part}
        return self._allowed("SelfSubjectAccessReview", {"namespace": namespace, **asked})

    def account_may(
        self, verb: str, resource: str, namespace: str, group: str, account: str
    ) -> bool:
        """Whether a ServiceAccount has a right in its own namespace; it need not exist yet."""
        asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        groups = [f"system:serviceaccounts{each}" for each in ("", f":{namespace}")]
        user = {
            "user": f"system:serviceaccount:{namespace}:{account}",
            "groups": [*groups, "system:authenticated"],
        }
        return self._allowed("SubjectAccessReview", asked, **user)

    def _allowed(self, kind: str, asked: Object, **user: Any) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": kind,
            "spec": {"resourceAttributes": asked, **user},
        }
        answer = self.request("POST", f"{_REVIEWS}{kind.lower()}s", body=review)
        return bool(answer["status"]["allowed"])

    def path(self, api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
        """The API's path of an object, or of all of a kind.

        Raises:
            ClusterError: the cluster does not know the kind.
        """
        plural, namespaced = self._kind(api_version, kind)
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        place = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{root}{place}/{plural}" + (f"/{name}" if name else "")

    def _kind(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._kinds:
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            try:
                listed = self.request("GET", root)["resources"] or []
            except ClusterError as error:
                if error.reason != "NotFound":
                    raise
                listed = []
            for resource in listed:
                if "/" not in resource["name"]:
                    key = (api_version, resource["kind"])
                    self._kinds[key] = (resource["name"], resource["namespaced"])
        if (api_version, kind) not in self._kinds:
            raise ClusterError(
                f"the cluster does not serve kind {kind} of {api_version}; install the operator "
                "that provides it",
                "UnknownKind",
            )
        return self._kinds[(api_version, kind)]

    def has(self, api_version: str, kind: str) -> bool:
        """Whether the cluster knows a kind."""
        try:
            self._kind(api_version, kind)
        except ClusterError as error:
            if error.reason == "UnknownKind":
                return False
            raise
        return True

    # --- objects --------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object; None where there is none."""
        try:
            found: Object = self.request("GET", self.path(api_version, kind, namespace, name))
        except ClusterError as error:
            if error.reason in ("NotFound", "UnknownKind"):
                return None
            raise
        return found

    def live(self, item: Mapping[str, Any]) -> Object | None:
        """The object in the cluster that has this one's kind, namespace and name."""
        meta = item["metadata"]
        return self.get(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace", ""))

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
    ) -> list[Object]:
        """All objects of a kind, with their kind and version; none where it is not known.

        Args:
            api_version: such as ``apps/v1``.
            kind: such as ``Deployment``.
            namespace: where; ``""`` is everywhere.
            selector: by labels, as Kubernetes writes it.
            fields: by fields, as Kubernetes writes it.
        """
        if not self.has(api_version, kind):
            return []
        asked = {"labelSelector": selector, "fieldSelector": fields}
        query = {key: text for key, text in asked.items() if text}
        answer = self.request("GET", self.path(api_version, kind, namespace), query)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"] or []]

    def apply(
        self,
        item: Mapping[str, Any],
        *,
        live: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        force: bool = False,
        manager: str = MANAGER,
    ) -> Object:
        """Server-side apply of one object; what the server makes of it.

        Args:
            item: the object.
            live: the object as it was read: only that one is written over.
            dry_run: whether nothing is kept.
            force: whether fields that others have set are taken over.
            manager: the field manager.

        Raises:
            ClusterError: it was rejected; with reason Conflict another manager has a field, and
                with reason Stale somebody has changed or deleted the object since it was read.
        """
        meta = item["metadata"]
        if live:
            item = {**item, "metadata": {**meta, **_version(live)}}
        path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if dry_run else {}
        query |= {"force": "true"} if force else {}
        try:
            answer: Object = self.request("PATCH", path, query, dict(item))
        except ClusterError as error:
            raise ClusterError(f"{label(item)}: {error}", error.reason) from None
        return answer

    def create(self, item: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """A new object. Raises ClusterError, with reason AlreadyExists where it is not new."""
        meta = item["metadata"]
        path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""))
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        answer: Object = self.request("POST", path, query, dict(item))
        return answer

    def replace(self, item: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """An object in the place of the one that was read, and only of that one.

        Args:
            item: what :meth:`get` gave, changed; it has its ``resourceVersion`` still.
            dry_run: whether nothing is kept.

        Raises:
            ClusterError: with reason Stale where somebody has changed it since.
        """
        meta = item["metadata"]
        path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])
        query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
        answer: Object = self.request("PUT", path, query, dict(item))
        return answer

    def delete(self, item: Mapping[str, Any], *, live: Mapping[str, Any] | None = None) -> bool:
        """Deletes an object with what it owns; False where it was gone already.

        Args:
            item: the object.
            live: the object as it was read: only that one is deleted.

        Raises:
            ClusterError: with reason Stale where somebody has changed it since it was read.
        """
        meta = item["metadata"]
        path = self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        options["propagationPolicy"] = "Background"
        if live:
            options["preconditions"] = _version(live)
        try:
            self.request("DELETE", path, body=options)
        except ClusterError as error:
            if error.reason == "NotFound":
                return False
            raise
        return True

    def log(
        self, namespace: str, pod: str, container: str, lines: int = 400, *, strict: bool = False
    ) -> str:
        """The last lines of a container's log, 0 for all; ``""`` where there is none yet.

        Raises:
            ClusterError: where it is strict, it can't be read; otherwise that is ``""`` too.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container} | ({"tailLines": str(lines)} if lines else {})
        try:
            text = self.request("GET", path, query)
        except ClusterError as error:
            none = ("NotFound", "BadRequest") + (() if strict else ("ServerError", "Forbidden"))
            if error.reason in none:
                return ""
            raise
        return str(text or "")


def _content(response: Any) -> bytes:
    """The body of a response; of one that is too large, a beginning that is too large as well.

    No compressed one was asked for.
    """
    content = bytearray()
    for part in response.stream(65_536, decode_content=False):
        content += part
        if len(content) > _LARGEST:
            response.close()
            break
    response.release_conn()
    return bytes(content)


def _version(live: Mapping[str, Any]) -> Object:
    """What names one version of an object; without the uid, a deleted object would be created
    again.
    """
    meta = live["metadata"]
    return {key: meta[key] for key in ("uid", "resourceVersion") if key in meta}


def _no_way(context: str, kubeconfig: str) -> str:
    """Why there is no configuration, where it is a file or a context that is not there."""
    from kubernetes.config import kube_config

    where = kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    if not any(Path(path).expanduser().exists() for path in where.split(os.pathsep)):
        missing = f"{where}: no such file"
        advice = "set KUBECONFIG, or pass a file with --kubeconfig"
        return missing if kubeconfig else f"no kubeconfig ({missing}); {advice}"
    known = contexts(kubeconfig)
    if context and context not in known:
        return f"{where} has no context {context}; its contexts are: {', '.join(known) or 'none'}"
    return ""


def contexts(kubeconfig: str = "") -> dict[str, str]:
    """The kubeconfig's contexts with their namespaces, the current one first.

    Returns:
        each context's namespace by its name, ``""`` where it names none; nothing where there is
        no kubeconfig.
    """
    import yaml
    from kubernetes.config import ConfigException, kube_config

    # The client's own listing of contexts asks for a current one, which a kubeconfig may lack.
    try:
        merged = kube_config.KubeConfigMerger(  # type: ignore[no-untyped-call]
            kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
        ).config
        if merged is None:
            return {}
        found = merged.safe_get("contexts")
        current = merged.safe_get("current-context")
        return {
            str(each["name"]): str(each["context"].safe_get("namespace") or "")
            for each in sorted(found or [], key=lambda each: bool(each["name"] != current))
        }
    except (ConfigException, yaml.YAMLError, *_MALFORMED) as error:
        where = kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
        message = f"invalid kubeconfig {where}: {_fault(error)}; fix it, or pass another file"
        raise ClusterError(message, "NoContext") from None


def _fault(error: Exception) -> str:
    """What is wrong with a kubeconfig, in one line."""
    import yaml

    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, OSError):
        return str(error.strerror)
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text"
    if isinstance(error, _MALFORMED):
        return "it is not a mapping with lists of contexts, clusters and users"
    text = " ".join(str(error).split()).removeprefix("Invalid kube-config. ")
    return re.sub(
        r"Invalid kube-config file\. Expected object with name (.*) in .*/(\w+) list",
        r"the kubeconfig's \2 do not contain \1",
        text,
    )


def managed(item: Mapping[str, Any], manager: str = MANAGER) -> bool:
    """Whether a field manager has applied an object."""
    entries = item["metadata"].get("managedFields") or []
    return any(entry.get("manager") == manager for entry in entries)
