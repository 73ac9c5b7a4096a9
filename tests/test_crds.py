"""Objects against CRDs: small ones made here, and the real ones where they are at hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Values, ValuesError, load, render
from dsv4deploy.crds import validate
from dsv4deploy.loading import profile_names, profile_path

ROOT = Path(__file__).resolve().parent.parent

SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "format": "int32"},
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "list": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
                "name": {"type": "string", "pattern": "^[a-z]+$", "nullable": True},
            },
        }
    },
}


def crd(schema: Any = SCHEMA, version: str = "v1") -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing"},
            "versions": [
                {"name": version, "served": True, "schema": {"openAPIV3Schema": schema}},
                {"name": "v0", "served": False, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    }


def thing(spec: Any, version: str = "v1") -> dict[str, Any]:
    api = f"example.com/{version}"
    return {"apiVersion": api, "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


@pytest.fixture
def crds(tmp_path: Path) -> Path:
    (tmp_path / "crds.yaml").write_text(yaml.safe_dump_all([{"kind": "Other"}, crd()]))
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"size": 1, "sise": 2}, "Thing/t: spec.sise", "unknown field sise: did you mean size?"),
        ({}, "Thing/t: spec", "the required field size is missing"),
        ({"size": "1"}, "Thing/t: spec.size", "must be integer, not '1'"),
        ({"size": 2**31}, "Thing/t: spec.size", "maximum 2147483647 is not met by 2147483648"),
        ({"size": 1, "port": 1.5}, "Thing/t: spec.port", "must be integer or string, not 1.5"),
        ({"size": 1, "mode": "c"}, "Thing/t: spec.mode", "must be one of a, b, not 'c'"),
        ({"size": 1, "labels": {"a": 1}}, "Thing/t: spec.labels.a", "must be string, not 1"),
        ({"size": 1, "list": [{}, {"y": 1}]}, "Thing/t: spec.list[1].y", "unknown field y"),
        ({"size": 1, "name": "A"}, "Thing/t: spec.name", "'A' does not match ^[a-z]+$"),
    ],
)
def test_a_violation_has_a_path_and_a_sentence(
    spec: Any, path: str, message: str, crds: Path
) -> None:
    (finding,) = validate([thing(spec)], crds)
    assert (finding.code, finding.path) == ("crd-schema", path)
    assert message in finding.message


@pytest.mark.parametrize(
    "spec",
    [
        {"size": 1},
        {"size": 1, "port": 80},
        {"size": 1, "port": "http"},
        {"size": 1, "free": {"any": [{"thing": None}]}},
        {"size": 1, "mode": None},
        {"size": 1, "name": None},
        {"size": 1, "list": None},
    ],
)
def test_what_the_api_server_takes_is_taken(spec: Any, crds: Path) -> None:
    assert validate([thing(spec)], crds) == []


def test_a_kind_without_a_crd_and_a_version_that_is_not_served_are_said(crds: Path) -> None:
    other = {"apiVersion": "x.io/v1", "kind": "Nope", "metadata": {"name": "n"}}
    core = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    found = validate([other, core, thing({"size": 1}, "v0")], crds)
    assert [finding.code for finding in found] == ["crd-missing", "crd-version"]
    assert "only as v1" in found[1].message


def test_each_of_several_releases_has_its_say(crds: Path) -> None:
    newer = copy.deepcopy(SCHEMA)
    newer["properties"]["spec"]["required"] = ["size", "mode"]  # type: ignore[index]
    (crds / "newer").mkdir()
    listed = {"kind": "List", "items": [crd(newer)]}
    (crds / "newer" / "list.json").write_text(json.dumps(listed))
    (finding,) = validate([thing({"size": 1})], crds)
    assert "list.json" in finding.message


def test_what_is_no_folder_of_crds_is_an_error(tmp_path: Path, crds: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "missing", tmp_path / "empty"):
        with pytest.raises(ValuesError, match="kubectl get crd"):
            validate([], folder)
    (crds / "broken.yaml").write_text("kind: CustomResourceDefinition\nkind: Thing\na: [")
    with pytest.raises(ValuesError, match=r"broken\.yaml"):
        validate([thing({"size": 1})], crds)


# --- the real ones --------------------------------------------------------------------------------


def cases() -> dict[str, Values]:
    found = {f"profile {name}": load(profile_path(name)) for name in profile_names()}
    for file in sorted(ROOT.glob("examples/*/values.yaml")):
        found[f"example {file.parent.name}"] = load(file)
        found[f"example {file.parent.name} with maas"] = load(file, set=["maas.enabled=true"])
    pool = ["maas.enabled=true", "maas.backend=InferencePool"]
    return {"default": Values(), "pool": load(set=pool), **found}


def test_every_emitted_object_is_accepted_by_the_real_crds(real_crds: Path) -> None:
    for name, values in cases().items():
        assert validate(render(values), real_crds) == [], name


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda spec: spec.update(replicas="1"), "spec.replicas"),
        (lambda spec: spec.update(replicaz=1), "spec.replicaz"),
        (lambda spec: spec["model"].pop("uri"), "spec.model"),
        (
            lambda spec: spec["template"]["containers"][0].update(imagePullPolicy=1),
            "spec.template.containers[0].imagePullPolicy",
        ),
    ],
)
def test_a_broken_object_is_refused_by_the_real_crds(
    change: Any, path: str, real_crds: Path
) -> None:
    item = next(item for item in render(Values()) if item["kind"] == "LLMInferenceService")
    change(item["spec"])
    found = validate([item], real_crds)
    assert found
    assert {finding.path for finding in found} == {
        f"{item['kind']}/{item['metadata']['name']}: {path}"
    }
