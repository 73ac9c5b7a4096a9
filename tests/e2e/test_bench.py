"""The real aiperf against the simulator: what reproduces, what does not, and going on."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import control_plane
import pytest
from conftest import Plane

from dsv4deploy import DeployError, Release, Values
from dsv4deploy.bench import dataset, job, worker
from dsv4deploy.bench.run import Benchmark, Subject, subject
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.errors import ClusterError

MODEL = Values().model.name
# At 2.5 times the speed: what aiperf itself takes, some milliseconds a request, counts 2.5 times,
# and so does what other work on the machine adds. What is compared with published times runs alone.
SCALE = 0.4
# Where nobody looks at times.
QUICK = ("--time-scale", 0.08)


@dataclass(frozen=True)
class Way:
    """How aiperf reaches the simulator.

    Attributes:
        ingress: as which its figures are compared.
        url: of the chat completions.
        key: an API key; ``""`` where none is needed.
    """

    ingress: str
    url: str
    key: str = ""


@contextmanager
def simulator(log: Path, *settings: object) -> Iterator[str]:
    """The URL of a simulator that runs while the block does."""
    words = ("-m", "dsv4deploy", "bench", "simulate", "--port", "0", "--time-scale", SCALE)
    with control_plane.running(log, sys.executable, *words, *settings):

        def url() -> str:
            found = re.search(r"^http://\S+$", log.read_text("utf-8"), re.MULTILINE)
            return found[0] if found else ""

        yield control_plane.until("the simulator serves", url)


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., AbstractContextManager[str]]:
    return lambda *settings: simulator(tmp_path / "simulator.log", *settings)


def words(
    aiperf: Path, data: dataset.Dataset, output: Path, way: Way, *more: object
) -> tuple[list[str], dict[str, str]]:
    """The command that runs the benchmark, and its environment."""
    command = [sys.executable, "-m", "dsv4deploy", "bench", "run", "--aiperf", aiperf]
    command += ["--dataset", data.folder, "-o", output, "--ingress", way.ingress, "--url", way.url]
    key = {"DSV4DEPLOY_API_KEY": way.key} if way.key else {}
    return [*map(str, command), *map(str, more)], {**os.environ, **key}


def bench(*given: Any) -> None:
    command, environment = words(*given)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def verdict(output: Path, code: int) -> dict[str, Any]:
    """What the report says; its exit code is checked."""
    command = [sys.executable, "-m", "dsv4deploy", "bench", "report", str(output), "-o", "json"]
    command += ["--html", str(output / "report.html"), "--markdown", str(output / "report.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.measured
def test_published_times_are_reproduced_in_both_scenarios_three_times(
    aiperf: Path,
    data: dataset.Dataset,
    simulate: Callable[..., AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    output = tmp_path / "results"
    with simulate() as url:
        bench(aiperf, data, output, Way("kserve", url), "--runs", "3")
    told = verdict(output, 0)
    assert told["outcome"] == "reproduced"
    assert [len(each["metrics"]["tps"]["runs"]) for each in told["results"]] == [3, 3]
    # Wherever such a figure is shown, it says where it comes from.
    assert told["verdict"].startswith("SIMULATOR: ")
    for page in ("report.html", "report.md"):
        assert "simulator of the engine" in (output / page).read_text("utf-8")
    # A user's four rounds grow by what the engine has answered: 16k, 17k, 18k, 19k.
    records = output / "kserve-scenario2-c4" / "runs" / "run-1" / "profile_export.jsonl"
    sizes = sorted(
        json.loads(line)["metrics"]["input_sequence_length"]["value"]
        for line in records.read_text("utf-8").splitlines()
    )
    assert sizes == [size for size in (16384, 17408, 18432, 19456) for _ in range(4)]


@pytest.mark.parametrize(
    ("settings", "outcome", "because"),
    [
        pytest.param(
            ("--slower", "20"),
            "not reproduced",
            r"TTFT is .*% above the published 3758 ms",
            marks=pytest.mark.measured,
        ),
        (("--wrong-length", *QUICK), "no verdict", r"16 of 16 answers have another length"),
        (("--errors", "25", *QUICK), "no verdict", r"[34] of 16 requests failed"),
        (("--garbage", *QUICK), "no verdict", r"run-1: garbage: "),
    ],
    ids=["slower", "wrong length", "errors", "garbage"],
)
def test_a_wrong_run_is_called_wrong(
    settings: tuple[str, ...],
    outcome: str,
    because: str,
    aiperf: Path,
    data: dataset.Dataset,
    simulate: Callable[..., AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    output = tmp_path / "results"
    with simulate(*settings) as url:
        bench(
            aiperf,
            data,
            output,
            Way("kserve", url),
            "--runs",
            "1",
            "--scenario",
            "1",
            "--no-warmup",
        )
    told = verdict(output, 1)
    assert told["outcome"] == outcome
    assert re.search(f"not reproduced, because .*{because}", told["verdict"])


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_aiperf_ends_and_the_same_command_goes_on(
    sign: signal.Signals,
    aiperf: Path,
    data: dataset.Dataset,
    simulate: Callable[..., AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    output = tmp_path / "results"
    runs = output / "kserve-scenario1-c4" / "runs"
    settings = ("--runs", "2", "--scenario", "1", "--no-warmup")
    with simulate(*QUICK) as url:
        command, environment = words(aiperf, data, output, Way("kserve", url), *settings)
        process = subprocess.Popen(command, env=environment)
        half = runs / "part-2" / "profile_export.jsonl"
        control_plane.until(
            "a request of run 2 has ended", lambda: half.is_file() and half.stat().st_size, 240
        )
        process.send_signal(sign)
        process.wait(control_plane.LONG)
        control_plane.until("no aiperf is left", lambda: not _working_in(runs))
        assert sorted(path.name for path in runs.iterdir()) == ["part-2", "run-1"]
        first = (runs / "run-1" / "profile_export.jsonl").stat()
        bench(aiperf, data, output, Way("kserve", url), *settings)
    assert (runs / "run-1" / "profile_export.jsonl").stat() == first
    assert sorted(path.name for path in runs.iterdir()) == ["run-1", "run-2"]
    assert len((runs / "run-2" / "profile_export.jsonl").read_text().splitlines()) == 16


def _working_in(folder: Path) -> list[str]:
    """The processes whose command line or environment names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told:
            found.append(process.name)
    return found


