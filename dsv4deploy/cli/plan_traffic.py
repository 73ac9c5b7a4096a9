"""``dsv4deploy plan traffic``: from traffic to instances."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from ..bench.points import measured_points
from ..capacity import picture
from ..capacity.plan import PERCENTILES, Deployment, Goal, Traffic, TrafficPlan
from ..capacity.plan import plan_traffic as planned
from ..capacity.points import NotMeasuredError, Surface, published_points, published_profile
from ..capacity.traffic import Lengths, read_trace
from ..errors import DeployError
from ..facts.estimates import Estimate
from ..values.profiles import DEFAULT
from ..writing import write_files
from .options import PROFILE, DeploymentOptions, Setting, gathered
from .output import print_json, print_sentence, print_table, print_text, say

_T = TypeVar("_T")


class _Parsed(click.ParamType[_T]):
    """Text that a function reads; its ValueError is the message."""

    def __init__(self, name: str, read: Callable[[str], _T]) -> None:
        self.name, self.read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> _T:
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return self.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _rate(text: str) -> float:
    """Requests per second, of text such as 100/min."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(s|min|h)", text)
    if not found or not float(found[1]):
        raise ValueError(
            f"{text!r}: must be requests per unit of time, such as 5/s, 100/min or 6000/h"
        )
    return float(found[1]) / {"s": 1, "min": 60, "h": 3600}[found[2]]


@dataclass(frozen=True)
class TrafficOptions:
    """What is asked of the service; see the options' help."""

    rate: float | None
    users: int | None
    each: float | None
    trace: Path | None
    input_tokens: Lengths | None
    output_tokens: Lengths
    burst: int
    seed: int
    goals: tuple[Goal, ...]

    def traffic(self) -> Traffic:
        """The traffic of these.

        Raises:
            UsageError: something is missing, or excludes something else.
            DeployError: the trace can't be read.
        """
        if self.trace:
            if self.rate or self.each or self.input_tokens or self.burst > 1:
                raise click.UsageError(
                    "--trace excludes --rate, --each, --burst and --input-tokens"
                )
            if self.goals:
                return Traffic.of_trace(read_trace(self.trace), users=self.users, seed=self.seed)
        rate = self.rate
        if self.each:
            if rate or not self.users:
                raise click.UsageError("--each requires --users, and excludes --rate")
            rate = self.users * self.each
        if rate and self.input_tokens and self.goals:
            return Traffic(
                rate,
                self.input_tokens,
                self.output_tokens,
                self.burst,
                users=self.users,
                seed=self.seed,
            )
        asked = {
            "a load (--rate, --users and --each, or --trace)": rate or self.trace,
            "--input-tokens": self.input_tokens or self.trace,
            "--goal": self.goals,
        }
        raise click.UsageError(
            f"missing {' and '.join(each for each, given in asked.items() if not given)}; for "
            "example: --users 200 --each 30/h --input-tokens 17920 --goal ttft-p95=10s"
        )


