"""JSON as Go writes it, so that Python and Helm print the same text, and JSON for messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def finite(word: str) -> float:
    """A number of JSON. Raises ValueError where it is too large for a float."""
    value = float(word)
    if math.isinf(value):
        raise ValueError(f"the number {word[:20]} is too large")
    return value


DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=finite)
"""Reads JSON without Python's extensions, which are NaN and infinity."""


def read_json(text: str) -> Any:
    """The data in JSON text.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has a number that is too large.
    """
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def to_json(value: Any) -> str:
    """JSON on one line as Go writes it: sorted keys, no blanks, 1.0 as 1."""
    if isinstance(value, Mapping):
        members = (f"{to_json(key)}:{to_json(value[key])}" for key in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, float):
        return _go_float(value)
    return json.dumps(value, ensure_ascii=False)


def short_json(value: Any, width: int = 60) -> str:
    """A value as JSON for a message, cut to ``width`` characters; an ellipsis marks the cut.

    Types that JSON does not have, such as dates, are shown as text.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _go_float(value: float) -> str:
    """A float as Go's encoding/json writes it: plain from 1e-6 to 1e21, else 1e-7, 1e+21."""
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa.removesuffix(".0")
    power = int(exponent)
    if -7 < power < 21:
        digits = max(0, len(mantissa.partition(".")[2]) - power)
        return f"{value:.{digits}f}"
    return f"{mantissa}e{power:+d}"
