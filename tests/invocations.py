"""Invocations of the command line drawn from its own declaration: hostile words, files and places.

They are drawn with :mod:`random`, so that a seed names an invocation.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from documents import HOSTILE, ODD, Case, anything

from dsv4deploy.checks.rules import RULES
from dsv4deploy.cli import cli
from dsv4deploy.values.loading import defaults
from dsv4deploy.values.profiles import profile_names
from dsv4deploy.values.schema import documentation

NUMBERS = (
    *("0", "1", "2", "8", "-1", "1.5", "1e300", "1e-300", "nan", "-nan", "inf", "-inf", "²", "٣"),
    *("9" * 5000, "0x10", "1_000", "", " ", "1e400", "4294967296", "18446744073709551616"),
)
TEXTS = (
    *HOSTILE,
    *("chat", "demo", "prod", "x" * 5000, "-", "--", "-x", "a=b", "a,b", "\udcff", "http://a..b/"),
    *("http://127.0.0.1:9/v1", "http://[::1", "ftp://x", "http://127.0.0.1:999999/", "910B4:8"),
    *("910B4:²", ":", "a:b", "30d", "1h", "-1d", "²d", "9" * 400 + "d", "2026-13-45", "a=b=c"),
    *("engine.args", "engine.args.max-num-seqs", "a.b.c", ".", "..", "no healthy upstream"),
)
URLS = (
    *("http://a..b/", f"http://{'a' * 70}/", "http://x y/", "http://127.0.0.1:0/", "http://a\nb/"),
    *(
        "http://",
        "http://[::1",
        "http://[::1]:x/",
        "http://127.0.0.1:999999/",
        "https://127.0.0.1:9/",
    ),
    *("http://127.0.0.1:9/\udcff", "http://é/", "http://127.0.0.1:9/é", "ftp://x", "//x", "x", ""),
    *("http://u:p@127.0.0.1:9/", "http://127.0.0.1:²/", "http://127.0.0.1:9/?a=b c", "http://x:/"),
)
SETTINGS = (
    *("replicas=2", "engine.args.seed=1", "a[000000000199999999]=1", "a" + "[100]" * 300 + "=1"),
    *("engine.", "engine.shell[0]", "a={", "=", ",", "\\", "a=\\", "global.x=1e400", "{", "[0]=x"),
    *("engine.env.HF_TOKEN=hf_x,nam=x", "engine.shell[²]=x", "a" * 9000, "a." * 40 + "b=1"),
    *('{"a":' * 2000, "a=" + "[" * 20000, "engine.args.x=NaN", "maas.enabled=true", "a=1 b=2"),
    *("model.name=" + text for text in HOSTILE),
    *("engine.env.VLLM_ENGINE_READY_TIMEOUT_S=²", "engine.env.HCCL_BUFFSIZE=" + "9" * 5000),
    *("engine.args.max-num-seqs=2147483647", "engine.args.max-model-len=1048576"),
    *("parallelism.data=2", "kvStore.enabled=true", "engine.resources.limits.memory=1Gi"),
)
MILD_SETTINGS = (
    *("replicas=2", "maas.enabled=true", "kvStore.enabled=true", "monitoring.enabled=true"),
    *("engine.args.max-num-seqs=8", "npu.card=910B3", "router.inline=true", "engine.env.A=$(B)"),
)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
CONTENTS = (
    *(
        b"",
        b"\n",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"\xff\xfe",
        b"\x00",
        b"\xef\xbb\xbfname: a\n",
    ),
    *("name: é\n".encode("utf-16"), "model: {name: é}\n".encode("latin-1"), BOMB.encode()),
    *(b"[" * 50_000, b"{" * 50_000, b"a: 1\n---\nb: 2\n", b"%YAML 1.2\n---\na: 1\n", b"a: ! 1\n"),
    *(b"replicas: " + word for word in (b"1e400", b"0777", b"9" * 5000, b".nan", b"1e1_0", b"+_1")),
    json.dumps({"engine": {f"key{number}": 1 for number in range(3000)}}).encode(),
    json.dumps({"engine": {"args": {f"key{number}": 1 for number in range(3000)}}}).encode(),
    json.dumps({"engine": {"args": {f"key-{number}": 1 for number in range(400)}}}).encode(),
    json.dumps({"x" * 100_000: 1}).encode(),
    b"a: &a [1]\nb: [" + b"*a, " * 20_000 + b"]\n",
    b"Free memory on device (nan/inf GiB)\nAvailable KV cache memory: 1e400 GiB\n",
    b"no healthy upstream\n" * 1000,
)
_LOG = b"""\
INFO 08-21 [worker.py:301] Available KV cache memory: 4.40 GiB
Loading model weights took 19.5 GB
ValueError: Free memory on device (20.1/29.8 GiB) on startup is less than desired GPU memory
"""
ENVIRONMENTS = (
    *({}, {}, {}, {"COLUMNS": "0"}, {"COLUMNS": "-5"}, {"COLUMNS": "x"}, {"COLUMNS": "1"}),
    *({"KUBECONFIG": "hostile.kubeconfig"}, {"KUBECONFIG": ""}),
    *(
        {"HOME": "/nonexistent"},
        {"NO_COLOR": "1"},
        {"DSV4DEPLOY_API_KEY": "\u00e9\n"},
        {"TERM": ""},
    ),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "latin-1", "cp1252", "gbk", "ascii")


@dataclass(frozen=True)
class Invocation:
    """One run of the command line.

    Attributes:
        words: what is typed.
        stdin: what can be read.
        environment: variables that are set.
        encoding: of stdout and stderr.
    """

    words: tuple[str, ...]
    stdin: bytes
    environment: dict[str, str]
    encoding: str


def verbs() -> dict[str, tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, by its words."""
    return {" ".join(words): (words, command) for words, command in _commands(cli, ())}


