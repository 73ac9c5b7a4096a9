"""What an engine's log says about the memory of its own start."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DeployError


@dataclass(frozen=True)
class Calibration:
    """What an engine's log told of its own start, in GiB a card.

    Attributes:
        weights: ``Loading model weights took … GB``; vLLM's GB is 2^30 bytes.
        available: ``Available KV cache memory: … GiB``.
        memory: the card's, where ``Free memory on device`` told it.
        max_num_batched_tokens: of that start, where the log told it.
        utilization: of that start, where the log told it.
        blocks: ``# GPU blocks: …``, of the KV cache.
        tokens: ``GPU KV cache size: … tokens``.
        max_model_len: of that start, which ``Maximum concurrency for … tokens`` told.
    """

    weights: float | None = None
    available: float | None = None
    memory: float | None = None
    max_num_batched_tokens: int | None = None
    utilization: float | None = None
    blocks: int | None = None
    tokens: int | None = None
    max_model_len: int | None = None


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
}
_WORST: dict[str, Callable[..., Any]] = {
    "weights": max,
    **dict.fromkeys(("available", "memory", "blocks", "tokens"), min),
}


def read_log(text: str) -> Calibration:
    """What a vLLM start-up log tells; of several ranks or starts, the worst of the last 64 lines.

    Raises:
        DeployError: neither the weights nor the KV cache's size stands in it.
    """
    found: dict[str, Any] = {}
    for name, (pattern, kind) in _LOG.items():
        numbers = [kind(number) for number in re.findall(pattern, text)][-64:]
        if numbers:
            found[name] = _WORST[name](numbers) if name in _WORST else numbers[-1]
    if not found.keys() & {"weights", "available", "blocks", "tokens"}:
        raise DeployError(
            "the log has neither `Loading model weights took … GB` nor `Available KV cache memory: "
            "… GiB` nor `GPU KV cache size: … tokens`: give the engine's log from its start "
            "(kubectl logs, container main)"
        )
    return Calibration(**found)
