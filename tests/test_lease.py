"""The Lease of a service: who may write, and who has lost it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from fake_api import FakeCluster, State, parsed, started

from dsv4deploy.cluster.lease import CLOCK, DURATION, Clock, Lease, held
from dsv4deploy.errors import ClusterError

PATH = "/apis/coordination.k8s.io/v1/namespaces/demo/leases/dsv4deploy.chat"
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "chat", "namespace": "demo"},
    "spec": {"rule": "new"},
}


class Machine:
    """A machine with a cluster and a clock of its own; what others do happens while it sleeps."""

    def __init__(self, name: str, state: State, others: Callable[[], None] = lambda: None) -> None:
        self.cluster = FakeCluster(state)
        self.now = 0.0
        self._others = others
        self.clock = Clock(
            seconds=lambda: self.now,
            sleep=self.sleep,
            repeated=lambda *_: nullcontext(),
            identity=lambda: name,
        )

    def sleep(self, seconds: float) -> None:
        """Takes no time."""
        self.now += seconds
        self._others()

    def lease(self, doing: str = "upgrade") -> Lease:
        return Lease(self.cluster, "demo", "dsv4deploy.chat", doing, self.clock)

    @property
    def spec(self) -> dict[str, Any]:
        """The Lease's."""
        found: dict[str, Any] = parsed(self.cluster.state[PATH])["spec"]
        return found


def beside(one: Machine, name: str, others: Callable[[], None] = lambda: None) -> Machine:
    """Another machine with the same cluster."""
    made = Machine(name, {}, others)
    made.cluster._server = one.cluster._server
    return made


def test_a_lease_is_taken_and_freed() -> None:
    one = Machine("alice", started())
    with held(one.cluster, "demo", "dsv4deploy.chat", "upgrade", clock=one.clock):
        assert (one.spec["holderIdentity"], one.spec["leaseDurationSeconds"]) == ("alice", DURATION)
        notes = parsed(one.cluster.state[PATH])["metadata"]["annotations"]
        assert notes == {"dsv4deploy.io/doing": "upgrade"}
    assert (one.spec["holderIdentity"], one.spec["leaseTransitions"]) == ("", 0)
    assert one.cluster.guard is None
    other = beside(one, "bob")
    other.lease().acquire(0)
    assert (other.spec["holderIdentity"], other.spec["leaseTransitions"]) == ("bob", 1)
    assert other.now == 0


def test_a_holder_at_work_is_named_with_what_it_does() -> None:
    one = Machine("alice", started())
    lease = one.lease("upgrade")
    lease.acquire(0)

    def works() -> None:
        one.now += 11
        lease.check()

    with pytest.raises(
        ClusterError, match="another run is changing chat: upgrade by alice since"
    ) as told:
        beside(one, "bob", works).lease().acquire(0)
    assert told.value.reason == "Held"
    assert "--wait-for SECONDS to wait until it ends; nothing has been changed" in str(told.value)


def test_a_holder_at_work_is_waited_for() -> None:
    one = Machine("alice", started())
    lease = one.lease()
    lease.acquire(0)

    def works() -> None:
        one.now += 11
        if one.now < 500:
            lease.check()
        else:
            lease.release()

    other = beside(one, "bob", works)
    other.lease().acquire(600)
    assert one.now > 500


def test_a_holder_at_work_is_waited_for_no_longer_than_was_said() -> None:
    one = Machine("alice", started())
    lease = one.lease()
    lease.acquire(0)

    def works() -> None:
        one.now += 11
        lease.check()

    other = beside(one, "bob", works)
    with pytest.raises(ClusterError, match="another run is changing"):
        other.lease().acquire(100)
    assert 100 <= other.now <= 102


def test_a_holder_that_is_gone_is_replaced_after_a_lease_s_duration() -> None:
    one = Machine("alice", started())
    one.lease().acquire(0)
    other = beside(one, "bob")
    other.lease().acquire(0)
    assert DURATION <= other.now <= DURATION + 2
    assert other.spec["holderIdentity"] == "bob"


