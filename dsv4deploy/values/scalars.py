"""The types that values are made of: numbers, texts and names with their bounds and patterns."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType

# JSON, and so Helm, carries integers exactly only up to here.
EXACT = 2**53 - 1
# Control characters, line separators, byte order marks and non-characters: some YAML readers
# and writers lose or refuse them (Helm 3.17's schema check among them). Helm puts U+FFFD in the
# place of what is no character.
_UNSAFE = "\x7f-\x9f\u2028\u2029\ufeff\ufffd-\uffff"
# `{{` starts a template that KServe expands anywhere in an LLMInferenceService.
LINE = f"^(\\{{?[^{{\x00-\x1f{_UNSAFE}])*\\{{?$"
TEXT = f"^(\\{{?[^{{\x00-\x08\x0b-\x1f{_UNSAFE}])*\\{{?$"


def _whole(value: Any) -> Any:
    """8.0 is 8: Helm's numbers are floats, and JSON schema calls both an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: float) -> int | float:
    """8.0 is 8, but -0.0 stays: Helm prints it as -0."""
    return value if str(value) == "-0.0" else int(value) if value.is_integer() else value


def _without_null(entries: dict[str, Any]) -> "FrozenDict":
    """A map without the entries that null removes."""
    return FrozenDict({key: item for key, item in entries.items() if item is not None})


def _some(entries: "FrozenDict") -> "FrozenDict":
    if not entries:
        raise ValueError("must not be empty")
    return entries


NULL = {"type": "null"}


def _unique(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError("this item is duplicated: keep one")
    return items


def _true(value: bool) -> bool:
    if not value:
        raise ValueError("must be true: only an umbrella chart can disable this chart")
    return value


def _read_only(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("values are frozen: build new ones with load()")


class FrozenDict(dict[str, Any]):
    """A mapping that can't be changed, so that frozen values are frozen all the way down."""

    __setitem__ = __delitem__ = __ior__ = _read_only
    update = setdefault = pop = popitem = clear = _read_only

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self),)


def _kind(value: Any) -> str:
    """The branch of :data:`Data` for a value, by its type."""
    if value is None:
        return "{null}"
    if isinstance(value, bool):
        return "{boolean}"
    if isinstance(value, int | float):
        return "{number}"
    if isinstance(value, list | tuple):
        return "{list}"
    return "{object}" if isinstance(value, dict) else "{text}"


_Item = TypeVar("_Item")
_Key = TypeVar("_Key")
Unique = Annotated[
    tuple[_Item, ...], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})
]
# A bound behind the validator would be a text's in the JSON schema.
UniqueSome = Annotated[
    tuple[_Item, ...],
    Field(min_length=1),
    AfterValidator(_unique),
    Field(json_schema_extra={"uniqueItems": True}),
]
# Free data, in which null is a value.
Free = Annotated[dict[_Key, _Item], AfterValidator(FrozenDict)]
if TYPE_CHECKING:
    Map: TypeAlias = dict[_Key, _Item]
    MapOfSome: TypeAlias = dict[_Key, _Item]
else:
    # Entries under keys of the user's choice, which null removes.
    Map = Annotated[dict[_Key, _Item | None], AfterValidator(_without_null)]
    # A bound behind the validators would be a text's in the JSON schema.
    MapOfSome = Annotated[
        dict[_Key, _Item | None],
        Field(min_length=1, json_schema_extra={"not": {"additionalProperties": NULL}}),
        AfterValidator(_without_null),
        AfterValidator(_some),
    ]

Boolean = Annotated[bool, Strict()]
Always = Annotated[Boolean, AfterValidator(_true), Field(json_schema_extra={"const": True})]
# The order matters: with the bounds behind the validator the JSON schema would lose them.
# Kubernetes keeps these in 32 bits.
Count = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]
# Bounds far above anything that exists, so that no product of values overflows Helm's integers.
Size = Annotated[int, Strict(), Field(ge=1, le=4096), BeforeValidator(_whole)]
Tokens = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]
Natural = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1), BeforeValidator(_whole)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=86_400), BeforeValidator(_whole)]
Port = Annotated[int, Strict(), Field(ge=1, le=65_535), BeforeValidator(_whole)]
# Small enough that no request's weighted tokens leave the 32 bits of a budget.
Weight = Annotated[int, Strict(), Field(ge=1, le=1000), BeforeValidator(_whole)]
Budget = Annotated[int, Strict(), Field(ge=1, le=2**32 - 1), BeforeValidator(_whole)]
Bytes = Annotated[int, Strict(), Field(ge=0, le=EXACT), BeforeValidator(_whole)]
Fraction = Annotated[float, Strict(), Field(gt=0, le=1)]
Number = Annotated[
    float, Strict(), Field(ge=-EXACT, le=EXACT, allow_inf_nan=False), AfterValidator(_number)
]


