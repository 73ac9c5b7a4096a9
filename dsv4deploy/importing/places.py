"""The places where a values tree holds a value, each with its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..values.schema import entry_schema, json_schema, resolved

Tree = dict[str, Any]
Path = tuple[str, ...]
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """One value: a scalar, a list, or a map with free keys.

    Attributes:
        path: the keys that lead to it.
        schema: what it may be.
    """

    path: Path
    schema: Schema

    @property
    def choices(self) -> tuple[Any, ...]:
        """What it may be, where that is one of a few."""
        if self.schema.get("type") == "boolean":
            return (False, True)
        return tuple(self.schema.get("enum", ()))


def places(tree: Tree) -> list[Place]:
    """Every value of a tree that the manifest may depend on, in the order of the tree.

    A map is a place, and so is each value of a section in it. Of a section that is not enabled only
    the switch is one.
    """
    return list(_walk(tree, json_schema(), ()))


def _walk(tree: Any, schema: Schema, path: Path) -> Iterator[Place]:
    schema = resolved(schema)
    entry = entries_of(schema)
    if entry is not None:
        yield Place(path, schema)
        if "properties" in entry:
            for key, below in tree.items():
                yield from _walk(below, entry, (*path, key))
    elif "properties" in schema:
        off = tree.get("enabled") is False
        for key, below in schema["properties"].items():
            if key == "enabled" or not off:
                yield from _walk(tree[key], below, (*path, key))
    elif schema.get("type") != "object" and "const" not in schema:
        yield Place(path, schema)


def entries_of(schema: Schema) -> Schema | None:
    """The schema of the entries of a map with free keys; None for everything else."""
    return resolved(entry_schema(schema)) if "patternProperties" in schema else None


def sample(schema: Schema) -> Any:
    """A value that fits a schema of a section in a map: the least of each kind."""
    schema = resolved(schema)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            entry = entries_of(schema)
            if entry is not None:
                return {"entry-1": sample(entry)} if schema.get("minProperties") else {}
            return {key: sample(below) for key, below in schema["properties"].items()}
        case "array":
            return [sample(schema["items"])] if schema.get("minItems") else []
        case "integer":
            return schema["minimum"]
        case "boolean":
            return False
    return "x" if schema.get("minLength") else ""


def value_at(tree: Any, path: Path) -> Any:
    """What a tree has at a path. Raises KeyError."""
    for key in path:
        tree = tree[key]
    return tree


def replaced(tree: Tree, path: Path, value: Any) -> Tree:
    """A tree with another value at a path; the given one stays as it is."""
    if not path:
        return value  # type: ignore[no-any-return]
    key, rest = path[0], path[1:]
    return {**tree, key: replaced(tree[key], rest, value) if rest else value}
