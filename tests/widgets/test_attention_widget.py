"""AttentionExplorer in Python: what it sends, says and refuses; and the live one, driven by its traits."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from explorer_pages import data_in
from fakes import SMALL, noisy_model
from nbval.plugin import get_sanitize_patterns
from plots.hostile import NASTY

from llmviz import plots
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.pretrained.tokenizer import tokenizer_from_folder
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.widgets import AttentionExplorer
from llmviz.widgets.base import to_json

TOKENS = ["Mia", " found", " a", " kite"]
PIXEL = b"\x89PNG"


def some_weights(n_tokens, n_layers=2, n_heads=3, *, causal=True, seed=0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    weights = chance.random((n_layers, n_heads, n_tokens, n_tokens)) ** 4 + 1e-3
    weights = np.tril(weights) if causal else weights
    return weights / weights.sum(-1, keepdims=True)


def unpacked(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).reshape(packed["shape"])


@pytest.fixture(scope="module")
def model_and_tokenizer():
    tokenizer = CharacterTokenizer.train("Mia found a red kite.")
    return noisy_model(replace(SMALL, vocab_size=tokenizer.vocab_size, context_length=16)), tokenizer


def test_the_weights_arrive_causally_packed_and_exact_to_four_digits():
    weights = some_weights(4)
    packed = AttentionExplorer(weights, TOKENS).traits()["payload"]["weights"]
    assert packed["dtype"] == "uint16" and packed["shape"] == [2, 3, 10]
    back = np.zeros_like(weights)
    back[..., np.tril(np.ones((4, 4), dtype=bool))] = unpacked(packed) / 65535
    assert np.abs(back - weights).max() < 1e-5


def test_many_weights_arrive_as_bytes_and_the_page_stays_below_a_megabyte(monkeypatch):
    weights = some_weights(64, 30, 9)
    explorer = AttentionExplorer(weights, [f" t{i}" for i in range(64)])
    packed = explorer.traits()["payload"]["weights"]
    assert packed["dtype"] == "uint8" and packed["shape"] == [30, 9, 64 * 65 // 2]
    assert explorer.picture().startswith(PIXEL)
    drawn = []
    monkeypatch.setattr(plots, "to_png", lambda axes, **options: drawn.append(axes.get_title()) or PIXEL)
    AttentionExplorer(weights, explorer.tokens, layer=3, head=4)._repr_mimebundle_()
    assert drawn == ["Layer 3, head 4"]  # of so many heads the chosen one
    assert np.abs(unpacked(packed)[3, 4] / 255 - weights[3, 4][np.tril_indices(64)]).max() <= 0.5 / 255 + 1e-9
    assert len(explorer._repr_mimebundle_()["text/html"]) < 1_000_000


def test_an_open_mask_is_sent_and_none_is_needed_for_a_causal_one():
    assert AttentionExplorer(some_weights(4), TOKENS).traits()["payload"]["mask"] is None
    payload = AttentionExplorer(some_weights(4, causal=False), TOKENS).traits()["payload"]
    assert unpacked(payload["mask"]).all()
    assert payload["weights"]["shape"] == [2, 3, 4, 4]


def test_one_head_and_one_layer_of_heads_are_taken_too():
    weights = some_weights(4)
    for given_weights, shape in ((weights[0, 0], (1, 1)), (weights[0], (1, 3)), (torch.tensor(weights), (2, 3))):
        explorer = AttentionExplorer(given_weights, TOKENS)
        assert (explorer.n_layers, explorer.n_heads) == shape


def test_the_sentence_names_the_strongest_look_of_the_last_token():
    weights = np.tril(np.full((1, 2, 4, 4), 1e-9))
    weights[..., 0] += 1
    weights[0, 1, 3] = [0, 0.7, 0.2, 0.1]
    explorer = AttentionExplorer(weights / weights.sum(-1, keepdims=True), TOKENS, head=1)
    assert repr(explorer) == (
        "1 layer × 2 heads over 4 tokens. Layer 0, head 1: “·kite” (position 3) looks most at “·found” (about 0.7)."
    )
    assert explorer.table().rows[3] == ["3 ·kite", "·found 0.70", "·a 0.20", "·kite 0.10"]


def test_a_trace_brings_steps_and_losses(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    token_ids = torch.tensor(tokenizer.encode("Mia found"))
    trace = model.trace(token_ids)
    explorer = AttentionExplorer(trace, tokenizer.tokens(token_ids.tolist()))
    payload = explorer.traits()["payload"]
    query = unpacked(payload["query_key"]["query"])
    assert np.allclose(query[1, 0], trace.blocks[1].attention.query[0, 0].detach())
    assert np.allclose(unpacked(payload["losses"]["values"]), trace.losses[0].detach(), atol=1e-6)
    assert f"{trace.losses.mean().item():.2f} nats per token" in payload["losses"]["sentence"]
    both = AttentionExplorer(trace, explorer.tokens, compare=(trace, explorer.tokens))
    compared = both.traits()["payload"]["compare"]
    assert compared["weights"] == payload["weights"]


def test_live_answers_for_as_many_wide_heads_as_real_models_have():
    """Their queries and keys have no room in a page: 139 kB a token in SmolLM2."""
    tokenizer = CharacterTokenizer.train("Mia found a red kite.")
    sizes = replace(SMALL, vocab_size=tokenizer.vocab_size, context_length=16, d_model=576, n_layers=30, n_heads=9)
    model = DecoderOnly(sizes)
    live = AttentionExplorer.live(model, tokenizer, text="Mia found")
    assert live.problem == "" and "query_key" not in live.payload and len(live.payload["scores"]) > 0


@pytest.mark.parametrize("unembedding", ["none", "tied"])
def test_a_model_that_looks_ahead_brings_no_losses(unembedding, tmp_path):
    """Of BERT's kind, without a last table or with one; its tokenizer frames a text itself."""
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nbank\nriver\n")
    tokenizer = tokenizer_from_folder(tmp_path)
    sizes = replace(SMALL, vocab_size=5, context_length=8, positions="learned", norm="post", unembedding=unembedding)
    model = EncoderOnly(sizes)
    token_ids = tokenizer.encode("river bank")
    explorer = AttentionExplorer(model.trace(torch.tensor(token_ids)), tokenizer.tokens(token_ids))
    assert "losses" not in explorer.traits()["payload"]
    live = AttentionExplorer.live(model, tokenizer, text="river bank")
    live.ablate_heads = [[0, 1]]
    assert live.problem == "" and live.payload["labels"] == ["[CLS]", "river", "bank", "[SEP]"]
    assert "losses" not in live.payload