@click.command("plan traffic")
@click.argument("files", nargs=-1, metavar="[VALUES.yaml|-]...", type=click.Path())
@click.option(
    "--profile",
    multiple=True,
    type=PROFILE,
    help="The profile to use; values files override its values. Several profiles are compared.",
)
@click.option("--set", multiple=True, metavar="A.B=C", type=Setting(), help="Set a value.")
@gathered(
    TrafficOptions,
    "asked",
    click.option(
        "--rate",
        type=_Parsed("rate", _rate),
        help="The requests of all users together, such as 100/min.",
    ),
    click.option(
        "--users", type=click.IntRange(min=1), help="The number of users, for quotas per user."
    ),
    click.option(
        "--each",
        type=_Parsed("rate", _rate),
        help="The requests of each user, such as 30/h.",
    ),
    click.option(
        "--trace",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A file of recorded requests, in .csv or JSON lines: time, input, output and class.",
    ),
    click.option(
        "--input-tokens",
        type=_Parsed("lengths", Lengths.parse),
        help="The tokens of a prompt: a number such as 8000, a range such as 8000-19456, or "
        "numbers with weights such as 8000=3,17920=1.",
    ),
    click.option(
        "--output-tokens",
        type=_Parsed("lengths", Lengths.parse),
        default="128",
        show_default=True,
        help="The tokens of an answer, in the same format.",
    ),
    click.option(
        "--burst",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="The number of requests that arrive at the same moment.",
    ),
    click.option(
        "--seed", type=int, default=42, show_default=True, help="The seed of the random numbers."
    ),
    click.option(
        "--goal",
        "goals",
        multiple=True,
        type=_Parsed("goal", Goal.parse),
        help="A goal to meet: ttft-p95=10s, e2e-p99=60s, or speed-p50=8 (tokens per second per "
        "user).",
    ),
)
@click.option(
    "--results",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with results of `bench run`, which take precedence over published figures.",
)
@click.option(
    "--ingress",
    type=click.Choice(["maas", "kserve"]),
    default="maas",
    show_default=True,
    help="The ingress whose figures are used.",
)
@click.option(
    "--instances", type=click.IntRange(1, 4096), help="Plan for this number of instances."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the values of the plan with the fewest NPUs to this file.",
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw charts to this file: the first goal and the instances, both by load.",
)
def plan_traffic(
    files: tuple[str, ...],
    profile: tuple[str, ...],
    set: tuple[str, ...],  # noqa: A002 - the option's own name
    asked: TrafficOptions,
    results: tuple[Path, ...],
    ingress: str,
    instances: int | None,
    as_json: bool,
    output: Path | None,
    svg: Path | None,
) -> None:
    """Show how many instances a load needs, and what limits their number.

    Every figure is simulated from measured operating points. Outside of the measured range there is
    no answer, and the message names the benchmark to run. The command
    exits with 1 if a goal is not met.

    \b
    dsv4deploy plan traffic --users 200 --each 30/h --input-tokens 17920 --goal ttft-p95=10s
    dsv4deploy plan traffic --trace requests.jsonl --goal e2e-p99=60s --svg load.svg
    """
    traffic, goals = asked.traffic(), asked.goals
    plans: list[TrafficPlan] = []
    for name in profile or ("",):
        try:
            deployment = _deployment(files, name, set, results, ingress)
            plans.append(planned(deployment, traffic, goals, instances=instances))
        except NotMeasuredError as error:
            if len(profile) < 2:
                raise
            say(f"{name}: {error}")
        except DeployError as error:
            if len(profile) < 2:
                raise
            say(error)
    if not plans:
        raise DeployError("no profile has a plan for this traffic")
    plans.sort(key=lambda made: made.npus)
    written = {}
    if output:
        sets = [word for each in set for word in ("--set", each)]
        words = ["--profile", plans[0].deployment.name, *files, str(output), *sets]
        render = shlex.join(["dsv4deploy", "render", *words])
        written[output] = picture.values_file(plans[0], ingress, render)
    if svg:
        written[svg] = picture.svg(plans[:4])
    write_files(written)
    for path in written:
        say(f"wrote {path}")
    if as_json:
        print_json([picture.as_data(made) for made in plans])
    else:
        _print(plans)
    if plans[0].outcome.missed(goals):
        sys.exit(1)


def _deployment(
    files: tuple[str, ...],
    profile: str,
    sets: tuple[str, ...],
    results: tuple[Path, ...],
    ingress: str,
) -> Deployment:
    values = DeploymentOptions(files, profile, set=sets).values()
    name = profile or published_profile(values) or DEFAULT
    published = published_points(name, ingress)
    if not published and (alike := published_profile(values)):
        published = published_points(alike, ingress)
        say(
            f"{name}: no figures are published for this profile; the plan uses those of {alike}, "
            "which has the same cards, weights and parallelism"
        )
    surface = Surface.of(published, measured_points(results, name, ingress))
    if not surface.points:
        raise NotMeasuredError(
            f"not measured: no figures are published for {name} through ingress {ingress}; run "
            "`dsv4deploy bench run --concurrency N,…`, and pass its results folder with --results"
        )
    return Deployment(name, values, surface)


