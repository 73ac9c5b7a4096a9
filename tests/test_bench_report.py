"""A sound result gets a verdict, every kind of wrong one gets none, and the report says so."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from bench_results import Made, fail, make, summary, write

from dsv4deploy.bench.figures import percent
from dsv4deploy.bench.report import Report, report, tokens_a_second
from dsv4deploy.bench.results import read
from dsv4deploy.bench.soundness import Means, identities
from dsv4deploy.bench.verdict import Judged, Outcome, judge, overheads, sweeps
from dsv4deploy.errors import DeployError
from dsv4deploy.facts.published import OUTPUT_TOKENS, Metric, Row, rows, scenarios
from dsv4deploy.sizing.svg import ticks

COMPLETE = [row for row in rows() if not row.note]


def name(row: Row) -> str:
    return f"{row.profile}-{row.scenario}-{row.ingress}-{row.concurrency}"


def as_published(row: Row, **changed: Any) -> Made:
    """What a row published, as a result."""
    return make(
        **{
            "scenario": row.scenario,
            "ingress": row.ingress,
            "profile": row.profile,
            "concurrency": row.concurrency,
            "conversations": row.requests // 4,
            "ttft": row.figures[Metric.TTFT].value,
            "itl": row.figures[Metric.ITL].value,
            **changed,
        }
    )


def judged(made: Made, folder: Path) -> Judged:
    return judge(read(write(made, folder)))


def failing(each: Judged) -> set[str]:
    return {check.code for check in each.checks if not check.holds}


# --- the published tables ----------------------------------------------------------------------


def published(row: Row) -> Means:
    """A row as figures of a closed loop; four requests make a conversation of scenario 2."""
    return Means(
        figures={metric: figure.value for metric, figure in row.figures.items()},
        input_tokens=scenarios()[row.scenario].input_tokens,
        output_tokens=OUTPUT_TOKENS,
        concurrency=row.concurrency,
        sequences=row.sequences,
        rounding={metric: each.rounding / each.value for metric, each in row.figures.items()},
    )


@pytest.mark.parametrize("row", COMPLETE, ids=name)
def test_the_published_rows_agree_with_themselves(row: Row) -> None:
    assert [check.found for check in identities(published(row)) if not check.holds] == []


@pytest.mark.parametrize("row", COMPLETE, ids=name)
@pytest.mark.parametrize(
    ("metric", "caught"),
    [
        (Metric.TTFT, {"latency"}),
        (Metric.ITL, {"latency"}),
        (Metric.E2E, {"latency", "throughput", "in-flight"}),
        (Metric.DECODE, {"in-flight", "tokens"}),
        (Metric.TPS, {"throughput", "tokens"}),
    ],
)
def test_a_published_row_with_one_wrong_figure_would_be_noticed(
    row: Row, metric: Metric, caught: set[str]
) -> None:
    means = published(row)
    means.figures[metric] *= 1.1
    assert {check.code for check in identities(means) if not check.holds} == caught


# --- verdicts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", COMPLETE, ids=name)
def test_what_was_published_is_reproduced(row: Row, tmp_path: Path) -> None:
    each = judged(as_published(row), tmp_path)
    assert failing(each) == set()
    assert str(each.verdict) == "SIMULATOR: reproduced"


def test_an_engine_is_no_simulator(tmp_path: Path) -> None:
    assert str(judged(make(simulator=None), tmp_path).verdict) == "reproduced"


@pytest.mark.parametrize("slower", [0.92, 1.08])
def test_the_noise_of_the_published_runs_is_allowed(slower: float, tmp_path: Path) -> None:
    assert judged(make(slower=slower), tmp_path).verdict.outcome == Outcome.REPRODUCED


def test_what_is_slower_is_not_reproduced_and_each_metric_says_by_how_much(tmp_path: Path) -> None:
    verdict = judged(make(slower=1.2), tmp_path).verdict
    assert verdict.outcome == Outcome.NOT_REPRODUCED
    assert "not reproduced, because TTFT is 20.0 % above the published 3758 ms (slower)" in str(
        verdict
    )
    assert [reason.split()[0] for reason in verdict.reasons] == [
        "TTFT",
        "ITL",
        "E2E",
        "Decode",
        "TPS",
    ]


def test_what_is_faster_is_not_reproduced_either(tmp_path: Path) -> None:
    verdict = judged(make(slower=0.8), tmp_path).verdict
    assert verdict.outcome == Outcome.NOT_REPRODUCED
    assert all("(faster)" in reason for reason in verdict.reasons)


def test_what_is_slower_is_told_before_what_is_faster(tmp_path: Path) -> None:
    verdict = judged(make(ttft=1000, itl=115), tmp_path).verdict
    assert verdict.reasons[0].startswith("ITL")
    assert verdict.reasons[-1].startswith("TTFT is 73")


def test_a_figure_that_was_rounded_far_is_not_held_against_a_run(tmp_path: Path) -> None:
    """16 tokens/s may have been 15.5: a run at 14.4 is within, at 13.9 it is not."""
    row = next(row for row in COMPLETE if (row.scenario, row.ingress) == (2, "kserve"))
    found = judged(as_published(row, slower=1.08), tmp_path).comparisons
    decode = next(each for each in found if each.metric == Metric.DECODE)
    assert decode.deviation < -0.1
    assert decode.within


@pytest.mark.parametrize(
    "changed", [{"profile": "mine"}, {"profile": ""}, {"concurrency": 8, "maxNumSeqs": 8}]
)
def test_what_was_not_published_is_not_judged(changed: dict[str, Any], tmp_path: Path) -> None:
    verdict = judged(make(**changed), tmp_path).verdict
    assert verdict.outcome == Outcome.UNPUBLISHED
    assert "no figure was published for" in str(verdict)


def test_without_a_gateway_the_internal_one_is_compared(tmp_path: Path) -> None:
    each = judged(make(ingress="direct"), tmp_path)
    assert each.verdict.outcome == Outcome.REPRODUCED
    assert (
        "Compared with KServe's row, because nothing was published without a gateway." in each.hints
    )


def test_a_row_of_another_configuration_gives_no_verdict(tmp_path: Path) -> None:
    """The two nodes' scenario 1 was published eager, without graphs and without the store."""
    each = judged(
        make(profile="ascend-910b3-16-w8a8", ingress="maas", concurrency=8, ttft=4000, itl=300),
        tmp_path,
    )
    assert {told.metric for told in each.comparisons if told.published} == set(Metric)
    assert each.verdict.outcome == Outcome.UNPUBLISHED
    assert "measured eager, without graphs and without the KV store" in str(each.verdict)


