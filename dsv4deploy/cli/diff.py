"""``dsv4deploy diff``: what ``apply`` would change."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ..cluster.client import Cluster
from ..cluster.plan import Plan, prepare
from ..manifest.render import Release, render
from ..values.tree import Values
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, DeploymentOptions
from .output import print_json, print_text
from .render import accepted


@click.command()
@placed_options
@cluster_options
@FORMAT
def diff(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """Show what `apply` would change, field by field, from a dry run on the server.

    The command exits with 1 if there is a difference.
    """
    release = cluster.release(deployment.namespace)
    plan = planned(cluster.connect(), deployment.values(), release, force=True)
    if output == "json":
        changes = [asdict(change) for change in plan.changes]
        print_json({"changes": changes, "downtime": plan.downtime})
    else:
        print_changes(plan)
    if plan.changes:
        sys.exit(1)


def planned(cluster: Cluster, values: Values, release: Release, *, force: bool) -> Plan:
    """What applying these values would do; errors in them are found first."""
    accepted(values, release)
    return prepare(cluster, render(values, release), force=force)


def print_changes(plan: Plan) -> None:
    """Prints each change on a line, and whether the engines stop for them."""
    for change in plan.changes:
        print_text(change)
    print_text(f"downtime: {f'yes: {plan.downtime}' if plan.downtime else 'no'}")
