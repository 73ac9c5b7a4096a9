"""Writes the templates as Python, so that a render does not compile them.

``.venv/bin/python tests/compiled.py`` after a change of a template; a test fails until then.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from dsv4deploy.manifest.render import TEMPLATES, environment, fingerprint

FILE = Path(__file__).resolve().parent.parent / "dsv4deploy" / "manifest" / "compiled.py"
HEAD = '''"""The templates as Jinja compiles them, written by tests/compiled.py."""
# mypy: ignore-errors

from collections.abc import Callable
from typing import Any

{imports}
'''
TABLE = '''COMPILED: dict[str, tuple[Callable[..., Any], str]] = {{
{rows}
}}
"""Each template's code, with its lines' numbers, by the fingerprint of what it is made of."""
'''


def text() -> str:
    """The module: a function and a row of the table for each template."""
    imports, functions, rows = "", [], []
    for path in sorted(TEMPLATES.glob("*.*")):
        source = path.read_text("utf-8")
        code = environment().compile(source, path.name, path.name, raw=True)
        parts = re.fullmatch(
            r"(from .+?)\nname = .+?\n\n(def root\(.+)\n\nblocks = \{\}\ndebug_info = '(.*)'",
            code,
            re.DOTALL,
        )
        assert parts, f"{path.name}: Jinja writes code of another form"
        imports, root, lines = parts.groups()
        name = re.sub(r"\W", "_", path.name.removeprefix("_"))
        body = textwrap.indent(root, "    ")
        functions.append(f"def {name}(environment):\n{body}\n    return root\n")
        rows.append(f'    "{fingerprint(source)}": ({name}, "{lines}"),')
    table = TABLE.format(rows="\n".join(rows))
    return "\n\n".join([HEAD.format(imports=imports), *functions, table])


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
