"""The CI example: what GitHub's schemas say of it, and its steps run by bash as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Release, load, render

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "ci"
ACTION = yaml.safe_load((EXAMPLE / "action.yml").read_text("utf-8"))
WORKFLOW = yaml.safe_load((EXAMPLE / "workflow.yaml").read_text("utf-8"))
SITE = ROOT / "examples" / "overlays" / "air-gapped"
Steps = Callable[..., dict[str, subprocess.CompletedProcess[str]]]


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.github-actions", "action.yml"), ("vendor.github-workflows", "workflow.yaml")],
)
def test_it_is_what_the_schema_asks_for(schema: str, file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*command, EXAMPLE / file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_gives_inputs_that_the_action_has() -> None:
    (step,) = [each for each in WORKFLOW["jobs"]["check"]["steps"] if each.get("id")]
    assert step["with"].keys() <= ACTION["inputs"].keys()
    assert {name for name, each in ACTION["inputs"].items() if each.get("required")} <= step[
        "with"
    ].keys()
    assert f"steps.{step['id']}.outputs.manifest" in yaml.dump(WORKFLOW)


def test_actions_of_others_are_named_by_commit() -> None:
    used = re.findall(r"uses: (\S+)(.*)", (EXAMPLE / "workflow.yaml").read_text("utf-8"))
    foreign = [(name, comment) for name, comment in used if not name.startswith("./")]
    assert len(foreign) == 4
    for name, comment in foreign:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_no_input_stands_in_a_script() -> None:
    jobs = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    for step in [*ACTION["runs"]["steps"], *jobs]:
        assert "${{" not in step.get("run", "")


@pytest.fixture
def steps(tmp_path: Path, tool: Callable[[str], str]) -> Steps:
    """Runs the action's steps with these inputs, as a runner does, up to one that fails."""
    programs = [Path(sys.executable).parent, Path(tool("kubectl")).parent]

    def run(**given: object) -> dict[str, subprocess.CompletedProcess[str]]:
        inputs = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        inputs |= {name: str(value) for name, value in given.items()}
        done = {}
        for step in ACTION["runs"]["steps"]:
            if not holds(step.get("if", ""), inputs):
                continue
            script = tmp_path / "script.sh"
            script.write_text(step["run"], "utf-8")
            done[step["name"]] = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                cwd=ROOT,
                env={
                    **os.environ,
                    "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
                    # What is installed goes where it changes nothing.
                    "PIP_TARGET": str(tmp_path / "site"),
                    "PIP_NO_DEPS": "1",
                    "RUNNER_TEMP": str(tmp_path),
                    "GITHUB_OUTPUT": str(tmp_path / "output"),
                    "GITHUB_PATH": str(tmp_path / "path"),
                    "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
                    **{name: filled(text, inputs) for name, text in step.get("env", {}).items()},
                },
                capture_output=True,
                text=True,
                check=False,
            )
            if done[step["name"]].returncode:
                break
        return done

    return run


def filled(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: inputs[found[1]], text)


def holds(condition: str, inputs: dict[str, str]) -> bool:
    found = re.fullmatch(r"inputs\.(\w+) != ''", condition)
    assert found or not condition
    return not found or inputs[found[1]] != ""


def test_a_good_deployment_passes_every_step(steps: Steps, tmp_path: Path, real_crds: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ROOT,
    ]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    done = steps(
        values=SITE / "values.yaml",
        crds=real_crds / "kserve-0.17.0",
        overlay=SITE,
        package=wheel,
    )
    for name, each in done.items():
        assert each.returncode == 0, f"{name}: {each.stdout}{each.stderr}"
    assert [step["name"] for step in ACTION["runs"]["steps"]] == list(done)
    assert (tmp_path / "site" / "dsv4deploy" / "profiles").is_dir()
    assert (tmp_path / "path").read_text("utf-8") == f"{tmp_path}/dsv4deploy/bin\n"
    assert (tmp_path / "dsv4deploy" / "bin" / "python").exists()
    assert "910B4 at 0.9: tight" in (tmp_path / "summary").read_text("utf-8")
    manifest = (tmp_path / "output").read_text("utf-8").removeprefix("manifest=").strip()
    objects = list(yaml.safe_load_all(Path(manifest).read_text("utf-8")))
    assert objects == render(load(SITE / "values.yaml"), Release(namespace="demo"))


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("wrong", {"engine": {"args": {"block-size": 96}}}, "Check", "block-size"),
    ("large", {"engine": {"args": {"max-num-batched-tokens": 8192}}}, "Check", "does not fit"),
    ("stale", {"replicas": 2}, "Hold the overlay against it", "-  replicas: 2"),
]


@pytest.mark.parametrize(("name", "change", "step", "told"), BAD, ids=[bad[0] for bad in BAD])
def test_a_bad_one_fails_where_it_should(
    steps: Steps, tmp_path: Path, name: str, change: dict[str, Any], step: str, told: str
) -> None:
    file = tmp_path / f"{name} one.yaml"
    file.write_text(yaml.dump(change), "utf-8")
    # Nothing is installed: pip only prints its help.
    done = steps(values=f"{SITE / 'values.yaml'}\n\n{file}", overlay=SITE, package="--help")
    failed = [each for each, result in done.items() if result.returncode]
    assert failed == [step]
    assert told in done[step].stdout


def test_in_this_project_s_own_ci_no_server_may_be_missing(tmp_path: Path) -> None:
    for name in ("python3", "redis-server", "ip", "chromium"):
        (tmp_path / name).write_text('#!/bin/sh\necho "CI=$CI"\n')
        (tmp_path / name).chmod(0o755)
    around = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / ".ci" / "run"], env=around, capture_output=True, text=True, check=False
    )
    assert set(done.stdout.splitlines()) == {"CI=true"}, done.stderr
