"""Finds the values that give the leaves of a manifest, by rendering the templates with candidates.

A value is replaced by a marker, the manifest is rendered, and the leaves that change show where and
in what form the value appears. What another manifest has there, in that form, is a candidate.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from ..checks.engine import OWNED_FLAGS
from ..checks.pods import OWNED_CONTAINERS
from ..values.schema import resolved
from .leaves import Leaves, Path, same
from .places import Place, Schema, Tree, entries_of, places, replaced, sample, value_at

Render = Callable[[Tree], Leaves | None]
"""The leaves of a tree's render; None where the tree is not accepted."""

_KEYS = ("zzk", "/zzk")
# One of them fits each text's pattern; none occurs in a template.
_MARKERS = ("zzq", "zzq/zzq", "/zzq", "oci://zzq/zzq", "7919", "7919s", "-zqz")
_NUMBER = re.compile(r"([0-9]{1,18})")
_INDEX = re.compile(r"\[\d+\]")
_MOST_COMBINATIONS = 64
_OWNED: dict[Path, Collection[str]] = {
    ("engine", "args"): OWNED_FLAGS,
    ("engine", "extraContainers"): OWNED_CONTAINERS,
    ("engine", "extraInitContainers"): OWNED_CONTAINERS,
}
"""Keys of a map that only other values may make."""


def candidates(
    tree: Tree, wanted: Leaves, render: Render, differing: set[Path]
) -> Iterator[tuple[Path, Any]]:
    """Other values for places of a tree, each with its path; a path may be that of a section.

    Args:
        tree: a whole values tree.
        wanted: the leaves of the manifest.
        render: renders a tree.
        differing: the leaves in which the tree's render is not what is wanted.
    """
    probe = _Probe(tree, wanted, render, differing)
    sections: dict[Path, list[Place]] = {}
    for place in places(tree):
        if place.choices:
            sections.setdefault(place.path[:-1], []).append(place)
            continue
        current = value_at(tree, place.path)
        for value in _FINDERS[_kind(place)](probe, place):
            if value != current:
                yield place.path, value
    for path, found in sections.items():
        yield from _combinations(tree, path, found)


def _kind(place: Place) -> str:
    return "map" if entries_of(place.schema) is not None else str(place.schema["type"])


def _combinations(tree: Tree, path: Path, found: list[Place]) -> Iterator[tuple[Path, Any]]:
    """All settings of a section's switches, since one may matter only with another."""
    section = value_at(tree, path)
    names = [place.path[-1] for place in found]
    options = [place.choices for place in found]
    every = itertools.islice(itertools.product(*options), _MOST_COMBINATIONS)
    for chosen in every:
        other = {**section, **dict(zip(names, chosen, strict=True))}
        if other != section:
            yield path, other


class _Probe:
    """A tree, and the leaves of the manifest that is wanted."""

    def __init__(self, tree: Tree, wanted: Leaves, render: Render, differing: set[Path]) -> None:
        self.tree, self.wanted = tree, wanted
        self.now = render(tree) or {}
        self._render, self._differing = render, differing

    def changed(self, path: Path, value: Any) -> Leaves | None:
        """The leaves that another value changes or adds; None where it is not accepted."""
        there = self._render(replaced(self.tree, path, value))
        if there is None:
            return None
        return {
            leaf: new
            for leaf, new in there.items()
            if leaf not in self.now or not same(new, self.now[leaf])
        }

    def corrected(self, path: Path, value: Any) -> Leaves | None:
        """As :meth:`changed`, but nothing where every leaf that it affects is right already."""
        found = self.changed(path, value)
        there = self._render(replaced(self.tree, path, value))
        if found is None or there is None:
            return None
        affected = found.keys() | (self.now.keys() - there.keys())
        return found if affected & self._differing else {}

    def accepts(self, path: Path, value: Any) -> bool:
        """Whether the tree may have a value at a path."""
        return self._render(replaced(self.tree, path, value)) is not None


def _texts(probe: _Probe, place: Place) -> Iterator[str]:
    changed: Leaves | None = None
    for marker in _MARKERS:
        if (changed := probe.corrected(place.path, marker)) is not None:
            break
    found: dict[str, None] = {}
    for leaf, value in (changed or {}).items():
        if isinstance(value, str) and marker in value:
            text = _inside(probe.wanted.get(leaf), *_around(value, marker))
            found |= {text: None} if text is not None else {}
        elif marker in leaf:
            at = leaf.index(marker)
            found |= {
                other[at]: None
                for other in probe.wanted
                if len(other) > at and other[:at] == leaf[:at] and other not in probe.now
            }
    if changed and not place.schema.get("minLength"):
        found[""] = None
    yield from found


def _around(text: str, marker: str) -> tuple[str, str]:
    before, _, after = text.partition(marker)
    return before, after


def _inside(value: Any, before: str, after: str) -> str | None:
    """What a text has between two others; None where it does not have these."""
    if not isinstance(value, str) or len(value) < len(before) + len(after):
        return None
    fits = value.startswith(before) and value.endswith(after)
    return value[len(before) : len(value) - len(after)] if fits else None


