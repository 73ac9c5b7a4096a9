"""Imports go one way, as docs/architecture.md says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dsv4deploy"
# What stands in the package, a module or a folder of them, but for the verbs: those import all.
MODULES: dict[str, list[Path]] = {
    **{path.stem: [path] for path in PACKAGE.glob("[!_]*.py")},
    "bench": sorted(PACKAGE.glob("bench/*.py")),
}


def layers() -> list[list[str]]:
    """The lines of modules in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = re.search(r"## Modules\n.*?```text\n(.*?)```", text, re.DOTALL)
    assert block
    return [line.split(", ") for line in block[1].splitlines()]


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, at its beginning or later."""
    dots = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(level=level, module=None, names=names) if level == dots:
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=level, module=str(module)) if level == dots:
                yield module.split(".")[0]
            case ast.ImportFrom(level=0, module=str(module)):
                assert module.split(".")[0] != "dsv4deploy", f"{path.name}: import it by a dot"


def test_every_module_has_its_line() -> None:
    named = [name for line in layers() for name in line]
    assert len(named) == len(set(named))
    missing = {*MODULES, "cli"} ^ set(named)
    assert not missing, f"docs/architecture.md, Modules: put {missing} on the right line"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_from_the_lines_above_it(name: str) -> None:
    above: set[str] = {"__version__"}
    for line in layers():
        if name in line:
            break
        above |= set(line)
    assert {each for path in MODULES[name] for each in imports(path)} <= above


def test_only_one_module_knows_the_kubernetes_client() -> None:
    knowing = [
        path.name
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"^\s*(from|import) kubernetes", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert knowing == ["cluster.py"]
