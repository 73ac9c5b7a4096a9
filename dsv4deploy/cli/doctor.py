"""``dsv4deploy doctor``: whether a cluster can carry a deployment."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ..cluster.doctor import examine
from ..findings import Severity, count, errors
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, DeploymentOptions
from .output import print_finding, print_json, print_text


@click.command()
@placed_options
@cluster_options
@FORMAT
def doctor(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """Examine whether a cluster can carry a deployment. Changes nothing.

    A check is ok only where the cluster gave an answer. skipped: this deployment does not need it,
    or another check has failed before it. unknown: the cluster gave no answer, such as for lack of
    a right. Exits with 1 where a check failed (error); all else is 0.
    """
    release = cluster.release(deployment.namespace)
    values = deployment.values()
    found = examine(cluster.connect(), values, release)
    if output == "json":
        print_json([asdict(each) for each in found])
    else:
        for each in sorted(found, key=lambda each: list(Severity).index(each.severity)):
            print_finding(each)
        print_text(count(found))
    if errors(found):
        sys.exit(1)
