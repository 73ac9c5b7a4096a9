"""Options that select a cluster, and a service in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .options import DEPLOYMENT, Decorator, DeploymentOptions, gathered, release_to

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
        help="The kubeconfig's path; by default that of KUBECONFIG.",
    ),
)
# As kubectl has it, but for its `default`, where no published deployment goes.
_NAMESPACE = click.option(
    "-n",
    "--namespace",
    help="The service's namespace; by default the context's namespace, or demo if it has none.",
)
cluster_options = gathered(ClusterOptions, "cluster", *_CLUSTER)
placed_options = gathered(DeploymentOptions, "deployment", *DEPLOYMENT, _NAMESPACE)


@dataclass(frozen=True)
class ServiceOptions(ClusterOptions):
    """The options that select a service in a cluster.

    Attributes:
        files: values files that name it.
        name: its name; "" is that of the files, or the default profile's.
        namespace: of ``-n``; None where it is not given.
    """

    files: tuple[str, ...] = ()
    name: str = ""
    namespace: str | None = None

    def find(self) -> tuple[Cluster, str, str]:
        """The cluster, and the service's full name and namespace in it."""
        values = DeploymentOptions(self.files, name=self.name).values()
        release = self.release(self.namespace)
        return self.connect(), values.name, release.namespace


def _service_options(words: str) -> Decorator:
    return gathered(
        ServiceOptions,
        "service",
        click.argument("files", nargs=-1, metavar=words, type=click.Path()),
        click.option(
            "--name", default="", help="The service's name; by default that of the values files."
        ),
        _NAMESPACE,
        *_CLUSTER,
    )


service_options = _service_options("[VALUES.yaml|-]...")
revision_options = _service_options("[REVISION] [VALUES.yaml|-]...")