def _text(pattern: str, words: str, low: int, high: int) -> Any:
    return Field(pattern=_said(pattern, words), min_length=low, max_length=high)


def _said(pattern: str, words: str) -> str:
    PATTERNS[pattern] = words
    return pattern


PATTERNS: dict[str, str] = {}
"""What each text must look like, in words, by the regular expression that checks it. The
expressions keep to what RE2 (Helm), Rust (Python) and JSON schema read alike."""

_ONE_LINE = "one line of text without control characters, U+FFFD or `{{`, which KServe would expand"
Line = Annotated[str, Strict(), _text(LINE, _ONE_LINE, 0, 8192)]
Word = Annotated[str, Strict(), _text(LINE, _ONE_LINE, 1, 1024)]
Text = Annotated[
    str,
    Strict(),
    _text(
        TEXT,
        "text without control characters, U+FFFD or `{{`, which KServe would expand",
        0,
        65_536,
    ),
]
Path = Annotated[
    str,
    Strict(),
    _text(r"^/[A-Za-z0-9._/@+-]*$", "an absolute path of letters, digits and . _ / @ + -", 1, 1024),
]
CommandLine = Annotated[
    str,
    Strict(),
    _text(
        r"^[A-Za-z0-9._/=-]+( [A-Za-z0-9._/=-]+)*$",
        "words of letters, digits and . _ / = - separated by one space",
        1,
        1024,
    ),
]
ShellOptions = Annotated[
    str, Strict(), _text(r"^([-+][A-Za-z]+)?$", "options of `set` such as -ex or +e", 0, 16)
]
BuildName = Annotated[
    str, Strict(), _text(r"^[0-9A-Za-z._-]*$", "a build such as v0.23.0, or empty", 0, 64)
]
Label = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        "lowercase letters, digits and -, starting with a letter and not ending with -",
        1,
        63,
    ),
]
ObjectName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "lowercase letters, digits, - and ., as in names of Kubernetes objects",
        1,
        253,
    ),
]
HeaderName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a header's name: lowercase letters, digits, -", 1, 256
    ),
]
# Keys of free maps have no bound on their length: the JSON schema says of them only what they
# match, since Helm then names the place of one that does not.
FLAG_NAME = _said(
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    "a vLLM flag without its --: lowercase words separated by -",
)
FlagName = Annotated[str, Strict(), Field(pattern=FLAG_NAME)]
VariableName = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _, not starting with a digit"
        )
    ),
]
QuotaName = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^[a-z][-a-z0-9]*$", "lowercase letters, digits and -, starting with a letter"
        )
    ),
]
# A key of a Secret, a name of its annotations and a header's value.
CLIENT_ID = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
ClientId = Annotated[
    str,
    Strict(),
    _text(
        CLIENT_ID,
        "a client's ID: letters and digits with . _ - between them, at most 63 characters",
        1,
        63,
    ),
]
LabelKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
            r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
            "a key such as node.kubernetes.io/npu.chip.name, 63 characters or fewer after its /",
        )
    ),
]
ObjectKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            "lowercase letters, digits, - and ., as in names of Kubernetes objects",
        )
    ),
]
PartName = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            "lowercase letters, digits and -, at most 63 characters, as in names of a pod's parts",
        )
    ),
]
MountPath = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^/[A-Za-z0-9._/@+-]+$", "a path in the container of letters, digits and . _ / @ + -"
        )
    ),
]
TaintKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            r"^(\*|([a-z0-9][-a-z0-9.]*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$",
            "a taint's key such as huawei.com/npu, or * for every taint",
        )
    ),
]
LabelValue = Annotated[
    str,
    Strict(),
    _text(
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        "a label's value: letters, digits and - _ . between them",
        0,
        63,
    ),
]
OptionalName = Annotated[
    str,
    Strict(),
    _text(
        r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
        "the name of a Kubernetes object, or empty",
        0,
        253,
    ),
]
Address = Annotated[
    str,
    Strict(),
    _text(
        r"^([a-z]+://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?$",
        "an address such as redis-service:6379 or redis://redis-service:6379",
        1,
        512,
    ),
]
SchedulerName = Annotated[
    str,
    Strict(),
    _text(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "a scheduler's name, or empty", 0, 253),
]
Hostname = Annotated[
    str,
    Strict(),
    _text(
        r"^((\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
        "a host name such as maas.example.com or *.example.com, or empty",
        0,
        253,
    ),
]
# Helm 3.17 takes the key `<<` for YAML's merge key even where it is quoted.
LineKey = Annotated[
    str,
    Strict(),
    Field(
        pattern=_said(
            f"^([^<{{\x00-\x1f{_UNSAFE}](\\{{?[^{{\x00-\x1f{_UNSAFE}])*\\{{?)?$",
            "one line of text without control characters, U+FFFD or `{{`, not starting with < or {",
        )
    ),
]
_DIGEST = "@sha256:… with 64 hex digits"
Image = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+"
        r"(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$",
        f"an image such as registry/repository:tag or, pinned, registry/repository:tag{_DIGEST}",
        1,
        512,
    ),
]
ModelUri = Annotated[
    str,
    Strict(),
    _text(
        r"^(oci://[A-Za-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?|"
        r"(pvc|hf|s3)://[A-Za-z0-9][A-Za-z0-9._/:@-]*)$",
        f"oci://registry/repository:tag or, pinned, oci://registry/repository:tag{_DIGEST}; or "
        "pvc://claim/path, hf://owner/model or s3://bucket/path",
        1,
        512,
    ),
]
Quantity = Annotated[
    str,
    Strict(),
    _text(
        r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$",
        'a Kubernetes quantity in quotes, such as "8", "500m" or "64Gi"',
        1,
        32,
    ),
]
Duration = Annotated[
    str,
    Strict(),
    _text(r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", "a duration such as 90s, 15m or 1h30m", 2, 32),
]
CronTime = Annotated[
    str,
    Strict(),
    _text(
        r"^[0-9A-Za-z*/,?-]+( [0-9A-Za-z*/,?-]+){4}$",
        "five fields of cron: minute, hour, day of the month, month, day of the week",
        9,
        128,
    ),
]
TimeZone = Annotated[
    str,
    Strict(),
    _text(r"^[A-Za-z][A-Za-z0-9_+/-]*$", "a name such as UTC or Asia/Shanghai", 1, 64),
]
ApiVersion = Annotated[
    str,
    Strict(),
    _text(
        r"^([a-z0-9][-a-z0-9.]*/)?v[0-9][a-z0-9]*$", "an API version such as v1 or apps/v1", 2, 253
    ),
]
Kind = Annotated[str, Strict(), _text(r"^[A-Z][A-Za-z0-9]*$", "a kind such as ConfigMap", 1, 63)]
ReferenceKey = Annotated[
    str,
    Strict(),
    _text(r"^[-._a-zA-Z0-9]+$", "a key of a Secret or ConfigMap: letters, digits, - _ .", 1, 253),
]
ResourceName = Annotated[
    str,
    Strict(),
    _text(
        r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9][A-Za-z0-9._-]*$",
        "an extended resource such as huawei.com/Ascend910",
        1,
        253,
    ),
]

