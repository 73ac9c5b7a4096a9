"""A server that answers as an API server and an engine do, until one answer is something else.

The answers are drawn with :mod:`random`, so that a seed names them.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fake_api import RefusedError, State, respond
from test_answers import strange
from test_rollout import OLD, there

Tree = dict[str, Any]

META = {"namespace": "kserve", "uid": "1", "resourceVersion": "1"}
GATEWAY = "gateway.networking.k8s.io/v1"


def _listed(api: str, *kinds: tuple[str, str, bool]) -> Tree:
    found = [{"name": name, "kind": kind, "namespaced": own} for name, kind, own in kinds]
    return {"kind": "APIResourceList", "groupVersion": api, "resources": found}


def _whole() -> dict[str, Tree]:
    """Answers of a cluster that :mod:`fake_api` has no kinds for, by the path."""
    core = [("namespaces", "Namespace", False), ("nodes", "Node", False)]
    core += [(f"{kind.lower()}s", kind, True) for kind in ("Pod", "Secret", "ConfigMap")]
    core += [("events", "Event", True), ("resourcequotas", "ResourceQuota", True)]
    listeners = [{"name": "http", "protocol": "HTTP", "port": 80}]
    gateway = {
        "apiVersion": GATEWAY,
        "kind": "Gateway",
        "metadata": {**META, "name": "kserve-ingress-gateway"},
        "spec": {"gatewayClassName": "eg", "listeners": listeners},
        "status": {"addresses": [{"type": "IPAddress", "value": "127.0.0.1"}]},
    }
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**META, "name": "inferenceservice-config"},
        "data": {"ingress": '{"kserveIngressGateway": "kserve/kserve-ingress-gateway"}'},
    }
    return {
        "/api/v1": _listed("v1", *core, ("pods/log", "Pod", True)),
        f"/apis/{GATEWAY}/namespaces/kserve/gateways/kserve-ingress-gateway": gateway,
        "/api/v1/namespaces/kserve/configmaps/inferenceservice-config": settings,
        **{
            f"/apis/{api}": _listed(
                api, *((f"{kind.lower()}s".replace("ys", "ies"), kind, True) for kind in kinds)
            )
            for api, kinds in OTHERS.items()
        },
    }


OTHERS = {
    GATEWAY: ("Gateway", "HTTPRoute"),
    "gateway.envoyproxy.io/v1alpha1": ("SecurityPolicy", "BackendTrafficPolicy", "EnvoyProxy"),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "admissionregistration.k8s.io/v1": (
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ),
    "batch/v1": ("Job",),
}
_TARGETS = [{"group": GATEWAY, "kind": "Gateway", "name": "maas"}]
ANY: Tree = {
    "metadata": {
        "name": "infernex-llmisvc",
        "namespace": "kserve",
        "uid": "3",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"driver-version": "25.0", "app.kubernetes.io/name": "chat"},
    },
    "type": "Opaque",
    "data": {"envoy-gateway.yaml": "cmF0ZUxpbWl0Og=="},
    "spec": {
        "containers": [{"name": "main", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
        "template": {"spec": {"containers": [{"name": "manager", "image": "x:v0.17.0"}]}},
        "taints": [{"key": "a", "effect": "NoSchedule"}],
        "targetRefs": _TARGETS,
        "targetSelectors": [
            {
                "kind": "HTTPRoute",
                "matchLabels": {"a": "b"},
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
            }
        ],
        "parentRefs": [{"name": "maas", "namespace": "kserve"}],
        "connection": {"bufferLimit": "32Ki"},
        "http2": {"initialStreamWindowSize": "64Ki"},
        "hard": {"requests.cpu": "8", "memory": "64Gi"},
    },
    "status": {
        "allocatable": {
            "cpu": "64",
            "memory": "512Gi",
            "ephemeral-storage": "500Gi",
            "huawei.com/Ascend910": "8",
        },
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Programmed", "status": "True"},
        ],
        "images": [{"names": ["a/b:c"], "sizeBytes": 5}],
        "used": {"requests.cpu": "1"},
        "readyReplicas": 1,
        "startTime": "2025-01-01T00:00:00Z",
        "phase": "Running",
        "containerStatuses": [
            {"name": "main", "ready": False, "state": {"waiting": {"reason": "ErrImagePull"}}}
        ],
    },
    "webhooks": [{"rules": [{"apiVersions": ["*"], "resources": ["llminferenceservices"]}]}],
}
"""An object with fields of every kind, which a list of a kind that :mod:`fake_api` lacks holds."""
LISTS = re.compile(
    r"/(nodes|pods|deployments|resourcequotas|[a-z]*policies|gateways|httproutes|jobs"
    r"|[a-z]*configurations)$"
)


@cache
def _states() -> State:
    return dict(there(*OLD)[0])


PAGE = b"<!doctype html><h1>Log in</h1><script>document.title='PWNED'</script>"
WORDS = (
    *("NaN", "-Infinity", "1e400", "-1", "0.5", "9" * 5000, "[" * 50_000, '{"a":' * 50_000),
    *('"\\u001b[2J\\u202e"', '"\\ud800"', '"\\u0000"', '"# x <img src=x onerror=x>"', '"²"'),
    *('"' + "x" * 100_000 + '"', '"{{ .Values }}"', '"../../.."', "[[]]", "{}", "null", "true"),
)
"""What may be in the place of a value of JSON."""
HEADERS: tuple[tuple[str, str], ...] = (
    *(("Content-Type", kind) for kind in ("", "text/html", "text/plain; charset=x", "\xff")),
    *(("Content-Encoding", kind) for kind in ("gzip", "deflate", "x")),
    *(("Content-Length", size) for size in ("0", "7", "99999999", "x", "-1")),
    *(("Transfer-Encoding", "chunked"), ("Location", "http://127.0.0.1:9/"), ("Retry-After", "9")),
    *(("x-dsv4deploy-simulator", text) for text in ("{", "[]", "5", "\x1b[2J", "[" * 9000, "NaN")),
)
STATUSES = (200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 599)


BOMB = 600 * gzip.compress(b" " * 2**20, 9)
"""600 MB of blanks."""


def _changed(rng: random.Random, text: str) -> bytes:
    """JSON with one of its values replaced."""
    values = list(re.finditer(r'(?<=: )("[^"]*"|-?[0-9.]+|true|false|null|\[\]|\{\})', text))
    if not values:
        return rng.choice(WORDS).encode()
    place = rng.choice(values)
    return (text[: place.start()] + rng.choice(WORDS) + text[place.end() :]).encode()


def _completion(rng: random.Random) -> list[bytes]:
    """The events of an engine's answer, one of them perhaps changed."""
    words = ", ".join(map(str, range(1, 21)))
    usage = {"prompt_tokens": 9, "completion_tokens": 40}
    chunks: list[Any] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}]},
        {"choices": [], "usage": usage},
    ]
    lines = [f"data: {json.dumps(chunk)}".encode() for chunk in chunks]
    if rng.random() < 0.8:
        number = rng.randrange(len(chunks))
        chunk, line = chunks[number], lines[number]
        lines[number] = rng.choice(
            [
                b"data: " + json.dumps(strange(rng, chunk)).encode(),
                b"data: " + _changed(rng, json.dumps(chunk)),
                line[: rng.randrange(len(line))],
                b"data: " + json.dumps({"error": strange(rng, {"message": "\x1b[2J"})}).encode(),
                b"\xff\xfe",
                b": " + b"x" * 200_000,
            ]
        )
    return [*lines, *([b"data: [DONE]"] if rng.random() < 0.9 else [])]


