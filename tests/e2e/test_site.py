"""The documentation in a real browser: every page, on a desktop and on a phone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser
from test_report import browser, obstacles

__all__ = ["browser"]  # a fixture
ROOT = Path(__file__).resolve().parent.parent.parent

OF_THE_THEME = (
    "aria-dialog-name",  # the search has no name
    "landmark-unique",  # the bars with the copy buttons have no names
    "scrollable-region-focusable",  # tables that scroll take no keyboard focus
)


class Silent(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: Any) -> None:
        """No log."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The URL of the site, and its pages."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True)
    (folder / "404.html").unlink()  # it needs the site's real address
    pages = [page.relative_to(folder).as_posix() for page in sorted(folder.rglob("*.html"))]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield (
            f"http://127.0.0.1:{server.server_port}",
            pages,
        )
        server.shutdown()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_page_opens_without_an_error_and_is_accessible(
    browser: Browser, site: tuple[str, list[str]], scheme: Literal["light", "dark"], width: int
) -> None:
    url, pages = site
    faults: list[tuple[str, str]] = []
    opened = ""

    def fault(text: object) -> None:
        faults.append((opened, str(text)))

    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.on("console", lambda message: fault(message.text))
    page.on("pageerror", fault)
    page.on("request", lambda request: request.url.startswith(url) or fault(request.url))
    for opened in pages:
        page.goto(f"{url}/{opened}", wait_until="networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            fault("the page is wider than the window")
        for each in obstacles(page, *OF_THE_THEME):
            fault(each)
    page.close()
    assert faults == []
