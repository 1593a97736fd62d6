"""llmviz: learn how large language models work by running a small one.

>>> from llmviz import attention, tokenizers
>>> attention.causal_mask(2).tolist()
[[True, False], [True, True]]
"""

import importlib
import importlib.abc
import sys
import tomllib
from importlib.resources import files

__version__ = "0.1.0"
# Imported when first used, so that `import llmviz` loads neither torch nor matplotlib.
_SHORT = {"attention": "llmviz.model.attention", "transformer": "llmviz.model.transformer"}
__all__ = [
    *("artifacts", "corpora", "course", "embeddings", "evaluation", "finetuning", "generation"),
    *("interpretability", "model", "plots", "pretrained", "tinyville", "tokenizers", "training", "translation"),
    *("widgets", *_SHORT),
]


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(_MOVED.get(name, f"llmviz has no attribute {name!r}; it has {', '.join(sorted(__all__))}"))
    return importlib.import_module(_SHORT.get(name, f"llmviz.{name}"))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _moved_names() -> dict[str, str]:
    """Where each module and name from before version 0.1 is now, in a sentence. To be removed at version 1.0."""
    moved: dict[str, str] = {}
    for entry in tomllib.loads(files(__name__).joinpath("old_names.toml").read_text("utf-8"))["moved"]:
        renamed = entry.get("names", {})
        places = " and ".join(place if "/" in place else f"llmviz.{place}" for place in entry["to"])
        names = ", ".join(f"{old} to {new}" for old, new in renamed.items())
        said = f"is now {places}.{f' Renamed there: {names}.' if names else ''}"
        moved |= {module: f"llmviz.{module} {said}" for module in entry["modules"]}
        for place in entry["to"]:
            moved |= {f"{place}.{old}": f"llmviz.{place}.{old} is now called {new}." for old, new in renamed.items()}
    return moved


class _OldNames(importlib.abc.MetaPathFinder):
    """Finds nothing; raises an ImportError that names the new place of what moved.

    `from package import name` looks for a module `package.name` if the package has no such name, so renamed objects
    come here as well.
    """

    def find_spec(self, fullname, path, target=None):
        package, _, old = fullname.partition(".")
        if package == "llmviz" and old in _MOVED:
            raise ImportError(_MOVED[old], name=fullname)


_MOVED = _moved_names()
sys.meta_path.append(_OldNames())
