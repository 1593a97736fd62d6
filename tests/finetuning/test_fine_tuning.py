"""Heads and training: what learns and what does not, and the model that was given stays as it was."""

import pytest
import torch
from fakes import noisy_model, random_ids

from llmviz import artifacts, finetuning
from llmviz.training import IGNORE_INDEX, masked_lm

MODEL = noisy_model()
ROWS = random_ids(4, 6)
LABELS = torch.full_like(ROWS, IGNORE_INDEX)
LABELS[:, -1] = torch.tensor([0, 1, 0, 1])
EXAMPLES = finetuning.Examples(ROWS, LABELS)


@pytest.mark.parametrize("method", finetuning.METHODS)
def test_learns_with_its_own_numbers_and_leaves_the_given_model_alone(method):
    before = {name: weight.clone() for name, weight in MODEL.state_dict().items()}
    learner = finetuning.prepare(MODEL, method, n_labels=2)
    finetuning.fine_tune(learner, EXAMPLES, steps=5)
    assert all(torch.equal(weight, before[name]) for name, weight in MODEL.state_dict().items())
    for block, learned in zip(MODEL.blocks, learner.model.blocks, strict=True):
        assert torch.equal(block.attention.query.weight, learned.attention.query.weight) == (method == "head")
    assert torch.equal(learner.model.unembedding.weight, MODEL.unembedding.weight)


def test_the_counts_are_those_that_one_can_compute():
    config, rank = MODEL.config, 4
    head = 2 * config.d_model + 2
    d, hidden = config.d_model, config.d_ff
    lora = config.n_layers * rank * (4 * 2 * d + 2 * (d + hidden))
    assert finetuning.prepare(MODEL, "head", n_labels=2).n_trainable == head
    assert finetuning.prepare(MODEL, "lora", n_labels=2).n_trainable == head + lora
    unembedding = config.vocab_size * d
    assert finetuning.prepare(MODEL, "full", n_labels=2).n_trainable == MODEL.n_parameters - unembedding + head


def test_a_new_head_reads_the_same_stream():
    classifier = finetuning.loop._with_head(MODEL, 3)
    assert classifier(ROWS).shape == (*ROWS.shape, 3)
    assert (classifier(ROWS) == 0).all()  # a head of zeros says nothing yet
    stream = MODEL.trace(ROWS).final
    with torch.no_grad():
        classifier.unembedding.weight.normal_()
    torch.testing.assert_close(classifier(ROWS), stream @ classifier.unembedding.weight.T, rtol=1e-4, atol=1e-4)
    assert MODEL(ROWS).shape[-1] == MODEL.config.vocab_size


def test_what_fills_up_the_end_changes_nothing_for_decoders_and_encoders():
    encoder = artifacts.load_model("masked_long").model
    for model in (artifacts.load_model("sentiment").model, encoder):
        short = torch.tensor([[5, 6, 7]])
        padded = torch.tensor([[5, 6, 7, -1, -1]])
        got = finetuning.loop._logits(model, padded)[:, :3]
        torch.testing.assert_close(got, model(short), rtol=1e-3, atol=1e-3)
    assert masked_lm.mask_token_id(encoder) == encoder.config.vocab_size - 1


def test_what_cannot_be_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="the methods are 'head', 'lora', 'full'; given 'kite'"):
        finetuning.prepare(MODEL, "kite")
    with pytest.raises(ValueError, match="say how many labels it has"):
        finetuning.prepare(MODEL, "head")
    with pytest.raises(ValueError, match="none was given"):
        finetuning.fine_tune(finetuning.prepare(MODEL, "full"), EXAMPLES[:0], steps=1)
