"""What verbs share: options, values from options, tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..checks.rules import RULES, check
from ..errors import DeployError
from ..findings import errors
from ..manifest.render import Release, documents
from ..values.loading import load, profile_names
from ..values.tree import Values

if TYPE_CHECKING:
    from ..cluster.client import Cluster

FORMAT = click.Choice(["table", "json"])


class ProfileName(click.ParamType[str]):
    """The name of a shipped profile."""

    name = "profile"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        """What begins like this."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in profile_names() if name.startswith(incomplete)]


class ValuePath(click.ParamType[str]):
    """The dotted path of a value."""

    name = "path"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        """What begins like this."""
        from click.shell_completion import CompletionItem

        from ..values.schema import documentation

        return [CompletionItem(path) for path in documentation() if path.startswith(incomplete)]


class RuleCode(click.ParamType[str]):
    """A rule's code."""

    name = "code"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        """What begins like this."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(each.code) for each in RULES if each.code.startswith(incomplete)]


_NAMESPACE = click.option(
    "-n", "--namespace", default="demo", show_default=True, help="The service's namespace."
)


def deployment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says which deployment: values files, a profile, settings, a namespace."""
    decorators = [
        click.argument("files", nargs=-1, metavar="[VALUES.yaml]...", type=click.Path()),
        click.option(
            "--profile",
            default="",
            type=ProfileName(),
            help="A profile, laid under the files.",
        ),
        click.option(
            "--hardware",
            default="",
            metavar="CARD:COUNT",
            help="The profile for these cards, such as 910B4:8.",
        ),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="A.B=C",
            help="One value, as helm --set reads it.",
        ),
        click.option(
            "--set-string", multiple=True, metavar="A.B=C", help="One value that is always text."
        ),
        click.option(
            "--set-json", multiple=True, metavar="A.B=JSON", help="One value, or several, as JSON."
        ),
        click.option("--name", default="", help="The service's name, as --set-string name=…"),
        _NAMESPACE,
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says which cluster; its context's namespace stands for one that is not given."""

    @wraps(command)
    def with_namespace(context: str, kubeconfig: str, **rest: Any) -> Any:
        rest["namespace"] = namespace_of(context, kubeconfig)
        return command(context=context, kubeconfig=kubeconfig, **rest)

    for decorator in (
        click.option("--kubeconfig", default="", type=click.Path(), help="KUBECONFIG by default."),
        click.option("--context", default="", help="The kubeconfig's context."),
    ):
        with_namespace = decorator(with_namespace)
    return with_namespace


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says which service that is in a cluster already; the verb gets its full name."""

    @wraps(command)
    def with_service(name: str, namespace: str, **rest: Any) -> Any:
        values = load_values((), "", "", (), (), (), name)
        release = Release(namespace=namespace)
        return command(name=values.name, namespace=release.namespace, **rest)

    decorated: Callable[..., Any] = with_service
    for decorator in (
        cluster_options,
        _NAMESPACE,
        click.option(
            "--name", default="", help="The service's name; the default profile's by default."
        ),
    ):
        decorated = decorator(decorated)
    return decorated


FORCE = click.option(
    "--force-conflicts", is_flag=True, help="Take fields over that somebody else has set."
)
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="How long to wait in all; by default 45 minutes for images and weights, and then what "
    "the startup probe allows.",
)
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def confirm(question: str) -> None:
    """Asks on stderr, and goes on after a yes only.

    Raises:
        click.Abort: the answer is no.
        DeployError: nobody can answer.
    """
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise DeployError("no terminal to ask on: give --yes") from None
    if not agreed:
        raise click.Abort


def connect(context: str, kubeconfig: str) -> Cluster:
    """The cluster of :func:`cluster_options`."""
    from ..cluster.client import Cluster

    return Cluster.connect(context, kubeconfig)


def namespace_of(context: str, kubeconfig: str) -> str:
    """The namespace that -n names; without it the context's own, or else -n's default."""
    from ..cluster.client import contexts

    command = click.get_current_context()
    named: str = command.params["namespace"]
    if command.get_parameter_source("namespace") is not ParameterSource.DEFAULT:
        return named
    known = contexts(kubeconfig)
    return (known.get(context, "") if context else next(iter(known.values()), "")) or named


def load_values(
    files: Sequence[str],
    profile: str,
    hardware: str,
    sets: Sequence[str],
    set_string: Sequence[str],
    set_json: Sequence[str],
    name: str,
) -> Values:
    """The values of :func:`deployment_options`."""
    named = [f"name={name}"] if name else []
    return load(
        *files,
        profile=profile_of(profile, hardware),
        set=sets,
        set_string=[*set_string, *named],
        set_json=set_json,
    )


def profile_of(profile: str, hardware: str) -> str:
    """The profile that was named, or that fits the hardware that was."""
    if not hardware:
        return profile
    if profile:
        raise click.UsageError("--profile and --hardware both choose a profile: give one")
    from ..values.profiles import fitting

    return fitting(hardware)


def checked(values: Values, release: Release) -> list[str]:
    """The manifest's documents; where a rule has an error it is said, and nothing is done."""
    findings = check(values, release)
    stopping = errors(findings)
    for finding in stopping:
        say(f"{finding.severity}: {finding}")
    if stopping:
        raise DeployError(f"nothing done: {len(stopping)} error(s) in these values")
    return documents(values, release)


def print_json(data: Any) -> None:
    """Data on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(
    header: Iterable[str], rows: Iterable[Iterable[Any]], widths: Iterable[int]
) -> None:
    """A table on stdout; widths are in characters, and longer cells are wrapped."""
    from tabulate import tabulate

    table = tabulate(
        [list(map(str, row)) for row in rows],
        headers=list(header),
        tablefmt="plain",
        maxcolwidths=list(widths),
        disable_numparse=True,
    )
    click.echo(table)


def say(message: str) -> None:
    """Talk, on stderr."""
    click.echo(message, err=True)
