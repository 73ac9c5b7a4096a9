"""What a check is, and how the checks of a subject are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from ...findings import Severity
from .facts import GATEWAY_API, Facts

Answers: TypeAlias = Iterator[tuple[Severity, str, str]]
"""What a check finds: the severity, the message, and the fix."""
Ask: TypeAlias = Callable[[Facts], Answers]


Skip: TypeAlias = Callable[[Facts], str]
"""Why a deployment needs no answer of a check; ``""`` where it does."""


class Check(NamedTuple):
    """One check.

    Attributes:
        meaning: what is true where it finds nothing.
        ask: finds what is wrong.
        skips: the reasons for which it is not asked.
    """

    meaning: str
    ask: Ask
    skips: tuple[Skip, ...] = ()

    def answers(self, facts: Facts) -> list[tuple[Severity, str, str]]:
        """What it finds; ``ok`` where it was asked and found nothing.

        Raises:
            ClusterError: the cluster gave no answer.
        """
        for skip in self.skips:
            if reason := skip(facts):
                return [(Severity.SKIPPED, reason, "")]
        return list(self.ask(facts)) or [(Severity.OK, self.meaning, "")]


class Checks(dict[str, Check]):
    """The checks of a subject by their codes, in the order in which they are best read."""

    def add(self, code: str, meaning: str, *skips: Skip) -> Callable[[Ask], Ask]:
        """Adds the function below as a check."""

        def register(ask: Ask) -> Ask:
            self[code] = Check(meaning, ask, skips)
            return ask

        return register


# --- questions of several subjects -------------------------------------------------------------


def kinds_served(facts: Facts, kinds: Mapping[str, tuple[str, ...]], fix: str) -> Answers:
    """Whether the cluster serves kinds, by their API version."""
    for api, names in kinds.items():
        missing = [name for name in names if not facts.cluster.has(api, name)]
        if missing:
            yield Severity.ERROR, f"the cluster does not serve {', '.join(missing)} of {api}", fix


def gateway_programmed(facts: Facts, namespace: str, name: str, fix: str) -> Answers:
    """Whether a Gateway is there and programmed."""
    found = facts.cluster.get(GATEWAY_API, "Gateway", name, namespace)
    if not found:
        yield Severity.ERROR, f"there is no Gateway {namespace}/{name}", fix
        return
    conditions = (found.get("status") or {}).get("conditions") or []
    if not any(c["type"] == "Programmed" and c["status"] == "True" for c in conditions):
        yield (
            Severity.ERROR,
            f"Gateway {namespace}/{name} is not programmed",
            "find the cause with `kubectl describe gateway`",
        )
