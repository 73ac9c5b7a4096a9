"""``dsv4deploy rules``: the rules that ``check`` knows."""

from __future__ import annotations

import click

from ..checks import upgrade
from ..checks.rules import RULES, explain
from ..cluster import doctor
from ..manifest import crds
from .options import FORMAT, RULE
from .output import print_json, print_table, print_text


@click.group(invoke_without_command=True)
@click.pass_context
def rules(context: click.Context) -> None:
    """List the rules that `check` knows, or explain one."""
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
        print_table(
            ("CODE", "SEVERITY", "PATH", "MESSAGE"),
            [(each.code, each.severity, each.path, each.message) for each in RULES],
            widths=(36, 8, 36, 60),
        )


@rules.command()
@click.argument("code", type=RULE)
def show(code: str) -> None:
    """Explain the code of a finding: what must hold, for which versions, and how that is known."""
    others = {
        "dsv4deploy check --crds": crds.MEANINGS,
        "dsv4deploy check --engine": upgrade.MEANINGS,
        "dsv4deploy doctor": doctor.MEANINGS,
    }
    print_text(explain(code, others))
