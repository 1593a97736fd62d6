"""Where the files that ship beside the code are found: vocabularies, word vectors, trained models."""

import os
from pathlib import Path

DATA_VARIABLE = "LLMVIZ_DATA"
CACHE_VARIABLE = "LLMVIZ_CACHE"


def data_folder() -> Path:
    """Say in which folder the data files should be: $LLMVIZ_DATA if set, else `data/` of the checkout."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(__file__).resolve().parent.parent / "data"


def cache_folder() -> Path:
    """Say where downloads are kept: $LLMVIZ_CACHE if set, else the user's cache folder of this system."""
    import pooch

    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("llmviz")).expanduser()


def data_path(name: str) -> Path:
    """Find a shipped data file (or folder) by its name inside `data/`, such as "r50k_base.tiktoken.xz".

    Raises FileNotFoundError with a sentence that says where it looked and what to do.
    """
    folder = data_folder()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The folder with llmviz's data files was looked for at {folder} and is not there. Run llmviz "
            f"from its checkout (git clone, then make setup), or set {DATA_VARIABLE} to its data folder."
        )
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(
            f"The data file {name!r} was looked for in {folder} and is not there. "
            "Bring it back with: git checkout -- data (data/README.md says what each file is)."
        )
    return path
