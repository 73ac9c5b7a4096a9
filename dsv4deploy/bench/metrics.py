"""vLLM's Prometheus metrics of an engine that is simulated.

Names, labels and buckets are those of vLLM 0.22.1, vllm/v1/metrics/loggers.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

_TTFT = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_ITL = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
_E2E = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0),
    *(240.0, 480.0, 960.0, 1920.0, 7680.0),
)


@dataclass
class Histogram:
    """A histogram of seconds.

    Attributes:
        bounds: of the buckets, ascending; the last one, without a bound, is not among them.
        total: of all seconds observed.
    """

    bounds: tuple[float, ...]
    total: float = 0.0

    def __post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Counts one observation."""
        self._counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, label: str) -> Iterator[str]:
        """Its lines in Prometheus' text format."""
        yield f"# TYPE {name} histogram"
        below = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            below += count
            yield f'{name}_bucket{{{label},le="{bound}"}} {below}'
        yield f"{name}_count{{{label}}} {below}"
        yield f"{name}_sum{{{label}}} {self.total}"


@dataclass
class Metrics:
    """What an engine has done and does; times in seconds.

    Attributes:
        running: requests in flight.
        waiting: requests that wait for a slot.
        prompt_tokens: of all requests.
        generation_tokens: of all answers.
        finished: answers that were given whole, by their finish reason.
    """

    running: int = 0
    waiting: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: dict[str, int] = field(default_factory=lambda: {"stop": 0, "length": 0})
    ttft: Histogram = field(default_factory=lambda: Histogram(_TTFT))
    itl: Histogram = field(default_factory=lambda: Histogram(_ITL))
    e2e: Histogram = field(default_factory=lambda: Histogram(_E2E))

    def text(self, model: str) -> str:
        """All of it in Prometheus' text format."""
        label = f'model_name="{model}",engine="0"'
        lines: list[str] = []
        for name, kind, value in (
            ("num_requests_running", "gauge", self.running),
            ("num_requests_waiting", "gauge", self.waiting),
            ("prompt_tokens_total", "counter", self.prompt_tokens),
            ("generation_tokens_total", "counter", self.generation_tokens),
        ):
            lines += [f"# TYPE vllm:{name} {kind}", f"vllm:{name}{{{label}}} {value}"]
        lines.append("# TYPE vllm:request_success_total counter")
        for reason, count in self.finished.items():
            name = "vllm:request_success_total"
            lines.append(f'{name}{{{label},finished_reason="{reason}"}} {count}')
        for name, histogram in (
            ("time_to_first_token_seconds", self.ttft),
            ("inter_token_latency_seconds", self.itl),
            ("e2e_request_latency_seconds", self.e2e),
        ):
            lines += histogram.lines(f"vllm:{name}", label)
        return "\n".join(lines) + "\n"
