"""Builds of the engine: what a vLLM with a vllm-ascend in one image accepts and does.

``data/builds/NAME.json`` has what depends on vllm-ascend, ``data/builds/vllm/VERSION.json`` what
depends on vLLM alone, as a JSON merge patch (RFC 7396) of the version before. Both are read out
of the sources by ``tools/engine_build``; docs/engine-builds.md shows how.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

FACTS = Path(str(files(__package__))) / "data" / "builds"


@dataclass(frozen=True)
class Vllm:
    """A version of vLLM, whatever runs it.

    Attributes:
        version: such as ``0.22.1``.
        flags: by name without ``--``; :mod:`.flags` explains what is in one.
        tool_parsers: names that ``--tool-call-parser`` takes.
        reasoning_parsers: names that ``--reasoning-parser`` takes.
        speculative_methods: names that ``--speculative-config`` takes, and the method that each
            is in truth: 17 and more names are ``mtp``.
        variables: environment variables that ``vllm/envs.py`` reads: ``integer``, ``number``,
            ``text``, or their choices.
        capture_first: the smallest batch sizes that graphs are captured for.
        capture_steps: where a step size of the larger ones begins, and the step size.
    """

    version: str
    flags: Mapping[str, Mapping[str, Any]]
    tool_parsers: tuple[str, ...]
    reasoning_parsers: tuple[str, ...]
    speculative_methods: Mapping[str, str]
    variables: Mapping[str, Any]
    capture_first: tuple[int, ...]
    capture_steps: tuple[tuple[int, int], ...]

    def captured(self, largest: int) -> list[int]:
        """The batch sizes, in tokens, that graphs are captured for.

        Args:
            largest: of them; vllm-ascend takes max-num-seqs times the tokens of a decoding step,
                and 512 at most.
        """
        ends = [begin for begin, _ in self.capture_steps[1:]]
        sizes = [size for size in self.capture_first if size <= largest]
        for (begin, step), end in zip(self.capture_steps, [*ends, largest + 1], strict=True):
            sizes += range(begin, min(end, largest + 1), step)
        return sizes


@dataclass(frozen=True)
class Pair:
    """The result of vLLM's own KV cache planner for one deployment, run without a card.

    Attributes:
        family: of the chips: ``A2``, which stands for A3 too, or ``950``.
        max_model_len: tokens of the longest request.
        max_num_batched_tokens: tokens of one step.
        block_size: tokens of a block.
        draft_layers: 0 without a draft, 1 for MTP, 3 for DSpark.
        bytes_per_block: of the pool, over all layers of a card.
        needed: blocks that the longest request needs, without asynchronous scheduling.
        logged: blocks a request by which vLLM's log divides.
        needed_async: the first with asynchronous scheduling.
        logged_async: the second with asynchronous scheduling.
    """

    family: str
    max_model_len: int
    max_num_batched_tokens: int
    block_size: int
    draft_layers: int
    bytes_per_block: int
    needed: int
    logged: int
    needed_async: int
    logged_async: int


@dataclass(frozen=True)
class Build:
    """One build of the engine.

    Attributes:
        name: as ``engine.build`` has it.
        vllm: its version of vLLM.
        ref: the tag, branch or package of vllm-ascend that was read.
        commit: of it; ``""`` for a package.
        date: of the commit; ``""`` for a package.
        tags: tags of its images, without the chip and the system that they end in.
        images: chips by what an image's tag ends in: ``""`` is A2, ``a3`` is A3.
        additional_config: keys of ``--additional-config`` that are read, and their types; a type
            is ``""`` if the source does not show it. refuses_unknown_keys: whether the engine fails
            to start for any other key, or ignores it.
        variables: environment variables that vllm-ascend reads, as for vLLM; ``boolean`` is 0 or
            1, and no word.
        refusals: places that reject a configuration, and the settings that their condition names.
        steps_in_flight: steps whose tokens the cache holds at once under asynchronous scheduling.
        logs_needed_blocks: whether vLLM's log divides by the blocks that are needed, or by fewer.
        pairs: results of vLLM's own planner in this build.
        unknown: what is not known of it, in sentences.
    """

    name: str
    vllm: Vllm
    ref: str
    commit: str
    date: str
    tags: tuple[str, ...]
    images: Mapping[str, str]
    additional_config: Mapping[str, str]
    refuses_unknown_keys: bool
    variables: Mapping[str, Any]
    refusals: Mapping[str, tuple[str, ...]]
    steps_in_flight: int
    logs_needed_blocks: bool
    pairs: tuple[Pair, ...]
    unknown: tuple[str, ...]


def _read(file: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return result


def patched(old: Any, patch: Any) -> Any:
    """A JSON merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


