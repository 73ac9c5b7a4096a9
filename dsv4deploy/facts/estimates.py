"""A figure that is not known exactly: its range, how it is known, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Provenance(StrEnum):
    """How a figure is known."""

    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMED = "assumed"


GIB = 2**30
"""Bytes of one GiB."""


@dataclass(frozen=True)
class Estimate:
    """A figure in GiB that is not known exactly.

    Attributes:
        low: the least it may be.
        likely: the value that the plan uses.
        high: the most it may be.
        provenance: how it is known.
        source: who measured it, or how it was derived, or why it is assumed.
    """

    low: float
    likely: float
    high: float
    provenance: Provenance
    source: str

    @classmethod
    def measured(cls, value: float, source: str) -> Estimate:
        """A figure that somebody has measured on the very deployment."""
        return cls(value, value, value, Provenance.MEASURED, source)
