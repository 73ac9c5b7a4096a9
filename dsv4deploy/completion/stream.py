"""One streamed completion: whether the engine answers, and counts its tokens.

Imports the standard library only: the benchmark's Job and the chart's ``helm test`` carry this
file's text, and run it with Python 3.10 or newer.
"""

import http.client
import json
import re
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

_LONGEST = 4 << 20
"""Bytes of an answer, far more than 64 tokens and what a server puts around each."""
COMPLETIONS = "/v1/chat/completions"
"""What the path of a URL of chat completions ends with."""
KEY = "DSV4DEPLOY_API_KEY"
"""The environment variable with the API key."""
SIMULATOR = "x-dsv4deploy-simulator"
"""The header in which a simulator describes itself, in JSON, in every response."""
REFUSALS = {
    401: f"the API key is missing or invalid; set {KEY}",
    403: "this key is not allowed to use this model",
    404: "nothing serves this path or this model",
    413: "the request is larger than the gateway's buffer",
    429: "the quota is used up",
    503: "no engine is ready",
}
"""What a response's status means, in words."""


@dataclass(frozen=True)
class Completion:
    """What came back.

    Attributes:
        text: the answer, as far as it came.
        error: why the answer is missing, incomplete or without its usage; ``""`` if it is none of
            these.
        first_token_seconds: from the request to the first text.
        seconds: from the request to the end.
        prompt_tokens: of the request, as the engine counted them.
        completion_tokens: of the answer, as the engine counted them.
        simulator: a simulator's description of itself; ``""`` if an engine answered.
    """

    text: str = ""
    error: str = ""
    first_token_seconds: float = 0.0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    simulator: str = ""


def ask(url: str, model: str, prompt: str, key: str = "", timeout: float = 300.0) -> Completion:
    """Streams one completion of up to 64 tokens, at temperature 0 and without a proxy.

    Whatever goes wrong is the completion's ``error``: nothing is raised.

    Args:
        url: of the chat completions.
        model: the served model's name.
        prompt: the user's message.
        key: an API key; ``""`` sends none.
        timeout: seconds without a byte.
    """
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 64,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    try:
        headers = _headers(key)
        connection, target = _connection(url, timeout)
    except ValueError as error:
        return Completion(error=str(error))
    start, simulator = time.monotonic(), ""
    try:
        connection.request("POST", target, json.dumps(body), headers)
        response = connection.getresponse()
        simulator = response.getheader(SIMULATOR, "")
        done = _read(response, start) if response.status == 200 else _refused(response)
    except (OSError, http.client.HTTPException) as error:
        done = Completion(
            error=f"{str(error) or type(error).__name__}; check that the service is ready"
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        done = Completion(error=f"the response is not a stream of a chat completion: {error}")
    finally:
        connection.close()
    return replace(done, simulator=simulator)


def _headers(key: str) -> dict[str, str]:
    # http.client rejects such a key too, with a message that quotes it.
    if not all("!" <= character <= "~" for character in key):
        raise ValueError(
            f"{KEY} contains whitespace, a line break or non-ASCII characters; set the bare key, "
            "as `keys create` printed it"
        )
    known = {"Authorization": f"Bearer {key}"} if key else {}
    return {"Content-Type": "application/json", **known}


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection to a URL's host, and the target of a request there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch("[!-~]+", url):
        raise ValueError(f"the URL must be http://host[:port]/…{COMPLETIONS}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return kind(host, port, timeout=timeout), target


def _refused(response: http.client.HTTPResponse) -> Completion:
    body = response.read(2000).decode(errors="replace").strip()[:200]
    why = REFUSALS.get(response.status) or body or response.reason
    return Completion(error=f"HTTP {response.status}: {why}")


def _read(response: http.client.HTTPResponse, start: float) -> Completion:
    text, first, error = "", 0.0, ""
    usage: dict[str, Any] = {}
    left = _LONGEST
    while line := response.readline(left):
        left -= len(line)
        data = line.decode(errors="replace").strip().removeprefix("data:").strip()
        if data == "[DONE]":
            break
        chunk = _object(data)
        if chunk.get("error"):
            error = f"an error came after {len(text)} characters: {_message(chunk['error'])}"
            break
        usage = chunk.get("usage") or usage
        text += "".join(
            (choice.get("delta") or {}).get("content") or ""
            for choice in chunk.get("choices") or []
        )
        if text and not first:
            first = time.monotonic() - start
    else:
        error = f"the stream {'broke off' if left else 'did not end'} after {len(text)} characters"
    prompt, answer = (int(usage.get(f"{name}_tokens", 0)) for name in ("prompt", "completion"))
    if not (answer or error):
        error = "the engine reported no token usage, so quotas cannot be charged"
    return Completion(text, error, first, time.monotonic() - start, prompt, answer)


def _message(error: Any) -> str:
    """An error event's message, which OpenAI's API has in an object."""
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)


def _object(data: str) -> dict[str, Any]:
    """The JSON object in a line; ``{}`` for a comment, a blank line or one that was cut."""
    try:
        found = json.loads(data)
    except (RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
