"""Scaling by schedule with KEDA's real operator and metrics server, and Kubernetes' autoscaler.

Not part of CI: KEDA's two programs take 14 minutes of CPU time to build. What they build is cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Plane
from control_plane import (
    KEDA,
    LONG,
    certificate,
    free_port,
    install_crds,
    meanwhile,
    namespace,
    running,
    until,
)
from control_plane import objects as objects_of
from parts import go_program
from test_deployments import deploy, engine, kubelet, objects, settled
from test_scaling import note

from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.plan import prepare
from dsv4deploy.cluster.readiness import Limits, waiting
from dsv4deploy.cluster.rollout import upgrade

Tree = dict[str, Any]
__all__ = ["kubelet"]  # a fixture
pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("kubelet", "keda")]
METRICS = ("apiregistration.k8s.io/v1", "APIService", "v1beta1.external.metrics.k8s.io")


def external_metrics(cluster: Cluster, port: int) -> None:
    """Lets the API server pass requests for external metrics to a port on loopback."""
    meta = {"name": "keda-metrics-apiserver", "namespace": "keda"}
    spec = {"type": "ExternalName", "externalName": "localhost"}
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    api, kind, name = METRICS
    version, _, group = name.partition(".")
    wanted = {
        "group": group,
        "version": version,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {**meta, "port": port},
    }
    cluster.apply({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": wanted})


@pytest.fixture(scope="module")
def keda(
    tmp_path_factory: pytest.TempPathFactory,
    plane: Plane,
    go_module: Callable[[str], Path],
    go_build: Callable[..., Path],
) -> Iterator[None]:
    """KEDA's operator and metrics server, and the controller of HorizontalPodAutoscalers."""
    config, kube = plane.kubeconfig, go_build("kube")
    cluster = Cluster.connect(kubeconfig=str(config))
    crds = (go_module(KEDA) / "config" / "crd" / "bases").glob("*.yaml")
    install_crds(cluster, objects_of(*sorted(crds)))
    namespace(cluster, "keda")
    folder = tmp_path_factory.mktemp("keda")
    authority = certificate(folder)
    (folder / "ca.crt").write_bytes(authority.read_bytes())
    metrics, operator = free_port(), free_port()
    external_metrics(cluster, metrics)
    delegated = ("--authentication-kubeconfig", config, "--authorization-kubeconfig", config)
    programs = {
        "operator": (
            *(go_program(KEDA, "cmd/operator"), "--cert-dir", folder),
            f"--metrics-service-bind-address=127.0.0.1:{operator}",
            *("--metrics-bind-address=0", "--enable-prometheus-metrics=false"),
            f"--health-probe-bind-address=127.0.0.1:{free_port()}",
        ),
        "adapter": (
            *(go_program(KEDA, "cmd/adapter"), "--cert-dir", folder, *delegated),
            *("--lister-kubeconfig", config, "--secure-port", metrics, "--port", free_port()),
            *("--tls-cert-file", authority, "--tls-private-key-file", folder / "tls.key"),
            f"--metrics-service-address=127.0.0.1:{operator}",
        ),
        "kube-controller-manager": (
            *(kube, "kube-controller-manager", "--kubeconfig", config, *delegated),
            *("--leader-elect=false", "--bind-address", "127.0.0.1", "--secure-port", free_port()),
            "--controllers=horizontal-pod-autoscaler-controller",
            "--horizontal-pod-autoscaler-sync-period=1s",
        ),
    }
    around = {"KUBECONFIG": str(config), "WATCH_NAMESPACE": "", "POD_NAMESPACE": "keda"}
    around["KEDA_CLUSTER_OBJECT_NAMESPACE"] = "keda"
    with ExitStack() as started:
        for name, command in programs.items():
            started.enter_context(running(folder / f"{name}.log", *command, **around))

        def available() -> bool:
            conditions = ((cluster.get(*METRICS) or {}).get("status") or {}).get("conditions") or []
            return any(c["type"] == "Available" and c["status"] == "True" for c in conditions)

        until("KEDA's metrics server is available", available)
        yield


def scaled(hours: int, **engine: Any) -> Tree:
    """Values with a window of two hours, which begins so many hours from half an hour ago."""
    start = datetime.now(UTC) + timedelta(hours=hours, minutes=-30)
    end = start + timedelta(hours=2)
    day = {"start": f"{start:%M %H} * * *", "end": f"{end:%M %H} * * *", "replicas": 3}
    drains = {"preStopSeconds": 1, "shutdownTimeoutSeconds": 1, "gracePeriodSeconds": 35}
    return {
        "name": "chat",
        "replicas": 2,
        "engine": {"termination": drains, **engine},
        "scaling": {
            "enabled": True,
            "maxReplicas": 3,
            "timezone": "Etc/UTC",
            "schedules": {"day": day},
        },
    }


def test_a_schedule_scales_up_and_back_to_the_floor(cluster: Cluster, home: str) -> None:
    def instances() -> int:
        return int(engine(cluster, home)["spec"].get("replicas", 1))

    deploy(cluster, objects(home, scaled(6)))
    until("the floor is kept outside of the window", lambda: instances() == 2)
    deploy(cluster, objects(home, scaled(0)))
    until("the window has as many as its schedule says", lambda: instances() == 3)
    deploy(cluster, objects(home, scaled(6)))
    until("after the window there are as few as the floor says", lambda: instances() == 2)


def test_an_upgrade_in_a_window_pauses_keda_and_replaces_one_after_the_other(
    cluster: Cluster, home: str
) -> None:
    deploy(cluster, objects(home, scaled(0)))
    until("KEDA has scaled it", lambda: engine(cluster, home)["spec"]["replicas"] == 3)
    seen: list[tuple[int, bool]] = []

    wanted = objects(home, scaled(0, args={"max-num-seqs": 8}))
    wait = waiting(cluster, "chat", home, Limits(LONG, interval=0.1))
    with meanwhile(lambda: note(cluster, home, seen)):
        upgrade(cluster, prepare(cluster, wanted), wait=wait)
        until("KEDA goes on", lambda: (3, True) in seen)
    assert seen == [(3, False), (2, False), (2, True), (3, True)]
    settled(cluster, home, wanted)
