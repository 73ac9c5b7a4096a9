"""What requests may look like: long ones, malformed ones, and the errors that these get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx

from ..completion.stream import COMPLETIONS
from .case import (
    FailedError,
    answered,
    case,
    expect,
    expect_rejected,
    http2,
    require,
    shown,
)
from .gateway import ENDED, NO_KEY, Gateway

LONG, MALFORMED, ERRORS = "Long requests", "Malformed requests", "Errors"


# --- long ---------------------------------------------------------------------------------------


def padded(gateway: Gateway, size: int) -> bytes:
    """A completion's request of a size in bytes; what fills it is blank, and costs no token."""
    text = json.dumps(gateway.body())
    return f"{text[:-1]}{' ' * (size - len(text))}}}".encode()


def _long(gateway: Gateway, size: int, http2: bool) -> str:
    try:
        return expect(gateway.ask(content=padded(gateway, size), http2=http2), 200)
    except httpx.TimeoutException:
        found = (
            f"no answer in {gateway.target.timeout:g} s; it does not read the rest of the request"
        )
    except httpx.HTTPError as error:
        found = f"the gateway closed the connection during the request: {type(error).__name__}"
    raise FailedError(found)


def _taken(gateway: Gateway, size: int) -> str:
    limit = gateway.target.max_request or 1_000_000
    return "" if size <= limit else f"longer than {limit:,} bytes; see --max-request"


for _size in (66_000, 85_000, 300_000, 1_000_000, 4_000_000):
    for _name, _http2, _needs in (("HTTP/1.1", False, ()), ("HTTP/2", True, (http2,))):
        case(
            LONG,
            f"long-{_size}-{'http2' if _http2 else 'http1'}",
            f"A request of {_size:,} bytes is answered over {_name}.",
            "The status is 200. The request is padded with spaces, which cost no tokens.",
            partial(_taken, size=_size),
            *_needs,
        )(partial(_long, size=_size, http2=_http2))


@case(
    LONG,
    "long-chunked",
    "A long request may come in chunks, without a length.",
    "85,000 bytes with Transfer-Encoding: chunked are 200.",
)
def _chunked(gateway: Gateway) -> str:
    content = padded(gateway, 85_000)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(content), 10_000):
            yield content[start : start + 10_000]

    return expect(gateway.ask(content=pieces()), 200)


