"""`make bundle`: what goes onto a stick, and that a laptop without a network can install from it."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from lab_server import NO_WAY_OUT
from linked_wheels import Linked, write_wheel
from packaging.requirements import Requirement

TOOLS = Path(__file__).resolve().parent.parent / "tools"


def load(file: Path):
    """A program of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


packing, installer = load(TOOLS / "make_bundle.py"), load(TOOLS / "bundle" / "install.py")
HERE, PYTHON = packing.this_system(), f"{sys.version_info[0]}.{sys.version_info[1]}"
needs_links = pytest.mark.skipif(os.name == "nt", reason="links to folders need rights that few users have on Windows")


@pytest.mark.parametrize(("marker", "systems"), [
    ("sys_platform == 'win32'", {"win_amd64"}),
    ("platform_system == 'Linux' and platform_machine == 'x86_64'", {"linux_x86_64"}),
    ("os_name != 'nt'", {"linux_x86_64", "linux_aarch64", "macosx_arm64"}),
    ("python_version < '3.12'", set()),
    ("python_full_version < '3.12.5'", set(packing.SYSTEMS)),  # true on some 3.12: it goes along
    ("extra == 'test'", set()),
])  # fmt: skip
def test_markers_are_read_for_the_laptop_and_not_for_this_machine(marker, systems):
    need = Requirement(f"thing; {marker}")
    assert {system for system in packing.SYSTEMS if packing.counts(need, system, "3.12")} == systems


def shelf(needs: dict[str, str]):
    """Downloads from a shelf of made-up packages: name to what it needs, one a line."""

    def download(pins, system, python, folder):
        for pin in pins:
            lines = "".join(f"Requires-Dist: {line}\n" for line in needs[pin.name].splitlines())
            metadata = f"Metadata-Version: 2.1\nName: {pin.name}\nVersion: 1.0\n{lines}"
            yield write_wheel(folder, pin.name, "1.0", {"info/METADATA": metadata, f"{pin.name}.py": "x = 1\n"})

    return download


