"""vLLM as Kubernetes sees it: the simulator of ``dsv4deploy bench simulate`` in an image.

It takes vLLM's command line, loads for a while, serves ``/health``, ``/metrics`` and completions,
and ends as vLLM does: at once, or after the requests under way with ``--shutdown-timeout``. The
ranks of two nodes meet at ``--data-parallel-rpc-port``, and end with each other.

``SIMULATED_LOAD`` is how long loading takes, in seconds, ``SIMULATED_ERROR`` an error that ends it
then, and ``SIMULATED_TIME_SCALE`` the simulator's time scale.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from dsv4deploy.bench import simulate

PROFILE = ("ascend-910b4-8-w4a8", "kserve", 4)
"""Whose published times are taken."""


class Engine(simulate._Server):
    """The simulator with the metrics of a KV cache, which the endpoint picker reads.

    Attributes:
        answering: requests whose answer has not been sent to its end.
    """

    answering = 0

    async def answer(self, request: simulate._Request, writer: asyncio.StreamWriter) -> None:
        if request.path != "/metrics":
            self.answering += 1
            try:
                await super().answer(request, writer)
                await writer.drain()
            finally:
                self.answering -= 1
            return
        model, used = self.simulation.model, self.metrics.running / self.simulation.sequences
        label = f'{{engine="0",model_name="{model}"}}'
        blocks = '{block_size="128",engine="0",num_gpu_blocks="1000"}'
        text = (
            f"{self.metrics.text(model)}"
            f"# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc{label} {used}\n"
            f"# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{blocks} 1\n"
        ).encode()
        writer.write(self.head(200, "text/plain", f"content-length: {len(text)}") + text)


def say(text: str) -> None:
    print(f"INFO {time.strftime('%m-%d %H:%M:%S')} [engine.py] {text}", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("serve", nargs="?")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--model", default="")
    parser.add_argument("--served-model-name", default="")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-num-seqs", type=int, default=4)
    parser.add_argument("--shutdown-timeout", type=int, default=0)
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--data-parallel-size", type=int, default=1)
    parser.add_argument("--data-parallel-size-local", type=int, default=0)
    parser.add_argument("--data-parallel-address", default="127.0.0.1")
    parser.add_argument("--data-parallel-rpc-port", type=int, default=13389)
    return parser.parse_known_args()[0]


tasks: set[asyncio.Task[None]] = set()


async def meet(told: argparse.Namespace) -> asyncio.Event:
    """Waits until the ranks of both nodes have found each other; the event that one is gone."""
    gone = asyncio.Event()
    elsewhere = told.data_parallel_size - (told.data_parallel_size_local or told.data_parallel_size)
    if not elsewhere:
        return gone
    here: asyncio.Queue[None] = asyncio.Queue()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A node that is gone closes no connection: engines notice when a collective takes too long.
        peer = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
            peer.setsockopt(socket.IPPROTO_TCP, option, 5)
        here.put_nowait(None)
        with suppress(OSError):
            await reader.read()
        gone.set()

    if told.headless:
        where = told.data_parallel_address, told.data_parallel_rpc_port
        while True:
            try:
                peer = await asyncio.open_connection(*where)
                break
            except OSError as error:
                say(f"the leader does not answer at {where}: {error}")
                await asyncio.sleep(1)
        tasks.add(asyncio.create_task(watch(*peer)))
    else:
        await asyncio.start_server(watch, "", told.data_parallel_rpc_port)
    await here.get()
    say("all ranks have met")
    return gone


async def serve(told: argparse.Namespace) -> None:
    model = Path(told.model or told.folder)
    if not (model / "config.json").is_file():
        sys.exit(f"OSError: {model} does not appear to have a file named config.json")
    gone = await meet(told)
    await asyncio.sleep(float(os.environ.get("SIMULATED_LOAD", 2)))
    if error := os.environ.get("SIMULATED_ERROR"):
        sys.exit(error)
    if told.headless:
        await gone.wait()
        sys.exit("the leader is gone")
    engine = Engine(
        simulate.Simulation(
            model=told.served_model_name or str(model),
            curves=simulate.published(*PROFILE),
            time_scale=float(os.environ.get("SIMULATED_TIME_SCALE", 0.05)),
            sequences=told.max_num_seqs,
        )
    )
    listening = await asyncio.start_server(engine.connection, "", told.port, backlog=1024)
    say(f"Application startup complete; NPUs: {os.environ.get('ASCEND_VISIBLE_DEVICES')}")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    first = [asyncio.create_task(each.wait()) for each in (ended, gone)]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if gone.is_set():
        say("EngineDeadError: a rank is gone")
        os._exit(1)
    listening.close()
    until = time.monotonic() + told.shutdown_timeout
    while engine.answering and time.monotonic() < until:
        await asyncio.sleep(0.1)
    say(f"Shutdown with {engine.answering} requests under way")
    os._exit(0)


def main() -> None:
    """Runs until it is ended."""
    asyncio.run(serve(parse()))
