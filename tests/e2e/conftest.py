"""Fixtures of the tests with real servers."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import control_plane
import parts
import pytest
import reaper
import tokenizer
from cluster.nodes import Cluster as Real
from cluster.software import NEWEST, OLDEST
from cluster.stack import stack

from dsv4deploy.bench import dataset
from dsv4deploy.cluster.client import Cluster

reaper.guard()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need the whole stack on real nodes, and measure no times."""
    for item in items:
        stacked = "clusters" in getattr(item, "fixturenames", ())
        if stacked and not item.get_closest_marker("measured"):
            item.add_marker("stack")


@pytest.fixture(scope="session")
def go_module() -> Callable[[str], Path]:
    """The folder of a Go module, ``path@version``, downloaded and unpacked by Go itself."""
    return parts.go_module


@pytest.fixture(scope="session")
def go_build() -> Callable[..., Path]:
    """A program whose versions are pinned in ``go/<name>``, built and kept in the cache."""
    return parts.go_build


@pytest.fixture(scope="session")
def aiperf() -> Path:
    """The real aiperf 0.7.0."""
    return parts.python_program("aiperf", "0.7.0", "aiperf==0.7.0")


@pytest.fixture(scope="session")
def litellm() -> Path:
    """LiteLLM's proxy 1.106.12, with what its error handling imports though no database is used."""
    return parts.python_program("litellm", "1.106.12", "litellm[proxy]==1.106.12", "prisma==0.15.0")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    """Prompts of the published size, for four users and four system prompts."""
    folder = tmp_path_factory.mktemp("bench")
    return dataset.make(folder / "dataset", str(tokenizer.train(folder / "tokenizer")), requests=16)


@dataclass(frozen=True)
class Plane:
    """A running control plane.

    Attributes:
        kubeconfig: contexts ``admin``, who may do all, and ``reader``, who may do nothing.
        folder: the servers' logs.
        api_server: its process.
        controller: the process of KServe's controller.
    """

    kubeconfig: Path
    folder: Path
    api_server: subprocess.Popen[bytes]
    controller: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def plane(
    tmp_path_factory: pytest.TempPathFactory,
    go_module: Callable[[str], Path],
    go_build: Callable[..., Path],
) -> Iterator[Plane]:
    """etcd, kube-apiserver and KServe's controller, once a session."""
    folder = tmp_path_factory.mktemp("plane")
    server, kserve = go_build("kube"), parts.go_program(control_plane.KSERVE, "cmd/llmisvc")
    with (
        control_plane.api_server(folder, server) as (kubeconfig, process),
        control_plane.kserve(
            folder, kubeconfig, go_module(control_plane.KSERVE), kserve
        ) as controller,
    ):
        cluster = Cluster.connect(kubeconfig=str(kubeconfig))
        control_plane.install_crds(cluster, control_plane.other_crds(go_module))
        yield Plane(kubeconfig, folder, process, controller)


@pytest.fixture(scope="session")
def bare(
    tmp_path_factory: pytest.TempPathFactory, go_build: Callable[..., Path]
) -> Iterator[Cluster]:
    """An API server with nothing on it, for tests of what is missing; they may add CRDs."""
    folder = tmp_path_factory.mktemp("bare")
    with control_plane.api_server(folder, go_build("kube")) as (kubeconfig, _):
        yield Cluster.connect(kubeconfig=str(kubeconfig))


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Real]]:
    """Real clusters of one node, by KServe's release, each from its first use on."""
    with ExitStack() as started:

        @cache
        def start(kserve: str) -> Real:
            return started.enter_context(stack(tmp_path_factory.mktemp(kserve), kserve))

        yield start


@pytest.fixture(scope="module")
def real(clusters: Callable[[str], Real]) -> Iterator[Real]:
    """The real cluster with KServe's newest release; the module's tests are in its network."""
    made = clusters(NEWEST)
    with made.first.network():
        yield made


@pytest.fixture(scope="module", params=(OLDEST, NEWEST))
def either(request: pytest.FixtureRequest, clusters: Callable[[str], Real]) -> Iterator[Real]:
    """Real clusters with KServe's oldest and newest release, one after the other."""
    made = clusters(request.param)
    with made.first.network():
        yield made


@pytest.fixture
def cluster(plane: Plane) -> Cluster:
    """The control plane's API, as its administrator."""
    return Cluster.connect(kubeconfig=str(plane.kubeconfig))


@pytest.fixture
def home(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    with control_plane.spaces(cluster, name):
        yield name
