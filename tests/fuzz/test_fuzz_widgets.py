"""Random settings of every widget and every plot: each is drawn, or refused in one sentence. Counts are printed."""

import copy
import doctest
import math
import random
from collections import Counter
from dataclasses import fields, is_dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from explorer_pages import HOSTILE, PRELUDE, TEXTS
from fakes import noisy_model

from llmviz import artifacts, plots, training, widgets
from llmviz.evaluation.facts import fact_questions
from llmviz.finetuning.comparison import load_comparisons
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly
from llmviz.tokenizers import BytePairTokenizer, CharacterTokenizer
from llmviz.training import scaling

pytestmark = pytest.mark.slow
N_SETTINGS = 300
JUNK = [
    None, True, -1, 0, 1, 2, 7, 10**9, 10**20, 2.5, -0.5, 1e30, math.nan, math.inf, -math.inf, "", "x", "Mia found a",
    "a\ud83d", b"ab", [], (), {}, [1, 2, 3], ["a", "b"], [[1, 0], [0.25, 0.75]], {"a": 1}, {"a": "b"}, object(), len,
    np.zeros((0, 3)), np.full((2, 2), np.nan), torch.ones(3), torch.tensor([1, 2]), *HOSTILE,
]  # fmt: skip


def mutated(value, dice: random.Random, *, junk: bool = True):
    """Another value: any junk, or the same with a number or a size that is wrong; inside of records no junk."""
    if junk and dice.random() < 0.35:
        return dice.choice(JUNK)
    is_array = isinstance(value, np.ndarray | torch.Tensor) and value.dtype not in (bool, torch.bool)
    if is_array and value.ndim and len(value):
        array = value.clone() if isinstance(value, torch.Tensor) else value.copy()
        if array.dtype in (np.float64, np.float32, torch.float32) and dice.random() < 0.5:
            array.reshape(-1)[dice.randrange(array.reshape(-1).shape[0])] = dice.choice([math.nan, math.inf, -1, 1e20])
            return array
        return dice.choice([array[:-1], array[..., None], array[0], -array, array * 1000, array * 0, array[:0]])
    if isinstance(value, list | tuple) and value:
        inside = list(value)
        inside[dice.randrange(len(inside))] = mutated(dice.choice(inside), dice, junk=junk)
        return dice.choice([inside, inside[:-1], inside * 2, tuple(inside[::-1])])
    if isinstance(value, dict) and value:
        name = dice.choice(list(value))
        changed = {**value, name: mutated(value[name], dice, junk=junk)}
        return dice.choice([changed, {key: value[key] for key in value if key != name}]) if junk else changed
    if is_dataclass(value):
        name = dice.choice(fields(value)).name
        return replace(value, **{name: mutated(getattr(value, name), dice, junk=False)})
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dice.choice([-value, value + 1, value * 1000, value / 3, math.nan, math.inf])
    return dice.choice(HOSTILE) if isinstance(value, str) else dice.choice(JUNK) if junk else value


def outcome(make, dice: random.Random, examples: list) -> str:
    """Build from an example with nothing, one or two values changed: "drawn" or "refused"; else the test fails."""
    args, options = copy.copy(dice.choice(examples))
    args, options = list(args), dict(options)
    for _ in range(dice.choice([0, 1, 1, 1, 2])):
        place = dice.choice([*range(len(args)), *options])
        given = args if isinstance(place, int) else options
        try:
            given[place] = mutated(given[place], dice)
        except (ValueError, TypeError):  # a dataclass that refuses it itself
            return "refused"
    try:
        make(*args, **options)
        return "drawn"
    except ValueError as error:
        said = str(error)
        assert said and said.count("\n") < 3, (args, options)
        return "refused"
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\nfrom {args!r:.1500} {options!r:.1500}") from error


def fuzz(name: str, make, examples: list) -> None:
    dice = random.Random(f"settings of {name}")
    counts = Counter(outcome(make, dice, examples) for _ in range(N_SETTINGS))
    print(f"{name}: {dict(counts)}")
    assert counts["drawn"] and counts["refused"] and counts.total() == N_SETTINGS


def examples_of(function) -> list:
    """The calls of a function in the example of its docstring, as (arguments, options)."""
    calls = []

    def record(*args, **options):
        calls.append((args, options))
        return function(*args, **options)

    scope = {**vars(plots), "plots": plots, "np": np, "torch": torch}
    scope[function.__name__] = record
    for example in doctest.DocTestParser().get_examples(function.__doc__):
        exec(example.source, scope)
    return calls


DRAWN = [name for name, plot in vars(plots).items() if f" axes = {name}(" in (plot.__doc__ or "")]


