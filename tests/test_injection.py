"""Hostile text in every free value: in objects, notes, messages and reports."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench_results import Made, make, write
from markdown_it import MarkdownIt

from dsv4deploy import Release, load
from dsv4deploy.bench import job
from dsv4deploy.bench.dataset import Dataset
from dsv4deploy.bench.report import report
from dsv4deploy.bench.run import Benchmark, Subject
from dsv4deploy.cli import cli
from dsv4deploy.errors import command
from dsv4deploy.helm.chart import OWN
from dsv4deploy.manifest.render import context, environment, render
from dsv4deploy.values.schema import json_schema

CHART = Path(__file__).resolve().parent.parent / "charts" / "deepseek-v4-flash"
Tree = dict[str, Any]

TOUCH = "touch PWNED"
SHELL = (
    *(f"'; {TOUCH}; echo '", f'"; {TOUCH}; echo "', f"$({TOUCH})", f"`{TOUCH}`"),
    *(f"\\'; {TOUCH} #", f"; {TOUCH}", f"& {TOUCH} &", f"| {TOUCH}", f"x || {TOUCH}", "> PWNED"),
    *(f"'$({TOUCH})'", f"'\"$({TOUCH})\"'", f"\"'; {TOUCH} #", "<(>PWNED)", "x >PWNED", "!!"),
    *(
        "*",
        "~",
        "a\\",
        "--",
        "-rf",
        "'",
        '"',
        "''",
        "'\\''",
        "%s%n",
        "$'\\x27'",
        "${HOME}",
        "$HOME",
    ),
)
DATA = (
    *("a: b", "- a", "# a", "&a", "*a", "!!python/object:os.system x", "|", ">-", "%YAML 1.1"),
    *('"\\n  privileged: true', "', privileged: true", "]", "}", "}}", "}]}", '","x":"', "---"),
    *("{%", "%}", "{#", "%REQ(authorization)%", '"} or vector(1) #', "true || 1", "$(POD_IP)"),
    *("$$", "\\u0022"),
)
MARKUP = (
    *("<img src=x onerror=\"document.title='PWNED'\">", "<script>document.title='PWNED'</script>"),
    *("</td></tr></table><h1>x</h1>", "<!--", "-->", "]]>", "&lt;b&gt;", '" onload="x'),
    *("' onload='x", "# x", "## x", "[x](javascript:x)", "![x](http://x)", "**x**", "__x__"),
    *("*x*", "`x`", "~~x~~", "a|b", "\\|", "> x", "- x", "1. x", "***", "[x]: http://x"),
    *("<http://x>", "\\", "_x_", "\\<b>"),
)
PAYLOADS = (*SHELL, *DATA, *MARKUP)


# --- objects ------------------------------------------------------------------------------------


def leaves(schema: Tree, *path: str) -> Iterator[tuple[tuple[str, ...], Tree]]:
    """The path and the schema of every text of the values, lists' items included."""
    schema = resolved(schema)
    if schema.get("type") == "string" and "pattern" in schema:
        yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from leaves(inner, *path, key)
    if "items" in schema:
        yield from leaves(schema["items"], *path, "[]")


def resolved(schema: Tree) -> Tree:
    name = schema.get("$ref", "").rpartition("/")[2]
    return json_schema()["$defs"][name] if name else schema


LEAVES = [(path, schema) for path, schema in leaves(json_schema()) if path[0] != "global"]
ON = ("maas", "networkPolicy", "kvStore")


BENIGN = "word"
KEYS = re.compile("^[^<{][^{]*$")
"""The keys that a map inside of engine.args may have."""


def document(text: str, payload: str) -> Tree:
    """Values with a text wherever the payload and the benign word both fit."""
    tree: Tree = {section: {"enabled": True} for section in ON}
    for path, schema in LEAVES:
        if not all(re.search(schema["pattern"], each) for each in (payload, BENIGN)):
            continue
        *sections, key = [word for word in path if word != "[]"]
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = [text] if path[-1] == "[]" else text
    free = {"revision": text, "allowed-media-domains": [text, text]}
    free["new-config"] = {"a": [text], **({text: "a"} if re.search(KEYS, payload) else {})}
    own = {
        "podAnnotations": {"a.b/c": text},
        "affinity": {"x": [text]},
        "extraContainers": {"own": {"image": "a/b:c", "command": [text]}},
        "topologySpreadConstraints": {"zone": {"x": {"y": text}}},
    }
    tree["engine"] = {**tree.get("engine", {}), "args": free, "env": {"FREE": text}, **own}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "fields": {"data": {"x": text}}}
    tree |= {"annotations": {"a.b/c": text}, "extraObjects": {"own": item}}
    return tree


