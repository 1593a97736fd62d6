"""The command line: its help, its JSON, its exit codes, and that it does what its help says."""

import io
import json
import multiprocessing
import os
import subprocess
import sys
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from llmviz import artifacts, cli, corpora
from llmviz.cli import main
from llmviz.generation.sampling import generate
from llmviz.model.config import ModelConfig
from llmviz.tinyville import Tinyville
from llmviz.training import checkpoints, runs

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))
COMMANDS = ["doctor", "train", "generate", "check", "models", "lab", "restore", "export"]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder to work in, with a text; and models a hundredth of the usual size."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "ModelConfig", partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32))
    monkeypatch.setattr(runs, "TOKENS_PER_STEP", 256)
    Path("kites.txt").write_text(LINES, "utf-8")
    return tmp_path


@pytest.fixture
def say(capsys):
    """Give a command and get (exit code, lines of output)."""

    def command(*arguments: str) -> tuple[int, list[str]]:
        code = main(arguments)
        return code, capsys.readouterr().out.splitlines()

    return command


def last_json(lines: list[str]) -> dict:
    return json.loads(lines[-1])


def train(*arguments: str) -> tuple[str, ...]:
    return ("train", "--text", "kites.txt", "--tokenizer", "characters", "--steps", "3", *arguments)


class TestHelp:
    def test_of_the_whole_names_every_command_and_the_exit_codes(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["--help"])
        text = capsys.readouterr().out
        assert ended.value.code == 0
        assert "exit codes" in text and "{" not in text
        assert [line.split()[0] for line in text.splitlines() if line.startswith("    ")] == COMMANDS

    @pytest.mark.parametrize("command", COMMANDS)
    def test_of_a_command_can_be_printed(self, command):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])

    def test_it_is_installed_as_llmviz(self):
        (script,) = entry_points(group="console_scripts", name="llmviz")
        assert script.load() is main


@pytest.mark.slow
def test_where_the_system_is_not_utf_8_files_and_pipes_are_read_and_written_as_anywhere(place):
    """As with Windows' cp1252, and stricter: here files and pipes are ASCII where a program names no encoding."""
    text = "Mia’s café – “rouge”.\r\n" * 80
    Path("accents.txt").write_bytes(text.encode())
    commands = ["doctor", "models", "restore --list", "restore 0 --folder .", "restore 0 --folder .", "check kites.txt",
                "train --text accents.txt --tokenizer characters --steps 1 --out m", "generate Mia --max-tokens 2",
                "export 00_start_here.ipynb"]  # fmt: skip
    program = f"""
import locale, shlex
from llmviz.cli import main
assert locale.getencoding() in ("US-ASCII", "ANSI_X3.4-1968"), locale.getencoding()
for command in {commands!a}:
    assert main(shlex.split(command)) == 0, command
"""
    system = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, **system}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    tokenizer = checkpoints.load(place / "m").tokenizer
    line = text.splitlines()[0]
    assert tokenizer.decode(tokenizer.encode(line)) == line


def test_a_process_that_starts_anew_computes_the_same():
    """Windows and macOS start processes so (spawn): nothing is inherited, the model comes through a pickle."""
    model = artifacts.load_model("tiny").model
    given = {"max_new_tokens": 3, "temperature": 1.0, "seed": 0}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(generate, (model, [1, 2]), given) == generate(model, [1, 2], **given)


class TestCheck:
    def test_says_of_each_line_whether_the_world_could_have_said_it(self, say, tmp_path):
        texts = [text.text for text in Tinyville().texts(5, counts={"story": 2, "fact": 2, "visit": 2})]
        wrong = "Mia found a red kite on the moon."
        (tmp_path / "texts.txt").write_text("\n".join([*texts, "", wrong, "  "]), "utf-8")
        code, lines = say("check", str(tmp_path / "texts.txt"), "--json")
        assert code == 0
        assert last_json(lines) == {"valid": 6, "total": 7}
        assert [line.split()[1] for line in lines[:7]] == ["yes"] * 6 + ["no"]
        assert Tinyville().check(wrong).message in lines[6]
        assert lines[7] == "6 of 7 could come from Tinyville."

    def test_reads_from_a_pipe(self, say, monkeypatch):
        fact = Tinyville.facts[0].sentences[0]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"\ufeff{fact}\r\ncafé\r\n".encode())))
        code, lines = say("check", "-", "--json")
        assert (code, last_json(lines)) == (0, {"valid": 1, "total": 2})


