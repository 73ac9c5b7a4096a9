"""``dsv4deploy explain``: what a value means."""

from __future__ import annotations

import click

from ..values.schema import documentation
from ..values.schema import explain as explanation
from .options import Completed
from .output import print_text


@click.command()
@click.argument("path", default="", type=Completed("path", lambda: list(documentation())))
def explain(path: str) -> None:
    """Say what a value means: type, default, unit, and the flag or field it becomes.

    PATH is dotted, such as engine.args.max-num-seqs. Without one, all paths are listed.
    """
    print_text(explanation(path))
