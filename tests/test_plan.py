"""The verdicts of the memory plan, and its limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsv4deploy import Values, check, load, plan
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.sizing.engine import captured_batches, most_as_graph, runs_as_graph
from dsv4deploy.sizing.plan import Verdict
from dsv4deploy.values.profiles import profile_names

NAMES = profile_names()


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_fits_or_is_tight(name: str) -> None:
    assert plan(load(profile=name)).verdict in (Verdict.FITS, Verdict.TIGHT)


@pytest.mark.parametrize(
    ("sets", "verdict"),
    [
        ((), Verdict.TIGHT),
        (("engine.args.gpu-memory-utilization=0.97",), Verdict.DOES_NOT_FIT),
        (("engine.args.max-num-batched-tokens=4096",), Verdict.TIGHT),
        (("engine.args.max-num-batched-tokens=8192",), Verdict.DOES_NOT_FIT),
        (('model.quantization="w8a8"',), Verdict.DOES_NOT_FIT),
        (('npu.card="910B4-1"',), Verdict.FITS),
        (('npu.card="910B4-1"', 'model.quantization="w8a8"'), Verdict.FITS),
    ],
)
def test_what_people_ask(sets: tuple[str, ...], verdict: Verdict) -> None:
    assert plan(of(*sets)).verdict == verdict


def test_w8a8_on_eight_small_cards_is_beyond_any_estimate() -> None:
    made = plan(of('model.quantization="w8a8"'))
    assert not made.best.holds
    assert made.limits.max_num_batched_tokens == made.limits.max_num_seqs == 0


def test_a_step_costs_more_than_a_length() -> None:
    made = plan(Values())
    assert made.bound_by == "max-num-batched-tokens"
    assert plan(of("engine.args.max-model-len=1000000")).bound_by == "max-model-len"


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_fit_and_what_is_next_does_not(name: str) -> None:
    values = load(profile=name)
    limits = plan(values).limits

    def likely(flag: str, value: int) -> bool:
        return plan(load(profile=name, set_json=[f"engine.args.{flag}={value}"])).likely.holds

    assert likely("max-num-batched-tokens", limits.max_num_batched_tokens)
    assert not likely("max-num-batched-tokens", limits.max_num_batched_tokens + 256)
    assert likely("max-model-len", limits.max_model_len)
    assert limits.max_model_len == 1_048_576 or not likely(
        "max-model-len", limits.max_model_len + 1024
    )
    assert limits.max_num_seqs >= 1
    assert runs_as_graph(values, limits.max_num_seqs)
    for flag, value, requests in (
        ("max-num-batched-tokens", limits.max_num_batched_tokens, limits.batched_requests),
        ("max-model-len", limits.max_model_len, limits.length_requests),
    ):
        made = plan(load(profile=name, set_json=[f"engine.args.{flag}={value}"]))
        assert made.likely.requests == requests >= 1


@given(
    small=st.floats(20, 100),
    more=st.floats(0, 50),
    batched=st.integers(1, 20_000),
    length=st.integers(1, 1_048_576),
    utilization=st.floats(0.3, 1),
    card=st.sampled_from(sorted(CARDS)),
)
def test_more_memory_never_makes_it_worse(
    small: float, more: float, batched: int, length: int, utilization: float, card: str
) -> None:
    tree: dict[str, Any] = {
        "npu": {"card": card},
        "engine": {
            "args": {
                "max-num-batched-tokens": batched,
                "max-model-len": length,
                "gpu-memory-utilization": utilization,
            }
        },
    }
    order = list(Verdict)
    one, other = (plan(load(tree), memory=gib) for gib in (small, small + more))
    assert order.index(other.verdict) <= order.index(one.verdict)
    assert other.likely.blocks >= one.likely.blocks


def test_a_build_that_keeps_two_steps_leaves_less() -> None:
    image = 'engine.image="quay.io/ascend/vllm-ascend:v0.23.0"'
    step = "engine.args.max-num-batched-tokens=7680"
    older = plan(of(step))
    newer = plan(of(step, image))
    assert newer.build == "v0.23.0"
    assert newer.cache.admission_gib == pytest.approx(8.6, abs=0.1)
    assert newer.verdict == Verdict.DOES_NOT_FIT
    assert older.cache.admission_gib < newer.cache.admission_gib / 1.8
    alone = plan(of(step, image, "engine.args.async-scheduling=false"))
    assert alone.cache.admission_blocks == older.cache.admission_blocks
    unset = plan(of(step, image, "engine.args.async-scheduling=null"))
    assert unset.cache.admission_blocks == newer.cache.admission_blocks


def test_an_image_that_tells_nothing_is_computed_as_the_build_that_is_named() -> None:
    own = 'engine.image="registry.example.com/own:1"'
    assert plan(of(own, 'engine.build="v0.23.0"')).cache.steps_in_flight == 2
    assert plan(of(own, 'engine.build="v0.23.0rc1"')).cache.steps_in_flight == 1


def test_of_an_unknown_build_the_larger_need_is_assumed_and_said() -> None:
    made = plan(of('engine.image="registry.example.com/own:1"'))
    assert made.build == ""
    assert made.cache.steps_in_flight == 2
    assert made.notes[0].startswith("the engine's build is unknown")


@pytest.mark.parametrize("build", ["v0.22.1rc1", "v0.23.0", "main-2026-08-22"])
@pytest.mark.parametrize("step", [1024, 2048, 4096, 6144, 8192])
def test_check_says_what_the_plan_says(build: str, step: int) -> None:
    values = of(f'engine.build="{build}"', f"engine.args.max-num-batched-tokens={step}")
    made = plan(values)
    told = {each.code: each for each in check(values) if each.code.startswith("memory-")}
    codes = {Verdict.DOES_NOT_FIT: {"memory-does-not-fit"}, Verdict.TIGHT: {"memory-tight"}}
    assert told.keys() == codes.get(made.verdict, set())
    for each in told.values():
        assert each.message.startswith(f"{made.card} at {made.utilization:g}: {made.verdict}")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("kv-cache-memory-bytes=1073741824", "raise kv-cache-memory-bytes"),
        ("num-gpu-blocks-override=300", "raise num-gpu-blocks-override"),
        ("num-gpu-blocks-override=6000", "lower num-gpu-blocks-override"),
        ("max-num-batched-tokens=8192", "lower max-num-batched-tokens, or raise gpu-memory-util"),
        ("max-model-len=1048576", "lower max-model-len, or raise gpu-memory-utilization"),
        ("gpu-memory-utilization=0.97", "lower gpu-memory-utilization or max-num-batched-tokens"),
    ],
)
def test_what_does_not_fit_names_the_argument_that_gives_room(setting: str, words: str) -> None:
    block = "engine.args.block-size=128"
    (found,) = (
        each
        for each in check(of(f"engine.args.{setting}", block))
        if each.code == "memory-does-not-fit"
    )
    assert words in found.fix


def test_a_cache_of_a_given_size_is_taken_as_it_is() -> None:
    four = plan(of("engine.args.kv-cache-memory-bytes=4294967296"))
    assert {four.worst.available, four.likely.available, four.best.available} == {4.0}
    assert four.likely.blocks == four.cache.blocks(4.0)
    assert plan(of('engine.args.kv-cache-memory-bytes="4G"')).likely == four.likely
    assert plan(of('engine.args.kv-cache-memory-bytes="1G"')).verdict == Verdict.DOES_NOT_FIT
    over = plan(of('engine.args.kv-cache-memory-bytes="12G"'))
    assert over.likely.slack < 0
    # It goes before gpu-memory-utilization.
    low = "engine.args.gpu-memory-utilization=0.5"
    assert plan(of('engine.args.kv-cache-memory-bytes="4G"', low)).likely == four.likely


def test_a_number_of_blocks_is_taken_as_it_is() -> None:
    both = ("engine.args.num-gpu-blocks-override=900", 'engine.args.kv-cache-memory-bytes="4G"')
    made = plan(of(*both))
    assert made.likely.blocks == 900
    assert plan(of("engine.args.num-gpu-blocks-override=428")).likely.requests == 0
    assert plan(of("engine.args.num-gpu-blocks-override=429")).likely.requests == 1


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ((), [8]),
        (("engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null",), [1, 2, 4, 8]),
        (('engine.build="v0.30.0rc2"',), [1, 2, 4, 8]),
        (('engine.build="v0.30.0rc2"', "parallelism.data=2", "parallelism.dataLocal=2"), [8]),
        (("engine.args.max-num-seqs=12",), [8, 16, 24]),
        (("engine.args.max-num-seqs=1000",), [*range(8, 256, 8), *range(256, 513, 16)]),
        (('engine.args.compilation-config={"cudagraph_capture_sizes": [4, 8, 48]}',), [8, 48]),
        *(
            ((f'engine.args.compilation-config={{"cudagraph_capture_sizes": {odd}}}',), [8])
            for odd in ('[8, "a"]', "[8, [1]]", "[null, 8, 8]", '[8, {"a": 1}]', "[true, 8, 9]")
        ),
        (("engine.args.enforce-eager=true",), None),
        (('engine.args.compilation-config={"cudagraph_mode": "NONE"}',), None),
    ],
)
def test_graphs_are_made_for_the_engine_s_grid(
    sets: tuple[str, ...], expected: list[int] | None
) -> None:
    assert captured_batches(of(*sets)) == expected


@pytest.mark.parametrize(
    "sets",
    [
        (),
        ("engine.env.VLLM_ASCEND_ENABLE_FLASHCOMM1=null", "engine.args.max-num-seqs=12"),
        ('engine.args.compilation-config={"cudagraph_capture_sizes": [4, 8, 48, 600, 2000]}',),
        ("engine.args.enforce-eager=true",),
    ],
)
def test_the_largest_batch_with_a_graph_is_found_without_trying_all(sets: tuple[str, ...]) -> None:
    values = of(*sets)
    for requests in (0, 1, 3, 4, 7, 8, 24, 100, 299, 300, 1100):
        every = (n for n in range(requests, 0, -1) if runs_as_graph(values, n))
        assert most_as_graph(values, requests) == next(every, 0)
    check(of(*sets, "engine.args.max-num-seqs=2147483647"))


def test_a_batch_off_the_grid_is_said_to_run_eagerly() -> None:
    (note,) = (each for each in plan(of("engine.args.max-num-seqs=6")).notes if "eagerly" in each)
    assert "batches of 12 tokens, but graphs are captured only up to 8" in note
    assert not any("eagerly" in each for each in plan(Values()).notes)
