"""One source, proven: Helm 3, Helm 4 and Python accept the same values and give the same objects.

``DSV4DEPLOY_DOCUMENTS`` sets how many documents are tried (1,500 by default) and
``DSV4DEPLOY_SEED`` the first seed, for a longer run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from documents import Case

from dsv4deploy import Release, ValuesError, check, load, render
from dsv4deploy.checks.rules import RULES
from dsv4deploy.findings import Severity
from dsv4deploy.values import yaml as yamlio

CHART = Path(__file__).resolve().parent.parent / "charts" / "deepseek-v4-flash"
DOCUMENTS = int(os.environ.get("DSV4DEPLOY_DOCUMENTS", "300"))
FIRST = int(os.environ.get("DSV4DEPLOY_SEED", "0"))
CHART_RULES = {rule.code for rule in RULES if rule.severity == Severity.ERROR and not rule.finds}

Outcome = dict[str, Any] | str
"""Objects by kind, namespace and name; or why the values were refused."""


def by_name(objects: list[dict[str, Any]]) -> dict[str, Any]:
    named = {}
    for item in objects:
        meta = item["metadata"]
        if "helm.sh/hook" not in (meta.get("annotations") or {}):
            named[f"{item['kind']} {meta['namespace']}/{meta['name']}"] = item
    return named


def in_python(files: list[str], settings: list[tuple[str, str]]) -> Outcome:
    options = {
        word: [text for option, text in settings if option == f"--{word.replace('_', '-')}"]
        for word in ("set", "set_string", "set_json")
    }
    release = Release(namespace="demo", service="Helm")
    try:
        values = load(*files, **options)
    except ValuesError as error:
        return str(error)
    refused = [str(finding) for finding in check(values, release) if finding.code in CHART_RULES]
    return "\n".join(refused) if refused else by_name(render(values, release, unchecked=True))


def in_helm(
    helm: str, files: list[str], settings: list[tuple[str, str]], chart: Path = CHART
) -> Outcome:
    command = [helm, "template", "dsv4", str(chart), "--namespace", "demo"]
    for file in files:
        command += ["--values", file]
    for option, text in settings:
        command += [option, text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    return by_name(yamlio.parse(done.stdout))


def different(one: Outcome, other: Outcome) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) is not isinstance(other, str)
    return one != other


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_any_document_is_refused_by_both_or_gives_equal_objects(
    major: str, tool: Any, tmp_path: Path
) -> None:
    helm = tool(major)
    cases: dict[str, Case] = {}
    seed = FIRST
    while len(cases) < DOCUMENTS:
        case = Case(seed)
        cases.setdefault(case.key(), case)
        seed += 1

    def compare(case: Case) -> tuple[bool, str]:
        files = []
        for index, text in enumerate(case.texts):
            file = tmp_path / f"{case.seed}-{index}.yaml"
            # Helm 4.1.4 reads nothing of a JSON file of exactly 4,096 bytes or a multiple.
            pad = " " * (len(text.encode()) % 4096 == 0)
            file.write_text(text + pad, "utf-8")
            files.append(str(file))
        python, other = in_python(files, case.settings), in_helm(helm, files, case.settings)
        for file in files:
            Path(file).unlink()
        if not different(python, other) or (case.stricter and isinstance(python, str)):
            return not isinstance(python, str), ""
        told = [f"seed {case.seed}", case.key(), f"python: {python}", f"{major}: {other}"]
        return False, "\n".join(line[:2000] for line in told)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(compare, cases.values()))
    wrong = [text for _, text in results if text]
    accepted = sum(fine for fine, _ in results)
    assert not wrong, f"{len(wrong)} of {len(cases)} differ; the first:\n{wrong[0]}"
    print(f"{len(cases)} distinct documents, {accepted} accepted by both, the rest by neither")
    # A test of refusals alone would prove little.
    assert accepted > len(cases) // 10
    assert len(cases) - accepted > len(cases) // 5


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_null_removes_an_entry_of_a_profile_on_each_route(
    major: str, tool: Any, tmp_path: Path
) -> None:
    profile = str(CHART / "profiles" / "ascend-910b4-8-w4a8-production.yaml")
    own = tmp_path / "own.yaml"
    own.write_text(
        """\
npu: {nodeSelector: {node.kubernetes.io/npu.chip.name: null, corp.example/npu: 910b4}}
labels: {team: null}
engine: {podLabels: {a: null}, env: {HOME: null}, extraVolumes: {cache: null}}
maas:
  enabled: true
  tiers:
    none: null
    gold: {clients: [a], quotas: {day: null, hour: {tokens: 9, unit: Hour, count: total}}}
"""
    )
    for settings in ([], [("--set", "npu.nodeSelector.corp\\.example/npu=null")]):
        python = in_python([profile, str(own)], settings)
        assert isinstance(python, dict)
        assert in_helm(tool(major), [profile, str(own)], settings) == python
        spec = python["LLMInferenceService demo/deepseek-v4-flash-w4a8-agg-base"]["spec"]
        label = {} if settings else {"corp.example/npu": "910b4"}
        assert spec["template"].get("nodeSelector", {}) == label
    own.write_text("maas: {tiers: {gold: {clients: [a], quotas: {day: null}}}}")
    assert isinstance(in_helm(tool(major), [str(own)], []), str)
    assert "maas.tiers.gold.quotas: must not be empty" in in_python([str(own)], [])


UMBRELLA = """\
apiVersion: v2
name: umbrella
version: 0.1.0
dependencies:
  - name: deepseek-v4-flash
    alias: chat
    version: "*"
    condition: chat.enabled
    tags: [front]
"""


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_an_umbrella_chart_turns_this_one_on_and_off(major: str, tool: Any, tmp_path: Path) -> None:
    helm, chart = tool(major), tmp_path / "umbrella"
    shutil.copytree(CHART, chart / "charts" / "deepseek-v4-flash")
    (chart / "Chart.yaml").write_text(UMBRELLA)
    values = tmp_path / "values.yaml"
    values.write_text("chat: {enabled: true, name: chat, tags: {x: true}}\ntags: {front: true}\n")
    expected = by_name(render(load({"enabled": True, "name": "chat"}), Release(namespace="demo")))
    assert in_helm(helm, [str(values)], [], chart) == expected
    assert in_helm(helm, [str(values)], [("--set", "chat.enabled=false")], chart) == {}


@pytest.mark.parametrize("major", ["helm3", "helm4"])
def test_values_of_an_earlier_chart_name_the_option_that_completes_them(
    major: str, tool: Any
) -> None:
    # What `helm upgrade --reuse-values` leaves out, null takes away.
    for path in ("engine", "engine.probes.startup", "maas"):
        told = in_helm(tool(major), [], [("--set", f"{path}=null")])
        assert "--reset-then-reuse-values" in told
    assert "--reset-then-reuse-values" not in in_helm(tool(major), [], [("--set", "replicas=x")])
