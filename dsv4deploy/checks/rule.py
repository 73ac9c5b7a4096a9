"""What a rule is: a condition or a Python function, with what is wrong, a fix and a source.

A condition is an expression in the templates' language over ``Values`` and ``Release``, true where
all is well. ``check`` evaluates it, and the chart carries it as ``fail`` with the same sentence, so
that a plain ``helm install`` is guarded too. What needs Python (quantities, memory, the engine's
flags) is a function under :meth:`Rule.finder`; the chart alone does not check it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import eq, ge, gt, le, lt

from ..facts.builds import Build
from ..findings import Finding, Severity
from ..values.tree import Values

Places = Iterator[tuple[str, Mapping[str, object]]]
"""Each path where a rule is broken, ``""`` for the rule's own, and what its message names there."""

Finder = Callable[[Values], Places]

_OPERATORS = {"<": lt, "<=": le, "=": eq, ">": gt, ">=": ge}
_BOUND = r"([<>]=?|=)(\d+\.\d+\.\d+)"


@dataclass(frozen=True)
class Rule:
    """What must hold of a deployment.

    Attributes:
        code: its name.
        severity: of its findings.
        path: the value that it is about.
        message: what is wrong where it is broken; ``{…}`` is a fact that ``finds`` gives for a
            place.
        fix: how to fix it.
        source: where this is known from.
        condition: an expression over ``Values`` and ``Release``, true where all is well; ``""``
            where ``finds`` looks.
        engine: the versions of vLLM that it holds for, as Helm's ``semverCompare`` reads them:
            bounds such as ``>=0.23.0, <0.25.0``; ``""`` is all. Of an unknown build no rule with
            bounds or builds is checked.
        builds: the names of the builds that it holds for; empty is all.
        platform: the platform's versions that it holds for, in words; ``""`` is all.
        table: names that the rule is about, and the value that each comes from: ``{name}`` and
            ``{owner}`` stand for them in path, message, fix and condition.
        finds: what needs Python: the places where the rule is broken.

    Raises:
        ValueError: ``engine`` is no list of bounds.
    """

    code: str
    severity: Severity
    path: str
    message: str
    fix: str
    source: str
    condition: str = ""
    engine: str = ""
    builds: tuple[str, ...] = ()
    platform: str = ""
    table: Mapping[str, str] = field(default_factory=dict)
    finds: Finder | None = None

    def __post_init__(self) -> None:
        if self.engine and not re.fullmatch(rf"{_BOUND}(, {_BOUND})*", self.engine):
            raise ValueError(f"{self.code}: no bounds such as '<0.23.0': '{self.engine}'")

    def finder(self, rules: list[Rule]) -> Callable[[Finder], Finder]:
        """Adds the rule to a table; the function below finds where it is broken."""

        def add(finds: Finder) -> Finder:
            rules.append(replace(self, finds=finds))
            return finds

        return add

    @property
    def bounds(self) -> list[tuple[str, str]]:
        """The bounds of ``engine``: an operator, and a version."""
        return re.findall(_BOUND, self.engine)

    def concerns(self, build: Build | None) -> bool:
        """Whether it holds for a build of the engine; None is an unknown one."""
        if build is None:
            return not (self.engine or self.builds)
        version = _numbers(build.vllm.version)
        within = all(_OPERATORS[sign](version, _numbers(bound)) for sign, bound in self.bounds)
        return within and (not self.builds or build.name in self.builds)

    @property
    def rows(self) -> list[Rule]:
        """A rule for each name in its table; the rule itself where it has none."""
        return [self._row(name, owner) for name, owner in self.table.items()] or [self]

    def _row(self, name: str, owner: str) -> Rule:
        texts = (self.path, self.message, self.fix, self.condition)
        path, message, fix, condition = (text.format(name=name, owner=owner) for text in texts)
        return replace(self, path=path, message=message, fix=fix, condition=condition, table={})

    def finding(self, path: str = "", facts: Mapping[str, object] | None = None) -> Finding:
        """The finding for a place, with the facts of its message."""
        message, fix = self.message, self.fix
        if facts:
            message, fix = message.format_map(facts), fix.format_map(facts)
        return Finding(self.code, self.severity, path or self.path, message, fix)

    @property
    def sentence(self) -> str:
        """The chart's message if the condition is false: the same as that of ``check``."""
        return str(self.finding())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
