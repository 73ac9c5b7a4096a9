"""Every page of the documentation that is made from the code.

mkdocs runs this file (``hooks`` in mkdocs.yml) and makes the pages for the site. The pages on the
rules, the checks of doctor and the known errors and the tables in ``docs/engine-builds.md`` are
committed as well, and ``python docs/generate.py`` writes them, for users who read them on GitHub.
The other pages are not committed: on GitHub a link to one leads to the file that the page is made
from.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from dsv4deploy.checks.rule import Rule
from dsv4deploy.checks.rules import RULES, check, checked_by, versions
from dsv4deploy.cli import cli
from dsv4deploy.cluster import doctor
from dsv4deploy.facts.builds import builds
from dsv4deploy.values.json import to_json
from dsv4deploy.values.loading import load
from dsv4deploy.values.profiles import kept, profile_names
from dsv4deploy.values.schema import Documented, documentation
from dsv4deploy.why.entries import Entry, entries

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
# What is beside ``docs`` and is linked to.
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
    """Adds the pages that are not committed, and the examples' files."""
    for name, (page, source) in PAGES.items():
        if source:
            files.append(File.generated(config, name, content=page()))
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Leads links to what is beside ``docs`` to the page that is made from it, or to its copy."""
    made = {source: name for name, (_, source) in PAGES.items() if source}

    def here(link: re.Match[str]) -> str:
        path, anchor = link[1], link[2] or ""
        if path in made:
            return f"]({made[path]}{anchor})"
        folder = path.startswith("examples/") and (ROOT / path).is_dir()
        return f"](examples.md#{path.removeprefix('examples/')})" if folder else f"]({path})"

    return re.sub(r"\]\(\.\./([^)#]+)(#[^)]+)?\)", here, markdown)


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Removes marks that mean nothing to a reader.

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
        "This page lists every value of a values file, as `dsv4deploy explain PATH` prints it. The",
        "chart has the same values in `values.yaml`, and their schema in `values.schema.json`. If",
        "a value does not name a source, its default is from the published deployment.",
    ]
    for entry in documentation().values():
        mark = "##" if "." not in entry.path else "###"
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
    """Every check of the doctor: its condition, and its messages with their fixes."""
    lines = [
        "# Checks of doctor",
        "",
        "This page lists the checks of `dsv4deploy doctor` in their order. `doctor` does not",
        "change the cluster: it does not log in to nodes, and sends the manifest only as a dry",
        "run. A check is `ok` only if the cluster responds and the check finds no problem. A check",
        "is `skipped` if this deployment does not need the check, or if no node remains to check.",
        "A check is `unknown` if a missing permission, kind or label prevents a result. If there",
        "is an `error`, the exit code is 1; a `warning` does not change the exit code. The last",
        "line of the output counts the results.",
    ]
    for code, asked in doctor.CHECKS.items():
        lines += ["", f"## {code}", "", f"Passes if {_prose(asked.meaning)}.", ""]
        answers = list(_answers(asked.ask))
        if answers:
            lines += ["| message | fix |", "|---|---|"]
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
                yield "error", "it is missing or invalid", _words(fix)


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
        "Most folders have a values file and the manifest that `dsv4deploy` renders from this",
        "file. The tests verify that both match.",
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


def rules_page() -> str:
    """Every rule, and why a shipped profile keeps what a rule warns of."""
    lines = [
        "# Rules",
        "",
        "`python docs/generate.py` writes this page. An error stops `render` and `helm install`,",
        "but a warning does not. `check --ignore CODE` hides a warning. In a finding, the actual",
        "values replace the words in {braces}. In a condition, `jsonAt(MAP, KEY, …)` is the JSON",
        "of the value at a path in a map. The result is empty if there is no value.",
        "",
        "| code | severity | applies to | checked by | problem |",
        "|---|---|---|---|---|",
        *(
            f"| [{each.code}](#{each.code}) | {each.severity} | {versions(each)} | "
            f"{checked_by(each)} | {_cell(each.message)} |"
            for each in RULES
        ),
        "",
        "## Warnings of the shipped profiles",
        "",
        "No profile causes an error. The file of a profile gives the reason for each warning.",
        "",
        "| profile | warning | why the profile keeps it |",
        "|---|---|---|",
        *(
            f"| {name} | {finding.code} | {kept(name).get(finding.code, finding.message)} |"
            for name in profile_names()
            for finding in check(load(profile=name))
        ),
    ]
    for each in RULES:
        lines += _rule(each)
    return "\n".join(lines) + "\n"


_REPOSITORIES = {
    "Envoy AI Gateway": "envoyproxy/ai-gateway",
    "Envoy Gateway": "envoyproxy/gateway",
    "KServe": "kserve/kserve",
    "vLLM": "vllm-project/vllm",
    "vllm-ascend": "vllm-project/vllm-ascend",
}
_NUMBERED = rf"({'|'.join(_REPOSITORIES)}) (issue|pull request)(s?) (\d+(?:(?:, | and )\d+)*)"


def _linked(text: str) -> str:
    """A source, with its issues and pull requests as links."""

    def links(found: re.Match[str]) -> str:
        kind = "issues" if found[2] == "issue" else "pull"
        address = f"https://github.com/{_REPOSITORIES[found[1]]}/{kind}"
        numbers = re.sub(r"\d+", lambda number: f"[{number[0]}]({address}/{number[0]})", found[4])
        return f"{found[1]} {found[2]}{found[3]} {numbers}"

    return re.sub(_NUMBERED, links, text)


def _cell(text: str) -> str:
    # MkDocs reads braces at the end of a cell as the cell's attributes.
    return text.replace("{", "\\{")


def _rule(rule: Rule) -> Iterator[str]:
    yield from ("", f"## {rule.code}", "")
    yield from (f"{rule.severity.capitalize()} at `{rule.path}`: {rule.message}.", "")
    yield f"- Fix: {rule.fix}."
    if rule.condition:
        yield f"- Condition: `{rule.condition}`."
    if (held := versions(rule)) != "all":
        yield f"- Applies to: {held}."
    yield f"- Source: {_linked(rule.source)}."
    if rule.table:
        yield from ("", "| name | owner |", "|---|---|")
        yield from (f"| `{name}` | `{owner}` |" for name, owner in rule.table.items())


def builds_page() -> str:
    """The page of the engine's builds, with the tables of what is known of each."""
    page = (ROOT / "docs" / "engine-builds.md").read_text("utf-8")
    for mark, lines in (("builds", _builds()), ("unknown", _unknown())):
        start, rest = page.split(f"<!-- {mark} -->\n")
        _, end = rest.split("<!-- end -->", 1)
        page = "\n".join([f"{start}<!-- {mark} -->", "", *lines, "", f"<!-- end -->{end}"])
    return page


