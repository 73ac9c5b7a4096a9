"""A Python source tree, read with ``ast`` and never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


class UnreadableError(Exception):
    """A fact is not where it is expected: the source has changed its shape."""


@cache
def parse(file: Path) -> ast.Module:
    """The tree of one file."""
    return ast.parse(file.read_text("utf-8"))


def module_file(root: Path, module: str) -> Path | None:
    """The file of a dotted module below a root; None where there is none."""
    base = root.joinpath(*module.split("."))
    return next(
        (file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None
    )


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """A module's own statements, the ones of an ``else`` of ``TYPE_CHECKING`` before its body."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from node.orelse
            yield from node.body
        elif isinstance(node, ast.If | ast.Try):
            yield from node.body
            yield from node.orelse
        else:
            yield node


def find(root: Path, module: str, name: str) -> tuple[str, ast.stmt] | None:
    """The module and the statement that define a name, through ``from … import``.

    Args:
        root: the folder of the tree.
        module: where the name is used.
        name: a class, a function or a variable.
    """
    file = module_file(root, module)
    if file is None:
        return None
    for node in statements(parse(file)):
        match node:
            case ast.ClassDef(name=found) | ast.FunctionDef(name=found) if found == name:
                return module, node
            case ast.Assign(targets=[ast.Name(id=found)]) if found == name:
                return module, node
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return module, node
            case ast.ImportFrom(module=other, names=names, level=level):
                for alias in names:
                    if (alias.asname or alias.name) == name:
                        package = file.name == "__init__.py"
                        return find(root, _imported(module, package, other, level), alias.name)
    return None


def _imported(module: str, package: bool, other: str | None, level: int) -> str:
    """The dotted name of what ``from ..other import`` in a module imports from."""
    parts = module.split(".")
    above = parts[: len(parts) - level + package] if level else []
    return ".".join([*above, *([other] if other else [])])


def value(root: Path, module: str, name: str) -> tuple[str, ast.expr]:
    """The module and the expression that a variable is set to.

    Raises:
        UnreadableError: there is no such variable.
    """
    found = find(root, module, name)
    if not found or not isinstance(found[1], ast.Assign | ast.AnnAssign) or not found[1].value:
        raise UnreadableError(f"{module}.{name} is no variable with a value")
    return found[0], found[1].value


def classes(root: Path, module: str, name: str) -> list[tuple[str, ast.ClassDef]]:
    """A class and those above it that the tree has, the topmost first."""
    found = find(root, module, name)
    if not found or not isinstance(found[1], ast.ClassDef):
        return []
    above = [
        entry
        for base in found[1].bases
        if isinstance(base, ast.Name)
        for entry in classes(root, found[0], base.id)
    ]
    return [*above, (found[0], found[1])]


def texts(node: ast.AST) -> list[str]:
    """Every text below a node."""
    return [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
