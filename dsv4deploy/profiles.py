"""The shipped profiles: values files whose every line names its source.

A profile is an ordinary values file. Its comments are part of it: the first sentence says what
it is, ``Provenance:`` who has run it (``validated``: somebody published measurements;
``upstream``: a documented configuration), ``Sources:`` what its tags such as ``[A]`` mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .loading import load, profile_path


def summary(name: str) -> dict[str, Any]:
    """A profile's name, provenance, number of NPUs an instance takes, and first sentence."""
    header = _header(name)
    provenance = re.search(r"^Provenance: (\w+)$", header, re.MULTILINE)
    values = load(profile=name)
    sentence = " ".join(header.split("\n\n", 1)[0].split())
    return {
        "name": name,
        "provenance": provenance.group(1) if provenance else "",
        "npus": values.parallelism.tensor * values.parallelism.data,
        "summary": sentence.split(". ", 1)[0].rstrip("."),
    }


def sources(name: str) -> dict[str, str]:
    """What a profile's source tags mean."""
    found = re.findall(
        r"^  \[(\w+)\] (.*(?:\n   .*)*)", _header(name).partition("Sources:\n")[2], re.MULTILINE
    )
    return {tag: " ".join(text.split()) for tag, text in found}


def entries(name: str) -> list[dict[str, Any]]:
    """Each value that a profile sets, with the tags and words of its source."""
    from ruamel.yaml import YAML

    with profile_path(name).open(encoding="utf-8") as file:
        tree = YAML().load(file)
    return [
        {"path": ".".join(path), "value": value, "source": comment}
        for path, value, comment in _leaves(tree, ())
    ]


def _leaves(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            tokens = tree.ca.items.get(key) or []
            comment = next((token.value for token in tokens if token), "")
            yield (*path, key), value, comment.split("\n")[0].removeprefix("#").strip()


def _header(name: str) -> str:
    """The comment at the head of a profile, without its marks."""
    lines = []
    for line in profile_path(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)
