"""The packaged chart through a real OCI registry on loopback."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from control_plane import free_port, running, until
from parts import go_program, run

from dsv4deploy import __version__
from dsv4deploy.helm.chart import package

REGISTRY = "github.com/distribution/distribution/v3@v3.0.0"
CHART = Path(__file__).resolve().parent.parent.parent / "charts" / "deepseek-v4-flash"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "registry.yaml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'storage'}}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )

    def listens() -> bool:
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=1).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            return False
        return True

    log, program = tmp_path / "log", go_program(REGISTRY, "cmd/registry")
    with running(log, program, "serve", config, OTEL_TRACES_EXPORTER="none") as server:
        until("the registry listens", listens)
        yield address


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_the_chart_is_pushed_pulled_and_gives_the_same(
    major: str, tool: Callable[[str], str], registry: str, tmp_path: Path
) -> None:
    helm = tool(major)
    repository = f"oci://{registry}/charts"
    run(helm, "push", package(tmp_path), repository, "--plain-http")
    chart = f"{repository}/deepseek-v4-flash"
    release = ("dsv4", "-n", "demo")
    pulled = run(helm, "template", *release, chart, "--version", __version__, "--plain-http")
    assert pulled == run(helm, "template", *release, CHART)
