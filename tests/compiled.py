"""Writes the templates and the rules' conditions as Python, so that a render compiles none.

``.venv/bin/python tests/compiled.py`` after a change of either; a test fails until then.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from dsv4deploy.checks.rules import EXPRESSION
from dsv4deploy.manifest.render import TEMPLATES, environment, fingerprint, statement

FILE = Path(__file__).resolve().parent.parent / "dsv4deploy" / "manifest" / "compiled.py"
HEAD = '''"""Templates and conditions as Jinja compiles them, written by tests/compiled.py."""
# mypy: ignore-errors

from collections.abc import Callable
from typing import Any

{imports}
'''
TABLE = '''COMPILED: dict[str, tuple[Callable[..., Any], str]] = {{
{rows}
}}
"""The code of each source, and its lines' numbers, by the source's fingerprint."""
'''


def sources() -> dict[str, str]:
    """All templates, and the rules' conditions, by names."""
    templates = {path.name: path.read_text("utf-8") for path in sorted(TEMPLATES.glob("*.*"))}
    return templates | {"conditions": statement(EXPRESSION)}


def text() -> str:
    """The module: a function and a row of the table for each source."""
    imports, functions, rows = "", [], []
    for name, source in sources().items():
        code = environment().compile(source, name, name, raw=True)
        parts = re.fullmatch(
            r"(from .+?)\nname = .+?\n\n(def root\(.+)\n\nblocks = \{\}\ndebug_info = '(.*)'",
            code,
            re.DOTALL,
        )
        assert parts, f"{name}: Jinja writes code of another form"
        imports, root, lines = parts.groups()
        function = re.sub(r"\W", "_", name.removeprefix("_"))
        body = textwrap.indent(root, "    ")
        functions.append(f"def {function}(environment):\n{body}\n    return root\n")
        rows.append(f'    "{fingerprint(source)}": ({function}, "{lines}"),')
    table = TABLE.format(rows="\n".join(rows))
    return "\n\n".join([HEAD.format(imports=imports), *functions, table])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text(text(), encoding="utf-8")