# --- in the cluster ----------------------------------------------------------------------------


class Node:
    """Stands in for a kubelet and the Job controller: it runs a Job's program, and has its log."""

    def __init__(self, cluster: Cluster, folder: Path, aiperf: Path) -> None:
        self.cluster, self.folder, self.aiperf = cluster, folder, aiperf
        self.log = folder / "pod.log"
        self.stop = threading.Event()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Logs are had as the API server gets them: over TLS, from the address in the Node."""
        log = self.log

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(log.read_bytes() if log.is_file() else b"")

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        control_plane.certificate(self.folder / "tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "tls" / "tls.crt", self.folder / "tls" / "tls.key")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threads = [threading.Thread(target=work) for work in (server.serve_forever, self.watch)]
        register(self.cluster, "node", server.server_address[1])
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            server.shutdown()
            for thread in threads:
                thread.join()
            server.server_close()

    def watch(self) -> None:
        while not self.stop.wait(0.2):
            for made in self.cluster.list("batch/v1", "Job", "default"):
                if not (made.get("status") or {}).get("conditions"):
                    self.run(made)

    def run(self, made: dict[str, Any]) -> None:
        spec, name = made["spec"]["template"]["spec"], made["metadata"]["name"]
        (container,) = spec["containers"]
        config = self.cluster.get("v1", "ConfigMap", name, "default") or {}
        root = self.folder / "pod"
        for item in spec["volumes"][0]["configMap"]["items"]:
            file = root / "program" / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(config["data"][item["key"]], "utf-8")
        self.cluster.apply(pod_of(made, nodeName="node"))
        command = [
            word.replace("/job", ".").replace("/work", "work") for word in container["command"]
        ]
        environment = {each["name"]: each["value"] for each in container["env"]}
        path = f"{self.aiperf.parent}{os.pathsep}{os.environ['PATH']}"
        with self.log.open("wb") as log:
            code = subprocess.run(
                [sys.executable, *command[1:]],
                cwd=root,
                env={**environment, "PATH": path, "HOME": str(root)},
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        end(self.cluster, made, code)


def register(cluster: Cluster, name: str, port: int) -> None:
    """A Node whose kubelet is at a port here."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    cluster.apply(node)
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    control_plane.set_status(cluster, node, status)


