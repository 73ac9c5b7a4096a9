"""Runs a plan: aiperf again and again, each run in a folder of its own; standard library only.

The same text works here and, as ``python3 -m program.bench.worker PLAN FOLDER``, in a Job in the
cluster, where it makes the data set itself and prints each run as it ends.

A plan is plain data: ``model``, ``prompt`` (asked after each run), ``madeOf`` and ``files`` (of the
data set) and ``groups``, each of which has ``folder``, ``url``, ``keyed`` (whether the
environment's API key is sent there), ``sample`` (the data set's file of prompts that are not
measured), ``aiperf`` (its arguments, with ``{dataset}`` for the data set's folder), ``warmup``
(those of the warm-up; empty skips it), ``requests`` and ``pending`` (the numbers of its runs).
"""

import base64
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..completion.stream import KEY, SIMULATOR, ask

AIPERF = "0.7.0"
LOCK = "aiperf.txt"
"""The file beside this one that names aiperf and all that it needs, each with its hashes."""
SUMMARY, RECORDS, ANSWER = "profile_export_aiperf.json", "profile_export.jsonl", "answer.json"
BEGIN, END = "-----BEGIN RUN {}-----", "-----END RUN {}-----"
FINISHED = "finished"
"""A Job's last line, where nothing has failed."""
PAUSES = (5.0, 20.0)
"""Seconds before a question that got no answer is asked again."""

Tell = Callable[[str, int, int], None]
"""Is called with a group's folder and run (0 is the warm-up), and how many requests have ended."""


class Failed(Exception):  # noqa: N818 - a run, not this program
    """A run without a result; the message gives the reason."""


def work(
    plan: dict[str, Any],
    dataset: Path,
    python: str,
    output: Path,
    tell: Tell,
    done: Callable[[Path], None],
) -> None:
    """Runs what is pending.

    A run's folder is in its place only when it is whole: what was interrupted is in
    ``part-<k>`` and is begun again.

    Args:
        plan: see the module.
        dataset: the data set's folder.
        python: the Python that aiperf is installed in.
        output: the folder of the groups' folders.
        tell: is called with the progress.
        done: is called with each run's folder.

    Raises:
        Failed: a run came to nothing.
    """
    for group in plan["groups"]:
        if not group["pending"]:
            continue
        key = _key(group)
        runs = output / group["folder"] / "runs"
        runs.mkdir(parents=True, exist_ok=True)

        def told(number: int, group: dict[str, Any] = group) -> Callable[[int], None]:
            return lambda ended: tell(group["folder"], number, ended)

        if group["warmup"]:
            part = runs / "part-0"
            aiperf(python, _filled(group["warmup"], dataset), part, told(0), key)
            shutil.rmtree(part)
        for number in group["pending"]:
            part, whole = runs / f"part-{number}", runs / f"run-{number}"
            aiperf(python, _filled(group["aiperf"], dataset), part, told(number), key)
            # Asked after the load, when an engine that breaks under it has broken.
            for pause in (0.0, *PAUSES):
                time.sleep(pause)
                answer = _after_load(plan, group)
                if not answer["error"]:
                    break
            (part / ANSWER).write_text(json.dumps(answer) + "\n", "utf-8")
            part.rename(whole)
            done(whole)


def first(plan: dict[str, Any], dataset: Path) -> None:
    """One prompt of full size through each ingress that has something to run.

    A gateway whose buffer is too small may let a long prompt hang, of which aiperf would report
    nothing for long.

    Raises:
        Failed: it got no answer; the message gives the reason.
    """
    pending = [group for group in plan["groups"] if group["pending"]]
    # The last of a URL's groups has the longest prompts.
    for url, group in {group["url"]: group for group in pending}.items():
        prompt = sample(dataset / group["sample"]) or plan["prompt"]
        error = ask(url, plan["model"], prompt, _key(group)).error
        if error:
            raise Failed(
                f"{url}: no answer to a prompt of {len(prompt.split())} words: {error}; check with "
                "`dsv4deploy smoke` whether a short prompt gets an answer"
            )


def sample(file: Path) -> str:
    """The first of a file's prompts; ``""`` where it has none."""
    with file.open(encoding="utf-8") as lines:
        prompt = json.loads(next(lines, "{}"))
    texts = [text["text"] for text in prompt.get("turns", [])]
    return " ".join(texts + [message["content"] for message in prompt.get("messages", [])])


def _key(group: dict[str, Any]) -> str:
    return os.environ.get(KEY, "") if group["keyed"] else ""


def _filled(words: list[str], dataset: Path) -> list[str]:
    return [word.replace("{dataset}", str(dataset)) for word in words]


