"""Results folders as `dsv4deploy bench run` leaves them, made from figures by a small closed loop.

The shape of the artefacts is aiperf 0.7.0's; the figures are drawn, and are nobody's measurement.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

Summary = dict[str, Any]
Records = list[dict[str, Any]]


@dataclass
class Made:
    """What is written, open to be doctored.

    Attributes:
        settings: of run.json.
        runs: aiperf's summary and records of each run.
    """

    settings: dict[str, Any]
    runs: list[tuple[Summary, Records]] = field(default_factory=list)


def make(
    *,
    scenario: int = 1,
    ingress: str = "kserve",
    profile: str = "ascend-910b4-8-w4a8",
    concurrency: int = 4,
    conversations: int = 60,
    ttft: float = 3758,
    itl: float = 90.9,
    slower: float = 1.0,
    noise: float = 0.01,
    runs: int = 3,
    output_tokens: int = 128,
    in_flight: int | None = None,
    time_scale: float = 1.0,
    doctor: Callable[[Made], None] | None = None,
    **settings: Any,
) -> Made:
    """A result whose figures agree, unless it is doctored.

    Args:
        scenario: 1 or 2.
        ingress: kserve, maas or direct.
        profile: a profile's name.
        concurrency: as it is told.
        conversations: system prompts or users; each makes 4 requests.
        ttft: its mean, ms.
        itl: its mean, ms.
        slower: a factor on all times.
        noise: how far the means of runs differ, as a part.
        runs: how many.
        output_tokens: of each answer.
        in_flight: as it is; None where it is as told.
        time_scale: of the simulator.
        doctor: what is done to the result at last.
        settings: other entries of run.json.
    """
    made = Made(
        {
            "scenario": scenario,
            "ingress": ingress,
            "url": "http://127.0.0.1:8000/v1/chat/completions",
            "model": "gdydems/DeepSeek-V4-Flash-w4a8-mtp",
            "profile": profile,
            "valuesHash": "sha256:5f3c",
            "image": "quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-openeuler",
            "concurrency": concurrency,
            "requests": conversations * 4,
            "conversations": conversations,
            "outputTokens": 128,
            "warmupRequests": 4,
            "runs": runs,
            "maxNumSeqs": 4 if concurrency == 4 else 32,
            "dataParallel": 1 if concurrency == 4 else 2,
            "versions": {
                "dsv4deploy": "0.1.0",
                "aiperf": "0.7.0",
                "engine": "simulator",
                "python": "3.11.2",
            },
            "simulator": {"timeScale": time_scale},
            "started": "2026-08-01T09:00:00+00:00",
            **settings,
        }
    )
    for number in range(runs):
        chance = random.Random(f"{scenario} {ingress} {concurrency} {number}")
        factor = slower * (1 + noise * (number - (runs - 1) / 2))
        records = _loop(
            chance,
            scenario,
            conversations,
            in_flight or concurrency,
            ttft * factor * time_scale,
            itl * factor * time_scale,
            output_tokens,
        )
        made.runs.append((summary(records), records))
    if doctor:
        doctor(made)
    return made


def _loop(
    chance: random.Random,
    scenario: int,
    conversations: int,
    places: int,
    ttft: float,
    itl: float,
    output_tokens: int,
) -> Records:
    """A closed loop: a place that has its answer makes the next request at once."""
    if scenario == 1:
        inputs = [
            (f"prompt-{each % conversations:02}", [8000]) for each in range(conversations * 4)
        ]
    else:
        lengths = [16384, 17408, 18432, 19456]
        inputs = [(f"user-{each:02}", lengths) for each in range(conversations)]
    records: Records = []
    free = [0.0] * places
    for name, lengths in inputs:
        start = heapq.heappop(free)
        for turn, length in enumerate(lengths):
            share = length / fmean(lengths)
            first = ttft * share * chance.gauss(1, 0.06)
            each = itl * chance.gauss(1, 0.03)
            latency = first + (output_tokens - 1) * each
            records.append(_record(name, turn, start, first, each, latency, length, output_tokens))
            start += latency
        heapq.heappush(free, start)
    return records


def _record(
    name: str,
    turn: int,
    start: float,
    ttft: float,
    itl: float,
    latency: float,
    input_tokens: int,
    output_tokens: int,
) -> dict[str, Any]:
    began = 1_780_000_000_000_000_000 + round(start * 1e6)
    return {
        "metadata": {
            "session_num": 0,
            "conversation_id": name,
            "turn_index": turn,
            "request_start_ns": began,
            "request_end_ns": began + round(latency * 1e6),
            "benchmark_phase": "profiling",
            "was_cancelled": False,
        },
        "metrics": {
            "time_to_first_token": {"value": ttft, "unit": "ms"},
            "inter_token_latency": {"value": itl, "unit": "ms"},
            "request_latency": {"value": latency, "unit": "ms"},
            "input_sequence_length": {"value": input_tokens, "unit": "tokens"},
            "output_sequence_length": {"value": output_tokens, "unit": "tokens"},
        },
    }


def summary(records: Records) -> Summary:
    """What aiperf reckons of records."""
    good = [each["metrics"] for each in records if not each.get("error")]
    failed = len(records) - len(good)
    made: Summary = {"schema_version": "1.0", "aiperf_version": "0.7.0", "was_cancelled": False}
    if failed:
        made["error_request_count"] = {"unit": "requests", "avg": float(failed)}
        made["error_summary"] = [{"error_details": {"code": 503}, "count": failed}]
    if not good:
        return made
    names = list(good[0])
    totals = {name: [each[name]["value"] for each in good] for name in names}
    starts = [each["metadata"]["request_start_ns"] for each in records]
    ends = [
        each["metadata"]["request_start_ns"] + each["metrics"]["request_latency"]["value"] * 1e6
        for each in records
        if not each.get("error")
    ]
    seconds = (max(ends) - min(starts)) / 1e9
    tokens_in, tokens_out = (
        sum(totals["input_sequence_length"]),
        sum(totals["output_sequence_length"]),
    )
    made |= {name: {"avg": fmean(values)} for name, values in totals.items()}
    made |= {
        "request_count": {"unit": "requests", "avg": float(len(good))},
        "output_token_throughput": {"unit": "tokens/sec", "avg": tokens_out / seconds},
        "total_token_throughput": {"unit": "tokens/sec", "avg": (tokens_in + tokens_out) / seconds},
        "osl_mismatch_count": {"unit": "requests", "avg": 0.0},
    }
    return made


def fail(made: Made, run: int, count: int) -> None:
    """Makes a run's last requests errors, as aiperf records them."""
    _, records = made.runs[run]
    for each in records[-count:]:
        each["metrics"] = {}
        each["error"] = {"code": 503, "type": "Service Unavailable", "message": "no engine"}
    made.runs[run] = (summary(records), records)


def write(made: Made, folder: Path) -> Path:
    """Writes a result below a folder, and gives its own folder."""
    asked = made.settings
    name = f"{asked['ingress']}-scenario{asked['scenario']}-c{asked['concurrency']}"
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "run.json").write_text(json.dumps(asked))
    for number, (told, records) in enumerate(made.runs, 1):
        run = home / "runs" / f"run-{number}"
        run.mkdir(parents=True, exist_ok=True)
        (run / "profile_export_aiperf.json").write_text(json.dumps(told))
        lines = "".join(json.dumps(each) + "\n" for each in records)
        (run / "profile_export.jsonl").write_text(lines)
    return home