def _builds() -> Iterator[str]:
    yield "| build | vLLM | vllm-ascend | flags | keys | variables | steps | pairs | rules |"
    yield "|---|---|---|--:|--:|--:|--:|--:|---|"
    some = [rule for rule in RULES if rule.engine or rule.builds]
    for each in builds():
        source = f"{each.ref}, {each.date}" if each.date else each.ref
        numbers = (
            len(each.vllm.flags),
            len(each.additional_config),
            len(each.vllm.variables) + len(each.variables),
            each.steps_in_flight,
            2 * len(each.pairs),
        )
        codes = (rule.code for rule in some if rule.concerns(each))
        cells = (f"`{each.name}`", each.vllm.version, source, *map(str, numbers), ", ".join(codes))
        yield f"| {' | '.join(cells)} |"


def _unknown() -> Iterator[str]:
    for each in builds():
        yield from (f"- `{each.name}`: {text}." for text in each.unknown)


def troubleshooting_page() -> str:
    """Every error that is known by its text, by area."""
    lines = [
        "# Troubleshooting",
        "",
        "`dsv4deploy why` finds these errors in a message or a whole log, from the engine, KServe,",
        "Kubernetes, the gateway, Helm or kustomize. The output starts with the errors that are",
        "nearest to the root cause. For unknown errors, it shows where each process started to",
        "fail. The exit code is 1 if `why` finds no error.",
        "",
        "```sh",
        'dsv4deploy why "no healthy upstream"',
        "kubectl logs POD -c main | dsv4deploy why -",
        "kubectl describe pod POD | dsv4deploy why -",
        "```",
        "",
        "![The terminal output of dsv4deploy why: cause, fix and source](images/terminal-why.svg)",
        "",
        "You can find most of these errors earlier, with the [rules](rules.md) of",
        "`dsv4deploy check` and the [checks](doctor.md) of `dsv4deploy doctor`.",
    ]
    area = ""
    for entry in entries():
        lines += ["", f"## {entry.area}"] if entry.area != area else []
        area = entry.area
        lines += _known(entry)
    return "\n".join(lines) + "\n"


def _known(entry: Entry) -> list[str]:
    before = [
        *(f"rule [{code}](rules.md#{code})" for code in entry.rules),
        *(f"check [{code}](doctor.md#{code})" for code in entry.checks),
    ]
    return [
        *("", f"### {entry.code}", "", "```text", entry.example, "```", "", entry.cause, ""),
        f"- Fix: {entry.fix}",
        *([f"- Earlier checks: {', '.join(before)}."] if before else []),
        f"- Source: {_linked(entry.source)}.",
    ]


PAGES: dict[str, tuple[Callable[[], str], str]] = {
    "engine-builds.md": (builds_page, ""),
    "doctor.md": (doctor_page, ""),
    "examples.md": (examples_page, "examples"),
    "rules.md": (rules_page, ""),
    "troubleshooting.md": (troubleshooting_page, ""),
    "values.md": (values_page, "charts/deepseek-v4-flash/values.yaml"),
}
"""Each page's function, and what GitHub shows in its place; ``""`` for a page that is committed."""

if __name__ == "__main__":
    for name, (page, source) in PAGES.items():
        if not source:
            (ROOT / "docs" / name).write_text(page(), "utf-8")
