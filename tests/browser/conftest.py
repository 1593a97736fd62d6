"""A real browser on a real JupyterLab, with the world outside this machine shut off."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MACOS_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --disable-extensions "
    "--disable-features=OptimizationHints,MediaRouter,Translate"
).split()
NO_WAY_OUT = "http://127.0.0.1:9"  # port 9 discards: whoever asks the network through it fails at once


def find_chromium() -> str | None:
    """The browser to drive: $LLMVIZ_CHROMIUM, or a Chromium or Chrome of the system's."""
    named = os.environ.get("LLMVIZ_CHROMIUM")
    candidates = [named] if named else [*NAMES, MACOS_CHROME]
    return next((found for found in map(shutil.which, candidates) if found), None)


class Lab:
    """A running `llmviz lab`: `address` opens its first notebook, `url(name)` another of the same folder."""

    def __init__(self, folder: Path, private: Path):
        self.log = private / "lab.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        jupyter = {f"JUPYTER_{name}_DIR": str(private / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        offline = {"HTTP_PROXY": NO_WAY_OUT, "HTTPS_PROXY": NO_WAY_OUT, "NO_PROXY": "localhost,127.0.0.1"}
        offline |= {name.lower(): value for name, value in offline.items()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llmviz", "lab", str(folder), "--no-browser", "--port", str(port)]
                + ["--LabApp.expose_app_in_browser=True"],
                env={**os.environ, **jupyter, **offline, "IPYTHONDIR": str(private / "ipython")},
                cwd=private,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.address = self._wait_for_address()

    def _wait_for_address(self, seconds: float = 90) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):\S+token=\w+", self.log.read_text())
            if found:
                return found[0]
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"llmviz lab printed no address; it said:\n{self.log.read_text()}")

    def url(self, notebook: str) -> str:
        """The address of another notebook in the same folder, in a workspace of its own."""
        parts = urlsplit(self.address)
        workspace = Path(notebook).stem
        return parts._replace(path=f"/lab/workspaces/{workspace}/tree/{notebook}").geturl()

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium; without one, the browser tests are skipped, and counted as skipped."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome found: install one, or set LLMVIZ_CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

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


@pytest.fixture
def page(browser) -> Iterator:
    """A fresh page; `page.outside` lists every request that wanted to leave this machine (none gets out)."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
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
