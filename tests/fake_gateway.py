"""A small gateway with an engine in it, over HTTP/1.1 and HTTP/2, that keeps every promise but one.

``fault`` names the promise that it breaks; :data:`FAULTS` has one for each case of the suite.
"""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

MODEL, KEY, SECOND, BLOCKED = "fake", "key-One-1", "key-Two-2", "how to do harm"
LIMIT, LARGEST, PATIENCE = 20_000, 1 << 20, 1.0

# Valid for a hundred years, for 127.0.0.1; the authority's own key was thrown away.
TLS = Path(__file__).parent / "data" / "tls"
AUTHORITY, SERVER = TLS / "authority.pem", TLS / "server.pem"

# Case: fault. The first word of a fault is what it is about.
FAULTS = {
    "key-right": "key refused",
    "key-second": "key refused",
    **dict.fromkeys(
        ["key-none", "key-none-http2", "key-none-models", "key-none-stream", "key-wrong", "key-cut",
         "key-longer", "key-other-case", "key-basic", "key-in-url", "key-before-model",
         "key-before-body"],
        "key not asked for",
    ),
    "key-before-path": "path crashes",
    "key-none-spoofed": "key of a spoofed user",
    "key-scheme-case": "scheme crashes",
    "key-not-repeated": "errors repeat the key",
    "model-from-body": "model of a header",
    "limits-not-from-client": "timeout of a header",
    "key-not-passed-on": "key passed on",
    **dict.fromkeys(
        ["closed-metrics", "closed-invocations", "closed-tokenize", "closed-v1-load_lora_adapter",
         "closed-v1-up-metrics"],
        "engine open",
    ),
    "models-list": "models of others",
    "models-shape": "models without owner",
    "completion-shape": "completion without id",
    "completion-type": "completion as text",
    "completion-usage": "usage wrong",
    "completion-max-tokens": "max_tokens ignored",
    "completion-http2": "key refused",
    **dict.fromkeys(
        [f"completion-{name}"
         for name in ("parameters", "stop", "conversation", "unicode", "parts", "user")],
        "completion plain only",
    ),
    "guardrails": "guardrails off",
    "stream-whole": "stream without end",
    "stream-http2": "stream without end",
    "stream-lines": "stream with noise",
    "stream-shape": "stream without reason",
    "stream-usage": "stream without usage",
    "stream-without-usage": "stream without end",
    "stream-at-once": "stream held back",
    "stream-parallel": "stream alone",
    "stream-cancelled": "completion refused after a stream",
    "stream-cancelled-http2": "completion refused after a stream",
    "stream-long": "stream cut",
    **{f"long-{size}-http{version}": "long refused"
       for size in (66_000, 85_000, 300_000, 1_000_000, 4_000_000) for version in (1, 2)},
    "long-chunked": "chunked refused",
    "too-long": "long accepted",
    "slow-request": "half refused at once",
    "half-request": "half blocks others",
    **dict.fromkeys(
        [f"malformed-{name}"
         for name in ("cut-off", "list", "no-utf-8", "no-model", "no-body", "deep", "unclosed",
                      "gzip", "large-header", "chunks", "length", "two-lengths")]
        + ["wrong-max-tokens", "wrong-messages", "wrong-no-messages", "unknown-model"],
        "malformed crashes",
    ),
    "unknown-path": "path crashes",
    "wrong-method": "method ignored",
    "content-type": "type crashes",
    "many-headers": "headers crash",
    **dict.fromkeys(
        [f"error-{name}"
         for name in ("denied", "unknown-model", "unknown-path", "malformed", "wrong-value")],
        "errors of another shape",
    ),
    "quota-announced": "quota silent",
    "quota-promised": "quota of another size",
    "quota-window": "quota window stands still",
    "quota-charged": "quota charges one more",
    "quota-charged-stream": "quota charges no stream",
    "quota-charged-silent": "quota charges no silent stream",
    "quota-errors-free": "quota charges errors",
    "quota-own": "quota shared",
    "quota-not-spoofed": "quota of a spoofed user",
    "quota-used-up": "quota endless",
    "quota-used-up-spoofed": "quota of a spoofed user",
    "quota-used-up-others": "quota shared",
}  # fmt: skip


