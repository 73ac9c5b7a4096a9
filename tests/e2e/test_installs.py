"""The other ways onto a cluster: Helm and kustomize, and the benchmark as a Job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cluster.images import programs, save, shell, system
from cluster.nodes import Cluster, load
from cluster.relay import WAYS, disturbed
from cluster.user import ENGINES, QUICK, complete, deployed, dsv4deploy, ingress
from control_plane import until
from parts import run

from dsv4deploy import load as values
from dsv4deploy.bench.dataset import Dataset

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "deepseek-v4-flash"
MODEL = values().model.name


def place(cluster: Cluster, namespace: str) -> tuple[str, ...]:
    """A new namespace, as kubectl and Helm take it."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    return ("-n", namespace)


def wait_until_ready(cluster: Cluster, namespace: str) -> None:
    words = ("--for=condition=Ready", "llminferenceservice/chat", "--timeout=300s")
    cluster.kubectl("wait", "-n", namespace, *words)


def wait_until_gone(cluster: Cluster, namespace: str) -> None:
    until("its engines are gone", lambda: not cluster.list("pods", namespace, ENGINES))


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_helm_installs_tests_and_uninstalls_the_chart(
    real: Cluster, tool: Callable[[str], str], major: str
) -> None:
    helm, where = (tool(major), "--kubeconfig", real.kubeconfig), place(real, "helm")
    run(*helm, "install", "dsv4", CHART, *where, *QUICK, "--set", "name=chat")
    wait_until_ready(real, "helm")
    run(*helm, "test", "dsv4", *where)
    run(*helm, "uninstall", "dsv4", *where)
    wait_until_gone(real, "helm")


def test_kubectl_applies_an_overlay(real: Cluster, tmp_path: Path) -> None:
    place(real, "overlay")
    folder = tmp_path / "deploy"
    words = ("--cluster", "site", "-n", "overlay", "--name", "chat", *QUICK)
    dsv4deploy(real, "overlay", folder, *words)
    overlay = folder / "overlays" / "site"
    real.kubectl("apply", "-k", overlay)
    wait_until_ready(real, "overlay")
    assert complete(ingress(real, "overlay"), MODEL).whole
    real.kubectl("delete", "-k", overlay)
    wait_until_gone(real, "overlay")


@pytest.fixture(scope="module")
def aiperf_image(real: Cluster, aiperf: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with aiperf, as a site makes one."""
    folder = aiperf.parent.parent
    home = str(folder).lstrip("/")
    files = {
        **programs(*folder.rglob("*.so")),
        **{f"{home}/{name}": folder / name for name in ("lib", "pyvenv.cfg", "bin/aiperf")},
        **{f"{home}/bin/{name}": "/usr/bin/python3" for name in ("python", "python3")},
        "usr/local/bin/aiperf": str(aiperf),
    }
    image = shell(system(), files)
    archive = tmp_path_factory.mktemp("aiperf") / "image.tar"
    save(archive, {"registry.example.com/aiperf:0.7.0": image})
    load(real.first, archive)
    archive.unlink()
    return "registry.example.com/aiperf:0.7.0"


def test_the_benchmark_runs_as_a_job_that_outlives_its_command(
    real: Cluster, aiperf_image: str, data: Dataset, tmp_path: Path
) -> None:
    output = tmp_path / "results"
    words = (
        *("bench", "run", "--name", "chat", "-n", "bench", "--job", "--image", aiperf_image),
        *("--runs", "1", "--scenario", "1", "--ingress", "direct", "--no-warmup"),
        *("--dataset", data.folder, "-o", output),
    )
    with deployed(real, "bench"):
        for way, code in WAYS.items():
            ended, told = disturbed(real, way, "GET .*/pods/.*/log", *words)
            assert ended == code, told
    assert list(output.glob("*/runs/run-1/profile_export_aiperf.json"))
