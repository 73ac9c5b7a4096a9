"""From values to objects: the templates in ``templates/``, and the words they are written in.

The templates are the only home of every manifest. They are Jinja templates in Helm's
vocabulary, so that the chart's templates are a translation of them: what may stand in one is
what :data:`FILTERS`, :data:`TESTS` and ``include`` offer, and each has a twin in Helm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from ..errors import RenderError, ValuesError
from ..values.json import to_json
from ..values.tree import Values

TEMPLATES = files(__package__) / "templates"

# One template an object kind, in the order in which their objects are applied: what is referred
# to comes before what refers to it, and what protects comes before what it protects, so that no
# request passes uncounted or unchecked. They are deleted in the reverse order.
KINDS = (
    "networkpolicy",
    "llminferenceserviceconfig",
    "llminferenceservice",
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
    "envoypatchpolicy",
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
    """

    namespace: str = "demo"
    name: str = "dsv4"

    def __post_init__(self) -> None:
        """Refuses what Kubernetes would: a ValuesError names the namespace."""
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", self.namespace):
            message = "must be lower-case letters, digits and -, no more than 63 of them"
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


def items(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A map's entries in the order of their keys, as Helm's ``range`` goes."""
    return sorted(mapping.items())


def join(texts: Iterable[str], separator: str) -> str:
    """The texts in one, with the separator between them."""
    return separator.join(texts)


def base(path: str) -> str:
    """What stands after the last slash."""
    return path.rpartition("/")[2]


FILTERS: dict[str, Callable[..., Any]] = {
    "base": base,
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


def _printable(value: Any) -> str:
    """What may be printed: text. Everything else needs a filter that says how."""
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


def environment() -> jinja2.Environment:
    """The environment that the templates and the rules' conditions are compiled in."""
    env = _Environment(
        loader=jinja2.FunctionLoader(lambda name: (TEMPLATES / name).read_text("utf-8")),
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,
    )
    env.filters = dict(FILTERS)
    env.tests = dict(TESTS)
    env.globals = {"include": _include}
    return env


@jinja2.pass_context
def _include(context: jinja2.runtime.Context, name: str, **data: Any) -> str:
    """The template of that name with the same values, and ``data`` beside them."""
    template = context.environment.get_template(name)
    return template.render({**context.parent, **data}).strip("\n")


@cache
def _templates() -> list[jinja2.Template]:
    env = environment()
    return [env.get_template(f"{kind}.yaml") for kind in KINDS]


def context(values: Values, release: Release) -> dict[str, Any]:
    """What templates and rules see: ``Values`` and ``Release``, in Helm's spelling."""
    return {
        "Values": values.model_dump(by_alias=True),
        "Release": {"Name": release.name, "Namespace": release.namespace},
    }


def documents(values: Values, release: Release | None = None) -> list[str]:
    """The manifest as YAML text, one document an object, each beginning with ``---``.

    Raises:
        RenderError: a template is wrong.
    """
    data = context(values, release or Release())
    try:
        texts = [template.render(data) for template in _templates()]
    except jinja2.TemplateError as error:
        raise RenderError(f"a template is wrong: {error}") from error
    return [f"---\n{text.strip()}\n" for text in texts if text.strip()]


def render_text(values: Values, release: Release | None = None) -> str:
    """The manifest as YAML text, ready for ``kubectl apply -f -``; see :func:`documents`."""
    return "".join(documents(values, release))


def render(values: Values, release: Release | None = None) -> list[dict[str, Any]]:
    """The manifest as Kubernetes objects, in the order in which they are applied.

    Args:
        values: what :func:`dsv4deploy.load` returns, or ``Values()``.
        release: the namespace to deploy to; ``demo`` by default.

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
