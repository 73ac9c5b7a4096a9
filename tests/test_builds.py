"""Builds of the engine: what is known, and how an image names one."""

from __future__ import annotations

import json

import pytest

from dsv4deploy.facts.builds import (
    FACTS,
    Build,
    build,
    builds,
    chip_of,
    from_image,
    vllm,
    vllm_versions,
)


def ids(each: Build) -> str:
    return each.name


@pytest.mark.parametrize(
    ("reference", "name", "chip"),
    [
        ("quay.io/ascend/vllm-ascend:nightly-releases-v0.22.1rc-openeuler", "", "A2"),
        ("quay.io/ascend/vllm-ascend:nightly-main-openeuler-0709", "nightly-main-0709", "A2"),
        ("quay.io/ascend/vllm-ascend:v0.23.0", "v0.23.0", "A2"),
        ("localhost:5000/mirror/va:v0.23.0-a3-openeuler@sha256:0a", "v0.23.0", "A3"),
        ("quay.io/ascend/vllm-ascend:v0.26.0rc1-a5", "v0.26.0rc1", "950"),
        ("quay.io/ascend/vllm-ascend:main-a3", "main-2026-08-22", "A3"),
    ],
)
def test_a_tag_names_a_build_and_its_chips(reference: str, name: str, chip: str) -> None:
    found = from_image(reference)
    assert found
    assert found.name == (name or "nightly-releases-v0.22.1rc")
    assert chip_of(reference) == chip


@pytest.mark.parametrize(
    "reference",
    ["quay.io/ascend/vllm-ascend", "localhost:5000/va", "x/va@sha256:0a", "x/va:DeepSeekV4-a3"],
)
def test_another_tag_names_none(reference: str) -> None:
    assert from_image(reference) is None
    assert chip_of(reference) == ""


@pytest.mark.parametrize("each", builds(), ids=ids)
def test_every_build_has_its_facts(each: Build) -> None:
    assert each.vllm.version in vllm_versions()
    assert each.images[""] == "A2"
    assert each.images["a3"] == "A3"
    assert "enable_cpu_binding" in each.additional_config
    assert "mtp" in each.vllm.speculative_methods.values()
    assert "deepseek_v4" in each.vllm.tool_parsers
    assert "deepseek_v4" in each.vllm.reasoning_parsers
    assert len(each.commit) == 40 or each.unknown, "a source without a commit says so"


def test_no_two_builds_have_one_tag() -> None:
    tags = [tag for each in builds() for tag in each.tags]
    assert len(tags) == len(set(tags))


def test_what_distinguishes_the_builds_that_are_called_0_23_0() -> None:
    nightly, candidate, release = map(build, ("nightly-main-0709", "v0.23.0rc1", "v0.23.0"))
    assert {each.vllm.version for each in (nightly, candidate, release)} == {"0.23.0"}
    assert [each.steps_in_flight for each in (nightly, candidate, release)] == [1, 1, 2]


def test_aliases_of_methods_are_resolved_and_dspark_is_known_from_0_25() -> None:
    assert vllm("0.22.1").speculative_methods["deepseek_mtp"] == "mtp"
    assert "dspark" not in vllm("0.24.0").speculative_methods
    assert vllm("0.25.1").speculative_methods["dspark"] == "dspark"


def test_variables_have_kinds() -> None:
    variables = build("nightly-releases-v0.22.1rc").variables
    assert variables["VLLM_ASCEND_ENABLE_FLASHCOMM1"] == "boolean"
    assert variables["VLLM_ASCEND_ENABLE_NZ"] == "integer"
    read = vllm("0.22.1").variables
    assert "VLLM_USE_V1" not in read
    assert read["VLLM_ENGINE_READY_TIMEOUT_S"] == "integer"
    assert read["VLLM_FLOAT32_MATMUL_PRECISION"] == ["highest", "high", "medium"]


def test_a_version_s_file_holds_what_differs_from_the_one_before() -> None:
    file = FACTS / "vllm" / "0.25.1.json"
    assert json.loads(file.read_text("utf-8")) == {"base": "0.25.0"}
    assert vllm("0.25.1").flags == vllm("0.25.0").flags


@pytest.mark.parametrize("name", ["", "v9.9.9", "../flags", "vllm/0.22.1"])
def test_an_unknown_build_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        build(name)
    with pytest.raises(KeyError):
        vllm("9.9.9")
