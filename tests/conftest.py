"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import tools


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Finds ``helm3``, ``helm4`` or ``kubectl``; without it the test is skipped, or fails in CI."""

    def find(name: str) -> str:
        path = tools.find(name)
        if not path:
            reason = f"{name} is missing: run `python3 tests/tools.py` with the tests' Python"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
        return path

    return find
