"""The gateway under test, as its clients reach it: HTTP/1.1, HTTP/2 and bare sockets."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from ..bench.simulate import MODELS, RECEIVED
from ..completion.stream import COMPLETIONS
from ..errors import DeployError

NO_KEY = "no key"
"""In place of a key: the request has none."""
ENDED = 0
"""In place of a status: the connection ended without one."""


@dataclass(frozen=True)
class Target:
    """What is tested, and what is expected of it.

    Attributes:
        url: the gateway's, up to and with ``/v1``.
        model: the served model's name.
        key: an API key; it must belong to the test alone, or others' requests move its budget.
        second_key: a key of another client; ``""`` skips the cases that need one.
        key_header: the header that carries the key; ``Authorization`` takes it as ``Bearer``.
        denial: the status of a request without a right key, 401 or 403.
        body: fields that are added to the body of every completion.
        quota: the budget of each key, as tokens and seconds of the window; None is unknown.
        weights: what a token of the prompt and one of the answer cost.
        max_request: bytes of the largest request that the gateway takes; None is unknown.
        receive_timeout: seconds after which a half-sent request is rejected; None is unknown.
        parallel: the number of streams that run at once.
        blocked_prompt: a prompt that the guardrails must block; ``""`` without guardrails.
        json_errors: whether every error must be JSON, those of the gateway's own filters too.
        destructive: whether a case may use up the key's budget or hold a stream for a minute.
        timeout: seconds without a byte after which a request has failed.
        verify: whether the certificate is verified.
        authority: the path of a PEM file of the authorities to trust; ``""`` trusts the system's.
    """

    url: str
    model: str
    key: str = field(repr=False)
    second_key: str = field(default="", repr=False)
    key_header: str = "Authorization"
    denial: int = 401
    body: Mapping[str, Any] = field(default_factory=dict)
    quota: tuple[int, int] | None = None
    weights: tuple[int, int] = (1, 1)
    max_request: int | None = None
    receive_timeout: float | None = None
    parallel: int = 4
    blocked_prompt: str = ""
    json_errors: bool = False
    destructive: bool = False
    timeout: float = 60.0
    verify: bool = True
    authority: str = ""

    def trusted(self) -> ssl.SSLContext | None:
        """How the certificate is verified; None for a URL without TLS.

        Raises:
            DeployError: the file of authorities contains no certificate.
        """
        if not self.url.startswith("https:"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.authority or None)
        except ssl.SSLError:
            raise DeployError(f"{self.authority}: contains no certificate in PEM format") from None
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def hidden(self, text: str) -> str:
        """A text without the keys."""
        for key in filter(None, (self.key, self.second_key)):
            text = text.replace(key, "KEY")
        return text


@dataclass
class Stream:
    """A streamed answer.

    Attributes:
        status: HTTP's.
        kind: the content type.
        lines: the lines that are not blank, each with the seconds from the request to its arrival.
    """

    status: int
    kind: str
    lines: list[tuple[float, str]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether the last line marks the end of the stream."""
        return bool(self.lines) and self.lines[-1][1] == "data: [DONE]"

    @cached_property
    def chunks(self) -> list[dict[str, Any]]:
        """The objects of the events; raises ValueError where one is not a JSON object."""
        found = []
        for _, line in self.lines:
            if line.startswith("data: ") and line != "data: [DONE]":
                chunk = json.loads(line.removeprefix("data: "))
                if not isinstance(chunk, dict):
                    raise ValueError(f"an event is not an object: {line[:80]}")
                found.append(chunk)
        return found

    @property
    def usage(self) -> dict[str, int]:
        """The tokens that the stream reports; {} where it reports none."""
        return next((chunk["usage"] for chunk in self.chunks if chunk.get("usage")), {})


