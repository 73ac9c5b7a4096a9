"""``--set``, ``--set-string`` and ``--set-json`` in the grammar of Helm's package strvals."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import ValuesError
from .json import DECODER, finite
from .merge import Tree
from .secrets import masked_option, mentions_secret

_FORMS = {
    "--set": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-string": "a.b=c, or several with commas between them (a comma in a value is \\,)",
    "--set-json": "'a.b=JSON', in single quotes",
}
_DEEPEST = 30  # Helm's own bound on the dots of one name
_GAP = 16  # Helm fills it with null, which few lists accept, and each takes memory.
_INDEX = re.compile(r"([+-]?)0*([0-9]{1,9})")
_BLANK = re.compile(r"[ \t-\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*")


def parse_into(tree: Tree, option: str, text: str) -> None:
    """Merges the values of one option into a tree.

    Args:
        tree: the values so far.
        option: ``--set``, ``--set-string`` or ``--set-json``.
        text: what the user gave it.

    Raises:
        ValuesError: Helm, or one of its versions, would not read it either; the message states what
            to write, and contains no secret.
    """
    if option == "--set-json" and text.lstrip().startswith("{"):
        message = f"only Helm 3.18 and later read a whole object: write {_FORMS[option]}"
        raise ValuesError.of(masked_option(option, text), "", message)
    try:
        if not text.isascii():
            text.encode()
        _Settings(option, text).into(tree)
    except (ValueError, RecursionError) as error:
        message = f"{_reason(error, text)}: write {_FORMS[option]}"
        raise ValuesError.of(masked_option(option, text), "", message) from None


def _reason(error: Exception, text: str) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "not UTF-8 text"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    # The reason may quote what stands behind a comma that belongs to the secret.
    return "cannot be read" if mentions_secret(text) else str(error)


def _integer(word: str) -> int | float:
    value = finite(word)
    return value if word == "-0" else int(word)  # Go reads every JSON number as a float


# Python's decoder ends at what is whole of such a number, Go's refuses it.
_TORN = re.compile(r"-?(0|[1-9][0-9]*)(\.(?![0-9])|(\.[0-9]+)?[eE](?![+-]?[0-9]))")
_JSON = json.JSONDecoder(
    parse_constant=DECODER.parse_constant, parse_int=_integer, parse_float=finite
)


def _typed(word: str) -> Any:
    """A word as ``--set`` types it: true, false, null and whole numbers; all else is text."""
    match word.casefold():
        case "true":
            return True
        case "false":
            return False
        case "null":
            return None
        case "0":
            return 0
    if re.fullmatch(r"[+-]0*[0-9]{1,19}|[1-9][0-9]{0,18}", word):
        number = int(word)
        return number if -(2**63) <= number < 2**63 else word
    return word


class _Settings:
    """Reads ``a.b=c,d[0]=e,f={x,y}`` into a tree, character by character, as Helm does.

    If the text ends where a key is expected or after an index, Helm keeps what it has read so far:
    :meth:`key` and :meth:`item` return true there.
    """

    def __init__(self, option: str, text: str) -> None:
        self.text = text
        self.position = 0
        self.json = option == "--set-json"
        self.word = _typed if option == "--set" else str

    def into(self, tree: Tree) -> None:
        while self.position < len(self.text):
            self.key(tree, 0)

    def until(self, stops: str) -> tuple[str, str]:
        """Text up to one of the stops, which is skipped; a backslash escapes a character."""
        found: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            self.position += 1
            if character in stops:
                return "".join(found), character
            if character == "\\":
                character = self.text[self.position : self.position + 1]
                self.position += 1
            found.append(character)
        return "".join(found), ""

    def key(self, tree: Tree, depth: int) -> bool:
        key, stop = self.until("=[,.")
        if stop == "=":
            ended = not self.json and self.position >= len(self.text)
            value = self.value()
        elif stop == "[":
            value = tree.get(key, [])
            if not isinstance(value, list):
                raise ValueError(f"{key} is not a list")
            ended = self.item(value, self.index(), depth)
        elif stop == ".":
            if depth == _DEEPEST:
                raise ValueError(f"the path has more than {_DEEPEST} levels")
            value = tree.get(key, {})
            if not isinstance(value, dict):
                raise ValueError(f"{key} is not a map")
            ended = self.key(value, depth + 1)
            if not value:
                if ended:
                    return True
                raise ValueError(f"{key} has no value")
        elif key or stop:
            raise ValueError(f"{key or 'a key'} has no value")
        else:
            return True
        if key:
            tree[key] = value
        return ended

    def index(self) -> int:
        digits, stop = self.until("]")
        found = _INDEX.fullmatch(digits)
        if not stop or not found or (found[1] == "-" and int(found[2])):
            raise ValueError(f"[{digits[:20]} is not the index of a list")
        return int(found[2])

    def item(self, items: list[Any], index: int, depth: int) -> bool:
        rest, stop = self.until("[.=")
        if rest:
            raise ValueError(f"{rest} follows the index of a list")
        if not stop:
            return True
        if index > len(items) + _GAP:
            raise ValueError(f"the index {index} is more than {_GAP} past the end of the list")
        there = index < len(items)
        value = items[index] if there else None
        if stop == "=":
            value = self.value()
        elif stop == "[":
            value = [] if value is None else value
            if not isinstance(value, list):
                raise ValueError(f"item {index} is not a list")
            if self.item(value, self.index(), depth):
                return True
        else:
            if not isinstance(value, dict):
                value = {}
                if there:
                    items[index] = value
            if self.key(value, depth):
                return True
        items += [None] * (index + 1 - len(items))
        items[index] = value
        return False

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
        if _TORN.match(self.text, self.position):
            raise ValueError("a number is not a whole number")
        value, self.position = _JSON.raw_decode(self.text, self.position)
        self.skip_comma()
        return value

    def skip_comma(self) -> bool:
        """Skips blanks and then a comma or the end; false if anything else follows."""
        blank = _BLANK.match(self.text, self.position)
        self.position = blank.end() if blank else self.position
        if self.position < len(self.text) and self.text[self.position] != ",":
            return False
        self.position += 1
        return True
