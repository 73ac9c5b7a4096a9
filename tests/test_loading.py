"""Values laid on each other as Helm lays them, and what is said of those that don't fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dsv4deploy import Values, ValuesError, load
from dsv4deploy.values.loading import defaults

Tree = dict[str, Any]


def problems(*sources: Any, **options: Any) -> list[str]:
    with pytest.raises(ValuesError) as caught:
        load(*sources, **options)
    return [str(problem) for problem in caught.value.findings]


def test_settings_come_after_files_and_text_after_all() -> None:
    values = load(
        {"replicas": 1},
        set_json=["replicas=2"],
        set=["replicas=3", "name=a"],
        set_string=["name=b"],
    )
    assert (values.replicas, values.name) == (3, "b")


@pytest.mark.parametrize(
    ("setting", "lost"),
    [
        ('engine.args={"max-num-seqs":8}', "their engine.args.seed, engine.args.x.y;"),
        ('engine.args={"seed":8}', "drops their engine.args.x.y;"),
        ("engine={}", "engine.args.seed, engine.args.x.y, engine.env.A;"),
        ("engine.args.seed=8", ""),
        ('engine.args.more={"seed":8}', ""),
        ("engine.args.x=null", "engine.args.x.y;"),
    ],
)
def test_an_object_as_a_setting_says_what_it_takes_away(setting: str, lost: str) -> None:
    told: list[str] = []
    below = {"engine": {"args": {"seed": 1, "x": {"y": 2}}, "env": {"A": "1"}}}
    load(below, set_json=[setting], note=told.append)
    assert bool(told) == bool(lost)
    assert all(lost in sentence and "as in Helm" in sentence for sentence in told)


def test_a_list_with_a_wrong_item_is_not_also_empty() -> None:
    with pytest.raises(ValuesError) as caught:
        load(set=["maas.tiers.search.clients={Team Search}"])
    told = [finding for finding in caught.value.findings if "clients" in finding.path]
    assert [finding.path for finding in told] == ["maas.tiers.search.clients.0"]


def test_an_empty_map_over_entries_is_noted_because_it_removes_none() -> None:
    notes: list[str] = []
    top = {"npu": {"nodeSelector": {}, "tolerations": {}}, "engine": {"env": {}}, "maas": {}}
    load(top, profile="ascend-910b4-8-w4a8-production", note=notes.append)
    empty = "an empty map removes no entry: set each to null"
    assert notes == [f"values: npu.nodeSelector: {empty}", f"values: engine.env: {empty}"]


def test_the_profile_lies_under_the_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("engine: {args: {max-num-seqs: 8}}\n")
    values = load(file, profile="ascend-910b4-8-w4a8")
    assert values.engine.args.max_num_seqs == 8
    assert values.engine.args.block_size == 128


def test_what_is_dumped_loads_again() -> None:
    assert load(Values().model_dump(by_alias=True)) == Values()
    assert load(defaults()) == Values()


def sections(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from sections(kind, (*path, info.alias or name))


@pytest.mark.parametrize("path", [*sections(Values)], ids=".".join)
def test_a_misspelled_key_is_found_at_every_depth(path: tuple[str, ...]) -> None:
    section: Any = defaults()
    for key in path:
        section = section[key]
    right = max(section, key=len)
    wrong = f"{right[:-1]}_{right[-1]}"
    tree: Any = {wrong: section[right]}
    for key in reversed(path):
        tree = {key: tree}
    (told,) = problems(tree)
    assert told.startswith(f"values: {'.'.join((*path, wrong))}: ")
    assert f"did you mean {right}?" in told or "vLLM spells this" in told


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"replicas": 0}, "replicas: must be at least 1, not 0"),
        ({"engine": {"<<": {}}}, "engine.<<: there is no such value"),
        (
            {"maas": {"gateway": {"parallelRequests": 4096}}},
            "maas.gateway.parallelRequests: this value no longer exists: set "
            "maas.gateway.replicas to one proxy for each 500 concurrent requests",
        ),
        (
            {"profile": "x"},
            "profile: a profile is not a value: name it with the option --profile NAME",
        ),
        ({"hardware": "910B4:8"}, "hardware: the hardware is not a value: --hardware CARD:COUNT"),
        ({"image": "x"}, "did you mean engine.image or router.image or test.image?"),
        ({"engine": {"nodeSelector": {}}}, "did you mean npu.nodeSelector?"),
        ({"npu": {"count": 8}}, "npu.count: there is no such value: there are card, nodeSelector"),
        (
            {"kind": "ConfigMap"},
            "a manifest is not a values file: `dsv4deploy import` makes values",
        ),
        ({"replicas": True}, "replicas: must be a whole number, not true"),
        ({"replicas": 1.5}, "replicas: must be a whole number, not 1.5"),
        (
            {"engine": {"args": {"max-model-len": "32k"}}},
            'engine.args.max-model-len: must be a whole number, not "32k": write 32000, which is '
            "vLLM's 32k",
        ),
        ({"replicas": "1"}, 'replicas: must be a whole number, not "1": remove the quotes'),
        ({"name": 5}, 'name: must be text, not 5: write "5", in quotes'),
        ({"name": "A b"}, 'name: "A b" must be lowercase letters'),
        ({"name": ""}, "name: "),
        ({"name": "x" * 64}, "name: must have 63 characters or fewer, not 64"),
        ({"name": None}, "name: null cannot remove this value"),
        ({"engine": None}, "engine: null cannot remove this value"),
        (
            {"engine": {"env": {"FOO": {"secretRef": {"name": "a", "key": "b"}}}}},
            "engine.env.FOO.secretRef: there is no such value: did you mean secretKeyRef?",
        ),
        (
            {"maas": {"tiers": {"search": {"client": ["a"], "quotas": {}}}}},
            "maas.tiers.search.client: there is no such value: did you mean clients?",
        ),
        (
            {"engine": {"image": "quay.io/ascend/vllm-ascend:nightly-releases-v0.22@sha256:abc"}},
            '@sha256:abc" must be an image such as registry/repository:tag or, pinned, '
            "registry/repository:tag@sha256:… with 64 hex digits",
        ),
        ({"model": {"uri": "oci://r.io/a/b:1@sha256:abc"}}, "@sha256:… with 64 hex digits"),
        ({"npu": {"nodeSelector": None}}, "npu.nodeSelector: null removes an entry, not the whole"),
        ({"engine": 5}, "engine: must be a mapping, not 5"),
        ({"engine": []}, "engine: must be a mapping, not []"),
        ({"engine": {"env": []}}, "engine.env: must be a mapping, not []"),
        ({"engine": {"env": {"a-b": "1"}}}, "engine.env.a-b: "),
        ({"engine": {"env": {"A": "{{ x }}"}}}, "which KServe would expand"),
        ({"engine": {"shell": []}}, "engine.shell: must not be empty"),
        ({"replicas": 2**31}, "replicas: must be at most 2147483647"),
        (
            {"engine": {"imagePullSecrets": ["a", "b", "a"]}},
            "engine.imagePullSecrets: this item is duplicated: keep one",
        ),
        ({"engine": {"shell": "bash"}}, "engine.shell: must be a list"),
        ({"engine": {"shell": ["a", 1]}}, "engine.shell.1: must be text, not 1"),
        ({"engine": {"imagePullPolicy": "Often"}}, "engine.imagePullPolicy: must be 'Always', "),
        ({"engine": {"args": {"x": [[1]]}}}, "engine.args.x.0: [1] cannot be in a list of words"),
        ({"engine": {"args": {"x": 1e300}}}, "engine.args.x: must be at most"),
        ({"engine": {"args": {"x": float("nan")}}}, "engine.args.x: must be a finite number"),
        ({"engine": {"args": {"x": {"a": {"b": "\x00"}}}}}, "engine.args.x.a.b: "),
        ({"engine": {"args": {"gpu-memory-utilization": 1.5}}}, "must be at most 1, not 1.5"),
        ({"engine": {"args": {"gpu-memory-utilization": 0}}}, "must be more than 0, not 0"),
        ({"maas": {"quotas": {"day": {}}}}, "maas.quotas.day.tokens: this value is required"),
        ({"maas": {"enabled": "yes"}}, 'maas.enabled: must be true or false, not "yes"'),
        ({"engine": {"image_pull_policy": "Always"}}, "did you mean imagePullPolicy?"),
        (
            {"engine": {"args": {"maxNumSeqs": 8}}},
            "engine.args.maxNumSeqs: vLLM spells this max-num-seqs",
        ),
        (
            {"engine": {"args": {"maxnumSeqs": 8}}},
            "vLLM 0.22.1 has no flag --maxnum-seqs: did you mean max-num-seqs?",
        ),
        ({"engine": {"args": {"No_Such_": 8}}}, "vLLM 0.22.1 has no flag --no-such"),
        ({5: 1}, "5: a key must be text, not 5"),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence_with_its_path(tree: Tree, sentence: str) -> None:
    told = problems(tree)
    assert any(sentence in line for line in told), told
    assert all(line.startswith("values: ") for line in told)


def test_the_last_source_that_set_a_bad_value_is_named(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("replicas: bad\nname: 5\n")
    two.write_text("name: 6\nengine: {port: 0}\n")
    told = problems(one, two, set=["engine.port=0.5", "model.name="])
    assert sorted(told) == sorted(
        [
            f'{one}: replicas: must be a whole number, not "bad"',
            f'{two}: name: must be text, not 6: write "6", in quotes',
            '--set engine.port=0.5: engine.port: must be a whole number, not "0.5": use '
            "--set-json, because --set reads this as text",
            "--set model.name=: model.name: must not be empty",
        ]
    )


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"nam": 1, "replicas": 0, "engine": {"prot": 1, "port": 0}})) == 4


def test_a_name_is_data_and_wins_over_every_setting() -> None:
    assert load(set_string=["name=b"], name="chat").name == "chat"
    (told,) = problems(name="chat,engine.image=evil.example/x:y")
    assert told.startswith("--name chat,engine.image=evil.example/x:y: name: ")


def test_an_umbrella_chart_s_own_keys_are_accepted() -> None:
    assert load({"enabled": True, "tags": {"front": False}}) == load({"tags": {"front": False}})
    (told,) = problems({"enabled": False})
    assert told == ("values: enabled: must be true: only an umbrella chart can disable this chart")


def test_of_many_problems_the_first_are_told() -> None:
    told = problems({"engine": {f"key{number}": 1 for number in range(8000)}})
    assert len(told) == 101
    assert told[-1] == "values: 7900 more values are not accepted: fix these first"
    (told,) = problems({"engine": {"args": {f"key{number}": 1 for number in range(8000)}}})
    assert told == "values: engine.args: must have 512 entries or fewer, not 8017"


SECRET_NAMES = (
    *("HF_TOKEN", "MYSQL_PWD", "DB_PASS", "PRIVATE_KEY", "OPENAI_KEY", "AUTHORIZATION"),
    *("AWS_SECRET_ACCESS_KEY", "API_KEY", "REGISTRY_CREDENTIALS", "http-auth", "GITHUB_PAT"),
    *("AWS_ACCESS_KEY_ID", "SAS_TOKEN_1", "DB_PASSWORD2", "JWT", "TLS_PEM", "COOKIE"),
)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "value", ["s3cret{{", "s3cret\x07", 5301, 53.01, ["s3cret"], {"a": "s3cret"}]
)
def test_a_secret_is_not_repeated_where_it_is_wrong(name: str, value: Any, tmp_path: Path) -> None:
    text = json.dumps(value)
    file = tmp_path / "secret.yaml"
    file.write_text(f"engine: {{env: {{{name}: {text}}}}}")
    tried: list[tuple[tuple[Any, ...], dict[str, list[str]]]] = [
        ((file,), {}),
        (({"engine": {"env": {name: value}}},), {}),
        (({"engine": {"args": {"x": {name: value}}, "nam": {name: value}}},), {}),
        ((), {"set_json": [f"engine.env.{name}={text},nam=1"]}),
        ((), {"set_json": [f"engine.env.{name}={text[:-1]}"]}),
        ((), {"set_json": [f'{{"engine": {{"env": {{"{name}": {text}}}}}}}']}),
        ((), {"set": [f"engine.env.{name}=s3cret{{{{,nam=1"]}),
        ((), {"set": [f"engine.env.{name}=5,s3cret"]}),
        ((), {"set": [f"engine.env.{name}[0]s3cret=5"]}),
    ]
    for sources, options in tried:
        told = "\n".join(problems(*sources, **options))
        assert not re.search("s3cret|5301|53.01", told), told


@pytest.mark.parametrize(
    "text",
    [
        "HF_TOKEN: *s3cret",
        "HF_TOKEN: !s3cret x",
        "HF_TOKEN: '",
        "HF_TOKEN: 0o5301",
        "DB_PASS: {s3cret: [}",
    ],
)
def test_a_secret_is_not_repeated_where_its_file_is_broken(text: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(f"engine: {{env: {{{text}}}}}")
    (told,) = problems(file)
    assert not re.search("s3cret|5301", told), told


def test_a_password_in_a_url_is_a_secret_whatever_its_name() -> None:
    url = "redis://user:s3cret@redis:6379"
    for told in (
        problems({"kvStore": {"metadataServer": url}}),
        problems(set=[f"kvStore.metadataServer={url},nam=1"]),
        problems({"engine": {"nam": {"any": [url]}, "image": url}}),
    ):
        assert "s3cret" not in "\n".join(told), told
