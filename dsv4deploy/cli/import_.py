"""``dsv4deploy import``: from a manifest to values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from ..checks.kept import origins
from ..checks.rules import check
from ..cluster.diff import label
from ..errors import command
from ..findings import errors
from ..importing.live import live, without_defaults
from ..importing.manifest import UNSEEN, Imported, Tree, imported, read, values_file
from ..importing.places import value_at
from ..writing import write_files
from .connection import ClusterOptions, cluster_options
from .output import print_file, print_finding, say


@click.command("import")
@click.argument("files", nargs=-1, metavar="[MANIFEST.yaml]...", type=click.File("rb"))
@click.option(
    "--from-cluster", default="", metavar="NAME", help="Also read this service from the cluster."
)
@click.option(
    "-n",
    "--namespace",
    help="The service's namespace; by default, the namespace in the manifest, or with "
    "--from-cluster, the context's namespace.",
)
@cluster_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The values file to write; by default, stdout.",
)
def import_(
    files: tuple[BinaryIO, ...],
    from_cluster: str,
    namespace: str | None,
    cluster: ClusterOptions,
    output: Path | None,
) -> None:
    """Create a values file from a running manifest.

    The command reads an LLMInferenceService with its router configuration, and the other objects of
    the service, such as gateway policies. It finds the nearest profile, and writes a values file
    with the differences. These values render to the same manifest; scripts and command lines are
    compared by their options and flags. The command lists every field that values cannot express,
    and exits with 1 if there is such a field or if a rule finds an error.

    \b
    dsv4deploy import service.yaml router.yaml -o my-values.yaml
    kubectl get llminferenceservice chat -n prod -o yaml | dsv4deploy import -
    dsv4deploy import --from-cluster chat -n prod -o my-values.yaml
    """
    if not files and not from_cluster:
        raise click.UsageError("pass a manifest, or select a service with --from-cluster")
    objects: list[Tree] = []
    optional: list[Tree] = []
    if from_cluster:
        namespace = cluster.release(namespace).namespace
        connected = cluster.connect()
        objects, refused = live(connected, from_cluster, namespace)
        optional = without_defaults(connected, objects)
        for sentence in refused:
            say(sentence)
    known = set(map(label, objects))
    given = [item for file in files for item in read(file.read(), getattr(file, "name", "stdin"))]
    given = [item for item in given if label(item) not in known]
    found = imported([*objects, *given], namespace, [*optional, *given])
    if output:
        write_files({output: values_file(found)})
    else:
        print_file(values_file(found))
    if _reported(found, str(output or "my-values.yaml")):
        sys.exit(1)


def _reported(found: Imported, file: str) -> bool:
    """Prints what was found; returns whether it prevents an equal render."""
    for change in found.changes:
        say(f"values cannot express: {change} (manifest -> render)")
    findings = check(found.values, found.release)
    told = origins(findings, found.values, found.release, found.profile)
    for finding in told.own:
        print_finding(finding, err=True)
    if findings:
        say(f"check: {told}")
    tree = found.values.model_dump(by_alias=True)
    unseen = ", ".join(f"{path} {value_at(tree, tuple(path.split('.')))}" for path in UNSEEN)
    say(
        f"A manifest does not contain {unseen}: these values are from the profile, so correct "
        "them if necessary."
    )
    where = [f"--profile={found.profile}"] if found.profile else []
    diff = command("dsv4deploy", "diff", file, *where, "-n", found.release.namespace)
    say(
        f"{diff} shows what `apply` would change in the cluster. The first `apply` saves the "
        "objects that kubectl or Helm created as a revision with status `adopted`, which "
        "`dsv4deploy rollback` can restore."
    )
    return bool(found.changes or errors(findings))