def _print(plans: list[TrafficPlan]) -> None:
    goal = plans[0].goals[0]
    print_table(
        (
            "PROFILE",
            "INSTANCES",
            "NODES",
            "NPUS",
            "BUSY",
            f"{goal.metric} p{goal.percentile}".upper(),
        ),
        [
            (
                made.deployment.name,
                made.instances,
                made.nodes,
                made.npus,
                f"{made.outcome.figures['utilisation'].likely:.0%}",
                f"{made.outcome.figures[goal.name].likely:.3g} {goal.unit}",
            )
            for made in plans
        ],
    )
    for made in plans:
        print_text(f"\n{made.deployment.name}")
        _print_one(made)


def _print_one(made: TrafficPlan) -> None:
    figures = made.outcome.figures
    names = {"ttft": "TTFT, s", "e2e": "E2E, s", "wait": "wait for a slot, s", "speed": "tokens/s"}
    print_table(
        ("LOW-LIKELY-HIGH", *(f"P{percentile}" for percentile in PERCENTILES)),
        [
            (label, *(_range(figures[f"{name}-p{each}"]) for each in PERCENTILES))
            for name, label in names.items()
        ],
    )
    traffic = made.traffic
    print_sentence(
        f"The load is {traffic.rate * 60:.4g} requests per minute; the maximum of "
        f"{made.instances} instances is {made.capacity * 60:.4g}. By Erlang's formula, a request "
        f"waits {made.erlang_wait:.3f} s on average if all slots share one queue."
    )
    print_sentence(f"Limiting factor: {made.bound_by}.")
    if made.fewer:
        less = ", ".join(
            f"{goal.metric.upper()} p{goal.percentile} {_range(made.fewer.figures[goal.name])} "
            f"{goal.unit}"
            for goal in made.goals
        )
        print_sentence(f"With one instance fewer: {less}.")
    elif made.instances > 1:
        print_sentence("With one instance fewer, the queue grows indefinitely.")
    for goal in made.outcome.missed(made.goals):
        print_sentence(f"This goal is not met: {goal}.")
    for kind, each in made.outcome.kinds.items():
        print_sentence(
            f"Class {kind}: TTFT p95 {_range(each['ttft-p95'])} s, E2E p95 "
            f"{_range(each['e2e-p95'])} s."
        )
    gateway = made.gateway
    if gateway:
        parts = {"gateway": gateway.gateway, "rate limiter": gateway.rate_limiter}
        sizes = "; ".join(
            f"{name} {part.replicas} × {part.cpu:g} CPU, {part.memory}"
            for name, part in parts.items()
        )
        print_sentence(f"Gateway for {gateway.streams} concurrent streams: {sizes}.")
    else:
        print_sentence("Gateway: no measurement exists above 2,000 concurrent streams.")
    quota = f", a quota of {made.quota} for each of {traffic.users} users" if made.quota else ""
    print_sentence(f"All instances process at most {made.tokens_per_hour} tokens per hour{quota}.")
    for point in made.points:
        print_sentence(
            f"Measured with {point.in_flight} requests in flight and prompts of "
            f"{point.input_tokens:.0f} tokens: "
            f"TTFT {point.ttft:.3g} s, ITL {point.itl * 1000:.3g} ms ({point.source}; "
            f"{point.build})."
        )
    for note in made.notes:
        print_sentence(f"Note: {note}.")


def _range(figure: Estimate) -> str:
    return f"{figure.low:.3g}-{figure.likely:.3g}-{figure.high:.3g}"
