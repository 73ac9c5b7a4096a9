"""Ends what a run of tests has started, however the run ends: also where it is killed.

A process of its own waits for the end of the run. Then it kills each process whose environment
carries the run's mark, which a process inherits from its parent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

MARK = "DSV4DEPLOY_TEST_RUN"


def guard() -> None:
    """From now on, what this process starts ends with it; on Linux, where /proc has what it needs.

    A worker of pytest-xdist carries the mark of the process that has started it, and gives what it
    starts a mark of its own.
    """
    if sys.platform != "linux":
        return
    mark = uuid.uuid4().hex
    watched, _held = os.pipe()  # The kernel closes the other end with this process, and not before.
    subprocess.run(["setsid", "--fork", sys.executable, __file__, mark], stdin=watched, check=True)
    os.close(watched)
    os.environ[MARK] = mark


def _marked(mark: bytes) -> list[int]:
    """The processes that carry a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # one that has just ended, or another user's
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def main(mark: str) -> None:
    """Waits for the run's end, and kills what it leaves."""
    sys.stdin.read()
    while left := _marked(f"{MARK}={mark}".encode()):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