def aiperf(
    python: str, words: list[str], part: Path, tell: Callable[[int], None], key: str
) -> None:
    """One run of aiperf into a folder, which is emptied first.

    Raises:
        Failed: aiperf failed or was broken off, or all of its requests failed.
    """
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    settings = {
        "AIPERF_RECORD_EXPORT_BATCH_SIZE": "1",  # progress is read off its records
        "HF_HUB_OFFLINE": "1",
    }
    launch = Path(__file__).with_name("launch.py")
    log = part / "aiperf.log"
    with (
        # Of a short path, for aiperf makes sockets there. The launcher removes it as well.
        tempfile.TemporaryDirectory(prefix="aiperf-", ignore_cleanup_errors=True) as scratch,
        log.open("wb") as file,
        subprocess.Popen(
            [python, str(launch), *words, "--output-artifact-dir", str(part)],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **settings, KEY: key, "DSV4DEPLOY_SCRATCH": scratch},
        ) as process,
    ):
        # An interruption closes the pipe that the launcher listens to, which ends it all.
        while process.poll() is None:
            tell(_lines(part / RECORDS))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    # The prompts once more, as large as the data set.
    (part / "inputs.json").unlink(missing_ok=True)
    tell(_lines(part / RECORDS))
    _judge(process.returncode, part, log)


def version(aiperf: str) -> str:
    """The version of an aiperf; ``""`` if it is unknown.

    Raises:
        OSError: it can't be run.
    """
    done = subprocess.run(
        [aiperf, "--version"], capture_output=True, text=True, check=False, env=_keyless()
    )
    return done.stdout.strip().rpartition(" ")[2]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _judge(code: int, part: Path, log: Path) -> None:
    end = "\n".join(log.read_text("utf-8", "replace").strip().splitlines()[-15:])
    if not (part / SUMMARY).is_file() or not (part / RECORDS).is_file():
        raise Failed(f"aiperf exited with {code} and wrote no results: {log}:\n{end}")
    try:
        cancelled = json.loads((part / SUMMARY).read_text("utf-8")).get("was_cancelled")
        with (part / RECORDS).open(encoding="utf-8") as records:
            errors = [json.loads(record).get("error") for record in records]
    except (AttributeError, RecursionError, ValueError) as wrong:
        raise Failed(f"aiperf left results that cannot be read: {wrong}: {log}:\n{end}") from None
    if cancelled:
        raise Failed(f"aiperf was cancelled: {log}:\n{end}")
    # Some that fail are told in the report.
    if all(errors):
        last = json.dumps(errors[-1]) if errors else "none"
        raise Failed(f"none of {len(errors)} requests was answered; last error: {last}; log: {log}")


def _after_load(plan: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """The answer to the plan's prompt, whatever comes back: a finished run is not lost for it.

    Returns:
        ``text``; ``error``, why there is none; ``simulator``, a simulator's description of itself.
    """
    done = ask(group["url"], plan["model"], plan["prompt"], _key(group))
    error, simulator = done.error, None
    try:
        told = json.loads(done.simulator or "null")
        json.dumps(told, allow_nan=False)
        simulator = told
    except (RecursionError, ValueError) as wrong:
        error = f"{SIMULATOR}: {wrong}"
    return {"text": done.text, "error": error, "simulator": simulator}


# --- in a Job -----------------------------------------------------------------------------------


def printed(folder: Path, name: str) -> str:
    """A run's folder as text between two lines that name it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in (SUMMARY, RECORDS, ANSWER):
            archive.add(folder / file, file)
    text = base64.b64encode(buffer.getvalue()).decode()
    lines = [text[start : start + 1000] for start in range(0, len(text), 1000)]
    return "\n".join([BEGIN.format(name), *lines, END.format(name)])


def _python(folder: Path) -> str:
    """The Python of an aiperf of the right version; one that is installed where there is none."""
    found = shutil.which("aiperf")
    if found and version(found) == AIPERF:
        return str(Path(found).resolve().with_name("python3"))
    print(f"installing aiperf {AIPERF}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=_keyless())
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--no-cache-dir"]
    # The lock names every package with its hashes. A wheel runs nothing while it is installed.
    pip += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    lock = Path(__file__).with_name(LOCK)
    subprocess.run([*pip, "--requirement", str(lock)], check=True, env=_keyless())
    return str(folder / "bin" / "python3")


def _keyless() -> dict[str, str]:
    """The environment of a program that needs no API key."""
    return {name: value for name, value in os.environ.items() if name != KEY}


def main(plan_file: str, folder: str) -> None:
    """A Job's whole work."""
    from . import prompts

    plan, root = json.loads(Path(plan_file).read_text("utf-8")), Path(folder)
    made = prompts.write(root / "dataset", plan["madeOf"])
    if made != plan["files"]:
        sys.exit("the data set that this Job creates differs from the data set of the command")
    told = 0.0

    def tell(group: str, number: int, ended: int) -> None:
        nonlocal told
        if time.monotonic() - told >= 5:
            told = time.monotonic()
            print(f"progress {group} {number} {ended}", flush=True)

    def done(run: Path) -> None:
        print(printed(run, run.relative_to(root / "results").as_posix()), flush=True)

    try:
        first(plan, root / "dataset")
        python = _python(root / "venv")
        work(plan, root / "dataset", python, root / "results", tell, done)
    except (Failed, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"failed: {error}")
    print(FINISHED, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
