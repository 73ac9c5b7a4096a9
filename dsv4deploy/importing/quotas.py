"""What is read from lists of a manifest, since no search finds it.

A BackendTrafficPolicy's rules contain token budgets, but neither their names nor which of them
belong to one tier. A ScaledObject's triggers contain schedules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Tree = dict[str, Any]


def budgets(policy: Mapping[str, Any]) -> Tree:
    """``quotas`` and ``tiers`` of a policy's global rules; nothing where a rule is of another kind.

    A quota is named after its unit where the order of the rules allows that, and a tier by number.
    """
    quotas: list[Tree] = []
    tiers: dict[str, list[Tree]] = {}
    try:
        for rule in policy["spec"]["rateLimit"]["global"]["rules"]:
            key = rule["cost"]["response"]["metadata"]["key"]
            found = re.fullmatch("llm_(input|output|total|weighted)_token", key)
            quota = {
                "tokens": rule["limit"]["requests"],
                "unit": rule["limit"]["unit"],
                "count": found[1] if found else "",
            }
            headers = rule["clientSelectors"][0]["headers"]
            names = [
                header["value"]
                for header in headers
                if header["type"] == "RegularExpression" and not header.get("invert")
            ]
            (tiers.setdefault(names[0], []) if names else quotas).append(quota)
        return {
            "quotas": _named(quotas),
            "tiers": {
                f"tier-{number}": {"clients": _clients(pattern), "quotas": _named(each)}
                for number, (pattern, each) in enumerate(tiers.items(), 1)
            },
        }
    except (AttributeError, LookupError, TypeError):
        return {}


def _named(quotas: list[Tree]) -> Tree:
    names = [str(quota["unit"]).lower() for quota in quotas]
    if names != sorted(set(names)):
        names = [f"quota-{number:02}" for number in range(1, len(quotas) + 1)]
    return dict(zip(names, quotas, strict=True))


def _clients(pattern: str) -> list[str]:
    """The clients of ``^(one|other)$``, in which full stops are quoted."""
    return pattern.removeprefix("^(").removesuffix(")$").replace("[.]", ".").split("|")


def schedules(scaled: Mapping[str, Any]) -> Tree:
    """``schedules`` of a ScaledObject, and their time zone; nothing where a trigger is no cron."""
    try:
        triggers = [(each["name"], each["metadata"]) for each in scaled["spec"]["triggers"]]
        return {
            "timezone": triggers[0][1]["timezone"],
            "schedules": {
                name: {
                    "start": told["start"],
                    "end": told["end"],
                    "replicas": int(told["desiredReplicas"]),
                }
                for name, told in triggers
            },
        }
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}
