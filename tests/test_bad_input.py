"""Bad input for the command line: one clear sentence each, the right exit code, and nothing is lost."""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from llmviz import cli, corpora
from llmviz.cli import parsing
from llmviz.model.config import ModelConfig
from llmviz.training import checkpoints, runs

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))
TRAIN = "train --text good.txt --tokenizer characters --steps 2"
SMALL = partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32)

FAILED = {
    "a text that is not there": ("train --text nothing.txt", r"There is no file nothing\.txt .* Check its spelling"),
    "a folder as text": ("train --text folder", "folder is a folder. Give the path of one text file"),
    "a bad text for a new folder": ("train --text empty.txt --out new", r"empty\.txt is empty"),
    "an empty text": ("train --text empty.txt", r"empty\.txt is empty"),
    "a text of spaces": ("train --text spaces.txt", r"spaces\.txt holds no text, only white space"),
    "a binary file": ("train --text binary.txt", r"binary\.txt is binary, not text"),
    "a text in Latin-1": ("train --text latin.txt", r"latin\.txt is not UTF-8: byte 0xe9 .* Convert it"),
    "a text in UTF-16": ("train --text utf16.txt", r"utf16\.txt is not UTF-8 but probably UTF-16. Convert it"),
    "a pdf": ("train --text paper.txt", r"paper\.txt is a PDF, not plain text"),
    "a text too small": ("train --text small.txt", r"small\.txt has 400 characters, too few .* at least 1,000"),
    "a text that repeats itself": ("train --text same.txt --steps 2", "repeats itself less"),
    "a vocabulary too small": ("train --text good.txt --vocab-size 9", "vocab_size=9 is not possible: .* give 257 to"),
    "a vocabulary of one word": ("train --text good.txt --tokenizer word --vocab-size 2", "vocab_size=2 is not"),
    "out is a file": (f"{TRAIN} --out good.txt", r"--out names a folder, but good\.txt is a file"),
    "out inside a file": (f"{TRAIN} --out good.txt/model", r"good\.txt.*is the folder there, may you write into it"),
    "out holds a model": (f"{TRAIN} --out model", "model already holds a model, .* --resume model, or choose another"),
    "out holds half a model": (f"{TRAIN} --out damaged", "damaged already holds a model"),
    "out holds something called a checkpoint": (f"{TRAIN} --out foreign", "foreign already holds a model"),
    "resume nowhere": ("train --resume nothing", "there is no folder nothing"),
    "resume an empty folder": ("train --resume folder", r"folder holds no checkpoint: its checkpoint\.json is missing"),
    "resume a file": ("train --resume good.txt", r"good\.txt holds no checkpoint"),
    "resume a truncated one": ("train --resume damaged", "weights.* is damaged or belongs to another checkpoint"),
    "resume without its optimizer's file": ("train --resume lacking", r"optimizer-.*\.safetensors is missing"),
    "resume with another number of steps": ("train --resume halfway --steps 9", "leave out --steps, or start a new"),
    "resume with another text": ("train --resume halfway --text good.txt --seed 1", "leave out --text and --seed"),
    "resume elsewhere": ("train --resume halfway --out other", "leave out --out"),
    "resume when the text was changed": ("train --resume changed", r"changed\.txt was changed; bring it back, or"),
    "resume when the text is gone": ("train --resume gone", r"There is no file .*gone\.txt"),
    "resume a model that ships": ("train --resume stateless", "not the state of its training, so it cannot be resumed"),
    "a model that is not there": ("generate --model nothing", "there is no folder nothing"),
    "a model without a checkpoint": ("generate --model folder", "folder holds no checkpoint"),
    "a model that is a file": ("generate --model good.txt", r"good\.txt holds no checkpoint"),
    "a foreign model": ("generate --model foreign", 'not a checkpoint of this llmviz: its format is None, not "llmviz'),
    "a model of a later version": ("generate --model later", "its format is 'llmviz checkpoint 99'"),
    "a card that is no json": ("generate --model scribbled", r"checkpoint\.json is damaged or is not JSON"),
    "a card without its tokenizer": ("generate --model wordless", r"not a whole checkpoint of llmviz: .*tokenizer"),
    "a card with other sizes": ("generate --model resized", r"does not fit the sizes in checkpoint\.json"),
    "a tokenizer of another model": ("generate --model mixed", "does not fit together: its model knows .* tokens"),
    "a truncated model": ("generate --model damaged", "is damaged .* Copy the whole folder again"),
    "a temperature below zero": ("generate Mia --temperature -1", "the temperature is 0 .* or above; given -1.0"),
    "a temperature that is no number": ("generate Mia --temperature nan", "the temperature is 0 .* given nan"),
    "a probability above one": ("generate Mia --top-p 2", "top_p is a probability above 0 and at most 1; given 2.0"),
    "a probability of nothing": ("generate Mia --top-p 0", "top_p is a probability above 0 .* given 0.0"),
    "half a character": ("generate \ud83e --max-tokens 2", r"half a character \(the lone surrogate U\+D83E\)"),
    "bytes that are no text": ("generate \udcff\udcfe", r"half a character \(the lone surrogate U\+DCFF\)"),
    "a check of nothing": ("check nothing.txt", r"There is no file nothing\.txt"),
    "a check of an empty file": ("check empty.txt", r"empty\.txt is empty"),
    "a check of a folder": ("check folder", "folder is a folder"),
    "a check of a binary file": ("check binary.txt", "is binary, not text"),
    "a check of an empty pipe": ("check -", "there was nothing to read; write one text a line"),
}  # fmt: skip

