"""Would a cluster accept these objects: validates them against its CRDs, saved to a folder.

Checked is what the API server checks with a CRD's structural schema, with its meanings: nulls that
a field may not hold are dropped, defaults are filled in, fields that the schema does not know are
rejected (``kubectl`` rejects them; other clients see them silently dropped), lists of type ``set``
and ``map`` hold nothing twice. Not checked: CEL rules (``x-kubernetes-validations``), formats other
than integers' and IP addresses', expressions that only Go can read, and admission webhooks.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator, Draft6Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema
from pydantic_core import ValidationError as PydanticError

from ..errors import ValuesError, suggestion
from ..findings import Finding, Severity
from ..values.json import read_json, short_json
from ..values.yaml import plain
from .structural import fault

Tree = dict[str, Any]
Name = tuple[str, str]
"""A group and a kind."""

_SAVE = "save the cluster's CRDs with `kubectl get crd -o yaml > {}`"
# Kubernetes' own groups, which no CRD defines; a CRD's group always has a dot.
_BUILT_IN = frozenset(
    f"{group}.k8s.io"
    for group in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
    )
)

MEANINGS = {
    "crd-missing": "the folder contains the CRD of each kind that is not built into Kubernetes",
    "crd-version": "an object's CRD serves its version",
    "crd-schema": "an object satisfies the schema of its CRD",
}
"""What holds if the objects are valid, by the code of the finding that reports otherwise."""


@dataclass(frozen=True)
class _Definition:
    """One CRD.

    Attributes:
        file: its path, relative to the folder.
        versions: the schema of each version that it serves.
    """

    file: str
    versions: Mapping[str, Tree]


def validate(objects: Sequence[Mapping[str, Any]], directory: Path) -> list[Finding]:
    """What a cluster with these CRDs would reject; empty if it accepts all objects.

    Objects of Kubernetes' own kinds are passed over. Where several files define one kind, such as
    several versions of one operator, an object must satisfy each, and a finding's message names the
    files that reject it.

    Args:
        objects: Kubernetes objects, such as :func:`dsv4deploy.render` returns.
        directory: a folder whose YAML and JSON files, at any depth, hold CRDs.

    Raises:
        ValuesError: the folder is missing or holds no CRD, or a file in it can't be read.
    """
    custom = [item for item in objects if not _built_in(_name(item)[0])]
    definitions = _definitions(directory, custom)
    found: dict[Finding, list[str]] = {}
    for item in custom:
        for finding, file in _findings(item, definitions.get(_name(item), []), directory):
            found.setdefault(finding, []).append(file)
    return [_with_files(finding, files) for finding, files in found.items()]


def _findings(
    item: Mapping[str, Any], definitions: list[_Definition], directory: Path
) -> Iterator[tuple[Finding, str]]:
    """What is wrong with an object, each with the file of the CRD that reports it."""
    if not definitions:
        message = f"no CRD in the folder for apiVersion {item['apiVersion']}, kind {item['kind']}"
        save = _SAVE.format(directory / "crds.yaml")
        fix = f"install the operator, or save its CRD in the folder: {save}"
        yield Finding("crd-missing", Severity.ERROR, _place(item, ()), message, fix), ""
    version = item["apiVersion"].rpartition("/")[2]
    for definition in definitions:
        if version in definition.versions:
            for finding in _violations(item, definition.versions[version]):
                yield finding, definition.file
        else:
            served = ", ".join(definition.versions) or "none"
            message = f"apiVersion {item['apiVersion']} is not served; the CRD serves {served}"
            fix = "install a version of the operator that serves this apiVersion"
            yield (
                Finding("crd-version", Severity.ERROR, _place(item, ()), message, fix),
                definition.file,
            )


def _with_files(finding: Finding, files: list[str]) -> Finding:
    named = ", ".join(dict.fromkeys(filter(None, files)))
    return replace(finding, message=f"{finding.message} ({named})") if named else finding


def _built_in(group: str) -> bool:
    return "." not in group or group in _BUILT_IN


def _name(item: Mapping[str, Any]) -> Name:
    return item["apiVersion"].rpartition("/")[0], item["kind"]


# --- files -------------------------------------------------------------------------------------


def _definitions(
    directory: Path, objects: list[Mapping[str, Any]]
) -> dict[Name, list[_Definition]]:
    """The CRDs of these objects' kinds, in the order of their files' names."""
    if not directory.is_dir():
        message = f"no such folder; create it, and {_SAVE.format(directory / 'crds.yaml')}"
        raise ValuesError.of(str(directory), "", message)
    kinds = {item["kind"] for item in objects}
    # Most files hold other kinds: a look at the text is far cheaper than reading them.
    wanted = re.compile(rf"\bkind[\"']?\s*:\s*[\"']?({'|'.join(map(re.escape, kinds))})\b")
    fields = frozenset(_fields(objects))
    result: dict[Name, list[_Definition]] = {}
    empty = True
    for path in sorted(directory.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file():
            continue
        text = _text(path)
        if "CustomResourceDefinition" not in text:
            continue
        empty = False
        if kinds and wanted.search(text):
            for document in _documents(path, text, fields):
                name, versions = _definition(path, document)
                file = path.relative_to(directory).as_posix()
                result.setdefault(name, []).append(_Definition(file, versions))
    if empty:
        message = f"this folder contains no CRD; {_SAVE.format(directory / 'crds.yaml')}"
        raise ValuesError.of(str(directory), "", message)
    return result


def _fields(value: Any) -> Iterator[str]:
    """Every key in a tree."""
    if isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _fields(item)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        # What `>` writes in Windows' PowerShell is UTF-16.
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"cannot read this file: {reason}; {_again(path)}"
        raise ValuesError.of(str(path), "", message) from None


def _documents(path: Path, text: str, fields: frozenset[str]) -> list[Tree]:
    """The CRDs in a file: documents of their own, or items of a list."""
    where = str(path)
    try:
        documents = [read_json(text)] if path.suffix == ".json" else _read(text, fields)
    except yaml.MarkedYAMLError as error:
        where += f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = str(error.problem or error.context)
    except RecursionError:
        reason = "nested too deeply"
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0]
    else:
        found = []
        for document in documents:
            items = document.get("items") if isinstance(document, dict) else None
            found += items if isinstance(items, list) else [document]
        return [
            item
            for item in found
            if isinstance(item, dict) and item.get("kind") == "CustomResourceDefinition"
        ]
    kind = "JSON" if path.suffix == ".json" else "YAML"
    message = f"not a {kind} document: {reason}; {_again(path)}"
    raise ValuesError.of(where, "", message)


def _definition(path: Path, document: Tree) -> tuple[Name, dict[str, Tree]]:
    """A CRD's group and kind, and the schema of each version that it serves."""
    try:
        spec = document["spec"]
        versions = {
            version["name"]: version["schema"]["openAPIV3Schema"]
            for version in spec["versions"]
            if version["served"]
        }
        group, kind = spec["group"], spec["names"]["kind"]
        whole = all(isinstance(name, str) for name in (group, kind, *versions))
    except (KeyError, TypeError):
        whole = False
    if not whole:
        message = (
            f"contains a CRD that is not a complete apiextensions.k8s.io/v1 object; {_again(path)}"
        )
        raise ValuesError.of(str(path), "", message)
    for name, schema in versions.items():
        if why := fault(schema):
            message = f"the CRD of {kind}, version {name}: {why}; {_again(path)}"
            raise ValuesError.of(str(path), "", message)
    return (group, kind), versions


