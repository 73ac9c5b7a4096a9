"""Verbs that need no cluster: values in; a manifest, findings, a plan or an answer out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..checks.rules import RULES, check
from ..errors import DeployError
from ..findings import Finding, errors
from ..manifest.render import Release
from ..values.loading import load, profile_names, profile_path
from .root import cli
from .shared import (
    FORMAT,
    ProfileName,
    RuleCode,
    ValuePath,
    checked,
    deployment_options,
    load_values,
    print_json,
    print_table,
    profile_of,
    say,
    write_all,
)

if TYPE_CHECKING:
    from ..sizing.plan import MemoryPlan


@cli.command()
@deployment_options
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="A file, or a folder for one file an object; stdout by default.",
)
@click.option(
    "--each",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Render each values file in this folder, laid over the others, to a file in --output.",
)
def render(
    namespace: str, output: str | None, each: Path | None, files: tuple[str, ...], **inputs: Any
) -> None:
    """Print the manifest, ready for `kubectl apply -f -`.

    Values files are merged as helm merges them: over the defaults lie the profile, the files in
    their order, then --set-json, --set and --set-string. Errors stop it before anything is
    written; `dsv4deploy check` tells warnings too.

    \b
    dsv4deploy render --set engine.args.max-num-seqs=8 -n prod
    dsv4deploy render my-values.yaml -o manifest.yaml
    dsv4deploy render --each clusters/ -o manifests/
    """
    if output in ("", "json", "table", "yaml"):
        raise click.UsageError(f"-o takes a file or a folder, not '{output}': stdout gets YAML")
    release = Release(namespace=namespace)
    if each:
        if not output:
            raise click.UsageError("--each needs a folder to write to: -o DIR")
        _render_each(each, Path(output), files, inputs, release)
        return
    values = load_values(files, **inputs)
    texts = checked(values, release)
    if output is None:
        click.echo("".join(texts), nl=False)
    elif output.endswith(os.sep) or Path(output).is_dir():
        write_all({Path(output) / _file_name(text): text for text in texts})
    else:
        write_all({Path(output): "".join(texts)})


def _render_each(
    each: Path, output: Path, files: Sequence[str], inputs: dict[str, Any], release: Release
) -> None:
    sources = sorted(path for path in each.iterdir() if path.suffix in (".yaml", ".yml"))
    if not sources:
        raise DeployError(f"{each}: no .yaml file in this folder")
    texts: dict[Path, str] = {}
    failed = 0
    with click.progressbar(sources, label="rendering", file=sys.stderr) as bar:
        for source in bar:
            try:
                values = load_values([*files, str(source)], **inputs)
                texts[output / f"{source.stem}.yaml"] = "".join(checked(values, release))
            except DeployError as error:
                failed += 1
                say(f"{source}: {error}" if str(source) not in str(error) else str(error))
    if failed:
        raise DeployError(f"nothing written: {failed} of {len(sources)} values files have errors")
    if len(texts) < len(sources):
        raise DeployError(f"{each}: two files differ only in .yaml and .yml: rename one")
    write_all(texts)
    say(f"{len(texts)} manifests written to {output}")


def _file_name(document: str) -> str:
    """``<kind>-<name>.yaml`` of one rendered object."""
    from ..values import yaml as yamlio

    (item,) = yamlio.parse(document)
    return f"{item['kind'].lower()}-{item['metadata']['name']}.yaml"


@cli.command("check")
@deployment_options
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
@click.option(
    "--crds",
    type=click.Path(path_type=Path),
    help="Hold the manifest against the CRDs in this folder too "
    "(`kubectl get crd -o yaml > DIR/crds.yaml`).",
)
@click.option(
    "--ignore", multiple=True, metavar="CODE", type=RuleCode(), help="A warning to leave out."
)
def check_command(
    namespace: str,
    output: str,
    crds: Path | None,
    ignore: tuple[str, ...],
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Say what is known to go wrong with a deployment.

    Exits with 1 where there is an error, with 0 where there are only warnings. `dsv4deploy rules
    show CODE` explains a finding.
    """
    release = Release(namespace=namespace)
    values = load_values(files, **inputs)
    findings = check(values, release, ignore=ignore)
    if crds:
        from ..manifest.crds import validate
        from ..manifest.render import render as objects

        findings += validate(objects(values, release), crds)
    _print_findings(findings, output)
    if errors(findings):
        sys.exit(1)


