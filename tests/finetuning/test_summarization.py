"""Headlines: labels by construction, a loss on the headline alone, what is made up, and the model that ships."""

import pytest
import torch
import torch.nn.functional as F

from llmviz import artifacts, finetuning
from llmviz.finetuning import summarization
from llmviz.finetuning.summarization import MARK, _headlined_stories, _unsupported
from llmviz.tinyville import Tinyville

TEXTS = _headlined_stories(60, seed=9)


@pytest.fixture(scope="module")
def tiny():
    return artifacts.load_model("tiny")


def test_every_kind_of_story_has_a_headline_that_its_story_supports():
    world = Tinyville()
    for text in TEXTS:
        assert _unsupported(text.story, text.headline) == []
        assert text.text == f"{text.story} Headline: {text.headline}"
    assert all(world.check(text.story).valid for text in TEXTS[:5])


def test_headlines_have_stories_of_their_own():
    stories = {text.story for text in TEXTS}
    assert _headlined_stories(20, seed=9) == _headlined_stories(20, seed=9) != _headlined_stories(20, seed=10)
    assert not stories & {text.text for text in Tinyville().texts(0, counts={"story": 300})}
    assert not stories & {text.story for text in finetuning.new_stories(60, seed=9)}


def test_the_loss_is_that_of_the_headline_and_its_end_alone(tiny):
    """Computed text by text, without filling, from the logits."""
    model, tokenizer = tiny.model, tiny.tokenizer
    end, texts = tokenizer.end_of_text, TEXTS[:4]
    rows = summarization._encode(tokenizer, texts, model.config.context_length)
    losses = []
    for text in texts:
        story, headline = tokenizer.encode(text.story + MARK), tokenizer.encode(" " + text.headline)
        assert tokenizer.encode(text.text) == story + headline
        ids = torch.tensor([end, *story, *headline, end])
        logits = model(ids[None, :-1])[0, len(story) :]
        losses.append(F.cross_entropy(logits, ids[len(story) + 1 :], reduction="none"))
    found = summarization._HeadlineLoss(tokenizer)(model, rows)
    torch.testing.assert_close(found, torch.cat(losses).mean(), rtol=1e-4, atol=1e-4)


def test_a_story_that_does_not_fit_is_refused(tiny):
    with pytest.raises(ValueError, match="and the model sees 60"):
        summarization._encode(tiny.tokenizer, TEXTS[:1], 60)


def test_scores_tell_right_from_fluent():
    right = [text.headline for text in TEXTS]
    assert finetuning.score_summaries(right, TEXTS) == (perfect := summarization._SummaryScores(1.0, 1.0, 0.0))
    shifted = finetuning.score_summaries([*right[1:], right[0]], TEXTS)
    assert shifted.exact < 0.1 and shifted.unfaithful > 0.9 and shifted.f1 < perfect.f1
    first = finetuning.score_summaries([text.story.partition(". ")[0] + "." for text in TEXTS], TEXTS)
    assert first.exact == 0 and first.unfaithful == 0 and 0.3 < first.f1 < 0.7


def test_the_model_that_ships_writes_true_headlines():
    """Stories of another seed; what it began with cannot do it."""
    shipped, texts = artifacts.load_model("headlines"), finetuning.new_stories(12, seed=31)
    stories = [text.story for text in texts]
    found = finetuning.score_summaries(finetuning.summarize(shipped.model, shipped.tokenizer, stories), texts)
    assert found.exact > 0.8 and found.unfaithful < 0.1
    assert shipped.step == 400 and shipped.settings == finetuning.headline_settings(shipped.step)
    assert shipped.record["measured"]["headlines"]["exact"] > 0.95
    assert shipped.record["measured"]["without_fine_tuning"]["exact"] == 0