def _again(path: Path) -> str:
    return f"remove the file from the folder, or {_SAVE.format(path.with_suffix('.yaml'))}"


# --- YAML --------------------------------------------------------------------------------------

# KServe's CRDs have 42,000 lines each. The C parser goes through one in a tenth of a second;
# making data of all of it takes ten times as long, so only what the objects need is made.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STARTS = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_END = object()

Events = Iterator[Any]


class _AliasError(Exception):
    """An alias may lead to a removed part."""


def _read(text: str, fields: frozenset[str]) -> list[Any]:
    """The documents in a file of CRDs, without the schemas of fields that no object has."""
    events: Events = iter(yaml.parse(text, Loader=_Loader))
    starts = (event for event in events if isinstance(event, yaml.DocumentStartEvent))
    try:
        return [_node(events, fields) for _ in starts]
    except _AliasError:
        return list(yaml.load_all(text, Loader=_Loader))


def _node(events: Events, fields: frozenset[str], names: bool = False, only: str = "") -> Any:
    """The next node as plain data, or :data:`_END`.

    Args:
        events: where to read on.
        fields: the fields that some object has; of others' schemas only the default is read.
        names: whether the node's keys are names of fields: the value of ``properties``.
        only: the one key to read, ``""`` for all.
    """
    event = next(events)
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if type(event) in _ENDS:
        return _END
    if isinstance(event, yaml.SequenceStartEvent):
        return list(iter(lambda: _node(events, fields), _END))
    if isinstance(event, yaml.AliasEvent):
        raise _AliasError
    result: Tree = {}
    while (key := _node(events, fields)) is not _END:
        name = str(key)
        if only and name != only:
            _skip(events)
        elif names:
            # The API server fills in a default, and a required field may depend on it.
            result[name] = _node(events, fields, only="" if name in fields else "default")
        else:
            result[name] = _node(events, fields, names=name == "properties")
    return result


