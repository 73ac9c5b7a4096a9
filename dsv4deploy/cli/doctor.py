"""``dsv4deploy doctor``: whether a cluster can carry a deployment."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ..cluster.doctor import examine
from ..findings import Severity, errors
from .connection import ClusterOptions, cluster_options
from .options import FORMAT, DeploymentOptions, deployment_options
from .output import print_json, print_table


@click.command()
@deployment_options
@cluster_options
@FORMAT
def doctor(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """Examine whether a cluster can carry a deployment. Changes nothing.

    Exits with 1 where a check failed.
    """
    release = cluster.release(deployment.namespace)
    values = deployment.values()
    found = examine(cluster.connect(), values, release)
    if output == "json":
        print_json([asdict(each) for each in found])
    else:
        order = list(Severity)[::-1]
        rows = sorted(found, key=lambda each: -order.index(each.severity))
        print_table(
            ("STATUS", "CHECK", "FOUND", "FIX"),
            [(each.severity, each.code, each.message, each.fix) for each in rows],
            widths=(8, 20, 60, 48),
        )
    if errors(found):
        sys.exit(1)
