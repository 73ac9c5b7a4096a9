"""What is installed is locked, and what is built comes out the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dsv4deploy.helm.chart import package

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NEEDS = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
LOCKED = {
    "run": NEEDS,
    "build": [*GROUPS["build"], *PROJECT["build-system"]["requires"]],
    "test": [
        *NEEDS,
        *(need for several in (*EXTRAS.values(), *GROUPS.values()) for need in several),
    ],
}


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file; each has a hash, and nothing else is in it."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    pin = (
        r"^([a-z0-9-]+)==([^ ]+)(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    )
    assert not re.sub(rf"{pin}|^#.*\n", "", text, flags=re.MULTILINE)
    return dict(re.findall(pin, text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKED)
def test_every_dependency_is_locked_at_a_version_that_the_project_takes(name: str) -> None:
    versions = locked(name)
    for need in map(Requirement, LOCKED[name]):
        version = versions.get(canonicalize_name(need.name))
        assert version, f"{need}: `.ci/lock` writes the lock files anew"
        assert need.specifier.contains(version), f"{need}: `.ci/lock` writes the lock files anew"


def test_the_locks_agree() -> None:
    whole = locked("test").items()
    assert locked("run").items() <= whole
    assert locked("build").items() <= whole


def test_the_wheel_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    built = []
    for number, mode in enumerate((0o644, 0o600)):
        source, out = tmp_path / f"source{number}", tmp_path / f"out{number}"
        for part in ("dsv4deploy", "profiles"):
            shutil.copytree(
                ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / file, source)
        # Another checkout has its files at another time, and of another user's mode.
        for path in source.rglob("*"):
            os.utime(path, (number, number + 10**9))
            if path.is_file():
                path.chmod(mode)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out],
            cwd=source,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
            check=True,
            capture_output=True,
        )
        (wheel,) = out.iterdir()
        built.append((wheel.name, wheel.read_bytes()))
    assert built[0] == built[1]


def test_the_chart_s_package_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    one, other = (package(tmp_path / name) for name in ("one", "other"))
    assert (one.name, one.read_bytes()) == (other.name, other.read_bytes())
