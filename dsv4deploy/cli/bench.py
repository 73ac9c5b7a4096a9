"""``dsv4deploy bench``: the published benchmark."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..bench import dataset as datasets
from ..bench import job
from ..bench import report as reports
from ..bench.hints import hints, published_concurrency
from ..bench.run import Benchmark, find_aiperf, subject
from ..bench.simulate import Simulation, published, serve
from ..capacity.points import published_profile
from ..errors import command
from ..values.loading import load
from ..values.quantities import whole
from ..values.tree import Values
from ..writing import write_files
from .connection import ClusterOptions, cluster_options, placed_options
from .options import DeploymentOptions, Group, Number, gathered
from .output import print_json, print_text, printable, say


@click.group(cls=Group)
def bench() -> None:
    """Run the published benchmark, and compare the results with the published figures.

    \b
    dsv4deploy bench dataset --tokenizer DIR -o dataset   create the input for aiperf
    dsv4deploy bench run --dataset dataset -o results     run both scenarios three times
    dsv4deploy bench report results                       show the verdict
    dsv4deploy bench simulate                             serve a simulator to try it on
    """


_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@bench.command()
@click.option(
    "--tokenizer",
    required=True,
    metavar="DIR",
    help="The folder that contains tokenizer.json of the model.",
)
@click.option(
    "-o",
    "--output",
    type=_FOLDER,
    default=Path("dataset"),
    show_default=True,
    help="The folder to write the data set to.",
)
@click.option(
    "--seed", type=int, default=42, show_default=True, help="The seed of the random prompts."
)
@click.option(
    "--requests",
    type=click.IntRange(min=4),
    default=240,
    show_default=True,
    help="The number of requests in each scenario; the published runs have 240 for one node and "
    "480 for two.",
)
@click.option(
    "--size",
    type=Number(0.01, 1),
    default=1.0,
    show_default=True,
    help="The size of the prompts, as a fraction of the published size.",
)
@click.option(
    "--warmup",
    type=click.IntRange(min=0, max=64),
    default=4,
    show_default=True,
    help="The number of warm-up prompts.",
)
def dataset(
    tokenizer: str, output: Path, seed: int, requests: int, size: float, warmup: int
) -> None:
    """Create the input files of both scenarios; the same seed gives identical files.

    The command reads a local tokenizer, and downloads nothing.
    """
    made = datasets.make(output, tokenizer, seed=seed, requests=requests, size=size, warmup=warmup)
    for name in made.files:
        print_text(output / name)
    for scenario, tokens in made.input_tokens.items():
        say(f"scenario {scenario}: {requests} requests of {tokens:.0f} tokens on average")


def _numbers(context: click.Context, option: click.Parameter, text: str) -> list[int]:
    words = text.split(",") if text else []
    numbers = [whole(word.strip()) for word in words]
    if not all(numbers):
        raise click.BadParameter(
            "must be whole numbers that are separated by commas, such as 8,16,32"
        )
    return list(dict.fromkeys(number for number in numbers if number))


@dataclass(frozen=True)
class RunOptions:
    """The scope of a run, its repetitions and its results folder; see the options' help."""

    dataset: Path
    output: Path
    ingress: str
    url: str
    scenario: str
    runs: int
    concurrency: list[int]
    warmup: bool
    aiperf: str
    job: bool
    image: str
    key_secret: str

    def __post_init__(self) -> None:
        """Rejects options that contradict each other."""
        if self.key_secret and not all(self.secret):
            raise click.UsageError("--key-secret must be NAME/KEY")
        if (self.image or self.key_secret) and not self.job:
            raise click.UsageError("--image and --key-secret require --job")
        if self.url and self.ingress == "both":
            raise click.UsageError(
                "--url requires a single ingress: --ingress kserve, maas or direct"
            )

    @property
    def secret(self) -> tuple[str, str]:
        """The name of the Job's Secret and the key in it; both "" without one."""
        name, _, key = self.key_secret.partition("/")
        return name, key

    @property
    def ingresses(self) -> list[str]:
        """The ingresses that are measured."""
        return ["kserve", "maas"] if self.ingress == "both" else [self.ingress]

    @property
    def scenarios(self) -> list[int]:
        """The numbers of the scenarios that run."""
        return [1, 2] if self.scenario == "both" else [int(self.scenario)]

    def check_reachable(self, values: Values, namespace: str) -> None:
        """Rejects a Job that can't reach an ingress."""
        if self.url or not self.job:
            return
        if "maas" in self.ingresses and not self.key_secret:
            raise click.UsageError(
                "--job with the maas ingress needs an API key; store one in a Secret in namespace "
                f"{namespace}, and pass --key-secret NAME/KEY"
            )
        policy = values.network_policy
        if (
            "direct" in self.ingresses
            and policy.enabled
            and namespace not in policy.from_namespaces
        ):
            raise click.UsageError(
                "networkPolicy.enabled blocks the Job from the engine's port; add the Job's "
                f"namespace {namespace} to networkPolicy.fromNamespaces and apply the change, or "
                "use --ingress maas"
            )


