"""Every rule, ``check``, and what explains a rule to its reader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

from ..errors import ValuesError, nearest
from ..findings import Finding, Severity
from ..manifest.render import Release, context, expression
from ..sizing.engine import engine_build
from ..values.tree import Values
from . import builds, engine, gateway, graphs, memory, platform, pods, scaling
from . import cache as caches
from .rule import Rule

RULES = (
    *builds.RULES,
    *engine.RULES,
    *graphs.RULES,
    *caches.RULES,
    *platform.RULES,
    *scaling.RULES,
    *pods.RULES,
    *memory.RULES,
    *gateway.RULES,
)


_ROWS = tuple(row for each in RULES for row in each.rows)
_CONDITIONS = ", ".join(f"({row.condition})" for row in _ROWS if row.condition)
# One expression for all: compiling each by itself takes several times as long.
EXPRESSION = f"[{_CONDITIONS}]"
"""The list of all rules' conditions, in the templates' language."""


@cache
def _conditions() -> Callable[[Mapping[str, Any]], Any]:
    return expression(EXPRESSION)


def check(
    values: Values,
    release: Release | None = None,
    *,
    ignore: Collection[str] = (),
) -> list[Finding]:
    """Everything that is known to be wrong with a deployment; empty where nothing is.

    Args:
        values: what :func:`dsv4deploy.load` returns.
        release: the namespace to deploy to; ``demo`` by default.
        ignore: codes of warnings to ignore.

    Raises:
        ValuesError: a code to ignore is not known, or an error's.
    """
    for code in ignore:
        if rule(code).severity == Severity.ERROR:
            raise ValuesError.of("--ignore", code, "an error cannot be ignored: fix the value")
    holds = iter(_conditions()(context(values, release or Release())))
    build = engine_build(values)
    findings = []
    for each in _ROWS:
        broken = bool(each.condition) and not next(holds)
        if each.code in ignore or not each.concerns(build):
            continue
        if each.finds:
            findings += [each.finding(*place) for place in each.finds(values)]
        elif broken:
            findings.append(each.finding())
    return sorted(findings, key=lambda finding: finding.severity != Severity.ERROR)


def rule(code: str, others: Iterable[str] = ()) -> Rule:
    """A rule by its code.

    Raises:
        ValuesError: there is none; the message names the nearest, of others' codes too.
    """
    known = {each.code: each for each in RULES}
    if code not in known:
        near = nearest(code, [*known, *others])
        raise ValuesError.of("rules", code, f"there is no such rule{near}")
    return known[code]


def explain(code: str, others: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """What ``dsv4deploy rules show`` prints of a rule, or of a check that is no rule.

    Args:
        code: the code of a finding.
        others: for each command with checks of its own, what holds where all is well, by code.

    Raises:
        ValuesError: the code is not known.
    """
    elsewhere = {
        name: [("condition", meaning), ("checked by", command)]
        for command, meanings in (others or {}).items()
        for name, meaning in meanings.items()
    }
    if code in elsewhere:
        return _told(code, elsewhere[code])
    each = rule(code, elsewhere)
    return _told(
        f"{code}: {each.message}",
        [
            ("severity", each.severity),
            ("value", each.path),
            *each.table.items(),
            ("applies to", versions(each)),
            ("condition", each.condition),
            ("fix", each.fix),
            ("source", each.source),
            ("checked by", checked_by(each)),
        ],
    )


def _told(title: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(label) for label, _ in rows)
    return "\n".join([title, "", *(f"  {label:{width}} {text}" for label, text in rows if text)])


_WORDS = {"<": "before ", "<=": "up to ", "=": "", ">": "after ", ">=": "from "}


def versions(each: Rule) -> str:
    """The versions and builds that a rule holds for, in words."""
    bounds = " and ".join(_WORDS[sign] + bound for sign, bound in each.bounds)
    parts = [bounds and f"vLLM {bounds}", *each.builds, each.platform]
    return ", ".join(filter(None, parts)) or "all"


def checked_by(each: Rule) -> str:
    """What checks a rule, in words."""
    if each.finds:
        return "dsv4deploy"
    return "dsv4deploy; the chart " + (
        "fails to render" if each.severity == Severity.ERROR else "shows a warning in its notes"
    )
