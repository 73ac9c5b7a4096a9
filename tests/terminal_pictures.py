"""The pictures of terminals in docs/images, from real runs: ``python tests/terminal_pictures.py``.

Each command runs in a terminal of 88 columns, with the values of the tutorial. Commands for a
cluster run against one in memory.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from tutorial import DOCS, blocks, text_of

IMAGES = DOCS / "images"
COLUMNS = 88
PICTURES = {
    "terminal-apply.svg": "apply my-values.yaml -n demo",
    "terminal-check.svg": "check my-values.yaml",
    "terminal-doctor.svg": "doctor my-values.yaml -n demo",
    "terminal-plan.svg": "plan my-values.yaml",
    "terminal-why.svg": 'why "no healthy upstream"',
}
_ON_A_CLUSTER = """
from dsv4deploy.cli import main
from dsv4deploy.cli.connection import ClusterOptions
from ready_cluster import ReadyCluster

ClusterOptions.connect = lambda _: ReadyCluster()
main()
"""


def values() -> str:
    """The tutorial's last my-values.yaml."""
    return [text for kind, text in blocks(text_of("tutorial.md")) if 'title="my-v' in kind][-1]


def typed(words: str, folder: Path) -> str:
    """What a command prints to a terminal, with its colours."""
    ours, theirs = pty.openpty()
    clustered = words.startswith(("apply", "doctor"))
    program = ["-c", _ON_A_CLUSTER] if clustered else ["-m", "dsv4deploy"]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, *program, *shlex.split(words)],
        cwd=folder,
        env={
            **os.environ,
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
            "PYTHONUTF8": "1",
            "PYTHONPATH": path,
        },
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux' end of a terminal
            break
        if not part:
            break
        printed += part
    os.close(ours)
    child.wait()
    return printed.decode().replace("\r\n", "\n")


def picture(name: str, words: str, folder: Path) -> str:
    """A command and its output as an SVG that loads nothing."""
    text = Text.from_ansi(typed(words, folder))
    console = Console(
        record=True,
        # A command to copy is not wrapped.
        width=max(COLUMNS, *(len(line) for line in text.plain.splitlines())),
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(Text(f"$ dsv4deploy {words}", style="bold"), soft_wrap=True)
    console.print(text, soft_wrap=True)
    svg = console.export_svg(
        title=f"dsv4deploy {words.split()[0]}",
        theme=DIMMED_MONOKAI,
        unique_id=name.removesuffix(".svg"),
    )
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def pictures() -> dict[str, str]:
    """Every picture by its file's name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "my-values.yaml").write_text(values(), "utf-8")
        return {name: picture(name, words, folder) for name, words in PICTURES.items()}


if __name__ == "__main__":
    for file, svg in pictures().items():
        (IMAGES / file).write_text(svg, "utf-8")
