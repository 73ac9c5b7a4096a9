"""The script of ``helm test`` against a small server, and to whom `smoke` tells a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dsv4deploy.helm.chart import files


def script() -> str:
    """The script, as the chart's Job has it."""
    return files()["files/smoke.py"]


class Engine(BaseHTTPRequestHandler):
    """Answers every completion with the server's text, or with its status."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.append(self.headers["Authorization"])  # type: ignore[attr-defined]
        self.server.asked.append(request)  # type: ignore[attr-defined]
        status, text = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.end_headers()
        chunk = {
            "choices": [{"delta": {"content": text}}],
            "usage": {"prompt_tokens": 8, "completion_tokens": 10},
        }
        self.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Engine) as running:
        running.asked, running.keys = [], []  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "text", "why"),
    [
        (200, "One, two, three, four, five.", ""),
        (200, "one\ntwo\nthree\nfour\nfive", ""),
        (200, "**One** two three four", ""),
        (200, "oneoneoneoneoneoneone", "garbage: the answer holds 0 of the five"),
        (200, "the the the the the the", "garbage: "),
        (200, "", "garbage: the answer is empty"),
        (200, None, "garbage: the answer is empty"),
        (200, "ный 不 ]]>> fn( one", "garbage: "),
        (503, "", "HTTP 503: no engine is ready"),
    ],
)
def test_a_good_answer_passes_and_garbage_fails(
    status: int, text: str | None, why: str, server: HTTPServer
) -> None:
    server.answer = (status, text)  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    done = subprocess.run(
        [sys.executable, "-c", script()],
        env={**os.environ, "URL": url, "MODEL": "m", "TIMEOUT": "10"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == bool(why), done.stderr
    assert done.stderr.startswith(why)
    (request,) = server.asked  # type: ignore[attr-defined]
    assert request["model"] == "m"
    assert request["temperature"] == 0


def test_the_job_hands_the_script_what_it_reads() -> None:
    text = files()["templates/tests/completion.yaml"]
    assert '.Files.Get "files/smoke.py"' in text
    names = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("- name: ")]
    assert {"URL", "MODEL", "TIMEOUT"} <= set(names)


@pytest.mark.parametrize(("ingress", "key"), [("kserve", None), ("maas", "Bearer secret")])
def test_the_key_is_sent_to_the_maas_ingress_only(
    ingress: str, key: str | None, server: HTTPServer
) -> None:
    server.answer = (503, None)  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    words = ["smoke", "--url", url, "--ingress", ingress, "-n", "demo"]
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", *words],
        env={**os.environ, "DSV4DEPLOY_API_KEY": "secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert server.keys == [key]  # type: ignore[attr-defined]
