"""The memory of the cards, as torch sees it."""

from __future__ import annotations

from .estimates import Estimate, Provenance

_MEASURED_64 = Estimate(
    60.96,
    61.0,
    61.27,
    Provenance.MEASURED,
    "vllm-ascend issues 13439 and 6611 and sglang issue 29838: what torch sees of a 64 GB card",
)
CARDS: dict[str, Estimate] = {
    "910B4": Estimate(
        29.5,
        30.0,
        32.0,
        Provenance.ASSUMED,
        "not published: npu-smi says 32768 MB (vllm-ascend issue 8746), and 64 GB cards show 95 % "
        "of theirs; measure it and pass --memory",
    ),
    "910B4-1": _MEASURED_64,
    "910B3": _MEASURED_64,
    "A3": _MEASURED_64,
}
"""GiB that torch sees of one NPU's memory. An A3 card has two NPUs of 64 GB; each counts."""
