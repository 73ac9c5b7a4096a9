"""A user's first hour on a terminal, from the profiles to the model's answer.

The transcript is in build/session.txt; the one in docs/session.md was recorded by this test.
"""

from __future__ import annotations

from pathlib import Path

from cluster.nodes import Cluster
from cluster.terminal import Terminal, terminal

ROOT = Path(__file__).resolve().parent.parent.parent
TRANSCRIPT = ROOT / "build" / "session.txt"
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
    with terminal(real, tmp_path) as opened:
        try:
            _first_hour(opened)
        finally:
            TRANSCRIPT.parent.mkdir(exist_ok=True)
            TRANSCRIPT.write_text(f"{opened.transcript}\n", "utf-8")
            opened.type("dsv4deploy delete my-values.yaml -n prod --yes", 300)


def _first_hour(here: Terminal) -> None:
    assert "ascend-910b4-8-w4a8 " in here.type("dsv4deploy profiles --hardware 910B4")
    here.type("cat my-values.yaml")
    assert "0 errors" in here.type("dsv4deploy check my-values.yaml")
