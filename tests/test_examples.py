"""Each folder of examples: a values file and the manifest it gives.

A manifest is written with ``dsv4deploy render examples/X/values.yaml -o examples/X/manifest.yaml``,
a profile's with ``dsv4deploy render --profile X -o examples/profiles/X.yaml``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dsv4deploy import check, load, render
from dsv4deploy.findings import errors
from dsv4deploy.values import yaml as yamlio

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
# Those of kustomize, GitOps, rights and CI have tests of their own.
OTHERS = {"base", "ci", "gitops", "overlays", "profiles", "rbac"}
CASES = sorted(path for path in EXAMPLES.iterdir() if path.name not in OTHERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_example_gives_its_manifest(case: Path) -> None:
    values = load(case / "values.yaml")
    assert errors(check(values)) == []
    assert render(values) == yamlio.parse((case / "manifest.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_example_says_what_it_shows(case: Path) -> None:
    assert (case / "values.yaml").read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("profiles/*.yaml")), ids=lambda f: f.stem)
def test_a_profile_gives_its_manifest(file: Path) -> None:
    objects = yamlio.parse(file.read_text("utf-8"))
    assert render(load(profile=file.stem)) == objects


def test_there_are_the_cases_that_the_readme_promises() -> None:
    assert {"default", "maas", "renamed", "production"} <= {case.name for case in CASES}
    validated = {"ascend-910b4-8-w4a8.yaml", "ascend-910b3-16-w8a8.yaml"}
    assert validated <= {file.name for file in EXAMPLES.glob("profiles/*.yaml")}
