"""The documentation's site: built strictly, whole, alone, and true."""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from tutorial import blocks, follow, text_of, without_cluster

from dsv4deploy.checks.rules import RULES
from dsv4deploy.cli import cli
from dsv4deploy.cluster import doctor, refusals
from dsv4deploy.errors import Reason
from dsv4deploy.values.schema import documentation
from dsv4deploy.why.entries import entries

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LOADING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


class Page(HTMLParser):
    """A built page: its anchors, where its links lead, what it loads, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.anchors |= {named[key] or "" for key in ("id", "name") if key in named}
        address = [named[key] or "" for key in ("src", "href", "data", "srcset") if key in named]
        (self.loads if tag in LOADING else self.links).extend(address)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_committed_pages_are_what_the_generator_writes() -> None:
    pages = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]
    committed = {name: page() for name, (page, source) in pages.items() if not source}
    for name, text in committed.items():
        assert (DOCS / name).read_text("utf-8") == text, "run `python docs/generate.py`"
    assert {path.name for path in DOCS.glob("*.md")} & pages.keys() == committed.keys()


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name
)
def test_every_link_leads_to_a_file_on_github_too(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Each page by its path in the site."""
    return {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
    }


def test_every_page_is_in_the_navigation(pages: dict[str, Page]) -> None:
    linked = {urlsplit(link).path for link in pages["index.html"].links}
    assert pages.keys() - linked <= {"404.html"}


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, Page], site: Path) -> None:
    loaded = [link for page in pages.values() for link in page.loads]
    assert len(loaded) > len(pages)
    assert not [link for link in loaded if urlsplit(link).netloc]
    for path in site.rglob("*.css"):
        assert not re.search(r"""(url\(|@import)\s*["']?(https?:)?//""", path.read_text("utf-8"))


def test_every_link_leads_somewhere(pages: dict[str, Page], site: Path) -> None:
    broken = []
    for name, page in pages.items():
        if name == "404.html":  # the server may show it under any path
            continue
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            where = target.resolve().relative_to(site.resolve()).as_posix()
            anchors = pages[where].anchors if where in pages else {""}
            if not target.is_file() or unquote(parts.fragment) not in anchors | {""}:
                broken.append(f"{name}: {link}")
    assert not broken


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, each by its full name."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below
            yield from commands(below, f"{name} {word}")


def test_every_verb_and_option_stands_in_the_reference(pages: dict[str, Page]) -> None:
    text = " ".join(pages["cli.html"].text.split())
    assert "Sentinel" not in text
    for name, command in commands(cli, "dsv4deploy"):
        usage = text.index(f"Usage: {name} [")
        after = text.find("Usage:", usage + 1)
        section = text[usage : after if after > 0 else None]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                for option in (*parameter.opts, *parameter.secondary_opts):
                    assert option in section, f"{name} {option}"
            else:
                assert parameter.make_metavar(click.Context(command)) in section


@pytest.mark.parametrize(
    ("page", "anchors"),
    [
        ("values.html", list(documentation())),
        ("rules.html", [rule.code for rule in RULES]),
        ("doctor.html", list(doctor.CHECKS)),
        ("troubleshooting.html", [entry.code for entry in entries()]),
    ],
)
def test_every_value_rule_and_check_has_its_place(
    pages: dict[str, Page], page: str, anchors: list[str]
) -> None:
    assert set(anchors) <= pages[page].anchors


def test_a_rule_s_message_is_whole_in_the_table_and_in_its_section(pages: dict[str, Page]) -> None:
    text = " ".join(pages["rules.html"].text.split())
    for rule in RULES:
        if "{" in rule.message:
            assert text.count(rule.message) == 2, rule.code


def test_what_python_offers_is_described(pages: dict[str, Page]) -> None:
    import dsv4deploy

    page = pages["python.html"]
    assert {f"dsv4deploy.{name}" for name in dsv4deploy.__all__} <= page.anchors
    assert not re.search(r":(func|meth|class|data|mod):", page.text)


def test_the_readme_s_overlay_takes_the_readme_s_values(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (values,) = re.findall(r"```yaml\n(.+?)```", readme, re.DOTALL)
    (line,) = re.findall(r"dsv4deploy (overlay deploy .+?) &&", readme)
    (tmp_path / "my-values.yaml").write_text(values, "utf-8")
    subprocess.run([sys.executable, "-m", "dsv4deploy", *line.split()], cwd=tmp_path, check=True)
    assert (tmp_path / "deploy" / "overlays" / "site-a" / "kustomization.yaml").is_file()


# --- the tutorial ------------------------------------------------------------------------------


def test_the_tutorial_says_what_happens(tmp_path: Path) -> None:
    assert follow(without_cluster(), tmp_path) > 10


def test_the_tutorial_installs_as_the_readme_does() -> None:
    (install,) = [text for kind, text in without_cluster() if kind == "sh"]
    assert install in (ROOT / "README.md").read_text("utf-8")


def test_the_example_of_a_plan_says_what_happens(tmp_path: Path) -> None:
    example = text_of("capacity.md").partition("\n## Traffic\n")[0]
    assert follow(blocks(example), tmp_path) == 3


def test_verbs_and_options_of_the_pages_are_there() -> None:
    known = dict(commands(cli, "dsv4deploy"))
    for page in sorted(DOCS.glob("*.md")):
        for kind, text in blocks(text_of(page.name)):
            lines = text.splitlines() if kind in ("console", "sh") else []
            for line in lines:
                for typed_ in re.findall(r"\bdsv4deploy( [^|;&#`]+)", line.removeprefix("$ ")):
                    name, words = "dsv4deploy", typed_.split()
                    while words and f"{name} {words[0]}" in known:
                        name = f"{name} {words.pop(0)}"
                    assert name != "dsv4deploy" or not words, f"{page.name}: {line}"
                    options = {
                        option for parameter in known[name].params for option in parameter.opts
                    }
                    given = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert given <= {*options, "-", "-h", "--help"}, f"{page.name}: {line}"


def test_every_reason_of_a_cluster_error_is_explained() -> None:
    table = text_of("errors.md").partition("| reason |")[2]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    assert sorted(word.strip("`") for row in rows for word in row.split(", ")) == sorted(Reason)
    for path in sorted((ROOT / "dsv4deploy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="ClusterError"), args=[_, ast.Constant(value=str(reason))]
                ):
                    assert reason in tuple(Reason), f"{path.name}: {reason}"
    assert {reason for reason, _ in refusals._ADVICE.values()} <= {*Reason}
