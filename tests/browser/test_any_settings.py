"""A thousand random settings of each explorer in a real browser: nothing breaks, whatever is shown or pinned."""

from pathlib import Path

import numpy as np
import pytest
from explorer_pages import PRELUDE
from hypothesis import given, settings
from hypothesis import strategies as st
from plots.hostile import tokens as any_token

from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets import AttentionExplorer, EmbeddingExplorer, TokenExplorer, TrainingExplorer, base
from llmviz.widgets.base import es_module

pytestmark = pytest.mark.slow
N_STATES = 10  # in each example: with 100 examples a thousand settings
BPE = BytePairTokenizer.train("the red kite, the red tent, the tree", 270)
STORE = (Path(base.__file__).parent / "js" / "start.js").read_text(encoding="utf-8").partition("// JupyterLab")[0]
# Show the first state, then set one after the other; return what is said where something went wrong.
PLAY = """async ({ module, states, width }) => {
    const blob = () => URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
    window.explorers ??= new Map();
    if (!window.explorers.has(module)) window.explorers.set(module, (await import(blob())).default);
    const el = document.body.appendChild(document.createElement("div"));
    el.style.width = `${width}px`;
    const model = storeOf({ ...states[0] });
    const leave = window.explorers.get(module).render({ model, el });
    const problems = new Set();
    const look = () => problems.add(el.shadowRoot.querySelector(".problem:not([hidden])")?.textContent ?? "");
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    for (const state of states) {
        for (const [name, value] of Object.entries(state)) model.set(name, value);
        model.save_changes();
        look();
    }
    const said = el.shadowRoot.querySelector(".frame").textContent.length;
    leave();
    el.remove();
    return { problems: [...problems].filter(Boolean), said };
}"""
numbers = st.integers(-2, 12)
views = st.sampled_from(["one", "other", "difference", "?"])
places = st.none() | numbers
heads = st.fixed_dictionaries({"layer": numbers, "head": numbers, "view": views, "query": places, "key": places})


def attention(texts: list[str], seed: int):
    weights = np.tril(np.random.default_rng(seed).random((1 + seed % 3, 1 + seed % 4, len(texts), len(texts))))
    compare = (weights[::-1, ::-1] / weights[::-1, ::-1].sum(-1, keepdims=True), texts[::-1]) if seed % 2 else None
    return AttentionExplorer(weights / weights.sum(-1, keepdims=True), texts, compare=compare)


def embeddings(texts: list[str], seed: int):
    texts = [*texts, "one", "two"]
    vectors = np.random.default_rng(seed).normal(size=(1 + seed % 3, len(texts), 1 + seed % 5))
    return EmbeddingExplorer(vectors, texts, groups=[f"group {i % 3}" for i in range(len(texts))])


def tokenized(texts: list[str], seed: int):
    return TokenExplorer("".join(texts)[:200], [BPE, "gpt2"][: 1 + seed % 2])


def training(texts: list[str], seed: int):
    scope: dict = {}
    exec(PRELUDE, scope)
    runs = [scope["run_of"]([*texts, "one", "two", "three"], 3 + seed % 4) for _ in range(1 + seed % 2)]
    return TrainingExplorer(runs[0], compare=runs[1] if len(runs) > 1 else None)


# What makes an explorer of texts, and what its traits may be set to.
EXPLORERS = {
    "attention": (attention, {
        "layer": numbers, "head": numbers, "threshold": st.floats(-1, 2), "predict": st.booleans(),
        "view": views, "pins": st.lists(heads, max_size=3),
    }),
    "embeddings": (embeddings, {
        "frame": numbers, "chosen": st.none() | numbers, "exclude": st.booleans(),
        "predict": st.booleans(), "pins": st.lists(numbers, max_size=3),
        "analogy": st.none() | st.lists(numbers, min_size=3, max_size=3),
    }),
    "tokens": (tokenized, {
        "merges": st.integers(-2, 60_000), "ids": st.booleans(), "predict": st.booleans(),
        "pins": st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=3),
    }),
    "training": (training, {
        "frame": numbers, "prefix": numbers, "sentence": numbers, "head": numbers, "word": st.none() | numbers,
        "pins": st.lists(numbers, max_size=3), "predict": st.booleans(),
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(browser):
    """An empty page with the store that pages have; what goes wrong in it is written down."""
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.add_script_tag(content=f"{STORE}\nwindow.storeOf = storeOf;")
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(f"{error}\n{error.stack}"))
    yield page
    page.close()


@pytest.mark.parametrize("name", EXPLORERS)
@settings(max_examples=100)
@given(data=st.data())
def test_any_texts_any_state_and_any_width_can_be_shown(stage, name, data):
    make, traits = EXPLORERS[name]
    some = st.lists(any_token, min_size=1, max_size=8)
    shown = [make(data.draw(some), data.draw(st.integers(0, 99))) for _ in range(2)]
    states = [data.draw(st.fixed_dictionaries({}, optional=traits)) for _ in range(N_STATES)]
    half = N_STATES // 2
    states = [shown[0].traits(), *states[:half], {"payload": shown[1].traits()["payload"]}, *states[half:]]
    width = data.draw(st.sampled_from([0, 120, 360, 900]))
    result = stage.evaluate(PLAY, {"module": es_module(shown[0].module), "states": states, "width": width})
    assert (result["problems"], stage.wrong) == ([], []), stage.wrong.clear()
    assert result["said"] > 50
