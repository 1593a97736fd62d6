"""A word followed through the layers: the right position, the right vectors, and the senses apart."""

import numpy as np
import pytest
import torch

from llmviz.embeddings import contextual
from llmviz.embeddings.contextual import _word_position
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer

TEXTS = ["Somebody in a cave saw a bat", "Somebody on the field saw a bat"]
TOKENIZERS = [
    BytePairTokenizer.train(TEXTS, 280),
    BytePairTokenizer([]),
    WordTokenizer.train(TEXTS),
    CharacterTokenizer.train(TEXTS),
]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda tokenizer: f"{tokenizer.kind} {tokenizer.vocab_size}")
@pytest.mark.parametrize("word", ["Somebody", "cave", "bat", "in"])
def test_the_position_is_where_the_word_is_complete(tokenizer, word):
    token_ids = tokenizer.encode(TEXTS[0])
    position = _word_position(tokenizer, TEXTS[0], word)
    assert tokenizer.decode(token_ids[: position + 1]).endswith(word)
    assert not tokenizer.decode(token_ids[:position]).endswith(word)


def test_the_position_counts_bytes_and_only_a_whole_word_counts():
    letters = BytePairTokenizer([])
    assert _word_position(letters, "é 🙂 bat", "bat") == len("é 🙂 bat".encode()) - 1
    assert _word_position(letters, "a bath, a bat", "bat") == len("a bath, a bat") - 1
    for missing in ("cat", "", "ba"):
        with pytest.raises(ValueError, match="is not in the text"):
            _word_position(letters, "a bath, a bat", missing)


@pytest.mark.parametrize("model_class", [DecoderOnly, EncoderOnly])
def test_the_vectors_are_those_of_the_trace_and_only_an_encoder_sees_the_future(model_class):
    tokenizer, is_encoder = TOKENIZERS[0], model_class is EncoderOnly
    model = model_class(ModelConfig(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, d_ff=32))
    for weights in model.parameters():  # a new model's blocks add nothing yet
        torch.nn.init.normal_(weights, std=0.3, generator=torch.Generator().manual_seed(0))
    texts = [TEXTS[0], TEXTS[0] + " on the field", TEXTS[1]]
    vectors = contextual.contextual_vectors(model, tokenizer, texts, "bat")
    assert vectors.shape == (3, 3, 16)
    assert np.allclose(vectors[0], vectors[0, :1])
    assert np.allclose(vectors[2, 0], vectors[2, 1], atol=1e-3) is not is_encoder
    assert not np.allclose(vectors[2, 0], vectors[2, 2], atol=1e-3)
    token_ids = [*tokenizer.encode_prompt(TEXTS[1]), *[tokenizer.end_of_text] * is_encoder]
    with torch.inference_mode():
        residuals = model.trace(torch.tensor(token_ids)).residuals
    assert vectors[:, 2] == pytest.approx(residuals[:, 0, -1 - is_encoder].numpy(), abs=1e-5)


def test_separation_by_hand():
    east, north = [1.0, 0.0], [0.0, 1.0]
    vectors = np.array([[east, east, east, east], [east, east, north, north]])
    assert contextual.separation(vectors, ["a", "a", "b", "b"]).tolist() == [0, 1]
    assert contextual.separation(vectors, ["a", "b", "a", "b"]).tolist() == [0, -0.5]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: contextual.separation(np.zeros((1, 2, 3)), ["a"]), r"must be \(layer, 1 texts, d_model\)"),
        (lambda: contextual.separation(np.ones((1, 3, 3)), ["a", "a", "b"]), "at least two texts"),
        (lambda: contextual.separation(np.ones((1, 2, 3)), ["a", "a"]), "at least two labels"),
        (lambda: contextual.contextual_vectors(None, None, [], "bat"), "there is no text"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
