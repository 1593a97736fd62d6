"""A wrong `questions.toml` gives one sentence with file and key."""

import re

import pytest
from sample_lesson import CHECKS, QUESTIONS

from llmviz.course._schema import read_content


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ('title = "S · Sample"', "title = 3", "title: expected a text; given 3"),
    ('title = "S · Sample"', 'titel = "S"', "unknown key 'titel'; the keys are: title, predictions, exercises, quiz"),
    ('title = "S · Sample"', "title = ", "is not valid TOML"),
    ("[[warm_up]]\n", "[warm_up]\n", "warm_up: expected tables [[warm_up]]; given {"),
    ('unit = "words"', 'units = "words"', "predictions.n_words: unknown key 'units'; the keys are: name, question,"),
    ('unit = "words"', "unit = 5", "predictions.n_words.unit: expected a text; given 5"),
    ("low = 1", 'low = "one"', "predictions.n_words.low: expected a number; given 'one'"),
    ("low = 1", "low = true", "predictions.n_words.low: expected a number; given True"),
    ('kind = "number"', 'kind = "numbr"', "predictions.n_words.kind: expected one of number, choice; given 'numbr'"),
    ('question = "Who pays most?"\n', "", "predictions.pays_most.question: missing"),
    ('"German" = ""', '"German" = 1', "predictions.pays_most.options: expected a table of texts; given {"),
    ('name = "pays_most"', 'name = "n_words"', "predictions: the name 'n_words' is used twice"),
    ("difficulty = 2", "difficulty = 4", "exercises.word_counts.difficulty: expected 1, 2 or 3; given 4"),
    ("minutes = 8", "minutes = 8.5", "exercises.word_counts.minutes: expected a whole number; given 8.5"),
    ("hints = [", 'hints = ["Three", ', "exercises.word_counts.hints: expected two texts; given ['Three'"),
    ('name = "word_counts"', 'name = "words"', "exercises.words.name: checks.py has no such exercise; it has: word_c"),
    ("no_space =", "nospace =", "mistakes.no_space: missing here, but checks.py recognizes it"),
    ("letters =", "lettters = ''\nletters =", "mistakes.lettters: checks.py does not know it"),
    ("letters =", "# letters =", "mistakes.letters: missing here, but checks.py recognizes it"),
    ('answer = "No"\n', "", "quiz.letters.answer: missing"),
    ('name = "letters"\n', "", "quiz.2.name: missing"),
    ('name = "earlier"', 'name = "spaces"', "warm_up: the name 'spaces' is used twice"),
    ('text = "Yes"\n', "", "quiz.letters.distractors.1.text: missing"),
    ('see = "No such heading"', 'sea = "x"', "quiz.letters.distractors.1: unknown key 'sea'; the keys are: text, exp"),
])  # fmt: skip
def test_a_wrong_file_is_named_with_its_key(tmp_path, old, new, sentence):
    path = tmp_path / "questions.toml"
    text = QUESTIONS.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match="^" + re.escape(str(path))) as caught:
        read_content(path, CHECKS)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_an_exercise_without_its_texts_and_a_question_with_one_option_are_named(tmp_path):
    path = tmp_path / "questions.toml"
    path.write_text('title = "T"\n')
    with pytest.raises(ValueError, match=r"exercises: 'word_counts' has checks in checks\.py, but is missing here"):
        read_content(path, CHECKS)
    path.write_text('title = "T"\n[[quiz]]\nname = "q"\nquestion = "?"\nanswer = "a"\nexplanation = "e"\n')
    path.write_text(path.read_text() + '[[quiz.distractors]]\ntext = "b"\nexplanation = "e"\n')
    with pytest.raises(ValueError, match=r"quiz.q.distractors: expected two or more tables with a wrong option each"):
        read_content(path, {})


def test_line_breaks_of_the_file_are_spaces_and_empty_lines_paragraphs():
    task = read_content(QUESTIONS, CHECKS).exercises["word_counts"].task
    assert task == "Write `word_counts(text)`: how often is each word there?\n\nIn: a string. Out: a dict."
