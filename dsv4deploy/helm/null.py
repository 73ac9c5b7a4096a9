"""Null in the chart: Helm keeps a null that removes no default of the chart's, such as one that
removes a profile's entry, so each template first removes the entries of maps that are null.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..values.scalars import NULL
from ..values.schema import entry_schema, json_schema, resolved
from .gotemplate import define, define_name

WITHOUT_NULL = f'{{{{- include "{define_name("withoutNull")}" . -}}}}\n'
"""The first line of a template that reads values."""
_ENTRIES = define_name("withoutNullEntries")


def null_removal() -> str:
    """The named templates that remove null entries from the maps of the values."""
    entries = [
        "{{- range $key, $value := . }}",
        '{{- if kindIs "invalid" $value }}',
        "{{- $_ := unset $ $key }}",
        "{{- end }}",
        "{{- end }}",
    ]
    maps = _removals(json_schema(), ".Values")
    return "\n".join(
        [define("withoutNullEntries", "\n".join(entries)), define("withoutNull", "\n".join(maps))]
    )


def _removals(schema: dict[str, Any], place: str) -> Iterator[str]:
    """The calls for each map of a section, where null removes an entry, and for its entries."""
    schema = resolved(schema)
    matching = schema.get("patternProperties", {}).values()
    if any(NULL in own.get("anyOf", ()) for own in matching):
        yield f'{{{{- include "{_ENTRIES}" {place or "."} }}}}'
        if below := [*_removals(entry_schema(schema), "")]:
            yield from (f"{{{{- range {place} }}}}", *below, "{{- end }}")
    for key, own in schema.get("properties", {}).items():
        yield from _removals(own, f"{place}.{key}")
