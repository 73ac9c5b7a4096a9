"""``dsv4deploy chart``: the Helm chart."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import DeployError, command
from ..helm import chart as helm
from .options import Group
from .output import print_text, say


@click.group(cls=Group)
def chart() -> None:
    """Write, check or package the Helm chart."""


_CHART = Path("charts/deepseek-v4-flash")

_FOLDER = click.Path(path_type=Path, file_okay=False)


@chart.command()
@click.argument("directory", type=_FOLDER, default=_CHART)
def write(directory: Path) -> None:
    """Write the chart to a folder, charts/deepseek-v4-flash by default."""
    for path in helm.write(directory):
        say(f"wrote {directory / path}")


@chart.command()
@click.argument("directory", type=_FOLDER, default=_CHART)
def check(directory: Path) -> None:
    """Fail if a chart in a folder differs from the output of `chart write`."""
    if not (directory / "Chart.yaml").is_file():
        write_it = command("dsv4deploy", "chart", "write", directory)
        raise DeployError(f"{directory}: there is no chart in this folder; {write_it} writes one")
    changed = helm.drift(directory)
    for path in changed:
        say(f"{directory / path}: differs from the output of `chart write`")
    if changed:
        raise DeployError(f"run {command('dsv4deploy', 'chart', 'write', directory)}")


@chart.command()
@click.option(
    "-o",
    "--output",
    type=_FOLDER,
    default=Path(),
    help="The folder to write to; by default, the current folder.",
)
def package(output: Path) -> None:
    """Build the chart's .tgz, for `helm install` and `helm push`."""
    print_text(helm.package(output))
