"""Objects as leaves: a path and a plain value for each setting in a manifest.

Lists of named things are maps by name, a process is data (``script.py``), and fields that servers
write are omitted, so that two manifests with the same meaning have the same leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..cluster.diff import REPEATED, compared
from ..values import yaml as yamlio
from .script import document, process

Path = tuple[str, ...]
Leaves = dict[Path, Any]
Object = Mapping[str, Any]

# The containers whose process the templates write; that of any other is fields like all of it.
_PROCESSES = ("main", "mooncake-config-init")
# The lists whose order says nothing, and what tells their items apart: the keys by which Kubernetes
# and the Gateway API merge them.
_MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "listeners": "name",
    "ports": "name",
    "tolerations": "key",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


def leaves(item: Object) -> Leaves:
    """The leaves of one object by their paths; an empty map or list is a leaf."""
    tree = compared(item)
    meta = tree["metadata"]
    if isinstance(notes := meta["annotations"], Mapping):
        kept = {
            key: text
            for key, text in notes.items()
            if key != REPEATED and not key.startswith("dsv4deploy.io/")
        }
        meta = {**meta, "annotations": kept}
    tree["metadata"] = {key: value for key, value in meta.items() if value}
    return dict(_flat(_data(tree, ()), ()))


@lru_cache(maxsize=512)
def leaves_of_text(text: str) -> Leaves:
    """The leaves of one rendered document. Not to be changed."""
    (item,) = yamlio.parse(text)
    return leaves(item)


def same(one: Any, other: Any) -> bool:
    """Whether two leaves are equal; 1 is not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _data(value: Any, path: Path) -> Any:
    if isinstance(value, Mapping):
        *_, place, name = ("", "", *path)
        ours = place in ("containers", "initContainers") and name in _PROCESSES
        fields = process(value) if ours else value
        return {key: _data(each, (*path, key)) for key, each in fields.items() if each is not None}
    if isinstance(value, list):
        return _by_name(value, path)
    if path[-2:-1] in (("requests",), ("limits",)) and isinstance(value, int | float):
        return str(value)  # as a Kubernetes quantity is written
    if isinstance(value, str) and path[-3:-1] == ("args", "flags"):
        data = document(value)
        return data if data is value else _data(data, path)
    return value


def _by_name(items: list[Any], path: Path) -> Any:
    key = _MERGE_KEYS.get(path[-1]) if path else None
    names = [str(each.get(key) or "*") if isinstance(each, Mapping) else "" for each in items]
    if key is None or not items or "" in names or len(set(names)) < len(names):
        return [_data(each, (*path, f"[{at}]")) for at, each in enumerate(items)]
    return {
        name: _data({field: it for field, it in each.items() if field != key}, (*path, name))
        for name, each in zip(names, items, strict=True)
    }


def _flat(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for key, each in value.items():
            yield from _flat(each, (*path, str(key)))
    elif isinstance(value, list) and value:
        for at, each in enumerate(value):
            yield from _flat(each, (*path, f"[{at}]"))
    else:
        yield path, value


def items(documents: Iterable[Object]) -> Iterator[Object]:
    """The objects of documents, with those of a ``List`` in its place."""
    for each in documents:
        if each.get("kind") == "List" and isinstance(each.get("items"), list):
            yield from items(each["items"])
        else:
            yield each