def _integers(probe: _Probe, place: Place) -> Iterator[int]:
    current: int = value_at(probe.tree, place.path)
    step = 1 if current < place.schema["maximum"] else -1
    changed = probe.corrected(place.path, current + step) or {}
    found: dict[int, None] = {}
    for leaf, new in changed.items():
        numbers = _numbers(probe.now.get(leaf), new, probe.wanted.get(leaf))
        for before, after, wanted in numbers:
            if before is None:
                found |= {wanted: None} if after == current + step else {}
            elif after != before and (wanted - before) * step % (after - before) == 0:
                # A number that grows with the value, perhaps by a factor.
                found[int(current + (wanted - before) * step // (after - before))] = None
    if changed:
        found[place.schema["minimum"]] = None
    yield from found


def _numbers(before: Any, after: Any, wanted: Any) -> Iterator[tuple[int | None, int, int]]:
    """The numbers of three leaves with the same words around them; ``before`` may be missing."""
    one, other, third = (_parts(each) for each in (before, after, wanted))
    if other is None or third is None or other[::2] != third[::2]:
        return
    if one is not None and one[::2] != other[::2]:
        return
    for at in range(1, len(other), 2):
        yield (int(one[at]) if one else None), int(other[at]), int(third[at])


def _parts(value: Any) -> list[str] | None:
    """A leaf as words and numbers in turn; None where it is no number and no text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return _NUMBER.split(str(value))


def _lists(probe: _Probe, place: Place) -> Iterator[list[Any]]:
    whole = place.schema["items"].get("type") == "integer"
    pairs = [(7919, 7920)] if whole else [(f"{each}a", f"{each}b") for each in _MARKERS]
    changed: Leaves | None = None
    for one, other in pairs:
        if (changed := probe.changed(place.path, [one, other])) is not None:
            break
    marker = str(one)
    for leaf, value in (changed or {}).items():
        keys = tuple(_free(key, marker) for key in leaf)
        fitting = [other for other in probe.wanted if _fits(other, keys)]
        if marker in leaf:
            yield [other[leaf.index(marker)] for other in fitting]
        elif value == one:
            yield [probe.wanted[other] for other in fitting]
        elif isinstance(value, str) and marker in value:
            texts = (_inside(probe.wanted[other], *_around(value, marker)) for other in fitting)
            yield [text for text in texts if text is not None]


def _free(key: str, marker: str) -> str | None:
    return None if key == marker or _INDEX.fullmatch(key) else key


def _fits(leaf: Path, keys: tuple[str | None, ...]) -> bool:
    return len(leaf) == len(keys) and all(
        free is None or key == free for key, free in zip(leaf, keys, strict=True)
    )


def _maps(probe: _Probe, place: Place) -> Iterator[Tree]:
    entry = entries_of(place.schema) or {}
    current: Tree = value_at(probe.tree, place.path)
    found: Tree = {}
    for marker in _entry_markers(entry):
        tried = ((key, probe.changed(place.path, {**current, key: marker})) for key in _KEYS)
        name, changed = next((each for each in tried if each[1] is not None), ("", {}))
        for stem in {leaf[: leaf.index(name)]: None for leaf in changed or () if name in leaf}:
            made = tree_of(_below(changed or {}, (*stem, name)))
            keys = [key for key in _keys(probe.wanted, stem) if key not in found]
            for key in keys:
                # What another value makes there, or may make there, is no entry of this map.
                others = key not in current and _below(probe.now, (*stem, key))
                if others or key in _OWNED.get(place.path, ()):
                    continue
                if "properties" in entry:
                    found[key] = current.get(key, marker)
                    continue
                where = _place_of(made, marker)
                value = None if where is None else tree_at(probe.wanted, (*stem, key, *where))
                if value is not None and probe.accepts(place.path, {**current, key: value}):
                    found[key] = value
    always = {key: current[key] for key in place.schema.get("properties", ()) if key in current}
    yield {**always, **found}


def _entry_markers(entry: Schema) -> Iterator[Any]:
    """Entries of each form that a map takes: one of some words, text, a section, free fields."""
    if "properties" in entry:
        yield sample(entry)
        return
    for branch in [entry, *entry.get("anyOf", ()), *entry.get("oneOf", ())]:
        branch = resolved(branch)
        if "enum" in branch:
            yield branch["enum"][0]
        elif "properties" in branch:
            yield sample(branch)
    yield from ("zzq", {"zzf": "zzq"})


def _keys(leaves: Leaves, stem: Path) -> dict[str, None]:
    size = len(stem)
    return {leaf[size]: None for leaf in leaves if len(leaf) > size and leaf[:size] == stem}


def _below(leaves: Leaves, path: Path) -> Leaves:
    size = len(path)
    return {leaf[size:]: value for leaf, value in leaves.items() if leaf[:size] == path}


def _place_of(tree: Any, marker: Any) -> Path | None:
    """Where in a tree a marker is; None where it is nowhere."""
    if tree == marker:
        return ()
    if isinstance(tree, dict):
        for key, each in tree.items():
            if (below := _place_of(each, marker)) is not None:
                return (key, *below)
    return None


def tree_at(leaves: Leaves, path: Path) -> Any:
    """What leaves have at a path, as a tree; None where they have nothing there."""
    return tree_of(_below(leaves, path))


def tree_of(found: Leaves) -> Any:
    """Leaves as a tree again; None where there are none."""
    if not found:
        return None
    if () in found:
        return found[()]
    below: dict[str, Leaves] = {}
    for path, value in found.items():
        below.setdefault(path[0], {})[path[1:]] = value
    parts = {key: tree_of(each) for key, each in below.items()}
    return list(parts.values()) if all(map(_INDEX.fullmatch, parts)) else parts


_FINDERS: dict[str, Callable[[_Probe, Place], Iterator[Any]]] = {
    "array": _lists,
    "integer": _integers,
    "map": _maps,
    "string": _texts,
}
