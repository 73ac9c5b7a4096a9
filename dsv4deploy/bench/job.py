"""The benchmark as a Job in the cluster, and its results out of the pod's log.

No volume and no registry is needed for it: a ConfigMap carries the program's text and the plan, the
Job makes the data set itself, and prints each run when it has ended, as text between two lines that
name it. What has been printed is not lost where the pod is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import shutil
import tarfile
import time
import uuid
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..cluster.client import Cluster, Object
from ..cluster.pods import stuck, unscheduled, warning
from ..completion.stream import KEY
from ..errors import ClusterError, DeployError, command
from ..manifest.render import Release, context, environment
from ..values import yaml as yamlio
from . import worker
from .run import Benchmark

# What the Job runs, in a package of its own: these modules import the standard library and each
# other.
MODULES = ("bench/launch.py", "bench/prompts.py", "bench/worker.py", "completion/stream.py")
_BLOCK = re.compile(
    worker.BEGIN.format(r"(\w[\w.-]*/runs/run-\d+)") + r"\n([^-]*)\n" + worker.END.format(r"\1")
)
_DAMAGED = (binascii.Error, EOFError, tarfile.TarError, zlib.error)
# Bytes of a run's files: far more than one of any number of requests leaves.
_LARGEST = 256 << 20
_PROGRESS = re.compile(r"^progress (\S+) (\d+) (\d+)$", re.MULTILINE)


_ADVICE = {"CreateContainerConfigError": "see --key-secret"}


@dataclass(frozen=True)
class Job:
    """How the Job runs, and is looked after.

    Attributes:
        image: with Python 3.10 or newer, and aiperf 0.7.0; or else with Python 3.10 to 3.13 on
            glibc, and a way to PyPI.
        key_secret: the Secret with the API key; ``""`` where none is needed.
        key_name: its key.
        interval: seconds between two looks.
        patience: seconds that its pod may wait for its place.
    """

    image: str
    key_secret: str = ""
    key_name: str = ""
    interval: float = 10.0
    patience: float = 300.0


def manifest(benchmark: Benchmark, job: Job, release: Release) -> list[Object]:
    """The ConfigMap and the Job."""
    package = files("dsv4deploy")
    paths = (*MODULES, f"bench/{worker.LOCK}")
    carried = {path: (package / path).read_text("utf-8") for path in paths}
    own = {
        "files": {**carried, "plan.json": json.dumps(benchmark.plan(), sort_keys=True)},
        "plan": _identity(benchmark),
        "results": _mark(benchmark.output),
        "image": job.image,
        "keySecret": job.key_secret,
        "keyName": job.key_name,
    }
    template = environment().from_string((package / "bench" / "job.yaml").read_text("utf-8"))
    values = benchmark.subject.values
    return yamlio.parse(template.render({**context(values, release), "Bench": own}))


def run(
    cluster: Cluster,
    benchmark: Benchmark,
    job: Job,
    release: Release,
    tell: worker.Tell,
    note: Callable[[str], None],
) -> None:
    """Runs what is pending in the cluster, and brings each run's results back.

    If the command is interrupted, the Job continues; run the same command to return to it or to its
    results.

    Args:
        cluster: where.
        benchmark: what.
        job: how.
        release: the Job's namespace.
        tell: is called with the progress.
        note: is called with a text of what the Job waits for.

    Raises:
        DeployError: the Job failed or can't start; runs that have ended are kept.
    """
    for verb, resource in (("list", "pods"), ("get", "pods/log")):
        if not cluster.may(verb, resource, release.namespace):
            raise ClusterError(
                f"this user may not {verb} {resource} in namespace {release.namespace}, which is "
                "required to retrieve results; ask an administrator for this permission, or use "
                "another context",
                "Forbidden",
            )
    with benchmark.alone():
        benchmark.record()
        name, place = f"{benchmark.subject.values.name}-bench", release.namespace
        live = cluster.get("batch/v1", "Job", name, place)
        if live and _told(live, "plan") != _identity(benchmark):
            _take_over(cluster, benchmark, live)
        elif live:
            collect(_log(cluster, live), benchmark)
        while pending := _pending(benchmark.plan()):
            objects = manifest(benchmark, job, release)
            live = cluster.get("batch/v1", "Job", name, place)
            if not live or _ended(live):
                _start(cluster, objects)
            _follow(cluster, benchmark, job, objects, tell, note)
            if _pending(benchmark.plan()) == pending:
                raise DeployError(
                    f"Job {name} has ended, but its log contains no result, possibly because the "
                    f"log was rotated; {command('kubectl', '-n', place, 'logs', f'job/{name}')} "
                    "shows the log"
                )
        _delete(cluster, manifest(benchmark, job, release))


def _pending(plan: dict[str, Any]) -> set[str]:
    """The runs that have not ended, as paths in the results folder."""
    return {
        f"{group['folder']}/runs/run-{number}"
        for group in plan["groups"]
        for number in group["pending"]
    }


def _identity(benchmark: Benchmark) -> str:
    """What a benchmark is about and whose it is, whatever of it is pending."""
    plan = benchmark.plan()
    about = {
        **plan,
        "groups": [{**group, "pending": []} for group in plan["groups"]],
        "results": _mark(benchmark.output),
    }
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _mark(folder: Path) -> str:
    """By what a results folder is known, wherever it is mounted; it is kept in it."""
    file = folder / ".id"
    mark = file.read_text("utf-8").strip() if file.is_file() else ""
    if not mark:
        mark = uuid.uuid4().hex
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{mark}\n", "utf-8")
    return mark


def _told(job: Object, about: str) -> str:
    """The contents of a Job's annotation."""
    return str((job["metadata"].get("annotations") or {}).get(f"dsv4deploy.io/{about}", ""))


