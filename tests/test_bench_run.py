"""Runs: aiperf's command line, what is recorded, and going on after an interruption."""

from __future__ import annotations

import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_aiperf
import pytest
import tokenizer
from simulated import simulator

from dsv4deploy import DeployError, Release, Values, load
from dsv4deploy.bench import dataset, results, worker
from dsv4deploy.bench.run import Benchmark, Subject, command, find_aiperf, subject

URL = "http://gateway/v1/chat/completions"


def silent(*_: Any) -> None:
    """Tells nobody."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    folder = tmp_path_factory.mktemp("bench")
    model = tokenizer.train(folder / "tokenizer")
    return dataset.make(folder / "dataset", str(model), requests=16, size=0.01)


@pytest.fixture
def aiperf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fake; it notes its runs in aiperf.jsonl."""
    monkeypatch.setenv("FAKE_AIPERF", str(tmp_path / "aiperf.jsonl"))
    return fake_aiperf.install(tmp_path / "fake")


@pytest.fixture
def started(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """What the fake has noted."""

    def read() -> list[dict[str, Any]]:
        log = tmp_path / "aiperf.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return read


@pytest.fixture
def engine() -> Iterator[str]:
    with simulator(model=Values().model.name) as url:
        yield url


Make = Callable[..., Benchmark]


@pytest.fixture
def make(data: dataset.Dataset, tmp_path: Path) -> Make:
    def benchmark(url: str, ingress: str = "kserve", **settings: Any) -> Benchmark:
        subject = Subject(Values(), "ascend-910b4-8-w4a8", {ingress: url}, "image")
        where = {"dataset": data, "output": tmp_path / "results"}
        defaults = {"scenarios": [1], "concurrency": [4], "runs": 1, "warmup": False}
        return Benchmark(subject, **{**where, **defaults, **settings})

    return benchmark


def test_the_command_line_is_the_one_that_reproduces(data: dataset.Dataset) -> None:
    asked: dict[str, Any] = {
        "url": "http://gw/demo/chat/v1/chat/completions",
        "model": "m",
        "concurrency": 4,
    }
    one, two = (" ".join(command(*each, **asked)) for each in ((1, 240), (2, 60)))
    for line in (one, two):
        assert "--url http://gw/demo/chat --endpoint-type chat --streaming" in line
        assert "--use-server-token-count" in line
        assert "--extra-inputs ignore_eos:true --extra-inputs min_tokens:128" in line
    assert "scenario1.jsonl --custom-dataset-type mooncake_trace --request-count 240" in one
    assert "multi_turn --conversation-num 60 --osl 128" in two
    assert "--request-count" not in two
    assert "{dataset}/warmup2.jsonl" in command(2, 4, **asked, warmup=True)


def test_an_aiperf_that_is_missing_or_another_is_told_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsv4deploy.bench.run.CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployError, match=r"uv tool install aiperf==0\.7\.0"):
        find_aiperf()
    other = fake_aiperf.install(tmp_path / "other", "0.9.0")
    with pytest.raises(DeployError, match=r"is aiperf 0\.9\.0, but the figures were"):
        find_aiperf(str(other))
    with pytest.raises(DeployError, match="cannot run this program"):
        find_aiperf(str(tmp_path / "nothing"))
    cached = fake_aiperf.install(tmp_path / "aiperf-0.7.0")
    assert find_aiperf() == str(cached.with_name("python3"))
    cached.with_name("python3").unlink()
    with pytest.raises(DeployError, match="is not in a separate environment"):
        find_aiperf(str(cached))


@pytest.mark.usefixtures("started")
def test_each_run_stands_in_its_folder_with_its_environment(
    make: Make, engine: str, aiperf: Path
) -> None:
    benchmark = make(engine, runs=2, scenarios=[1, 2])
    benchmark.here(find_aiperf(str(aiperf)), silent)
    for scenario in (1, 2):
        folder = benchmark.output / f"kserve-scenario{scenario}-c4"
        names = sorted(path.name for path in (folder / "runs").iterdir())
        assert names == ["run-1", "run-2"]
        assert not (folder / "runs" / "run-1" / "inputs.json").exists()
        told = json.loads((folder / "run.json").read_text("utf-8"))
        assert told["simulator"]["inFlight"]["1"]["ttft"] == {1: 20, 2: 40}[scenario]
        assert (told["badAnswers"], told["conversations"]) == ([], 4)
        assert set(told["versions"]) == {"dsv4deploy", "aiperf", "engine", "python"}
        assert results.Settings.model_validate(told).warmup_requests == 0


