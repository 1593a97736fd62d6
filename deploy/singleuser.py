"""Start one student's server, as the student: python deploy/singleuser.py [--home DIR] [--fonts DIR] [server options]

First it copies the lessons into the home. Those that the student has not changed follow the teacher's at every start.
"""

import argparse
import hashlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path

from llmviz import lab
from llmviz.files import NOTEBOOKS, lesson_files

RECORD = ".copied.json"  # in a student's notebooks: the fingerprint of each lesson as it was copied last
# A kernel's sockets are files, FOLDER/kernel-<36 characters>-ipc-1, and a system allows 103 characters.
LONGEST_RUNTIME_FOLDER = 103 - len("/kernel--ipc-12") - 36


def main():
    """Prepare the home, then become the server; options that are not ours go to it."""
    parser = argparse.ArgumentParser(description="Prepare a student's home and start their server.")
    parser.add_argument("--home", type=Path, default=Path.home(), help="where their lessons go (default: their home)")
    parser.add_argument("--fonts", type=Path, help="a folder with matplotlib's list of fonts, for everybody")
    given, others = parser.parse_known_args()
    home = given.home.absolute()
    os.environ["HOME"] = str(home)  # in a container it is a volume, where Jupyter's own files must go, too
    lab.trust(home / "notebooks" / name for name in copy_lessons(NOTEBOOKS, home / "notebooks"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "matplotlib"
    cache.mkdir(parents=True, exist_ok=True)
    for fonts in given.fonts.glob("fontlist-*.json") if given.fonts else ():  # else matplotlib spends seconds on it
        shutil.copyfile(fonts, cache / fonts.name)
    os.chdir(home)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    own = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(lab.PAGE_SETTINGS), *([own] if own else [])])
    os.environ["JUPYTER_RUNTIME_DIR"] = str(runtime_folder(home, Path("/tmp")))
    command = [sys.executable, "-m", "jupyterhub.singleuser", *server_options(home), *others]
    os.execve(sys.executable, command, os.environ)


def server_options(home):
    """The options of a student's server."""
    return [
        f"--ServerApp.root_dir={home}",
        f"--ServerApp.default_url=/lab/workspaces/llmviz/tree/notebooks/{lab.FIRST_LESSON}",
        *lab.QUIET_OPTIONS,
        "--ServerApp.websocket_ping_timeout=30000",
        # Thirty kernels that start together choose the same TCP ports; sockets that are files cannot collide.
        "--KernelManager.transport=ipc",
        "--MappingKernelManager.kernel_info_timeout=120",
        # A kernel that was idle for an hour is stopped, also behind an open page.
        "--MappingKernelManager.cull_idle_timeout=3600",
        "--MappingKernelManager.cull_interval=300",
        "--MappingKernelManager.cull_connected=True",
        *(["--ServerApp.allow_root=True"] if os.geteuid() == 0 else []),
    ]


def copy_lessons(lessons, target):
    """Copy lessons that are new or that the student has not changed; return the names of those that were copied."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        before = dict(json.loads((target / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # lost: no lesson of the student's may be overwritten
        before = {}
    record, copied = dict(before), []
    for lesson in lesson_files(lessons):
        copy, new = target / lesson.name, fingerprint(lesson)
        found = fingerprint(copy) if copy.exists() else None
        if found != new and found not in (None, before.get(lesson.name)):
            continue  # the student has changed it
        record[lesson.name] = new
        if found != new:
            part = copy.with_suffix(".part")
            shutil.copyfile(lesson, part)
            part.replace(copy)
            copied.append(lesson.name)
    if record != before:
        (target / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return copied


def fingerprint(notebook):
    """A hash of the cells' sources alone: JupyterLab saves a notebook that was only opened or run, too."""
    data = notebook.read_bytes()
    try:
        cells = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(data)["cells"]]
        data = json.dumps(cells).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # no notebook any more: it counts as changed
    return hashlib.sha256(data).hexdigest()


def runtime_folder(home, parent):
    """A folder for the kernels' sockets: a short path, readable by this student only, the same one every time."""
    folder = parent / f"llmviz-{hashlib.sha256(f'{os.geteuid()} {home}'.encode()).hexdigest()[:12]}"
    if len(str(folder)) > LONGEST_RUNTIME_FOLDER:
        raise ValueError(f"{folder} is too long for a kernel's sockets: at most {LONGEST_RUNTIME_FOLDER} characters")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user; the administrator of this machine can remove it")
    folder.chmod(0o700)
    return folder


if __name__ == "__main__":
    main()
