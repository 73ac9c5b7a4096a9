"""The Helm chart, written from this package's own templates, values and rules."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import textwrap
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from .. import __version__
from ..checks.rule import Rule
from ..checks.rules import RULES
from ..completion import garbage
from ..errors import DeployError
from ..findings import Severity
from ..manifest.render import KINDS, TEMPLATES
from ..values import yaml as yamlio
from ..values.json import to_json
from ..values.loading import defaults
from ..values.profiles import profile_names, profile_path
from ..values.schema import Documented, documentation, hint, json_schema
from .gotemplate import CHART, go_string, translate, translate_expression, translate_part

WIDTH = 98
OWN = resources.files(__package__) / "templates"
"""What only the chart has: its notes, its test, its README."""


def files() -> dict[str, str]:
    """The chart's files by their path in it.

    Raises:
        TranslationError: a template leaves the shared subset.
    """
    chart = {
        "Chart.yaml": _fill(
            "Chart.yaml", version=__version__, engine=json.dumps(defaults()["engine"]["version"])
        ),
        ".helmignore": _static(".helmignore"),
        "README.md": _readme(),
        "values.yaml": _values_yaml(),
        "values.schema.json": _schema(),
        "templates/_helpers.tpl": _helpers(),
        "templates/checks.yaml": _checks(),
        "templates/NOTES.txt": translate("NOTES.txt", OWN) + _warnings(),
        "templates/tests/completion.yaml": translate("completion.yaml", OWN),
    }
    for kind in KINDS:
        chart[f"templates/{kind}.yaml"] = translate(f"{kind}.yaml")
    for name in profile_names():
        chart[f"profiles/{name}.yaml"] = profile_path(name).read_text("utf-8")
    return dict(sorted(chart.items()))


def write(directory: Path) -> list[str]:
    """Writes the chart and removes what is no longer part of it.

    Returns:
        the paths that changed, relative to the directory.

    Raises:
        DeployError: the directory holds something that is not this chart.
    """
    changed = drift(directory)
    wanted = files()
    for path in changed:
        target = directory / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], "utf-8")
        else:
            target.unlink()
    return changed


def drift(directory: Path) -> list[str]:
    """The paths in which a chart on disk differs from what :func:`write` would write.

    Raises:
        DeployError: the directory holds something that is not this chart.
    """
    wanted = files()
    present = {
        path.relative_to(directory).as_posix(): path.read_text("utf-8", errors="replace")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    if present and f"name: {CHART}\n" not in present.get("Chart.yaml", ""):
        raise DeployError(f"{directory}: not empty, and not the chart {CHART}: name another folder")
    return sorted(path for path in wanted | present if wanted.get(path) != present.get(path))


def package(directory: Path) -> Path:
    """Writes ``<chart>-<version>.tgz`` into a directory, the same bytes each time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, text in files().items():
            entry = tarfile.TarInfo(f"{CHART}/{path}")
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{CHART}-{__version__}.tgz"
    target.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return target


# --- values -------------------------------------------------------------------------------------