def test_runs_that_have_ended_are_kept_and_half_ones_begun_again(
    make: Make, engine: str, aiperf: Path, started: Callable[[], list[Any]]
) -> None:
    python = find_aiperf(str(aiperf))
    make(engine).here(python, silent)
    half = make(engine).output / "kserve-scenario1-c4" / "runs" / "part-2"
    half.mkdir()
    (half / "profile_export.jsonl").write_text("half")
    make(engine, runs=2).here(python, silent)
    assert len(started()) == 2
    assert not any(Path(each["scratch"]).parent.exists() for each in started())
    assert not half.exists()
    assert (half.with_name("run-2") / "profile_export.jsonl").read_text() == "{}\n" * 3
    make(engine, runs=2).here(python, silent)
    assert len(started()) == 2


def test_warming_up_comes_first_and_leaves_nothing(
    make: Make, engine: str, aiperf: Path, started: Callable[[], list[Any]]
) -> None:
    benchmark = make(engine, warmup=True)
    seen = []
    benchmark.here(find_aiperf(str(aiperf)), lambda _, number, ended: seen.append((number, ended)))
    first, second = (" ".join(each["words"]) for each in started())
    assert "warmup1.jsonl" in first
    assert "--request-count 4 --concurrency 4" in first
    assert "scenario1.jsonl" in second
    folder = benchmark.output / "kserve-scenario1-c4"
    assert [path.name for path in (folder / "runs").iterdir()] == ["run-1"]
    assert json.loads((folder / "run.json").read_text())["warmupRequests"] == 4
    assert seen[0][0] == 0
    assert seen[-1] == (1, 3)


@pytest.mark.parametrize(("ingress", "sent"), [("maas", "sk-0123456789"), ("kserve", "")])
def test_the_key_goes_to_the_maas_ingress_and_is_in_no_command_line_and_no_file(
    make: Make,
    engine: str,
    aiperf: Path,
    started: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    ingress: str,
    sent: str,
) -> None:
    monkeypatch.setenv("DSV4DEPLOY_API_KEY", "sk-0123456789")
    benchmark = make(engine, ingress)
    benchmark.here(find_aiperf(str(aiperf)), silent)
    (run,) = started()
    assert run["key"] == sent
    assert "sk-0123456789" not in run["line"]
    for path in benchmark.output.rglob("*"):
        assert path.is_dir() or "sk-0123456789" not in path.read_text()


