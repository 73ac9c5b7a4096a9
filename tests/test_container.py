"""The recipe of the container image: linted, and its pip commands run on what it copies.

No image builder is needed, and so none of it is built.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tools
import yaml

from dsv4deploy import Values, __version__, render

ROOT = Path(__file__).resolve().parent.parent
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text("utf-8")).splitlines()
STEPS = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]


def steps(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves a path of the top out; the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line and not line.startswith("#") and fnmatch.fnmatch(path, line.removeprefix("!")):
            out = not line.startswith("!")
    return out


def copied() -> list[str]:
    """What is copied into the first stage."""
    return [
        source
        for step in steps("COPY")
        if not step.startswith("--from")
        for source in step.split()[:-1]
    ]


def test_a_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.is_file():
        tools.missing("there is no hadolint for this machine on PyPI")
    done = subprocess.run(
        [hadolint, ROOT / "Containerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    assert copied()
    for path in copied():
        assert (ROOT / path).exists(), path
        assert not ignored(path), path
    assert ignored("tests")
    assert ignored(".venv")
    assert ignored(".git")


def test_its_base_is_named_by_version_and_digest() -> None:
    (base,) = (each for each in steps("ARG") if each.startswith("PYTHON="))
    assert re.fullmatch(r"PYTHON=docker\.io/\S+:3\.\d+\.\d+-\S+@sha256:[0-9a-f]{64}", base)


def test_it_runs_as_nobody_and_says_what_it_is() -> None:
    assert steps("USER") == ["65532:65532"]
    assert steps("ENTRYPOINT") == ['["dsv4deploy"]']
    assert f"VERSION={__version__}" in steps("ARG")
    labels = dict(re.findall(r'(\S+)="([^"]*)"', steps("LABEL")[0]))
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == "${VERSION}"


def test_its_pip_commands_give_a_package_that_works(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for path in copied():
        there = ROOT / path
        if there.is_dir():
            shutil.copytree(there, source / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(there, source)
    tools, wheel, needs, install = (
        step.replace("/wheels", str(tmp_path / "wheels")) for step in steps("RUN")
    )
    # What these two install is in this environment already, by the same versions.
    assert tools == "pip install --no-cache-dir --require-hashes -r requirements/build.txt"
    assert needs == "pip install --no-cache-dir --require-hashes -r /requirements/run.txt"
    pip = f"{sys.executable} -m pip"
    run(re.sub("^pip", pip, wheel), source)
    (built,) = (tmp_path / "wheels").iterdir()
    names = zipfile.ZipFile(built).namelist()
    for part in ("profiles", "facts/data", "manifest/templates"):
        assert any(name.startswith(f"dsv4deploy/{part}/") for name in names), part
    target = f"{pip} install --target {tmp_path / 'site'}"
    run(re.sub("^pip install", target, install), source)
    installed = {"PYTHONPATH": tmp_path / "site"}
    rendered = run(f"{sys.executable} -m dsv4deploy render", tmp_path, **installed)
    assert list(yaml.safe_load_all(rendered)) == render(Values())
    assert run(f"{sys.executable} -m dsv4deploy why 'no healthy upstream'", tmp_path, **installed)


def run(command: str, folder: Path, **environment: object) -> str:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{command}\n{done.stderr}")
    return done.stdout
