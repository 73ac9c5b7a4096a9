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
    O_GROUPS,
    O_LORA,
    Q_LORA,
    VOCABULARY,
)
from ..manifest.conditions import SHARED_SPREAD, holds
from ..values.tree import Values
from .engine import draft, dsa_cp, flashcomm

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
        source: where their number, size and sharding come from.
    """

    name: str
    parameters: int
    bytes_each: float
    sharding: Sharding
    shards: int
    source: str

    @property
    def total_bytes(self) -> float:
        """Bytes in the whole model."""
        return self.parameters * self.bytes_each

    @property
    def gib(self) -> float:
        """GiB on one card."""
        return self.total_bytes / self.shards / GIB


def _small(layers: int) -> int:
    """Parameters of the small projections, which every card holds."""
    return (
        layers * HIDDEN * (Q_LORA + HEAD_DIM)  # wq_a, wkv
        + C4 * 2 * HIDDEN * 2 * HEAD_DIM  # the compressors' wkv and gate, two windows wide
        + C128 * 2 * HIDDEN * HEAD_DIM
        + C4 * (Q_LORA * INDEX_HEADS * INDEX_DIM + HIDDEN * INDEX_HEADS)  # the indexer
        + C4 * 2 * HIDDEN * 2 * INDEX_DIM
    )


def weights(values: Values) -> tuple[WeightClass, ...]:
    """The model's weights by class, and how this deployment spreads them.

    Without a draft, the draft's weights are not loaded. Routed experts take half a byte a
    parameter in W4A8 and one in W8A8, everything else that is quantized one byte.
    """
    tensor, cards = values.parallelism.tensor, values.parallelism.tensor * values.parallelism.data
    # Without expert parallelism each expert is split over all cards, data parallel ones too.
    spread = (Sharding.EXPERT if values.parallelism.expert else Sharding.TENSOR, cards)
    spread_source = (
        "vLLM's fused_moe/config.py: expert parallelism spans tensor × data; without it "
        "flatten_tp_across_dp_and_pcp splits each expert over as many cards"
    )
    split, whole = (Sharding.TENSOR, tensor), (Sharding.REPLICATED, 1)
    shared_whole = flashcomm(values) or holds(SHARED_SPREAD, values)
    expert = 0.5 if values.model.quantization == "w4a8" else 1.0
    speculation = draft(values)
    drafts, layers = speculation.layers, LAYERS + speculation.layers
    attention = Q_LORA * HEADS * HEAD_DIM * layers
    output = (HEADS * HEAD_DIM // O_GROUPS) * O_GROUPS * O_LORA * layers
    exact = layers * (EXPERTS * HIDDEN + 2 * (2 + HC) * HC * HC * HIDDEN)
    linear = "config.json; vllm-ascend's deepseek_v4.py"
    classes = [
        WeightClass("routed experts", LAYERS * EXPERTS * _EXPERT, expert, *spread, spread_source),
        WeightClass(
            "shared experts",
            layers * _EXPERT,
            1,
            *(whole if shared_whole else split),
            "vllm-ascend's linear_op.py: whole under sequence parallelism and with "
            "enable_shared_expert_dp",
        ),
        WeightClass(
            "wq_b",
            attention,
            1,
            *(whole if dsa_cp(values) else split),
            f"{linear}: whole with enable_dsa_cp",
        ),
        WeightClass(
            "wo_a",
            output,
            2,
            *split,
            f"{linear}: it goes through npu_transpose_batchmatmul without a scale, so it is taken "
            "to be 16 bits (inferred)",
        ),
        WeightClass("wo_b", O_GROUPS * O_LORA * HIDDEN * layers, 1, *split, linear),
        WeightClass("wq_a, wkv, compressors, indexer", _small(layers), 1, *whole, linear),
        WeightClass("gates, hyper-connections", exact, 4, *whole, f"{linear}: 32 bits"),
        WeightClass(
            "hash tables",
            HASH_LAYERS * VOCABULARY * EXPERTS_A_TOKEN,
            4,
            *whole,
            f"{linear}: 32-bit integers",
        ),
        WeightClass("embedding, head", 2 * VOCABULARY * HIDDEN, 2, *split, f"{linear}: 16 bits"),
    ]
    if drafts:
        classes.append(
            WeightClass(
                "routed experts (draft)",
                drafts * EXPERTS * _EXPERT,
                expert,
                *spread,
                f"{spread_source}; {drafts} of the draft's layers have experts",
            )
        )
    if speculation.method == "mtp":
        classes += [
            WeightClass("projections (MTP)", 2 * HIDDEN * HIDDEN, 1, *whole, linear),
            WeightClass(
                "embedding (MTP)",
                VOCABULARY * HIDDEN,
                2,
                *split,
                "vllm-ascend's deepseek_v4_mtp.py: with compressed attention the draft has an "
                "embedding of its own (inferred)",
            ),
        ]
    if speculation.method == "dspark":
        classes += [
            WeightClass(
                "main_proj (DSpark)",
                drafts * HIDDEN * HIDDEN,
                2,
                *whole,
                "vllm-ascend v0.25.1rc1, deepseek_v4_dspark.py: not quantized; three layers of "
                "the model are taken to feed it",
            ),
            WeightClass(
                "embedding, head (DSpark)",
                2 * VOCABULARY * HIDDEN,
                2,
                *split,
                "vllm-ascend v0.25.1rc1, deepseek_v4_dspark.py: its own with quantization",
            ),
        ]
    return tuple(classes)


INFERRED = {"wo_a": 0.5, "embedding (MTP)": 1.0}
"""Shares of a class's bytes that were inferred, not read: the least estimate lacks them."""
