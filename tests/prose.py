"""The texts of the project in the form that the linter of prose reads: ``python tests/prose.py``.

Every file with texts becomes a Markdown file of the same path and ``.md``, in which each text is in
the line that it has in the source, so that what the linter reports leads there. Of Python these are
the docstrings and every string of several words; of YAML the comments, and the fields that a person
reads; of templates everything but the code in them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Texts of their own; generated pages are linted where they come from.
PAGES = ["*.md", ".github/**/*.md", "docs/*.md", "docs/*/*.md", "examples/**/*.md"]
TEXTS = {
    "python": ["dsv4deploy/**/*.py", "docs/generate.py"],
    "yaml": [
        "dsv4deploy/why/*.yaml",
        "profiles/*.yaml",
        "examples/**/values.yaml",
    ],
    "template": [
        "dsv4deploy/bench/pages/*",
        "dsv4deploy/helm/templates/*",
        "dsv4deploy/manifest/templates/*",
    ],
}
GENERATED = {"rules.md", "doctor.md", "troubleshooting.md", "CHANGELOG.md", "compiled.py"}
# A word, a blank, a word, a blank and a word.
SENTENCE = re.compile(r"[A-Za-z']{2,},? [A-Za-z']+,? [A-Za-z']{2,}")
READ = re.compile(r"\s*(?:cause|fix|summary|description): ")
CODE = re.compile(r"\{[%#{].*?[%#}]\}|<(style|svg).*?</\1>|<[^>]*>", re.DOTALL)


def python(text: str) -> Iterator[tuple[int, str]]:
    """The docstrings and the sentences of a module, each with its line."""
    inside: set[ast.AST] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.JoinedStr(values=parts):
                inside.update(parts)
                words = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "`x`" for part in parts
                )
            case ast.Constant(value=str(words)) if node not in inside:
                pass
            case _:
                continue
        if SENTENCE.search(words):
            assert isinstance(node, ast.expr)
            lines = words.splitlines() if (node.end_lineno or 0) - node.lineno else [words]
            docstring = len(lines) == (node.end_lineno or 0) - node.lineno + 1
            found = enumerate(lines, node.lineno) if docstring else [(node.lineno, words)]
            yield from ((line, each.strip()) for line, each in found)


def yaml(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a file, and the fields that a person reads."""
    for line, each in enumerate(text.splitlines(), 1):
        _, mark, comment = each.partition("# ")
        if mark or READ.match(each):
            yield line, comment if mark else READ.sub("", each)


def template(text: str) -> Iterator[tuple[int, str]]:
    """What a template prints, and its comments."""
    bare = CODE.sub(lambda code: re.sub(r"[^\n]+", " ", code[0]), text)
    yield from ((line, each.strip()) for line, each in enumerate(bare.splitlines(), 1))


def mirror(folder: Path) -> int:
    """Writes all texts below a folder; how many files."""
    files = dict.fromkeys(path for pattern in PAGES for path in sorted(ROOT.glob(pattern)))
    texts = {path: path.read_text("utf-8") for path in files if path.name not in GENERATED}
    for form, patterns in TEXTS.items():
        for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
            if path.name in GENERATED or not path.is_file():
                continue
            source = path.read_text("utf-8")
            lines = [""] * (source.count("\n") + 1)
            for line, text in globals()[form](source):
                lines[line - 1] = f"{lines[line - 1]} {text}".replace("\n", " ").strip()
            texts[path.with_name(f"{path.name}.md")] = "\n".join(lines)
    for path, text in texts.items():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return len(texts)


if __name__ == "__main__":
    print(mirror(Path(sys.argv[1])), "files")
