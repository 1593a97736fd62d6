"""Diagrams: boxes apart, texts in their boxes, arrows around the others, and a text twin."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib import style
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from llmviz import artifacts, plots
from llmviz.plots import diagrams

PARTS = {
    "pipeline": "text, tokens, token ids, embeddings, Transformer blocks, logits, probabilities, next token",
    "self_attention": "x, W_Q, W_K, W_V, queries Q, keys K, values V, scores: Q Kᵀ / √d, causal mask (later), softmax, "
                      "weighted sum of V, W_O (later), output",
    "decoder_block": "x, LayerNorm, self-attention, +, LayerNorm, MLP, +, output",
    "encoder_decoder": "source tokens, embeddings, self-attention, MLP, encoder output, target tokens so far, "
                       "embeddings, masked self-attention, cross-attention, MLP, output layer, softmax, probabilities",
    "lora": "x, W, A, r numbers, B, × α / r, +, output",
    "retrieval": "question, documents, retriever, passages found, prompt, language model, answer",
    "training_script": "texts, tokenizer, batches, model, loss, backward, optimizer, samples, "
                       "fine-tuning, answers",
}  # fmt: skip
every_diagram = pytest.mark.parametrize("name", PARTS)


def boxes_of(axes):
    return {patch: patch.get_window_extent() for patch in axes.patches
            if isinstance(patch, FancyBboxPatch) and patch.get_label()}  # fmt: skip


def overlap(one, other):
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 0 and min(one.y1, other.y1) - max(one.y0, other.y0) > 0


def test_each_diagram_is_tested():
    public = {name for name, value in vars(diagrams).items() if getattr(value, "__module__", "") == diagrams.__name__}
    assert {name for name in public if not name.startswith("_")} == set(PARTS)


@every_diagram
def test_the_text_names_all_parts_in_order(name):
    axes = getattr(diagrams, name)()
    labels = [box.get_label() for box in boxes_of(axes)]
    assert ", ".join(labels) == PARTS[name]
    text = plots.alt_text(axes).partition("Parts: ")[2]
    for label in labels:
        assert f"{label} (" in text
        text = text.partition(f"{label} (")[2]


@every_diagram
def test_boxes_and_texts_keep_apart(name):
    axes = getattr(diagrams, name)()
    axes.figure.draw_without_rendering()
    boxes = [*boxes_of(axes).values()]
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))
    texts = [text for text in axes.texts if text.get_text()]
    extents = [text.get_window_extent() for text in texts]
    assert not any(overlap(*pair) for pair in combinations(extents, 2))
    n_inside = 0
    for text, extent in zip(texts, extents, strict=True):
        assert axes.figure.bbox.x0 <= extent.x0 and extent.x1 <= axes.figure.bbox.x1, text.get_text()
        around = [box for box in boxes if overlap(box, extent)]
        n_inside += len(around)
        for box in around:
            assert box.x0 + 4 < extent.x0 and extent.x1 < box.x1 - 4, text.get_text()
            assert box.y0 < extent.y0 and extent.y1 < box.y1, text.get_text()
    assert n_inside >= len(boxes)


@every_diagram
def test_arrows_run_around_boxes_and_labels(name):
    axes = getattr(diagrams, name)()
    axes.figure.draw_without_rendering()
    obstacles = [*boxes_of(axes).values(), *(text.get_window_extent() for text in axes.texts if text.get_text())]
    for arrow in (patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)):
        corners = axes.transData.transform(arrow._path_original.vertices)
        for start, stop in pairwise(corners):
            for point in np.linspace(start, stop, 50):
                assert not any(box.contains(*point) for box in obstacles), point


@every_diagram
def test_it_is_legible_on_a_phone_and_whole_on_a_small_screen(name):
    axes = getattr(diagrams, name)()
    width, height = axes.figure.get_size_inches() * 100  # pixels of a page
    smallest = min(text.get_fontsize() for text in axes.texts) * 100 / 72
    assert height < 650 and smallest * min(1, 390 / width) > 11


def test_a_dark_notebook_shows_the_same_picture():
    expected = plots.to_png(diagrams.lora())
    with style.context("dark_background"):
        assert plots.to_png(diagrams.lora()) == expected


def test_the_numbers_of_the_pipeline_are_those_of_the_tiny_gpt():
    tiny = artifacts.load_model("tiny")
    text = plots.alt_text(diagrams.pipeline())
    token_ids = tiny.tokenizer.encode("Mia found a red")
    assert f"token ids (data: {', '.join(map(str, token_ids))})" in text
    assert f"{tiny.model.config.d_model} numbers for each token" in text
    assert f"{tiny.model.config.n_layers} × (attention + MLP)" in text
    assert f"{tiny.tokenizer.vocab_size:,} scores" in text


def test_the_block_of_llama_differs_in_its_parts_not_in_its_structure():
    gpt2, llama = (plots.alt_text(diagrams.decoder_block(llama=llama)) for llama in (False, True))
    changes = {"LayerNorm": "RMSNorm", "self-attention": "attention", "causal": "RoPE, GQA", "with GELU": "SwiGLU"}
    for old, new in {**changes, "decoder block": "decoder block of Llama"}.items():
        gpt2 = gpt2.replace(old, new)
    assert gpt2 == llama
