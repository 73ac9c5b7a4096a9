"""vLLM's command line as data: what each version's own parser accepts.

Each flag has a kind: ``switch`` (only ``--flag``), ``boolean`` (also ``--no-flag``), ``integer``,
``number``, ``text`` or ``json``. It may have ``many`` (several words), ``choices`` (only these),
``optional`` (``None`` is a value, too), ``mapping`` (a text or JSON) and ``auto`` (a number or
``auto``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import nearest, suggestion
from .builds import vllm, vllm_versions


def versions() -> list[str]:
    """The versions of vLLM whose flags are known."""
    return list(vllm_versions())


def known(version: str) -> Mapping[str, Mapping[str, Any]]:
    """The flags of a version by their names without ``--``; empty for an unknown version."""
    return vllm(version).flags if version in vllm_versions() else {}


def problem(version: str, flag: str, value: Any) -> str:
    """What that version's parser would reject or misread; ``""`` if nothing.

    Args:
        version: a version in :func:`versions`.
        flag: a flag without ``--``.
        value: as it is in ``engine.args``; null is always fine.
    """
    flags = known(version)
    if flag not in flags:
        return _unknown(version, flag, flags)
    if value is None:
        return ""
    spec = flags[flag]
    kind = spec["kind"]
    if kind == "switch":
        return "" if value is True else "this switch has no --no- form: write true, or null"
    if kind == "boolean":
        return "" if isinstance(value, bool) else "this is a switch: write true or false"
    if isinstance(value, bool):
        return f"this flag takes a value ({_KINDS[kind]}): {str(value).lower()} is not one"
    if isinstance(value, list | tuple):
        if not spec.get("many"):
            return f"this flag takes one value ({_KINDS[kind]}), not a list"
        return next(filter(None, (_one(flag, spec, word) for word in value)), "")
    return _one(flag, spec, value)


_KINDS = {
    "integer": "a whole number",
    "json": "a mapping, or strict JSON as text",
    "number": "a number",
    "text": "text",
}


def _one(flag: str, spec: Mapping[str, Any], value: Any) -> str:
    kind = spec["kind"]
    if (spec.get("optional") and value in ("", "None")) or (spec.get("auto") and value == "auto"):
        return ""
    choices = spec.get("choices")
    if choices and value not in choices:
        return f"vLLM does not know the choice {value}{nearest(str(value), map(str, choices))}"
    if kind == "json":
        return _not_json(value)
    if isinstance(value, dict):
        return "" if spec.get("mapping") else f"this flag takes {_KINDS[kind]}, not a mapping"
    return _not_a_number(flag, kind, value)


def _not_a_number(flag: str, kind: str, value: Any) -> str:
    if kind == "integer" and integer(flag, value) is None:
        return f"this flag takes a whole number, not {value}"
    if kind == "number" and isinstance(value, str):
        return "this flag takes a number: remove the quotes"
    return ""


# vLLM's engine/arg_utils.py, _compute_kwargs: lines 355 to 363 of 0.22.1, 363 to 373 of 0.27.1.
_SUFFIXED = (
    *("kv-cache-memory-bytes", "max-model-len", "max-num-batched-tokens"),
    *("max-num-scheduled-tokens", "safetensors-prefetch-block-size"),
)

_UNITS = {
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
    "T": 2**40,
}


def integer(flag: str, value: Any) -> int | None:
    """A flag's value as the integer that vLLM's parser makes of it; None if it makes none.

    Some flags take a suffix: 4k is 4,000, 4.5k is 4,500, and 4K is 4,096, where vLLM takes no
    decimals (``human_readable_int`` in utils/argparse_utils.py, line 29 of 0.22.1).
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    found = re.fullmatch(r"([0-9]{1,18})(\.[0-9]{1,18})?([kmgtKMGT])", text)
    if not found or flag not in _SUFFIXED or (found[2] and found[3].isupper()):
        return None
    number, decimals, unit = found.groups(default="")
    return int(float(number + decimals) * _UNITS[unit]) if decimals else int(number) * _UNITS[unit]


def _not_json(value: Any) -> str:
    if isinstance(value, dict):
        return ""
    if not isinstance(value, str):
        return "this flag takes JSON: write a mapping"

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    try:
        json.loads(value, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        return f"not strict JSON ({error}): write a mapping"
    return ""


def _unknown(version: str, flag: str, flags: Mapping[str, Any]) -> str:
    if flag.startswith("no-") and flag[3:] in flags:
        return f"write {flag[3:]}: false"
    longer = [name for name in flags if name.startswith(flag)]
    if longer:
        # vLLM's parser takes any unambiguous beginning, until a new flag makes it ambiguous.
        return f"abbreviated: write {' or '.join(longer[:3])} whole"
    return f"vLLM {version} has no flag --{flag}{suggestion(flag, flags)}"