# --- runs that are not sound -------------------------------------------------------------------


def _summary(metric: str, factor: float) -> Callable[[Made], None]:
    """Changes a figure of aiperf's summary of the second run."""

    def doctor(made: Made) -> None:
        made.runs[1][0][metric]["avg"] *= factor

    return doctor


def _record(change: Callable[[dict[str, Any]], None]) -> Callable[[Made], None]:
    """Changes a request of the second run, and what aiperf reckons of it."""

    def doctor(made: Made) -> None:
        records = made.runs[1][1]
        change(records[17])
        made.runs[1] = (summary(records), records)

    return doctor


def _one_token_less(record: dict[str, Any]) -> None:
    record["metrics"]["output_sequence_length"]["value"] -= 1


def _half_the_records(made: Made) -> None:
    records = made.runs[1][1][::2]
    made.runs[1] = (summary(records), records)


def _all_fail(made: Made) -> None:
    fail(made, 1, 240)


def _shorter_prompts(made: Made) -> None:
    for _, records in made.runs:
        for each in records:
            each["metrics"]["input_sequence_length"]["value"] = 7500
    made.runs = [(summary(records), records) for _, records in made.runs]


def _itl_of_another_length(made: Made) -> None:
    """ITL as it would be of 100 tokens, in every record and so in the summary."""
    for _, records in made.runs:
        for each in records:
            each["metrics"]["inter_token_latency"]["value"] *= 127 / 99
    made.runs = [(summary(records), records) for _, records in made.runs]


