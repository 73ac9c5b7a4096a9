"""Data sets for the benchmark, sized by the model's own tokenizer.

A folder made here holds aiperf's input files and ``dataset.json``, which records what they were
made of. The words are chosen so that the tokenizer makes each of them one token: a prompt's tokens
are its words. The chat template's own tokens come on top, as they do in any request.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DeployError, command
from ..values.json import read_json
from . import prompts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MANIFEST = "dataset.json"
_WORDS = 2048
_FEWEST = 64


_MADE_OF = ("seed", "words", "requests", "size", "warmup")


@dataclass(frozen=True)
class Dataset:
    """A folder of input files.

    Attributes:
        folder: where they are.
        made_of: ``seed``, ``words``, ``requests``, ``size`` and ``warmup``, from which
            :func:`prompts.write` makes the same files again.
        files: each file's SHA-256 by its name.
        input_tokens: of a request on average, by scenario.
        tokenizer: the SHA-256 of the tokenizer.json that sized it.
    """

    folder: Path
    made_of: dict[str, Any]
    files: dict[str, str]
    input_tokens: dict[int, float]
    tokenizer: str

    @property
    def requests(self) -> int:
        """Of each scenario."""
        return int(self.made_of["requests"])

    @property
    def conversations(self) -> int:
        """System prompts in scenario 1, users in scenario 2."""
        return self.requests // prompts.ROUNDS


def make(
    folder: Path,
    tokenizer: str,
    *,
    seed: int = 42,
    requests: int = 240,
    size: float = 1.0,
    warmup: int = 4,
) -> Dataset:
    """Makes the input files of both scenarios; the same bytes for the same arguments.

    Args:
        folder: the target; existing files in it are replaced.
        tokenizer: the folder of the model's tokenizer.
        seed: another gives other prompts.
        requests: of each scenario, a multiple of 4; 240 were published.
        size: of the prompts, as a share of the published size.
        warmup: requests to warm up with.

    Raises:
        DeployError: the tokenizer can't be used, or the numbers make no data set.
    """
    if requests < prompts.ROUNDS or requests % prompts.ROUNDS:
        raise DeployError(
            f"--requests {requests}: must be a multiple of {prompts.ROUNDS}, because each prompt "
            f"is used {prompts.ROUNDS} times"
        )
    read, told = _tokenizer(tokenizer)
    words = _words(read, tokenizer, seed)
    made_of = {
        "seed": seed,
        "requests": requests,
        "size": size,
        "warmup": warmup,
        "words": words,
    }
    files = prompts.write(folder, made_of)
    tokens = {number: _input_tokens(read, folder, number) for number in prompts.SCENARIOS}
    manifest = {"tokenizer": told, "inputTokens": tokens, "files": files, "madeOf": made_of}
    (folder / MANIFEST).write_text(json.dumps(manifest) + "\n", "utf-8")
    return Dataset(folder, made_of, files, tokens, told)


def read(folder: Path) -> Dataset:
    """A data set that :func:`make` has made.

    Raises:
        DeployError: it is none, or a file is not what it was.
    """
    try:
        manifest = read_json((folder / MANIFEST).read_text("utf-8"))
        tokens = {int(number): float(mean) for number, mean in manifest["inputTokens"].items()}
        files = {Path(name).name: hashed for name, hashed in manifest["files"].items()}
        made_of = {key: manifest["madeOf"][key] for key in _MADE_OF}
        told = str(manifest["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DeployError(
            f"{folder}: this folder contains no data set; "
            f"{command('dsv4deploy', 'bench', 'dataset', '--tokenizer', 'DIR', '-o', folder)} "
            "creates one"
        ) from None
    for name, hashed in files.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != hashed:
            raise DeployError(f"{path}: is missing or was changed; create the data set again")
    return Dataset(folder, made_of, files, tokens, told)


def _tokenizer(name: str) -> tuple[Tokenizer, str]:
    """A tokenizer and its file's SHA-256."""
    folder = Path(name)
    file = folder / "tokenizer.json"
    if not folder.is_dir():
        raise DeployError(
            f"--tokenizer {name}: no such folder, and this command downloads nothing; pass a "
            "folder that contains the model's tokenizer.json, for example the folder of its weights"
        )
    if not file.is_file():
        raise DeployError(
            f"--tokenizer {name}: the folder contains no tokenizer.json; pass the folder of the "
            "model's tokenizer, for example the folder of its weights"
        )
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DeployError(
            "this command needs the Python package tokenizers; run "
            "`pip install 'dsv4deploy[bench]'`"
        ) from None
    try:
        made = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more special
        raise DeployError(f"{file}: is not a tokenizer: {error}") from None
    return made, hashlib.sha256(file.read_bytes()).hexdigest()


def _count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False))


def _words(tokenizer: Tokenizer, name: str, seed: int) -> list[str]:
    """Words that are one token each, at the start of a text and within."""
    # A space before a word is written as one of these by byte-level and by sentencepiece models.
    vocabulary = {re.sub("^[\u0120\u2581]", " ", word) for word in tokenizer.get_vocab()}
    plain = (word for word in vocabulary if re.fullmatch(r"[a-z]{3,10}", word))
    found = sorted(
        word
        for word in plain
        if f" {word}" in vocabulary
        and _count(tokenizer, word) == 1
        and _count(tokenizer, f"{word} {word}") == 2
    )
    if len(found) < _FEWEST:
        raise DeployError(
            f"--tokenizer {name}: only {len(found)} lowercase words are single tokens, but "
            f"{_FEWEST} are needed; check that this is the model's tokenizer"
        )
    return random.Random(seed).sample(found, min(_WORDS, len(found)))  # noqa: S311


def _input_tokens(tokenizer: Tokenizer, folder: Path, scenario: int) -> float:
    """The mean of a scenario's requests, counted by the tokenizer."""
    total = requests = 0
    # A system prompt comes again and again.
    counted: dict[str, int] = {}

    def count(text: str) -> int:
        if text not in counted:
            counted[text] = _count(tokenizer, text)
        return counted[text]

    for line in (folder / f"scenario{scenario}.jsonl").read_text("utf-8").splitlines():
        request = json.loads(line)
        if "messages" in request:
            total += sum(count(message["content"]) for message in request["messages"])
            requests += 1
            continue
        history = 0
        for turn in request["turns"]:
            history += count(turn["text"])
            total += history
            requests += 1
            history += prompts.OUTPUT
    return total / requests
