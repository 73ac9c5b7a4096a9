"""What a user types, on a real cluster; and the chart, by real Helm."""

from __future__ import annotations

import base64
import json
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import test_deployments
from conftest import Plane
from control_plane import (
    LONG,
    certificate,
    install_crds,
    namespace,
    objects,
    spaces,
    until,
)
from test_deployments import kubelet, kubelets  # noqa: F401 - one is a fixture

from dsv4deploy import Release, load
from dsv4deploy.cluster.client import Cluster
from dsv4deploy.cluster.plan import prepare
from dsv4deploy.cluster.readiness import STOP
from dsv4deploy.cluster.revisions import history
from dsv4deploy.errors import ClusterError
from dsv4deploy.manifest.render import render
from dsv4deploy.values.profiles import profile_names

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "deepseek-v4-flash"
WAIT = ("--timeout", str(LONG))
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
    applied = typed("apply", *preset, "--wait", *WAIT).stderr
    assert "chat: 2 objects written, ready" in applied
    assert typed("diff", *preset).stdout == "downtime: no\n"
    assert "nothing to change" in typed("apply", *preset).stderr
    told = typed("status").stdout
    assert told.startswith("chat: ready: the service accepts requests\nrevision 1: deployed")
    assert f"/{home}/chat/v1/chat/completions" in told
    differs = typed("diff", *more, code=1).stdout
    assert "+   --max-num-seqs 8" in differs
    assert "downtime: yes" in differs
    assert "dsv4deploy upgrade" in typed("apply", *more, code=1).stderr
    assert "Continue?" in typed("upgrade", *more, code=1).stderr
    assert "chat is ready" in typed("upgrade", *more, "--yes", *WAIT).stderr
    assert "roll back to revision 1" in typed("rollback", "--yes", *WAIT).stderr
    rows = json.loads(typed("history", "-o", "json").stdout)
    assert [row["status"] for row in rows] == ["superseded", "superseded", "deployed"]
    told = json.loads(typed("status", "-o", "json").stdout)
    assert (told["phase"], told["revision"]["revision"]) == ("ready", 3)
    assert "Delete 2 objects and 3 revisions?" in typed("delete", code=1).stderr
    assert "2 objects and 3 revisions deleted" in typed("delete", "--yes").stderr
    assert "nothing to delete: namespace " in typed("delete", "--yes", code=1).stderr
    assert typed("status", code=1).stdout.startswith(f"chat: failed: namespace {home} has no")


