"""No invocation of the command line ends in a traceback, hangs, or takes the machine's memory.

``DSV4DEPLOY_INVOCATIONS`` sets how many are tried in all (330 by default, 5,000 in CI) and
``DSV4DEPLOY_SEED`` the first seed, for a longer run.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_server import Answers, Server, serving
from invocations import Invocation, drawn, furnish, streams, verbs

from dsv4deploy.cli import main
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.lease import Clock, held

resource = pytest.importorskip("resource")

INVOCATIONS = int(os.environ.get("DSV4DEPLOY_INVOCATIONS", "330"))
FIRST = int(os.environ.get("DSV4DEPLOY_SEED", "0"))
SECONDS = 10
"""Of work that an invocation may take."""
WAITING = 30 * SECONDS
"""Seconds in which it must end, however busy the machine is."""
MEMORY = 500 * 2**20
LIGHT = [verb for verb in verbs() if not verb.startswith("chart ")]


class Hang(BaseException):
    """An invocation that has not ended in time."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An API server and an engine, some of whose answers are hostile."""
    with serving() as made:
        yield made


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits take no time, and pass for more than they are."""
    passed, real = [0.0], time.monotonic

    def sleep(seconds: float) -> None:
        passed[0] += 60 * seconds

    def now() -> float:
        return real() + passed[0]

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", now)
    monkeypatch.setattr(Cluster.__init__, "__defaults__", (sleep,))
    monkeypatch.setitem(held.__wrapped__.__kwdefaults__, "clock", Clock(now, sleep))  # type: ignore[attr-defined]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is resolved, and nothing but this machine is reached."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def local(own: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
            raise ConnectionRefusedError("only this machine is reached")
        connect(own, address)

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in (None, "127.0.0.1", "::1"):
            str(host).encode("idna")  # as the real one does first
            raise socket.gaierror(socket.EAI_NONAME, "only this machine has a name")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", local)
    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def run(invocation: Invocation, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Runs it in this process: its exit code or what broke, and what it printed on stdout."""

    def hang(*_: Any) -> None:
        raise Hang

    own = streams(invocation)
    for name, stream in zip(("stdin", "stdout", "stderr"), own, strict=True):
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(sys, "argv", ["dsv4deploy", *invocation.words])
    for key, value in invocation.environment.items():
        monkeypatch.setenv(key, value)
    before = {each: signal.signal(each, hang) for each in (signal.SIGPROF, signal.SIGALRM)}
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data() + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    try:
        main()
        ended = "0"
    except SystemExit as stop:
        ended = str(stop.code or 0)
    except BaseException:
        ended = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in before.items():
            signal.signal(each, handler)
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    for stream in own[1:]:
        stream.flush()
    return ended, own[1].buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


def _data() -> int:
    """The memory of this process that RLIMIT_DATA counts, in bytes."""
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text("utf-8").splitlines()
        if line.startswith("VmData")
    )
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("verb", verbs())
def test_every_invocation_ends_well(
    verb: str,
    server: Server,
    alone: None,
    hurried: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    codes: collections.Counter[str] = collections.Counter()
    count = -(-INVOCATIONS // len(LIGHT)) if verb in LIGHT else max(1, INVOCATIONS // 200)
    for seed in range(FIRST, FIRST + count):
        folder = tmp_path / str(seed)
        folder.mkdir()
        furnish(folder, seed, server.url)
        server.answers = Answers(seed)
        invocation = drawn(verb, seed, server.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            ended, out = run(invocation, patch)
        told = f"seed {seed}: {str(invocation)[:3000]}\n{ended[-6000:]}"
        assert ended in ("0", "1", "2", "130"), told
        _strict_json(invocation, ended, out, told)
        codes[ended] += 1
    print(f"{verb}: {count} invocations, by exit code {dict(codes)}")


def _strict_json(invocation: Invocation, ended: str, out: str, told: str) -> None:
    """What is asked for as JSON, and printed, is JSON: no NaN, no infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON: {told}")

    words = " ".join(invocation.words)
    if out.startswith(("{", "[")) and ended == "0" and "-o json" in words:
        json.loads(out, parse_constant=refuse)
