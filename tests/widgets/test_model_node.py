"""The model and the tokenizer in the page give the numbers of torch and of Python."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nodes import needs_node, node

from llmviz import artifacts
from llmviz.model import ModelConfig
from llmviz.model.config import CHANGES, gpt2_like, with_changes
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.widgets.attention import AttentionExplorer
from llmviz.widgets.base import JS, pack
from llmviz.widgets.page_model import page_model

pytestmark = needs_node
MODEL, TOKENIZER = JS / "model.js", JS / "tokenizer.js"
SMALL = {"context_length": 16, "d_model": 16, "n_layers": 2, "n_heads": 4, "d_ff": 24}
CONFIGS = {
    "the tiny GPT's": ModelConfig(50, **SMALL),
    "GPT-2's": gpt2_like(50),
    "Llama's": with_changes(gpt2_like(50), *CHANGES),
    "two key-value heads": ModelConfig(50, **SMALL, n_key_value_heads=2, normalization="rms", biases=True),
    "post norm, sinusoidal": ModelConfig(50, **SMALL, norm="post", positions="sinusoidal", normalization="layer"),
    "no positions, GELU": ModelConfig(50, **SMALL, positions="none", activation="gelu", embedding_norm=False),
}
READ = """
const model = unpackModel(given.model);
const read = model.read(given.ids, given.options);
const last = read.at(-1);
return { logits: read.map(({ logits }) => [...logits]),
  weights: last.layers.map(({ heads }) => heads.map(({ weights }) => [...weights])),
  hidden: [...last.layers[0].hidden], lens: [...model.unembed(last.layers[0].residual_after)] };
"""


def randomized(model):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return model.eval()


def exact(model):
    """Config and weights as float32."""
    weights = {name: pack(weight.detach(), "float32") for name, weight in model.named_parameters()}
    return {"config": dataclasses.asdict(model.config), "weights": weights}


def read(model, ids, **options):
    return node(MODEL, READ, {"model": exact(model), "ids": ids, "options": options})


def close(found, wanted, tolerance=2e-5):
    wanted = wanted.detach().double()
    assert (torch.tensor(found).double() - wanted).abs().max() <= tolerance * (1 + wanted.abs().max())


@pytest.mark.parametrize("name", CONFIGS)
def test_every_number_of_a_decoder_equals_torchs(name):
    model, ids = randomized(DecoderOnly(CONFIGS[name])), [3, 1, 4, 1, 5, 9, 2, 6]
    found, trace = read(model, ids), model.trace(torch.tensor(ids))
    close(found["logits"], trace.logits[0])
    for layer, block in enumerate(trace.blocks):
        close(found["weights"][layer], block.attention.weights[0, :, -1])
    close(found["hidden"], trace.blocks[0].feed_forward_hidden[0, -1])
    close(found["lens"], model.unembed(trace.blocks[0].residual_after)[0, -1])
    probabilities = torch.tensor(found["logits"]).softmax(-1)
    assert (probabilities - trace.logits[0].softmax(-1)).abs().max() < 1e-6


def test_an_encoder_sees_both_sides_and_a_head_can_be_switched_off():
    encoder, ids = randomized(EncoderOnly(CONFIGS["the tiny GPT's"])), [3, 1, 4, 1, 5]
    close(read(encoder, ids, causal=False)["logits"], encoder(torch.tensor([ids]))[0])
    decoder = randomized(DecoderOnly(CONFIGS["the tiny GPT's"]))
    wanted = decoder.trace(torch.tensor(ids), ablate_heads=[(0, 1), (1, 3)]).logits[0]
    close(read(decoder, ids, ablated=[[0, 1], [1, 3]])["logits"], wanted)


def test_the_cache_gives_the_same_numbers_and_ends_with_the_context():
    model = randomized(DecoderOnly(CONFIGS["the tiny GPT's"]))
    program = """
    const model = unpackModel(given.model);
    const cache = model.newCache();
    const steps = given.ids.map((id) => [...model.read([id], { cache })[0].logits]);
    let message = "";
    try { model.read(Array(12).fill(0), { cache }); } catch (error) { message = error.message; }
    return { steps, message };
    """
    ids = [3, 1, 4, 1, 5]
    found = node(MODEL, program, {"model": exact(model), "ids": ids})
    close(found["steps"], model(torch.tensor([ids]))[0])
    assert found["message"] == "This model sees 16 tokens at once; the text has 17."


def test_the_shipped_model_in_eight_bits_is_close():
    tiny = artifacts.load_model("tiny")
    ids = tiny.tokenizer.encode_prompt("Mia lost a red kite. Tom found the")
    packed = page_model(tiny.model, tiny.tokenizer)
    found = node(MODEL, READ, {"model": packed, "ids": ids, "options": {}})
    trace = tiny.model.trace(torch.tensor(ids))
    assert (torch.tensor(found["logits"]).softmax(-1) - trace.logits[0].softmax(-1)).abs().max() < 5e-3
    assert (torch.tensor(found["weights"][1]) - trace.blocks[1].attention.weights[0, :, -1]).abs().max() < 1e-2
    assert sum(len(part["rows"]["data"]) for part in packed["weights"].values()) < 1e6


ANSWER = """
const page = openAttention(given.model);
const { payload } = attentionAnswer(page, "text", (name) => ({ payload: {}, ...given.state })[name]);
const plain = (one) => (ArrayBuffer.isView(one) ? [...one] : one);
const { weights, query_key: { query, key }, ...others } = payload;
return { ...others, weights: plain(weights), query: plain(query), key: plain(key),
  losses: { ...payload.losses, values: plain(payload.losses.values), all_on: plain(payload.losses.all_on) } };
