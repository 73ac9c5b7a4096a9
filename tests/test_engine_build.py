"""The reader of an engine's sources, on trees with one of each construct."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4deploy.facts.builds import patched, vllm

ROOT = Path(__file__).resolve().parent.parent
# tests/tools.py hides the folder tools from an import by that name.
sys.path.insert(0, str(ROOT / "tools"))

from engine_build import ascend, flags, source  # noqa: E402
from engine_build.__main__ import difference  # noqa: E402
from engine_build.vllm import read_grid, read_methods, variable  # noqa: E402

VLLM = {
    "vllm/__init__.py": "",
    "vllm/config/__init__.py": "from .model import ModelConfig",
    "vllm/config/model.py": """
from typing import Any, Literal, TYPE_CHECKING
if TYPE_CHECKING:
    Method = Literal["awq"]
else:
    Method = Any
Kind = Literal["b", "a"]
Backend = Literal["x", "y", "z"]

@config
class ParserConfig:
    name: str = ""

class Odd(dict):
    pass

@config
class ModelConfig:
    model: str = ""
    max_model_len: int | None = None
    share: float = 0.9
    kind: Kind = "a"
    words: list[str] | None = None
    sizes: list[int] = ()
    method: Method | str | None = None
    eager: bool = False
    maybe: bool | str | None = None
    parser: ParserConfig | None = None
    extra: dict | Odd = None
    map: str | dict[str, str] = ""
    odd: Odd | None = None
    backend: Backend = "x"
    traces: list[Kind] | None = None
""",
    "vllm/engine/__init__.py": "",
    "vllm/engine/arg_utils.py": """
from vllm.config import ModelConfig
from vllm.config.model import Kind

class EngineArgs:
    @staticmethod
    def add_cli_args(parser):
        kw = get_kwargs(ModelConfig)
        group = parser.add_argument_group(title="x")
        if not help:
            group.add_argument("--model", **kw["model"])
        group.add_argument("--max-model-len", **kw["max_model_len"])
        group.add_argument("--share", **{**kw["share"], "default": None})
        group.add_argument("--kind", "-k", **kw["kind"])
        group.add_argument("--words", **kw["words"])
        group.add_argument("--sizes", **kw["sizes"])
        group.add_argument("--method", **kw["method"])
        group.add_argument("--eager", **kw["eager"])
        group.add_argument("--maybe", **kw["maybe"])
        group.add_argument("--parser", **kw["parser"])
        group.add_argument("--extra", **kw["extra"])
        group.add_argument("--map", **kw["map"])
        group.add_argument("--odd", **kw["odd"])
        kw["backend"]["choices"].remove(LAST)
        backend_kw = kw["backend"]
        backend_kw["type"] = lambda s: s.lower()
        group.add_argument("--backend", **backend_kw)
        kw["traces"]["choices"] += [",".join(p) for p in permutations(get_args(Kind), r=2)]
        group.add_argument("--traces", **kw["traces"])
        group.add_argument("--picked", choices=get_args(Kind))
        group.add_argument("--depends", choices=["cpu"] + others)
        return parser

LAST = "z"

class AsyncEngineArgs(EngineArgs):
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--log", action=argparse.BooleanOptionalAction)
        return parser
""",
    "vllm/entrypoints/openai/cli_args.py": """
from dataclasses import field
from typing import ClassVar

@config
class BaseFrontendArgs:
    shared: ClassVar[int] = 1
    origins: list[str] = field(default_factory=list)
    middleware: list[str] = field(default_factory=list)

    @classmethod
    def _customize_cli_kwargs(cls, frontend_kwargs):
        frontend_kwargs["origins"]["type"] = json.loads
        del frontend_kwargs["origins"]["nargs"]
        frontend_kwargs["middleware"]["action"] = "append"
        return frontend_kwargs

@config
class FrontendArgs(BaseFrontendArgs):
    port: int = 8000

def make_arg_parser(parser):
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--count", type=int)
    return parser
""",
    "vllm/config/speculative.py": """
from typing import Literal
MTPModelTypes = Literal["deepseek_mtp", "mtp"]
SpeculativeMethod = Literal["ngram", MTPModelTypes]
""",
    "vllm/config/vllm.py": """
class VllmConfig:
    def _set_cudagraph_sizes(self):
        sizes = [i for i in [1, 2, 4] if i <= most]
        sizes += list(range(8, min(most + 1, 256), 8))
        sizes += list(range(256, most + 1, 16))
