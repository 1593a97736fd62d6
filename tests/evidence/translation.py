"""Lesson 7, its two tasks: a translator trained from nothing, and headlines, hold on other seeds too."""

import copy

from claims import above, below, demo

from llmviz import artifacts, finetuning, translation
from llmviz.evaluation.text_overlap import exact_match
from llmviz.translation.model import _evaluate

FEW_STEPS = 40


def what_ships() -> dict[str, float]:
    """The same numbers of the translator that ships, examined anew."""
    shipped = artifacts.load_model("translator")
    corpus = translation.corpus(seed=shipped.corpus["seed"])
    return numbers(_evaluate(shipped.model, shipped.tokenizer, corpus), corpus)


def numbers(measured: dict, corpus) -> dict[str, float]:
    by_dictionary = translation.word_by_word(corpus.training, [pair.english for pair in corpus.unseen])
    return {
        "exact": measured["exact"],
        "exact_of_unseen_combinations": measured["exact_of_unseen_combinations"],
        "content_words_aligned": measured["aligned"]["content words"],
        "crossing_adjectives_aligned": measured["aligned"]["crossing adjectives"],
        "exact_word_by_word": exact_match(by_dictionary, [pair.french for pair in corpus.unseen]),
    }


@demo(
    stand_in=what_ships,
    exact=above(0.95),
    exact_of_unseen_combinations=above(0.9),
    content_words_aligned=above(0.95),
    crossing_adjectives_aligned=above(0.95),
    exact_word_by_word=below(0.1),
)
def the_translator_learns_order_and_agreement(seed: int) -> dict[str, float]:
    """Of sentences that it has never read, more than 95 in 100 come out right to the last letter, and where the
    decoder looks is the right word, also where an adjective and its noun change places. A dictionary fails."""
    return numbers(translation.train(seed=seed).record["measured"], translation.corpus(seed=seed))


@demo(
    exact=above(0.9),
    unfaithful=below(0.1),
    exact_of_first_sentence=below(0.05),
    unfaithful_after_few_steps=above(0.4),
    exact_after_few_steps=below(0.1),
)
def headlines_are_fluent_before_they_are_true(seed: int) -> dict[str, float]:
    """The trained model's headlines are right and make nothing up; after a few steps nearly all name somebody or
    something of which the story says nothing. The first sentence is no headline. The seed draws the stories."""
    texts = finetuning.new_stories(40, seed=seed)
    stories = [text.story for text in texts]
    tiny, shipped = artifacts.load_model("tiny"), artifacts.load_model("headlines")
    young, settings = copy.deepcopy(tiny.model), finetuning.headline_settings(FEW_STEPS, seed=seed)
    for _ in finetuning.headline_steps(young, tiny.tokenizer, settings):
        pass
    late, early = (
        finetuning.score_summaries(finetuning.summarize(model, tiny.tokenizer, stories), texts)
        for model in (shipped.model, young)
    )
    first = finetuning.score_summaries([story.partition(". ")[0] + "." for story in stories], texts)
    return {
        "exact": late.exact,
        "unfaithful": late.unfaithful,
        "exact_of_first_sentence": first.exact,
        "unfaithful_after_few_steps": early.unfaithful,
        "exact_after_few_steps": early.exact,
    }
