"""One streamed completion, from a small server that streams as an engine does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dsv4deploy import DeployError
from dsv4deploy.completion.garbage import garbage
from dsv4deploy.completion.stream import ask

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]
DONE = b"data: [DONE]\n\n"
GOOD = ["One, ", "two, ", "three, ", "four, ", "five."]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that streams these pieces; its URL, and what it was asked."""
    servers: list[ThreadingHTTPServer] = []

    def start(
        pieces: list[str], status: int = 200, last: bytes = DONE
    ) -> tuple[str, list[dict[str, Any]]]:
        asked: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append({**body, "key": self.headers.get("Authorization"), "path": self.path})
                self.send_response(status)
                self.end_headers()
                if status != 200:
                    self.wfile.write(b"refused")
                    return
                for piece in pieces:
                    self._send({"choices": [{"delta": {"content": piece}}]})
                usage = {"prompt_tokens": 12, "completion_tokens": len(pieces)}
                self._send({"choices": [], "usage": usage})
                self.wfile.write(last)

            def _send(self, chunk: dict[str, Any]) -> None:
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_answer_is_put_together_and_counted(serve: Serve) -> None:
    url, asked = serve(GOOD)
    done = ask(f"{url}?tenant=a", "chat", "secret")
    assert done.text == "One, two, three, four, five."
    assert (done.prompt_tokens, done.completion_tokens) == (12, 5)
    assert 0 < done.first_token_seconds <= done.seconds
    assert garbage(done.text, "count") == ""
    (request,) = asked
    assert request["key"] == "Bearer secret"
    assert (request["model"], request["stream"]) == ("chat", True)
    assert request["path"] == "/v1/chat/completions?tenant=a"


@pytest.mark.parametrize(
    ("status", "told"), [(401, "DSV4DEPLOY_API_KEY"), (429, "quota"), (418, "refused")]
)
def test_a_refusal_says_what_to_do(serve: Serve, status: int, told: str) -> None:
    url, _ = serve(GOOD, status)
    with pytest.raises(DeployError, match=f"{status}.*{told}"):
        ask(url, "chat")


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (b"", "broke off after 28 characters"),
        (b'data: {"choi', "broke off after 28 characters"),
        (b'data: {"error": {"message": "the engine died"}}\n\n' + DONE, "28 .*: the engine died"),
        (b'data: {"error": "the engine died"}\n\n' + DONE, "28 characters: the engine died"),
    ],
)
def test_a_stream_that_breaks_off_is_no_answer(serve: Serve, last: bytes, told: str) -> None:
    url, _ = serve(GOOD, last=last)
    with pytest.raises(DeployError, match=told):
        ask(url, "chat")


@pytest.mark.parametrize("key", ["dsv4_a\r", "dsv4_a\n", "dsv4_a b", "dsv4_ä", "dsv4_\udce4"])
def test_a_key_that_can_t_be_sent_is_not_quoted(serve: Serve, key: str) -> None:
    url, asked = serve(GOOD)
    with pytest.raises(DeployError, match="has a blank or a line's end") as refused:
        ask(url, "chat", key)
    assert "dsv4_" not in str(refused.value)
    assert asked == []


def test_no_server() -> None:
    with pytest.raises(DeployError, match="is the service ready"):
        ask("http://127.0.0.1:9/v1/chat/completions", "chat", timeout=2)


@pytest.mark.parametrize(
    "url", ["nonsense", "http://h:abc/", "http://[::1", "http://h/ä", "ftp://h"]
)
def test_no_url(url: str) -> None:
    with pytest.raises(DeployError, match="must be http"):
        ask(url, "chat")
