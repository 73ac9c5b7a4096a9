"""What a user types, on a real cluster; and the chart, by real Helm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import test_cluster
from conftest import Plane
from control_plane import install_crds, namespace, objects
from test_cluster import kubelet  # noqa: F401 - a fixture

from dsv4deploy import Release, load, render
from dsv4deploy.cluster import Cluster
from dsv4deploy.errors import ClusterError
from dsv4deploy.loading import profile_names
from dsv4deploy.rollout import prepare

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "deepseek-v4-flash"
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(plane: Plane, home: str) -> Typed:
    """Types a command for the service ``chat`` in the test's namespace."""

    def run(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        verb, *rest = map(str, words)
        command = [sys.executable, "-m", "dsv4deploy", verb, "-n", home, "--name", "chat"]
        done = subprocess.run(
            [*command, "--kubeconfig", str(plane.kubeconfig), *rest],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.mark.usefixtures("kubelet")
def test_the_life_of_a_deployment(typed: Typed, home: str) -> None:
    preset = ("--set", f"router.preset.namespace={home}")
    more = (*preset, "--set", "engine.args.max-num-seqs=8")
    assert "+ LLMInferenceService" in typed("diff", *preset, code=1).stdout
    applied = typed("apply", *preset, "--wait", "--timeout", "60").stderr
    assert "chat: 2 objects written" in applied
    assert "chat is ready" in applied
    assert typed("diff", *preset).stdout == "downtime: no\n"
    assert "nothing to change" in typed("apply", *preset).stderr
    assert typed("status").stdout.startswith("chat: ready: it answers\nrevision 1: deployed")
    differs = typed("diff", *more, code=1).stdout
    assert "+   --max-num-seqs 8" in differs
    assert "downtime: yes" in differs
    assert "dsv4deploy upgrade" in typed("apply", *more, code=1).stderr
    assert "Go on?" in typed("upgrade", *more, code=130).stderr
    assert "chat is ready" in typed("upgrade", *more, "--yes", "--timeout", "60").stderr
    assert "back to revision 1" in typed("rollback", "--yes", "--timeout", "60").stderr
    rows = json.loads(typed("history", "-o", "json").stdout)
    assert [row["status"] for row in rows] == ["superseded", "superseded", "deployed"]
    told = json.loads(typed("status", "-o", "json").stdout)
    assert (told["phase"], told["revision"]["revision"]) == ("ready", 3)
    assert "Delete these 2 objects?" in typed("delete", code=130).stderr
    assert "2 objects deleted" in typed("delete", "--yes").stderr
    assert "nothing to delete" in typed("delete", "--yes").stderr
    assert typed("status", code=1).stdout.startswith("chat: failed: there is no service")


def test_a_fleet_is_applied_whole_or_not_at_all(
    plane: Plane, cluster: Cluster, home: str, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        preset = f"router: {{preset: {{namespace: {home}}}}}"
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{preset}\n")
    command = [sys.executable, "-m", "dsv4deploy", "apply", "--each", str(tmp_path), "-n", home]
    command += ["--kubeconfig", str(plane.kubeconfig)]
    bad = tmp_path / "zwei.yaml"
    bad.write_text("engine: {args: {block-size: 96}}\n")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    kind = ("serving.kserve.io/v1alpha2", "LLMInferenceService", home)
    assert cluster.list(*kind) == []
    bad.unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert [item["metadata"]["name"] for item in cluster.list(*kind)] == ["one", "two"]


def test_doctor_and_its_exit_code(typed: Typed) -> None:
    found = json.loads(typed("doctor", "-o", "json", code=1).stdout)
    assert {each["status"] for each in found} >= {"ok", "failed"}
    assert typed("doctor", code=1).stdout.splitlines()[0].split()[:2] == ["STATUS", "CHECK"]


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_the_chart_s_life_by_real_helm(
    plane: Plane, cluster: Cluster, home: str, tool: Callable[[str], str], major: str
) -> None:
    def helm(*words: object) -> str:
        command = [tool(major), *map(str, words), "-n", home, "--kubeconfig", str(plane.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    own = ("--set", f"name=chat,router.preset.namespace={home}")
    assert "WARNING: engine.image" in helm("install", "dsv4", CHART, *own)
    kind = ("serving.kserve.io/v1alpha2", "LLMInferenceService", "chat", home)
    test_cluster.engine(cluster, home)
    ours = load({"name": "chat", "router": {"preset": {"namespace": home}}})
    plan = prepare(cluster, render(ours, Release(namespace=home)), force=True)
    # Only Helm's own labels and annotations, if any, tell its objects from ours.
    assert [change for change in plan.changes if "metadata" not in change.path] == []
    helm("upgrade", "dsv4", CHART, *own, "--set", "replicas=2")
    assert (cluster.get(*kind) or {})["spec"]["replicas"] == 2
    helm("rollback", "dsv4", "1")
    assert (cluster.get(*kind) or {})["spec"]["replicas"] == 1
    helm("uninstall", "dsv4")
    assert cluster.get(*kind) is None


@pytest.mark.parametrize("version", ["v0.17.0", "v0.19.0", "v0.20.0"])
def test_every_kserve_s_api_takes_every_profile_strictly(
    bare: Cluster, go_module: Callable[[str], Path], version: str
) -> None:
    folder = go_module(f"github.com/kserve/kserve@{version}") / "config" / "crd" / "full"
    kinds = ("llminferenceservices", "llminferenceserviceconfigs")
    crds = objects(*(folder / "llmisvc" / f"serving.kserve.io_{kind}.yaml" for kind in kinds))
    install_crds(bare, crds)
    namespace(bare, "kserve")
    for name in profile_names():
        for item in render(load(profile=name), Release(namespace="default")):
            bare.apply(item, dry_run=True)
    wrong = render(load(), Release(namespace="default"))[-1]
    wrong["spec"]["replicaz"] = 1
    with pytest.raises(ClusterError, match="field not declared in schema"):
        bare.apply(wrong, dry_run=True)
