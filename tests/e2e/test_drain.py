"""Streams under way when their engine restarts, with KServe's oldest and newest release."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import httpx
import pytest
from cluster.nodes import Cluster
from cluster.user import ENGINES, QUICK, Answer, complete, deployed, dsv4deploy, ingress
from control_plane import until

from dsv4deploy import load

HOME, MODEL = "drain", load().model.name
LONG = 8000  # tokens that take 16 s and more


@pytest.fixture(scope="module")
def chat(either: Cluster) -> Iterator[str]:
    """The deployment, as published; the URL of its ingress."""
    with deployed(either, HOME):
        yield ingress(either, HOME)


def meanwhile(cluster: Cluster, chat: str, act: Callable[[str], object]) -> Answer:
    """The answer to a long request; something happens to the engine's pod while it is under way."""
    (pod,) = cluster.list("pods", HOME, ENGINES)
    url = f"http://{pod['status']['podIP']}:8000/metrics"

    def running() -> bool:
        return bool(re.search(r"^vllm:num_requests_running\S* [1-9]", httpx.get(url).text, re.M))

    with ThreadPoolExecutor() as pool:

        def asked() -> Future[Answer] | None:
            # KServe 0.17 replaces the router once all is ready: then a request fails at once.
            answer = pool.submit(complete, chat, MODEL, LONG)
            until("it is under way, or over", lambda: answer.done() or running())
            return None if answer.done() else answer

        answer: Future[Answer] = until("a request is under way", asked)
        act(pod["metadata"]["name"])
        return answer.result()


def restart(cluster: Cluster, pod: str) -> None:
    """Deletes the engine's pod, and does not wait for its end."""
    cluster.kubectl("delete", "pod", pod, "-n", HOME, "--wait=false")


def test_the_published_engine_cuts_its_streams_when_it_restarts(either: Cluster, chat: str) -> None:
    answer = meanwhile(either, chat, partial(restart, either))
    assert answer.tokens
    assert not answer.whole
    until("it is ready again", lambda: complete(chat, MODEL).whole)


def test_the_production_engine_ends_its_streams_before_it_restarts(
    either: Cluster, chat: str
) -> None:
    production = ("--profile", "ascend-910b4-8-w4a8-production")
    dsv4deploy(either, "upgrade", "--name", "chat", "-n", HOME, *QUICK, "--yes", *production)
    answer = meanwhile(either, chat, partial(restart, either))
    assert (answer.error, answer.whole) == ("", True)
    assert len(answer.tokens) == LONG
    until("it is ready again", lambda: complete(chat, MODEL).whole)
