"""One Jinja template into one Helm template, by way of Jinja's own parsed tree.

Only what has exactly one counterpart in Helm is translated; anything else is rejected with its file
and line. The shared subset:

- text; ``{{ … }}`` around text and numbers that went through a filter; ``{% raw %}``;
- ``{% if %}``/``elif``/``else``, ``{% for x in list %}``, ``{% for k, v in map | items %}``,
  ``{% set x = … %}`` at the top level, each alone on its line;
- ``Values.a.b``, ``Values.a["b-c"]``, ``Release.Namespace``, names bound by ``for`` and ``set``;
- the filters, tests and functions of :mod:`dsv4deploy.manifest.render`, such as
  ``include("_part.yaml", name=…)``;
- ``~`` of text, ``*``, ``+`` and ``%`` of integers, ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``,
  ``in``, ``and``, ``or``, ``not``.

Helm reads every number in a values file as a float and every one in ``--set`` as an integer, so
numbers are converted wherever they are printed, compared or multiplied; the JSON schema of the
values identifies the integers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.resources.abc import Traversable
from textwrap import indent
from typing import Any, NoReturn

from jinja2 import Environment, meta, nodes
from jinja2.visitor import NodeTransformer

from ..errors import TranslationError
from ..manifest.conditions import NAMED
from ..manifest.render import FUNCTIONS, TEMPLATES, environment
from ..values.schema import entry_schema, json_schema, resolved

CHART = "deepseek-v4-flash"
WIDTH = 100
"""An ``and`` or ``or`` that is longer has each of its terms on a line of its own."""


def translate(name: str, folder: Traversable = TEMPLATES) -> str:
    """The Helm template of one of this package's templates.

    Args:
        name: of a file. One whose name begins with ``_`` becomes a named template.
        folder: its folder.

    Raises:
        TranslationError: it leaves the shared subset.
    """
    source = (folder / name).read_text("utf-8")
    return translate_part(source, name) if _is_part(name) else translate_source(source, name)


def translate_part(source: str, name: str) -> str:
    """A named template, of a part's text."""
    return define(name, translate_source(source, name).strip())


def define(name: str, text: str) -> str:
    """A named template in Helm's language."""
    return f'{{{{- define "{define_name(name)}" -}}}}\n{text}\n{{{{- end }}}}\n'


def translate_source(source: str, name: str, env: Environment | None = None) -> str:
    """Like :func:`translate`, of a template's text; the name is for messages."""
    tree = (env or environment()).parse(source, name)
    writer = _Writer(name, source)
    writer.body(tree.body)
    return writer.text()


def translate_condition(
    condition: str, name: str, *, negated: bool = False, names: Collection[str] = ()
) -> str:
    """A rule's condition in Helm's language, as the argument of ``if``; or its opposite.

    A condition in :data:`NAMED` becomes the ``include`` of its named template.

    Args:
        condition: an expression in the templates' language.
        name: of the rule, for messages.
        negated: whether to write its opposite.
        names: what a ``range`` around it has bound.
    """
    test = _Naming().visit(_parsed(condition))
    writer = _Writer(name, condition)
    writer.bound, writer.in_range = {each: {} for each in names}, bool(names)
    return writer.expression(_negated(test) if negated else test)


def named_conditions() -> str:
    """The named templates of :data:`NAMED`: each prints true, or nothing."""
    tests = {name: _Writer(name, text).expression(_parsed(text)) for name, text in NAMED.items()}
    return "\n".join(
        define(name, f"{{{{- if {test} }}}}true{{{{ end }}}}") for name, test in tests.items()
    )


def junction(word: str, terms: Sequence[str]) -> str:
    """``and`` or ``or`` of terms, each on a line of its own where they are too long for one."""
    line = " ".join([word, *terms])
    if len(line) <= WIDTH:
        return line
    return "\n".join([word, *(indent(term, "  ") for term in terms)])


def _parsed(condition: str) -> nodes.Node:
    (node,) = environment().parse(f"{{% if {condition} %}}{{% endif %}}").find_all(nodes.If)
    return node.test


class _Naming(NodeTransformer):
    """Puts an ``include`` in the place of every condition that has a name."""

    def __init__(self) -> None:
        self.named = [(name, _parsed(text)) for name, text in NAMED.items()]

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        for name, condition in self.named:
            if node == condition:
                include = nodes.Name("include", "load")
                return nodes.Call(include, [nodes.Const(name)], [], None, None)
        return super().visit(node, *args, **kwargs)


_OPPOSITES = {
    "eq": "ne",
    "gt": "lteq",
    "gteq": "lt",
    "in": "notin",
    "lt": "gteq",
    "lteq": "gt",
    "ne": "eq",
    "notin": "in",
}


