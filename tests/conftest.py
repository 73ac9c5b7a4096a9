"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
import tools
from api_server import serve

__all__ = ["serve"]

# The same examples in every run: a new counterexample belongs to a longer run, not to a change.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, max_examples=300)
hypothesis.settings.load_profile("steady")

# A shell without job control starts what runs in the background with SIGINT ignored, which the
# programs under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Messages wrap at the width that a terminal's shell exports; tests that look at it set their own.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Finds ``helm3``, ``helm4`` or ``kubectl``; without it the test is skipped, or fails in CI."""

    def find(name: str) -> str:
        path = tools.find(name)
        if not path:
            tools.missing(f"{name} is missing: `.venv/bin/python tests/tools.py` fetches it")
        return path

    return find


@pytest.fixture(scope="session")
def real_crds() -> Path:
    """A folder with the real CRDs, which this project does not contain."""
    folder = Path(os.environ.get("DSV4DEPLOY_CRDS", ROOT.parent / "shared" / "crds"))
    if not folder.is_dir():
        tools.missing("the project contains no real CRDs: name a folder of them in DSV4DEPLOY_CRDS")
    return folder
