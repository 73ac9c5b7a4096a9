"""What a user types for the benchmark, and sees."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import fake_aiperf
import pytest
import tokenizer
from simulated import simulator

from dsv4deploy import Values, load
from dsv4deploy.values.profiles import profile_path

JOB = ("--job", "--url", "", "--kubeconfig", "x")
CLOSED = ("--ingress", "direct", "--set", "networkPolicy.enabled=true")
TYPED = [sys.executable, "-m", "dsv4deploy", "bench"]


def typed(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*TYPED, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    model = tokenizer.train(folder / "tokenizer")
    done = typed(
        *("dataset", "--tokenizer", model, "-o", folder / "data"),
        *("--requests", 16, "--size", 0.01),
    )
    assert done.stdout.splitlines()[0] == str(folder / "data" / "scenario1.jsonl")
    assert "scenario 1: 16 requests of 80 tokens on average" in done.stderr
    return folder / "data"


def test_every_command_has_help_that_teaches() -> None:
    for words in ((), ("dataset",), ("run",), ("report",), ("simulate",)):
        assert len(typed(*words, "--help").stdout.splitlines()) > 5


def test_a_run_prints_its_folders_and_hints_at_what_queues(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_AIPERF", str(tmp_path / "aiperf.jsonl"))
    aiperf = fake_aiperf.install(tmp_path / "fake")
    with simulator(model=Values().model.name) as url:
        done = typed(
            *("run", "--dataset", data, "-o", tmp_path / "out", "--url", url),
            *("--aiperf", aiperf, "--runs", 1, "--concurrency", "4,8,4", "--scenario", 1),
        )
    assert done.stdout.splitlines() == [
        f"{tmp_path}/out/kserve-scenario1-c4",
        f"{tmp_path}/out/kserve-scenario1-c8",
    ]
    assert "hint: concurrency 8 is more than the 4 requests that run at once" in done.stderr
    assert "kserve-scenario1-c8, run 1" in done.stderr
    told = json.loads((tmp_path / "out" / "kserve-scenario1-c8" / "run.json").read_text("utf-8"))
    assert told["image"] == Values().engine.image
    assert "is recorded without its digest" in " ".join(done.stderr.split())
    assert told["profile"] == "ascend-910b4-8-w4a8"


def test_a_deployment_is_held_against_the_figures_of_its_own_kind(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_AIPERF", str(tmp_path / "aiperf.jsonl"))
    aiperf, two_nodes = fake_aiperf.install(tmp_path / "fake"), "ascend-910b3-16-w8a8"
    with simulator(model=load(profile=two_nodes).model.name) as url:
        done = typed(
            *("run", profile_path(two_nodes), "--dataset", data, "-o", tmp_path, "--url", url),
            *("--aiperf", aiperf, "--runs", 1, "--scenario", 1, "--ingress", "maas"),
        )
    assert "digest" in done.stderr
    groups = ["maas-scenario1-c8", "maas-scenario1-c16", "maas-scenario1-c32"]
    assert done.stdout.splitlines() == [f"{tmp_path}/{name}" for name in groups]
    for name in groups:
        assert json.loads((tmp_path / name / "run.json").read_text())["profile"] == two_nodes


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--url", "http://x", "--ingress", "both"), 2, "--url requires a single ingress"),
        (
            ("--url", "", "--ingress", "direct", "--kubeconfig", "x"),
            1,
            "cannot connect to a cluster",
        ),
        ((*JOB, "--ingress", "maas"), 2, "store one in a Secret in namespace demo"),
        ((*JOB, "--ingress", "both"), 2, "store one in a Secret in namespace demo"),
        ((*JOB, "--ingress", "maas", "--key-secret", "a"), 2, "must be NAME/KEY"),
        ((*JOB, "--ingress", "maas", "--key-secret", "a/b"), 1, "cannot connect to a cluster"),
        ((*JOB, "--ingress", "direct"), 1, "cannot connect to a cluster"),
        ((*JOB, *CLOSED), 2, "add the Job's namespace demo to networkPolicy.fromNamespaces"),
        ((*JOB, *CLOSED, "--set", "networkPolicy.fromNamespaces={demo}"), 1, "cannot connect to a"),
        (("--concurrency", "four"), 2, "must be whole numbers that are separated by commas"),
        (("--dataset", "nowhere"), 1, "nowhere: this folder contains no data set"),
        (("--image", "x"), 2, "--image and --key-secret require --job"),
        (("--key-secret", "x/y"), 2, "--image and --key-secret require --job"),
        (("--key-secret", "x"), 2, "--key-secret must be NAME/KEY"),
        (("--key-secret", "/y", "--job"), 2, "--key-secret must be NAME/KEY"),
        (("--aiperf", "nowhere"), 1, "nowhere: cannot run this program"),
        (("--url", "http://127.0.0.1:9/v1/chat/completions"), 1, "check that the service is ready"),
        (("--url", "http://127.0.0.1:9/v1/chat/completions"), 1, "to a prompt of 164 words"),
        (("--url", "nowhere"), 1, "nowhere: no answer to a prompt of 164 words: the URL must"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    words: tuple[str, ...], code: int, sentence: str, data: Path, tmp_path: Path
) -> None:
    aiperf = fake_aiperf.install(tmp_path / "fake")
    told = ("--dataset", data, "--aiperf", aiperf, "--url", "http://127.0.0.1:9/x")
    done = typed("run", "-o", tmp_path / "out", *told, *words, code=code)
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").glob("*/run.json"))


def test_the_simulator_serves_until_it_is_stopped() -> None:
    words = [*TYPED, "simulate", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        assert process.stderr
        assert process.stderr.read().startswith(b"this is a simulator, not an engine")


def test_what_can_t_be_written_is_named(data: Path, tmp_path: Path) -> None:
    aiperf = fake_aiperf.install(tmp_path / "fake")
    file = tmp_path / "file"
    file.touch()
    model = tokenizer.train(tmp_path / "tokenizer")
    made = typed(
        *("dataset", "--tokenizer", model, "-o", file / "out", "--size", 0.01, "--requests", 4),
        code=1,
    )
    with simulator(model=Values().model.name) as url:
        run = typed(
            *("run", "--dataset", data, "-o", file / "out", "--url", url),
            *("--aiperf", aiperf, "--scenario", 1),
            code=1,
        )
    for done in (made, run):
        assert f"{file}/out" in done.stderr
        assert "Not a directory" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_a_port_that_is_none_or_taken_is_said() -> None:
    assert "99999 is not in the range" in typed("simulate", "--port", 99999, code=2).stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = typed("simulate", "--port", taken.getsockname()[1], code=1)
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [("--slower", "-1"), ("--size", "0"), ("--size", "2"), ("--concurrency", "0")]
)
def test_a_simulation_has_its_bounds(words: tuple[str, str]) -> None:
    done = typed("simulate", *words, code=2)
    assert f"Invalid value for '{words[0]}'" in done.stderr


def test_times_that_nobody_published_are_not_simulated() -> None:
    done = typed("simulate", "--profile", "ascend-910b3-8-w8a8", code=1)
    assert "no times were published for ascend-910b3-8-w8a8 through kserve" in done.stderr
