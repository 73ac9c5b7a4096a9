"""A deployment's life on a real node, with KServe's oldest and newest release that are supported.

What is applied is what is emitted, unchanged: the example with the MaaS ingress.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from cluster.nodes import Cluster, Tree
from cluster.software import NEWEST, OLDEST
from cluster.user import address, complete, dsv4deploy
from control_plane import until

ROOT = Path(__file__).resolve().parent.parent.parent
VALUES = ROOT / "examples" / "maas" / "values.yaml"
NAME, MODEL, HOME = "deepseek-v4-flash-w4a8-agg-base", "gdydems/DeepSeek-V4-Flash-w4a8-mtp", "demo"


@pytest.fixture(scope="module")
def cluster(either: Cluster) -> Cluster:
    """The cluster."""
    return either


@pytest.fixture(scope="module")
def key(cluster: Cluster) -> str:
    """A client's API key, with which the MaaS namespace begins."""
    for name in (HOME, "maas-system"):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    told = dsv4deploy(cluster, "keys", "create", "alice", VALUES)
    return next(line for line in told.splitlines() if line.startswith("dsv4_"))


@pytest.fixture(scope="module")
def before(cluster: Cluster, key: str) -> set[str]:
    """What is there before anything is applied."""
    return inventory(cluster)


@pytest.fixture(scope="module")
def applied(cluster: Cluster, before: set[str]) -> str:
    """What `apply --wait` says of the deployment."""
    return dsv4deploy(cluster, "apply", VALUES, "--wait")


def inventory(cluster: Cluster) -> set[str]:
    """Every object of the namespaces that a deployment uses, but what only reports."""
    kinds = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    passing = re.compile(r"events|leases|endpointslices|endpoints|nodes|metrics")
    wanted = ",".join(kind for kind in kinds if not passing.match(kind))
    text = cluster.kubectl(
        "get",
        wanted,
        "-A",
        "--no-headers",
        "-o",
        "custom-columns=A:.kind,B:.metadata.namespace,C:.metadata.name",
    )
    return {" ".join(line.split()) for line in text.splitlines()}


def pod(cluster: Cluster) -> Tree:
    (found,) = cluster.list(
        "pods", HOME, f"app.kubernetes.io/name={NAME},kserve.io/component=workload"
    )
    return found


@pytest.mark.usefixtures("before")
def test_doctor_finds_nothing_wrong_but_the_machine_s_architecture(cluster: Cluster) -> None:
    told = json.loads(dsv4deploy(cluster, "doctor", VALUES, "-o", "json", code=1))
    found = {each["code"]: each["severity"] for each in told}
    assert [code for code, severity in found.items() if severity == "error"] == ["arm64"]
    unknown = [code for code, severity in found.items() if severity == "unknown"]
    assert unknown == ["driver"]


def test_apply_waits_until_it_is_ready(applied: str) -> None:
    (done,) = (line for line in applied.splitlines() if line.startswith(f"{NAME}: "))
    assert done.endswith(
        f", ready; service {NAME} in namespace {HOME} is running: revision 1 (deployed)"
    )


@pytest.mark.usefixtures("applied")
def test_the_engine_has_its_weights_and_all_npus(cluster: Cluster) -> None:
    found = pod(cluster)
    assert found["spec"]["nodeName"] == "n1"
    log = cluster.kubectl("logs", found["metadata"]["name"], "-n", HOME, "-c", "main")
    (devices,) = re.findall(r"NPUs: (\S+)", log)
    assert sorted(devices.split(",")) == list("01234567")


def router(cluster: Cluster) -> Tree:
    """The router's pod."""
    component = "app.kubernetes.io/component=llminferenceservice-router-scheduler"
    (found,) = cluster.list("pods", HOME, component)
    return found


# Of KServe's user for ModelCars; v0.17 drops the rest of the engine's securityContext with it.
RIGHTS = {
    OLDEST: {"Uid": "1010", "NoNewPrivs": "0", "Seccomp": "0"},
    NEWEST: {"Uid": "1010", "NoNewPrivs": "1", "Seccomp": "2"},
}


