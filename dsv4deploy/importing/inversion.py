"""The values whose render is a given manifest, found by rendering and comparing."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from pydantic import ValidationError

from ..cluster.diff import label
from ..manifest.render import KINDS, Release, by_template
from ..values.loading import defaults
from ..values.tree import Values
from .candidates import Render, candidates
from .extras import extra_objects, with_shared_labels
from .leaves import Leaves, Object, Path, leaves, leaves_of_text, same
from .places import Tree, places, replaced, value_at
from .quotas import budgets, schedules

Distance = Callable[[Tree], float]

MISSING = object()
_MOST_ROUNDS = 12


@dataclass(frozen=True)
class Wanted:
    """A manifest to be imported.

    Attributes:
        release: the namespace that it is for.
        leaves: its leaves; the first key of a path is the name of the template that makes them.
        optional: those that a server sets by default.
        others: the objects that no template makes.
        read: values that are read without a search, by their section.
        extra: ``extraObjects`` with the objects of the user's own.
    """

    release: Release
    leaves: Leaves
    optional: frozenset[Path] = frozenset()
    others: tuple[Object, ...] = ()
    read: Mapping[str, Tree] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def rendered(tree: Tree, release: Release) -> Leaves | None:
    """The leaves of a tree's render, as in :class:`Wanted`; None where it is not accepted."""
    return _rendered(json.dumps(tree), release)


@lru_cache(maxsize=4096)
def _rendered(text: str, release: Release) -> Leaves | None:
    try:
        values = Values.model_validate(json.loads(text), by_alias=True, by_name=False)
    except ValidationError:
        return None
    return {
        (template, *path): value
        for template, document in by_template(values, release).items()
        for path, value in leaves_of_text(document).items()
    }


def differing(ours: Leaves, wanted: Wanted) -> set[Path]:
    """The leaves in which a render is not what is wanted."""
    return {
        path
        for path in ours.keys() | wanted.leaves.keys()
        if not same(ours.get(path, MISSING), wanted.leaves.get(path, MISSING))
        and not (path in wanted.optional and path not in ours)
    }


def wanted(objects: Iterable[Object], release: Release, own: Container[str] = ()) -> Wanted:
    """Objects as what is wanted: each belongs to the template whose object it is most like.

    Args:
        objects: those of the manifest.
        release: the namespace that they are for.
        own: the labels of objects that belong to no template, although one makes their kind.
    """
    found: Leaves = {}
    read: Tree = {}
    left = list(objects)
    pairs = [
        (_alike(given, template), template, item, given)
        for item in left
        for given in [leaves(item)]
        for template in KINDS
        if template.split("-")[0] == item["kind"].lower() and label(item) not in own
    ]
    for _, template, item, given in sorted(pairs, key=lambda pair: -pair[0]):
        if item in left and not any(path[0] == template for path in found):
            left.remove(item)
            found |= {(template, *path): value for path, value in given.items()}
            if template in _READ:
                section, reader = _READ[template]
                read[section] = reader(item)
    extra = extra_objects(left, release)
    for item in [each for each in left if each["kind"] == extra.get(_name(each), {}).get("kind")]:
        left.remove(item)
        found |= {(f"extra-{_name(item)}", *path): value for path, value in leaves(item).items()}
    return Wanted(release, found, others=tuple(left), read=read, extra=extra)


_READ: dict[str, tuple[str, Callable[[Object], Tree]]] = {
    "backendtrafficpolicy": ("maas", budgets),
    "scaledobject": ("scaling", schedules),
}
"""What a search does not find: the section, and what reads its values, by the template."""


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _alike(own: Leaves, template: str) -> int:
    """How many leaves an object has in common with what a template makes."""
    made = _everything()
    return sum(same(value, made.get((template, *path), MISSING)) for path, value in own.items())


@cache
def _everything() -> Leaves:
    """The leaves of a render in which every switch is on."""
    return rendered(everything(), Release()) or {}


