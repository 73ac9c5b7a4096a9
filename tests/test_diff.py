"""What would change, field by field."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dsv4deploy import Release, Values, load
from dsv4deploy.cluster.diff import MASK, Change, changes, downtime, label
from dsv4deploy.manifest.render import render

Tree = dict[str, Any]


def item(kind: str = "ConfigMap", **fields: Any) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": "x", "namespace": "demo"},
        **fields,
    }


def test_what_the_server_writes_is_no_change() -> None:
    live = item(data={"a": "1"}, status={"ready": True})
    live["metadata"] |= {"uid": "1", "resourceVersion": "7", "managedFields": [{}]}
    assert changes(live, item(data={"a": "1"})) == []


def test_of_a_long_list_of_words_those_that_differ_are_shown() -> None:
    words = [f"--flag-{number}={'x' * 20}" for number in range(10)]
    one, other = item(args=words), item(args=[*words[:-1], "--pool-namespace=two"])
    (change,) = changes(one, other)
    assert str(change).splitlines() == [
        "~ ConfigMap demo/x args:",
        f"    - {words[-1]}",
        "    + --pool-namespace=two",
    ]


def test_a_field_an_object_and_its_end() -> None:
    one, other = item(data={"a": "1"}), item(data={"a": "2", "b": "3"})
    assert list(map(str, changes(one, other))) == [
        '~ ConfigMap demo/x data.a: "1" -> "2"',
        '~ ConfigMap demo/x data.b: (none) -> "3"',
    ]
    assert list(map(str, changes(None, one))) == ["+ ConfigMap demo/x"]
    assert list(map(str, changes(one, None))) == ["- ConfigMap demo/x"]
    assert changes(None, None) == []


def test_lists_of_named_things_are_compared_by_name() -> None:
    one = item(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    other = item(env=[{"name": "B", "value": "3"}, {"name": "C", "value": "4"}])
    assert [change.path for change in changes(one, other)] == ["env[A]", "env[B].value", "env[C]"]


def test_of_a_script_only_the_lines_that_differ_are_shown() -> None:
    (change,) = changes(item(args=["a\nb\nc"]), item(args=["a\nx\nc"]))
    assert str(change) == "~ ConfigMap demo/x args:\n    - b\n    + x"


def test_a_long_value_is_cut() -> None:
    (change,) = changes(item(a="x"), item(a="y" * 1000))
    assert len(str(change)) < 200


def test_secrets_are_masked() -> None:
    found = changes(
        item("Secret", data={"key": "b25l"}, type="a"),
        item("Secret", data={"key": "dHdv"}, type="b"),
    )
    assert found == [
        Change("Secret demo/x", "data.key", MASK, MASK),
        Change("Secret demo/x", "type", "a", "b"),
    ]


def test_a_secret_that_comes_or_goes_is_masked_too() -> None:
    one, other = item("Secret"), item("Secret", data={"key": "b25l"})
    masked = {"key": MASK}
    assert changes(one, other) == [Change("Secret demo/x", "data", None, masked)]
    assert changes(other, one) == [Change("Secret demo/x", "data", masked, None)]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ([("HF_TOKEN", "a1")], [("HF_TOKEN", "b2")], '[HF_TOKEN].value: "***" -> "***"'),
        ([("A", "a1")], [("A", "b2")], '[A].value: "a1" -> "b2"'),
        ([("A", "1")], [("A", "1"), ("api_key", "b2")], '{"name": "api_key", "value": "***"}'),
        ([], [("api_key", "b2")], '[{"name": "api_key", "value": "***"}]'),
        ([("HF_TOKEN", "a1")], [("HF_TOKEN", "a1")], ""),
    ],
)
def test_variables_whose_names_say_so_are_masked(
    one: list[tuple[str, str]], other: list[tuple[str, str]], told: str
) -> None:
    def engine(variables: list[tuple[str, str]]) -> Tree:
        env = [{"name": name, "value": value} for name, value in variables]
        return item(containers=[{"name": "main", "env": env}])

    lines = list(map(str, changes(engine(one), engine(other))))
    assert (len(lines), told in "".join(lines)) == (bool(told), True)


def test_what_kubectl_repeats_of_an_object_is_masked() -> None:
    one, other = item("Secret"), item("Secret")
    repeated = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"b25l"}}'}
    one["metadata"]["annotations"] = repeated
    (change,) = changes(one, other)
    assert "b25l" not in str(change)
    other["metadata"]["annotations"] = dict.fromkeys(repeated, "{}")
    (change,) = changes(one, other)
    assert (change.before, change.after) == (MASK, MASK)


@pytest.mark.parametrize(
    ("sets", "restarts"),
    [
        (["engine.args.max-num-seqs=8"], True),
        (["model.uri=oci://r/other:1"], True),
        (["engine.env.A=x"], True),
        (["engine.podLabels.team=x"], True),
        (["engine.podAnnotations.team=x"], True),
        (["labels.team=x,annotations.team=x,router.podLabels.team=x"], False),
        (["replicas=2"], False),
        (["monitoring.enabled=true"], False),
        ([], False),
    ],
)
def test_downtime_is_where_the_engines_get_another_template(
    sets: list[str], restarts: bool
) -> None:
    one, other = (
        {label(each): each for each in render(load(set=words), Release())} for words in ([], sets)
    )
    found = [change for name in other for change in changes(one.get(name), other[name])]
    assert bool(downtime(found)) is restarts


def test_a_service_that_goes_is_downtime() -> None:
    service = item("LLMInferenceService")
    assert downtime(changes(service, None)) == "LLMInferenceService demo/x would be deleted"


@pytest.mark.parametrize(
    "secret",
    [
        {"engine": {"args": {"hf-token": "s3cret", "seed": 5}}},
        {"engine": {"args": {"api-key": ["s3cret", "it's s3cret", 5301], "seed": 5}}},
        {
            "engine": {
                "args": {"kv-transfer-config": {"password": "s3cret", "a": {"api_key": 5301}}}
            }
        },
        {"engine": {"args": {"revision": "redis://user:s3cret@host/x"}}},
        {"engine": {"env": {"REDIS_URL": "redis://user:s3cret@host/x", "DB_PASS": "s3cret"}}},
    ],
    ids=str,
)
def test_no_secret_of_the_values_is_shown(secret: Tree) -> None:
    other = {"engine": {"args": {"max-num-seqs": 7}, "env": {"A": "b"}}}
    for values in (load(secret), load(secret, other)):
        for one, two in ((Values(), values), (values, Values())):
            told = "".join(
                str(change)
                for before, after in zip(render(one), render(two), strict=True)
                for change in changes(before, after)
            )
            assert MASK in told
            assert not re.search("s3cret|5301", told), told
            assert ("--max-num-seqs 7" in told) is ("max-num-seqs" in told)


def test_a_secret_that_changes_is_said_to() -> None:
    one, two = (load({"engine": {"args": {"hf-token": token}}}) for token in ("s3cret", "s3cret2"))
    (change,) = (
        change
        for before, after in zip(render(one), render(two), strict=True)
        for change in changes(before, after)
    )
    assert str(change).endswith("a secret changes: ***")
