"""Kustomize overlays, by the real kubectl: the same objects as a render of the cluster's values."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Release, Values, load, render
from dsv4deploy.errors import OverlayError
from dsv4deploy.manifest.kustomize import base, files
from dsv4deploy.manifest.render import render_text
from dsv4deploy.values import yaml as yamlio

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
CLUSTERS = sorted(
    path.parent.relative_to(EXAMPLES / "overlays").as_posix()
    for path in EXAMPLES.glob("overlays/**/values.yaml")
)
NAMESPACES = {"tenants/a": "tenant-a", "tenants/b": "tenant-b"}
Tool = Callable[[str], str]
MONITORING = {"enabled": True, "proxies": {"enabled": True}}
SHARED = "a.example/shared"


def built(kubectl: str, folder: Path) -> dict[str, Any]:
    """What ``kubectl kustomize`` makes of a folder, by kind, namespace and name."""
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return named(yamlio.parse(done.stdout))


def named(objects: list[dict[str, Any]]) -> dict[str, Any]:
    found = {
        f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}": item
        for item in objects
    }
    assert len(found) == len(objects)
    return found


def of_cluster(cluster: str) -> tuple[Values, Release]:
    values = load(EXAMPLES / "overlays" / cluster / "values.yaml")
    return values, Release(namespace=NAMESPACES.get(cluster, "demo"))


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_s_overlay_gives_what_its_values_render(cluster: str, tool: Tool) -> None:
    folder = EXAMPLES / "overlays" / cluster
    assert built(tool("kubectl"), folder) == named(render(*of_cluster(cluster)))


@pytest.mark.parametrize(
    "file",
    [*sorted(ROOT.glob("profiles/*.yaml")), *sorted(EXAMPLES.glob("*/values.yaml"))],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_every_profile_and_example_is_a_base(file: Path, tool: Tool, tmp_path: Path) -> None:
    values = load(file)
    for name, text in base(render_text(values)).items():
        (tmp_path / name).write_text(text, "utf-8")
    assert built(tool("kubectl"), tmp_path) == named(render(values))


def test_the_base_is_the_default_render(tool: Tool) -> None:
    assert built(tool("kubectl"), EXAMPLES / "base") == named(render(Values()))


def test_two_tenants_live_in_one_cluster(tool: Tool) -> None:
    both = named(render(*of_cluster("tenants/a"))) | named(render(*of_cluster("tenants/b")))
    assert len(both) == 4
    assert built(tool("kubectl"), EXAMPLES / "overlays" / "tenants") == both


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_writing_an_example_again_changes_nothing(cluster: str) -> None:
    for path, text in files(Values(), Release(), *of_cluster(cluster), cluster).items():
        assert (EXAMPLES / path).read_text("utf-8") == text, path


@pytest.mark.parametrize(
    ("tree", "namespace"),
    [
        ({"replicas": 3}, "demo"),
        ({"name": "chat"}, "prod"),
        ({"maas": {"enabled": True, "gateway": {"hostname": "maas.example.com"}}}, "demo"),
        ({"engine": {"env": {"HOME": None, "NEW": "1"}}}, "demo"),
        ({"engine": {"imagePullSecrets": []}}, "demo"),
        ({"engine": {"image": f"a.example:5000/x/y@sha256:{'0' * 64}"}}, "demo"),
        ({"engine": {"image": "a.example/without-a-tag"}}, "demo"),
        ({"router": {"image": f"{SHARED}:2"}}, "demo"),
        ({"monitoring": MONITORING, "maas": {"enabled": True}}, "prod"),
        ({}, "demo"),
    ],
)
@pytest.mark.parametrize(
    "below",
    [
        {},
        {"maas": {"enabled": True}},
        {"maas": {"enabled": True}, "monitoring": MONITORING},
        {"engine": {"image": f"{SHARED}:1"}, "router": {"image": f"{SHARED}:1"}},
    ],
    ids=["default", "maas", "monitoring", "shared image"],
)
def test_any_change_outside_the_script_becomes_an_overlay(
    below: Any, tree: Any, namespace: str, tool: Tool, tmp_path: Path
) -> None:
    values, release = load(tree), Release(namespace=namespace)
    for path, text in files(load(below), Release(), values, release, "c").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert built(tool("kubectl"), tmp_path / "overlays" / "c") == named(render(values, release))


@pytest.mark.parametrize(
    "tree", [{"engine": {"args": {"max-num-seqs": 8}}}, {"model": {"name": "x"}}]
)
def test_a_flag_inside_the_script_is_not_patched(tree: Any) -> None:
    with pytest.raises(OverlayError, match="also pass the values that set the flag with --base"):
        files(Values(), Release(), load(tree), Release(), "c")
    assert files(load(tree), Release(), load(tree), Release(), "c")


@pytest.mark.parametrize("cluster", ["", "/x", "../x", "a//b", "a b", "a/../b"])
def test_a_cluster_s_name_can_t_leave_the_folder(cluster: str) -> None:
    with pytest.raises(OverlayError, match="must consist of letters"):
        files(Values(), Release(), Values(), Release(), cluster)


def test_a_strategic_merge_patch_by_hand_keeps_the_lists(tool: Tool, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "base", tmp_path / "base")
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(EXAMPLES / "base" / "openapi.json", mine)
    patch = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": Values().name, "namespace": "demo"},
        "spec": {
            "template": {
                "containers": [{"name": "main", "env": [{"name": "HOME", "value": "/root"}]}]
            }
        },
    }
    kustomization = {
        "resources": ["../base"],
        "openapi": {"path": "openapi.json"},
        "patches": [{"patch": yaml.safe_dump(patch)}],
    }
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    got = built(tool("kubectl"), mine)
    expected = named(render(load({"engine": {"env": {"HOME": "/root"}}})))
    for objects in (got, expected):
        for item in objects.values():  # merging puts the patched variable first
            for container in item["spec"].get("template", {}).get("containers", ()):
                container["env"].sort(key=lambda variable: variable["name"])
    assert got == expected
