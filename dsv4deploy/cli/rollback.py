"""``dsv4deploy rollback``: back to a revision."""

from __future__ import annotations

import click

from ..cluster.revisions import target
from ..cluster.rollout import prepare
from .connection import ServiceOptions, service_options
from .options import TIMEOUT, YES
from .output import say
from .upgrade import replace_running


@click.command()
@click.argument("revision", type=click.IntRange(min=1), required=False)
@service_options
@TIMEOUT
@YES
def rollback(
    revision: int | None, service: ServiceOptions, timeout: float | None, yes: bool
) -> None:
    """Go back to a revision, or to what ran before."""
    cluster, name, namespace = service.find()
    chosen = target(cluster, name, namespace, revision or 0)
    say(f"back to revision {chosen.number}")
    plan = prepare(cluster, chosen.objects, force=True)
    replace_running(cluster, plan, force=True, timeout=timeout, yes=yes)