@case(
    LONG,
    "too-long",
    "A request that is too long is rejected immediately.",
    "A request 10 % larger than --max-request gets 413, over HTTP/1.1.",
    lambda gateway: "" if gateway.target.max_request else "needs --max-request",
)
def _too_long(gateway: Gateway) -> str:
    assert gateway.target.max_request  # noqa: S101 the case needs it
    content = padded(gateway, gateway.target.max_request * 11 // 10)
    return expect(gateway.ask(content=content), 413)


@case(
    LONG,
    "slow-request",
    "A client that does not send the rest of its request gets 408.",
    "Half of a request gets 408 between half of --receive-timeout and 12 s after it.",
    lambda gateway: "" if gateway.target.receive_timeout else "needs --receive-timeout",
)
def _slow(gateway: Gateway) -> str:
    limit = gateway.target.receive_timeout or 0
    content = padded(gateway, 2000)
    status, seconds = gateway.raw(content[:-9], f"Content-Length: {len(content)}", wait=limit + 12)
    found = f"HTTP {status} after {seconds:.1f} s"
    require(status == 408 and seconds >= limit / 2, f"{found}; expected 408 after {limit:g} s")
    return found


@case(
    LONG,
    "half-request",
    "A client that stops halfway does not block others.",
    "While 8 connections have sent half of a request, a completion is 200.",
)
def _half(gateway: Gateway) -> str:
    content = padded(gateway, 2000)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(gateway.raw, content[:-9], f"Content-Length: {len(content)}", wait=2)
        return answered(gateway)


# --- malformed ----------------------------------------------------------------------------------


def _malformed(gateway: Gateway, content: bytes, headers: tuple[str, ...]) -> str:
    status, _ = gateway.raw(content, *headers)
    require(status == ENDED or 400 <= status < 500, f"HTTP {status}; expected 400 to 499")
    answered(gateway)
    return f"HTTP {status}" if status else "the connection was closed"


_DEEP = b'{"messages":' + b"[" * 500_000 + b"]" * 500_000 + b"}"
for _code, _what, _content, _headers in (
    ("cut-off", "JSON that ends too early", b'{"model": "x", ', ()),
    ("list", "a list", b"[]", ()),
    ("no-utf-8", "bytes that are not UTF-8", b"\xff\xfe{}", ()),
    ("no-model", "an object without a model", b"{}", ()),
    ("no-body", "no body", b"", ()),
    ("deep", "500,000 nested brackets", _DEEP, ()),
    ("unclosed", "a million opening brackets", b"[" * 1_000_000, ()),
    ("gzip", "invalid gzip", b"abcd", ("Content-Encoding: gzip",)),
    ("large-header", "a header of 70,000 bytes", b"{}", (f"X-Large: {'a' * 70_000}",)),
    ("chunks", "invalid chunks", b"zz\r\n", ("Transfer-Encoding: chunked",)),
    ("length", "a length that is not a number", b"{}", ("Content-Length: many",)),
    ("two-lengths", "two lengths, which two servers could read differently", b"0\r\n\r\n",
     ("Content-Length: 5", "Transfer-Encoding: chunked")),
):  # fmt: skip
    case(
        MALFORMED,
        f"malformed-{_code}",
        f"A request with {_what} is rejected, and the gateway keeps running.",
        "The status is 400 to 499, or the connection closes; the next completion is 200.",
    )(partial(_malformed, content=_content, headers=_headers))


def _rejected(gateway: Gateway, **fields: Any) -> str:
    return expect_rejected(gateway.ask(**fields))


for _code, _what, _fields in (
    ("max-tokens", "text as max_tokens", {"max_tokens": "many"}),
    ("messages", "text as messages", {"messages": "Say yes."}),
    ("no-messages", "no messages", {"messages": None}),
):
    case(
        MALFORMED,
        f"wrong-{_code}",
        f"A request with {_what} is rejected.",
        "The status is 400 to 499.",
    )(partial(_rejected, **_fields))


@case(
    MALFORMED,
    "unknown-model",
    "An unknown model is not found.",
    "The status is 404, like OpenAI's.",
)
def _unknown_model(gateway: Gateway) -> str:
    return expect(gateway.ask(model="no-such-model-anywhere"), 404)


@case(MALFORMED, "unknown-path", "An unknown path is not found.", "The status is 404.")
def _unknown_path(gateway: Gateway) -> str:
    return expect(gateway.ask("/v1/no-such-path", method="GET"), 404)


@case(
    MALFORMED,
    "wrong-method",
    "The completions endpoint accepts POST only.",
    "GET, PUT and DELETE are 404 or 405.",
)
def _method(gateway: Gateway) -> str:
    found = [gateway.ask(method=method) for method in ("GET", "PUT", "DELETE")]
    return [expect(answer, 404, 405) for answer in found][-1]


@case(
    MALFORMED,
    "content-type",
    "A valid body with another content type is answered or rejected, and breaks nothing.",
    "As text/plain it is 200, 400, 415 or 422.",
)
def _content_type(gateway: Gateway) -> str:
    return expect(gateway.ask(headers={"Content-Type": "text/plain"}), 200, 400, 415, 422)


@case(
    MALFORMED,
    "many-headers",
    "A request with many headers is answered or rejected, and breaks nothing.",
    "A completion with 200 more headers is 200, 400 or 431.",
)
def _many(gateway: Gateway) -> str:
    return expect(gateway.ask(headers={f"x-{n}": "a" for n in range(200)}), 200, 400, 431)


# --- errors -------------------------------------------------------------------------------------


def _shaped(gateway: Gateway, answer: httpx.Response) -> str:
    """Fails unless an error has OpenAI's shape, or is a sentence where that is allowed."""
    expect_rejected(answer)
    require("Traceback (most recent" not in answer.text, f"a stack trace: {shown(answer)}")
    if "json" not in answer.headers.get("content-type", ""):
        require(not gateway.target.json_errors, f"not JSON: {shown(answer)}")
        return shown(answer)
    try:
        error = answer.json().get("error")
    except ValueError:
        # Envoy AI Gateway 1.0.0 quotes a parser's message without escaping it.
        require(not gateway.target.json_errors, f"invalid JSON: {shown(answer)}")
        return f"invalid JSON: {shown(answer)}"
    require(isinstance(error, dict), f"`error` is not an object: {shown(answer)}")
    require(error.get("message"), f"`error` has no message: {shown(answer)}")
    require("type" in error and "code" in error, f"`error` has no type or code: {shown(answer)}")
    return shown(answer)


for _code, _what, _wrong in (
    ("denied", "a request without a key", {"key": NO_KEY}),
    ("unknown-model", "an unknown model", {"model": "no-such-model-anywhere"}),
    ("unknown-path", "an unknown path", {"path": "/v1/no-such-path"}),
    ("malformed", "malformed JSON", {"content": b"{"}),
    ("wrong-value", "a wrong value", {"max_tokens": "many"}),
):

    def _error(gateway: Gateway, fields: dict[str, Any] = _wrong) -> str:
        return _shaped(gateway, gateway.ask(**{"path": COMPLETIONS, **fields}))

    case(
        ERRORS,
        f"error-{_code}",
        f"The error of {_what} has OpenAI's format.",
        "A JSON body has an `error` with message, type and code, and no stack trace. Other bodies "
        "pass, unless --json-errors is set.",
    )(_error)