@bench.command()
@placed_options
@cluster_options
@gathered(
    RunOptions,
    "options",
    click.option(
        "--dataset",
        type=_FOLDER,
        default=Path("dataset"),
        show_default=True,
        help="The folder that contains the data set.",
    ),
    click.option(
        "-o",
        "--output",
        type=_FOLDER,
        default=Path("results"),
        show_default=True,
        help="The folder to write the results to.",
    ),
    click.option(
        "--ingress",
        type=click.Choice(["kserve", "maas", "both", "direct"]),
        default="kserve",
        show_default=True,
        help="The ingress to measure; direct is the engine's Service, which is reachable only "
        "from a Job or with --url.",
    ),
    click.option(
        "--url",
        default="",
        help="The URL of the chat completions endpoint, instead of the Gateway's.",
    ),
    click.option(
        "--scenario",
        type=click.Choice(["1", "2", "both"]),
        default="both",
        show_default=True,
        help="The published scenarios to run.",
    ),
    click.option(
        "--runs",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        help="The number of runs of each scenario.",
    ),
    click.option(
        "--concurrency",
        default="",
        metavar="N,…",
        callback=_numbers,
        help="The numbers of requests in flight; by default, the concurrency that was published "
        "for the profile.",
    ),
    click.option(
        "--warmup/--no-warmup", default=True, help="Send warm-up requests first; on by default."
    ),
    click.option("--aiperf", default="", metavar="PATH", help="The path of aiperf 0.7.0."),
    click.option("--job", is_flag=True, help="Run the benchmark as a Job in the cluster."),
    click.option("--image", default="", help="The Job's image; by default, test.image."),
    click.option(
        "--key-secret",
        default="",
        metavar="NAME/KEY",
        help="The Secret that contains the API key for the Job.",
    ),
)
def run(deployment: DeploymentOptions, cluster: ClusterOptions, options: RunOptions) -> None:
    """Run the scenarios with aiperf 0.7.0, and save the results and the environment of each run.

    If it is interrupted at any point, run the same command to continue: it keeps complete runs, and
    repeats the run that was in progress. The MaaS ingress takes its key from the environment,
    DSV4DEPLOY_API_KEY, or with --job from a Secret.
    """
    values = deployment.values()
    release = cluster.release(deployment.namespace)
    profile = deployment.chosen_profile() or published_profile(values)
    concurrency = options.concurrency or published_concurrency(profile)
    options.check_reachable(values, release.namespace)
    chosen = datasets.read(options.dataset)
    size = {"requests": chosen.requests, "runs": options.runs}
    for hint in hints(values, profile, options.ingresses, options.scenarios, concurrency, **size):
        say(f"hint: {hint}")
    python = "" if options.job else find_aiperf(options.aiperf)
    # With a URL a cluster is asked for no more than the engine's image, and only a named one.
    asked = options.job or not options.url or cluster.context or cluster.kubeconfig
    connected = cluster.connect() if asked else None
    measured = subject(
        values,
        profile,
        options.ingresses,
        release,
        connected,
        url=options.url,
        inside=options.job,
    )
    if "@" not in measured.image:
        say(
            f"hint: {measured.image} is recorded without its digest, because no pod of the engine "
            "was found" + ("" if connected else "; in addition to --url, pass --context")
        )
    benchmark = Benchmark(
        measured,
        chosen,
        options.output,
        options.scenarios,
        concurrency,
        options.runs,
        options.warmup,
    )
    with _bar(benchmark.plan()) as tell:
        if connected and options.job:
            how = job.Job(options.image or values.test.image, *options.secret)
            job.run(connected, benchmark, how, release, tell, say)
        else:
            benchmark.here(python, tell)
    for group in benchmark.plan()["groups"]:
        print_text(options.output / group["folder"])
    say(f"{command('dsv4deploy', 'bench', 'report', options.output)} evaluates the results")