def test_a_run_that_slept_through_its_lease_writes_nothing_more() -> None:
    one = Machine("alice", started())
    with held(one.cluster, "demo", "dsv4deploy.chat", "upgrade", clock=one.clock):
        one.cluster.apply(POLICY)
        beside(one, "bob").lease().acquire(0)
        one.now += 40
        before = one.cluster.state
        with pytest.raises(
            ClusterError, match=r"this run lost the Lease dsv4deploy\.chat to bob"
        ) as told:
            one.cluster.apply({**POLICY, "spec": {"rule": "late"}})
        assert told.value.reason == "Lost"
        with pytest.raises(ClusterError, match="makes no further changes"):
            one.cluster.delete(POLICY)
        one.cluster.apply(POLICY, dry_run=True)
        assert one.cluster.state == before
    assert one.spec["holderIdentity"] == "bob"


def test_a_run_that_slept_and_was_not_missed_goes_on() -> None:
    one = Machine("alice", started())
    with held(one.cluster, "demo", "dsv4deploy.chat", "upgrade", clock=one.clock):
        one.now += 400
        one.cluster.apply(POLICY)
    assert one.spec["holderIdentity"] == ""


class Cut(FakeCluster):
    """A cluster that gives no answer to what a test names; it has done it where ``done``."""

    cut = ""
    done = False

    def _once(self, method: str, path: str, query: Any, body: Any) -> Any:
        if self.cut and self.cut in f"{method} {path}":
            if self.done:
                super()._once(method, path, query, body)
            raise ClusterError("cannot reach the API server", "Unreachable")
        return super()._once(method, path, query, body)


@pytest.mark.parametrize(("seconds", "writes"), [(5, True), (15, True), (25, False)])
def test_without_an_answer_a_lease_is_trusted_for_two_thirds_of_it(
    seconds: int, writes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine("alice", started())
    one.cluster = Cut(one.cluster.state)
    with held(one.cluster, "demo", "dsv4deploy.chat", "upgrade", clock=one.clock):
        monkeypatch.setattr(Cut, "cut", "PUT")
        one.now += seconds
        if writes:
            one.cluster.apply(POLICY)
        else:
            with pytest.raises(ClusterError, match="cannot reach"):
                one.cluster.apply(POLICY)


def test_a_renewal_whose_answer_was_lost_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Machine("alice", started())
    one.cluster = Cut(one.cluster.state)
    lease = one.lease()
    lease.acquire(0)
    monkeypatch.setattr(Cut, "cut", "PUT")
    monkeypatch.setattr(Cut, "done", True)
    one.now += 15
    lease.check()
    monkeypatch.setattr(Cut, "cut", "")
    one.now += 15
    lease.check()
    assert one.spec["holderIdentity"] == "alice"


def test_a_write_without_an_answer_leaves_the_lease_to_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Machine("alice", started())
    one.cluster = Cut(one.cluster.state)
    with held(one.cluster, "demo", "dsv4deploy.chat", "upgrade", clock=one.clock):
        monkeypatch.setattr(Cut, "cut", "PATCH")
        with pytest.raises(ClusterError, match="cannot reach"):
            one.cluster.apply(POLICY)
    assert one.spec["holderIdentity"] == "alice"


def test_a_namespace_that_is_not_there_is_said() -> None:
    one = Machine("alice", started())
    lease = Lease(one.cluster, "nowhere", "dsv4deploy.chat", "apply", one.clock)
    with pytest.raises(ClusterError, match="kubectl create namespace nowhere"):
        lease.acquire(0)


def test_the_clock_repeats_until_its_block_ends() -> None:
    times: list[float] = []
    with CLOCK.repeated(lambda: times.append(CLOCK.seconds()), 0.001):
        while len(times) < 3:
            time.sleep(0.001)
    assert times == sorted(times)
    one, other = CLOCK.identity(), CLOCK.identity()
    assert one != other
    assert one.rpartition("/")[0] == other.rpartition("/")[0]
