"""``dsv4deploy upgrade``: what runs is stopped, replaced and started."""

from __future__ import annotations

from collections.abc import Callable

import click

from ..cluster import rollout
from ..cluster.client import Cluster
from ..cluster.plan import Plan, taking_over
from ..cluster.readiness import Limits, budget, waiting
from ..manifest.render import render
from .connection import ClusterOptions, cluster_options, placed_options
from .diff import planned, print_changes
from .options import (
    FORCE,
    TIMEOUT,
    WAIT_FOR,
    YES,
    DeploymentOptions,
)
from .output import confirmed, say, waiting_bar
from .render import accepted, note
from .status import print_endpoints


@click.command()
@placed_options
@cluster_options
@FORCE
@TIMEOUT
@WAIT_FOR
@YES
def upgrade(
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    force_conflicts: bool,
    timeout: float | None,
    wait_for: float,
    yes: bool,
) -> None:
    """Stop the service, apply a deployment and start it; on failure, roll back.

    If the command is interrupted, run the same command to continue, or `dsv4deploy rollback` to
    roll back. At the end, the command prints how to call the model, as `apply` does.
    """
    release = cluster.release(deployment.namespace)
    values = deployment.values()
    note(accepted(values, release), values, release, deployment.chosen_profile())
    connected = cluster.connect()

    def make() -> Plan:
        return planned(connected, values, release, force=force_conflicts)

    def act(plan: Plan) -> str:
        return replaced(connected, plan, force=force_conflicts, timeout=timeout, shown=not yes)

    place = rollout.ServiceRef(values.name, release.namespace)
    ask = None if yes else agreed(timeout)
    say(rollout.run(connected, place, "upgrade", make, act, ask, wait=wait_for))
    print_endpoints(connected, render(values, release))


def agreed(timeout: float | None) -> Callable[[Plan], bool]:
    """It shows a plan, and asks for confirmation if the engines have to stop."""

    def ask(plan: Plan) -> bool:
        _show(plan)
        if not plan.downtime:
            return True
        minutes = waiting_limits(plan, timeout).timeout / 60
        if plan.rolling:
            paused = " KEDA is paused until then." if plan.scaled else ""
            say(
                "The engines are replaced one after the other, while the others serve requests. "
                f"This takes up to {minutes:.0f} minutes.{paused}"
            )
        else:
            say(f"The engines stop, and are ready again within {minutes:.0f} minutes.")
        return confirmed("Continue?")

    return ask


def replaced(
    cluster: Cluster, plan: Plan, *, force: bool, timeout: float | None, shown: bool
) -> str:
    """Carries out a plan, and returns the result."""
    if not shown:
        _show(plan)
    with waiting_bar() as tell:
        wait, wait_back = (
            waiting(cluster, plan.service, plan.namespace, limits, tell)
            for limits in (waiting_limits(plan, timeout), waiting_limits(plan, None))
        )
        told = rollout.upgrade(cluster, plan, force=force, wait=wait, wait_back=wait_back)
    return f"{plan.service} is ready" if told == "ready" else told


def _show(plan: Plan) -> None:
    print_changes(plan)
    if taken := taking_over(plan):
        say(taken)


def waiting_limits(plan: Plan, timeout: float | None) -> Limits:
    """How long to wait: the given time, or the time that the plan's objects need."""
    return Limits(timeout) if timeout else budget(plan.objects, plan.rolling or 1)
