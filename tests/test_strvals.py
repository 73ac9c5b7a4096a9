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
        ("set_json", '{"engine": {"args": {"seed": {"a": [null]}}}}', "seed", {"a": (None,)}),
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
        ("set", "engine.shell[70000]=a", "the index 70000 is above 65536"),
        ("set", "engine.shell[0]x=a", "x stands behind the index"),
        ("set", "engine.port.x=1,engine.port=2,engine.port.y=3", "port is not a map"),
        ("set", "engine.port=1,engine.port[0]=2", "port is not a list"),
        ("set", f"{'a.' * 40}b=1", "more than 30 levels"),
        ("set_json", "replicas=", ""),
        ("set_json", "replicas=NaN", "NaN is not JSON"),
        ("set_json", "replicas=1 2", "a value must end with a comma"),
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
