"""Values documents of every kind: sparse, deep, hostile, broken, and changed from real ones.

They are drawn with :mod:`random` from the values' own JSON schema, so that a new value is covered
as soon as it exists, and a seed names a document.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from dsv4deploy.values import yaml as yamlio
from dsv4deploy.values.loading import defaults
from dsv4deploy.values.schema import json_schema

ROOT = Path(__file__).resolve().parent.parent
Tree = dict[str, Any]

HOSTILE = (
    *(
        "",
        " ",
        "a b",
        " lead",
        "trail ",
        "it's",
        'say "x"',
        "back\\slash",
        "$HOME",
        "`id`",
        "$(id)",
        "$$(HOME)",
        "$(HOME)",
        "a$",
        "$$",
    ),
    *("# no comment", "- item", "key: value", "{a: b}", "[1, 2]", "&x", "*x", "!t", "%p", "@", "|"),
    *("yes", "no", "on", "null", "~", "true", "0755", "1e3", "1_000", "0x1f", ".nan", "2001-01-01"),
    *(
        "12",
        "-1",
        "1.5",
        "8.0",
        "<b>&amp;</b>",
        "{{",
        "{{ .Values }}",
        "}}",
        "{ {",
        "a{",
        "{%",
        "%}",
    ),
    *(
        "héllo",
        "日本語",
        "😀",
        "e\u0301",
        "\u00a0",
        "\u200b",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffd",
    ),
    *("\x00", "\x07", "\x1b[0m", "\x7f", "\x85", "\x9f", "\ufffe", "\uffff", "\U0010ffff"),
    *("a\nb", "a\tb", "a\r\nb", "\n", "\\n", "a\\", "x" * 300, "'; rm -rf / #", "\\'", "''", "'"),
    *(
        "oci://r/m:v",
        "quay.io/a/b:c",
        "a/b@sha256:" + "0" * 64,
        "64Gi",
        "500m",
        "15m",
        "/a/b",
        "eg",
    ),
)
NUMBERS = (
    *(
        0,
        1,
        -1,
        2,
        3,
        8,
        128,
        4095,
        4096,
        4097,
        32768,
        65535,
        65536,
        1048576,
        2147483647,
        2147483648,
    ),
    *(
        4294967295,
        4294967296,
        9007199254740991,
        9007199254740992,
        -9007199254740991,
        10**18,
        10**30,
    ),
    *(
        0.0,
        1.0,
        8.0,
        0.1,
        0.9,
        0.90,
        1.5,
        -2.5,
        1e-7,
        1e-6,
        1.5e-9,
        1e20,
        1e21,
        1e300,
        123456789.125,
    ),
    *(0.30000000000000004, 5e-324, -0.0, 1e15, 1e16, 2.5e15, 100000.5),
)
ODD: tuple[Any, ...] = (None, True, False, [], {}, [None], [[]], {"a": None}, [1, "a"], {"": 1})


def anything(rng: random.Random) -> Any:
    """Any JSON value, mostly an awkward one."""
    return rng.choice([rng.choice(HOSTILE), rng.choice(NUMBERS), copy.deepcopy(rng.choice(ODD))])


def drawn(rng: random.Random, schema: Tree, fault: float, share: float = 0.25) -> Any:
    """A value for a schema; with probability ``fault`` at each place one that may not fit.

    ``share`` is that of a section's properties which a document has.
    """
    if rng.random() < fault:
        return anything(rng)
    if "$ref" in schema:
        return drawn(rng, json_schema()["$defs"][schema["$ref"].rpartition("/")[2]], fault, share)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return drawn(rng, rng.choice(schema[word]), fault, share)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            return _mapping(rng, schema, fault, share)
        case "array":
            count = rng.randint(schema.get("minItems", 0), 3)
            return [drawn(rng, schema["items"], fault) for _ in range(count)]
        case "string":
            return _text(rng, schema)
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
    return _number(rng, schema)


def _mapping(rng: random.Random, schema: Tree, fault: float, share: float = 0.25) -> Tree:
    result: Tree = {}
    for key, inner in schema.get("properties", {}).items():
        if rng.random() < share:
            result[key] = drawn(rng, inner, fault, share)
    for pattern, extra in schema.get("patternProperties", {}).items():
        for _ in range(rng.randint(0, 3)):
            key = _text(rng, {"pattern": pattern})
            result[key] = drawn(rng, extra, fault, share=1 - fault)
    if rng.random() < fault:
        result[rng.choice(["nam", "image_", "x", "", "a b", "yes", "1"])] = anything(rng)
    return result


def _text(rng: random.Random, schema: Tree) -> str:
    """Text that fits, hostile where it may be; one in a hundred does not."""
    fitting = _fitting(schema.get("pattern", ""), schema.get("minLength", 0))
    return rng.choice(fitting) if rng.random() < 0.99 else rng.choice(HOSTILE)


PLAIN = (
    "chat",
    "a-1",
    "8",
    "10m",
    "x/y:z",
    "90s",
    "-ex",
    "+e",
    "0.22.1",
    "vllm serve /m",
    "a/B",
    "s3://b",
    "apps/v1",
    "ConfigMap",
    "0 6 * * 1-5",
    "UTC",
)


@cache
def _fitting(pattern: str, shortest: int) -> list[str]:
    return [
        text
        for text in (*PLAIN, *HOSTILE)
        if len(text) >= shortest and re.search(pattern, text) and not text.endswith("\n")
    ]


def _number(rng: random.Random, schema: Tree) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = min(schema.get("maximum", 2**31), 2**31)
    if schema.get("type") == "integer":
        edges = [low, high, rng.randint(low, high), min(max(low, 8), high)]
        value = rng.choice(edges)
        return float(value) if rng.random() < 0.1 else value
    return rng.choice([0.5, 1, 1.0, 0.9, rng.random(), rng.choice(NUMBERS)])


def sparse(rng: random.Random) -> Tree:
    """A document drawn from the schema.

    The quoted key `<<` is never in it: Helm 3.17 takes it for YAML's merge key and drops it, Helm 4
    and Python refuse it.
    """
    return _mapping(rng, json_schema(), rng.choice([0.0, 0.0, 0.01, 0.05]))


@cache
def real() -> list[Tree]:
    """The values of every shipped profile and example, and the defaults."""
    files = [*sorted(ROOT.glob("profiles/*.yaml")), *sorted(ROOT.glob("examples/*/values.yaml"))]
    return [defaults(), *(yamlio.read_file(file) for file in files)]


def mutated(rng: random.Random) -> Tree:
    """A real document with one to four places changed."""
    document = copy.deepcopy(rng.choice(real()))
    for _ in range(rng.randint(1, 4)):
        place = document
        while place:
            key = rng.choice(sorted(place))
            if not isinstance(place[key], dict) or rng.random() < 0.1:
                rng.choice(_CHANGES)(rng, place, key)
                break
            place = place[key]
    return document


def _replace(rng: random.Random, place: Tree, key: str) -> None:
    place[key] = anything(rng)


def _remove(rng: random.Random, place: Tree, key: str) -> None:
    del place[key]


def _nullify(rng: random.Random, place: Tree, key: str) -> None:
    place[key] = None


def _misspell(rng: random.Random, place: Tree, key: str) -> None:
    cut = rng.randrange(len(key)) if key else 0
    place[key[:cut] + rng.choice(["", "x", "-", "_"]) + key[cut + 1 :]] = place.pop(key)


def _copy_near(rng: random.Random, place: Tree, key: str) -> None:
    place[key] = copy.deepcopy(place[rng.choice(sorted(place))])


def _scale(rng: random.Random, place: Tree, key: str) -> None:
    if isinstance(place[key], int | float) and not isinstance(place[key], bool):
        place[key] = place[key] * rng.choice([2, 0.5, -1, 1000])


_CHANGES: tuple[Callable[[random.Random, Tree, str], None], ...] = (
    _replace,
    _remove,
    _nullify,
    _misspell,
    _copy_near,
    _scale,
)


FREE = ("engine.args.seed", "engine.args.new-one", "global.x", "engine.env.NEW", "engine.shell")
# What ends a setting in ways of its own, behind a path.
ENDS = (
    *("=a\\", "=falſe", "=TRUE", "=nuLl", "=-007", "=-0", "=9223372036854775808", "[+0]=a"),
    *("[-0]=a", "[0]", "[0][0]=a", "[0].a=b", "[1]=a", "[x]=a", "[-1]=a", "=", "", ".", "={a"),
    *("={a,b}c=d", "={}", "=a,", ".x", ".x=", "\\=a=b", "[00]=a", "[0]a=b"),
)
JSON_ENDS = (
    *("=1 replicas=2", "=1,replicas=2", '="a"x', "=1.", "=1e", "=1e400", "=-0", "=01", "=", "= "),
    *("=1 2", "=tru", "=NaN", '="\\u0041"', "=[1,]", "={}", "[0]=1", "[0]=", "[+0]=[1]"),
    *('={"a":1} , name=5', '="a\\ud800"', '={"\\udcff":1}', '="\\ud83d\\ude00"', '="\\ufffd"'),
)
# Some versions of Helm take these; here they are errors that say what to write.
STRICTER_SETTINGS = (
    *(("--set-json", text) for text in ('{"replicas":2}', ' {"name":"a"} ', '{"replicas":2} x')),
    ("--set", "engine.args.x[200]=a"),
    ("--set", "engine.args.seed[0"),
)
RAW = (
    *("1e3", "+.5", ".5", "1.", "~", "_1", "0x", "0b", "0o8", "inf", "nan", "falſe", "8.0", "-0.0"),
    *("1.5e-9", "a b", "'on'", '"0777"', "|\n      a\n      b", ">-\n      a\n      b", "&a 8"),
    *(
        "[1, a]",
        '["a?"]',
        "a?b",
        '"\\\\/"',
        "8 # c\r",
        "{a: 1}",
        "{<<: {a: 1}, b: 2}",
        "0.90",
        "1e+2",
        "12345678901234567890",
    ),
)
STRICTER_RAW = (
    *("1e1_0", "+_1", "0_x1", "1_e3", "1e400", "9" * 320, "! 12", "!!str 1", "!x a", "0777", "on"),
    *("1:30", "1_000", "0o17", "0b1", "2001-01-01", "8\n---\nreplicas: 2", "8\n---\n["),
    *("8\n...\ntrash", "é\ufeff", "[a?b]", "{a?: 1}", "[a, {b: x?}]", '"a\\/b"', "a\rb"),
    *("'a\n---b'", "'a\r\r\n\n      b'"),
)
HEADS = ("%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "%TAG ! tag:x,2000:\n---\n", "--- {}\n", "---\n")


def written(rng: random.Random) -> tuple[str, bool]:
    """A file as a person writes it; and whether readers may understand it differently."""
    stricter = rng.random() < 0.3
    key = rng.choice(["args: {seed: 1}\n  env:\n    NEW", "args:\n    seed", "args:\n    new-one"])
    text = f"engine:\n  {key}: {rng.choice(STRICTER_RAW if stricter else RAW)}\n"
    if rng.random() < 0.05:
        return rng.choice(HEADS) + text, True
    return text, stricter


def settings(rng: random.Random) -> list[tuple[str, str]]:
    """Some ``--set``, ``--set-string`` and ``--set-json`` options."""
    found = []
    for _ in range(rng.randint(0, 3)):
        path = rng.choice(_paths())
        value = rng.choice(
            ["8", "true", "null", "0.5", "a\\,b", "{a,b}", "", "0755", "-3", "x=y", "+5"]
        )
        data = json.dumps(anything(rng), ensure_ascii=False)
        found.append(
            rng.choice(
                [
                    ("--set", f"{path}={value}"),
                    ("--set", f"{path}={value},replicas=2"),
                    ("--set-string", f"{path}={value}"),
                    ("--set-json", f"{path}={data}"),
                    ("--set-json", 'engine= {"args":{"seed":3}} ,replicas=2'),
                ]
            )
        )
    if rng.random() < 0.3:
        option = rng.choice(["--set", "--set-string", "--set-json"])
        end = rng.choice(JSON_ENDS if option == "--set-json" else ENDS)
        found.append((option, f"{rng.choice(FREE)}{end}"))
    return found


def _paths() -> list[str]:
    paths = [*_leaves(defaults(), ""), "engine.args.seed", "engine.shell[0]", "engine.env.NEW"]
    return [path for path in paths if "/" not in path]


def _leaves(tree: Tree, prefix: str) -> list[str]:
    found = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        found += [path, *(_leaves(value, f"{path}.") if isinstance(value, dict) else [])]
    return found


class Case:
    """Files and options for one ``helm template`` and one ``load``.

    Attributes:
        seed: what it is drawn from.
        files: its documents.
        settings: options and their texts.
        texts: what its files hold: the documents as JSON, and at times one as a person writes it.
        stricter: whether something is part of it that only some readers accept.
    """

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        kinds = (sparse, mutated)
        self.seed = seed
        self.files = [rng.choice(kinds)(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        self.settings = settings(rng) if rng.random() < 0.4 else []
        for file in self.files:
            # Anything may be in `global`; Helm 3.17 fails on some of it, before any chart.
            if "global" in file:
                file["global"] = {"site": "a", "deep": [None, {"b": 1}]}
        self.texts = [json.dumps(file, ensure_ascii=False) for file in self.files]
        self.stricter = False
        if rng.random() < 0.15:
            text, self.stricter = written(rng)
            self.texts.append(text)
        if rng.random() < 0.03:
            self.settings.append(rng.choice(STRICTER_SETTINGS))
            self.stricter = True

    def key(self) -> str:
        """What makes it this case and no other."""
        return json.dumps([self.texts, self.settings])
