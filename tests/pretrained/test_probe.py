"""A recording answers as the model did from which it was made, says what it does not know, and ships whole."""

import numpy as np
import pytest
from record_training import save_data

from llmviz import artifacts, pretrained
from llmviz.model import PUBLISHED
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.pretrained import Pretrained, probe, registry
from llmviz.pretrained.probe import LESSON_TEXTS, RIVER, ModelProbe, _RecordedModelProbe
from llmviz.pretrained.registry import installed
from llmviz.pretrained.tokenizer import _byte_level_bpe, tokenizer_from_folder
from llmviz.tokenizers.bpe import BYTE_TO_LETTER


def opened(name):
    return _RecordedModelProbe(name, artifacts.load_recording(name))


PLAN = {
    "tokens": ["a b<|end|>"], "attention": ["a b"], "ablate": ["a b a b"], "logit_lens": ["a b"], "complete": ["a b"],
    "token_states": {"a b": " b"},
}  # fmt: skip


@pytest.fixture(scope="module")
def live():
    ids = {token: place for place, token in enumerate(["<|end|>", *BYTE_TO_LETTER.values(), "Ġb"])}
    tokenizer = _byte_level_bpe(ids, ["Ġ b"], {"eos_token": "<|end|>"}, special_tokens=["<|end|>"])
    config = ModelConfig(tokenizer.vocab_size, 64, 16, 2, 2, 32, normalization="rms", unembedding="tied")
    return ModelProbe(Pretrained("smollm2", "llama", DecoderOnly(config, seed=1), tokenizer))


def test_a_recording_answers_as_the_model_did(live, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend("tools")
    import record

    data, arrays = record.record_answers(live, PLAN)
    save_data(tmp_path / "toy.json", data, command="none", arrays=arrays)
    recorded = _RecordedModelProbe("toy", artifacts.load_recording(tmp_path / "toy.json"))
    assert recorded.config == live.config
    assert recorded.tokens("a b<|end|>") == live.tokens("a b<|end|>") == ["a", " b", "<|end|>"]
    assert recorded.complete("a b") == live.complete("a b")
    weights = recorded.attention("a b")
    assert weights.shape == (2, 2, 2, 2)
    np.testing.assert_allclose(weights, live.attention("a b"), atol=1e-4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(recorded.token_states("a b", " b"), live.token_states("a b", " b"), rtol=2e-3, atol=2e-3)
    for ours, theirs in zip(recorded.logit_lens("a b"), live.logit_lens("a b"), strict=True):
        assert [token for token, _ in ours] == [token for token, _ in theirs]
        assert [share for _, share in ours] == pytest.approx([share for _, share in theirs], rel=1e-3)
    assert recorded.next_tokens("a b") == recorded.logit_lens("a b")[-1]


def test_what_was_not_recorded_and_what_is_no_token_is_said(live):
    with pytest.raises(ValueError, match="'c' is no token of this text"):
        live.token_states("a b", "c")
    recorded = opened("smollm2")
    with pytest.raises(ValueError, match=r"'logit_lens' was not recorded; recorded are .*llmviz models add smollm2"):
        recorded.logit_lens("The capital of Spain is")
    with pytest.raises(ValueError, match="the states of 'bank' were recorded, not 'river'"):
        opened("minilm").token_states(RIVER[0], "river")


def test_an_encoder_is_probed_too(tmp_path):
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nbank\nriver\n")
    tokenizer = tokenizer_from_folder(tmp_path)
    config = ModelConfig(5, 8, 8, 2, 2, 16, positions="learned", norm="post", unembedding="none")
    real = ModelProbe(Pretrained("minilm", "bert", EncoderOnly(config, seed=0), tokenizer))
    assert real.tokens("river bank") == ["[CLS]", "river", "bank", "[SEP]"]
    assert real.token_states("river bank", "bank").shape == (3, 8)
    assert real.attention("river bank").shape == (2, 2, 4, 4)


def test_recordings_answer_where_the_models_are_not_here_or_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMVIZ_MODELS", str(tmp_path))
    monkeypatch.delenv(probe.VARIABLE, raising=False)
    assert probe.open_probe("smollm2").is_recorded
    monkeypatch.setattr(registry, "installed", lambda name: tmp_path)
    monkeypatch.setattr(probe, "load", lambda name: pytest.fail("the model was opened"))
    monkeypatch.setenv(probe.VARIABLE, probe.RECORDED)
    found = probe.open_probe("minilm")
    assert found.is_recorded and "llmviz models add minilm" in found.describe()


def test_the_recordings_ship_whole_and_are_small():
    for name, plan in LESSON_TEXTS.items():
        recorded = opened(name)
        for question, texts in plan.items():
            assert list(recorded.answers[question]) == list(texts)
    smollm2 = opened("smollm2").config
    assert (smollm2.n_parameters, smollm2.key_value_width) == (PUBLISHED["SmolLM2 135M"].n_parameters, 192)


@pytest.mark.skipif(installed("minilm") is None, reason="not installed: llmviz models add minilm")
def test_the_recording_is_of_the_model_that_is_here():
    live, recorded = ModelProbe(pretrained.load("minilm")), opened("minilm")
    for text_, word in LESSON_TEXTS["minilm"]["token_states"].items():
        np.testing.assert_allclose(recorded.token_states(text_, word), live.token_states(text_, word), atol=5e-3)
