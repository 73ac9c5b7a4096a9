"""From files and options to values, merged exactly as Helm merges them.

Helm folds the ``-f`` files first, then ``--set-json``, ``--set`` and ``--set-string``, and merges
the result over the chart's defaults: maps merge, everything else replaces, and null removes a
default.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..errors import ValuesError, nearest
from ..facts import flags
from ..facts.builds import from_image
from ..findings import Finding, Severity
from .engine import EngineArgs
from .merge import Tree, coalesce, fold, found_at, plain_data
from .profiles import profile_names, profile_path
from .scalars import PATTERNS
from .secrets import masked, masked_option
from .strvals import parse_into
from .tree import Values

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """A source of values.

    Attributes:
        name: the name that the user knows: a file, an option.
        lay: merges its values into a tree.
    """

    name: str
    lay: Callable[[Tree], None]

    def paths(self) -> Iterator[Keys]:
        """The path of each value that it sets, and of its parents."""
        tree: Tree = {}
        # What a setting does to other values (`a[0]` of a map) is an error of its own.
        with suppress(ValuesError):
            self.lay(tree)
        return _paths(tree, ())


def load(
    *sources: str | PathLike[str] | Mapping[str, Any],
    profile: str = "",
    set: Iterable[str] = (),  # noqa: A002 - the option's own name
    set_string: Iterable[str] = (),
    set_json: Iterable[str] = (),
    name: str = "",
    note: Callable[[str], None] = lambda _: None,
) -> Values:
    """The values of a deployment: the defaults, a profile, files and settings, merged in this
    order.

    Args:
        sources: values files (``-`` is stdin) or mappings; later ones win, maps merge, null removes
            a default.
        profile: the name of a shipped profile, over which the sources are merged.
        set: ``a.b=c`` as Helm's ``--set`` reads it (``true``, ``null`` and integers are typed).
        set_string: ``a.b=c``, always text.
        set_json: ``a.b=JSON``.
        name: the service's name, which overrides the values; ``""`` means the name in the values.
        note: receives a sentence on what an object of ``set_json`` removes from the sources, and
            on an empty map, which removes nothing.

    Raises:
        ValuesError: something can't be read or is not accepted; it names each path.
    """
    layers = []
    if profile:
        layers.append(_tree_layer(f"profile {profile}", _read(profile_path(profile)), note))
    for source in sources:
        if isinstance(source, Mapping):
            layers.append(_tree_layer("values", plain_data(source), note))
        else:
            name_of = "stdin" if fspath(source) == "-" else fspath(source)
            layers.append(_tree_layer(name_of, _read(Path(source)), note))
    for option, texts in (("--set-json", set_json), ("--set", set), ("--set-string", set_string)):
        layers += [_setting_layer(option, text, note) for text in texts]
    if name:
        layers.append(_tree_layer(f"--name {name}", {"name": name}))
    return accept(layers)


def _read(path: Path) -> Tree:
    # A render of the defaults reads no YAML, and need not import it.
    from . import yaml as yamlio

    if not path.exists() and str(path) in profile_names():
        message = f"there is no such file: name a profile with --profile {path}"
        raise ValuesError.of(str(path), "", message)
    return yamlio.read_file(path)


def replaced(values: Values, changes: Mapping[str, Any]) -> Values:
    """Values with changes merged over them; see :meth:`Values.replace`."""
    base = plain_data(values.model_dump(by_alias=True))
    return accept([_tree_layer("values", plain_data(changes))], base)


def accept(layers: Sequence[Layer], base: Mapping[str, Any] | None = None) -> Values:
    """The layers, merged in their order over the defaults, as values.

    Args:
        layers: in the order in which they are merged.
        base: replaces the defaults.

    Raises:
        ValuesError: the result is not accepted; each problem names the layer it came from.
    """
    tree: Tree = {}
    for layer in layers:
        layer.lay(tree)
    coalesce(tree, defaults() if base is None else base)
    problems = {
        path: _NOT_NULL_MAP if _is_map(path) else _NOT_NULL for path in _missing(Values, tree, ())
    }
    left_out = 0
    try:
        values = Values.model_validate(tree, by_alias=True, by_name=False)
    except ValidationError as error:
        details = _telling(error.errors(include_url=False))
        left_out = max(0, len(details) - _MOST)
        for detail in details[:_MOST]:
            path, message = _explain(detail)
            problems.setdefault(path, message)
    if problems:
        above = {path[:depth] for path in problems for depth in range(1, len(path) + 1)}
        origins = {path: layer.name for layer in layers for path in layer.paths() if path in above}
        last = layers[-1].name if layers else "values"
        found = [
            _problem(_origin(path, origins, last), path, message)
            for path, message in problems.items()
        ]
        if left_out:
            message = f"{left_out} more values are not accepted: fix these first"
            found.append(Finding("", Severity.ERROR, "", message, source=last))
        raise ValuesError(found)
    return values


def _telling(details: list[Any]) -> list[Any]:
    """Pydantic's errors without those that follow from another: values that are missing beside an
    unknown one, which stands for them (a misspelled name, or valueFrom), and lists that are too
    short because an item is not accepted.
    """
    unknown = {each["loc"][:-1] for each in details if each["type"] == "extra_forbidden"}
    above = {each["loc"][:depth] for each in details for depth in range(len(each["loc"]))}
    return [
        each
        for each in details
        if not (each["type"] == "missing" and each["loc"][:-1] in unknown)
        and not (each["type"] == "too_short" and each["loc"] in above)
    ]


def _problem(origin: str, path: Keys, message: str) -> Finding:
    if origin.startswith("--set "):
        message = message.replace(_UNQUOTE, "use --set-json, because --set reads this as text")
    return Finding("", Severity.ERROR, ".".join(path), message, source=origin)


_MOST = 100  # Nobody reads more, and each takes a search for what was meant.
_UNQUOTE = "remove the quotes"
_NOT_NULL = "null cannot remove this value: write a value, or omit the key for the default"


_NOT_NULL_MAP = "null removes an entry, not the whole map: set each of its entries to null"


def _tree_layer(name: str, top: Tree, note: Callable[[str], None] = lambda _: None) -> Layer:
    def lay(tree: Tree) -> None:
        for path in _empty_maps(top, ()):
            if found_at(tree, path) or found_at(defaults(), path):
                note(f"{name}: {'.'.join(path)}: an empty map removes no entry: set each to null")
        fold(tree, top)

    return Layer(name, lay)


def _empty_maps(tree: Tree, path: Keys) -> Iterator[Keys]:
    """The path of each empty map under keys of the user's choice."""
    for key, value in tree.items():
        here = (*path, str(key))
        if value == {} and _is_map(here):
            yield here
        elif isinstance(value, dict):
            yield from _empty_maps(value, here)


