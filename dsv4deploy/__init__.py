"""DeepSeek-V4-Flash on Huawei Ascend NPUs: from a hardware profile to the manifest.

>>> from dsv4deploy import Release, load, render, to_yaml
>>> values = load(profile="ascend-910b4-8-w4a8", set=["engine.args.max-num-seqs=8"])
>>> print(to_yaml(render(values, Release(namespace="prod"))))  # doctest: +SKIP
"""

from .checks.rules import check
from .errors import DeployError, RenderError, ValuesError
from .findings import Finding, Severity
from .manifest.render import Release, render, to_yaml
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
