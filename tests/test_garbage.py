"""The detector of garbage, against answers that were written for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsv4deploy.completion.garbage import garbage

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = [
    json.loads(line)
    for line in (ROOT / "tests" / "data" / "answers.jsonl").read_text("utf-8").splitlines()
]
# What no such check can see, and what looks like garbage and was asked for.
MISSED = {"fluent nonsense", "slow loop"}
FALSE_ALARMS = ("Good morning: bonjour", "Nooooo")


@pytest.mark.parametrize("answer", ANSWERS, ids=[f"{n}" for n in range(len(ANSWERS))])
def test_every_answer_is_judged_as_the_documentation_says(answer: dict[str, str]) -> None:
    found = bool(garbage(answer["text"], answer["asked"]))
    bad = bool(answer["failure"]) and answer["failure"] not in MISSED
    assert found == (bad or answer["text"].startswith(FALSE_ALARMS))


def test_the_documentation_states_the_error_rates() -> None:
    bad = [each for each in ANSWERS if each["failure"]]
    good = [each for each in ANSWERS if not each["failure"]]
    missed = sum(not garbage(each["text"], each["asked"]) for each in bad)
    alarms = sum(bool(garbage(each["text"], each["asked"])) for each in good)
    text = " ".join((ROOT / "docs" / "benchmark.md").read_text("utf-8").split())
    assert f"it misses {missed} of {len(bad)} bad answers" in text
    assert f"calls {alarms} of {len(good)} good ones garbage" in text


@pytest.mark.parametrize(
    ("text", "asked", "why"),
    [
        ("", "prose", "the answer is empty"),
        ("!" * 64, "prose", "'!' is repeated 64 times"),
        ("a\ufffdb", "prose", "1 characters are no text"),
        ("cut within a charact\ufffd", "prose", ""),
        ("<\uff5cUser\uff5c>hello", "prose", "the special token <\uff5cUser\uff5c> is in"),
        ('{"a": [1', "json", "the JSON breaks off"),
        ("{'a': 1}", "json", "the JSON is wrong"),
        ("From one to five: one two three four five", "count", ""),
        ("five four three two one", "count", "not in their order"),
        ("one two three \u56db five", "count", "letters of another script"),
    ],
)
def test_the_reason_is_told(text: str, asked: str, why: str) -> None:
    told = garbage(text, asked)
    assert told.startswith(why) or (why and why in told)
    assert bool(told) == bool(why)


def test_a_long_answer_takes_no_long_time() -> None:
    words = " ".join(f"word{n % 997}x{n}" for n in range(20_000))
    assert garbage(words) == ""
