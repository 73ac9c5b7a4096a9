"""DeepSeek-V4-Flash on Huawei Ascend NPUs: from a hardware profile to the manifest.

>>> from dsv4deploy import Release, load, render, to_yaml
>>> values = load(profile="ascend-910b4-8-w4a8", set=["engine.args.max-num-seqs=8"])
>>> print(to_yaml(render(values, Release(namespace="prod"))))  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks.rendering import render
    from .checks.rules import check
    from .errors import DeployError, RenderError, ValuesError
    from .findings import Finding, Severity
    from .manifest.render import Release, to_yaml
    from .sizing.plan import MemoryPlan, plan
    from .values.loading import load
    from .values.tree import Values

__all__ = [
    "DeployError",
    "Finding",
    "MemoryPlan",
    "Release",
    "RenderError",
    "Severity",
    "Values",
    "ValuesError",
    "check",
    "load",
    "plan",
    "render",
    "to_yaml",
]
__version__ = "0.1.0"

_HOMES = {
    "checks.rendering": ("render",),
    "checks.rules": ("check",),
    "errors": ("DeployError", "RenderError", "ValuesError"),
    "findings": ("Finding", "Severity"),
    "manifest.render": ("Release", "to_yaml"),
    "sizing.plan": ("MemoryPlan", "plan"),
    "values.loading": ("load",),
    "values.tree": ("Values",),
}


def __getattr__(name: str) -> Any:
    """Imports a name on first use, so that a command that needs no values starts immediately."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
