"""What the real endpoint picker makes of the router's arguments, for every profile.

hermes-router is built on the picker of the Gateway API Inference Extension. It logs its flags and
loads its configuration before it connects to an API server; here there is none, and it ends. v1.3.1
and v1.4.0 reject the published configuration: core-metrics-extractor has this name from v1.5.0 on.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import control_plane
import pytest
from cluster.software import EXTENSION
from parts import go_program

from dsv4deploy import Release, load, render
from dsv4deploy.values.profiles import profile_names


@pytest.mark.parametrize("profile", profile_names())
def test_the_picker_loads_its_configuration_and_reads_two_words_as_true(
    profile: str, tmp_path: Path
) -> None:
    values = load(profile=profile)
    # It is in the service, or in a preset of its own.
    routers = [
        item["spec"]["router"]["scheduler"]
        for item in render(values, Release(namespace="demo"))
        if item["kind"].startswith("LLMInferenceService")
    ]
    (router,) = next(each["template"]["containers"] for each in routers if each)
    config = tmp_path / "kubeconfig"
    nowhere = f"http://127.0.0.1:{control_plane.free_port()}"
    config.write_text(control_plane.kubeconfig(nowhere, tmp_path, {"router": "token"}))
    done = subprocess.run(
        [go_program(EXTENSION, "cmd/epp"), *router["args"]],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={"KUBECONFIG": str(config)},
        timeout=60,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line[:1] == "{"]
    said = {line["msg"]: line for line in lines}
    assert "loaded configuration from file/text successfully" in said
    flags = said["Flags processed"]["flags"]
    wanted = {
        "pool-name": f"{values.name}-inference-pool",
        "pool-namespace": "demo",
        "pool-group": "inference.networking.k8s.io",
        "v": values.router.verbosity,
        # The opposite of what the two words of the validated manifest say (rule router-booleans).
        "tracing": not values.router.one_word_booleans,
        "metrics-endpoint-auth": not values.router.one_word_booleans,
    }
    assert {name: flags[name] for name in wanted} == wanted
