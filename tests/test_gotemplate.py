"""The translation of the shared template subset, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsv4deploy.errors import TranslationError
from dsv4deploy.helm.gotemplate import translate, translate_condition, translate_source
from dsv4deploy.manifest.conditions import DSA_CP, FLASHCOMM
from dsv4deploy.manifest.render import KINDS, TEMPLATES, environment


@pytest.mark.parametrize(
    ("jinja", "helm"),
    [
        ("a: {{ Values.name | quote }}\n", "a: {{ .Values.name | quote }}\n"),
        ("a: {{ Values.replicas | int }}\n", "a: {{ .Values.replicas | int64 }}\n"),
        (
            'a: {{ (Values.name ~ "-x%") | quote }}\n',
            'a: {{ printf "%s-x%%" .Values.name | quote }}\n',
        ),
        (
            'a: {{ Values.engine.args["max-model-len"] | toJson }}\n',
            'a: {{ index .Values.engine.args "max-model-len" | toRawJson }}\n',
        ),
        (
            "a: {{ (Values.replicas * 2 + 1) | int }}\n",
            "a: {{ add (mul (int64 .Values.replicas) 2) 1 | int64 }}\n",
        ),
        (
            "a: {{ ((Values.replicas - 1) // 2) | int }}\n",
            "a: {{ div (sub (int64 .Values.replicas) 1) 2 | int64 }}\n",
        ),
        (
            "x:\n  {% if Values.maas.enabled %}\n  a: 1\n  {% else %}\n  b: 2\n  {% endif %}\n",
            "x:\n  {{- if .Values.maas.enabled }}\n  a: 1\n  {{- else }}\n  b: 2\n  {{- end }}\n",
        ),
        (
            "{% for word in Values.engine.shell %}\n- {{ word | quote }}\n{% endfor %}\n",
            "{{- range $word := .Values.engine.shell }}\n- {{ $word | quote }}\n{{- end }}\n",
        ),
        (
            "{% for k, v in Values.engine.env | items %}\n{{ k | quote }}: {{ v | quote }}"
            " {{ Values.name | quote }}\n{% endfor %}\n",
            "{{- range $k, $v := .Values.engine.env }}\n{{ $k | quote }}: {{ $v | quote }}"
            " {{ $.Values.name | quote }}\n{{- end }}\n",
        ),
        (
            "{% set n = Values.parallelism.tensor * 2 %}\na: {{ n | int }}\n",
            "{{- $n := mul (int64 .Values.parallelism.tensor) 2 }}\na: {{ $n | int64 }}\n",
        ),
        (
            'a:\n  {{- file("a.json") | trimSuffix("\\n") | nindent(2) }}\n',
            'a:\n  {{- .Files.Get "files/a.json" | trimSuffix "\\n" | nindent 2 }}\n',
        ),
        (
            '{% for x in Values.engine.shell %}\n{{ file("a") | quote }}\n{% endfor %}\n',
            "{{- range $x := .Values.engine.shell }}\n"
            '{{ $.Files.Get "files/a" | quote }}\n{{- end }}\n',
        ),
        (
            'a: {{ Values.engine.args["a"]["b"] | toJson }}\n',
            'a: {{ index .Values.engine.args "a" "b" | toRawJson }}\n',
        ),
        (
            "a: {% raw %}{{ ChildName .x `-y` }}{% endraw %}\n",
            'a: {{ "{{" }} ChildName .x `-y` }}\n',
        ),
        (
            'a:\n  {{- include("_probe.yaml", probe=Values.engine, process="") | nindent(2) }}\n',
            'a:\n  {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine "process" "")'
            " | nindent 2 }}\n",
        ),
        (
            'a:\n  b: 1\n  {{- include("_labels.yaml", own={"x": "1"}) | block(2) }}\n  c: 2\n',
            'a:\n  b: 1\n  {{- with include "deepseek-v4-flash.labels" (dict "own" (dict "x" "1")'
            ' "Chart" .Chart "Release" .Release "Values" .Values) }}\n'
            "  {{- . | nindent 2 }}\n  {{- end }}\n  c: 2\n",
        ),
    ],
)
def test_a_construct_has_one_counterpart(jinja: str, helm: str) -> None:
    assert translate_source(jinja, "t.yaml") == helm


@pytest.mark.parametrize(
    ("condition", "helm"),
    [
        ("Values.engine.port == 8000", "eq (int64 .Values.engine.port) 8000"),
        (
            'Values.engine.args["gpu-memory-utilization"] <= 0.95',
            'le (float64 (index .Values.engine.args "gpu-memory-utilization")) 0.95',
        ),
        ('"port" not in Values.engine.args', 'not (hasKey .Values.engine.args "port")'),
        ('"nightly" in Values.engine.image', 'contains "nightly" .Values.engine.image'),
        ('":" in Values.engine.image | base', 'contains ":" (.Values.engine.image | base)'),
        ('"a" in Values.engine.shell', 'has "a" .Values.engine.shell'),
        ("Values.name | length <= 48", "le (.Values.name | len) 48"),
        ('not (Values.name == "x" or Values.maas.enabled)', None),
    ],
)
def test_a_condition_compares_what_values_stand_for(condition: str, helm: str | None) -> None:
    expected = helm or 'not (or (eq .Values.name "x") .Values.maas.enabled)'
    assert translate_condition(condition, "rule") == expected


@pytest.mark.parametrize(
    ("condition", "helm"),
    [
        ("not Values.maas.enabled", ".Values.maas.enabled"),
        ("Values.name | length <= 48", "gt (.Values.name | len) 48"),
        ('"x" in Values.name', 'not (contains "x" .Values.name)'),
        ('"x" not in Values.name', 'contains "x" .Values.name'),
        (
            "not Values.maas.enabled or Values.replicas > 1 or Values.maas.quotas",
            "and .Values.maas.enabled (le (int64 .Values.replicas) 1) (not .Values.maas.quotas)",
        ),
        (
            "Values.maas.enabled and Values.maas.quotas",
            "not (and .Values.maas.enabled .Values.maas.quotas)",
        ),
        (
            f"not {DSA_CP} or {FLASHCOMM}",
            'and (include "deepseek-v4-flash.dsaCp" .) '
            '(not (include "deepseek-v4-flash.flashcomm" .))',
        ),
    ],
)
def test_the_opposite_of_a_condition_is_short_and_uses_names(condition: str, helm: str) -> None:
    assert translate_condition(condition, "rule", negated=True) == helm


def test_a_long_condition_has_a_line_for_each_term() -> None:
    terms = [f"Values.maas.gateway.tls.port != {port}" for port in (1, 22, 333)]
    assert translate_condition(" and ".join(terms), "rule") == "\n".join(
        ["and", *(f"  (ne (int64 .Values.maas.gateway.tls.port) {port})" for port in (1, 22, 333))]
    )


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("a: {{ Values.name }}\n", "t.yaml:1: printing without a filter"),
        ("a: 1\n\nb: {{ Values.name | upper }}\n", "t.yaml:3: the filter upper"),
        ("a: {{ Values.nmae | quote }}\n", "t.yaml:1: there is no value nmae"),
        ("a: {{ Values.engine.prot | int }}\n", "t.yaml:1: there is no value prot"),
        ("{% for x in Values.engine.shell if x %}\n{% endfor %}\n", "for with if"),
        (
            "{% for x in Values.engine.shell %}\na\n{% else %}\nb\n{% endfor %}\n",
            "for with if, else",
        ),
        ("{% for x, y in Values.engine.shell %}\n{% endfor %}\n", "several names"),
        ("{% macro m() %}{% endmacro %}\n", "macro"),
        ('{% include "_probe.yaml" %}\n', "include"),
        ("a: {{ lower(Values.name) | quote }}\n", "the expression call"),
        ("{% if Values.name == none %}\n{% endif %}\n", "the constant None"),
        ("a: {% if Values.maas.enabled %}b{% endif %}\n", "not alone on its line"),
        ("a: 1\n\n{% if Values.maas.enabled %}\nb: 1\n{% endif %}\n", "an empty line before a tag"),
        ("a: {{ Values.engine.shell[0] | quote }}\n", "the expression getitem"),
        ("a: {{ (Values.replicas ** 2) | int }}\n", "the expression pow"),
        ("a: {{ (1 if Values.maas.enabled else 2) | int }}\n", "the expression condexpr"),
        ("{% if 1 < Values.replicas < 3 %}\n{% endif %}\n", "the expression compare"),
        ("{% if Values.name is odd %}\n{% endif %}\n", "the test odd"),
        ("{% if 1 in Values.replicas %}\n{% endif %}\n", "no map, list or text"),
    ],
)
def test_anything_else_is_refused_with_its_line(source: str, complaint: str) -> None:
    env = environment()
    env.filters["upper"] = str.upper
    env.tests["odd"] = bool
    with pytest.raises(TranslationError, match=complaint):
        translate_source(source, "t.yaml", env)


def test_every_template_is_translated() -> None:
    names = {entry.name for entry in TEMPLATES.iterdir() if entry.name.endswith(".yaml")}
    parts = {name for name in names if name.startswith("_")}
    assert names - parts == {f"{kind}.yaml" for kind in KINDS}
    for name in sorted(names):
        assert "{%" not in translate(name)
        assert translate(name).count("{{- end }}") >= translate(name).count("{{- if ")


def test_the_environment_offers_only_what_can_be_translated() -> None:
    source = Path(__file__).parent.parent / "dsv4deploy" / "helm" / "gotemplate.py"
    text = source.read_text("utf-8")
    env = environment()
    assert all(f'"{name}": ' in text for name in env.filters if name not in ("block", "items"))
    assert all(f'"{name}": ' in text for name in env.tests)
    assert all(f'"{name}"' in text for name in env.globals)
