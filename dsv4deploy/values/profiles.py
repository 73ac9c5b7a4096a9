"""The shipped profiles: values files whose every line names its source.

A profile is an ordinary values file. Its comments are part of it: the first sentence describes it,
``Hardware:`` the cards it is for, ``Provenance:`` who has run it (``validated``: measurements are
published; ``upstream``: a documented configuration; ``derived``: one of them with changes without a
published measurement), ``Sources:`` what its tags such as ``[A]`` mean, ``Kept:`` why it keeps what
a rule warns of, by the rule's code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ValuesError, command, nearest
from ..facts.cards import CARDS, card_of

DEFAULT = "ascend-910b4-8-w4a8"
"""The profile whose values are the defaults."""


def _directory() -> Path:
    """Where the shipped profiles are: next to the package in a checkout, in it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(path.stem for path in _directory().glob("*.yaml"))


def profile_path(name: str) -> Path:
    """The values file of a shipped profile.

    Raises:
        ValuesError: no profile has that name.
    """
    names = profile_names()
    if name not in names:
        message = f"there is no profile with this name{nearest(name, names)}"
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
    """The name of the profile for the user's cards.

    Args:
        hardware: ``CARD:COUNT``, such as ``910B4:8``; COUNT is what Kubernetes counts as NPUs.

    Raises:
        ValuesError: none or several fit; the message names the nearest, and what to change.
    """
    where = f"--hardware {hardware}"
    if ":" not in hardware:
        raise ValuesError.of(where, "", "must be CARD:COUNT, such as 910B4:8")
    fits = for_hardware(hardware)
    best = [row for row in fits if row["provenance"] == "validated"] or fits
    if len(best) > 1:
        names = "; ".join(f"{row['name']} ({row['provenance']})" for row in best)
        raise ValuesError.of(
            where, "", f"several profiles match; select one with --profile: {names}"
        )
    return str(best[0]["name"])


def for_hardware(hardware: str) -> list[dict[str, Any]]:
    """The summaries of the profiles for a card.

    Args:
        hardware: ``CARD``, such as ``910B4``, or ``CARD:COUNT`` as in :func:`fitting`.

    Raises:
        ValuesError: there is none; the message names the nearest, and what to change.
    """
    asked = re.fullmatch(r"([A-Za-z0-9 _-]+)(?::([0-9]+))?", hardware.strip())
    where = f"--hardware {hardware}"
    if not asked:
        raise ValuesError.of(where, "", "must be CARD or CARD:COUNT, such as 910B4 or 910B4:8")
    card, count = card_of(asked[1]), int(asked[2] or 0)
    if not card:
        raise ValuesError.of(where, "", f"there is no card {asked[1]}{nearest(asked[1], CARDS)}")
    rows = [summary(name) for name in profile_names()]
    found = [row for row in rows if row["card"] == card and count in (0, row["npus"])]
    if not found:
        raise ValuesError.of(where, "", _instead(rows, card, count))
    return found


def _instead(rows: list[dict[str, Any]], card: str, count: int) -> str:
    """The nearest profile and the required changes, in words; a count of 0 is any count."""

    def likeness(row: dict[str, Any]) -> tuple[object, ...]:
        other = CARDS[row["card"]]
        return (
            other.family == CARDS[card].family,
            -abs(other.size - CARDS[card].size),
            row["npus"] == count,
            row["provenance"] == "validated",
            "dspark" not in row["name"],
        )

    row = max(rows, key=likeness)
    has, wanted = CARDS[row["card"]], CARDS[card]
    options = ["--profile", row["name"]]
    options += ["--set", f"npu.card={card}"] if row["card"] != card else []
    split = f", with parallelism for {count} NPUs instead of {row['npus']}"
    alike = (
        f"{wanted.size} GB per NPU, like the profile's cards"
        if has.size == wanted.size
        else f"{wanted.size} GB per NPU instead of {has.size}"
    )
    cards = f"{count} × {card}" if count else card
    return (
        f"no profile exists for {cards}; the nearest is {row['name']} ({alike}): use "
        f"{' '.join(options)}{split if count not in (0, row['npus']) else ''}; "
        f"{command('dsv4deploy', 'check', *options)} shows the other required changes"
    )
