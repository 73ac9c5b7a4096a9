"""Options that several verbs have; those that belong together reach a verb as one object."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

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
            found = options(**{field.name: given.pop(field.name) for field in fields(options)})
            return command(**{name: found}, **given)

        decorated: Command = with_object
        for parameter in reversed(parameters):
            decorated = parameter(decorated)
        return decorated

    return decorate


class Completed(click.ParamType[str]):
    """Text that a shell completes from a list, which is made only when it asks."""

    def __init__(self, name: str, known: Callable[[], list[str]]) -> None:
        self.name = name
        self.known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Every word of the list with this beginning."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in self.known() if word.startswith(incomplete)]


class Number(click.FloatRange):
    """A finite number between two bounds."""

    def __init__(self, low: float, high: float = 1_000_000) -> None:
        super().__init__(min=low, max=high)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; ``nan``, which is below and above nothing, is none."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"'{value}' is not a number.", param, ctx)
        return number


def _profiles() -> list[str]:
    from ..values.profiles import profile_names

    return list(profile_names())


def _rules() -> list[str]:
    from ..checks.rules import RULES

    return [rule.code for rule in RULES]


PROFILE = Completed("profile", _profiles)
RULE = Completed("code", _rules)

FORMAT = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
FORCE = click.option(
    "--force-conflicts", is_flag=True, help="Take fields over that somebody else has set."
)
NAMESPACE = click.option("-n", "--namespace", help="The service's namespace; demo by default.")
TIMEOUT = click.option(
    "--timeout",
    type=Number(1),
    metavar="SECONDS",
    help="How long to wait in all; by default 45 minutes for images and weights, and then what "
    "the startup probe allows. An upgrade that goes back waits as long as by default.",
)
WAIT_FOR = click.option(
    "--wait-for",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run that is changing the same; by default it is not "
    "waited for.",
)
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@dataclass(frozen=True)
class DeploymentOptions:
    """What says which deployment: values files, a profile, settings, a namespace.

    Attributes:
        files: the values files, in their order.
        profile: a profile's name, or "".
        hardware: ``CARD:COUNT`` that chooses a profile, or "".
        set: ``a.b=c``, as ``helm --set`` reads it.
        set_string: ``a.b=c``, always text.
        set_json: ``a.b=JSON``.
        name: the service's name; "" leaves it to the values.
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
        )

    def chosen_profile(self) -> str:
        """The profile that is named, or that fits the hardware that is; "" without both."""
        if not self.hardware:
            return self.profile
        if self.profile:
            raise click.UsageError("--profile and --hardware both choose a profile: give one")
        from ..values.profiles import fitting

        return fitting(self.hardware)

    def release(self) -> Release:
        """Where it goes, where no cluster has a say: to the namespace of ``-n``, or to demo."""
        return release_to(self.namespace)


def release_to(namespace: str | None) -> Release:
    """The release in a namespace; without one, in the default namespace."""
    from ..manifest.render import Release

    return Release() if namespace is None else Release(namespace=namespace)


deployment_options = gathered(
    DeploymentOptions,
    "deployment",
    click.argument("files", nargs=-1, metavar="[VALUES.yaml]...", type=click.Path()),
    click.option("--profile", default="", type=PROFILE, help="A profile, laid under the files."),
    click.option(
        "--hardware",
        default="",
        metavar="CARD:COUNT",
        help="The profile for these cards, such as 910B4:8.",
    ),
    click.option(
        "--set", multiple=True, metavar="A.B=C", help="One value, as helm --set reads it."
    ),
    click.option(
        "--set-string", multiple=True, metavar="A.B=C", help="One value that is always text."
    ),
    click.option(
        "--set-json", multiple=True, metavar="A.B=JSON", help="One value, or several, as JSON."
    ),
    click.option("--name", default="", help="The service's name, whatever the values say."),
    NAMESPACE,
)
