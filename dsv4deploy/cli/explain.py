"""``dsv4deploy explain``: what a value means."""

from __future__ import annotations

import click

from ..values.schema import documentation
from ..values.schema import explain as explanation
from .options import Completed
from .output import print_sentence


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("path", default="", type=Completed("path", lambda: list(documentation())))
def explain(path: str) -> None:
    """Say what a value means: type, default, unit, and the flag or field it becomes.

    PATH is dotted, such as engine.args.max-num-seqs or maas.quotas.hour.tokens. A flag or a
    variable may also be written as on a command line, such as --max-num-seqs or HCCL_BUFFSIZE.
    Without PATH, all paths are listed, and with a word such as timeout those that mention it.
    """
    print_sentence(explanation(path))