@pytest.mark.filterwarnings("ignore:color is redundantly defined")  # a text where a pair of numbers is drawn
@pytest.mark.parametrize("name", DRAWN)
def test_plots(name):
    function = getattr(plots, name)
    examples = examples_of(function)

    def draw(*args, **options):
        function(*args, **options)
        plt.close("all")

    fuzz(name, draw, examples)


TOKENIZER = BytePairTokenizer.train("Mia lives in the lighthouse. Otto lives in the mill.", 285)
SIZES = ModelConfig(TOKENIZER.vocab_size, context_length=48, d_model=16, n_layers=2, n_heads=2, d_ff=16)
MODEL = noisy_model(SIZES)
MASKED = noisy_model(replace(SIZES, vocab_size=TOKENIZER.vocab_size + 1), 0, EncoderOnly)
TRACE = MODEL.trace(torch.tensor([3, 4, 5]))
SCOPE: dict = {}
exec(PRELUDE, SCOPE)
WEIGHTS, RUN, FILM = SCOPE["heads"](3), SCOPE["run_of"](TEXTS), SCOPE["vectors"](4)
WORDS = ["a", "b", "c", "d"]
SETTINGS = training.TrainingSettings(steps=3, batch_size=2)
IDS = torch.arange(200) % TOKENIZER.vocab_size
WIDGETS = {
    "AttentionExplorer": [
        ((WEIGHTS, WORDS[:3]), {"layer": 1, "head": 2}), ((TRACE, WORDS[:3]), {"losses_all_on": [1.0, 2.0]}),
        ((WEIGHTS[0], WORDS[:3]), {"compare": (WEIGHTS[1:], WORDS[1:]), "head": 0}),
    ],
    "BiasDialExplorer": [((artifacts.load_recording("limitations"),), {"ratio": 0.7})],
    "BlockExplorer": [((MODEL.blocks[1], TRACE.blocks[1], WORDS[:3]), {"layer": 1, "position": 2})],
    "BudgetExplorer": [(({"published": scaling.PUBLISHED_LAWS},), {"limits": {"published": 21.5}})],
    "ComparisonExplorer": [((load_comparisons(),), {"task": "sentiment", "n_labels": 20})],
    "EmbeddingExplorer": [
        ((FILM, WORDS), {"groups": list("aabb"), "n_neighbors": 2, "chosen": "a", "frame_names": ["1", "2", "3"]}),
        ((FILM[0], WORDS), {"groups": dict.fromkeys(WORDS, "all"), "analogy": ("a", "b", "c")}),
    ],
    "FactWorldExplorer": [((MODEL, TOKENIZER), {"taught": MODEL})],
    "FillMaskExplorer": [((MASKED, MODEL, TOKENIZER, "Mia lives in ___."), {"hidden": [1]})],
    "LiveTraining": [((MODEL, IDS, SETTINGS), {"tokenizer": TOKENIZER, "held_out": ["Mia"], "baselines": {"ln V": 5.6},
                                               "prompt": "Mia", "starts": torch.tensor([0, 50, 200])})],
    "ModelExplorer": [((MODEL, TOKENIZER, "Mia"), {})],
    "NextTokenExplorer": [((MODEL, TOKENIZER, "Mia"), {"exact": lambda ids: {1: 0.5}})],
    "RemedyExplorer": [((artifacts.load_recording("alignment"),), {"on": ["counterfactual data"]})],
    "SamplingTreeExplorer": [((MODEL, TOKENIZER, "Mia"), {"n_samples": 2, "n_tokens": 3, "beam_width": 2})],
    "TokenExplorer": [((" ".join(TEXTS), [TOKENIZER, "gpt2"]), {"corpus": TEXTS, "merges": 3}),
                      (("a b", {"letters": CharacterTokenizer.train("a b")}), {})],
    "TrainingExplorer": [((RUN,), {"compare": RUN, "frame": 1})],
}  # fmt: skip


@pytest.mark.parametrize("name", WIDGETS)
def test_widgets(name, monkeypatch):
    assert set(WIDGETS) == {name for name in vars(widgets) if name[0].isupper()}
    monkeypatch.setattr("llmviz.widgets.generation._TEMPERATURES", [0.0, 1.0])  # two of its settings are enough
    monkeypatch.setattr("llmviz.widgets.evaluation.fact_questions", lambda: fact_questions()[::16])
    png, dice = plots.to_png, random.Random(0)  # most pictures are laid out only: writing the file takes longest
    monkeypatch.setattr(plots, "to_png", lambda axes, **options: png(axes, **options) if dice.random() < 0.1 else b"P")

    def show(*args, **options):
        bundle = getattr(widgets, name)(*args, **options)._repr_mimebundle_()
        bundle["text/html"].encode("utf-8")
        plt.close("all")

    fuzz(name, show, WIDGETS[name])