# --- free data -----------------------------------------------------------------------------

if TYPE_CHECKING:
    Data: TypeAlias = Any
    Argument: TypeAlias = Any
else:
    _Null = Annotated[None, Tag("{null}")]
    _Boolean = Annotated[Boolean, Tag("{boolean}")]
    _Number = Annotated[Number, Tag("{number}")]
    _Line = Annotated[Line, Tag("{text}")]
    _Words = tuple[Annotated[_Number | _Line, Discriminator(_kind)], ...]
    # What JSON holds.
    Data = TypeAliasType(
        "Data",
        Annotated[
            _Null
            | _Boolean
            | _Number
            | Annotated[Text, Tag("{text}")]
            | Annotated[tuple["Data", ...], Tag("{list}")]
            | Annotated[Free[LineKey, "Data"], Tag("{object}")],
            Discriminator(_kind),
        ],
    )
    # A flag's value: true is --flag, false --no-flag, null leaves it out; a list is several words,
    # an object is JSON.
    Argument = Annotated[
        _Null
        | _Boolean
        | _Number
        | _Line
        | Annotated[_Words, Field(min_length=1), Tag("{list}")]
        | Annotated[Free[LineKey, Data], Tag("{object}")],
        Discriminator(_kind),
    ]


class Section(BaseModel):
    """A part of the tree: frozen, closed, camelCase in YAML and snake_case in Python."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )
