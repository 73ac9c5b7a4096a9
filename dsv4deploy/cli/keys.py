"""``dsv4deploy keys``: the API keys of the MaaS ingress."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from ..cluster import keys as stored
from ..cluster.keys import Key, KeySecret
from .connection import ClusterOptions, cluster_options, placed_options
from .options import FORMAT, WAIT_FOR, YES, DeploymentOptions, Group
from .output import confirmed, hand_out, print_json, print_table, say


class Lifetime(click.ParamType[timedelta]):
    """A number of days or hours."""

    name = "lifetime"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """The time that the text gives."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,4})([dh])", value)
        if not found:
            self.fail("must be a number of days or hours, such as 90d or 12h", param, ctx)
        number = int(found[1])
        return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)


_EXPIRES = click.option(
    "--expires",
    type=Lifetime(),
    metavar="90d",
    help="The time after which `keys list` and `doctor` report the key as expired; the gateway "
    "does not enforce it.",
)


def _place(deployment: DeploymentOptions, cluster: ClusterOptions) -> KeySecret:
    """The Secret that these values name; -n is the service's namespace, and does not select the
    Secret.
    """
    maas = deployment.values().maas
    return KeySecret(cluster.connect(), maas.namespace, maas.api_keys.secret_name)


_FILE = click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the key to this new file, which only you can read, instead of stdout.",
)


@click.group(cls=Group)
def keys() -> None:
    """Create, list, rotate and revoke API keys of the MaaS ingress.

    The keys are in Secret maas.apiKeys.secretName in namespace maas.namespace. The command prints a
    key once, to stdout or to a file, before it stores the key in the cluster: if the output fails,
    nothing is changed.
    """


@keys.command()
@click.argument("clients", metavar="CLIENT[,CLIENT]...")
@placed_options
@cluster_options
@_EXPIRES
@_FILE
@WAIT_FOR
def create(
    clients: str,
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    expires: timedelta | None,
    file: Path | None,
    wait_for: float,
) -> None:
    """Create a key for a client, and print it once.

    For several clients, the command prints one line per client, with the client and its key. If the
    command fails, no client gets a key.

    \b
    dsv4deploy keys create alice --expires 90d
    dsv4deploy keys create alice -o alice.key
    dsv4deploy keys create alice,bob,carol my-values.yaml
    """
    for file_name in deployment.files:
        if file_name != "-" and not Path(file_name).exists():
            raise click.UsageError(
                f"values file {file_name} does not exist; if {file_name} is a client, separate "
                f"clients with commas: {clients},{file_name}"
            )
    place = _place(deployment, cluster)
    names = list(dict.fromkeys(clients.split(",")))
    with stored.holding(place, "keys create", wait_for):
        stored.create(place, names, expires, datetime.now(UTC), lambda text: hand_out(text, file))
    say(f"{place} contains the key of {', '.join(names)}; the key is not shown again")


@keys.command()
@click.argument("client")
@placed_options
@cluster_options
@_EXPIRES
@_FILE
@WAIT_FOR
def rotate(
    client: str,
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    expires: timedelta | None,
    file: Path | None,
    wait_for: float,
) -> None:
    """Replace a client's key, and print the new key once. The old key stops working immediately."""
    place = _place(deployment, cluster)
    with stored.holding(place, "keys rotate", wait_for):
        stored.rotate(place, client, expires, datetime.now(UTC), lambda key: hand_out(key, file))
    say(
        f"{client}'s old key stops working when the gateway has read {place}; give the client the "
        "new key"
    )


@keys.command()
@click.argument("client")
@placed_options
@cluster_options
@WAIT_FOR
@YES
def revoke(
    client: str,
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    wait_for: float,
    yes: bool,
) -> None:
    """Revoke a client's key."""
    place = _place(deployment, cluster)
    if not yes and not confirmed(f"Revoke {client}'s key in {place}?"):
        raise click.Abort
    with stored.holding(place, "keys revoke", wait_for):
        gone = stored.revoke(place, client)
    say(f"{client}'s key ({gone.fingerprint}) stops working when the gateway has read {place}")


@keys.command("list")
@placed_options
@cluster_options
@FORMAT
def list_keys(deployment: DeploymentOptions, cluster: ClusterOptions, output: str) -> None:
    """List the clients that have a key, without the keys.

    The command exits with 1 if a key has expired.
    """
    now = datetime.now(UTC)
    known = stored.keys(_place(deployment, cluster))
    if output == "json":
        print_json([_row(key, now) for key in known])
    else:
        rows = [(*map(str, _row(key, now).values()),) for key in known]
        header = ("CLIENT", "FINGERPRINT", "CREATED", "EXPIRES", "EXPIRED")
        print_table(header, rows)
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
