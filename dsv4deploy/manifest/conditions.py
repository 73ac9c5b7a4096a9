"""Conditions of an engine's settings, as expressions in the templates' language.

The rules are made of them, in Python and in the chart; the memory plan asks the same ones.
"""

from __future__ import annotations

from functools import cache

from ..values.pods import texts
from ..values.tree import Values
from .render import expression


def argument(flag: str, key: str = "") -> str:
    """The expression of an argument, or of a key of its JSON."""
    place = f'Values.engine.args["{flag}"]'
    return f'{place}["{key}"]' if key else place


def has(flag: str, key: str = "") -> str:
    """Whether a free argument is there; with a key, whether its JSON has that key."""
    return f'{_json("args", flag, key)} != ""' if key else f'"{flag}" in Values.engine.args'


def is_a(kind: str, flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is there and a boolean, a string, …"""
    return f"({has(flag, key)} and {argument(flag, key)} is {kind})"


def true(flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is true."""
    return f'({_json("args", flag, key)} == "true")'


def false(flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is false."""
    return f'({_json("args", flag, key)} == "false")'


def equals(word: str, flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is that text."""
    return f"({_json('args', flag, key)} == '\"{word}\"')"


def is_off(flag: str, key: str) -> str:
    """Whether a key of a free argument's JSON is not there, 0 or false."""
    return f'({_json("args", flag, key)} in ("", "0", "false"))'


def is_on(flag: str, key: str) -> str:
    """Whether a key of a free argument's JSON is 1 or true."""
    return f'({_json("args", flag, key)} in ("1", "true"))'


def variable(name: str, word: str = "") -> str:
    """Whether an environment variable is set; with a word, whether it is that text."""
    if word:
        return f"({_json('env', name)} == '\"{word}\"')"
    return f'("{name}" in Values.engine.env and Values.engine.env["{name}"] is string)'


def _json(section: str, *path: str) -> str:
    words = ", ".join(f'"{word}"' for word in path if word)
    return f"jsonAt(Values.engine.{section}, {words})"


DSA_CP = true("additional-config", "enable_dsa_cp")
"""Attention is spread over the tensor parallel ranks by tokens."""

SHARED_WHOLE = true("additional-config", "enable_shared_expert_dp")
"""Each rank holds the shared experts whole."""

FLASHCOMM = (
    f"({true('additional-config', 'enable_flashcomm1')} or "
    f"(not {has('additional-config', 'enable_flashcomm1')} and "
    f"{variable('VLLM_ASCEND_ENABLE_FLASHCOMM1', '1')}))"
)
"""Sequence parallelism by its two switches, of which the key goes before the variable."""

SHARED_SPREAD = f"({SHARED_WHOLE} and Values.parallelism.expert and Values.parallelism.tensor > 1)"
"""Whole shared experts, which before vllm-ascend v0.26 turn sequence parallelism on."""

# Every name that config/speculative.py of vLLM 0.22.1 to 0.33.0 has for it.
METHODS_OF_MTP = (
    *("mtp", "bailing_hybrid_mtp", "bailing_hybrid_v3_mtp", "deepseek_mtp"),
    *("dots3_note_mtp", "ernie_mtp", "exaone4_5_mtp", "exaone_moe_mtp", "gemma4_mtp"),
    *("glm4_moe_lite_mtp", "glm4_moe_mtp", "glm5_next_mtp", "glm_ocr_mtp", "hy_v3_mtp"),
    *("hy_v4_mtp", "inkling_mtp", "kimi_k3_mtp", "longcat_flash_mtp", "mimo_mtp"),
    *("mimo_v2_mtp", "minimax_m3_mtp", "nemotron_h_mtp", "pangu_ultra_moe_mtp"),
    *("qwen3_5_mtp", "qwen3_next_mtp", "qwen4_exp_mtp", "step3p5_mtp", "step5_mtp"),
)
MTP = f"({' or '.join(equals(name, 'speculative-config', 'method') for name in METHODS_OF_MTP)})"
"""The engine drafts with the model's own MTP layer, by any of the method's names."""

NAMED = {"dsaCp": DSA_CP, "flashcomm": FLASHCOMM, "mtp": MTP, "sharedSpread": SHARED_SPREAD}
"""Conditions that several rules ask about, by the names of the chart's templates for them."""


def holds(condition: str, values: Values) -> bool:
    """Whether a condition of the engine's settings and sizes is true of some values."""
    engine, parallel = values.engine, values.parallelism
    tree = {
        "engine": {"args": engine.args.model_dump(by_alias=True), "env": texts(engine.env)},
        "parallelism": {"expert": parallel.expert, "tensor": parallel.tensor},
    }
    return bool(_compiled(condition)({"Values": tree}))


_compiled = cache(expression)
