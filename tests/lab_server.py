"""A running `llmviz lab` for tests: on a free port, with settings of its own, and no way to the network."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

NO_WAY_OUT = "http://127.0.0.1:9"  # port 9 discards: whoever asks the network through it fails at once


class Lab:
    """A running `llmviz lab`: `address` opens its first notebook, `url(name)` another of the same folder."""

    def __init__(self, folder: Path, private: Path):
        self.folder, self.log = folder, private / "lab.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["--port", str(port), "--LabApp.expose_app_in_browser=True"]  # so that a test can ask the page
        jupyter = {f"JUPYTER_{name}_DIR": str(private / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        offline = {"HTTP_PROXY": NO_WAY_OUT, "HTTPS_PROXY": NO_WAY_OUT, "NO_PROXY": "localhost,127.0.0.1"}
        offline |= {name.lower(): value for name, value in offline.items()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llmviz", "lab", str(folder), "--no-browser", *options],
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
