"""The published manifests, as they really ran, and the renders of their profiles: leaf by leaf.

The manifests are not part of this repository: they are expected in ``shared/data/published`` beside
it, or in the folder that ``DSV4DEPLOY_PUBLISHED`` names. Without them the tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Release, load, render

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared" / "data" / "published"
PUBLISHED = Path(os.environ.get("DSV4DEPLOY_PUBLISHED", BESIDE))

SERVICE_LINKS = (
    "a Service named vllm in the namespace would set VLLM_PORT to an address, at which vLLM stops"
)
PROBE = "the same test of the process without a shell between"
WAITING = "the same look-up of the leader, as often, without lines of progress"
LINKED = "the modelcar container links the weights up to a second after the engine starts"
SET_UP = "the configuration is not printed to the log"
REGISTRY = "a name that the values accept in the place of <your-registry>"

# By profile: the leaves in which a render differs from what was published, and why.
OURS: dict[str, dict[str, str]] = {
    "ascend-910b4-8-w4a8": {
        "spec.template.enableServiceLinks": SERVICE_LINKS,
        "spec.template.containers.main.args.0.waits": LINKED,
    },
    "ascend-910b3-16-w8a8": {
        "spec.model.uri": REGISTRY,
        **{
            f"spec.{pod}.{leaf}": reason
            for pod in ("template", "worker")
            for leaf, reason in {
                "enableServiceLinks": SERVICE_LINKS,
                "containers.main.args.0.leader": WAITING,
                "containers.main.args.0.waits": LINKED,
                "initContainers.mooncake-config-init.args.0.prints": SET_UP,
            }.items()
        },
        **{
            f"spec.worker.containers.main.{probe}.exec.command.{place}": PROBE
            for probe in ("startupProbe", "livenessProbe")
            for place in range(3)
        },
    },
}
FILES = {
    "ascend-910b4-8-w4a8": "deepseek-v4-flash-w4a8-agg-base-llmisvc.yaml",
    "ascend-910b3-16-w8a8": "deepseek-v4-flash-w8a8-agg-mc-kv-llmisvc.yaml",
}


def value_of(word: str) -> Any:
    """A word of a command line: JSON and numbers as data."""
    try:
        return json.loads(word)
    except ValueError:
        return word


def flags(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        if word.startswith("--"):
            found[word] = True
            last = word
        else:
            found[last] = value_of(word)
    return found


def server(text: str) -> dict[str, Any]:
    """The script of an engine as data: options, sourced files, variables, flags, the look-up."""
    start, _, command = re.sub(r"(^| +)#.*", "", text, flags=re.MULTILINE).partition("\nexec ")
    words = shlex.split(command.replace("\\\n", " "))
    first = next(place for place, word in enumerate(words) if word.startswith("--"))
    given = flags(words[first:])
    # Each script has its own variable for the address of the leader.
    if "--data-parallel-address" in given:
        assert re.fullmatch(r"\$\{.+\}", given["--data-parallel-address"])
        given["--data-parallel-address"] = "the leader's"
    positional = words[:first] if "serve" in words else [*words[:first], "serve"]
    lines = [line.strip() for line in start.splitlines()]
    library = re.search(r"LD_LIBRARY_PATH=\"?(/[^:]+):", start)
    return {
        "set": [line for line in lines if line.startswith("set ")],
        "source": [line for line in lines if line.startswith("source ")],
        "library": library and library[1],
        "command": positional,
        "flags": given,
        "waits": "until [ -e /mnt/models ]" in start,
        "leader": [line for line in lines if "getent" in line],
    }


def picker(text: str) -> Any:
    return yaml.safe_load(text)


def set_up(text: str) -> dict[str, Any]:
    """The script of the store's init container as data."""
    (document,) = re.findall(r"<<(?:EOF|END)\n(.*?)\n(?:EOF|END)\n", text, re.DOTALL)
    return {
        "stops": text.startswith("set -e\n"),
        "file": json.loads(document),
        "prints": "cat /app" in text.partition(document)[2],
    }


def as_data(path: str, value: Any) -> Any:
    if not isinstance(value, str) or "\n" not in value:
        return value
    if "mooncake-config-init" in path:
        return set_up(value)
    return picker(value) if "scheduler" in path else server(value)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    tree = as_data(path, tree)
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and tree:
        for place, value in enumerate(tree):
            key = value["name"] if isinstance(value, dict) and "name" in value else place
            yield from leaves(value, f"{path}.{key}")
    else:
        yield path, tree


def by_kind(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["kind"]: dict(leaves(item)) for item in objects}


@pytest.mark.parametrize("profile", FILES)
def test_a_render_is_the_published_manifest_but_for_what_is_listed(profile: str) -> None:
    file = PUBLISHED / FILES[profile]
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    published = [item for item in yaml.safe_load_all(file.read_text("utf-8")) if item]
    ours = by_kind(render(load(profile=profile), Release(namespace="demo")))
    theirs = by_kind(published)
    assert ours.keys() == theirs.keys()
    different = {
        path
        for kind in ours
        for path in ours[kind].keys() | theirs[kind].keys()
        if ours[kind].get(path) != theirs[kind].get(path)
    }
    assert len(ours["LLMInferenceService"]) > 60
    named = {re.sub(r"(\.leader)\.\d+$", r"\1", path) for path in different}
    assert named == OURS[profile].keys()
