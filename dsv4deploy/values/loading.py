"""From files and options to values, merged exactly as Helm merges them.

Helm folds the ``-f`` files first, then ``--set-json``, ``--set`` and ``--set-string``, and lays
the result on the chart's defaults: maps merge, everything else replaces, and null takes a
default away.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import ValuesError, nearest
from ..facts import flags
from ..findings import Finding, Severity
from .engine import EngineArgs
from .scalars import PATTERNS
from .tree import Values

Tree = dict[str, Any]
Keys = tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """One thing that sets values.

    Attributes:
        name: what the user knows it by: a file, an option.
        lay: puts its values into a tree.
    """

    name: str
    lay: Callable[[Tree], None]


def load(
    *sources: str | PathLike[str] | Mapping[str, Any],
    profile: str = "",
    set: Iterable[str] = (),  # noqa: A002 - the option's own name
    set_string: Iterable[str] = (),
    set_json: Iterable[str] = (),
) -> Values:
    """The values of a deployment: the defaults, a profile, files and settings laid on each other.

    Args:
        sources: values files or mappings; later ones win, maps merge, null takes a default away.
        profile: the name of a shipped profile, laid under the sources.
        set: ``a.b=c`` as Helm's ``--set`` reads it (``true``, ``null`` and integers are typed).
        set_string: ``a.b=c``, always text.
        set_json: ``a.b=JSON``, or a whole JSON object.

    Raises:
        ValuesError: something can't be read or is not accepted; it names each path.
    """
    layers = []
    if profile:
        layers.append(_tree_layer(f"profile {profile}", _read(profile_path(profile))))
    for source in sources:
        if isinstance(source, Mapping):
            layers.append(_tree_layer("values", _plain(source)))
        else:
            layers.append(_tree_layer(fspath(source), _read(Path(source))))
    layers += [_setting_layer("--set-json", text) for text in set_json]
    layers += [_setting_layer("--set", text) for text in set]
    layers += [_setting_layer("--set-string", text) for text in set_string]
    return accept(layers)


def _read(path: Path) -> Tree:
    # A render of the defaults reads no YAML, and need not import it.
    from . import yaml as yamlio

    return yamlio.read_file(path)


def accept(layers: Sequence[Layer]) -> Values:
    """The layers, folded in their order and laid on the defaults, as values.

    Raises:
        ValuesError: the result is not accepted; each problem names the layer it came from.
    """
    tree: Tree = {}
    for layer in layers:
        layer.lay(tree)
    _coalesce(tree, defaults())
    problems = dict.fromkeys(_missing(Values, tree, ()), _NOT_NULL)
    try:
        values = Values.model_validate(tree, by_alias=True, by_name=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path, message = _explain(detail)
            problems.setdefault(path, message)
    if problems:
        raise ValuesError(
            _problem(_origin(path, layers), path, message) for path, message in problems.items()
        )
    return values


def _problem(origin: str, path: Keys, message: str) -> Finding:
    if origin.startswith("--set "):
        message = message.replace(_UNQUOTE, "use --set-json, for --set reads this as text")
    return Finding("", Severity.ERROR, ".".join(path), message, source=origin)


_UNQUOTE = "leave out the quotes"
_NOT_NULL = "null can't take this value away: write a value, or leave the key out for the default"


def _tree_layer(name: str, tree: Tree) -> Layer:
    return Layer(name, lambda base: _fold(base, tree))


def _origin(path: Keys, layers: Sequence[Layer]) -> str:
    """The last layer that set something at the path, or else above it."""
    for depth in range(len(path), 0, -1):
        tree: Tree = {}
        origin = ""
        before: Any = _ABSENT
        for layer in layers:
            layer.lay(tree)
            after = copy.deepcopy(_at(tree, path[:depth]))
            if after is not _ABSENT and after != before:
                origin = layer.name
            before = after
        if origin:
            return origin
    return layers[-1].name if layers else "values"


_ABSENT = object()


def _at(tree: Any, path: Keys) -> Any:
    for key in path:
        if isinstance(tree, dict) and key in tree:
            tree = tree[key]
        elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return _ABSENT
    return tree


# --- Helm's merge ----------------------------------------------------------------------------


@cache
def defaults() -> Tree:
    """The default values as plain data, in the chart's spelling. Not to be changed."""
    tree: Tree = _plain(Values().model_dump(by_alias=True))
    return tree


def _fold(base: Tree, top: Mapping[str, Any]) -> None:
    """Lays one ``-f`` file over those before it."""
    for key, value in top.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            _fold(below, value)
        else:
            base[key] = copy.deepcopy(value)


