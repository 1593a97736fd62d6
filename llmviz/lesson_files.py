"""Where the lessons are: the checkout that this package lies in, its notebooks, and which files are lessons."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
NOTEBOOKS = CHECKOUT / "notebooks"
# In the name of a copy that `llmviz restore` keeps of what a learner wrote: 03_attention.mine-2026-11-22-1.ipynb
MINE = ".mine-"


def lesson_files(folder: Path) -> list[Path]:
    """List the lessons in a folder in their order; copies that were kept beside them are none."""
    return sorted(path for path in folder.glob("*.ipynb") if MINE not in path.name)