def _print_findings(findings: list[Finding], output: str) -> None:
    if output == "json":
        from dataclasses import asdict

        print_json([asdict(finding) for finding in findings])
    elif findings:
        print_table(
            ("SEVERITY", "CODE", "PATH", "MESSAGE", "FIX"),
            [(f.severity, f.code, f.path, f.message, f.fix) for f in findings],
            widths=(8, 20, 28, 44, 36),
        )
    else:
        say("no findings")


@cli.group(invoke_without_command=True)
@click.pass_context
def rules(context: click.Context) -> None:
    """List the rules that `check` knows, or explain one."""
    if context.invoked_subcommand is None:
        context.invoke(rules_list)


@rules.command("list")
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def rules_list(output: str = "table") -> None:
    """List the rules."""
    if output == "json":
        keys = ("code", "severity", "path", "condition", "message", "fix", "source", "engine")
        print_json([{key: getattr(each, key) for key in keys} for each in RULES])
    else:
        print_table(
            ("CODE", "SEVERITY", "PATH", "MESSAGE"),
            [(each.code, each.severity, each.path, each.message) for each in RULES],
            widths=(36, 8, 36, 60),
        )


@rules.command("show")
@click.argument("code", type=RuleCode())
def rules_show(code: str) -> None:
    """Explain one rule: what it asks for, why, since when, and how that is known."""
    from ..checks.rules import explain_rule

    click.echo(explain_rule(code))


@rules.command("write")
@click.argument("file", type=click.Path(path_type=Path), default=Path("docs/rules.md"))
def rules_write(file: Path) -> None:
    """Write the rules' reference, docs/rules.md by default."""
    from ..checks.rules import reference

    write_all({file: reference()})
    say(f"wrote {file}")


