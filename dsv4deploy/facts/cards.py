"""The cards: which chips they are, and their memory as torch sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .estimates import Estimate, Provenance


@dataclass(frozen=True)
class Card:
    """A card, or one of the dies of a card that has two.

    Attributes:
        family: the chips that an image is built for: ``A2``, ``A3`` or ``950``.
        size: GB of memory, as its maker sells it.
        memory: GiB that torch sees of it.
    """

    family: str
    size: int
    memory: Estimate


_MEASURED_64 = Estimate(
    60.96,
    61.0,
    61.27,
    Provenance.MEASURED,
    "vllm-ascend issues 13439 and 6611 and sglang issue 29838: what torch sees of a 64 GB card",
)
_ALIKE_64 = replace(
    _MEASURED_64,
    provenance=Provenance.ASSUMED,
    source="a 64 GB card: npu-smi shows 65536 MB for a 910B2C (vllm-ascend issue 4505) and for a "
    "910B3, of which torch's figure was measured (vllm-ascend issues 13439 and 6611)",
)
_32 = Estimate(
    29.5,
    30.0,
    32.0,
    Provenance.ASSUMED,
    "not published: npu-smi shows 32768 MB (vllm-ascend issue 8746), and 64 GB cards show 95 % "
    "of theirs; measure it and pass --memory",
)


def _unmeasured(size: int, source: str) -> Estimate:
    """An Ascend 950: torch is assumed to see 95 % of it, as of the cards that were measured."""
    gib = size * 0.95
    return Estimate(
        round(gib * 0.93, 1),
        round(gib, 1),
        float(size),
        Provenance.ASSUMED,
        f"{source}; the memory that torch reports for it is not published: measure it and pass "
        "--memory",
    )


_950PR = (
    "128 GB by Huawei's announcement at Huawei Connect, 2025-09-18, and MindSpore AKG's table of "
    "Ascend950PR_9599"
)
_950DT = (
    "96 GB by vllm-ascend's tutorials, such as DeepSeek-V4-Flash in v0.23.0, section 5.1; "
    "MindSpore AKG's table has 144 GB for an Ascend950DT_95A"
)
CARDS: dict[str, Card] = {
    "910B1": Card("A2", 64, _ALIKE_64),
    "910B2": Card("A2", 64, _ALIKE_64),
    "910B2C": Card("A2", 64, _ALIKE_64),
    "910B3": Card("A2", 64, _MEASURED_64),
    "910B4": Card("A2", 32, _32),
    "910B4-1": Card("A2", 64, _MEASURED_64),
    "A3": Card("A3", 64, _MEASURED_64),
    "950PR": Card("950", 128, _unmeasured(128, _950PR)),
    "950DT": Card("950", 96, _unmeasured(96, _950DT)),
}
"""By ``npu.card``. An A3 card has two dies of 64 GB, and each of them is an NPU.

Sizes of the 910B cards: the tables of HAMi's ascend-device-plugin (``memoryCapacity``) for B2, B3,
B4 and B4-1; MindSpore AKG's tables (Ascend910B1.md, Ascend910B2C.md) for B1 and B2C.
"""

_NAMES = {
    **dict.fromkeys(("910C", "910_93", "910_9391", "910_9392", "910_9381", "910_9382"), "A3"),
    "910_9372": "A3",
    "950PR_9599": "950PR",
    "950DT_9582": "950DT",
}
# CANN's SoC versions: csrc/cmake/scripts/util/opdesc_parser.py and docs/source/installation.md of
# vllm-ascend's main at 182b75ea84. A die 910_9362 is no A3 of 64 GB: MindSpore AKG's table has 32.


def card_of(name: str) -> str:
    """The ``npu.card`` of a card's or die's name, such as ``Ascend910B2``; ``""`` if unknown."""
    plain = name.strip().upper().removeprefix("ASCEND").lstrip("- ")
    plain = _NAMES.get(plain, plain)
    return plain if plain in CARDS else ""