def test_a_key_that_can_t_be_sent_stops_all_and_is_in_no_file(
    make: Make,
    engine: str,
    aiperf: Path,
    started: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DSV4DEPLOY_API_KEY", "sk-0123456789\r")
    benchmark = make(engine, "maas")
    with pytest.raises(
        DeployError, match="contains whitespace, a line break or non-ASCII"
    ) as refused:
        benchmark.here(find_aiperf(str(aiperf)), silent)
    assert started() == []
    told = [path.read_text() for path in benchmark.output.rglob("*") if path.is_file()]
    assert "sk-" not in "".join([str(refused.value), *told])


CHUNK = b"""data: {"choices": [{"delta": {"content": "One, two, three, four, five."}}],
 "usage": {"completion_tokens": 9}}"""
GOOD = b"HTTP/1.1 200 OK\r\n\r\n" + CHUNK.replace(b"\n", b"") + b"\n\ndata: [DONE]\n\n"


@contextmanager
def answering(*responses: bytes) -> Iterator[str]:
    """The URL of a server that gives these responses, and then the last one for ever."""
    left = list(responses)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.connection.recv(65536)
            self.wfile.write(left.pop(0) if len(left) > 1 else left[0])

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions"
        server.shutdown()


SAYS = "x-dsv4deploy-simulator: the simulator's description of itself is invalid"


def bad_answers(benchmark: Benchmark) -> list[str]:
    told = json.loads((benchmark.output / "kserve-scenario1-c4" / "run.json").read_text())
    return list(told["badAnswers"])


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "broke off after 0 characters"),
        (b"HTTP/1.1 200 OK\r\n\r\n[]", "broke off after 0 characters"),
        (b"HTTP/1.1 200 OK\r\nx-dsv4deploy-simulator: {\r\n\r\n{}", "Expecting property name"),
        *(
            (b"HTTP/1.1 200 OK\r\nx-dsv4deploy-simulator: " + told + b"\r\n\r\n", why)
            for told, why in (
                (b"[" * 60_000, "recursion"),
                (b'{"scenarios": {}, "ttft": 1e999}', "not JSON compliant"),
            )
        ),
        *(
            (GOOD.replace(b"\r\n", b"\r\nx-dsv4deploy-simulator: " + told + b"\r\n", 1), SAYS)
            for told in (
                b"[1]",
                b"5",
                b'{"x": 1}',
                b'{"scenarios": []}',
                b'{"scenarios": {"1": 5}}',
            )
        ),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503: no engine is ready"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP 502: Bad Gateway"),
    ],
)
def test_an_answer_that_never_comes_loses_no_run_and_is_told_apart_from_garbage(
    make: Make, aiperf: Path, monkeypatch: pytest.MonkeyPatch, response: bytes, why: str
) -> None:
    monkeypatch.setattr(worker, "PAUSES", (0.0, 0.0))
    with answering(GOOD, response) as url:
        benchmark = make(url)
        benchmark.here(find_aiperf(str(aiperf)), silent)
    (bad,) = bad_answers(benchmark)
    assert bad.startswith("run-1: no answer: ")
    assert why in bad


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("run.json", "[]", r"run\.json: was not written by `bench run`; pass another folder"),
        ("run.json", "5", r"run\.json: cannot be read: "),
        ("run.json", '{"url": 1}', r"run\.json: was not written by `bench run`"),
        ("run.json", "[" * 50_000, r"run\.json: cannot be read: nested too deeply"),
        ("runs/run-1/answer.json", '{"text": "One', r"answer\.json: cannot be read: .*; delete "),
        ("runs/run-1/answer.json", "[]", r"answer\.json: cannot be read"),
        ("runs/run-1/answer.json", "{}", r"answer\.json: cannot be read: 'error'"),
        ("runs/run-1/answer.json", '{"error": NaN}', r"answer\.json: cannot be read: NaN is"),
    ],
)
def test_what_a_damaged_folder_holds_is_an_error_that_names_the_file(
    make: Make, engine: str, aiperf: Path, name: str, text: str, sentence: str
) -> None:
    benchmark = make(engine)
    benchmark.here(find_aiperf(str(aiperf)), silent)
    (benchmark.output / "kserve-scenario1-c4" / name).write_text(text)
    with pytest.raises(DeployError, match=sentence):
        make(engine).record()


