"""Questions, predictions and exercises of the lessons. In a notebook each call shows a widget and returns nothing::

    from llmviz import course
    lesson = course.open("attention")
    lesson.progress()                                     # follows what happens below
    lesson.warm_up()
    lesson.predict("gelato")                              # the question, and nothing of the answer
    lesson.reveal("gelato", 4.2, show=plots.to_html(axes))     # a later cell: answer, picture, difference
    lesson.exercise("causal_mask")                        # the card; then a stub in a cell of its own:
    def causal_mask(n_queries):
        ...
    lesson.check("causal_mask", causal_mask)              # a cell of its own, so that it can be run again
    lesson.solution("causal_mask")                        # the one exception: returns a ready function, to go on with
    lesson.quiz()

The content of a lesson is a folder, `content/<lesson>/`: `questions.toml` holds all texts (`_schema.py` says what each
key means; a wrong file gives one sentence with file and key), `checks.py` holds `CHECKS`, the Python part of each
exercise. Where a learner's results differ from those of the solution, the first mistake that gives *all* the same
results (or at least half of them, with the first wrong one) is named, with the numbers.
`tests/course/wrong_answers.py` holds wrong answers as learners write them: each mistake must be recognized in one.

A stub counts as untouched if it returns `...`, or None from an empty body, or raises NotImplementedError.
"""

from llmviz.course._schema import Checks
from llmviz.course.lesson import Lesson, open