def _coalesce(values: Tree, default: Mapping[str, Any]) -> None:
    """Lays the user's values on the defaults: there, null takes a default away."""
    for key, value in default.items():
        if key not in values:
            values[key] = copy.deepcopy(value)
        elif values[key] is None:
            del values[key]
        elif isinstance(value, dict) and isinstance(values[key], dict):
            _coalesce(values[key], value)


def _plain(value: Any) -> Any:
    """Mappings as dicts and sequences as lists, so that merging sees one kind of each."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


# --- --set, in Helm's grammar ----------------------------------------------------------------

_FORMS = {
    "--set": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-string": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-json": "'a.b=JSON' or '{\"a\":{\"b\":JSON}}', in single quotes",
}
_LAST_INDEX = 65_536  # Helm's own bound on a list's index
_DEEPEST = 30  # and on the dots of one name


def _setting_layer(option: str, text: str) -> Layer:
    name = f"{option} {text}"

    def lay(base: Tree) -> None:
        try:
            if option == "--set-json" and text.lstrip().startswith("{"):
                _fold(base, _json(text, 0)[0])
            else:
                _Settings(option, text).into(base)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
            raise ValuesError.of(name, "", f"{reason}: write {_FORMS[option]}") from None

    return Layer(name, lay)


def _json(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins there, and where it ends."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    start += len(text[start:]) - len(text[start:].lstrip(" \t\r\n"))

    def integer(word: str) -> int | float:
        return -0.0 if word == "-0" else int(word)  # Go reads every JSON number as a float

    return json.JSONDecoder(parse_constant=refuse, parse_int=integer).raw_decode(text, start)


def _typed(word: str) -> Any:
    """A word as ``--set`` types it: true, false, null and whole numbers; all else is text."""
    match word.lower():
        case "true":
            return True
        case "false":
            return False
        case "null":
            return None
        case "0":
            return 0
    digits = word[1:] if word[:1] in ("+", "-") else word
    if not word.startswith("0") and digits.isascii() and digits.isdigit() and len(digits) < 20:
        number = int(word)
        return number if -(2**63) <= number < 2**63 else word
    return word


class _Settings:
    """Reads ``a.b=c,d[0]=e,f={x,y}`` into a tree, character by character, as Helm does."""

    def __init__(self, option: str, text: str) -> None:
        self.text = text
        self.position = 0
        self.json = option == "--set-json"
        self.word = _typed if option == "--set" else str

    def into(self, tree: Tree) -> None:
        while self.position < len(self.text):
            self.key(tree, 0)

    def until(self, stops: str) -> tuple[str, str]:
        """Text up to one of the stops, which is passed over; a backslash protects a character."""
        found: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            self.position += 1
            if character in stops:
                return "".join(found), character
            if character == "\\" and self.position < len(self.text):
                character = self.text[self.position]
                self.position += 1
            found.append(character)
        return "".join(found), ""

    def key(self, tree: Tree, depth: int) -> None:
        key, stop = self.until("=[,.")
        if stop == "[":
            items = tree.get(key, [])
            if not isinstance(items, list):
                raise ValueError(f"{key} is not a list")
            items = self.item(list(items), self.index(), depth)
            if key:
                tree[key] = items
        elif stop == "=":
            value = self.value()
            if key:
                tree[key] = value
        elif stop == ".":
            if depth == _DEEPEST:
                raise ValueError(f"more than {_DEEPEST} levels")
            inner = tree.get(key, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{key} is not a map")
            self.key(inner, depth + 1)
            if not inner:
                raise ValueError(f"{key} has no value")
            if key:
                tree[key] = inner
        elif key or stop:
            raise ValueError(f"{key or 'a key'} has no value")

    def index(self) -> int:
        digits, stop = self.until("]")
        if not stop or not digits.isascii() or not digits.isdigit():
            raise ValueError(f"[{digits} is not the index of a list")
        if int(digits[:9]) > _LAST_INDEX:
            raise ValueError(f"the index {digits} is above {_LAST_INDEX}")
        return int(digits)

    def item(self, items: list[Any], index: int, depth: int) -> list[Any]:
        rest, stop = self.until("[.=")
        if rest or not stop:
            raise ValueError(f"{rest or 'nothing'} stands behind the index of a list")
        items += [None] * (index + 1 - len(items))
        present = items[index]
        if stop == "=":
            items[index] = self.value()
        elif stop == "[":
            inner = present if isinstance(present, list) else []
            items[index] = self.item(list(inner), self.index(), depth)
        else:
            if present is not None and not isinstance(present, dict):
                raise ValueError(f"item {index} is not a map")
            items[index] = present = present or {}
            self.key(present, depth + 1)
        return items

    def value(self) -> Any:
        if self.json:
            return self.json_value()
        if self.text[self.position : self.position + 1] != "{":
            return self.word(self.until(",")[0])
        self.position += 1
        words = []
        while True:
            word, stop = self.until(",}")
            if not stop:
                raise ValueError("the list has no closing }")
            words.append(self.word(word))
            if stop == "}":
                if self.text[self.position : self.position + 1] == ",":
                    self.position += 1
                return words

    def json_value(self) -> Any:
        if self.skip_comma():
            return None
        value, self.position = _json(self.text, self.position)
        if not self.skip_comma():
            raise ValueError("a value must end with a comma or the end")
        return value

    def skip_comma(self) -> bool:
        """Passes over blanks and then a comma or the end; false where something else stands."""
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1
        if self.position < len(self.text) and self.text[self.position] != ",":
            return False
        self.position += 1
        return True


# --- profiles --------------------------------------------------------------------------------


def profile_directory() -> Path:
    """Where the shipped profiles are: beside the package in a checkout, in it when installed."""
    package = Path(str(files(__package__))).parent
    inside = package / "profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(path.stem for path in profile_directory().glob("*.yaml"))


def profile_path(name: str) -> Path:
    """The values file of a shipped profile.

    Raises:
        ValuesError: there is none of that name.
    """
    names = profile_names()
    if name not in names:
        message = f"there is no profile of this name{nearest(name, names)}"
        raise ValuesError.of(f"profile {name}", "", message)
    return profile_directory() / f"{name}.yaml"


# --- what pydantic says, in words -------------------------------------------------------------


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """The types of a section's fields by their names in YAML."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _missing(model: type[BaseModel], tree: Any, path: Keys) -> Iterator[Keys]:
    """The typed values that null has taken away."""
    if not isinstance(tree, dict):
        return
    for name, kind in _fields(model).items():
        if name not in tree:
            yield (*path, name)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _missing(kind, tree[name], (*path, name))


