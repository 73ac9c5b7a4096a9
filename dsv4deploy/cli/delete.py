"""``dsv4deploy delete``: what ``apply`` has made goes."""

from __future__ import annotations

import click

from ..cluster import rollout
from ..cluster.diff import label
from ..cluster.revisions import history
from .connection import ServiceOptions, service_options
from .options import YES
from .output import confirm, print_text, say


@click.command()
@service_options
@YES
def delete(service: ServiceOptions, yes: bool) -> None:
    """Delete what `apply` has made, and keep what somebody else has."""
    place = service.find()
    going, staying = rollout.delete(*place, dry_run=True)
    for item in going:
        print_text(f"- {label(item)}")
    for item in staying:
        print_text(f"= {label(item)} (stays: not made for this service)")
    revisions = history(*place)
    if not (going or revisions):
        say("nothing to delete")
        return
    whole = f"{len(going)} objects and {len(revisions)} revisions"
    if not yes:
        confirm(f"Delete {whole}?")
    rollout.delete(*place)
    say(f"{whole} deleted")
