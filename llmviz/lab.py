"""Open the lessons in JupyterLab (`llmviz lab`): trusted, at the first lesson, without any request to the network."""

import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from llmviz.files import IS_INSTALLED, NOTEBOOKS, ROOT, learners_folder, write_atomically

FIRST_LESSON = "00_start_here.ipynb"
PAGE_SETTINGS = Path(__file__).resolve().parent / "jupyter"  # the learner's own settings override these
# No news, no search for updates, no list of extensions, few messages.
QUIET_OPTIONS = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--Application.log_level=WARN",
)


def run(arguments: list[str]) -> int:
    """Run JupyterLab with [notebook or folder (default: the first lesson), *its options]; return the exit code.

    Raises FileNotFoundError where there is no notebook.
    """
    notebook, options = _split(arguments)
    print(f"Opening {notebook.name} in JupyterLab. The address follows; Ctrl-C twice stops it.", flush=True)
    trust(sorted(notebook.parent.glob("*.ipynb")))
    search_path = [str(PAGE_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(search_path)
    from jupyterlab.labapp import LabApp  # takes a second to import

    LabApp.launch_instance([*_options(notebook), *options])
    return 0


def trust(paths: Iterable[Path]) -> None:
    """Sign notebooks in Jupyter's own database, as `jupyter trust` does; a broken one is named and left out."""
    # jsonschema would build a grammar of web addresses, which takes two seconds; no notebook is checked for them.
    sys.modules.setdefault("rfc3987_syntax", None)
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    try:
        for path in paths:
            try:
                with warnings.catch_warnings(action="ignore"):  # about cells without an id, as older editors write them
                    notebook = nbformat.read(path, as_version=4)
            except Exception:  # whatever a strange file does to nbformat: the others are signed
                print(f"{path.name} is broken. Bring it back: llmviz restore {path.stem}", flush=True)
            else:
                notary.sign(notebook)
    finally:
        notary.store.close()


def _split(arguments: list[str]) -> tuple[Path, list[str]]:
    """Split off the notebook to open; the other arguments belong to JupyterLab."""
    if not arguments or arguments[0].startswith("-"):
        folder = learners_folder()
        if IS_INSTALLED:
            _copy_course(folder)
        if not (folder / FIRST_LESSON).exists():
            raise FileNotFoundError(f"{folder / FIRST_LESSON} is missing. Bring it back: llmviz restore 0")
        return folder / FIRST_LESSON, list(arguments)
    path = Path(arguments[0]).resolve()
    notebooks = [path] if path.suffix == ".ipynb" and path.is_file() else sorted(path.glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"There is no notebook at {path}. Give a file that ends in .ipynb, or its folder.")
    return notebooks[0], list(arguments[1:])


def _copy_course(notebooks: Path) -> None:
    """Copy the lessons and the pages that they link to out of the package; what is there already stays as it is."""
    target = notebooks.parent if notebooks.name == "notebooks" else notebooks
    places = {path: notebooks / path.name for path in NOTEBOOKS.glob("*.*")}
    places |= {path: target / path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.*")}
    missing = {path: place for path, place in places.items() if not place.exists()}
    for path, place in missing.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, path.read_bytes())
    print(f"The lessons are in {notebooks}{f' ({len(missing)} new files)' if missing else ''}.", flush=True)


def _options(notebook: Path) -> list[str]:
    root = notebook.parent
    if root.name == "notebooks" and root in (NOTEBOOKS, learners_folder()):
        root = root.parent  # the lessons link to ../docs
    options = [
        f"--ServerApp.root_dir={root}",
        # A workspace of its own: tabs of other projects do not open.
        f"--LabApp.default_url=/lab/workspaces/llmviz/tree/{quote(notebook.relative_to(root).as_posix())}",
        *QUIET_OPTIONS,
        "--KernelManager.transport_encryption=auto",
        "--ServerApp.websocket_ping_timeout=30000",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # root, as in a container: there is no desktop
        options += ["--ServerApp.allow_root=True", "--ServerApp.open_browser=False"]
    return options