def _scalar(event: yaml.ScalarEvent) -> Any:
    if not event.implicit[0]:
        return event.value
    try:
        return plain(event.value)
    except ValueError:  # a date, `=`, on: no schema means anything but the text
        return event.value


def _skip(events: Events) -> None:
    """Leaves the next node out."""
    depth = 0
    for event in events:
        kind = type(event)
        if kind in _STARTS:
            depth += 1
        elif kind in _ENDS:
            depth -= 1
        if not depth:
            return


# --- schemas -----------------------------------------------------------------------------------


def _violations(item: Mapping[str, Any], schema: Tree) -> Iterator[Finding]:
    # The root is a resource like an embedded one: apiVersion, kind and metadata are its own.
    schema = {**schema, "x-kubernetes-embedded-resource": True}
    validator = _Validator(schema, format_checker=_ADDRESSES)
    errors = list(validator.iter_errors(_stored(item, schema)))
    mistyped = {tuple(error.path) for error in errors if error.validator == "type"}
    for error in errors:
        if error.validator == "type" or tuple(error.path) not in mistyped:
            # Of a choice that nothing fits, the nearest branch's error, unless several are near.
            leaf = best_match([error]) or error
            yield Finding(
                "crd-schema",
                Severity.ERROR,
                _place(item, leaf.absolute_path),
                _sentence(leaf),
                _FIXES.get(str(leaf.validator), _FIX),
            )


def _stored(value: Any, schema: Tree) -> Any:
    """A value as the API server validates it: without nulls for nothing, and with defaults."""
    if isinstance(value, list | tuple):
        return [_stored(item, schema.get("items", {})) for item in value]
    if not isinstance(value, Mapping):
        return value
    properties = schema.get("properties", {})
    result: Tree = {}
    for key, item in value.items():
        field = properties.get(key, schema.get("additionalProperties"))
        if not isinstance(field, dict):
            result[key] = item
        elif item is not None or field.get("nullable"):
            result[key] = _stored(item, field)
    for key, field in properties.items():
        if "default" in field:
            result.setdefault(key, _stored(field["default"], field))
    return result


def _place(item: Mapping[str, Any], path: Iterable[str | int]) -> str:
    """``Kind/name: spec.containers[0].env``."""
    place = ""
    for key in path:
        if isinstance(key, int):
            place += f"[{key}]"
        elif re.fullmatch(r"[\w-]+", key):
            place += f".{key}"
        else:
            place += f'["{key}"]'
    root = f"{item['kind']}/{item['metadata']['name']}"
    return f"{root}: {place.removeprefix('.')}" if place else root


_SENTENCES = {
    "maximum": "must be {value} or less",
    "maxItems": "must have {value} or fewer items",
    "maxLength": "must have {value} or fewer characters",
    "maxProperties": "must have {value} or fewer entries",
    "minimum": "must be {value} or more",
    "minItems": "must have {value} or more items",
    "minLength": "must have {value} or more characters",
    "minProperties": "must have {value} or more entries",
    "multipleOf": "must be a multiple of {value}",
    "not": "is a combination that the CRD does not allow",
}
"""Shorter messages for jsonschema's own keywords; Kubernetes' keywords below have their own."""

_FIX = "fix the value that sets this field; `dsv4deploy explain` shows what each value becomes"
_FIXES = {
    "unknown": "remove the field, or install a version of the operator that supports it",
    "required": "set it",
    "x-kubernetes-list-type": "keep one of the duplicates",
}


def _sentence(error: ValidationError) -> str:
    keyword = str(error.validator)
    value: Any = error.validator_value
    schema: Any = error.schema
    if keyword == "enum":
        return f"must be {' or '.join(map(_shown, value))}, not {_shown(error.instance)}"
    if keyword in ("anyOf", "oneOf"):
        count = "one" if keyword == "oneOf" else "at least one"
        names = dict.fromkeys(name for branch in value for name in branch.get("required", ()))
        if names:
            return f"must have {count} of the fields {', '.join(names)}"
        return f"must match {count} of the {len(value)} forms that the CRD allows"
    if schema.get(f"exclusive{keyword.capitalize()}"):
        return f"must be {'more' if keyword == 'minimum' else 'less'} than {value}"
    return _SENTENCES[keyword].format(value=value) if keyword in _SENTENCES else error.message


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return short_json(value)


# --- keywords: what Kubernetes adds to JSON Schema, or means otherwise ---------------------------

Errors = Iterator[ValidationError]