class Answers:
    """What the server answers from here on.

    Attributes:
        refuses: whether it refuses everything.
        left: how many requests are answered well.
        lasting: whether all that follow are changed, and not only one.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"answers {seed}")
        self.refuses = self.rng.random() < 0.25
        self.left = self.rng.choice([0, 0, 1, 2, 3, 5, 8, 13, 21, 34])
        self.lasting = self.rng.random() < 0.5
        self.state = dict(_states())
        self.lock = threading.Lock()

    def answer(
        self, method: str, target: str, body: bytes
    ) -> tuple[int, dict[str, str], Iterable[bytes]]:
        """Status, headers and body of the answer to a request."""
        path, query = unquote(urlsplit(target).path), dict(parse_qsl(urlsplit(target).query))
        with self.lock:
            hostile = not self.refuses and (self.left == 0 or (self.left < 0 and self.lasting))
            self.left -= 1
            if path.endswith("/chat/completions"):
                return self._streamed(hostile=hostile)
            status, answer = self._well(method, path, query, body)
            text = json.dumps(answer)
            headers = {"Content-Type": "application/json"}
            if not hostile:
                return status, headers, [text.encode()]
            return self._hostile(status, headers, answer, text)

    def _well(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if self.refuses:
            told = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403}
            return 403, {**told, "message": "nothing is allowed here"}
        found = _whole().get(path)
        if method == "GET" and not found and LISTS.search(path):
            found = {"items": [ANY]}
        if method == "GET" and found:
            return 200, found
        try:
            self.state, answer = respond(self.state, method, path, query, json.loads(body or b"0"))
        except RefusedError as refusal:
            return refusal.code, refusal.status
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return 404, {"kind": "Status", "reason": "NotFound", "message": f"no {path}"}
        return 200, answer

    def _hostile(
        self, status: int, headers: dict[str, str], answer: Any, text: str
    ) -> tuple[int, dict[str, str], Iterable[bytes]]:
        rng = self.rng
        kind = rng.random()
        if kind < 0.35:
            return status, headers, [json.dumps(strange(rng, answer)).encode()]
        if kind < 0.6:
            return status, headers, [_changed(rng, text)]
        if kind < 0.65:
            return status, headers, [text[: rng.randrange(len(text) + 1)].encode()]
        if kind < 0.7:
            return 200, {**headers, "Content-Encoding": "gzip"}, [BOMB]
        if kind < 0.75:
            return rng.choice(STATUSES), {**headers, "Content-Type": "text/html"}, [PAGE]
        if kind < 0.8:
            return rng.choice(STATUSES), headers, [rng.choice([PAGE, b"", b"\xff\xfe\x00"])]
        if kind < 0.9:
            return rng.choice(STATUSES), headers | dict([rng.choice(HEADERS)]), [text.encode()]
        return rng.choice(STATUSES), headers, [_changed(rng, text)]

    def _streamed(self, *, hostile: bool) -> tuple[int, dict[str, str], Iterable[bytes]]:
        rng, headers = self.rng, {"Content-Type": "text/event-stream"}
        lines = [line + b"\n\n" for line in _completion(rng)]
        if not hostile:
            return 200, headers, lines
        kind = rng.random()
        if kind < 0.1:
            return 200, headers, _endless(b"x" * 65536)
        if kind < 0.2:
            return 200, headers, _endless(lines[1])
        if kind < 0.3:
            return 200, headers, _endless(b": alive\n")
        if kind < 0.6:
            return rng.choice(STATUSES), headers | dict([rng.choice(HEADERS)]), lines
        if kind < 0.7:
            return rng.choice(STATUSES), headers, [PAGE]
        return 200, headers, lines


def _endless(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


class Server(ThreadingHTTPServer):
    """See the module.

    Attributes:
        url: where it is.
        answers: what it answers.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers = Answers(0)

    def handle_error(self, *_: Any) -> None:
        """Says nothing: a client may go at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answers = self.server.answers
        status, headers, parts = answers.answer(self.command, self.path, body)
        if isinstance(parts, list):
            headers = {"Content-Length": str(sum(map(len, parts)))} | headers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - its names

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs while the block does."""
    with Server() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()
