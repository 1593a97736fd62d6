"""Questions about everybody: the world itself says which have an answer."""

import pytest
import torch

from llmviz import artifacts, evaluation
from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import make_fact

WORLD = Tinyville()


@pytest.mark.parametrize("wording", [0, 1])
def test_the_world_goes_on_only_where_there_is_an_answer(wording):
    asked = evaluation.fact_questions(wording)
    assert len(asked) == len({one.prompt for one in asked}) == 4 * (32 + 6 + 4)
    for one in asked:
        allowed = WORLD.next_words(one.prompt)
        assert (set(allowed) == {one.truth}) if one.truth else not allowed, one
    assert {one.group for one in asked if one.truth} == {"known"}


def test_a_fact_in_front_is_the_truth_from_then_on():
    plain = evaluation.fact_questions()
    told = evaluation.with_facts(plain, seed=3)
    assert all(one.truth and f" {one.truth}" in one.prompt for one in told)
    assert [one.truth for one, before in zip(told, plain, strict=True) if before.truth] == [
        one.truth for one in plain if one.truth
    ]
    assert evaluation.with_facts(plain, seed=3) == told != evaluation.with_facts(plain, seed=4)


@pytest.mark.parametrize("frame", list(evaluation.FRAMES))
def test_a_change_tells_another_value_in_the_words_of_its_frame(frame):
    truths = {(one.name, one.attribute): one.truth for one in evaluation.fact_questions()}
    for one in evaluation.with_conflicting_facts(evaluation.fact_questions(), frame):
        assert one.truth.lower() in one.prompt.lower()
        assert one.truth != truths[one.name, one.attribute]
        assert one.prompt.endswith(make_fact(one.name, one.attribute).prompts[0])


def test_news_is_what_the_world_says():
    mia = next(one for one in evaluation.fact_questions() if (one.name, one.attribute) == ("Mia", "pet"))
    [news], [plain] = (evaluation.with_conflicting_facts([mia], frame) for frame in ("news", "the plain fact"))
    assert WORLD.next_words(news.prompt) == {news.truth: 1.0} and news.truth != mia.truth
    assert WORLD.next_words(plain.prompt) == {}


class Echo(torch.nn.Module):
    """Says the token that it read last, with certainty; short of sight."""

    def __init__(self, vocab_size, context_length):
        super().__init__()
        self.config = type("Config", (), {"context_length": context_length})
        self.vocab_size = vocab_size

    def forward(self, token_ids):
        assert token_ids.shape[1] <= self.config.context_length
        return 50 * torch.nn.functional.one_hot(token_ids, self.vocab_size).float()


def test_each_prompt_is_answered_after_its_own_last_token_also_beyond_the_window():
    tokenizer = artifacts.load_model("tiny").tokenizer
    texts = ("a dog", "a cat and a cat " * 9 + "a hen")
    asked = [evaluation.facts._FactQuestion("Mia", "pet", "known", text, "cat") for text in texts]
    found = evaluation.ask(Echo(tokenizer.vocab_size, 12), tokenizer, asked)
    assert found.words == ("dog", "hen")
    assert found.right.tolist() == [False, False]
    torch.testing.assert_close(found.confidence, torch.ones(2))
    assert evaluation.ask(Echo(tokenizer.vocab_size, 12), tokenizer, asked, temperature=1.0).words == found.words
