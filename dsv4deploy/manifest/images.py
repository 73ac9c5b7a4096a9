"""Every image of a deployment, the ModelCar included, and a site's own registry for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ValuesError
from ..facts.builds import tag_of
from ..findings import Finding, Severity
from ..values.tree import Values

OCI = "oci://"


def references(values: Values) -> dict[str, str]:
    """The images by the path of the value that names each; a ModelCar without its ``oci://``."""
    found = {
        "engine.image": values.engine.image,
        "router.image": values.router.image,
        "test.image": values.test.image,
    }
    if values.model.uri.startswith(OCI):
        found["model.uri"] = values.model.uri.removeprefix(OCI)
    more = {
        "extraContainers": values.engine.extra_containers,
        "extraInitContainers": values.engine.extra_init_containers,
    }
    for key, containers in more.items():
        for name, container in containers.items():
            if isinstance(image := container.get("image"), str):
                found[f"engine.{key}.{name}.image"] = image
    return found


def mapped(values: Values, registries: Mapping[str, str]) -> dict[str, str]:
    """The images by value path, each moved to the registry that stands for its own.

    Args:
        values: a deployment's values.
        registries: by the beginning of a reference (``quay.io``, ``quay.io/ascend``) what it
            becomes (``registry.site.example/quay``). The longest fitting beginning counts.

    Raises:
        ValuesError: images come from registries that have no mapping; it names each.
    """
    moved: dict[str, str] = {}
    problems = []
    for path, reference in references(values).items():
        full = _full(reference)
        fitting = [begin for begin in registries if full.startswith(f"{begin}/")]
        if not fitting:
            message = f"{reference}: no --registry-map covers {registry(reference)}"
            problems.append(Finding("", Severity.ERROR, path, message, source="images"))
            continue
        begin = max(fitting, key=len)
        moved[path] = registries[begin] + full.removeprefix(begin)
    if problems:
        raise ValuesError(problems)
    return moved


def as_values(images: Mapping[str, str]) -> dict[str, Any]:
    """A values tree that names these images, for ``helm -f`` and ``dsv4deploy`` alike."""
    tree: dict[str, Any] = {}
    for path, reference in images.items():
        *sections, key = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = f"{OCI}{reference}" if path == "model.uri" else reference
    return tree


def copied(reference: str, target: str) -> list[str]:
    """The command that copies an image, with all its platforms and the same digest.

    skopeo rejects a reference that has both a tag and a digest (skopeo issue 2367), so the source
    has the digest, and the target the tag.
    """
    name, _, digest = reference.partition("@")
    if not digest:
        return ["skopeo", "copy", "--all", f"docker://{reference}", f"docker://{target}"]
    source = f"{name.removesuffix(f':{tag_of(name)}')}@{digest}"
    target = target.partition("@")[0] if tag_of(target) else target
    options = ["--all", "--preserve-digests"]
    return ["skopeo", "copy", *options, f"docker://{source}", f"docker://{target}"]


def registry(reference: str) -> str:
    """The registry that holds an image, such as ``quay.io``."""
    return _full(reference).split("/")[0]


def _full(reference: str) -> str:
    """A reference with its registry: ``library/python`` is in docker.io."""
    first = reference.split("/")[0]
    named = "/" in reference and ("." in first or ":" in first or first == "localhost")
    return reference if named else f"docker.io/{reference}"