def _values_yaml() -> str:
    lines = [
        "# The values of DeepSeek-V4-Flash on Ascend NPUs. Every key is here; the defaults are the",
        "# deployment that its publisher validated on one node of 8 × Ascend 910B4.",
        "",
        *_section((), defaults(), documentation()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _section(
    path: tuple[str, ...], tree: dict[str, Any], documents: dict[str, Documented]
) -> Iterator[str]:
    """The lines of one section: each value under its sentences."""
    indent = "  " * len(path)
    documented = [key for key in tree if ".".join((*path, key)) in documents]
    free = {key: value for key, value in tree.items() if key not in documented}
    for key in documented:
        entry = documents[".".join((*path, key))]
        yield from _comment(entry, indent)
        if entry.section:
            yield f"{indent}{key}:"
            yield from _section((*path, key), tree[key], documents)
        else:
            yield from textwrap.indent(_yaml({key: tree[key]}), indent).splitlines()
        if not path:
            yield ""
    if free:
        yield f"{indent}# Any other flag of vLLM, in vLLM's spelling."
        yield from textwrap.indent(_yaml(free), indent).splitlines()


def _comment(entry: Documented, indent: str) -> Iterator[str]:
    text = f"{entry.meaning} Unit: {entry.unit}." if entry.unit else entry.meaning
    for line in textwrap.wrap(text, WIDTH - len(indent), break_long_words=False):
        yield f"{indent}# {line}"


def _yaml(tree: dict[str, Any]) -> str:
    return yamlio.write([tree]).removeprefix("---\n").rstrip("\n")


def _schema() -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(), **hint()}
    return json.dumps(schema, indent=2, ensure_ascii=True) + "\n"


# --- templates ----------------------------------------------------------------------------------


def _static(name: str) -> str:
    return (OWN / name).read_text("utf-8")


def _fill(name: str, **words: str) -> str:
    text = _static(name)
    for word, value in words.items():
        text = text.replace(f"{{{{ {word} }}}}", value)
    return text


def _helpers() -> str:
    parts = sorted(entry.name for entry in TEMPLATES.iterdir() if entry.name.startswith("_"))
    return "\n".join([*map(translate, parts), _smoke()])


def _smoke() -> str:
    """What ``helm test`` runs: the script, with the detector's own text where it is imported."""
    name, start = "_smoke.py", "from dsv4deploy.completion.garbage import "
    script = (TEMPLATES / "chart" / name).read_text("utf-8")
    (line,) = (line for line in script.splitlines() if line.startswith(start))
    detector = Path(garbage.__file__).read_text("utf-8")
    return translate_part(script.replace(line, detector.strip()), f"chart/{name}")


def _of(severity: Severity) -> list[Rule]:
    """The rules that a template can check."""
    return [rule for rule in RULES if rule.severity == severity and not rule.finds]


def _broken(rule: Rule) -> str:
    """A rule's opposite, as the argument of ``if``."""
    broken = translate_expression(rule.condition, rule.code, negated=True)
    if not rule.engine:
        return broken
    return f'and (semverCompare "{rule.engine}" .Values.engine.version) ({broken})'


def _checks() -> str:
    """Every rule's condition, and ``fail`` with the sentences of those that do not hold."""
    lines = ["{{- $problems := list }}"]
    for rule in (row for each in _of(Severity.ERROR) for row in each.rows):
        lines += [
            f"{{{{- if {_broken(rule)} }}}}",
            f"{{{{- $problems = append $problems {go_string(rule.sentence)} }}}}",
            "{{- end }}",
        ]
    lines += [
        "{{- if $problems }}",
        '{{- fail (printf "\\n%s" (join "\\n" $problems)) }}',
        "{{- end }}",
    ]
    return "\n".join(lines) + "\n"


def _warnings() -> str:
    lines = []
    for rule in _of(Severity.WARNING):
        lines += [
            f"{{{{- if {_broken(rule)} }}}}",
            "",
            f"WARNING: {rule.sentence}",
            "{{- end }}",
        ]
    return "\n".join(lines) + "\n"


# --- README -------------------------------------------------------------------------------------


def _readme() -> str:
    rows = [
        f"| `{entry.path}` | {_cell(entry.default)} | {entry.meaning} |"
        for entry in documentation().values()
        if not entry.section
    ]
    return _fill(
        "README.md",
        checked="\n".join(f"- {rule.sentence}" for rule in _of(Severity.ERROR)),
        python_only="\n".join(f"- {rule.sentence}" for rule in RULES if rule.finds),
        values="\n".join(rows),
    )


def _cell(value: Any) -> str:
    text = to_json(value).replace("|", "\\|")
    return f"`{text}`" if len(text) < 60 else "see values.yaml"
