"""The conformance suite against a small gateway: it passes, and each case notices its fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_gateway import (
    AUTHORITY,
    BLOCKED,
    FAULTS,
    KEY,
    LARGEST,
    LIMIT,
    MODEL,
    PATIENCE,
    SECOND,
    serving,
)

from dsv4deploy.conformance import answers, quotas
from dsv4deploy.conformance.case import Case
from dsv4deploy.conformance.gateway import Gateway, Target
from dsv4deploy.conformance.quotas import Budget, budget
from dsv4deploy.conformance.suite import CASES, Outcome, Report, Result, decide, run

# Longer than the small gateway takes.
REFUSED = {"long-4000000-http1", "long-4000000-http2"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_LONG", 2)
    monkeypatch.setattr(quotas, "_SETTLED", 0.01)


def target(url: str, **options: Any) -> Target:
    """All that can be promised of the small gateway."""
    promised = Target(
        url=url,
        model=MODEL,
        key=KEY,
        second_key=SECOND,
        quota=(LIMIT, 3600),
        max_request=LARGEST,
        receive_timeout=PATIENCE,
        blocked_prompt=BLOCKED,
        json_errors=True,
        destructive=True,
        timeout=5,
    )
    return replace(promised, **options)


@pytest.fixture
def url() -> Iterator[str]:
    with serving() as found:
        yield found


def test_what_keeps_every_promise_passes(url: str) -> None:
    # Guardrails may hold streams back, so that both can't be decided in one run.
    (at_once,) = run(target(url, blocked_prompt=""), [case_of("stream-at-once")]).results
    assert at_once.outcome is Outcome.PASSED
    report = run(target(url), CASES)
    others = {each.case.code: each.found for each in report.results if each.outcome != "passed"}
    assert others.keys() == REFUSED | {"stream-at-once"}, others


def case_of(code: str) -> Case:
    return next(case for case in CASES if case.code == code)


@pytest.mark.parametrize("code", [case.code for case in CASES])
def test_a_case_notices_its_fault(code: str) -> None:
    with serving(FAULTS[code]) as url:
        promised = target(url, blocked_prompt=BLOCKED if code == "guardrails" else "")
        if code in REFUSED:
            promised = replace(promised, max_request=4_000_000)
        gateway = Gateway(promised)
        outcome, found = decide(case_of(code), gateway)
        gateway.close()
    assert outcome is Outcome.FAILED, found
    assert found


# --- the command --------------------------------------------------------------------------------

PROMISED = ("--quota", f"{LIMIT}/hour", "--max-request", str(LARGEST), "--only", "Keys")


def typed(*words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `dsv4deploy conformance` says."""
    around = {name: text for name, text in os.environ.items() if not name.startswith("DSV4DEPLOY")}
    done = subprocess.run(
        [sys.executable, "-m", "dsv4deploy", "conformance", *map(str, words)],
        env={**around, "DSV4DEPLOY_API_KEY": KEY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_command_says_what_was_found_and_no_key(url: str, tmp_path: Path) -> None:
    second, junit, page = (tmp_path / name for name in ("key", "junit.xml", "page.html"))
    second.write_text(f"{SECOND}\n")
    reports = ("--second-key-file", second, "--junit", junit, "--page", page)
    done = typed("--url", url, *PROMISED, "--only", "guardrails", *reports)
    assert "ok      key-second: HTTP 200, application/json: " in done.stdout
    assert "skipped guardrails: needs --blocked-prompt" in done.stdout
    assert "18 passed, 0 failed, 1 skipped; " in done.stderr
    assert f"{url} · {MODEL}" in page.read_text("utf-8")  # the first of its list
    suites = ElementTree.fromstring(junit.read_text("utf-8"))
    assert (suites.get("tests"), suites.get("failures")) == ("19", "0")
    assert [suite.get("name") for suite in suites] == ["Keys", "Completions"]
    assert suites.find(".//testcase[@name='guardrails']/skipped") is not None
    for text in (done.stdout, done.stderr, page.read_text("utf-8"), junit.read_text("utf-8")):
        assert KEY not in text
        assert SECOND not in text


def test_a_failure_is_the_exit_code_and_in_every_report(tmp_path: Path) -> None:
    junit, page = tmp_path / "junit.xml", tmp_path / "page.html"
    with serving("key not asked for") as url:
        chosen = ("--only", "key-wrong", "--only", "key-right", "-o", "json")
        done = typed("--url", url, *chosen, "--junit", junit, "--page", page, code=1)
    told = json.loads(done.stdout)
    assert (told["ok"], told["passed"], told["failed"]) == (False, 1, 1)
    case = told["cases"][1]
    assert (case["code"], case["outcome"]) == ("key-wrong", "failed")
    assert case["found"].startswith("HTTP 200")
    failure = ElementTree.fromstring(junit.read_text("utf-8")).find(".//failure")
    assert failure is not None
    assert failure.get("message") == case["found"]
    assert "1 of 2 cases failed" in page.read_text("utf-8")


def test_a_vendor_s_own_way_is_an_option() -> None:
    with serving("key in a header of its own") as url:
        own = ("--key-header", "X-API-Key", "--denial", "403")
        done = typed("--url", url, "--only", "Keys", *own)
    assert "skipped key-basic: keys are in X-API-Key, without a scheme" in done.stdout
    assert "ok      key-wrong: HTTP 403" in done.stdout


def test_a_private_authority_is_an_option_for_every_kind_of_request() -> None:
    # A bare socket, HTTP/1.1 and HTTP/2.
    only = ("--only", "malformed-list", "--only", "key-none", "--only", "stream-http2")
    with serving(tls=True) as url:
        refused = typed("--url", url, *only, code=1)
        trusted = typed("--url", url, *only, "--ca-file", AUTHORITY)
        unverified = typed("--url", url, *only, "--insecure")
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
    assert "name its authority's certificate by --ca-file" in refused.stderr
    for done in (trusted, unverified):
        assert "3 passed, 0 failed, 0 skipped; " in done.stderr


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--url", "http://x/v1", "--ca-file", __file__], "needs an https URL", 2),
        (["--url", "https://x/v1", "--insecure", "--ca-file", __file__], "excludes --insecure", 2),
        (["--url", "https://x/v1", "--ca-file", __file__], "contains no certificate in PEM", 1),
        (["--url", "https://x/v1", "--ca-file", "none.pem"], "'none.pem' does not exist", 2),
        (["--url", "maas.site"], "--url must be http://HOST[:PORT]/v1", 2),
        (["--url", "http://x/v1", "--quota", "many"], "must be TOKENS/UNIT", 2),
        (["--url", "http://x/v1", "--charge", "1"], "must be two whole numbers", 2),
        (["--url", "http://x/v1", "--body", "[]"], "must be a JSON object", 2),
        (["--url", "http://x/v1", "--body", "{"], "is not JSON", 2),
        (["--url", "http://x/v1", "--only", "key-rigth"], "did you mean key-right?", 1),
        (["--url", "http://127.0.0.1:9/v1"], "http://127.0.0.1:9/v1: no answer", 1),
        (
            ["--url", "http://127.0.0.1:9/v1", "--key-file", __file__],
            "the key contains whitespace",
            1,
        ),
    ],
)
def test_a_wrong_option_is_an_error(words: list[str], said: str, code: int) -> None:
    assert said in typed(*words, code=code).stderr


