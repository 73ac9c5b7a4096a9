"""Many places at once: one that fails does not stop the others, and their order stays."""

from __future__ import annotations

import signal
import threading

from dsv4deploy.cluster.fleet import WORKERS, Outcome, each
from dsv4deploy.errors import ClusterError


def ctrl_c() -> None:
    """What a terminal sends."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def silent(_: object) -> None:
    """Tells nobody."""


def test_they_run_at_the_same_time_and_stay_in_order() -> None:
    together = threading.Barrier(3, timeout=120)

    def do(number: int) -> str:
        together.wait()
        if number == 2:
            raise ClusterError("gone", "Unreachable")
        return f"{number} done"

    told: list[Outcome] = []
    found = each({"a": 1, "b": 2, "c": 3}, do, told.append, silent)
    assert found.outcomes == [
        Outcome("a", True, "1 done"),
        Outcome("b", False, "gone"),
        Outcome("c", True, "3 done"),
    ]
    assert not found.interrupted
    assert sorted(told, key=lambda outcome: outcome.target) == found.outcomes


def test_a_fault_of_our_own_is_one_target_s_outcome() -> None:
    def do(number: int) -> str:
        return f"{1 // number}"

    one, other = each({"a": 0, "b": 1}, do, silent, silent).outcomes
    assert (one.done, other) == (False, Outcome("b", True, "1"))
    assert "please report it: ZeroDivisionError: " in one.message


NAMES = [f"site-{number:02d}" for number in range(3 * WORKERS)]


def test_ctrl_c_begins_no_further_place_and_lets_those_under_way_end() -> None:
    all_at_work = threading.Barrier(WORKERS + 1, timeout=120)
    may_end = threading.Event()

    def do(_: str) -> str:
        all_at_work.wait()
        assert may_end.wait(120)
        return "done"

    def interrupt() -> None:
        all_at_work.wait()
        ctrl_c()

    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        may_end.set()

    threading.Thread(target=interrupt).start()
    found = each(dict.fromkeys(NAMES, ""), do, silent, say)
    assert found.interrupted
    assert [outcome.target for outcome in found.outcomes] == NAMES
    assert [outcome.message for outcome in found.outcomes if outcome.done] == ["done"] * WORKERS
    left = {outcome.message for outcome in found.outcomes if not outcome.done}
    assert left == {"not started, because of the interruption"}
    assert "press Ctrl-C again to stop waiting" in said[0]


def test_a_second_ctrl_c_leaves_what_is_under_way_and_says_so() -> None:
    all_at_work, never = threading.Barrier(3, timeout=120), threading.Event()

    def do(_: str) -> str:
        all_at_work.wait()
        never.wait(120)
        return "done"

    def interrupt() -> None:
        all_at_work.wait()
        ctrl_c()

    threading.Thread(target=interrupt).start()
    found = each({"a": "", "b": ""}, do, silent, lambda _: ctrl_c())
    never.set()
    assert found.interrupted
    assert {outcome.message for outcome in found.outcomes} == {
        "left in progress; see `dsv4deploy status` and `dsv4deploy history`"
    }
