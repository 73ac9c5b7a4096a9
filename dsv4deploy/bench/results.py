"""What a benchmark left in its folder: ``run.json`` and aiperf's own artefacts, read and scaled.

A result's folder holds ``run.json``, which records the settings, and ``runs/run-<k>/``, aiperf
0.7.0's artefacts of each run: ``profile_export_aiperf.json`` (its summary) and
``profile_export.jsonl`` (one record per request).

A simulator may run time faster: at a ``timeScale`` of 0.1 it takes a tenth of the time that it
simulates. What is read here is scaled back, to the time that it simulates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ..errors import DeployError
from ..facts.published import Metric
from ..values.quantities import whole
from .worker import RECORDS, SUMMARY

SETTINGS = "run.json"


_Model = TypeVar("_Model", bound=BaseModel)


class _Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class Simulator(_Recorded):
    """A simulator that answered in the place of an engine."""

    time_scale: float = Field(1.0, gt=0)
    """Seconds that it takes for a second that it simulates."""


class Settings(_Recorded):
    """``run.json``: what was asked, of whom, and with what."""

    scenario: Literal[1, 2]
    ingress: Literal["kserve", "maas", "direct"]
    url: str
    model: str
    profile: str
    values_hash: str
    image: str
    concurrency: int = Field(gt=0)
    """Requests in flight, in a closed loop."""
    requests: int = Field(gt=0)
    """Of each run."""
    conversations: int = Field(gt=0)
    """System prompts in scenario 1, users in scenario 2."""
    output_tokens: int = Field(gt=1)
    """Of each answer."""
    warmup_requests: int = Field(ge=0)
    """Before the first run; they are not counted."""
    runs: int = Field(gt=0)
    max_num_seqs: int = Field(gt=0)
    data_parallel: int = Field(gt=0)
    replicas: int = Field(1, gt=0)
    versions: dict[str, str]
    """Of ``dsv4deploy``, ``aiperf``, ``engine`` and ``python``."""
    simulator: Simulator | None
    started: str
    """When, in ISO 8601."""
    bad_answers: list[str] | None = None
    """What was wrong with those looked at that made no sense or never came; None where none were
    looked at."""

    @property
    def time_scale(self) -> float:
        """Seconds on the clock for a second of the figures; 1 for an engine."""
        return self.simulator.time_scale if self.simulator else 1.0

    @property
    def at_once(self) -> int:
        """How many requests the engines take at once; others wait."""
        return self.max_num_seqs * self.data_parallel * self.replicas

    @property
    def sequences(self) -> int:
        """Requests of a run that wait for no other; in scenario 2, its conversations."""
        return self.conversations if self.scenario == 2 else self.requests


@dataclass(frozen=True)
class Request:
    """One request's record.

    Attributes:
        conversation: aiperf's name of it.
        start: seconds since the run's first request.
        ttft: ms; 0 where it failed, as all that follows.
        itl: ms.
        e2e: ms.
        input_tokens: as the engine counted them.
        output_tokens: as the engine counted them.
        error: why it failed; ``""`` where it didn't.
    """

    conversation: str
    start: float
    ttft: float = 0
    itl: float = 0
    e2e: float = 0
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""

    @property
    def end(self) -> float:
        """Seconds from the run's first request to this one's last token."""
        return self.start + self.e2e / 1000


@dataclass(frozen=True)
class Run:
    """One run: aiperf's summary of it, and its requests.

    Attributes:
        name: of its folder.
        means: aiperf's own figures, ms and tokens/s.
        input_tokens: the mean of a request.
        output_tokens: the mean of a request.
        errors: how many requests failed, as aiperf counted them.
        length_mismatches: answers whose length was not as asked, as aiperf counted them: it lets
            5 % pass.
        cancelled: whether it was broken off.
        requests: in the order of their starts, without those of the warm-up.
    """

    name: str
    means: dict[Metric, float]
    input_tokens: float
    output_tokens: float
    errors: int
    length_mismatches: int
    cancelled: bool
    requests: tuple[Request, ...]

    @property
    def answered(self) -> tuple[Request, ...]:
        """The requests that didn't fail."""
        return tuple(request for request in self.requests if not request.error)

    @property
    def span(self) -> float:
        """Seconds from the first request to the last token."""
        return max((request.end for request in self.requests), default=0.0)


@dataclass(frozen=True)
class Result:
    """A benchmark of one scenario through one ingress at one concurrency.

    Attributes:
        folder: where it was found.
        settings: what was asked.
        runs: those that have ended, in their order.
    """

    folder: Path
    settings: Settings
    runs: tuple[Run, ...]

    def values(self, metric: Metric) -> tuple[float, ...]:
        """A metric's mean in each run."""
        return tuple(run.means[metric] for run in self.runs)


def find(folders: Iterable[Path]) -> Iterator[Path]:
    """The results' folders in the given ones, each of which is one or holds some.

    Raises:
        DeployError: a folder holds none.
    """
    for folder in folders:
        if (folder / SETTINGS).is_file():
            yield folder
            continue
        inner = sorted(path.parent for path in folder.glob(f"*/{SETTINGS}"))
        if not inner:
            raise DeployError(
                f"{folder}: neither this folder nor a folder in it contains a {SETTINGS}; pass a "
                "folder that `dsv4deploy bench run` has written"
            )
        yield from inner