def _negated(test: nodes.Node) -> nodes.Node:
    match test:
        case nodes.Not():
            return test.node
        case nodes.Or():
            return nodes.And(_negated(test.left), _negated(test.right))
        case nodes.Compare(ops=[operation]):
            operation.op = _OPPOSITES[operation.op]
            return test
    return nodes.Not(test)


def define_name(name: str) -> str:
    """The named template that a part becomes: ``_scheduler.yaml`` is ``<chart>.scheduler``."""
    file = name.rpartition("/")[2]
    return f"{CHART}.{file.removeprefix('_').partition('.')[0]}"


def _is_part(name: str) -> bool:
    return name.rpartition("/")[2].startswith("_")


def go_string(text: str) -> str:
    """A Go string literal."""
    if "`" not in text and ('"' in text or "\\" in text):
        return f"`{text}`"
    return json.dumps(text, ensure_ascii=False)


# What a filter becomes in a pipeline, given its arguments as Go expressions.
_FILTERS: dict[str, Callable[..., str]] = {
    "base": lambda: "base",
    "int": lambda: "int64",
    "join": lambda separator: f"join {separator}",
    "length": lambda: "len",
    "nindent": lambda width: f"nindent {width}",
    "quote": lambda: "quote",
    "replace": lambda old, new: f"replace {old} {new}",
    "shell": lambda: r"""replace "'" "'\\''" | squote""",
    "toJson": lambda: "toRawJson",
    "toString": lambda: "toString",
    "trimSuffix": lambda suffix: f"trimSuffix {suffix}",
}
_TESTS = {
    "boolean": "bool",
    "mapping": "map",
    "none": "invalid",
    "sequence": "slice",
    "string": "string",
}
_COMPARISONS = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
_ARITHMETIC = {
    nodes.Mul: "mul",
    nodes.Add: "add",
    nodes.Sub: "sub",
    nodes.FloorDiv: "div",
    nodes.Mod: "mod",
}
_CONVERSIONS = {"integer": "int64", "number": "float64"}


