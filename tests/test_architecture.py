"""Imports go one way, as docs/architecture.md says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dsv4deploy"


def rooms() -> list[str]:
    """The names in the list of docs/architecture.md, in its order."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = re.search(r"## Rooms\n.*?```text\n(.*?)```", text, re.DOTALL)
    assert block
    return [line.split()[0] for line in block[1].splitlines()]


def files_of(room: str) -> list[Path]:
    folder = PACKAGE / room
    return (
        sorted(path for path in folder.rglob("*.py") if "templates" not in path.parts)
        if folder.is_dir()
        else [PACKAGE / f"{room}.py"]
    )


def imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports from, at its beginning or later."""
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(level=0, module=str(module)):
                assert module.split(".")[0] != "dsv4deploy", f"{path}: use a relative import"
            case ast.ImportFrom(level=level, module=module, names=names):
                above = [*package[: len(package) - level + 1], *(module or "").split(".")]
                parts = [part for part in above if part]
                yield from [parts[0]] if parts else [alias.name for alias in names]


def test_the_list_has_every_room_once() -> None:
    there = {path.stem for path in PACKAGE.glob("[!_]*") if path.suffix in ("", ".py")}
    assert sorted(rooms()) == sorted(there)


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_from_those_above_it(room: str) -> None:
    allowed = {"__version__", *rooms()[: rooms().index(room) + 1]}
    for path in files_of(room):
        assert set(imports(path)) <= allowed, path


def test_verbs_print_through_one_module() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        printing = re.search(r"\b(click\.echo|click\.secho|print)\(", path.read_text("utf-8"))
        assert path.name == "output.py" or not printing, path


GENERATED = PACKAGE / "manifest" / "compiled.py"


@pytest.mark.parametrize(
    "path", sorted({*PACKAGE.rglob("*.py")} - {GENERATED}), ids=lambda path: path.stem
)
def test_a_file_can_be_read_at_once(path: Path) -> None:
    # The linter limits the complexity of each function.
    assert len(path.read_text("utf-8").splitlines()) <= 600


def test_only_one_module_imports_the_kubernetes_client() -> None:
    knowing = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"^\s*(from|import) kubernetes", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert knowing == ["cluster/client.py"]