def _is_map(path: Keys) -> bool:
    """Whether the value at a path is a map under keys of the user's choice."""
    return _section_at(path) is None and isinstance(found_at(defaults(), path), dict)


def _setting_layer(option: str, text: str, note: Callable[[str], None]) -> Layer:
    name = masked_option(option, text)

    def lay(tree: Tree) -> None:
        before = [*_paths(tree, ())] if option == "--set-json" else []
        parse_into(tree, option, text)
        after = {*_paths(tree, ())} if before else set()
        gone = [path for path in before if path not in after]
        above = {path[:-1] for path in gone}
        lost = [".".join(path) for path in gone if path not in above]
        if lost:
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            note(
                f"{name}: as in Helm, an object replaces the object of the profile and the files, "
                f"so it drops their {', '.join(lost[:_SHOWN])}{more}; to keep them, set each value "
                "by its own path"
            )

    return Layer(name, lay)


_SHOWN = 5
"""How many of the values that are lost a note names."""


def _paths(value: Any, path: Keys) -> Iterator[Keys]:
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, str(key))
        yield from _paths(item, (*path, str(key)))


def _origin(path: Keys, origins: Mapping[Keys, str], last: str) -> str:
    """The last layer that sets the value at the path, or else what is above it."""
    above = (path[:depth] for depth in range(len(path), 0, -1))
    return next((origins[place] for place in above if place in origins), last)


