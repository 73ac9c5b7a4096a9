"""A small HTTP server that answers what an API server may answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dsv4deploy.cluster.client import Cluster

Answer = tuple[int, dict[str, Any]]
Serve = Callable[..., tuple[Cluster, list[str], list[float]]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A cluster that gives these answers, the last for ever; what it was asked, and the pauses."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: Answer) -> tuple[Cluster, list[str], list[float]]:
        asked: list[str] = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append(f"{self.command} {self.path}")
                status, body = left.pop(0) if len(left) > 1 else left[0]
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - its names

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        pauses: list[float] = []
        return connected(tmp_path, server.server_address[1], pauses), asked, pauses

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def connected(folder: Path, port: int, pauses: list[float]) -> Cluster:
    config = folder / "kubeconfig"
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "x",
                "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "x", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            }
        )
    )
    made = Cluster.connect(kubeconfig=str(config))
    return Cluster(made._client, pauses.append)


def refusal(code: int, reason: str, message: str, **details: Any) -> Answer:
    return code, {"kind": "Status", "reason": reason, "message": message, "details": details}
