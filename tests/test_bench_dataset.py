"""Data sets: what they ask, that they come out the same, and how big they are."""

from __future__ import annotations

import ast
import json
import math
import sys
from pathlib import Path

import pytest
import tokenizer

import dsv4deploy
from dsv4deploy import DeployError
from dsv4deploy.bench import dataset, job
from dsv4deploy.facts import published

PACKAGE = Path(dsv4deploy.__file__).parent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tokenizer.train(tmp_path_factory.mktemp("tokenizer")))


@pytest.fixture(scope="module")
def made(model: str, tmp_path_factory: pytest.TempPathFactory) -> dataset.Dataset:
    return dataset.make(tmp_path_factory.mktemp("dataset"), model)


def lines(made: dataset.Dataset, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (made.folder / name).read_text("utf-8").splitlines()]


def test_requests_have_the_published_size_by_the_tokenizer(made: dataset.Dataset) -> None:
    expected = {number: each.input_tokens for number, each in published.scenarios().items()}
    assert made.input_tokens == expected
    assert made.requests == 240


def test_scenario_1_uses_60_system_prompts_4_times_with_all_others_between(
    made: dataset.Dataset,
) -> None:
    requests = lines(made, "scenario1.jsonl")
    systems = [each["messages"][0]["content"] for each in requests]  # type: ignore[index]
    questions = [each["messages"][1]["content"] for each in requests]  # type: ignore[index]
    assert len(requests) == 240
    assert systems == systems[:60] * 4
    assert len(set(systems)) == 60
    assert len(set(questions)) == 240
    assert {each["output_length"] for each in requests} == {128}


def test_scenario_2_has_60_users_with_4_rounds_and_no_text_twice(made: dataset.Dataset) -> None:
    users = lines(made, "scenario2.jsonl")
    texts = [turn["text"] for user in users for turn in user["turns"]]  # type: ignore[attr-defined]
    assert len({user["session_id"] for user in users}) == 60
    assert [len(user["turns"]) for user in users] == [4] * 60  # type: ignore[arg-type]
    assert len(set(texts)) == 240
    assert [len(text.split()) for text in texts[:4]] == [16384, 896, 896, 896]


def test_what_warms_up_is_not_measured(made: dataset.Dataset) -> None:
    for scenario, size in ((1, 8000), (2, 16384)):
        measured = (made.folder / f"scenario{scenario}.jsonl").read_text("utf-8")
        warmups = lines(made, f"warmup{scenario}.jsonl")
        assert len(warmups) == 4
        for each in warmups:
            key = "content" if scenario == 1 else "text"
            texts = [text[key] for text in each.get("messages") or each["turns"]]  # type: ignore[attr-defined]
            assert sum(len(text.split()) for text in texts) == size
            assert not any(text in measured for text in texts)


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    model: str, tmp_path: Path
) -> None:
    small = {"requests": 8, "size": 0.02}
    one = dataset.make(tmp_path / "a", model, seed=1, **small)  # type: ignore[arg-type]
    same = dataset.make(tmp_path / "b", model, seed=1, **small)  # type: ignore[arg-type]
    other = dataset.make(tmp_path / "c", model, seed=2, **small)  # type: ignore[arg-type]
    assert one.files == same.files
    assert not set(one.files.values()) & set(other.files.values())
    assert one.input_tokens[1] == 160
    assert dataset.read(tmp_path / "a") == one


def test_a_file_that_has_changed_is_no_data_set(model: str, tmp_path: Path) -> None:
    dataset.make(tmp_path, model, requests=4, size=0.01)
    (tmp_path / "scenario1.jsonl").write_text("{}\n")
    with pytest.raises(DeployError, match=r"scenario1\.jsonl: is missing or was changed"):
        dataset.read(tmp_path)
    with pytest.raises(
        DeployError, match="this folder contains no data set; `dsv4deploy bench dataset"
    ):
        dataset.read(tmp_path / "nowhere")
    told = json.loads((tmp_path / "dataset.json").read_text())
    for wrong in (
        *([], {}, {**told, "files": []}, {**told, "madeOf": {}}, {**told, "inputTokens": [1]}),
        *({**told, "inputTokens": {"²": 1}}, {**told, "inputTokens": {"1": math.nan}}),
    ):
        (tmp_path / "dataset.json").write_text(json.dumps(wrong))
        with pytest.raises(DeployError, match="no data set"):
            dataset.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("deepseek-ai/DeepSeek-V4-Flash", "this command downloads nothing"),
        ("empty", "contains no tokenizer.json"),
        ("broken", "is not a tokenizer"),
        ("foreign", "only 0 lowercase words are single tokens"),
    ],
)
def test_a_tokenizer_that_is_none_is_told(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "broken", "foreign"):
        Path(folder).mkdir()
    Path("broken/tokenizer.json").write_text("{")
    words = {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"}
    Path("foreign/tokenizer.json").write_text(json.dumps({"version": "1.0", "model": words}))
    with pytest.raises(DeployError, match=sentence):
        dataset.make(tmp_path / "out", name)
    assert not (tmp_path / "out").exists()


def test_requests_come_in_fours(model: str, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="must be a multiple of 4"):
        dataset.make(tmp_path, model, requests=10)


@pytest.mark.parametrize("name", ["completion/garbage.py", *job.MODULES])
def test_what_runs_elsewhere_imports_the_standard_library_only(name: str) -> None:
    imported = set()
    for node in ast.walk(ast.parse((PACKAGE / name).read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                imported |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(level=0, module=str(module)):
                imported.add(module.partition(".")[0])
            case ast.ImportFrom(level=level, module=module, names=names):
                folder = Path(name).parents[level - 1] / (module or "").replace(".", "/")
                own = [folder / alias.name for alias in names] if not module else [folder]
                assert {f"{path}.py" for path in own} <= set(job.MODULES)
    # launch.py runs in aiperf's own environment.
    assert imported - {"aiperf"} <= set(sys.stdlib_module_names)
