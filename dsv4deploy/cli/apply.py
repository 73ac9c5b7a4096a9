"""``dsv4deploy apply``: a deployment to a cluster, or many to many."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from ..cluster import fleet, rollout
from ..cluster.client import contexts as known_contexts
from ..cluster.plan import Plan, taking_over
from ..cluster.readiness import Progress, waiting
from ..errors import ClusterError, DeployError
from ..findings import Finding
from ..manifest.render import Release, render
from ..values.tree import Values
from .connection import ClusterOptions, cluster_options, placed_options
from .diff import planned
from .options import FORCE, TIMEOUT, WAIT_FOR, DeploymentOptions
from .output import print_json, print_table, say, waiting_bar
from .render import accepted, note, values_files
from .status import endpoints, print_endpoints
from .upgrade import waiting_limits

Tell = Callable[[Progress], None]


def _patterns(context: click.Context, option: click.Parameter, text: str | None) -> list[str]:
    """The words of a list with commas; none where the option is not given."""
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    if text is not None and not words:
        raise click.BadParameter(
            "must name at least one context; check whether a shell variable is empty"
        )
    return words


@click.command()
@placed_options
@cluster_options
@FORCE
@TIMEOUT
@WAIT_FOR
@click.option(
    "--wait", is_flag=True, help="Wait until the service is ready, and show its progress."
)
@click.option(
    "--contexts",
    metavar="A,B*,…",
    callback=_patterns,
    help="Apply to these contexts of the kubeconfig in parallel, given by names or patterns.",
)
@click.option(
    "--each",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Apply each values file in this folder, merged over the other files; with --contexts, "
    "each context uses its own CONTEXT.yaml.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="The format of the summary if there are several targets.",
)
def apply(
    deployment: DeploymentOptions,
    cluster: ClusterOptions,
    force_conflicts: bool,
    timeout: float | None,
    wait_for: float,
    wait: bool,
    contexts: list[str],
    each: Path | None,
    output: str,
) -> None:
    """Apply a deployment with server-side apply; the command is idempotent.

    At the end, the command prints how to call the model: the URLs, the model's name, a curl
    command, and the location of the keys.

    The server validates all objects in a dry run before the command writes the first one. If the
    engines would restart, use `upgrade`: a model that fills its node does not support rolling
    updates.

    With --contexts or --each, the command applies to several targets in parallel. It checks every
    values file before it connects to a cluster. A target that fails does not stop the others, but
    the exit code is then 1. The summary lists the URLs of each target. Press Ctrl-C once to start
    no further target and to wait for those in progress, or twice to abandon them.

    \b
    dsv4deploy apply my-values.yaml -n prod --wait
    dsv4deploy apply base.yaml --each clusters/ --contexts 'site-*'
    """
    if contexts and cluster.context:
        raise click.UsageError("--context and --contexts are mutually exclusive")

    def do(target: _Target, tell: Tell) -> str:
        waits = _Waits(wait, timeout, wait_for)
        return _apply(target, force=force_conflicts, waits=waits, tell=tell)

    def in_fleet(target: _Target) -> str:
        return "; ".join([do(target, _silent), *_addresses(target)])

    if contexts:
        sources = _in_contexts(contexts, each, cluster, deployment)
    elif each:
        sources = _in_folder(each, cluster, deployment)
    else:
        (target,) = _targets({"": (cluster, deployment)}).values()
        profile = deployment.chosen_profile()
        note(target.warnings, target.values, target.release, profile)
        with waiting_bar() if wait else nullcontext(_silent) as tell:
            message = do(target, tell)
        say(f"{target.values.name}: {message}")
        if not wait:
            say("the service accepts requests once `dsv4deploy status` reports that it is ready:")
        print_endpoints(target.cluster.connect(), render(target.values, target.release))
        return
    targets = _targets(sources)
    with click.progressbar(length=len(targets), label="applying", file=sys.stderr) as bar:
        done = fleet.each(targets, in_fleet, lambda _: bar.update(1), say)
    if not _print_outcomes(done.outcomes, output):
        sys.exit(130 if done.interrupted else 1)


@dataclass(frozen=True)
class _Waits:
    """The conditions that an apply waits for.

    Attributes:
        ready: whether it waits until the service is ready.
        timeout: for how many seconds; None is the time that the startup probe allows.
        others: how many seconds it waits for another run.
    """

    ready: bool
    timeout: float | None
    others: float


@dataclass(frozen=True)
class _Target:
    """A deployment and the cluster that it goes to."""

    cluster: ClusterOptions
    values: Values
    release: Release
    warnings: list[Finding]

    @property
    def place(self) -> tuple[str, str, str]:
        """The target: context, namespace and name."""
        return self.cluster.context, self.release.namespace, self.values.name


# A fleet's targets by name, before their values are loaded.
Sources = Mapping[str, tuple[ClusterOptions, DeploymentOptions]]


def _in_folder(folder: Path, cluster: ClusterOptions, deployment: DeploymentOptions) -> Sources:
    """A target for each values file in a folder, merged over the deployment's own files."""
    return {path.name: (cluster, _with(deployment, path)) for path in values_files(folder)}


