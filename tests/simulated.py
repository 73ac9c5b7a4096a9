"""A simulator of the engine while a block runs, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dsv4deploy.bench.simulate import Latency, Simulation, serve

FAST = {1: Latency(20, 1), 2: Latency(40, 2)}


@contextmanager
def simulator(**settings: Any) -> Iterator[str]:
    """The URL of its chat completions. By default a request takes milliseconds."""
    simulation = Simulation(**{"model": "m", "latencies": FAST, "sequences": 8, **settings})
    ports: list[int] = []
    up = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    def ready(port: int) -> None:
        ports.append(port)
        up.set()

    async def main() -> None:
        task = asyncio.create_task(serve(simulation, "127.0.0.1", 0, ready))
        running.append((asyncio.get_running_loop(), task))
        with suppress(asyncio.CancelledError):
            await task

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert up.wait(120)
    try:
        yield f"http://127.0.0.1:{ports[0]}/v1/chat/completions"
    finally:
        ((loop, task),) = running
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
