"""Installs the package as the README says, in a clean environment, and uses it from elsewhere.

``python3 tests/package.py`` takes the README's own commands, so that they can't go stale.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from run import ROOT, run


def readme_block(language: str) -> str:
    """The README's first code block in a language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block, f"the README has no {language} block"
    return block.group(1)


def main() -> None:
    """Fails where the installed package lacks something or a command of the README fails."""
    with tempfile.TemporaryDirectory() as name:
        elsewhere = Path(name)
        run(sys.executable, "-m", "venv", elsewhere / "venv")
        os.environ["PATH"] = f"{elsewhere / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"

        commands = [
            line for line in readme_block("console").splitlines() if "git clone" not in line
        ]
        assert any(line.startswith("pip install .") for line in commands)
        run("bash", "-euc", "\n".join(commands))

        # Away from the checkout only what was installed can answer.
        for command in (
            ("dsv4deploy", "render", "-o", "manifest.yaml"),
            ("dsv4deploy", "profiles", "show", "ascend-910b4-8-w4a8"),
            ("dsv4deploy", "explain", "engine.args.max-num-seqs"),
            ("dsv4deploy", "completion", "bash"),
            ("python", "-W", "error", "-c", readme_block("python")),
        ):
            print("$", *command[:3], flush=True)
            subprocess.run(command, cwd=elsewhere, check=True, stdout=subprocess.DEVNULL)
        manifest = (elsewhere / "manifest.yaml").read_text(encoding="utf-8")
        assert manifest.count("kind: LLMInferenceService\n") == 1
        print("the installed package does what the README says")


if __name__ == "__main__":
    main()
