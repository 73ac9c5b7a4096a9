"""Whether the schema of a CRD is one that an API server stores: a structural schema.

Files of CRDs come from anywhere. What passes here can be walked and validated against without
surprises: each keyword has the shape that it must have, nothing refers to another document, and
aliases do not make the schema endless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

_DEEPEST = 100
_MAX_NODES = 200_000  # KServe's largest CRD has 42,000 lines.


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value == int(value) >= 0


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_SHAPES: dict[str, Callable[[Any], bool]] = {
    "enum": lambda value: isinstance(value, list),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "required": _are_texts,
    "type": lambda value: value in _TYPES,
    "x-kubernetes-list-map-keys": _are_texts,
    **dict.fromkeys(("format", "pattern", "x-kubernetes-list-type"), lambda v: isinstance(v, str)),
    **dict.fromkeys(("maximum", "minimum"), _is_number),
    **dict.fromkeys(("maxItems", "maxLength", "maxProperties"), _is_count),
    **dict.fromkeys(("minItems", "minLength", "minProperties"), _is_count),
}
"""What a keyword's value must be, where it is no schema."""
# The API server refuses these in a structural schema, references to other documents among them.
_FORBIDDEN = frozenset(
    {"$ref", "additionalItems", "definitions", "dependencies", "id", "patternProperties"}
)


def fault(schema: Any) -> str:
    """Why an API server would not store this as the schema of a CRD; ``""`` where it would."""
    nodes = 0
    pending = [(schema, "", 0)]
    while pending:
        tree, place, depth = pending.pop()
        nodes += 1
        if nodes > _MAX_NODES or depth > _DEEPEST:
            return "its schema is too large"
        if not isinstance(tree, dict):
            return f"{place or 'its schema'} is not a schema"
        for keyword, value in tree.items():
            if keyword in _FORBIDDEN:
                return f"{place}.{keyword} is not allowed in a CRD".lstrip(".")
            fits = _SHAPES.get(keyword)
            if fits and not fits(value):
                return f"{place}.{keyword} has an invalid value".lstrip(".")
            if keyword in ("default", "enum"):
                nodes += _size(value)
        for below, name in _below(tree):
            pending.append((below, f"{place}.{name}".lstrip("."), depth + 1))
    return ""


def _below(tree: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The schemas right below one, each with its place there."""
    for keyword in ("items", "not"):
        if keyword in tree:
            yield tree[keyword], keyword
    if not isinstance(tree.get("additionalProperties", True), bool):
        yield tree["additionalProperties"], "additionalProperties"
    for keyword in ("allOf", "anyOf", "oneOf"):
        branches = tree.get(keyword, [])
        yield from (
            [(each, f"{keyword}[{index}]") for index, each in enumerate(branches)]
            if isinstance(branches, list)
            else [(None, keyword)]
        )
    fields = tree.get("properties", {})
    yield from (
        [(field, f"properties.{name}") for name, field in fields.items()]
        if isinstance(fields, dict)
        else [(None, "properties")]
    )


def _size(value: Any, depth: int = 0) -> int:
    """The nodes of plain data, no more of them than are allowed."""
    if depth > _DEEPEST:
        return _MAX_NODES
    if not isinstance(value, dict | list):
        return 1
    size = 1
    for item in value.values() if isinstance(value, dict) else value:
        size += _size(item, depth + 1)
        if size > _MAX_NODES:
            break
    return size
