"""``dsv4deploy history``: a service's revisions."""

from __future__ import annotations

import click

from ..cluster import revisions
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, DeploymentOptions
from .output import print_json, print_table


@click.command()
@placed_options
@cluster_options
@FORMAT
def history(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """List the revisions of a service: the last 10, and the last one that ran."""
    rows = [
        {
            "revision": each.number,
            "status": each.status,
            "created": each.created,
            "objects": len(each.objects),
        }
        for each in revisions.history(*cluster.find(deployment))
    ]
    if output == "json":
        print_json(rows)
    else:
        header = ("REVISION", "STATUS", "CREATED", "OBJECTS")
        print_table(header, [row.values() for row in rows])