""",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name, text in VLLM.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_flags_are_read_as_vllm_s_parser_decides(tree: Path) -> None:
    assert flags.read_flags(tree) == {
        "backend": {"kind": "text", "choices": ["x", "y"]},
        "count": {"kind": "integer"},
        "depends": {"kind": "text"},
        "eager": {"kind": "boolean"},
        "extra": {"kind": "json"},
        "headless": {"kind": "switch"},
        "kind": {"kind": "text", "choices": ["a", "b"]},
        "log": {"kind": "boolean"},
        "map": {"kind": "text", "mapping": True},
        "max-model-len": {"kind": "integer", "auto": True, "optional": True},
        "maybe": {"kind": "text", "optional": True},
        "method": {"kind": "text", "optional": True},
        "middleware": {"kind": "text"},
        "model": {"kind": "text"},
        "odd": {"kind": "json", "optional": True},
        "origins": {"kind": "json"},
        "parser": {"kind": "json", "optional": True},
        "picked": {"kind": "text", "choices": ["a", "b"]},
        "port": {"kind": "integer"},
        "share": {"kind": "number"},
        "sizes": {"kind": "integer", "many": True},
        "traces": {
            "kind": "text",
            "choices": ["a", "b", "b,a", "a,b"],
            "many": True,
            "optional": True,
        },
        "words": {"kind": "text", "many": True, "optional": True},
    }


def test_a_source_of_another_shape_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(source.UnreadableError, match="make_arg_parser"):
        flags.read_flags(tmp_path)


def test_methods_and_the_capture_grid_are_read(tree: Path) -> None:
    assert read_methods(tree) == {"deepseek_mtp": "mtp", "mtp": "mtp", "ngram": "ngram"}
    assert read_grid(tree) == {"first": [1, 2, 4], "steps": [[8, 8], [256, 16]]}


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        ('lambda: bool(int(os.getenv("X", "0")))', "integer"),
        ('lambda: maybe_convert_int(os.environ.get("X"))', "integer"),
        ('lambda: float(os.getenv("X", "1"))', "number"),
        ('lambda: os.environ.get("X", "0") == "1"', "text"),
        ('env_with_choices("X", "a", ["a", "b"])', ["a", "b"]),
        ("get_vllm_port", "text"),
    ],
)
def test_a_variable_s_kind_is_what_its_reader_converts_it_to(reader: str, kind: object) -> None:
    assert variable(ast.parse(reader, mode="eval").body) == kind


ASCEND = {
    "Dockerfile": 'ARG SOC_VERSION="ascend910b1"\n',
    "Dockerfile.a3.openEuler": 'ARG SOC_VERSION="ascend910_9391"\n',
    "vllm_ascend/envs.py": """
env_variables = {
    "SWITCH": lambda: bool(int(os.getenv("SWITCH", "0"))),
    "SIZE": lambda: int(os.getenv("SIZE", 1)),
}
""",
    "vllm_ascend/ascend_config.py": """
class AscendConfig:
    model_config = ConfigDict(extra="forbid")
    field: bool = False
    window: int | None = None
    words: list[Any] = field(default_factory=list)
    part: PartConfig = field(default_factory=PartConfig)
    choice: Literal[0, 2] = 0
    _private: int = 1

    def __init__(self, vllm_config):
        additional_config = vllm_config.additional_config or {}
        self.a = additional_config.get("bind", True)
        self.b = self._get_config_value(additional_config, "switch", "SWITCH", envs.SWITCH)
        self.layer_sharding = additional_config.get("layer_sharding", None)
        if self.layer_sharding and vllm_config.parallel_config.pipeline_parallel_size > 1:
            raise ValueError("no")
        other.get("unrelated", 1)

def init(vllm_config):
    _NON_USER_INPUT_KEYS = {"removed", "_private"}
""",
    "vllm_ascend/utils.py": """
SIZE = os.environ.get("SIZE")
WORD = os.getenv("VLLM_ASCEND_WORD", "0")
OTHER = os.environ.get("VLLM_ASCEND_OTHER")

def dsa(vllm_config):
    extra = getattr(vllm_config, "additional_config", None)
    if "enable_dsa_cp" in (vllm_config.additional_config or {}):
        return vllm_config.additional_config["enable_dsa_cp"]
""",
}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plugin")
    for name, text in ASCEND.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_what_vllm_ascend_reads_is_read(plugin: Path) -> None:
    variables = ascend.read_variables(plugin)
    assert variables == {
        "SIZE": "integer",
        "SWITCH": "boolean",
        "VLLM_ASCEND_OTHER": "text",
        "VLLM_ASCEND_WORD": "text",
    }
    keys = ascend.read_keys(plugin, variables)
    assert keys == {
        "bind": "boolean",
        "choice": "",
        "enable_dsa_cp": "",
        "field": "boolean",
        "layer_sharding": "",
        "part": "mapping",
        "removed": "",
        "switch": "boolean",
        "window": "integer",
        "words": "list",
    }
    assert ascend.refuses_unknown_keys(plugin)
    assert ascend.read_images(plugin) == {"": "A2", "a3": "A3"}
    names = {"pipeline-parallel-size", *keys}
    assert ascend.read_refusals(plugin, names) == {
        "vllm_ascend/ascend_config.py:17": ["layer_sharding", "pipeline-parallel-size"]
    }


def test_a_planner_that_does_not_run_names_the_reason(tmp_path: Path) -> None:
    with pytest.raises(source.UnreadableError, match="the planner does not run: Traceback"):
        ascend.read_planner(tmp_path, tmp_path)


def test_the_command_explains_itself() -> None:
    command = [sys.executable, "-m", "tools.engine_build", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "--unknown" in done.stdout


def test_the_differences_of_two_versions_are_a_merge_patch() -> None:
    old = {"a": {"x": 1, "y": 2}, "b": [1], "c": 3}
    new = {"a": {"x": 1, "y": 5}, "b": [1, 2]}
    patch = difference(old, new)
    assert patch == {"a": {"y": 5}, "b": [1, 2], "c": None}
    assert patched(old, patch) == new


def test_the_newest_vllm_is_known() -> None:
    assert len(vllm("0.33.0").flags) == 321
