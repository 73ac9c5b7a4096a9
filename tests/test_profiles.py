"""Every shipped profile, found by listing the folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsv4deploy import Values, check, load, render
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.findings import errors
from dsv4deploy.values import profiles
from dsv4deploy.values.profiles import (
    entries,
    kept,
    profile_names,
    profile_path,
    sources,
    summary,
)

NAMES = profile_names()


def test_the_default_profile_is_the_defaults() -> None:
    assert load(profile="ascend-910b4-8-w4a8") == Values()


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_loads_without_errors_and_renders(name: str) -> None:
    values = load(profile=name)
    assert errors(check(values)) == []
    assert render(values)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_profile_names_a_source_that_its_header_explains(name: str) -> None:
    explained = sources(name)
    used = set()
    for entry in entries(name):
        tags = re.findall(r"\[(\w+)\]", entry["source"])
        assert tags, f"{entry['path']} names no source"
        used |= set(tags)
    assert used == explained.keys()
    assert all(len(text) > 20 for text in explained.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_who_has_run_it(name: str) -> None:
    told = summary(name)
    assert told["provenance"] in ("validated", "upstream", "derived")
    assert told["npus"] >= 1
    assert told["summary"].startswith("DeepSeek-V4-Flash")


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_named_after_its_hardware(name: str) -> None:
    vendor, device, count, *quantization = name.split("-")
    assert vendor == "ascend"
    values = load(profile=name)
    npus = values.parallelism.tensor * values.parallelism.data
    assert int(count) == npus == summary(name)["npus"]
    assert device.upper() == summary(name)["card"] == values.npu.card
    assert quantization[0] == values.model.quantization
    assert profile_path(name).read_text("utf-8").startswith("# DeepSeek-V4-Flash")


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_has_a_reason_for_each_warning_and_for_no_other(name: str) -> None:
    warned = {found.code for found in check(load(profile=name))}
    assert kept(name).keys() == warned
    assert all(len(text) > 20 for text in kept(name).values())


def test_the_production_profile_leaves_only_what_its_user_can_fill() -> None:
    values = load(profile="ascend-910b4-8-w4a8-production")
    assert {found.path for found in check(values)} == {"engine.image"}
    image = f"{values.engine.image}@sha256:{'0' * 64}"
    pinned = load(profile="ascend-910b4-8-w4a8-production", set=[f"engine.image={image}"])
    assert check(pinned) == []


def test_every_derived_value_names_the_rule_that_it_answers() -> None:
    validated = {found.code for found in check(Values())}
    for entry in entries("ascend-910b4-8-w4a8-production"):
        if entry["source"].startswith("[D]"):
            words = re.findall(r"[\w-]+", entry["source"])
            reasons = validated | {"router-goes-first", "as", "the"}
            assert reasons & set(words[1:2]), entry["path"]


def test_a_new_profile_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "ascend-910b4-8-w4a8", "ascend-910b4-8-w4a8-pinned"
    text = profile_path(old).read_text("utf-8").replace('BIND: "false"', 'BIND: "true"')
    reason = "The publisher pins its threads, and says that it measured so."
    monkeypatch.setattr(profiles, "_directory", lambda: tmp_path)

    def passes() -> None:
        test_a_profile_loads_without_errors_and_renders(new)
        test_every_value_of_a_profile_names_a_source_that_its_header_explains(new)
        test_a_profile_says_who_has_run_it(new)
        test_a_profile_is_named_after_its_hardware(new)
        test_a_profile_has_a_reason_for_each_warning_and_for_no_other(new)

    (tmp_path / f"{new}.yaml").write_text(text, "utf-8")
    with pytest.raises(AssertionError, match="openmp-binding"):
        passes()
    with_reason = text.replace("# Kept:\n", f"# Kept:\n#   openmp-binding: {reason}\n")
    (tmp_path / f"{new}.yaml").write_text(with_reason, "utf-8")
    passes()
    assert kept(new)["openmp-binding"] == reason


def test_every_family_of_cards_has_a_profile() -> None:
    """So that the nearest profile of any card has an image for its chips."""
    families = {CARDS[load(profile=name).npu.card].family for name in profile_names()}
    assert families == {card.family for card in CARDS.values()}
