"""The benchmark as a Job in the cluster, and its results out of the pod's log.

No volume and no registry is needed for it: a ConfigMap carries the program's text and the plan, the
Job makes the data set itself, and prints each run when it has ended, as text between two lines that
name it. What has been printed is not lost where the pod is.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import io
import json
import re
import tarfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import yamlio
from ..cluster import Cluster, Object
from ..errors import ClusterError, DeployError
from ..progress import STUCK
from ..render import Release, context, environment
from ..values import Values
from . import worker
from .run import Benchmark

# What the Job runs, all of it without this package.
_MODULES = ("launch.py", "prompts.py", "worker.py")
_BLOCK = re.compile(
    worker.BEGIN.format(r"([\w.-]+/runs/run-\d+)") + r"\n([^-]*)\n" + worker.END.format(r"\1")
)
_DAMAGED = (binascii.Error, EOFError, gzip.BadGzipFile, zlib.error)
_PROGRESS = re.compile(r"^progress (\S+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """How the Job runs.

    Attributes:
        image: with Python 3.10 or newer, and aiperf 0.7.0 or a way to PyPI.
        key_secret: the Secret with the API key; ``""`` where none is needed.
        key_name: its key.
    """

    image: str
    key_secret: str = ""
    key_name: str = ""


def manifest(plan: dict[str, Any], job: Job, values: Values, release: Release) -> list[Object]:
    """The ConfigMap and the Job."""
    text = json.dumps(plan, sort_keys=True)
    here = files("dsv4deploy") / "bench"
    carried = {name: (here / name).read_text("utf-8") for name in _MODULES}
    own = {
        "files": {**carried, "plan.json": text},
        "plan": _identity(plan),
        "image": job.image,
        "keySecret": job.key_secret,
        "keyName": job.key_name,
    }
    template = environment().get_template("bench/job.yaml")
    return yamlio.parse(template.render({**context(values, release), "Bench": own}))


def run(
    cluster: Cluster,
    benchmark: Benchmark,
    job: Job,
    release: Release,
    tell: worker.Tell,
    *,
    interval: float = 10.0,
) -> None:
    """Runs what is pending in the cluster, and brings each run's results back.

    Interrupted, the Job goes on; the same command comes back to it, or to what it has left.

    Args:
        cluster: where.
        benchmark: what.
        job: how.
        release: the Job's namespace.
        tell: is told of progress.
        interval: seconds between two looks.

    Raises:
        DeployError: the Job failed; runs that have ended are kept.
    """
    with benchmark.alone():
        benchmark.record()
        _finish(cluster, benchmark, job, release, tell, interval)


def _finish(
    cluster: Cluster,
    benchmark: Benchmark,
    job: Job,
    release: Release,
    tell: worker.Tell,
    interval: float,
) -> None:
    name, place = f"{benchmark.subject.values.name}-bench", release.namespace
    live = cluster.get("batch/v1", "Job", name, place)
    if live and _made_of(live) == _identity(benchmark.plan()):
        collect(_log(cluster, live), benchmark)
    elif live and not _ended(live):
        raise DeployError(
            f"Job {name} runs another benchmark: wait for it, or `kubectl -n {place} delete job "
            f"{name}`"
        )
    while pending := _pending(benchmark.plan()):
        objects = manifest(benchmark.plan(), job, benchmark.subject.values, release)
        live = cluster.get("batch/v1", "Job", name, place)
        if not live or _ended(live):
            _start(cluster, objects)
        _follow(cluster, benchmark, name, place, tell, interval)
        if _pending(benchmark.plan()) == pending:
            raise DeployError(
                f"Job {name} has ended, and its log holds no result: `kubectl -n {place} logs "
                f"job/{name}` says more; was the log rotated?"
            )
    for item in manifest(benchmark.plan(), job, benchmark.subject.values, release):
        cluster.delete(item)


def _pending(plan: dict[str, Any]) -> set[str]:
    """The runs that have not ended, as paths in the results folder."""
    return {
        f"{group['folder']}/runs/run-{number}"
        for group in plan["groups"]
        for number in group["pending"]
    }


def _identity(plan: dict[str, Any]) -> str:
    """What a plan is about, whatever of it is pending."""
    groups = [{**group, "pending": []} for group in plan["groups"]]
    return hashlib.sha256(json.dumps({**plan, "groups": groups}).encode()).hexdigest()


def _made_of(job: Object) -> str:
    return str((job["metadata"].get("annotations") or {}).get("dsv4deploy.io/plan", ""))


def _start(cluster: Cluster, objects: list[Object]) -> None:
    """Creates the Job, in the place of one that has ended."""
    for item in reversed(objects):
        if cluster.delete(item):
            while cluster.live(item):
                time.sleep(0.2)
    for item in objects:
        cluster.create(item)


def _follow(
    cluster: Cluster,
    benchmark: Benchmark,
    name: str,
    place: str,
    tell: worker.Tell,
    interval: float,
) -> None:
    """Waits for a Job's end, and takes what it prints."""
    while True:
        job = cluster.get("batch/v1", "Job", name, place)
        if job is None:
            raise ClusterError(f"Job {name} is gone; the same command makes it anew", "NotFound")
        log = _log(cluster, job)
        collect(log, benchmark)
        for group, number, ended in _PROGRESS.findall(log)[-1:]:
            tell(group, int(number), int(ended))
        ended_as = _ended(job)
        if ended_as == "Failed":
            last = "\n".join(log.strip().splitlines()[-15:]) or "its pod left no log"
            raise DeployError(f"Job {name} failed:\n{last}\nthe same command goes on")
        if ended_as:
            return
        time.sleep(interval)


def _ended(job: Object) -> str:
    """``Complete`` or ``Failed``; ``""`` while it runs."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return ""


def _log(cluster: Cluster, job: Object) -> str:
    """The log of a Job's pod, which is not one of an earlier Job of this name.

    Raises:
        DeployError: the pod can't start.
    """
    place, uid = job["metadata"]["namespace"], job["metadata"]["uid"]
    text = ""
    for pod in cluster.list("v1", "Pod", place, f"batch.kubernetes.io/controller-uid={uid}"):
        name = pod["metadata"]["name"]
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in STUCK:
                why = f"{STUCK[waiting['reason']]}: {waiting.get('message', '')}"
                raise DeployError(f"pod {name} of the Job can't start: {why}: see --image")
        text += cluster.log(place, name, "bench", lines=0)
    return text


def collect(log: str, benchmark: Benchmark) -> None:
    """Puts the runs that a log holds whole into their folders; the others stay pending."""
    pending = _pending(benchmark.plan())
    for name, text in _BLOCK.findall(log):
        if name in pending:
            with suppress(*_DAMAGED):
                unpack(text, benchmark.output / name)
            benchmark.record()


def unpack(text: str, folder: Path) -> None:
    """Writes a run's folder out of what :func:`worker.printed` has made, whole or not at all.

    Raises:
        binascii.Error, EOFError, gzip.BadGzipFile, zlib.error: some of the text is missing.
    """
    archived = gzip.decompress(base64.b64decode(text))
    part = folder.with_name(folder.name.replace("run-", "part-"))
    part.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archived), mode="r:") as archive:
        archive.extractall(part, filter="data")
    part.rename(folder)
