"""Fixtures of the tests with real servers."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parts import CACHE, program, run


@pytest.fixture(scope="session")
def go_module() -> Callable[[str], Path]:
    """The folder of a Go module, ``path@version``, downloaded and unpacked by Go itself."""
    go = program("go")

    def download(module: str) -> Path:
        told: dict[str, Any] = json.loads(
            run(go, "mod", "download", "-json", module, cwd=Path("/"))
        )
        return Path(told["Dir"])

    return download


@pytest.fixture(scope="session")
def go_program() -> Callable[[str], Path]:
    """A program built from a Go module, ``path@version``, kept in the cache."""
    go = program("go")

    def build(module: str) -> Path:
        path, _, version = module.partition("@")
        folder = CACHE / "go" / f"{path.replace('/', '_')}@{version}"
        if not folder.is_dir():
            print(f"building {module}", file=sys.stderr, flush=True)
            part = folder.with_suffix(".part")
            run(
                go,
                "install",
                "-trimpath",
                "-ldflags=-s -w",
                module,
                GOBIN=str(part),
                CGO_ENABLED="0",
            )
            part.rename(folder)
        (built,) = folder.iterdir()
        return built

    return build


@pytest.fixture(scope="session")
def go_build() -> Callable[[str], Path]:
    """A program whose versions are pinned in ``go/<name>``, built and kept in the cache."""
    go = program("go")

    def build(name: str) -> Path:
        source = Path(__file__).resolve().parent / "go" / name
        pins = hashlib.sha256((source / "go.sum").read_bytes()).hexdigest()[:16]
        target = CACHE / "go" / f"{name}-{pins}" / name
        if not target.is_file():
            package = re.findall(r'_ "(.+)"', (source / "tools.go").read_text())[0]
            print(f"building {package}", file=sys.stderr, flush=True)
            part = target.with_suffix(".part")
            command = (go, "build", "-trimpath", "-mod=readonly", "-ldflags=-s -w", "-o", part)
            run(*command, package, cwd=source, CGO_ENABLED="0")
            part.rename(target)
        return target

    return build
