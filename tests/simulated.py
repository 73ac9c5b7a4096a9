"""A simulator of the engine while a block runs, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dsv4deploy.bench.simulate import Simulation, serve
from dsv4deploy.capacity.points import Curve, Times


def flat(ttft: float, itl: float) -> Curve:
    """Times in ms that are the same whatever is in flight."""
    return Curve((1,), (Times(ttft / 1000, itl / 1000),))


FAST = {1: flat(20, 1), 2: flat(40, 2)}


@contextmanager
def simulator(**settings: Any) -> Iterator[str]:
    """The URL of its chat completions. By default a request takes milliseconds."""
    simulation = Simulation(**{"model": "m", "curves": FAST, "sequences": 8, **settings})
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
