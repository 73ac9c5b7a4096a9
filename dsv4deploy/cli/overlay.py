"""``dsv4deploy overlay``: a kustomize base, and a cluster's overlay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ..errors import DeployError
from ..manifest import kustomize
from ..manifest.render import Release
from ..values.loading import load
from ..writing import write_files
from .options import DeploymentOptions, deployment_options
from .output import say
from .render import accepted, note


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@deployment_options
@click.option(
    "--cluster", required=True, metavar="NAME", help="The overlay's name; a / creates subfolders."
)
@click.option(
    "--base",
    "base_files",
    multiple=True,
    type=click.Path(),
    metavar="VALUES.yaml",
    help="A values file for the base; by default, the base is the profile alone.",
)
@click.option("--base-namespace", default="demo", show_default=True, help="The base's namespace.")
def overlay(
    directory: Path,
    deployment: DeploymentOptions,
    cluster: str,
    base_files: tuple[str, ...],
    base_namespace: str,
) -> None:
    """Write a kustomize base and a cluster's overlay to DIRECTORY.

    DIRECTORY/base holds the manifest of the base's values. DIRECTORY/overlays/NAME holds the
    patches for this cluster's values, which are merged over the base's values. Both work with plain
    `kubectl kustomize`. The engine's flags are in one script and cannot be patched: a cluster with
    different flags needs a separate base.

    \b
    dsv4deploy overlay deploy site-a.yaml --cluster site-a -n prod
    kubectl kustomize deploy/overlays/site-a | kubectl apply -f -
    """
    base = load(*base_files, profile=deployment.chosen_profile())
    values = replace(deployment, files=(*base_files, *deployment.files)).values()
    release, base_release = deployment.release(), Release(namespace=base_namespace)
    note(accepted(values, release), values, release, deployment.chosen_profile())
    written = kustomize.files(base, base_release, values, release, cluster)
    manifest = directory / "base" / "manifest.yaml"
    if manifest.exists() and manifest.read_bytes() != written["base/manifest.yaml"].encode():
        raise DeployError(
            f"{manifest}: was written with other values; pass the --base, --profile and "
            "--base-namespace that it was written with, or write to another folder"
        )
    write_files({directory / path: text for path, text in written.items()})
    for path in sorted(written):
        say(f"wrote {directory / path}")
