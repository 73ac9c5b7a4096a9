"""The Helm chart: generated, complete, strict, and the same for every real Helm."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import meta, nodes
from test_rules import CASES

from dsv4deploy import Release, __version__, check, load, render
from dsv4deploy.checks.rules import RULES
from dsv4deploy.errors import DeployError
from dsv4deploy.facts.builds import builds, deployed
from dsv4deploy.findings import Severity
from dsv4deploy.helm.chart import LIST, OWN, drift, files, package, write
from dsv4deploy.manifest.render import FUNCTIONS, KINDS, TEMPLATES, environment, json_at
from dsv4deploy.values import yaml as yamlio
from dsv4deploy.values.loading import default_vllm, defaults
from dsv4deploy.values.profiles import profile_names, profile_path
from dsv4deploy.values.schema import documentation, json_schema

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "deepseek-v4-flash"
Tool = Callable[[str], str]
MAJORS = ("helm3", "helm4")


def run(*command: object, code: int = 0) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def objects(text: str) -> dict[str, Any]:
    """Rendered objects by name, without the hooks that only helm has."""
    items = [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    return {
        f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}": item
        for item in items
        if "helm.sh/hook" not in item["metadata"].get("annotations", {})
    }


def in_python(*sources: Any, namespace: str = "demo") -> dict[str, Any]:
    release = Release(namespace=namespace, service="Helm")
    return objects(yamlio.write(render(load(*sources), release)))


def test_the_committed_chart_is_what_the_package_writes() -> None:
    assert drift(CHART) == [], "run `dsv4deploy chart write`"


def test_writing_removes_what_an_earlier_version_wrote_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "chart"
    assert write(target) == sorted([LIST, *files()])
    assert write(target) == []
    subprocess.run(["git", "init", "-q", target], check=True)
    (target / "templates" / "mine.yaml").write_text("kind: Mine\n")
    (tmp_path / "outside").write_text("mine")
    (target / "templates" / "old.yaml").write_text("kind: Old\n")
    with (target / LIST).open("a") as file:
        file.write(f"templates/old.yaml\nalready/gone\n../outside\n{tmp_path}/outside\n")
    assert write(target) == [LIST, "templates/old.yaml"]
    assert write(target) == []
    assert (tmp_path / "outside").exists()
    assert (target / "templates" / "mine.yaml").exists()
    assert (target / ".git" / "HEAD").exists()


def snapshot(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_full_disk_leaves_the_old_chart_and_the_old_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "chart")
    package(tmp_path)
    for path in snapshot(tmp_path):
        path.write_bytes(path.read_bytes() + b"# old\n")
    before = snapshot(tmp_path)
    space, really = [40_000], Path.open

    def opened(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode != "xb":
            return really(path, mode, *args, **kwargs)
        file = io.FileIO(path, mode)
        space[0] -= 10_000
        if space[0] < 0:
            file.write(b"half of")
            file.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file

    monkeypatch.setattr(Path, "open", opened)
    for fails in (lambda: write(tmp_path / "chart"), lambda: package(tmp_path)):
        with pytest.raises(DeployError, match="cannot write: No space left on device"):
            fails()
        assert snapshot(tmp_path) == before


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DeployError, match="not empty, and not the chart"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_values_yaml_is_the_defaults_and_says_something_of_every_value() -> None:
    text = (CHART / "values.yaml").read_text("utf-8")
    assert yamlio.read(text, "values.yaml") == defaults()
    for path, entry in documentation().items():
        lines = text.splitlines()
        key = path.rpartition(".")[2]
        indent = "  " * path.count(".")
        places = [n for n, line in enumerate(lines) if line.startswith(f"{indent}{key}:")]
        assert any(lines[place - 1].startswith(f"{indent}# ") for place in places), path
        assert entry.meaning.endswith("."), path


def test_the_chart_carries_the_package_s_version_and_real_metadata() -> None:
    meta_data = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert meta_data["version"] == __version__
    assert meta_data["appVersion"] == default_vllm()
    assert meta_data.keys() >= {"kubeVersion", "icon", "keywords", "annotations", "description"}


def test_templates_have_short_lines_and_name_files_and_parts_that_exist() -> None:
    chart = files()
    templates = {path: text for path, text in chart.items() if path.startswith("templates/")}
    text = "".join(templates.values())
    assert [line for line in text.split("\n") if len(line) > 200] == []
    assert set(re.findall(r'Files\.Get "(.+?)"', text)) == {
        path for path in chart if path.startswith("files/")
    }
    defined = re.findall(r'define "(.+?)"', text)
    assert sorted(defined) == sorted({*re.findall(r'include "(.+?)"', text)})


def test_each_check_of_the_chart_has_its_code_as_a_comment() -> None:
    chart = files()
    for path, severity in (("templates/checks.yaml", "error"), ("templates/NOTES.txt", "warning")):
        codes = re.findall(r"/\* (\S+) \*/", chart[path])
        assert codes == [
            rule.code for rule in RULES if rule.severity == severity and not rule.finds
        ]


@pytest.mark.parametrize("major", MAJORS)
def test_json_at_is_the_same_in_python_and_in_the_chart(
    major: str, tool: Tool, tmp_path: Path
) -> None:
    trees: list[Any] = ["text", None, 7, 0.5, True, [1], {}, {"b": None}, {"b": {"c": "<&>"}}]
    trees += [{"b": value} for value in ("", "true", True, False, 7, 0.5, [1, "x"])]
    paths = [("a",), ("a", "b"), ("a", "b", "c"), ("x",), ("x", "b")]
    cases = [({"a": tree}, path) for tree in trees for path in paths]
    write(tmp_path)
    for path in tmp_path.glob("templates/*.yaml"):
        path.unlink()
    (tmp_path / "templates" / "tests" / "completion.yaml").unlink()
    lines = []
    for number, (tree, path) in enumerate(cases):
        keys, text = " ".join(map(json.dumps, path)), json.dumps(json.dumps(tree))
        call = f'include "deepseek-v4-flash.jsonAt" (list (fromJson {text}) {keys})'
        lines.append(f"{number}: {{{{ {call} | quote }}}}\n")
    (tmp_path / "templates" / "words.yaml").write_text("".join(lines))
    printed = yaml.safe_load(run(tool(major), "template", "x", tmp_path))
    assert printed == {n: json_at(tree, *path) for n, (tree, path) in enumerate(cases)}


@pytest.mark.parametrize("major", MAJORS)
def test_the_chart_finds_the_build_that_python_finds(
    major: str, tool: Tool, tmp_path: Path
) -> None:
    ends = ("", "-a3", "-openeuler", "-a3-openeuler", f"@sha256:{'0' * 64}")
    tags = [tag for each in builds() for tag in (each.name, *each.tags)]
    images = [f"harbor.local:5000/va:{tag}{end}" for tag in tags for end in ends]
    images += ["va", "va:nightly-main-openeuler-0709", "h:5000/va", "va:v9.9.9", "va:-a3-", "va:a3"]
    cases = [*(("", image) for image in images), *((name, "va:main") for name in (*tags, "v9"))]
    write(tmp_path)
    for path in tmp_path.glob("templates/*.yaml"):
        path.unlink()
    (tmp_path / "templates" / "tests" / "completion.yaml").unlink()
    lines = []
    for number, (name, image) in enumerate(cases):
        values = json.dumps({"Values": {"engine": {"build": name, "image": image}}})
        calls = (f'include "deepseek-v4-flash.{it}" $c{number}' for it in ("build", "vllm"))
        words = " ".join(f"({call})" for call in calls)
        lines.append(f"{{{{- $c{number} := fromJson {json.dumps(values)} }}}}\n")
        lines.append(f'{number}: {{{{ printf "%s %s" {words} | quote }}}}\n')
    (tmp_path / "templates" / "words.yaml").write_text("".join(lines))
    printed = yaml.safe_load(run(tool(major), "template", "x", tmp_path))
    found = [deployed(name, image) for name, image in cases]
    wanted = [f"{each.name} {each.vllm.version}" if each else " " for each in found]
    assert printed == dict(enumerate(wanted))
    assert {each.name for each in found if each} == {each.name for each in builds()}


@pytest.mark.parametrize("major", MAJORS)
def test_lint_is_clean_even_when_strict(major: str, tool: Tool) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in run(tool(major), "lint", "--strict", CHART)


def cases() -> list[Path]:
    return [
        *(profile_path(name) for name in profile_names()),
        *sorted(ROOT.glob("examples/*/values.yaml")),
    ]


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("file", cases(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_profile_and_example_gives_the_same_objects(
    file: Path, major: str, tool: Tool
) -> None:
    text = run(tool(major), "template", "dsv4", CHART, "-n", "prod", "-f", file)
    assert objects(text) == in_python(file, namespace="prod")


@pytest.mark.parametrize("major", MAJORS)
def test_the_packaged_chart_and_an_umbrella_with_an_alias_give_the_same(
    major: str, tool: Tool, tmp_path: Path
) -> None:
    archive = package(tmp_path)
    assert archive.read_bytes() == package(tmp_path / "again").read_bytes()
    assert objects(run(tool(major), "template", "x", archive, "-n", "demo")) == in_python()

    umbrella = tmp_path / "umbrella"
    (umbrella / "charts").mkdir(parents=True)
    archive.rename(umbrella / "charts" / archive.name)
    dependency = {"name": "deepseek-v4-flash", "version": __version__}
    chart = {
        "apiVersion": "v2",
        "name": "umbrella",
        "version": "1.0.0",
        "dependencies": [
            {**dependency, "alias": "chat", "condition": "chat.enabled"},
            {**dependency, "alias": "code"},
            {**dependency, "alias": "off", "condition": "off.enabled"},
        ],
    }
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(chart))
    values = {
        "global": {"site": "a", "deep": {"b": [1]}},
        "chat": {"name": "chat", "enabled": True},
        "off": {"name": "off", "enabled": False},
        "code": {"name": "code", "engine": {"args": {"max-num-seqs": 8}}},
    }
    (umbrella / "values.yaml").write_text(yaml.safe_dump(values))
    both = in_python(values["chat"]) | in_python(values["code"])
    assert objects(run(tool(major), "template", "x", umbrella, "-n", "demo")) == both


def typos(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """A misspelled key in every section of the tree, the root included."""
    properties = schema.get("properties", {})
    if properties and "patternProperties" not in schema:
        first = next(iter(properties))
        yield (*path, f"{first}x")
    for key, inner in properties.items():
        name = inner.get("$ref", "").rpartition("/")[2]
        yield from typos(json_schema()["$defs"][name] if name else {}, (*path, key))


@pytest.mark.parametrize("major", MAJORS)
def test_a_typo_at_every_depth_is_refused_with_its_path(
    major: str, tool: Tool, tmp_path: Path
) -> None:
    places = [*typos(json_schema()), ("engine", "args", "max_num_seqs")]
    depths = {len(place) for place in places}
    assert depths == set(range(1, max(depths) + 1))
    for place in places:
        tree: Any = 1
        for key in reversed(place):
            tree = {key: tree}
        file = tmp_path / "values.json"
        file.write_text(json.dumps(tree))
        told = run(tool(major), "template", "x", CHART, "-f", file, code=1)
        assert place[-1] in told
        separators = ("/", ".")
        assert any(sep.join(place[:-1]) in told for sep in separators), told


# Helm 3 asks a cluster before it prints the notes in which warnings stand.
@pytest.mark.parametrize(
    ("rule", "major"),
    [
        (rule, major)
        for rule in RULES
        if not rule.finds
        for major in MAJORS[rule.severity == Severity.WARNING :]
    ],
    ids=lambda it: getattr(it, "code", it),
)
def test_a_rule_says_the_same_sentence_in_the_chart(
    rule: Any, major: str, tool: Tool, tmp_path: Path
) -> None:
    bad = CASES[rule.code][0]
    found = [str(finding) for finding in check(load(bad)) if finding.code == rule.code]
    assert found
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(bad))
    if rule.severity == Severity.ERROR:
        told = run(tool(major), "template", "x", CHART, "-f", file, code=1)
    else:
        install = ("install", "x", CHART, "--dry-run=client", "-n", "demo", "-f", file)
        told = run(tool(major), *install)
    assert all(finding in told for finding in found)


def used_values() -> set[str]:
    """Every ``Values.…`` path that a template or a rule reads, loops and includes followed."""
    env = environment()
    sources = [
        *((TEMPLATES / f"{kind}.yaml").read_text("utf-8") for kind in KINDS),
        *(path.read_text("utf-8") for path in map(Path, map(str, TEMPLATES.glob("_*.yaml")))),
        (OWN / "completion.yaml").read_text("utf-8"),
        *(f"{{% if {rule.condition} %}}{{% endif %}}" for rule in RULES if not rule.finds),
    ]
    found = set()
    for source in sources:
        tree = env.parse(source)
        free = meta.find_undeclared_variables(tree) - {"Values", "Release", "Chart", *FUNCTIONS}
        given = {"probe", "process", "worker", "claim", "quota", "own", "fields", "key"}
        assert free <= given | {"priority", "affinity", "spread", "warmUp"}, free
        for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
            keys: list[str] = []
            place: Any = node
            while isinstance(place, nodes.Getattr | nodes.Getitem):
                keys.insert(0, place.attr if isinstance(place, nodes.Getattr) else place.arg.value)
                place = place.node
            if isinstance(place, nodes.Name) and place.name == "Values":
                found.add(".".join(keys))
    return found


# The card, the quantization and the build are for `check` and `plan`; enabled, global and tags for
# Helm; everything else must end in an object.
UNUSED = {"enabled", "engine.build", "global", "tags", "model.quantization", "npu.card"}


def test_every_value_is_used_and_every_used_value_exists() -> None:
    used = used_values()
    known = documentation()
    free = ("engine.args.", "engine.env.")  # any flag and any variable may be asked for
    assert {path for path in used if path not in known and not path.startswith(free)} == set()
    whole = {path for path in used if path in known}
    for path, entry in known.items():
        if not entry.section and path not in UNUSED:
            parents = {".".join(path.split(".")[:n]) for n in range(1, path.count(".") + 1)}
            handed_on = {parent for parent in parents & whole if parent.startswith("engine.")}
            assert path in used or handed_on, f"{path} is in no template"


def test_the_network_policy_lets_the_pod_of_helm_test_through(tool: Tool) -> None:
    flags = ("--set", "networkPolicy.enabled=true,maas.enabled=true,name=chat")
    text = run(tool("helm4"), "template", "x", CHART, "-n", "prod", *flags)
    items = {item["kind"]: item for item in yaml.load_all(text, yaml.CSafeLoader) if item}
    policy, job = items["NetworkPolicy"], items["Job"]
    assert policy["metadata"]["namespace"] == job["metadata"]["namespace"] == "prod"
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert any(
        peer.keys() == {"podSelector"}
        and peer["podSelector"]["matchLabels"].items() <= labels.items()
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
    )
    # It is no pod of the service's, which others count.
    assert not policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def test_notes_say_how_to_watch_and_how_to_ask(tool: Tool) -> None:
    # Helm 3 asks a cluster before it prints notes.
    command = (tool("helm4"), "install", "dsv4", CHART, "--dry-run=client", "-n", "demo")
    notes = run(*command).partition("NOTES:")[2]
    for text in ("for up to 3600 seconds", "get llminferenceservice", "helm test 'dsv4' -n 'demo'"):
        assert text in notes
    assert notes.count('curl "http://') == 1  # of the ingress that is there
    enabled = run(*command, "--set", "maas.enabled=true").partition("NOTES:")[2]
    assert "maas-system/maas-api-keys" in enabled
    assert "KServe's gateway above stays open" in enabled
    assert "WARNING: [maas-open-ingress] networkPolicy.enabled: KServe's own ingress" in enabled
    closed = ("--set", "maas.enabled=true,networkPolicy.enabled=true,maas.gateway.tls.enabled=true")
    told = run(*command, *closed).partition("NOTES:")[2]
    assert "stays open" not in told
    assert "accepts this gateway, but not KServe's" in told
    assert 'curl "https://$GATEWAY:443/' in told
    assert "GATEWAY='maas.example.com'\n" not in enabled
    named = ("--set", "maas.enabled=true,maas.gateway.hostname=maas.example.com")
    assert "GATEWAY='maas.example.com'\n" in run(*command, *named).partition("NOTES:")[2]
