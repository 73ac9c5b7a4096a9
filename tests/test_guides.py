"""The commands of the README and of the how-to guides, run as they are written.

Those that need a cluster are typed against ``--help``'s options by ``test_docs.py``, and run by the
tests with real servers; here runs whatever needs none.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tutorial import DOCS, blocks, text_of

ROOT = DOCS.parent
CLUSTER = {
    *("apply", "delete", "diff", "doctor", "history", "keys", "rollback", "smoke", "status"),
    *("upgrade", "bench", "conformance"),
}
TITLED = re.compile(r'yaml title="(.+)"')


def guides() -> list[str]:
    """The pages under "How-to guides" in the navigation."""
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    nav = yaml.safe_load(text[text.index("\nnav:") :])["nav"]
    (pages,) = [part["How-to guides"] for part in nav if "How-to guides" in part]
    return [page for page in pages if (DOCS / page).is_file()]


def commands(text: str) -> list[str]:
    """The lines of a page's shell blocks that run dsv4deploy alone, without a cluster."""
    lines = [
        line.partition(" #")[0].strip()
        for kind, block in blocks(text)
        if kind in ("console", "sh")
        for line in block.splitlines()
    ]
    return [
        line
        for line in lines
        if line.startswith("dsv4deploy ")
        and shlex.split(line)[1] not in CLUSTER
        and not re.search(r"[|…]|--from-cluster|--calibrate|--results|LOG|service\.yaml", line)
    ]


def run(text: str, folder: Path) -> int:
    """Runs a page's commands in a folder with the page's files; how many."""
    for kind, block in blocks(text):
        if titled := TITLED.fullmatch(kind):
            file = folder / titled[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block, "utf-8")
    found = commands(text)
    for command in found:
        words = command.replace("dsv4deploy", f"{sys.executable} -m dsv4deploy", 1)
        done = subprocess.run(
            ["bash", "-euc", words], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return len(found)


@pytest.mark.parametrize("page", guides())
def test_the_commands_of_a_guide_run(page: str, tmp_path: Path) -> None:
    number = run(text_of(page), tmp_path)
    assert number or page in {
        *("api-keys.md", "bench-report.md", "benchmark.md", "cluster.md", "container.md"),
        *("capacity.md", "conformance.md", "importing.md", "scaling.md"),
    }


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (values,) = re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)
    (tmp_path / "my-values.yaml").write_text(values, "utf-8")
    routes = re.findall(r"^\| \w+ \| `(.+)` \|$", text, re.MULTILINE)
    assert len(routes) == 4
    offline = [part for route in routes for part in re.split(r" \\?\| | && ", route)]
    offline = [part for part in offline if part.startswith(("dsv4deploy render", "dsv4deploy ov"))]
    assert len(offline) == 2
    page = "\n".join(['```yaml title="my-values.yaml"', values + "```", "", "```sh", *offline])
    assert run(f"{page}\n```\n", tmp_path) == 2


def test_every_verb_of_the_readme_exists() -> None:
    from dsv4deploy.cli import VERBS

    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("| task | commands |")[2].partition("\n\n")[0]
    assert {*re.findall(r"`([\w ]+)`", table)} == VERBS.keys() - {"completion"}
