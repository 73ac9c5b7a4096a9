"""The shipped profiles: values files whose every line names its source.

A profile is an ordinary values file. Its comments are part of it: the first sentence says what
it is, ``Hardware:`` the cards it is for, ``Provenance:`` who has run it (``validated``: somebody
published measurements; ``upstream``: a documented configuration), ``Sources:`` what its tags such
as ``[A]`` mean, ``Kept:`` why it keeps what a rule warns of, by the rule's code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ValuesError, nearest


def _directory() -> Path:
    """Where the shipped profiles are: beside the package in a checkout, in it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(path.stem for path in _directory().glob("*.yaml"))


def profile_path(name: str) -> Path:
    """The values file of a shipped profile.

    Raises:
        ValuesError: there is none of that name.
    """
    names = profile_names()
    if name not in names:
        message = f"there is no profile of this name{nearest(name, names)}"
        raise ValuesError.of(f"profile {name}", "", message)
    return _directory() / f"{name}.yaml"


def summary(name: str) -> dict[str, Any]:
    """A profile's name, provenance, card, memory and number of NPUs, and first sentence."""
    header = _header(name)
    provenance = re.search(r"^Provenance: (\w+)$", header, re.MULTILINE)
    hardware = re.search(r"^Hardware: (\S+) (\S+) × (\d+)$", header, re.MULTILINE)
    card, memory, npus = hardware.groups() if hardware else ("", "", "0")
    sentence = " ".join(header.split("\n\n", 1)[0].split())
    return {
        "name": name,
        "provenance": provenance.group(1) if provenance else "",
        "card": card,
        "memory": memory,
        "npus": int(npus),
        "summary": sentence.split(". ", 1)[0].rstrip("."),
    }


def sources(name: str) -> dict[str, str]:
    """What a profile's source tags mean."""
    return _block(name, "Sources", r"\[(\w+)\]")


def kept(name: str) -> dict[str, str]:
    """Why a profile keeps what a rule warns of, by the rule's code."""
    return _block(name, "Kept", r"([\w-]+):")


def _block(name: str, title: str, key: str) -> dict[str, str]:
    """The entries under a title of a profile's header, each with its text on one line."""
    block = re.search(rf"^{title}:\n((?:  .*\n?)*)", _header(name), re.MULTILINE)
    found = re.findall(rf"^  {key} (.*(?:\n   .*)*)", block[1], re.MULTILINE) if block else ()
    return {word: " ".join(text.split()) for word, text in found}


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


def fitting(hardware: str) -> str:
    """The name of the profile for cards that a user has.

    Args:
        hardware: ``CARD:COUNT``, such as ``910B4:8``; COUNT is what Kubernetes counts as NPUs.

    Raises:
        ValuesError: none fits, or several do; the message lists the nearest with the reason.
    """
    asked = re.fullmatch(r"(?:Ascend)?[- ]?([A-Za-z0-9-]+):([0-9]+)", hardware.strip())
    if not asked:
        message = "must be CARD:COUNT, such as 910B4:8"
        raise ValuesError.of(f"--hardware {hardware}", "", message)
    card, count = asked.group(1).upper(), int(asked.group(2))
    rows = [summary(name) for name in profile_names()]
    fits = [row for row in rows if row["card"].upper() == card and row["npus"] == count]
    best = [row for row in fits if row["provenance"] == "validated"] or fits
    if len(best) == 1:
        return str(best[0]["name"])
    why = [f"{row['name']} {_misfit(row, card, count)}" for row in best or rows]
    what = "several profiles fit: name one with --profile" if best else "no profile fits"
    raise ValuesError.of(f"--hardware {hardware}", "", f"{what}: {'; '.join(why)}")


def _misfit(row: dict[str, Any], card: str, count: int) -> str:
    """Why a profile is not for these cards, in words."""
    reasons = []
    if row["card"].upper() != card:
        reasons.append(f"is for {row['card']} with {row['memory']} a NPU")
    if row["npus"] != count:
        reasons.append(f"takes {row['npus']} NPUs, not {count}")
    return " and ".join(reasons) or f"fits ({row['provenance']})"
