"""The documentation of each value, read from the sections of :class:`~.tree.Values` and their
docstrings.

Field docstrings do not exist at run time, so this module reads them from the source on demand; a
plain render never does.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_snake
from pydantic.json_schema import GenerateJsonSchema

from ..errors import ValuesError, nearest
from ..facts import flags
from . import engine, gateway, platform, pods, tree
from .json import to_json
from .loading import default_vllm, defaults, instead, load
from .scalars import EXACT, FLAG_NAME, NULL, PATTERNS
from .tree import PUBLISHED, Values

_MODULES = (tree, engine, gateway, platform, pods)
"""Where the sections are, whose source holds the docstrings."""
_PARTIAL = ("ExtraObject",)
"""Sections in maps of the user's keys, where nothing but the user's document has their values."""


@dataclass(frozen=True)
class Documented:
    """One value, or a section of values.

    Attributes:
        path: its dotted path.
        section: whether other values are below it.
        type: what it takes, in words.
        default: its default as plain data; None for a section and for what has none.
        meaning: what it does.
        unit: its unit, or ``""``.
        becomes: the flag or field that it ends in, or ``""``.
        source: where the default comes from.
    """

    path: str
    section: bool
    type: str
    default: Any
    meaning: str
    unit: str
    becomes: str
    source: str


_NAME = "NAME"
"""A placeholder for a key of a map in a path."""


@cache
def documentation() -> dict[str, Documented]:
    """Every value and section by its dotted path, in the order of the tree."""
    return {path: entry for path, entry in _everything().items() if _NAME not in path}


@cache
def _everything() -> dict[str, Documented]:
    """The values in the entries of maps, too, with NAME for the entry's key."""
    schema = json_schema()
    return {entry.path: entry for entry in _walk(Values, schema, schema["$defs"], (), defaults())}


class _Generator(GenerateJsonSchema):
    """pydantic's generator without defaults, which are in the chart's values.yaml."""

    ignored_warning_kinds = {"non-serializable-default"}  # noqa: RUF012 - pydantic's own declaration


@cache
def json_schema() -> dict[str, Any]:
    """The values as a JSON schema (draft 2020-12) that accepts what :func:`load` accepts.

    It is the schema of the merged values, in which every key is present, so every property is
    required, but for those of sections in free maps that have a default. Not to be changed.
    """
    schema = Values.model_json_schema(by_alias=True, schema_generator=_Generator)
    texts = _docstrings()
    for name, section in [("Values", schema), *schema["$defs"].items()]:
        if name == "EngineArgs":
            # pydantic checks the extra keys too, but leaves that out of the schema.
            section["maxProperties"] = engine.MOST_ARGS
            section["patternProperties"] = {FLAG_NAME: section.pop("additionalProperties")}
        if "properties" in section:
            if name not in _PARTIAL:
                section["required"] = list(section["properties"])
            fields = {key.replace("-", "_"): text for key, text in texts[name].items()}
            for key, own in section["properties"].items():
                text = fields.get(to_snake(key).replace("-", "_"))
                if text:
                    own["description"] = _labels(text)[""]
    _tidy(schema)
    return schema