UNSOUND: dict[str, tuple[dict[str, Any], str, str]] = {
    "a run is missing": ({"doctor": lambda made: made.runs.pop()}, "runs", "2 of 3"),
    "no run has ended": ({"doctor": lambda made: made.runs.clear()}, "runs", "0 of 3"),
    "requests are missing": ({"doctor": _half_the_records}, "requests", "120 of 240 (run-2)"),
    "a run was broken off": (
        {"doctor": lambda made: made.runs[1][0].update(was_cancelled=True)},
        "requests",
        "broken off",
    ),
    "a request failed": (
        {"doctor": lambda made: fail(made, 1, 1)},
        "errors",
        "1 of 240 requests failed (503 Service Unavailable × 1) (run-2)",
    ),
    "every request failed": ({"doctor": _all_fail}, "errors", "240 of 240"),
    "errors are in the summary alone": (
        {"doctor": lambda made: made.runs[1][0].update(error_request_count={"avg": 2.0})},
        "errors",
        "2 of 240",
    ),
    "answers are too short": ({"output_tokens": 100}, "output-length", "100 tokens"),
    "one answer is a token short": (
        {"doctor": _record(_one_token_less)},
        "output-length",
        "1 of 240 answers have another length, 127 tokens",
    ),
    "aiperf counted a wrong length": (
        {"doctor": lambda made: made.runs[1][0].update(osl_mismatch_count={"avg": 1.0})},
        "output-length",
        "(run-2)",
    ),
    "prompts are too short": ({"doctor": _shorter_prompts}, "input-length", "7,500 tokens"),
    "E2E is not the sum": ({"doctor": _itl_of_another_length}, "latency", "by the sum"),
    "E2E is another": ({"doctor": _summary("request_latency", 1.01)}, "latency", "(run-2)"),
    "TPS is too high": ({"doctor": _summary("total_token_throughput", 1.05)}, "throughput", "104"),
    "TPS is too low": ({"doctor": _summary("total_token_throughput", 0.95)}, "throughput", "94"),
    "decode is too high": (
        {"doctor": _summary("output_token_throughput", 1.05)},
        "in-flight",
        "in flight by Little's law",
    ),
    "TPS counts other tokens": (
        {"doctor": _summary("total_token_throughput", 0.99)},
        "tokens",
        "by throughput",
    ),
    "fewer requests are in flight": ({"in_flight": 3}, "in-flight", "2.99 in flight"),
    "more requests are in flight": ({"in_flight": 5}, "in-flight", "in flight"),
    "fewer are in flight than a long tail would hide": (
        {
            "scenario": 2,
            "concurrency": 16,
            "conversations": 60,
            "in_flight": 14,
            "ttft": 1360,
            "itl": 90,
        },
        "steady",
        "14.00 in flight on average",
    ),
    "the summary is of another run": (
        {"doctor": _summary("time_to_first_token", 1.005)},
        "summary",
        "TTFT is",
    ),
    "an answer is garbage": (
        {"badAnswers": ["run-1: garbage: the answer is empty"]},
        "garbage",
        "run-1: garbage: the answer is empty",
    ),
}


@pytest.mark.parametrize(("changed", "code", "told"), UNSOUND.values(), ids=UNSOUND.keys())
def test_a_run_that_is_not_sound_gets_no_verdict(
    changed: dict[str, Any], code: str, told: str, tmp_path: Path
) -> None:
    each = judged(make(**changed), tmp_path)
    assert code in failing(each)
    assert each.verdict.outcome == Outcome.NO_VERDICT
    assert "not reproduced, because the run is not sound and gets no verdict: " in str(each.verdict)
    assert told in next(check.found for check in each.checks if check.code == code)


def test_every_check_has_a_result_that_fails_it(tmp_path: Path) -> None:
    sound = judged(make(badAnswers=[]), tmp_path)
    assert failing(sound) == set()
    assert {check.code for check in sound.checks} == {code for _, code, _ in UNSOUND.values()}


@pytest.mark.parametrize("in_flight", [1, 2, 3])
def test_a_run_so_short_that_all_starts_at_once_is_steady_too(
    in_flight: int, tmp_path: Path
) -> None:
    short: dict[str, Any] = {"scenario": 2, "conversations": 4, "ttft": 9789, "itl": 182.1}
    each = judged(make(**short), tmp_path)
    assert each.verdict.outcome == Outcome.REPRODUCED
    assert any(hint.startswith("Reduced: 16 requests") for hint in each.hints)
    fewer = judged(make(in_flight=in_flight, **short), tmp_path)
    assert failing(fewer) == {"steady"}
    assert fewer.verdict.outcome == Outcome.NO_VERDICT


