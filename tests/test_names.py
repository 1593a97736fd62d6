"""Public namespaces load when first used; old names lead to the new ones."""

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

import llmviz
from llmviz import _MOVED


def test_importing_llmviz_loads_neither_torch_nor_matplotlib():
    program = "import sys, llmviz; print(*{'torch', 'matplotlib', 'IPython', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"


def test_every_public_namespace_can_be_imported():
    assert "llmviz.model.attention" in {getattr(llmviz, name).__name__ for name in llmviz.__all__}
    assert set(llmviz.__all__) <= set(dir(llmviz))
    with pytest.raises(AttributeError, match=r"no attribute 'figurs'; it has artifacts, attention"):
        llmviz.figurs  # noqa: B018
    with pytest.raises(AttributeError, match=r"llmviz\.figures is now llmviz\.plots"):
        llmviz.figures  # noqa: B018


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("from llmviz import runs", r"llmviz\.runs is now llmviz\.training\.run"),
        ("import llmviz.explorers", r"llmviz\.explorers is now llmviz\.widgets\..*RaceExplorer to ComparisonExplorer"),
        ("from llmviz.shell import Explorer", r"llmviz\.shell is now llmviz\.widgets\.base"),
        ("from llmviz.figures.style import house_style", r"llmviz\.figures is now llmviz\.plots\."),
        ("from llmviz.transformer import Assembly", r"llmviz\.model\.transformer.*Assembly to TransformerBase"),
        ("from llmviz.pretrained import glass", r"llmviz\.pretrained\.glass is now llmviz\.pretrained\.probe"),
        ("from llmviz.pretrained import look_through", r"look_through is now called probe.open_probe"),
    ],
)
def test_importing_an_old_name_names_the_new_one(old, message):
    with pytest.raises(ImportError, match=message):
        exec(old, {})


@pytest.mark.parametrize("old", _MOVED)
def test_every_new_place_exists(old):
    places = re.findall(r"\b(?:is now|and) (llmviz[\w.]*\w)", _MOVED[old])
    modules = [importlib.import_module(place) for place in places]
    modules += [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in modules
        if hasattr(package, "__path__")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    for name in re.findall(r" to (\w+)", _MOVED[old]):
        assert any(hasattr(module, name) for module in modules), name