@pytest.mark.parametrize("package", ["httpx", "h2"])
def test_without_its_packages_the_command_says_what_to_install(package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None; from dsv4deploy.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "conformance", "--url", "http://127.0.0.1:9/v1"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"needs the Python package {package}; run `pip install 'dsv4deploy[conformance]'`"
    assert (done.returncode, said in " ".join(done.stderr.split())) == (1, True), done.stderr


def test_without_a_key_nothing_is_asked() -> None:
    done = typed("--url", "http://127.0.0.1:9/v1", code=1, DSV4DEPLOY_API_KEY="")
    assert "set DSV4DEPLOY_API_KEY, or pass --key-file" in done.stderr


def test_the_list_asks_nobody() -> None:
    shown = typed("--url", "http://127.0.0.1:9/v1", "--list", DSV4DEPLOY_API_KEY="").stdout
    assert [line.split()[0] for line in shown.splitlines()[1:]] == [case.code for case in CASES]


def test_without_a_list_of_models_the_model_is_asked_for() -> None:
    with serving("key refused") as url:
        assert "HTTP 401, and no list of models; pass --model" in typed("--url", url, code=1).stderr


# --- what is read and written ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({"x-ratelimit-limit": "5"}, None),
        (
            {
                "x-ratelimit-limit": "100, 100;w=3600, 900;w=86400",
                "x-ratelimit-remaining": "7",
                "x-ratelimit-reset": "12",
            },
            Budget(100, 3600, 7, 12),
        ),
        (
            {
                "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            Budget(150_000, 0, 149_984, None),
        ),
    ],
)
def test_a_budget_is_read_from_envoy_s_headers_and_openai_s(
    headers: dict[str, str], found: Budget | None
) -> None:
    assert budget(headers) == found


def test_what_a_gateway_says_can_t_break_a_report() -> None:
    found = "<script>alert(1)</script> ]]> \x00\x1b \ud800"
    result = Result(case_of("key-right"), Outcome.FAILED, found, 0.1)
    made = Report("http://x/v1?<b>", "<i>", (result,), 1, 0)
    assert "<script>" not in made.html()
    failure = ElementTree.fromstring(made.junit().encode()).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "<script>alert(1)</script> ]]> \ufffd\ufffd \ufffd"


def test_each_case_has_a_code_of_its_own_and_says_how_it_is_decided() -> None:
    assert len({case.code for case in CASES}) == len(CASES)
    assert FAULTS.keys() == {case.code for case in CASES}
    for case in CASES:
        assert case.proves.endswith(".")
        assert case.decided.endswith(".")
