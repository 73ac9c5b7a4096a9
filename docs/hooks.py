"""What the site has beside the files in ``docs``: pages made from the code, and the examples.

mkdocs runs it (``hooks`` in mkdocs.yml). Nothing of this is committed, so nothing can go stale.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from dsv4deploy.cli import cli
from dsv4deploy.cluster import doctor
from dsv4deploy.values.json import to_json
from dsv4deploy.values.schema import Documented, documentation

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
# What stands beside ``docs`` and is linked to.
FILES = [*sorted(path for path in EXAMPLES.rglob("*") if path.is_file()), ROOT / "Containerfile"]


def on_config(config: MkDocsConfig) -> None:
    """Makes code of the examples in the commands' help, whose lines click keeps as they are."""
    _fence(cli)


def _fence(command: click.Command) -> None:
    text = inspect.cleandoc(command.help or "")
    command.help = re.sub(r"\x08\n((?:.+\n?)+)", r"```sh\n\1\n```\n", text)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                _fence(below)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from the code, and the examples' files."""
    pages = {"values.md": values_page, "doctor.md": doctor_page, "examples.md": examples_page}
    for name, page in pages.items():
        files.append(File.generated(config, name, content=page()))
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Leads links to what stands beside ``docs`` to its copy on the site."""

    def here(link: re.Match[str]) -> str:
        path = link[1]
        folder = path.startswith("examples/") and (ROOT / path).is_dir()
        return f"](examples.md#{path.removeprefix('examples/')})" if folder else f"]({path})"

    return re.sub(r"\]\(\.\./([^)]+)\)", here, markdown)


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Takes out what means nothing to a reader.

    Docstrings name things in Sphinx' roles, such as ``:func:``; and mkdocs-click prints click's own
    mark for an option without a default.
    """
    html = re.sub(r":(?:func|meth|class|data|mod):(?=<code>)", "", html)
    return html.replace("<code>Sentinel.UNSET</code>", "")


# --- pages -------------------------------------------------------------------------------------


def values_page() -> str:
    """Every value: type, default, unit, meaning, what it becomes, and where it comes from."""
    lines = [
        "# Values",
        "",
        "Every value of a values file, as `dsv4deploy explain PATH` tells it. The same tree is the",
        "chart's `values.yaml`, and its schema `values.schema.json`. Where no source is named, the",
        "default is the published deployment's.",
    ]
    for entry in documentation().values():
        mark = "##" if entry.section and "." not in entry.path else "###"
        lines += ["", f"{mark} {entry.path} {{ #{entry.path} }}", "", _prose(entry.meaning), ""]
        lines += [f"- {label}: {text}" for label, text in _rows(entry)]
    return "\n".join(lines) + "\n"


def _rows(entry: Documented) -> Iterator[tuple[str, str]]:
    if entry.section:
        return
    yield "type", _prose(entry.type)
    yield "default", f"`{to_json(entry.default)}`"
    for label in ("unit", "becomes", "source"):
        text = getattr(entry, label)
        if text:
            yield label, _prose(text)


def _prose(text: str) -> str:
    """Text in which <, > and {{ stand for themselves."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def doctor_page() -> str:
    """Every check of the doctor: what is so where all is well, and what it says where not."""
    lines = [
        "# Doctor's checks",
        "",
        "What `dsv4deploy doctor` examines, in its order. It only reads: no node is entered, and",
        "the manifest is only tried (a dry run). A check says `ok`, `unknown` where it can't be",
        "told from here (a right that this user lacks, a label that is not there), `warning`, or",
        "`error`, which makes the exit code 1.",
    ]
    for code, check in doctor.CHECKS.items():
        lines += ["", f"## {code}", "", f"Well: {_prose(check.meaning)}.", ""]
        answers = list(_answers(check.ask))
        if answers:
            lines += ["| says | fix |", "|---|---|"]
            lines += [f"| {status}: {message} | {fix} |" for status, message, fix in answers]
    return "\n".join(lines) + "\n"


def _answers(function: Any) -> Iterator[tuple[str, str, str]]:
    """The answers that a check's source can give, `…` for what is only known when it runs."""
    (tree,) = ast.parse(inspect.getsource(function)).body
    for node in ast.walk(tree):
        match node:
            case ast.Yield(value=ast.Tuple(elts=[status, message, fix])):
                yield _words(status), _words(message), _words(fix)
            case ast.YieldFrom(value=ast.Call(args=[*_, fix])):
                yield "error", "it is not there, or not as it must be", _words(fix)


def _words(node: ast.expr) -> str:
    """The text of an expression, as far as it is known."""
    match node:
        case ast.Constant(value=str(text)):
            return _prose(text)
        case ast.JoinedStr(values=parts):
            return "".join(map(_words, parts))
        case ast.Attribute(value=ast.Name(id="Severity"), attr=name):
            return name.lower()
        case ast.IfExp(body=one, orelse=other):
            return f"{_words(one)} or {_words(other)}"
    return "…"


def examples_page() -> str:
    """Every example: its values, and the files that come of them."""
    lines = [
        "# Examples",
        "",
        "Each folder has a values file and what `dsv4deploy` makes of it; the tests hold one",
        "against the other.",
    ]
    for folder in sorted(path for path in EXAMPLES.rglob("*") if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.is_file())
        name = folder.relative_to(EXAMPLES).as_posix()
        lines += ["", f"{'#' * (2 + name.count('/'))} {name} {{ #{name} }}", ""]
        if folder / "values.yaml" in files:
            text = (folder / "values.yaml").read_text("utf-8")
            lines += ["```yaml", *text.splitlines(), "```", ""]
        lines += [f"- [{path.name}]({path.relative_to(ROOT).as_posix()})" for path in files]
    return "\n".join(lines) + "\n"
