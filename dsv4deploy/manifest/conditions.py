"""Conditions of an engine's settings, as expressions in the templates' language.

The rules are made of them, in Python and in the chart; the memory plan asks the same ones.
"""

from __future__ import annotations

from functools import cache

from ..values.tree import Values
from .render import expression


def argument(flag: str, key: str = "") -> str:
    """The expression of a free argument, or of a key of its JSON."""
    place = f'Values.engine.args["{flag}"]'
    return f'{place}["{key}"]' if key else place


def has(flag: str, key: str = "") -> str:
    """Whether a free argument is there; with a key, whether its JSON has that key."""
    there = f'"{flag}" in Values.engine.args'
    if key:
        place = argument(flag)
        there += f' and {place} is mapping and "{key}" in {place}'
    return there


def true(flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is true."""
    return f"({has(flag, key)} and {argument(flag, key)} is boolean and {argument(flag, key)})"


def equals(word: str, flag: str, key: str = "") -> str:
    """Whether a free argument, or a key of its JSON, is that text."""
    place = argument(flag, key)
    return f'({has(flag, key)} and {place} is string and {place} == "{word}")'


def variable(name: str, word: str) -> str:
    """Whether an environment variable is that text."""
    place = f'Values.engine.env["{name}"]'
    return f'("{name}" in Values.engine.env and {place} is string and {place} == "{word}")'


DSA_CP = true("additional-config", "enable_dsa_cp")
"""Attention is spread over the tensor parallel ranks by tokens."""

FLASHCOMM = (
    f"({variable('VLLM_ASCEND_ENABLE_FLASHCOMM1', '1')} or "
    f"{true('additional-config', 'enable_flashcomm1')})"
)
"""Sequence parallelism, by either of its two switches."""


def holds(condition: str, values: Values) -> bool:
    """Whether a condition of the engine's arguments and variables is true of some values."""
    engine = values.engine
    args = engine.args.model_dump(by_alias=True)
    return bool(_compiled(condition)({"Values": {"engine": {"args": args, "env": engine.env}}}))


_compiled = cache(expression)
