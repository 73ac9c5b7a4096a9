"""What a container runs, as data: a shell script or a command line becomes options and flags.

Two manifests that start the same process in other words have the same data: the order of flags,
continued lines, quotes, comments and the form of JSON do not matter. Everything else stays in it,
what is not understood as lines of text.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from ..facts.flags import integer
from ..values import yaml as yamlio

Tree = dict[str, Any]

# Control characters, which no value accepts, so that what they mark is never taken for text.
_KUBELET = "\x0e"  # `$(NAME)`, which the kubelet expands
_SHELL = "\x0f"  # `$` or a backtick that the shell expands
_OPERATOR = "\x10"  # before an unquoted character that means something to the shell
_END = "\x11"  # the end of a statement
_MARKS = str.maketrans({_KUBELET: "$", _SHELL: "$", _OPERATOR: None, _END: "\n"})

_TOKEN = re.compile(
    r"(?P<comment>(?<!\S)#[^\n]*)|(?P<continued>\\\n)|(?P<single>'[^']*')"
    r'|"(?P<double>(?:\\[\s\S]|[^"\\])*)"|(?P<escaped>\\.)|(?P<expanded>[$`])'
    r"|(?P<end>\n|;|&&)|(?P<operator>[|&<>()*?{\[])"
)
# vllm/engine/arg_utils.py of vLLM v0.22.1 has these short forms.
_SHORT = {
    "-dp": "data-parallel-size",
    "-dpa": "data-parallel-address",
    "-dpl": "data-parallel-size-local",
    "-dpp": "data-parallel-rpc-port",
    "-dpr": "data-parallel-start-rank",
    "-q": "quantization",
    "-tp": "tensor-parallel-size",
}

_LINK = re.compile(
    r"^timeout \d+ sh -c 'until \[ -e /mnt/models \].*?\n}\n", re.DOTALL | re.MULTILINE
)
"""The wait for a ModelCar's link to the weights, which no value changes."""


def shown(text: str) -> str:
    """Text of this module's data as it was in the manifest, for a message."""
    return text.translate(_MARKS)


def process(container: Mapping[str, Any]) -> Tree:
    """A container with what it runs as data.

    ``shell`` has the command that runs a script, and ``args`` its words or those of the command
    line: ``set``, ``sources``, ``exports``, ``lines``, ``exec``, ``server`` and ``flags`` of an
    engine; ``file`` and ``lines`` of a script that writes a file; ``flags`` of another program.
    Variables that an engine's script exports are among those of ``env``.
    """
    data = dict(container)
    lists = [container.get(key) or [] for key in ("command", "args")]
    texts = [word for each in lists if isinstance(each, list) for word in each]
    if not texts or not all(isinstance(each, list) for each in lists):
        return data
    if not all(isinstance(word, str) for word in texts):
        return data
    words = [_by_kubelet(word) for word in texts]
    if not container.get("command") and words[0].startswith("-"):
        data["args"] = {"flags": dict(_options(words))}
    elif _is_script(words):
        data.pop("command", None)
        data |= {"shell": words[:-1], "args": _script(words[-1])}
    elif any("vllm" in word for word in words[:3]):
        data.pop("command", None)
        data["args"] = {"exec": True, **_command_line(words)}
    exported = data["args"].get("env", {}) if isinstance(data.get("args"), dict) else {}
    if exported:
        data["args"] = {key: each for key, each in data["args"].items() if key != "env"}
        data["env"] = [
            *(each for each in data.get("env") or () if each.get("name") not in exported),
            *({"name": name, "value": text} for name, text in exported.items()),
        ]
    return data


def _is_script(words: list[str]) -> bool:
    """Whether the last word is a script: the one behind ``-c``, or several lines."""
    *_, before, last = ["", *words]
    return bool(re.fullmatch("-[a-z]*c", before)) or ("\n" in last and not before.startswith("--"))


def _by_kubelet(text: str) -> str:
    """Text as the kubelet hands it on: ``$$`` is ``$``, and ``$(NAME)`` is marked."""
    return re.sub(
        r"\$\$|\$(?=\([A-Za-z_][A-Za-z0-9_.-]*\))",
        lambda found: "$" if found[0] == "$$" else _KUBELET,
        text,
    )


@lru_cache(maxsize=128)
def _script(text: str) -> Tree:
    """A script as data. Not to be changed."""
    written = re.search(r"<<-?\s*(['\"]?)(\w+)\1\n(.*?)\n\s*\2(?:\n|$)", text, re.DOTALL)
    if written:
        rest = text[: written.start()] + text[written.end() - 1 :]
        return {"file": _json(written[3]), "lines": "\n".join(filter(None, _statements(rest)))}
    text = _LINK.sub("", text)
    data: Tree = {"sources": [], "exports": {}, "lines": [], "env": {}}
    for statement in _statements(text):
        _statement(statement, data)
    data["lines"] = "\n".join(data["lines"])
    return {key: value for key, value in data.items() if value not in ([], {}, "")}


