"""What depends on vllm-ascend: keys, variables, images, the cache of a step, refusals."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .source import UnreadableError, module_file, parse, texts
from .vllm import keys, variable

CHIPS = {"ascend910b": "A2", "ascend910_93": "A3", "ascend310p": "310P", "ascend950": "950"}
"""A chip's family by the beginning of its SOC_VERSION."""

_ADDITIONAL = "additional_config"
_KINDS = {"bool": "boolean", "int": "integer", "float": "number", "str": "text"}


def _kind(default: ast.expr | None, variables: dict[str, Any]) -> str:
    """The type of a key's default: of a constant, or of the variable that it falls back to."""
    match default:
        case ast.Constant(value=bool()):
            return "boolean"
        case ast.Constant(value=int()) | ast.UnaryOp():
            return "integer"
        case ast.Constant(value=float()):
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.Dict():
            return "mapping"
        case ast.List() | ast.Tuple():
            return "list"
        case ast.Attribute(attr=name) if name in variables:
            return "boolean" if variables[name] == "boolean" else str(variables[name])
    return ""


def _reads(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """Each key of additional-config that a file reads, and its default."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=owner, attr="get" | "setdefault" | "pop"),
                args=[ast.Constant(value=str(key)), *rest],
            ) if _is_additional(owner):
                yield key, rest[0] if rest else None
            case ast.Call(
                func=ast.Attribute(attr="_get_config_value"),
                args=[_, ast.Constant(value=str(key)), *_, default],
            ):
                yield key, default
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))) if _is_additional(
                owner
            ):
                yield key, None
            case ast.Compare(
                left=ast.Constant(value=str(key)),
                ops=[ast.In() | ast.NotIn()],
                comparators=[owner],
            ) if _is_additional(owner):
                yield key, None


def _kind_of(annotation: ast.expr) -> str:
    """The type of a field by its annotation; ``""`` where it is none of JSON's."""
    match annotation:
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return _kind_of(left)
        case ast.Subscript(value=ast.Name(id="list")):
            return "list"
        case ast.Name(id=name):
            return "mapping" if name.endswith("Config") else _KINDS.get(name, "")
    return ""


def _fields(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each key that ``AscendConfig`` takes as a field, or removes before, and its type."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name="AscendConfig"):
                for field in node.body:
                    match field:
                        case ast.AnnAssign(target=ast.Name(id=key), annotation=kind):
                            yield key, _kind_of(kind)
            case ast.Assign(targets=[ast.Name(id="_NON_USER_INPUT_KEYS")], value=ast.Set()):
                yield from ((key, "") for key in texts(node.value))


def _is_additional(node: ast.expr) -> bool:
    """Whether an expression is the mapping itself: ``config.additional_config or {}``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == _ADDITIONAL
        case ast.BoolOp(values=[first, *_]):
            return _is_additional(first)
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), *_]):
            return bool(name == _ADDITIONAL)
    return False


def read_keys(root: Path, variables: dict[str, Any]) -> dict[str, str]:
    """Keys of additional-config that are read anywhere, and their types; ``""`` if untold.

    Since 2026-09 most keys are fields of ``AscendConfig``, a dataclass of pydantic.

    Args:
        root: a folder that holds ``vllm_ascend``.
        variables: of vllm-ascend's ``envs.py``, to which some keys fall back.
    """
    result: dict[str, str] = {}
    for file in sorted((root / "vllm_ascend").rglob("*.py")):
        for key, default in _reads(parse(file)):
            result[key] = result.get(key) or _kind(default, variables)
    for key, kind in _fields(_configuration(root)):
        if not key.startswith("_"):
            result[key] = result.get(key) or kind
    return dict(sorted(result.items()))


def refuses_unknown_keys(root: Path) -> bool:
    """Whether ``AscendConfig`` forbids keys that are none of its fields."""
    return 'extra="forbid"' in ast.unparse(_configuration(root)).replace("'", '"')


def _configuration(root: Path) -> ast.Module:
    return parse(root / "vllm_ascend" / "ascend_config.py")


def read_variables(root: Path) -> dict[str, Any]:
    """Variables that vllm-ascend reads; ``boolean`` is an integer of which 0 is false.

    Those of ``envs.py`` have types, and those with its prefix that other modules read are texts.
    """
    found: dict[str, Any] = {}
    for file in sorted((root / "vllm_ascend").rglob("*.py")):
        found |= dict.fromkeys(_environment(parse(file)), "text")
    for name, node in sorted(keys(root, "vllm_ascend.envs", "env_variables").items()):
        whole = ast.unparse(node).startswith("lambda: bool(int(")
        found[name] = "boolean" if whole else variable(node)
    return dict(sorted(found.items()))


def _environment(tree: ast.Module) -> Iterator[str]:
    """Each variable of vllm-ascend that a module reads."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="getenv")
                | ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
                args=[ast.Constant(value=str(name)), *_],
            ) if name.startswith("VLLM_ASCEND_"):
                yield name


def read_images(root: Path) -> dict[str, str]:
    """The chips that the images are for, by what their tags end in: ``a3``, or ``""``."""
    result = {}
    for file in sorted(root.glob("Dockerfile*")):
        suffix = file.name.removeprefix("Dockerfile").removesuffix(".openEuler").lstrip(".")
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("ARG SOC_VERSION="):
                chip = line.split("=")[1].strip('"')
                result[suffix] = next(CHIPS[start] for start in CHIPS if chip.startswith(start))
    return result


def read_refusals(root: Path, names: set[str]) -> dict[str, list[str]]:
    """Where the configuration is refused, and which settings the refusal's condition names.

    Args:
        root: a folder that holds ``vllm_ascend``.
        names: flags, keys and variables that are known; others are not told.
    """
    spelled = {name.replace("-", "_"): name for name in sorted(names)}
    result = {}
    for module in ("vllm_ascend.ascend_config", "vllm_ascend.platform"):
        file = module_file(root, module)
        if not file:
            continue
        for line, tests in _refusals(parse(file)):
            words = {
                each.attr if isinstance(each, ast.Attribute) else each.id
                for test in tests
                for each in ast.walk(test)
                if isinstance(each, ast.Attribute | ast.Name)
            }
            found = sorted(spelled[word] for word in words & spelled.keys())
            if found:
                result[f"{file.relative_to(root).as_posix()}:{line}"] = found
    return result


def _refusals(node: ast.AST, tests: tuple[ast.expr, ...] = ()) -> Iterator[tuple[int, Any]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Raise(lineno=line) if tests:
                yield line, tests
            case ast.Assert(lineno=line, test=test):
                yield line, (*tests, test)
            case ast.If(test=test):
                yield from _refusals(child, (*tests, test))
            case ast.FunctionDef():
                yield from _refusals(child)
            case _:
                yield from _refusals(child, tests)


_PAIR = (
    "family",
    "maxModelLen",
    "maxNumBatchedTokens",
    "blockSize",
    "draftLayers",
    "asyncScheduling",
)
_LIMITS = (
    (32_768, 2048),
    (32_768, 4096),
    (32_768, 8192),
    (200_000, 8192),
    (65_536, 2048),
    (4096, 2048),
    (100_000, 3000),
    (8192, 8192),
    (16_384, 1024),
    (131_072, 2048),
    (133_120, 8192),
    (1_048_576, 10_240),
)
_PAIRS = tuple(
    (family, *pair)
    for family in ("A2", "950")
    for pair in (
        *((*limits, 128, 1) for limits in _LIMITS),
        *((*limits, 64, 1) for limits in ((32_768, 2048), (200_000, 8192))),
        *((*limits, 32, 1) for limits in ((32_768, 2048), (1_048_576, 10_240))),
        *((*limits, 128, 0) for limits in ((32_768, 2048), (200_000, 8192))),
        (800_000, 8192, 128, 3),
    )
)


def read_planner(vllm: Path, ascend: Path) -> dict[str, Any]:
    """What vLLM's own KV cache planner says of each pair, with vllm-ascend's patches.

    It runs in a process of its own, since every build has modules of the same names. A row is the
    chips' family, length, step, block size, draft layers, bytes a block, blocks needed and blocks
    in vLLM's log, then needed and logged under asynchronous scheduling.
    """
    asked = [
        dict(zip(_PAIR, (*pair, batched), strict=True))
        for pair in _PAIRS
        for batched in (False, True)
    ]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("planner.py"), vllm, ascend],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnreadableError(f"the planner does not run: {done.stderr.strip()}")
    rows = json.loads(done.stdout)
    pairs = []
    for plain, overlapped in zip(rows[::2], rows[1::2], strict=True):
        limits = [plain[name] for name in _PAIR[:-1]]
        figures = [plain["bytesPerBlock"], plain["needed"], plain["logged"]]
        pairs.append([*limits, *figures, overlapped["needed"], overlapped["logged"]])
    doubled = any(row[6] != row[8] for row in pairs)
    return {
        "stepsInFlight": 2 if doubled else 1,
        "logsNeededBlocks": all(row[6] == row[7] for row in pairs),
        "pairs": pairs,
    }