def section_at(path: Keys) -> type[BaseModel] | None:
    """The section at a path of the tree, where there is one."""
    section: type[BaseModel] = Values
    for key in path:
        kind = _fields(section).get(key)
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return None
        section = kind
    return section


def _explain(error: Any) -> tuple[Keys, str]:
    """A path in the tree and a sentence, from one of pydantic's errors."""
    # pydantic names the branch of a union and marks keys in its paths; users see neither.
    keys = tuple(str(key) for key in error["loc"] if not _MARK.fullmatch(str(key)))
    return keys, _sentence(error, keys)


_MARK = re.compile(r"\{\w+\}|\[key\]")
_KINDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "invalid_key": "a key must be text",
    "model_type": "must be a mapping",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}


_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _sentence(error: Any, keys: Keys) -> str:
    kind, given, bound = error["type"], error["input"], error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            section = section_at(keys[:-1])
            return f"there is no such value{nearest(keys[-1], _fields(section) if section else ())}"
        case "missing":
            return "this value is required"
        case "string_pattern_mismatch" if keys[-1] == given and section_at(keys[:-1]) is EngineArgs:
            return _spelled(given)
        case "string_pattern_mismatch":
            return f"{_shown(given)} must be {PATTERNS[bound['pattern']]}"
        case "string_too_short" | "too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have {bound['max_length']} characters or fewer, not {len(given)}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return f"must be {_BOUNDS[kind]} {next(iter(bound.values())):.16g}, not {_shown(given)}"
        case "literal_error":
            return f"must be {bound['expected']}, not {_shown(given)}"
        case "value_error":
            return str(bound["error"])
        case "union_tag_invalid":
            return f"{_shown(given)} can't stand in a list of words: write text or a number"
    message = f"{_KINDS.get(kind, error['msg'])}, not {_shown(given)}"
    if kind == "string_type" and isinstance(given, bool | int | float):
        return f'{message}: write "{json.dumps(given)}", in quotes'
    if given in ("true", "false") or _is_number(given):
        return f"{message}: {_UNQUOTE}"
    return message


def _spelled(given: str) -> str:
    """What to write for a flag that vLLM writes another way, or that it does not have."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", given.strip("-_"))
    flag = words.lower().replace("_", "-")
    unknown = flags.problem(defaults()["engine"]["version"], flag, None)
    return unknown or f"vLLM spells this {flag}"


def _is_number(given: object) -> bool:
    try:
        return isinstance(given, str) and math.isfinite(float(given))
    except ValueError:
        return False


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
