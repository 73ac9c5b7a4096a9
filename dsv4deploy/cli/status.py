"""``dsv4deploy status``: where a service is."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from ..cluster.addresses import Endpoint, endpoint
from ..cluster.client import Cluster, Object
from ..cluster.readiness import progress
from ..cluster.revisions import history
from ..errors import ClusterError
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, DeploymentOptions
from .output import print_json, print_sentence, print_table, print_text, say


@click.command()
@placed_options
@cluster_options
@FORMAT
def status(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """Show the status of a service: its phase, conditions and revision.

    If the service is ready, the command also prints how to call the model: the URLs, the model's
    name, a curl command, and the location of the keys. It exits with 0 if the service is ready,
    otherwise with 1.
    """
    connected, name, namespace = cluster.find(deployment)
    now = progress(connected, name, namespace)
    live = connected.get("serving.kserve.io/v1alpha2", "LLMInferenceService", name, namespace)
    conditions = ((live or {}).get("status") or {}).get("conditions") or []
    try:
        known = history(connected, name, namespace)
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        say(f"cannot read the revision of the service: {error}")
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
            sentences=True,
        )
        if now.phase == "ready":
            print_endpoints(connected, known[-1].objects if known else [live] if live else [])
    if now.phase != "ready":
        sys.exit(1)


def print_endpoints(cluster: Cluster, objects: Sequence[Object]) -> None:
    """How to call a deployment through each of its ingresses: the URL, the model, the key, a curl
    command.
    """
    for ingress, found in endpoints(cluster, objects):
        if isinstance(found, ClusterError):
            say(f"the URL of the {ingress} ingress is unknown: {found}")
            continue
        keys = "not required"
        if found.keys:
            keys = f"{found.keys}; `dsv4deploy keys create CLIENT` creates one"
        print_sentence(f"\n{ingress} ingress, {found.url}")
        print_sentence(f"  model: {found.model}")
        print_sentence(f"  key: {keys}")
        # To be copied, so it is not wrapped.
        print_text(textwrap.indent(found.curl, "  "))


def endpoints(
    cluster: Cluster, objects: Sequence[Object]
) -> Iterator[tuple[str, Endpoint | ClusterError]]:
    """Each ingress of a deployment with its endpoint, or why that is not known."""
    for ingress in ("kserve", "maas"):
        try:
            if found := endpoint(cluster, objects, ingress):
                yield ingress, found
        except ClusterError as error:
            yield ingress, error
