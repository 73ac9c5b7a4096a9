"""A client that reads streamed answers and notes when each token came."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass
class Stream:
    """One streamed answer.

    Attributes:
        begun: when it was asked for, in seconds.
        status: HTTP's.
        tokens: the pieces of text.
        arrivals: when each of them came.
        usage: the tokens that the last chunk reports.
        done: whether the stream said that it is over.
    """

    begun: float
    status: int = 0
    tokens: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    usage: int = 0
    done: bool = False

    @property
    def ttft(self) -> float:
        """Seconds from the request to the first token."""
        return self.arrivals[0] - self.begun

    @property
    def itl(self) -> float:
        """Seconds from token to token, on average."""
        return (self.arrivals[-1] - self.arrivals[0]) / (len(self.arrivals) - 1)


async def stream(
    session: aiohttp.ClientSession, url: str, key: str, body: Mapping[str, Any]
) -> Stream:
    """Asks for an answer and reads it to its end."""
    answer = Stream(time.perf_counter())
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{url}/v1/chat/completions"
    async with session.post(url, json={**body, "stream": True}, headers=headers) as response:
        answer.status = response.status
        async for line in response.content:
            if not line.startswith(b"data: "):
                continue
            text = line.removeprefix(b"data: ").strip()
            if text == b"[DONE]":
                answer.done = True
                continue
            chunk = json.loads(text)
            answer.tokens += [choice["delta"]["content"] for choice in chunk["choices"]]
            answer.arrivals += [time.perf_counter()] * len(chunk["choices"])
            answer.usage += (chunk.get("usage") or {}).get("total_tokens", 0)
    return answer
