"""The rules in the chart: ``templates/checks.yaml`` has the errors, the notes have the warnings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from ..checks.rule import Rule
from ..checks.rules import RULES
from ..facts.builds import CHIP, SYSTEM, builds
from ..findings import Severity
from .gotemplate import WIDTH, define, define_name, go_string, junction, translate_condition

_BUILD = (
    f'{{{{- $build := include "{define_name("_build")}" . }}}}',
    f'{{{{- $vllm := include "{define_name("_vllm")}" . }}}}',
)
"""What rules ask about the engine's build; both are empty where it is not known."""


def build_templates() -> str:
    """The named templates of the engine's build and of its vLLM, as :mod:`..facts.builds`."""
    names = {word: each.name for each in builds() for word in (each.name, *each.tags)}
    versions = {each.name: each.vllm.version for each in builds()}
    image = '(first (splitList "@" .Values.engine.image))'
    tag = f'$tag := last (splitList "/" {image}) | regexFind ":.*" | trimPrefix ":"'
    build = [
        f"{{{{- {tag} }}}}",
        *(
            f"{{{{- $tag = regexReplaceAll {go_string(suffix)} $tag {go_string('${2}')} }}}}"
            for suffix in (SYSTEM, CHIP)
        ),
        *_lookup(names, "(.Values.engine.build | default $tag)"),
    ]
    vllm = _lookup(versions, f'(include "{define_name("_build")}" .)')
    return "\n".join([define("_build", "\n".join(build)), define("_vllm", "\n".join(vllm))])


def _lookup(table: dict[str, str], key: str) -> Iterator[str]:
    yield "{{- get (dict"
    yield from (f'  "{word}" "{found}"' for word, found in sorted(table.items()))
    yield f") {key} }}}}"


def chart_rules(severity: Severity) -> list[Rule]:
    """The rules of a severity that the chart checks."""
    return [rule for rule in RULES if rule.severity == severity and not rule.finds]


def python_only() -> list[Rule]:
    """The rules that a template can't check."""
    return [rule for rule in RULES if rule.finds]


def checks() -> str:
    """``templates/checks.yaml``: fails with the sentence of every error's rule that is broken."""
    lines = [*_BUILD, "{{- $problems := list }}"]
    for rule in chart_rules(Severity.ERROR):
        lines += _loop(rule) if rule.table else _check(rule, _text(rule.sentence))
    lines += [
        "{{- if $problems }}",
        '{{- fail (printf "\\n%s" (join "\\n" $problems)) }}',
        "{{- end }}",
    ]
    return "\n".join(lines) + "\n"


def warnings() -> str:
    """The end of the notes: the sentence of every warning's rule that is broken."""
    lines = [*_BUILD]
    for rule in chart_rules(Severity.WARNING):
        lines += [*_broken(rule), "", f"WARNING: {{{{ {_text(rule.sentence)} }}}}", "{{- end }}"]
    return "\n".join(lines) + "\n"


def _check(rule: Rule, text: str) -> Iterator[str]:
    yield from _broken(rule)
    yield f"{{{{- $problems = append $problems ({text}) }}}}"
    yield "{{- end }}"


def _loop(rule: Rule) -> Iterator[str]:
    """A check for each name of a rule's table, whose sentence is a format of name and owner."""
    (row,) = replace(rule, table={"%[1]s": "%[2]s"}).rows
    yield "{{- range $name, $owner := dict"
    yield from (f'  "{name}" "{owner}"' for name, owner in sorted(rule.table.items()))
    yield "}}"
    condition = rule.condition.replace('"{name}"', "name").replace('"{owner}"', "owner")
    text = f"printf {go_string(row.sentence)} $name $owner"
    yield from _check(replace(rule, condition=condition), text)
    yield "{{- end }}"


def _broken(rule: Rule) -> Iterator[str]:
    """A comment with the rule's code, and the ``if`` of its opposite."""
    names = ("name", "owner") if rule.table else ()
    broken = translate_condition(rule.condition, rule.code, negated=True, names=names)
    if rule.engine:
        version = f'(semverCompare "{rule.engine}" $vllm)'
        broken = junction("and", ["$vllm", version, f"({broken})"])
    if rule.builds:
        builds = " ".join(f'"{name}"' for name in rule.builds)
        broken = junction("and", [f"(has $build (list {builds}))", f"({broken})"])
    yield f"{{{{- /* {rule.code} */}}}}"
    yield f"{{{{- if {broken} }}}}"


def _text(sentence: str) -> str:
    """A sentence as a Go expression, each of its lines a string of its own."""
    lines = textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(['join " " (list', *(f"  {go_string(line)}" for line in lines)]) + ")"
