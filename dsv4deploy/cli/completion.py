"""``dsv4deploy completion``: a shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..errors import DeployError
from .output import print_file


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: source <(dsv4deploy completion bash)
    zsh:  source <(dsv4deploy completion zsh)
    fish: dsv4deploy completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:  # click ships all three; a Choice lets no other through
        raise DeployError(f"click has no completion for {shell}")
    complete = kind(context.find_root().command, {}, "dsv4deploy", "_DSV4DEPLOY_COMPLETE")
    print_file(complete.source() + "\n")
