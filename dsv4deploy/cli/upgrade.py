"""``dsv4deploy upgrade``: what runs is stopped, replaced and started."""

from __future__ import annotations

import click

from ..cluster import rollout
from ..cluster.client import Cluster
from ..cluster.readiness import Limits, budget, waiting
from .connection import ClusterOptions, cluster_options
from .diff import planned, print_changes
from .options import FORCE, TIMEOUT, YES, DeploymentOptions, deployment_options
from .output import confirm, say, waiting_bar


@click.command()
@deployment_options
@cluster_options
@FORCE
@TIMEOUT
@YES
def upgrade(
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    force_conflicts: bool,
    timeout: float | None,
    yes: bool,
) -> None:
    """Stop, apply, start, wait; on failure back to what ran before.

    Interrupted at any point, the same command goes on, and `dsv4deploy rollback` goes back.
    """
    release = cluster.release(deployment.namespace)
    values = deployment.values()
    connected = cluster.connect()
    plan = planned(connected, values, release, force=force_conflicts)
    replace_running(connected, plan, force=force_conflicts, timeout=timeout, yes=yes)


def replace_running(
    cluster: Cluster, plan: rollout.Plan, *, force: bool, timeout: float | None, yes: bool
) -> None:
    """Carries a plan out, after a question where the engines stop for it."""
    print_changes(plan)
    if taken := rollout.taking_over(plan):
        say(taken)
    limits = waiting_limits(plan, timeout)
    if plan.downtime and not yes:
        minutes = limits.timeout / 60
        say(f"The engines stop, and are ready again after up to {minutes:.0f} minutes.")
        confirm("Go on?")
    with waiting_bar() as tell:
        wait = waiting(cluster, plan.service, plan.namespace, limits, tell)
        rollout.upgrade(cluster, plan, force=force, wait=wait)
    say(f"{plan.service} is ready")


def waiting_limits(plan: rollout.Plan, timeout: float | None) -> Limits:
    """How long to wait: as long as asked for, or what the plan's objects may take."""
    return Limits(timeout) if timeout else budget(plan.objects)
