"""vale on every text that a person reads, with the word list of docs/style.md as its rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prose import ROOT, mirror

Alerts = dict[str, list[dict[str, Any]]]
Vale = Callable[[Path], Alerts]


@pytest.fixture(scope="session")
def vale(go_build: Callable[..., Path]) -> Vale:
    """What vale reports about a folder's files, by file."""
    program = go_build("vale", cgo=True)

    def alerts(folder: Path) -> Alerts:
        shutil.copy(ROOT / ".vale.ini", folder)
        shutil.copytree(ROOT / "tests" / "vale", folder / "tests" / "vale")
        done = subprocess.run(
            [program, "--output", "JSON", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        found: Alerts = json.loads(done.stdout)
        return found

    return alerts


def test_every_text_follows_the_style_guide(vale: Vale, tmp_path: Path) -> None:
    assert mirror(tmp_path) > 200
    found = [
        f"{file.removesuffix('.md')}:{alert['Line']}: {alert['Message']}"
        for file, alerts in vale(tmp_path).items()
        for alert in alerts
    ]
    assert not found, "\n".join(found)


def test_every_entry_of_the_word_list_is_a_rule(vale: Vale, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "style.md").read_text("utf-8")
    wrong = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)[1:]
    assert len(wrong) > 15
    for number, text in enumerate(wrong):
        (tmp_path / f"{number}.md").write_text(f"{text}\n", "utf-8")
    silent = {*range(len(wrong))} - {int(file.removesuffix(".md")) for file in vale(tmp_path)}
    assert not silent, [wrong[number] for number in silent]


@pytest.mark.parametrize(
    ("name", "source", "line", "text"),
    [
        ("python", '"""A module."""\nwhy = f"the {x} is told " "what to do"\n', 2, "told what to"),
        ("python", 'def f():\n    """One.\n\n    Two is told of it.\n    """\n', 4, "told of it"),
        ("yaml", "a:\n  fix: mend it\n", 2, "mend it"),
        ("yaml", "a: b # whoever asks\n", 1, "whoever asks"),
        ("template", "{% if x %}\n<p>Whoever\n{% endif %}\n", 2, "Whoever"),
    ],
)
def test_a_text_keeps_its_line(name: str, source: str, line: int, text: str) -> None:
    import prose

    found = [at for at, words in getattr(prose, name)(source) if text in words]
    assert found == [line]
