"""The simulator of the engine: what it answers, what it does wrong on request, what it holds."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from simulated import FAST, flat, simulator

import dsv4deploy
from dsv4deploy import DeployError
from dsv4deploy.bench.simulate import Simulation, published
from dsv4deploy.capacity.points import Curve, Times
from dsv4deploy.completion.garbage import PROMPT, garbage
from dsv4deploy.completion.stream import SIMULATOR, ask

# The package's __init__ names what needs more.
IMPORT = """
import sys, types
package = sys.modules["dsv4deploy"] = types.ModuleType("dsv4deploy")
package.__path__ = [sys.argv[1]]
import dsv4deploy.bench.simulate
"""


def test_the_simulator_runs_on_the_standard_library_alone() -> None:
    folder = Path(dsv4deploy.__file__).parent
    subprocess.run([sys.executable, "-I", "-S", "-c", IMPORT, folder], check=True)


def post(url: str, **body: Any) -> Any:
    """The answer to a request; its JSON, or the events of its stream."""
    asked = {"model": "m", "messages": [{"role": "user", "content": "a b c"}], **body}
    request = urllib.request.Request(url, json.dumps(asked).encode())
    with urllib.request.urlopen(request, timeout=120) as response:
        assert json.loads(response.headers[SIMULATOR])["timeScale"] == 1.0
        text = response.read().decode()
    if not body.get("stream"):
        return json.loads(text)
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


def test_a_stream_has_a_token_a_chunk_and_its_usage_where_it_was_asked_for() -> None:
    asked = {"stream": True, "max_tokens": 30, "ignore_eos": True}
    with simulator() as url:
        plain = post(url, **asked)
        counted = post(url, **asked, stream_options={"include_usage": True})
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in plain]
    assert len(deltas) == 31
    assert deltas[0] == "one"
    assert deltas[-1] is None
    assert plain[-1]["choices"][0]["finish_reason"] == "length"
    assert counted[-1]["choices"] == []
    assert counted[-1]["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 30,
        "total_tokens": 33,
    }


@pytest.mark.parametrize(
    ("body", "tokens", "reason"),
    [
        ({"max_tokens": 5}, 5, "length"),
        ({"max_completion_tokens": 5}, 5, "length"),
        ({"max_tokens": 128}, 20, "stop"),
        ({"max_tokens": 128, "ignore_eos": True}, 128, "length"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            20,
            "length",
        ),
    ],
)
def test_an_answer_is_as_long_as_an_engine_s(
    body: dict[str, Any], tokens: int, reason: str
) -> None:
    with simulator() as url:
        told = post(url, **body)
    assert told["usage"]["completion_tokens"] == tokens
    assert told["choices"][0]["finish_reason"] == reason
    assert len(told["choices"][0]["message"]["content"].split()) == tokens


def test_it_says_what_it_is() -> None:
    with simulator() as url:
        models = url.replace("chat/completions", "models")
        with urllib.request.urlopen(models) as response:
            assert response.headers[SIMULATOR]
            (model,) = json.load(response)["data"]
        done = ask(url, "m", PROMPT)
    assert done.text.startswith("one two three")
    assert json.loads(done.simulator)["maxNumSeqs"] == 8
    assert (model["id"], model["owned_by"]) == ("m", "dsv4deploy-simulator")


@pytest.mark.parametrize(
    ("body", "status"), [({"model": "other"}, 404), ({"messages": 1}, 400), ({"messages": []}, 0)]
)
def test_a_wrong_request_is_refused_and_the_connection_goes_on(
    body: dict[str, Any], status: int
) -> None:
    with simulator() as url:
        if status:
            with pytest.raises(urllib.error.HTTPError, match=str(status)) as caught:
                post(url, **body)
            with caught.value as refused:
                assert SIMULATOR in refused.headers
        else:
            assert post(url, **body)["usage"]["prompt_tokens"] == 0


def test_a_share_of_requests_fails() -> None:
    failed = 0
    with simulator(errors=0.25) as url:
        for _ in range(8):
            try:
                post(url, max_tokens=1)
            except urllib.error.HTTPError as error:
                failed += error.code == 500
                error.close()
    assert failed == 2


def test_a_wrong_length_is_half_and_garbage_is_garbage() -> None:
    with simulator(wrong_length=True, garbage=True) as url:
        told = post(url, max_tokens=128, ignore_eos=True)
    assert told["usage"]["completion_tokens"] == 64
    assert garbage(told["choices"][0]["message"]["content"])


def test_a_body_may_come_in_chunks_as_gateways_send_it() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "a b"}]}).encode()
    half = len(body) // 2
    head = b"POST /x/v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    parts = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:half], body[half:]))
    with simulator() as url:
        port = int(url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head + parts + b"0\r\n\r\n")
            answer = client.recv(65536)
            while b'"usage"' not in answer:
                answer += client.recv(65536)
    assert b"200 OK" in answer
    assert b'"prompt_tokens": 2' in answer


def streams(url: str, count: int, together: threading.Barrier | None = None) -> list[str]:
    """So many streams at a time; whose tokens came, in their order."""
    order: list[str] = []

    def read(name: str) -> None:
        asked = {"model": "m", "messages": [], "stream": True, "max_tokens": 10}
        request = urllib.request.Request(url, json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=120) as response:
            response.readline()
            order.append(name)
            if together:
                together.wait(120)
            order.extend(name for _ in response)

    threads = [threading.Thread(target=read, args=(str(each),)) for each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return order


def test_64_streams_are_held_at_a_time() -> None:
    together = threading.Barrier(64)
    with simulator(sequences=64) as url:
        order = streams(url, 64, together)
    assert not together.broken
    assert len(set(order)) == 64


def test_more_requests_than_sequences_wait_for_their_turn() -> None:
    with simulator(sequences=1, curves={1: flat(300, 1)}) as url:
        order = streams(url, 3)
    turns = [name for name, before in zip(order, ["", *order], strict=False) if name != before]
    assert len(turns) == 3


def test_a_client_that_goes_gives_its_place_back() -> None:
    with simulator(sequences=1) as url:
        asked = {"model": "m", "messages": [], "stream": True, "max_tokens": 100_000}
        asked["ignore_eos"] = True
        request = urllib.request.Request(url, json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=120) as response:
            response.readline()
        assert post(url, max_tokens=1)["usage"]["completion_tokens"] == 1


def test_the_scenario_is_told_by_the_prompt_s_size() -> None:
    whole, tenth = Simulation("m", FAST), Simulation("m", FAST, size=0.1)
    assert [whole.scenario(tokens) for tokens in (10, 8000, 16384, 19456)] == [1, 1, 2, 2]
    assert [tenth.scenario(tokens) for tokens in (10, 800, 1638, 1945)] == [1, 1, 2, 2]


def test_times_are_the_published_ones() -> None:
    found = published("ascend-910b4-8-w4a8", "kserve")
    assert (found[1].at(4).ttft, found[2].at(4).itl) == pytest.approx((3.758, 0.1821))
    assert published("ascend-910b4-8-w4a8", "kserve", 4) == found
    two = published("ascend-910b3-16-w8a8", "maas")
    assert {scenario: curve.tiers for scenario, curve in two.items()} == {2: (8, 16, 32)}
    assert published("ascend-910b3-16-w8a8", "maas", 8)[2].at(8) == two[2].at(8)
    with pytest.raises(DeployError, match=r"no times were published.*at concurrency 5"):
        published("ascend-910b4-8-w4a8", "maas", 5)
    with pytest.raises(
        DeployError, match=r"for ascend-910b3-8-w8a8 through kserve; published times exist for"
    ):
        published("ascend-910b3-8-w8a8", "kserve")


def test_times_are_those_of_what_is_in_flight() -> None:
    curve = Curve((1, 2), (Times(0.001, 0.001), Times(0.001, 1.0)))
    asked = {"stream": True, "max_tokens": 100_000, "ignore_eos": True}
    body = {"model": "m", "messages": [], **asked}
    with simulator(curves={1: curve, 2: curve}, sequences=2) as url:
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=120) as response:
            response.readline()
            post(url, max_tokens=2)
        told = metrics(url)
    slow = told["inter_token_latency_seconds_count{}"]
    # Beside another request the second token comes a second after the first.
    assert slow > told['inter_token_latency_seconds_bucket{le="0.75"}']


def metrics(url: str) -> dict[str, float]:
    """What ``/metrics`` says, without the labels that are the same in all."""
    address = url.replace("/v1/chat/completions", "/metrics")
    with urllib.request.urlopen(address, timeout=60) as response:
        assert response.headers["content-type"].startswith("text/plain")
        lines = response.read().decode().splitlines()
    rows = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    common = 'model_name="m",engine="0"'
    return {
        name.removeprefix("vllm:").replace(f"{common},", "").replace(common, ""): float(value)
        for name, _, value in rows
    }


def test_metrics_count_as_vllm_s() -> None:
    with simulator(sequences=1, curves={1: flat(20, 1)}) as url:
        for _ in range(3):
            post(url, max_tokens=10)
        told = metrics(url)
    assert told["num_requests_running{}"] == told["num_requests_waiting{}"] == 0
    assert (told["prompt_tokens_total{}"], told["generation_tokens_total{}"]) == (9, 30)
    assert told['request_success_total{finished_reason="length"}'] == 3
    assert told["time_to_first_token_seconds_count{}"] == 3
    assert told["time_to_first_token_seconds_sum{}"] >= 3 * 0.019
    assert told["inter_token_latency_seconds_count{}"] == 27
    assert told['e2e_request_latency_seconds_bucket{le="+Inf"}'] == 3


def test_metrics_tell_what_runs_and_what_waits() -> None:
    asked = {"stream": True, "max_tokens": 100_000, "ignore_eos": True}
    body = {"model": "m", "messages": [], **asked}
    with simulator(sequences=1) as url:
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=120) as response:
            response.readline()
            other = threading.Thread(target=lambda: post(url, max_tokens=1))
            other.start()
            while not (told := metrics(url))["num_requests_waiting{}"]:
                pass
        other.join()
    assert (told["num_requests_running{}"], told["num_requests_waiting{}"]) == (1, 1)
