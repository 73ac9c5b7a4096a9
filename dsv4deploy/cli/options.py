"""Options that several verbs share; related options reach a verb as one object."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ..errors import command, suggestion
from .output import say
from .suggested import remember

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..manifest.render import Release
    from ..values.tree import Values

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def gathered(options: type, name: str, *parameters: Decorator) -> Decorator:
    """The decorator that declares a verb's parameters and hands them to it as one object.

    Args:
        options: a dataclass; its fields have the parameters' names.
        name: the verb's argument that gets the object.
        parameters: click's decorators, in the order of the help.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_object(**given: Any) -> Any:
            remember()
            found = options(**{field.name: given.pop(field.name) for field in fields(options)})
            return command(**{name: found}, **given)

        decorated: Command = with_object
        for parameter in reversed(parameters):
            decorated = parameter(decorated)
        return decorated

    return decorate


_OTHER_TOOLS = {
    "template": "render",
    "generate": "render",
    "build": "package",
    "validate": "check",
    "verify": "check",
    "lint": "check",
    "test": "smoke",
    "install": "apply",
    "deploy": "apply",
    "create": "apply",
    "update": "upgrade",
    "restart": "upgrade",
    "uninstall": "delete",
    "destroy": "delete",
    "remove": "delete",
    "undo": "rollback",
    "preflight": "doctor",
    "get": "status",
    "show": "explain",
    "values": "explain",
    "benchmark": "bench",
    "size": "plan",
    "add": "create",
    "new": "create",
    "rm": "revoke",
    "delete": "revoke",
    "ls": "list",
    "start": "run",
}
"""The commands of this tool by the words that other tools have for them."""


def known_command(context: click.Context, word: str, commands: Collection[str]) -> None:
    """Rejects a word that is no command, and names the one that the user probably means.

    Raises:
        click.UsageError: the word is neither a command nor an option.
    """
    if word in commands or word.startswith("-") or context.resilient_parsing:
        return
    other = _OTHER_TOOLS.get(word.lower(), "")
    hint = f": did you mean {other}?" if other in commands else suggestion(word, commands)
    if not hint and "show" in commands:
        hint = f": did you mean {command('dsv4deploy', context.info_name, 'show', word)}?"
    raise click.UsageError(f"No such command '{word}'{hint or '.'}", context)


class Group(click.Group):
    """A group whose help shows the complete first sentence of each command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command of the group; a name such as a profile's is a hint at `show`."""
        known_command(ctx, args[0], self.commands)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands with their first sentences."""
        rows = [(name, each.get_short_help_str(1000)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Completed(click.ParamType[str]):
    """Text that a shell completes from a list, which is created only on demand."""

    def __init__(self, name: str, known: Callable[[], list[str]]) -> None:
        self.name = name
        self.known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Every word of the list with this prefix."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in self.known() if word.startswith(incomplete)]


class Number(click.FloatRange):
    """A finite number between two bounds."""

    def __init__(self, low: float, high: float = 1_000_000) -> None:
        super().__init__(min=low, max=high)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; ``nan`` is rejected."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"'{value}' is not a number.", param, ctx)
        return number


class Seconds(Number):
    """A duration: a number of seconds, or in Go's format, such as ``5m`` or ``1h30m``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The duration in seconds."""
        from ..values.quantities import seconds

        units = re.fullmatch(r"([0-9.]+(h|m|s|ms))+", str(value))
        return super().convert(seconds(value) if units else value, param, ctx)


class Gibibytes(Number):
    """An amount of memory: a number of GiB, or a Kubernetes quantity, such as ``29Gi``."""

    name = "memory"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The amount in GiB."""
        from ..values.quantities import quantity

        units = re.fullmatch(r"[0-9.]+[KMGT]i?", str(value).removesuffix("B"))
        gib = quantity(units[0]) / 2**30 if units else value
        return super().convert(gib, param, ctx)


class Tokens(click.ParamType[int]):
    """A number of tokens, as vLLM reads it: ``32768``, ``32K`` (the same) or ``32k`` (32,000)."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        from ..facts.flags import integer

        tokens = integer("max-model-len", value)
        if tokens is None or tokens < 1:
            self.fail(f"'{value}' is not a number of tokens, such as 32768 or 32K.", param, ctx)
        return tokens