@cli.command("plan")
@deployment_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
)
@click.option("--svg", type=click.Path(path_type=Path), help="Draw one card to this file, too.")
@click.option(
    "--memory",
    type=click.FloatRange(min=1, max=1024),
    metavar="GIB",
    help="What torch sees of one card, where you have measured it.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="LOG",
    help="The engine's log of a start on these cards, in the place of the assumptions.",
)
def plan_command(
    namespace: str,
    output: str,
    svg: Path | None,
    memory: float | None,
    calibrate: Path | None,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Say whether a deployment fits on its cards, and what is left.

    fits: even with every uncertain figure at its worst. tight: with the likely ones. Exits with 1
    where it does not fit.

    \b
    dsv4deploy plan --set engine.args.max-num-batched-tokens=4096
    dsv4deploy plan --set npu.card=910B4-1 --svg card.svg
    kubectl logs POD -c main > log && dsv4deploy plan --calibrate log
    """
    from ..sizing import picture
    from ..sizing.plan import Verdict, plan
    from ..sizing.startup_log import read_log

    values = load_values(files, **inputs)
    log = calibrate.read_text(encoding="utf-8", errors="replace") if calibrate else ""
    made = plan(values, memory=memory, calibration=read_log(log) if calibrate else None)
    if svg:
        write_all({svg: picture.svg(made)})
        say(f"wrote {svg}")
    if output == "json":
        print_json(picture.as_data(made))
    else:
        _print_plan(made)
    if made.verdict == Verdict.DOES_NOT_FIT:
        sys.exit(1)


def _print_plan(made: MemoryPlan) -> None:
    from ..sizing.picture import bar

    estimates = {
        "card": made.memory,
        "weights": made.weights,
        "activation": made.activation,
        "buffers at the start": made.buffers,
        "graphs, later buffers": made.after_profiling,
    }
    print_table(
        ("GIB A CARD", "LOW", "LIKELY", "HIGH", "KNOWN", "SOURCE"),
        [
            (name, *(f"{gib:.2f}" for gib in (e.low, e.likely, e.high)), e.provenance, e.source)
            for name, e in estimates.items()
        ],
        widths=(22, 7, 7, 7, 9, 64),
    )
    cache = made.cache
    click.echo()
    print_table(
        ("WITH FIGURES", "KV CACHE", "SPARE", "SLACK", "BLOCKS", "REQUESTS", "HOLDS"),
        [
            (
                name,
                *(f"{gib:.2f}" for gib in (each.available, each.margin, each.slack)),
                each.blocks,
                each.requests,
                "yes" if each.holds else "no",
            )
            for name, each in (("worst", made.worst), ("likely", made.likely), ("best", made.best))
        ],
        widths=(12, 9, 9, 9, 9, 9, 6),
    )
    limits = made.limits
    if made.calibration:
        click.echo("\nRead from the log:")
        for line in made.calibration.lines:
            click.echo(f"  {line}")
    click.echo(
        f"\n{bar(made)}\n\n"
        f"One request of {cache.max_model_len} tokens takes {cache.admission_blocks} blocks "
        f"({cache.admission_gib:.2f} GiB): {cache.context_blocks} by max-model-len, "
        f"{cache.step_blocks} by max-num-batched-tokens; {cache.decoding_blocks} while it is "
        f"answered.\n"
        f"The cache holds {made.kv_tokens} tokens by vLLM's count, or {made.likely.requests} such "
        f"requests at once; {made.bound_by} bounds it.\n"
        f"The most that still fits, each by itself: max-num-batched-tokens "
        f"{_most(limits.max_num_batched_tokens, limits.batched_requests)}, max-num-seqs "
        f"{limits.max_num_seqs or 'none'}, max-model-len "
        f"{_most(limits.max_model_len, limits.length_requests)}.\n"
        f"Engine: {made.build or 'unknown'}."
    )
    for note in made.notes:
        click.echo(f"Note: {note}.")
    click.echo(f"{made.card} at {made.utilization:g}: {made.verdict}")


def _most(value: int, requests: int) -> str:
    """A limit, and the longest requests that fit at once with it."""
    return f"{value} (with {requests} such requests at once)" if value else "none"


@cli.command()
@deployment_options
@click.option(
    "--registry-map",
    multiple=True,
    metavar="FROM=TO",
    help="A registry, or the beginning of a reference, and what stands for it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["list", "values", "skopeo"]),
    default="list",
    show_default=True,
    help="values: a values file with the mapped images; skopeo: the commands that copy them.",
)
def images(
    namespace: str,
    registry_map: tuple[str, ...],
    output: str,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """List every image of a deployment, the ModelCar included, one a line.

    For a site with no way out, map each registry to the site's own:

    \b
    dsv4deploy images --registry-map quay.io=reg.site/quay \\
      --registry-map docker.io=reg.site/hub \\
      --registry-map build-harbor.alauda.cn=reg.site/alauda -o values > site.yaml
    dsv4deploy render site.yaml
    """
    from ..manifest.images import as_values, mapped, references
    from ..values import yaml as yamlio

    values = load_values(files, **inputs)
    found = references(values)
    moved = found
    if output == "skopeo" and not registry_map:
        raise click.UsageError("-o skopeo copies to where --registry-map FROM=TO says: give it")
    if registry_map:
        pairs = [pair.partition("=") for pair in registry_map]
        if not all(begin and become for begin, _, become in pairs):
            raise click.UsageError("--registry-map takes FROM=TO, such as quay.io=reg.site/quay")
        moved = mapped(values, {begin.rstrip("/"): to.rstrip("/") for begin, _, to in pairs})
    if output == "values":
        click.echo(yamlio.write([as_values(moved)]).removeprefix("---\n"), nl=False)
    elif output == "skopeo":
        for path, reference in found.items():
            click.echo(f"skopeo copy --all docker://{reference} docker://{moved[path]}")
    else:
        click.echo("\n".join(moved.values()))


@cli.group(invoke_without_command=True)
@click.pass_context
def profiles(context: click.Context) -> None:
    """List the shipped profiles, or show one."""
    if context.invoked_subcommand is None:
        context.invoke(profiles_list)


@profiles.command("list")
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
def profiles_list(output: str = "table") -> None:
    """List the shipped profiles."""
    from ..values.profiles import summary

    rows = [summary(name) for name in profile_names()]
    if output == "json":
        print_json(rows)
    else:
        header = ("name", "provenance", "card", "memory", "npus", "summary")
        print_table(
            [key.upper() for key in header],
            [[row[key] for key in header] for row in rows],
            widths=(28, 12, 6, 6, 6, 60),
        )


@profiles.command("show")
@click.argument("name", type=ProfileName())
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="yaml prints the file itself, as `helm -f` takes it.",
)
def profiles_show(name: str, output: str) -> None:
    """Show one profile: each value, and where it comes from."""
    from ..values.json import to_json
    from ..values.profiles import entries, sources

    path = profile_path(name)
    if output == "yaml":
        click.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    rows = entries(name)
    if output == "json":
        print_json({"sources": sources(name), "values": rows})
        return
    print_table(
        ("VALUE", "SETTING", "SOURCE"),
        [(row["path"], to_json(row["value"]), row["source"]) for row in rows],
        widths=(70, 60, 40),
    )
    for tag, text in sources(name).items():
        click.echo(f"\n[{tag}] {text}")


@cli.command()
@click.argument("path", default="", type=ValuePath())
def explain(path: str) -> None:
    """Say what a value means: type, default, unit, and the flag or field it becomes.

    PATH is dotted, such as engine.args.max-num-seqs. Without one, all paths are listed.
    """
    from ..values.schema import explain as text_of

    click.echo(text_of(path))


@cli.command("overlay")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@deployment_options
@click.option(
    "--cluster", required=True, metavar="NAME", help="The overlay's name; a / in it makes folders."
)
@click.option(
    "--base",
    "base_files",
    multiple=True,
    type=click.Path(),
    metavar="VALUES.yaml",
    help="The base's values; the profile alone by default.",
)
@click.option("--base-namespace", default="demo", show_default=True, help="The base's namespace.")
def overlay_command(
    directory: Path,
    namespace: str,
    cluster: str,
    base_files: tuple[str, ...],
    base_namespace: str,
    files: tuple[str, ...],
    **inputs: Any,
) -> None:
    """Write a kustomize base and a cluster's overlay to DIRECTORY.

    DIRECTORY/base holds the manifest of the base's values, DIRECTORY/overlays/NAME what turns it
    into the manifest of this cluster's values, which are laid over the base's. Both work with
    plain `kubectl kustomize`. Flags of the engine stand in one script and can't be patched: a
    cluster with other flags needs a base of its own.

    \b
    dsv4deploy overlay deploy site-a.yaml --cluster site-a -n prod
    kubectl kustomize deploy/overlays/site-a | kubectl apply -f -
    """
    from ..manifest.kustomize import files as overlay_files

    base = load(*base_files, profile=profile_of(inputs["profile"], inputs["hardware"]))
    values = load_values([*base_files, *files], **inputs)
    release, base_release = Release(namespace=namespace), Release(namespace=base_namespace)
    checked(values, release)
    written = overlay_files(base, base_release, values, release, cluster)
    manifest = directory / "base" / "manifest.yaml"
    if manifest.exists() and manifest.read_text("utf-8") != written["base/manifest.yaml"]:
        raise DeployError(
            f"{manifest}: differs from what --base, --profile and --base-namespace give here; name "
            "those that it was written with, or another folder"
        )
    write_all({directory / path: text for path, text in written.items()})
    for path in sorted(written):
        say(f"wrote {directory / path}")


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a shell's completion script.

    \b
    bash: source <(dsv4deploy completion bash)
    zsh:  source <(dsv4deploy completion zsh)
    fish: dsv4deploy completion fish | source
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:  # click ships all three; a Choice lets no other through
        raise DeployError(f"click has no completion for {shell}")
    click.echo(kind(cli, {}, "dsv4deploy", "_DSV4DEPLOY_COMPLETE").source())
