"""A terminal with a shell in it, and the transcript of what is typed and shown."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
from tools import find

from .nodes import Cluster

COLUMNS = 100
_PROMPT = "user@laptop$ "
_MORE = "> "
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[=>])")


@dataclass
class Terminal:
    """A shell that waits for a command.

    Attributes:
        shell: its process.
        shown: what the terminal has shown so far, a command and its answer each.
    """

    shell: pexpect.spawn[str]
    shown: list[str] = field(default_factory=list)

    def type(self, command: str, seconds: float = 60) -> str:
        """Types a command, which may have several lines, and waits for the next prompt.

        Returns:
            the answer: of a line that was overwritten, such as a progress bar, its last state.
        """
        *above, last = command.splitlines()
        for line in above:
            self.shell.sendline(line)
            self.shell.expect_exact(f"\n{_MORE}")
        self.shell.sendline(last)
        self.shell.expect_exact(f"{last}\r\n")  # the terminal's echo
        self.shell.expect_exact(_PROMPT, timeout=seconds)
        lines = _ESCAPE.sub("", self.shell.before or "").split("\n")
        answer = "\n".join(line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines)
        self.shown.append(f"$ {command}\n{answer}")
        return answer

    @property
    def transcript(self) -> str:
        """All commands with their answers."""
        return "\n".join(self.shown)


@contextmanager
def terminal(cluster: Cluster, folder: Path) -> Iterator[Terminal]:
    """A shell in a folder, with the commands and the kubeconfig of a user of the cluster."""
    path = (Path(sys.executable).parent, Path(find("kubectl")).parent, os.environ["PATH"])
    shell = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "--noediting"],
        cwd=str(folder),
        dimensions=(50, COLUMNS),
        encoding="utf-8",
        env={
            **{name: text for name, text in os.environ.items() if name != "COLUMNS"},
            "KUBECONFIG": str(cluster.kubeconfig),
            "LC_ALL": "C.UTF-8",
            "PATH": os.pathsep.join(map(str, path)),
            "PS1": _PROMPT,
            "PS2": _MORE,
            "TERM": "xterm",
        },
    )
    with shell:
        shell.expect_exact(_PROMPT)
        yield Terminal(shell)
