"""What depends on vLLM's version alone: flags, parsers, speculative methods, variables."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from .flags import options, read_flags
from .source import UnreadableError, find, module_file, parse, value

_SPECULATIVE = "vllm.config.speculative"


def literal(root: Path, module: str, name: str) -> list[Any]:
    """The values of a Literal that has a name; empty where there is none."""
    if not find(root, module, name):
        return []
    there, made = value(root, module, name)
    return options(root, there, made.slice) if isinstance(made, ast.Subscript) else []


def keys(root: Path, module: str, name: str) -> dict[str, ast.expr]:
    """The entries of a dictionary that has a name, by their keys.

    Raises:
        UnreadableError: it is no dictionary.
    """
    _, made = value(root, module, name)
    if not isinstance(made, ast.Dict):
        raise UnreadableError(f"{module}.{name} is no dictionary")
    return {
        key.value: entry
        for key, entry in zip(made.keys, made.values, strict=True)
        if isinstance(key, ast.Constant)
    }


def variable(node: ast.expr) -> Any:
    """What a variable's reader takes: ``integer``, ``number``, ``text``, or a list of choices."""
    match node:
        case ast.Call(func=ast.Name(id=reader), args=[_, _, ast.List(elts=choices), *_]) if (
            "choices" in reader
        ):
            return [ast.literal_eval(choice) for choice in choices]
    written = ast.unparse(node)
    if re.search(r"(\bint|convert_int|convert_bool)\((\w+\()?os\.", written):
        return "integer"
    return "number" if re.search(r"\bfloat\(os\.", written) else "text"


def read_methods(root: Path) -> dict[str, str]:
    """Speculative methods by name, and the method that each is in truth.

    Every name of ``MTPModelTypes`` becomes ``mtp`` in ``SpeculativeConfig``.
    """
    mtp = literal(root, _SPECULATIVE, "MTPModelTypes")
    methods = literal(root, _SPECULATIVE, "SpeculativeMethod")
    if not methods or "mtp" not in mtp:
        raise UnreadableError("SpeculativeMethod or MTPModelTypes is no Literal")
    return {name: "mtp" if name in mtp else name for name in sorted(methods)}


def read_grid(root: Path) -> dict[str, Any]:
    """The batch sizes that graphs are captured for, up to the largest one.

    ``first`` are sizes, ``steps`` pairs of where a step size begins and the step size.
    """
    file = module_file(root, "vllm.config.vllm")
    function = next(
        node
        for node in ast.walk(parse(file))  # type: ignore[arg-type]
        if isinstance(node, ast.FunctionDef) and node.name == "_set_cudagraph_sizes"
    )
    first = [
        ast.literal_eval(node.generators[0].iter)
        for node in ast.walk(function)
        if isinstance(node, ast.ListComp) and isinstance(node.generators[0].iter, ast.List)
    ]
    steps = {
        (begin.value, step.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "range"
        for begin, step in [(node.args[0], node.args[-1])]
        if len(node.args) == 3
        and isinstance(begin, ast.Constant)
        and isinstance(step, ast.Constant)
    }
    if len(first) != 1 or not steps:
        raise UnreadableError("_set_cudagraph_sizes builds its sizes in a way that is not known")
    return {"first": first[0], "steps": sorted(map(list, steps))}


def read_vllm(root: Path) -> dict[str, Any]:
    """All facts of one version.

    Args:
        root: a folder that holds ``vllm``.

    Raises:
        UnreadableError: the source has another shape than any version that was read.
    """
    return {
        "flags": read_flags(root),
        "toolParsers": sorted(keys(root, "vllm.tool_parsers", "_TOOL_PARSERS_TO_REGISTER")),
        "reasoningParsers": sorted(keys(root, "vllm.reasoning", "_REASONING_PARSERS_TO_REGISTER")),
        "speculativeMethods": read_methods(root),
        "captureGrid": read_grid(root),
        "variables": {
            name: variable(node)
            for name, node in sorted(keys(root, "vllm.envs", "environment_variables").items())
        },
    }
