"""Verbs that talk to a cluster."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ClusterError, DeployError
from ..manifest.render import Release
from ..values.tree import Values
from .root import cli
from .shared import (
    FORCE,
    FORMAT,
    TIMEOUT,
    YES,
    checked,
    cluster_options,
    confirm,
    connect,
    deployment_options,
    load_values,
    namespace_of,
    print_json,
    print_table,
    say,
    service_options,
)

if TYPE_CHECKING:
    from ..cluster.client import Cluster
    from ..cluster.readiness import Progress
    from ..cluster.rollout import Plan


@cli.command()
@deployment_options
@cluster_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def doctor(
    namespace: str,
    context: str,
    kubeconfig: str,
    output: str,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Examine whether a cluster can carry a deployment. Changes nothing.

    Exits with 1 where a check failed.
    """
    from ..cluster.doctor import examine
    from ..findings import Severity, errors

    values = load_values(files, **inputs)
    found = examine(connect(context, kubeconfig), values, Release(namespace=namespace))
    if output == "json":
        from dataclasses import asdict

        print_json([asdict(each) for each in found])
    else:
        order = list(Severity)[::-1]
        rows = sorted(found, key=lambda each: -order.index(each.severity))
        print_table(
            ("STATUS", "CHECK", "FOUND", "FIX"),
            [(each.severity, each.code, each.message, each.fix) for each in rows],
            widths=(8, 20, 60, 48),
        )
    if errors(found):
        sys.exit(1)


def _prepared(cluster: Cluster, values: Values, release: Release, *, force: bool) -> Plan:
    """What applying these values would do; their own errors stop it first."""
    from ..cluster.rollout import prepare
    from ..manifest.render import render as objects

    checked(values, release)
    return prepare(cluster, objects(values, release), force=force)