def _commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner
        yield from _commands(inner, (*words, name))


def drawn(verb: str, seed: int, server: str) -> Invocation:
    """The invocation of a verb with this number; a server that it may ask."""
    rng = random.Random(f"{verb} {seed}")
    words, command = verbs()[verb]
    typed = list(words)
    wild = rng.choice([0.05, 0.05, 0.4])
    for parameter in command.params:
        often = 0.8 if parameter.required or parameter.param_type_name == "argument" else 0.15
        while rng.random() < often:
            typed += _given(rng, parameter, server, wild)
            if not (parameter.multiple or parameter.nargs == -1):
                break
            often /= 2
    if verb == "bench simulate":
        typed += ["--host", "192.0.2.1"]  # It would serve for ever on one of this machine's own.
    if rng.random() < 0.05:
        typed.insert(rng.randrange(len(typed) + 1), rng.choice(["--help", "--no-such", "-", "--"]))
    return Invocation(
        tuple(typed),
        rng.choice([b"", b"y\n", b"n\n", b"\xff\n", rng.choice(CONTENTS)]),
        {"KUBECONFIG": "kubeconfig"} | rng.choice(ENVIRONMENTS),
        rng.choice(ENCODINGS),
    )


def _given(rng: random.Random, parameter: click.Parameter, server: str, wild: float) -> list[str]:
    option = [rng.choice(parameter.opts)] if isinstance(parameter, click.Option) else []
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return option
    word = _wild(rng, parameter) if rng.random() < wild else _mild(rng, parameter, server)
    return [*option, word]


def _wild(rng: random.Random, parameter: click.Parameter) -> str:
    """Anything; but a path stays here, and no other program is run."""
    if isinstance(parameter.type, click.Path):
        return rng.choice(PLACES)
    if parameter.name == "aiperf":
        return "no-such-program"
    if parameter.name in ("set", "set_string", "set_json"):
        return rng.choice(SETTINGS) if rng.random() < 0.6 else _setting(rng)
    if parameter.name == "url" and rng.random() < 0.7:
        return rng.choice(URLS)
    return rng.choice(rng.choice([TEXTS, NUMBERS, SETTINGS]))


