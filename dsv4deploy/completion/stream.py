"""One streamed completion through an ingress: does it answer, count tokens, and make sense?"""

from __future__ import annotations

import http.client
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..bench.worker import REFUSALS, SIMULATOR, Failed, headers
from ..errors import DeployError
from .garbage import PROMPT


@dataclass(frozen=True)
class Completion:
    """What came back.

    Attributes:
        text: the answer.
        first_token_seconds: from the request to the first text.
        seconds: from the request to the end.
        prompt_tokens: of the request, as the engine counted them.
        completion_tokens: of the answer, as the engine counted them.
        simulator: what a simulator says of itself; ``""`` where an engine has answered.
    """

    text: str
    first_token_seconds: float
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    simulator: str = ""


def ask(url: str, model: str, key: str = "", timeout: float = 300.0) -> Completion:
    """Streams one completion.

    Args:
        url: of the chat completions.
        model: the served model's name.
        key: an API key; ``""`` sends none.
        timeout: seconds without a byte.

    Raises:
        DeployError: there was no answer, or it was refused or broken off; or the URL or the key
            can't be one.
    """
    try:
        sent = headers(key)
    except Failed as failed:
        raise DeployError(str(failed)) from None
    connection, target = _opened(url, timeout)
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": 64,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    start = time.monotonic()
    try:
        connection.request("POST", target, json.dumps(body), sent)
        response = connection.getresponse()
        if response.status != 200:
            raise DeployError(_refused(url, response.status, response.read(2000)))
        return _read(response, start)
    except (OSError, http.client.HTTPException) as error:
        raise DeployError(f"{url}: no answer: {error}: is the service ready?") from None
    finally:
        connection.close()


def _opened(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection to a URL's host, and what to ask there for."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch("[!-~]+", url):
        raise DeployError(f"{url}: must be http://host[:port]/…/v1/chat/completions")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return kind(host, port, timeout=timeout), target


def _refused(url: str, status: int, body: bytes) -> str:
    told = REFUSALS.get(status, body.decode(errors="replace").strip()[:200])
    return f"{url}: {status}: {told}"


def _told(error: Any) -> str:
    """An error event's message, which OpenAI's API holds in an object."""
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)


def _read(response: http.client.HTTPResponse, start: float) -> Completion:
    text, first = "", 0.0
    usage: dict[str, Any] = {}
    ended = False
    for line in response:
        data = line.decode(errors="replace").strip().removeprefix("data:").strip()
        if data == "[DONE]":
            ended = True
            break
        if not data.startswith("{"):
            continue
        try:
            chunk = json.loads(data)
        except ValueError:  # cut within a line
            break
        if chunk.get("error"):
            told = _told(chunk["error"])
            raise DeployError(f"an error came after {len(text)} characters: {told}")
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or []:
            piece = (choice.get("delta") or {}).get("content") or ""
            first = first or (time.monotonic() - start if piece else 0.0)
            text += piece
    if not ended:
        raise DeployError(f"the stream broke off after {len(text)} characters")
    return Completion(
        text,
        first,
        time.monotonic() - start,
        int(usage.get("prompt_tokens", 0)),
        int(usage.get("completion_tokens", 0)),
        response.getheader(SIMULATOR, ""),
    )