@contextmanager
def _bar(plan: dict[str, Any]) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr over all requests; without a terminal, one line per run."""
    groups = {group["folder"]: group for group in plan["groups"]}
    pending = [(name, number) for name, group in groups.items() for number in group["pending"]]
    total = sum(groups[name]["requests"] for name, _ in pending)
    with click.progressbar(length=max(1, total), file=sys.stderr, width=30) as bar:

        def tell(name: str, number: int, ended: int) -> None:
            bar.label = printable(f"{name}, run {number}" if number else f"{name}, warming up")
            if (name, number) in pending:
                before = pending[: pending.index((name, number))]
                bar.update(sum(groups[each]["requests"] for each, _ in before) + ended - bar.pos)

        yield tell


@bench.command()
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=_FOLDER)
@click.option("--html", type=_FILE, help="Write a self-contained HTML page with plots.")
@click.option("--markdown", type=_FILE, help="Write the tables and verdicts as Markdown.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="The output format.",
)
def report(
    folders: tuple[Path, ...], html: Path | None, markdown: Path | None, output: str
) -> None:
    """Report whether results reproduce the published figures, and if not, why.

    The command exits with 1 if they do not, or if a run is invalid.
    """
    told = reports.report(folders)
    pages = {html: told.html, markdown: told.markdown}
    write_files({path: text() for path, text in pages.items() if path})
    if output == "json":
        print_json(told.data())
    else:
        print_text(told.markdown())
    say(str(told.verdict))
    if not told.ok:
        sys.exit(1)


@dataclass(frozen=True)
class SimulatorOptions:
    """The behavior of a simulator, and its address; see the options' help."""

    profile: str
    ingress: str
    concurrency: int | None
    model: str
    host: str
    port: int
    slower: float
    errors: float
    wrong_length: bool
    garbage: bool
    time_scale: float
    max_num_seqs: int | None
    size: float
    seed: int

    def simulation(self) -> Simulation:
        """The engine to simulate."""
        values = load(profile=self.profile)
        return Simulation(
            model=self.model or values.model.name,
            curves=published(self.profile, self.ingress, self.concurrency),
            slower=self.slower / 100,
            errors=self.errors / 100,
            wrong_length=self.wrong_length,
            garbage=self.garbage,
            time_scale=self.time_scale,
            sequences=self.max_num_seqs
            or values.engine.args.max_num_seqs * values.parallelism.data,
            size=self.size,
            seed=self.seed,
        )


@bench.command()
@gathered(
    SimulatorOptions,
    "options",
    click.option(
        "--profile",
        default="ascend-910b4-8-w4a8",
        show_default=True,
        help="The profile whose published times the simulator uses.",
    ),
    click.option(
        "--ingress",
        type=click.Choice(["kserve", "maas"]),
        default="kserve",
        show_default=True,
        help="The ingress whose published times the simulator uses.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(min=1),
        help="Use the times published for this concurrency; by default, they follow the load.",
    ),
    click.option("--model", default="", help="The served model's name; by default, the profile's."),
    click.option(
        "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8000,
        show_default=True,
        help="The port to listen on; 0 selects a free port.",
    ),
    click.option(
        "--slower",
        type=Number(0),
        default=0.0,
        metavar="PERCENT",
        help="The percentage by which answers are slower than published.",
    ),
    click.option(
        "--errors",
        type=Number(0, 100),
        default=0.0,
        metavar="PERCENT",
        help="The percentage of requests that fail.",
    ),
    click.option("--wrong-length", is_flag=True, help="Answer with half of the requested tokens."),
    click.option("--garbage", is_flag=True, help="Answer with text that makes no sense."),
    click.option(
        "--time-scale",
        type=Number(0.001),
        default=1.0,
        show_default=True,
        help="The real duration of a simulated second, in seconds; 0.1 is ten times as fast.",
    ),
    click.option(
        "--max-num-seqs",
        type=click.IntRange(min=1),
        help="The number of concurrent requests; by default, the profile's max-num-seqs × data "
        "parallel size.",
    ),
    click.option(
        "--size",
        type=Number(0.01, 1),
        default=1.0,
        help="The --size that the data set was created with; by default, 1.",
    ),
    click.option(
        "--seed",
        type=int,
        default=42,
        show_default=True,
        help="The seed of the noise in the times.",
    ),
)
def simulate(options: SimulatorOptions) -> None:
    """Serve a simulator of the engine with the published times, without a model or an NPU.

    Every response identifies it as a simulator, and so do reports of runs against it.
    """
    simulation = options.simulation()

    def ready(taken: int) -> None:
        say(f"this is a simulator, not an engine: {simulation.told()}")
        print_text(f"http://{options.host}:{taken}/v1/chat/completions")
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve(simulation, options.host, options.port, ready))
