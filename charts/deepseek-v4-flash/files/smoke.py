"""What ``helm test`` runs: asks the service for one completion, and fails if it is garbage.

The chart carries this file with the text of the imported modules in the place of their imports.
"""

import os
import sys

"""Whether a model's answer is garbage: the known ways in which a broken engine still answers 200.

Imports the standard library only, for the chart's ``helm test`` carries this file's text. Every
check is a sign of a wrong kernel, quantization or cache: text that repeats itself, scripts mixed
into each other, bytes that are no text, special tokens, JSON that breaks off, a wrong count.
"""

import json
import re
import unicodedata

PROMPT = "Count from one to five in English words."
"""What is asked to see whether an engine makes sense."""

_NUMBERS = ("one", "two", "three", "four", "five")
# A unit of up to 60 characters, five times in a row or more.
_REPEATED = re.compile(r"(.{1,60}?)\1{4,}", re.DOTALL)
_SPECIAL = re.compile(r"<[|\uff5c][^<>]{1,40}[|\uff5c]>|</?s>|<unk>|<pad>")
_WINDOW = 64  # words
# Scripts by the first word of their letters' Unicode names. Greek is none of them: it is in
# formulas of any language. Chinese, Japanese and Korean are one, for they borrow from each other.
_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "THAI": "Thai",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
    "CJK": "Chinese",
    "HIRAGANA": "Chinese",
    "KATAKANA": "Chinese",
    "HANGUL": "Chinese",
}


def garbage(text: str, asked: str = "prose") -> str:
    """Why an answer is garbage; ``""`` where it is none.

    Args:
        text: the answer.
        asked: what was asked for: ``prose``, ``json`` (JSON and nothing else), or ``count`` (the
            answer to :data:`PROMPT`).
    """
    checks = [_unreadable, _special, _repeated, _mixed]
    checks += {"prose": [], "json": [_broken_json], "count": [_wrong_count]}[asked]
    if not text.strip():
        return "the answer is empty"
    return next((why for why in (check(text) for check in checks) if why), "")


def _unreadable(text: str) -> str:
    # The last token of an answer that was cut may end within a character.
    wrong = re.findall(r"[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text.rstrip("\ufffd"))
    return f"{len(wrong)} characters are no text" if wrong else ""


def _special(text: str) -> str:
    found = _SPECIAL.search(text)
    return f"the special token {found.group()} is in the answer" if found else ""


def _repeated(text: str) -> str:
    for match in _REPEATED.finditer(text):
        unit, run = match.group(1), match.group()
        # Lines, dots and zeros are drawn on purpose; words and exclamation marks are not.
        written = any(char.isalpha() or char == "!" for char in unit)
        if written and len(run) >= (10 if _dense(unit) else 24):
            return f"{unit.strip()[:20]!r} is repeated {len(run) // len(unit)} times"
    words = re.findall(r"\w+", text.lower())
    for start in range(0, len(words) - _WINDOW + 1, _WINDOW // 2):
        window = words[start : start + _WINDOW]
        if len(set(window)) < _WINDOW // 5 and any(word.isalpha() for word in window):
            return f"{_WINDOW} words in a row are {len(set(window))} different ones"
    return ""


def _dense(unit: str) -> bool:
    """Whether a character is a word or nearly one."""
    return any(_script(char) == "Chinese" for char in unit)


def _script(char: str) -> str:
    if not char.isalpha():
        return ""
    return _SCRIPTS.get(unicodedata.name(char, "").partition(" ")[0], "")


def _mixed(text: str) -> str:
    found: set[str] = set()
    before = ""
    for char in text:
        script = _script(char)
        if script and before and script != before and "Chinese" not in (script, before):
            return f"{before} and {script} letters are in one word"
        if script:
            found.add(script)
        before = script
    return f"{', '.join(sorted(found))} letters are in one answer" if len(found) > 2 else ""


def _broken_json(text: str) -> str:
    inner = re.sub(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", r"\1", text, flags=re.DOTALL).strip()
    try:
        json.loads(inner)
    except RecursionError:
        return "the JSON is nested too deeply"
    except ValueError as error:
        cut = getattr(error, "pos", 0) >= len(inner) or "Unterminated" in str(error)
        return f"the JSON {'breaks off' if cut else 'is wrong'}: {error}"
    return ""


def _wrong_count(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text.lower())
    # One of the five may be missing: the sign looked for is nonsense, not a slip.
    if not any(
        _in_order([number for number in _NUMBERS if number != left_out], words)
        for left_out in _NUMBERS
    ):
        found = sum(number in words for number in _NUMBERS)
        return f"the answer holds {found} of the five words asked for, or not in their order"
    if any(_script(char) not in ("", "Latin") for char in text):
        return "an English answer holds letters of another script"
    return ""


def _in_order(wanted: list[str], words: list[str]) -> bool:
    rest = iter(words)
    return all(word in rest for word in wanted)
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


def printable(text: str) -> str:
    """Text of a server for a terminal, which would obey control characters: each is escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def main() -> None:
    """Reads URL, MODEL and TIMEOUT (in seconds) from the environment and prints the answer."""
    timeout = float(os.environ["TIMEOUT"])
    done = ask(os.environ["URL"], os.environ["MODEL"], PROMPT, timeout=timeout)
    print(printable(done.text))
    if done.error:
        sys.exit(printable(done.error))
    why = garbage(done.text, "count")
    if why:
        sys.exit(printable(f"garbage: {why}"))


if __name__ == "__main__":
    main()
