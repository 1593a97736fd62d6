"""Fine-tuning of a pretrained model: new heads, LoRA, all weights, preferences (lessons 6, 7 and 8)."""

from llmviz.finetuning.comparison import BUDGETS, MethodComparison, load_comparisons, run_comparison
from llmviz.finetuning.dpo import Preference, preference_loss, preference_steps, tune_on_answers
from llmviz.finetuning.loop import (
    METHODS,
    Examples,
    accuracy,
    answer_labels,
    fine_tune,
    label_loss,
    n_different,
    prepare,
)
from llmviz.finetuning.lora import (
    add_lora,
    disable_lora,
    load_lora,
    lora_layers,
    low_rank_change,
    merge_lora,
    save_lora,
)  # fmt: skip
from llmviz.finetuning.summarization import (
    first_sentence,
    headline_settings,
    headline_steps,
    new_stories,
    score_summaries,
    summarize,
)  # fmt: skip
from llmviz.finetuning.tasks import (
    LABELS,
    SpellingTask,
    answer_accuracy,
    answer_examples,
    dictionary_f1,
    entity_examples,
    entity_f1,
    entity_texts,
    f1,
    is_refusal,
    labeled_cities,
    ngram_accuracy,
    ngrams,
    passage_questions,
    probe_accuracy,
    pronoun_preferences,
    refusal_examples,
    sentiment_examples,
    sentiment_texts,
    train_sentiment_base,
)  # fmt: skip

__all__ = [
    "BUDGETS", "LABELS", "METHODS", "Examples", "MethodComparison", "Preference", "SpellingTask", "accuracy",
    "add_lora", "answer_accuracy", "answer_examples", "answer_labels", "dictionary_f1", "disable_lora",
    "entity_examples", "entity_f1", "entity_texts", "f1", "fine_tune", "first_sentence", "headline_settings",
    "headline_steps", "is_refusal", "label_loss", "labeled_cities", "load_comparisons", "load_lora", "lora_layers",
    "low_rank_change", "merge_lora", "n_different", "new_stories", "ngram_accuracy", "ngrams", "passage_questions",
    "preference_loss", "preference_steps", "prepare", "probe_accuracy", "pronoun_preferences", "refusal_examples",
    "run_comparison", "save_lora", "score_summaries", "sentiment_examples", "sentiment_texts", "summarize",
    "train_sentiment_base", "tune_on_answers",
]  # fmt: skip
