"""Who gets in, as whom, and to what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..bench.simulate import MODELS
from ..completion.stream import COMPLETIONS
from .case import (
    answered,
    bearer,
    case,
    expect,
    expect_rejected,
    http2,
    received,
    require,
    second_key,
    shown,
)
from .gateway import NO_KEY, Gateway

KEYS, IDENTITY, ENGINE = "Keys", "Identity", "The engine's other endpoints"
SPOOFED = {
    "x-user-id": "somebody-else",
    "x-ai-eg-model": "another-model",
    "x-forwarded-user": "somebody-else",
    "x-auth-request-user": "somebody-else",
    "x-consumer-username": "somebody-else",
}
"""Headers that gateways identify a client or a model by, as a client would forge them."""


@case(KEYS, "key-right", "A request with a valid key is answered.", "A completion is 200.")
def _right(gateway: Gateway) -> str:
    return answered(gateway)


@case(
    KEYS,
    "key-second",
    "The key of another client is also valid.",
    "A completion is 200.",
    second_key,
)
def _second(gateway: Gateway) -> str:
    return expect(gateway.ask(key=gateway.target.second_key), 200)


def _denied(
    gateway: Gateway,
    key: str = NO_KEY,
    path: str = COMPLETIONS,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    **options: bool | str | bytes,
) -> str:
    answer = gateway.ask(path, method=method, key=key, headers=headers, **options)  # type: ignore[arg-type]
    return expect(answer, gateway.target.denial)


for _code, _what, _options in (
    ("key-none", "no key", {}),
    ("key-none-http2", "no key over HTTP/2", {"http2": True}),
    ("key-none-models", "no key for the list of models", {"path": MODELS, "method": "GET"}),
    ("key-none-stream", "no key for a stream", {"stream": True}),
    ("key-wrong", "a key of no client", {"key": "wrong-key-of-nobody"}),
    ("key-none-spoofed", "headers that name a client, and no key", {"headers": SPOOFED}),
):
    case(
        KEYS,
        _code,
        f"A request with {_what} is denied.",
        "The status is the one of --denial.",
        *([http2] if "http2" in _options else []),
    )(partial(_denied, **_options))


for _code, _what, _change in (
    ("key-cut", "a key without its last character", lambda key: key[:-1]),
    ("key-longer", "a key with one more character", lambda key: f"{key}x"),
    ("key-other-case", "a key in the other case", str.swapcase),
):

    def _changed(gateway: Gateway, change=_change) -> str:  # type: ignore[no-untyped-def]
        return _denied(gateway, change(gateway.target.key))

    case(KEYS, _code, f"A request with {_what} is denied.", "The status is the one of --denial.")(
        _changed
    )


@case(
    KEYS,
    "key-basic",
    "A key under another scheme than Bearer is denied.",
    "`Authorization: Basic KEY` gets the status of --denial.",
    bearer,
)
def _basic(gateway: Gateway) -> str:
    return _denied(gateway, headers={"Authorization": f"Basic {gateway.target.key}"})


@case(
    KEYS,
    "key-scheme-case",
    "`bearer` in lowercase is accepted or denied, and breaks nothing.",
    "`Authorization: bearer KEY` is 200 or the status of --denial. In RFC 9110, schemes are "
    "case-insensitive; in Envoy's filter, they are not.",
    bearer,
)
def _scheme(gateway: Gateway) -> str:
    headers = {"Authorization": f"bearer {gateway.target.key}"}
    return expect(gateway.ask(key=NO_KEY, headers=headers), 200, gateway.target.denial)


@case(
    KEYS,
    "key-in-url",
    "A key in the URL, which logs would record, is denied.",
    "`?api_key=KEY` without a header gets the status of --denial.",
)
def _in_url(gateway: Gateway) -> str:
    return _denied(gateway, path=f"{COMPLETIONS}?api_key={gateway.target.key}")


@case(
    KEYS,
    "key-before-model",
    "Without a key, a client does not learn which models exist.",
    "An unknown model without a key gets the same answer as a known one.",
)
def _before_model(gateway: Gateway) -> str:
    known, unknown = (
        gateway.ask(key=NO_KEY, model=name) for name in (None, "no-such-model-anywhere")
    )
    found = expect(unknown, gateway.target.denial)
    require(
        known.status_code == unknown.status_code,
        f"a known model: {shown(known)}; an unknown one: {shown(unknown)}",
    )
    return found


@case(
    KEYS,
    "key-before-path",
    "Without a key, no path is answered.",
    "An unknown path without a key gets the status of --denial, or 404.",
)
def _before_path(gateway: Gateway) -> str:
    answer = gateway.ask("/v1/no-such-path", method="GET", key=NO_KEY)
    return expect(answer, gateway.target.denial, 404)


@case(
    KEYS,
    "key-before-body",
    "A long request without a key is denied.",
    "100,000 bytes without a key get the status of --denial, or 413.",
)
def _before_body(gateway: Gateway) -> str:
    content = b'{"model": "' + b"x" * 100_000 + b'"}'
    return expect(gateway.ask(key=NO_KEY, content=content), gateway.target.denial, 413)


@case(
    KEYS,
    "key-not-repeated",
    "No answer repeats a key.",
    "Headers and bodies of an answer, of an error and of a denial do not contain the key sent.",
)
def _repeated(gateway: Gateway) -> str:
    wrong = "wrong-key-that-nobody-should-repeat"
    for key, options in (
        ("", {}),
        ("", {"content": b"{"}),
        (wrong, {}),
    ):
        answer = gateway.ask(key=key, **options)  # type: ignore[arg-type]
        sent = key or gateway.target.key
        whole = answer.text + "".join(answer.headers.values())
        require(sent not in whole, f"HTTP {answer.status_code} repeats the key that was sent")
    return "none of three answers contains the key"


# --- identity -----------------------------------------------------------------------------------


@case(
    IDENTITY,
    "model-from-body",
    "The body names the model, and no header does.",
    "A completion with forged headers is 200, and its model is the body's.",
)
def _model(gateway: Gateway) -> str:
    plain, forged = gateway.ask(), gateway.ask(headers=SPOOFED)
    found = expect(forged, 200)
    models = [answer.json().get("model") for answer in (plain, forged)]
    require(models[0] == models[1], f"the models are {models[0]} and, with headers, {models[1]}")
    return found


@case(
    IDENTITY,
    "limits-not-from-client",
    "A client cannot shorten or lengthen the gateway's own timeouts.",
    "A completion with `x-envoy-upstream-rq-timeout-ms: 1` is 200.",
)
def _timeouts(gateway: Gateway) -> str:
    return expect(gateway.ask(headers={"x-envoy-upstream-rq-timeout-ms": "1"}), 200)


@case(
    IDENTITY,
    "key-not-passed-on",
    "The engine does not get the key.",
    "The header that carries the key is not among those that the engine reports as received.",
    received,
)
def _stripped(gateway: Gateway) -> str:
    name = gateway.target.key_header.lower()
    names = sorted(gateway.received or ())
    require(name not in names, f"the engine got {name}")
    return f"the engine got {', '.join(names)}"


# --- the engine's endpoints ---------------------------------------------------------------------


def _closed(gateway: Gateway, path: str, method: str) -> str:
    # The second one names the model where a route would look for it.
    named = {"x-ai-eg-model": gateway.target.model}
    found = [gateway.ask(path, method=method, headers=headers) for headers in ({}, named)]
    for answer in found:
        expect_rejected(answer)
    return shown(found[-1])


for _path, _method in (
    ("/metrics", "GET"),
    ("/invocations", "POST"),
    ("/tokenize", "POST"),
    ("/v1/load_lora_adapter", "POST"),
    ("/v1/../metrics", "GET"),
):
    case(
        ENGINE,
        f"closed{_path.replace('/..', '-up').replace('/', '-')}",
        f"The engine's {_path} cannot be reached.",
        f"{_method} {_path} with a valid key is 400 to 499, even if a header names the model.",
    )(partial(_closed, path=_path, method=_method))
