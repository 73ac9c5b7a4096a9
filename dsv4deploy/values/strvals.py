"""``--set``, ``--set-string`` and ``--set-json`` in the grammar of Helm's package strvals."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ValuesError
from .merge import Tree, fold

_FORMS = {
    "--set": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-string": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-json": "'a.b=JSON' or '{\"a\":{\"b\":JSON}}', in single quotes",
}
_LAST_INDEX = 65_536  # Helm's own bound on a list's index
_DEEPEST = 30  # and on the dots of one name


def parse_into(tree: Tree, option: str, text: str) -> None:
    """Puts the values of one option into a tree.

    Args:
        tree: the values so far.
        option: ``--set``, ``--set-string`` or ``--set-json``.
        text: what the user gave it.

    Raises:
        ValuesError: Helm would not read it either; the message says what to write.
    """
    try:
        if option == "--set-json" and text.lstrip().startswith("{"):
            fold(tree, _json(text, 0)[0])
        else:
            _Settings(option, text).into(tree)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        message = f"{reason}: write {_FORMS[option]}"
        raise ValuesError.of(f"{option} {text}", "", message) from None


def _json(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins there, and where it ends."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    start += len(text[start:]) - len(text[start:].lstrip(" \t\r\n"))

    def integer(word: str) -> int | float:
        return -0.0 if word == "-0" else int(word)  # Go reads every JSON number as a float

    return json.JSONDecoder(parse_constant=refuse, parse_int=integer).raw_decode(text, start)


def _typed(word: str) -> Any:
    """A word as ``--set`` types it: true, false, null and whole numbers; all else is text."""
    match word.lower():
        case "true":
            return True
        case "false":
            return False
        case "null":
            return None
        case "0":
            return 0
    digits = word[1:] if word[:1] in ("+", "-") else word
    if not word.startswith("0") and digits.isascii() and digits.isdigit() and len(digits) < 20:
        number = int(word)
        return number if -(2**63) <= number < 2**63 else word
    return word


class _Settings:
    """Reads ``a.b=c,d[0]=e,f={x,y}`` into a tree, character by character, as Helm does."""

    def __init__(self, option: str, text: str) -> None:
        self.text = text
        self.position = 0
        self.json = option == "--set-json"
        self.word = _typed if option == "--set" else str

    def into(self, tree: Tree) -> None:
        while self.position < len(self.text):
            self.key(tree, 0)

    def until(self, stops: str) -> tuple[str, str]:
        """Text up to one of the stops, which is passed over; a backslash protects a character."""
        found: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            self.position += 1
            if character in stops:
                return "".join(found), character
            if character == "\\" and self.position < len(self.text):
                character = self.text[self.position]
                self.position += 1
            found.append(character)
        return "".join(found), ""

    def key(self, tree: Tree, depth: int) -> None:
        key, stop = self.until("=[,.")
        if stop == "[":
            items = tree.get(key, [])
            if not isinstance(items, list):
                raise ValueError(f"{key} is not a list")
            items = self.item(list(items), self.index(), depth)
            if key:
                tree[key] = items
        elif stop == "=":
            value = self.value()
            if key:
                tree[key] = value
        elif stop == ".":
            if depth == _DEEPEST:
                raise ValueError(f"more than {_DEEPEST} levels")
            inner = tree.get(key, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{key} is not a map")
            self.key(inner, depth + 1)
            if not inner:
                raise ValueError(f"{key} has no value")
            if key:
                tree[key] = inner
        elif key or stop:
            raise ValueError(f"{key or 'a key'} has no value")

    def index(self) -> int:
        digits, stop = self.until("]")
        if not stop or not digits.isascii() or not digits.isdigit():
            raise ValueError(f"[{digits} is not the index of a list")
        if int(digits[:9]) > _LAST_INDEX:
            raise ValueError(f"the index {digits} is above {_LAST_INDEX}")
        return int(digits)

    def item(self, items: list[Any], index: int, depth: int) -> list[Any]:
        rest, stop = self.until("[.=")
        if rest or not stop:
            raise ValueError(f"{rest or 'nothing'} stands behind the index of a list")
        items += [None] * (index + 1 - len(items))
        present = items[index]
        if stop == "=":
            items[index] = self.value()
        elif stop == "[":
            inner = present if isinstance(present, list) else []
            items[index] = self.item(list(inner), self.index(), depth)
        else:
            if present is not None and not isinstance(present, dict):
                raise ValueError(f"item {index} is not a map")
            items[index] = present = present or {}
            self.key(present, depth + 1)
        return items

    def value(self) -> Any:
        if self.json:
            return self.json_value()
        if self.text[self.position : self.position + 1] != "{":
            return self.word(self.until(",")[0])
        self.position += 1
        words = []
        while True:
            word, stop = self.until(",}")
            if not stop:
                raise ValueError("the list has no closing }")
            words.append(self.word(word))
            if stop == "}":
                if self.text[self.position : self.position + 1] == ",":
                    self.position += 1
                return words

    def json_value(self) -> Any:
        if self.skip_comma():
            return None
        value, self.position = _json(self.text, self.position)
        if not self.skip_comma():
            raise ValueError("a value must end with a comma or the end")
        return value

    def skip_comma(self) -> bool:
        """Passes over blanks and then a comma or the end; false where something else stands."""
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1
        if self.position < len(self.text) and self.text[self.position] != ",":
            return False
        self.position += 1
        return True
