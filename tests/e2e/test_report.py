"""The benchmark report in a real browser: it shows what it should, and asks nobody for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from bench_results import fail, make, write
from playwright.sync_api import Browser, Page, sync_playwright
from test_injection import MARKUP, doctored
from tools import missing

from dsv4deploy import load
from dsv4deploy.bench.report import report
from dsv4deploy.conformance.suite import CASES, Outcome, Report, Result
from dsv4deploy.sizing.picture import svg
from dsv4deploy.sizing.plan import plan


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that is installed on this machine, without a window."""
    named = os.environ.get("DSV4DEPLOY_CHROMIUM")
    path = named or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        missing("there is no Chromium: `apt-get install chromium`, or name it DSV4DEPLOY_CHROMIUM")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, as whom containers run.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a sweep, a slow result, an unsound one, and both ingresses."""
    folder = tmp_path_factory.mktemp("report")
    write(make(), folder)
    write(make(ingress="maas", slower=1.2), folder)
    write(make(scenario=2, ttft=9789, itl=182.1, doctor=lambda made: fail(made, 0, 3)), folder)
    write(make(concurrency=8, maxNumSeqs=4, dataParallel=1), folder)
    file = folder / "report.html"
    file.write_text(report([folder]).html(), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def conformance_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the conformance suite with every outcome, and with answers that are hard to wrap."""
    outcomes = [*Outcome] * len(CASES)
    found = "HTTP 200, application/json: " + '{"id":"1","choices":[]},' * 6
    results = [
        Result(case, outcome, found, 0.1)
        for case, outcome in zip(CASES, outcomes[: len(CASES)], strict=True)
    ]
    file = tmp_path_factory.mktemp("conformance") / "page.html"
    made = Report("http://maas.example.com/v1", "chat", tuple(results), 150, 600)
    file.write_text(made.html(), encoding="utf-8")
    return file


class Watched:
    """A page, and what it said and asked for."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri(), wait_until="networkidle")


def opened(browser: Browser, file: Path, scheme: Literal["light", "dark"], width: int) -> Page:
    """A page at a width, which reports nothing, requests only itself and fits in the width."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    watched = Watched(page, file)
    assert watched.said == []
    assert watched.asked == [file.as_uri()]
    # Wide tables and plots scroll by themselves.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    return page


def obstacles(page: Page, *ignored: str) -> list[str]:
    """What axe-core finds on a page that keeps people from using it, without the ignored rules."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html']}: {node['failureSummary']}"
        for each in found
        if each["id"] not in ignored
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_without_an_error_or_a_request(
    browser: Browser, page_file: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    page = opened(browser, page_file, scheme, width)
    # Every plot has a size, and no text of it stands outside of it.
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg')].flatMap(picture => {
             const frame = picture.getBoundingClientRect();
             return [...picture.querySelectorAll('text, rect, circle')].filter(part => {
               const box = part.getBoundingClientRect();
               return box.left < frame.left - 1 || box.right > frame.right + 1
                 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
             }).map(part => part.outerHTML);
           })"""
    )
    assert outside == []
    assert page.locator("svg").count() > 20
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 384) == (scheme == "dark")
    page.close()


def test_the_page_says_simulator_and_shows_why_there_is_no_verdict(
    browser: Browser, page_file: Path
) -> None:
    watched = Watched(browser.new_page(), page_file)
    page = watched.page
    assert page.get_by_role("complementary").inner_text().startswith("SIMULATOR.")
    # The checks of the unsound result stand open, those of the others closed.
    assert page.get_by_text("3 of 240 requests failed").last.is_visible()
    assert page.locator("details[open]").count() == 1
    page.get_by_text("What was run").first.click()
    assert page.get_by_text("4: max-num-seqs 4 × 1 data parallel").first.is_visible()
    assert page.get_by_text("Saturated: the engine takes 4 requests at once").is_visible()
    assert watched.said == []
    page.close()


def test_a_hostile_result_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    for number, payload in enumerate(MARKUP):
        folder = write(make(conversations=4, runs=1, doctor=doctored(payload)), tmp_path / "result")
        file = tmp_path / f"{number}.html"
        file.write_text(report([folder]).html(), encoding="utf-8")
        watched = Watched(browser.new_page(), file)
        assert "PWNED" not in watched.page.title()
        assert payload in (watched.page.locator("dl").first.text_content() or "")
        assert (watched.said, watched.asked) == ([], [file.as_uri()])
        watched.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_a_conformance_run_opens_too(
    browser: Browser, conformance_file: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    page = opened(browser, conformance_file, scheme, width)
    # Every case is within the page, on a phone too.
    rights = "[...document.querySelectorAll('td, li')].map(e => e.getBoundingClientRect().right)"
    assert max(page.evaluate(rights)) <= width
    page.get_by_role("link", name=CASES[1].proves).click()
    assert page.get_by_text(CASES[1].code, exact=True).is_visible()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_accessible(
    browser: Browser,
    page_file: Path,
    conformance_file: Path,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    for file in (page_file, conformance_file):
        page = opened(browser, file, scheme, width)
        assert obstacles(page) == []
        page.close()


def test_the_plan_s_picture_opens_too(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "plan.svg"
    file.write_text(svg(plan(load())), encoding="utf-8")
    watched = Watched(browser.new_page(), file)
    assert watched.said == []
    assert watched.asked == [file.as_uri()]
    assert watched.page.get_by_text("910B4: tight").is_visible()
    watched.page.close()
