"""The command line: one function a verb, data on stdout, talk on stderr.

Exit codes: 0 clean, 1 findings or a failure, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .errors import DeployError
from .loading import load, profile_names, profile_path
from .render import Release, documents
from .rules import RULES, Finding, check, errors
from .values import Values

if TYPE_CHECKING:
    from .memory import MemoryPlan

FORMAT = click.Choice(["table", "json"])


class _Profile(click.ParamType[str]):
    """The name of a shipped profile."""

    name = "profile"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in profile_names() if name.startswith(incomplete)]


class _Path(click.ParamType[str]):
    """The dotted path of a value."""

    name = "path"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from .schema import documentation

        return [CompletionItem(path) for path in documentation() if path.startswith(incomplete)]


class _Code(click.ParamType[str]):
    """A rule's code."""

    name = "code"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(each.code) for each in RULES if each.code.startswith(incomplete)]


def _inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says which deployment: values files, a profile, settings, a namespace."""
    decorators = [
        click.argument("files", nargs=-1, metavar="[VALUES.yaml]...", type=click.Path()),
        click.option(
            "--profile",
            default="",
            type=_Profile(),
            help="A profile, laid under the files.",
        ),
        click.option(
            "--hardware",
            default="",
            metavar="CARD:COUNT",
            help="The profile for these cards, such as 910B4:8.",
        ),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="A.B=C",
            help="One value, as helm --set reads it.",
        ),
        click.option(
            "--set-string", multiple=True, metavar="A.B=C", help="One value that is always text."
        ),
        click.option(
            "--set-json", multiple=True, metavar="A.B=JSON", help="One value, or several, as JSON."
        ),
        click.option("--name", default="", help="The service's name, as --set-string name=…"),
        click.option(
            "-n", "--namespace", default="demo", show_default=True, help="The service's namespace."
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def _load(
    files: Sequence[str],
    profile: str,
    hardware: str,
    sets: Sequence[str],
    set_string: Sequence[str],
    set_json: Sequence[str],
    name: str,
) -> Values:
    named = [f"name={name}"] if name else []
    return load(
        *files,
        profile=_profile_of(profile, hardware),
        set=sets,
        set_string=[*set_string, *named],
        set_json=set_json,
    )


def _profile_of(profile: str, hardware: str) -> str:
    """The profile that was named, or that fits the hardware that was."""
    if not hardware:
        return profile
    if profile:
        raise click.UsageError("--profile and --hardware both choose a profile: give one")
    from .profiles import fitting

    return fitting(hardware)


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
    """


@cli.command()
@_inputs
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
    release = Release(namespace=namespace)
    if each:
        if not output:
            raise click.UsageError("--each needs a folder to write to: -o DIR")
        _render_each(each, Path(output), files, inputs, release)
        return
    values = _load(files, **inputs)
    texts = _checked(values, release)
    if output is None:
        sys.stdout.write("".join(texts))
    elif output.endswith(os.sep) or Path(output).is_dir():
        _write_all({Path(output) / _file_name(text): text for text in texts})
    else:
        _write_all({Path(output): "".join(texts)})


def _checked(values: Values, release: Release) -> list[str]:
    findings = check(values, release)
    stopping = errors(findings)
    for finding in stopping:
        _say(f"{finding.severity}: {finding}")
    if stopping:
        raise DeployError(f"nothing rendered: {len(stopping)} error(s) in these values")
    return documents(values, release)


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
                values = _load([*files, str(source)], **inputs)
                texts[output / f"{source.stem}.yaml"] = "".join(_checked(values, release))
            except DeployError as error:
                failed += 1
                _say(f"{source}: {error}" if str(source) not in str(error) else str(error))
    if failed:
        raise DeployError(f"nothing written: {failed} of {len(sources)} values files have errors")
    if len(texts) < len(sources):
        raise DeployError(f"{each}: two files differ only in .yaml and .yml: rename one")
    _write_all(texts)
    _say(f"{len(texts)} manifests written to {output}")


def _file_name(document: str) -> str:
    """``<kind>-<name>.yaml`` of one rendered object."""
    from . import yamlio

    (item,) = yamlio.parse(document)
    return f"{item['kind'].lower()}-{item['metadata']['name']}.yaml"


def _write_all(texts: dict[Path, str]) -> None:
    """Writes each file whole or not at all; a failure leaves what stood there before."""
    pending: list[tuple[str, Path]] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            pending.append((name, path))
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
        while pending:
            name, path = pending[0]
            Path(name).replace(path)
            pending.pop(0)
    except OSError as error:
        raise DeployError(
            f"{error.filename2 or error.filename}: can't write: {error.strerror}"
        ) from None
    finally:
        for name, _ in pending:
            with suppress(OSError):
                Path(name).unlink()


