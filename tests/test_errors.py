"""Errors say what is meant, and are one tree."""

from __future__ import annotations

import pytest

from dsv4deploy import errors
from dsv4deploy.errors import ClusterError, DeployError, Reason, nearest, suggestion

FLAGS = ["max-num-seqs", "max-model-len", "block-size"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("max-num-sequences", ": did you mean max-num-seqs?"),
        ("MAX-MODEL-LEN", ": did you mean max-model-len?"),
        ("seed", ""),
        ("", ""),
    ],
)
def test_the_most_similar_word_is_suggested(word: str, hint: str) -> None:
    assert suggestion(word, FLAGS) == hint
    assert nearest(word, FLAGS) == (hint or ": there are block-size, max-model-len, max-num-seqs")


def test_without_words_there_is_nothing_to_suggest() -> None:
    assert nearest("seed", []) == suggestion("seed", []) == ""


def test_every_error_of_the_module_is_in_the_tree_of_its_docstring() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    names = [each.__name__ for each in classes if issubclass(each, DeployError)]
    assert [name for name in names if name not in (errors.__doc__ or "")] == []
    assert len(names) == 7


def test_a_reason_is_one_of_those_that_are_documented() -> None:
    error = ClusterError("gone", "NotFound")
    assert error.reason is Reason.NOT_FOUND
    assert f"{error.reason}" == "NotFound"
    with pytest.raises(ValueError, match="NotFond"):
        ClusterError("gone", "NotFond")
