"""``dsv4deploy rollback``: rolls back to a revision."""

from __future__ import annotations

from dataclasses import replace

import click

from ..cluster import rollout
from ..cluster.plan import Plan, prepare
from ..cluster.revisions import target
from ..values.quantities import whole
from .connection import ServiceOptions, revision_options
from .options import TIMEOUT, WAIT_FOR, YES
from .output import say
from .upgrade import agreed, replaced


@click.command()
@revision_options
@TIMEOUT
@WAIT_FOR
@YES
def rollback(
    service: ServiceOptions,
    timeout: float | None,
    wait_for: float,
    yes: bool,
) -> None:
    """Roll back to a revision, or to the one that ran before.

    An argument that is a number is a revision that `history` lists; all other arguments are values
    files.

    \b
    dsv4deploy rollback my-values.yaml -n prod
    dsv4deploy rollback my-values.yaml 3 -n prod
    """
    files = tuple(word for word in service.files if whole(word) is None)
    numbers = [whole(word) or 0 for word in service.files if word not in files]
    if len(numbers) > 1 or 0 in numbers:
        raise click.UsageError("name one revision, starting at 1; a values file named 1 is ./1")
    cluster, name, namespace = replace(service, files=files).find()
    told: list[str] = []

    def make() -> Plan:
        chosen = target(cluster, name, namespace, (*numbers, 0)[0])
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
