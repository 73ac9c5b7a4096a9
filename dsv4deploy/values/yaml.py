"""YAML as Helm reads it, without text that parsers interpret differently.

Helm reads YAML 1.1 as Go's libraries see it, Python's libraries see it otherwise, and
YAML 1.2 otherwise again: ``on`` is true or a string, ``0755`` is 493 or 755. Such plain scalars are
rejected on reading, with the correct notation, and quoted on writing, so that a file has the same
meaning for every parser.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

import yaml

from ..errors import ValuesError
from .secrets import MASK, masked, mentions_secret

try:
    from yaml import CSafeDumper as _Dumper
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: slower, the same meaning
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

# No values file comes near these. Aliases let a small file stand for a huge document: Helm refuses
# one that consists of almost nothing else.
_MAX_BYTES = 4 << 20
_MAX_NODES = 200_000
_MAX_ALIASED = 1_000
_ALIASED_SHARE = 0.95
_DEEPEST = 100

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# What YAML 1.1, YAML 1.2 and their libraries read differently (PyYAML, ruamel.yaml and Go's
# yaml were compared, word by word).
_AMBIGUOUS = [
    (re.compile(r"(?i:y|n|yes|no|on|off)"), "is a boolean to some parsers and text to others"),
    (
        re.compile(r"[-+]?(0[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|0[oO][0-7]+)"),
        "is an octal number to some parsers",
    ),
    (re.compile(r"[-+]?0[xXbB][0-9a-fA-F]+"), "is a number to some parsers and text to others"),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        "is a number in base 60 to some parsers",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "is a date to some parsers"),
    (re.compile(r"(?i:[-+]?\.inf|\.nan)"), "is not a number that JSON can carry"),
    (re.compile(r"="), "is a special key to some parsers"),
]
# What readers take differently wherever it is: Helm 4 splits a file at lines that begin with ---
# before it reads YAML.
_ANYWHERE = [
    (re.compile("\ufeff"), "a byte order mark inside this file: delete it"),
    (re.compile(r"\r(?!\n)"), "a carriage return without a line feed: save this file with LF"),
    (
        re.compile(r"(?m)^---(?![ \t]*(#.*)?\r?$)"),
        "some parsers end the file at a line that starts with --- and has more text: indent it",
    ),
]
_TEMPLATE = "values files are not templates: replace `{{ … }}` with its value"


def plain(text: str) -> Any:
    """What a plain (unquoted) YAML scalar means to Helm.

    Raises:
        ValueError: it means different things to different parsers; the text lists them.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("is a number too large for JSON to some parsers and text to others")
        return int(text) if _INT.fullmatch(text) else number
    # Some readers leave out the underscores of what begins like a number, wherever they are.
    bare = text.replace("_", "") if text[0] in "+-.0123456789" else text
    for pattern, reason in _AMBIGUOUS:
        if pattern.fullmatch(bare):
            raise ValueError(reason)
    if bare != text and (_INT.fullmatch(bare) or _FLOAT.fullmatch(bare)):
        raise ValueError("is a number to some parsers and text to others")
    return text


def read(text: str | bytes, source: str) -> dict[str, Any]:
    """One YAML document that is a mapping, as Helm reads it; an empty one is ``{}``.

    Raises:
        ValuesError: broken YAML, several documents, a duplicate key, an ambiguous scalar, a tag, a
            directive, another encoding than UTF-8.
    """
    documents = read_all(text, source, most=1)
    return documents[0] if documents else {}


