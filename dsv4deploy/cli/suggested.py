"""Commands that a message suggests, completed with the deployment that the user's command names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from ..values.secrets import masked_option

_GIVEN = "dsv4deploy.cli.suggested"
_SHARED = (
    *("files", "profile", "hardware", "set_json", "set", "set_string", "name"),
    *("namespace", "context", "kubeconfig"),
)
"""The parameters of a command that name the deployment and the cluster."""


def remember() -> None:
    """Remembers the running command, so that messages can suggest others for its deployment."""
    context = click.get_current_context()
    context.meta[_GIVEN] = context


def completed(text: str) -> str:
    """A message in which each command in backquotes names the values files, the profile and the
    settings that the running command was given.
    """
    root = click.get_current_context(silent=True)
    given = root.meta.get(_GIVEN) if root else None
    # A command for many deployments has no single one to name.
    if given is None or given.params.get("each") or given.params.get("contexts"):
        return text
    return re.sub(r"`dsv4deploy ([a-z][^`]*)`", lambda found: _command(given, found[1]), text)


def _command(given: click.Context, text: str) -> str:
    words = text.split()
    command: click.Command | None = given.find_root().command
    rest, lookup = words, click.Context(given.command, resilient_parsing=True)
    while isinstance(command, click.Group) and rest:
        _, command, rest = command.resolve_command(lookup, rest)
    takes = {str(each.name): each for each in command.params} if command else {}
    gave = {each.name: each.metavar for each in given.command.params}
    if "files" in gave and "files" in takes and gave["files"] == takes["files"].metavar:
        # The other command finds the name in the same values.
        words = re.sub(r" --name \S+", "", text).split()
    return f"`{' '.join(('dsv4deploy', *words, *_more(given, takes, words)))}`"


def _more(
    given: click.Context, takes: dict[str, click.Parameter], words: list[str]
) -> Iterator[str]:
    """The words of each shared parameter that was given and that the other command takes."""
    gave = {each.name: each.metavar for each in given.command.params}
    named = {word.partition("=")[0] for word in words}
    named |= {"--hardware"} if "--profile" in named else set()
    for name in _SHARED:
        if name not in gave or name not in takes:
            continue
        other = takes[name]
        # The files of `rollback` may have a revision among them, which others do not take.
        if gave[name] != other.metavar or (named & {*other.opts} and not other.multiple):
            continue
        value = given.params[name] or ()
        if name == "files":
            yield from map(shlex.quote, (*given.params.get("base_files", ()), *value))
        else:
            option, found = min(other.opts, key=len), (value,) if isinstance(value, str) else value
            for each in found if other.multiple else found[:1]:
                yield f"{option} {shlex.quote(masked_option('', each).strip())}"
