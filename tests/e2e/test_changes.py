"""Changes of a deployment on a real node: those that succeed, and those that fail and go back.

One deployment goes through all of them, in this order.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import (
    ENGINES,
    QUICK,
    Answer,
    Run,
    begun,
    complete,
    deployed,
    dsv4deploy,
    ingress,
)
from control_plane import until

from dsv4deploy import load

HOME = "changes"
MODEL = load().model.name
PLACE = ("--name", "chat", "-n", HOME)
LONG = 8000  # tokens that take 16 s and more
SLOW = ("--set-string", "engine.env.SIMULATED_LOAD=10")


@pytest.fixture(scope="module")
def chat(real: Cluster) -> Iterator[str]:
    """The deployment, as published; the URL of its ingress."""
    with deployed(real, HOME):
        yield ingress(real, HOME)


@pytest.fixture(autouse=True)
def answers(chat: str) -> Iterator[None]:
    """Whatever a test does, in the end the deployment answers."""
    yield
    assert complete(chat, MODEL).whole


def upgrade(cluster: Cluster, *words: object, code: int = 0) -> str:
    return dsv4deploy(cluster, "upgrade", *PLACE, *QUICK, "--yes", *words, code=code)


def engines(cluster: Cluster) -> list[Tree]:
    return cluster.list("pods", HOME, ENGINES)


def meanwhile(cluster: Cluster, chat: str, act: Callable[[str], object]) -> Answer:
    """The answer to a long request; something happens to the engine's pod while it is under way."""
    (pod,) = engines(cluster)
    url = f"http://{pod['status']['podIP']}:8000/metrics"

    def running() -> bool:
        return bool(re.search(r"^vllm:num_requests_running\S* [1-9]", httpx.get(url).text, re.M))

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(complete, chat, MODEL, LONG)
        until("the request is under way", running)
        act(pod["metadata"]["name"])
        return asked.result()


def restart(cluster: Cluster, pod: str) -> None:
    """Deletes the engine's pod, and does not wait for its end."""
    cluster.kubectl("delete", "pod", pod, "-n", HOME, "--wait=false")


def test_a_rolling_update_of_a_model_that_fills_its_node_is_stuck(real: Cluster) -> None:
    changed = ("--set-string", "engine.env.STEP=1")
    assert "`dsv4deploy upgrade`" in dsv4deploy(real, "apply", *PLACE, *QUICK, *changed, code=1)
    # What others than this tool do.
    added = {"op": "add", "path": "/spec/template/containers/0/env/-"}
    patch = json.dumps([{**added, "value": {"name": "OTHER", "value": "1"}}])
    words = ("llminferenceservice", "chat", "-n", HOME, "--type=json", "-p", patch)
    real.kubectl("patch", *words)

    def stuck() -> str:
        told = dsv4deploy(real, "status", *PLACE, code=1)
        return told if "Insufficient huawei.com/Ascend910" in told else ""

    told = until("the update is stuck", stuck)
    assert re.search(r"^chat: failed: no node takes pod chat-kserve-\S+: 0/1 nodes", told)
    assert len(engines(real)) == 2


def test_an_upgrade_stops_the_old_one_first(real: Cluster) -> None:
    told = upgrade(real, "--set-string", "engine.env.STEP=2")
    assert "chat is ready" in told
    (pod,) = engines(real)
    (main,) = (each for each in pod["spec"]["containers"] if each["name"] == "main")
    assert {"name": "STEP", "value": "2"} in main["env"]


def test_an_image_that_cant_be_pulled_goes_back_and_says_why_once(real: Cluster) -> None:
    told = upgrade(real, "--set", "engine.image=registry.example.com/none:1", code=1)
    failed = [line for line in told.splitlines() if line.startswith("failed: ")]
    assert len(failed) == len(set(failed)) <= 2
    assert "an image can't be pulled: chat-kserve-" in failed[-1]
    assert "pull secrets (modelcar-registry-auth)" in failed[-1]
    assert re.search(r"revision \d+ runs again, as before", told)