def read_all(text: str | bytes, source: str, most: int = _MAX_NODES) -> list[dict[str, Any]]:
    """The YAML documents of a text, each a mapping, as :func:`read` reads one; without empty ones.

    Args:
        text: the text.
        source: the name that the user knows.
        most: how many documents it may have.

    Raises:
        ValuesError: see :func:`read`.
    """
    content = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    documents: list[Any] = []
    try:
        content.encode()
        content = content.removeprefix("\ufeff")
        _only_plain(content, source)
        loader = _Loader(content)
        try:
            while loader.check_node():
                if len(documents) == most:
                    message = (
                        "several YAML documents in one file: keep one, or make two files of them; "
                        "`dsv4deploy import` makes values of a manifest"
                    )
                    raise ValuesError.of(source, "", message)
                if (node := loader.get_node()) is not None:
                    documents.append(_Builder(source).build(node, ()))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        what = error.problem or error.context or "unreadable"
        line = "".join(content.splitlines()[mark.line : mark.line + 1]) if mark else ""
        if mentions_secret(line):
            what = re.sub("'.*'", MASK, what)
        message = f"not a YAML document: {_TEMPLATE if '{{' in line else what}"
        raise ValuesError.of(where, "", message) from None
    except UnicodeEncodeError:
        raise ValuesError.of(source, "", "not UTF-8 text: save this file as UTF-8") from None
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ValuesError.of(source, "", f"not a YAML document: {reason}") from None
    for document in documents:
        if document is not None and not isinstance(document, dict):
            message = "the document must be a mapping of values, such as `name: my-service`"
            raise ValuesError.of(source, "", message)
    return [document for document in documents if document]


def _only_plain(text: str, source: str) -> None:
    """Rejects text that parsers interpret differently or that would crash libyaml's composer."""
    for pattern, message in _ANYWHERE:
        found = pattern.search(text)
        if found:
            line = text.count("\n", 0, found.start()) + 1
            raise ValuesError.of(f"{source}:{line}", "", message)
    depth = in_flow = 0
    for event in yaml.parse(text, Loader=_Loader):
        where = f"{source}:{event.start_mark.line + 1}" if event.start_mark else source
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            in_flow += bool(event.flow_style)  # no block is inside of a flow collection
            if depth > _DEEPEST:
                raise ValuesError.of(where, "", "nested too deeply to be a values file")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            in_flow = max(0, in_flow - 1)
        elif isinstance(event, yaml.ScalarEvent):
            _only_common(text, event, where, in_flow=bool(in_flow))
        if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
            message = "directives such as %YAML are not supported: remove them"
            raise ValuesError.of(where, "", message)
        if getattr(event, "tag", None):
            message = 'tags such as ! and !!str are not supported: write text as "text"'
            raise ValuesError.of(where, "", message)


def _only_common(text: str, scalar: yaml.ScalarEvent, where: str, *, in_flow: bool) -> None:
    """Rejects a notation that Go's parsers (go-yaml 2.4, in Helm 3.17) do not support."""
    if in_flow and not scalar.style and "?" in scalar.value:
        message = "unquoted text between [ ] or { } ends at a `?` in some parsers: put it in quotes"
        raise ValuesError.of(where, "", message)
    start, end = scalar.start_mark, scalar.end_mark
    if start and end and scalar.style == '"' and "/" in scalar.value:
        written = text[start.index : end.index]
        if re.search(r"(?<!\\)(\\\\)*\\/", written):
            message = "some parsers do not support the escape \\/: write / without the backslash"
            raise ValuesError.of(where, "", message)


def read_file(path: Path) -> dict[str, Any]:
    """The values in a file, or on stdin where its name is ``-``; see :func:`read`.

    Raises:
        ValuesError: also where the file can't be read.
    """
    name = "stdin" if str(path) == "-" else str(path)
    try:
        if str(path) == "-":
            content = _beginning(sys.stdin.buffer)
        else:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValuesError.of(name, "", f"cannot read this file: {reason}") from None
    if len(content) > _MAX_BYTES:
        message = f"more than {_MAX_BYTES >> 20} MiB: this is not a values file"
        raise ValuesError.of(name, "", message)
    return read(content, name)


@cache
def _beginning(stream: IO[bytes]) -> bytes:
    """Input that can be read only once, although several deployments share it."""
    return stream.read(_MAX_BYTES + 1)