def everything() -> Tree:
    """The default values with every switch on, so that they make every object but a few."""
    tree = defaults()
    while off := [
        place.path
        for place in places(tree)
        if place.choices == (False, True) and not value_at(tree, place.path)
    ]:
        for path in off:
            tree = replaced(tree, path, True)
    return tree


def solved(start: Tree, aim: Wanted) -> Tree:
    """A values tree whose render has the fewest leaves that differ, found from another one.

    Each round asks which other values the manifest speaks for, and keeps those that bring the
    render nearer. A value that changes nothing stays as it was.
    """

    def render(tree: Tree) -> Leaves | None:
        return rendered(tree, aim.release)

    def distance(tree: Tree) -> float:
        made = render(tree)
        return float("inf") if made is None else len(differing(made, aim))

    best = {**start, "extraObjects": {**start["extraObjects"], **aim.extra}}
    left = distance(best)
    for _ in range(_MOST_ROUNDS):
        if not left:
            break
        found = _candidates(best, aim)
        nearer = _climbed(best, found, distance)
        if distance(nearer):
            # Values that are right only together are further away one by one.
            both = _together(best, found, render)
            nearer = min(nearer, _climbed(both, _candidates(both, aim), distance), key=distance)
        if distance(nearer) >= left:
            break
        best, left = nearer, distance(nearer)
    return with_shared_labels(_without_needless(best, start, distance), distance)


def _candidates(tree: Tree, aim: Wanted) -> list[tuple[Path, Any]]:
    wrong = differing(rendered(tree, aim.release) or {}, aim)
    found = candidates(tree, aim.leaves, lambda each: rendered(each, aim.release), wrong)
    sections = [((name,), {**tree[name], **values}) for name, values in aim.read.items()]
    return [*sections, *found]


def _together(tree: Tree, found: list[tuple[Path, Any]], render: Render) -> Tree:
    """A tree with the first candidate of each place that is no section."""
    done: set[Path] = set()
    for path, value in found:
        if path in done or isinstance(value_at(tree, path), dict):
            continue
        other = replaced(tree, path, value)
        if render(other) is not None:
            tree = other
            done.add(path)
    return tree


def _climbed(tree: Tree, found: list[tuple[Path, Any]], distance: Distance) -> Tree:
    """A tree with every candidate that brings it nearer, those that help most first."""
    left = distance(tree)
    gains = [(left - distance(replaced(tree, path, value)), path, value) for path, value in found]
    for gain, path, value in sorted(gains, key=lambda each: -each[0]):
        other = _laid(tree, path, value)
        if gain > 0 and other is not None and distance(other) < left:
            tree, left = other, distance(other)
    return tree


def _laid(tree: Tree, path: Path, value: Any) -> Tree | None:
    """A tree with a value at a path; None where the path has gone meanwhile."""
    try:
        return replaced(tree, path, value)
    except KeyError:
        return None


def _without_needless(tree: Tree, start: Tree, distance: Distance) -> Tree:
    """A tree in which whatever does not bring it nearer is as it was at the start."""
    left = distance(tree)
    for path in sorted(_changes(tree, start, ()), key=len, reverse=True):
        other = _restored(tree, start, path)
        if distance(other) <= left:
            tree, left = other, distance(other)
    return tree


def _changes(tree: Tree, start: Tree, path: Path) -> Iterator[Path]:
    """The places in which two trees differ, an entry of a map being one."""
    for key in tree.keys() | start.keys():
        one, other = tree.get(key), start.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes(one, other, (*path, key))
        elif key not in tree or key not in start or not same(one, other):
            yield (*path, key)


def _restored(tree: Tree, start: Tree, path: Path) -> Tree:
    """A tree that has at a path what another one has there, which may be nothing."""
    *above, key = path
    inside = value_at(tree, tuple(above))
    other = {name: value for name, value in inside.items() if name != key}
    with suppress(KeyError):
        other[key] = value_at(start, path)
    return replaced(tree, tuple(above), other)
