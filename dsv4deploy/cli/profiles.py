"""``dsv4deploy profiles``: the shipped profiles."""

from __future__ import annotations

import click

from ..values.json import to_json
from ..values.profiles import (
    entries,
    for_hardware,
    kept,
    profile_names,
    profile_path,
    sources,
    summary,
)
from .options import FORMAT, PROFILE, Group
from .output import print_file, print_json, print_sentence, print_table, print_text

_HARDWARE = click.option(
    "--hardware",
    default="",
    metavar="CARD[:COUNT]",
    help="List only the profiles for these cards, such as 910B4 or 910B4:8.",
)


@click.group(cls=Group, invoke_without_command=True)
@_HARDWARE
@click.pass_context
def profiles(context: click.Context, hardware: str) -> None:
    """List the shipped profiles, or show a profile."""
    if context.invoked_subcommand is None:
        context.invoke(list_profiles, hardware=hardware)
    elif hardware:
        raise click.UsageError(f"--hardware must follow {context.invoked_subcommand}")


@profiles.command("list")
@_HARDWARE
@FORMAT
def list_profiles(hardware: str = "", output: str = "table") -> None:
    """List the shipped profiles."""
    rows = for_hardware(hardware) if hardware else [*map(summary, profile_names())]
    if output == "json":
        print_json(rows)
    else:
        header = ("name", "provenance", "card", "memory", "npus", "summary")
        print_table(
            [key.upper() for key in header],
            [[row[key] for key in header] for row in rows],
            sentences=True,
        )


@profiles.command()
@click.argument("name", type=PROFILE)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="The output format; yaml prints the profile's values file, for `helm -f`.",
)
def show(name: str, output: str) -> None:
    """Show a profile: each value and its source."""
    path = profile_path(name)
    if output == "yaml":
        print_file(path.read_text(encoding="utf-8"))
        return
    rows = entries(name)
    if output == "json":
        print_json({"sources": sources(name), "kept": kept(name), "values": rows})
        return
    for row in rows:
        print_sentence(f"{row['path']} = {to_json(row['value'])}  # {row['source']}")
    print_text("")
    for tag, text in sources(name).items():
        print_sentence(f"[{tag}] {text}")
    for code, text in kept(name).items():
        print_sentence(f"keeps {code}: {text}")
