"""Helm's merge: maps merge, everything else replaces, and null removes a default."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

Tree = dict[str, Any]


def found_at(tree: Any, path: Iterable[str]) -> Any:
    """What a tree has at a path; None where it has nothing there."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def fold(base: Tree, top: Mapping[str, Any]) -> None:
    """Merges one ``-f`` file over those before it."""
    for key, value in top.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            fold(below, value)
        else:
            base[key] = copy.deepcopy(value)


def coalesce(values: Tree, default: Mapping[str, Any]) -> None:
    """Merges the user's values over the defaults, where null removes a default."""
    for key, value in default.items():
        if key not in values:
            values[key] = copy.deepcopy(value)
        elif values[key] is None:
            del values[key]
        elif isinstance(value, dict) and isinstance(values[key], dict):
            coalesce(values[key], value)


def plain_data(value: Any) -> Any:
    """Mappings as dicts and sequences as lists, so that merging sees one kind of each."""
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    return value
