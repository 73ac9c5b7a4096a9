"""``dsv4deploy smoke``: one completion, and whether it makes sense."""

from __future__ import annotations

import os

import click

from ..cluster.addresses import address
from ..completion.garbage import PROMPT, garbage
from ..completion.stream import KEY, ask
from ..errors import DeployError
from .connection import ClusterOptions, cluster_options, placed_options
from .options import DeploymentOptions, Seconds
from .output import print_text, say


@click.command()
@placed_options
@cluster_options
@click.option(
    "--ingress",
    type=click.Choice(["kserve", "maas"]),
    default="kserve",
    show_default=True,
    help="The ingress to use; maas requires a key.",
)
@click.option(
    "--url", default="", help="The URL of the chat completions endpoint; by default, the Gateway's."
)
@click.option(
    "--timeout",
    type=Seconds(1),
    default=300.0,
    show_default=True,
    metavar="DURATION",
    help="The time to wait for the next byte, such as 300 (seconds) or 5m.",
)
def smoke(
    deployment: DeploymentOptions, cluster: ClusterOptions, ingress: str, url: str, timeout: float
) -> None:
    """Stream one completion, and check that it is not garbage.

    The command sends the key in DSV4DEPLOY_API_KEY only with --ingress maas.
    """
    values = deployment.values()
    if not url:
        release = cluster.release(deployment.namespace)
        url = address(cluster.connect(), values, release, ingress)
    key = os.environ.get(KEY, "") if ingress == "maas" else ""
    done = ask(url, values.model.name, PROMPT, key, timeout)
    if done.error:
        raise DeployError(f"{url}: {done.error}")
    print_text(done.text)
    say(
        f"first token after {done.first_token_seconds:.2f} s, complete after {done.seconds:.2f} s; "
        f"{done.prompt_tokens} + {done.completion_tokens} tokens"
    )
    if done.simulator:
        say(f"a simulator answered, not an engine: {done.simulator}")
    why = garbage(done.text, "count")
    if why:
        raise DeployError(f"garbage: {why}")
