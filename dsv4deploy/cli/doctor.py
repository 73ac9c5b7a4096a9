"""``dsv4deploy doctor``: whether a cluster can run a deployment."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace

import click

from ..cluster.doctor import examine
from ..findings import Finding, Severity, count, errors
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, DeploymentOptions
from .output import print_finding, print_json, print_text


@click.command()
@placed_options
@cluster_options
@FORMAT
def doctor(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """Check whether a cluster can run a deployment. This command changes nothing.

    The result ok means that the cluster answered and passed the check; skipped, that this
    deployment does not need the check, or that an earlier check failed; unknown, that the cluster
    gave no answer, for example because a permission is missing. The command exits with 1 if a
    check failed (error), otherwise with 0.
    """
    release = cluster.release(deployment.namespace)
    values = deployment.values()
    found = examine(cluster.connect(), values, release, deployment.chosen_profile())
    if output == "json":
        print_json([asdict(each) for each in found])
    else:
        for each in sorted(_merged(found), key=lambda each: list(Severity).index(each.severity)):
            print_finding(each)
        print_text(count(found))
    if errors(found):
        sys.exit(1)


def _merged(found: list[Finding]) -> list[Finding]:
    """One finding for those that differ only in the check that reports them."""
    codes: dict[Finding, list[str]] = {}
    for each in found:
        codes.setdefault(replace(each, code=""), []).append(each.code)
    return [replace(each, code=", ".join(names)) for each, names in codes.items()]
