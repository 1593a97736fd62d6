"""Recordings: what they hold is what the model was at that step; saved, read, refused; and the two that ship."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from record_training import PROBE_SET, ProbeSet, record, save_recording

from llmviz import artifacts, corpora, generation, training
from llmviz.evaluation.text_overlap import SubstringIndex
from llmviz.files import data_path
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training import runs
from llmviz.training.loop import TrainingSettings

WORLD = Tinyville()
TEXTS = WORLD.texts(5, counts={"fact": 60})
CORPUS = corpora.tinyville(0, {"fact": 60})
TOKENIZER = artifacts.load_model("tiny").tokenizer
SIZES = ModelConfig(vocab_size=TOKENIZER.vocab_size, context_length=64, d_model=16, n_layers=2, n_heads=2, d_ff=16)
SETTINGS = TrainingSettings(steps=20, batch_size=2)
WORDS = {"mill": "x", "dog": "x", "jam": "y", "zzzzz": "y"}
PROBES = ProbeSet(("Mia", ""), ("Mia lives in the",), ("Mia has a",), WORDS)


@pytest.fixture(scope="module")
def recording():
    held_out = [text.text for text in TEXTS]
    return record(
        "facts", DecoderOnly(SIZES), CORPUS, TOKENIZER, SETTINGS, PROBES, WORLD, held_out=held_out,
        reference={"ln V": 1.0}, fresh=held_out,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    """The model as it is after the last step, trained without a camera."""
    model = DecoderOnly(SIZES)
    token_ids = runs.corpus_tokens(CORPUS, TOKENIZER)
    training.train(model, token_ids, SETTINGS, starts=training.document_starts(token_ids, TOKENIZER.end_of_text))
    return model


def test_the_last_frame_is_what_the_trained_model_does(recording, model):
    """Being filmed changes nothing."""
    held_out = [text.text for text in TEXTS]
    n_tokens = sum(len(TOKENIZER.encode(text)) + 1 for text in held_out)
    expected = sum(training.document_nats(model, TOKENIZER, held_out)) / n_tokens
    assert recording.held_out_losses[-1] == pytest.approx(expected, abs=1e-5)
    assert recording.held_out_losses[0] == pytest.approx(np.log(TOKENIZER.vocab_size), abs=1e-4)
    ids = torch.tensor([TOKENIZER.encode_prompt("Mia lives in the")])
    likely = model(ids)[0, -1].softmax(-1)
    by_name = dict(zip(TOKENIZER.tokens(range(TOKENIZER.vocab_size)), likely.tolist(), strict=True))
    [frames] = recording.next_tokens
    assert frames.probabilities[-1] == pytest.approx([by_name[token] for token in frames.tokens], abs=1e-5)
    ids = torch.tensor([TOKENIZER.encode_prompt("Mia has a")])
    weights = model.trace(ids).attention_weights[:, 0].detach().numpy()
    np.testing.assert_allclose(recording.attention[0].weights[-1], weights, atol=1e-5)
    [text] = generation.sample_texts(model, TOKENIZER, 1, prompt="Mia", temperature=0.8)
    assert recording.samples[-1][0].text == text


def test_the_marks_of_a_sample_lie_where_they_should(recording):
    finder = SubstringIndex(CORPUS.documents)
    for sample in recording.samples[-1]:
        passage = finder.longest(sample.text)
        marked = sample.text[slice(*sample.copied)]
        assert "".join(marked.split()) == "".join(passage.words)
        verdict = WORLD.check(sample.text)
        assert (sample.wrong is None) == verdict.valid
        if sample.wrong and verdict.wrong_word in Tinyville.words(sample.text):
            assert sample.text[slice(*sample.wrong)] == verdict.wrong_word


def test_the_map_is_one_plane_for_all_frames(recording, model):
    """Distances within a frame are those of the vectors' shadows on the last frame's own plane."""
    assert set(recording.words) == {"mill", "dog", "jam"} and list(recording.groups) == ["x", "x", "y"]
    ids = [TOKENIZER.encode(f" {word}")[0] for word in recording.words]
    vectors = torch.nn.functional.normalize(model.embedding.weight[ids].detach(), dim=1).numpy()
    found = np.linalg.norm(recording.points[-1, 0] - recording.points[-1, 1])
    assert found <= np.linalg.norm(vectors[0] - vectors[1]) + 1e-6
    np.testing.assert_allclose(recording.variance[-1], 1.0, atol=1e-5)  # three words always lie in one plane
    assert (recording.variance[:-1] <= 1 + 1e-6).all()


def test_what_is_saved_comes_back(recording, tmp_path):
    save_recording(tmp_path / "run.json", recording, command="python record.py")
    again = training.load_recording(tmp_path / "run.json")
    assert repr(again) == repr(recording) and again.samples == recording.samples
    assert again.baselines == recording.baselines and list(again.words) == list(recording.words)
    np.testing.assert_allclose(again.held_out_losses, recording.held_out_losses, atol=1e-4)
    np.testing.assert_allclose(again.attention[0].weights, recording.attention[0].weights, atol=0.002)
    np.testing.assert_allclose(again.points, recording.points, atol=1e-3)
    assert again.next_tokens[0].exact == recording.next_tokens[0].exact


def test_another_kind_of_recording_is_refused(tmp_path):
    with pytest.raises(ValueError, match="capabilities is not a whole recording of a training run"):
        training.load_recording("capabilities")
    with pytest.raises(FileNotFoundError, match="tinyville, overfitted"):
        training.load_recording(tmp_path / "nothing.json")


def test_films_of_another_length_are_refused(recording):
    with pytest.raises(ValueError, match=r"copied of a recording has one entry a saved step: 14, but given 3"):
        replace(recording, copied=recording.copied[:3])
    with pytest.raises(ValueError, match="saved steps of a recording rise"):
        replace(recording, steps=recording.steps[::-1])


def test_the_yardsticks_are_in_order_and_the_floor_is_the_worlds():
    lines = training.baselines(CORPUS, TEXTS, TOKENIZER)
    assert list(lines) == ["ln V", "unigram", "bigram", "exact entropy"]
    assert lines["ln V"] > lines["unigram"] > lines["bigram"]
    n_tokens = sum(len(TOKENIZER.encode(text.text)) + 1 for text in TEXTS)
    nats = -sum(WORLD.log_probability(text.text) for text in TEXTS)
    assert lines["exact entropy"] == pytest.approx(nats / n_tokens)


def test_unigram_and_bigram_entropy_by_hand():
    # Characters with ends: a a b ⏹ | b ⏹. Singles: a 2, b 2, ⏹ 2 of 6; after ⏹ and a two ways to go on, after b one.
    corpus = corpora.Corpus("by hand", ("aab", "b"), {"source": "text"})
    lines = training.baselines(corpus, TEXTS, CharacterTokenizer("ab"))
    assert lines["unigram"] == pytest.approx(np.log(3)) and lines["bigram"] == pytest.approx(4 / 6 * np.log(2))


class TestShipped:
    @pytest.mark.parametrize("name", ["tinyville", "overfitted"])
    def test_it_is_small_whole_and_says_where_it_comes_from(self, name):
        made = training.load_recording(name)
        assert len(made.steps) == 22 and made.steps[0] == 0
        assert made.held_out_losses[0] == pytest.approx(made.baselines["ln V"], abs=1e-3)
        assert len(made.next_tokens) == len(PROBE_SET.prefixes) and len(made.attention) == len(PROBE_SET.sentences)
        assert made.points.shape == (22, len(PROBE_SET.words), 2)
        assert "torch" in made.record["machine"]
        for film in made.attention:
            np.testing.assert_allclose(film.weights.sum(-1), 1, atol=0.05)
        assert data_path(f"recordings/{name}.safetensors").stat().st_size < 500_000

    def test_much_text_is_understood_little_text_is_learned_by_heart(self):
        whole, few = map(training.load_recording, ("tinyville", "overfitted"))
        floor = whole.baselines["exact entropy"]
        assert floor < whole.held_out_losses[-1] < floor + 0.05
        assert abs(whole.copied[-1] - whole.copied_by_chance) < 0.1
        assert few.training_losses[-1] < floor < few.held_out_losses.min()
        assert few.held_out_losses[-1] > 1.5 * few.held_out_losses.min()
        assert few.copied[-1] > 0.9 > 0.5 > few.copied_by_chance


def test_the_recorded_head_of_minilm_gives_the_recorded_weights():
    """The matrices (16-bit, biases folded in) and the weights that the model itself gave agree."""
    recorded = artifacts.load_recording("coreference")
    arrays = {name: torch.tensor(array).float() for name, array in recorded["arrays"].items()}
    q, k = (arrays["x"] @ arrays[name][0] for name in ("W_q", "W_k"))
    it = recorded["tokens"][0].index("it")
    weights = (q @ k.mT / 32**0.5).softmax(dim=-1)[:, it]
    torch.testing.assert_close(weights, arrays["from_it"], atol=2e-3, rtol=0)
    nouns = [recorded["tokens"][0].index(noun) for noun in recorded["pairs"][0]["nouns"]]
    torch.testing.assert_close(weights[:, nouns], arrays["looks"][0, :, 3, 1], atol=2e-3, rtol=0)