@dataclass
class Request:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    malformed: bool = False


@dataclass
class Reply:
    """Its answer, in pieces."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] = ()


class Refused(Exception):
    """An error of OpenAI's shape."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Fake:
    """The gateway's mind."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.spent = {KEY: 0, SECOND: 0, "somebody-else": 0}
        self.begun = time.monotonic()
        self.half = self.streams = 0
        self.streamed = False

    def respond(self, request: Request) -> Reply:
        """The answer to a request, whatever it is."""
        try:
            return self._respond(request)
        except Refused as refused:
            status, message = refused.status, str(refused)
            if self.fault == "errors repeat the key":
                message += str(request.headers)
            error: Any = {"message": message, "type": "error", "code": status}
            if self.fault == "errors of another shape":
                error = message
            return self._json(status, {"error": error})

    def _json(self, status: int, data: Any, **headers: str) -> Reply:
        kind = "text/plain" if self.fault == "completion as text" else "application/json"
        text = json.dumps(data).encode()
        return Reply(status, {"content-type": kind, **headers}, iter([text]))

    def _respond(self, request: Request) -> Reply:
        if self.fault == "path crashes" and request.path == "/v1/no-such-path":
            raise Refused(500, "a crash")
        user = self._user(request)
        if self.fault == "half blocks others" and self.half:
            raise Refused(503, "somebody else has not sent all")
        path = request.path.partition("?")[0]
        if self.fault == "engine open" and not path.startswith(("/v1/chat", "/v1/models")):
            return self._json(200, {})
        if path == "/v1/models" and request.method == "GET":
            return self._models()
        posted = request.method == "POST" or self.fault == "method ignored"
        if path != "/v1/chat/completions" or not posted:
            raise Refused(404, "there is no such path")
        return self._complete(request, user)

    def _user(self, request: Request) -> str:
        headers = request.headers
        if self.fault == "key in a header of its own":
            if headers.get("x-api-key") not in (KEY, SECOND):
                raise Refused(403, "no such key")
            return KEY
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if self.fault == "key of a spoofed user" and "x-user-id" in headers:
            return KEY
        if self.fault == "key not asked for":
            return key if key in self.spent else KEY
        if self.fault == "scheme crashes" and scheme == "bearer":
            raise Refused(500, "a crash")
        if self.fault == "key refused" or scheme != "Bearer" or key not in (KEY, SECOND):
            raise Refused(401, "no such key")
        if self.fault == "quota of a spoofed user" and "x-user-id" in headers:
            return headers["x-user-id"]
        return KEY if self.fault == "quota shared" else key

    def _models(self) -> Reply:
        name = "another" if self.fault == "models of others" else MODEL
        model = {"id": name, "object": "model", "created": 1, "owned_by": "fake"}
        if self.fault == "models without owner":
            del model["owned_by"]
        return self._json(200, {"object": "list", "data": [model]})

    def _complete(self, request: Request, user: str) -> Reply:
        fault, headers = self.fault, request.headers
        crashing = {"malformed crashes": request.malformed,
                    "type crashes": headers.get("content-type") == "text/plain",
                    "headers crash": len(headers) > 100,
                    "timeout of a header": "x-envoy-upstream-rq-timeout-ms" in headers,
                    "completion refused after a stream": self.streamed,
                    "chunked refused": "transfer-encoding" in headers,
                    "long refused": len(request.body) > 60_000}  # fmt: skip
        if crashing.get(fault):
            raise Refused(500, "a crash")
        if request.malformed:
            raise Refused(400, "malformed")
        if len(headers) > 100:
            raise Refused(431, "too many headers")
        if len(request.body) > LARGEST and fault != "long accepted":
            raise Refused(413, "too long")
        asked = self._asked(request, user)
        spent = self.spent[user]
        if spent > LIMIT and fault != "quota endless":
            return self._json(429, {"error": {}}, **self._limits(spent))
        return self._answer(request, asked, user, self._limits(spent))

    def _asked(self, request: Request, user: str) -> dict[str, Any]:
        crash = 500 if self.fault == "malformed crashes" else 0
        if self.fault == "quota charges errors":
            self.spent[user] += 1
        try:
            text = request.body
            if request.headers.get("content-encoding") == "gzip":
                text = zlib.decompress(text, 31)
            asked = json.loads(text)
            model, messages = asked["model"], asked["messages"]
            asked.setdefault("max_tokens", 16)
            if not isinstance(messages, list) or not isinstance(asked["max_tokens"], int):
                raise TypeError("a wrong value")
        except (ValueError, LookupError, TypeError, RecursionError, zlib.error) as error:
            raise Refused(crash or 400, f"{type(error).__name__}") from None
        if self.fault == "quota charges errors":
            self.spent[user] -= 1
        if model != MODEL:
            raise Refused(crash or 404, "there is no such model")
        if BLOCKED in str(messages) and self.fault != "guardrails off":
            raise Refused(403, "blocked")
        plain = {"model", "messages", "max_tokens", "temperature", "stream", "stream_options"}
        if self.fault == "completion plain only" and (
            asked.keys() - plain or asked["temperature"] or messages[0]["content"] != "Say yes."
        ):
            raise Refused(400, "too much")
        return asked

    def _limits(self, spent: int) -> dict[str, str]:
        if self.fault == "quota silent":
            return {}
        size = 900 if self.fault == "quota of another size" else LIMIT
        passed = 0 if self.fault == "quota window stands still" else time.monotonic() - self.begun
        return {
            "x-ratelimit-limit": f"{size}, {size};w=3600",
            "x-ratelimit-remaining": str(max(0, LIMIT - spent)),
            "x-ratelimit-reset": str(3600 - int(passed)),
        }

    def _answer(
        self, request: Request, asked: dict[str, Any], user: str, headers: dict[str, str]
    ) -> Reply:
        fault = self.fault
        count = min(asked["max_tokens"], 4096) if fault != "max_tokens ignored" else 9
        usage = {"prompt_tokens": 3, "completion_tokens": count, "total_tokens": 3 + count}
        if fault == "usage wrong":
            usage["total_tokens"] += 1
        received = set(request.headers) - {"authorization"}
        if fault == "key passed on":
            received.add("authorization")
        headers = {**headers, "x-dsv4deploy-received": ",".join(received)}
        name = request.headers.get("x-ai-eg-model") if fault == "model of a header" else None
        common = {"id": "1", "created": 1, "model": name or MODEL}
        charge = 3 + count + (fault == "quota charges one more")
        if not asked.get("stream"):
            self.spent[user] += charge
            message = {"role": "assistant", "content": "yes " * count}
            choice = {"index": 0, "message": message, "finish_reason": "length"}
            whole = {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
            if fault == "completion without id":
                del whole["id"]
            return self._json(200, whole, **headers)
        told = (asked.get("stream_options") or {}).get("include_usage")
        free = fault == "quota charges no stream" or (
            fault == "quota charges no silent stream" and not told
        )
        self.spent[user] += 0 if free else charge
        if fault == "stream alone" and self.streams:
            raise Refused(503, "one at a time")
        headers["content-type"] = "text/event-stream"
        return Reply(200, headers, self._stream(common, count, usage if told else None))

    def _stream(
        self, common: dict[str, Any], count: int, usage: dict[str, int] | None
    ) -> Iterator[bytes]:
        fault = self.fault
        self.streams += 1
        self.streamed = True

        def event(**more: Any) -> bytes:
            chunk = {**common, "object": "chat.completion.chunk", **more}
            return f"data: {json.dumps(chunk)}\n\n".encode()

        try:
            if fault == "stream held back":
                time.sleep(1.1)
            for number in range(count):
                reason = "length" if number == count - 1 else None
                if fault == "stream without reason":
                    reason = None
                delta = {"role": "assistant", "content": "yes "}
                yield event(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])
                if fault == "stream with noise":
                    yield b"noise\n"
                if fault == "stream cut" and number == 9:
                    return
                if fault != "stream held back":
                    time.sleep(0.005)
            if usage and fault != "stream without usage":
                yield event(choices=[], usage=usage)
            if fault != "stream without end":
                yield b"data: [DONE]\n\n"
        finally:
            self.streams -= 1


class Handler(socketserver.StreamRequestHandler):
    """A connection, of either version."""

    @property
    def fake(self) -> Fake:
        return self.server.fake  # type: ignore[attr-defined, no-any-return]

    def handle(self) -> None:
        with suppress(ConnectionError, ProtocolError, ssl.SSLError):
            first = self.rfile.readline(80_000)
            if first.startswith(b"PRI "):
                self.http2(first)
            while first:
                request = self.request_of(first)
                if request is None:
                    return
                self.send(self.fake.respond(request))
                if request.malformed:
                    return
                first = self.rfile.readline(80_000)

    def request_of(self, first: bytes) -> Request | None:
        """The rest of a request; None where its sender was too slow, who is told."""
        method, path, _ = first.decode().split()
        headers: dict[str, str] = {}
        lines = iter(lambda: self.rfile.readline(80_000).decode().rstrip("\r\n"), "")
        for line in lines:
            name, _, text = line.partition(": ")
            headers[name.lower()] = text
        request = Request(method, path, headers, b"")
        length = headers.get("content-length", "0")
        chunked = "transfer-encoding" in headers
        request.malformed = (
            not length.isdecimal()
            or (chunked and "content-length" in headers)
            or any(len(text) > 60_000 for text in headers.values())
        )
        if request.malformed:
            return request
        self.fake.half += 1
        self.connection.settimeout(PATIENCE)
        try:
            if self.fake.fault == "half refused at once" and len(self.rfile.peek()) < int(length):
                raise TimeoutError
            request.body = self.chunks() if chunked else self.rfile.read(int(length))
        except ValueError:
            request.malformed = True
        except TimeoutError:
            self.send(Reply(408))
            return None
        finally:
            self.fake.half -= 1
            self.connection.settimeout(None)
        return request

    def chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def send(self, reply: Reply) -> None:
        lines = [f"HTTP/1.1 {reply.status} X", "transfer-encoding: chunked"]
        lines += [f"{name}: {text}" for name, text in reply.headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        for piece in reply.pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def http2(self, first: bytes) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        requests: dict[int, Request] = {}
        data = first
        while data:
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    headers = dict(event.headers)
                    known = {name: text for name, text in headers.items() if name[0] != ":"}
                    request = Request(headers[":method"], headers[":path"], known, b"")
                    requests[event.stream_id] = request
                elif isinstance(event, DataReceived):
                    requests[event.stream_id].body += event.data
                    size = event.flow_controlled_length
                    connection.acknowledge_received_data(size, event.stream_id)
                elif isinstance(event, StreamEnded):
                    self.send_http2(connection, event.stream_id, requests.pop(event.stream_id))
            self.connection.sendall(connection.data_to_send())
            data = self.rfile.read1(65_536)  # type: ignore[attr-defined]

    def send_http2(self, connection: H2Connection, stream: int, request: Request) -> None:
        reply = self.fake.respond(request)
        connection.send_headers(stream, [(":status", str(reply.status)), *reply.headers.items()])
        for piece in reply.pieces:
            connection.send_data(stream, piece)
            self.connection.sendall(connection.data_to_send())
        connection.end_stream(stream)


@contextmanager
def serving(fault: str = "", *, tls: bool = False) -> Iterator[str]:
    """A gateway, by its URL; with TLS its certificate is the one of tests/data/tls."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(SERVER)
            context.set_alpn_protocols(["h2", "http/1.1"])
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        server.daemon_threads = True
        server.fake = Fake(fault)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()
