"""``dsv4deploy check``: what the rules, and the CRDs of a folder, find in a deployment."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from ..checks import rules
from ..checks.kept import Origins, origins
from ..checks.upgrade import upgrade
from ..findings import count, errors
from ..manifest.render import render
from ..values.profiles import kept
from .options import FORMAT, RULE, DeploymentOptions, deployment_options
from .output import print_finding, print_json, print_sentence, say


@click.command()
@deployment_options
@FORMAT
@click.option(
    "--crds",
    type=click.Path(path_type=Path),
    help="Hold the manifest against the CRDs in this folder too "
    "(`kubectl get crd -o yaml > DIR/crds.yaml`).",
)
@click.option(
    "--engine",
    metavar="BUILD|IMAGE",
    help="Report only what would change if this deployment moved to another engine build.",
)
@click.option("--ignore", multiple=True, metavar="CODE", type=RULE, help="A warning to leave out.")
@click.option(
    "--all", "shown", is_flag=True, help="Show what the profile keeps on purpose, too, and why."
)
def check(
    deployment: DeploymentOptions,
    output: str,
    crds: Path | None,
    engine: str | None,
    ignore: tuple[str, ...],
    shown: bool,
) -> None:
    """Say what is known to go wrong with a deployment.

    Exits with 1 where there is an error, with 0 where there are only warnings. Warnings that the
    profile keeps on purpose are one line, without --all. `dsv4deploy rules show CODE` explains a
    finding. With --engine it compares two builds: which of the flags, keys,
    variables and limits another one refuses, ignores or reads otherwise, and whether the memory
    still suffices.

    \b
    dsv4deploy check my-values.yaml -n prod
    dsv4deploy check my-values.yaml --engine quay.io/ascend/vllm-ascend:v0.26.0rc1
    """
    release = deployment.release()
    values = deployment.values()
    findings = rules.check(values, release, ignore=ignore)
    if engine:
        changes = upgrade(values, engine, release)
        findings = [found for found in changes if found.code not in ignore]
    if crds:
        from ..manifest.crds import validate  # the JSON schema validator takes long to import

        findings += validate(render(values, release), crds)
    if output == "json":
        print_json([asdict(finding) for finding in findings])
    elif not findings:
        say("no findings")
    elif engine:
        for finding in findings:
            print_finding(finding)
        print_sentence(count(findings))
    else:
        _print(origins(findings, values, release, deployment.chosen_profile()), shown=shown)
    if errors(findings):
        sys.exit(1)


def _print(found: Origins, *, shown: bool) -> None:
    for finding in found.own:
        print_finding(finding)
    if found.kept and shown:
        reasons = kept(found.profile)
        for finding in found.kept:
            why = {f"kept by {found.profile}": reasons.get(finding.code, "")}
            print_finding(finding, notes=why)
    elif found.kept:
        number = count(found.kept)
        print_sentence(f"{found.profile} keeps {number} on purpose: --all shows the reasons")
    print_sentence(found)