def test_one_run_is_said_to_be_one(tmp_path: Path) -> None:
    hints = {runs: judged(make(runs=runs), tmp_path / str(runs)).hints for runs in (1, 3)}
    assert hints[3] == ()
    assert hints[1][0].startswith("One run has no spread")


def test_a_reduced_run_s_throughput_is_allowed_its_longer_tail(tmp_path: Path) -> None:
    """Six users in four places: while the last two are served, two places are empty."""
    reduced: dict[str, Any] = {"scenario": 2, "conversations": 6, "ttft": 9789, "itl": 182.1}
    each = judged(make(**reduced), tmp_path)
    throughput = next(told for told in each.comparisons if told.metric == Metric.TPS)
    assert throughput.deviation < -0.2
    assert each.verdict.outcome == Outcome.REPRODUCED
    slow = judged(make(slower=1.2, **reduced), tmp_path).verdict
    assert [reason.split()[0] for reason in slow.reasons] == ["TTFT", "ITL", "E2E"]
    fast = judged(make(slower=0.5, **reduced), tmp_path).verdict
    assert len(fast.reasons) == 5
    whole = judged(make(scenario=2, ttft=9789, itl=182.1), tmp_path)
    assert all(told.tail == 0 for told in whole.comparisons)


def test_a_reason_names_the_runs_that_it_holds_of(tmp_path: Path) -> None:
    verdict = judged(make(output_tokens=100), tmp_path).verdict
    assert "(run-1, run-2, run-3)" in str(verdict)


def test_the_client_s_own_time_weighs_more_where_a_simulator_is_fast(tmp_path: Path) -> None:
    """A gap of 10 ms between requests is nothing beside 15 s, and much beside 0.15 s."""

    def gaps(made: Made) -> None:
        for _, records in made.runs:
            for index, each in enumerate(records):
                each["metadata"]["request_start_ns"] += index // 4 * 10_000_000
        made.runs = [(summary(records), records) for _, records in made.runs]

    assert failing(judged(make(doctor=gaps, time_scale=0.01, noise=0), tmp_path)) == set()


# --- one result beside another -----------------------------------------------------------------


def _both(tmp_path: Path, **maas: Any) -> str:
    sides = [judged(make(), tmp_path), judged(make(ingress="maas", **maas), tmp_path)]
    (found,) = overheads(sides)
    return found.sentence


def test_a_difference_below_the_spread_is_no_overhead(tmp_path: Path) -> None:
    assert _both(tmp_path, slower=1.004).startswith("No measurable overhead")


def test_a_difference_above_the_spread_is_told(tmp_path: Path) -> None:
    told = _both(tmp_path, ttft=4100)
    assert told.startswith("TTFT is 9.")
    assert "higher through MaaS" in told
    assert "ITL" not in told


def test_one_run_or_an_unsound_one_tells_nothing_of_overhead(tmp_path: Path) -> None:
    assert "not valid" in _both(tmp_path / "unsound", in_flight=3)
    sides = [
        judged(make(ingress=ingress, runs=1), tmp_path / "one") for ingress in ("kserve", "maas")
    ]
    assert "a single run has no spread" in overheads(sides)[0].sentence


def test_only_like_is_compared_with_like(tmp_path: Path) -> None:
    sides = [
        judged(make(), tmp_path),
        judged(make(ingress="maas", simulator=None), tmp_path),
        judged(make(ingress="maas", scenario=2, ttft=9003, itl=175.9), tmp_path),
    ]
    assert overheads(sides) == []
    assert sweeps(sides) == []


@pytest.mark.parametrize(
    "other", [{"image": "another"}, {"model": "another"}, {"requests": 8}], ids=str
)
def test_another_image_model_or_size_is_not_like(other: dict[str, Any], tmp_path: Path) -> None:
    one, another = judged(make(), tmp_path), judged(make(**other), tmp_path)
    beside = judged(make(ingress="maas"), tmp_path)
    more = judged(make(concurrency=8), tmp_path)
    (found,) = overheads([one, beside, another])
    assert found.kserve is one
    assert overheads([another, beside]) == []
    assert sweeps([another, one, more]) == [(one, more)]
    assert sweeps([another, more]) == []