@pytest.mark.usefixtures("applied")
def test_the_engine_has_kserve_s_user(cluster: Cluster, request: pytest.FixtureRequest) -> None:
    words = ("exec", pod(cluster)["metadata"]["name"], "-n", HOME, "-c", "main", "--")
    status = dict(re.findall(r"(\w+):\t(\w+)", cluster.kubectl(*words, "cat", "/proc/self/status")))
    wanted = RIGHTS[request.node.callspec.params["either"]]
    assert {key: status[key] for key in wanted} == wanted


@pytest.mark.usefixtures("applied")
def test_the_router_s_root_is_read_only(cluster: Cluster) -> None:
    words = ("exec", router(cluster)["metadata"]["name"], "-n", HOME, "-c", "main", "--")
    script = "grep ^Uid /proc/self/status; touch /made 2>&1 || true"
    told = cluster.kubectl(*words, "sh", "-c", script)
    assert re.search(r"^Uid:\t65532\b", told)
    assert "Read-only file system" in told


@pytest.mark.usefixtures("applied")
def test_the_internal_ingress_answers_whole_through_the_endpoint_picker(cluster: Cluster) -> None:
    owner = "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway"
    (proxy,) = cluster.list("pods", "envoy-gateway-system", owner)

    def picked() -> float:
        """How often the proxy has asked the picker."""
        text = httpx.get(f"http://{proxy['status']['podIP']}:19001/stats/prometheus").text
        counts = re.findall(r"^\w+ext_proc_upstream_rq_total\S* (\d+)$", text, re.MULTILINE)
        return sum(map(float, counts))

    url = f"{address(cluster, 'kserve-ingress-gateway', 'kserve')}/{HOME}/{NAME}"
    before = picked()
    answer = complete(url, MODEL, 200)
    assert (answer.status, answer.error, answer.whole) == (200, "", True)
    assert len(answer.tokens) == answer.usage["completion_tokens"] == 200
    assert picked() > before


@pytest.mark.xfail(strict=True, reason="`--metrics-endpoint-auth false` turns it on")
@pytest.mark.usefixtures("applied")
def test_the_router_s_figures_are_open_to_prometheus(cluster: Cluster) -> None:
    answer = httpx.get(f"http://{router(cluster)['status']['podIP']}:9090/metrics")
    assert answer.status_code == 200
    assert "inference_pool_ready_pods" in answer.text


@pytest.mark.usefixtures("applied")
def test_the_maas_ingress_answers_who_has_a_key_and_counts(cluster: Cluster, key: str) -> None:
    url = address(cluster, "maas", "maas-system")
    until("keys are asked for", lambda: complete(url, MODEL).status == 401)
    answer = until(
        "the key is known",
        lambda: found if (found := complete(url, MODEL, 100, key)).whole else None,
    )
    assert len(answer.tokens) == answer.usage["completion_tokens"] == 100

    def charged() -> bool:
        keys = cluster.kubectl(
            "exec", "-n", "redis-system", "deploy/redis", "--", "redis-cli", "KEYS", "*_alice_*"
        )
        return len(keys.split()) == 2

    until("both quotas are charged", charged)


@pytest.mark.usefixtures("applied")
def test_smoke_passes_at_both_ingresses(cluster: Cluster, key: str) -> None:
    dsv4deploy(cluster, "smoke", VALUES)
    dsv4deploy(cluster, "smoke", VALUES, "--ingress", "maas", DSV4DEPLOY_API_KEY=key)


@pytest.mark.usefixtures("applied")
def test_status_says_that_it_is_ready(cluster: Cluster) -> None:
    assert "ready" in dsv4deploy(cluster, "status", "--name", NAME)


@pytest.mark.usefixtures("applied")
def test_delete_leaves_nothing_behind(cluster: Cluster, before: set[str]) -> None:
    dsv4deploy(cluster, "delete", "--name", NAME, "--yes")
    # Envoy AI Gateway 1.0.0 leaves its processor's configuration behind.
    left = {"Secret envoy-gateway-system maas-maas-system"}
    until("all else is gone", lambda: inventory(cluster) <= before | left)
