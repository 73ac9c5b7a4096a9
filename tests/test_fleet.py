"""Many places at once: one that fails does not stop the others, and their order stays."""

from __future__ import annotations

import threading

import pytest

from dsv4deploy.cluster.fleet import Outcome, each
from dsv4deploy.errors import ClusterError


def test_they_run_at_the_same_time_and_stay_in_order() -> None:
    together = threading.Barrier(3, timeout=120)

    def do(number: int) -> str:
        together.wait()
        if number == 2:
            raise ClusterError("gone", "Unreachable")
        return f"{number} done"

    told: list[Outcome] = []
    outcomes = each({"a": 1, "b": 2, "c": 3}, do, told.append)
    assert outcomes == [
        Outcome("a", True, "1 done"),
        Outcome("b", False, "gone"),
        Outcome("c", True, "3 done"),
    ]
    assert sorted(told, key=lambda outcome: outcome.target) == outcomes


def test_a_fault_of_our_own_is_not_an_outcome() -> None:
    def do(_: int) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each({"a": 1}, do, lambda _: None)