@cli.command("diff")
@deployment_options
@cluster_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def diff_command(
    namespace: str,
    context: str,
    kubeconfig: str,
    output: str,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Say what `apply` would change, field by field, by the server's own dry run.

    Exits with 1 where something differs.
    """
    values = load_values(files, **inputs)
    cluster = connect(context, kubeconfig)
    plan = _prepared(cluster, values, Release(namespace=namespace), force=True)
    if output == "json":
        from dataclasses import asdict

        found = [asdict(change) for change in plan.changes]
        print_json({"changes": found, "downtime": plan.downtime})
    else:
        _print_changes(plan)
    if plan.changes:
        sys.exit(1)


def _print_changes(plan: Plan) -> None:
    for change in plan.changes:
        click.echo(change)
    click.echo(f"downtime: {f'yes: {plan.downtime}' if plan.downtime else 'no'}")


def _patterns(_: Any, __: Any, text: str | None) -> list[str]:
    """The words of a list with commas; none where the option is not given."""
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    if text is not None and not words:
        raise click.BadParameter("names no context: is a variable empty?")
    return words


@cli.command("apply")
@deployment_options
@cluster_options
@FORCE
@TIMEOUT
@click.option("--wait", is_flag=True, help="Wait until it is ready, and show how far it is.")
@click.option(
    "--contexts",
    metavar="A,B*,…",
    callback=_patterns,
    help="Apply to all these contexts of the kubeconfig at once; names and patterns.",
)
@click.option(
    "--each",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Apply each values file in this folder, laid over the others; with --contexts each "
    "context's own, CONTEXT.yaml.",
)
@click.option(
    "-o", "--output", type=FORMAT, default="table", show_default=True, help="Of a fleet's summary."
)
def apply_command(
    namespace: str,
    context: str,
    kubeconfig: str,
    force_conflicts: bool,
    timeout: float | None,
    wait: bool,
    contexts: list[str],
    each: Path | None,
    output: str,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Apply a deployment, by server-side apply; twice changes nothing.

    All objects are tried on the server before the first is written. Where the engines would
    restart, `upgrade` does it: a model that fills its node can't roll over.

    With --contexts or --each to many places at once: every values file is checked before the
    first request, and then a place that fails does not stop the others. Exits with 1 where one
    did.

    \b
    dsv4deploy apply my-values.yaml -n prod --wait
    dsv4deploy apply base.yaml --each clusters/ --contexts 'site-*'
    """
    if contexts and context:
        raise click.UsageError("--context and --contexts both choose clusters: give one")

    def do(target: _Target, tell: Callable[[Progress], None]) -> str:
        cluster = connect(target.context, kubeconfig)
        return _apply(cluster, target, force_conflicts, wait, timeout, tell)

    if not (contexts or each):
        release = Release(namespace=namespace)
        (target,) = _targets({"": (context, files)}, inputs, lambda _: release).values()
        with _bar() if wait else nullcontext(_silent) as tell:
            message = do(target, tell)
        say(f"{target.values.name}: {message}")
        return

    from ..cluster.fleet import each as fleet

    def release_of(name: str) -> Release:
        return Release(namespace=namespace_of(name, kubeconfig))

    sources = _sources(contexts, context, each, files, kubeconfig)
    targets = _targets(sources, inputs, release_of)
    with click.progressbar(length=len(targets), label="applying", file=sys.stderr) as bar:
        outcomes = fleet(targets, lambda target: do(target, _silent), lambda _: bar.update(1))
    if output == "json":
        from dataclasses import asdict

        print_json([asdict(outcome) for outcome in outcomes])
    else:
        rows = [(o.target, "applied" if o.done else "FAILED", o.message) for o in outcomes]
        print_table(("TARGET", "RESULT", "MESSAGE"), rows, widths=(32, 8, 80))
    failed = sum(not outcome.done for outcome in outcomes)
    say(f"{len(outcomes) - failed} of {len(outcomes)} applied")
    if failed:
        sys.exit(1)


@dataclass(frozen=True)
class _Target:
    """A deployment and the context that it goes to."""

    context: str
    values: Values
    release: Release

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it goes: context, namespace, name."""
        return self.context, self.release.namespace, self.values.name


def _sources(
    contexts: list[str], context: str, each: Path | None, files: Sequence[str], kubeconfig: str
) -> dict[str, tuple[str, Sequence[str]]]:
    """A fleet's targets by name: the context, and the values files for it."""
    if not contexts:
        found = sorted(path for path in (each or Path()).iterdir() if _is_yaml(path))
        if not found:
            raise DeployError(f"{each}: no .yaml file in this folder")
        return {path.name: (context, [*files, str(path)]) for path in found}

    from ..cluster.client import contexts as known

    names = list(known(kubeconfig))
    chosen: dict[str, tuple[str, Sequence[str]]] = {}
    for pattern in contexts:
        matching = sorted(fnmatch.filter(names, pattern))
        if not matching:
            raise DeployError(
                f"no context {pattern} in the kubeconfig; there are: {', '.join(names) or 'none'}"
            )
        for name in matching:
            own = [each / f"{name}.yaml"] if each else []
            missing = [path for path in own if not path.is_file()]
            if missing:
                raise DeployError(f"context {name} has no values file {missing[0]}")
            chosen[name] = (name, [*files, *map(str, own)])
    return chosen


def _is_yaml(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")


def _targets(
    sources: Mapping[str, tuple[str, Sequence[str]]],
    inputs: dict[str, Any],
    release_of: Callable[[str], Release],
) -> dict[str, _Target]:
    """The targets, each with its values, all of which have passed their checks."""
    found: dict[str, _Target] = {}
    failed = 0
    for name, (context, files) in sources.items():
        try:
            target = _Target(context, load_values(files, **inputs), release_of(context))
            checked(target.values, target.release)
            for other, that in found.items():
                if that.place == target.place:
                    raise DeployError(
                        f"the same service as {other}: {' '.join(filter(None, target.place))}"
                    )
            found[name] = target
        except DeployError as error:
            if len(sources) == 1:
                raise
            failed += 1
            say(f"{name}: {error}")
    if failed:
        raise DeployError(f"nothing applied: {failed} of {len(sources)} deployments have errors")
    return found


def _apply(
    cluster: Cluster,
    target: _Target,
    force: bool,
    wait: bool,
    timeout: float | None,
    tell: Callable[[Progress], None],
) -> str:
    """Applies one deployment; what was done."""
    from ..cluster.readiness import waiting
    from ..cluster.rollout import apply, taking_over

    plan = _prepared(cluster, target.values, target.release, force=force)
    if plan.downtime and not target.values.kserve.rollout_in_place:
        raise DeployError(
            f"{plan.service}: {plan.downtime}, and a model that fills its node can't roll over: "
            "`dsv4deploy upgrade` stops it, applies and starts it; nothing has been changed"
        )
    written = apply(cluster, plan, force=force)
    done = f"{written} objects written" if written else "nothing to change"
    done += f", {taken}" if (taken := taking_over(plan)) else ""
    if wait:
        times = _times(plan, timeout)
        waiting(cluster, plan.service, plan.namespace, tell, **times)("ready", lambda: None)
        done += ", ready"
    return done


def _silent(_: Progress) -> None:
    """Tells nobody."""


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr; where that is no terminal, a line a phase."""
    with click.progressbar(length=100, file=sys.stderr, label="waiting", width=30) as bar:
        told = ""

        def tell(now: Progress) -> None:
            nonlocal told
            bar.label = now.phase
            bar.update(max(0, round(now.done * 100) - bar.pos))
            if now.message != told and not sys.stderr.isatty():
                say(f"{now.phase}: {now.message}")
            told = now.message

        yield tell


@cli.command("upgrade")
@deployment_options
@cluster_options
@FORCE
@TIMEOUT
@YES
def upgrade_command(
    namespace: str,
    context: str,
    kubeconfig: str,
    force_conflicts: bool,
    timeout: float | None,
    yes: bool,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Stop, apply, start, wait; on failure back to what ran before.

    Interrupted at any point, the same command goes on, and `dsv4deploy rollback` goes back.
    """
    values = load_values(files, **inputs)
    cluster = connect(context, kubeconfig)
    plan = _prepared(cluster, values, Release(namespace=namespace), force=force_conflicts)
    _replace(cluster, plan, force_conflicts, timeout, yes)


def _times(plan: Plan, timeout: float | None) -> dict[str, float]:
    """How long to wait: as long as asked for, or what the plan's objects may take."""
    from ..cluster.readiness import budget

    return {"timeout": timeout} if timeout else budget(plan.objects)


def _replace(cluster: Cluster, plan: Plan, force: bool, timeout: float | None, yes: bool) -> None:
    from ..cluster.readiness import waiting
    from ..cluster.rollout import taking_over, upgrade

    _print_changes(plan)
    if taken := taking_over(plan):
        say(taken)
    times = _times(plan, timeout)
    if plan.downtime and not yes:
        minutes = times["timeout"] / 60
        say(f"The engines stop, and are ready again after up to {minutes:.0f} minutes.")
        confirm("Go on?")
    with _bar() as tell:
        wait = waiting(cluster, plan.service, plan.namespace, tell, **times)
        upgrade(cluster, plan, force=force, wait=wait)
    say(f"{plan.service} is ready")


@cli.command("rollback")
@click.argument("revision", type=click.IntRange(min=1), required=False)
@service_options
@TIMEOUT
@YES
def rollback_command(
    revision: int | None,
    name: str,
    namespace: str,
    context: str,
    kubeconfig: str,
    timeout: float | None,
    yes: bool,
) -> None:
    """Go back to a revision, or to what ran before."""
    from ..cluster.rollout import prepare, target

    cluster = connect(context, kubeconfig)
    chosen = target(cluster, name, namespace, revision or 0)
    say(f"back to revision {chosen.number}")
    _replace(cluster, prepare(cluster, chosen.objects, force=True), True, timeout, yes)


@cli.command("history")
@service_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def history_command(name: str, namespace: str, context: str, kubeconfig: str, output: str) -> None:
    """List a service's revisions; the last 10, and the last that ran, are kept."""
    from ..cluster.rollout import history

    rows = [
        {
            "revision": each.number,
            "status": each.status,
            "created": each.created,
            "objects": len(each.objects),
        }
        for each in history(connect(context, kubeconfig), name, namespace)
    ]
    if output == "json":
        print_json(rows)
    else:
        header = ("REVISION", "STATUS", "CREATED", "OBJECTS")
        print_table(header, [row.values() for row in rows], widths=(8, 12, 24, 8))


@cli.command("status")
@service_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def status_command(name: str, namespace: str, context: str, kubeconfig: str, output: str) -> None:
    """Say where a service is: its phase, its conditions, its revision.

    Exits with 0 where it is ready, else with 1.
    """
    from ..cluster.readiness import progress
    from ..cluster.rollout import history

    cluster, service = connect(context, kubeconfig), name
    now = progress(cluster, service, namespace)
    live = cluster.get("serving.kserve.io/v1alpha2", "LLMInferenceService", service, namespace)
    conditions = ((live or {}).get("status") or {}).get("conditions") or []
    try:
        known = history(cluster, service, namespace)
    except ClusterError as error:
        if error.reason != "Forbidden":
            raise
        say(f"its revision can't be read: {error}")
        known = []
    if output == "json":
        told = {"phase": now.phase, "done": now.done, "message": now.message}
        last = known[-1] if known else None
        revision = {"revision": last.number, "status": last.status} if last else None
        print_json({**told, "conditions": conditions, "revision": revision})
    else:
        click.echo(f"{service}: {now.phase}: {now.message}")
        if known:
            click.echo(f"revision {known[-1].number}: {known[-1].status}")
        print_table(
            ("CONDITION", "STATUS", "MESSAGE"),
            [(each["type"], each["status"], each.get("message", "")) for each in conditions],
            widths=(32, 8, 80),
        )
    if now.phase != "ready":
        sys.exit(1)


@cli.command("delete")
@service_options
@YES
def delete_command(name: str, namespace: str, context: str, kubeconfig: str, yes: bool) -> None:
    """Delete what `apply` has made, and keep what somebody else has."""
    from ..cluster.diff import label
    from ..cluster.rollout import delete, history

    cluster, service = connect(context, kubeconfig), name
    going, staying = delete(cluster, service, namespace, dry_run=True)
    for item in going:
        click.echo(f"- {label(item)}")
    for item in staying:
        click.echo(f"= {label(item)} (stays: not made for this service)")
    revisions = history(cluster, service, namespace)
    if not (going or revisions):
        say("nothing to delete")
        return
    whole = f"{len(going)} objects and {len(revisions)} revisions"
    if not yes:
        confirm(f"Delete {whole}?")
    delete(cluster, service, namespace)
    say(f"{whole} deleted")


@cli.command("smoke")
@deployment_options
@cluster_options
@click.option(
    "--ingress", type=click.Choice(["kserve", "maas"]), default="kserve", show_default=True
)
@click.option("--url", default="", help="Of the chat completions, in the place of the Gateway's.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Without a byte.",
)
def smoke_command(
    namespace: str,
    context: str,
    kubeconfig: str,
    ingress: str,
    url: str,
    timeout: float,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Stream one completion, and look whether it is garbage.

    With --ingress maas, and only then, the key of the environment is sent: DSV4DEPLOY_API_KEY.
    """
    from ..cluster.addresses import address
    from ..completion.garbage import PROMPT, garbage
    from ..completion.stream import KEY, ask

    values = load_values(files, **inputs)
    if not url:
        cluster = connect(context, kubeconfig)
        url = address(cluster, values, Release(namespace=namespace), ingress)
    key = os.environ.get(KEY, "") if ingress == "maas" else ""
    done = ask(url, values.model.name, PROMPT, key, timeout)
    if done.error:
        raise DeployError(f"{url}: {done.error}")
    click.echo(done.text)
    say(
        f"first token after {done.first_token_seconds:.2f} s, all after {done.seconds:.2f} s; "
        f"{done.prompt_tokens} + {done.completion_tokens} tokens"
    )
    if done.simulator:
        say(f"a simulator has answered, and no engine: {done.simulator}")
    why = garbage(done.text, "count")
    if why:
        raise DeployError(f"garbage: {why}")
