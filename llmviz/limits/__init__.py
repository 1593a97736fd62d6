"""What language models cannot do, as rates, and what each remedy moves (lesson 8).

questions.py asks about everybody · measures.py counts · refusing.py and tuning.py teach · bias.py plants and repairs ·
distance.py and spelling.py measure what no remedy here reaches · names.py does it with Python's own library ·
recorded.py keeps what takes minutes.
"""

from llmviz.limits.measures import (
    coverage_and_accuracy,
    coverage_curve,
    hallucination_rate,
    reliability,
)
from llmviz.limits.questions import Question, all_questions, ask, changed, with_fact, with_facts
from llmviz.limits.tuning import Preference, answer_steps, preference_loss, preference_steps

__all__ = [
    "Preference",
    "Question",
    "all_questions",
    "answer_steps",
    "ask",
    "changed",
    "coverage_and_accuracy",
    "coverage_curve",
    "hallucination_rate",
    "preference_loss",
    "preference_steps",
    "reliability",
    "with_fact",
    "with_facts",
]
