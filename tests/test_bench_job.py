"""The benchmark as a Job: its manifest, and its results out of a log."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import fake_aiperf
import pytest
import tokenizer
from simulated import simulator

from dsv4deploy import Release, Values
from dsv4deploy.bench import dataset, job, worker
from dsv4deploy.bench.run import Benchmark, Subject


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    folder = tmp_path_factory.mktemp("bench")
    model = tokenizer.train(folder / "tokenizer")
    return dataset.make(folder / "dataset", str(model), requests=16, size=0.01)


def benchmark(data: dataset.Dataset, output: Path, url: str = "http://gateway") -> Benchmark:
    subject = Subject(Values(), "ascend-910b4-8-w4a8", {"maas": url}, "image")
    return Benchmark(subject, data, output, [1, 2], [4], runs=1)


def objects(made: Benchmark, **settings: Any) -> list[dict[str, Any]]:
    how = job.Job(**{"image": "python:3.12", **settings})
    return job.manifest(made, how, Release(namespace="prod"))


def test_the_manifest_carries_all_that_the_pod_needs(data: dataset.Dataset, tmp_path: Path) -> None:
    config, made = objects(benchmark(data, tmp_path))
    assert (config["kind"], made["kind"]) == ("ConfigMap", "Job")
    assert {each["metadata"]["namespace"] for each in (config, made)} == {"prod"}
    names = [Path(path).name for path in job.MODULES]
    assert set(config["data"]) == {*names, worker.LOCK, "plan.json"}
    # Half of what Kubernetes stores at most, for a real vocabulary of 2048 words.
    assert len(json.dumps(config)) < 512 * 1024
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "python:3.12"
    assert "DSV4DEPLOY_API_KEY" not in [each["name"] for each in container["env"]]


def test_the_pod_installs_aiperf_by_hashes_and_shows_nobody_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = (Path(worker.__file__).parent / worker.LOCK).read_text("utf-8")
    pins = re.findall(r"^(\S+)==(\S+)((?:.*\\\n)+.*)", lock, re.MULTILINE)
    assert ("aiperf", worker.AIPERF) in [(name, version) for name, version, _ in pins]
    assert len(pins) > 100
    assert all("--hash=sha256:" in rest for *_, rest in pins)
    # Nothing else is in it, such as an address or an unpinned package.
    assert not re.sub(
        r"^(#.*|\S+==\S.*|    --hash=sha256:[0-9a-f]{64}( \\)?)\n", "", lock, flags=re.M
    )

    calls: list[tuple[list[str], dict[str, str]]] = []

    def run(words: list[str], **options: Any) -> None:
        calls.append((words, options["env"]))

    monkeypatch.setattr(worker.subprocess, "run", run)
    monkeypatch.setattr(worker.shutil, "which", lambda _: None)
    monkeypatch.setenv("DSV4DEPLOY_API_KEY", "sk-0123456789")
    assert worker._python(tmp_path) == str(tmp_path / "bin" / "python3")
    assert [each for _, env in calls for each in env if "KEY" in each] == []
    assert all("PATH" in env for _, env in calls)
    words, _ = calls[-1]
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(words)
    assert words[-1].endswith(worker.LOCK)


def test_the_key_is_taken_from_a_secret(data: dataset.Dataset, tmp_path: Path) -> None:
    _, made = objects(benchmark(data, tmp_path), key_secret="keys", key_name="bench")
    (container,) = made["spec"]["template"]["spec"]["containers"]
    (key,) = (each for each in container["env"] if each["name"] == "DSV4DEPLOY_API_KEY")
    assert key["valueFrom"]["secretKeyRef"] == {"name": "keys", "key": "bench"}


def test_by_default_aiperf_can_be_installed_where_nothing_is_compiled() -> None:
    # Some of its packages have no wheel for musl, which Alpine has in the place of glibc.
    assert Values().test.image.endswith("-slim")


def test_whose_a_job_is_does_not_depend_on_what_is_pending_nor_on_where_its_folder_is(
    data: dataset.Dataset, tmp_path: Path
) -> None:
    def about(folder: str = "results", url: str = "http://gateway") -> dict[str, str]:
        _, made = objects(benchmark(data, tmp_path / folder, url))
        return dict(made["metadata"]["annotations"])

    before = about()
    (tmp_path / "results" / "maas-scenario1-c4" / "runs" / "run-1").mkdir(parents=True)
    assert about() == before
    # As another container of the product's image mounts it, which has another host's name.
    (tmp_path / "results").rename(tmp_path / "mounted")
    assert about("mounted") == before
    other, same = about("other"), about("mounted", "http://other")
    for key in ("dsv4deploy.io/plan", "dsv4deploy.io/results"):
        assert other[key] != before[key]
    assert same["dsv4deploy.io/plan"] != before["dsv4deploy.io/plan"]
    assert same["dsv4deploy.io/results"] == before["dsv4deploy.io/results"]


def test_the_pod_s_program_makes_the_same_data_and_prints_what_comes_back(
    data: dataset.Dataset, tmp_path: Path
) -> None:
    aiperf = fake_aiperf.install(tmp_path / "fake")
    with simulator(model=Values().model.name) as url:
        made = benchmark(data, tmp_path / "results", url)
        config, manifest = objects(made)
        volume, _ = manifest["spec"]["template"]["spec"]["volumes"]
        for item in volume["configMap"]["items"]:
            file = tmp_path / "pod" / "program" / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(config["data"][item["key"]], "utf-8")
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        words = [
            word.replace("/job", ".").replace("/work", "work") for word in container["command"]
        ]
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=tmp_path / "pod",
            env={
                "PATH": f"{aiperf.parent}{os.pathsep}{os.environ['PATH']}",
                "FAKE_AIPERF": str(tmp_path / "aiperf.jsonl"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    made.record()
    # A pod that died within its second run has printed the first.
    whole = done.stdout
    job.collect(whole[: whole.rindex("-----END")], made)
    assert [len(group["pending"]) for group in made.plan()["groups"]] == [0, 1]
    job.collect(whole, made)
    assert [len(group["pending"]) for group in made.plan()["groups"]] == [0, 0]
    for scenario in (1, 2):
        folder = made.output / f"maas-scenario{scenario}-c4"
        assert (
            json.loads((folder / "run.json").read_text())["simulator"]["inFlight"]["1"]["itl"]
            == scenario
        )
        assert sorted(path.name for path in (folder / "runs" / "run-1").iterdir()) == [
            "answer.json",
            "profile_export.jsonl",
            "profile_export_aiperf.json",
        ]


def printed(folder: Path) -> str:
    """A run as a Job prints it."""
    folder.mkdir()
    answer = {"text": "One, two", "error": "", "simulator": None}
    (folder / worker.ANSWER).write_text(json.dumps(answer))
    (folder / worker.RECORDS).write_text(random.Random(1).randbytes(2000).hex())
    (folder / worker.SUMMARY).write_text("{}")
    return worker.printed(folder, "maas-scenario1-c4/runs/run-1")


def test_what_an_interrupted_run_has_left_here_is_no_part_of_the_job_s(
    data: dataset.Dataset, tmp_path: Path
) -> None:
    made = benchmark(data, tmp_path / "results")
    runs = made.output / "maas-scenario1-c4" / "runs"
    (runs / "part-1").mkdir(parents=True)
    (runs / "part-1" / "aiperf.log").write_text("of another run")
    job.collect(printed(tmp_path / "run"), made)
    assert [path.name for path in runs.iterdir()] == ["run-1"]
    assert not (runs / "run-1" / "aiperf.log").exists()


def test_an_archive_of_something_else_stays_pending(data: dataset.Dataset, tmp_path: Path) -> None:
    made = benchmark(data, tmp_path / "results")
    begin, *_, end = printed(tmp_path / "run").splitlines()
    link = tarfile.TarInfo("../../outside")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(link)
    for packed in (buffer.getvalue(), gzip.compress(b"no archive")):
        job.collect("\n".join([begin, base64.b64encode(packed).decode(), end]), made)
        assert [len(group["pending"]) for group in made.plan()["groups"]] == [1, 1]


@pytest.mark.parametrize(
    "lost",
    [slice(0, 1), slice(1, 2), slice(-1, None), slice(2, None)],
    ids=["begin", "middle", "end", "half"],
)
def test_a_run_of_which_the_log_has_lost_some_stays_pending(
    lost: slice, data: dataset.Dataset, tmp_path: Path
) -> None:
    made = benchmark(data, tmp_path / "results")
    whole = printed(tmp_path / "run")
    begin, *lines, end = whole.splitlines()
    assert len(lines) > 3
    del lines[lost]
    job.collect("\n".join([begin, *lines, end]), made)
    assert [len(group["pending"]) for group in made.plan()["groups"]] == [1, 1]
    job.collect(whole, made)
    assert [len(group["pending"]) for group in made.plan()["groups"]] == [0, 1]


def test_the_pod_s_program_says_why_it_failed(data: dataset.Dataset, tmp_path: Path) -> None:
    config, _ = objects(benchmark(data, tmp_path, "http://127.0.0.1:9/v1/chat/completions"))
    plan = json.loads(config["data"]["plan.json"])

    def said() -> str:
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        command = [sys.executable, "-m", "dsv4deploy.bench.worker", "plan.json", "work"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        return done.stdout + done.stderr

    # Before it installs anything.
    refused = said()
    assert refused.startswith("failed: http://127.0.0.1:9/v1/chat/completions: no answer to a")
    assert "Connection refused" in refused
    plan["files"]["scenario1.jsonl"] = "another"
    assert "differs from the data set of the command" in said()
