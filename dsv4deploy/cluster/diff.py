"""What would change: a live object against what the server would make of the desired one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..values.json import short_json
from ..values.secrets import MASK, masked_text, secret_name, secret_value

Object = Mapping[str, Any]

# What the server writes by itself.
_SERVERS = (
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "uid",
    "selfLink",
)
# `kubectl apply` repeats the whole object in it.
REPEATED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Change:
    """One field that would change.

    Attributes:
        object: ``Kind namespace/name``.
        path: the field's dotted path; ``""`` for the object as a whole.
        before: the current value; None for none.
        after: the new value; None for none.
    """

    object: str
    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if not self.path:
            return f"{'-' if self.after is None else '+'} {self.object}"
        head = f"~ {self.object} {self.path}:"
        before, after = _lines(self.before), _lines(self.after)
        if len(before) > 1 and len(after) > 1:
            told = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
            return "\n    ".join([head, *(told or [f"a secret changes: {MASK}"])])
        return f"{head} {_short(self.before)} -> {_short(self.after)}"


def _lines(value: Any) -> list[str]:
    """The lines of a text, or of a list of texts: a script, or a command's words."""
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        return []
    return [line for text in texts for line in text.splitlines()]


def _short(value: Any) -> str:
    return "(none)" if value is None else short_json(value, 120)


def label(item: Object) -> str:
    """``Kind namespace/name`` of an object."""
    meta = item["metadata"]
    place = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{item['kind']} {place}{meta['name']}"


def changes(live: Object | None, desired: Object | None) -> list[Change]:
    """The fields in which two states of an object differ; what is secret is masked.

    Secret are a Secret's contents, the values of variables and flags with secret names, passwords
    in URLs, and kubectl's repetition of an object.

    Args:
        live: the object in the cluster; None where there is none.
        desired: what the server would make of it (a dry run's answer); None where it would go.
    """
    if live is None or desired is None:
        here = desired or live
        if here is None:
            return []
        whole = "the object"
        return [Change(label(here), "", live and whole, desired and whole)]
    name = label(desired)
    one, other = (_hidden(compared(item)) for item in (live, desired))
    return [
        Change(name, path, _shown(before), _shown(after))
        for path, before, after in _fields(one, other, "")
    ]


class _Hidden(str):
    """A secret: it is compared as what it is, and shown as a mask."""

    __slots__ = ()


def _hidden(item: Object) -> Any:
    """An object with its secrets marked as such."""
    tree = _walk(item)
    if item["kind"] == "Secret":
        for key in tree.keys() & {"data", "stringData"}:
            tree[key] = {name: _Hidden(text) for name, text in (tree[key] or {}).items()}
    return tree


def _walk(value: Any) -> Any:
    if isinstance(value, list):
        return [_walk(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    tree = {key: _walk(each) for key, each in value.items()}
    secret = secret_name(str(tree.get("name", ""))) or secret_value(tree.get("value"))
    names = [REPEATED, *(["value"] if secret else [])]
    return tree | {name: _Hidden(tree[name]) for name in names if name in tree}


def _shown(value: Any) -> Any:
    if isinstance(value, _Hidden):
        return MASK
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _shown(each) for key, each in value.items()}
    return value


def compared(item: Object) -> dict[str, Any]:
    """An object without what the server writes by itself; it always has labels and annotations."""
    tree = {key: value for key, value in item.items() if key != "status"}
    meta = {key: value for key, value in item["metadata"].items() if key not in _SERVERS}
    # Always there, so that a first label or annotation is one field like any other.
    tree["metadata"] = {"labels": {}, "annotations": {}, **meta}
    return tree


def own(live: Object) -> dict[str, Any]:
    """A live object as it could be applied again: without what servers and controllers write."""
    tree = compared(live)
    kept = ("name", "namespace", "labels", "annotations")
    meta = {key: value for key, value in tree["metadata"].items() if key in kept and value}
    notes = {key: text for key, text in meta.pop("annotations", {}).items() if key != REPEATED}
    tree["metadata"] = {**meta, **({"annotations": notes} if notes else {})}
    return tree


def same(one: Object | None, other: Object | None) -> bool:
    """Whether two states of an object differ at most in what servers and controllers write."""
    if one is None or other is None:
        return one is other
    return one["metadata"].get("uid") == other["metadata"].get("uid") and own(one) == own(other)


def _fields(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted(one.keys() | other.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from _fields(one.get(key), other.get(key), below)
    elif _named(one) and _named(other):
        # Lists of named things (containers, variables, ports) are compared by name.
        before, after = ({item["name"]: item for item in items} for items in (one, other))
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _fields(before.get(name), after.get(name), f"{path}[{name}]")
    elif one != other:
        yield path, one, other


def _named(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in value)
        and len({item["name"] for item in value}) == len(value)
    )


# Fields of an LLMInferenceService whose change gives the engine's pods a new template.
_RESTARTING = (
    *("spec.annotations", "spec.labels", "spec.model", "spec.parallelism", "spec.template"),
    "spec.worker",
)


def downtime(found: list[Change]) -> str:
    """Why the engines would restart; ``""`` where they would not.

    A model that fills its node can't roll over: its old pods go before its new ones come.
    """
    for change in found:
        kind = change.object.split()[0]
        if kind != "LLMInferenceService":
            continue
        if not change.path and change.before is not None:
            return f"{change.object} would be deleted"
        if change.path.startswith(_RESTARTING):
            return f"{change.path} changes the engine's pods"
    return ""