def _mild(rng: random.Random, parameter: click.Parameter, server: str) -> str:
    """What a parameter takes, or nearly."""
    kind, name = parameter.type, str(parameter.name)
    if isinstance(kind, click.Path):
        return rng.choice(FITTING.get(name, ("new/file",)))
    if isinstance(kind, click.Choice):
        return rng.choice([str(choice) for choice in kind.choices])
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        return rng.choice(["1", "2", "8", "32"])
    words: dict[str, Sequence[str]] = {
        "set": MILD_SETTINGS,
        "set_string": ["model.name=chat", "engine.env.A=1"],
        "set_json": ["replicas=2", 'engine.args.new-one={"a": [1]}'],
        "profile": profile_names(),
        "code": [rule.code for rule in RULES],
        "ignore": [rule.code for rule in RULES],
        "path": [*documentation()],
        "url": [f"{server}/v1/chat/completions"],
        "hardware": ["910B4:8", "910B3:16", "A3:16"],
        "text": ["no healthy upstream", "-"],
        "contexts": ["x"],
        "context": ["x"],
        "expires": ["30d", "1h"],
        "concurrency": ["1,4", "32"],
        "aiperf": ["no-such-program"],
    }
    return rng.choice(words.get(name, ["chat", "demo", "site-a"]))


# What of them the rules and the plan read.
CONFIGS = (
    *("compilation-config.cudagraph_capture_sizes", "compilation-config.cudagraph_mode"),
    *("speculative-config.method", "speculative-config.num_speculative_tokens", "block-size"),
    *(
        "speculative-config.model",
        "additional-config.enable_cpu_binding",
        "num-gpu-blocks-override",
    ),
    *(
        "additional-config.profiling_chunk_config.enabled",
        "kv-cache-memory-bytes",
        "compilation-config",
    ),
    *("additional-config.scheduler_config", "speculative-config", "additional-config", "seed"),
    *("reasoning-parser", "kv-transfer-config.kv_connector", "async-scheduling", "enforce-eager"),
)
LISTS: tuple[object, ...] = ([1, "a"], [[1], [2]], [None, 1], [{"a": 1}, {}], [0], [-1, 1e300])


def _setting(rng: random.Random) -> str:
    if rng.random() < 0.3:
        odd = rng.choice([*LISTS, anything(rng)])
        return f"engine.args.{rng.choice(CONFIGS)}={json.dumps(odd)}"
    path = rng.choice([*documentation()])
    return f"{path}={json.dumps(anything(rng), ensure_ascii=rng.random() < 0.5)}"


VALUES = ("good.yaml", "production.yaml", "folder/one.yaml", "case.yaml", "bytes.yaml")
FITTING = {
    "files": VALUES,
    "base_files": VALUES,
    "each": ("folder",),
    "crds": ("crds", "hostile-crds"),
    "kubeconfig": ("kubeconfig", "hostile.kubeconfig"),
    "calibrate": ("content.yaml", "engine.log"),
    "folders": ("results",),
    "directory": ("overlay", "new"),
}
"""The places that fit a parameter; ``new/file`` fits any other."""
PLACES = (
    *("good.yaml", "production.yaml", "case.yaml", "bytes.yaml", "content.yaml", "content.json"),
    *("missing.yaml", "folder", "crds", "hostile-crds", "kubeconfig", "loop", "name\udcff.yaml"),
    *("case.yaml", "bytes.yaml", "content.yaml", "hostile.kubeconfig", "results", "new/file", "."),
    *("good.yaml/below", "", "x" * 300, "/dev/null", "/dev/full", "chart", "overlay"),
)
"""The paths that are given; those that are not there are written to at times."""
_SCHEMAS = (
    *(
        {"$ref": "http://127.0.0.1:9/"},
        {"properties": 5},
        {"type": "objekt"},
        {"pattern": "(a+)+$"},
    ),
    *({"items": []}, {"required": "x"}, {"anyOf": {}}, {"default": [[[]]]}, {"enum": 5}, {}, 5, []),
    {"type": "object", "properties": {"spec": {"type": "object", "properties": {"model": 5}}}},
)