class TestGenerate:
    def test_goes_on_with_the_prompt_by_the_model_that_ships(self, say):
        code, lines = say("generate", "Mia found", "--json")
        (text,) = last_json(lines)["texts"]
        assert code == 0
        assert lines[0] == text
        assert text.startswith("Mia found ")

    def test_gives_the_same_for_the_same_seed_and_text_i_that_of_seed_plus_i(self, say):
        _, lines = say("generate", "Mia", "--samples", "4", "--seed", "3", "--temperature", "1.5")
        assert say("generate", "Mia", "--samples", "4", "--seed", "3", "--temperature", "1.5")[1] == lines
        assert say("generate", "Mia", "--seed", "5", "--temperature", "1.5")[1] == [lines[2]]
        assert len(set(lines)) > 1

    def test_reads_the_end_of_a_prompt_that_is_longer_than_the_context(self, say):
        prompt = "Mia found a red kite. " * 60 + "Tara"
        _, lines = say("generate", prompt, "--max-tokens", "3", "--temperature", "0")
        _, short = say("generate", prompt[-1000:], "--max-tokens", "3", "--temperature", "0")
        assert lines[0].startswith(prompt)
        assert lines[0].removeprefix(prompt) == short[0].removeprefix(prompt[-1000:]) != ""


class TestModels:
    """What --model takes: a folder, a file in it, or a name that is known elsewhere."""

    @pytest.mark.parametrize("name", ["m", "m/checkpoint.json", "m/weights*"])
    def test_a_checkpoint_by_its_folder_or_a_file_in_it(self, place, say, name):
        say(*train("--out", "m"))
        [path] = place.glob(name)
        assert say("generate", "Mia", "--model", str(path), "--max-tokens", "2")[0] == 0

    def test_a_weight_file_opens_its_folder_and_a_gguf_file_is_a_model(self, place, monkeypatch, capsys):
        opened = []

        def load(source):
            opened.append(source)
            raise ValueError("opened")

        monkeypatch.setattr("llmviz.pretrained.load", load)
        for name in ("hub/config.json", "hub/model.safetensors", "M.GGUF"):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text("")
        names = ["hub/model.safetensors", "hub", "M.GGUF"]
        for name in names:
            assert main(["generate", "--model", name]) == 1
        assert opened == names


class TestDevice:
    @pytest.mark.parametrize("command", [("generate", "Mia"), train()])
    def test_a_device_that_is_not_here_is_refused(self, place, monkeypatch, capsys, command):
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        assert main([*command, "--device", "cuda"]) == 1
        assert "no cuda device" in capsys.readouterr().err
        assert sorted(path.name for path in place.iterdir()) == ["kites.txt"]

    def test_the_best_that_is_here_is_taken(self, monkeypatch):
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        assert [runs.choose_device(name).type for name in (None, "mps", "cpu")] == ["mps", "mps", "cpu"]
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        assert runs.choose_device().type == "cuda"

    def test_training_says_where_it_computes(self, place, say):
        _, lines = say(*train("--out", "m", "--device", "cpu"))
        assert ", on cpu; " in lines[0]


