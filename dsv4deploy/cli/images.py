"""``dsv4deploy images``: a deployment's images, and their names in a site's own registry."""

from __future__ import annotations

import shlex

import click

from ..manifest.images import as_values, copied, mapped, references
from ..values import yaml as yamlio
from .options import DeploymentOptions, deployment_options
from .output import print_file, print_text

_SECRETS = """\
# If the registry requires credentials, create a Secret with them in the service's namespace, and
# name it in both engine.imagePullSecrets and router.imagePullSecrets.
"""


@click.command()
@deployment_options
@click.option(
    "--registry-map",
    multiple=True,
    metavar="FROM=TO",
    help="A registry, or another prefix of image references, and its replacement.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["list", "values", "skopeo"]),
    default="list",
    show_default=True,
    help="The format: a list of images, a values file with the mapped images, or the commands "
    "that copy them.",
)
def images(deployment: DeploymentOptions, registry_map: tuple[str, ...], output: str) -> None:
    """List every image of a deployment, including the ModelCar, one per line.

    For a site without internet access, map each registry to a registry of the site:

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
        raise click.UsageError(
            "-o skopeo requires --registry-map FROM=TO, which names the registry to copy to"
        )
    if registry_map:
        pairs = [pair.partition("=") for pair in registry_map]
        if not all(begin and become for begin, _, become in pairs):
            raise click.UsageError("--registry-map must be FROM=TO, such as quay.io=reg.site/quay")
        for pair in registry_map:
            if "://" in pair:
                raise click.UsageError(
                    f"--registry-map {pair}: a registry in an image's name has no scheme such as "
                    "https://: remove it, as in quay.io=reg.site/quay"
                )
        moved = mapped(values, {begin.rstrip("/"): to.rstrip("/") for begin, _, to in pairs})
    if output == "values":
        text = yamlio.write([as_values(moved)]).removeprefix("---\n")
        print_file(f"{_SECRETS if registry_map else ''}{text}")
    elif output == "skopeo":
        for path, reference in found.items():
            print_text(shlex.join(copied(reference, moved[path])))
    else:
        print_text("\n".join(moved.values()))
