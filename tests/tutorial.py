"""The tutorial's commands, run as they are written, and their answers compared with those shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
Block = tuple[str, str]


def text_of(page: str) -> str:
    """A page's Markdown."""
    return (DOCS / page).read_text("utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in their order: what follows the fence, and the text."""
    return re.findall(r"^```([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_cluster() -> list[Block]:
    """The tutorial's blocks before the heading from which on a cluster is needed."""
    return blocks(_halves()[0])


def with_cluster() -> list[Block]:
    """The tutorial's blocks from there on."""
    return blocks(_halves()[1])


def _halves() -> tuple[str, str]:
    before, heading, after = text_of("tutorial.md").partition("\n## With a cluster\n")
    assert heading
    return before, after


def follow(found: list[Block], folder: Path, **environment: str) -> int:
    """Writes the files of these blocks and types their commands; how many commands.

    An answer that is not as shown fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    around = {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", "COLUMNS": "80", **environment}
    ran = 0
    for kind, text in found:
        named = re.fullmatch(r'yaml title="(.+)"', kind)
        if named:
            (folder / named[1]).write_text(text, "utf-8")
        for command, shown in _typed(text) if kind == "console" else ():
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=around,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            code = [f"[exit {done.returncode}]"] if done.returncode else []
            told = [*done.stdout.splitlines(), *code]
            assert _shows(shown, told), "\n".join([f"$ {command}", *told])
            ran += 1
    return ran


def _typed(block: str) -> list[tuple[str, list[str]]]:
    """A console block's commands, each with the lines that it shows."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def _shows(shown: list[str], told: list[str]) -> bool:
    """Whether these lines are what was said, where … stands for anything, or any lines."""
    pattern = "".join(
        r"(.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in shown
    )
    return bool(re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in told)))
