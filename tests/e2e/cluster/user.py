"""The cluster as its users have it: the command line, and HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import httpx
from control_plane import until

from .nodes import Cluster, Tree


def dsv4deploy(cluster: Cluster, *words: object, code: int = 0, **more: str) -> str:
    """What the command says, as the administrator; its exit code is asserted."""
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), **more},
    )
    assert done.returncode == code, done.stdout
    return done.stdout


Run: TypeAlias = tuple[subprocess.Popen[str], Iterator[str]]
"""A command that runs, and what it prints, line by line."""


@contextmanager
def begun(cluster: Cluster, *words: object, kubeconfig: Path | None = None) -> Iterator[Run]:
    """The command, which is still at work; it has ended when the block has."""
    with subprocess.Popen(
        [sys.executable, "-m", "dsv4deploy", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "KUBECONFIG": str(kubeconfig or cluster.kubeconfig)},
    ) as process:
        assert process.stdout
        yield process, iter(process.stdout.readline, "")


def address(cluster: Cluster, gateway: str, namespace: str) -> str:
    """The URL of a Gateway's plain listener."""
    found = cluster.get("gateway", gateway, namespace)
    assert found
    return f"http://{found['status']['addresses'][0]['value']}"


def ingress(cluster: Cluster, namespace: str) -> str:
    """The URL of a namespace's deployment ``chat``, through KServe's own Gateway."""
    return f"{address(cluster, 'kserve-ingress-gateway', 'kserve')}/{namespace}/chat"


QUICK = (
    *("--set", "engine.probes.startup.periodSeconds=1"),
    *("--set", "engine.probes.readiness.periodSeconds=1"),
)
"""Probes look every second, where the published manifest waits 30 s."""


ENGINES = "app.kubernetes.io/name=chat,kserve.io/component=workload"
"""The labels of its engines' pods."""


@contextmanager
def deployed(cluster: Cluster, namespace: str, *words: object) -> Iterator[None]:
    """A deployment ``chat`` that is ready, and whose NPUs are free when the block ends."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    place = ("--name", "chat", "-n", namespace)
    dsv4deploy(cluster, "apply", *words, *place, *QUICK, "--wait")
    try:
        yield
    finally:
        dsv4deploy(cluster, "delete", *place, "--yes")
        until("its engines are gone", lambda: not cluster.list("pods", namespace, ENGINES))


@dataclass
class Answer:
    """A streamed answer.

    Attributes:
        status: HTTP's.
        tokens: the pieces of text.
        usage: what the last chunk reports.
        whole: whether the stream said that it is over.
        error: how the connection broke, if it did.
    """

    status: int = 0
    tokens: list[str] = field(default_factory=list)
    usage: Tree = field(default_factory=dict)
    whole: bool = False
    error: str = ""


def complete(url: str, model: str, tokens: int = 16, key: str = "") -> Answer:
    """Asks for a streamed answer and reads it to its end, or to where it breaks.

    Args:
        url: up to ``/v1``.
        model: the served model's name.
        tokens: how many to ask for, exactly.
        key: an API key.
    """
    answer = Answer()
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Count."}],
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.stream(
            "POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=60
        ) as response:
            answer.status = response.status_code
            for line in response.iter_lines():
                _read(answer, line)
    except httpx.HTTPError as error:
        answer.error = repr(error)
    return answer


def _read(answer: Answer, line: str) -> None:
    text = line.removeprefix("data: ")
    if text == line:
        return
    if text == "[DONE]":
        answer.whole = True
        return
    chunk = json.loads(text)
    answer.usage = chunk.get("usage") or answer.usage
    answer.tokens += [
        choice["delta"]["content"] for choice in chunk["choices"] if "content" in choice["delta"]
    ]
