"""``dsv4deploy delete``: removes what ``apply`` created."""

from __future__ import annotations

import click

from ..cluster import rollout
from ..cluster.rollout import Removal
from ..errors import ClusterError
from .connection import ClusterOptions, cluster_options, placed_options
from .options import WAIT_FOR, YES, DeploymentOptions
from .output import confirmed, print_text, say


@click.command()
@placed_options
@cluster_options
@WAIT_FOR
@YES
def delete(
    deployment: DeploymentOptions, cluster: ClusterOptions, wait_for: float, yes: bool
) -> None:
    """Delete the objects that `apply` created for a service, and keep all others.

    The command fails if there is nothing to delete.

    \b
    dsv4deploy delete my-values.yaml -n prod
    """
    connected, name, namespace = cluster.find(deployment)
    place = rollout.ServiceRef(name, namespace)

    def ask(planned: Removal) -> bool:
        _show(planned)
        return not planned or confirmed(f"Delete {_whole(planned)}?")

    def act(planned: Removal) -> str:
        if yes:
            _show(planned)
        if not planned:
            raise ClusterError(
                f"nothing to delete: namespace {namespace} of context {cluster.named()} has no "
                f"revisions and no objects of service {name}; select another service with a values "
                "file, --name, -n or --context",
                "NotFound",
            )
        rollout.delete(connected, planned)
        return f"{_whole(planned)} deleted"

    def make() -> Removal:
        return rollout.removal(connected, place)

    doing = "delete"
    say(rollout.run(connected, place, doing, make, act, None if yes else ask, wait=wait_for))


def _whole(planned: Removal) -> str:
    return f"{len(planned.going)} objects and {len(planned.known)} revisions"


def _show(planned: Removal) -> None:
    for each in planned.going:
        print_text(f"- {each}")
    for each in planned.staying:
        print_text(f"= {each} (kept: not created for this service)")
