"""vLLM's command line out of its source: what its parser would accept.

vLLM builds its parser from the annotations of its configuration classes (``get_kwargs`` in
``engine/arg_utils.py``); this module reads the annotations and follows the same decisions.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from .source import UnreadableError, classes, find, module_file, value

Spec = dict[str, Any]

_ARGUMENTS = "vllm.engine.arg_utils"
_PLAIN = {"int": "integer", "float": "number", "str": "text"}


@dataclass
class Hint:
    """What an annotation allows.

    Attributes:
        names: plain types, and ``None``.
        options: of its Literals.
        element: of a list, a tuple or a set.
        structured: whether it is a configuration class.
        other: whether anything else is allowed.
    """

    names: set[str] = field(default_factory=set)
    options: list[Any] = field(default_factory=list)
    element: Hint | None = None
    structured: bool = False
    other: bool = False

    def add(self, more: Hint) -> None:
        """Takes in what another member of a union allows."""
        self.names |= more.names
        self.options += more.options
        self.element = self.element or more.element
        self.structured |= more.structured
        self.other |= more.other


def hint(root: Path, module: str, node: ast.expr) -> Hint:
    """What an annotation of a module allows."""
    result = Hint()
    match node:
        case ast.Constant(value=None):
            result.names.add("None")
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            result.add(hint(root, module, left))
            result.add(hint(root, module, right))
        case ast.Subscript(value=ast.Name(id=outer) | ast.Attribute(attr=outer), slice=inner):
            return _generic(root, module, outer, inner)
        case ast.Name(id=name) if name in {*_PLAIN, "bool", "dict"}:
            result.names.add(name)
        case ast.Name(id=name):
            return _named(root, module, name)
        case _:
            result.other = True
    return result


def _generic(root: Path, module: str, outer: str, inner: ast.expr) -> Hint:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    result = Hint()
    match outer:
        case "Union" | "Optional":
            for part in parts:
                result.add(hint(root, module, part))
            if outer == "Optional":
                result.names.add("None")
        case "Annotated" | "SkipValidation" | "ClassVar":
            return hint(root, module, parts[0])
        case "Literal":
            result.options = options(root, module, inner)
        case "list" | "tuple" | "set" | "Sequence":
            result.element = hint(root, module, parts[0])
        case "dict":
            result.names.add("dict")
        case _:
            result.other = True
    return result


def options(root: Path, module: str, node: ast.expr) -> list[Any]:
    """The values of a Literal, those of the Literals in it too."""
    result: list[Any] = []
    for part in node.elts if isinstance(node, ast.Tuple) else [node]:
        match part:
            case ast.Constant(value=constant):
                result.append(constant)
            case ast.Name(id=name):
                there, inner = value(root, module, name)
                if isinstance(inner, ast.Subscript):
                    result += options(root, there, inner.slice)
    return result


def _named(root: Path, module: str, name: str) -> Hint:
    found = find(root, module, name)
    match found:
        case (there, ast.Assign(value=alias)) | (there, ast.AnnAssign(value=ast.expr() as alias)):
            if isinstance(alias, ast.Name) and alias.id == "Any":
                return Hint(other=True)
            return hint(root, there, alias)
        case (there, ast.ClassDef() as made):
            marks = {ast.unparse(each).split("(")[0] for each in made.decorator_list}
            if marks & {"config", "dataclass", "dataclasses.dataclass"}:
                return Hint(structured=True)
            bases = {ast.unparse(base).split("[")[0] for base in made.bases}
            return Hint(names={"dict"}) if "dict" in bases else Hint(other=True)
    return Hint(other=True)


def spec_of(name: str, allowed: Hint) -> Spec:
    """What the parser accepts for one field, in the order of vLLM's own decisions."""
    result: Spec
    if allowed.structured:
        result = {"kind": "json"}
    elif allowed.names == {"bool", "str", "None"}:
        result = {"kind": "text"}
    elif "bool" in allowed.names:
        return {"kind": "boolean"}
    elif allowed.options:
        kind = "integer" if isinstance(allowed.options[0], int) else "text"
        result = {"kind": kind}
        if "str" not in allowed.names:
            result["choices"] = sorted(allowed.options)
    elif allowed.element:
        result = spec_of(name, allowed.element) | {"many": True}
        if "str" in allowed.element.names:
            result["kind"] = "text"
        result.pop("optional", None)
    elif allowed.names & {"int", "float"}:
        result = {"kind": "integer" if "int" in allowed.names else "number"}
        if name == "max_model_len":
            result["auto"] = True
    elif "dict" in allowed.names:
        # What does not look like a mapping is taken as a text.
        result = {"kind": "text", "mapping": True} if "str" in allowed.names else {"kind": "json"}
    else:
        result = {"kind": "text"}
    if "None" in allowed.names:
        result["optional"] = True
    return result