def test_an_answer_that_comes_late_is_none_that_is_missing(
    make: Make, aiperf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSES", (0.0, 0.0))
    busy = b"HTTP/1.1 429 Too Many Requests\r\n\r\n"
    with answering(GOOD, busy, b"", GOOD) as url:
        benchmark = make(url)
        benchmark.here(find_aiperf(str(aiperf)), silent)
    assert bad_answers(benchmark) == []


def test_no_proxy_stands_between(
    make: Make, engine: str, aiperf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    benchmark = make(engine)
    benchmark.here(find_aiperf(str(aiperf)), silent)
    assert bad_answers(benchmark) == []


def test_an_ingress_that_refuses_is_told_before_any_run(
    make: Make, aiperf: Path, started: Callable[[], list[Any]]
) -> None:
    with answering(b"HTTP/1.1 401 Unauthorized\r\n\r\n") as url:
        benchmark = make(url)
        with pytest.raises(
            DeployError, match="of 80 words: HTTP 401: the API key is missing or invalid"
        ):
            benchmark.here(find_aiperf(str(aiperf)), silent)
    assert started() == []
    # What was asked of it is nothing that other results are compared with.
    make(URL).record()


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        ("fail", "exited with 1 and wrote no results.*the fake has failed"),
        ("cancelled", "cancelled"),
        ("torn", "left results that cannot be read"),
        (
            "refused",
            'none of 3 requests was answered; last error: {"code": 401, "type": "Unauthorized"',
        ),
    ],
)
def test_a_run_that_fails_says_why_and_is_no_result(
    behave: str,
    sentence: str,
    make: Make,
    engine: str,
    aiperf: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAKE_BEHAVE", behave)
    with pytest.raises(DeployError, match=f"(?s){sentence}.*run the same command to continue"):
        make(engine).here(find_aiperf(str(aiperf)), silent)
    assert make(engine).plan()["groups"][0]["pending"] == [1]


def test_an_engine_that_has_broken_under_the_load_is_noticed(make: Make, aiperf: Path) -> None:
    with simulator(model=Values().model.name, garbage=True) as url:
        benchmark = make(url, runs=2)
        benchmark.here(find_aiperf(str(aiperf)), silent)
    one, two = bad_answers(benchmark)
    assert one.startswith("run-1: garbage: 'the' is repeated")
    assert two.startswith("run-2: garbage: 'the' is repeated")


def test_the_prompt_that_is_tried_first_is_long_and_not_measured(data: dataset.Dataset) -> None:
    for scenario, words in ((1, 80), (2, 164)):
        text = worker.sample(data.folder / f"warmup{scenario}.jsonl")
        assert len(text.split()) == words
        assert text not in (data.folder / f"scenario{scenario}.jsonl").read_text("utf-8")


def test_without_prompts_to_warm_up_a_short_one_is_tried(
    make: Make, engine: str, aiperf: Path, tmp_path: Path
) -> None:
    model = tokenizer.train(tmp_path / "tokenizer")
    cold = dataset.make(tmp_path / "cold", str(model), requests=4, size=0.01, warmup=0)
    make(engine, dataset=cold).here(find_aiperf(str(aiperf)), silent)
    with pytest.raises(DeployError, match="no answer to a prompt of 8 words"):
        make(URL, dataset=cold, output=tmp_path / "other").here(find_aiperf(str(aiperf)), silent)


def test_a_folder_holds_the_results_of_one_thing(make: Make, engine: str, aiperf: Path) -> None:
    make(engine).here(find_aiperf(str(aiperf)), silent)
    with pytest.raises(DeployError, match="contains results of another url"):
        make(URL).record()


def test_two_at_once_in_one_folder_do_not_undo_each_other(
    make: Make, engine: str, aiperf: Path
) -> None:
    first, python = make(engine), find_aiperf(str(aiperf))

    def tell(*_: Any) -> None:
        with pytest.raises(DeployError, match="another `bench run` is writing to this folder"):
            make(engine).here(python, silent)

    first.here(python, tell)
    assert first.plan()["groups"][0]["pending"] == []


def test_what_is_recorded_tells_how_many_requests_run_at_once(
    data: dataset.Dataset, tmp_path: Path
) -> None:
    values = load({"replicas": 2})
    measured = Subject(values, "ascend-910b4-8-w4a8", {"kserve": URL}, "image")
    benchmark = Benchmark(measured, data, tmp_path, [1], [4], runs=1)
    benchmark.record()
    assert results.read(tmp_path / "kserve-scenario1-c4").settings.at_once == 8


def test_the_engine_s_own_service_is_reached_by_its_url_only() -> None:
    where = (["direct"], Release(), None)
    with pytest.raises(
        DeployError, match="the direct ingress is reachable only in the cluster; pass --url"
    ):
        subject(Values(), "ascend-910b4-8-w4a8", *where)
    assert subject(Values(), "ascend-910b4-8-w4a8", *where, url=URL).urls == {"direct": URL}


def test_more_users_than_there_are_is_refused(make: Make) -> None:
    with pytest.raises(DeployError, match="a data set with at least --requests 32"):
        make(URL, concurrency=[4, 8], scenarios=[2])
    make(URL, concurrency=[8], scenarios=[1])


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_nothing_goes_on_and_the_same_command_does(
    sign: signal.Signals,
    data: dataset.Dataset,
    engine: str,
    aiperf: Path,
    started: Callable[[], list[Any]],
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-m", "dsv4deploy", "bench", "run", "--aiperf", str(aiperf)]
    words += ["--dataset", str(data.folder), "-o", str(tmp_path / "results"), "--url", engine]
    words += ["--scenario", "1", "--no-warmup", "--concurrency", "4"]
    assert subprocess.run([*words, "--runs", "1"], check=False).returncode == 0
    environment = {**os.environ, "FAKE_BEHAVE": "hang"}
    process = subprocess.Popen([*words, "--runs", "2"], env=environment)
    until(lambda: len(started()) == 2)
    process.send_signal(sign)
    assert process.wait(120) == (130 if sign == signal.SIGINT else -sign)
    until(lambda: not alive(started()[-1]["pid"]))
    until(lambda: not Path(started()[-1]["scratch"]).parent.exists())
    runs = tmp_path / "results" / "kserve-scenario1-c4" / "runs"
    assert sorted(path.name for path in runs.iterdir()) == ["part-2", "run-1"]
    done = subprocess.run([*words, "--runs", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(started()) == 3
    assert sorted(path.name for path in runs.iterdir()) == ["run-1", "run-2"]


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False
