"""What a render costs, against what users would type instead: ratios from one run.

    .venv/bin/python benchmarks/render.py

Needs the tests' tools (``tests/run.py`` fetches Helm and kubectl). Machines differ and are busy,
so read the ratios; each is of medians of runs that took turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from dsv4deploy import Release, load
from dsv4deploy.manifest.render import render, render_text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import tools  # noqa: E402 - a module beside the tests, not a package

CHART = ROOT / "charts" / "deepseek-v4-flash"
COMMAND = Path(sys.executable).parent / "dsv4deploy"
CLUSTERS = 1000
# The least that a program with these two libraries takes to start.
LIBRARIES = "from pydantic import BaseModel; import jinja2"
# As where it is installed: the modules are compiled by the first run, if not by pip.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
CDK8S = os.environ.get("DSV4DEPLOY_CDK8S_PYTHON", "")
CDK8S_APP = """
import json, sys
import cdk8s
app = cdk8s.App(outdir=sys.argv[2])
chart = cdk8s.Chart(app, "manifest")
for number, item in enumerate(json.load(open(sys.argv[1]))):
    made = cdk8s.ApiObject(chart, str(number), api_version=item["apiVersion"], kind=item["kind"])
    made.add_json_patch(cdk8s.JsonPatch.add("/spec", item["spec"]))
app.synth()
"""


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians(actions: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The median of each action, the actions taking turns after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(runs + 1):
        for name, action in actions.items():
            time_taken = seconds(action)
            if turn:
                taken[name].append(time_taken)
    return {name: statistics.median(times) for name, times in taken.items()}


def typed(*command: object) -> Callable[[], object]:
    """A whole program, from start to end."""
    words = list(map(str, command))
    return lambda: subprocess.run(words, check=True, capture_output=True, env=ENVIRONMENT)


def show(title: str, times: dict[str, float], base: str) -> None:
    """A table with each time as a multiple of one of them."""
    print(f"\n{title}")
    for name, taken in times.items():
        print(f"  {name:56} {taken * 1000:9.2f} ms  × {taken / times[base]:8.2f}")


def main() -> None:
    """Prints the three tables."""
    values = load()
    values_file = ROOT / "profiles" / "ascend-910b4-8-w4a8.yaml"
    show(
        "One render in process",
        medians(
            {
                "render_text (text)": lambda: render_text(values, Release()),
                "render (objects)": lambda: render(values, Release()),
                "load a profile and render": lambda: render(load(values_file), Release()),
                "load a profile, as text": lambda: render_text(load(values_file), Release()),
            },
            runs=200,
        ),
        base="render (objects)",
    )

    helm3, helm4, kubectl = (tools.find(name) for name in ("helm3", "helm4", "kubectl"))
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "base"
        base.mkdir()
        (base / "manifest.yaml").write_text(render_text(values))
        (base / "kustomization.yaml").write_text("resources: [manifest.yaml]\n")
        programs = {
            f"python -c '{LIBRARIES}'": typed(sys.executable, "-c", LIBRARIES),
            "dsv4deploy render": typed(COMMAND, "render"),
            "dsv4deploy --help": typed(COMMAND, "--help"),
            "helm 3 template": typed(helm3, "template", "x", CHART, "-f", values_file),
            "helm 4 template": typed(helm4, "template", "x", CHART, "-f", values_file),
            "kubectl kustomize (of the finished manifest)": typed(kubectl, "kustomize", base),
        }
        show(
            "One render from the shell",
            medians(programs, runs=15),
            base=f"python -c '{LIBRARIES}'",
        )

        clusters, out = Path(name) / "clusters", Path(name) / "out"
        clusters.mkdir()
        for number in range(CLUSTERS):
            tree = {"name": f"cluster-{number}", "replicas": 1 + number % 3}
            (clusters / f"{number}.yaml").write_text(yaml.safe_dump(tree))
        one = clusters / "0.yaml"
        each = seconds(typed(COMMAND, "render", "--each", clusters, "-o", out)) / CLUSTERS
        assert len(list(out.iterdir())) == CLUSTERS
        cluster = {"name": "cluster-0", "replicas": 1}
        times = {
            **medians(
                {
                    "manifest in process": lambda: render_text(load(cluster)),
                    "manifest of a file in process": lambda: render_text(load(one)),
                    "objects in process": lambda: render(load(cluster)),
                },
                runs=300,
            ),
            f"dsv4deploy render --each, of {CLUSTERS}": each,
            **medians(
                {
                    "helm 3 template": typed(helm3, "template", "x", CHART, "-f", one),
                    "helm 4 template": typed(helm4, "template", "x", CHART, "-f", one),
                    "kubectl kustomize": typed(kubectl, "kustomize", base),
                },
                runs=15,
            ),
        }
        if CDK8S:
            app = Path(name) / "app.py"
            app.write_text(CDK8S_APP)
            (base / "objects.json").write_text(json.dumps(render(values)))
            synth = typed(CDK8S, app, base / "objects.json", Path(name) / "synth")
            times |= medians({"cdk8s synth (of finished objects)": synth}, runs=5)
        else:
            print("\nno cdk8s: DSV4DEPLOY_CDK8S_PYTHON names a Python that has it (and Node.js)")
        show("One of many clusters", times, base="manifest in process")


if __name__ == "__main__":
    main()
