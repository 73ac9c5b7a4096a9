"""Options that say which cluster, and which service in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .options import NAMESPACE, DeploymentOptions, gathered, release_to

if TYPE_CHECKING:
    from ..cluster.client import Cluster
    from ..manifest.render import Release


@dataclass(frozen=True)
class ClusterOptions:
    """What says which cluster.

    Attributes:
        context: the kubeconfig's context; "" is the current one.
        kubeconfig: its path; "" is what KUBECONFIG names.
    """

    context: str = ""
    kubeconfig: str = ""

    def connect(self) -> Cluster:
        """The cluster.

        Raises:
            ClusterError: the kubeconfig does not lead to one.
        """
        from ..cluster.client import Cluster

        return Cluster.connect(self.context, self.kubeconfig)

    def release(self, namespace: str | None) -> Release:
        """Where a deployment goes: to the namespace of -n, or that of the context, or demo."""
        if namespace is None:
            from ..cluster.client import contexts

            known = contexts(self.kubeconfig)
            own = known.get(self.context, "") if self.context else next(iter(known.values()), "")
            namespace = own or None
        return release_to(namespace)


_CLUSTER = (
    click.option(
        "--context",
        default="",
        help="The kubeconfig's context; its namespace is -n's default.",
    ),
    click.option("--kubeconfig", default="", type=click.Path(), help="KUBECONFIG by default."),
)
cluster_options = gathered(ClusterOptions, "cluster", *_CLUSTER)


@dataclass(frozen=True)
class ServiceOptions(ClusterOptions):
    """What says which service that is in a cluster already.

    Attributes:
        name: its name; "" is the default profile's.
        namespace: of ``-n``; None where it is not given.
    """

    name: str = ""
    namespace: str | None = None

    def find(self) -> tuple[Cluster, str, str]:
        """The cluster, and the service's full name and namespace in it."""
        values = DeploymentOptions(name=self.name).values()
        release = self.release(self.namespace)
        return self.connect(), values.name, release.namespace


service_options = gathered(
    ServiceOptions,
    "service",
    click.option(
        "--name", default="", help="The service's name; the default profile's by default."
    ),
    NAMESPACE,
    *_CLUSTER,
)
