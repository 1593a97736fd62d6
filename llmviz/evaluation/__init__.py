"""What language models cannot do, as rates, and what each remedy moves (lesson 8).

questions.py asks about everybody · measures.py counts · refusing.py and tuning.py teach · bias.py plants and repairs ·
distance.py and spelling.py measure what no remedy here reaches · names.py does it with Python's own library ·
recorded.py keeps what takes minutes.
"""

from llmviz.evaluation.context_distance import facts_at_distance, repeat_accuracy
from llmviz.evaluation.facts import (
    FRAMES,
    Question,
    all_questions,
    ask,
    changed,
    question_text,
    with_change,
    with_fact,
    with_facts,
)
from llmviz.evaluation.hallucination import coverage_and_accuracy, coverage_curve, hallucination_rate, reliability
from llmviz.evaluation.losses import (
    Gap,
    copy_accuracy,
    fact_accuracy,
    gaps,
    next_word,
)
from llmviz.evaluation.memorization import SubstringIndex
from llmviz.evaluation.recorded import RATIOS, SEEDS, dial_setting
from llmviz.evaluation.text_overlap import exact_share
from llmviz.finetuning.dpo import Preference, answer_steps, preference_loss, preference_steps

__all__ = [
    "FRAMES",
    "RATIOS",
    "SEEDS",
    "Gap",
    "Preference",
    "Question",
    "SubstringIndex",
    "all_questions",
    "answer_steps",
    "ask",
    "changed",
    "copy_accuracy",
    "coverage_and_accuracy",
    "coverage_curve",
    "dial_setting",
    "exact_share",
    "fact_accuracy",
    "facts_at_distance",
    "gaps",
    "hallucination_rate",
    "next_word",
    "preference_loss",
    "preference_steps",
    "question_text",
    "reliability",
    "repeat_accuracy",
    "with_change",
    "with_fact",
    "with_facts",
]