def _type(validator: Any, kind: str, instance: Any, schema: Tree) -> Errors:
    if instance is None and schema.get("nullable"):
        return
    if not validator.is_type(instance, kind):
        yield ValidationError(f"must be {kind}, not {_shown(instance)}")
    # Only structural nodes have a type, never the branches of anyOf and the like: those
    # mention a few of the fields.
    elif kind == "object":
        yield from _unknown(instance, schema)


def _unknown(instance: Tree, schema: Tree) -> Errors:
    if schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema:
        return
    known = list(schema.get("properties", ()))
    if schema.get("x-kubernetes-embedded-resource"):
        known += ("apiVersion", "kind", "metadata")
    for name in instance:
        if name in known:
            continue
        message = f"unknown field {name}{suggestion(name, known)}"
        yield ValidationError(message, validator="unknown", path=[name])


def _properties(validator: Any, properties: Tree, instance: Any, schema: Tree) -> Errors:
    if not isinstance(instance, dict):
        return
    for name, value in instance.items():
        if name not in properties:
            continue
        field = properties[name]
        if name == "metadata" and schema.get("x-kubernetes-embedded-resource"):
            # What the API server knows of metadata no CRD repeats.
            field = {**field, "x-kubernetes-preserve-unknown-fields": True}
        yield from validator.descend(value, field, path=name, schema_path=name)


def _required(_validator: Any, names: list[str], instance: Any, _schema: Tree) -> Errors:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError(f"required field {name} is missing", validator="required")


def _embedded(validator: Any, embedded: bool, instance: Any, schema: Tree) -> Errors:
    if embedded:
        yield from _required(validator, ["apiVersion", "kind"], instance, schema)


def _int_or_string(validator: Any, either: bool, instance: Any, schema: Tree) -> Errors:
    fits = validator.is_type(instance, "integer") or isinstance(instance, str)
    if either and not fits and not (instance is None and schema.get("nullable")):
        message = f"must be integer or string, not {_shown(instance)}"
        yield ValidationError(message, validator="type")


def _list_type(_validator: Any, kind: str, instance: Any, schema: Tree) -> Errors:
    if kind == "atomic" or not isinstance(instance, list):
        return
    seen = []
    for index, item in enumerate(instance):
        what = _shown(item)
        if kind == "map":
            if not isinstance(item, dict):
                continue  # the items' type is wrong, which is said already
            item = {key: item.get(key) for key in schema.get("x-kubernetes-list-map-keys", ())}
            what = " ".join(f"{key} {_shown(value)}" for key, value in item.items())
        if item in seen:
            yield ValidationError(f"{what} is in this list twice", path=[index])
        seen.append(item)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Tree) -> Errors:
    expression = _compiled(pattern)
    if not isinstance(instance, str) or not expression:
        return
    try:
        expression.validate_python(instance)
    except PydanticError:
        yield ValidationError(f"must match {pattern}, not {_shown(instance)}")


_ASCII = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
    "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r ]",
}
"""Go's classes, which Rust would take for classes of all of Unicode."""


@cache
def _compiled(pattern: str) -> SchemaValidator | None:
    """A Go expression, or None where it can't be read here or may be read otherwise.

    pydantic's engine, Rust's, takes linear time as Go's does, whatever the expression.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # [[:alpha:]] is such a case
        try:
            re.compile(pattern)
            portable = re.sub(r"\\(.)", lambda found: _ASCII.get(found[1], found[0]), pattern)
            return SchemaValidator(core_schema.str_schema(pattern=portable))
        except (re.error, FutureWarning, OverflowError, RecursionError, SchemaError):
            return None


def _format(validator: Any, name: str, instance: Any, _schema: Tree) -> Errors:
    if name in ("int32", "int64"):
        limit = 2 ** (int(name.removeprefix("int")) - 1)
        if validator.is_type(instance, "integer") and not -limit <= instance < limit:
            yield ValidationError(f"must be {-limit} to {limit - 1}, not {_shown(instance)}")
    elif isinstance(instance, str) and not _ADDRESSES.conforms(instance, name):
        yield ValidationError(f"must be an address of format {name}, not {_shown(instance)}")


_ADDRESSES = FormatChecker(formats=("ipv4", "ipv6"))
# Draft 4, for there exclusiveMinimum is a boolean too; but 1.0 is an integer to Go.
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    validators={
        "format": _format,
        "pattern": _pattern,
        "properties": _properties,
        "required": _required,
        "type": _type,
        "x-kubernetes-embedded-resource": _embedded,
        "x-kubernetes-int-or-string": _int_or_string,
        "x-kubernetes-list-type": _list_type,
    },
    type_checker=Draft6Validator.TYPE_CHECKER,
)
