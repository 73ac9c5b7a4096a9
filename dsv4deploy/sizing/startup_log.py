"""The memory figures in an engine's startup log."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DeployError


@dataclass(frozen=True)
class Calibration:
    """The memory figures in an engine's startup log, in GiB per card.

    Attributes:
        weights: ``Loading model weights took … GB``; vLLM's GB is 2^30 bytes.
        available: ``Available KV cache memory: … GiB``.
        memory: the card's, where ``Free memory on device`` has it.
        max_num_batched_tokens: of that start, where the log has it.
        utilization: of that start, where the log has it.
        blocks: ``# GPU blocks: …``, of the KV cache.
        tokens: ``GPU KV cache size: … tokens``.
        max_model_len: of that start, which ``Maximum concurrency for … tokens`` has.
        activation: peak of one step's tensors, of the line ``Actual usage``.
        non_torch: buffers when vLLM measured, of the same line.
        graphs: graphs after the warm-up, of the same line.
        version: of vLLM.
        tensor: the tensor parallel size of that start.
        data: the data parallel size of that start.
        lines: of the log, from which this was read.
    """

    weights: float | None = None
    available: float | None = None
    memory: float | None = None
    max_num_batched_tokens: int | None = None
    utilization: float | None = None
    blocks: int | None = None
    tokens: int | None = None
    max_model_len: int | None = None
    activation: float | None = None
    non_torch: float | None = None
    graphs: float | None = None
    version: str | None = None
    tensor: int | None = None
    data: int | None = None
    lines: tuple[str, ...] = ()


def _number(text: str) -> int:
    return int(text.replace(",", ""))


_LOG: dict[str, tuple[str, Callable[[str], Any]]] = {
    "weights": (r"[Ll]oading (?:model )?weights took ([0-9.]+) ?Gi?B", float),
    "available": (r"Available KV cache memory: (-?[0-9.]+) GiB", float),
    "memory": (r"Free memory on device[^(]*\([0-9.]+/([0-9.]+) GiB\)", float),
    "max_num_batched_tokens": (r"max_num_batched_tokens'?[=:] ?([0-9]+)", int),
    "utilization": (r"gpu_memory_utilization'?[=:] ?([0-9.]+[0-9])", float),
    "blocks": (r"# GPU blocks: ([0-9]+)", int),
    "tokens": (r"GPU KV cache size: ([0-9,]+) tokens", _number),
    "max_model_len": (r"Maximum concurrency for ([0-9,]+) tokens", _number),
    "version": (r"(?:LLM engine \(v|API server version )([0-9]+\.[0-9]+\.[0-9]+)", str),
    "tensor": (r"\btensor_parallel_size'?[=:] ?([0-9]+)", int),
    "data": (r"\bdata_parallel_size'?[=:] ?([0-9]+)", int),
}
_WORST: dict[str, Callable[..., Any]] = {
    "weights": max,
    **dict.fromkeys(("available", "memory", "blocks", "tokens"), min),
}
# vllm-ascend's worker.py, compile_or_warm_up_model, the same from v0.22.1rc1 to main of 2026-08.
_USAGE = re.compile(
    r"Free memory on device \([0-9.]+/(?P<memory>[0-9.]+) GiB\) on startup\. Desired GPU memory "
    r"utilization is \((?P<utilization>[0-9.]+), [0-9.]+ GiB\)\. Actual usage: "
    r"(?P<weights>[0-9.]+) GiB for weights, (?P<activation>[0-9.]+) GiB for peak activation, "
    r"(?P<non_torch>-?[0-9.]+) GiB for non-torch memory, (?P<graphs>-?[0-9.]+) GiB for NPU graph "
    r"memory\..*?Current KV cache memory: (?P<available>-?[0-9.]+) GiB"
)
# A cache of a given size says nothing about what is left.
_FIXED = ("reserved", "as specified by kv_cache_memory_bytes")
_OVERRIDDEN = "num_gpu_blocks_override="


def read_log(text: str) -> Calibration:
    """The figures of a vLLM startup log; of several ranks or starts, the worst of the last 64
    lines.

    vllm-ascend's line ``Actual usage`` has all of it, and goes before every other line.

    Raises:
        DeployError: neither the weights nor the KV cache's size is in it.
    """
    found: dict[str, Any] = {}
    used: dict[str, str] = {}
    for name, (pattern, kind) in _LOG.items():
        matches = list(re.finditer(pattern, text))[-64:]
        if matches:
            numbers = [kind(match[1]) for match in matches]
            found[name] = _WORST[name](numbers) if name in _WORST else numbers[-1]
            used[name] = _line(text, matches[numbers.index(found[name])].start())
    usages = list(_USAGE.finditer(text))[-64:]
    if usages:
        chosen = min(usages, key=lambda match: float(match["available"]))
        found |= {name: float(number) for name, number in chosen.groupdict().items()}
        used |= dict.fromkeys(chosen.groupdict(), _line(text, chosen.start()))
    fixed = all(word in text for word in _FIXED)
    for name in ("available", "blocks", "tokens"):
        if fixed or (_OVERRIDDEN in text and name != "available"):
            found.pop(name, None)
            used.pop(name, None)
    if not found.keys() & {"weights", "available", "blocks", "tokens"}:
        raise DeployError(
            "the log has neither `Actual usage: … GiB for weights` nor `Loading model weights took "
            "… GB` nor `Available KV cache memory: … GiB` nor `GPU KV cache size: … tokens`; pass "
            "the engine's log from its first line (kubectl logs, container main)"
        )
    return Calibration(**found, lines=tuple(dict.fromkeys(used.values())))


def _line(text: str, place: int) -> str:
    """The line of a text that has a place in it."""
    begin = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    return text[begin : end if end >= 0 else None].strip()
