"""Reading YAML with Helm's meanings, and writing what every reader understands alike."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dsv4deploy import ValuesError
from dsv4deploy.values.scalars import TEXT
from dsv4deploy.values.yaml import parse, read, write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, None) for text in ("", "~", "null", "Null", "NULL")),
        *((text, True) for text in ("true", "True", "TRUE")),
        *((text, False) for text in ("false", "False", "FALSE")),
        ("8", 8),
        ("-8", -8),
        ("+8", 8),
        ("0", 0),
        ("0.90", 0.9),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.5e-9", 1.5e-9),
        ("text", "text"),
        ("a: b".replace(": ", ":"), "a:b"),
        ("v0.22.1", "v0.22.1"),
        ("0.22.1", "0.22.1"),
        ("64Gi", "64Gi"),
        ('"on"', "on"),
        ("'0755'", "0755"),
        ('"\\u00e9\\t"', "é\t"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">\n  a\n  b\n", "a b\n"),
        ("[1, x]", [1, "x"]),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_a_scalar_means_what_helm_takes_it_for(text: str, value: Any) -> None:
    got = read(f"x: {text}\n", "f")["x"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        *((text, "write true") for text in ("on", "On", "ON", "yes", "Yes", "y", "Y")),
        *((text, "write false") for text in ("off", "Off", "OFF", "no", "No", "n", "N")),
        ("0755", 'write 493 or 755, whichever is meant, or "0755" for the text'),
        ("017", "write 15 or 17"),
        *(
            (text, "write a plain decimal number")
            for text in ("08", "0o17", "0x1F", "0b1", "1_000", "1:30", "190:20:30", "00.5", "1e1_0")
        ),
        *(
            (text, "is a number to some parsers and text to others")
            for text in ("+_1", "1e+_5", "-_0", "0x_1F", "+1_.5")
        ),
        ("0_x1", "is a number to some"),
        *(
            (text, "is a number too large for JSON")
            for text in ("1e400", "-1e400", "9" * 40 + "e300")
        ),
        *(
            (text, "octal number to some parsers: write a plain decimal number")
            for text in ("0_12", "0" * 40 + "7")
        ),
        *((text, "for the text") for text in ("2001-01-01", "2001-1-1 10:00:00", ".inf", "-.INF")),
        *((text, "for the text") for text in (".nan", ".NaN", "=")),
    ],
)
def test_what_readers_take_differently_is_refused_with_what_to_write(
    text: str, advice: str
) -> None:
    with pytest.raises(ValuesError) as caught:
        read(f"a:\n  b: 1\n  c: {text}\n", "my.yaml")
    told = str(caught.value)
    assert told.startswith("my.yaml:3: a.c: the unquoted")
    assert f"`{text[:59]}" in told
    assert advice in told


@pytest.mark.parametrize("key", ["on", "y", "no", "0755", "1_000", "2001-01-01", "="])
def test_ambiguous_keys_are_refused_too(key: str) -> None:
    with pytest.raises(ValuesError, match=r"my\.yaml:1: the unquoted"):
        read(f"{key}: 1\n", "my.yaml")
    assert read(f'"{key}": 1\n', "my.yaml") == {key: 1}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\na: 2\n", "f:2: a: this key is duplicated"),
        ("a:\n  b: 1\n  b: 1\n", "f:3: a.b: this key is duplicated"),
        ("a: 1\n---\nb: 2\n", "several YAML documents in one file"),
        ("- a\n", "the document must be a mapping"),
        ("just text\n", "the document must be a mapping"),
        ("a: [1,\n", "f:2:1: not a YAML document"),
        ("a: 'x\n", "not a YAML document"),
        ("\ta: 1\n", "not a YAML document"),
        ("a: *b\n", "undefined alias"),
        ("a: !!binary aGk=\n", "f:1: tags such as ! and !!str are not supported"),
        ("a: !!str 1\n", "f:1: tags"),
        ("a: ! 1\n", "f:1: tags"),
        ("a: !custom {b: 1}\n", "f:1: tags"),
        ("b: 1\na: ! [b]\n", "f:2: tags"),
        ("%YAML 1.2\n---\na: 1\n", "f:1: directives such as %YAML are not supported"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "f:1: directives"),
        ("a: 1\n...\ntrash: [", "not a YAML document"),
        ("a: é\n".encode("utf-16"), "not UTF-8 text: save this file as UTF-8"),
        ("a: \udcff\n", "not UTF-8 text"),
        ("a:\n\ufeffb: 1\n", "a byte order mark inside this file: delete it"),
        ("a: &a [1, 2]\nb: [" + "*a, " * 60_000 + "]\n", "make it too large"),
        ("a: &a [" + "1, " * 100 + "]\nb: [" + "*a, " * 100 + "]\n", "make it too large"),
        ("1: a\n", 'the key `1` is not text: write "1"'),
        ("null: a\n", "is not text"),
        ("[a]: 1\n", "a key must be text"),
        ("a: &x [*x]\n", "this alias contains itself"),
        ("a: {<<: [1]}\n", "`<<` requires a mapping"),
        ("a: \x07\n", "not a YAML document"),
        (BOMB, "make it too large"),
        ("[" * 5000, "nest"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "nest"),
        (b"\xff\xfe\xfa", "not UTF-8 text"),
        (b"a: \xff\n", "not UTF-8 text"),
        ("a:\n- [b, {c: d?}]\n", "f:2: unquoted text between [ ] or { } ends at a `?`"),
        ("{a?: 1}\n", "f:1: unquoted text"),
        ('a: 1\nb: "c\\/d"\n', "f:2: some parsers do not support the escape \\/"),
        ('{"a": "\\\\\\/"}', "f:1: some parsers do not support the escape"),
        ("a: 1\n---b: 2\n", "f:2: some parsers end the file at a line that starts with ---"),
        ("--- {a: 1}\n", "f:1: some parsers end the file at a line that starts with ---"),
        ("a: 'b\n---c'\n", "f:2: some parsers end the file at a line that starts with ---"),
        ("a: 1\n\nb: 2\rc: 3\n", "f:3: a carriage return without a line feed"),
        ("a: 'b\r\r\n\n  c'\n", "f:1: a carriage return"),
    ],
    ids=range(42),
)
def test_what_is_no_values_file_is_refused_with_its_place(text: Any, complaint: str) -> None:
    with pytest.raises(ValuesError) as caught:
        read(text, "f")
    assert complaint in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "null\n", "{}\n"])
def test_an_empty_document_sets_nothing(text: str) -> None:
    assert read(text, "f") == {}


def test_anchors_aliases_and_merge_keys_work() -> None:
    text = "a: &a {x: 1, z: 2}\nb: *a\nc: {<<: *a, z: 3}\nd: {<<: [{x: 4}, *a]}\n"
    assert read(text, "f") == {
        "a": {"x": 1, "z": 2},
        "b": {"x": 1, "z": 2},
        "c": {"x": 1, "z": 3},
        "d": {"x": 4, "z": 2},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a?b", "a?b"),
        ("[a, 'b?']", ["a", "b?"]),
        ("{b: [c]}\nd: e?", {"b": ["c"]}),
        ('"b\\\\/c"', "b\\/c"),
        ("b/c", "b/c"),
        ('\ufeff"b/\\\\"', None),
    ],
)
def test_what_all_readers_know_is_taken(text: str, value: Any) -> None:
    mark, text = text[: text.startswith("\ufeff")], text.removeprefix("\ufeff")
    document = read(f"{mark}--- # a file\r\na: {text}\r\n", "f")
    assert document["a"] == (value or "b/\\")


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read("\ufeffa: é\n".encode(), "f") == {"a": "é"}


@given(st.binary(max_size=60) | st.text("ab:-[]{}&*!|>'\"#%@,?\n\t 01.~\x00\x85", max_size=60))
def test_nothing_but_a_values_error_escapes(text: Any) -> None:
    with suppress(ValuesError):
        assert isinstance(read(text, "f"), dict)


AWKWARD = (
    *("on", "0755", "1e3", "null", "~", "", " lead", "trail ", "a\nb", "a\n", "\na", "# x", "- x"),
    *(
        "a: b",
        "{{x}}",
        "😀",
        "日本",
        "12",
        "1.5",
        "true",
        "y",
        "=",
        "<<",
        "2001-01-01",
        "0o7",
        "\t",
    ),
)
words = st.sampled_from(AWKWARD)
safe_text = words | st.text(max_size=20).filter(lambda text: re.search(TEXT, text))
data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | safe_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(safe_text, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(safe_text, data, min_size=1, max_size=5))
def test_what_is_written_is_read_back_by_us_and_by_others(document: dict[str, Any]) -> None:
    text = write([document])
    assert read(text, "f") == document
    assert yaml.safe_load(text) == document
    assert parse(write([document, {"a": 1}]))[-1] == {"a": 1}


def test_text_of_several_lines_stands_as_a_block() -> None:
    assert "args: |\n  one\n  two\n" in write([{"args": "one\ntwo\n"}])


def test_floats_survive() -> None:
    assert math.isclose(read(write([{"a": 0.1}]), "f")["a"], 0.1)
