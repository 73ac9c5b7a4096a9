"""The real aiperf against the simulator of the engine: what `plan traffic` says is what comes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from test_bench import simulator

from dsv4deploy import load
from dsv4deploy.bench import dataset
from dsv4deploy.bench.prompts import TOKENIZER
from dsv4deploy.capacity.plan import quantile
from dsv4deploy.capacity.points import Surface, published_points
from dsv4deploy.capacity.traffic import Lengths, Request, poisson

SIZE = 0.01  # of the prompts: the simulator takes as long for them as for whole ones
REQUESTS = 160
# What aiperf and other work on the machine take makes the engine a little slower than planned, and
# the closer the load is to all, the larger the multiple of it by which a wait grows.
LOAD = 0.75


@pytest.mark.measured
@pytest.mark.parametrize(
    ("profile", "prompt", "slots", "scale"),
    [("ascend-910b4-8-w4a8", 8000, 4, 0.3), ("ascend-910b3-16-w8a8", 17920, 32, 1.0)],
)
def test_p95_ttft_is_the_plan_s_within_10_percent(
    profile: str,
    prompt: int,
    slots: int,
    scale: float,
    aiperf: Path,
    data: dataset.Dataset,
    tmp_path: Path,
) -> None:
    full = Surface.of(published_points(profile, "maas")).curve(prompt).at(slots)
    rate = LOAD * slots / (full.ttft + 127 * full.itl)
    inputs, outputs = Lengths.parse(str(prompt)), Lengths.parse("128")
    trace = poisson(rate, inputs, outputs, count=REQUESTS, burst=1, seed=11)
    planned = plan(trace, profile, tmp_path)
    settings = ("--profile", profile, "--ingress", "maas", "--size", SIZE)
    settings += ("--max-num-seqs", slots, "--time-scale", scale)  # type: ignore[assignment]
    model = load(profile=profile).model.name
    with simulator(tmp_path / "simulator.log", *settings) as url:
        found = measured(trace, scale, url, model, aiperf, data, tmp_path)
        with urllib.request.urlopen(url.replace("/v1/chat/completions", "/metrics")) as answer:
            metrics = answer.read().decode()
    assert len(found) == REQUESTS
    finished = f'vllm:request_success_total{{model_name="{model}",engine="0",'
    assert f'{finished}finished_reason="length"}} {REQUESTS}\n' in metrics
    ttft = quantile(sorted(found), 95)
    print(f"{profile}: p95 TTFT {ttft:.2f} s, planned {planned:.2f} s: {ttft / planned - 1:+.1%}")
    assert ttft == pytest.approx(planned, rel=0.1)


def plan(trace: list[Request], profile: str, folder: Path) -> float:
    """The p95 TTFT that `plan traffic` says of one instance."""
    file = folder / "trace.jsonl"
    rows = (
        {"time": each.time, "input": each.input_tokens, "output": each.output_tokens}
        for each in trace
    )
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    command = [sys.executable, "-m", "dsv4deploy", "plan", "traffic", "--trace", str(file)]
    command += ["--profile", profile, "--goal", "ttft-p95=600s", "--instances", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (told,) = json.loads(done.stdout)
    return float(told["outcome"]["figures"]["ttft-p95"]["likely"])


def measured(
    trace: list[Request],
    scale: float,
    url: str,
    model: str,
    aiperf: Path,
    data: dataset.Dataset,
    folder: Path,
) -> list[float]:
    """Each request's TTFT in seconds, as aiperf measured it."""
    words = json.loads((data.folder / "dataset.json").read_text("utf-8"))["madeOf"]["words"]
    file = folder / "aiperf.jsonl"
    rows = (
        {
            "timestamp": each.time * 1000 * scale,
            "text_input": " ".join(words[: round(each.input_tokens * SIZE)]),
            "output_length": each.output_tokens,
        }
        for each in trace
    )
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    command = [
        *(
            str(aiperf),
            "profile",
            "--model",
            model,
            "--url",
            url.removesuffix("/v1/chat/completions"),
        ),
        *("--endpoint-type", "chat", "--streaming", "--use-server-token-count"),
        *("--tokenizer", str(data.folder / TOKENIZER), "--input-file", str(file)),
        *("--custom-dataset-type", "mooncake_trace", "--fixed-schedule"),
        *("--fixed-schedule-auto-offset", "--use-legacy-max-tokens"),
        *("--extra-inputs", "ignore_eos:true", "--output-artifact-dir", str(folder / "out")),
        *("--ui", "none", "--no-gpu-telemetry", "--no-server-metrics"),
    ]
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    lines = (folder / "out" / "profile_export.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [record["metrics"]["time_to_first_token"]["value"] / 1000 / scale for record in records]
