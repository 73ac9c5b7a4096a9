"""``dsv4deploy images``: a deployment's images, and their names in a site's own registry."""

from __future__ import annotations

import click

from ..manifest.images import as_values, mapped, references
from ..values import yaml as yamlio
from .options import DeploymentOptions, deployment_options


@click.command()
@deployment_options
@click.option(
    "--registry-map",
    multiple=True,
    metavar="FROM=TO",
    help="A registry, or the beginning of a reference, and what stands for it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["list", "values", "skopeo"]),
    default="list",
    show_default=True,
    help="values: a values file with the mapped images; skopeo: the commands that copy them.",
)
def images(deployment: DeploymentOptions, registry_map: tuple[str, ...], output: str) -> None:
    """List every image of a deployment, the ModelCar included, one a line.

    For a site with no way out, map each registry to the site's own:

    \b
    dsv4deploy images --registry-map quay.io=reg.site/quay \\
      --registry-map docker.io=reg.site/hub \\
      --registry-map build-harbor.alauda.cn=reg.site/alauda -o values > site.yaml
    dsv4deploy render site.yaml
    """
    values = deployment.values()
    found = references(values)
    moved = found
    if output == "skopeo" and not registry_map:
        raise click.UsageError("-o skopeo copies to where --registry-map FROM=TO says: give it")
    if registry_map:
        pairs = [pair.partition("=") for pair in registry_map]
        if not all(begin and become for begin, _, become in pairs):
            raise click.UsageError("--registry-map takes FROM=TO, such as quay.io=reg.site/quay")
        moved = mapped(values, {begin.rstrip("/"): to.rstrip("/") for begin, _, to in pairs})
    if output == "values":
        click.echo(yamlio.write([as_values(moved)]).removeprefix("---\n"), nl=False)
    elif output == "skopeo":
        for path, reference in found.items():
            click.echo(f"skopeo copy --all docker://{reference} docker://{moved[path]}")
    else:
        click.echo("\n".join(moved.values()))