def fields(root: Path, module: str, name: str) -> dict[str, Spec]:
    """The fields of a configuration class, those above it too."""
    result: dict[str, Spec] = {}
    for there, made in classes(root, module, name):
        for node in made.body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=attribute), annotation=annotation):
                    if "ClassVar" in ast.unparse(annotation):
                        continue
                    result[attribute] = spec_of(attribute, hint(root, there, annotation))
    if not result:
        raise UnreadableError(f"{module}.{name} is no configuration class")
    return result


class _Parser:
    """Follows the statements that fill the parser."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.flags: dict[str, Spec] = {}

    def run(self, module: str, body: list[ast.stmt], tables: dict[str, Any]) -> None:
        for node in body:
            match node:
                case ast.If(body=inner):
                    self.run(module, inner, tables)
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(func=ast.Name(id="get_kwargs"), args=[ast.Name(id=made)]),
                ):
                    tables[name] = fields(self.root, module, made)
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Subscript(
                        value=ast.Call(func=ast.Name(id="get_kwargs"), args=[ast.Name(id=made)]),
                        slice=ast.Constant(value=key),
                    ),
                ):
                    tables[name] = fields(self.root, module, made)[key]
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=key)),
                ) if table in tables:
                    tables[name] = tables[table][key]
                case ast.Assign(targets=[ast.Subscript() as target], value=given):
                    self._set(target, given, tables)
                case ast.Delete(targets=targets):
                    for each in targets:
                        self._set(each, None, tables)
                case ast.AugAssign(target=ast.Subscript() as target, value=given):
                    self._extend(module, target, given, tables)
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr=method)) as call):
                    if method == "add_argument":
                        self._add(module, call, tables)
                    elif method == "remove":
                        self._remove(module, call, tables)

    def _set(self, target: ast.expr, given: ast.expr | None, tables: dict[str, Any]) -> None:
        """``kwargs["field"]["type"] = …``, and ``del kwargs["field"]["nargs"]``."""
        found = _place(target, tables)
        if not found:
            return
        spec, key = found
        if key == "nargs" and given is None:
            spec.pop("many", None)
        elif key == "type" and given is not None:
            written = ast.unparse(given)
            if "json.loads" in written:
                spec.pop("many", None)
                spec["kind"] = "json"
                if "optional" not in written:
                    spec.pop("optional", None)
            elif written in {"str", "optional_type(str)"}:
                spec["kind"] = "text"
        elif key == "action" and isinstance(given, ast.Constant) and given.value == "append":
            spec.pop("many", None)

    def _extend(
        self, module: str, target: ast.expr, given: ast.expr, tables: dict[str, Any]
    ) -> None:
        """Choices that are joined of others: ``",".join(p) for p in permutations(…, r=2)``."""
        found = _place(target, tables)
        if not found or found[1] != "choices":
            return
        names = [
            call.args[0].id
            for call in ast.walk(given)
            if isinstance(call, ast.Call)
            and ast.unparse(call.func) == "get_args"
            and isinstance(call.args[0], ast.Name)
        ]
        for name in names:
            there, literal = value(self.root, module, name)
            if isinstance(literal, ast.Subscript):
                words = options(self.root, there, literal.slice)
                found[0]["choices"] += [",".join(pair) for pair in permutations(words, r=2)]

    def _remove(self, module: str, call: ast.Call, tables: dict[str, Any]) -> None:
        """``kwargs["field"]["choices"].remove(NAME)``."""
        assert isinstance(call.func, ast.Attribute)
        found = _place(call.func.value, tables)
        if found and found[1] == "choices" and isinstance(call.args[0], ast.Name):
            _, constant = value(self.root, module, call.args[0].id)
            found[0]["choices"].remove(ast.literal_eval(constant))

    def _choices(self, module: str, node: ast.expr) -> Spec:
        """The choices of an argument; none where they depend on the platform."""
        match node:
            case ast.List(elts=words) if all(isinstance(word, ast.Constant) for word in words):
                return {"choices": sorted(ast.literal_eval(node))}
            case ast.Call(func=ast.Name(id="get_args"), args=[ast.Name(id=name)]):
                there, literal = value(self.root, module, name)
                if isinstance(literal, ast.Subscript):
                    return {"choices": sorted(options(self.root, there, literal.slice))}
        return {}

    def _add(self, module: str, call: ast.Call, tables: dict[str, Any]) -> None:
        """``add_argument("--flag", **kwargs["field"])``, or with its keywords written out."""
        names = [word.value for word in call.args if isinstance(word, ast.Constant)]
        flags = [name[2:] for name in names if isinstance(name, str) and name.startswith("--")]
        if not flags:
            return
        spec: Spec = {"kind": "text"}
        for keyword in call.keywords:
            if keyword.arg is None:
                spec = dict(_starred(keyword.value, tables))
        given = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}
        if "store_true" in given.get("action", ""):
            spec = {"kind": "switch"}
        elif "BooleanOptionalAction" in given.get("action", ""):
            spec = {"kind": "boolean"}
        elif given.get("type") in _PLAIN:
            spec["kind"] = _PLAIN[given["type"]]
        elif "json.loads" in given.get("type", ""):
            spec["kind"] = "json"
        for keyword in call.keywords:
            if keyword.arg == "choices":
                spec |= self._choices(module, keyword.value)
        for flag in flags:
            self.flags[flag] = spec


def _place(node: ast.expr, tables: dict[str, Any]) -> tuple[Spec, str] | None:
    """The field and the key of ``table["field"]["key"]`` or ``field_kwargs["key"]``."""
    match node:
        case ast.Subscript(
            value=ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=name)),
            slice=ast.Constant(value=key),
        ) if name in tables.get(table, ()):
            return tables[table][name], key
        case ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=key)):
            if "kind" in tables.get(table, ()):
                return tables[table], key
    return None


def _starred(node: ast.expr, tables: dict[str, Any]) -> Spec:
    """What ``**kwargs["field"]`` unpacks, also within ``**{**…, "default": None}``."""
    match node:
        case ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=name)):
            result: Spec = tables[table][name]
            return result
        case ast.Name(id=table):
            return tables[table]  # type: ignore[no-any-return]
        case ast.Dict(keys=[None, *_], values=[inner, *_]):
            return _starred(inner, tables)
    raise UnreadableError(f"an argument is unpacked in an unknown way: {ast.unparse(node)}")


def _function(made: ast.ClassDef, name: str) -> list[ast.stmt]:
    return next(
        (
            node.body
            for node in made.body
            if isinstance(node, ast.FunctionDef) and node.name == name
        ),
        [],
    )


def read_flags(root: Path) -> dict[str, Spec]:
    """Every flag of ``vllm serve`` without its ``--``, and what its parser accepts.

    Args:
        root: a folder that holds ``vllm``.

    Raises:
        UnreadableError: the source has another shape than any version that was read.
    """
    module = next(
        (
            f"vllm.entrypoints.{place}.cli_args"
            for place in ("openai", "launchers", "common")
            if module_file(root, f"vllm.entrypoints.{place}.cli_args")
        ),
        "",
    )
    made = find(root, module, "make_arg_parser") if module else None
    if not made or not isinstance(made[1], ast.FunctionDef):
        raise UnreadableError("make_arg_parser is in none of vLLM's cli_args modules")
    parser = _Parser(root)
    parser.run(module, made[1].body, {})
    frontend = fields(root, module, "FrontendArgs")
    for there, above in classes(root, module, "FrontendArgs"):
        parser.run(there, _function(above, "_customize_cli_kwargs"), {"frontend_kwargs": frontend})
    parser.flags |= {name.replace("_", "-"): spec for name, spec in frontend.items()}
    for there, above in classes(root, _ARGUMENTS, "AsyncEngineArgs"):
        parser.run(there, _function(above, "add_cli_args"), {})
    return dict(sorted(parser.flags.items()))
