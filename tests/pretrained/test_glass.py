"""A recording answers as the model did from which it was made, says what it does not know, and ships whole."""

import json

import numpy as np
import pytest

from llmviz import pretrained
from llmviz.files import data_path
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.pretrained import Pretrained, lesson_prompts, probe, registry
from llmviz.pretrained import tokenizer as text
from llmviz.pretrained.bert_tokenizer import BertTokenizer
from llmviz.pretrained.recorded import SHIPPED, RecordedModelProbe, record
from llmviz.pretrained.registry import installed
from llmviz.tokenizers.bpe import BYTE_TO_LETTER
from llmviz.training.architectures import REAL

PLAN = {"tokens": ["a b<|end|>"], "attention": ["a b"], "lens": ["a b"], "goes_on": ["a b"], "word": {"a b": " b"}}


@pytest.fixture(scope="module")
def live():
    letters = [BYTE_TO_LETTER[byte] for byte in range(256)]
    tokenizer = text.byte_level_bpe(
        ["<|end|>", *letters, "Ġb"], ["Ġ b"], special_tokens={"<|end|>": 0}, words="gpt2", name="toy", end_of_text=0
    )
    config = ModelConfig(tokenizer.vocab_size, 64, 16, 2, 2, 32, normalization="rms", unembedding="tied")
    return probe.LiveModelProbe(Pretrained("smollm2", "llama", DecoderOnly(config, seed=1), tokenizer))


def test_a_recording_answers_as_the_model_did(live, tmp_path):
    record(live, PLAN, tmp_path)
    card = json.loads((tmp_path / "smollm2.json").read_text(encoding="utf-8"))
    with np.load(tmp_path / "smollm2.npz", allow_pickle=False) as arrays:
        recorded = RecordedModelProbe(card, dict(arrays))
    assert recorded.config == live.config
    assert recorded.tokens("a b<|end|>") == live.tokens("a b<|end|>") == ["a", " b", "<|end|>"]
    assert recorded.goes_on("a b") == live.goes_on("a b")
    weights = recorded.attention("a b")
    assert weights.shape == (2, 2, 2, 2)
    np.testing.assert_allclose(weights, live.attention("a b"), atol=1e-4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(recorded.word("a b", " b"), live.word("a b", " b"), rtol=2e-3, atol=2e-3)
    for ours, theirs in zip(recorded.lens("a b"), live.lens("a b"), strict=True):
        assert [token for token, _ in ours] == [token for token, _ in theirs]
        assert [share for _, share in ours] == pytest.approx([share for _, share in theirs], rel=1e-3)
    assert recorded.next_tokens("a b") == recorded.lens("a b")[-1]


def test_what_was_not_recorded_is_said_with_what_to_do():
    recorded = RecordedModelProbe.load("smollm2")
    with pytest.raises(ValueError, match=r"'lens' was not recorded; recorded are .*llmviz models add smollm2"):
        recorded.lens("The capital of Spain is")
    with pytest.raises(ValueError, match="the vectors of 'bank' were recorded, not 'river'"):
        RecordedModelProbe.load("minilm").word(lesson_prompts.RIVER[0], "river")


def test_the_live_glass_knows_the_words_of_a_text_only(live):
    with pytest.raises(ValueError, match="'c' is no token of this text"):
        live.word("a b", "c")


def test_an_encoder_is_looked_through_too():
    tokenizer = BertTokenizer(["[UNK]", "[CLS]", "[SEP]", "bank", "river"])
    config = ModelConfig(5, 8, 8, 2, 2, 16, positions="learned", norm="post", unembedding="none")
    real = probe.LiveModelProbe(Pretrained("minilm", "bert", EncoderOnly(config, seed=0), tokenizer))
    assert real.tokens("river bank") == ["[CLS]", "river", "bank", "[SEP]"]
    assert real.word("river bank", "bank").shape == (3, 8)
    assert real.attention("river bank").shape == (2, 2, 4, 4)


def test_recordings_answer_where_the_models_are_not_here_or_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.delenv(probe.VARIABLE, raising=False)
    assert probe.open_probe("smollm2").is_recorded
    monkeypatch.setattr(registry, "installed", lambda name: tmp_path)
    monkeypatch.setattr(probe, "load", lambda name: pytest.fail("the model was opened"))
    monkeypatch.setenv(probe.VARIABLE, probe.RECORDED)
    found = probe.open_probe("minilm")
    assert found.is_recorded and "llmviz models add minilm" in probe.describe(found)


def test_the_recordings_ship_whole_and_are_small():
    for name, plan in lesson_prompts.PLANS.items():
        recorded = RecordedModelProbe.load(name)
        for question, texts in plan.items():
            assert list(recorded.answers[question]) == list(texts)
    assert sum(path.stat().st_size for path in data_path(SHIPPED).iterdir()) < 1_500_000
    smollm2 = RecordedModelProbe.load("smollm2").config
    assert (smollm2.n_parameters, smollm2.key_value_width) == (REAL["SmolLM2 135M"].n_parameters, 192)


@pytest.mark.skipif(installed("minilm") is None, reason="not installed: llmviz models add minilm")
def test_the_recording_is_of_the_model_that_is_here():
    live, recorded = probe.LiveModelProbe(pretrained.load("minilm")), RecordedModelProbe.load("minilm")
    for text_, word in lesson_prompts.PLANS["minilm"]["word"].items():
        np.testing.assert_allclose(recorded.word(text_, word), live.word(text_, word), atol=5e-3)
