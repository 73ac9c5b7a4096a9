"""The command that all others belong to."""

from __future__ import annotations

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
