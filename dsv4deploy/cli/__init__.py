"""The command line: a file a verb; data goes to stdout, messages to stderr.

Exit codes: 0 clean, 1 findings or a failure, 2 a command line that can't be read, 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword
from typing import TYPE_CHECKING

import click

from ..errors import DeployError, InterruptionError
from .output import say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Each verb is a command of its name in a module of its name. The sentence is the first of its help.
VERBS = {
    "apply": "Apply a deployment, by server-side apply; twice changes nothing.",
    "bench": "Run the published benchmark, and hold the figures against the published ones.",
    "chart": "Write, check or package the Helm chart.",
    "check": "Say what is known to go wrong with a deployment.",
    "completion": "Print a shell's completion script.",
    "conformance": "Verify that a gateway keeps what clients of OpenAI's API expect of it.",
    "delete": "Delete what `apply` has made, and keep what somebody else has.",
    "diff": "Say what `apply` would change, field by field, by the server's own dry run.",
    "doctor": "Examine whether a cluster can carry a deployment.",
    "explain": "Say what a value means: type, default, unit, and the flag or field it becomes.",
    "history": "List a service's revisions; the last 10, and the last that ran, are kept.",
    "images": "List every image of a deployment, the ModelCar included, one a line.",
    "import": "Make values of a manifest that already runs.",
    "keys": "Make, list, replace and end API keys of the MaaS ingress.",
    "overlay": "Write a kustomize base and a cluster's overlay to DIRECTORY.",
    "plan": "Say whether a deployment fits on its cards, and what is left.",
    "profiles": "List the shipped profiles, or show one.",
    "render": "Print the manifest, ready for `kubectl apply -f -`.",
    "rollback": "Go back to a revision, or to what ran before.",
    "rules": "List the rules that `check` knows, or explain one.",
    "smoke": "Stream one completion, and look whether it is garbage.",
    "status": "Say where a service is: its phase, its conditions, its revision.",
    "upgrade": "Stop, apply, start, wait; on failure back to what ran before.",
    "why": "Explain an error by its text: why it comes, what to do, and how that is known.",
}


TASKS = {
    "Write a deployment": ("profiles", "import", "explain", "render", "overlay", "chart", "images"),
    "Check it": ("check", "rules", "plan", "doctor", "diff"),
    "Deploy it": ("apply", "upgrade", "rollback", "delete"),
    "Operate it": ("status", "history", "smoke", "conformance", "keys", "why"),
    "Measure it": ("bench",),
    "Set up the shell": ("completion",),
}
"""The verbs by what a user wants to do, in the order in which one needs them."""


class _Verbs(click.Group):
    """A group that imports a verb only when it runs; the list of verbs needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        word = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f".{word}", __name__), word)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, VERBS))
        for task, names in TASKS.items():
            with formatter.section(task):
                formatter.write_dl([(f"{name:{width}}", VERBS[name]) for name in names])

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except BrokenPipeError:
            # The reader (head, less) has gone, which is no failure; what stdout has not written yet
            # would fail once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(0)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        verbs = [
            CompletionItem(name, help=sentence)
            for name, sentence in VERBS.items()
            if name.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="dsv4deploy")
def cli() -> None:
    """Deploy DeepSeek-V4-Flash on Huawei Ascend NPUs.

    \b
    dsv4deploy render | kubectl apply -f -        the validated deployment, as it was published
    dsv4deploy render my-values.yaml -n prod      your own changes on top of it
    dsv4deploy check my-values.yaml               what is known to go wrong with them
    dsv4deploy plan my-values.yaml                whether they fit on the cards, and what is left
    dsv4deploy explain engine.args                what a value means, and what it becomes
    dsv4deploy doctor | diff | apply | upgrade    the same, on a cluster
    dsv4deploy why "no healthy upstream"          what an error means, and what to do
    """


def main() -> None:
    """The entry point: the one place where errors become a sentence and an exit code."""
    # A start makes many objects and no garbage: to look for some takes a tenth of its time.
    gc.set_threshold(100_000)
    _write_utf8()
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"))
        sys.exit(error.exit_code)
    except DeployError as error:
        say(str(error))
        sys.exit(130 if isinstance(error, InterruptionError) else 1)
    except click.Abort:
        say("interrupted")
        sys.exit(130)
    except OSError as error:
        if error.filename:
            say(f"{error.filename}: {error.strerror}")
        elif error.errno == errno.ENOSPC:
            say(f"stdout: can't write: {error.strerror}")
            # What stdout did not take, Python would try to write once more at its end.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        else:
            say(str(error))
        sys.exit(1)


def _write_utf8() -> None:
    """Makes stdout UTF-8, as YAML and JSON are, whatever the locale; a terminal keeps its own."""
    if isinstance(sys.stdout, TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