class TestTrain:
    def test_makes_a_folder_from_which_generate_goes_on(self, place, say):
        code, lines = say(*train("--out", "model", "--seed", "4", "--json"))
        report = last_json(lines)
        assert code == 0
        assert report.keys() == {
            "seconds", "steps", "tokens", "parameters", "validation_loss", "unknown_tokens", "seed", "folder"
        }  # fmt: skip
        assert (report["steps"], report["tokens"], report["seed"], report["folder"]) == (3, 768, 4, "model")
        checkpoint = checkpoints.load("model")
        assert report["parameters"] == checkpoint.model.n_parameters
        assert checkpoint.record["command"] == (
            "llmviz train --text kites.txt --tokenizer characters --steps 3 --seed 4"
        )
        code, lines = say("generate", "Mia", "--model", "model", "--max-tokens", "5", "--json")
        assert code == 0
        assert last_json(lines)["texts"][0].startswith("Mia")

    @pytest.mark.filterwarnings("ignore:.*unknown tokens")
    @pytest.mark.parametrize("tokenizer", ["bpe", "word", "characters"])
    def test_with_each_tokenizer_the_text_continues_the_prompt(self, place, say, tokenizer):
        say(*f"train --text kites.txt --tokenizer {tokenizer} --vocab-size 300 --steps 60 --out m".split())
        options = ["--model", "m", "--temperature", "0", "--max-tokens", "3", "--json"]
        (text,) = last_json(say("generate", "Mia found", *options)[1])["texts"]
        assert text.startswith("Mia found ")
        assert last_json(say("generate", "", *options)[1])["texts"] != [""]

    def test_finds_a_free_folder_by_itself(self, place, say):
        for folder in ("001", "002"):
            assert last_json(say(*train("--json"))[1])["folder"] == str(Path("runs") / folder)

    def test_resumes_and_says_when_there_is_nothing_left_to_do(self, place, say):
        first = last_json(say(*train("--out", "model", "--json"))[1])
        code, lines = say("train", "--resume", "model", "--json")
        assert code == 0
        assert lines[0] == "The run in model is over after 3 steps. To go on: llmviz train --resume model --steps 100"
        assert last_json(lines) == first

    def test_stops_early_when_the_loss_is_reached(self, place, say, monkeypatch):
        monkeypatch.setattr(cli, "_DEFAULT_MOST_STEPS", 200)
        command = "train --text kites.txt --tokenizer characters --until-loss 50 --json"
        report = last_json(say(*command.split())[1])
        assert report["steps"] == 25
        assert report["validation_loss"] <= 50

    def test_a_new_goal_and_more_steps_are_for_a_resumed_run(self, place, say):
        command = "train --text kites.txt --tokenizer characters --steps 60 --until-loss 50 --out m --json"
        assert last_json(say(*command.split())[1])["steps"] == 25
        assert last_json(say("train", "--resume", "m", "--json")[1])["steps"] == 25
        assert last_json(say("train", "--resume", "m", "--steps", "5", "--json")[1])["steps"] == 30
        again = ("--steps", "60", "--until-loss", "50", "--json")
        assert last_json(say("train", "--resume", "m", *again)[1])["steps"] == 50

    def test_a_run_in_a_folder_that_another_one_uses_is_refused(self, place, capsys):
        main(train("--out", "model"))
        with runs.lock("model"):
            child = TestAsAProgram().run("train", "--resume", "model", "--steps", "2")
        assert (child.returncode, child.stdout) == (1, "")
        said = "another program is training in model; wait for its end, or use another folder"
        assert child.stderr == f"llmviz train: {said}\n"
        assert not list(Path("model").glob(".lock"))

    @pytest.mark.slow
    def test_two_started_together_take_different_folders(self, place):
        command = [sys.executable, "-m", "llmviz", *train("--json")]
        own = {"PYTHONPATH": str(Path(cli.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        started = [
            subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)
        ]
        folders = {json.loads(one.communicate()[0].splitlines()[-1])["folder"] for one in started}
        assert folders == {str(Path("runs") / name) for name in ("001", "002")}
        assert all(checkpoints.load(folder).step == 3 for folder in folders)

    def test_a_run_that_cannot_begin_leaves_no_folder(self, place, say):
        Path("small.txt").write_text("abc")
        assert say("train", "--text", "small.txt")[0] == 1
        assert not Path("runs").exists()
        Path("mine").mkdir()
        assert say("train", "--text", "small.txt", "--out", "mine")[0] == 1
        assert Path("mine").is_dir()

    def test_printed_commands_can_be_pasted(self, place, say):
        _, lines = say(*train("--out", "my model"))
        assert "llmviz generate --model 'my model' \"Mia found\"" in lines[-1]
        assert "llmviz train --resume 'my model' --steps 100" in say("train", "--resume", "my model")[1][0]

    def test_says_how_much_of_the_text_is_unknown(self, place, say, capsys, recwarn):
        _, lines = say(*train("--tokenizer", "word", "--vocab-size", "8", "--json"))
        shares = last_json(lines)["unknown_tokens"]
        ids = checkpoints.load("runs/001").tokenizer.encode(LINES[: len(LINES) - len(LINES) // 10])
        unknown = checkpoints.load("runs/001").tokenizer.unknown
        assert shares["training"] == pytest.approx(ids.count(unknown) / len(ids), abs=1e-4) and shares["training"] > 0.2

    def test_for_so_many_seconds_fixes_the_steps_and_writes_them_down(self, place, say):
        command = "train --text kites.txt --tokenizer characters --seconds 0.2 --out m --json"
        report = last_json(say(*command.split())[1])
        assert report["steps"] == checkpoints.load("m").settings.steps >= 1

    def test_on_tinyville_compares_with_the_world(self, place, say, monkeypatch):
        monkeypatch.setattr("llmviz.tinyville.corpus.DEFAULT_COUNTS", {"fact": 60, "visit": 20})
        monkeypatch.setattr(corpora, "_HELD_OUT_TEXTS", 30)
        code, lines = say("train", "--tokenizer", "bpe", "--vocab-size", "300", "--steps", "2", "--json")
        report = last_json(lines)
        assert code == 0
        assert report["entropy"].keys() == report["gap"].keys() == {"fact", "visit"}
        assert report["seconds"] > 0


class TestAsAProgram:
    def run(self, *arguments: str, **more) -> subprocess.CompletedProcess:
        own = {"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "llmviz", *arguments], env={**os.environ, **own}, capture_output=True,
            encoding="utf-8", check=False, **more,
        )  # fmt: skip

    def test_it_says_the_same_as_in_process(self, say):
        program = self.run("generate", "Mia found", "--seed", "3", "--json")
        assert (program.returncode, program.stderr) == (0, "")
        assert program.stdout.splitlines() == say("generate", "Mia found", "--seed", "3", "--json")[1]

    def test_its_exit_code_tells_what_happened(self, tmp_path):
        assert self.run("check", str(tmp_path / "nothing.txt")).returncode == 1
        assert self.run("dance").returncode == 2
        assert self.run().returncode == 2
