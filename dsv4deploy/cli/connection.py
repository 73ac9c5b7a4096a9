"""Options that select a cluster, and a service in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .options import DEPLOYMENT, DeploymentOptions, gathered, release_to

if TYPE_CHECKING:
    from ..cluster.client import Cluster
    from ..manifest.render import Release


@dataclass(frozen=True)
class ClusterOptions:
    """The options that select a cluster.

    Attributes:
        context: the kubeconfig's context; "" is the current one.
        kubeconfig: its path; "" is what KUBECONFIG names.
    """

    context: str = ""
    kubeconfig: str = ""

    def connect(self) -> Cluster:
        """The cluster.

        Raises:
            ClusterError: the kubeconfig does not select one.
        """
        from ..cluster.client import Cluster

        return Cluster.connect(self.context, self.kubeconfig)

    def named(self) -> str:
        """The context's name."""
        from ..cluster.client import contexts

        return self.context or next(iter(contexts(self.kubeconfig)), "")

    def release(self, namespace: str | None) -> Release:
        """The release in the namespace of -n, or that of the context, or demo."""
        if namespace is None:
            from ..cluster.client import contexts

            known = contexts(self.kubeconfig)
            own = known.get(self.context, "") if self.context else next(iter(known.values()), "")
            namespace = own or None
        return release_to(namespace)

    def find(self, deployment: DeploymentOptions) -> tuple[Cluster, str, str]:
        """The cluster, and the name and namespace that a deployment has in it."""
        name, release = deployment.values().name, self.release(deployment.namespace)
        return self.connect(), name, release.namespace


_CLUSTER = (
    click.option(
        "--context",
        default="",
        help="The kubeconfig's context; its namespace is the default for -n.",
    ),
    click.option(
        "--kubeconfig",
        default="",
        type=click.Path(),
        help="The path to the kubeconfig file; by default, the value of KUBECONFIG.",
    ),
)
# As kubectl has it, but for its `default`, where no published deployment goes.
_NAMESPACE = click.option(
    "-n",
    "--namespace",
    help="The service's namespace; by default, the context's namespace, or demo if it has none.",
)
_REVISION = click.argument(
    "files", nargs=-1, metavar="[REVISION] [VALUES.yaml|-]...", type=click.Path()
)
cluster_options = gathered(ClusterOptions, "cluster", *_CLUSTER)
placed_options = gathered(DeploymentOptions, "deployment", *DEPLOYMENT, _NAMESPACE)
revision_options = gathered(DeploymentOptions, "deployment", _REVISION, *DEPLOYMENT[1:], _NAMESPACE)
