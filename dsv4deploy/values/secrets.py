"""Detects secrets by the name of a variable, flag or key, or by their form.

Whatever prints values (errors, findings, ``diff``) masks them with :func:`masked` or
:func:`masked_text`, so that a secret is not printed even if it is the invalid value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
_WORDS = (
    r"(?<!per)(?<!per[-_])TOKEN|SECRET|PASSW(?:OR)?DS?|PASSPHRASES?|CREDENTIALS?|AUTHORIZATION"
    r"|(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION)[-_]?KEYS?"
    r"|(?<=[-_])(?:PASS|PWD|KEYS?|AUTH|PAT|KEY[-_]ID)|COOKIES?|JWT|PEM|BEARER"
)
_NAME = re.compile(rf"(?i)(?:{_WORDS})[-_]?[0-9]*$")
_MENTIONED = re.compile(rf"(?i)(?:{_WORDS})(?![a-z])")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/?#:@]*):[^\s/?#]+(?=@)")
# As those who issue them write them: tokens of Hugging Face, GitHub, GitLab, OpenAI and Slack, keys
# of AWS, JSON web tokens, headers of HTTP, private keys.
_ISSUED = re.compile(
    r"\b(?:hf_|gh[oprsu]_|github_pat_|glpat-|sk-|xox[abeprs]-)[\w-]{16,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*|\b(?i:bearer|basic) [\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^'\"]*"
)
_WORD = r"'(?:[^']|'\\'')*'|\"[^\"]*\"|[^\s'\"\\]+"
# The words behind a flag, over the ends of continued lines, up to the next flag.
_FLAG = re.compile(rf"(?<![\w-])--([a-z][a-z0-9-]*)((?:(?:[= \t]|\\\n)+(?!--)(?:{_WORD}))+)")
_MEMBER = re.compile(r'("([\w.-]+)" ?: ?)("(?:[^"\\]|\\.)*"|[-+.\w]+)')


def secret_name(name: str) -> bool:
    """Whether it is the name of a secret, such as ``HF_TOKEN``, ``DB_PASS`` or ``api-key``."""
    return bool(_NAME.search(name))


def secret_value(value: object) -> bool:
    """Whether a value is a secret whatever its name: a URL with a password, an issued token."""
    return isinstance(value, str) and bool(_URL_PASSWORD.search(value) or _ISSUED.search(value))


def mentions_secret(text: str) -> bool:
    """Whether text, such as that of ``--set``, names a secret or holds one."""
    return bool(_MENTIONED.search(text)) or secret_value(text)


def masked(value: Any, *names: str) -> Any:
    """Plain data with each secret in it replaced by :data:`MASK`.

    Args:
        value: the data.
        names: the keys that lead to it; where one of them names a secret, all of it is one.
    """
    if any(map(secret_name, names)):
        return MASK
    if isinstance(value, Mapping):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """Text, such as a script, without passwords in URLs, tokens, secret flags and JSON keys."""
    text = _ISSUED.sub(MASK, _URL_PASSWORD.sub(rf"\1:{MASK}", text))
    text = _FLAG.sub(
        lambda found: f"--{found[1]} {MASK}" if secret_name(found[1]) else found[0], text
    )
    return _MEMBER.sub(
        lambda found: f'{found[1]}"{MASK}"' if secret_name(found[2]) else found[0], text
    )


def masked_option(option: str, text: str) -> str:
    """``--set a.b=c`` as messages show it; only its first key if it names a secret."""
    if mentions_secret(text):
        key = re.match(r"[\w.-]*=", text)
        text = f"{key[0] if key else ''}{MASK}"
    return f"{option} {text}"
