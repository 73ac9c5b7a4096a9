"""Two real nodes from nothing, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cluster import nodes
from cluster.images import Image, layer, save
from cluster.machine import require
from control_plane import until
from parts import go_build, run

HERE = Path(__file__).resolve().parent
# Starts a node, says so, and stays until it is ended.
STAY = """
import sys, time
from pathlib import Path
from cluster import nodes
with nodes.control_plane(Path(sys.argv[1])) as cluster:
    nodes.join(cluster, cluster.first, Path(sys.argv[2]))
    nodes.until("the node is ready", lambda: cluster.ready(cluster.first))
    print("ready", flush=True)
    time.sleep(3600)
"""

# Starts a program that would outlive its parent and its session.
LEAVE = """
import subprocess, sys, time
import reaper
reaper.guard()
subprocess.Popen(["setsid", "--fork", "sh", "-c", "sleep 3600; exit", sys.argv[1]])
time.sleep(3600)
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the one image that a node needs."""
    require()
    pause = layer({"pause": go_build("kube", "pause")})
    target = tmp_path_factory.mktemp("images") / "images.tar"
    save(target, {"local/pause:1": Image([pause], {"Entrypoint": ["/pause"], "User": "65535"})})
    return target


def machine() -> list[str]:
    """What a node might change of this machine: devices, mounts, rules, settings, groups."""
    settings = ("net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic", "kernel/hostname")
    return [
        run("ip", "-oneline", "link"),
        run("ip", "route"),
        run("nft", "list", "ruleset"),
        Path("/proc/self/mountinfo").read_text(),
        *(Path("/proc/sys", each).read_text() for each in settings),
    ]


def working(folder: Path) -> list[str]:
    """The processes that a folder's name appears in."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # one that has just ended
            lines.append(path.read_text())
    return [line for line in lines if str(folder) in line]


def test_a_second_node_joins_and_leaves(images: Path, tmp_path: Path) -> None:
    before = machine()
    with nodes.control_plane(tmp_path) as cluster:
        nodes.join(cluster, cluster.first, images)
        with nodes.node(cluster, images) as second:
            for each in (cluster.first, second):
                until(f"{each.name} is ready", lambda each=each: cluster.ready(each))
        assert [each["metadata"]["name"] for each in cluster.list("nodes")] == ["n1"]
        assert machine() == before
    assert machine() == before
    assert not working(tmp_path)


@contextmanager
def begun(program: str, *words: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that finds the tests' modules."""
    path = os.pathsep.join((str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        yield process


def test_a_killed_run_leaves_no_program_behind(tmp_path: Path) -> None:
    with begun(LEAVE, tmp_path) as process:
        until("its program runs", lambda: len(working(tmp_path)) > 1)
        process.kill()
    until("all of it has ended", lambda: not working(tmp_path))


def test_a_killed_process_takes_its_node_with_it(images: Path, tmp_path: Path) -> None:
    before = machine()
    with begun(STAY, tmp_path, images) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    until("all of it has ended", lambda: not working(tmp_path))
    assert machine() == before
