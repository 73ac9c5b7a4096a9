"""The manifest of values that the rules accept: what Python programs render with."""

from __future__ import annotations

from typing import Any

from ..errors import ValuesError
from ..findings import errors
from ..manifest import render as manifest
from ..manifest.render import Release
from ..values.tree import Values
from .rules import check


def render(
    values: Values, release: Release | None = None, *, unchecked: bool = False
) -> list[dict[str, Any]]:
    """The manifest as Kubernetes objects, in the order in which they are applied.

    Args:
        values: what :func:`dsv4deploy.load` returns, or ``Values()``.
        release: the namespace to deploy to; ``demo`` by default.
        unchecked: whether to render also what :func:`dsv4deploy.check` finds an error in.

    Raises:
        ValuesError: a rule finds an error; it has the errors as ``findings``.
        RenderError: a template is wrong.
    """
    if not unchecked and (wrong := errors(check(values, release))):
        raise ValuesError(wrong)
    return manifest.render(values, release)
