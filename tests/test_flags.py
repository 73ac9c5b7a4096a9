"""vLLM's flags as data, and what is said of those that its parser would refuse or misread."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from dsv4deploy import Values, load, render
from dsv4deploy.checks.engine import OWNED_FLAGS
from dsv4deploy.facts.flags import integer, known, problem, versions
from dsv4deploy.values.loading import default_vllm
from dsv4deploy.values.profiles import profile_names

VERSION = default_vllm()


@pytest.mark.parametrize(
    ("flag", "value", "complaint"),
    [
        ("max-num-sequences", 4, "has no flag --max-num-sequences: did you mean max-num-seqs?"),
        ("qqqqqq", 4, f"vLLM {VERSION} has no flag --qqqqqq"),
        ("max-num-seq", 4, "abbreviated: write max-num-seqs whole"),
        ("max-num", 4, "abbreviated: write max-num-batched-tokens or max-num"),
        ("no-async-scheduling", True, "write async-scheduling: false"),
        ("headless", False, "this switch has no --no- form: write true, or null"),
        ("async-scheduling", "true", "this is a switch: write true or false"),
        ("max-num-seqs", True, "this flag takes a value (a whole number): true is not one"),
        ("max-num-seqs", [1, 2], "this flag takes one value (a whole number), not a list"),
        ("max-num-seqs", "four", "this flag takes a whole number, not four"),
        ("max-num-seqs", 4.5, "this flag takes a whole number, not 4.5"),
        ("max-num-seqs", "4k", "this flag takes a whole number, not 4k"),
        ("kv-cache-memory-bytes", "1.5G", "this flag takes a whole number, not 1.5G"),
        ("gpu-memory-utilization", "0.9", "this flag takes a number: remove the quotes"),
        ("seed", {"a": 1}, "this flag takes a whole number, not a mapping"),
        ("additional-config", "{bad", "not strict JSON"),
        ("additional-config", '{"a": NaN}', "NaN is not JSON"),
        ("additional-config", 5, "this flag takes JSON: write a mapping"),
        ("collect-detailed-traces", ["modle"], "vLLM does not know the choice modle"),
        ("moe-backend", "tritn", "did you mean triton?"),
        ("num-gpu-blocks-override", "many", "this flag takes a whole number, not many"),
    ],
)
def test_what_the_parser_would_refuse_is_said(flag: str, value: Any, complaint: str) -> None:
    assert complaint in problem(VERSION, flag, value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (4096, 4096),
        ("-1", -1),
        (" 4k ", 4000),
        ("4K", 4096),
        ("1.5g", 1_500_000_000),
        ("1.5G", None),
        ("1.5", None),
        (1.5, None),
        (True, None),
    ],
)
def test_an_integer_is_read_as_vllm_reads_it(value: Any, read: int | None) -> None:
    assert integer("kv-cache-memory-bytes", value) == read


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("headless", True),
        ("async-scheduling", False),
        ("max-num-seqs", 4),
        ("max-model-len", "32k"),
        ("max-num-seqs", None),
        ("gpu-memory-utilization", 1),
        ("additional-config", {"a": 1}),
        ("additional-config", '{"a": 1}'),
        ("allowed-media-domains", ["a.example", "b.example"]),
        ("allowed-media-domains", "a.example"),
        ("quantization", "ascend"),
        ("tokenizer-mode", "deepseek_v4"),
        ("num-gpu-blocks-override", "None"),
        ("max-model-len", "auto"),
        ("pt-load-map-location", {"a": "b"}),
    ],
)
def test_what_the_parser_takes_is_taken(flag: str, value: Any) -> None:
    assert problem(VERSION, flag, value) == ""


def test_the_default_arguments_and_the_template_s_own_are_known() -> None:
    for flag, value in Values().engine.args.model_dump(by_alias=True).items():
        assert problem(VERSION, flag, value) == "", flag
    assert known(VERSION).keys() >= OWNED_FLAGS.keys()


def words(container: Any) -> list[str]:
    """The server's flags as a shell reads them, without the command before them."""
    text = container["args"][0].replace("\\\n", " ")
    found = shlex.split(text[text.rindex("exec ") :])
    return found[next(place for place, word in enumerate(found) if word.startswith("--")) :]


@pytest.mark.parametrize("profile", profile_names())
def test_every_emitted_flag_is_known_with_its_arity_and_type(profile: str) -> None:
    flags = known(VERSION)
    (service,) = (
        item for item in render(load(profile=profile)) if item["kind"] == "LLMInferenceService"
    )
    for role in ("template", "worker"):
        for container in service["spec"].get(role, {}).get("containers", ()):
            rest = words(container)
            while rest:
                flag = rest.pop(0).removeprefix("--")
                value = rest.pop(0) if rest and not rest[0].startswith("--") else None
                negated = flag.removeprefix("no-") if flag not in flags else flag
                kind = flags[negated]["kind"]
                assert (value is None) == (kind in ("switch", "boolean")), flag
                if kind in ("integer", "number"):
                    float(value or "")
                if kind == "json":
                    assert isinstance(json.loads(value or ""), dict), flag


def parsed() -> dict[str, dict[str, Any]]:
    """The flags of vLLM 0.22.1 as its own parser has them; ``any`` is an optional value."""
    file = Path(__file__).parent / "data" / "vllm-0.22.1-parser.json"
    result: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
    return result


def test_the_flags_read_in_the_source_are_the_parser_s_own() -> None:
    read, parser = known("0.22.1"), parsed()
    assert read.keys() == parser.keys()
    for flag, expected in parser.items():
        spec = read[flag]
        if expected["kind"] == "any":
            assert spec.get("optional") or spec.get("mapping"), flag
        else:
            assert spec["kind"] == expected["kind"], flag
        assert spec.get("many", False) == expected.get("many", False), flag
        # argparse writes the choice of no value as the text None.
        choices = {str(each) for each in expected.get("choices", ())} - {"None"}
        assert set(map(str, spec.get("choices", ()))) == choices, flag


@pytest.mark.parametrize(
    ("version", "added"),
    [("0.23.0", 0), ("0.24.0", 5), ("0.25.1", 4), ("0.26.0", 4)],
)
def test_versions_add_flags_and_take_none_away(version: str, added: int) -> None:
    before = versions()[versions().index(version) - 1]
    base = "0.24.0" if version == "0.25.1" else before
    assert known(base).keys() <= known(version).keys()
    assert len(known(version)) - len(known(base)) == added


def test_every_flag_has_a_kind_that_is_explained() -> None:
    assert VERSION in versions()
    kinds = {spec["kind"] for spec in known(VERSION).values()}
    assert kinds == {"boolean", "integer", "json", "number", "switch", "text"}
    assert known("0.0.0") == {}
