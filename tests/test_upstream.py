"""Each upstream profile is a row of vllm-ascend's tutorial at one commit, field by field.

``data/tutorial.json`` has rows of its page DeepSeek-V4-Flash, section 5.1, as data: the commit, the
row's title, its variables and its flags.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_published import server

from dsv4deploy import check, load, render
from dsv4deploy.findings import errors
from dsv4deploy.values.profiles import profile_names, profile_path, summary

ROWS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "tutorial.json").read_text("utf-8")
)
# Where a render differs from its row, and why.
FLAGS = {"port": "KServe's workload Service leads to port 8000"}
VARIABLES = {
    "HF_HUB_OFFLINE": "the pod of the validated deployment",
    "HOME": "the pod of the validated deployment",
    "PYTHONHASHSEED": "the pod of the validated deployment",
    "LD_PRELOAD": "the tutorial's ends in :$LD_PRELOAD, which is empty in a container",
}


def test_every_upstream_profile_has_its_row() -> None:
    upstream = {name for name in profile_names() if summary(name)["provenance"] == "upstream"}
    assert upstream == ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_a_profile_names_the_commit_and_the_row(name: str) -> None:
    header = " ".join(profile_path(name).read_text("utf-8").replace("\n#", " ").split())
    assert f"at {ROWS[name]['commit'][:10]} (" in header
    assert f'section 5.1, "{ROWS[name]["tab"]}"' in header


@pytest.mark.parametrize("name", ROWS)
def test_a_render_starts_the_row_s_server(name: str) -> None:
    row = ROWS[name]
    (service,) = (item for item in render(load(profile=name)) if "template" in item["spec"])
    main = service["spec"]["template"]["containers"][0]
    given = server(main["args"][0])
    assert given["command"] == ["vllm", "serve", "/mnt/models"]
    ours = {flag.removeprefix("--"): value for flag, value in given["flags"].items()}
    different = {flag for flag in ours | row["flags"] if ours.get(flag) != row["flags"].get(flag)}
    assert different <= FLAGS.keys()
    env = {item["name"]: item["value"] for item in main["env"]}
    different = {word for word in env | row["env"] if env.get(word) != row["env"].get(word)}
    assert different == VARIABLES.keys()
    assert row["env"]["LD_PRELOAD"] == f"{env['LD_PRELOAD']}:$LD_PRELOAD"


@pytest.mark.parametrize("name", ROWS)
def test_a_row_raises_no_error_on_the_build_that_it_names(name: str) -> None:
    found = check(load(profile=name))
    assert errors(found) == []
    assert "unknown-build" not in {each.code for each in found}


def test_a_row_is_found_by_its_weights() -> None:
    for name, row in ROWS.items():
        quantization = re.search("w[48]a8", row["model"])
        assert quantization
        assert quantization[0] == load(profile=name).model.quantization
