"""``dsv4deploy rollback``: rolls back to a revision."""

from __future__ import annotations

from dataclasses import replace

import click

from ..cluster import rollout
from ..cluster.plan import Plan, prepare
from ..cluster.revisions import history, target
from ..values.quantities import whole
from .connection import ClusterOptions, cluster_options, revision_options
from .options import TIMEOUT, WAIT_FOR, YES, DeploymentOptions
from .output import say
from .status import print_endpoints
from .upgrade import agreed, replaced


@click.command()
@revision_options
@cluster_options
@TIMEOUT
@WAIT_FOR
@YES
def rollback(
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    timeout: float | None,
    wait_for: float,
    yes: bool,
) -> None:
    """Roll back to a revision; by default, to the one that ran before.

    A numeric argument is a revision from the output of `history`; any other argument is the path
    to a values file. At the end, the command prints how to call the model, as `apply` does.

    \b
    dsv4deploy rollback my-values.yaml -n prod
    dsv4deploy rollback my-values.yaml 3 -n prod
    """
    files = tuple(word for word in deployment.files if whole(word) is None)
    numbers = [whole(word) or 0 for word in deployment.files if word not in files]
    if len(numbers) > 1 or 0 in numbers:
        raise click.UsageError(
            "pass a single revision, 1 or above; write ./1 for a values file named 1"
        )
    connected, name, namespace = cluster.find(replace(deployment, files=files))
    told: list[str] = []

    def make() -> Plan:
        chosen = target(connected, name, namespace, (*numbers, 0)[0])
        line = f"roll back to revision {chosen.number}"
        if line not in told:
            say(line)
            told.append(line)
        return prepare(connected, chosen.objects, force=True)

    def act(plan: Plan) -> str:
        return replaced(connected, plan, force=True, timeout=timeout, shown=not yes)

    place = rollout.ServiceRef(name, namespace)
    ask = None if yes else agreed(timeout)
    say(rollout.run(connected, place, "rollback", make, act, ask, wait=wait_for))
    print_endpoints(connected, history(connected, name, namespace)[-1].objects)
