"""Objects against CRDs: small ones made here, and the real ones where they are at hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsv4deploy import Finding, Values, ValuesError, load
from dsv4deploy.manifest.crds import validate
from dsv4deploy.manifest.render import render
from dsv4deploy.values.profiles import profile_names, profile_path

ROOT = Path(__file__).resolve().parent.parent
Tree = dict[str, Any]


def fields(*required: str, **properties: Any) -> Tree:
    """The schema of an object with these fields."""
    return {"type": "object", "required": list(required), "properties": properties}


# What kubectl writes has each node once; PyYAML would make an alias of one that stands twice.
TEXT = {"type": "string"}
EITHER = [{"type": "integer"}, {"type": "string"}]
ADDRESS: list[Any] = [{"format": "ipv4"}, {"format": "ipv6"}]
SCHEMA = fields(
    metadata={"type": "object"},
    spec=fields(
        "size",
        "kept",
        size={"type": "integer", "format": "int32", "minimum": 0, "exclusiveMinimum": True},
        port={"x-kubernetes-int-or-string": True, "anyOf": EITHER},
        cpu={"x-kubernetes-int-or-string": True, "anyOf": EITHER, "pattern": "^[0-9]+m?$"},
        mode={"type": "string", "enum": ["On", "="]},
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        bare={"type": "object"},
        labels={"type": "object", "additionalProperties": TEXT},
        steps={"type": "array", "maxItems": 3, "items": fields(x={})},
        name={"type": "string", "pattern": "^[a-z]+$", "nullable": True},
        odd={"type": "string", "pattern": r"^\pL+$"},
        posix={"type": "string", "pattern": "^[[:alpha:]]+$"},
        address={"type": "string", "oneOf": ADDRESS},
        env={
            "type": "array",
            "items": fields("name", name=TEXT, port={"type": "integer", "default": 80}),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "port"],
        },
        words={"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
        choice={**fields(a=TEXT, b=TEXT), "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        inner={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"s": TEXT}},
        # A required field that no object here has: the API server fills it in.
        kept={"type": "string", "description": "Text.", "default": "yes"},
        properties=fields(type=TEXT),
    ),
)


def crd(schema: Tree = SCHEMA, version: str = "v1") -> Tree:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing", "listKind": "ThingList"},
            "versions": [
                {"name": version, "served": True, "schema": {"openAPIV3Schema": schema}},
                {"name": "v0", "served": False, "schema": {"openAPIV3Schema": schema}},
            ],
        },
        "status": {"acceptedNames": {"kind": "Thing"}, "storedVersions": [version]},
    }


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(*documents: Tree) -> str:
    # As some operators' CRDs have it: PyYAML's own loaders stumble over a plain =.
    return yaml.dump_all(documents, Dumper=Dumper).replace("- '='\n", "- =\n")


def thing(spec: Any, version: str = "v1") -> Tree:
    api = f"example.com/{version}"
    return {"apiVersion": api, "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


@pytest.fixture
def crds(tmp_path: Path) -> Path:
    (tmp_path / "crds.yaml").write_text(dump({"kind": "Other"}, crd()))
    return tmp_path


INNER = {"apiVersion": "v1", "kind": "Pod"}


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        ({"sise": 2}, "spec.sise", "unknown field sise: did you mean size?"),
        ({"zz/z": 2}, 'spec["zz/z"]', "unknown field zz/z"),
        ({"size": None}, "spec", "required field size is missing"),
        ({"size": "1"}, "spec.size", 'must be integer, not "1"'),
        ({"size": True}, "spec.size", "must be integer, not true"),
        ({"size": 0}, "spec.size", "must be more than 0"),
        ({"size": 2**31}, "spec.size", "must be -2147483648 to 2147483647, not 2147483648"),
        ({"port": 1.5}, "spec.port", "must be integer or string, not 1.5"),
        ({"cpu": "many"}, "spec.cpu", 'must match ^[0-9]+m?$, not "many"'),
        ({"mode": "Off"}, "spec.mode", 'must be "On" or "=", not "Off"'),
        ({"mode": 1}, "spec.mode", "must be string, not 1"),
        ({"bare": {"a": 1}}, "spec.bare.a", "unknown field a"),
        ({"labels": {"a": 1}}, "spec.labels.a", "must be string, not 1"),
        ({"labels": []}, "spec.labels", "must be object, not a list"),
        ({"steps": [{}, {"y": 1}]}, "spec.steps[1].y", "unknown field y"),
        ({"steps": [None]}, "spec.steps[0]", "must be object, not null"),
        ({"steps": [{}] * 4}, "spec.steps", "must have 3 or fewer items"),
        ({"name": "A" * 99}, "spec.name", f'must match ^[a-z]+$, not "{"A" * 58}…'),
        ({"address": "1.2.3"}, "spec.address", "must match one of the 2 forms that the CRD allows"),
        ({"env": [{"port": 80}]}, "spec.env[0]", "required field name is missing"),
        (
            {"env": [{"name": "a"}, {"name": "a", "port": 80}]},
            "spec.env[1]",
            'name "a" port 80 is in this list twice',
        ),
        ({"env": [{"name": "a"}, "a"]}, "spec.env[1]", 'must be object, not "a"'),
        ({"words": ["a", "b", "a"]}, "spec.words[2]", '"a" is in this list twice'),
        ({"choice": {}}, "spec.choice", "must have one of the fields a, b"),
        ({"choice": {"a": "", "b": ""}}, "spec.choice", "must have one of the fields a, b"),
        ({"inner": {**INNER, "t": 1}}, "spec.inner.t", "unknown field t"),
        ({"inner": {"kind": "Pod"}}, "spec.inner", "required field apiVersion is missing"),
        ({"properties": {"type": 1}}, "spec.properties.type", "must be string, not 1"),
    ],
)
def test_a_violation_has_a_path_and_a_sentence(
    spec: Tree, path: str, message: str, crds: Path
) -> None:
    (finding,) = validate([thing({"size": 1, **spec})], crds)
    assert (finding.code, finding.severity) == ("crd-schema", "error")
    assert finding.path == f"Thing/t: {path}"
    assert finding.message.startswith(message)
    assert finding.message.endswith("(crds.yaml)")
    assert finding.fix


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"size": 1.0},
        {"port": 80},
        {"port": "http"},
        {"cpu": "100m"},
        {"mode": "="},
        {"free": {"any": [{"thing": None}]}},
        {"labels": {"any.thing/at": "all"}},
        {"mode": None, "steps": None, "name": None},
        {"steps": [{"x": {"any": "thing"}}]},
        {"odd": "1", "posix": "1"},
        {"address": "::1"},
        {"env": [{"name": "a"}, {"name": "a", "port": 81}]},
        {"choice": {"b": ""}},
        {"inner": {**INNER, "metadata": {"labels": {"a": "b"}}, "s": ""}},
    ],
)
def test_what_the_api_server_takes_is_taken(spec: Tree, crds: Path) -> None:
    assert validate([thing({"size": 1, **spec})], crds) == []


def test_each_violation_is_said_once(crds: Path) -> None:
    broken = thing({"sise": 1, "mode": 2, "steps": 3})
    found = validate([broken, copy.deepcopy(broken)], crds)
    paths = {finding.path.partition(": ")[2] for finding in found}
    assert paths == {"spec", "spec.sise", "spec.mode", "spec.steps"}
    assert len(found) == len(paths)
    assert all(finding.message.count("crds.yaml") == 1 for finding in found)


def test_a_kind_without_a_crd_is_said_and_kubernetes_own_are_passed_over(crds: Path) -> None:
    other = {"apiVersion": "x.io/v1", "kind": "Nope", "metadata": {"name": "n"}}
    core = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {}}
    (finding,) = validate([other, core, policy], crds)
    assert (finding.code, finding.path) == ("crd-missing", "Nope/n")
    assert "x.io/v1" in finding.message
    assert "Nope" in finding.message
    assert finding.fix.startswith("install ")


def test_a_kind_is_told_by_its_group_too(crds: Path) -> None:
    (finding,) = validate([{**thing({}), "apiVersion": "example.org/v1"}], crds)
    assert finding.code == "crd-missing"


def test_a_version_that_is_not_served_is_said(crds: Path) -> None:
    (finding,) = validate([thing({"size": 1}, "v0")], crds)
    assert (finding.code, finding.path) == ("crd-version", "Thing/t")
    assert "the CRD serves v1 (crds.yaml)" in finding.message


def test_each_of_several_releases_has_its_say(crds: Path) -> None:
    newer = copy.deepcopy(SCHEMA)
    newer["properties"]["spec"]["required"].append("mode")
    (crds / "newer" / "deep").mkdir(parents=True)
    (crds / "newer" / "deep" / "a.yaml").write_text(dump(crd(newer)))
    (finding,) = validate([thing({"size": 1})], crds)
    assert finding.message == "required field mode is missing (newer/deep/a.yaml)"
    (finding,) = validate([thing({"size": 1, "mode": "?"})], crds)
    assert finding.message.endswith("(crds.yaml, newer/deep/a.yaml)")


LISTED = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Other"}, crd()]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.yaml", dump(LISTED).encode()),
        ("list.yml", dump(LISTED).encode("utf-16")),
        ("list.json", json.dumps(LISTED).encode("utf-8-sig")),
        ("aliases.yaml", yaml.safe_dump(LISTED).encode()),
        ("several.yaml", dump({"kind": "Other"}, {}, crd()).encode()),
    ],
)
def test_files_come_in_many_forms(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "README.md").write_text("kind: CustomResourceDefinition, kind: Thing [")
    (tmp_path / "other.yaml").write_text("not [ of interest")
    (finding,) = validate([thing({"size": 1, "sise": 1})], tmp_path)
    assert finding.message == f"unknown field sise: did you mean size? ({name})"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "broken.yaml",
            b"kind: CustomResourceDefinition\nx:\n  kind: Thing\na: [",
            r"broken\.yaml:\d",
        ),
        ("broken.json", b'{"a": "CustomResourceDefinition", "kind": "Thing",', "not a JSON"),
        ("latin.yaml", b"kind: CustomResourceDefinition\n# \xe9", "not UTF-8"),
        (
            "half.yaml",
            b"kind: CustomResourceDefinition\nspec: {names: {kind: Thing}}",
            "not a complete",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    name: str, content: bytes, message: str, crds: Path
) -> None:
    (crds / name).write_bytes(content)
    with pytest.raises(ValuesError, match=message) as error:
        validate([thing({"size": 1})], crds)
    assert name in str(error.value)
    assert "kubectl get crd -o yaml" in str(error.value)


HOSTILE: list[Tree] = [
    *({"properties": value} for value in (5, [], None, "x", {"spec": 5}, {"spec": None})),
    *({"properties": {"spec": {"properties": {"size": each}}}} for each in (5, [TEXT], None)),
    *({"required": value} for value in ("size", 5, {"a": 1}, [1])),
    *({"type": value} for value in ("objekt", 5, ["object"], {})),
    *({"enum": value} for value in ("x", 5, {"a": 1})),
    *({"pattern": value} for value in (5, [], {})),
    *({"items": value} for value in (5, [TEXT], "x")),
    *({word: value} for word in ("anyOf", "oneOf", "allOf") for value in (5, {}, [5], "x")),
    *(
        {word: value}
        for word in ("maximum", "minItems", "multipleOf")
        for value in ("x", [], -1e400)
    ),
    *({"not": value} for value in (5, [])),
    *({"additionalProperties": value} for value in (5, [], "x")),
    *({"x-kubernetes-list-map-keys": value} for value in (5, [5], "x")),
    *(
        {"$ref": value}
        for value in ("http://127.0.0.1:9/x", "#/properties/spec", "file:///etc/passwd")
    ),
    {"properties": {"spec": {"anyOf": [{"not": {"$ref": "http://127.0.0.1:9/x"}}]}}},
    {"definitions": {}},
    {"multipleOf": 0},
]


@pytest.mark.parametrize("schema", HOSTILE, ids=json.dumps)
def test_a_schema_that_no_server_stores_is_an_error(schema: Tree, tmp_path: Path) -> None:
    for file in ("a.json", "a.yaml"):
        text = json.dumps(crd(schema))
        (tmp_path / file).write_text(text)
        with pytest.raises(ValuesError, match="remove the file from the folder"):
            validate([thing({"size": 1})], tmp_path)
        (tmp_path / file).unlink()


def test_aliases_that_make_a_schema_endless_are_an_error(tmp_path: Path) -> None:
    text = dump(crd({"type": "object", "properties": {}}))
    bomb = "&a {enum: [" + "1, " * 99 + "]}, "
    for one, two in ("ab", "bc", "cd"):
        bomb += f"&{two} {{anyOf: [{', '.join([f'*{one}'] * 99)}]}}, "
    for middle in (
        "properties: &x {spec: {properties: *x}}",
        f"properties: {{spec: {{anyOf: [{bomb}]}}}}",
    ):
        (tmp_path / "a.yaml").write_text(text.replace("properties: {}", middle, 1))
        with pytest.raises(ValuesError, match="its schema is too large"):
            validate([thing({"size": 1})], tmp_path)


def test_an_expression_takes_linear_time(tmp_path: Path) -> None:
    schema = fields(spec=fields(name={"type": "string", "pattern": "^(a+)+$"}))
    (tmp_path / "a.yaml").write_text(dump(crd(schema)))
    (finding,) = validate([thing({"name": "a" * 5000 + "!"})], tmp_path)
    assert "must match" in finding.message


def test_what_is_no_folder_of_crds_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("kind: Other")
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "values.yaml"):
        with pytest.raises(ValuesError, match=r"kubectl get crd -o yaml > .*/crds\.yaml"):
            validate([thing({"size": 1})], folder)


# --- the real ones --------------------------------------------------------------------------------


def cases() -> dict[str, Values]:
    found = {f"profile {name}": load(profile_path(name)) for name in profile_names()}
    for file in sorted(ROOT.glob("examples/*/values.yaml")):
        found[f"example {file.parent.name}"] = load(file)
        found[f"example {file.parent.name} with maas"] = load(file, set=["maas.enabled=true"])
    for backend in ("Service", "InferencePool"):
        found[backend] = load(set=["maas.enabled=true", f"maas.backend={backend}"])
    many = ["maas.enabled=true", "maas.gateway.replicas=2", "engine.warmUp=true"]
    found["many"] = load(set=many)
    return {"default": Values(), **found}


def named(item: Tree, name: str) -> Tree:
    """An object by another name, to tell whose it is."""
    return {**item, "metadata": {**item["metadata"], "name": name}}


def test_every_emitted_object_is_accepted_by_the_real_crds(real_crds: Path) -> None:
    # All at once, for most of the time is spent on reading the CRDs.
    # Prometheus Operator's and KEDA's CRDs are fetched by the tests with real servers.
    objects = [
        named(item, name)
        for name, values in cases().items()
        for item in render(values)
        if not item["apiVersion"].startswith(("monitoring.coreos.com/", "keda.sh/"))
    ]
    assert {"LLMInferenceService", "AIGatewayRoute", "Backend", "ReferenceGrant"} <= {
        item["kind"] for item in objects
    }
    assert validate(objects, real_crds) == []


def engine(spec: Tree) -> Tree:
    container: Tree = spec["template"]["containers"][0]
    return container


SERVICE, QUOTAS = "LLMInferenceService", "BackendTrafficPolicy"
# What is done to an object's spec, the path at which that is refused, and why.
BROKEN: dict[str, tuple[str, Callable[[Tree], Any], str, str]] = {
    "text": (SERVICE, lambda spec: spec.update(replicas="1"), "spec.replicas", "must be integer"),
    "misspelled": (
        SERVICE,
        lambda spec: spec.update(replicaz=1),
        "spec.replicaz",
        "unknown field replicaz: did you mean replicas?",
    ),
    "missing": (
        SERVICE,
        lambda spec: spec["model"].pop("uri"),
        "spec.model",
        "required field uri is missing",
    ),
    "number": (
        SERVICE,
        lambda spec: engine(spec)["env"][2].update(value=1),
        "spec.template.containers[0].env[2].value",
        "must be string, not 1",
    ),
    "twice": (
        SERVICE,
        lambda spec: engine(spec)["env"].insert(1, engine(spec)["env"][0]),
        "spec.template.containers[0].env[1]",
        "name ",
    ),
    "quantity": (
        SERVICE,
        lambda spec: engine(spec)["resources"]["limits"].update(memory="64 Gi"),
        "spec.template.containers[0].resources.limits.memory",
        "must match ",
    ),
    "enum": (
        QUOTAS,
        lambda spec: spec["rateLimit"]["global"]["rules"][0]["limit"].update(unit="Fortnight"),
        "spec.rateLimit.global.rules[0].limit.unit",
        'must be "Second" or "Minute" or "Hour"',
    ),
}


@pytest.fixture(scope="module")
def refused(real_crds: Path) -> list[Finding]:
    objects = []
    for name, (kind, change, _, _) in BROKEN.items():
        emitted = render(load(set=["maas.enabled=true"]))
        (item,) = (named(item, name) for item in emitted if item["kind"] == kind)
        change(item["spec"])
        objects.append(item)
    return validate(objects, real_crds)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_object_is_refused_by_the_real_crds(name: str, refused: list[Finding]) -> None:
    kind, _, path, message = BROKEN[name]
    found = [finding for finding in refused if finding.path.startswith(f"{kind}/{name}: ")]
    assert {finding.path for finding in found} == {f"{kind}/{name}: {path}"}
    assert all(finding.message.startswith(message) for finding in found)
