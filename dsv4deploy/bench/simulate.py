"""A simulator of the engine: a streaming OpenAI server that takes the published times.

It computes nothing. Time to first token and time between tokens are the published ones of a
profile at what is in flight, a little scattered by a seed; the answer is words. It identifies
itself in the header :data:`SIMULATOR` of every response and in ``owned_by`` of ``GET /v1/models``,
so that no figure of its making passes for a measured one. ``GET /metrics`` serves vLLM's metrics.

A prompt's tokens are its words, as they are in the data sets that :mod:`.dataset` makes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..capacity.points import Curve, Times
from ..completion.stream import COMPLETIONS, SIMULATOR
from ..errors import DeployError
from ..facts.published import Metric, rows, scenarios
from .metrics import Metrics

OWNER = "dsv4deploy-simulator"
MODELS = "/v1/models"
RECEIVED = "x-dsv4deploy-received"
"""The response header that lists the names of the headers that the request arrived with."""
_received: ContextVar[str] = ContextVar("received", default="")
"""The names of the headers of the request that a connection's task answers."""

# Counting is an answer that makes sense to the detector of garbage, at any length.
_WORDS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_STEPS = 16  # of a prompt: how often it is seen what is in flight
_SCATTER = 0.05  # of a request's times, at most, to both sides


@dataclass(frozen=True)
class Simulation:
    """What is simulated.

    Attributes:
        model: the served model's name.
        curves: the times of each scenario, by its number.
        slower: how much slower than these times, as a share: 0.2 is 20 %.
        errors: the share of requests that fail.
        wrong_length: whether answers have half of the tokens asked for.
        garbage: whether answers are garbage.
        time_scale: seconds taken for a second simulated; 0.1 is ten times as fast.
        sequences: requests that run at a time, as ``max-num-seqs`` × data parallel; others wait.
        size: of the prompts, as a fraction of the published size; distinguishes the scenarios.
        seed: of the scatter.
    """

    model: str
    curves: Mapping[int, Curve]
    slower: float = 0.0
    errors: float = 0.0
    wrong_length: bool = False
    garbage: bool = False
    time_scale: float = 1.0
    sequences: int = 4
    size: float = 1.0
    seed: int = 42

    def told(self) -> dict[str, Any]:
        """The simulator's description of itself, as plain data in ``run.json``'s spelling."""
        return {
            "scenarios": {
                str(number): {
                    "inFlight": {
                        str(tier): {"ttft": times.ttft * 1000, "itl": times.itl * 1000}
                        for tier, times in zip(curve.tiers, curve.times, strict=True)
                    }
                }
                for number, curve in self.curves.items()
            },
            "slower": self.slower,
            "errors": self.errors,
            "wrongLength": self.wrong_length,
            "garbage": self.garbage,
            "timeScale": self.time_scale,
            "maxNumSeqs": self.sequences,
        }

    def scenario(self, tokens: int) -> int:
        """The scenario that a prompt of so many tokens belongs to."""
        sizes = {number: each.input_tokens * self.size for number, each in scenarios().items()}
        near = min(sizes, key=lambda number: abs(sizes[number] - tokens))
        return near if near in self.curves else min(self.curves)


def published(profile: str, ingress: str, concurrency: int | None = None) -> dict[int, Curve]:
    """The published times of a profile, by scenario and by what is in flight.

    Args:
        profile: its name.
        ingress: ``kserve`` or ``maas``.
        concurrency: takes the times of one published row, whatever is in flight.

    Raises:
        DeployError: none were published of it.
    """
    found: dict[int, dict[int, Times]] = {}
    for row in rows():
        if (row.profile, row.ingress) == (profile, ingress) and not row.note:
            figures = row.figures
            ttft, itl = (figures[each].value / 1000 for each in (Metric.TTFT, Metric.ITL))
            if concurrency in (None, row.concurrency):
                found.setdefault(row.scenario, {})[row.concurrency] = Times(ttft, itl)
    if not found:
        known = {
            f"{row.profile} through {row.ingress} at concurrency {row.concurrency}"
            for row in rows()
            if not row.note
        }
        at = f" at concurrency {concurrency}" if concurrency else ""
        raise DeployError(
            f"no times were published for {profile} through {ingress}{at}; published times exist "
            f"for {'; '.join(sorted(known))}"
        )
    return {
        scenario: Curve(*map(tuple, zip(*sorted(tiers.items()), strict=True)))
        for scenario, tiers in found.items()
    }


