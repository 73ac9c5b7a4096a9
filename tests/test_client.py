"""Requests to an API server and its answers; the rest is in e2e."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from pathlib import Path

import pytest
from api_server import Serve, connected, refusal
from kubernetes.config import kube_config
from urllib3.response import HTTPResponse

from dsv4deploy.cluster.client import Cluster, contexts, managed
from dsv4deploy.errors import ClusterError

MADE = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}}


@pytest.mark.parametrize("code", [429, 500, 503])
def test_an_overloaded_server_is_asked_again(serve: Serve, code: int) -> None:
    busy = refusal(code, "TooManyRequests" if code == 429 else "", "busy")
    cluster, asked, pauses = serve(busy, busy, (200, MADE))
    assert cluster.request("PATCH", "/api/v1/x", body={}) == MADE
    assert (len(asked), pauses, cluster.writes) == (3, [1.0, 2.0], 1)


def test_it_is_given_up_after_four_times(serve: Serve) -> None:
    cluster, asked, _ = serve(refusal(429, "TooManyRequests", "busy"))
    with pytest.raises(ClusterError, match="overloaded, so try again later"):
        cluster.request("GET", "/api/v1/x")
    assert len(asked) == 4


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="check that the cluster is running") as error:
        connected(tmp_path, 9, []).request("GET", "/version")
    assert error.value.reason == "Unreachable"


def test_no_way_to_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    none = tmp_path / "none"
    with pytest.raises(ClusterError, match=f"cannot connect to a cluster: {none}: no such file"):
        Cluster.connect(kubeconfig=str(none))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(none))
    with pytest.raises(ClusterError, match=r"no kubeconfig \(.*\); set KUBECONFIG"):
        Cluster.connect()
    none.write_text(CONTEXTS)
    with pytest.raises(ClusterError, match=f"{none} has no context c; its contexts are: a, b$"):
        Cluster.connect("c")
    with pytest.raises(ClusterError, match=r"current-context.*; set KUBECONFIG, or pass"):
        Cluster.connect()


LARGE = b" " * (65 << 20)


@pytest.mark.parametrize(
    ("status", "kind", "body", "reason", "told"),
    [
        (200, "application/json", b"[" * 50_000, "Malformed", "the body is not JSON"),
        (
            200,
            "application/json",
            b'{"resources": [], "x": NaN}',
            "Malformed",
            "the body is not JSON",
        ),
        (
            200,
            "application/json",
            b'{"x": ' + b"9" * 5000 + b"}",
            "Malformed",
            "the body is not JSON",
        ),
        (403, "application/json", b"[" * 50_000, "Forbidden", "^Forbidden$"),
        (200, "text/plain", LARGE, "Malformed", "GET /api/v1: the response is larger than 64 MiB"),
        (200, "text/html", b"<html>", "Unauthorized", "responds with a web page"),
        (403, "application/json", b"null", "Forbidden", "^Forbidden$"),
        (400, "text/plain", b"\xff", "Refused", "Bad Request"),
    ],
)
def test_an_answer_that_is_none_of_an_api_server(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    status: int,
    kind: str,
    body: bytes,
    reason: str,
    told: str,
) -> None:
    cluster = connected(tmp_path, 9, [])
    answer = HTTPResponse(
        BytesIO(body),
        headers={"Content-Type": kind},
        status=status,
        preload_content=False,
        reason=HTTPStatus(status).phrase,
    )
    pool = cluster._client.rest_client.pool_manager
    monkeypatch.setattr(pool, "request", lambda *_, **__: answer)
    with pytest.raises(ClusterError, match=told) as error:
        cluster.has("v1", "Pod")
    assert error.value.reason == reason


def test_a_log_may_hold_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster = connected(tmp_path, 9, [])
    answer = HTTPResponse(BytesIO(b"loading \xff"), status=200, preload_content=False)
    pool = cluster._client.rest_client.pool_manager
    monkeypatch.setattr(pool, "request", lambda *_, **__: answer)
    assert cluster.log("demo", "pod", "main") == "loading \ufffd"


@pytest.mark.parametrize("status", [403, 500])
def test_a_log_that_can_t_be_read_is_an_empty_one_unless_it_must_be_read(
    serve: Serve, status: int
) -> None:
    cluster, _, _ = serve((status, {"message": "no way to the node"}))
    assert cluster.log("demo", "pod", "main") == ""
    with pytest.raises(ClusterError, match="no way to the node"):
        cluster.log("demo", "pod", "main", strict=True)
    none, _, _ = serve((404, {"message": "no such pod"}))
    assert none.log("demo", "pod", "main", strict=True) == ""


CONTEXTS = """\
contexts:
- {name: a, context: {cluster: c, user: u, namespace: n}}
- {name: b, context: {cluster: c, user: u}}
"""


def test_contexts_are_known_without_a_current_one(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(CONTEXTS)
    assert list(contexts(str(file)).items()) == [("a", "n"), ("b", "")]
    file.write_text(f"{CONTEXTS}current-context: b\n")
    assert list(contexts(str(file)).items()) == [("b", ""), ("a", "n")]
    assert contexts(str(tmp_path / "none")) == {}


_SHAPE = "it is not a mapping with lists of contexts, clusters and users"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a: 1\nb: [", "line 2: expected the node content, but found '<stream end>'"),
        (b"\tx: 1", r"line 1: found character '\t' that cannot start any token"),
        (b"- 1", _SHAPE),
        (b"text", _SHAPE),
        (b"contexts: 5", _SHAPE),
        (b"contexts: [{name: a}]", "Expected key context in"),
        (b"a: \xff", "it is not UTF-8 text"),
        (b"", "is empty"),
    ],
)
def test_an_invalid_kubeconfig_is_reported_in_one_line(
    tmp_path: Path, text: bytes, fault: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_bytes(text)
    for read in (contexts, lambda name: Cluster.connect(kubeconfig=name)):
        with pytest.raises(ClusterError) as raised:
            read(str(file))
        message = str(raised.value)
        assert f"invalid kubeconfig {file}: " in message
        assert fault in message
        assert "\n" not in message


def test_a_context_of_a_cluster_that_does_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n")
    with pytest.raises(ClusterError, match="cannot connect to a cluster"):
        Cluster.connect(kubeconfig=str(file))
    file.write_text(f"{file.read_text()}clusters: []\nusers: []\n")
    with pytest.raises(ClusterError, match="the kubeconfig's clusters do not contain c; set"):
        Cluster.connect(kubeconfig=str(file))


def test_a_kind_that_the_cluster_does_not_know(serve: Serve) -> None:
    cluster, asked, _ = serve(
        (200, {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]})
    )
    assert not cluster.has("v1", "Poodle")
    assert cluster.list("v1", "Poodle") == []
    assert cluster.get("v1", "Poodle", "x") is None
    assert cluster.path("v1", "Pod", "demo", "x") == "/api/v1/namespaces/demo/pods/x"
    assert set(asked) == {"GET /api/v1"}


def test_what_is_gone_is_not_deleted_twice(serve: Serve) -> None:
    pods = (200, {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]})
    cluster, *_ = serve(pods, refusal(404, "NotFound", "gone"))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "demo"}}
    assert not cluster.delete(pod)


def test_a_dry_run_is_no_write(serve: Serve) -> None:
    cluster, asked, _ = serve((200, MADE))
    cluster.request("PATCH", "/api/v1/x", {"dryRun": "All"}, {})
    assert (asked, cluster.writes) == (["PATCH /api/v1/x?dryRun=All"], 0)


def test_who_has_applied_an_object() -> None:
    item = {"metadata": {"managedFields": [{"manager": "dsv4deploy"}]}}
    assert managed(item)
    assert not managed(item, "helm")
    assert not managed({"metadata": {}})
