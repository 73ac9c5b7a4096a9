"""What pods say of themselves; more is in test_readiness and e2e."""

from __future__ import annotations

from typing import Any

import pytest

from dsv4deploy.cluster.pods import (
    current,
    ended,
    failures,
    lost,
    rejected,
    started,
    stuck,
    unscheduled,
)

Tree = dict[str, Any]
ENDED = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:00:00Z"}


def pod(name: str = "chat-0", **status: Any) -> Tree:
    return {"metadata": {"name": name}, "status": status}


def state(name: str = "main", **more: Any) -> Tree:
    return {"name": name, **more}


def waiting(reason: str, **more: str) -> Tree:
    return {"waiting": {"reason": reason, **more}}


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({"status": "False", "message": "3 Insufficient cpu"}, "3 Insufficient cpu"),
        ({"status": "False"}, "the pod is waiting for a node"),
        ({"status": "True"}, ""),
    ],
)
def test_a_pod_without_a_node_says_why(condition: Tree, why: str) -> None:
    assert unscheduled(pod(conditions=[{"type": "PodScheduled", **condition}])) == why
    assert unscheduled({"metadata": {"name": "new"}}) == ""


@pytest.mark.parametrize(
    ("ready", "containers", "node"),
    [("True", "True", ""), ("False", "False", ""), ("False", "True", "n2")],
)
def test_a_pod_whose_node_does_not_answer_names_it(ready: str, containers: str, node: str) -> None:
    held = {"Ready": ready, "ContainersReady": containers}
    conditions = [{"type": kind, "status": status} for kind, status in held.items()]
    assert lost({**pod(conditions=conditions), "spec": {"nodeName": "n2"}}) == node


def test_pods_that_a_node_rejected_count_only_where_there_are_no_others() -> None:
    full = {"phase": "Failed", "reason": "Evicted", "message": "The node had condition: [Disk]. "}
    first, last = pod("chat-1", **full), pod("chat-0", **full)
    first["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    last["metadata"]["creationTimestamp"] = "2026-01-01T00:00:01Z"
    last["spec"] = {"nodeName": "n1"}
    why = "node n1 rejected or evicted pod chat-0: Evicted: The node had condition: [Disk]."
    assert rejected(last) == why
    assert current([last, first]) == [last]
    runs = pod("chat-2", phase="Running")
    assert rejected(runs) == ""
    assert current([last, runs, first]) == [runs]
    assert current([]) == []


def test_a_container_that_can_t_start_says_why() -> None:
    pulling = state("init", state=waiting("ImagePullBackOff", message="no such image"))
    told = ("ImagePullBackOff", "an image cannot be pulled: chat-0/init: no such image")
    assert stuck(pod(initContainerStatuses=[pulling], containerStatuses=[state()])) == told


def test_both_messages_about_an_image_are_the_same() -> None:
    error = 'failed to pull and unpack image "r.io/a:1": not found'
    backs = f'Back-off pulling image "r.io/a:1": ErrImagePull: {error}'
    told = {
        stuck(pod(containerStatuses=[state(state=waiting(reason, message=message))]))[1]
        for reason, message in (("ErrImagePull", error), ("ImagePullBackOff", backs))
    }
    assert told == {f"an image cannot be pulled: chat-0/main: {error}"}


def test_a_container_that_leaves_its_log_as_its_message_says_its_last_line() -> None:
    log = "INFO starting\nTraceback (most recent call last):\n  File ...\nOSError: no weights\n\n"
    crashed = state(lastState={"terminated": {**ENDED, "reason": "Error", "message": log}})
    assert ended(crashed) == "Error: exit code 137: OSError: no weights (2026-01-01T00:00:00Z)"
    crashed = state(lastState={"terminated": {"exitCode": 1, "message": 1000 * "x"}})
    assert len(ended(crashed)) < 350


def test_a_container_that_keeps_failing_says_how_it_ended_last() -> None:
    crashed = state(state=waiting("CrashLoopBackOff"), lastState={"terminated": ENDED})
    reason, why = stuck(pod(containerStatuses=[crashed]))
    assert reason == "CrashLoopBackOff"
    assert why.endswith("chat-0/main: OOMKilled: exit code 137 (2026-01-01T00:00:00Z)")


def test_a_container_that_is_being_created_is_not_stuck() -> None:
    assert stuck(pod(containerStatuses=[state(state=waiting("ContainerCreating"))])) == ("", "")


def test_a_finished_init_container_has_not_failed() -> None:
    init = state("init", ready=True, state={"terminated": {"reason": "Completed", "exitCode": 0}})
    main = state(ready=False, lastState={"terminated": ENDED})
    found = failures([pod(initContainerStatuses=[init], containerStatuses=[main])])
    assert list(found) == ["chat-0/main"]


def test_pods_are_started_when_the_last_of_them_is() -> None:
    def running(at: str) -> Tree:
        return pod(containerStatuses=[state(state={"running": {"startedAt": at}})])

    first, last = "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"
    assert started([running(last), running(first)]) == last
    assert started([running(last), pod()]) == ""
    assert started([]) == ""
