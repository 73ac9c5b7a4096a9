"""From values to objects: the templates in ``templates/``, and the words they are written in.

The templates are the only home of every manifest. They are Jinja templates in Helm's
vocabulary, so that the chart's templates are a translation of them: a template uses the words of
:data:`FILTERS`, :data:`TESTS` and :data:`FUNCTIONS` only, and each has a counterpart in Helm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2

from .. import __version__
from ..errors import RenderError, ValuesError
from ..values.json import to_json
from ..values.tree import Values
from .compiled import COMPILED

TEMPLATES = Path(__file__).parent / "templates"
FILES = Path(__file__).parent / "files"
"""What objects carry as it is; the chart has the same files in its folder ``files``."""

# One template an object kind, in the order in which their objects are applied: what is referred
# to comes before what refers to it, and what protects comes before what it protects, so that no
# request passes uncounted or unchecked. They are deleted in the reverse order.
KINDS = (
    "extraobjects",
    "networkpolicy",
    "llminferenceserviceconfig",
    "llminferenceservice",
    "scaledobject",
    "poddisruptionbudget",
    "podmonitor",
    "podmonitor-proxies",
    "prometheusrule",
    "configmap",
    "envoyproxy",
    "clienttrafficpolicy",
    "securitypolicy",
    "backendtrafficpolicy",
    "gateway",
    "referencegrant",
    "backend",
    "aiservicebackend",
    "httproute",
    "aigatewayroute",
)


def rank(item: Mapping[str, Any]) -> int:
    """The place of an object's kind in the order in which objects are applied."""
    kind = item["kind"].lower()
    return KINDS.index(kind) if kind in KINDS else 0


@dataclass(frozen=True)
class Release:
    """Where the deployment goes, in Helm's words.

    Attributes:
        namespace: the service's namespace; ``kubectl apply`` and ``helm`` call it ``-n``.
        name: the release's name. No object carries it: the service's name is a value.
        service: the tool that renders, in the label `app.kubernetes.io/managed-by` where
            `standardLabels` is on; the chart's is Helm.
    """

    namespace: str = "demo"
    name: str = "dsv4"
    service: str = "dsv4deploy"

    def __post_init__(self) -> None:
        """Rejects what Kubernetes would reject: a ValuesError names the namespace."""
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", self.namespace):
            message = "must be at most 63 characters: lowercase letters, digits and -"
            raise ValuesError.of(f"namespace '{self.namespace}'", "", message)


# --- filters: Python's half; gotemplate.py has Helm's ------------------------------------------


def quote(value: object) -> str:
    """Text in double quotes, for YAML."""
    # Not as ASCII: JSON escapes an emoji as two halves, which YAML refuses.
    return json.dumps(str(value), ensure_ascii=False)


def shell(value: str) -> str:
    """Text as one word of a POSIX shell."""
    return "'" + value.replace("'", "'\\''") + "'"


def nindent(text: str, width: int) -> str:
    """The text on lines of its own, each indented by ``width`` blanks."""
    return "\n" + "\n".join(" " * width + line for line in text.split("\n"))


def block(text: str, width: int) -> str:
    """Like :func:`nindent`; nothing of an empty text."""
    return nindent(text, width) if text else ""