def shape(tree: Any) -> Any:
    """The keys of data, and the types of its values."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    return [shape(value) for value in tree] if isinstance(tree, list) else type(tree).__name__


def texts(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in texts(value)]
    if isinstance(tree, list):
        return [text for value in tree for text in texts(value)]
    return [tree] if isinstance(tree, str) else []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_changes_the_texts_of_objects_and_nothing_else(payload: str, tmp_path: Path) -> None:
    hostile, plain = (render(load(document(text, payload))) for text in (payload, BENIGN))
    assert shape(hostile) == shape(plain)
    script = ""
    for one, other in zip(texts(hostile), texts(plain), strict=True):
        if "exec " in other:
            script = one
        elif BENIGN in other and one != other:
            written = (payload, json.dumps(payload, ensure_ascii=False)[1:-1])
            # Where the kubelet expands `$(NAME)` and `$$`, each `$` is doubled.
            written += tuple(text.replace("$", "$$") for text in written)
            assert one in [other.replace(BENIGN, text) for text in written]
        else:
            assert one == other
    words = shell_words(script.replace("$$", "$"), tmp_path)
    assert words[words.index("--revision") + 1] == payload
    start = words.index("--allowed-media-domains") + 1
    assert words[start : start + 2] == [payload, payload]
    told = json.loads(words[words.index("--new-config") + 1])
    assert told == {"a": [payload], **({payload: "a"} if KEYS.search(payload) else {})}


def shell_words(script: str, folder: Path) -> list[str]:
    """What a real shell hands to the program that the script executes."""
    stubs = "set() { :; }; source() { :; }; timeout() { :; }; exec() { printf '%s\\0' \"$@\"; }\n"
    done = subprocess.run(
        ["bash", "-c", stubs + script], cwd=folder, capture_output=True, text=True, check=True
    )
    assert not list(folder.iterdir()), "the shell ran what it was given as text"
    return done.stdout.split("\0")


# --- what a person may paste --------------------------------------------------------------------


def pasted(text: str, folder: Path) -> list[list[str]]:
    """The words of each command in a text, as a real shell hands them to the program."""
    programs = ("kubectl", "curl", "helm", "skopeo", "dsv4deploy")
    report = "printf '%s\\0' {} \"$@\" >&3; printf '\\1' >&3; echo address"
    stubs = "".join(f"{name}() {{ {report.format(name)}; }}\n" for name in programs)
    done = subprocess.run(
        ["bash", "-euc", f"exec 3>&1 >/dev/null\nAPI_KEY=key\n{stubs}{text}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not list(folder.iterdir()), "the shell ran what it was given as text"
    found = [call.split("\0")[:-1] for call in done.stdout.split("\1")]
    return [words for words in found if words]


def commands(notes: str) -> str:
    """The indented lines of the chart's notes, which are there to be pasted."""
    return "\n".join(line for line in notes.splitlines() if line.startswith("  "))


VARIANTS: list[Tree] = [
    {},
    {"maas": {"enabled": True}},
    {"maas": {"enabled": True, "gateway": {"hostname": "*.a.b", "tls": {"enabled": True}}}},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=["kserve", "maas", "tls"])
def test_the_notes_can_be_pasted_whatever_a_model_is_called(variant: Tree, tmp_path: Path) -> None:
    notes = environment().from_string((OWN / "NOTES.txt").read_text("utf-8"))
    for payload in PAYLOADS:
        values = load({**variant, "model": {"name": payload}})
        calls = pasted(commands(notes.render(context(values, Release("prod")))), tmp_path)
        bodies = [json.loads(words[-1]) for words in calls if words[0] == "curl"]
        assert [body["model"] for body in bodies] == [payload] * (2 if variant else 1)


