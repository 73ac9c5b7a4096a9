"""Values laid on each other as Helm lays them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dsv4deploy import load

Tree = dict[str, Any]
QUOTA = {"tokens": 1, "unit": "Day", "count": "total"}


def _at(path: str, value: Any) -> Tree:
    """A document with one value at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("sources", "path", "value"),
    [
        ([{"replicas": 2}, {"replicas": 3}], "replicas", 3),
        ([{"engine": {"port": 1}}, {"engine": {"image": "a/b"}}], "engine.port", 1),
        ([{"engine": {"shell": ["a", "b"]}}, {"engine": {"shell": ["c"]}}], "engine.shell", ("c",)),
        ([{"engine": {"env": {"NEW": "1"}}}], "engine.env.HOME", "/home"),
        ([{"engine": {"env": {"HOME": None}}}], "engine.env.HOME", KeyError),
        ([{"engine": {"env": {"NEW": None}}}], "engine.env.NEW", KeyError),
        *(
            ([_at(path, value), _at(path, None)], path, KeyError)
            for path, value in (
                ("npu.nodeSelector.npu", "910B4"),
                ("npu.tolerations.npu", {"operator": "Exists", "value": "", "effect": ""}),
                ("labels.team", "a"),
                ("router.podAnnotations.note", "a"),
                ("engine.env.NEW", "a"),
                ("engine.envFromPod.POD_IP", "status.podIP"),
                ("engine.extraVolumes.cache", {"emptyDir": {}}),
                ("engine.extraVolumes.cache.emptyDir", {}),
                ("engine.affinity.nodeAffinity", {}),
                ("extraObjects.site", {"apiVersion": "v1", "kind": "ConfigMap"}),
                ("maas.quotas.minute", {"tokens": 1, "unit": "Minute", "count": "total"}),
                ("maas.tiers.gold", {"clients": ["a"], "quotas": {"day": QUOTA}}),
            )
        ),
        (
            [
                _at("maas.tiers.gold", {"clients": ["a"], "quotas": {"day": QUOTA, "hour": QUOTA}}),
                _at("maas.tiers.gold.quotas.day", None),
            ],
            "maas.tiers.gold.quotas.day",
            KeyError,
        ),
        ([{"engine": {"env": None}}, {"engine": {"env": {"HOME": "x"}}}], "engine.env.HOME", "x"),
        ([{"maas": {"quotas": {"hour": None}}}], "maas.quotas.hour", KeyError),
        (
            [{"engine": {"args": {"additional-config": {"x": 1}}}}],
            "engine.args.additional-config.enable_cpu_binding",
            True,
        ),
        (
            [{"engine": {"args": {"additional-config": {"enable_cpu_binding": None}}}}],
            "engine.args.additional-config.enable_cpu_binding",
            KeyError,
        ),
        ([{"engine": {"args": {"chat-template": None}}}], "engine.args.chat-template", KeyError),
        ([{"engine": {"args": {"seed": None}}}], "engine.args.seed", None),
        ([{"engine": {"args": {"seed": 1}}}, {"engine": {"args": {"seed": None}}}], *(
            "engine.args.seed",
            None,
        )),
        ([{"global": {"any": [1]}}], "global", {"any": [1]}),
        ([{"replicas": 2.0}], "replicas", 2),
    ],
)  # fmt: skip
def test_sources_merge_as_helm_merges_them(sources: list[Tree], path: str, value: Any) -> None:
    tree: Any = load(*sources).model_dump(by_alias=True)
    *above, last = path.split(".")
    for key in above:
        tree = tree[key]
    if value is KeyError:
        assert last not in tree
    else:
        assert tree[last] == value


def test_a_caller_s_mapping_is_left_as_it_was() -> None:
    mine: Tree = {"engine": {"shell": ("bash", "-c"), "env": {"A": "1"}}}
    before = copy.deepcopy(mine)
    load(mine, {"engine": {"env": {"A": "2"}}}, set=["engine.env.B=x", "engine.shell[0]=zsh"])
    assert mine == before
