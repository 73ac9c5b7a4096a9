"""The model's weights by class, and how a deployment spreads them over its cards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..facts.estimates import GIB
from ..facts.model import (
    C4,
    C128,
    EXPERT_WIDTH,
    EXPERTS,
    EXPERTS_A_TOKEN,
    HASH_LAYERS,
    HC,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    INDEX_DIM,
    INDEX_HEADS,
    LAYERS,
    MTP_LAYERS,
    O_GROUPS,
    O_LORA,
    Q_LORA,
    VOCABULARY,
)
from ..manifest.conditions import DSA_CP, FLASHCOMM, holds
from ..values.tree import Values

_BLOCKS = LAYERS + MTP_LAYERS
_EXPERT = 3 * HIDDEN * EXPERT_WIDTH


class Sharding(StrEnum):
    """How a class of weights is spread over the cards of an instance."""

    EXPERT = "expert parallel"
    TENSOR = "tensor parallel"
    REPLICATED = "replicated"


@dataclass(frozen=True)
class WeightClass:
    """Weights that are stored and spread alike.

    Attributes:
        name: what they are.
        parameters: how many, in the whole model.
        bytes_each: bytes a parameter takes.
        sharding: how they are spread.
        shards: over how many cards; 1 where each holds them all.
    """

    name: str
    parameters: int
    bytes_each: float
    sharding: Sharding
    shards: int

    @property
    def total_bytes(self) -> float:
        """Bytes in the whole model."""
        return self.parameters * self.bytes_each

    @property
    def gib(self) -> float:
        """GiB on one card."""
        return self.total_bytes / self.shards / GIB


def weights(values: Values) -> tuple[WeightClass, ...]:
    """The model's weights by class, and how this deployment spreads them.

    Routed experts take half a byte a parameter in W4A8 and one in W8A8, everything else that is
    quantized one byte; gates and hyper-connections are 32 bits, embeddings 16.
    Source: computed from config.json; the classes' sharding is vllm-ascend v0.22.1rc's.
    """
    tensor, cards = values.parallelism.tensor, values.parallelism.tensor * values.parallelism.data
    spread = (Sharding.EXPERT, cards) if values.parallelism.expert else (Sharding.TENSOR, tensor)
    expert = 0.5 if values.model.quantization == "w4a8" else 1.0
    split = (Sharding.TENSOR, tensor)
    whole = (Sharding.REPLICATED, 1)
    attention = Q_LORA * HEADS * HEAD_DIM * _BLOCKS
    output = (HEADS * HEAD_DIM // O_GROUPS) * O_GROUPS * O_LORA * _BLOCKS
    small = (
        _BLOCKS * HIDDEN * (Q_LORA + HEAD_DIM)  # wq_a, wkv
        + C4 * 2 * HIDDEN * 2 * HEAD_DIM  # the compressors' wkv and gate, two windows wide
        + C128 * 2 * HIDDEN * HEAD_DIM
        + C4 * (Q_LORA * INDEX_HEADS * INDEX_DIM + HIDDEN * INDEX_HEADS)  # the indexer
        + C4 * 2 * HIDDEN * 2 * INDEX_DIM
        + MTP_LAYERS * 2 * HIDDEN * HIDDEN  # the MTP head's projections
    )
    exact = _BLOCKS * (EXPERTS * HIDDEN + 2 * (2 + HC) * HC * HC * HIDDEN)
    return (
        WeightClass("routed experts", LAYERS * EXPERTS * _EXPERT, expert, *spread),
        WeightClass("routed experts (MTP)", MTP_LAYERS * EXPERTS * _EXPERT, expert, *spread),
        WeightClass(
            "shared experts", _BLOCKS * _EXPERT, 1, *(whole if holds(FLASHCOMM, values) else split)
        ),
        WeightClass("wq_b", attention, 1, *(whole if holds(DSA_CP, values) else split)),
        WeightClass("wo_a", output, 1, *split),
        WeightClass("wo_b", O_GROUPS * O_LORA * HIDDEN * _BLOCKS, 1, *split),
        WeightClass("wq_a, wkv, compressors, indexer, MTP projections", small, 1, *whole),
        WeightClass("gates, hyper-connections", exact, 4, *whole),
        WeightClass("hash tables", HASH_LAYERS * VOCABULARY * EXPERTS_A_TOKEN, 4, *whole),
        WeightClass("embedding, head", 2 * VOCABULARY * HIDDEN, 2, *split),
    )
