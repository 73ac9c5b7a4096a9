"""The verb for API keys of the MaaS ingress."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from .root import cli
from .shared import (
    FORMAT,
    YES,
    cluster_options,
    confirm,
    connect,
    deployment_options,
    load_values,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from ..cluster.keys import Key, KeySecret


class Lifetime(click.ParamType[timedelta]):
    """A number of days or hours."""

    name = "lifetime"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """The time that the text says."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,4})([dh])", value)
        if not found:
            self.fail("must be days or hours such as 90d or 12h", param, ctx)
        number = int(found[1])
        return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)


_EXPIRES = click.option(
    "--expires",
    type=Lifetime(),
    metavar="90d",
    help="After how long `keys list` and `doctor` call for a new one; the gateway never asks.",
)


def _place(
    namespace: str, context: str, kubeconfig: str, files: tuple[str, ...], **inputs: Any
) -> KeySecret:
    """The Secret that these values name; -n is the service's namespace, and says nothing of it."""
    from ..cluster.keys import KeySecret

    maas = load_values(files, **inputs).maas
    return KeySecret(connect(context, kubeconfig), maas.namespace, maas.api_keys.secret_name)


@cli.group()
def keys() -> None:
    """Make, list, replace and end API keys of the MaaS ingress.

    They stand in the Secret that maas.namespace and maas.apiKeys.secretName name. A key is
    printed once, to stdout.
    """


@keys.command("create")
@click.argument("client")
@deployment_options
@cluster_options
@_EXPIRES
def keys_create(client: str, expires: timedelta | None, **rest: Any) -> None:
    """Make a client's key and print it, this once.

    \b
    dsv4deploy keys create alice --expires 90d
    """
    from ..cluster.keys import create

    place = _place(**rest)
    key = create(place, client, expires, datetime.now(UTC))
    click.echo(key)
    say(f"{client}'s key stands in {place}, and is printed nowhere again")


@keys.command("rotate")
@click.argument("client")
@deployment_options
@cluster_options
@_EXPIRES
def keys_rotate(client: str, expires: timedelta | None, **rest: Any) -> None:
    """Replace a client's key and print the new one, this once. The old one stops at once."""
    from ..cluster.keys import rotate

    place = _place(**rest)
    key = rotate(place, client, expires, datetime.now(UTC))
    click.echo(key)
    say(f"{client}'s old key stops as soon as the gateway has read {place}: hand the new one on")


@keys.command("revoke")
@click.argument("client")
@deployment_options
@cluster_options
@YES
def keys_revoke(client: str, yes: bool, **rest: Any) -> None:
    """End a client's key."""
    from ..cluster.keys import revoke

    place = _place(**rest)
    if not yes:
        confirm(f"End {client}'s key in {place}?")
    gone = revoke(place, client)
    say(f"{client}'s key ({gone.fingerprint}) stops as soon as the gateway has read {place}")


@keys.command("list")
@deployment_options
@cluster_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def keys_list(output: str, **rest: Any) -> None:
    """List the clients that have a key, never the keys. Exits with 1 where one has expired."""
    from ..cluster.keys import keys as found

    now = datetime.now(UTC)
    known = found(_place(**rest))
    if output == "json":
        print_json([_row(key, now) for key in known])
    else:
        rows = [(*map(str, _row(key, now).values()),) for key in known]
        header = ("CLIENT", "FINGERPRINT", "CREATED", "EXPIRES", "EXPIRED")
        print_table(header, rows, widths=(63, 12, 20, 20, 7))
    if any(key.expired(now) for key in known):
        say("an expired key is accepted until it is revoked or rotated")
        sys.exit(1)


def _row(key: Key, now: datetime) -> dict[str, str | bool]:
    times = [f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else "" for time in (key.created, key.expires)]
    return {
        "client": key.client,
        "fingerprint": key.fingerprint,
        "created": times[0],
        "expires": times[1],
        "expired": key.expired(now),
    }
