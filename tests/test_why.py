"""Errors that are known by their text: the entries, the page, and the verb."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4deploy.checks.rules import RULES
from dsv4deploy.cluster import doctor
from dsv4deploy.why.entries import Entry, entries, matching, reference

ROOT = Path(__file__).resolve().parent.parent


def why(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dsv4deploy", "why", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_there_are_enough_of_every_kind() -> None:
    assert len(entries()) >= 40
    areas = [entry.area for entry in entries()]
    for area in (
        *("vLLM", "vllm-ascend", "CANN and HCCL", "KServe", "Kubernetes", "Gateway"),
        *("Helm", "kustomize", "dsv4deploy"),
    ):
        assert areas.count(area) >= 3, area


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_an_entry_finds_its_example_and_no_other(entry: Entry) -> None:
    found = [other.code for other in entries() if entry.found(other.example) is not None]
    assert found == [entry.code]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.code)
def test_an_entry_is_whole_and_what_it_refers_to_is_there(entry: Entry) -> None:
    assert all((entry.cause, entry.fix, entry.source))
    assert set(entry.rules) <= {rule.code for rule in RULES}
    assert set(entry.checks) <= doctor.CHECKS.keys()
    assert "\n" not in entry.example


def test_codes_are_unique() -> None:
    codes = [entry.code for entry in entries()]
    assert len(set(codes)) == len(codes)


def test_the_page_is_what_the_verb_prints() -> None:
    assert (ROOT / "docs" / "troubleshooting.md").read_text("utf-8") == reference()
    assert why("--all").stdout == reference()


def test_a_log_gives_the_first_error_first() -> None:
    log = (
        "INFO loading\n"
        "(Worker_TP3 pid=9) ERROR x.py:1] RuntimeError: NPU out of memory. Tried to allocate\n"
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
        "(Worker_TP4 pid=9) ERROR x.py:1] RuntimeError: NPU out of memory. Tried to allocate\n"
    )
    found = matching(log)
    assert [entry.code for entry, _ in found] == ["npu-out-of-memory", "engine-start-failed"]
    assert found[0][1].startswith("(Worker_TP3")
    done = why("-", stdin=log)
    assert done.returncode == 0
    assert done.stdout.index("npu-out-of-memory") < done.stdout.index("engine-start-failed")
    assert "rule    dsv4deploy rules show memory-unlikely" in done.stdout


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("HTTP/1.1 401 Unauthorized", "key-refused"),
        ("< HTTP/2 401", "key-refused"),
        ("HTTP/1.1 408 Request Timeout", "request-not-sent"),
        ("HTTP/1.1 503 Service Unavailable", "no-engine-behind"),
        ("http 429 too many requests: 429 too many requests", "quota-used-up"),
        ("No Healthy Upstream", "no-engine-behind"),
        ("http://x/v1: 404: nothing serves this path or this model", "path-unknown"),
        ("x509: certificate signed by unknown authority", "certificate-unknown"),
        ("Back-off restarting failed container", "container-restarts"),
        ("profile nope: there is no profile of this name", "profile-unknown"),
    ],
)
def test_a_bare_line_in_any_case_is_enough(line: str, code: str) -> None:
    assert [entry.code for entry, _ in matching(line)] == [code]


def test_a_message_and_json() -> None:
    done = why("0/2 nodes: 2 node(s) had untolerated taint {huawei.com/npu: }.", "-o", "json")
    (told,) = json.loads(done.stdout)
    assert (told["code"], told["checks"]) == ("taint", ["taints"])


def test_what_is_not_known_is_said_so() -> None:
    done = why("all is well")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is known of this" in done.stderr
    assert why("-", stdin="").returncode == 1
    assert why().returncode == 2
    assert why("x", "--all").returncode == 2


def test_the_tool_s_own_errors_are_known_as_it_writes_them() -> None:
    sources = sorted((ROOT / "dsv4deploy").rglob("*.py"))
    written = " ".join(" ".join(path.read_text("utf-8").split()) for path in sources)
    written = re.sub(r'" f?"', "", written)
    own = [entry for entry in entries() if entry.area == "dsv4deploy"]
    for text in (
        "vLLM spells this ",
        "nothing done: ",
        "there is no profile of this name",
        "the engine's script differs from the base's",
        "no data set: ",
        "nothing serves this path or this model",
        "no context ",
        "the API server can't be reached",
        "the cluster has no namespace",
        "has no revision to go back to",
        "wait for its end with --wait-for",
        "this run has lost the Lease ",
        "can't become ",
        "garbage: ",
        "the engine told no token usage",
        "the stream broke off after",
        "a model that fills its node can't roll over",
    ):
        assert text in written, text
        (entry,) = [entry for entry in own if text in entry.example]
        own.remove(entry)
    assert own == []