WEIGHTS = some_weights(4)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((np.ones(4), TOKENS), {}, r"must be \(layer, head, query, key\), .* but have shape \(4,\)"),
        ((WEIGHTS[None], TOKENS), {}, r"trace\.attention_weights\[:, 0\]"),
        ((WEIGHTS, TOKENS[:3]), {}, "4 × 4 .* but there are 3 tokens"),
        ((WEIGHTS * 2, TOKENS), {}, "must add up to 1"),
        ((WEIGHTS, TOKENS), {"layer": 2}, "layer must be a whole number from 0 to 1, but is 2"),
        ((WEIGHTS, TOKENS), {"head": "first"}, "head must be a whole number from 0 to 2, but is 'first'"),
        ((WEIGHTS, TOKENS), {"compare": some_weights(4)}, r"compare must be a pair: \(attention_weights, tokens\)"),
        ((WEIGHTS, TOKENS), {"compare": (some_weights(5), [*TOKENS, "."])}, "same number of tokens"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionExplorer(*arguments, **options)


@pytest.mark.parametrize("tokens", [NASTY[start : start + 7] for start in range(0, len(NASTY), 7)])
def test_no_text_breaks_out_of_the_page(tokens, monkeypatch):
    weights = some_weights(len(tokens), 1, 2)
    explorer = AttentionExplorer(weights, tokens, compare=(weights[:, ::-1], tokens[::-1]))
    monkeypatch.setattr(explorer, "picture", lambda: PIXEL)
    page = explorer._repr_mimebundle_()["text/html"]
    page.encode("utf-8")
    assert page.lower().count("<script") == page.lower().count("</script") == 2
    static = page[: page.index("<script")]
    assert set(re.findall(r"<(\w+)", static)) <= {"div", "p", "strong", "img", "details", "summary", "table", "caption",
                                                  "thead", "tbody", "tr", "th", "td", "bdi"}  # fmt: skip
    assert data_in(page) == json.loads(to_json(explorer.traits()))
    repr(explorer).encode("utf-8")


def test_live_answers_each_text_and_each_lever(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    live = AttentionExplorer.live(model, tokenizer, text="Mia")
    assert live.payload["labels"] == ["<|endoftext|>", "M", "i", "a"] and live.problem == ""
    live.text = "found"
    assert live.payload["labels"][1:] == list("found")
    before = live.payload["losses"]
    assert before["all_on"] is None
    live.ablate_heads = [[0, 1], [1, 0]]
    losses = live.payload["losses"]
    token_ids = torch.tensor(tokenizer.encode_prompt("found"))
    expected = model.trace(token_ids, ablate_heads=[(0, 1), (1, 0)]).losses[0].detach()
    assert np.allclose(unpacked(losses["values"]), expected, atol=1e-6)
    assert losses["all_on"] == before["values"] and losses["values"] != before["values"]
    assert "with all heads on" in losses["sentence"]
    live.ablate_heads = []
    assert live.payload["losses"] == before


def test_live_says_in_its_own_place_what_is_wrong(model_and_tokenizer):
    live = AttentionExplorer.live(*model_and_tokenizer, text="Mia")
    shown = live.payload
    live.text = "  "
    assert live.problem == "Type a few words to see their attention weights." and live.payload == shown
    live.text = "Mia"
    assert live.problem == ""
    live.ablate_heads = [[7, 7]]
    assert "a head is named (layer, head)" in live.problem
    live.ablate_heads, live.text = [], "M" * 500
    assert "500" in live.problem or "501" in live.problem


def test_live_takes_any_function():
    asked = []

    def explore(text, ablate_heads):
        asked.append((text, ablate_heads))
        return AttentionExplorer(some_weights(len(text)), list(text))

    live = AttentionExplorer.live(explore=explore, text="ab", layer=1, head=2)
    live.ablate_heads = [[0, 1]]
    live.text = "abc"
    assert asked == [("ab", []), ("ab", [(0, 1)]), ("abc", [(0, 1)])]
    assert (live.layer, live.head, live.payload["labels"]) == (1, 2, ["a", "b", "c"])
    assert "Layer 1, head 2: “c” (position 2) looks most at" in repr(live)
    saved = live._repr_mimebundle_()
    assert saved["text/plain"] == repr(live) and "Layer 1, head 2: where each token looks" in saved["text/html"]
    with pytest.raises(ValueError, match="head must be a whole number from 0 to 2, but is 7"):
        AttentionExplorer.live(explore=explore, head=7)
    with pytest.raises(ValueError, match="needs a model and its tokenizer, or a function"):
        AttentionExplorer.live()


def test_last_digits_of_another_processor_do_not_change_what_nbval_compares():
    patterns = get_sanitize_patterns((Path(__file__).parents[1] / "nbval_sanitize.cfg").read_text(encoding="utf-8"))

    def compared(weights, tokens=TOKENS):
        bundle = AttentionExplorer(weights, tokens)._repr_mimebundle_()
        texts = [bundle["text/html"], bundle["text/plain"]]
        for pattern, replacement in patterns:
            texts = [re.sub(pattern, replacement, text) for text in texts]
        return texts

    weights = some_weights(4)
    here = compared(weights)
    noise = 1 + 1e-4 * np.random.default_rng(1).normal(size=weights.shape)
    there = weights * noise / (weights * noise).sum(-1, keepdims=True)
    assert compared(there) == here
    assert compared(weights[:, ::-1]) != here and compared(weights, ["Tom", *TOKENS[1:]]) != here
