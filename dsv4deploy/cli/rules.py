"""``dsv4deploy rules``: the rules of ``check``."""

from __future__ import annotations

from dataclasses import replace

import click

from ..checks import upgrade
from ..checks.rules import RULES, explain
from ..cluster import doctor
from ..manifest import crds
from .options import FORMAT, RULE, Group
from .output import print_finding, print_json, print_sentence


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def rules(context: click.Context) -> None:
    """List the rules of `check`, or explain a rule."""
    if context.invoked_subcommand is None:
        context.invoke(list_rules)


@rules.command("list")
@FORMAT
def list_rules(output: str = "table") -> None:
    """List the rules."""
    if output == "json":
        keys = ("code", "severity", "path", "condition", "message", "fix", "source", "engine")
        print_json([{key: getattr(each, key) for key in keys} for each in RULES])
    else:
        for each in RULES:
            print_finding(replace(each.finding(), fix=""))


@rules.command()
@click.argument("code", type=RULE)
def show(code: str) -> None:
    """Explain the code of a finding: the condition, the versions it applies to, and its source."""
    others = {
        "dsv4deploy check --crds": crds.MEANINGS,
        "dsv4deploy check --engine": upgrade.MEANINGS,
        "dsv4deploy doctor": doctor.MEANINGS,
    }
    print_sentence(explain(code, others))