def test_the_notes_of_a_real_helm_can_be_pasted(tool: Callable[[str], str], tmp_path: Path) -> None:
    file, empty = tmp_path / "values.json", tmp_path / "empty"
    empty.mkdir()
    for payload in (SHELL[0], SHELL[1], SHELL[2], " ".join(SHELL)):
        file.write_text(json.dumps({"model": {"name": payload}}))
        install = ("install", "dsv4", CHART, "--dry-run=client", "-f", file)
        told = subprocess.run(
            [tool("helm4"), *map(str, install), "-n", payload[:40]],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        calls = pasted(commands(told.partition("NOTES:")[2].partition("WARNING")[0]), empty)
        bodies = [json.loads(words[-1]) for words in calls if words[0] == "curl"]
        assert [body["model"] for body in bodies] == [payload]
        hook = yaml.safe_load(told.partition("HOOKS:")[2].partition("MANIFEST:")[0])
        (container,) = hook["spec"]["template"]["spec"]["containers"]
        (model,) = (each["value"] for each in container["env"] if each["name"] == "MODEL")
        # What the kubelet makes of it.
        assert model.replace("$$", "$") == payload
        assert "$" not in model.replace("$$", "")
        assert ["helm", "test", "dsv4", "-n", payload[:40]] in calls


def test_commands_in_messages_can_be_pasted(tmp_path: Path) -> None:
    for payload in PAYLOADS:
        (call,) = pasted(command("dsv4deploy", "bench", "report", payload).strip("`"), tmp_path)
        assert call == ["dsv4deploy", "bench", "report", payload]


def test_commands_of_images_can_be_pasted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for payload in SHELL:
        to = payload.rstrip("/")
        words = [f"{each}={to}" for each in ("quay.io", "docker.io", "build-harbor.alauda.cn")]
        options = [part for word in words for part in ("--registry-map", word)]
        cli(["images", "-o", "skopeo", *options], standalone_mode=False)
        calls = pasted(capsys.readouterr().out, tmp_path)
        assert len(calls) == 4
        assert all(words[-1].startswith(f"docker://{to}/") for words in calls)


def test_text_changes_nothing_else_of_the_benchmark_s_job(tmp_path: Path) -> None:
    made_of = {"seed": 1, "words": [], "requests": 4, "size": 1.0, "warmup": 4}
    data = Dataset(tmp_path, made_of, {"scenario1.jsonl": ""}, {}, "")

    def told(text: str) -> list[Tree]:
        values = load({"model": {"name": text}})
        subject = Subject(values, text, {"maas": text}, text)
        benchmark = Benchmark(subject, data, tmp_path / "out", [1], [4], 1)
        return job.manifest(benchmark, job.Job(text, text, text), Release("demo"))

    plain = told(BENIGN)
    for payload in PAYLOADS:
        hostile = told(payload)
        assert shape(hostile) == shape(plain)
        (container,) = hostile[1]["spec"]["template"]["spec"]["containers"]
        assert container["image"] == payload
        plan = json.loads(hostile[0]["data"]["plan.json"])
        assert (plan["model"], plan["groups"][0]["url"]) == (payload, payload)


# --- reports ------------------------------------------------------------------------------------


def doctored(payload: str) -> Callable[[Made], None]:
    """A result that has a text wherever a file of it may hold one."""

    def doctor(made: Made) -> None:
        texts = ("profile", "model", "image", "url", "valuesHash", "started")
        made.settings.update(dict.fromkeys(texts, payload), badAnswers=[payload])
        made.settings["versions"] = {**dict.fromkeys(made.settings["versions"], payload), "x": "y"}
        for record in made.runs[0][1][:3]:
            record["error"] = {"code": 500, "type": payload, "message": payload}

    return doctor


class Tags(HTMLParser):
    """The tags of a page, and their attributes' names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the tag."""
        self.found.append((tag, tuple(name for name, _ in attrs)))


def test_reports_show_text_as_it_is(tmp_path: Path) -> None:
    def told(payload: str) -> tuple[list[Any], list[Any], str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir()))) / payload.replace("/", "|")
        made = report([write(make(conversations=4, runs=1, doctor=doctored(payload)), folder)])
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(made.markdown())
        inner = [child for token in tokens for child in token.children or []]
        kinds = [(token.type, token.tag) for token in [*tokens, *inner]]
        shown = "".join(child.content for child in inner)
        return Tags(made.html()).found, [kind for kind in kinds if kind[0] != "text"], shown

    page, text, _ = told(BENIGN)
    for payload in PAYLOADS:
        tags, kinds, shown = told(payload)
        assert tags == page, payload
        # An entity or an escaped character is a token of its own.
        assert [each for each in kinds if each[0] != "text_special"] == text, payload
        assert payload.strip() in shown
