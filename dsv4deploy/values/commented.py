"""Values as YAML lines, each below its documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from . import yaml as yamlio
from .schema import Documented, documentation

WIDTH = 98


def commented(tree: dict[str, Any], path: tuple[str, ...] = (), mark: str = "") -> Iterator[str]:
    """The lines of values or of a section, each value below its documentation.

    Args:
        tree: the values.
        path: the keys that lead to them.
        mark: what each documentation starts with; helm-docs reads those that start with ``-- ``.
    """
    documents = documentation()
    indent = "  " * len(path)
    documented = [key for key in tree if ".".join((*path, key)) in documents]
    free = {key: value for key, value in tree.items() if key not in documented}
    for key in documented:
        entry = documents[".".join((*path, key))]
        yield from _comment(entry, indent, mark)
        if entry.section:
            yield f"{indent}{key}:"
            yield from commented(tree[key], (*path, key), mark)
        else:
            yield from textwrap.indent(_yaml({key: tree[key]}), indent).splitlines()
        if not path:
            yield ""
    if free:
        yield f"{indent}# Any other flag of vLLM, in vLLM's spelling."
        yield from textwrap.indent(_yaml(free), indent).splitlines()


def _comment(entry: Documented, indent: str, mark: str) -> Iterator[str]:
    text = mark + (f"{entry.meaning} Unit: {entry.unit}." if entry.unit else entry.meaning)
    for line in textwrap.wrap(text, WIDTH - len(indent), break_long_words=False):
        yield f"{indent}# {line}"


def _yaml(tree: dict[str, Any]) -> str:
    return yamlio.write([tree]).removeprefix("---\n").rstrip("\n")
