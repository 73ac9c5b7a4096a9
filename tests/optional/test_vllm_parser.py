"""Every profile's command lines, given to vLLM's own parser and config classes.

Not part of the other tests: vLLM and torch take 5 GB. Install vLLM 0.22.1 (no GPU is needed), then

    DSV4DEPLOY_VLLM_PYTHON=…/bin/python python tests/run.py tests/optional
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from dsv4deploy import load, render
from dsv4deploy.values.profiles import profile_names

# vLLM finds no device here, so it is told to take the CPU. `vllm serve MODEL` and the server's
# module have one parser; only the first takes the model by its place, and --headless.
PROGRAM = """
import json, sys
import vllm.platforms
from vllm.platforms.cpu import CpuPlatform
vllm.platforms._current_platform = CpuPlatform()
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.openai.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

for name, words in json.load(sys.stdin).items():
    try:
        namespace = make_arg_parser(FlexibleArgumentParser()).parse_args(words)
        validate_parsed_serve_args(namespace)
        arguments = AsyncEngineArgs.from_cli_args(namespace)
        told = [arguments.tensor_parallel_size, arguments.max_num_seqs]
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}"
    print("RESULT", json.dumps([name, told]))
"""


def command_lines(template: Path) -> dict[str, tuple[list[str], list[int]]]:
    """The server's words of each profile's pods, and what vLLM must make of them."""
    lines = {}
    for name in profile_names():
        values = load(profile=name)
        service = next(item for item in render(values) if item["kind"] == "LLMInferenceService")
        for role in ("template", "worker"):
            pod = service["spec"].get(role)
            if not pod:
                continue
            script = pod["containers"][0]["args"][0].replace("\\\n", " ")
            words = shlex.split(script[script.index("exec ") :])
            words = words[words.index("--port") :]
            if "--chat-template" in words:
                # The file is part of the image.
                words[words.index("--chat-template") + 1] = str(template)
            limits = [values.parallelism.tensor, values.engine.args.max_num_seqs]
            lines[f"{name} {role}"] = (words, limits)
    return lines


def test_vllm_s_own_parser_takes_every_profile_s_command_lines(tmp_path: Path) -> None:
    python = os.environ.get("DSV4DEPLOY_VLLM_PYTHON")
    if not python:
        pytest.fail("DSV4DEPLOY_VLLM_PYTHON names no Python with vLLM 0.22.1")
    template = tmp_path / "template.jinja"
    template.write_text("{{ messages }}")
    lines = command_lines(template)
    done = subprocess.run(
        [python, "-c", PROGRAM],
        input=json.dumps({name: words for name, (words, _) in lines.items()}),
        capture_output=True,
        text=True,
        check=False,
    )
    told = dict(
        json.loads(line.removeprefix("RESULT "))
        for line in done.stdout.splitlines()
        if line.startswith("RESULT ")
    )
    assert told == {name: limits for name, (_, limits) in lines.items()}, done.stderr[-2000:]