def _tiers(tmp_path: Path, **changed: Any) -> Report:
    for row in COMPLETE:
        if row.profile == "ascend-910b3-16-w8a8":
            write(as_published(row, **changed), tmp_path)
    return report([tmp_path])


def test_the_two_nodes_sweep_is_held_against_its_published_rows(tmp_path: Path) -> None:
    made = _tiers(tmp_path)
    assert str(made.verdict) == "SIMULATOR: reproduced"
    (several,) = sweeps(made.judged)
    assert [each.result.settings.concurrency for each in several] == [8, 16, 32]
    assert "| 32 | 1,9" in made.markdown()
    assert "saturated" not in made.html().split("</style>")[1]


def test_a_concurrency_above_what_the_engine_takes_is_saturated(tmp_path: Path) -> None:
    made = _tiers(tmp_path, maxNumSeqs=8, dataParallel=2)
    saturated = [any(hint.startswith("Saturated") for hint in each.hints) for each in made.judged]
    assert saturated == [False, False, True]
    assert "takes 16 requests at once" in made.judged[2].hints[0]
    assert "saturated above 16" in made.html()
    twice = _tiers(tmp_path, maxNumSeqs=8, dataParallel=2, replicas=2)
    assert all(each.hints == () for each in twice.judged)


def test_the_worst_result_is_the_verdict_on_all(tmp_path: Path) -> None:
    write(make(), tmp_path)
    assert report([tmp_path]).ok
    write(make(ingress="maas", slower=1.2), tmp_path)
    slow = report([tmp_path])
    assert slow.verdict.outcome == Outcome.NOT_REPRODUCED
    assert "Scenario ① 8k, MaaS, concurrency 4: TTFT is" in str(slow.verdict)
    write(make(scenario=2, ttft=9789, itl=182.1, in_flight=2), tmp_path)
    unsound = report([tmp_path])
    assert unsound.verdict.outcome == Outcome.NO_VERDICT
    assert not slow.ok
    assert not unsound.ok


# --- reading -----------------------------------------------------------------------------------


def test_a_simulator_s_time_is_scaled_back(tmp_path: Path) -> None:
    fast, slow = (
        read(write(make(time_scale=scale), tmp_path / str(scale))).runs[0] for scale in (0.05, 1.0)
    )
    assert fast.means == pytest.approx(slow.means, rel=1e-6)
    assert fast.span == pytest.approx(slow.span, rel=1e-6)
    assert [each.e2e for each in fast.requests] == pytest.approx(
        [each.e2e for each in slow.requests]
    )


def test_requests_of_the_warm_up_are_not_counted(tmp_path: Path) -> None:
    def warm_up(made: Made) -> None:
        for _, records in made.runs:
            first = json.loads(json.dumps(records[0]))
            first["metadata"]["benchmark_phase"] = "warmup"
            first["metadata"]["request_start_ns"] -= 60_000_000_000
            records.insert(0, first)

    each = judged(make(doctor=warm_up), tmp_path)
    assert failing(each) == set()
    assert len(each.result.runs[0].requests) == 240


def test_results_are_found_in_a_folder_of_them_or_named_themselves(tmp_path: Path) -> None:
    one = write(make(runs=1), tmp_path)
    write(make(ingress="maas", runs=1), tmp_path)
    assert len(report([tmp_path]).judged) == 2
    assert [each.result.folder for each in report([one]).judged] == [one]


def test_ten_runs_stand_in_their_order(tmp_path: Path) -> None:
    found = read(write(make(runs=10, conversations=2), tmp_path))
    assert [run.name for run in found.runs] == [f"run-{number}" for number in range(1, 11)]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"contains a run\.json; pass a folder that"):
        report([tmp_path])


BROKEN = {
    "settings that are no JSON": ("run.json", "{", r"run\.json: Invalid JSON"),
    "settings that lack something": ("run.json", "{}", r"run\.json: scenario: Field required"),
    "a summary that is cut off": (
        "runs/run-1/profile_export_aiperf.json",
        '{"time_to',
        r"run-1/profile_export_aiperf\.json: Invalid JSON",
    ),
    "a record that is cut off": (
        "runs/run-1/profile_export.jsonl",
        '{"metadata":',
        r"run-1/profile_export\.jsonl: Invalid JSON",
    ),
}


