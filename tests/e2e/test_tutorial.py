"""The part of the tutorial that needs a cluster, as it is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Plane
from test_completion import GOOD, serve  # noqa: F401 - a fixture
from test_deployments import kubelet  # noqa: F401 - a fixture
from test_examination import good  # noqa: F401 - a fixture
from tutorial import follow, with_cluster, without_cluster

from dsv4deploy.cluster.client import Cluster


@pytest.fixture
def home() -> str:
    """The tutorial's namespace, which the tutorial makes."""
    return "prod"


@pytest.fixture
def ingress(cluster: Cluster, serve: Callable[..., Any]) -> Iterator[None]:  # noqa: F811
    """An engine that answers, where KServe's own Gateway leads to."""
    url, _ = serve(GOOD)
    name = ("gateway.networking.k8s.io/v1", "Gateway", "kserve-ingress-gateway", "kserve")
    live = cluster.get(*name) or {}
    item = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    item["metadata"] = {key: live["metadata"][key] for key in ("name", "namespace")}
    (listener,) = item["spec"]["listeners"]
    port, listener["port"] = listener["port"], urlsplit(url).port
    cluster.apply(item, force=True)
    yield
    listener["port"] = port
    cluster.apply(item, force=True)


@pytest.mark.usefixtures("good", "kubelet", "ingress")
def test_the_tutorial_says_what_happens_on_a_cluster(
    plane: Plane,
    tool: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(Path(tool("kubectl")).parent), prepend=os.pathsep)
    files = [block for block in without_cluster() if block[0].startswith("yaml")]
    around = {"KUBECONFIG": str(plane.kubeconfig)}
    assert follow([*files, *with_cluster()], tmp_path, **around) > 8