@pytest.fixture
def fleet(plane: Plane, cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A kubeconfig of 20 contexts, each a namespace of its own that stands for a cluster."""
    config = json.loads(plane.kubeconfig.read_text())
    run = uuid.uuid4().hex[:6]
    names = [f"site-{run}-{number:02d}" for number in range(20)]
    for name in names:
        place = {"cluster": "tests", "user": "admin", "namespace": name}
        config["contexts"].append({"name": name, "context": place})
        own = f"name: chat\nrouter: {{preset: {{namespace: {name}}}}}\n"
        (tmp_path / f"{name}.yaml").write_text(own)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    with spaces(cluster, *names):
        yield kubeconfig, names


def test_one_of_a_fleet_that_fails_does_not_stop_the_others(
    cluster: Cluster, fleet: tuple[Path, list[str]], tmp_path: Path
) -> None:
    kubeconfig, names = fleet
    command = [sys.executable, "-m", "dsv4deploy", "apply", "--kubeconfig", str(kubeconfig)]
    command += ["--each", str(tmp_path), "--contexts", f"{names[0][:-3]}-*"]

    def services() -> list[str]:
        found = cluster.list("serving.kserve.io/v1alpha2", "LLMInferenceService", "")
        return sorted(n for item in found if (n := item["metadata"]["namespace"]) in names)

    def apply(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], capture_output=True, text=True, check=False)

    wrong = tmp_path / f"{names[3]}.yaml"
    right = wrong.read_text()
    wrong.write_text(right + "engine: {args: {block-size: 96}}\n")
    done = apply()
    assert done.returncode == 1
    assert f"{names[3]}: " in done.stderr
    assert "nothing was applied: 1 of 20 deployments have errors" in done.stderr
    assert services() == []
    # Its values are well, and its cluster refuses them: the preset's namespace is not there.
    wrong.write_text(right.replace(f"namespace: {names[3]}", "namespace: nowhere"))
    done = apply("-o", "json")
    assert done.returncode == 1
    outcomes = json.loads(done.stdout)
    assert [each["target"] for each in outcomes] == names
    assert [each["target"] for each in outcomes if not each["done"]] == [names[3]]
    assert "kubectl create namespace nowhere" in outcomes[3]["message"]
    assert services() == [*names[:3], *names[4:]]
    wrong.write_text(right)
    done = apply()
    assert done.returncode == 0
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert rows[0] == ["TARGET", "RESULT", "MESSAGE"]
    assert [row[:2] for row in rows[1:]] == [[name, "applied"] for name in names]
    assert {row[2].split(";")[0] for row in rows[1:]} == {"nothing to change", "2 objects written"}
    assert services() == names


def test_each_file_of_a_folder_is_a_deployment(
    plane: Plane, cluster: Cluster, home: str, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        preset = f"router: {{preset: {{namespace: {home}}}}}"
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{preset}\n")
    command = [sys.executable, "-m", "dsv4deploy", "apply", "--each", str(tmp_path), "-n", home]
    command += ["--kubeconfig", str(plane.kubeconfig)]
    assert "2 of 2 applied" in subprocess.run(command, capture_output=True, text=True).stderr
    found = cluster.list("serving.kserve.io/v1alpha2", "LLMInferenceService", home)
    assert [item["metadata"]["name"] for item in found] == ["one", "two"]


def test_an_upgrade_that_is_killed_goes_on(
    plane: Plane, cluster: Cluster, typed: Typed, home: str
) -> None:
    preset = ("--set", f"router.preset.namespace={home}")
    more = (*preset, "--set", "engine.args.max-num-seqs=8", "--yes", *WAIT)
    with kubelets(plane, home):
        typed("apply", *preset, "--wait", *WAIT)
    words = ["upgrade", "-n", home, "--name", "chat", *more, "--kubeconfig", str(plane.kubeconfig)]
    # Nobody makes the new engine ready, so this run waits for it until it is killed.
    run = subprocess.Popen([sys.executable, "-m", "dsv4deploy", *words])

    def made_anew() -> bool:
        made = cluster.get("apps/v1", "Deployment", "chat-kserve", home)
        assert run.poll() is None
        return "--max-num-seqs 8" in json.dumps(made)

    until("the new engine is made", made_anew)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    assert [each.status for each in history(cluster, "chat", home)] == ["deployed", "pending"]
    with kubelets(plane, home):
        told = typed("upgrade", *more).stderr
        assert "taking over from the run that started revision 2 at 20" in told
        assert "chat is ready" in told
        rows = json.loads(typed("history", "-o", "json").stdout)
        assert [row["status"] for row in rows] == ["superseded", "deployed"]
        assert typed("diff", *more[:4]).stdout == "downtime: no\n"


def test_an_apply_says_whose_revision_it_takes_over(
    cluster: Cluster, typed: Typed, home: str
) -> None:
    killed = test_deployments.Mortal(cluster, 2)
    with pytest.raises(test_deployments.Interrupted):
        test_deployments.deploy(killed, test_deployments.objects(home, {"name": "chat"}))
    told = typed("apply", "--set", f"router.preset.namespace={home}").stderr
    assert "2 objects written, taking over from the run that started revision 1 at 20" in told
    assert f"service chat in namespace {home} is running: revision 1 (deployed)\n" in told


@pytest.fixture
def slow(plane: Plane, cluster: Cluster, home: str, tmp_path: Path) -> Iterator[list[float]]:
    """A webhook that keeps every stop of a service for 6 seconds; the times of its requests."""
    seen: list[float] = []
    crash = {"allowed": True}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = review["request"]
            notes = asked["object"]["metadata"].get("annotations") or {}
            if notes.get(STOP) == "true" and not asked.get("dryRun"):
                seen.append(time.monotonic())
                time.sleep(6)
            answer = {**review, "response": {"uid": asked["uid"], **crash}}
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    authority = certificate(tmp_path / "webhook").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "webhook" / "tls.crt", tmp_path / "webhook" / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rule = {"apiGroups": ["serving.kserve.io"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"slow-{home}"},
        "webhooks": [
            {
                "name": "slow.example.com",
                "clientConfig": {
                    "url": f"https://127.0.0.1:{server.server_address[1]}/",
                    "caBundle": base64.b64encode(authority).decode(),
                },
                "rules": [{**rule, "resources": ["llminferenceservices"]}],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": home}},
                "sideEffects": "None",
                "timeoutSeconds": 9,
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    cluster.apply(hook)
    yield seen
    cluster.delete(hook)
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("kubelet")
def test_nobody_applies_while_a_stop_takes_its_time(
    cluster: Cluster, typed: Typed, home: str, slow: list[float]
) -> None:
    preset = ("--set", f"router.preset.namespace={home}")
    typed("apply", *preset, "--wait", *WAIT)
    more = (*preset, "--set", "engine.args.max-num-seqs=8")
    done: list[str] = []
    upgrade = threading.Thread(
        target=lambda: done.append(typed("upgrade", *more, "--yes", *WAIT).stderr)
    )
    upgrade.start()
    until("the stop is at the webhook", lambda: slow)
    quota = (*preset, "--set", "networkPolicy.enabled=true")
    told = typed("apply", *quota, code=1).stderr
    assert "another run is changing chat: upgrade by " in told
    assert "nothing has been changed" in told
    # Whoever waits comes after it.
    told = typed("apply", *more, "--set", "networkPolicy.enabled=true", "--wait-for", LONG).stderr
    upgrade.join()
    assert f"service chat in namespace {home} is running: revision 2 (deployed)" in done[0]
    assert f"service chat in namespace {home} is running: revision 3 (deployed)" in told
    live = cluster.get("serving.kserve.io/v1alpha2", "LLMInferenceService", "chat", home)
    assert STOP not in (live or {})["metadata"].get("annotations", {})
    statuses = [each.status for each in history(cluster, "chat", home)]
    assert statuses == ["superseded", "superseded", "deployed"]


@pytest.mark.usefixtures("kubelet")
def test_a_plan_that_is_stale_by_the_answer_is_shown_again(
    plane: Plane, cluster: Cluster, typed: Typed, home: str
) -> None:
    preset = ("--set", f"router.preset.namespace={home}")
    typed("apply", *preset, "--wait", *WAIT)
    words = ["upgrade", "-n", home, "--name", "chat", *preset, *WAIT]
    words += ["--set", "engine.args.max-num-seqs=8", "--kubeconfig", str(plane.kubeconfig)]
    run = subprocess.Popen(
        [sys.executable, "-u", "-m", "dsv4deploy", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdin
    assert run.stdout
    told = ""

    def asked() -> None:
        nonlocal told
        before = told.count("Continue?")
        while told.count("Continue?") == before:
            told += run.stdout.read(1) if run.stdout else ""

    asked()
    typed("apply", *preset, "--set", "networkPolicy.enabled=true")
    run.stdin.write("y\n")
    run.stdin.flush()
    asked()
    shown = told.rpartition("downtime: yes")[0].rpartition("Continue?")[2]
    assert f"- NetworkPolicy {home}/chat" in shown
    rest, _ = run.communicate("y\n")
    assert run.returncode == 0, told + rest
    assert f"service chat in namespace {home} is running: revision 3 (deployed)" in rest
    assert not cluster.list("networking.k8s.io/v1", "NetworkPolicy", home)


def test_ctrl_c_in_a_fleet_begins_no_further_place_and_prints_the_table(
    cluster: Cluster, fleet: tuple[Path, list[str]], tmp_path: Path
) -> None:
    kubeconfig, names = fleet
    command = [sys.executable, "-m", "dsv4deploy", "apply", "--kubeconfig", str(kubeconfig)]
    command += ["--each", str(tmp_path), "--contexts", f"{names[0][:-3]}-*", "-o", "json"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lease = ("coordination.k8s.io/v1", "Lease", "dsv4deploy.chat")
    until("one is at work", lambda: any(cluster.get(*lease, name) for name in names))
    run.send_signal(signal.SIGINT)
    out, err = run.communicate()
    assert run.returncode == 130, out + err
    outcomes = json.loads(out)
    assert [each["target"] for each in outcomes] == names
    left = [
        each["target"]
        for each in outcomes
        if each["message"] == "not started, because of the interruption"
    ]
    assert left
    written = {each["target"] for each in outcomes if each["done"]}
    assert written | set(left) == set(names)
    assert not [name for name in left if cluster.get(*lease, name)]
    for name in written:
        assert [each.status for each in history(cluster, "chat", name)] == ["deployed"]


def test_a_status_without_a_right_to_secrets_says_so(
    cluster: Cluster, typed: Typed, home: str
) -> None:
    test_deployments.deploy(cluster, test_deployments.objects(home, {"name": "chat"}))
    test_deployments.engine(cluster, home)
    api, meta = "rbac.authorization.k8s.io", {"name": "viewer", "namespace": home}
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": meta}
    groups = ["", "apps", "serving.kserve.io", "leaderworkerset.x-k8s.io"]
    kinds = ["llminferenceservices", "pods", "deployments", "leaderworkersets"]
    rule = {"apiGroups": groups, "resources": kinds, "verbs": ["get", "list"]}
    subject = {"apiGroup": api, "kind": "User", "name": "reader"}
    bound = {"apiGroup": api, "kind": "Role", "name": "viewer"}
    cluster.apply({**role, "rules": [rule]})
    cluster.apply({**role, "kind": "RoleBinding", "roleRef": bound, "subjects": [subject]})

    def told_in_part() -> bool:
        done = typed("status", "--context", "reader", code=1)
        secret = "cannot read the revision of the service: secrets is forbidden" in done.stderr
        return secret and done.stdout.startswith("chat: accepted: ") and "PresetsC" in done.stdout

    until("the role is known, and the service has conditions", told_in_part)
    told = json.loads(typed("status", "--context", "reader", "-o", "json", code=1).stdout)
    assert (told["phase"], told["revision"]) == ("accepted", None)
    assert told["conditions"]


def test_doctor_and_its_exit_code(typed: Typed) -> None:
    found = json.loads(typed("doctor", "-o", "json", code=1).stdout)
    assert {each["severity"] for each in found} >= {"ok", "error"}
    lines = typed("doctor", code=1).stdout.splitlines()
    assert lines[0].startswith("error[")
    assert re.fullmatch(r"\d+ errors?, .*\d+ ok", lines[-1])


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
    assert "WARNING: [moving-image-tag] engine.image" in helm("install", "dsv4", CHART, *own)
    kind = ("serving.kserve.io/v1alpha2", "LLMInferenceService", "chat", home)
    test_deployments.engine(cluster, home)
    ours = load({"name": "chat", "router": {"preset": {"namespace": home}}})
    plan = prepare(cluster, render(ours, Release(namespace=home)), force=True)
    # Only Helm's own labels and annotations, if any, tell its objects from ours.
    assert [change for change in plan.changes if "metadata" not in change.path] == []
    helm("upgrade", "dsv4", CHART, *own, "--set", "replicas=2")
    assert (cluster.get(*kind) or {})["spec"]["replicas"] == 2
    helm("rollback", "dsv4", "1")
    assert (cluster.get(*kind) or {})["spec"]["replicas"] == 1
    helm("uninstall", "dsv4")
    until("KServe has let the service go", lambda: cluster.get(*kind) is None)


@pytest.mark.parametrize("version", ["v0.17.0", "v0.19.0", "v0.20.0"])
def test_every_kserve_s_api_takes_every_profile_and_example_strictly(
    bare: Cluster, go_module: Callable[[str], Path], version: str
) -> None:
    folder = go_module(f"github.com/kserve/kserve@{version}") / "config" / "crd" / "full"
    kinds = ("llminferenceservices", "llminferenceserviceconfigs")
    crds = objects(*(folder / "llmisvc" / f"serving.kserve.io_{kind}.yaml" for kind in kinds))
    install_crds(bare, crds)
    namespace(bare, "kserve")
    deployments = [load(profile=name) for name in profile_names()]
    deployments += [load(str(file)) for file in sorted(ROOT.glob("examples/*/values.yaml"))]
    for values in deployments:
        for item in render(values, Release(namespace="default")):
            if item["kind"].startswith("LLM"):
                item["metadata"]["namespace"] = "default"
                bare.apply(item, dry_run=True)
    wrong = render(load(), Release(namespace="default"))[-1]
    wrong["spec"]["replicaz"] = 1
    with pytest.raises(ClusterError, match="field not declared in schema"):
        bare.apply(wrong, dry_run=True)
