"""What a terminal of 80, 100 and 200 columns shows: whole words, sentences that fit, colours.

`python tests/test_terminal.py` writes the golden texts in tests/data/terminal.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from terminal_pictures import IMAGES, pictures

GOLDEN = Path(__file__).parent / "data" / "terminal"
COMMANDS = (
    "check",
    "check --set engine.args.max-num-seqs=6",
    "check --all --set maas.enabled=true,maas.namespace=envoy-gateway-system",
    "render --set maas.enabled=true,maas.namespace=envoy-gateway-system",
    "render --set engine.args.gpu_memory_utilization=0.85",
    "profiles",
    "plan",
    "doctor -n demo",
)
WIDTHS = (80, 100, 200)
# What a user would copy, from the rules' codes to an image's tag.
COPIED = (
    "warning[engine-ready-timeout]",
    "engine.args.model-loader-extra-config.enable_multithread_load:",
    "engine.termination.gracePeriodSeconds:",
    "node.kubernetes.io/npu.chip.name",
    "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
)


# A program that reads no kubeconfig, but asks a cluster in memory, which has a Secret of another
# type and nothing of KServe.
ON_A_CLUSTER = """
import sys
from fake_api import FakeCluster, started
from dsv4deploy.cli import main
from dsv4deploy.cli.connection import ClusterOptions
meta = {"name": "modelcar-registry-auth", "namespace": "demo"}
secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta}
ClusterOptions.connect = lambda _: FakeCluster(started(secret))
main()
"""


def told(words: str, width: int) -> str:
    """What a command says on a terminal, or what is read as one, of this width."""
    program = ["-c", ON_A_CLUSTER] if words.startswith("doctor") else ["-m", "dsv4deploy"]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *program, *shlex.split(words)],
        env={**os.environ, "COLUMNS": str(width), "PYTHONUTF8": "1", "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return f"$ dsv4deploy {words}\n{done.stdout}[exit {done.returncode}]\n"


def screen(width: int) -> str:
    """All commands and their answers."""
    return "\n".join(told(words, width) for words in COMMANDS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_terminal_shows_the_golden_text(width: int) -> None:
    assert screen(width) == (GOLDEN / f"{width}.txt").read_text("utf-8")


@pytest.mark.parametrize("width", [1, 40, 79, 120])
def test_no_word_is_broken_at_any_width(width: int) -> None:
    text = told("check --all", width)
    words = text.split()
    assert [copied for copied in COPIED if copied not in words] == []
    for line in text.splitlines()[1:]:
        assert len(line) <= max(width, 20) or len(re.findall(r"`[^`]+`|\S+", line)) <= 2, line


def test_a_command_in_backquotes_stays_on_one_line() -> None:
    for width in range(40, 100, 7):
        for span in re.findall(r"`[^`]+`", told("check --all", width)):
            assert "\n" not in span


def on_a_terminal(**environment: str) -> str:
    """What `check` writes to a terminal."""
    here, there = pty.openpty()
    around = {key: text for key, text in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "check", "--set", "engine.args.max-num-seqs=6"],
        stdout=there,
        env={**around, "TERM": "xterm", **environment},
        check=True,
    )
    os.close(there)
    text = os.read(here, 65_536).decode()
    os.close(here)
    return text


def test_a_terminal_gets_colours_unless_no_color_is_set() -> None:
    assert on_a_terminal().startswith("\x1b[33m\x1b[1mwarning[batch-off-grid]\x1b[0m engine.args.")
    assert on_a_terminal(NO_COLOR="1").startswith("warning[batch-off-grid] engine.args.")


def test_where_there_is_no_terminal_a_message_is_one_line() -> None:
    around = {key: text for key, text in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "check", "--all"],
        env=around,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line[:2] for line in done.stdout.splitlines()[:-1]} == {"wa", "  "}
    assert "\n    " not in done.stdout
    assert "\x1b" not in done.stdout


def test_the_pictures_of_terminals_are_what_the_commands_print() -> None:
    for name, svg in pictures().items():
        current = (IMAGES / name).read_text("utf-8")
        assert current == svg, "run `python tests/terminal_pictures.py`"
        assert "@import" not in svg
        assert "url(http" not in svg


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for columns in WIDTHS:
        (GOLDEN / f"{columns}.txt").write_text(screen(columns), "utf-8")
