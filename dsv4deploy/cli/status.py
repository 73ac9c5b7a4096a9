"""``dsv4deploy status``: where a service is."""

from __future__ import annotations

import sys

import click

from ..cluster.readiness import progress
from ..cluster.revisions import history
from ..errors import ClusterError
from .connection import ServiceOptions, service_options
from .options import FORMAT
from .output import print_json, print_table, print_text, say


@click.command()
@service_options
@FORMAT
def status(service: ServiceOptions, output: str) -> None:
    """Say where a service is: its phase, its conditions, its revision.

    Exits with 0 where it is ready, else with 1.
    """
    cluster, name, namespace = service.find()
    now = progress(cluster, name, namespace)
    live = cluster.get("serving.kserve.io/v1alpha2", "LLMInferenceService", name, namespace)
    conditions = ((live or {}).get("status") or {}).get("conditions") or []
    try:
        known = history(cluster, name, namespace)
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        say(f"its revision can't be read: {error}")
        known = []
    if output == "json":
        told = {"phase": now.phase, "done": now.done, "message": now.message}
        last = known[-1] if known else None
        revision = {"revision": last.number, "status": last.status} if last else None
        print_json({**told, "conditions": conditions, "revision": revision})
    else:
        print_text(f"{name}: {now.phase}: {now.message}")
        if known:
            print_text(f"revision {known[-1].number}: {known[-1].status}")
        print_table(
            ("CONDITION", "STATUS", "MESSAGE"),
            [(each["type"], each["status"], each.get("message", "")) for each in conditions],
            widths=(32, 8, 80),
        )
    if now.phase != "ready":
        sys.exit(1)
