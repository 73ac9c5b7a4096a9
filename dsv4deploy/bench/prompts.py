"""The two scenarios' requests as aiperf's input files, made of words that are one token each.

Imports the standard library only: a Job in the cluster carries this file's text and makes the same
bytes there, for the data sets are too large for a ConfigMap.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROUNDS = 4
"""How often a system prompt is used in scenario 1, and the turns of a user in scenario 2."""
OUTPUT = 128
"""Tokens of an answer."""
# Scenario 1, in tokens. The system prompt is a whole number of cache blocks (128).
SYSTEM, QUESTION = 7936, 64
# Scenario 2, in tokens. What a round adds is an answer of 128 and the user's next text: 1024.
FIRST, NEXT = 16384, 1024 - OUTPUT


def trace(seed: int, words: list[str], conversations: int, size: float) -> Iterator[dict[str, Any]]:
    """Scenario 1, as aiperf's ``mooncake_trace``.

    Every system prompt is used once before any is used again, so that between two uses of one lie
    all the others.

    Args:
        seed: the same gives the same.
        words: each of them one token.
        conversations: how many system prompts; each is used :data:`ROUNDS` times.
        size: of the prompts, as a share of the published size.
    """
    for turn in range(ROUNDS):
        for number in range(conversations):
            system = _text(seed, f"1/{number}", words, SYSTEM * size)
            question = _text(seed, f"1/{number}/{turn}", words, QUESTION * size)
            messages = [
                {"role": "system", "content": system},
                {"role": "user", "content": question},
            ]
            yield {"messages": messages, "output_length": OUTPUT}


def conversations(
    seed: int, words: list[str], conversations: int, size: float
) -> Iterator[dict[str, Any]]:
    """Scenario 2, as aiperf's ``multi_turn``: users of :data:`ROUNDS` turns each.

    aiperf puts the answers between them, as the model gives them.
    """
    for number in range(conversations):
        sizes = [FIRST * size, *[NEXT * size] * (ROUNDS - 1)]
        turns = [
            {"text": _text(seed, f"2/{number}/{turn}", words, tokens)}
            for turn, tokens in enumerate(sizes)
        ]
        yield {"session_id": f"user-{number:03}", "turns": turns}


TOKENIZER = "tokenizer"
SCENARIOS = {1: trace, 2: conversations}


def write(directory: Path, made_of: dict[str, Any]) -> dict[str, str]:
    """Writes ``scenario1.jsonl``, ``scenario2.jsonl``, prompts to warm up with, and a tokenizer.

    Args:
        directory: where.
        made_of: ``seed``, ``words``, ``requests`` (a multiple of 4), ``size`` and ``warmup`` (how
            many requests to warm up with).

    Returns:
        each input file's SHA-256 by its name.
    """
    directory.mkdir(parents=True, exist_ok=True)
    seed, words, size = made_of["seed"], made_of["words"], made_of["size"]
    files = {}
    for number, make in SCENARIOS.items():
        requests = make(seed, words, made_of["requests"] // ROUNDS, size)
        files[f"scenario{number}.jsonl"] = _write(directory / f"scenario{number}.jsonl", requests)
        # Another seed, so that no prompt that is measured has been seen before.
        warmup = [
            {**request, "turns": request["turns"][:1]} if "turns" in request else request
            for request in make(seed + 1, words, made_of["warmup"], size)
        ][: made_of["warmup"]]
        files[f"warmup{number}.jsonl"] = _write(directory / f"warmup{number}.jsonl", iter(warmup))
    _tokenizer(directory / TOKENIZER, words)
    return files


def _tokenizer(folder: Path, words: list[str]) -> None:
    """A tokenizer for aiperf, which starts with none: each of the words is one token.

    No figure depends on it: lengths are those that the server counts.
    """
    folder.mkdir(exist_ok=True)
    vocabulary = {word: number for number, word in enumerate(["<unk>", *words])}
    split = {"type": "WhitespaceSplit"}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    told = {"version": "1.0", "added_tokens": [], "pre_tokenizer": split, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(told), "utf-8")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def _write(path: Path, lines: Iterator[dict[str, Any]]) -> str:
    hashed = hashlib.sha256()
    with path.open("wb") as file:
        for line in lines:
            text = json.dumps(line).encode() + b"\n"
            hashed.update(text)
            file.write(text)
    return hashed.hexdigest()


def _text(seed: int, name: str, words: list[str], tokens: float) -> str:
    # Seeded by text, which Python hashes alike on every machine and version.
    return " ".join(random.Random(f"{seed}/{name}").choices(words, k=round(tokens)))  # noqa: S311