def _in_contexts(
    patterns: list[str],
    folder: Path | None,
    cluster: ClusterOptions,
    deployment: DeploymentOptions,
) -> Sources:
    """A target for each context that a pattern matches, with its own file of the folder."""
    names = list(known_contexts(cluster.kubeconfig))
    chosen: dict[str, tuple[ClusterOptions, DeploymentOptions]] = {}
    for pattern in patterns:
        matching = sorted(fnmatch.filter(names, pattern))
        if not matching:
            raise DeployError(
                f"the kubeconfig has no context {pattern}; its contexts are: "
                f"{', '.join(names) or 'none'}"
            )
        for name in matching:
            own = [folder / f"{name}.yaml"] if folder else []
            missing = [path for path in own if not path.is_file()]
            if missing:
                raise DeployError(f"context {name} needs the values file {missing[0]}")
            chosen[name] = (replace(cluster, context=name), _with(deployment, *own))
    return chosen


def _with(deployment: DeploymentOptions, *files: Path) -> DeploymentOptions:
    return replace(deployment, files=(*deployment.files, *map(str, files)))


def _targets(sources: Sources) -> dict[str, _Target]:
    """The targets with their values, all of which passed the checks."""
    found: dict[str, _Target] = {}
    failed = 0
    for name, (cluster, deployment) in sources.items():
        try:
            release = cluster.release(deployment.namespace)
            values = deployment.values()
            target = _Target(cluster, values, release, accepted(values, release))
            for other, that in found.items():
                if that.place == target.place:
                    raise DeployError(
                        f"is the same service as {other}: {' '.join(filter(None, target.place))}"
                    )
            found[name] = target
        except DeployError as error:
            if len(sources) == 1:
                raise
            failed += 1
            say(f"{name}: {error}")
    if failed:
        raise DeployError(
            f"nothing was applied: {failed} of {len(sources)} deployments have errors"
        )
    return found


def _apply(target: _Target, *, force: bool, waits: _Waits, tell: Tell) -> str:
    """Applies one deployment; returns what was done, and what runs now."""
    cluster = target.cluster.connect()

    def make() -> Plan:
        return planned(cluster, target.values, target.release, force=force)

    def act(plan: Plan) -> str:
        if plan.downtime and not target.values.kserve.rollout_in_place:
            raise ClusterError(
                f"{plan.service}: {plan.downtime}, but a model that fills its node does not "
                "support rolling updates; use `dsv4deploy upgrade`, which stops the service, "
                "applies the change and starts the service again",
                "Refused",
            )
        written = rollout.apply(cluster, plan, force=force)
        done = [f"{written} objects written" if written else "nothing to change"]
        done += filter(None, [taking_over(plan)])
        if waits.ready:
            limits = waiting_limits(plan, waits.timeout)
            done.append(waiting(cluster, plan.service, plan.namespace, limits, tell)("ready"))
        return ", ".join(done)

    place = rollout.ServiceRef(target.values.name, target.release.namespace)
    return rollout.run(cluster, place, "apply", make, act, wait=waits.others)


def _addresses(target: _Target) -> Iterator[str]:
    """The base URL of each ingress, for a summary of many places."""
    made = render(target.values, target.release)
    for ingress, found in endpoints(target.cluster.connect(), made):
        known = f"unknown: {found}" if isinstance(found, ClusterError) else found.url
        yield f"{ingress} ingress {known}"


def _silent(_: Progress) -> None:
    """Tells nobody."""


def _print_outcomes(outcomes: list[fleet.Outcome], output: str) -> bool:
    """Prints the result for each target; returns whether all succeeded."""
    if output == "json":
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        rows = [(o.target, "applied" if o.done else "FAILED", o.message) for o in outcomes]
        print_table(("TARGET", "RESULT", "MESSAGE"), rows, sentences=True)
    done = sum(outcome.done for outcome in outcomes)
    say(f"{done} of {len(outcomes)} applied")
    return done == len(outcomes)
