"""A command that takes aiperf's arguments and leaves files as aiperf does; it measures nothing.

The real one is run in tests/e2e: its packages would not fit into these tests' minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = """\
import json, os, sys, tempfile, time
from pathlib import Path

def app():
    words = sys.argv[1:]
    folder = Path(words[words.index("--output-artifact-dir") + 1])
    log = Path(os.environ["FAKE_AIPERF"])
    key = words[words.index("--api-key") + 1] if "--api-key" in words else ""
    line = Path("/proc/self/cmdline").read_bytes().decode().split("\\0")
    told = {"words": words, "key": key, "line": line, "pid": os.getpid()}
    told["scratch"] = tempfile.mkdtemp()
    with log.open("a") as file:
        file.write(json.dumps(told) + "\\n")
    behave = os.environ.get("FAKE_BEHAVE", "")
    if behave == "fail":
        sys.exit("the fake has failed")
    refused = {"error": {"code": 401, "type": "Unauthorized"}} if behave == "refused" else {}
    (folder / "profile_export.jsonl").write_text((json.dumps(refused) + "\\n") * 3)
    (folder / "inputs.json").write_text("{}")
    while behave == "hang":
        time.sleep(0.05)
    if behave == "torn":
        (folder / "profile_export.jsonl").write_text('{"error": ')
    summary = {"was_cancelled": behave == "cancelled"}
    (folder / "profile_export_aiperf.json").write_text(json.dumps(summary))
    os._exit(0)  # as aiperf ends
"""


def install(folder: Path, version: str = "0.7.0") -> Path:
    """An environment with nothing but the fake; the path of its ``aiperf``.

    It notes each of its runs in the file that FAKE_AIPERF names, and behaves as FAKE_BEHAVE says.
    """
    library, programs = folder / "lib" / "aiperf", folder / "bin"
    library.mkdir(parents=True)
    programs.mkdir()
    (library / "__init__.py").write_text("")
    (library / "cli.py").write_text(_PROGRAM)
    python, command = programs / "python3", programs / "aiperf"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/lib" exec "{sys.executable}" "$@"\n')
    command.write_text(f"#!/bin/sh\necho {version}\n")
    for program in (python, command):
        program.chmod(0o755)
    return command