def test_an_engine_that_crashes_goes_back_and_says_how_it_ended(real: Cluster) -> None:
    error = "RuntimeError: NPU out of memory"
    told = upgrade(real, "--set", f"engine.env.SIMULATED_ERROR={error}", code=1)
    assert re.search(r"can't become ready: a container keeps failing: \S+/main\b.*", told)
    last = next(line for line in told.splitlines() if "can't become ready" in line)
    assert last.count(error) == 1
    assert re.search(r"revision \d+ runs again, as before", told)


def test_an_engine_that_never_gets_ready_goes_back_however_short_the_timeout(
    real: Cluster,
) -> None:
    told = upgrade(
        real, "--set-string", "engine.env.SIMULATED_LOAD=10000", "--timeout", "20", code=1
    )
    assert "chat is not ready after" in told
    assert re.search(r"revision \d+ runs again, as before", told)


@contextmanager
def loading(cluster: Cluster, step: int) -> Iterator[Run]:
    """An upgrade that has begun to load the new engine."""
    new = ("--set-string", f"engine.env.STEP={step}", *SLOW)
    with begun(cluster, "upgrade", *PLACE, *QUICK, "--yes", *new) as (process, lines):
        assert any(line.startswith("loading: ") for line in lines)
        yield process, lines


def test_an_upgrade_goes_on_once_a_drained_node_is_back(real: Cluster) -> None:
    with loading(real, 3) as (_, lines):
        drain = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s")
        real.kubectl("drain", "n1", f"--pod-selector={ENGINES}", *drain)
        try:
            told = re.compile("failed: no node takes pod .* unschedulable")
            assert any(map(told.match, lines))
        finally:
            real.kubectl("uncordon", "n1")
        assert "chat is ready" in "".join(lines)


def test_an_upgrade_that_is_killed_goes_on_by_the_same_command(real: Cluster) -> None:
    with loading(real, 4) as (process, _):
        process.kill()
    told = upgrade(real, "--set-string", "engine.env.STEP=4", *SLOW, "--wait-for", "60")
    assert "taking over from the run that began revision" in told
    assert "chat is ready" in told


def test_after_ctrl_c_it_says_what_runs_and_can_go_back(real: Cluster) -> None:
    with loading(real, 5) as (process, lines):
        process.send_signal(signal.SIGINT)
        told = "".join(lines)
    assert process.returncode == 130
    assert "interrupted: chat in changes runs: revision" in told
    assert "run the same command again to continue, or `dsv4deploy rollback" in told
    assert "chat is ready" in dsv4deploy(real, "rollback", *PLACE, "--yes")
    (pod,) = engines(real)
    assert '"STEP", "value": "4"' in json.dumps(pod)


def test_an_upgrade_outlives_an_api_server_that_hangs(real: Cluster) -> None:
    with loading(real, 6) as (_, lines):
        real.first.signal("kube-apiserver", signal.SIGSTOP)
        try:
            time.sleep(8)
        finally:
            # nsenter has stopped with it, and makes it go on.
            real.first.processes["kube-apiserver"].send_signal(signal.SIGCONT)
        assert "chat is ready" in "".join(lines)


def test_the_published_engine_cuts_its_streams_when_it_restarts(real: Cluster, chat: str) -> None:
    answer = meanwhile(real, chat, partial(restart, real))
    assert answer.tokens
    assert not answer.whole
    until("it is ready again", lambda: complete(chat, MODEL).whole)


def test_the_production_engine_ends_its_streams_before_it_restarts(
    real: Cluster, chat: str
) -> None:
    upgrade(real, "--profile", "ascend-910b4-8-w4a8-production")
    answer = meanwhile(real, chat, partial(restart, real))
    assert (answer.error, answer.whole) == ("", True)
    assert len(answer.tokens) == LONG
    until("it is ready again", lambda: complete(chat, MODEL).whole)
