"""Run the pure functions of an explorer's module in node, where there is one."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from llmviz.widgets.base import es_module, to_json

# In the continuous integration a missing Node is a failure.
needs_node = pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("CI"), reason="node is not installed"
)


def node(module: Path, program: str, given=None):
    """Return what a program returns, through JSON; the module's functions and `given` are in its scope.

    `node(path, "return signed(given)", 0.5)` gives "+0.50".
    """
    call = f"console.log(JSON.stringify((() => {{{program}}})() ?? null));"
    source = f"{es_module(module)}\nconst given = {to_json(given)};\n{call}"
    done = subprocess.run(["node", "--input-type=module"], input=source, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[:2000]
    return json.loads(done.stdout)
