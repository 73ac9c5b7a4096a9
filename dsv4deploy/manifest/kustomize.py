"""Kustomize: one base, and for each cluster an overlay that turns it into that cluster's manifest.

An overlay is the difference between two renders, written as plain kustomize: ``images`` for
images, JSON patches for everything else (a strategic merge patch on a custom resource replaces
lists whole unless kustomize knows its schema: the base brings that schema for patches written by
hand). What stands inside the engine's script can't be patched: such a cluster needs a base of its
own.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..errors import OverlayError
from ..values import yaml as yamlio
from ..values.tree import Values
from .render import Release, documents
from .render import render as render_objects

Objects = Sequence[Mapping[str, Any]]
Operation = dict[str, Any]
_KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_SCRIPT = re.compile(r"/spec/(template|worker)/(initContainers|containers)/\d+/args/\d+")


def base(manifest: str) -> dict[str, str]:
    """The files of a base, by their names.

    Args:
        manifest: the rendered manifest that every overlay starts from.
    """
    kustomization = {
        **_KUSTOMIZATION,
        "resources": ["manifest.yaml"],
        "openapi": {"path": "openapi.json"},
    }
    return {
        "kustomization.yaml": _text([kustomization]),
        "manifest.yaml": manifest,
        "openapi.json": _openapi(),
    }


def overlay(before: Objects, after: Objects, to_base: str) -> dict[str, str]:
    """The files of one cluster's overlay, by their names.

    Args:
        before: the base's objects.
        after: the cluster's objects, rendered from its values.
        to_base: the base's folder as seen from the overlay's.

    Raises:
        OverlayError: the engine's script differs, which no patch can change.
    """
    old, new = _by_kind(before), _by_kind(after)
    images: dict[str, dict[str, str]] = {}
    patches: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for kind, item in old.items():
        target = {"kind": kind, "name": item["metadata"]["name"]}
        if kind not in new:
            patch = {"kind": kind, **_identity(item), "$patch": "delete"}
            patches.append({"target": target, "patch": _text([patch])})
            continue
        operations = []
        for operation in _difference(item, new[kind], ""):
            image = _image(item, operation)
            if image:
                images[image["name"]] = image
            elif _SCRIPT.fullmatch(operation["path"]):
                raise OverlayError(
                    f"{kind} {item['metadata']['name']}: the engine's script differs from the "
                    "base's, and no patch can change a flag in it: give the values that set it "
                    "with --base too, and this base of its own another folder"
                )
            else:
                operations.append(operation)
        if operations:
            name = f"{kind.lower()}.yaml"
            files[name] = yamlio.write_list(operations)
            patches.append({"target": target, "path": name, "options": {"allowNameChange": True}})
    added = [new[kind] for kind in new if kind not in old]
    kustomization: dict[str, Any] = {**_KUSTOMIZATION, "resources": [to_base]}
    if added:
        files["added.yaml"] = yamlio.write(added)
        kustomization["resources"].append("added.yaml")
    # kustomize reads no file above the folder, so each has a copy.
    kustomization["openapi"] = {"path": "openapi.json"}
    files["openapi.json"] = _openapi()
    if images:
        kustomization["images"] = [images[name] for name in sorted(images)]
    if patches:
        kustomization["patches"] = patches
    return {"kustomization.yaml": _text([kustomization]), **files}


def relative(cluster: str) -> str:
    """The base's folder as seen from ``overlays/<cluster>``."""
    return posixpath.relpath("base", PurePosixPath("overlays") / cluster)


def _text(items: Sequence[Mapping[str, Any]]) -> str:
    return yamlio.write(items).removeprefix("---\n")


def _identity(item: Mapping[str, Any]) -> dict[str, Any]:
    meta = item["metadata"]
    return {
        "apiVersion": item["apiVersion"],
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
    }


def _by_kind(objects: Objects) -> dict[str, Mapping[str, Any]]:
    """A manifest has one object of each kind, so that the kind finds its counterpart."""
    return {str(item["kind"]): item for item in objects}


def _difference(old: Any, new: Any, path: str) -> Iterator[Operation]:
    """JSON patch operations (RFC 6902) that turn one value into another."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in old:
            below = f"{path}/{_escaped(key)}"
            if key in new:
                yield from _difference(old[key], new[key], below)
            else:
                yield {"op": "remove", "path": below}
        for key in new:
            if key not in old:
                yield {"op": "add", "path": f"{path}/{_escaped(key)}", "value": new[key]}
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _difference(one, other, f"{path}/{index}")
    elif old != new:
        yield {"op": "replace", "path": path, "value": new}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _image(item: Mapping[str, Any], operation: Operation) -> dict[str, str]:
    """The ``images`` entry of an operation that replaces a container's image, or ``{}``."""
    if operation["op"] != "replace" or not operation["path"].endswith("/image"):
        return {}
    place: Any = item
    for key in operation["path"].split("/")[1:]:
        place = place[int(key)] if isinstance(place, list) else place[key]
    old, new = _parts(str(place)), _parts(operation["value"])
    entry = {"name": old["newName"]}
    return entry | {key: value for key, value in new.items() if value}


def _parts(image: str) -> dict[str, str]:
    """A reference in kustomize's words."""
    rest, _, digest = image.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    return {"newName": name, "newTag": tag, "digest": digest}


def _openapi() -> str:
    """The keys by which kustomize merges lists in these custom resources instead of replacing."""

    def merged(key: str, items: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            "type": "array",
            "items": items or {"type": "object"},
            "x-kubernetes-patch-merge-key": key,
            "x-kubernetes-patch-strategy": "merge",
        }

    def section(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties}

    containers = merged(
        "name",
        section(
            env=merged("name"), ports=merged("containerPort"), volumeMounts=merged("mountPath")
        ),
    )
    pod = section(
        containers=containers,
        initContainers=containers,
        volumes=merged("name"),
        imagePullSecrets=merged("name"),
    )
    spec = section(
        template=pod,
        worker=pod,
        baseRefs=merged("name"),
        router=section(scheduler=section(template=pod)),
    )
    kinds = ("LLMInferenceService", "LLMInferenceServiceConfig")
    document = {
        "definitions": {
            f"io.kserve.serving.v1alpha2.{kind}": {
                **section(
                    apiVersion={"type": "string"},
                    kind={"type": "string"},
                    metadata={"type": "object"},
                    spec=spec,
                ),
                "x-kubernetes-group-version-kind": [
                    {"group": "serving.kserve.io", "version": "v1alpha2", "kind": kind}
                ],
            }
            for kind in kinds
        }
    }
    return json.dumps(document, indent=2) + "\n"


def files(
    base_values: Values, base_release: Release, values: Values, release: Release, cluster: str
) -> dict[str, str]:
    """A base and one cluster's overlay, by their paths: ``base/…`` and ``overlays/<cluster>/…``.

    Args:
        base_values: the values of the base.
        base_release: its namespace.
        values: the cluster's values.
        release: the cluster's namespace.
        cluster: its name; a ``/`` in it makes folders.

    Raises:
        OverlayError: the cluster's name is no path of plain words, or its script differs.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*", cluster):
        raise OverlayError(f"the cluster's name must be plain words with / between them: {cluster}")
    before = render_objects(base_values, base_release)
    after = render_objects(values, release)
    below = overlay(before, after, relative(cluster))
    manifest = "".join(documents(base_values, base_release))
    return {
        **{f"base/{name}": text for name, text in base(manifest).items()},
        **{f"overlays/{cluster}/{name}": text for name, text in below.items()},
    }
