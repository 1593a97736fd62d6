"""Tasks: labels by construction, each word's label at its own token, and outside judges for probe and F1."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from llmviz import artifacts, finetuning
from llmviz.finetuning.tasks import ENTITY_LABELS, TAUGHT, _word_places, f1
from llmviz.tinyville.grammar import join

TOKENIZER = artifacts.load_model("sentiment").tokenizer


@pytest.mark.parametrize("task", finetuning.LABELS)
@given(st.integers(1, 60), st.integers(0, 999))
@settings(max_examples=5)
def test_texts_come_in_equal_parts_and_without_what_happened_next(task, n_texts, seed):
    texts = finetuning.sentiment_texts(n_texts, task, seed=seed)
    assert len(texts) == n_texts
    first, second = (sum(text.label == label for text in texts) for label in finetuning.LABELS[task])
    assert first - second in (0, 1)
    for text in texts:
        assert text.text.count(".") == 1 and text.text.endswith(".")
        assert not {"Lucky", "Poor", "How", "What"} & set(text.text.split())


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_the_answer_to_a_question_stands_in_its_passage(seed):
    for question in finetuning.passage_questions(3, seed=seed):
        assert question.answer in question.passage.removesuffix(".").replace(".", " ").split()
        assert question.name in question.passage and question.name in question.question
        assert question.prompt.endswith("Answer:")


def test_answers_are_labeled_where_they_are_to_be_said():
    asked = finetuning.passage_questions(5, seed=1)
    examples = finetuning.answer_examples(TOKENIZER, asked)
    for row, labels, question in zip(examples.token_ids, examples.labels, asked, strict=True):
        said = labels[labels >= 0].tolist()
        assert said[-1] == TOKENIZER.end_of_text
        assert TOKENIZER.decode([*row[1 : (labels >= 0).nonzero()[0] + 1].tolist(), *said[:-1]]) == (
            f"{question.prompt} {question.answer}"
        )


@pytest.mark.parametrize("names", ["taught", "untaught"])
def test_entities_are_people_and_places_and_nobody_crosses_over(names):
    for text in finetuning.entity_texts(20, names, seed=4):
        people = {word for word, label in zip(text.words, text.labels, strict=True) if label == "person"}
        assert len(people) == 2 and "place" in text.labels
        assert people <= TAUGHT if names == "taught" else not people & TAUGHT


@pytest.mark.parametrize("names", ["taught", "ambiguous"])
def test_each_word_begins_at_its_own_token(names):
    for text in finetuning.entity_texts(5, names, seed=5):
        check_first_tokens(text)


def check_first_tokens(text):
    row, places = _word_places(TOKENIZER, text.words)
    assert row == [*TOKENIZER.encode_prompt(join(text.words)), TOKENIZER.end_of_text]
    examples = finetuning.entity_examples(TOKENIZER, [text])
    for word, place, label in zip(text.words, places, text.labels, strict=True):
        if word.isalpha():
            assert word.startswith(TOKENIZER.token_bytes(row[place]).decode().strip())
            assert ENTITY_LABELS[examples.labels[0, place]] == label
    assert (examples.labels >= 0).sum() == len(set(places))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
@settings(max_examples=20)
def test_f1_is_that_of_scikit_learn(pairs):
    found, right = (torch.tensor(side) for side in zip(*pairs, strict=True))
    for label in range(3):
        expected = f1_score(right == label, found == label, zero_division=1.0)
        assert f1(found, right, label) == pytest.approx(expected)
