"""Everything this package raises on purpose.

::

    DeployError
    ├── ValuesError    the values can't be read, merged or accepted
    ├── RenderError    a template or its input is wrong: a fault of this package
    └── ClusterError   the cluster refused something, or can't be reached

Each says where, what is wrong, and what to do about it. The command line prints
``str(error)`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class DeployError(Exception):
    """The base of every error this package raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the values.

    Attributes:
        source: the file, option or object it stands in, as the user named it.
        path: the dotted path of the value, ``""`` for the document as a whole.
        message: what is wrong, and what to write instead.
    """

    source: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.message) if part)


class ValuesError(DeployError):
    """The values can't be read, merged or accepted.

    Attributes:
        problems: what is wrong, in the order of the document; never empty.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(cls, source: str, path: str, message: str) -> ValuesError:
        """The error of one problem."""
        return cls([Problem(source, path, message)])


class RenderError(DeployError):
    """A template or its input is wrong: a fault of this package, not of the values."""


class ClusterError(DeployError):
    """The cluster refused something, can't be reached, or is not in the state that it should be.

    Attributes:
        reason: Kubernetes' word for it, such as Forbidden, Conflict or NotFound; Unreachable where
            no answer came.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)