MISUSED = {
    "no command": ("", "the following arguments are required: command"),
    "an unknown command": ("dance", "invalid choice: 'dance'"),
    "an unknown option": (f"{TRAIN} --color red", "not understood: --color red; see llmviz train --help"),
    "two prompts": ("generate Mia found", "not understood: found; see llmviz generate --help"),
    "an unknown tokenizer": ("train --tokenizer sounds", "--tokenizer: invalid choice: 'sounds' .*bpe.*word"),
    "no steps": ("train --steps 0", "--steps: '0' is not a whole number of at least 1"),
    "steps below zero": ("train --steps -5", "--steps: '-5' is not a whole number of at least 1"),
    "half a step": ("train --steps 1.5", "--steps: '1.5' is not a whole number of at least 1"),
    "steps in a foreign digit": ("train --steps ²", "--steps: '²' is not a whole number"),
    "no seconds": ("train --seconds 0", "--seconds: '0' is not a number above 0"),
    "seconds below zero": ("train --seconds -1", "--seconds: '-1' is not a number above 0"),
    "seconds that are no number": ("train --seconds nan", "--seconds: 'nan' is not a number above 0"),
    "seconds without end": ("train --seconds inf", "--seconds: 'inf' is not a number above 0"),
    "steps and seconds": ("train --steps 2 --seconds 2", "--seconds: not allowed with argument --steps"),
    "a loss below zero": ("train --until-loss -2", "--until-loss: '-2' is not a number above 0"),
    "a seed below zero": ("train --seed -1", "--seed: '-1' is not a whole number from 0 to 2147483647"),
    "a seed too large": ("generate Mia --seed 99999999999", "--seed: '99999999999' is not a whole number from 0"),
    "no step between checkpoints": (f"{TRAIN} --save-every 0", "--save-every: '0' is not a whole number of at least 1"),
    "none of the tokens": ("generate Mia --top-k 0", "--top-k: '0' is not a whole number of at least 1"),
    "a temperature in words": ("generate Mia --temperature hot", "--temperature: invalid float value: 'hot'"),
    "no samples": ("generate Mia --samples 0", "--samples: '0' is not a whole number of at least 1"),
    "no file to check": ("check", "the following arguments are required: FILE"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder full of good and bad texts and models."""
    folder = tmp_path_factory.mktemp("place")
    texts = {
        "good.txt": LINES, "changed.txt": LINES, "gone.txt": LINES, "empty.txt": "", "spaces.txt": " \n" * 999,
        "small.txt": "abc " * 100, "same.txt": "a" * 3000, "paper.txt": "%PDF-1.7" + LINES, "binary.txt": "a\0b" * 999,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "latin.txt").write_bytes("é".encode("latin-1") * 2000)
    (folder / "utf16.txt").write_bytes(LINES.encode("utf-16"))
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
        runs.train(run, folder, callback=stop)


def damage_models(folder: Path) -> None:
    """Models that were truncated, scribbled on, mixed up, and made by other programs."""
    card = json.loads((folder / "model" / "checkpoint.json").read_text("utf-8"))
    cards = {
        "foreign": {"model_type": "gpt2", "n_layer": 12},
        "later": {**card, "format": "llmviz checkpoint 99"},
        "wordless": {key: value for key, value in card.items() if key != "tokenizer"},
        "resized": {**card, "model": {**card["model"], "d_ff": 64}},
        "mixed": {**card, "tokenizer": {"kind": "characters", "pieces": ["a", "b"]}},
    }
    for name, changed in cards.items():
        shutil.copytree(folder / "model", folder / name)
        (folder / name / "checkpoint.json").write_text(json.dumps(changed), "utf-8")
    shutil.copytree(folder / "model", folder / "scribbled")
    (folder / "scribbled" / "checkpoint.json").write_text("Mia found a red kite.", "utf-8")
    shutil.copytree(folder / "halfway", folder / "damaged")
    (weights,) = (folder / "damaged").glob("weights-*")
    weights.write_bytes(weights.read_bytes()[:-100])
    shutil.copytree(folder / "halfway", folder / "lacking")
    next((folder / "lacking").glob("optimizer-*")).unlink()
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


@pytest.fixture
def expect(place, monkeypatch, capsys):
    """Give a bad command: it says one sentence, gives its exit code, prints nothing else and changes nothing."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(runs, "ModelConfig", SMALL)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))

    def check(command: str, expected_code: int, sentence: str) -> None:
        before = fingerprint(place)
        try:
            code = cli.main(command.split())
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        assert fingerprint(place) == before
        assert code == expected_code
        assert said.out == ""
        (line,) = sentences(said.err)
        assert re.search(sentence, line), line
        assert re.match(r"llmviz( \w+)?: ", line)
        assert "Errno" not in line
        assert len(line) < 500

    return check


@pytest.mark.parametrize("kind", FAILED)
def test_bad_input_gets_one_sentence_and_loses_nothing(expect, kind):
    command, sentence = FAILED[kind]
    expect(command, parsing.FAILED, sentence)


@pytest.mark.parametrize("kind", MISUSED)
def test_so_does_a_command_that_is_not_understood(expect, kind):
    command, sentence = MISUSED[kind]
    expect(command, parsing.USAGE, sentence)


@pytest.mark.parametrize("option, sentence", [
    ("--resume", "holds no checkpoint"),
    ("--out", "--out names a folder, and what was given is empty"),
    ("--text", "is a folder"),
])  # fmt: skip
def test_an_empty_word_is_no_folder_and_no_file(place, monkeypatch, capsys, option, sentence):
    """As an unset variable of a shell gives it: --resume "$DIR"."""
    monkeypatch.chdir(place)
    before = fingerprint(place)
    assert cli.main(["train", option, ""]) == parsing.FAILED
    assert re.search(sentence, capsys.readouterr().err)
    assert fingerprint(place) == before


def test_an_empty_word_is_no_model(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert cli.main(["generate", "Mia", "--model", ""]) == parsing.FAILED
    assert "holds no checkpoint" in capsys.readouterr().err


def test_a_full_disk_loses_neither_the_run_nor_the_way_back(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    folder = shutil.copytree(place / "halfway", tmp_path / "run")
    before = fingerprint(folder)

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert cli.main(["train", "--resume", str(folder)]) == parsing.FAILED
    (line,) = sentences(capsys.readouterr().err)
    assert line.startswith("llmviz train: No space left on device; is the folder there")
    assert before.items() <= fingerprint(folder).items()
    assert cli.main(["train", "--resume", str(folder)]) == parsing.OK
    assert checkpoints.load(folder).step == 2
    assert not list(folder.glob("*.unfinished"))


def test_a_pipe_that_is_not_utf_8(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    assert cli.main(["check", "-"]) == parsing.FAILED
    assert sentences(capsys.readouterr().err) == [
        "llmviz check: what came through the pipe is not UTF-8 text: byte 0xe9 at position 3"
    ]


def test_an_output_that_cannot_show_a_text(tmp_path, monkeypatch, capsys):
    (tmp_path / "kites.txt").write_text("연 🪁\n", "utf-8")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert cli.main(["check", str(tmp_path / "kites.txt")]) == parsing.FAILED
    (line,) = sentences(capsys.readouterr().err)
    assert line.startswith(r"llmviz check: the output takes only ascii, which has no '\uc5f0")


@pytest.mark.skipif(sys.platform == "win32", reason="there, a program's arguments are text and not bytes")
def test_as_a_program_there_is_no_traceback_either(place):
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    command = [sys.executable, "-W", "error", "-m", "llmviz", "generate", b"Mia \xff", "--model", str(place / "model")]
    program = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert program.returncode == 1
    assert program.stdout == b""
    (line,) = program.stderr.decode().splitlines()
    assert re.search(r"half a character \(the lone surrogate U\+DCFF\)", line)
