"""A plan as data, as a bar of text and as a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..facts.estimates import Provenance
from .plan import MemoryPlan
from .svg import Canvas


@dataclass(frozen=True)
class Segment:
    """A part of the card's bar: its name, GiB with the likely figures, and how it is known."""

    name: str
    gib: float
    provenance: str


def segments(made: MemoryPlan) -> list[Segment]:
    """The parts of a card with the likely figures; a sum above its memory is an overflow."""
    needed = made.cache.admission_gib
    spare = made.likely.available - needed
    return [
        Segment("weights", made.weights.likely, made.weights.provenance),
        Segment("activation", made.activation.likely, made.activation.provenance),
        Segment("buffers", made.buffers.likely, made.buffers.provenance),
        Segment("KV cache: longest request", needed, Provenance.DERIVED),
        Segment("KV cache: more requests", max(0.0, spare), Provenance.DERIVED),
        Segment(
            "graphs, later buffers", made.after_profiling.likely, made.after_profiling.provenance
        ),
        Segment("free", max(0.0, made.likely.slack), Provenance.DERIVED),
    ]


def as_data(made: MemoryPlan) -> dict[str, Any]:
    """The plan as plain data, for ``-o json``; GiB per card."""
    data = asdict(made)
    for given in ("values", "given_memory", "calibration"):
        del data[given]
    data["weight_classes"] = [
        {**asdict(part), "gib": part.gib, "total_bytes": part.total_bytes}
        for part in made.weight_classes
    ]
    data["cache"] |= {
        "bytes_per_block": made.cache.bytes_per_block,
        "admission_blocks": made.cache.admission_blocks,
        "admission_gib": made.cache.admission_gib,
        "decoding_blocks": made.cache.decoding_blocks,
    }
    return {
        "verdict": made.verdict.value,
        "kv_tokens": made.kv_tokens,
        "bound_by": made.bound_by,
        **data,
        "limits": asdict(made.limits),
    }


def bar(made: MemoryPlan, width: int = 72) -> str:
    """One card as a stacked bar of text, and its legend."""
    parts = segments(made)
    scale = width / max(made.memory.likely, sum(part.gib for part in parts))
    marks = "█▓▒#=░·"
    drawn = ""
    edge = 0.0
    for mark, part in zip(marks, parts, strict=True):
        edge += part.gib * scale
        drawn += mark * (round(edge) - len(drawn))
    limit = round(made.memory.likely * scale)
    drawn = f"{drawn[:limit]}|{drawn[limit:]}"
    legend = [
        f"{mark} {part.name} {part.gib:.2f}"
        for mark, part in zip(marks, parts, strict=True)
        if part.gib > 0
    ]
    rows = [legend[:4], legend[4:]]
    return "\n".join([drawn, *("   ".join(row) for row in rows if row)])


_STYLE = """
text { font: 12px sans-serif; fill: #111827 }
.title { font-size: 16px; font-weight: bold }
.limit { stroke: #111827; stroke-dasharray: 4 3 }
""" + "".join(
    f".part-{index} {{ fill: {colour} }}\n"
    for index, colour in enumerate(
        ("#3b5b92", "#5b8fc7", "#8fb8de", "#d9822b", "#f0b56b", "#7a5195", "#e5e7eb")
    )
)


def svg(made: MemoryPlan) -> str:
    """One card as a stacked bar: a standalone SVG picture."""
    parts = segments(made)
    total = max(made.memory.likely, sum(part.gib for part in parts))
    top, height = 64, 48
    canvas = Canvas((720, top + height + 152), (top, 24, 152, 24), (0, total), (0, 1))
    heading = f"{made.card}: {made.verdict.value} (likely figures, GiB per card)"
    canvas.text(24.0, 24.0, heading, "start", "title")
    edge = 0.0
    for index, part in enumerate(parts):
        title = f"{part.name}: {part.gib:.2f} GiB ({part.provenance})"
        canvas.add(
            '<rect x="{}" y="{}" width="{}" height="{}" class="part-{}"><title>{}</title></rect>',
            canvas.x(edge),
            top,
            canvas.x(edge + part.gib) - canvas.x(edge),
            height,
            index,
            title,
        )
        x, y = 24.0 + (index % 2) * 340, top + height + 52.0 + (index // 2) * 24
        canvas.add('<rect x="{}" y="{}" width="12" height="12" class="part-{}"/>', x, y - 11, index)
        canvas.text(x + 20, y, title, "start")
        edge += part.gib
    for gib, name, y in (
        (made.memory.likely, "card", top - 12.0),
        (made.memory.likely * made.utilization, "utilization", top + height + 20.0),
    ):
        at = canvas.x(gib)
        canvas.line(at, top - 8.0, at, top + height + 8.0, "limit")
        canvas.text(at, y, f"{name} {gib:.1f} GiB", "end")
    return canvas.document(heading, _STYLE)