def entry_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A map's schema for the values under keys of the user's choice; ``{}`` of anything else.

    It is without null, which removes an entry.
    """
    own: dict[str, Any] = next(iter(schema.get("patternProperties", {}).values()), {})
    (only,) = [each for each in own.get("anyOf", [own]) if each != NULL]
    found: dict[str, Any] = only
    return found


EARLIER = "values of an earlier chart: upgrade with --reset-then-reuse-values"


def hint() -> dict[str, Any]:
    """Keywords for the chart's schema, by which Helm names the option that completes old values.

    ``helm upgrade --reuse-values`` gives a new chart the values of the old one without the new
    chart's defaults. The only words of a schema that Helm prints are names of properties.
    """
    definitions = json_schema()["$defs"]

    def complete(section: dict[str, Any]) -> dict[str, Any]:
        below = {key: _resolve(own, definitions) for key, own in section["properties"].items()}
        sections = {key: complete(own) for key, own in below.items() if "properties" in own}
        return {"required": list(below), **({"properties": sections} if sections else {})}

    return {"if": complete(json_schema()), "else": {"required": [EARLIER]}}


def _tidy(schema: dict[str, Any]) -> None:
    """Removes keywords without effect, and closes the maps in which keys must match a pattern."""
    schema.pop("title", None)
    schema.pop("default", None)
    matching = schema.get("patternProperties", {})
    if matching:
        schema["additionalProperties"] = False
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    inner = [schema.get("items"), *matching.values()]
    for below in (*named, *branches, *inner):
        if isinstance(below, dict):
            _tidy(below)


def _walk(
    model: type[BaseModel],
    schema: dict[str, Any],
    definitions: dict[str, Any],
    path: tuple[str, ...],
    default: Any,
) -> Iterator[Documented]:
    texts = _docstrings()[model.__name__]
    for name, info in model.model_fields.items():
        key = info.alias or name
        here = (*path, key)
        value = default.get(key) if isinstance(default, dict) else None
        kind: Any = info.annotation
        section = isinstance(kind, type) and issubclass(kind, BaseModel)
        text = texts.get(name, "")
        if section and not text:
            text = inspect.cleandoc(kind.__doc__ or "")
        labels = _labels(text)
        own = schema["properties"][key]
        yield Documented(
            path=".".join(here),
            section=section,
            type="section" if section else _words(own, definitions),
            default=None if section else value,
            meaning=labels[""],
            unit=labels.get("Unit", ""),
            becomes=labels.get("Becomes", ""),
            source=labels.get("Source", "" if section or _NAME in here else PUBLISHED),
        )
        if section:
            yield from _walk(kind, _resolve(own, definitions), definitions, here, value)
        for entry in chain.from_iterable(map(get_args, get_args(kind))):
            if isinstance(entry, type) and issubclass(entry, BaseModel):
                below = entry_schema(_resolve(own, definitions))
                inside = (*here, _NAME)
                yield from _walk(entry, _resolve(below, definitions), definitions, inside, None)


@cache
def _docstrings() -> dict[str, dict[str, str]]:
    """The docstring under each field, by class and field."""
    found: dict[str, dict[str, str]] = {}
    for node in (node for module in _MODULES for node in ast.parse(inspect.getsource(module)).body):
        if not isinstance(node, ast.ClassDef):
            continue
        fields = found.setdefault(node.name, {})
        for field, below in zip(node.body, node.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    fields[field.target.id] = inspect.cleandoc(text)
    return found


def _labels(text: str) -> dict[str, str]:
    """A docstring's sentences under ``""``, and its ``Unit:``, ``Becomes:``, ``Source:`` parts."""
    parts = re.split(r"^(Unit|Becomes|Source): ", text, flags=re.MULTILINE)
    labels = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return {label: " ".join(part.split()) for label, part in labels.items()}


_Schema = TypeVar("_Schema", bound=Mapping[str, Any])


def resolved(schema: _Schema) -> _Schema:
    """A part of the values' JSON schema, or what it refers to."""
    return _resolve(schema, json_schema()["$defs"])


def _resolve(schema: _Schema, definitions: dict[str, Any]) -> _Schema:
    reference = schema.get("$ref")
    found: _Schema = definitions[reference.rpartition("/")[2]] if reference else schema
    return found


