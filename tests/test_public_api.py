"""What ``import dsv4deploy`` offers, and what it does not drag in."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from importlib.resources import files
from typing import Any

import pytest
from pydantic import ValidationError

import dsv4deploy
from dsv4deploy import Values, load


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
