"""The benchmark's runs: which there are, aiperf's command line for each, and their environment.

A results folder holds one folder for each ingress, scenario and concurrency, with ``run.json``
(what was asked, of whom, with what) and ``runs/run-<k>/``, each of which is aiperf's own folder.
:mod:`.worker` does the work, here or in a Job (:mod:`.job`).
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import __version__
from ..cluster.addresses import address
from ..cluster.client import Cluster
from ..completion.garbage import PROMPT, garbage
from ..completion.stream import COMPLETIONS, SIMULATOR
from ..errors import DeployError
from ..manifest.render import Release
from ..values.json import read_json
from ..values.tree import Values
from . import worker
from .dataset import Dataset
from .prompts import OUTPUT, TOKENIZER
from .results import SETTINGS, Simulator

# What all results in a folder have in common.
_COMPARED = ("url", "model", "image", "valuesHash", "requests", "dataset")
CACHE = Path.home() / ".cache" / "dsv4deploy"


@dataclass(frozen=True)
class Subject:
    """What is measured, and what is recorded of it.

    Attributes:
        values: the deployment.
        profile: the profile whose published figures it is compared with.
        urls: of the chat completions, by ingress.
        image: the engine's image, with its digest if a cluster reported it.
    """

    values: Values
    profile: str
    urls: dict[str, str]
    image: str

    @property
    def values_hash(self) -> str:
        """The SHA-256 of the values as JSON with sorted keys."""
        text = json.dumps(self.values.model_dump(by_alias=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def subject(
    values: Values,
    profile: str,
    ingresses: Iterable[str],
    release: Release,
    cluster: Cluster | None,
    *,
    url: str = "",
    inside: bool = False,
) -> Subject:
    """A deployment's ingresses and image, as its cluster reports them.

    Args:
        values: the deployment.
        profile: the profile whose published figures it is compared with.
        ingresses: of ``kserve``, ``maas`` and ``direct``, the engine's own Service.
        release: its namespace.
        cluster: where it runs; None where a URL is all that is known.
        url: of the chat completions, in the place of the ingress's own.
        inside: whether the requests come from a pod in the cluster.

    Raises:
        DeployError: an ingress has no address.
    """
    urls = {}
    for ingress in ingresses:
        if url:
            urls[ingress] = url
        elif ingress == "direct" and inside:
            host = f"{values.name}-kserve-workload-svc.{release.namespace}.svc.cluster.local"
            urls[ingress] = f"http://{host}:8000{COMPLETIONS}"
        elif ingress == "direct" or not cluster:
            raise DeployError(
                f"the {ingress} ingress is reachable only in the cluster; pass --url, or --job"
            )
        else:
            urls[ingress] = address(cluster, values, release, ingress)
    return Subject(values, profile, urls, _image(values, release, cluster))


def _image(values: Values, release: Release, cluster: Cluster | None) -> str:
    selector = f"app.kubernetes.io/name={values.name},kserve.io/component=workload"
    for pod in cluster.list("v1", "Pod", release.namespace, selector) if cluster else []:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            if container["name"] == "main" and container.get("imageID"):
                return str(container["imageID"])
    return values.engine.image


def find_aiperf(named: str = "") -> str:
    """The Python of the environment that aiperf 0.7.0 is installed in.

    Args:
        named: the path of an ``aiperf`` command; by default that of an environment in the cache
            folder, or else the one on the PATH.

    Raises:
        DeployError: there is none, or another version.
    """
    cached = CACHE / f"aiperf-{worker.AIPERF}" / "bin" / "aiperf"
    found = named or (str(cached) if cached.is_file() else shutil.which("aiperf"))
    install = (
        f"`uv tool install aiperf=={worker.AIPERF}` or `pipx install aiperf=={worker.AIPERF}` "
        "installs it in a separate environment"
    )
    if not found:
        raise DeployError(f"aiperf is not installed; {install}; or pass its path with --aiperf")
    try:
        version = worker.version(found)
    except OSError as error:
        raise DeployError(f"--aiperf {found}: cannot run this program: {error}") from None
    if version != worker.AIPERF:
        raise DeployError(
            f"{found}: is aiperf {version or 'of an unknown version'}, but the figures were "
            f"published with {worker.AIPERF}, and other versions may define them differently; "
            f"{install}"
        )
    python = Path(found).resolve().with_name("python3")
    if not python.is_file():
        raise DeployError(f"{found}: is not in a separate environment; {install}")
    return str(python)


def command(
    scenario: int,
    count: int,
    *,
    url: str,
    model: str,
    concurrency: int,
    warmup: bool = False,
) -> list[str]:
    """The arguments of aiperf, with ``{dataset}`` for the data set's folder.

    Lengths of prompts and answers are those that the server counts: the prompts are messages,
    which aiperf counts no tokens of. Scenario 2 is bound by its conversations, not by requests:
    with a number of requests, aiperf starts some again and does not finish others.

    Args:
        scenario: 1 or 2.
        count: requests in scenario 1, conversations in scenario 2.
        url: of the chat completions.
        model: the served model's name.
        concurrency: requests in flight.
        warmup: whether the prompts are those to warm up with.
    """
    name = f"{'warmup' if warmup else 'scenario'}{scenario}.jsonl"
    kind, counted = {
        1: ("mooncake_trace", ["--request-count", str(count)]),
        2: ("multi_turn", ["--conversation-num", str(count), "--osl", str(OUTPUT)]),
    }[scenario]
    return [
        *("profile", "--model", model, "--url", url.removesuffix(COMPLETIONS)),
        *("--endpoint-type", "chat", "--streaming", "--use-server-token-count"),
        *("--tokenizer", f"{{dataset}}/{TOKENIZER}"),
        *("--input-file", f"{{dataset}}/{name}", "--custom-dataset-type", kind, *counted),
        *("--concurrency", str(concurrency)),
        *("--use-legacy-max-tokens", "--extra-inputs", "ignore_eos:true"),
        *("--extra-inputs", f"min_tokens:{OUTPUT}"),
        # A request that hangs is an error, and not six hours.
        *("--request-timeout-seconds", "600"),
        *("--random-seed", "42", "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics"),
    ]


@dataclass(frozen=True)
class Benchmark:
    """What is to be run, and where its results go.

    Attributes:
        subject: what is measured.
        dataset: with what.
        output: the results folder.
        scenarios: 1, 2 or both.
        concurrency: each of them is run.
        runs: how often.
        warmup: whether to warm up.
    """

    subject: Subject
    dataset: Dataset
    output: Path
    scenarios: Sequence[int]
    concurrency: Sequence[int]
    runs: int
    warmup: bool = True

    def __post_init__(self) -> None:
        """Rejects what aiperf would reject, before anything is written; a DeployError gives the
        reason.
        """
        most = max(self.concurrency)
        if 2 in self.scenarios and most > self.dataset.conversations:
            raise DeployError(
                f"concurrency {most} exceeds the {self.dataset.conversations} users of scenario 2, "
                "who send one request at a time; create a data set with at least "
                f"--requests {4 * most}"
            )

    def plan(self) -> dict[str, Any]:
        """What :mod:`.worker` has to do; runs that have ended are not pending."""
        dataset, model = self.dataset, self.subject.values.model.name
        first = dataset.made_of["warmup"] if self.warmup else 0
        groups = []
        for folder, ingress, scenario, concurrency in self._groups():
            url = self.subject.urls[ingress]
            count = dataset.requests if scenario == 1 else dataset.conversations
            arguments = partial(command, scenario, url=url, model=model)
            warming = arguments(first, concurrency=min(concurrency, first), warmup=True)
            groups.append(
                {
                    "folder": folder.name,
                    "url": url,
                    "keyed": ingress == "maas",
                    "sample": f"warmup{scenario}.jsonl",
                    "requests": dataset.requests,
                    "aiperf": arguments(count, concurrency=concurrency),
                    "warmup": warming if first else [],
                    "pending": [
                        number
                        for number in range(1, self.runs + 1)
                        if not (folder / "runs" / f"run-{number}").is_dir()
                    ],
                }
            )
        return {
            "model": model,
            "prompt": PROMPT,
            "madeOf": dataset.made_of,
            "files": dataset.files,
            "groups": groups,
        }

    def _groups(self) -> Iterator[tuple[Path, str, int, int]]:
        """Each group's folder, ingress, scenario and concurrency."""
        for group in product(self.subject.urls, self.scenarios, self.concurrency):
            yield self.output / "{}-scenario{}-c{}".format(*group), *group

    def record(self) -> None:
        """Writes each group's ``run.json``, of what its runs have left so far.

        Raises:
            DeployError: a folder holds the results of something else.
        """
        for folder, ingress, scenario, concurrency in self._groups():
            told = self._settings(ingress, scenario, concurrency)
            before = _before(folder / SETTINGS)
            for key in _COMPARED:
                if before and before[key] != told[key]:
                    raise DeployError(
                        f"{folder}: contains results of another {key} ({before[key]}, not "
                        f"{told[key]}); pass another folder with -o"
                    )
            told["started"] = before.get("started") or told["started"]
            told |= _answered(folder, scenario)
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f".{SETTINGS}"
            part.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
            part.rename(folder / SETTINGS)

    def _settings(self, ingress: str, scenario: int, concurrency: int) -> dict[str, Any]:
        subject = self.subject
        return {
            "scenario": scenario,
            "ingress": ingress,
            "url": subject.urls[ingress],
            "model": subject.values.model.name,
            "profile": subject.profile,
            "valuesHash": subject.values_hash,
            "image": subject.image,
            "concurrency": concurrency,
            "requests": self.dataset.requests,
            "conversations": self.dataset.conversations,
            "outputTokens": OUTPUT,
            "warmupRequests": self.dataset.made_of["warmup"] if self.warmup else 0,
            "runs": self.runs,
            "maxNumSeqs": subject.values.engine.args.max_num_seqs,
            "dataParallel": subject.values.parallelism.data,
            "replicas": subject.values.replicas,
            "dataset": self.dataset.files[f"scenario{scenario}.jsonl"],
            "tokenizer": self.dataset.tokenizer,
            "versions": {
                "dsv4deploy": __version__,
                "aiperf": worker.AIPERF,
                "engine": subject.values.engine.image,
                "python": platform.python_version(),
            },
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Locks the results folder against other commands that would repeat its unfinished runs.

        Raises:
            DeployError: somebody else has it.
        """
        self.output.mkdir(parents=True, exist_ok=True)
        try:
            # It ends with this process, however that ends.
            lock = FileLock(self.output / ".lock").acquire(blocking=False)
        except Timeout:
            raise DeployError(
                f"{self.output}: another `bench run` is writing to this folder; wait until it "
                "ends, or pass another folder with -o"
            ) from None
        with lock:
            yield

    def here(self, python: str, tell: worker.Tell) -> None:
        """Runs from this machine.

        Args:
            python: of :func:`find_aiperf`.
            tell: is called with the progress.

        Raises:
            DeployError: a run came to nothing; those that have ended are kept.
        """
        done: Callable[[Path], None] = lambda _: self.record()  # noqa: E731 - a name for its type
        with self.alone():
            plan = self.plan()
            try:
                worker.first(plan, self.dataset.folder)
                self.record()
                worker.work(plan, self.dataset.folder, python, self.output, tell, done)
            except worker.Failed as failed:
                raise DeployError(f"{failed}\nrun the same command to continue") from None


def _before(path: Path) -> dict[str, Any]:
    """The contents of ``run.json``; empty if there are no runs.

    Raises:
        DeployError: it can't be read, or lacks a field.
    """
    try:
        told: dict[str, Any] = read_json(path.read_text("utf-8"))
        missing = [key for key in _COMPARED if key not in told]
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        raise DeployError(f"{path}: cannot be read: {error}") from None
    if missing or not isinstance(told, dict):
        raise DeployError(f"{path}: was not written by `bench run`; pass another folder with -o")
    return told


def _answered(folder: Path, scenario: int) -> dict[str, Any]:
    """The facts in the answers after the load of a group's runs, for ``run.json``.

    Raises:
        DeployError: a run has left no answer that can be read.
    """
    bad, simulator = [], None
    for path in sorted(folder.glob(f"runs/run-*/{worker.ANSWER}")):
        try:
            answer = read_json(path.read_text("utf-8"))
            error, why = str(answer["error"]), garbage(str(answer["text"]), "count")
            told = answer["simulator"]
        except (LookupError, OSError, TypeError, ValueError) as wrong:
            raise DeployError(
                f"{path}: cannot be read: {wrong}; delete {path.parent}, and run the same command "
                "to repeat the run"
            ) from None
        try:
            simulator = simulator or (_simulator(told, scenario) if told else None)
        except (AttributeError, LookupError, TypeError, ValueError):
            error = error or f"{SIMULATOR}: the simulator's description of itself is invalid"
        if error or why:
            run = path.parent.name
            bad.append(f"{run}: no answer: {error}" if error else f"{run}: garbage: {why}")
    return {"badAnswers": bad, "simulator": simulator}


def _simulator(told: dict[str, Any], scenario: int) -> dict[str, Any]:
    """A simulator's description of itself, as far as it concerns one scenario.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: a report could not read it.
    """
    rest = {key: value for key, value in told.items() if key != "scenarios"}
    found = {**told["scenarios"].get(str(scenario), {}), **rest}
    Simulator.model_validate(found)
    return found
