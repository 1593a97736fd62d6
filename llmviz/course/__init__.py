"""The learning machinery. Here is how to write a lesson's exercises.

One content file per lesson, `llmviz/exercises/<lesson>.py`: plain data, the smallest complete one is this::

    from llmviz.course import Choice, Exercise, Lesson, Mistake, Number, Question, Text, Wrong
    from llmviz.tokenizers.pairs import count_pairs                 # the library's function is the solution

    LESSON = Lesson(
        "tokenization",                                             # the file's own name
        title="1 · Tokenization",
        predictions=[
            Number("n_tokens", "Into how many tokens does GPT-2 cut `strawberry`?", unit="tokens", low=1, high=10,
                   close=1, why="…"),
            Choice("pays_most", "Who pays most for the same sentence?",
                   {"English": "the thought that leads here, so the misconception", "German": "…"}, why="…"),
        ],
        exercises=[Exercise(
            "count_pairs",
            task="Write `count_pairs(tokens)`: how often is each pair of neighbors there? In: a list of strings. …",
            minutes=8, difficulty=1, hints=("It points.", "It nearly tells."),
            solution=count_pairs, why="…",
            cases=[["a", "b", "a", "b"], ["a", "a", "a"], []],      # a tuple holds several arguments
            mistakes=[
                Mistake("You skip overlapping pairs: in a a a there are two.", gives=lambda tokens: …),
                Mistake("You forget …", when=lambda got, tokens: isinstance(got, dict) and len(got) < len(tokens)),
                Mistake("You run over the end: …", raises=IndexError),
            ],
        )],
        quiz=[Question("letters", "Does the model see the letters of a word?", right="No: …", why="…", wrong=[
            Wrong("Yes, each one", "The misconception, and what speaks against it.", see="Heading above the cell"),
            Wrong("…", "…", see="Another heading, word for word")])],
        warm_up=[Question(…), Question(…)],                         # see="00_start_here.ipynb#Heading"
    )
    progress, warm_up, predict, exercise, quiz = LESSON.doors
    check_count_pairs = LESSON.check("count_pairs")

Texts may use `code`, *emphasis* and **strong**. Checks follow from `cases` and `mistakes`: the learner's results are
held against those of `solution`; where they differ, the first mistake that gives *all* the same results (or that
explains the first wrong one) names itself, with the numbers. What cases cannot say goes into `check=`, a function of
one argument `call` that raises `NotYet(sentence, given=…, got=…, expected=…)`::

    def rows_add_up(call):
        weights = call(torch.zeros(3, 3))
        if weights.sum() > 3.001:
            raise NotYet("Each row is a share of 1; yours add up to more.", got=weights.sum())

In the notebook (each line shows itself; none ever raises because of what a learner wrote)::

    from llmviz.course import tokenization as lesson
    lesson.progress()                                               # top of the notebook; follows what happens below
    lesson.warm_up()
    lesson.predict("n_tokens", answer=len(ids), show=figures.to_html(axes))     # answer and picture: after committing
    lesson.exercise("count_pairs")                                  # the card; then a stub in a cell of its own:
    def count_pairs(tokens):
        ...
    lesson.check_count_pairs(count_pairs)                           # a cell of its own, so that it can be run again
    lesson.quiz()

A stub is untouched when it returns `...`, or None from an empty body or from one that still holds a line `...`, or when
it raises NotImplementedError. The notebook computes a prediction's answer; to a `Choice` it is one of the options.

Every lesson has test data in `tests/exercises/wrong_<lesson>.py`: `WRONG = {"count_pairs": [(function, "words of
the sentence that must come"), …]}`, at least three per exercise, written as learners would write them.
`tests/exercises/test_contents.py` then tries stubs, the solution and these, and looks up every `see` in the notebook.
"""

from llmviz.course.checking import NotYet, Outcome, check
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question, Text

__all__ = [
    "Choice",
    "Distractor",
    "Exercise",
    "Lesson",
    "Mistake",
    "NotYet",
    "Number",
    "Outcome",
    "Question",
    "Text",
    "check",
]