def _words(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON schema in words."""
    schema = _resolve(schema, definitions)
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if "pattern" in schema:
        return PATTERNS[schema["pattern"]]
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            return f"whole number from {schema['minimum']}" + (
                f" to {schema['maximum']}" if schema["maximum"] < EXACT else ""
            )
        case "number":
            return f"number above {schema['exclusiveMinimum']} up to {schema['maximum']}"
        case "array":
            return f"list, each item {_words(schema['items'], definitions)}"
    return "mapping"


def explain(path: str, profile: str = "") -> str:
    """What ``dsv4deploy explain`` prints for a value; every path for ``""``.

    Args:
        path: a dotted path, also into the entries of a map (``maas.quotas.hour.tokens``); or a
            flag of vLLM or a variable of the engine in its own spelling (``--max-num-seqs``); or
            words, which list the values that mention them.
        profile: the name of a shipped profile, whose value is shown next to the default; or "".

    Raises:
        ValuesError: there is no such value, and none mentions it, or no such profile; the message
            names the nearest.
    """
    entries = documentation()
    if not path:
        return _list(entries.values())
    path = _full(path)
    set_in = _set_in(profile, path) if profile else ""
    if path in entries:
        below = [entry for name, entry in entries.items() if name.startswith(f"{path}.")]
        return _page(entries[path], set_in) + (f"\n{_list(below, '  ')}" if below else "")
    parent, _, flag = path.rpartition(".")
    if parent == "engine.args" and flag in flags.known(default_vllm()):
        return _page(_flag(flag), set_in)
    for name, entry in _everything().items():
        if re.fullmatch(re.escape(name).replace(_NAME, "[^.]+"), path):
            return _page(replace(entry, path=path), set_in)
    above = parent
    while above:
        if above in entries and entries[above].type == "mapping":
            return _page(entries[above], set_in)  # it takes any key
        above = above.rpartition(".")[0]
    told = instead(tuple(path.split(".")))
    if "." not in path and (found := [*_mentioning(path)]):
        none = f"{path}: {told}" if told else f'There is no value "{path}"'
        return f"{none}. These mention it:\n" + _list(found, "  ")
    message = told or f"there is no such value{nearest(path, entries)}"
    raise ValuesError.of("explain", path, message)


def _set_in(profile: str, path: str) -> str:
    """The value of a profile at a path, and the profile's name."""
    found: Any = load(profile=profile).model_dump(by_alias=True)
    rest = path
    while rest and isinstance(found, dict):
        # A key may have dots itself.
        keys = (key for key in found if f"{rest}.".startswith(f"{key}."))
        key = max(keys, key=len, default="")
        found, rest = found.get(key), rest[len(key) + 1 :] if key else ""
    return f"{'not set' if found is None else to_json(found)} ({profile})"


def _mentioning(words: str) -> Iterator[Documented]:
    """The values and flags of vLLM whose path or sentences have each of the words, each with the
    first sentence that has one of them.
    """
    wanted = [re.compile(rf"(?<![a-z]){re.escape(word)}", re.I) for word in words.split()]
    known = documentation()
    flags_ = flags.known(default_vllm())
    others = (_flag(name) for name in flags_ if f"engine.args.{name}" not in known)
    for entry in (*known.values(), *others):
        text = re.sub("([A-Z])", r" \1", entry.path) + " " + entry.meaning
        if wanted and all(word.search(text) for word in wanted):
            sentences = entry.meaning.split(". ")
            fitting = (each for each in sentences if any(word.search(each) for word in wanted))
            yield replace(entry, meaning=next(fitting, sentences[0]))


def _full(path: str) -> str:
    """The dotted path of a flag or a variable in its own spelling."""
    if re.fullmatch(r"[A-Z][A-Z0-9_]+", path):
        return f"engine.env.{path}"
    flag = path.removeprefix("engine.args.").partition("=")[0].lstrip("-").replace("_", "-")
    if path in documentation() or "." in flag:
        return path
    known = flags.known(default_vllm())
    for name in (flag, flag.removeprefix("no-")):
        if name in known or f"engine.args.{name}" in documentation():
            return f"engine.args.{name}"
    return path


def _list(entries: Iterable[Documented], indent: str = "") -> str:
    """A line for each value: its path, and the first sentence of what it means."""
    rows = [(entry.path, entry.meaning.split(". ")[0].rstrip(".")) for entry in entries]
    width = max(len(path) for path, _ in rows)
    return "\n".join(f"{indent}{path:{width}}  {sentence}" for path, sentence in rows)


def _page(entry: Documented, set_in: str = "") -> str:
    rows = [("type", entry.type)]
    if not entry.section and entry.default is not None:
        rows.append(("default", to_json(entry.default)))
    if not entry.section:
        rows.append(("profile", set_in))
    rows += [("unit", entry.unit), ("becomes", entry.becomes), ("source", entry.source)]
    lines = [entry.path, entry.meaning, ""]
    lines += [f"  {label:8} {text}" for label, text in rows if text]
    return "\n".join(lines)


def _flag(flag: str) -> Documented:
    """A flag of vLLM that has no value of its own."""
    version = default_vllm()
    spec = flags.known(version)[flag]
    choices = spec.get("choices")
    kind = {"switch": "true", "boolean": "true or false", "any": "text or a number"}.get(
        spec["kind"], spec["kind"]
    )
    type_ = f"one of {', '.join(map(str, choices))}" if choices else kind
    return Documented(
        path=f"engine.args.{flag}",
        section=False,
        type=f"{type_}, or a list of them" if spec.get("many") else type_,
        default=defaults()["engine"]["args"].get(flag),
        meaning=f"A flag of vLLM {version}, which is passed on unchanged; null omits it.",
        unit="",
        becomes=f"--{flag}",
        source=f"the command-line parser of vLLM {version}",
    )
