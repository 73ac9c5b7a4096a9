"""JSON, written as Go writes it."""

from __future__ import annotations

from typing import Any

import pytest

from dsv4deploy.values.json import to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1e-7, "1e-7"), (1e-6, "0.000001"), (0.00001, "0.00001"), (1.5e-9, "1.5e-9")),
        *((1e20, "1" + 20 * "0"), (1e21, "1e+21"), (1.5e21, "1.5e+21"), (1e16, "1" + 16 * "0")),
        *((1.0, "1"), (0.1, "0.1"), (0.9, "0.9"), (-2.5, "-2.5"), (123456789.125, "123456789.125")),
        *((-0.0, "-0"), (1e300, "1e+300"), (5e-324, "5e-324"), (1048576.0, "1048576")),
        *((True, "true"), (None, "null"), (8, "8"), ("a<b>&", '"a<b>&"'), ("日本", '"日本"')),
        ({"b": 1, "a": [1, {"d": None, "c": 2.0}]}, '{"a":[1,{"c":2,"d":null}],"b":1}'),
    ],
)  # fmt: skip
def test_json_is_written_as_go_writes_it(value: Any, text: str) -> None:
    assert to_json(value) == text
