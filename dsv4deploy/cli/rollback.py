"""``dsv4deploy rollback``: back to a revision."""

from __future__ import annotations

import click

from ..cluster import rollout
from ..cluster.plan import Plan, prepare
from ..cluster.revisions import target
from .connection import ServiceOptions, service_options
from .options import TIMEOUT, WAIT_FOR, YES
from .output import say
from .upgrade import agreed, replaced


@click.command()
@click.argument("revision", type=click.IntRange(min=1), required=False)
@service_options
@TIMEOUT
@WAIT_FOR
@YES
def rollback(
    revision: int | None,
    service: ServiceOptions,
    timeout: float | None,
    wait_for: float,
    yes: bool,
) -> None:
    """Go back to a revision, or to what ran before."""
    cluster, name, namespace = service.find()
    told: list[str] = []

    def make() -> Plan:
        chosen = target(cluster, name, namespace, revision or 0)
        line = f"back to revision {chosen.number}"
        if line not in told:
            say(line)
            told.append(line)
        return prepare(cluster, chosen.objects, force=True)

    def act(plan: Plan) -> str:
        return replaced(cluster, plan, force=True, timeout=timeout, shown=not yes)

    place = rollout.Place(name, namespace)
    ask = None if yes else agreed(timeout)
    say(rollout.run(cluster, place, "rollback", make, act, ask, wait=wait_for))