class Setting(click.ParamType[str]):
    """``a.b=c``, whose path a shell completes."""

    name = "setting"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Every value whose path starts with the text after the last comma."""
        from click.shell_completion import CompletionItem

        from ..values.schema import documentation

        before, comma, begun = incomplete.rpartition(",")
        return [
            CompletionItem(f"{before}{comma}{path}=", help=entry.meaning.partition(". ")[0])
            for path, entry in documentation().items()
            if path.startswith(begun) and not entry.section
        ]


def _profiles() -> list[str]:
    from ..values.profiles import profile_names

    return list(profile_names())


def _rules() -> list[str]:
    from ..checks.rules import RULES

    return [rule.code for rule in RULES]


PROFILE = Completed("profile", _profiles)
RULE = Completed("code", _rules)

FORMAT = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="The output format; json is for programs.",
)
FORCE = click.option(
    "--force-conflicts", is_flag=True, help="Take over fields that another field manager has set."
)
# A manifest is the same on every machine, so what makes one reads no kubeconfig.
NAMESPACE = click.option(
    "-n",
    "--namespace",
    help="The service's namespace; by default, demo, because this command does not read the "
    "kubeconfig.",
)
TIMEOUT = click.option(
    "--timeout",
    type=Seconds(1),
    metavar="DURATION",
    help="The maximum time to wait, such as 300 (seconds) or 5m. By default, the command waits 45 "
    "minutes for images and weights, and then as long as the startup probe allows. A rollback "
    "after a failed upgrade always uses the default.",
)
WAIT_FOR = click.option(
    "--wait-for",
    type=Seconds(0),
    default=0.0,
    metavar="DURATION",
    help="The time to wait for another run that is changing the same service or keys, such as 60 "
    "(seconds) or 1m; by default, the command does not wait.",
)
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")


@dataclass(frozen=True)
class DeploymentOptions:
    """The options that define a deployment: values files, a profile, settings, a namespace.

    Attributes:
        files: the values files, in their order; ``-`` is stdin.
        profile: a profile's name, or "".
        hardware: ``CARD:COUNT`` that chooses a profile, or "".
        set: ``a.b=c``, as ``helm --set`` reads it.
        set_string: ``a.b=c``, always text.
        set_json: ``a.b=JSON``.
        name: the service's name; "" means the name in the values.
        namespace: of ``-n``; None where it is not given.
    """

    files: tuple[str, ...] = ()
    profile: str = ""
    hardware: str = ""
    set: tuple[str, ...] = ()
    set_string: tuple[str, ...] = ()
    set_json: tuple[str, ...] = ()
    name: str = ""
    namespace: str | None = None

    def values(self) -> Values:
        """The values of all of these.

        Raises:
            ValuesError: they are not accepted.
        """
        from ..values.loading import load

        return load(
            *self.files,
            profile=self.chosen_profile(),
            set=self.set,
            set_string=self.set_string,
            set_json=self.set_json,
            name=self.name,
            note=say,
        )

    def chosen_profile(self) -> str:
        """The named profile, or the one that fits the named hardware; "" without both."""
        if not self.hardware:
            return self.profile
        if self.profile:
            raise click.UsageError("--profile and --hardware are mutually exclusive")
        from ..values.profiles import fitting

        return fitting(self.hardware)

    def release(self) -> Release:
        """The release without a cluster: in the namespace of ``-n``, or in demo."""
        return release_to(self.namespace)


def release_to(namespace: str | None) -> Release:
    """The release in a namespace; without one, in the default namespace."""
    from ..manifest.render import Release

    return Release() if namespace is None else Release(namespace=namespace)


DEPLOYMENT = (
    click.argument("files", nargs=-1, metavar="[VALUES.yaml|-]...", type=click.Path()),
    click.option(
        "--profile",
        default="",
        type=PROFILE,
        help="The profile to use; values files override its values.",
    ),
    click.option(
        "--hardware",
        default="",
        metavar="CARD:COUNT",
        help="Use the profile for these cards, such as 910B4:8.",
    ),
    click.option(
        "--set",
        multiple=True,
        metavar="A.B=C",
        type=Setting(),
        help="Set a value, in the syntax of helm --set.",
    ),
    click.option(
        "--set-string",
        multiple=True,
        metavar="A.B=C",
        type=Setting(),
        help="Set a value that is always a string.",
    ),
    click.option(
        "--set-json",
        multiple=True,
        metavar="A.B=JSON",
        type=Setting(),
        help="Set one or several values as JSON.",
    ),
    click.option("--name", default="", help="The service's name; overrides the values."),
)
deployment_options = gathered(DeploymentOptions, "deployment", *DEPLOYMENT, NAMESPACE)
