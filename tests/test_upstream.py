"""Rows of vllm-ascend's tutorial DeepSeek-V4-Flash, section 5.1: none is refused on its build.

``data/tutorial.jsonl`` has every row of every build's page as data: the build, the page's commit
(none for a page in a package of PyPI), the row's title, its card, its variables and its flags. A
row that a profile is of equals the profile's render, field by field.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_published import server

from dsv4deploy import Values, check, load, render
from dsv4deploy.facts.builds import builds
from dsv4deploy.facts.cards import CARDS
from dsv4deploy.findings import errors
from dsv4deploy.sizing.plan import Verdict, plan
from dsv4deploy.values.profiles import profile_names, profile_path, summary

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "tutorial.jsonl").read_text("utf-8").splitlines()
]
OF_PROFILES = [row for row in ROWS if row["profile"]]
# Where a render differs from its row, and why.
FLAGS = {"port": "KServe's workload Service leads to port 8000"}
VARIABLES = {
    "HF_HUB_OFFLINE": "the pod of the validated deployment",
    "HOME": "the pod of the validated deployment",
    "PYTHONHASHSEED": "the pod of the validated deployment",
}
# On the page of v0.24.0rc1 these are the page's own errors: vLLM 0.24.0 refuses both (its
# default_loader.py, lines 99 and 121), and vllm-ascend pull request 13367 took them out.
REFUSED = {"v0.24.0rc1": {"multithread-text", "multithread-strategy"}}
# The template's own flags.
OWNED = {
    *("api-server-count", "data-parallel-size", "enable-expert-parallel", "port"),
    *("served-model-name", "tensor-parallel-size"),
}


def ids(row: dict[str, Any]) -> str:
    return f"{row['build']} {row['tab']}"


def values_of(row: dict[str, Any]) -> Values:
    """A row with nothing of the defaults' engine, on its build and card."""
    flags = row["flags"]
    default = Values().engine
    args: dict[str, Any] = dict.fromkeys(default.args.model_extra or ())
    for flag, value in flags.items():
        if flag not in OWNED:
            args |= {flag[3:]: False} if flag.startswith("no-") else {flag: value}
    env = {name: value.removesuffix(":$LD_PRELOAD") for name, value in row["env"].items()}
    data = flags.get("data-parallel-size", 1)
    suffix = {"A2": "", "A3": "-a3", "950": "-a5"}[CARDS[row["card"]].family]
    return load(
        {
            "model": {"quantization": "w8a8" if "w8a8" in row["model"] else "w4a8"},
            "npu": {"card": row["card"]},
            "parallelism": {
                "tensor": flags.get("tensor-parallel-size", 1),
                "data": data,
                "dataLocal": data,
                "expert": "enable-expert-parallel" in flags,
            },
            "engine": {
                "build": row["build"],
                "image": f"registry.site-a.lan/vllm-ascend:own{suffix}",
                "args": args,
                "env": dict.fromkeys(default.env) | env,
            },
        }
    )


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_a_row_raises_no_error_and_fits_on_the_build_that_it_names(row: dict[str, Any]) -> None:
    values = values_of(row)
    codes = {found.code for found in check(values)}
    assert {found.code for found in errors(check(values))} == REFUSED.get(row["build"], set())
    assert "unknown-build" not in codes
    assert plan(values).verdict == Verdict.FITS


def test_every_build_has_rows_but_those_whose_page_names_another() -> None:
    # The branch's page names v0.22.1rc1, and PyPI's package has no page.
    without = {"nightly-releases-v0.22.1rc", "v0.23.0.post1"}
    assert {row["build"] for row in ROWS} == {each.name for each in builds()} - without


def test_every_upstream_profile_has_its_row() -> None:
    upstream = {name for name in profile_names() if summary(name)["provenance"] == "upstream"}
    assert upstream == {row["profile"] for row in OF_PROFILES}


@pytest.mark.parametrize("row", OF_PROFILES, ids=ids)
def test_a_profile_names_the_commit_and_the_row(row: dict[str, Any]) -> None:
    header = " ".join(profile_path(row["profile"]).read_text("utf-8").replace("\n#", " ").split())
    assert f"at {row['commit'][:10]} (" in header
    assert f'section 5.1, "{row["tab"]}"' in header


@pytest.mark.parametrize("row", OF_PROFILES, ids=ids)
def test_a_render_starts_the_row_s_server(row: dict[str, Any]) -> None:
    (service,) = (
        item for item in render(load(profile=row["profile"])) if "template" in item["spec"]
    )
    main = service["spec"]["template"]["containers"][0]
    given = server(main["args"][0])
    assert given["command"] == ["vllm", "serve", "/mnt/models"]
    # Of one tensor parallel rank the template says so, and the tutorial leaves it out.
    wanted = {"tensor-parallel-size": 1} | row["flags"]
    ours = {flag.removeprefix("--"): value for flag, value in given["flags"].items()}
    different = {flag for flag in ours | wanted if ours.get(flag) != wanted.get(flag)}
    assert different <= FLAGS.keys()
    # The tutorial's LD_PRELOAD ends in the shell's own, which is empty in a container, and its
    # ASCEND_RT_VISIBLE_DEVICES is what the device plugin sets.
    env = {item["name"]: item["value"] for item in main["env"]}
    theirs = {name: value.removesuffix(":$LD_PRELOAD") for name, value in row["env"].items()}
    theirs.pop("ASCEND_RT_VISIBLE_DEVICES", None)
    assert {word for word in env | theirs if env.get(word) != theirs.get(word)} == VARIABLES.keys()


@pytest.mark.parametrize("row", OF_PROFILES, ids=ids)
def test_a_profile_s_weights_are_its_row_s(row: dict[str, Any]) -> None:
    quantization = re.search("w[48]a8", row["model"])
    # The original weights of a 950DT are W4A8 by the tutorial's own word.
    found = quantization[0] if quantization else "w4a8"
    assert found == load(profile=row["profile"]).model.quantization
