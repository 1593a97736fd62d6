"""What runs for each student: their home is made ready, then their server starts in its place.

    python -m llmviz.classroom.student --shared FOLDER

The hub's configuration names this command, so that it runs as the student, under every spawner and in a container.
"""

import argparse
import hashlib
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from llmviz import files, lab
from llmviz.classroom.home import FIRST_LESSON, prepare_home

CULL_KERNELS_AFTER = 3600
KERNEL_INFO_SECONDS = 120
# A kernel's sockets are files, /folder/kernel-<36 characters>-ipc-1, and a system takes at most 103 characters.
LONGEST_RUNTIME_FOLDER = 103 - len("/kernel--ipc-12") - 36


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the home ready and become the student's server; what is not understood here belongs to that server."""
    parser = argparse.ArgumentParser(description="Make a student's home ready and start their server.")
    parser.add_argument("--home", type=Path, default=Path.home(), help="where their lessons go (default: their home)")
    parser.add_argument("--shared", type=Path, help="what all share: the list of fonts, made once for the class")
    given, rest = parser.parse_known_args(arguments)
    home = given.home.absolute()
    os.environ["HOME"] = str(home)  # in a container it is a volume, and what Jupyter notes down must go there, too
    prepare_home(home, files.CHECKOUT / "notebooks", given.shared)
    os.chdir(home)
    command = [sys.executable, "-m", "jupyterhub.singleuser", *settings(home), *rest]
    os.execve(sys.executable, command, environment(home))


def settings(home: Path) -> list[str]:
    """What we ask of the student's server: our first lesson, no network, and what thirty at once need."""
    options = [
        f"--ServerApp.root_dir={home}",
        f"--ServerApp.default_url=/lab/workspaces/llmviz/tree/{FIRST_LESSON}",
        *lab.QUIET,
        "--ServerApp.websocket_ping_timeout=30000",
        # Thirty kernels that start at once pick the same TCP ports; sockets that are files cannot collide.
        "--KernelManager.transport=ipc",
        # In the rush a kernel may take long to say who it is.
        f"--MappingKernelManager.kernel_info_timeout={KERNEL_INFO_SECONDS}",
        # A kernel that nobody used for an hour gives its memory back, even behind an open tab.
        f"--MappingKernelManager.cull_idle_timeout={CULL_KERNELS_AFTER}",
        "--MappingKernelManager.cull_interval=300",
        "--MappingKernelManager.cull_connected=True",
    ]
    if os.geteuid() == 0:  # only where the hub itself runs as root, to try it in a container
        options.append("--ServerApp.allow_root=True")
    return options


def environment(home: Path) -> dict[str, str]:
    """The student's environment: one thread for torch, our pages, and a short folder for the kernel's sockets."""
    own = [str(lab.PAGE_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(own),
        "JUPYTER_RUNTIME_DIR": str(runtime_folder(home)),
    }


def runtime_folder(home: Path, parent: Path = Path("/tmp")) -> Path:
    """A folder with a short path that belongs to this student alone; the same one every time.

    Raises PermissionError when somebody else made a folder of that name, which would let them into the kernels.
    """
    name = hashlib.sha256(f"{os.geteuid()} {home}".encode()).hexdigest()[:12]
    folder = parent / f"llmviz-{name}"
    if len(str(folder)) > LONGEST_RUNTIME_FOLDER:
        raise ValueError(f"{folder} is too long for a kernel's sockets: at most {LONGEST_RUNTIME_FOLDER} characters")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else; the administrator of this machine can remove it")
    folder.chmod(0o700)
    return folder


if __name__ == "__main__":
    main()
