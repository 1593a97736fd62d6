"""llmviz: learn how large language models work by running a small one.

>>> from llmviz import attention, tokenizers
>>> attention.causal_mask(2).tolist()
[[True, False], [True, True]]
"""

import importlib
import sys

from llmviz._old_names import MOVED, OldNames

__version__ = "0.1.0"
# Imported when first used, so that `import llmviz` loads neither torch nor matplotlib.
_SHORT = {"attention": "llmviz.model.attention", "transformer": "llmviz.model.transformer"}
__all__ = [
    *("artifacts", "corpora", "course", "embeddings", "evaluation", "finetuning", "generation"),
    *("interpretability", "model", "plots", "pretrained", "tinyville", "tokenizers", "training", "translation"),
    *("widgets", *_SHORT),
]

sys.meta_path.append(OldNames())


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(MOVED.get(name, f"llmviz has no attribute {name!r}; it has {', '.join(sorted(__all__))}"))
    return importlib.import_module(_SHORT.get(name, f"llmviz.{name}"))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