async def serve(simulation: Simulation, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serves until it is cancelled.

    Args:
        simulation: what to simulate.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        ready: is called with the port.

    Raises:
        DeployError: the address can't be had.
    """
    server = _Server(simulation)
    try:
        listening = await asyncio.start_server(server.connection, host, port, backlog=1024)
    except OSError as error:
        raise DeployError(f"{host}:{port}: cannot listen: {error.strerror}") from None
    async with listening:
        ready(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class _Server:
    """The requests of one simulation, over HTTP/1.1 with connections that are kept."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.slots = asyncio.Semaphore(simulation.sequences)
        self.scatter = random.Random(simulation.seed)  # noqa: S311 - no secret
        self.asked = 0
        self.metrics = Metrics()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may go at any time, and so may the server: Python 3.11 logs a cancelled one.
        with (
            contextlib.closing(writer),
            contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ),
        ):
            while True:
                try:
                    request = await _read(reader)
                    _received.set(",".join(request.headers))
                    await self.answer(request, writer)
                except _Refused as refused:
                    error = {"message": str(refused), "type": "simulated", "code": refused.status}
                    self.send(writer, refused.status, {"error": error})
                await writer.drain()

    async def answer(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.partition("?")[0]
        if request.method == "GET" and path.endswith(MODELS):
            model = {"id": self.simulation.model, "object": "model", "owned_by": OWNER}
            self.send(writer, 200, {"object": "list", "data": [model]})
        elif request.method == "GET" and path.endswith("/health"):
            self.send(writer, 200, {})
        elif request.method == "GET" and path.endswith("/metrics"):
            body = self.metrics.text(self.simulation.model).encode()
            kind = "text/plain; version=0.0.4; charset=utf-8"
            writer.write(self.head(200, kind, f"content-length: {len(body)}") + body)
        elif request.method == "POST" and path.endswith(COMPLETIONS):
            await self.complete(request.body, writer)
        else:
            raise _Refused(404, f"{request.method} {path}: not found")

    def head(self, status: int, kind: str, length: str) -> bytes:
        told = json.dumps(self.simulation.told(), separators=(",", ":"))
        word = {200: "OK", 400: "Bad Request", 404: "Not Found"}.get(status, "Error")
        return (
            f"HTTP/1.1 {status} {word}\r\ncontent-type: {kind}\r\n{SIMULATOR}: {told}\r\n"
            f"{RECEIVED}: {_received.get()}\r\n{length}\r\n\r\n"
        ).encode()

    def send(self, writer: asyncio.StreamWriter, status: int, data: Any) -> None:
        body = json.dumps(data).encode()
        writer.write(self.head(status, "application/json", f"content-length: {len(body)}") + body)

    async def complete(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        asked = _asked(body)
        if asked.model != self.simulation.model:
            raise _Refused(404, f"the model {asked.model} does not exist")
        self.asked += 1
        rate = self.simulation.errors
        if int(self.asked * rate) > int((self.asked - 1) * rate):
            raise _Refused(500, "a simulated error")
        count = asked.tokens if asked.ignore_eos else min(asked.tokens, len(_WORDS))
        if self.simulation.wrong_length:
            count = max(1, count // 2)
        scatter = 1 + self.scatter.uniform(-_SCATTER, _SCATTER)
        usage = {
            "prompt_tokens": asked.prompt_tokens,
            "completion_tokens": count,
            "total_tokens": asked.prompt_tokens + count,
        }
        reason = "length" if count == asked.tokens else "stop"
        arrived = asyncio.get_running_loop().time()
        pieces = self.pieces(asked.prompt_tokens, count, scatter, arrived, reason)
        identity = {"id": f"simulated-{self.asked}", "created": 0, "model": asked.model}
        async with self.slot(), contextlib.aclosing(pieces):
            if asked.stream:
                common = {**identity, "object": "chat.completion.chunk"}
                await self.stream(writer, pieces, common, reason, usage if asked.usage else None)
                return
            text = "".join([piece async for piece in pieces])
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": reason}]
        told = {**identity, "object": "chat.completion", "choices": choices, "usage": usage}
        self.send(writer, 200, told)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the engine's slots, for which requests wait in their order."""
        self.metrics.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.metrics.waiting -= 1
        self.metrics.running += 1
        try:
            yield
        finally:
            self.metrics.running -= 1
            self.slots.release()

    def times(self, prompt: int) -> Times:
        """The times of such a prompt, with what is in flight now."""
        curve = self.simulation.curves[self.simulation.scenario(prompt)]
        return curve.at(min(self.metrics.running, curve.most))

    async def pieces(
        self, prompt: int, count: int, scatter: float, arrived: float, reason: str
    ) -> AsyncGenerator[str]:
        """The answer's tokens, each when it is due."""
        now = asyncio.get_running_loop().time
        simulated, metrics = self.simulation, self.metrics
        factor = scatter * (1 + simulated.slower) * simulated.time_scale
        metrics.prompt_tokens += prompt
        due = last = now()
        for _ in range(_STEPS):
            due += self.times(prompt).ttft / _STEPS * factor
            await asyncio.sleep(max(0.0, due - now()))
        metrics.ttft.observe((now() - arrived) / simulated.time_scale)
        for number in range(count):
            if number:
                # From when it was due, not from when it was sent: lateness does not add up.
                due += self.times(prompt).itl * factor
                await asyncio.sleep(max(0.0, due - now()))
                metrics.itl.observe((now() - last) / simulated.time_scale)
            last = now()
            metrics.generation_tokens += 1
            word = "the" if simulated.garbage else _WORDS[number % len(_WORDS)]
            yield word if number == 0 else f" {word}"
        metrics.e2e.observe((now() - arrived) / simulated.time_scale)
        metrics.finished[reason] += 1

    async def stream(
        self,
        writer: asyncio.StreamWriter,
        pieces: AsyncIterator[str],
        common: dict[str, Any],
        reason: str,
        usage: dict[str, int] | None,
    ) -> None:
        writer.write(self.head(200, "text/event-stream", "transfer-encoding: chunked"))

        def event(data: str) -> None:
            text = f"data: {data}\n\n"
            writer.write(f"{len(text):x}\r\n{text}\r\n".encode())

        def chunk(choices: list[Any], **more: Any) -> None:
            event(json.dumps({**common, "choices": choices, **more}))

        delta: dict[str, str] = {"role": "assistant"}
        async for piece in pieces:
            delta["content"] = piece
            chunk([{"index": 0, "delta": delta, "finish_reason": None}])
            await writer.drain()
            delta = {}
        chunk([{"index": 0, "delta": {}, "finish_reason": reason}])
        if usage:
            chunk([], usage=usage)
        event("[DONE]")
        writer.write(b"0\r\n\r\n")


@dataclass(frozen=True)
class _Asked:
    model: str
    prompt_tokens: int
    tokens: int
    ignore_eos: bool
    stream: bool
    usage: bool


def _asked(body: bytes) -> _Asked:
    try:
        told = json.loads(body)
        prompt = sum(_words(message["content"]) for message in told["messages"])
        limit = told.get("max_tokens") or told.get("max_completion_tokens") or len(_WORDS)
        return _Asked(
            model=told["model"],
            prompt_tokens=prompt,
            tokens=int(limit),
            ignore_eos=bool(told.get("ignore_eos")),
            stream=bool(told.get("stream")),
            usage=bool((told.get("stream_options") or {}).get("include_usage")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Refused(400, f"not a chat completion request: {error}") from None


def _words(content: str | list[dict[str, str]] | None) -> int:
    if isinstance(content, list):
        return sum(len(part.get("text", "").split()) for part in content)
    return len((content or "").split())


async def _read(reader: asyncio.StreamReader) -> _Request:
    """One request; raises IncompleteReadError where the client has gone."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, _, rest = lines[0].partition(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:] if line)
    }
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        body = b"".join(parts)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return _Request(method, rest.partition(" ")[0], headers, body)
