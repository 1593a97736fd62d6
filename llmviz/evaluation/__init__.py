"""Evaluation: gaps to the entropy, facts, hallucination, bias, memorization, text overlap (lessons 5, 7 and 8)."""

from llmviz.evaluation.bias import dial_setting, greedy_share, she_probability, train_on_ratio
from llmviz.evaluation.capabilities import load_capabilities, record_capabilities, repeat_accuracy
from llmviz.evaluation.facts import (
    FRAMES,
    FactQuestion,
    ask,
    fact_questions,
    facts_at_distance,
    with_conflicting_facts,
    with_facts,
)  # fmt: skip
from llmviz.evaluation.hallucination import (
    api_exists,
    coverage_and_accuracy,
    coverage_curve,
    hallucination_rate,
    train_on_api_names,
)  # fmt: skip
from llmviz.evaluation.losses import copy_accuracy, fact_accuracy, gaps, next_word
from llmviz.evaluation.text_overlap import SubstringIndex, exact_match, longest_run, rouge_1

__all__ = [
    "FRAMES", "FactQuestion", "SubstringIndex", "api_exists", "ask", "copy_accuracy",
    "coverage_and_accuracy", "coverage_curve", "dial_setting", "exact_match", "fact_accuracy", "fact_questions",
    "facts_at_distance", "gaps", "greedy_share", "hallucination_rate", "load_capabilities", "longest_run",
    "next_word", "record_capabilities", "repeat_accuracy", "rouge_1", "she_probability", "train_on_api_names",
    "train_on_ratio", "with_conflicting_facts", "with_facts",
]  # fmt: skip