def pod_of(made: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """The pod of a Job."""
    labels = {"batch.kubernetes.io/controller-uid": made["metadata"]["uid"]}
    meta = {"name": made["metadata"]["name"], "namespace": "default", "labels": labels}
    spec = {**made["spec"]["template"]["spec"], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def end(cluster: Cluster, made: dict[str, Any], code: int) -> None:
    """Ends a Job, as its controller does."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = ("FailureTarget", "Failed") if code else ("SuccessCriteriaMet", "Complete")
    conditions = [
        {"type": word, "status": "True", "lastTransitionTime": now, "lastProbeTime": now}
        for word in words
    ]
    ended = {} if code else {"completionTime": now, "succeeded": 1}
    status = {"startTime": now, "conditions": conditions, **ended}
    control_plane.set_status(cluster, cluster.live(made) or {}, status)


def test_the_image_is_recorded_as_the_engine_s_pod_runs_it(bare: Cluster) -> None:
    values, where = Values(), Release(namespace="default")
    labels = {"app.kubernetes.io/name": values.name, "kserve.io/component": "workload"}
    meta = {"name": "engine", "namespace": "default", "labels": labels}
    spec = {"containers": [{"name": "main", "image": "wrong"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    bare.apply(pod)
    status = {"name": "main", "imageID": "registry/vllm@sha256:0123", "image": "wrong"}
    status |= {"ready": True, "restartCount": 0}  # type: ignore[dict-item]
    control_plane.set_status(bare, pod, {"containerStatuses": [status]})
    found = subject(values, "ascend-910b4-8-w4a8", ["direct"], where, bare, inside=True)
    bare.delete(pod)
    assert found.image == "registry/vllm@sha256:0123"
    host = f"{values.name}-kserve-workload-svc.default.svc.cluster.local"
    assert found.urls == {"direct": f"http://{host}:8000/v1/chat/completions"}
    with pytest.raises(DeployError, match="Gateway kserve/kserve-ingress-gateway has no listener"):
        subject(values, "ascend-910b4-8-w4a8", ["kserve"], where, bare)


def in_cluster(data: dataset.Dataset, output: Path, url: str) -> Benchmark:
    subject = Subject(Values(), "ascend-910b4-8-w4a8", {"kserve": url}, "image")
    return Benchmark(subject, data, output, [1], [4], runs=1, warmup=False)


NAME = f"{Values().name}-bench"
WHERE = Release(namespace="default")
URL = "http://gateway/v1/chat/completions"


@pytest.fixture
def place(bare: Cluster) -> Iterator[Cluster]:
    """A cluster in which no Job is left."""
    yield bare
    for version, kind in (("v1", "Pod"), ("batch/v1", "Job"), ("v1", "ConfigMap")):
        for item in bare.list(version, kind, "default"):
            if item["metadata"]["name"] == NAME:
                # At once, though there is no kubelet that would say that a pod has gone.
                at_once = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}
                bare.request("DELETE", bare.path(version, kind, "default", NAME), at_once)


def run_job(cluster: Cluster, made: Benchmark, **settings: Any) -> list[str]:
    """Runs a Job that is soon given up; what it said."""
    how = job.Job(**{"image": "python:3.12", "interval": 0.1, **settings})
    notes: list[str] = []
    job.run(cluster, made, how, WHERE, lambda *_: None, notes.append)
    return notes


def put(cluster: Cluster, made: Benchmark) -> dict[str, Any]:
    """The Job as an earlier command has left it."""
    made.record()
    items = job.manifest(made, job.Job("python:3.12"), WHERE)
    return [cluster.create(item) for item in items][-1]


def _container(reason: str, message: str) -> Callable[[Cluster, dict[str, Any]], None]:
    def happen(cluster: Cluster, made: dict[str, Any]) -> None:
        pod = pod_of(made)
        cluster.apply(pod)
        state = {"waiting": {"reason": reason, "message": message}}
        status = {"name": "bench", "state": state, "ready": False, "restartCount": 0}
        status |= {"image": "wrong", "imageID": ""}
        control_plane.set_status(cluster, pod, {"containerStatuses": [status]})

    return happen


def _unschedulable(cluster: Cluster, made: dict[str, Any]) -> None:
    pod = pod_of(made)
    cluster.apply(pod)
    told = {"reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu"}
    conditions = [{"type": "PodScheduled", "status": "False", **told}]
    control_plane.set_status(cluster, pod, {"conditions": conditions})


def _over_quota(cluster: Cluster, made: dict[str, Any]) -> None:
    meta = made["metadata"]
    object_of = {"kind": "Job", "name": NAME, "namespace": "default", "uid": meta["uid"]}
    event = {"apiVersion": "v1", "kind": "Event", "involvedObject": object_of, "type": "Warning"}
    event |= {"metadata": {"name": f"job-{meta['uid']}", "namespace": "default"}}
    cluster.create({**event, "reason": "FailedCreate", "message": "pods is forbidden: quota"})


@pytest.mark.parametrize(
    ("happen", "why"),
    [
        (
            _container("ErrImagePull", "no such image"),
            f"an image cannot be pulled: {NAME}/bench: no such image: see --image",
        ),
        (
            _container("CreateContainerConfigError", 'secret "keys" not found'),
            f'configuration is invalid: {NAME}/bench: secret "keys" not found: see --key-secret',
        ),
        (_unschedulable, "0/3 nodes are available: 3 Insufficient cpu"),
        (_over_quota, "pods is forbidden: quota"),
    ],
    ids=["image", "key", "nodes", "quota"],
)
def test_a_job_that_can_t_start_is_given_up_with_the_reason(
    happen: Callable[[Cluster, dict[str, Any]], None],
    why: str,
    place: Cluster,
    data: dataset.Dataset,
    tmp_path: Path,
) -> None:
    def controllers() -> None:
        found = lambda: place.get("batch/v1", "Job", NAME, "default")  # noqa: E731 - for its name
        happen(place, control_plane.until("there is a Job", found))

    thread = threading.Thread(target=controllers)
    thread.start()
    with pytest.raises(DeployError, match=f"{re.escape(why)}; it was deleted, because nothing"):
        run_job(place, in_cluster(data, tmp_path, URL), patience=2)
    thread.join()
    assert place.get("batch/v1", "Job", NAME, "default") is None


def test_what_a_job_waits_for_is_told_and_it_goes_on(
    place: Cluster, data: dataset.Dataset, tmp_path: Path
) -> None:
    made = in_cluster(data, tmp_path, URL)
    live = put(place, made)
    _unschedulable(place, live)

    def note(told: str) -> None:
        assert told == f"Job {NAME} is waiting: 0/3 nodes are available: 3 Insufficient cpu"
        end(place, live, 1)

    how = job.Job("x", "keys", "bench", interval=0.1)
    told = (
        "failed:\nits pod has no log\nits DSV4DEPLOY_API_KEY is key bench of Secret keys; run the"
    )
    with pytest.raises(DeployError, match=told):
        job.run(place, made, how, WHERE, lambda *_: None, note)


def test_results_of_another_benchmark_are_not_lost(
    place: Cluster, aiperf: Path, data: dataset.Dataset, tmp_path: Path
) -> None:
    """Neither those of another folder, nor those of an earlier command in this one."""
    mine, other = in_cluster(data, tmp_path / "mine", URL), in_cluster(data, tmp_path / "o", URL)
    live = put(place, mine)
    with pytest.raises(
        DeployError, match="is running another benchmark; wait for its end, or run `kubectl"
    ):
        run_job(place, other)
    place.apply(pod_of(live, nodeName="node"))
    end(place, live, 0)
    node = Node(place, tmp_path, aiperf)
    with node.serving():
        node.log.write_text(f"{printed(tmp_path / 'run')}\nfinished\n")
        with pytest.raises(
            DeployError, match=r"another benchmark \(kserve-scenario1-c4/runs/run-1"
        ):
            run_job(place, other)
        both = replace(mine, scenarios=[1, 2])
        both.record()
        job._take_over(place, both, place.live(live) or {})
    assert [each["pending"] for each in both.plan()["groups"]] == [[], [1]]


def printed(folder: Path) -> str:
    """A run as a Job prints it."""
    folder.mkdir()
    (folder / worker.ANSWER).write_text('{"text": "One", "error": "", "simulator": null}')
    for name in (worker.RECORDS, worker.SUMMARY):
        (folder / name).write_text("{}")
    return worker.printed(folder, "kserve-scenario1-c4/runs/run-1")


@pytest.mark.parametrize(
    ("spec", "why"),
    [({"nodeName": "gone"}, "the API server failed"), ({}, "it is incomplete")],
    ids=["node", "pod"],
)
def test_a_complete_job_whose_log_can_t_be_read_is_kept(
    spec: dict[str, str], why: str, place: Cluster, data: dataset.Dataset, tmp_path: Path
) -> None:
    made = in_cluster(data, tmp_path, URL)
    live = put(place, made)
    register(place, "gone", control_plane.free_port())
    place.apply(pod_of(live, **spec))
    end(place, live, 0)
    for _ in range(2):
        with pytest.raises(
            DeployError, match=f"log cannot be read: .*{why}.*to discard the results"
        ):
            run_job(place, made)
    assert (place.live(live) or {})["metadata"]["uid"] == live["metadata"]["uid"]


def grant(cluster: Cluster, namespace: str, rules: list[dict[str, Any]]) -> None:
    """Gives the user ``reader`` these rights."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    meta = {"name": "reader", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "Role", "name": "reader"}
    subjects = [{"apiGroup": group, "kind": "User", "name": "reader"}]
    cluster.apply({**rbac, "kind": "Role", "metadata": meta, "rules": rules})
    binding = {"kind": "RoleBinding", "roleRef": role, "subjects": subjects}
    cluster.apply({**rbac, **binding, "metadata": meta})


def test_who_may_not_read_logs_makes_no_job(
    plane: Plane, home: str, data: dataset.Dataset, tmp_path: Path
) -> None:
    admin = Cluster.connect(kubeconfig=str(plane.kubeconfig))
    reader = Cluster.connect("reader", str(plane.kubeconfig))
    made, where = in_cluster(data, tmp_path, URL), Release(namespace=home)
    rules = []
    for missing, resources in (("list pods", ["pods"]), ("get pods/log", ["pods/log"])):
        with pytest.raises(
            ClusterError,
            match=f"may not {missing} in namespace {home}.*ask an administrator",
        ):
            job.run(reader, made, job.Job("x"), where, lambda *_: None, print)
        verbs = [missing.partition(" ")[0]]
        rules.append({"apiGroups": [""], "resources": resources, "verbs": verbs})
        grant(admin, home, rules)
        control_plane.until("it may", lambda: reader.may(verbs[0], resources[0], home))  # noqa: B023


def test_a_job_runs_it_in_the_cluster_and_its_results_come_back(
    bare: Cluster,
    aiperf: Path,
    data: dataset.Dataset,
    simulate: Callable[..., AbstractContextManager[str]],
    tmp_path: Path,
) -> None:
    output = tmp_path / "results"
    seen: list[int] = []
    with simulate(*QUICK) as url, Node(bare, tmp_path, aiperf).serving():
        benchmark = in_cluster(data, output, url)
        how = job.Job("python:3.12", interval=0.5)
        job.run(bare, benchmark, how, WHERE, lambda _, __, ended: seen.append(ended), print)
    folder = output / "kserve-scenario1-c4"
    told = json.loads((folder / "run.json").read_text("utf-8"))
    assert (told["simulator"]["inFlight"]["4"]["ttft"], told["badAnswers"]) == (
        3758,
        [],
    )
    records = (folder / "runs" / "run-1" / "profile_export.jsonl").read_text("utf-8")
    assert len(records.splitlines()) == 16
    assert seen
    names = [item["metadata"]["name"] for item in bare.list("batch/v1", "Job", "default")]
    assert names == []