class _Builder:
    """Turns YAML nodes into plain data, each scalar with Helm's meaning."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes = self.aliased = 0
        self.seen: set[int] = set()
        self.open: set[int] = set()

    def error(self, node: yaml.Node, path: tuple[str, ...], message: str) -> ValuesError:
        where = f"{self.source}:{node.start_mark.line + 1}"
        return ValuesError.of(where, ".".join(path), message)

    def build(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        self.count(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            raise self.error(node, path, "this alias contains itself")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [
                    self.build(item, (*path, str(index))) for index, item in enumerate(node.value)
                ]
            return self.mapping(node, path)
        finally:
            self.open.discard(id(node))

    def count(self, node: yaml.Node, path: tuple[str, ...]) -> None:
        self.nodes += 1
        self.aliased += id(node) in self.seen
        self.seen.add(id(node))
        share = _ALIASED_SHARE * self.nodes if self.aliased > _MAX_ALIASED else self.nodes
        if self.nodes > _MAX_NODES or self.aliased > share:
            raise self.error(node, path, "the aliases of this document make it too large")

    def scalar(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> Any:
        text: str = node.value
        if node.style:
            return text
        try:
            return plain(text)
        except ValueError as reason:
            shown = _short(masked(text, *path))
            message = f"the unquoted `{shown}` {reason}: {_instead(shown)}"
            raise self.error(node, path, message) from None

    def mapping(self, node: yaml.Node, path: tuple[str, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                template = isinstance(key_node, yaml.MappingNode) and key_node.flow_style
                raise self.error(key_node, path, _TEMPLATE if template else "a key must be text")
            if key_node.value == "<<" and not key_node.style:
                for source in self.merge_sources(value_node, path):
                    merged = {**source, **merged}
                continue
            self.count(key_node, path)
            key = self.scalar(key_node, path)
            if not isinstance(key, str):
                text = _short(key_node.value)
                raise self.error(key_node, path, f'the key `{text}` is not text: write "{text}"')
            if key in result:
                raise self.error(key_node, (*path, key), "this key is duplicated: keep one")
            result[key] = self.build(value_node, (*path, key))
        return {**merged, **result}

    def merge_sources(self, node: yaml.Node, path: tuple[str, ...]) -> list[dict[str, Any]]:
        built = self.build(node, path)
        sources = built if isinstance(built, list) else [built]
        if not all(isinstance(source, dict) for source in sources):
            raise self.error(node, path, "`<<` requires a mapping or a list of mappings")
        return sources


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _instead(text: str) -> str:
    word = text.lower()
    if word in ("y", "yes", "on"):
        return f'write true, or "{text}" for the text'
    if word in ("n", "no", "off"):
        return f'write false, or "{text}" for the text'
    if re.fullmatch(r"0[0-7]{1,20}", text):
        return f'write {int(text, 8)} or {int(text)}, whichever is meant, or "{text}" for the text'
    return f'write a plain decimal number, or "{text}" for the text'


class _OwnLoader(_Loader):
    """Reads 1e-7 as a number, as Go does; to YAML 1.1 it is text."""


_OwnLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(rf"{_FLOAT.pattern}$"), list("-+.0123456789")
)


def parse(text: str) -> list[dict[str, Any]]:
    """The objects in YAML text that this package has written itself."""
    return [document for document in yaml.load_all(text, Loader=_OwnLoader) if document]


class _PortableDumper(_Dumper):
    """Quotes every string that some parser would not read as a string."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: Any, text: str) -> Any:
    style = None
    try:
        if "\n" in text and not re.search(r"[^\n\t\x20-\x7e]| \n|^\s", text):
            style = "|"
        elif plain(text) != text:
            style = '"'
    except ValueError:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_PortableDumper.add_representer(str, _represent_str)


def write_list(items: Iterable[Mapping[str, Any]]) -> str:
    """One YAML document that is a list, written as :func:`write` writes."""
    return _dump([list(map(dict, items))], explicit_start=False)


def write(documents: Iterable[Mapping[str, Any]]) -> str:
    """The documents as YAML that every parser reads the same way.

    Keys keep their order; strings that a YAML 1.1 or 1.2 parser would read as something else are
    quoted; text of several lines is written as a block.
    """
    return _dump((dict(document) for document in documents), explicit_start=True)


def _dump(documents: Iterable[Any], *, explicit_start: bool) -> str:
    return yaml.dump_all(
        documents,
        Dumper=_PortableDumper,
        sort_keys=False,
        explicit_start=explicit_start,
        allow_unicode=True,
        width=2**31 - 1,
    )