def furnish(folder: Path, seed: int, server: str) -> None:
    """Makes the places: files of this seed, and a kubeconfig that leads to a server."""
    rng = random.Random(f"files {seed}")
    case = json.dumps(Case(seed).files[0], ensure_ascii=False)
    written = {
        "good.yaml": b"name: chat\n",
        "production.yaml": yaml.safe_dump(defaults()).encode(),
        "case.yaml": case.encode(),
        "bytes.yaml": _damaged(rng, rng.choice([case, yaml.safe_dump(defaults())])),
        "content.yaml": rng.choice(CONTENTS),
        "content.json": rng.choice(CONTENTS),
        "name\udcff.yaml": b"replicas: 2\n",
        "engine.log": rng.choice([_LOG, _damaged(rng, _LOG.decode())]),
        "folder/one.yaml": b"name: one\n",
        "folder/two.yaml": rng.choice(CONTENTS),
        "crds/crds.yaml": _crds(rng, {"type": "object", "properties": {"spec": {}}}),
        "hostile-crds/crds.yaml": _crds(rng, rng.choice(_SCHEMAS)),
        "hostile-crds/other.json": rng.choice(CONTENTS) + b" CustomResourceDefinition kind: Pod",
        "kubeconfig": _kubeconfig(server).encode(),
        "hostile.kubeconfig": _hostile_kubeconfig(rng, server),
        "results/run.json": rng.choice(CONTENTS),
        "results/runs/run-1/profile_export_aiperf.json": rng.choice(CONTENTS),
        "results/runs/run-²/profile_export.jsonl": rng.choice(CONTENTS),
        "overlay/base/manifest.yaml": b"\xff\xfe",
    }
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "loop").symlink_to("loop")


def _damaged(rng: random.Random, text: str) -> bytes:
    """Text of which some bytes are replaced, doubled or left out."""
    content = bytearray(text.encode())
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(content))
        content[place : place + rng.randint(0, 3)] = rng.choice(
            [
                b"",
                b"\xff",
                b"\x00",
                b"{{",
                b"&a ",
                b"*a",
                b"! ",
                b"\n",
                b"\t",
                b":",
                b"'",
                b"\xe2\x80\xa8",
            ]
        )
    return bytes(content)


def _crds(rng: random.Random, schema: object) -> bytes:
    versions = [{"name": "v1alpha2", "served": True, "schema": {"openAPIV3Schema": schema}}]
    crd = {
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "serving.kserve.io",
            "names": {"kind": "LLMInferenceService"},
            "versions": rng.choice([versions, versions, versions, [], 5, [5], [{"name": []}], "x"]),
        },
    }
    return json.dumps(crd).encode()


def _kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "clusters": [{"name": "x", "cluster": {"server": server}}],
            "users": [{"name": "x", "user": {"token": "t"}}],
            "contexts": [
                {"name": "x", "context": {"cluster": "x", "namespace": "demo", "user": "x"}}
            ],
        }
    )


def _hostile_kubeconfig(rng: random.Random, server: str) -> bytes:
    """A kubeconfig of which one value is another, or which is none."""
    if rng.random() < 0.3:
        return rng.choice(CONTENTS)
    text = _kubeconfig(server)
    values = list(re.finditer(r'(?<=: )("[^"]*"|\[.*?\]|\{.*?\})', text))
    place = rng.choice(values)
    odd = rng.choice([3, "", "http://", "x", "http://127.0.0.1:1", [[]], {"a": {}}, *ODD])
    return (text[: place.start()] + json.dumps(odd) + text[place.end() :]).encode()


def streams(invocation: Invocation) -> tuple[io.TextIOWrapper, ...]:
    """Its stdin, stdout and stderr."""
    return (
        io.TextIOWrapper(io.BytesIO(invocation.stdin), "utf-8", "surrogateescape"),
        io.TextIOWrapper(io.BytesIO(), invocation.encoding, "strict"),
        io.TextIOWrapper(io.BytesIO(), invocation.encoding, "backslashreplace"),
    )
