"""Evaluation: gaps to the entropy, facts, hallucination, bias, memorization, text overlap (lessons 5, 7 and 8)."""

from llmviz.evaluation.bias import greedy_share, she_probability, train_on_ratio, worker_prompts
from llmviz.evaluation.capabilities import load_capabilities, record_capabilities, repeat_accuracy
from llmviz.evaluation.facts import FRAMES, ask, fact_questions, facts_at_distance, with_conflicting_facts, with_facts
from llmviz.evaluation.hallucination import api_exists, coverage_and_accuracy, hallucination_rate, train_on_api_names
from llmviz.evaluation.losses import copy_accuracy, fact_accuracy, gaps, next_word
from llmviz.evaluation.text_overlap import SubstringIndex, bleu, exact_match, longest_run, rouge_1