SHELF = {
    "lab": "Core[fast]>=0.5\ncolor; sys_platform == 'win32'\nposix; os_name == 'posix'",
    "core": "speed; extra == 'fast'\nmany; extra == 'all'\nlab",  # a circle
    "color": "", "posix": "", "speed": "", "many": "",
}  # fmt: skip


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout to pack, with what must not be packed."""
    root = tmp_path / "checkout"
    for name, text in {
        "llmviz/__init__.py": "", "llmviz/__pycache__/x.pyc": "", "notebooks/00_start_here.ipynb": "{}",
        "notebooks/00_start_here.mine-2026-11-22-1.ipynb": "private", "notebooks/.ipynb_checkpoints/x": "",
        "pyproject.toml": '[project]\ndependencies = ["lab"]\n[build-system]\nrequires = []\n',
        "constraints.txt": "".join(f"{name}==1.0\n" for name in SHELF), ".git/config": "", "runs/001/x": "",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(packing, "ROOT", root)
    monkeypatch.setattr(packing, "PACKED", ("llmviz", "notebooks", "pyproject.toml", "constraints.txt"))
    return root


def test_needs_extras_and_circles_are_followed_as_the_target_reads_them(checkout, tmp_path):
    for system, other in (("win_amd64", "color"), ("macosx_arm64", "posix")):
        folder = tmp_path / system
        folder.mkdir()
        pins, n_bytes = packing.collect_wheels(system, "3.12", folder, shelf(SHELF))
        assert pins == sorted(f"{name}==1.0" for name in ("lab", "core", "speed", other))
        unpacked = 0
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                unpacked += sum(len(archive.read(name)) for name in archive.namelist())
        assert n_bytes == unpacked > 0


def test_what_is_not_pinned_is_named(checkout, tmp_path):
    (checkout / "constraints.txt").write_text("lab==1.0\ncore==1.0\nposix==1.0\n")
    with pytest.raises(ValueError, match=r"not pinned in constraints.txt.*: speed"):
        packing.collect_wheels("macosx_arm64", "3.12", tmp_path, shelf(SHELF))


def test_pip_takes_the_pinned_wheel_of_the_target_from_a_folder(tmp_path):
    """Two versions of one package, as constraints.txt has them for two patches of a Python; one is not pinned."""
    shop, got = tmp_path / "shop", tmp_path / "got"
    shop.mkdir()
    got.mkdir()
    for version in ("1.0", "2.0", "3.0"):
        write_wheel(shop, "thing", version, {})
    download = packing.pip_download(SimpleNamespace(wheels=shop, offline=True, torch_index=""))
    download([Requirement("thing==1.0"), Requirement("thing==2.0")], "win_amd64", "3.12", got)
    brought = sorted(path.name.removesuffix("-py3-none-any.whl") for path in got.iterdir())
    assert brought == ["thing-1.0", "thing-2.0"]
    with pytest.raises(FileNotFoundError, match=r"a wheel is missing for win_amd64, Python 3.12, .*nothing==1.0"):
        download([Requirement("nothing==1.0")], "win_amd64", "3.12", got)


@pytest.fixture
def small(checkout, tmp_path):
    """A bundle of the small checkout, for this machine and for Windows."""
    model = tmp_path / "cache" / "minilm-0.1.0"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    return packing.make_bundle([HERE, "win_amd64"], [PYTHON], tmp_path / "out", shelf(SHELF), [model])


def test_a_bundle_holds_the_lessons_twice_and_nothing_private(small):
    lessons = small / "lessons"
    assert {path.relative_to(lessons).as_posix() for path in packing.files_in(lessons)} == {
        "llmviz/__init__.py", "notebooks/00_start_here.ipynb", "pyproject.toml", "constraints.txt", "lessons.zip",
    }  # fmt: skip
    with zipfile.ZipFile(lessons / "lessons.zip") as archive:
        assert archive.namelist() == ["00_start_here.ipynb"]
    assert (small / "models" / "minilm-0.1.0" / "config.json").read_text() == "{}"
    about = json.loads((small / "bundle.json").read_text())
    laptops = {f"{HERE} {PYTHON}", f"win_amd64 {PYTHON}"}
    assert about["requirements"].keys() == about["installed_bytes"].keys() == laptops


def test_every_file_has_its_hash_and_the_archive_holds_the_same(small, tmp_path):
    lines = (small / "SHA256SUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)  # as sha256sum writes it
    files = {path.relative_to(small).as_posix(): path for path in packing.files_in(small)}
    del files["SHA256SUMS"]
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert {"install.py", "install.sh", "install.bat", "READ_ME_FIRST.txt", "bundle.json"} <= listed.keys()
    with zipfile.ZipFile(small.with_name(f"{small.name}.zip")) as archive:
        archive.extractall(tmp_path / "unzipped")
    assert installer.check_files(tmp_path / "unzipped" / small.name) == listed


def test_a_bundle_that_fails_leaves_the_older_one(small, tmp_path):
    with pytest.raises(KeyError):
        packing.make_bundle([HERE, "win_amd64"], [PYTHON], tmp_path / "out", shelf({}), [])
    assert installer.check_files(small)


def refused(call, *arguments) -> str:
    with pytest.raises(installer.InstallError) as error:
        call(*arguments)
    return str(error.value)


def test_the_installer_says_why_it_refuses(small, tmp_path):
    said = refused(installer.choose, {"win_amd64 3.10": []})
    assert "is for win_amd64 3.10" in said and f"--platform {HERE} --python {PYTHON}" in said
    (tmp_path / "thesis.txt").touch()
    assert "holds other things" in refused(installer.check_folder, tmp_path, 1)
    assert "is a file" in refused(installer.check_folder, tmp_path / "thesis.txt", 1)
    assert "GB are needed" in refused(installer.check_folder, tmp_path / "new", 10**18)
    wheel = next((small / "wheels").iterdir())
    wheel.write_bytes(b"x")
    assert f"wheels/{wheel.name} is damaged" in refused(installer.check_files, small)
    wheel.unlink()
    assert "is missing" in refused(installer.check_files, small)
    (small / "SHA256SUMS").unlink()
    assert "SHA256SUMS is missing" in refused(installer.check_files, small)
    (small / "bundle.json").write_text("{")
    assert "damaged" in refused(installer.install, small, small.parent / "laptop")


@pytest.mark.parametrize("version", [(3, 9), (3, 99)])
def test_another_python_gets_a_message_and_no_traceback(small, version):
    """The whole script under a Python that says it is another: it must not fail before the check."""
    program = f"import runpy, sys; sys.version_info = {version}; runpy.run_path(sys.argv[1], None, '__main__')"
    done = subprocess.run([sys.executable, "-c", program, small / "install.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "this bundle is for " in done.stderr and f" {version[0]}.{version[1]}. Start it with" in done.stderr
    assert "Traceback" not in done.stderr


class TestSecondInstallation:
    """What the learner wrote stays, what we changed is new."""

    @pytest.fixture
    def laptop(self, small, tmp_path):
        """A folder that the small bundle was installed into, and what brings the next version."""
        folder = tmp_path / "laptop"
        folder.mkdir()
        lessons = small / "lessons"

        def copy(**changed: str) -> list[str]:
            for name, text in changed.items():
                (lessons / name.replace("__", "/")).write_text(text)
            packing.write_hashes(small)
            return installer.copy_lessons(small, folder, installer.check_files(small))

        (lessons / "README").write_text("one")
        (lessons / "old").write_text("old")
        (lessons / "lesson.ipynb").write_text("one")
        assert copy() == []
        return SimpleNamespace(folder=folder, copy=copy, lessons=lessons)

    def test_what_nobody_touched_is_new_and_what_the_learner_changed_is_kept(self, laptop):
        (laptop.folder / "lesson.ipynb").write_text("mine")
        (laptop.lessons / "old").unlink()
        (laptop.lessons / "lesson.ipynb").write_text("two")
        [kept] = laptop.copy(README="two")
        assert "llmviz restore lesson" in kept
        assert (laptop.folder / "lesson.ipynb").read_text() == "mine"
        assert (laptop.folder / "README").read_text() == "two"
        assert not (laptop.folder / "old").exists()
        (laptop.folder / "README").write_text("mine")
        assert len(laptop.copy(README="three")) == 2
        assert (laptop.folder / "README").read_text() == "three"
        [mine] = laptop.folder.glob("README.mine-*")
        assert mine.read_text() == "mine"

    def test_one_that_was_interrupted_goes_on(self, laptop, monkeypatch):
        new = laptop.folder.with_name("other laptop")
        new.mkdir()
        hashes = installer.check_files(laptop.lessons.parent)

        def cut(source, target):
            Path(target).write_bytes(b"half")
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(installer.shutil, "copyfile", cut)
            installer.copy_lessons(laptop.lessons.parent, new, hashes)
        installer.check_folder(new, 1)
        assert installer.copy_lessons(laptop.lessons.parent, new, hashes) == []
        assert (new / "README").read_text() == "one"


FIRST_CELLS = """
import sys, nbformat
from nbclient import NotebookClient
from traitlets.config import Config
notebook = nbformat.read(sys.argv[1], as_version=4)
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
notebook.cells = code[:4]
cipher = Config({"KernelManager": {"transport_encryption": "auto"}})
NotebookClient(notebook, config=cipher, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[3])
"""


@pytest.mark.slow
@needs_links
def test_a_laptop_without_a_network_installs_looks_and_runs_a_lesson(tmp_path):
    """The whole way: `make_bundle`, `install.py` in an empty environment, `llmviz doctor`, a lesson's cells.

    Real are the bundle, its installer, pip's resolution and installation of every pinned package by its own metadata,
    llmviz itself, the doctor, the kernel. Not real: what is in the wheels. Downloading 345 MB needs a registry, so each
    wheel leads to the modules that are installed here (linked_wheels.py); the bundle with real wheels is made by hand
    before a release (docs/teaching/without_a_network.md tells how, and what it measured).
    """
    made = packing.make_bundle([HERE], [PYTHON], tmp_path / "out", Linked(tmp_path / "links"), [])
    home = tmp_path / "home of Ä. Müller"
    home.mkdir()
    offline = {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": NO_WAY_OUT, "HTTP_PROXY": NO_WAY_OUT, "HTTPS_PROXY": NO_WAY_OUT}
    there = {name: value for name, value in os.environ.items() if not name.startswith(("PIP", "PYTHON", "LLMVIZ"))}
    there |= {**offline, "HOME": str(home), "USERPROFILE": str(home), "PYTHONUTF8": "1"}

    def run(*command):
        done = subprocess.run(command, env=there, cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = run(sys.executable, made / "install.py")
    assert "All is well." in said and f"Open the lessons: {home / 'llmviz-lessons'}" in said
    folder = home / "llmviz-lessons"
    python = folder / ".venv" / "bin" / "python"
    assert run(python, "-c", "import llmviz; print(llmviz.__file__)").strip() == str(folder / "llmviz" / "__init__.py")
    for absent in ("transformers", "pytest", "playwright"):  # what the lessons do not need is not there
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True).returncode == 1
    lesson = folder / "notebooks" / "00_start_here.ipynb"
    run(python, "-c", FIRST_CELLS, lesson, lesson.parent, home / "ran.ipynb")
    ran = nbformat.read(home / "ran.ipynb", as_version=4)
    assert [cell.execution_count for cell in ran.cells] == [1, 2, 3, 4]
    shipped = lesson.read_bytes()
    lesson.write_text("broken", encoding="utf-8")
    assert "from lessons.zip" in run(folder / ".venv" / "bin" / "llmviz", "restore", "0")
    assert lesson.read_bytes() == shipped
    run("sh", "-n", folder / ("open_lessons.command" if sys.platform == "darwin" else "open_lessons.sh"))
    run("sh", "-n", made / "install.sh")
