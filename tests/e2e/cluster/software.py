"""The images of a cluster's software and of a deployment, made of programs that are built here.

Two differ from what their names promise: Envoy is 1.38.3 from PyPI, where Envoy Gateway 1.8.1 names
1.38.1, and hermes-router is the endpoint picker of the Gateway API Inference Extension, on which it
is built. The engine is :mod:`.engine`, and a ModelCar has an empty model.
"""

from __future__ import annotations

from pathlib import Path

from parts import go_build, go_program, program

from dsv4deploy import load
from dsv4deploy.manifest.images import references
from dsv4deploy.values.profiles import profile_names

from .images import PATH, Image, go, layer, programs, save, shell, system

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent.parent / "dsv4deploy"
KSERVE = "github.com/kserve/kserve"
EXTENSION = "sigs.k8s.io/gateway-api-inference-extension@v1.5.0"


# KServe's oldest and newest release that are supported.
OLDEST, NEWEST = "v0.17.0", "v0.20.0"


def archive(target: Path, kserve: str) -> Path:
    """Writes the images of all that runs in a cluster to an archive."""
    controllers = {
        "local/coredns:1": ("coredns", go_build("kube", "coredns")),
        "registry.k8s.io/lws/lws:v0.7.0": ("manager", go_build("kube", "cmd")),
        f"docker.io/kserve/llmisvc-controller:{kserve}": (
            "manager",
            go_program(f"{KSERVE}@{kserve}", "cmd/llmisvc"),
        ),
        "docker.io/envoyproxy/gateway:v1.8.1": (
            "usr/local/bin/envoy-gateway",
            go_build("ai-gateway", "envoy-gateway"),
        ),
        "docker.io/envoyproxy/ai-gateway-controller:latest": (
            "app",
            go_build("ai-gateway", "controller"),
        ),
        "docker.io/envoyproxy/ai-gateway-extproc:latest": (
            "app",
            go_build("ai-gateway", "extproc"),
        ),
        "docker.io/envoyproxy/ratelimit:60d8e81b": (
            "bin/ratelimit",
            go_build("ratelimit", "service_cmd"),
        ),
    }
    own = {name: go(path, binary) for name, (path, binary) in controllers.items()}
    own["docker.io/envoyproxy/envoy:distroless-v1.38.1"] = _envoy()
    own["docker.io/library/redis:8.2.4-alpine3.22"] = _redis()
    save(target, own | _pause() | _deployment())
    return target


def of_a_second_node(target: Path) -> Path:
    """Writes the images of a node on which nothing but deployments run to an archive."""
    save(target, _pause() | _deployment())
    return target


def _pause() -> dict[str, Image]:
    pause = layer({"pause": go_build("kube", "pause")})
    return {"local/pause:1": Image([pause], {"Entrypoint": ["/pause"], "User": "65535:65535"})}


def _envoy() -> Image:
    import envoy

    binary = Path(envoy.__file__).parent / "_bin" / "envoy"
    binary.chmod(0o755)
    # Only its libraries are at paths of this machine.
    files = {name: file for name, file in programs(binary).items() if file != binary}
    files["usr/local/bin/envoy"] = binary
    return Image(
        [layer(files, ["tmp"])],
        {"Entrypoint": ["/usr/local/bin/envoy"], "User": "65532:65532"},
    )


def _redis() -> Image:
    files = programs(Path(program("redis-server")), Path(program("redis-cli")))
    server = ["/usr/bin/redis-server", "--save", "", "--dir", "/tmp", "--protected-mode", "no"]
    return Image([layer(files, ["tmp"])], {"Entrypoint": server, "Env": ["PATH=/usr/bin"]})


def _deployment() -> dict[str, Image]:
    """What the shipped profiles name."""
    base = system()
    start = b"from engine import main\n\nmain()\n"
    toolkit = "usr/local/Ascend/ascend-toolkit/set_env.sh"
    # Without its __init__, which imports what is not needed here.
    code = [path for path in PACKAGE.iterdir() if path.name != "__init__.py"]
    engine = {
        **{f"opt/engine/dsv4deploy/{path.name}": path for path in code},
        "opt/engine/engine.py": HERE / "engine.py",
        "opt/engine/vllm/entrypoints/openai/api_server.py": start,
        "usr/local/bin/vllm": b"#!/usr/bin/env python3\n" + start,
        toolkit: b"export ASCEND_HOME_PATH=/usr/local/Ascend/ascend-toolkit/latest\n",
    }
    picker = go_program(EXTENSION, "cmd/epp")
    # The same presets start it by this path.
    router = {"Entrypoint": ["/app/epp"], "User": "65532"}
    made = {
        "engine.image": shell(base, engine, Env=[PATH, "PYTHONPATH=/opt/engine"]),
        "model.uri": shell(base, {"models/config.json": b"{}\n"}),
        "router.image": Image([base, layer({"app/epp": picker})], router),
        "test.image": shell(base, {}),
    }
    # KServe's presets from 0.19 on put it beside the router.
    tokenizer = ["python3", "-m", "http.server", "8082", "--directory", "/srv"]
    beside = shell(base, {"srv/healthz": b"ok"}, Entrypoint=tokenizer, User="65532")
    named = [references(load(profile=name)) for name in profile_names()]
    found = {each[path]: image for each in named for path, image in made.items()}
    return {**found, "ghcr.io/llm-d/llm-d-uds-tokenizer:vllm-v0.19.1": beside}
