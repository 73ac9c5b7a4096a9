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
    help="Also validate the manifest against the CRDs in this folder (`kubectl get crd -o yaml > "
    "DIR/crds.yaml`).",
)
@click.option(
    "--engine",
    metavar="BUILD|IMAGE",
    help="Report only the differences that a change to this engine build would cause.",
)
@click.option(
    "--ignore", multiple=True, metavar="CODE", type=RULE, help="Ignore the warning with this code."
)
@click.option(
    "--all",
    "shown",
    is_flag=True,
    help="Also show the warnings that the profile intentionally accepts, and the reason for each.",
)
def check(
    deployment: DeploymentOptions,
    output: str,
    crds: Path | None,
    engine: str | None,
    ignore: tuple[str, ...],
    shown: bool,
) -> None:
    """Report known problems of a deployment.

    The command exits with 1 if there is an error, and with 0 if there are only warnings. Without
    --all, one line summarizes the warnings that the profile keeps on purpose. `dsv4deploy rules
    show CODE` explains a finding. With --engine, the command compares two builds: it reports which
    flags, keys, variables and limits the other build rejects, ignores or interprets differently,
    and whether the memory is still sufficient.

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
        print_sentence(
            f"{found.profile} keeps {number} on purpose; --all shows them with the reasons"
        )
    print_sentence(found)
