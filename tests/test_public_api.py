"""What ``import dsv4deploy`` offers, and what it does not drag in."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import pytest
from pydantic import ValidationError

import dsv4deploy
from dsv4deploy import Values, ValuesError, check, load, render
from dsv4deploy.findings import errors
from dsv4deploy.values.profiles import profile_names


def test_the_names_are_sorted_and_there_and_documented() -> None:
    assert dsv4deploy.__all__ == sorted(dsv4deploy.__all__)
    for name in dsv4deploy.__all__:
        assert inspect.getdoc(getattr(dsv4deploy, name)), name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'loda'"):
        dsv4deploy.loda  # noqa: B018


def test_the_package_is_typed() -> None:
    assert (files("dsv4deploy") / "py.typed").is_file()


@pytest.mark.parametrize(
    "change",
    [
        lambda values: setattr(values, "replicas", 2),
        lambda values: setattr(values.engine.args, "max_num_seqs", 2),
        lambda values: values.engine.env.update(A="1"),
        lambda values: values.engine.env.__setitem__("A", "1"),
        lambda values: values.engine.env.__ior__({"A": "1"}),
        lambda values: values.engine.args.__pydantic_extra__["additional-config"].pop("x"),
        lambda values: values.engine.imagePullSecrets.append("x"),
    ],
)
def test_values_are_frozen_all_the_way_down(change: Any) -> None:
    values = load(profile="ascend-910b4-8-w4a8")
    with pytest.raises((ValidationError, TypeError, AttributeError)):
        change(values)
    assert values == Values()


def test_values_are_changed_by_replacing_and_what_is_replaced_is_validated() -> None:
    values = load(profile="ascend-910b3-8-w8a8")
    changed = values.replace({"engine": {"args": {"max-num-seqs": 8}, "env": {"A": "1"}}})
    assert changed == load(
        profile="ascend-910b3-8-w8a8",
        set=["engine.args.max-num-seqs=8"],
        set_string=["engine.env.A=1"],
    )
    assert changed.replace({"engine": {"args": {"max-num-seqs": 32}, "env": {"A": None}}}) == values
    assert values.replace({}) == values
    with pytest.raises(ValuesError, match=r"values: replicas: must be a whole number, not \"2\""):
        values.replace({"replicas": "2"})
    with pytest.raises(ValuesError, match="did you mean replicas"):
        values.replace({"replica": 2})
    with pytest.raises(ValuesError, match="name: null cannot remove this value"):
        values.replace({"name": None})


@pytest.mark.parametrize("name", profile_names())
def test_an_entry_that_a_profile_has_taken_away_stays_away(name: str) -> None:
    values = load(profile=name)
    assert values.replace({}) == values
    assert values.replace({"name": "chat"}).replace({"name": values.name}) == values


def test_render_refuses_what_check_finds_an_error_in() -> None:
    values = load(set=["engine.args.block-size=96"])
    wrong = errors(check(values))
    assert wrong
    with pytest.raises(ValuesError) as told:
        render(values)
    assert list(told.value.findings) == wrong
    assert render(values, unchecked=True)[0]["kind"] == "LLMInferenceServiceConfig"


def test_no_exported_name_is_a_module_too() -> None:
    for name in dsv4deploy.__all__:
        assert find_spec(f"dsv4deploy.{name}") is None


def test_values_can_be_copied_and_pickled() -> None:
    assert pickle.loads(pickle.dumps(Values())) == Values()
    assert copy.deepcopy(Values()) == Values()


def test_a_cold_render_imports_only_what_it_needs() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['dsv4deploy', 'render']\n"
        "from dsv4deploy.cli import main\n"
        "main()\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "dsv4deploy.manifest.render" in loaded
    unused = {"asyncio", "difflib", "kubernetes", "jsonschema", "ruamel", "tabulate", "yaml"}
    assert not loaded & unused


def test_help_needs_neither_values_nor_templates() -> None:
    program = (
        "import sys\n"
        "from dsv4deploy.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "assert not {'pydantic', 'jinja2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
