"""Changes of a deployment on a real node: those that succeed, and those that fail and go back.

One deployment goes through all of them, in this order.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cluster.nodes import Cluster, Tree
from cluster.user import (
    ENGINES,
    QUICK,
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
    assert re.search(r"^chat: failed: no node can run pod chat-kserve-\S+: 0/1 nodes", told)
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
    assert "an image cannot be pulled: chat-kserve-" in failed[-1]
    assert "pull secrets (modelcar-registry-auth)" in failed[-1]
    assert re.search(r"revision \d+ is running again", told)


def test_an_engine_that_crashes_goes_back_and_says_how_it_ended(real: Cluster) -> None:
    error = "RuntimeError: NPU out of memory"
    told = upgrade(real, "--set", f"engine.env.SIMULATED_ERROR={error}", code=1)
    assert re.search(r"cannot become ready: a container keeps failing: \S+/main\b.*", told)
    last = next(line for line in told.splitlines() if "cannot become ready" in line)
    assert last.count(error) == 1
    assert re.search(r"revision \d+ is running again", told)


def test_an_engine_that_never_gets_ready_goes_back_however_short_the_timeout(
    real: Cluster,
) -> None:
    told = upgrade(
        real, "--set-string", "engine.env.SIMULATED_LOAD=10000", "--timeout", "20", code=1
    )
    assert "chat is not ready after" in told
    assert re.search(r"revision \d+ is running again", told)


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
            told = re.compile("failed: no node can run pod .* unschedulable")
            assert any(map(told.match, lines))
        finally:
            real.kubectl("uncordon", "n1")
        assert "chat is ready" in "".join(lines)


def test_an_upgrade_that_is_killed_goes_on_by_the_same_command(real: Cluster) -> None:
    with loading(real, 4) as (process, _):
        process.kill()
    told = upgrade(real, "--set-string", "engine.env.STEP=4", *SLOW, "--wait-for", "60")
    assert "taking over from the run that started revision" in told
    assert "chat is ready" in told


def test_after_ctrl_c_it_says_what_runs_and_can_go_back(real: Cluster) -> None:
    with loading(real, 5) as (process, lines):
        process.send_signal(signal.SIGINT)
        told = "".join(lines)
    assert process.returncode == 130
    assert "interrupted: service chat in namespace changes is running: revision" in told
    assert "run the same command again to continue, or `dsv4deploy rollback" in told
    assert "chat is ready" in dsv4deploy(real, "rollback", *PLACE, "--yes")
    (pod,) = engines(real)
    assert '"STEP", "value": "4"' in json.dumps(pod)
