"""Verbs that make the Helm chart."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import DeployError
from .root import cli
from .shared import say


@cli.group()
def chart() -> None:
    """Write, check or package the Helm chart."""


_CHART = Path("charts/deepseek-v4-flash")

_FOLDER = click.Path(path_type=Path, file_okay=False)


@chart.command("write")
@click.argument("directory", type=_FOLDER, default=_CHART)
def chart_write(directory: Path) -> None:
    """Write the chart to a folder, charts/deepseek-v4-flash by default."""
    from ..helm.chart import write

    for path in write(directory):
        say(f"wrote {directory / path}")


@chart.command("check")
@click.argument("directory", type=_FOLDER, default=_CHART)
def chart_check(directory: Path) -> None:
    """Fail where a chart in a folder differs from what `chart write` writes."""
    from ..helm.chart import drift

    changed = drift(directory)
    for path in changed:
        say(f"{directory / path}: differs")
    if changed:
        raise DeployError(f"run `dsv4deploy chart write {directory}`")


@chart.command("package")
@click.option(
    "-o",
    "--output",
    type=_FOLDER,
    default=Path(),
    help="The folder to write to; the current one by default.",
)
def chart_package(output: Path) -> None:
    """Build the chart's .tgz, for `helm install` and `helm push`."""
    from ..helm.chart import package

    click.echo(package(output))