"""


def test_the_attention_explorer_answers_as_python_does():
    tiny = artifacts.load_model("tiny")
    text, off = "Ruth has a yellow rope. Hana saw the rope", [(0, 1)]
    live = AttentionExplorer.live(tiny.model, tiny.tokenizer, text=text)
    live.ablate_heads = off
    wanted, packed = live.explorer, {**page_model(tiny.model, tiny.tokenizer), **exact(tiny.model)}
    found = node(JS / "attention.js", ANSWER, {"model": packed, "state": {"text": text, "ablate_heads": off}})
    lower = np.tril(np.ones(wanted.mask.shape, dtype=bool))
    assert np.abs(np.array(found["weights"]) / 65535 - wanted.weights[..., lower].ravel()).max() < 2e-5
    for name, scores in wanted.head_scores.items():
        assert np.abs(np.array(found["scores"][name]) - scores).max() < 1e-4
    assert found["labels"] == wanted._payload()["labels"]
    for name in ("query", "key"):
        assert np.abs(np.array(found[name]) - wanted.query_key[name].ravel()).max() < 1e-4
    assert np.abs(np.array(found["losses"]["values"]) - wanted.losses).max() < 1e-4
    assert np.abs(np.array(found["losses"]["all_on"]) - wanted.losses_all_on).max() < 1e-4
    assert found["losses"]["sentence"] == wanted._loss_sentence()


TINY = artifacts.load_model("tiny").tokenizer
ENCODE = """
const tokenizer = bytePairTokenizer(given.merges);
return given.texts.map((text) => {
  const ids = tokenizer.encode(text);
  return { ids, text: tokenizer.decode(ids) };
});
"""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=20, max_size=60))
def test_every_text_gets_the_ids_of_python(texts):
    texts += ["", " ", "Mia's kite\r\n\x85\u2028 x", "👨‍👩‍👧 a\u00a0b", "\ufeff x", "a\x1c\x1d b", "\u180e\u200b x"]
    answers = node(TOKENIZER, ENCODE, {"merges": TINY.to_dict()["merges"], "texts": texts})
    for text, found in zip(texts, answers, strict=True):
        ids = TINY.encode(text)
        assert (found["ids"], found["text"]) == (ids, text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, TINY.vocab_size - 1), max_size=12), min_size=20, max_size=60))
def test_tokens_that_are_no_text_become_what_python_writes(rows):
    broken = (b"\xe2\x98", b"\xed\xa0\x80", b"\xf0\x9f\x98A", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe0\x9f")
    rows += [list(one) for one in broken]
    program = "return given.rows.map(bytePairTokenizer(given.merges).decode);"
    merges = TINY.to_dict()["merges"]
    assert node(TOKENIZER, program, {"merges": merges, "rows": rows}) == [TINY.decode(row) for row in rows]
