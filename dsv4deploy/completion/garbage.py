"""Whether a model's answer is garbage: the known ways in which a broken engine still answers 200.

Imports the standard library only, for the chart's ``helm test`` carries this file's text. Every
check is a sign of a wrong kernel, quantization or cache: text that repeats itself, scripts mixed
into each other, bytes that are no text, special tokens, JSON that breaks off, a wrong count.
"""

import json
import re
import unicodedata

PROMPT = "Count from one to five in English words."
"""What is asked to see whether an engine makes sense."""

_NUMBERS = ("one", "two", "three", "four", "five")
# A unit of up to 60 characters, five times in a row or more.
_REPEATED = re.compile(r"(.{1,60}?)\1{4,}", re.DOTALL)
_SPECIAL = re.compile(r"<[|\uff5c][^<>]{1,40}[|\uff5c]>|</?s>|<unk>|<pad>")
_WINDOW = 64  # words
# Scripts by the first word of their letters' Unicode names. Greek is none of them: it is in
# formulas of any language. Chinese, Japanese and Korean are one, for they borrow from each other.
_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "THAI": "Thai",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
    "CJK": "Chinese",
    "HIRAGANA": "Chinese",
    "KATAKANA": "Chinese",
    "HANGUL": "Chinese",
}


def garbage(text: str, asked: str = "prose") -> str:
    """Why an answer is garbage; ``""`` where it is none.

    Args:
        text: the answer.
        asked: what was asked for: ``prose``, ``json`` (JSON and nothing else), or ``count`` (the
            answer to :data:`PROMPT`).
    """
    checks = [_unreadable, _special, _repeated, _mixed]
    checks += {"prose": [], "json": [_broken_json], "count": [_wrong_count]}[asked]
    if not text.strip():
        return "the answer is empty"
    return next((why for why in (check(text) for check in checks) if why), "")


def _unreadable(text: str) -> str:
    # The last token of an answer that was cut may end within a character.
    wrong = re.findall(r"[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text.rstrip("\ufffd"))
    return f"{len(wrong)} characters are no text" if wrong else ""


def _special(text: str) -> str:
    found = _SPECIAL.search(text)
    return f"the special token {found.group()} is in the answer" if found else ""


def _repeated(text: str) -> str:
    for match in _REPEATED.finditer(text):
        unit, run = match.group(1), match.group()
        # Lines, dots and zeros are drawn on purpose; words and exclamation marks are not.
        written = any(char.isalpha() or char == "!" for char in unit)
        if written and len(run) >= (10 if _dense(unit) else 24):
            return f"{unit.strip()[:20]!r} is repeated {len(run) // len(unit)} times"
    words = re.findall(r"\w+", text.lower())
    for start in range(0, len(words) - _WINDOW + 1, _WINDOW // 2):
        window = words[start : start + _WINDOW]
        if len(set(window)) < _WINDOW // 5 and any(word.isalpha() for word in window):
            return f"{_WINDOW} words in a row are {len(set(window))} different ones"
    return ""


def _dense(unit: str) -> bool:
    """Whether a character is a word or nearly one."""
    return any(_script(char) == "Chinese" for char in unit)


def _script(char: str) -> str:
    if not char.isalpha():
        return ""
    return _SCRIPTS.get(unicodedata.name(char, "").partition(" ")[0], "")


def _mixed(text: str) -> str:
    found: set[str] = set()
    before = ""
    for char in text:
        script = _script(char)
        if script and before and script != before and "Chinese" not in (script, before):
            return f"{before} and {script} letters are in one word"
        if script:
            found.add(script)
        before = script
    return f"{', '.join(sorted(found))} letters are in one answer" if len(found) > 2 else ""


def _broken_json(text: str) -> str:
    inner = re.sub(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", r"\1", text, flags=re.DOTALL).strip()
    try:
        json.loads(inner)
    except RecursionError:
        return "the JSON is nested too deeply"
    except ValueError as error:
        cut = getattr(error, "pos", 0) >= len(inner) or "Unterminated" in str(error)
        return f"the JSON {'breaks off' if cut else 'is wrong'}: {error}"
    return ""


def _wrong_count(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text.lower())
    # One of the five may be missing: the sign looked for is nonsense, not a slip.
    if not any(
        _in_order([number for number in _NUMBERS if number != left_out], words)
        for left_out in _NUMBERS
    ):
        found = sum(number in words for number in _NUMBERS)
        return f"the answer holds {found} of the five words asked for, or not in their order"
    if any(_script(char) not in ("", "Latin") for char in text):
        return "an English answer holds letters of another script"
    return ""


def _in_order(wanted: list[str], words: list[str]) -> bool:
    rest = iter(words)
    return all(word in rest for word in wanted)
