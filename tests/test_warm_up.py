"""The container beside the engine that makes a pod ready after its first completion."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dsv4deploy import load, render

Tree = dict[str, Any]
NAME = "it's $(a) model"


def containers(part: str, *settings: str) -> dict[str, Tree]:
    """The containers of the leader's or the worker's pod, by name."""
    values = load({"model": {"name": NAME}}, set=list(settings))
    (service,) = (item for item in render(values) if item["kind"] == "LLMInferenceService")
    return {each["name"]: each for each in service["spec"][part]["containers"]}


@contextmanager
def engine(asked: list[Tree], port: int = 0) -> Iterator[int]:
    """A healthy engine that notes what it is asked, and refuses its first completion."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append({"path": self.path, **json.loads(self.rfile.read(length))})
            self.answer(503 if len(asked) == 1 else 200)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def beside(script: str, port: int, ready: Path) -> Iterator[None]:
    """The script, as it runs beside an engine."""
    words = [sys.executable, "-c", script, str(port), NAME, str(ready)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        status = process.wait(30)
    assert status == 0


def until(met: Callable[[], bool]) -> None:
    for _ in range(600):
        if met():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def test_a_pod_is_ready_after_one_completion_and_again_after_a_restart(tmp_path: Path) -> None:
    container = containers("template", "engine.warmUp=true")["warm-up"]
    script, port, model, file = container["args"]
    assert container["readinessProbe"]["exec"]["command"] == ["test", "-e", file]
    assert (port, model) == ("8000", NAME.replace("$", "$$"))
    ready = tmp_path / "warm"
    asked: list[Tree] = []
    with engine(asked) as listening, beside(script, listening, ready):
        until(ready.exists)
        # The first one was refused, so that it was asked again.
        request = {"path": "/v1/completions", "model": NAME, "prompt": "Hello", "max_tokens": 16}
        assert asked == [request] * 2
    with beside(script, listening, ready):
        until(lambda: not ready.exists())
        with engine(asked, listening):
            until(ready.exists)
        assert len(asked) == 3


def test_it_is_off_by_default_and_only_beside_the_server() -> None:
    assert list(containers("template")) == ["main"]
    two = ("engine.warmUp=true", "parallelism.data=2")
    assert list(containers("template", *two)) == ["main", "warm-up"]
    assert list(containers("worker", *two)) == ["main"]
