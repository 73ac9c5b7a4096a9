"""Errors that are known by their text: the entries, how a log is searched, and the command."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4deploy import errors
from dsv4deploy.checks.rules import RULES
from dsv4deploy.cluster import doctor
from dsv4deploy.why.entries import FILES, Entry, entries
from dsv4deploy.why.search import Beginning, explain

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"


def codes(text: str) -> list[str]:
    """The codes of the known errors in a text, in their order."""
    return [each.entry.code for each in explain(text.encode())[0]]


def beginnings(text: str) -> list[Beginning]:
    return explain(text.encode())[1]


def in_a_log(line: str) -> str:
    return f"INFO 01-01 00:00:00 [api.py:1] before\n{line}\nINFO 01-01 00:00:01 [api.py:1] after\n"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def why(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "dsv4deploy", "why", *words]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


# --- the entries


def test_every_area_has_entries() -> None:
    areas = [entry.area for entry in entries()]
    for area in (
        *("vLLM", "vllm-ascend", "Mooncake", "CANN", "HCCL", "KServe", "Router", "Scheduling"),
        *("Images", "Pods", "API server", "Gateway", "Helm", "kustomize", "dsv4deploy"),
    ):
        assert areas.count(area) >= 2, area


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_an_entry_finds_its_example_and_no_other_does(entry: Entry) -> None:
    assert codes(entry.example) == [entry.code]
    assert entry.code in codes(f"(EngineCore_DP0 pid=7) ERROR {entry.example}\n(x pid=1) INFO end")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_an_entry_is_complete_and_its_references_exist(entry: Entry) -> None:
    assert all((entry.cause, entry.fix, entry.source))
    assert entry.distance in (0, 1, 2, 3)
    assert set(entry.rules) <= {rule.code for rule in RULES}
    assert set(entry.checks) <= doctor.CHECKS.keys()
    assert "\n" not in entry.example


def test_codes_are_unique_and_files_stay_short() -> None:
    every = [entry.code for entry in entries()]
    assert len(set(every)) == len(every)
    folder = ROOT / "dsv4deploy" / "why"
    assert {path.stem for path in folder.glob("*.yaml")} == set(FILES)
    for path in folder.glob("*.yaml"):
        assert len(path.read_text("utf-8").splitlines()) <= 600, path.name


# --- what is recognized


@pytest.mark.parametrize("row", rows("error_kinds.jsonl"), ids=lambda row: row["text"][:40])
def test_a_short_text_of_each_kind_is_known(row: dict[str, str]) -> None:
    assert codes(row["text"]) == [row["code"]]


def test_public_errors_are_known() -> None:
    assert [row["link"] for row in rows("public_errors.jsonl") if not codes(row["text"])] == []


def test_most_of_the_frozen_public_errors_are_known() -> None:
    """They were collected before anybody looked at what is known of them.

    At that first look 68 of the first 92 were known, and 16 of the 21 that follow, 17 with what the
    other half of their collection had added.
    """
    known = [row for row in rows("public_errors_frozen.jsonl") if codes(row["text"])]
    assert len(known) >= 109


def test_harmless_lines_claim_nothing() -> None:
    texts = [row["text"] for row in rows("harmless_lines.jsonl")]
    assert len(texts) == 200
    for text in texts:
        assert explain(in_a_log(text).encode()) == ([], []), text
    assert explain("\n".join(texts).encode()) == ([], [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("HTTP/1.1 401 Unauthorized", ["key-refused"]),
        ("< HTTP/2 401", ["key-refused"]),
        ("HTTP/2 429", ["quota-used-up"]),
        ("HTTP/1.1 408 Request Timeout", ["request-not-sent"]),
        ("model `x` does not exist", ["model-name-unknown"]),
        (
            "openai.NotFoundError: Error code: 404 - {'error': {'message': 'The model `x` does not "
            "exist.', 'type': 'NotFoundError', 'param': 'model', 'code': 404}}",
            ["model-name-unknown"],
        ),
        ("at '': additional properties 'profile' not allowed", ["helm-values-refused"]),
        ("FailedToRetrieveImagePullSecret", ["pull-secret-missing"]),
        ("x.yaml: kind: a manifest is not a values file", ["values-refused"]),
        ("OSError: model path /mnt/x does not exist", []),
        ('secret "x" not found', ["container-configuration"]),
        ('configmap "x" not found', ["container-configuration"]),
        ('MountVolume.SetUp failed for volume "x" : secret "y" not found', ["volume-missing"]),
        (
            "HTTP/2 404\ncontent-type: text/plain\n\nNo matching route found. It is likely that "
            "the model specified your request is not configured in the Gateway.",
            ["model-not-routed", "path-not-routed"],
        ),
        ("No Healthy Upstream", ["no-engine-behind"]),
        ("x509: certificate signed by unknown authority", ["certificate-unknown"]),
        ("Back-off restarting failed container", ["container-restarts"]),
        ("profile nope: there is no profile with this name", ["profile-unknown"]),
        ('{"response_code":503,"response_flags":"UC"}', ["router-refused"]),
        ('{"response_flags":"UF","response_code":503}', ["router-refused"]),
        ('{"response_code":200,"response_flags":"-"}', []),
        # A node's condition taints it; to tolerate that helps nobody.
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint "
            "{node.kubernetes.io/disk-pressure: }.",
            ["node-unhealthy"],
        ),
        (
            "0/3 nodes are available: 3 node(s) had untolerated taint "
            "{node-role.kubernetes.io/control-plane: }.",
            ["control-plane-taint"],
        ),
        (
            "0/2 nodes are available: 1 node(s) had untolerated taint {huawei.com/npu: }, "
            "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
            ["taint", "node-unhealthy"],
        ),
        ("OSError: [Errno 28] No space left on device: '/dev/shm/psm_1'", ["shared-memory-full"]),
        ("write /var/lib/x: no space left on device", ["disk-full"]),
        ("HCCL_EXEC_TIMEOUT=1836", []),
        ("HCCL init done, the timeout is 1836 s", []),
        ("lookup of the host took 3 ms", []),
        ("all is well", []),
    ],
)
def test_a_bare_line_is_enough(line: str, expected: list[str]) -> None:
    assert sorted(codes(line)) == sorted(expected)


def _messages() -> list[str]:
    """What this package raises, as the code says it; an ``x`` is in the place of a value."""
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type)}
    found = []
    for path in sorted((ROOT / "dsv4deploy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                found += [_text(node.args[0])] if name in kinds else []
    return [text for text in found if len(text.replace("x", "").split()) > 3]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) for value in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return str(node.value) if isinstance(node, ast.Constant) else "x"


def test_the_tool_s_own_errors_are_known_as_it_writes_them() -> None:
    messages = _messages()
    unknown = [text for text in messages if not codes(text)]
    assert len(messages) >= 50
    assert len(unknown) <= len(messages) // 10, unknown


def test_a_status_or_a_rule_s_code_alone_is_understood() -> None:
    assert "key-refused" in why("401").stdout.decode()
    budgets = why("429").stdout.decode()
    assert "maas.quotas" in budgets
    assert "maas.tiers.TIER.quotas" in budgets
    assert "`dsv4deploy rules show memory-tight`" in why("memory-tight").stdout.decode()


# --- the forms in which texts come

OUT_OF_MEMORY = (
    "RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 3; 60.97 GiB total capacity; "
    "57.4 GiB already allocated; 1.2 GiB free; 58.0 GiB reserved in total by PyTorch)"
)
TEMPLATE = "0/2 nodes are available: 2 node(s) had untolerated taint {huawei.com/npu: }."


@pytest.mark.parametrize(
    "form",
    [
        OUT_OF_MEMORY,
        f"(Worker_TP3 pid=9) ERROR 01-01 00:00:00 [worker.py:1] {OUT_OF_MEMORY}",
        f"2026-01-01T00:00:00.123456Z (EngineCore_DP0 pid=9) ERROR x {OUT_OF_MEMORY}",
        f"[pod/chat-kserve-0/main] {OUT_OF_MEMORY}",
        f"\x1b[31m{OUT_OF_MEMORY}\x1b[0m",
        json.dumps({"level": "error", "msg": f'"{OUT_OF_MEMORY}"'}),
        json.dumps(json.dumps({"error": f"a\n{OUT_OF_MEMORY}"})),
        OUT_OF_MEMORY.upper(),
        "\n".join(OUT_OF_MEMORY[at : at + 80] for at in range(0, len(OUT_OF_MEMORY), 80)),
        f"\ufeff{OUT_OF_MEMORY}\r\n",
    ],
)
def test_a_text_is_found_in_whatever_form_it_comes(form: str) -> None:
    assert codes(form) == ["npu-out-of-memory"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_log_that_powershell_wrote_is_read(encoding: str) -> None:
    text = in_a_log(f"ERROR {TEMPLATE}").replace("\n", "\r\n")
    assert [each.entry.code for each in explain(text.encode(encoding))[0]] == ["taint"]


def test_a_line_that_mail_wrapped_between_words_is_put_together() -> None:
    wrapped = (
        "  Warning  FailedScheduling  2m  default-scheduler  0/2 nodes are available:\n"
        "2 node(s) had untolerated taint {huawei.com/npu: }. preemption: 0/2 nodes are\n"
        "available: 2 Preemption is not helpful for scheduling.\n"
    )
    assert codes(wrapped) == ["taint"]


def found(text: str) -> list[tuple[str, int]]:
    return [(each.line, each.number) for each in explain(text.encode())[0]]


@pytest.mark.parametrize("width", [60, 61, 70, 97])
def test_lines_that_only_look_wrapped_are_shown_as_they_are(width: int) -> None:
    for message in ("NPU out of memory. Tried to allocate 2.00 GiB", "x: NPU out of memory"):
        line = f" {message}".rjust(width, "x")
        assert found(f"{line}\nWorker died\n") == [(line, 1)]
        assert found(f"before\n{'y' * width}\n{line}\nWorker died\n") == [(line, 3)]
    lines = f"LookupError: no such thing {'x' * width}\nWorker died"
    assert beginnings(f"first\n{lines}\n") == [Beginning("", (lines,), 2)]


def test_a_message_that_was_wrapped_is_shown_with_all_of_its_lines() -> None:
    lines = "  Warning  FailedScheduling  2m  0/2 nodes available: 2 node(s) had untolerated\ntaint"
    assert found(f"a\n{lines}\n") == [(lines.strip(), 2)]
    page = why("-", stdin=lines.encode()).stdout.decode()
    assert f"untolerated\n{' ' * 10}taint\n" in page


# --- a log


def test_the_root_comes_before_what_follows_from_it() -> None:
    log = (
        "INFO 01-01 00:00:00 [shm.py:1] No available shared memory broadcast block found\n"
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
        f"(Worker_TP3 pid=9) ERROR 01-01 00:00:01 [x.py:1] {OUT_OF_MEMORY}\n"
        f"(Worker_TP4 pid=9) ERROR 01-01 00:00:02 [x.py:1] {OUT_OF_MEMORY}\n"
    )
    known, unknown = explain(log.encode())
    assert [each.entry.code for each in known] == ["npu-out-of-memory", "engine-start-failed"]
    assert (known[0].number, known[0].line.startswith("(Worker_TP3")) == (3, True)
    assert unknown == []


def test_an_unknown_error_is_shown_where_it_began() -> None:
    head = "ERROR 01-01 00:00:00 [x.py:1]"
    log = "INFO 01-01 00:00:00 [x.py:1] start\n" + "".join(
        f"(Worker_TP{rank} pid={rank}) {head} Traceback (most recent call last):\n"
        f"(Worker_TP{rank} pid={rank}) {head}   File x.py, line 1, in load\n"
        f"(Worker_TP{rank} pid={rank}) {head} LookupError: rank {rank} has no such thing\n"
        for rank in range(8)
    )
    known, (beginning,) = explain(log.encode())
    assert known == []
    assert beginning.process == "(Worker_TP0 pid=0)"
    assert (beginning.number, beginning.others) == (2, 7)
    assert beginning.lines[-1].endswith("LookupError: rank 0 has no such thing")


def test_a_known_error_is_no_unknown_beginning() -> None:
    log = f'Traceback (most recent call last):\n  File "x.py", line 1, in load\n{OUT_OF_MEMORY}\n'
    assert codes(log) == ["npu-out-of-memory"]
    assert beginnings(log) == []


@pytest.mark.parametrize(
    "line",
    [
        f"INFO 01-01 00:00:00 [logger.py:1] Received request 1: prompt: 'why {OUT_OF_MEMORY}'",
        'INFO 01-01 [x.py:1] {"messages": [{"role": "user", "content": "no healthy upstream"}]}',
        'WARNING 01-01 00:00:00 [x.py:1] {"prompt": "What is CrashLoopBackOff?"}',
        'I0101 00:00:00.000001 1 x.go:1] body="{\\"messages\\":[{\\"content\\":\\"OOMKilled\\"}]}"',
        'time=2026-01-01T00:00:00Z level=INFO msg="no healthy upstream"',
        '{"level":"info","msg":"failed calling webhook"}',
        "  Normal  Pulled  1m  kubelet  image of a test named CrashLoopBackOff",
    ],
)
def test_neither_prompts_nor_lines_of_information_claim_anything(line: str) -> None:
    assert explain(in_a_log(line).encode()) == ([], [])


# --- the command


def test_known_errors_come_first_then_where_it_began() -> None:
    log = (
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
        f"(Worker_TP3 pid=9) ERROR 01-01 00:00:00 [x.py:1] {OUT_OF_MEMORY}\n"
        "(Other pid=4) ERROR 01-01 00:00:00 [x.py:1] LookupError: what nobody knows\n"
    )
    done = why("-", stdin=log.encode())
    assert done.returncode == 0
    text = done.stdout.decode()
    places = [
        text.index(part)
        for part in ("npu-out-of-memory", "engine-start-failed", "this is where it started")
    ]
    assert places == sorted(places)
    assert "rule    dsv4deploy rules show memory-tight" in text
    assert "(line 3, (Other pid=4))" in text


def test_a_page_wraps_at_the_terminal_s_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    lines = why(OUT_OF_MEMORY).stdout.decode().splitlines()
    assert max(map(len, lines)) <= 72
    (row,) = (at for at, line in enumerate(lines) if line.startswith("  cause   "))
    assert lines[row + 1].startswith(" " * 10)


def test_a_message_in_json() -> None:
    done = why(TEMPLATE, "-o", "json")
    (known,) = json.loads(done.stdout)
    assert (known["code"], known["checks"], known["number"]) == ("taint", ["taints"], 1)
    (unknown,) = json.loads(why("LookupError: what nobody knows", "-o", "json").stdout)
    assert (unknown["code"], unknown["number"]) == (None, 1)


def test_only_where_nothing_is_found_it_fails() -> None:
    done = why("all is well")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"this error is unknown" in done.stderr
    assert why("-").returncode == 1
    assert why().returncode == 2
    assert why("LookupError: what nobody knows").returncode == 0
