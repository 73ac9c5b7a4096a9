"""A plan as text, data and picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dsv4deploy import Values, load, plan
from dsv4deploy.sizing.picture import as_data, bar, segments, svg
from dsv4deploy.values.profiles import profile_names

NAMES = profile_names()


def of(*sets: str, profile: str = "") -> Values:
    return load(profile=profile, set_json=list(sets))


def test_the_parts_of_a_card_are_all_of_it() -> None:
    made = plan(Values())
    assert sum(part.gib for part in segments(made)) == pytest.approx(made.memory.likely)
    drawn = bar(made).splitlines()[0]
    assert len(drawn) == 73
    assert drawn.endswith("|")


def test_an_overflow_stands_beyond_the_card_s_edge() -> None:
    drawn = bar(plan(of('model.quantization="w8a8"'))).splitlines()[0]
    assert not drawn.endswith("|")
    assert len(drawn) == 73


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_a_picture_and_the_data_is_data(name: str, tmp_path: Path) -> None:
    made = plan(load(profile=name))
    root = ET.fromstring(svg(made))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) >= 14
    data = json.loads(json.dumps(as_data(made)))
    assert data["verdict"] == made.verdict
    assert data["cache"]["admission_blocks"] == made.cache.admission_blocks