def _take_over(cluster: Cluster, benchmark: Benchmark, job: Object) -> None:
    """Takes what is of this results folder out of a Job that another command has left.

    Raises:
        DeployError: it has not ended, or would be lost with results that this command can't take.
    """
    name, place = job["metadata"]["name"], job["metadata"]["namespace"]
    delete = command("kubectl", "-n", place, "delete", "job", name)
    if not _ended(job):
        raise DeployError(
            f"Job {name} is running another benchmark; wait for its end, or run {delete}"
        )
    log = _log(cluster, job)
    mine = _told(job, "results") == _mark(benchmark.output)
    if mine:
        collect(log, benchmark)
    left = [
        run for run, _ in _BLOCK.findall(log) if not (mine and (benchmark.output / run).is_dir())
    ]
    if left:
        raise DeployError(
            f"Job {name} has ended, and contains results of another benchmark "
            f"({', '.join(left)}); run the command that created the Job to retrieve them, or "
            f"{delete} to discard them"
        )


def _start(cluster: Cluster, objects: list[Object]) -> None:
    """Creates the Job, in the place of one that has ended."""
    for item in _delete(cluster, objects):
        while cluster.live(item):
            time.sleep(0.2)
    for item in objects:
        cluster.create(item)


def _delete(cluster: Cluster, objects: list[Object]) -> list[Object]:
    """Deletes the Job and its ConfigMap; those that were there."""
    return [item for item in reversed(objects) if cluster.delete(item)]


def _follow(
    cluster: Cluster,
    benchmark: Benchmark,
    job: Job,
    objects: list[Object],
    tell: worker.Tell,
    note: Callable[[str], None],
) -> None:
    """Waits for a Job's end, and takes what it prints."""
    name = objects[-1]["metadata"]["name"]
    moved, noted = time.monotonic(), ""
    while True:
        live = cluster.live(objects[-1])
        if live is None:
            raise ClusterError(
                f"Job {name} no longer exists; run the same command to create it again",
                "NotFound",
            )
        log = _log(cluster, live)
        collect(log, benchmark)
        for group, number, ended in _PROGRESS.findall(log)[-1:]:
            tell(group, int(number), int(ended))
        ended_as = _ended(live)
        if ended_as == "Failed":
            last = "\n".join(log.strip().splitlines()[-15:]) or "its pod has no log"
            key = f"its {KEY} is key {job.key_name} of Secret {job.key_secret}; "
            advice = f"{key if job.key_secret else ''}run the same command to continue"
            raise DeployError(f"Job {name} failed:\n{last}\n{advice}")
        if ended_as:
            return
        pods = _pods(cluster, live)
        never = _stuck(pods)
        waits = never or _waits(cluster, live, pods)
        if not waits:
            moved = time.monotonic()
        elif never or time.monotonic() - moved > job.patience:
            # Or it would begin to load the engine at a time that nobody expects.
            _delete(cluster, objects)
            raise DeployError(
                f"Job {name} cannot start: {waits}; it was deleted, because nothing has run; run "
                "the same command to create it again"
            )
        elif waits != noted:
            note(f"Job {name} is waiting: {waits}")
            noted = waits
        time.sleep(job.interval)


def _ended(job: Object) -> str:
    """``Complete`` or ``Failed``; ``""`` while it runs."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return ""


def _pods(cluster: Cluster, job: Object) -> list[Object]:
    """A Job's pods, which are not those of an earlier Job of this name."""
    selector = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
    return cluster.list("v1", "Pod", job["metadata"]["namespace"], selector)


def _stuck(pods: list[Object]) -> str:
    """Why a Job's pod can never start, and the fix; ``""`` if it can."""
    for pod in pods:
        reason, why = stuck(pod)
        if reason:
            return f"{why}: {_ADVICE.get(reason, 'see --image')}"
    return ""


def _waits(cluster: Cluster, job: Object, pods: list[Object]) -> str:
    """Why a Job's pod has no place or could not be made so far; ``""`` where nothing hinders it."""
    for pod in pods:
        if why := unscheduled(pod):
            return why
    if pods:
        return ""
    meta = job["metadata"]
    return warning(cluster, meta["namespace"], f"involvedObject.uid={meta['uid']}")


def _log(cluster: Cluster, job: Object) -> str:
    """The log of a Job's pod.

    Raises:
        DeployError: the Job has ended, and its log can't be read: while it runs there is another
            look.
    """
    name, place, ended = job["metadata"]["name"], job["metadata"]["namespace"], _ended(job)
    delete = command("kubectl", "-n", place, "delete", "job", name)
    text = unread = ""
    try:
        for pod in _pods(cluster, job):
            text += cluster.log(place, pod["metadata"]["name"], "bench", 0, strict=bool(ended))
    except ClusterError as error:
        if not ended:
            raise
        unread = str(error)
    if ended == "Complete" and worker.FINISHED not in text.splitlines():
        unread = unread or "it is incomplete"
    if unread:
        raise DeployError(
            f"Job {name} has ended, but its log cannot be read: {unread}; run the same command "
            f"again when the log is available, or {delete} to discard the results"
        )
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
        binascii.Error, EOFError, tarfile.TarError, zlib.error: some of the text is missing, or it
            is another archive.
    """
    unpacker = zlib.decompressobj(wbits=31)
    archived = unpacker.decompress(base64.b64decode(text), _LARGEST)
    if not unpacker.eof:
        raise EOFError
    part = folder.with_name(folder.name.replace("run-", "part-"))
    # A run that was interrupted here has left files of its own.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archived), mode="r:") as archive:
        archive.extractall(part, filter="data")
    part.rename(folder)
