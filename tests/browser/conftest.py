"""A real browser, without a network. What needs a JupyterLab as well is slow, and so runs in `make test-slow`."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from explorer_pages import Shown, listen, write_page
from lab_server import Lab

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MACOS_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
]


def find_chromium() -> str | None:
    """The browser to drive: $LLMVIZ_CHROMIUM, or a Chromium or Chrome of the system's."""
    named = os.environ.get("LLMVIZ_CHROMIUM")
    candidates = [named] if named else [*NAMES, MACOS_CHROME]
    return next((found for found in map(shutil.which, candidates) if found), None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium; without one the browser tests are skipped, or fail in the continuous integration."""
    path = find_chromium()
    if path is None:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("no Chromium or Chrome found: install one, or set LLMVIZ_CHROMIUM to its path")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # the other process may keep both cores busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory) -> Iterator[Lab]:
    """JupyterLab as `llmviz lab` starts it, on a copy of the lessons."""
    folder = tmp_path_factory.mktemp("lessons") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    lab = Lab(folder, tmp_path_factory.mktemp("private"))
    yield lab
    lab.stop()


@contextmanager
def offline_page(browser, **options) -> Iterator:
    """A fresh page; `page.outside` lists every request that wanted to leave this machine (none gets out)."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.outside = []

    def guard(route) -> None:
        if urlsplit(route.request.url).hostname in ("localhost", "127.0.0.1", None):
            route.continue_()
        else:
            page.outside.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    yield page
    context.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A fresh page, offline."""
    with offline_page(browser) as page:
        yield page


@pytest.fixture
def show(page, tmp_path) -> Iterator:
    """Open explorers as one page from a file; in the end nothing went wrong, and nothing was asked of the network."""
    listen(page)

    def open_(*explorers, at: str = ".picture [tabindex='0']", dark: bool = False) -> list[Shown]:
        pages = [one if isinstance(one, str) else one._repr_mimebundle_()["text/html"] for one in explorers]
        page.goto(write_page(tmp_path, *pages, dark=dark))
        page.wait_for_function(f"document.querySelectorAll('.lv[data-ready]').length === {len(pages)}")
        return [Shown(page, at, place) for place in range(len(pages))]

    yield open_
    assert page.wrong == [] and page.outside == []
    assert [address for address in page.asked if not address.startswith(("file:", "data:", "blob:"))] == []
