"""The rules in the chart: ``templates/checks.yaml`` has the errors, the notes have the warnings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..checks.rules import OWNED_FLAGS, RULES, Rule, owned_flag
from ..findings import Severity
from .gotemplate import WIDTH, go_string, junction, translate_condition


def chart_rules(severity: Severity) -> list[Rule]:
    """The rules of a severity that the chart checks, without those of the owned flags."""
    owned = {owned_flag(*each).code for each in OWNED_FLAGS.items()}
    rules = (rule for rule in RULES if not rule.finds and rule.code not in owned)
    return [rule for rule in rules if rule.severity == severity]


def python_only() -> list[Rule]:
    """The rules that a template can't check."""
    return [rule for rule in RULES if rule.finds]


def checks() -> str:
    """``templates/checks.yaml``: fails with the sentence of every error's rule that is broken."""
    lines = ["{{- $problems := list }}", *_owned_flags()]
    for rule in chart_rules(Severity.ERROR):
        problem = f"{{{{- $problems = append $problems ({_text(rule.sentence)}) }}}}"
        lines += [*_broken(rule), problem, "{{- end }}"]
    lines += [
        "{{- if $problems }}",
        '{{- fail (printf "\\n%s" (join "\\n" $problems)) }}',
        "{{- end }}",
    ]
    return "\n".join(lines) + "\n"


def warnings() -> str:
    """The end of the notes: the sentence of every warning's rule that is broken."""
    lines: list[str] = []
    for rule in chart_rules(Severity.WARNING):
        lines += [*_broken(rule), "", f"WARNING: {{{{ {_text(rule.sentence)} }}}}", "{{- end }}"]
    return "\n".join(lines) + "\n"


def _owned_flags() -> Iterator[str]:
    """One loop over the table of flags. The sentence is a format of the flag and its owner."""
    sentence = owned_flag("%[1]s", "%[2]s").sentence
    yield "{{- /* owned-flag */}}"
    yield "{{- range $flag, $owner := dict"
    yield from (f'  "{flag}" "{owner}"' for flag, owner in sorted(OWNED_FLAGS.items()))
    yield "}}"
    yield "{{- if hasKey $.Values.engine.args $flag }}"
    yield f"{{{{- $problems = append $problems (printf {go_string(sentence)} $flag $owner) }}}}"
    yield "{{- end }}"
    yield "{{- end }}"


def _broken(rule: Rule) -> Iterator[str]:
    """A comment with the rule's code, and the ``if`` of its opposite."""
    broken = translate_condition(rule.condition, rule.code, negated=True)
    if rule.engine:
        version = f'(semverCompare "{rule.engine}" .Values.engine.version)'
        broken = junction("and", [version, f"({broken})"])
    yield f"{{{{- /* {rule.code} */}}}}"
    yield f"{{{{- if {broken} }}}}"


def _text(sentence: str) -> str:
    """A sentence as a Go expression, each of its lines a string of its own."""
    lines = textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(['join " " (list', *(f"  {go_string(line)}" for line in lines)]) + ")"
