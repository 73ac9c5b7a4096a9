"""The GitOps examples, against the CRDs of Argo CD and Flux."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts import CACHE, program, run

from dsv4deploy import load
from dsv4deploy.manifest.crds import validate

ROOT = Path(__file__).resolve().parent.parent.parent
GITOPS = ROOT / "examples" / "gitops"
# Where each project's CRDs are in its Go module. helm-controller's is not to be had: its
# HelmRelease is validated against the schema that an npm package has taken from that CRD.
MODULES = {
    "github.com/argoproj/argo-cd/v3@v3.1.0": "manifests/crds",
    "github.com/fluxcd/kustomize-controller@v1.6.0": "config/crd/bases",
    "github.com/fluxcd/source-controller@v1.8.5": "config/crd/bases",
}
FLUX_MODELS = "@kubernetes-models/flux-cd@4.0.0"


def documents() -> list[dict[str, Any]]:
    files = sorted(GITOPS.glob("*.yaml"))
    return [item for file in files for item in yaml.safe_load_all(file.read_text("utf-8"))]


def of(kind: str) -> list[dict[str, Any]]:
    return [item for item in documents() if item["kind"] == kind]


@pytest.fixture(scope="module")
def crds(go_module: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crds")
    for number, (module, below) in enumerate(MODULES.items()):
        shutil.copytree(go_module(module) / below, folder / str(number))
    return folder


def test_the_examples_are_what_argo_cd_and_flux_take(crds: Path) -> None:
    objects = [item for item in documents() if item["kind"] != "HelmRelease"]
    assert len(objects) == 5
    assert validate(objects, crds) == []
    objects[0]["spec"]["destinaton"] = {}
    assert validate(objects, crds) != []


def test_the_helm_release_is_what_flux_takes() -> None:
    folder = CACHE / "npm" / "flux-cd-4.0.0"
    if not (folder / "node_modules").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        run(program("npm"), "install", "--silent", "--prefix", folder, FLUX_MODELS)
    script = (
        "import {HelmRelease} from '@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io/v2';"
        "new HelmRelease(JSON.parse(process.argv[1])).validate()"
    )
    (release,) = of("HelmRelease")
    command = (program("node"), "--input-type=module", "-e", script)
    run(*command, json.dumps(release), cwd=folder)
    release["spec"]["timeout"] = 5
    with pytest.raises(AssertionError, match="timeout"):
        run(*command, json.dumps(release), cwd=folder)


def test_the_examples_name_what_exists_and_values_that_are_taken() -> None:
    for application in of("Application"):
        source = application["spec"]["source"]
        assert (ROOT / source["path"]).is_dir()
        for file in source.get("helm", {}).get("valueFiles", ()):
            assert (ROOT / source["path"] / file).is_file()
        assert load(source.get("helm", {}).get("valuesObject", {}))
    (kustomization,) = of("Kustomization")
    assert (ROOT / kustomization["spec"]["path"]).is_dir()
    assert load(of("HelmRelease")[0]["spec"]["values"]).name == "chat"
