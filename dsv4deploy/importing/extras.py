"""Objects that no template makes, and the labels of every object, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..checks.pods import CLUSTER_WIDE
from ..errors import ValuesError
from ..manifest.render import Release
from ..values.loading import load
from .leaves import Object
from .places import Tree, replaced

_ELSEWHERE = ("apiVersion", "kind", "metadata", "status")
_STANDARD = {
    *("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"),
    "helm.sh/chart",
}


def extra_objects(items: Iterable[Object], release: Release) -> dict[str, Tree]:
    """``extraObjects`` with the objects that it can hold, by their names.

    It can't hold objects of another namespace or of the whole cluster, a second one of the same
    name, and what Helm runs as a hook. Secrets are omitted: their contents do not belong in values.
    """
    found: dict[str, Tree] = {}
    for item in items:
        kind, meta = item["kind"], item["metadata"]
        notes = meta.get("annotations") or {}
        here = meta["namespace"] == release.namespace and kind not in (*CLUSTER_WIDE, "Secret")
        entry = {
            "apiVersion": item["apiVersion"],
            "kind": kind,
            "labels": meta.get("labels") or {},
            "annotations": notes,
            "fields": {key: value for key, value in item.items() if key not in _ELSEWHERE},
        }
        if here and "helm.sh/hook" not in notes and _accepted({**found, meta["name"]: entry}):
            found.setdefault(meta["name"], entry)
    return found


def _accepted(entries: dict[str, Tree]) -> bool:
    try:
        load({"extraObjects": entries})
    except ValuesError:
        return False
    return True


def with_shared_labels(tree: Tree, distance: Callable[[Tree], float]) -> Tree:
    """A tree with the settings of every object merged into one, if the render stays as close."""
    left = distance(tree)
    labels = {key: value for key, value in tree["labels"].items() if key not in _STANDARD}
    standard = {**tree, "standardLabels": True, "labels": labels}
    if labels != tree["labels"] and distance(standard) <= left:
        tree = standard
    for name, entry in tree["extraObjects"].items():
        for part in ("labels", "annotations"):
            for key in entry[part]:
                path = ("extraObjects", name, part)
                now = tree["extraObjects"][name][part]
                other = replaced(tree, path, {each: now[each] for each in now if each != key})
                if distance(other) <= left:
                    tree = other
    return tree
