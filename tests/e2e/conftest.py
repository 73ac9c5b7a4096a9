"""Fixtures of the tests with real servers."""

from __future__ import annotations

import json
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
