"""Fixtures of the tests with real servers."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import control_plane
import parts
import pytest

from dsv4deploy.cluster.client import Cluster


@pytest.fixture(scope="session")
def go_module() -> Callable[[str], Path]:
    """The folder of a Go module, ``path@version``, downloaded and unpacked by Go itself."""
    return parts.go_module


@pytest.fixture(scope="session")
def go_program() -> Callable[[str], Path]:
    """A program built from a Go module, ``path@version``, kept in the cache."""
    return parts.go_program


@pytest.fixture(scope="session")
def go_build() -> Callable[..., Path]:
    """A program whose versions are pinned in ``go/<name>``, built and kept in the cache."""
    return parts.go_build


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
    server, kserve = go_build("kube"), control_plane.controller(control_plane.KSERVE)
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