@cache
def defaults() -> Tree:
    """The default values as plain data, in the chart's spelling. Not to be changed."""
    tree: Tree = plain_data(Values().model_dump(by_alias=True))
    return tree


def default_vllm() -> str:
    """The version of vLLM in the default image."""
    known = from_image(defaults()["engine"]["image"])
    return known.vllm.version if known else ""


# --- what pydantic says, in words -------------------------------------------------------------


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """The types of a section's fields by their names in YAML."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _missing(model: type[BaseModel], tree: Any, path: Keys) -> Iterator[Keys]:
    """The typed values that null has removed."""
    if not isinstance(tree, dict):
        return
    for name, kind in _fields(model).items():
        if name not in tree:
            yield (*path, name)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _missing(kind, tree[name], (*path, name))


def _section_at(path: Keys) -> type[BaseModel] | None:
    """The section at a path of the tree, where there is one."""
    section: type[BaseModel] = Values
    for key in path:
        kind = _fields(section).get(key)
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return None
        section = kind
    return section


def _names_at(path: Keys) -> set[str]:
    """The names of the values at a path, which may lead through entries of maps."""
    kind: Any = Values
    for key in path:
        below = [_fields(each)[key] for each in _models(kind) if key in _fields(each)]
        entries = [get_args(each)[1] for each in _parts(kind) if get_origin(each) is dict]
        kind = next(iter((*below, *entries)), None)
    return {name for each in _models(kind) for name in _fields(each)}


def _parts(kind: Any) -> Iterator[Any]:
    """A type, or each of those that it consists of; a map is one."""
    yield kind
    if get_origin(kind) is not dict:
        for part in get_args(kind):
            yield from _parts(part)


def _models(kind: Any) -> list[type[BaseModel]]:
    return [each for each in _parts(kind) if isinstance(each, type) and issubclass(each, BaseModel)]


def _explain(error: Any) -> tuple[Keys, str]:
    """A path in the tree and a sentence, from one of pydantic's errors."""
    # pydantic names the branch of a union and marks keys in its paths; users see neither.
    keys = tuple(str(key) for key in error["loc"] if not _MARK.fullmatch(str(key)))
    return keys, _sentence(error, keys)


_PROFILE = (
    "a profile is not a value: name it with the option --profile NAME of each command, or with "
    "profile= in Python; `dsv4deploy profiles` lists them"
)
_MANIFEST = "a manifest is not a values file: `dsv4deploy import` makes values of it"
_INSTEAD = {
    ("apiVersion",): _MANIFEST,
    ("kind",): _MANIFEST,
    ("metadata",): _MANIFEST,
    ("spec",): _MANIFEST,
    ("profile",): _PROFILE,
    ("profiles",): _PROFILE,
    ("hardware",): "the hardware is not a value: --hardware CARD:COUNT, such as 910B4:8, selects "
    "the profile for these cards",
    ("engine", "version"): "this value no longer exists: the image's tag identifies the engine. "
    "Remove it, and for a custom image set engine.build to the build that it was made from",
    ("maas", "gateway", "parallelRequests"): "this value no longer exists: set "
    "maas.gateway.replicas to one proxy for each 500 concurrent requests",
    ("namespace",): "the namespace is not a value: pass it with -n",
}
"""Values of earlier releases, of other tools or of the command line, and what to write instead."""
_MARK = re.compile(r"\{\w+\}|\[key\]")
_SENTENCES = {
    "greater_than": "must be more than {gt:.16g}, not {given}",
    "greater_than_equal": "must be at least {ge:.16g}, not {given}",
    "less_than": "must be less than {lt:.16g}, not {given}",
    "less_than_equal": "must be at most {le:.16g}, not {given}",
    "literal_error": "must be {expected}, not {given}",
    "missing": "this value is required",
    "string_too_long": "must have {max_length} characters or fewer, not {length}",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "union_tag_invalid": "{given} cannot be in a list of words: write text or a number",
    "value_error": "{error}",
}
"""The messages for pydantic's errors, with the facts that pydantic gives."""
_TYPES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "invalid_key": "a key must be text",
    "model_type": "must be a mapping",
    "string_type": "must be text",
    "string_unicode": "must be UTF-8 text",
    "tuple_type": "must be a list",
}


