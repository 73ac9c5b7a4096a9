"""Kubernetes' quantities and Go's durations as numbers."""

from __future__ import annotations

import re

_POWERS = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_QUANTITY = re.compile(
    r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkMGTPE]?)|([KMGTPE])i|[eE]([-+]?[0-9]{1,3}))"
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def quantity(text: str) -> float:
    """A Kubernetes quantity such as ``500m`` or ``64Gi`` as a number: cores, or bytes.

    Raises:
        ValueError: it is none.
    """
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    number, decimal, binary, exponent = found.groups()
    if binary:
        return float(number) * 1024.0 ** "KMGTPE".index(binary) * 1024.0
    if exponent:
        return float(f"{number}e{exponent}")
    return float(number) * 1000.0 ** _POWERS[decimal or ""]


def whole(text: str) -> int | None:
    """Text that is a whole number of no more than 18 digits, or None."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def seconds(text: str) -> float:
    """A duration of Go, such as ``1m30s`` or ``0.5s``, in seconds; the Gateway API's are some."""
    parts = re.findall(r"([0-9]+\.?[0-9]*|\.[0-9]+)(h|ms|us|ns|m|s)", re.sub("[µμ]", "u", text))
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
