"""The translator: its loss against one computed pair by pair, all ways of decoding alike, and the shipped one."""

import pytest
import torch
import torch.nn.functional as F

from llmviz import artifacts, translation
from llmviz.evaluation.text_overlap import exact_match
from llmviz.generation import beam_search, generate
from llmviz.translation import model as translator

PAIRS = translation.grammar._pairs(800, seed=0)


@pytest.fixture(scope="module")
def shipped():
    return artifacts.load_model("translator")


@pytest.fixture(scope="module")
def untrained():
    """A model with random weights everywhere (the output of a new one is zero), and its tokenizer."""
    tokenizer = translator._train_tokenizer(PAIRS)
    model = translator._new_model(tokenizer, seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[-1] ** 0.5)
    return model, tokenizer


def test_the_loss_is_the_mean_over_words_and_ends_computed_pair_by_pair(untrained):
    """So neither the padding nor the other pairs of the batch matter."""
    model, tokenizer = untrained
    end, losses = tokenizer.end_of_text, []
    for pair in PAIRS[:6]:
        source, target = tokenizer.encode(pair.english), [*tokenizer.encode_prompt(pair.french), end]
        logits = model(torch.tensor([source]), torch.tensor([target[:-1]]))[0]
        losses.append(F.cross_entropy(logits, torch.tensor(target[1:]), reduction="none"))
    assert len(set(map(len, losses))) > 2
    together = translator._translation_loss(model, translator._encode_pairs(tokenizer, PAIRS[:6]))
    torch.testing.assert_close(together, torch.cat(losses).mean(), rtol=1e-4, atol=1e-4)


def test_a_few_steps_of_training_lower_the_loss():
    tokenizer = translator._train_tokenizer(PAIRS)
    model, settings = translator._new_model(tokenizer, seed=0), translator._settings(6, seed=0)
    losses = [step.loss for step in translator._train_steps(model, tokenizer, PAIRS, settings)]
    assert losses[-1] < losses[0] - 1


def test_all_ways_of_decoding_give_the_same(shipped):
    model, tokenizer, end = shipped.model, shipped.tokenizer, shipped.tokenizer.end_of_text
    english = [pair.english for pair in translation.grammar._pairs(3, seed=1_000_000)]
    in_a_batch = translator._translate_all(model, tokenizer, english)
    assert in_a_batch == [translation.translate(model, tokenizer, one).french for one in english]
    for one, french in zip(english[:2], in_a_batch, strict=False):
        writer = translation.Writer(model, tokenizer, one)
        [best] = beam_search(writer, [end], beam_width=1, max_new_tokens=20, stop_tokens={end})
        greedy = generate(writer, [end], max_new_tokens=20, temperature=0, stop_tokens={end})
        assert tokenizer.decode(best.token_ids[:-1]) == tokenizer.decode(greedy[:-1]) == french


def test_a_row_of_cross_attention_belongs_to_the_word_being_predicted(shipped):
    model, tokenizer = shipped.model, shipped.tokenizer
    found = translation.translate(model, tokenizer, "the small red lamp is old")
    assert (found.english, found.french) == ("The small red lamp is old.", "La petite lampe rouge est vieille.")
    assert found.cross_attention.shape == (2, 4, 7, 7)
    torch.testing.assert_close(found.last_layer.sum(dim=1), torch.ones(7))
    assert found.alignment[1:4] == [1, 3, 2]
    ids = tokenizer.encode(found.french)
    trace = model.trace(torch.tensor(tokenizer.encode(found.english)), torch.tensor([tokenizer.end_of_text, *ids]))
    torch.testing.assert_close(found.cross_attention[:, :, 3], trace.cross_attention_weights[:, 0, :, 3])
    assert int(trace.decoder.logits[0, 3].argmax()) == ids[3]


def test_the_shipped_translator_translates_what_it_has_never_read(shipped):
    """Another seed's sentences, without those it was trained on; the baseline fails on them."""
    training = translation.grammar._pairs(6000, seed=shipped.corpus["seed"])
    pairs = translation.grammar._pairs(60, seed=77, without={pair.english for pair in training})
    assert translation.exact_match(shipped.model, shipped.tokenizer, pairs) > 0.93
    aligned = translation.alignment_accuracy(shipped.model, shipped.tokenizer, pairs)
    assert aligned["content words"] > 0.95 and aligned["crossing adjectives"] > 0.95
    by_dictionary = translation.word_by_word(pairs, [pair.english for pair in pairs])
    assert exact_match(by_dictionary, [pair.french for pair in pairs]) < 0.25
    assert shipped.tokenizer == translator._train_tokenizer(training)
    assert shipped.settings == translator._settings(450, seed=0) and shipped.step == translator.STEPS == 450


@pytest.mark.parametrize(("english", "sentence"), [
    ("The elephant sings.", "never read 'elephant'"),
    ("", "at most 18 words; given 0"),
    ("the " * 30, "at most 18 words; given 30"),
])  # fmt: skip
def test_what_it_cannot_read_is_refused(shipped, english, sentence):
    with pytest.raises(ValueError, match=sentence):
        translation.translate(shipped.model, shipped.tokenizer, english)
