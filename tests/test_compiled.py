"""The templates' compiled code is that of the templates, and is what a render runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import compiled
import jinja2
import pytest

from dsv4deploy import load, render
from dsv4deploy.manifest import render as rendering
from dsv4deploy.manifest.render import KINDS, environment

ALL = load({"maas": {"enabled": True}, "monitoring": {"enabled": True}})


def test_the_code_is_that_of_the_sources(tmp_path: Path) -> None:
    # In a process of its own, which has compiled no condition yet.
    subprocess.run([sys.executable, compiled.__file__, tmp_path / "compiled.py"], check=True)
    current = (tmp_path / "compiled.py").read_text("utf-8") == compiled.FILE.read_text("utf-8")
    assert current, "run .venv/bin/python tests/compiled.py"


def test_no_template_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("a template is compiled")

    monkeypatch.setattr(jinja2.Environment, "compile", refuse)
    for kind in KINDS:
        assert environment().get_template(f"{kind}.yaml").name == f"{kind}.yaml"


def test_a_template_without_code_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render(ALL)
    monkeypatch.setattr(rendering, "COMPILED", {})
    rendering._templates.cache_clear()
    assert render(ALL) == objects
    rendering._templates.cache_clear()
    assert len(objects) > 10