_FEW = 3
"""How many values of the same name in other sections a message names."""


def instead(keys: Keys) -> str:
    """What to write instead of a value that does not exist; ``""`` if nothing is known."""
    if re.match("envFrom(?!Pod)", keys[-1]):
        return (
            f"set each variable in {keys[0] if keys[1:] else 'engine'}.env, such as `HF_TOKEN: "
            "{secretKeyRef: {name: SECRET, key: KEY}}`, or configMapKeyRef for a ConfigMap"
        )
    return _INSTEAD.get(keys, "")


def _sentence(error: Any, keys: Keys) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden" and (told := instead(keys)):
        return told
    # Under engine users choose keys; elsewhere only a value's own name can be that of a secret.
    names = keys[2:] if keys[:1] == ("engine",) else keys[-1:]
    shown, known = _shown(masked(given, *names)), error.get("ctx", {})
    if kind == "extra_forbidden" and keys[-1] == "valueFrom":
        if isinstance(given, Mapping) and "fieldRef" in given:
            return "for a field of the pod, set engine.envFromPod, such as `POD_IP: status.podIP`"
        return "write secretKeyRef or configMapKeyRef directly, without valueFrom"
    if kind == "extra_forbidden":
        same = (path for path in _paths(defaults(), ()) if path[-1] == keys[-1])
        elsewhere = [path for path in same if _section_at(path[:-1])]
        if 0 < len(elsewhere) <= _FEW:
            return f"there is no such value: did you mean {' or '.join(map('.'.join, elsewhere))}?"
        return f"there is no such value{nearest(keys[-1], _names_at(keys[:-1]))}"
    if kind == "string_pattern_mismatch":
        if keys[-1] == given and _section_at(keys[:-1]) is EngineArgs:
            return _spelled(given)
        return f"{shown} must be {PATTERNS[known['pattern']]}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**known, given=shown, length=len(str(given)))
    return f"{_TYPES.get(kind, error['msg'])}, not {shown}{_quotes(kind, given, shown)}"


def _quotes(kind: str, given: object, shown: str) -> str:
    """The fix for a value that has too few or too many quotes."""
    if kind == "string_type" and isinstance(given, bool | int | float):
        written = shown if shown.startswith('"') else f'"{shown}"'
        return f": write {written}, in quotes"
    tokens = flags.integer("max-model-len", given) if kind == "int_type" else None
    if tokens is not None and not _is_number(given):
        return f": write {tokens}, which is vLLM's {given}"
    return f": {_UNQUOTE}" if given in ("true", "false") or _is_number(given) else ""


def _spelled(given: str) -> str:
    """The correct spelling of a flag that vLLM spells differently or does not have."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", given.strip("-_"))
    flag = words.lower().replace("_", "-")
    unknown = flags.problem(default_vllm(), flag, None)
    return unknown or f"vLLM spells this {flag}"


def _is_number(given: object) -> bool:
    try:
        return isinstance(given, str) and math.isfinite(float(given))
    except ValueError:
        return False


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:28]}…{text[-29:]}"
