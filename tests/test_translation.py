"""The translator: its loss against one computed pair by pair, writing in every way alike, and the one that ships."""

import pytest
import torch
import torch.nn.functional as F

from llmviz import artifacts, translation
from llmviz.evaluation.text_overlap import exact_share
from llmviz.files import data_path
from llmviz.generation.beam import beam_search
from llmviz.generation.sampling import generate
from llmviz.model import transformer
from llmviz.tokenizers.words import words as split
from llmviz.training import checkpoints
from llmviz.translation import grammar


@pytest.fixture(scope="module")
def corpus():
    return grammar.corpus(1500, 60, seed=0)


@pytest.fixture(scope="module")
def shipped():
    return artifacts.load_model("translator")


@pytest.fixture(scope="module")
def untrained(corpus):
    """A model with random weights everywhere (a new one is silent), and its tokenizer."""
    tokenizer = translation.train_tokenizer(corpus.training)
    model = translation.new_model(tokenizer)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[-1] ** 0.5)
    return model, tokenizer


def test_a_row_holds_both_sentences_each_filled_up_with_ends(corpus, untrained):
    _, tokenizer = untrained
    pair, end = corpus.training[0], tokenizer.end_of_text
    [row] = translation.encode_pairs(tokenizer, [pair]).tolist()
    assert len(row) == 2 * translation.MOST_TOKENS + 1
    assert tokenizer.decode([one for one in row[: translation.MOST_TOKENS] if one != end]) == pair.english
    assert row[translation.MOST_TOKENS] == end
    assert tokenizer.decode([one for one in row[translation.MOST_TOKENS :] if one != end]) == pair.french


def test_the_loss_is_the_mean_over_words_and_ends_computed_pair_by_pair(corpus, untrained):
    """So neither the filling nor the neighbors in the batch matter."""
    model, tokenizer = untrained
    pairs, end = corpus.training[:6], tokenizer.end_of_text
    assert len({len(split(pair.english)) for pair in pairs}) > 2
    losses = []
    for pair in pairs:
        source, target = tokenizer.encode(pair.english), [end, *tokenizer.encode(pair.french), end]
        logits = model(torch.tensor([source]), torch.tensor([target[:-1]]))[0]
        losses.append(F.cross_entropy(logits, torch.tensor(target[1:]), reduction="none"))
    together = translation.translation_loss(model, translation.encode_pairs(tokenizer, pairs))
    torch.testing.assert_close(together, torch.cat(losses).mean(), rtol=1e-4, atol=1e-4)


def test_a_few_steps_of_training_lower_the_loss(corpus):
    tokenizer = translation.train_tokenizer(corpus.training)
    model = translation.new_model(tokenizer)
    settings = translation.default_settings(8)
    losses = [step.loss for step in translation.train_steps(model, tokenizer, corpus.training, settings)]
    assert losses[-1] < losses[0] - 1


def test_all_ways_to_write_write_the_same(corpus, shipped):
    model, tokenizer = shipped.model, shipped.tokenizer
    english = [pair.english for pair in corpus.unseen[:5]]
    side_by_side = translation.translate_all(model, tokenizer, english)
    assert side_by_side == [translation.translate(model, tokenizer, one).french for one in english]
    end = tokenizer.end_of_text
    for one, said in zip(english[:2], side_by_side, strict=False):
        writer = translation.Writer(model, tokenizer.encode(one))
        [best] = beam_search(writer, [end], beam_width=1, max_new_tokens=20, stop_tokens={end})
        assert tokenizer.decode(best.token_ids[:-1]) == said
        drawn = generate(writer, [end], max_new_tokens=20, temperature=0, stop_tokens={end})
        assert tokenizer.decode(drawn[:-1]) == said


def test_a_row_of_cross_attention_belongs_to_the_word_being_predicted(shipped):
    model, tokenizer = shipped.model, shipped.tokenizer
    found = translation.translate(model, tokenizer, "the small red lamp is old")
    assert (found.english, found.french) == ("The small red lamp is old.", "La petite lampe rouge est vieille.")
    assert found.cross_attention.shape == (2, 4, 7, 7)
    torch.testing.assert_close(found.last_layer.sum(dim=1), torch.ones(7))
    assert translation.align(found.cross_attention[-1])[1:4] == [1, 3, 2]
    ids = tokenizer.encode(found.french)
    trace = model.trace(torch.tensor(tokenizer.encode(found.english)), torch.tensor([tokenizer.end_of_text, *ids]))
    torch.testing.assert_close(found.cross_attention[:, :, 3], trace.cross_attention_weights[:, 0, :, 3])
    assert int(trace.decoder.logits[0, 3].argmax()) == ids[3]


def test_the_translator_that_ships_translates_what_it_has_never_read(shipped):
    """Another seed's sentences, without those it was trained on."""
    known = {pair.english for pair in grammar.pairs(6000, seed=0)}
    pairs = grammar.pairs(80, seed=77, without=known)
    assert translation.exact(shipped.model, shipped.tokenizer, pairs) > 0.93
    aligned = translation.alignment_accuracy(shipped.model, shipped.tokenizer, pairs)
    assert aligned["content words"] > 0.95 and aligned["crossing adjectives"] > 0.95
    by_dictionary = translation.word_by_word(pairs, [pair.english for pair in pairs])
    assert exact_share(by_dictionary, [pair.french for pair in pairs]) < 0.25


def test_what_ships_is_what_the_command_would_make(shipped):
    record, settings = shipped.record, shipped.settings
    assert settings == translation.default_settings() and shipped.step == translation.STEPS
    assert shipped.tokenizer == translation.train_tokenizer(grammar.pairs(6000, seed=shipped.corpus["seed"]))
    assert record["measured"]["exact"] >= 0.95 and "train_models.py translator" in record["command"]
    size = sum(path.stat().st_size for path in data_path(translation.SHIPPED).iterdir())
    assert size < 2_000_000


@pytest.mark.parametrize(
    ("english", "sentence"),
    [
        ("The elephant sings.", "never read 'elephant'"),
        ("", "at most 18 words; given 0"),
        ("the " * 30, "at most 18 words; given 30"),
    ],
)
def test_what_it_cannot_read_is_refused(shipped, english, sentence):
    with pytest.raises(ValueError, match=sentence):
        translation.translate(shipped.model, shipped.tokenizer, english)


def test_another_kind_of_model_is_no_translator():
    with pytest.raises(ValueError, match="EncoderDecoder is wanted"):
        checkpoints.load(data_path("models/tiny"), transformer.EncoderDecoder)
