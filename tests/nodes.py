"""Run the pure functions of a widget's module in node, where there is one: one process for all tests."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from llmviz.widgets.base import es_module, to_json

# In the continuous integration a missing node is an error.
_MAY_SKIP = shutil.which("node") is None and not os.environ.get("CI")
needs_node = pytest.mark.skipif(_MAY_SKIP, reason="node is not installed")
SERVER = """
require("readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  let answer;
  try {
    const source = Buffer.from(JSON.parse(line)).toString("base64");
    answer = { value: (await import(`data:text/javascript;base64,${source}`)).found };
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  console.log(JSON.stringify(answer));
});
"""


@functools.cache
def server() -> subprocess.Popen:
    """The process; it ends when its input closes, with the tests."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen(["node", "-e", SERVER], **pipes)


def node(module: Path, program: str, given=None):
    """Return what a program returns, through JSON; the module's functions and `given` are in its scope.

    `node(path, "return signed(given)", 0.5)` gives "+0.50".
    """
    process = server()
    call = f"export const found = (() => {{{program}}})() ?? null;"
    source = f"{es_module(module)}\nconst given = {to_json(given)};\n{call}"
    process.stdin.write(json.dumps(source) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert "error" not in answer, answer["error"][:2000]
    return answer["value"]
