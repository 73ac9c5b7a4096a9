"""Kustomize: one base, and for each cluster an overlay that turns it into that cluster's manifest.

An overlay is the difference between two renders, written as plain kustomize: a JSON patch for each
object. A strategic merge patch on a custom resource replaces lists whole unless kustomize knows its
schema, which the base brings for patches written by hand. kustomize's ``images`` go by name and
change every container that has the image. No patch can change a part of the engine's script: a
cluster with another script needs a base of its own.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from ..errors import OverlayError
from ..values import yaml as yamlio
from ..values.tree import Values
from .render import Release, by_template

Objects = Mapping[str, Mapping[str, Any]]
"""Objects by the template that each comes from, which pairs a cluster's with the base's."""
Operation = dict[str, Any]
_KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_SCRIPTED = ("main", "mooncake-config-init")
"""The containers whose arguments are a script of this package."""


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
    patches: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for template, item in before.items():
        target = {"kind": item["kind"], "name": item["metadata"]["name"]}
        if template not in after:
            patches.append({"target": target, "patch": _text([_deletion(item)])})
            continue
        operations = list(_difference(item, after[template], ""))
        if _scripts(item) != _scripts(after[template]):
            raise OverlayError(
                f"{item['kind']} {item['metadata']['name']}: the engine's script differs from "
                "the base's, and a patch cannot change a flag in the script; also pass the values "
                "that set the flag with --base, and write this separate base to another folder"
            )
        if operations:
            files[f"{template}.yaml"] = yamlio.write_list(operations)
            options = {"allowNameChange": True}
            patches.append({"target": target, "path": f"{template}.yaml", "options": options})
    added = [after[template] for template in after if template not in before]
    kustomization: dict[str, Any] = {**_KUSTOMIZATION, "resources": [to_base]}
    if added:
        files["added.yaml"] = yamlio.write(added)
        kustomization["resources"].append("added.yaml")
    # kustomize reads no file above the folder, so each has a copy.
    kustomization["openapi"] = {"path": "openapi.json"}
    files["openapi.json"] = _openapi()
    if patches:
        kustomization["patches"] = patches
    return {"kustomization.yaml": _text([kustomization]), **files}


def relative(cluster: str) -> str:
    """The base's folder as seen from ``overlays/<cluster>``."""
    return posixpath.relpath("base", PurePosixPath("overlays") / cluster)


def _text(items: Sequence[Mapping[str, Any]]) -> str:
    return yamlio.write(items).removeprefix("---\n")


def _scripts(item: Mapping[str, Any]) -> list[Any]:
    """The scripts of an LLMInferenceService's pods."""
    if item["kind"] != "LLMInferenceService":
        return []
    pods = [item["spec"][pod] for pod in ("template", "worker") if pod in item["spec"]]
    lists = [pod.get(key, ()) for pod in pods for key in ("initContainers", "containers")]
    return [each["args"] for each in chain(*lists) if each["name"] in _SCRIPTED]


def _deletion(item: Mapping[str, Any]) -> dict[str, Any]:
    meta = {key: item["metadata"][key] for key in ("name", "namespace")}
    named = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta}
    return {**named, "$patch": "delete"}


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


def _parsed(texts: Mapping[str, str]) -> Objects:
    return {template: yamlio.parse(text)[0] for template, text in texts.items()}


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
        raise OverlayError(
            f"--cluster {cluster!r}: must consist of letters, digits, '.', '_' and '-', with '/' "
            "between folders"
        )
    before, after = by_template(base_values, base_release), by_template(values, release)
    below = overlay(_parsed(before), _parsed(after), relative(cluster))
    return {
        **{f"base/{name}": text for name, text in base("".join(before.values())).items()},
        **{f"overlays/{cluster}/{name}": text for name, text in below.items()},
    }