def read(folder: Path) -> Result:
    """The result in a folder.

    Raises:
        DeployError: a file can't be read, or is not what it should be.
    """
    file = folder / SETTINGS
    settings = _parse(Settings, file, file.read_bytes())
    folders = sorted((folder / "runs").glob("run-*"), key=_number)
    ended = (each for each in folders if (each / SUMMARY).is_file() and (each / RECORDS).is_file())
    return Result(folder, settings, tuple(_run(each, settings.time_scale) for each in ended))


def _number(folder: Path) -> tuple[int, str]:
    text = folder.name.removeprefix("run-")
    return (whole(text) or 0, text)


# --- aiperf's artefacts ------------------------------------------------------------------------


class _Mean(BaseModel):
    avg: float = 0.0


class _Summary(BaseModel):
    """``profile_export_aiperf.json``; where every request failed, it holds no figures."""

    time_to_first_token: _Mean | None = None
    inter_token_latency: _Mean | None = None
    request_latency: _Mean | None = None
    output_token_throughput: _Mean | None = None
    total_token_throughput: _Mean | None = None
    input_sequence_length: _Mean | None = None
    output_sequence_length: _Mean | None = None
    error_request_count: _Mean = _Mean()
    osl_mismatch_count: _Mean = _Mean()
    was_cancelled: bool = False


class _Value(BaseModel):
    value: float = 0.0


class _Metrics(BaseModel):
    time_to_first_token: _Value = _Value()
    inter_token_latency: _Value = _Value()
    request_latency: _Value = _Value()
    input_sequence_length: _Value = _Value()
    output_sequence_length: _Value = _Value()


class _Metadata(BaseModel):
    request_start_ns: int
    benchmark_phase: str
    conversation_id: str | None = None
    was_cancelled: bool = False


class _Error(BaseModel):
    code: int | None = None
    type: str | None = None
    message: str = ""

    def __str__(self) -> str:
        what = " ".join(str(part) for part in (self.code, self.type) if part is not None)
        return what or self.message or "unknown"


class _Record(BaseModel):
    metadata: _Metadata
    metrics: _Metrics = _Metrics()
    error: _Error | None = None


_FIGURES = {
    "time_to_first_token": "the responses were not streams; run aiperf with --streaming",
    "inter_token_latency": "the answers had no second token",
    "request_latency": "",
    "output_sequence_length": "",
    "output_token_throughput": "",
    "input_sequence_length": "tokens were not counted; run aiperf with --use-server-token-count",
    "total_token_throughput": "tokens were not counted; run aiperf with --use-server-token-count",
}


def _run(folder: Path, scale: float) -> Run:
    requests = tuple(_requests(folder / RECORDS, scale))
    file = folder / SUMMARY
    summary = _parse(_Summary, file, file.read_bytes())
    if any(not request.error for request in requests):
        for name, why in _FIGURES.items():
            if getattr(summary, name) is None:
                raise DeployError(f"{file}: contains no {name}" + (f": {why}" if why else ""))

    def mean(figure: _Mean | None) -> float:
        return figure.avg if figure else 0.0

    return Run(
        name=folder.name,
        means={
            Metric.TTFT: mean(summary.time_to_first_token) / scale,
            Metric.ITL: mean(summary.inter_token_latency) / scale,
            Metric.E2E: mean(summary.request_latency) / scale,
            Metric.DECODE: mean(summary.output_token_throughput) * scale,
            Metric.TPS: mean(summary.total_token_throughput) * scale,
        },
        input_tokens=mean(summary.input_sequence_length),
        output_tokens=mean(summary.output_sequence_length),
        errors=round(summary.error_request_count.avg),
        length_mismatches=round(summary.osl_mismatch_count.avg),
        cancelled=summary.was_cancelled,
        requests=requests,
    )


def _requests(file: Path, scale: float) -> Iterator[Request]:
    lines = (line for line in file.read_bytes().splitlines() if line.strip())
    records = [_parse(_Record, file, line) for line in lines]
    counted = [each for each in records if each.metadata.benchmark_phase == "profiling"]
    counted.sort(key=lambda each: each.metadata.request_start_ns)
    for each in counted:
        told, metrics = each.metadata, each.metrics
        since = told.request_start_ns - counted[0].metadata.request_start_ns
        conversation, start = told.conversation_id or "", since / 1e9 / scale
        if each.error or told.was_cancelled:
            yield Request(conversation, start, error=str(each.error or "cancelled"))
            continue
        yield Request(
            conversation=conversation,
            start=start,
            ttft=metrics.time_to_first_token.value / scale,
            itl=metrics.inter_token_latency.value / scale,
            e2e=metrics.request_latency.value / scale,
            input_tokens=round(metrics.input_sequence_length.value),
            output_tokens=round(metrics.output_sequence_length.value),
        )


def _parse(model: type[_Model], file: Path, text: bytes) -> _Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DeployError(": ".join(filter(None, [str(file), place, first["msg"]]))) from None
