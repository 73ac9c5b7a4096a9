"""Takes the pictures in docs/images: ``.venv/bin/python tests/e2e/screenshots.py``.

The reports that they show are made of drawn figures, and say SIMULATOR.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from bench_results import make, write  # noqa: E402

from dsv4deploy import load  # noqa: E402
from dsv4deploy.bench.report import report  # noqa: E402
from dsv4deploy.facts.published import Metric, rows  # noqa: E402
from dsv4deploy.sizing.picture import svg  # noqa: E402
from dsv4deploy.sizing.plan import plan  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WIDTH = 1160


def page_of(profile: str, folder: Path, slower: float = 1.0, **settings: object) -> Path:
    """The report on a profile's published figures, as if they had been measured again."""
    results = folder / f"{profile}-{slower:.0%}"
    for row in rows():
        if row.profile != profile or Metric.TTFT not in row.figures:
            continue
        made = make(
            scenario=row.scenario,
            ingress=row.ingress,
            profile=profile,
            concurrency=row.concurrency,
            conversations=row.requests // 4,
            ttft=row.figures[Metric.TTFT].value,
            itl=row.figures[Metric.ITL].value,
            slower=slower,
            noise=0.02,
            **settings,
        )
        write(made, results)
    file = results / "report.html"
    file.write_text(report([results]).html(), encoding="utf-8")
    return file


def take(browser: Browser, file: Path, name: str, scheme: str, until: str, since: str = "") -> None:
    """Saves a page from one element to the end of another."""
    dark = scheme == "dark"
    page = browser.new_page(
        color_scheme="dark" if dark else "light", viewport={"width": WIDTH, "height": 800}
    )
    page.goto(file.as_uri())
    start = page.locator(since).first.bounding_box() if since else None
    end = page.locator(until).first.bounding_box()
    assert end
    top = start["y"] - 24 if start else 0.0
    clip = {
        "x": 0.0,
        "y": top,
        "width": float(WIDTH),
        "height": end["y"] + end["height"] + 24 - top,
    }
    page.screenshot(path=IMAGES / name, full_page=True, clip=clip)
    page.close()


def main() -> None:
    """Writes every picture."""
    path = os.environ.get("DSV4DEPLOY_CHROMIUM") or shutil.which("chromium")
    assert path, "there is no Chromium: `apt-get install chromium`"
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-lcd-text"]
        )
        one_node = page_of("ascend-910b4-8-w4a8", folder)
        slow = page_of("ascend-910b4-8-w4a8", folder, slower=1.2)
        two_nodes = page_of("ascend-910b3-16-w8a8", folder, maxNumSeqs=8, dataParallel=2)
        take(browser, one_node, "bench-report.png", "light", "#results + .card")
        take(browser, slow, "bench-report-slow.png", "dark", "#results + .card")
        take(browser, one_node, "bench-result.png", "light", "figure.wide", "#result-1")
        ingresses = "section:has-text('KServe against MaaS')"
        take(browser, one_node, "bench-ingresses.png", "light", ingresses, ingresses)
        sweep = "section:has-text('by concurrency')"
        take(browser, two_nodes, "bench-sweep.png", "light", sweep, sweep)
        picture = folder / "plan.svg"
        picture.write_text(svg(plan(load())), encoding="utf-8")
        page = browser.new_page(viewport={"width": 900, "height": 336})
        page.goto(picture.as_uri())
        page.screenshot(path=IMAGES / "plan.png")
        browser.close()


if __name__ == "__main__":
    main()
