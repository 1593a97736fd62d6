"""Command lines in odd places, each as a program of its own: no traceback, no hang, no file lost."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from llmviz import cli, corpora
from llmviz.model.config import ModelConfig
from llmviz.training import checkpoints, runs

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX: pipes, limits")]

LINES = "".join(f"Mia found {number} red kites, and {number * 7 % 10} of them flew.\n" for number in range(80))
GENERATE = ("generate", "Mia", "--max-tokens", "2", "--model", "run")
TRAIN = ("train", "--text", "kites.txt", "--tokenizer", "characters", "--steps", "3")
RESUME = ("train", "--resume", "run", "--steps", "2")
CHECK = ("check", "kites.txt")
ODD_NAMES = ["a b.txt", "new\nline.txt", "-dash.txt", "'quote\".txt", "연🪁.txt", "$HOME;ls.txt", "*.txt", "x" * 240]
CLOSED_PIPE, FULL = "closed pipe", "/dev/full"


def case(name, arguments, **options):
    """options: env (None removes a variable), cwd, stdin, stdout, stderr, largest_file, works (the exit code is 0)."""
    return pytest.param(arguments, options, id=name)


def odd_places():
    homes = {"no HOME": None, "empty HOME": "", "missing HOME": "/nonexistent", "HOME is a file": "/etc/hostname"}
    for name, home in homes.items():
        for arguments in (CHECK, GENERATE):
            yield case(f"{name}, {arguments[0]}", arguments, env={"HOME": home, "XDG_CACHE_HOME": None}, works=True)
    yield case("no HOME, models", ("models",), env={"HOME": None, "XDG_CACHE_HOME": None}, works=True)
    for folder in ("/proc", "/sys"):  # read-only also for root
        yield case(f"in {folder}, train", ("train", "--steps", "1", "--text", "/etc/services"), cwd=folder)
        yield case(f"in {folder}, export", ("export", "--out", "pages"), cwd=folder)
        yield case(f"out in {folder}", (*TRAIN, "--out", f"{folder}/new"))
    yield case("a folder that was removed", CHECK, cwd="removed")
    yield case("a folder that was removed, train", TRAIN, cwd="removed")
    for size in (0, 2_000, 30_000):
        yield case(f"files of at most {size} bytes, train", TRAIN, largest_file=size)
        yield case(f"files of at most {size} bytes, resume", RESUME, largest_file=size)
    yield case("files of at most 9 bytes, export", ("export",), largest_file=9)
    for name in ODD_NAMES:
        yield case(f"the name {name[:9]!r}", ("check", "--", name))
    for name in ODD_NAMES[:4]:
        yield case(f"the folder {name!r}", (*TRAIN, f"--out={name}.run"), works=True)


def odd_channels_and_settings():
    for arguments in (CHECK, GENERATE, TRAIN, ("restore", "--list"), ("train", "--help")):
        yield case(f"full disk behind the output, {' '.join(arguments[:2])}", arguments, stdout=FULL)
        yield case(f"closed pipe, {' '.join(arguments[:2])}", arguments, stdout=CLOSED_PIPE)
    yield case("closed pipe for errors", ("check", "nothing"), stderr=CLOSED_PIPE)
    yield case("full disk for errors, train", TRAIN, stderr=FULL)
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"},
                   {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "nonsense"}):  # fmt: skip
        for arguments in (("check", "연🪁.txt"), GENERATE):
            yield case(f"locale {' '.join(locale.values())}, {arguments[0]}", arguments, env=locale)
    for value in ("/nonexistent", "kites.txt"):
        yield case(f"LLMVIZ_DATA={value}", ("generate", "Mia", "--max-tokens", "2"), env={"LLMVIZ_DATA": value})
        yield case(f"LLMVIZ_CACHE={value}", ("models",), env={"LLMVIZ_CACHE": value})
    for setting in ("TMPDIR=/nonexistent", "COLUMNS=1", "COLUMNS=many", "WORLD_SIZE=2", "WORLD_SIZE=many", "TERM=dumb"):
        yield case(setting, TRAIN, env=dict([setting.split("=")]))
    yield case("no input", ("check", "-"), stdin="closed")
    yield case("no output", CHECK, stdout="closed", works=True)
    yield case("no output, train", TRAIN, stdout="closed", stderr="closed", works=True)
    yield case("half a character", ("generate", os.fsdecode(b"Mia \xff"), "--model", "run"))
    yield case("half a character in a name", ("check", os.fsdecode(b"a\xff")))


CASES = [*odd_places(), *odd_channels_and_settings()]


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A folder with texts and a small run."""
    folder = tmp_path_factory.mktemp("template")
    for name in ("kites.txt", *ODD_NAMES):
        (folder / name).write_text(LINES + "연 🪁\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "ModelConfig", partial(ModelConfig, d_model=16, n_layers=1, n_heads=2, d_ff=32))
        patch.setattr(runs, "TOKENS_PER_STEP", 128)
        runs.create(corpora.from_file(folder / "kites.txt"), tokenizer="characters", steps=2).train(folder / "run")
    card = (folder / "run" / "checkpoint.json").read_text("utf-8")
    (folder / "run" / "checkpoint.json").write_text(card.replace(str(folder), "."), "utf-8")
    return folder


@pytest.fixture(scope="module")
def totals():
    counts = {"command lines": 0, "longest, in seconds of processor": 0.0}
    yield counts
    print(f"\n{counts}")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def prepare(cwd, channels, largest_file):
    """What happens in the new process before the program starts."""
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    for number, channel in enumerate(channels):
        if channel == "closed":
            os.close(number)
    if cwd == "removed":
        os.mkdir("removed")
        os.chdir("removed")
        os.rmdir("../removed")


def run(arguments, place: Path, *, env=None, cwd="", stdin=None, stdout=None, stderr=None, largest_file=None):
    """Exit code, what was said on stderr, and seconds of processor time."""
    own = {"PYTHONPATH": str(Path(cli.__file__).parents[1]), "OMP_NUM_THREADS": "1", **(env or {})}
    environment = {name: value for name, value in {**os.environ, **own}.items() if value is not None}

    channels = []
    for channel in (stdout, stderr):
        reading, writing = os.pipe()
        if channel == FULL:
            os.close(writing)
            writing = os.open(FULL, os.O_WRONLY)
        if channel == CLOSED_PIPE:
            os.close(reading)
            reading = None
        channels.append((reading, writing))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = partial(prepare, cwd, (stdin, stdout, stderr), largest_file)
    process = subprocess.Popen(
        [sys.executable, "-m", "llmviz", *arguments], cwd=place if cwd == "removed" else place / cwd, env=environment,
        stdin=subprocess.DEVNULL, stdout=channels[0][1], stderr=channels[1][1], preexec_fn=start,
    )  # fmt: skip
    for _, writing in channels:
        os.close(writing)
    said = [b"" if reading is None else Path(f"/dev/fd/{reading}").read_bytes() for reading, _ in channels]
    code, after = process.wait(120), resource.getrusage(resource.RUSAGE_CHILDREN)
    for reading, _ in channels:
        if reading is not None:
            os.close(reading)
    return code, said[1].decode(errors="replace"), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("arguments", "options"), CASES)
def test_a_command_in_an_odd_place(template, tmp_path, totals, arguments, options):
    place = shutil.copytree(template, tmp_path / "place")
    works = options.get("works", False)
    before, began = contents(place), time.monotonic()
    code, errors, seconds = run(arguments, place, **{key: value for key, value in options.items() if key != "works"})
    assert "Traceback" not in errors and "Exception ignored" not in errors, errors
    assert code in ((cli.OK,) if works else (cli.OK, cli.FAILED, cli.USAGE)), errors
    # An idle processor needs 3 s at most; one that also does other work counted up to 12.
    assert seconds < 30 and time.monotonic() - began < 100
    after = contents(place)
    kept = {name: content for name, content in before.items() if not name.startswith("run/")}
    assert kept.items() <= after.items()
    assert checkpoints.load(place / "run").step >= 2
    assert not [name for name in after if name.endswith((".part", ".lock"))]
    totals["command lines"] += 1
    totals["longest, in seconds of processor"] = max(seconds, totals["longest, in seconds of processor"])


def test_there_are_at_least_sixty():
    assert len(CASES) >= 60
