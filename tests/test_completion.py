"""One streamed completion, from a small server that streams as an engine does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dsv4deploy.completion.garbage import PROMPT, garbage
from dsv4deploy.completion.stream import SIMULATOR, ask

Serve = Callable[..., tuple[str, list[dict[str, Any]]]]
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 12, "completion_tokens": 5}
GOOD = ["One, ", "two, ", "three, ", "four, ", "five."]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that streams these pieces; its URL, and what it was asked."""
    servers: list[ThreadingHTTPServer] = []

    def start(
        pieces: list[str],
        status: int = 200,
        last: bytes = DONE,
        usage: Any = USAGE,
        simulator: str = "",
    ) -> tuple[str, list[dict[str, Any]]]:
        asked: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append({**body, "key": self.headers.get("Authorization"), "path": self.path})
                self.send_response(status)
                if simulator:
                    self.send_header(SIMULATOR, simulator)
                self.end_headers()
                if status != 200:
                    self.wfile.write(b"refused")
                    return
                for piece in pieces:
                    self._send({"choices": [{"delta": {"content": piece}}]})
                if usage:
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
    done = ask(f"{url}?tenant=a", "chat", PROMPT, "secret")
    assert done.error == ""
    assert done.text == "One, two, three, four, five."
    assert (done.prompt_tokens, done.completion_tokens) == (12, 5)
    assert 0 < done.first_token_seconds <= done.seconds
    assert garbage(done.text, "count") == ""
    (request,) = asked
    assert request["key"] == "Bearer secret"
    assert (request["model"], request["stream"]) == ("chat", True)
    assert request["messages"] == [{"role": "user", "content": PROMPT}]
    assert request["path"] == "/v1/chat/completions?tenant=a"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "HTTP 401: the API key is missing or invalid; set DSV4DEPLOY_API_KEY"),
        (429, "HTTP 429: the quota is used up"),
        (418, "HTTP 418: refused"),
    ],
)
def test_a_refusal_says_what_to_do(serve: Serve, status: int, told: str) -> None:
    url, _ = serve(GOOD, status)
    assert ask(url, "chat", PROMPT).error == told


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (b"", "broke off after 28 characters"),
        (b'data: {"choi', "broke off after 28 characters"),
        (b'data: {"error": {"message": "the engine died"}}\n\n', "28 characters: the engine died"),
        (b'data: {"error": "the engine died"}\n\n' + DONE, "28 characters: the engine died"),
    ],
)
def test_a_stream_that_breaks_off_is_no_answer(serve: Serve, last: bytes, told: str) -> None:
    url, _ = serve(GOOD, last=last)
    done = ask(url, "chat", PROMPT)
    assert done.error.endswith(told)
    assert done.text == "".join(GOOD)


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (b"data: []\n\n", "broke off after 0 characters"),
        (b'data: {"choices": ["x"]}\n\n', "is not a stream of a chat completion: 'str' object"),
        (b'data: {"usage": {"prompt_tokens": null}}\n\n' + DONE, "is not a stream of a chat"),
    ],
)
def test_what_is_no_stream_is_an_error_and_raises_nothing(
    serve: Serve, last: bytes, told: str
) -> None:
    url, _ = serve([], last=last, simulator="{}")
    done = ask(url, "chat", PROMPT)
    assert told in done.error
    assert done.simulator == "{}"


def test_an_answer_without_usage_is_an_error(serve: Serve) -> None:
    url, _ = serve(GOOD, usage=None)
    done = ask(url, "chat", PROMPT)
    assert done.error.startswith("the engine reported no token usage")
    assert done.text == "One, two, three, four, five."


@pytest.mark.parametrize("key", ["dsv4_a\r", "dsv4_a\n", "dsv4_a b", "dsv4_ä", "dsv4_\udce4"])
def test_a_key_that_can_t_be_sent_is_not_quoted(serve: Serve, key: str) -> None:
    url, asked = serve(GOOD)
    done = ask(url, "chat", PROMPT, key)
    assert "contains whitespace, a line break or non-ASCII" in done.error
    assert "dsv4_" not in done.error
    assert asked == []


def test_no_server() -> None:
    done = ask("http://127.0.0.1:9/v1/chat/completions", "chat", PROMPT, timeout=2)
    assert "check that the service is ready" in done.error


@pytest.mark.parametrize(
    "url", ["nonsense", "http://h:abc/", "http://[::1", "http://h/ä", "ftp://h"]
)
def test_no_url(url: str) -> None:
    assert "must be http" in ask(url, "chat", PROMPT).error
