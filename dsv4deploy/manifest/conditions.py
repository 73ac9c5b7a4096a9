"""Conditions of an engine's settings, as expressions in the templates' language.

The rules are made of them, in Python and in the chart; the memory plan asks the same ones.
"""

from __future__ import annotations

from functools import cache

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

FLASHCOMM = (
    f"({variable('VLLM_ASCEND_ENABLE_FLASHCOMM1', '1')} or "
    f"{true('additional-config', 'enable_flashcomm1')})"
)
"""Sequence parallelism, by either of its two switches."""

NAMED = {"dsaCp": DSA_CP, "flashcomm": FLASHCOMM}
"""Conditions that several rules ask about, by the names of the chart's templates for them."""


def holds(condition: str, values: Values) -> bool:
    """Whether a condition of the engine's arguments and variables is true of some values."""
    engine = values.engine
    args = engine.args.model_dump(by_alias=True)
    return bool(_compiled(condition)({"Values": {"engine": {"args": args, "env": engine.env}}}))


_compiled = cache(expression)
