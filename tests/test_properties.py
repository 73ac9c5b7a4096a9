"""For any values: a model or an error with a path; a render that never fails; text unharmed."""

from __future__ import annotations

import json
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from documents import HOSTILE, Case, drawn, mutated, sparse
from hypothesis import given
from hypothesis import strategies as st

from dsv4deploy import Finding, Release, Values, ValuesError, load
from dsv4deploy.manifest.render import documents, quote, render, render_text, shell
from dsv4deploy.values import yaml as yamlio
from dsv4deploy.values.json import to_json
from dsv4deploy.values.schema import json_schema

Tree = dict[str, Any]


def known_path(path: str, document: Tree) -> bool:
    """Whether a dotted path is in the document or in the model, up to its last key."""
    for start in (document, _shape(json_schema())):
        place: Any = start
        for key in path.split(".")[:-1]:
            if isinstance(place, list) and key.isdigit() and int(key) < len(place):
                place = place[int(key)]
            elif isinstance(place, dict) and key in place:
                place = place[key]
            else:
                break
        else:
            return True
    # Keys may hold dots themselves, which no splitting finds.
    return any("." in key for key in _keys(document))


def _shape(schema: Any) -> Any:
    if "$ref" in schema:
        schema = json_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return {key: _shape(inner) for key, inner in schema.get("properties", {}).items()}


def _keys(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [*tree, *(key for value in tree.values() for key in _keys(value))]
    return [key for item in tree for key in _keys(item)] if isinstance(tree, list) else []


def tried(document: Tree) -> tuple[Values | None, tuple[Finding, ...]]:
    try:
        return load(document), ()
    except ValuesError as error:
        return None, error.findings


def as_yaml_1_1(tree: Any) -> Any:
    """What a reader of YAML 1.1 makes of objects: 1e-7, a number to Go, is text without a dot."""
    if isinstance(tree, dict):
        return {key: as_yaml_1_1(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [as_yaml_1_1(item) for item in tree]
    written = to_json(tree)
    return written if isinstance(tree, float) and re.fullmatch(r"[^.]+e.+", written) else tree


@pytest.mark.parametrize("kind", [sparse, mutated], ids=lambda kind: kind.__name__)
@given(seed=st.integers(0, 2**32))
def test_any_document_is_a_model_or_an_error_with_a_path(kind: Any, seed: int) -> None:
    document = kind(random.Random(seed))
    values, problems = tried(document)
    for problem in problems:
        assert problem.source == "values"
        assert problem.message
        assert known_path(problem.path, document), (problem.path, document)
    if values is None:
        assert problems
        return
    text = render_text(values)
    objects = render(values)
    assert list(yaml.safe_load_all(text)) == as_yaml_1_1(objects)
    assert [yamlio.read(part, "part") for part in documents(values)] == objects
    assert [
        yamlio.read(part, "part") for part in yamlio.write(objects).split("---\n")[1:]
    ] == objects


def engine(values: Values) -> Any:
    (service,) = (item for item in render(values) if item["kind"] == "LLMInferenceService")
    return service["spec"]["template"]["containers"][0]


def expanded(text: str) -> str:
    """What the kubelet makes of an argument: ``$$`` is ``$``, ``$(NAME)`` a variable's value."""
    return re.sub(
        r"\$(\$|\(([^)]*)\))", lambda found: "$" if found[1] == "$" else f"<{found[2]}>", text
    )


def words_of(values: Values) -> list[str]:
    """The server's words, by the rules of the kubelet and the shell."""
    text = expanded(engine(values)["args"][0]).replace("\\\n", " ")
    return shlex.split(text[text.index("exec ") :])[1:]


free_text = st.sampled_from(HOSTILE) | st.text(max_size=30)


@given(text=free_text, key=st.sampled_from(["A", "HOME", "X_1"]))
def test_an_environment_variable_comes_back_unchanged(text: str, key: str) -> None:
    try:
        values = load({"engine": {"env": {key: text}}})
    except ValuesError:
        return
    found = {item["name"]: item["value"] for item in engine(values)["env"]}
    assert found[key] == text


@given(text=free_text)
def test_text_comes_back_unchanged_from_yaml_and_from_the_shell(text: str) -> None:
    try:
        values = load({"model": {"name": text}, "engine": {"args": {"revision": text}}})
    except ValuesError:
        return
    words = words_of(values)
    assert words[words.index("--revision") + 1] == text
    assert words[words.index("--served-model-name") + 1] == text
    service = next(item for item in render(values) if item["kind"] == "LLMInferenceService")
    assert service["spec"]["model"]["name"] == text


@given(seed=st.integers(0, 2**32))
def test_json_comes_back_unchanged_from_the_shell(seed: int) -> None:
    data = drawn(random.Random(seed), {"$ref": "#/$defs/Data"}, fault=0.0)
    tree = {"data": [data, data]}
    try:
        words = words_of(load({"engine": {"args": {"new-config": tree}}}))
    except ValuesError:
        return
    assert json.loads(words[words.index("--new-config") + 1]) == tree


def test_bash_itself_reads_what_was_meant() -> None:
    """Every hostile text that a value may hold, through one real bash."""
    taken = []
    for text in HOSTILE:
        try:
            load({"engine": {"args": {"revision": text}}})
        except ValuesError:
            continue
        taken.append(text)
    assert len(taken) > len(HOSTILE) // 2
    values = load({"engine": {"args": {"allowed-media-domains": taken}}})
    report = "import json, sys; print(json.dumps(sys.argv[1:]))"
    stubs = (
        "set() { :; }; source() { :; }; timeout() { :; }\n"
        f'exec() {{ {shlex.quote(sys.executable)} -c {shlex.quote(report)} "$@"; }}\n'
    )
    command = ["bash", "-c", stubs + expanded(engine(values)["args"][0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = json.loads(done.stdout)
    start = words.index("--allowed-media-domains") + 1
    assert words[start : start + len(taken)] == taken


def test_kserve_s_own_template_comes_through_untouched() -> None:
    literal = "{{ ChildName .ObjectMeta.Name `-kserve-self-signed-certs` }}"
    assert f'secretName: "{literal}"' in render_text(Values())


@given(text=free_text)
def test_quoting_survives_its_reader(text: str) -> None:
    if "\x00" not in text:
        assert shlex.split(shell(text)) == [text]
    assert json.loads(quote(text)) == text


def test_a_namespace_must_be_one() -> None:
    for name in ("", "A", "a_b", "x" * 64, "-a", "a\n"):
        with pytest.raises(ValuesError, match="namespace"):
            Release(namespace=name)


def test_a_case_is_named_by_its_seed() -> None:
    assert Case(7).key() == Case(7).key()
    assert len({Case(seed).key() for seed in range(50)}) > 45


BOUNDS = {
    "string": {"minLength", "maxLength", "pattern"},
    "array": {"minItems", "maxItems", "uniqueItems"},
    "object": {"minProperties", "maxProperties", "patternProperties"},
}


def bounded(schema: Any) -> Iterator[tuple[str, set[str]]]:
    """The type of each part of a schema, and its bounds."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema["type"], schema.keys() & set().union(*BOUNDS.values())
        schema = [*schema.values()]
    for each in schema if isinstance(schema, list) else []:
        yield from bounded(each)


def test_every_bound_of_the_schema_is_one_of_its_type() -> None:
    # Helm ignores any other, and accepts what Python refuses.
    found = list(bounded(json_schema()))
    assert all(bounds <= BOUNDS.get(kind, set()) for kind, bounds in found)
    assert ("array", {"minItems", "uniqueItems"}) in found
