"""``dsv4deploy explain``: what a value means."""

from __future__ import annotations

import click

from ..values.schema import documentation
from ..values.schema import explain as explanation
from .options import PROFILE, Completed
from .output import print_sentence


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("path", default="", type=Completed("path", lambda: list(documentation())))
@click.option("--profile", default="", type=PROFILE, help="Show the profile's value, too.")
def explain(path: str, profile: str) -> None:
    """Explain a value: its type, default, unit, and the flag or field it becomes.

    PATH is dotted, such as engine.args.max-num-seqs or maas.quotas.hour.tokens. You can also write
    a flag or a variable in its own spelling, such as --max-num-seqs or HCCL_BUFFSIZE. For a
    word such as timeout, the command lists the values that mention it; without PATH, all values.
    """
    print_sentence(explanation(path, profile))