@cache
def merged(version: str) -> Mapping[str, Any]:
    """The facts of a version of vLLM as they are stored, with those of the versions before it."""
    facts = _read(FACTS / "vllm" / f"{version}.json")
    base = facts.pop("base")
    result: dict[str, Any] = patched(merged(base), facts) if base else facts
    return result


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@cache
def vllm_versions() -> tuple[str, ...]:
    """The versions of vLLM whose facts are known, the oldest first."""
    return tuple(sorted((file.stem for file in FACTS.glob("vllm/*.json")), key=_numbers))


@cache
def vllm(version: str) -> Vllm:
    """A version of vLLM.

    Raises:
        KeyError: it is not in :func:`vllm_versions`.
    """
    if version not in vllm_versions():
        raise KeyError(version)
    facts = merged(version)
    grid = facts["captureGrid"]
    return Vllm(
        version=version,
        flags=facts["flags"],
        tool_parsers=tuple(facts["toolParsers"]),
        reasoning_parsers=tuple(facts["reasoningParsers"]),
        speculative_methods=facts["speculativeMethods"],
        variables=facts["variables"],
        capture_first=tuple(grid["first"]),
        capture_steps=tuple((begin, step) for begin, step in grid["steps"]),
    )


@cache
def build(name: str) -> Build:
    """A build by its name.

    Raises:
        KeyError: there is no such build; :func:`builds` has their names.
    """
    file = FACTS / f"{name}.json"
    if not re.fullmatch(r"[\w.-]+", name) or not file.is_file():
        raise KeyError(name)
    facts = _read(file)
    planner = facts["planner"]
    return Build(
        name=name,
        vllm=vllm(facts["vllm"]),
        ref=facts["ascend"]["ref"],
        commit=facts["ascend"]["commit"],
        date=facts["ascend"]["date"],
        tags=tuple(facts["tags"]),
        images=facts["images"],
        additional_config=facts["additionalConfig"],
        refuses_unknown_keys=facts["refusesUnknownKeys"],
        variables=facts["variables"],
        refusals={place: tuple(names) for place, names in facts["refusals"].items()},
        steps_in_flight=planner["stepsInFlight"],
        logs_needed_blocks=planner["logsNeededBlocks"],
        pairs=tuple(Pair(*row) for row in planner["pairs"]),
        unknown=tuple(facts["unknown"]),
    )


@cache
def builds() -> tuple[Build, ...]:
    """Every known build, by its version of vLLM and then by the date of its source."""
    found = (build(file.stem) for file in FACTS.glob("*.json"))
    return tuple(sorted(found, key=lambda each: (_numbers(each.vllm.version), each.date)))


SYSTEM = "-(openeuler|ubuntu)(-|$)"
CHIP = "-(a3|a5|950dt|310p)(-|$)"
"""What an image's tag has besides the build's name; the chart removes the same patterns."""


def tag_of(reference: str) -> str:
    """An image's tag; a digest is no part of it, and neither is a registry's port."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2]


def named(word: str) -> Build | None:
    """The build of a name, or of a tag without the chip and the system that it ends in."""
    if word and (FACTS / f"{word}.json").is_file():
        return build(word)
    return next((each for each in builds() if word in each.tags), None) if word else None


def from_image(reference: str) -> Build | None:
    """The build that an image's tag names; None if the tag is unknown.

    Args:
        reference: such as ``quay.io/ascend/vllm-ascend:v0.23.0-a3-openeuler@sha256:…``; a digest
            is not looked at, and neither is the registry, since mirrors keep the tag.
    """
    return named(re.sub(CHIP, r"\2", re.sub(SYSTEM, r"\2", tag_of(reference))))


def deployed(name: str, image: str) -> Build | None:
    """The build that a deployment runs: the one of ``engine.build``, or of its image's tag."""
    return named(name) if name else from_image(image)


def chip_of(reference: str) -> str:
    """The chips that an image of a known build is for, such as ``A3``; ``""`` if unknown."""
    known = from_image(reference)
    suffix = re.search(CHIP, tag_of(reference))
    # The images of `-950dt` are built of the same file as those of `-a5`.
    word = suffix[1].replace("950dt", "a5") if suffix else ""
    return known.images.get(word, "") if known else ""