def items(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A map's entries in the order of their keys, as Helm's ``range`` goes."""
    return sorted(mapping.items())


def join(texts: Iterable[str], separator: str) -> str:
    """The texts in one, with the separator between them."""
    return separator.join(texts)


def base(path: str) -> str:
    """The part after the last slash."""
    return path.rpartition("/")[2]


FILTERS: dict[str, Callable[..., Any]] = {
    "base": base,
    "block": block,
    "int": int,
    "items": items,
    "join": join,
    "length": len,
    "nindent": nindent,
    "quote": quote,
    "replace": str.replace,
    "shell": shell,
    "toJson": to_json,
    "toString": str,
    "trimSuffix": str.removesuffix,
}
TESTS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
}


def file(name: str) -> str:
    """The text of a file in :data:`FILES`."""
    return (FILES / name).read_text("utf-8")


def json_at(tree: Any, *path: str) -> str:
    """The JSON of what a tree of maps has at a path; ``""`` where it has nothing there."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return ""
        tree = tree[key]
    return to_json(tree)


@jinja2.pass_context
def _include(context: jinja2.runtime.Context, name: str, **data: Any) -> str:
    """The template of that name with the same values, and ``data`` beside them."""
    template = context.environment.get_template(name)
    return template.render({**context.parent, **data}).strip("\n")


FUNCTIONS: dict[str, Callable[..., str]] = {
    "file": file,
    "include": _include,
    "jsonAt": json_at,
}


def _printable(value: Any) -> str:
    """What may be printed: text. Everything else needs a filter that converts it."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise RenderError(f"a template prints {value!r} without a filter")
    return str(value)


class _Environment(jinja2.Environment):
    """Jinja with the shared subset's words only; ``a.b`` is a key, never a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=str(argument))


def fingerprint(source: str) -> str:
    """What a template's compiled code depends on: its source, and the version of Jinja."""
    return sha256(f"{vars(jinja2).get('__version__')}\n{source}".encode()).hexdigest()


def _compiled(
    env: jinja2.Environment, name: str, source: str, words: MutableMapping[str, Any]
) -> jinja2.Template | None:
    """The template of a source whose code is in ``compiled.py``."""
    if not (found := COMPILED.get(fingerprint(source))):
        return None
    root, lines = found
    code = {"name": name, "root": root(env), "blocks": {}, "debug_info": lines, "__file__": name}
    return jinja2.Template.from_module_dict(env, code, words)


class _Loader(jinja2.BaseLoader):
    """Finds a template, and compiles it only where ``compiled.py`` lacks its code."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, None, None]:
        return (TEMPLATES / template).read_text("utf-8"), None, None

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja's name
    ) -> jinja2.Template:
        source, _, _ = self.get_source(environment, name)
        found = _compiled(environment, name, source, globals or {})
        return found or super().load(environment, name, globals)


def statement(text: str) -> str:
    """The template that computes an expression."""
    return f"{{% set result = {text} %}}"


def expression(text: str) -> Callable[[Mapping[str, Any]], Any]:
    """An expression in the templates' language, as a function of what its words stand for."""
    source, env = statement(text), environment()
    template = _compiled(env, "expression", source, env.globals) or env.from_string(source)
    return lambda words: vars(template.make_module(dict(words)))["result"]


def environment() -> jinja2.Environment:
    """The environment that the templates and the rules' conditions are compiled in."""
    env = _Environment(
        loader=_Loader(),
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,
    )
    env.filters = dict(FILTERS)
    env.tests = dict(TESTS)
    env.globals = dict(FUNCTIONS)
    return env


@cache
def _templates() -> list[jinja2.Template]:
    env = environment()
    return [env.get_template(f"{kind}.yaml") for kind in KINDS]


def context(values: Values, release: Release) -> dict[str, Any]:
    """What templates and rules see: ``Values``, ``Release`` and ``Chart``, in Helm's spelling."""
    return {
        "Values": values.model_dump(by_alias=True),
        "Release": {
            "Name": release.name,
            "Namespace": release.namespace,
            "Service": release.service,
        },
        "Chart": {"Version": __version__},
    }


def by_template(values: Values, release: Release | None = None) -> dict[str, str]:
    """The manifest's documents as YAML text, each by the name in :data:`KINDS` of its template.

    An object in ``extraObjects`` has ``extra-`` and its name.

    Raises:
        RenderError: a template is wrong.
    """
    data = context(values, release or Release())
    try:
        texts = [template.render(data).strip() for template in _templates()]
    except jinja2.TemplateError as error:
        raise RenderError(f"a template is invalid: {error}") from error
    found = dict(zip(KINDS, texts, strict=True))
    # No line of theirs but the first is `---`: each field is JSON on one line.
    extra = f"\n{found.pop('extraobjects')}".split("\n---\n")[1:]
    names = (f"extra-{name}" for name, _ in items(values.extra_objects))
    found = {**dict(zip(names, extra, strict=True)), **found}
    return {name: f"---\n{text}\n" for name, text in found.items() if text}


def documents(values: Values, release: Release | None = None) -> list[str]:
    """The manifest as YAML text, one document an object, each beginning with ``---``.

    Raises:
        RenderError: a template is wrong.
    """
    return list(by_template(values, release).values())


def render_text(values: Values, release: Release | None = None) -> str:
    """The manifest as YAML text, ready for ``kubectl apply -f -``; see :func:`documents`."""
    return "".join(documents(values, release))


def render(values: Values, release: Release | None = None) -> list[dict[str, Any]]:
    """The manifest as Kubernetes objects, without the rules.

    Raises:
        RenderError: a template is wrong.
    """
    # Text alone needs no YAML reader: a cold `dsv4deploy render` has none.
    from ..values import yaml as yamlio

    return yamlio.parse(render_text(values, release))


def to_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """Objects as YAML text that every reader understands alike."""
    from ..values import yaml as yamlio

    return yamlio.write(objects)
