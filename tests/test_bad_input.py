"""Bad input for the command line: one clear sentence each, the right exit code, and nothing is lost."""

import errno
import hashlib
import io
import os
import re
import shlex
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from llmviz import cli, corpora
from llmviz.model.config import ModelConfig
from llmviz.training import checkpoints, runs

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))
TRAIN = "train --text good.txt --tokenizer characters --steps 2"
SMALL = partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32)

FAILED = [
    ("train --text folder", "folder is a folder. Give the path of one text file"),
    ("train --text empty.txt", r"empty\.txt is empty"),
    ("train --text binary.txt", r"binary\.txt is binary, not text"),
    ("train --text latin.txt", r"latin\.txt is not UTF-8\. Read as .* --encoding \w+"),
    ("train --text small.txt", r"small\.txt has 400 characters, too few: give at least 1,000"),
    ("train --text same.txt --steps 2", "repeats itself less"),
    (f"{TRAIN} --out good.txt", r"--out names a folder, but good\.txt is a file"),
    (f"{TRAIN} --out model", "model already holds a model, .* --resume model, or choose another"),
    ("train --resume folder", r"folder holds no checkpoint: its checkpoint\.json is missing"),
    ("train --resume damaged", "weights.* is damaged or belongs to another checkpoint"),
    ("train --resume halfway --text good.txt --seed 1", "leave out --text and --seed"),
    ("train --resume changed", r"changed\.txt was changed; bring it back, or"),
    ("train --resume gone", r"There is no file .*gone\.txt"),
    ("train --resume stateless", "not the state of its training, so it cannot be resumed"),
    ("generate --model nothing", "there is no model 'nothing'"),
    ("generate --model foreign", 'not a checkpoint of this llmviz: its format is None, not "llmviz'),
    ("generate Mia --temperature -1", "the temperature is 0 .* or above; given -1.0"),
    ("generate Mia --top-p 2", "top_p is a probability above 0 and at most 1; given 2.0"),
    ("generate \ud83e --max-tokens 2", r"half a character \(the lone surrogate U\+D83E\)"),
    ("check nothing.txt", r"There is no file nothing\.txt"),
    ("check -", "there was nothing to read; write one text a line"),
    ("train --resume ''", "holds no checkpoint"),  # as an unset variable of a shell gives it: --resume "$DIR"
    ("train --out ''", "--out names a folder, and what was given is empty"),
    ("train --text ''", "is a folder"),
    ("generate --model ''", "holds no model"),
]
MISUSED = [
    ("", "the following arguments are required: command"),
    (f"{TRAIN} --color red", "not understood: --color red; see llmviz train --help"),
    ("generate Mia found", "not understood: found; see llmviz generate --help"),
    ("train --tokenizer sounds", "--tokenizer: invalid choice: 'sounds' .*bpe.*word"),
    ("train --steps 0", "--steps: '0' is not a whole number of at least 1"),
    ("train --steps ²", "--steps: '²' is not a whole number"),
    ("train --seconds inf", "--seconds: 'inf' is not a number above 0"),
    ("train --steps 2 --seconds 2", "--seconds: not allowed with argument --steps"),
    ("generate Mia --seed 99999999999", "--seed: '99999999999' is not a whole number from 0"),
    ("generate Mia --top-k 0", "--top-k: '0' is not a whole number of at least 1"),
    ("generate Mia --temperature hot", "--temperature: invalid float value: 'hot'"),
    ("check", "the following arguments are required: FILE"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder full of good and bad texts and models."""
    folder = tmp_path_factory.mktemp("place")
    texts = {
        "good.txt": LINES, "changed.txt": LINES, "gone.txt": LINES, "empty.txt": "",
        "small.txt": "abc " * 100, "same.txt": "a" * 3000, "binary.txt": "a\0b" * 999,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "latin.txt").write_bytes("é".encode("latin-1") * 2000)
    (folder / "folder").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "ModelConfig", SMALL)
        patch.setattr(runs, "TOKENS_PER_STEP", 128)
        make_run(folder / "model", folder / "good.txt", n_steps=2)
        make_run(folder / "halfway", folder / "good.txt", n_steps=1)
        make_run(folder / "changed", folder / "changed.txt", n_steps=1)
        make_run(folder / "gone", folder / "gone.txt", n_steps=1)
    (folder / "changed.txt").write_text(LINES + "And one more.\n", "utf-8")
    (folder / "gone.txt").unlink()
    damage_models(folder)
    return folder


def make_run(folder: Path, text: Path, n_steps: int) -> None:
    """A run of 2 steps, stopped after some of them."""

    def stop(step):
        if step.step == n_steps:
            raise KeyboardInterrupt

    run = runs.create(corpora.from_file(text), tokenizer="characters", steps=2)
    with pytest.raises(KeyboardInterrupt):
        run.train(folder, callback=stop)


def damage_models(folder: Path) -> None:
    """Models that were truncated, that cannot be resumed, and that another program made."""
    shutil.copytree(folder / "model", folder / "foreign")
    (folder / "foreign" / "checkpoint.json").write_text('{"model_type": "gpt2", "n_layer": 12}', "utf-8")
    shutil.copytree(folder / "halfway", folder / "damaged")
    (weights,) = (folder / "damaged").glob("weights-*")
    weights.write_bytes(weights.read_bytes()[:-100])
    checkpoints.save(folder / "stateless", replace(checkpoints.load(folder / "halfway"), optimizers=()))


def fingerprint(folder: Path) -> dict[str, str]:
    """The name and the hash of everything in a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def sentences(errors: str) -> list[str]:
    """What was said on stderr, without how the command is used and without progress bars."""
    lines = [line for line in re.split(r"[\r\n]+", errors) if line.strip() and not re.search(r"\d+%\|", line)]
    return [line for line in lines if not line.startswith(("usage: ", " "))]


@pytest.mark.parametrize(
    ("command", "expected_code", "sentence"),
    [(command, cli.FAILED, sentence) for command, sentence in FAILED]
    + [(command, cli.USAGE, sentence) for command, sentence in MISUSED],
)
def test_bad_input_gets_one_sentence_and_changes_nothing(place, monkeypatch, capsys, command, expected_code, sentence):
    monkeypatch.chdir(place)
    monkeypatch.setattr(runs, "ModelConfig", SMALL)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    before = fingerprint(place)
    try:
        code = cli.main(shlex.split(command))
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    assert fingerprint(place) == before
    assert (code, said.out) == (expected_code, "")
    (line,) = sentences(said.err)
    assert re.search(sentence, line), line
    assert re.match(r"llmviz( \w+)?: ", line)
    assert "Errno" not in line and len(line) < 500


def test_a_full_disk_loses_neither_the_run_nor_the_way_back(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    folder = shutil.copytree(place / "halfway", tmp_path / "run")
    before = fingerprint(folder)

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert cli.main(["train", "--resume", str(folder)]) == cli.FAILED
    (line,) = sentences(capsys.readouterr().err)
    assert line.startswith("llmviz train: No space left on device; is the folder there")
    assert before.items() <= fingerprint(folder).items()
    assert cli.main(["train", "--resume", str(folder)]) == cli.OK
    assert checkpoints.load(folder).step == 2
    assert not list(folder.glob("*.unfinished"))


def test_a_pipe_that_is_not_utf_8(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    assert cli.main(["check", "-"]) == cli.FAILED
    assert sentences(capsys.readouterr().err) == [
        "llmviz check: what came through the pipe is not UTF-8 text: byte 0xe9 at position 3"
    ]


def test_an_output_that_cannot_show_a_text(tmp_path, monkeypatch, capsys):
    (tmp_path / "kites.txt").write_text("연 🪁\n", "utf-8")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert cli.main(["check", str(tmp_path / "kites.txt")]) == cli.FAILED
    (line,) = sentences(capsys.readouterr().err)
    assert line.startswith(r"llmviz check: the output takes only ascii, which has no '\uc5f0")