@pytest.mark.parametrize(("file", "text", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named(file: str, text: str, told: str, tmp_path: Path) -> None:
    home = write(make(runs=1), tmp_path)
    (home / file).write_text(text)
    with pytest.raises(DeployError, match=told):
        read(home)


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ("total_token_throughput", "--use-server-token-count"),
        ("input_sequence_length", "--use-server-token-count"),
        ("time_to_first_token", "--streaming"),
    ],
)
def test_a_summary_that_lacks_a_figure_says_why(figure: str, told: str, tmp_path: Path) -> None:
    def drop(made: Made) -> None:
        del made.runs[0][0][figure]

    with pytest.raises(DeployError, match=f"contains no {figure}: .*{told}"):
        read(write(make(doctor=drop), tmp_path))


# --- the page ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Four results: both scenarios through both ingresses, of which one is slow and one fails."""
    folder = tmp_path_factory.mktemp("full")
    first, second, third, fourth = COMPLETE[:4]
    write(as_published(first), folder)
    write(as_published(second), folder)
    write(as_published(third, slower=1.2), folder)
    write(as_published(fourth, doctor=lambda made: fail(made, 0, 240)), folder)
    return report([folder])


class _Page(HTMLParser):
    """What a page would load, and whether its tags are balanced."""

    VOID = frozenset(("meta", "link", "br"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        told = dict(attrs)
        self.links += [told[key] or "" for key in ("href", "src", "xlink:href") if key in told]
        self.ids += [told["id"] or ""] if "id" in told else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_the_network_for_nothing(full: Report) -> None:
    text = full.html()
    page = _Page(text)
    assert page.open == []
    assert not page.tags & {"script", "img", "iframe", "object", "video"}
    assert all(link == "data:," or link.removeprefix("#") in page.ids for link in page.links)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_plot_is_a_picture_with_a_description(full: Report) -> None:
    pictures = re.findall(r"<svg .*?</svg>", full.html(), re.DOTALL)
    # A strip a metric, three distributions and one line over time of each of three results that
    # have figures, and of the fourth, where one run has none, as many; both ingresses once each.
    assert len(pictures) == 4 * (5 + 3 + 1) + 2
    for text in pictures:
        picture = ET.fromstring(text)
        assert picture.get("role") == "img"
        assert len(picture.get("aria-label") or "") > 20
        for each in picture.iter("rect"):
            assert float(each.get("width") or -1) >= 0
            assert float(each.get("height") or -1) >= 0


def test_the_page_and_the_markdown_tell_the_same(full: Report) -> None:
    for text in (full.html(), full.markdown()):
        assert text.count("TTFT is 20.") >= 1
        assert "240 of 240 requests failed (503 Service Unavailable × 240) (run-1)" in text
        assert "Alauda AI documentation" in text
        assert "No measurable overhead" in text or "through MaaS" in text
        assert "No comparison: one of the two results is not valid." in text


def test_markdown_s_tables_have_a_cell_for_each_column(full: Report) -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", full.markdown(), re.MULTILINE)
    assert len(blocks) == 2 * 4
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_a_simulator_s_figures_are_called_that_everywhere(full: Report, tmp_path: Path) -> None:
    page, markdown = full.html(), full.markdown()
    assert "<title>SIMULATOR: " in page
    parts = re.findall(r"<section.*?</section>", page, re.DOTALL)
    assert len(parts) == 6
    assert all("SIMULATOR" in part for part in parts)
    headings = [line for line in markdown.splitlines() if line.startswith("## ")]
    assert all(line.endswith("(SIMULATOR)") for line in headings)
    assert all(each["verdict"].startswith("SIMULATOR: ") for each in full.data()["results"])
    real = report([write(make(simulator=None), tmp_path)])
    assert "SIMULATOR" not in real.html() + real.markdown() + json.dumps(real.data())


def test_a_time_scale_is_told(tmp_path: Path) -> None:
    text = report([write(make(time_scale=0.05), tmp_path)]).html()
    assert "Its time ran 20 times as fast; all figures are scaled back" in text
    assert "takes 0.05 s for a second that it simulates" in text


def test_only_what_is_simulated_is_called_that(tmp_path: Path) -> None:
    write(make(simulator=None), tmp_path)
    write(make(ingress="maas"), tmp_path)
    mixed = report([tmp_path])
    assert mixed.simulator.startswith("What is marked so comes from a simulator")
    first, second = re.findall(r"<section.*?</section>", mixed.html(), re.DOTALL)
    assert "SIMULATOR" not in first
    assert "SIMULATOR" in second


def test_what_others_wrote_is_escaped(tmp_path: Path) -> None:
    made = report([write(make(model="<script>alert(1)</script>", runs=1), tmp_path)])
    assert "&lt;script&gt;" in made.html()
    assert "script" not in _Page(made.html()).tags


def test_the_same_results_give_the_same_page(full: Report, tmp_path: Path) -> None:
    home = write(make(runs=1), tmp_path)
    assert report([home]).html() == report([home]).html()


@pytest.mark.parametrize("runs", [0, 1])
def test_a_report_can_be_made_of_a_run_that_has_not_ended(runs: int, tmp_path: Path) -> None:
    def stop(made: Made) -> None:
        del made.runs[runs:]

    made = report([write(make(doctor=stop), tmp_path)])
    assert made.verdict.outcome == Outcome.NO_VERDICT
    assert f"{runs} of 3 have ended" in made.html()
    assert f"{runs} of 3 have ended" in made.markdown()


def _buffered(made: Made) -> None:
    """Answers that come in one piece: the first token is the last one too."""
    for _, records in made.runs:
        for each in records:
            each["metrics"]["time_to_first_token"] = each["metrics"]["request_latency"]
            each["metrics"]["inter_token_latency"] = {"value": 0.0}
    made.runs = [(summary(records), records) for _, records in made.runs]


def _every_run_fails(made: Made) -> None:
    for number in range(len(made.runs)):
        fail(made, number, 240)


def _one_is_left(made: Made) -> None:
    for number in range(len(made.runs)):
        fail(made, number, 239)


STRANGE: dict[str, dict[str, Any]] = {
    "nothing was published": {"profile": "mine"},
    "every request failed": {"doctor": _every_run_fails},
    "one request is left": {"doctor": _one_is_left, "runs": 1},
    "answers come in one piece": {"doctor": _buffered},
}


@pytest.mark.parametrize("changed", STRANGE.values(), ids=STRANGE.keys())
def test_a_page_can_be_made_of_strange_results(changed: dict[str, Any], tmp_path: Path) -> None:
    for ingress in ("kserve", "maas"):
        write(make(ingress=ingress, **changed), tmp_path)
    write(make(concurrency=8, **changed), tmp_path)
    made = report([tmp_path])
    assert _Page(made.html()).open == []
    assert made.markdown().count("## ") == 5
    assert json.dumps(made.data())


def test_plain_data_is_json(full: Report) -> None:
    data = json.loads(json.dumps(full.data()))
    assert data["ok"] is False
    assert data["outcome"] == "no verdict"
    told = data["results"][0]["metrics"]["ttft"]
    assert told["published"] == "3758 ms"
    assert len(told["runs"]) == 3
    assert told["mean"] == pytest.approx(3758, rel=0.01)
    assert data["results"][0]["settings"]["maxNumSeqs"] == 4


def test_throughput_over_time_holds_every_token(tmp_path: Path) -> None:
    run = read(write(make(runs=1), tmp_path)).runs[0]
    bins = tokens_a_second(run, run.span * 1.1, 50)
    assert sum(bins) * run.span * 1.1 / 50 == pytest.approx(240 * 8128)
    steady = bins[2:40]
    assert max(steady) / min(steady) < 1.2


@pytest.mark.parametrize(
    ("low", "high", "about", "found"),
    [
        (0, 2124, 4, [0, 1000, 2000]),
        (88, 97, 4, [90, 95]),
        (-0.05, 0.05, 5, [-0.04, -0.02, 0, 0.02, 0.04]),
        (3, 3, 4, [3]),
    ],
)
def test_axes_are_marked_at_round_values(
    low: float, high: float, about: int, found: list[float]
) -> None:
    assert ticks(low, high, about) == pytest.approx(found)


def test_a_percentage_has_its_sign_unless_it_is_none() -> None:
    assert [percent(part, signed=True) for part in (0.1234, -0.0004, -0.05)] == [
        "+12.3 %",
        "0.0 %",
        "−5.0 %",
    ]
