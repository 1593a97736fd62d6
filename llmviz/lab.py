"""Open the lessons in JupyterLab: quiet, offline, trusted, at the first lesson.

The learner types `make lab`, or `python -m llmviz lab`. Nothing here asks the network: no news, no search for
updates, no list of extensions.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from llmviz.files import CHECKOUT, NOTEBOOKS

FIRST_LESSON = NOTEBOOKS / "00_start_here.ipynb"
# Settings for JupyterLab's pages; the learner's own, if there are any, stay above them.
PAGE_SETTINGS = Path(__file__).resolve().parent / "jupyter"
# Options with which JupyterLab asks the network nothing and says little.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--Application.log_level=WARN",
)


def run(arguments: list[str]) -> int:
    """Open JupyterLab at the first lesson, or at the notebook or folder that is named first; return the exit code.

    `arguments` are an optional path and whatever JupyterLab itself takes, for example
    `["--no-browser", "--port", "8899"]`. The call lasts until the server is stopped with Ctrl-C.
    A path that does not exist, or a package without its notebooks, gets a sentence and exit code 1.
    """
    try:
        notebook, options = _split(arguments)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    trust(notebook.parent)
    search_path = [str(PAGE_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(search_path)
    from jupyterlab.labapp import LabApp  # takes a second to load, and only this command needs it

    print(f"Opening {notebook.name} in JupyterLab. The address follows; Ctrl-C twice stops it.", flush=True)
    LabApp.launch_instance([*_settings(notebook), *options])
    return 0


def trust(folder: Path) -> int:
    """Mark the notebooks of a folder as trusted, so that their pictures and controls show; return how many.

    Same as `jupyter trust folder/*.ipynb`: a signature of each notebook goes into Jupyter's own database on this
    machine. The notebooks themselves do not change.
    """
    paths = sorted(folder.glob("*.ipynb"))
    trust_files(paths)
    return len(paths)


def trust_files(paths: Iterable[Path]) -> None:
    """Mark these notebooks as trusted, and no others; one that is broken is named and left out."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    try:
        for path in paths:
            try:
                notary.sign(nbformat.read(path, as_version=4))
            except (ValueError, AttributeError, nbformat.ValidationError, OSError):
                print(f"{path.name} is broken. Bring it back: llmviz restore {path.stem}", flush=True)
    finally:
        notary.store.close()


def _split(arguments: list[str]) -> tuple[Path, list[str]]:
    """Take the notebook to open off the front of the arguments; the rest belongs to JupyterLab."""
    if not arguments or arguments[0].startswith("-"):
        if not FIRST_LESSON.exists():
            raise FileNotFoundError(
                f"The lessons are not there: {FIRST_LESSON} does not exist. llmviz opens them from its checkout; "
                "get the whole repository, or name a notebook: llmviz lab my_notebook.ipynb"
            )
        return FIRST_LESSON, list(arguments)
    path = Path(arguments[0]).resolve()
    notebooks = [path] if path.suffix == ".ipynb" and path.is_file() else sorted(path.glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(
            f"There is no notebook at {path}. Give a file that ends in .ipynb or a folder that holds one, "
            "or nothing, to open the first lesson."
        )
    return notebooks[0], list(arguments[1:])


def _settings(notebook: Path) -> list[str]:
    """What we ask of JupyterLab; options of the learner's come after these."""
    root = CHECKOUT if notebook.is_relative_to(CHECKOUT) else notebook.parent
    place = quote(notebook.relative_to(root).as_posix())
    settings = [
        f"--ServerApp.root_dir={root}",
        # A workspace of our own: the tabs of the learner's other projects stay out of the lesson.
        f"--LabApp.default_url=/lab/workspaces/llmviz/tree/{place}",
        *QUIET,
        # Kernels that can talk in cipher do; and the server and its pages agree on when one is gone.
        "--KernelManager.transport_encryption=auto",
        "--ServerApp.websocket_ping_timeout=30000",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # root, as in a container: there is no desktop to open
        settings += ["--ServerApp.allow_root=True", "--ServerApp.open_browser=False"]
    return settings
