"""The command line: one file per verb; data goes to stdout, messages to stderr.

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

from ..errors import ClusterError, DeployError, InterruptionError
from .options import known_command
from .output import say

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Each verb is a command of its name in a module of its name, with _ for a space. The sentence is
# the first of its help.
VERBS = {
    "apply": "Apply a deployment with server-side apply; the command is idempotent.",
    "bench": "Run the published benchmark, and compare the results with the published figures.",
    "chart": "Write, check or package the Helm chart.",
    "check": "Report known problems of a deployment.",
    "completion": "Print the completion script of a shell.",
    "conformance": "Test whether a gateway behaves as clients of the OpenAI API expect.",
    "delete": "Delete the objects that `apply` created for a service, and keep all others.",
    "diff": "Show what `apply` would change, field by field, from a dry run on the server.",
    "doctor": "Check whether a cluster can run a deployment.",
    "explain": "Explain a value: its type, default, unit, and the flag or field it becomes.",
    "history": "List the revisions of a service: the last 10, and the last one that ran.",
    "images": "List every image of a deployment, including the ModelCar, one per line.",
    "import": "Create a values file from a running manifest.",
    "keys": "Create, list, rotate and revoke API keys of the MaaS ingress.",
    "overlay": "Write a kustomize base and a cluster's overlay to DIRECTORY.",
    "plan": "Show whether a deployment fits in the cards' memory, and how much memory remains.",
    "plan traffic": "Show how many instances a load needs, and what limits their number.",
    "profiles": "List the shipped profiles, or show a profile.",
    "render": "Print the manifest, ready for `kubectl apply -f -`.",
    "rollback": "Roll back to a revision; by default, to the one that ran before.",
    "rules": "List the rules of `check`, or explain a rule.",
    "smoke": "Stream one completion, and check that it is not garbage.",
    "status": "Show the status of a service: its phase, conditions and revision.",
    "upgrade": "Stop the service, apply a deployment and start it; on failure, roll back.",
    "why": "Explain an error message: its cause, its fix and its source.",
}


TASKS = {
    "Write a deployment": ("profiles", "import", "explain", "render", "overlay", "chart", "images"),
    "Check it": ("check", "rules", "plan", "plan traffic", "doctor", "diff"),
    "Deploy it": ("apply", "upgrade", "rollback", "delete"),
    "Operate it": ("status", "history", "smoke", "conformance", "keys", "why"),
    "Measure it": ("bench",),
    "Set up the shell": ("completion",),
}
"""The verbs by the user's task, in the order in which a user needs them."""


class _Verbs(click.Group):
    """A group that imports a verb only when it runs; the list of verbs needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        word = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace(" ", "_")
        command: click.Command = getattr(import_module(f".{word}", __name__), word)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A verb may have two words, of which the first alone is a verb too."""
        both = " ".join(args[:2])
        words = [both, *args[2:]] if both in VERBS else args
        known_command(ctx, words[0], {*VERBS, *self.commands})
        return super().resolve_command(ctx, words)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, VERBS))
        for task, names in TASKS.items():
            with formatter.section(task):
                formatter.write_dl([(f"{name:{width}}", VERBS[name]) for name in names])

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except DeployError as error:
            # Here, because it may suggest a command for the same deployment.
            unknown = isinstance(error, ClusterError) and error.reason == "UnknownKind"
            say(f"{error}{' (`dsv4deploy doctor` shows which one)' if unknown else ''}")
            sys.exit(130 if isinstance(error, InterruptionError) else 1)
        except click.NoSuchOption as error:
            if error.option_name not in ("-f", "--values"):
                raise
            message = f"No such option '{error.option_name}': name the values file alone."
            raise click.UsageError(message, error.ctx) from None
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
    dsv4deploy render | kubectl apply -f -        deploy the validated model as published
    dsv4deploy render my-values.yaml -n prod      render the manifest with your changes
    dsv4deploy check my-values.yaml               report known problems of your changes
    dsv4deploy plan my-values.yaml                show whether the cards' memory is sufficient
    dsv4deploy plan traffic --rate 100/min        show how many instances a load needs
    dsv4deploy explain engine.args                explain a value
    dsv4deploy doctor | diff | apply | upgrade    deploy to a cluster
    dsv4deploy why "no healthy upstream"          explain an error and its fix
    """


def main() -> None:
    """The entry point, which turns errors into a message and an exit code."""
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
    except click.Abort:
        say("interrupted")
        sys.exit(130)
    except OSError as error:
        if error.filename:
            say(f"{error.filename}: {error.strerror}")
        elif error.errno == errno.ENOSPC:
            say(f"stdout: cannot write: {error.strerror}")
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
