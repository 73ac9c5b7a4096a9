"""``dsv4deploy render``: from values to the manifest."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from ..checks.kept import origins
from ..checks.rules import check
from ..errors import DeployError
from ..findings import Finding, count, errors
from ..manifest.render import Release, documents
from ..values.tree import Values
from ..writing import write_files
from .options import DeploymentOptions, deployment_options
from .output import print_file, print_finding, say


@click.command()
@deployment_options
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="The file to write, or a folder for one file per object; by default, stdout.",
)
@click.option(
    "--each",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Render each values file in this folder, merged over the other files, to a file in "
    "--output.",
)
def render(deployment: DeploymentOptions, output: str | None, each: Path | None) -> None:
    """Print the manifest, ready for `kubectl apply -f -`.

    Values are merged in the same way as in Helm: the defaults, the profile, the files in their
    order, then --set-json, --set and --set-string. If there are errors, nothing is written; one
    line on stderr counts the warnings that `dsv4deploy check` shows.

    \b
    dsv4deploy render --set engine.args.max-num-seqs=8 -n prod
    dsv4deploy render my-values.yaml -o manifest.yaml
    dsv4deploy render --each clusters/ -o manifests/
    """
    if output in ("", "json", "table", "yaml"):
        raise click.UsageError(
            f"-o must be a file or a folder, not '{output}'; stdout always gets YAML"
        )
    release = deployment.release()
    if each:
        if not output:
            raise click.UsageError("--each requires a folder to write to: -o DIR")
        _render_each(each, Path(output), deployment, release)
        return
    values = deployment.values()
    warnings = accepted(values, release)
    texts = documents(values, release)
    if output is None:
        print_file("".join(texts))
    elif output.endswith(os.sep) or Path(output).is_dir():
        _write_folder(Path(output), {_file_name(text): text for text in texts})
        say(f"{len(texts)} objects written to {output}, one file per object")
    else:
        write_files({Path(output): "".join(texts)})
    note(warnings, values, release, deployment.chosen_profile())


def accepted(values: Values, release: Release) -> list[Finding]:
    """The warnings about values in which no rule finds an error.

    Raises:
        DeployError: a rule does; each error is printed.
    """
    findings = check(values, release)
    wrong = errors(findings)
    for finding in wrong:
        print_finding(finding, err=True)
    if wrong:
        raise DeployError(f"nothing was done: the values have {count(wrong)}")
    return findings


def note(warnings: list[Finding], values: Values, release: Release, profile: str) -> None:
    """Prints the number of warnings of `check` in one line."""
    if warnings:
        told = origins(warnings, values, release, profile)
        say(f"check: {told}{' (`dsv4deploy check` shows them)' if told.own else ''}")


def values_files(folder: Path) -> list[Path]:
    """The values files in a folder, in the order of their names.

    Raises:
        DeployError: there is none.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    if not found:
        raise DeployError(f"{folder}: this folder contains no .yaml file")
    return found


def _render_each(each: Path, output: Path, deployment: DeploymentOptions, release: Release) -> None:
    sources = values_files(each)
    texts: dict[str, str] = {}
    failed = 0
    with click.progressbar(sources, label="rendering", file=sys.stderr) as bar:
        for source in bar:
            try:
                values = replace(deployment, files=(*deployment.files, str(source))).values()
                accepted(values, release)
                texts[f"{source.stem}.yaml"] = "".join(documents(values, release))
            except DeployError as error:
                failed += 1
                say(f"{source}: {error}" if str(source) not in str(error) else str(error))
    if failed:
        raise DeployError(
            f"nothing was written: {failed} of {len(sources)} values files have errors"
        )
    if len(texts) < len(sources):
        raise DeployError(f"{each}: exists with both .yaml and .yml; rename one of the two files")
    _write_folder(output, texts)
    say(f"{len(texts)} manifests written to {output}")


def _write_folder(folder: Path, texts: dict[str, str]) -> None:
    """Writes files into a folder, and names the other manifests in it, such as of a kind that an
    earlier render wrote and this one does not: `kubectl apply -f` applies them too.
    """
    write_files({folder / name: text for name, text in texts.items()})
    read = (".json", ".yaml", ".yml")
    others = sorted({each.name for each in folder.iterdir() if each.suffix in read} - texts.keys())
    if others:
        say(
            f"{folder}: this render did not write {', '.join(others)}, but `kubectl apply -f` "
            "applies all files in the folder; delete the files of earlier renders"
        )


def _file_name(document: str) -> str:
    """``<kind>-<name>.yaml`` of one rendered object."""
    from ..values import yaml as yamlio  # a render to stdout reads no YAML

    (item,) = yamlio.parse(document)
    return f"{item['kind'].lower()}-{item['metadata']['name']}.yaml"
