"""`plan traffic`: what a user types and sees, and what the plan is made of."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from bench_results import fail, make, write
from click.testing import CliRunner

from dsv4deploy import DeployError, check, load
from dsv4deploy.bench.points import measured_points
from dsv4deploy.capacity.plan import Deployment, Goal, Traffic, plan_traffic
from dsv4deploy.capacity.points import NotMeasuredError, Surface, published_points
from dsv4deploy.capacity.traffic import Lengths, Request, read_trace
from dsv4deploy.cli import cli

W4A8, W8A8 = "ascend-910b4-8-w4a8", "ascend-910b3-16-w8a8"
ASKED = ("--users", "200", "--each", "30/h", "--input-tokens", "17920", "--goal", "ttft-p95=10s")


def typed(*words: object) -> Any:
    """What `plan traffic` says; its errors are raised."""
    done = CliRunner().invoke(cli, ["plan", "traffic", *map(str, words)], standalone_mode=False)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def deployment(profile: str = W4A8) -> Deployment:
    return Deployment(profile, load(profile=profile), Surface.of(published_points(profile, "maas")))


def traffic(rate: float, inputs: str = "8000", outputs: str = "128", **more: Any) -> Traffic:
    return Traffic(rate, Lengths.parse(inputs), Lengths.parse(outputs), **more)


GOAL = [Goal.parse("ttft-p95=10s")]


# --- the plan --------------------------------------------------------------------------------


def test_one_instance_less_misses_the_goal() -> None:
    made = plan_traffic(deployment(), traffic(1.0), GOAL)
    assert made.outcome.missed(GOAL) == []
    assert made.fewer is not None
    assert made.fewer.missed(GOAL) == GOAL
    assert made.bound_by.startswith(
        "TTFT p95 ≤ 10 s (max-num-seqs × data parallel size: 4 requests"
    )
    assert (made.nodes, made.npus) == (made.instances, 8 * made.instances)


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    first, second = (plan_traffic(deployment(), traffic(0.4), GOAL) for _ in range(2))
    other = plan_traffic(deployment(), traffic(0.4, seed=7), GOAL)
    assert first.outcome == second.outcome
    assert first.outcome.figures != other.outcome.figures


def test_bursts_need_more_instances() -> None:
    even = plan_traffic(deployment(), traffic(0.4), GOAL)
    burst = plan_traffic(deployment(), traffic(0.4, burst=10), GOAL)
    assert burst.instances > even.instances


def test_every_figure_has_a_range_and_says_how_it_is_known() -> None:
    made = plan_traffic(deployment(W8A8), traffic(1.0, "17920"), GOAL)
    for figure in made.outcome.figures.values():
        assert figure.low <= figure.likely <= figure.high
        assert (figure.provenance, figure.source) == (
            "derived",
            "simulated from the operating points",
        )
    # The error of the interpolation between 8, 16 and 32 is a part of the range.
    assert made.outcome.figures["e2e-p50"].high > 1.06 * made.outcome.figures["e2e-p50"].likely
    assert made.slots == 32
    assert "the measured range: 32 requests" in made.bound_by
    assert "bench run --concurrency 64" in made.bound_by


def test_quotas_sum_to_what_all_instances_make() -> None:
    made = plan_traffic(deployment(), traffic(1.0, users=7), GOAL)
    assert made.quota is not None
    # A node makes 7.6 million tokens per hour of scenario 1.
    assert made.tokens_per_hour == pytest.approx(made.instances * 2099 * 3600, rel=0.001)
    assert 0 <= made.tokens_per_hour - 7 * made.quota < 7


def test_a_rate_at_which_the_queue_grows_without_end_is_refused() -> None:
    with pytest.raises(DeployError, match=r"but the load is 60; set --instances to \d+ or more"):
        plan_traffic(deployment(), traffic(1.0), GOAL, instances=1)


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ("4000", "128", r"prompts of 4000 tokens; measurements cover 8000 to 19456"),
        ("8000-30000", "128", r"prompts of 30000 tokens"),
        ("8000", "64", r"answers of 64 tokens"),
    ],
)
def test_traffic_that_nobody_has_measured_has_no_plan(inputs: str, outputs: str, said: str) -> None:
    with pytest.raises(NotMeasuredError, match=said):
        plan_traffic(deployment(), traffic(0.1, inputs, outputs), GOAL)


def test_a_goal_that_no_instance_meets_alone_is_refused() -> None:
    with pytest.raises(DeployError, match=r"no number of instances meets TTFT p95 ≤ 1 s.*3\.87 s"):
        plan_traffic(deployment(), traffic(0.1), [Goal.parse("ttft-p95=1s")])


def test_the_speed_of_a_user_is_a_goal_as_well() -> None:
    slow = plan_traffic(deployment(W8A8), traffic(1.5, "17920"), [Goal.parse("speed-p95=7.5")])
    fast = plan_traffic(deployment(W8A8), traffic(1.5, "17920"), [Goal.parse("speed-p95=11")])
    assert fast.instances > slow.instances
    assert fast.outcome.figures["speed-p95"].low >= 11


def test_answers_longer_than_measured_are_at_most_as_slow() -> None:
    made = plan_traffic(deployment(), traffic(0.1, outputs="500"), [Goal.parse("e2e-p50=60s")])
    assert made.outcome.figures["e2e-p50"].likely == pytest.approx(3.872 + 499 * 0.0914)
    assert any("answers longer than the measured 128" in note for note in made.notes)


def test_classes_of_a_trace_have_figures_of_their_own() -> None:
    trace = [
        Request(
            20.0 * number, 8000 if number % 2 else 17920, 128, "short" if number % 2 else "long"
        )
        for number in range(40)
    ]
    made = plan_traffic(deployment(), Traffic.of_trace(trace), GOAL)
    kinds = made.outcome.kinds
    assert kinds["short"]["ttft-p95"].likely == pytest.approx(3.872)
    assert kinds["long"]["ttft-p95"].likely == pytest.approx(9.003)
    assert made.instances == 1
    assert made.bound_by.startswith("none")


@pytest.mark.parametrize("text", ["ttft", "ttft-p90=1", "ttft-p95=0", "speed-p50=8s", "x-p50=1"])
def test_a_goal_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be ttft, e2e or speed"):
        Goal.parse(text)


# --- traces ----------------------------------------------------------------------------------


def test_a_trace_is_read_from_csv_and_json_lines_alike(tmp_path: Path) -> None:
    rows = [{"time": 3, "input": 8000, "output": 128, "class": "a"}, {"time": 1.5, "input": 9000}]
    rows[1]["output"] = 200
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "a.csv").write_text("time,input,output,class\n3,8000,128,a\n1.5,9000,200,\n")
    found = read_trace(tmp_path / "a.jsonl")
    assert found == read_trace(tmp_path / "a.csv")
    assert found == [Request(1.5, 9000, 200), Request(3, 8000, 128, "a")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,input,output\n1,8000,128\n2,x,128\n", r"a\.csv:3: is not a request; the fields"),
        ("time,input\n1,8000\n", r"a\.csv:2: is not a request"),
        ("time,input,output\n-1,8000,128\n", r"a\.csv:2: the time must be at least 0"),
        (
            "time,input,output\n1,0,128\n",
            r"a\.csv:2: the time must be at least 0, and numbers of tokens",
        ),
        ("time,input,output\n1,8000,128\n1,8000,128\n", r"two requests at different times"),
    ],
)
def test_a_trace_that_is_none_is_refused_with_its_line(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DeployError, match=said):
        read_trace(tmp_path / "a.csv")


# --- own results -----------------------------------------------------------------------------


def test_own_results_are_operating_points_with_their_scatter(tmp_path: Path) -> None:
    write(make(ingress="maas", ttft=2000, itl=50), tmp_path)
    (point,) = measured_points([tmp_path], W4A8, "maas")
    assert (point.in_flight, point.output_tokens) == (4, 128)
    assert point.ttft == pytest.approx(2, rel=0.05)
    assert point.itl == pytest.approx(0.05, rel=0.05)
    assert len(point.spread) == 3 * 240
    assert "the simulator of the engine" in point.source
    made = plan_traffic(replace(deployment(), surface=Surface.of([point])), traffic(0.1), GOAL)
    assert made.outcome.figures["ttft-p95"].likely > made.outcome.figures["ttft-p50"].likely
    assert not any("only means were published" in note for note in made.notes)


def test_results_of_others_and_of_a_queue_are_no_points(tmp_path: Path) -> None:
    write(make(ingress="kserve"), tmp_path)
    write(make(ingress="maas", profile=W8A8, scenario=2), tmp_path)
    write(make(ingress="maas", concurrency=8, maxNumSeqs=4, dataParallel=1), tmp_path)
    assert measured_points([tmp_path], W4A8, "maas") == ()


def test_a_run_whose_requests_failed_is_no_point(tmp_path: Path) -> None:
    write(make(ingress="maas", doctor=lambda made: fail(made, 0, 3)), tmp_path)
    with pytest.raises(DeployError, match=r"is not an operating point.*requests failed"):
        measured_points([tmp_path], W4A8, "maas")


# --- the command -----------------------------------------------------------------------------


def test_profiles_are_compared_and_values_and_a_picture_are_written(tmp_path: Path) -> None:
    asked = ("--users", "20", *ASKED[2:], "--profile", W4A8, "--profile", W8A8)
    files = ("-o", tmp_path / "v.yaml", "--svg", tmp_path / "load.svg")
    done = typed(*asked, "--json", *files)
    assert done.exit_code == 0
    first, second = json.loads(done.stdout)
    assert (first["profile"], second["profile"]) == (W8A8, W4A8)
    assert first["npus"] < second["npus"]
    assert first["goals_met"]
    assert first["gateway"]["gateway"] == {"replicas": 2, "cpu": 1.0, "memory": "512Mi"}
    assert all(point["source"] and point["build"] for point in first["points"])
    values = load(tmp_path / "v.yaml", profile=W8A8)
    assert values.replicas == first["instances"]
    assert values.maas.enabled
    assert values.maas.gateway.replicas == 2
    assert values.maas.gateway.resources.requests.cpu == "1"
    assert values.maas.gateway.resources.requests.memory == "512Mi"
    assert "maas-gateway-small" not in [each.code for each in check(values)]
    assert values.maas.quotas["hour"].tokens == first["quota_tokens_per_hour"]
    root = ET.fromstring((tmp_path / "load.svg").read_text("utf-8"))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"TTFT p95 ≤ 10 s", "requests per minute", W8A8, W4A8} <= {*texts}
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 4


def test_the_table_says_what_bounds_it_and_what_one_less_would_do() -> None:
    told = typed(*ASKED, "--profile", W8A8).stdout
    for said in (
        "Limiting factor: TTFT p95",
        "With one instance fewer: TTFT p95",
        "Note: only means",
    ):
        assert said in told
    assert told.count("Measured with ") == 3


def test_a_goal_that_is_missed_exits_with_1() -> None:
    asked = ("--rate", "50/min", "--input-tokens", "17920", "--profile", W8A8, "--instances", "1")
    done = typed(*asked, "--goal", "e2e-p99=11s")
    assert done.exit_code == 1
    assert "This goal is not met: E2E p99 ≤ 11 s." in done.stdout


def test_what_is_missing_is_named_at_once() -> None:
    with pytest.raises(click.UsageError) as told:
        typed("--users", "200", "--each", "30/h")
    assert told.value.message.startswith("missing --input-tokens and --goal; for example: ")


def test_a_profile_without_figures_uses_those_of_one_alike(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    done = typed(*ASKED, "--profile", "ascend-910b4-8-w4a8-production", "-o", str(file))
    assert "the plan uses those of ascend-910b4-8-w4a8" in done.stderr
    render = f"dsv4deploy render --profile ascend-910b4-8-w4a8-production {file}"
    assert f"# Render it with the files of the plan: {render}" in file.read_text("utf-8")


def test_nothing_published_says_what_to_run() -> None:
    done = typed(*ASKED, "--profile", "ascend-a3-16-w8a8")
    assert done.exit_code == 1
    assert re.search("no figures are published.*bench run --concurrency", done.stderr)
    done = typed(*ASKED, "--profile", "ascend-a3-16-w8a8", "--profile", "ascend-910b3-8-w8a8")
    assert done.exit_code == 1
    assert "no profile has a plan" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "5"), "must be requests per unit of time"),
        (("--each", "30/h", "--input-tokens", "8000"), "--each requires --users"),
        (
            ("--input-tokens", "8000"),
            r"missing a load \(--rate, --users and --each, or --trace\); for example",
        ),
        (("--rate", "5/min"), "missing --input-tokens; for example"),
        (("--rate", "5/min", "--input-tokens", "x"), "must be tokens such as 8000"),
        (("--rate", "5/min", "--trace", __file__), "--trace excludes --rate"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        typed(*words, "--goal", "ttft-p95=10s")


def test_plan_itself_still_takes_files(tmp_path: Path) -> None:
    (tmp_path / "traffic").write_text("name: chat\n")
    done = CliRunner().invoke(cli, ["plan", str(tmp_path / "traffic"), "-o", "json"])
    assert json.loads(done.stdout)["verdict"] == "tight"
