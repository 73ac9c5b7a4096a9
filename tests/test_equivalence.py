"""One source, proven: Helm 3, Helm 4 and Python accept the same values and give the same objects.

``DSV4DEPLOY_DOCUMENTS`` sets how many documents are tried (1,500 by default) and
``DSV4DEPLOY_SEED`` the first seed, for a longer run.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import Case

from dsv4deploy import Release, ValuesError, check, load, render
from dsv4deploy.checks.rules import RULES
from dsv4deploy.findings import Severity

CHART = Path(__file__).resolve().parent.parent / "charts" / "deepseek-v4-flash"
DOCUMENTS = int(os.environ.get("DSV4DEPLOY_DOCUMENTS", "1500"))
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
    release = Release(namespace="demo")
    try:
        values = load(*files, **options)
    except ValuesError as error:
        return str(error)
    refused = [str(finding) for finding in check(values, release) if finding.code in CHART_RULES]
    return "\n".join(refused) if refused else by_name(render(values, release))


def in_helm(helm: str, files: list[str], settings: list[tuple[str, str]]) -> Outcome:
    command = [helm, "template", "dsv4", str(CHART), "--namespace", "demo"]
    for file in files:
        command += ["--values", file]
    for option, text in settings:
        command += [option, text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    return by_name([item for item in yaml.load_all(done.stdout, yaml.CSafeLoader) if item])


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
        for index, document in enumerate(case.files):
            file = tmp_path / f"{case.seed}-{index}.json"
            text = json.dumps(document, ensure_ascii=False)
            # Helm 4.1.4 reads nothing of a JSON file of exactly 4,096 bytes or a multiple.
            pad = " " * (len(text.encode()) % 4096 == 0)
            file.write_text(text + pad, "utf-8")
            files.append(str(file))
        python, other = in_python(files, case.settings), in_helm(helm, files, case.settings)
        for file in files:
            Path(file).unlink()
        if not different(python, other):
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
    assert accepted > len(cases) // 8
    assert len(cases) - accepted > len(cases) // 5
