"""``--set``, ``--set-string`` and ``--set-json``, read as Helm reads them."""

from __future__ import annotations

from typing import Any

import pytest

from dsv4deploy import ValuesError, load


@pytest.mark.parametrize(
    ("option", "text", "path", "value"),
    [
        ("set", "engine.args.seed=8", "seed", 8),
        ("set", "engine.args.seed=-8", "seed", -8),
        ("set", "engine.args.seed=+8", "seed", 8),
        ("set", "engine.args.seed=0", "seed", 0),
        ("set", "engine.args.seed=007", "seed", "007"),
        ("set", "engine.args.seed=0.5", "seed", "0.5"),
        ("set", "engine.args.seed=1e3", "seed", "1e3"),
        ("set", "engine.args.seed=99999999999999999999", "seed", "99999999999999999999"),
        ("set", "engine.args.seed=true", "seed", True),
        ("set", "engine.args.seed=FALSE", "seed", False),
        ("set", "engine.args.seed=null", "seed", None),
        ("set", "engine.args.seed=", "seed", ""),
        ("set", "engine.args.seed=a=b", "seed", "a=b"),
        ("set", "engine.args.seed=a\\,b", "seed", "a,b"),
        ("set", "engine.args.seed=a b", "seed", "a b"),
        ("set", "replicas=2,engine.args.seed=x", "seed", "x"),
        ("set", "engine.args.seed={a,1}", "seed", ("a", 1)),
        ("set", "engine.args.seed={a},replicas=2", "seed", ("a",)),
        ("set", "engine.args.x.y=1", "x", {"y": 1}),
        ("set", "engine.args.seed[0]=b", "seed", ("b",)),
        ("set_string", "engine.args.seed=8", "seed", "8"),
        ("set_string", "engine.args.seed=true", "seed", "true"),
        ("set_json", "engine.args.seed=8", "seed", 8),
        ("set_json", 'engine.args.seed="8"', "seed", "8"),
        ("set_json", "engine.args.seed= [1, 2] ,replicas=2", "seed", (1, 2)),
        ("set_json", "engine.args.seed=0.5", "seed", 0.5),
        ("set_json", "engine.args.seed=-0", "seed", -0.0),
        ("set", "engine.args.seed=-0", "seed", 0),
        ("set_json", "engine.args.seed=,replicas=2", "seed", None),
        ("set_json", 'engine.args={"seed": {"a": [null]}}', "seed", {"a": (None,)}),
        ("set_json", "engine.args.seed=1 replicas=2", "seed", 1),
        ("set", "engine.args.seed=a\\", "seed", "a"),
        ("set", "engine.args.seed=falſe", "seed", False),
        ("set", "engine.args.seed=-007", "seed", -7),
        ("set", "engine.args.seed[+0]=b", "seed", ("b",)),
        ("set", "engine.args.seed[-0]=b", "seed", ("b",)),
        ("set", "engine.args.seed[00000000000000000000000000]=b", "seed", ("b",)),
        ("set", "engine.args.seed=x,engine.imagePullSecrets[0]", "seed", "x"),
        ("set", "engine.args.seed=x,engine.", "seed", "x"),
    ],
)
def test_settings_are_read_as_helm_reads_them(
    option: str, text: str, path: str, value: Any
) -> None:
    extra = load(**{option: [text]}).engine.args.__pydantic_extra__
    assert extra[path] == value
    assert type(extra[path]) is type(value) or isinstance(value, dict)


def test_a_list_is_filled_up_with_null_as_helm_does() -> None:
    with pytest.raises(ValuesError, match=r"engine\.args\.seed\.0: "):
        load(set=["engine.args.seed[1]=b"])


@pytest.mark.parametrize(
    ("option", "text", "complaint"),
    [
        ("set", "replicas", "replicas has no value"),
        ("set", "a.b", "b has no value"),
        ("set", "a,b=1", "a has no value"),
        ("set", "engine.shell={a", "the list has no closing }"),
        ("set", "engine.shell[x]=a", "[x is not the index of a list"),
        ("set", "engine.shell[-1]=a", "[-1 is not the index of a list"),
        (
            "set",
            "engine.shell[70000]=a",
            "the index 70000 is more than 16 past the end of the list",
        ),
        ("set", "a[000000000199999999]=1", "the index 199999999 is more than 16 past the end"),
        ("set", "engine.shell[99999999999999999999]=a", "is not the index of a list"),
        ("set", "engine.shell[²]=a", "[² is not the index of a list"),
        ("set", "engine.shell[0]=a,engine.shell[0][0]=b", "item 0 is not a list"),
        ("set", "engine.args.seed=\udcff", "not UTF-8 text"),
        ("set", "engine.shell[0]x=a", "x follows the index"),
        ("set", "engine.port.x=1,engine.port=2,engine.port.y=3", "port is not a map"),
        ("set", "engine.port=1,engine.port[0]=2", "port is not a list"),
        ("set", f"{'a.' * 40}b=1", "more than 30 levels"),
        ("set_json", "replicas=", ""),
        ("set_json", "replicas=NaN", "NaN is not JSON"),
        ("set_json", "replicas=1 2", "2 has no value"),
        ("set_json", "replicas=1.", "a number is not a whole number"),
        ("set_json", "replicas=2e", "a number is not a whole number"),
        ("set_json", "global.x=1e400", "the number 1e400 is too large"),
        ("set_json", '{"replicas": 1}', "only Helm 3.18 and later read a whole object"),
        ("set_json", "replicas={", "in single quotes"),
        ("set_json", "{", "in single quotes"),
    ],
)
def test_a_broken_setting_is_named_with_the_way_to_write_it(
    option: str, text: str, complaint: str
) -> None:
    with pytest.raises(ValuesError) as caught:
        load(**{option: [text]})
    told = str(caught.value)
    assert told.startswith(f"--{option.replace('_', '-')} {text}: ")
    assert complaint in told