def _statements(text: str) -> list[str]:
    """The script's statements, with what the shell expands marked and comments removed."""

    def marked(found: re.Match[str]) -> str:
        match found.lastgroup:
            case "comment":
                return ""
            case "continued":
                return " "
            case "double":
                inner = re.sub(r"(\\[\s\S])|[$`]", lambda it: it[1] or _SHELL, found["double"])
                return '"' + inner.replace(r"\$", "$").replace("\\\n", "") + '"'
            case "expanded":
                return _SHELL
            case "end":
                return _END
            case "operator":
                return _OPERATOR + found[0]
        return found[0]

    return [line.strip() for line in _TOKEN.sub(marked, text).split(_END)]


def _statement(statement: str, data: Tree) -> None:
    """Puts one statement of an engine's script into the data."""
    try:
        words = shlex.split(statement)
    except ValueError:
        data["lines"].append(statement)
        return
    match words:
        case []:
            return
        case ["set", options] if "set" not in data:
            data["set"] = options
            return
        case ["source" | ".", file, *rest] if (kind := _sourced(rest)) and "server" not in data:
            data["sources"].append({kind: file})
            return
        case ["export", *pairs] if pairs and all("=" in pair for pair in pairs):
            for pair in pairs:
                _export(pair, data)
            return
    start = words[1:] if words[0] == "exec" else words
    serves = words[0] == "exec" or any("vllm" in word for word in start[:3])
    if serves and "server" not in data:
        # Where its output goes is no flag.
        ends = (at for at, word in enumerate(start) if re.search(f"{_OPERATOR}[|&<>]", word))
        end = next(ends, len(start))
        data |= {"exec": words[0] == "exec", **_command_line(start[:end])}
        data["lines"] += [" ".join(["…", *start[end:]])] if start[end:] else []
    else:
        data["lines"].append(" ".join(statement.split()))


def _sourced(rest: list[str]) -> str:
    """Whether a sourced file is required or optional; ``""`` where the line does more."""
    text = re.sub(r"[12&]?>+ ?(&1|/dev/null)", "", shown(" ".join(rest)))
    if re.fullmatch(r" *\|\| (true|:)", text):
        return "optional"
    return "" if rest else "required"


def _export(pair: str, data: Tree) -> None:
    name, _, text = pair.partition("=")
    if _SHELL in text or _KUBELET in text:
        # ${NAME:-} and ${NAME} are $NAME here.
        data["exports"][name] = re.sub(
            rf"{_SHELL}{_OPERATOR}?{{(\w+)(?::-)?}}", rf"{_SHELL}\1", text
        )
    else:
        data["env"][name] = text.replace("$", "$$")


def _command_line(words: list[str]) -> Tree:
    """A server and its flags; the model's path belongs to the server, wherever it is named."""
    starts = (at for at, word in enumerate(words) if word.startswith("--") or word in _SHORT)
    first = next(starts, len(words))
    found = _merged(_options(words[first:]))
    server = words[:first]
    if isinstance(model := found.pop("model", None), str):
        server += ["--model", model]
    flags = {name: _number(name, value) for name, value in found.items()}
    return {"server": " ".join(server), "flags": {name: _value(it) for name, it in flags.items()}}


def _number(flag: str, value: Any) -> Any:
    """What vLLM reads as a number with a unit (``32k``), as that number."""
    unit = isinstance(value, str) and re.search("[0-9][kmgtKMGT]$", value)
    number = integer(flag, value) if unit else None
    return value if number is None else number


def _merged(options: Iterator[tuple[str, Any]]) -> Tree:
    """VLLM's options by their long names; one that is given twice keeps both values."""
    found: Tree = {}
    for given, value in options:
        name = given.replace("_", "-")
        negated = name.startswith("no-") and value is True
        name, value = (name[3:], False) if negated else (name, value)
        found[name] = value if name not in found else {"twice": [found[name], value]}
    if _SHELL in str(found.get("data-parallel-address", "")):
        # Each script has its own variable for it.
        found["data-parallel-address"] = f"{_SHELL}LWS_LEADER_ADDRESS"
    return found


def _options(words: list[str]) -> Iterator[tuple[str, Any]]:
    """Each option of a command line with its value: True, a word, or a list of several."""
    at = 0
    while at < len(words):
        name, equals, text = words[at].partition("=")
        at += 1
        values = [text] if equals else []
        while at < len(words) and not re.match(r"--?[A-Za-z]", words[at]):
            values.append(words[at])
            at += 1
        if equals and text in ("true", "false"):
            # A boolean flag of Go's takes no word of its own.
            values[0] = f"={text}"
        name = _SHORT.get(name, name.removeprefix("-").removeprefix("-"))
        yield name, True if not values else values[0] if len(values) == 1 else values


def _value(value: Any) -> Any:
    """An option's value: a number or a JSON object as data, other text as it is."""
    if isinstance(value, list):
        return [_value(each) for each in value]
    if not isinstance(value, str):
        return value
    data = _json(value)
    number = isinstance(data, int | float) and not isinstance(data, bool)
    return data if number or isinstance(data, dict) else value


def _json(text: str) -> Any:
    """JSON as data; text that is none stays."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=refuse, strict=False)
    except (ValueError, RecursionError):
        return text


@lru_cache(maxsize=128)
def document(text: str) -> Any:
    """Several lines that are a YAML mapping, as data; other text stays. Not to be changed."""
    try:
        data = yamlio.parse(text) if "\n" in text else []
    except (yaml.YAMLError, RecursionError):
        return text
    return data[0] if len(data) == 1 and isinstance(data[0], dict) else text
