"""A user's first hour at a terminal, from the profiles to the model's answer.

The transcript is an artifact, build/session.txt; docs/session.md shows one.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

from cluster.nodes import Cluster
from cluster.terminal import Terminal, terminal
from control_plane import until

ROOT = Path(__file__).resolve().parent.parent.parent
TRANSCRIPT, PAGE = ROOT / "build" / "session.txt", ROOT / "docs" / "session.md"
VALUES = """\
name: chat
engine:
  args:
    max-num-seqs: 8
    max-num-batched-tokens: 4096
npu:
  nodeSelector:
    node.kubernetes.io/npu.chip.name: 910B4
"""


def test_the_first_hour_ends_with_the_model_s_answer(real: Cluster, tmp_path: Path) -> None:
    (tmp_path / "my-values.yaml").write_text(VALUES)
    with terminal(real, tmp_path) as here:
        try:
            answer = json.loads(_first_hour(here))
            assert answer["model"] == "gdydems/DeepSeek-V4-Flash-w4a8-mtp"
            assert answer["choices"][0]["message"]["content"]
            assert _typed(PAGE.read_text("utf-8")) == _typed(here.transcript)
        finally:
            TRANSCRIPT.parent.mkdir(exist_ok=True)
            TRANSCRIPT.write_text(here.transcript, "utf-8")
            here.type("dsv4deploy delete my-values.yaml -n prod --yes", 300)
    until("its pods are gone", lambda: not real.list("pods", "prod"))


def _typed(text: str) -> list[str]:
    """The first two words of each command in a transcript, without an address."""
    return re.findall(r"^\$ (\S+ [^\s:]+)", text, re.MULTILINE)


def _first_hour(here: Terminal) -> str:
    """Types what the tools advise; the model's answer."""
    assert "ascend-910b4-8-w4a8 " in here.type("dsv4deploy profiles --hardware 910B4")
    here.type("cat my-values.yaml")
    assert "1 warning from your values" in here.type("dsv4deploy check my-values.yaml")
    assert "910B4 at 0.9: tight" in here.type("dsv4deploy plan my-values.yaml --request 8K")
    examined = here.type("dsv4deploy doctor my-values.yaml -n prod", 300)
    (fix,) = re.findall(r"there is no namespace prod\n  fix: (.*)", examined)
    here.type(fix)
    applied = here.type("dsv4deploy apply my-values.yaml -n prod --wait", 900)
    assert (
        "chat: 2 objects written, ready; service chat in namespace prod is running: "
        "revision 1 (deployed)" in applied
    )
    (curl,) = re.findall(r"^  curl .*(?:\n    .*)*", applied, re.MULTILINE)
    return here.type(textwrap.dedent(curl))
