"""The Helm chart, written from this package's own templates, values and rules."""

from __future__ import annotations

import gzip
import inspect
import io
import json
import tarfile
from importlib import resources
from pathlib import Path
from typing import Any

from .. import __version__
from ..checks.rule import Rule
from ..completion import garbage, stream
from ..errors import DeployError
from ..findings import Severity
from ..manifest.render import FILES, TEMPLATES
from ..values.commented import commented
from ..values.json import to_json
from ..values.loading import default_vllm, defaults
from ..values.profiles import profile_names, profile_path
from ..values.schema import documentation, hint, json_schema
from ..writing import write_files
from . import smoke
from .checks import build_templates, chart_rules, checks, python_only, warnings
from .gotemplate import CHART, named_conditions, translate
from .null import WITHOUT_NULL, null_removal

OWN = resources.files(__package__) / "templates"
"""What only the chart has: its notes, its test, its README."""
LIST = ".chart-files"
"""The list of the files that :func:`write` wrote."""


def files() -> dict[str, str]:
    """The chart's files by their path in it.

    Raises:
        TranslationError: a template leaves the shared subset.
    """
    chart = {
        "Chart.yaml": _fill("Chart.yaml", version=__version__, engine=json.dumps(default_vllm())),
        ".helmignore": _static(".helmignore"),
        "README.md": _readme(),
        "values.yaml": _values_yaml(),
        "values.schema.json": _schema(),
        "files/smoke.py": _smoke(),
        "templates/_conditions.tpl": "\n".join(
            [_static("_conditions.tpl"), null_removal(), build_templates(), named_conditions()]
        ),
        "templates/checks.yaml": WITHOUT_NULL + checks(),
        "templates/NOTES.txt": WITHOUT_NULL + translate("NOTES.txt", OWN) + warnings(),
        "templates/tests/completion.yaml": WITHOUT_NULL + translate("completion.yaml", OWN),
    }
    for entry in TEMPLATES.iterdir():
        part = entry.name.startswith("_")
        name = entry.name.replace(".yaml", ".tpl") if part else entry.name
        chart[f"templates/{name}"] = ("" if part else WITHOUT_NULL) + translate(entry.name)
    for entry in FILES.iterdir():
        chart[f"files/{entry.name}"] = entry.read_text("utf-8")
    for name in profile_names():
        chart[f"profiles/{name}.yaml"] = profile_path(name).read_text("utf-8")
    return dict(sorted(chart.items()))


def write(directory: Path) -> list[str]:
    """Writes the chart, and removes the files that an earlier version wrote and this one does not.

    :data:`LIST` names the files that were written, so that every other file in the directory stays.
    Every file is written before the first one is replaced: a full disk leaves the old chart.

    Returns:
        the paths that changed, relative to the directory.

    Raises:
        DeployError: the directory has other files and no such chart, or can't be written.
    """
    changed = drift(directory)
    wanted = _on_disk()
    write_files({directory / path: wanted[path] for path in changed if path in wanted})
    for path in changed:
        if path not in wanted:
            (directory / path).unlink()
    return changed


def drift(directory: Path) -> list[str]:
    """The paths in which a chart on disk differs from what :func:`write` would write.

    Raises:
        DeployError: the directory has other files and no such chart.
    """
    wanted = _on_disk()
    present = {path: _text(directory / path) for path in wanted.keys() | _written(directory)}
    chart = present["Chart.yaml"] or ""
    if f"name: {CHART}\n" not in chart and directory.is_dir() and any(directory.iterdir()):
        raise DeployError(
            f"{directory}: is not empty, and not the chart {CHART}; pass another folder"
        )
    return sorted(path for path, text in present.items() if text != wanted.get(path))


def _on_disk() -> dict[str, str]:
    """The chart's files in a directory: a package has no need of their list."""
    chart = files()
    return {**chart, LIST: "".join(f"{path}\n" for path in [LIST, *chart])}


def _written(directory: Path) -> set[str]:
    """The files of an earlier chart that are still there."""
    listed = (_text(directory / LIST) or "").splitlines()
    inside = (path for path in listed if not {"..", "/"} & {*Path(path).parts})
    return {path for path in inside if (directory / path).is_file()}


def _text(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace") if path.is_file() else None


def package(directory: Path) -> Path:
    """Writes ``<chart>-<version>.tgz`` into a directory, the same bytes each time.

    Raises:
        DeployError: it can't be written; an older package is left as it is.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, text in files().items():
            entry = tarfile.TarInfo(f"{CHART}/{path}")
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    target = directory / f"{CHART}-{__version__}.tgz"
    write_files({target: gzip.compress(buffer.getvalue(), mtime=0)})
    return target


# --- values -------------------------------------------------------------------------------------


def _values_yaml() -> str:
    lines = [
        "# The values of DeepSeek-V4-Flash on Ascend NPUs, with every key. The defaults are the",
        "# deployment that its publisher validated on one node of 8 × Ascend 910B4.",
        "",
        *commented(defaults(), mark="-- "),
    ]
    return "\n".join(lines).rstrip() + "\n"


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


def _smoke() -> str:
    """The script of ``helm test``: :mod:`.smoke`, with the text of each module that it imports."""
    script = inspect.getsource(smoke)
    for module in (garbage, stream):
        start = f"from ..completion.{module.__name__.rpartition('.')[2]} import "
        (line,) = (line for line in script.splitlines() if line.startswith(start))
        script = script.replace(line, inspect.getsource(module).strip())
    return script


# --- README -------------------------------------------------------------------------------------


def _readme() -> str:
    rows = [
        f"| `{entry.path}` | {_cell(entry.default)} | {entry.meaning} |"
        for entry in documentation().values()
        if not entry.section
    ]
    return _fill(
        "README.md",
        checked=_list(chart_rules(Severity.ERROR)),
        python_only=_list(python_only()),
        values="\n".join(rows),
    )


def _list(rules: list[Rule]) -> str:
    return "\n".join(f"- {rule.sentence}" for rule in rules)


def _cell(value: Any) -> str:
    text = to_json(value).replace("|", "\\|")
    return f"`{text}`" if len(text) < 60 else "see values.yaml"