class _Writer:
    """Writes one template. ``bound`` holds the names that ``for`` and ``set`` have made."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.lines = source.splitlines()
        self.parts: list[str] = []
        self.after_tag = False
        self.bound: dict[str, dict[str, Any]] = {}
        self.in_range = False

    def text(self) -> str:
        return "".join(self.parts).rstrip("\n") + "\n"

    def refuse(self, node: nodes.Node, what: str) -> NoReturn:
        raise TranslationError(f"{self.name}:{node.lineno}: {what} has no counterpart in Helm")

    # --- text and tags ----------------------------------------------------------------------

    def put(self, text: str) -> None:
        """Text or an output: behind a tag it begins a line of its own."""
        if text:
            self.parts.append(f"\n{text}" if self.after_tag else text)
            self.after_tag = False

    def tag(self, node: nodes.Node, text: str) -> None:
        """A tag on a separate line, in its place. ``{{-`` takes the line's end before it."""
        if not self.lines[node.lineno - 1].strip().startswith("{%"):
            self.refuse(node, "a tag that is not alone on its line")
        if self.parts and not self.after_tag:
            if not self.parts[-1].endswith("\n"):
                self.refuse(node, "a tag that is not alone on its line")
            self.parts[-1] = self.parts[-1].removesuffix("\n")
            if self.parts[-1].endswith("\n"):
                self.refuse(node, "an empty line before a tag")
        start = "\n" if self.parts else ""
        self.parts.append(f"{start}{self.margin(node)}{{{{- {text} }}}}")
        self.after_tag = True

    def margin(self, node: nodes.Node) -> str:
        """The blanks at the beginning of a node's line."""
        line = self.lines[node.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    def body(self, body: Iterable[nodes.Node]) -> None:
        for node in body:
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        self.output(part)
                case nodes.If():
                    self.branches(node)
                case nodes.For():
                    self.loop(node)
                case nodes.Assign(target=nodes.Name() as target) if not self.in_range:
                    self.tag(node, f"${target.name} := {self.expression(node.node)}")
                    self.bound[target.name] = {}
                case _:
                    self.refuse(node, f"{type(node).__name__.lower()} here")

    def output(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.TemplateData):
            self.put(node.data.replace("{{", '{{ "{{" }}'))
        elif isinstance(node, nodes.Filter) and node.name == "block" and node.node:
            self.parts[-1] = self.parts[-1].rstrip(" ")
            margin = f"\n{self.margin(node)}{{{{-"
            inner = f"{margin} . | nindent {self.expression(node.args[0])} }}}}"
            self.put(f"{margin} with {self.expression(node.node)} }}}}{inner}{margin} end }}}}")
        elif isinstance(node, nodes.Filter) and node.name == "nindent":
            # nindent begins with a line's end: what stands before it on its line goes.
            self.parts[-1] = self.parts[-1].rstrip(" ")
            self.put(f"\n{self.margin(node)}{{{{- {self.expression(node)} }}}}")
        elif isinstance(node, nodes.Filter):
            self.put(f"{{{{ {self.expression(node)} }}}}")
        else:
            self.refuse(node, "printing without a filter")

    def branches(self, node: nodes.If) -> None:
        self.tag(node, f"if {self.expression(node.test)}")
        self.body(node.body)
        for other in node.elif_:
            self.tag(other, f"else if {self.expression(other.test)}")
            self.body(other.body)
        if node.else_:
            self.tag(node, "else")
            self.body(node.else_)
        self.tag(node, "end")

    def loop(self, node: nodes.For) -> None:
        if node.else_ or node.test or node.recursive:
            self.refuse(node, "for with if, else or recursive")
        over, targets = node.iter, [node.target]
        if isinstance(over, nodes.Filter) and over.name == "items" and over.node:
            over = over.node
            targets = list(node.target.items) if isinstance(node.target, nodes.Tuple) else []
            if len(targets) != 2:
                self.refuse(node, "a loop over items without a key and a value")
        names = [target.name for target in targets if isinstance(target, nodes.Name)]
        if len(names) != len(targets):
            self.refuse(node, "a loop over several names that are not a map's items")
        schema, source = self.schema(over), self.operand(over)
        outer, self.in_range = self.in_range, True
        item = schema.get("items") or entry_schema(schema)
        before = dict(self.bound)
        self.tag(node, f"range {', '.join(f'${name}' for name in names)} := {source}")
        self.bound.update({name: {"type": "string"} for name in names[:-1]})
        self.bound[names[-1]] = item
        self.body(node.body)
        self.bound, self.in_range = before, outer
        self.tag(node, "end")

    # --- expressions ------------------------------------------------------------------------

    def operand(self, node: nodes.Node) -> str:
        """An expression as an argument: in parentheses where it is more than a name."""
        text = self.expression(node)
        simple = isinstance(node, nodes.Const | nodes.Name | nodes.Getattr)
        return text if simple else f"({text})"

    def number(self, node: nodes.Node) -> str:
        """An operand of a comparison or product: values are converted to what they stand for."""
        kind = self.schema(node).get("type")
        text = self.operand(node)
        return f"({_CONVERSIONS[kind]} {text})" if kind in _CONVERSIONS else text

    def expression(self, node: nodes.Node) -> str:
        match node:
            case nodes.Const():
                return self.constant(node)
            case nodes.Name():
                return self.variable(node)
            case nodes.Getattr() | nodes.Getitem(arg=nodes.Const(value=str())):
                return self.place(node)
            case nodes.Filter():
                return self.pipeline(node)
            case nodes.Call(node=nodes.Name(name=name)) if name in FUNCTIONS:
                return self.call(name, node)
            case nodes.Concat():
                return self.concatenation(node)
            case nodes.Dict():
                pairs = (each for pair in node.items for each in (pair.key, pair.value))
                return " ".join(["dict", *map(self.operand, pairs)])
            case nodes.Mul() | nodes.Add() | nodes.Sub() | nodes.FloorDiv() | nodes.Mod():
                return (
                    f"{_ARITHMETIC[type(node)]} {self.number(node.left)} {self.number(node.right)}"
                )
            case nodes.Compare(ops=[operation]):
                return self.comparison(node.expr, operation)
            case nodes.And() | nodes.Or():
                word = "and" if isinstance(node, nodes.And) else "or"
                return junction(word, [self.operand(term) for term in _terms(node, type(node))])
            case nodes.Not():
                return f"not {self.operand(node.node)}"
            case nodes.Test() if not node.args:
                return self.test(node)
        self.refuse(node, f"the expression {type(node).__name__.lower()}")

    def constant(self, node: nodes.Const) -> str:
        match node.value:
            case bool(value):
                return "true" if value else "false"
            case str(value):
                return go_string(value)
            case int(value) | float(value):
                return str(value)
        self.refuse(node, f"the constant {node.value}")

    def place(self, node: nodes.Getattr | nodes.Getitem) -> str:
        self.schema(node)
        if isinstance(node, nodes.Getattr):
            return f"{self.operand(node.node)}.{node.attr}"
        keys = [self.expression(node.arg)]
        while isinstance(inner := node.node, nodes.Getitem):
            node = inner
            keys.insert(0, self.expression(node.arg))
        return " ".join(["index", self.operand(node.node), *keys])

    def test(self, node: nodes.Test) -> str:
        if node.name == "number":
            # A number is a float from a file, an integer from --set.
            return f'has (kindOf {self.operand(node.node)}) (list "float64" "int64")'
        if node.name not in _TESTS:
            self.refuse(node, f"the test {node.name}")
        return f'kindIs "{_TESTS[node.name]}" {self.operand(node.node)}'

    @property
    def root(self) -> str:
        """What the whole context is called here, to be followed by a key."""
        return "$." if self.in_range else "."

    def variable(self, node: nodes.Name) -> str:
        if node.name in self.bound:
            return f"${node.name}"
        return f"{self.root}{node.name}"

    def pipeline(self, node: nodes.Filter) -> str:
        if node.name not in _FILTERS or node.node is None or node.kwargs:
            self.refuse(node, f"the filter {node.name}")
        inner = self.expression(node.node)
        arguments = [self.operand(argument) for argument in node.args]
        return f"{inner} | {_FILTERS[node.name](*arguments)}"

    def call(self, name: str, node: nodes.Call) -> str:
        arguments = [self.operand(argument) for argument in node.args]
        if name == "file":
            return f"{self.root}Files.Get {go_string(f'files/{_word(node)}')}"
        if name == "jsonAt":
            return f'include "{define_name(name)}" (list {" ".join(arguments)})'
        return self.include(node)

    def include(self, node: nodes.Call) -> str:
        part = _word(node)
        given = {pair.key: self.operand(pair.value) for pair in node.kwargs}
        if not given:
            return f'include "{define_name(part)}" {"$" if self.in_range else "."}'
        used = meta.find_undeclared_variables(environment().parse((TEMPLATES / part).read_text()))
        if "file" in used:
            self.refuse(node, "a part that is given names and reads a file")
        rest = sorted(used - FUNCTIONS.keys() - given.keys())
        given |= {word: f"{self.root}{word}" for word in rest}
        pairs = " ".join(f'"{word}" {value}' for word, value in given.items())
        return f'include "{define_name(part)}" (dict {pairs})'

    def concatenation(self, node: nodes.Concat) -> str:
        form, arguments = [], []
        for part in node.nodes:
            if isinstance(part, nodes.Const) and isinstance(part.value, str):
                form.append(part.value.replace("%", "%%"))
            else:
                form.append("%s")
                arguments.append(self.operand(part))
        return " ".join(["printf", go_string("".join(form)), *arguments])

    def comparison(self, left: nodes.Node, operation: nodes.Operand) -> str:
        if operation.op in ("in", "notin"):
            text = self.membership(left, operation.expr)
            return text if operation.op == "in" else f"not ({text})"
        if operation.op not in _COMPARISONS:
            self.refuse(operation, f"the comparison {operation.op}")
        return f"{_COMPARISONS[operation.op]} {self.number(left)} {self.number(operation.expr)}"

    def membership(self, item: nodes.Node, container: nodes.Node) -> str:
        if isinstance(container, nodes.Tuple):
            return " ".join(["eq", self.number(item), *map(self.operand, container.items)])
        schema = self.schema(container)
        # Free data may be a map: a test `is mapping` stands before it.
        match schema.get("type", "object" if "oneOf" in schema else ""):
            case "object":
                return f"hasKey {self.operand(container)} {self.operand(item)}"
            case "array":
                return f"has {self.operand(item)} {self.operand(container)}"
            case "string":
                return f"contains {self.operand(item)} {self.operand(container)}"
        self.refuse(container, "`in` of something that is no map, list or text")

    def schema(self, node: nodes.Node) -> dict[str, Any]:
        """The values' JSON schema for an expression; ``{}`` if it has none.

        Raises:
            TranslationError: it names a value that does not exist.
        """
        match node:
            case nodes.Name(name="Values") if "Values" not in self.bound:
                return json_schema()
            case nodes.Filter(name="base"):
                return {"type": "string"}
            case nodes.Name():
                return resolved(self.bound.get(node.name, {}))
            case nodes.Getattr(attr=key) | nodes.Getitem(arg=nodes.Const(value=key)):
                above = self.schema(node.node)
                if not above or "oneOf" in above:  # free data
                    return {}
                if key in above.get("properties", {}):
                    return resolved(above["properties"][key])
                if entry_schema(above):
                    return resolved(entry_schema(above))
                raise TranslationError(f"{self.name}:{node.lineno}: there is no value {key}")
        return {}


def _word(node: nodes.Call) -> str:
    """The only argument of a call, a name."""
    (word,) = (argument.value for argument in node.args if isinstance(argument, nodes.Const))
    return str(word)


def _terms(node: nodes.Node, kind: type[nodes.Node]) -> list[nodes.Node]:
    """The terms of ``a and b and c``, which Go's ``and`` takes at once."""
    if not isinstance(node, kind):
        return [node]
    return [*_terms(node.left, kind), *_terms(node.right, kind)]  # type: ignore[attr-defined]