class Gateway:
    """Sends the requests of a run, and counts them.

    Attributes:
        target: what is tested.
        requests: how many requests have been sent.
        tokens: how many tokens the answers have reported.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.requests = 0
        self.tokens = 0
        self._trusted = target.trusted()
        self._clients = {
            http2: httpx.Client(
                http1=not http2,
                http2=http2,
                timeout=target.timeout,
                # Each client has its own context, because httpx sets its protocols there.
                # False does not read the list of authorities, which takes a while.
                verify=target.trusted() or False,
                trust_env=False,
            )
            for http2 in (False, True)
        }

    def close(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()

    def url(self, path: str) -> str:
        """The URL of a path such as ``/v1/models`` or ``/metrics``."""
        return f"{self.target.url.removesuffix('/v1')}{path}"

    def credentials(self, key: str = "") -> dict[str, str]:
        """The header that carries a key; of ``""`` the target's key."""
        if key == NO_KEY:
            return {}
        key = key or self.target.key
        bearer = self.target.key_header.lower() == "authorization"
        return {self.target.key_header: f"Bearer {key}" if bearer else key}

    def body(self, **fields: Any) -> dict[str, Any]:
        """A small completion's request; a field of None is omitted."""
        whole = {
            "model": self.target.model,
            "messages": [{"role": "user", "content": "Say yes."}],
            "max_tokens": 4,
            "temperature": 0,
            **self.target.body,
            **fields,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def ask(
        self,
        path: str = COMPLETIONS,
        *,
        method: str = "POST",
        key: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
        http2: bool = False,
        **fields: Any,
    ) -> httpx.Response:
        """One request, and its answer.

        Args:
            path: of the URL.
            method: HTTP's; only a POST has a body.
            key: another one than the target's, or :data:`NO_KEY`.
            headers: more headers, or others.
            content: the body in the place of a completion's.
            http2: the version.
            fields: of the completion.
        """
        if content is None and method == "POST":
            content = json.dumps(self.body(**fields)).encode()
        sent = {"Content-Type": "application/json", **self.credentials(key), **(headers or {})}
        self.requests += 1
        client, url = self._clients[http2], self.url(path)
        try:
            answer = client.request(method, url, content=content, headers=sent)
        except httpx.LocalProtocolError:
            # The server has ended an idle connection (GOAWAY); a new one decides.
            answer = client.request(method, url, content=content, headers=sent)
        self.tokens += tokens(answer)[2]
        return answer

    @contextmanager
    def streaming(
        self, *, key: str = "", http2: bool = False, **fields: Any
    ) -> Iterator[tuple[Stream, Iterator[str]]]:
        """A streamed completion and its lines, which the stream collects as they are read."""
        body = self.body(stream=True, **fields)
        begun = time.monotonic()
        self.requests += 1
        with self._clients[http2].stream(
            "POST", self.url(COMPLETIONS), json=body, headers=self.credentials(key)
        ) as answer:
            stream = Stream(answer.status_code, answer.headers.get("content-type", ""))

            def read() -> Iterator[str]:
                for line in answer.iter_lines():
                    if line:
                        stream.lines.append((time.monotonic() - begun, line))
                        yield line

            yield stream, read()

    def stream(self, *, key: str = "", http2: bool = False, **fields: Any) -> Stream:
        """A streamed completion, read to its end."""
        with self.streaming(key=key, http2=http2, **fields) as (stream, lines):
            for _ in lines:
                pass
        if stream.status == 200:
            self.tokens += stream.usage.get("total_tokens", 0)
        return stream

    def streams(self, number: int, **fields: Any) -> list[Stream]:
        """Streamed completions at once."""
        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(lambda _: self.stream(**fields), range(number)))

    @cached_property
    def http2(self) -> bool:
        """Whether the gateway speaks HTTP/2."""
        try:
            return self.ask(MODELS, method="GET", http2=True).http_version == "HTTP/2"
        except httpx.HTTPError:
            return False

    @property
    def received(self) -> set[str] | None:
        """The names of the headers that the engine received; None where it does not report them."""
        told = self.ask().headers.get(RECEIVED)
        return set(told.lower().split(",")) if told else None

    def raw(self, content: bytes, *headers: str, wait: float | None = None) -> tuple[int, float]:
        """Sends a completion's bytes as they are.

        Args:
            content: the body.
            headers: lines in addition to the host and the key; without a Content-Length or a
                Transfer-Encoding among them the length is the content's.
            wait: seconds to wait for the answer; None is the target's timeout.

        Returns:
            The answer's status, or :data:`ENDED` where the connection ended without an answer, and
            the seconds that it took.

        Raises:
            TimeoutError: nothing came in time.
        """
        url = httpx.URL(self.url(COMPLETIONS))
        lines = [f"POST {url.raw_path.decode()} HTTP/1.1", f"Host: {url.netloc.decode()}"]
        lines += [f"{name}: {value}" for name, value in self.credentials().items()]
        if not any(line.startswith(("Content-Length:", "Transfer-Encoding:")) for line in headers):
            lines.append(f"Content-Length: {len(content)}")
        lines += ["Content-Type: application/json", *headers, "", ""]
        self.requests += 1
        begun = time.monotonic()
        port = url.port or (443 if url.scheme == "https" else 80)
        with socket.create_connection((url.host, port), self.target.timeout) as connection:
            connection.settimeout(self.target.timeout if wait is None else wait)
            if self._trusted:
                connection = self._trusted.wrap_socket(connection, server_hostname=url.host)
            try:
                connection.sendall("\r\n".join(lines).encode() + content)
                words = connection.makefile("rb").readline().split()
            except ConnectionError:
                words = []
        return int(words[1]) if len(words) > 1 else ENDED, time.monotonic() - begun


def tokens(answer: httpx.Response) -> tuple[int, int, int]:
    """The tokens of the prompt, of the answer and of both that an answer reports; 0 without."""
    try:
        usage = answer.json()["usage"]
        prompt, completion, total = (
            int(usage[f"{name}_tokens"]) for name in ("prompt", "completion", "total")
        )
    except (ValueError, KeyError, TypeError):
        return 0, 0, 0
    return prompt, completion, total
