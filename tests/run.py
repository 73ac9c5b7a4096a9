"""Sets up everything that the tests need and runs them: ``python3 tests/run.py``.

Makes ``.venv`` beside the project from the lock file, which pip verifies by its hashes (again only
where the lock changed), then runs the linter, the format check, the type checker and the default
tests. With arguments it runs pytest alone, with these arguments: ``tests/e2e`` are the tests with
real servers, which need Go and npm too; ``--cov`` measures the coverage, and takes twice the time.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")


def run(*command: str | Path) -> None:
    """Runs one command in the project's folder; its failure ends this program."""
    print("$", *(str(word).removeprefix(f"{BIN}{os.sep}") for word in command), flush=True)
    code = subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def set_up() -> None:
    """Makes the virtual environment, unless it already fits."""
    stamp = VENV / "stamp"
    lock = ROOT / "requirements" / "test.txt"
    made_from = [lock, ROOT / "pyproject.toml", ROOT / "tests" / "tools.py"]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in made_from))
    wanted.update(sys.version.encode())
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        return
    venv.create(VENV, with_pip=True, clear=True)
    install = (BIN / "python", "-m", "pip", "install", "--quiet")
    run(*install, "--require-hashes", "--requirement", lock)
    run(*install, "--no-deps", "--no-build-isolation", "--editable", ".")
    run(BIN / "python", "tests/tools.py")
    stamp.write_text(wanted.hexdigest())


def main() -> None:
    """The whole default tier, or pytest with the given arguments."""
    if sys.version_info < (3, 11):
        sys.exit(f"dsv4deploy needs Python 3.11 or newer, not {sys.version.split()[0]}")
    set_up()
    if len(sys.argv) > 1:
        run(BIN / "pytest", *sys.argv[1:])
        return
    run(BIN / "codespell")
    run(BIN / "ruff", "check", ".")
    run(BIN / "ruff", "format", "--check", ".")
    run(BIN / "mypy")
    run(
        BIN / "pytest",
        "--ignore=tests/e2e",
        "--ignore=tests/optional",
        "--durations=5",
        *("-n", "auto", "--dist", "loadfile"),
    )


if __name__ == "__main__":
    main()
