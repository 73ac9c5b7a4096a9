"""``dsv4deploy keys``: the API keys of the MaaS ingress."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ..cluster import keys as stored
from ..cluster.keys import Key, KeySecret
from .connection import ClusterOptions, cluster_options
from .options import FORMAT, YES, DeploymentOptions, deployment_options
from .output import confirm, print_json, print_table, print_text, say


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


def _place(deployment: DeploymentOptions, cluster: ClusterOptions) -> KeySecret:
    """The Secret that these values name; -n is the service's namespace, and says nothing of it."""
    maas = deployment.values().maas
    return KeySecret(cluster.connect(), maas.namespace, maas.api_keys.secret_name)


@click.group()
def keys() -> None:
    """Make, list, replace and end API keys of the MaaS ingress.

    They stand in the Secret that maas.namespace and maas.apiKeys.secretName name. A key is
    printed once, to stdout.
    """


@keys.command()
@click.argument("client")
@deployment_options
@cluster_options
@_EXPIRES
def create(
    client: str,
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    expires: timedelta | None,
) -> None:
    """Make a client's key and print it, this once.

    \b
    dsv4deploy keys create alice --expires 90d
    """
    place = _place(deployment, cluster)
    key = stored.create(place, client, expires, datetime.now(UTC))
    print_text(key)
    say(f"{client}'s key stands in {place}, and is printed nowhere again")


@keys.command()
@click.argument("client")
@deployment_options
@cluster_options
@_EXPIRES
def rotate(
    client: str,
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    expires: timedelta | None,
) -> None:
    """Replace a client's key and print the new one, this once. The old one stops at once."""
    place = _place(deployment, cluster)
    key = stored.rotate(place, client, expires, datetime.now(UTC))
    print_text(key)
    say(f"{client}'s old key stops as soon as the gateway has read {place}: hand the new one on")


@keys.command()
@click.argument("client")
@deployment_options
@cluster_options
@YES
def revoke(client: str, deployment: DeploymentOptions, cluster: ClusterOptions, yes: bool) -> None:
    """End a client's key."""
    place = _place(deployment, cluster)
    if not yes:
        confirm(f"End {client}'s key in {place}?")
    gone = stored.revoke(place, client)
    say(f"{client}'s key ({gone.fingerprint}) stops as soon as the gateway has read {place}")


@keys.command("list")
@deployment_options
@cluster_options
@FORMAT
def list_keys(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """List the clients that have a key, never the keys. Exits with 1 where one has expired."""
    now = datetime.now(UTC)
    known = stored.keys(_place(deployment, cluster))
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
