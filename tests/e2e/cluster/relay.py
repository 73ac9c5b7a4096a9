"""Commands in whose middle something happens: at a certain request, on any machine."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias

import httpx

from .nodes import Cluster
from .user import begun

Way: TypeAlias = Callable[[Cluster, "subprocess.Popen[str]"], None]
"""What happens to a command."""


def killed(_: Cluster, process: subprocess.Popen[str]) -> None:
    process.kill()


def interrupted(_: Cluster, process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def unanswered(cluster: Cluster, _: subprocess.Popen[str]) -> None:
    with cluster.first.paused("kube-apiserver"):
        time.sleep(8)


WAYS: dict[Way, int] = {killed: -signal.SIGKILL, interrupted: 130, unanswered: 0}
"""All ways, with the exit code of a command to which it happens."""


def disturbed(cluster: Cluster, way: Way, request: str, *words: object) -> tuple[int, str]:
    """The exit code and the output of a command.

    Args:
        cluster: where.
        way: happens to it once.
        request: a regular expression for ``METHOD path`` of a request, no dry run: it happens when
            the API server has answered it, and the command does not know it yet.
        words: the command.
    """
    started: list[subprocess.Popen[str]] = []
    with (
        _relay(cluster, request, lambda: way(cluster, started[0])) as kubeconfig,
        begun(cluster, *words, kubeconfig=kubeconfig) as (process, lines),
    ):
        started.append(process)
        told = "".join(lines)
    return process.returncode, told


@contextmanager
def _relay(cluster: Cluster, request: str, act: Callable[[], object]) -> Iterator[Path]:
    """The path of a kubeconfig whose requests pass through here; at one of them it acts."""
    config = json.loads(cluster.kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]
    trusted = ssl.create_default_context(cafile=server.pop("certificate-authority"))
    wanted, acted = re.compile(request), threading.Lock()
    with httpx.Client(base_url=server["server"], verify=trusted, timeout=60) as api:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {
                    name: self.headers[name]
                    for name in ("Accept", "Authorization", "Content-Type")
                    if name in self.headers
                }
                answer = api.request(self.command, self.path, content=body, headers=headers)
                asked = f"{self.command} {self.path}"
                if (
                    "dryRun=" not in asked
                    and wanted.search(asked)
                    and acted.acquire(blocking=False)
                ):
                    act()
                with suppress(ConnectionError):  # the command may be gone
                    self.send_response(answer.status_code)
                    self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
                    self.send_header("Content-Length", str(len(answer.content)))
                    self.end_headers()
                    self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815 - its names

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as here:
            threading.Thread(target=here.serve_forever).start()
            server["server"] = f"http://127.0.0.1:{here.server_port}"
            path = cluster.kubeconfig.with_name("relayed")
            path.write_text(json.dumps(config))
            try:
                yield path
            finally:
                here.shutdown()