@cli.command("check")
@_inputs
@click.option("-o", "--output", type=FORMAT, default="table", show_default=True)
@click.option(
    "--crds",
    type=click.Path(path_type=Path),
    help="Hold the manifest against the CRDs in this folder too "
    "(`kubectl get crd -o yaml > DIR/crds.yaml`).",
)
@click.option(
    "--ignore", multiple=True, metavar="CODE", type=_Code(), help="A warning to leave out."
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
    values = _load(files, **inputs)
    findings = check(values, release, ignore=ignore)
    if crds:
        from .crds import validate
        from .render import render as objects

        findings += validate(objects(values, release), crds)
    _print_findings(findings, output)
    if errors(findings):
        sys.exit(1)


def _print_findings(findings: list[Finding], output: str) -> None:
    if output == "json":
        from dataclasses import asdict

        _print_json([asdict(finding) for finding in findings])
    elif findings:
        _print_table(
            ("SEVERITY", "CODE", "PATH", "MESSAGE", "FIX"),
            [(f.severity, f.code, f.path, f.message, f.fix) for f in findings],
            widths=(8, 20, 28, 44, 36),
        )
    else:
        _say("no findings")


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
        _print_json([{key: getattr(each, key) for key in keys} for each in RULES])
    else:
        _print_table(
            ("CODE", "SEVERITY", "PATH", "MESSAGE"),
            [(each.code, each.severity, each.path, each.message) for each in RULES],
            widths=(36, 8, 36, 60),
        )


@rules.command("show")
@click.argument("code", type=_Code())
def rules_show(code: str) -> None:
    """Explain one rule: what it asks for, why, since when, and how that is known."""
    from .rules import explain_rule

    click.echo(explain_rule(code))


@rules.command("write")
@click.argument("file", type=click.Path(path_type=Path), default=Path("docs/rules.md"))
def rules_write(file: Path) -> None:
    """Write the rules' reference, docs/rules.md by default."""
    from .rules import reference

    _write_all({file: reference()})
    _say(f"wrote {file}")


@cli.command("plan")
@_inputs
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
    from . import memory as planner

    values = _load(files, **inputs)
    log = calibrate.read_text(encoding="utf-8", errors="replace") if calibrate else ""
    made = planner.plan(
        values,
        memory=memory,
        calibration=planner.read_log(log) if calibrate else None,
    )
    if svg:
        _write_all({svg: planner.svg(made)})
        _say(f"wrote {svg}")
    if output == "json":
        _print_json(planner.as_data(made))
    else:
        _print_plan(made)
    if made.verdict == planner.Verdict.DOES_NOT_FIT:
        sys.exit(1)


def _print_plan(made: MemoryPlan) -> None:
    from . import memory as planner

    estimates = {
        "card": made.memory,
        "weights": made.weights,
        "activation": made.activation,
        "buffers at the start": made.buffers,
        "graphs, later buffers": made.late,
    }
    _print_table(
        ("GIB A CARD", "LOW", "LIKELY", "HIGH", "KNOWN", "SOURCE"),
        [
            (name, *(f"{gib:.2f}" for gib in (e.low, e.likely, e.high)), e.provenance, e.source)
            for name, e in estimates.items()
        ],
        widths=(22, 7, 7, 7, 9, 64),
    )
    cache = made.cache
    click.echo()
    _print_table(
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
    click.echo(
        f"\n{planner.bar(made)}\n\n"
        f"One request of {cache.max_model_len} tokens takes {cache.admission_blocks} blocks "
        f"({cache.admission_gib:.2f} GiB): {cache.context_blocks} by max-model-len, "
        f"{cache.step_blocks} by max-num-batched-tokens; {cache.decoding_blocks} while it is "
        f"answered.\n"
        f"The cache holds {made.kv_tokens} tokens by vLLM's count, or {made.likely.requests} such "
        f"requests at once; {made.bound_by} bounds it.\n"
        f"The most that still fits, each by itself: max-num-batched-tokens "
        f"{limits.max_num_batched_tokens}, max-num-seqs {limits.max_num_seqs}, max-model-len "
        f"{limits.max_model_len}.\n"
        f"{made.card} at {made.utilization:g}: {made.verdict}"
    )


@cli.command()
@_inputs
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
    dsv4deploy images --registry-map quay.io=reg.site/quay -o values > site.yaml
    dsv4deploy render site.yaml
    """
    from . import yamlio
    from .images import as_values, mapped, references

    values = _load(files, **inputs)
    found = references(values)
    moved = found
    if registry_map:
        pairs = [pair.partition("=") for pair in registry_map]
        if not all(begin and become for begin, _, become in pairs):
            raise click.UsageError("--registry-map takes FROM=TO, such as quay.io=reg.site/quay")
        moved = mapped(values, {begin.rstrip("/"): to.rstrip("/") for begin, _, to in pairs})
    if output == "values":
        sys.stdout.write(yamlio.write([as_values(moved)]).removeprefix("---\n"))
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
    from .profiles import summary

    rows = [summary(name) for name in profile_names()]
    if output == "json":
        _print_json(rows)
    else:
        header = ("name", "provenance", "card", "memory", "npus", "summary")
        _print_table(
            [key.upper() for key in header],
            [[row[key] for key in header] for row in rows],
            widths=(28, 12, 6, 6, 6, 60),
        )


@profiles.command("show")
@click.argument("name", type=_Profile())
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
    from .profiles import entries, sources
    from .render import to_json

    path = profile_path(name)
    if output == "yaml":
        sys.stdout.write(path.read_text(encoding="utf-8"))
        return
    rows = entries(name)
    if output == "json":
        _print_json({"sources": sources(name), "values": rows})
        return
    _print_table(
        ("VALUE", "SETTING", "SOURCE"),
        [(row["path"], to_json(row["value"]), row["source"]) for row in rows],
        widths=(70, 60, 40),
    )
    for tag, text in sources(name).items():
        click.echo(f"\n[{tag}] {text}")


@cli.command()
@click.argument("path", default="", type=_Path())
def explain(path: str) -> None:
    """Say what a value means: type, default, unit, and the flag or field it becomes.

    PATH is dotted, such as engine.args.max-num-seqs. Without one, all paths are listed.
    """
    from .schema import explain as text_of

    click.echo(text_of(path))


@cli.command("overlay")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@_inputs
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
    from .overlay import files as overlay_files

    base = load(*base_files, profile=_profile_of(inputs["profile"], inputs["hardware"]))
    values = _load([*base_files, *files], **inputs)
    release, base_release = Release(namespace=namespace), Release(namespace=base_namespace)
    _checked(values, release)
    written = overlay_files(base, base_release, values, release, cluster)
    manifest = directory / "base" / "manifest.yaml"
    if manifest.exists() and manifest.read_text("utf-8") != written["base/manifest.yaml"]:
        raise DeployError(
            f"{manifest}: differs from what --base, --profile and --base-namespace give here; name "
            "those that it was written with, or another folder"
        )
    _write_all({directory / path: text for path, text in written.items()})
    for path in sorted(written):
        _say(f"wrote {directory / path}")


@cli.group()
def chart() -> None:
    """Write, check or package the Helm chart."""


_CHART = Path("charts/deepseek-v4-flash")


@chart.command("write")
@click.argument("directory", type=click.Path(path_type=Path), default=_CHART)
def chart_write(directory: Path) -> None:
    """Write the chart to a folder, charts/deepseek-v4-flash by default."""
    from .chart import write

    for path in write(directory):
        _say(f"wrote {directory / path}")


@chart.command("check")
@click.argument("directory", type=click.Path(path_type=Path), default=_CHART)
def chart_check(directory: Path) -> None:
    """Fail where a chart in a folder differs from what `chart write` writes."""
    from .chart import drift

    changed = drift(directory)
    for path in changed:
        _say(f"{directory / path}: differs")
    if changed:
        raise DeployError(f"run `dsv4deploy chart write {directory}`")


@chart.command("package")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to write to; the current one by default.",
)
def chart_package(output: Path) -> None:
    """Build the chart's .tgz, for `helm install` and `helm push`."""
    from .chart import package

    click.echo(package(output))


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


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _print_table(
    header: Iterable[str], rows: Iterable[Iterable[Any]], widths: Iterable[int]
) -> None:
    from tabulate import tabulate

    table = tabulate(
        [list(map(str, row)) for row in rows],
        headers=list(header),
        tablefmt="plain",
        maxcolwidths=list(widths),
        disable_numparse=True,
    )
    click.echo(table)


def _say(message: str) -> None:
    click.echo(message, err=True)


def main() -> None:
    """The entry point: the one place where errors become a sentence and an exit code."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DeployError as error:
        _say(str(error))
        sys.exit(1)
    except click.Abort:
        _say("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone: not a failure, and nothing left to say.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        sys.exit(0)
