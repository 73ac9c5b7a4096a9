"""From the objects of a manifest to values: a profile, what differs from it, and what is left."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..cluster.diff import Change, label
from ..errors import DeployError, ValuesError
from ..manifest.render import Release, by_template
from ..values import yaml as yamlio
from ..values.commented import commented
from ..values.loading import load
from ..values.merge import plain_data
from ..values.profiles import profile_names
from ..values.secrets import masked
from ..values.tree import Values
from .candidates import tree_at
from .inversion import Wanted, differing, rendered, solved, wanted
from .leaves import Leaves, Object, Path, items
from .script import shown

Tree = dict[str, Any]
SERVICE = "LLMInferenceService"
UNSEEN = ("model.quantization", "npu.card")
"""Values that ``check`` and ``plan`` follow and that no object carries."""


@dataclass(frozen=True)
class Imported:
    """A manifest as values.

    Attributes:
        profile: the profile over which the values are merged; ``""`` is the defaults.
        overlay: the values that differ from the profile; null omits an entry.
        values: all of them.
        release: the namespace that the manifest is for.
        changes: what the values cannot express: the field, what the manifest has there, and what
            the render has; None is nothing. Empty where the render equals the manifest.
    """

    profile: str
    overlay: Tree
    values: Values
    release: Release
    changes: tuple[Change, ...]


def read(text: str | bytes, source: str) -> list[Tree]:
    """The objects in YAML text; those of a ``List`` are objects of their own.

    Raises:
        ValuesError: the YAML cannot be read, or a document is no Kubernetes object.
    """
    found = list(items(yamlio.read_all(text, source)))
    for item in found:
        meta = item.get("metadata")
        meta = meta if isinstance(meta, Mapping) else {}
        texts = [item.get("apiVersion"), item.get("kind"), meta.get("name")]
        if not all(isinstance(each, str) for each in (*texts, meta.get("namespace") or "")):
            message = "must be a Kubernetes object, with apiVersion, kind and metadata.name"
            raise ValuesError.of(source, "", message)
    return [dict(item) for item in found]


def imported(
    objects: Iterable[Object], namespace: str | None = None, optional: Iterable[Object] = ()
) -> Imported:
    """Objects as values: those of the nearest profile, and what differs.

    Args:
        objects: one LLMInferenceService, and objects that belong to it.
        namespace: of the objects that name none; None is the service's own, or ``demo``.
        optional: the same objects without what the API server sets by itself.

    Raises:
        DeployError: there is no service, or there are several, or its namespace is another one.
    """
    release, placed = _placed(list(objects), namespace)
    fewer = _placed(list(optional), release.namespace)[1] if optional else placed
    aim = _aim(placed, fewer, release)
    profiles = {name: _tree(load(profile=name)) for name in profile_names()}
    nearest = sorted(profiles, key=lambda name: _distance(profiles[name], aim))
    tree = solved(profiles[nearest[0]], aim)
    if own := _named_otherwise(tree, aim, placed):
        # They may be the user's own, although a template makes their kind.
        other_aim = _aim(placed, fewer, release, own)
        other = solved(profiles[nearest[0]], other_aim)
        if _distance(other, other_aim) < _distance(tree, aim):
            tree, aim = other, other_aim
    extra = dict.fromkeys(tree["extraObjects"], _NO_PARTS)
    for profile in (*nearest, ""):
        base = profiles.get(profile) or _tree(Values())
        overlay = _overlay(tree, {**base, "extraObjects": {**extra, **base["extraObjects"]}})
        values = _accepted(overlay, profile)
        if values and rendered(_tree(values), release) == rendered(tree, release):
            return Imported(profile, overlay, values, release, tuple(_changes(tree, aim, placed)))
    raise AssertionError  # null takes every default away


def _aim(
    objects: list[Object], fewer: list[Object], release: Release, own: Container[str] = ()
) -> Wanted:
    """What is wanted, the fields of which are optional that fewer objects do not have."""
    kept, aim = wanted(fewer, release, own), wanted(objects, release, own)
    optional = frozenset(aim.leaves.keys() - kept.leaves.keys())
    return replace(aim, optional=optional, extra=kept.extra)


def _named_otherwise(tree: Tree, aim: Wanted, objects: list[Object]) -> set[str]:
    """The labels of objects whose template makes none, or one of another name."""
    made, name = rendered(tree, aim.release) or {}, ("metadata", "name")
    found = {
        (aim.leaves[template, "kind"], aim.leaves[template, *name])
        for template in {path[0] for path in aim.leaves}
        if made.get((template, *name)) != aim.leaves[template, *name]
    }
    return {
        label(item)
        for item in objects
        if (item["kind"], item["metadata"]["name"]) in found
        and not item["kind"].startswith(SERVICE)
    }


def _placed(objects: list[Object], namespace: str | None) -> tuple[Release, list[Object]]:
    """Where the service is, and the objects with the namespace that they are in."""
    services = [item for item in objects if item["kind"] == SERVICE]
    if not services:
        raise DeployError(_no_service(objects))
    if len(services) > 1:
        found = ", ".join(map(label, services))
        raise DeployError(f"only one {SERVICE} can be imported at a time; pass one of {found}")
    own = services[0]["metadata"].get("namespace")
    if own and namespace and own != namespace:
        raise DeployError(
            f"{label(services[0])} is not in namespace {namespace}; omit -n, or pass its namespace"
        )
    labels = services[0]["metadata"].get("labels") or {}
    by_helm = "helm.sh/chart" in labels and labels.get("app.kubernetes.io/managed-by") == "Helm"
    tool = {"service": "Helm"} if by_helm else {}
    release = Release(namespace=own or namespace or Release().namespace, **tool)
    return release, [
        {**item, "metadata": {"namespace": release.namespace, **item["metadata"]}}
        for item in objects
    ]


_WORKLOADS = ("Deployment", "StatefulSet", "LeaderWorkerSet", "Pod", "Job", "InferenceService")
_SOURCES = ("Application", "HelmRelease", "Kustomization")


def _no_service(objects: list[Object]) -> str:
    """What was found instead of a service, and how to fix it."""
    kinds = {item["kind"] for item in objects}
    found = ", ".join(map(label, objects[:_NAMED])) or "no object"
    more = f" and {len(objects) - _NAMED} more" if len(objects) > _NAMED else ""
    advice = "pass the manifest of the service, or --from-cluster NAME"
    if kinds.intersection(_WORKLOADS):
        advice = (
            "other kinds have no router and no KServe fields to compare. Start with the profile of "
            "your cards (`dsv4deploy profiles --hardware CARD`), and copy the image to "
            "engine.image, the flags of `vllm serve` to engine.args, and the variables to "
            "engine.env"
        )
    elif kinds.intersection(_SOURCES):
        advice = "render it with `helm template` or `kubectl kustomize`, and pass the result"
    elif f"{SERVICE}Config" in kinds:
        advice = f"also pass the manifest of the {SERVICE} that refers to it"
    return f"the input contains no {SERVICE}, but {found}{more}; {advice}"


_NAMED = 5
"""How many objects a message names."""


def _tree(values: Values) -> Tree:
    tree: Tree = plain_data(values.model_dump(by_alias=True))
    return tree


def _distance(tree: Tree, aim: Wanted) -> int:
    return len(differing(rendered(tree, aim.release) or {}, aim))


_NO_PARTS: Tree = {"apiVersion": "", "kind": "", "labels": {}, "annotations": {}, "fields": {}}
"""An object of ``extraObjects`` before anything is set."""


def _overlay(tree: Tree, base: Tree) -> Tree:
    """The values file that turns one tree into another when merged over it; null removes."""
    found: Tree = {}
    for key in [*base, *sorted(tree.keys() - base.keys())]:
        one, other = tree.get(key), base.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            if below := _overlay(one, other):
                found[key] = below
        elif json.dumps(one) != json.dumps(other):
            found[key] = one
    return found


def _accepted(overlay: Tree, profile: str) -> Values | None:
    try:
        return load(overlay, profile=profile)
    except ValuesError:
        return None


def _changes(tree: Tree, aim: Wanted, objects: list[Object]) -> Iterable[Change]:
    """What differs, a whole object or the topmost field that only one side has."""
    ours = rendered(tree, aim.release) or {}
    names = _labels(tree, aim, objects)
    one_sided = [_prefixes(aim.leaves), _prefixes(ours)]
    done: set[Path] = set()
    for leaf in sorted(differing(ours, aim)):
        missing = [leaf not in each for each in (aim.leaves, ours)]
        place = leaf
        for absent, there in zip(missing, one_sided, strict=True):
            if absent:
                heads = (leaf[:at] for at in range(1, len(leaf)))
                place = next((head for head in heads if head not in there), leaf)
        if place in done:
            continue
        done.add(place)
        before, after = (_at(each, place) for each in (aim.leaves, ours))
        if len(place) == 1:
            before, after = before and "the object", after and "the object"
        yield Change(names[place[0]], _dotted(place[1:]), before, after)
    for item in aim.others:
        yield Change(label(item), "", "the object", None)


def _labels(tree: Tree, aim: Wanted, objects: list[Object]) -> dict[str, str]:
    """``Kind namespace/name`` of each template's object, as the manifest has it."""
    made = by_template(Values.model_validate(tree, by_alias=True, by_name=False), aim.release)
    found = {name: label(yamlio.parse(text)[0]) for name, text in made.items()}
    for leaf in aim.leaves:
        name = leaf[0]
        meta = {key: aim.leaves.get((name, "metadata", key)) for key in ("name", "namespace")}
        found[name] = label({"kind": aim.leaves[name, "kind"], "metadata": meta})
    return found


def _prefixes(leaves: Leaves) -> set[Path]:
    return {leaf[:at] for leaf in leaves for at in range(1, len(leaf) + 1)}


def _at(leaves: Leaves, place: Path) -> Any:
    """What leaves have at a place, for a message; None for nothing."""
    tree = tree_at(leaves, place)
    return _readable(masked(tree, *place)) if tree else tree


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _readable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    return shown(value) if isinstance(value, str) else value


def _dotted(path: Path) -> str:
    return ".".join(path).replace(".[", "[")


def values_file(found: Imported) -> str:
    """The values that differ, as a values file with what each means."""
    where = f"--profile {found.profile} " if found.profile else ""
    lines = [
        "# Differences between a running manifest and the "
        + (f"profile {found.profile}." if found.profile else "defaults."),
        f"# dsv4deploy render THIS-FILE {where}-n {found.release.namespace}",
        "",
        *commented(found.overlay),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"
