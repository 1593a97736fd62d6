"""Fine-tuning of a pretrained model: new heads, LoRA, all weights, preferences (lessons 6, 7 and 8)."""

from llmviz.finetuning.comparison import BUDGETS, MethodComparison, load_comparisons, run_comparison
from llmviz.finetuning.dpo import Preference, dpo_loss, preference_steps, tune_on_answers
from llmviz.finetuning.loop import METHODS, Examples, accuracy, answer_labels, fine_tune, label_loss, prepare
from llmviz.finetuning.lora import add_lora, disable_lora, lora_layers, merge_lora
from llmviz.finetuning.summarization import headline_settings, headline_steps, new_stories, score_summaries, summarize
from llmviz.finetuning.tasks import (
    LABELS,
    SpellingTask,
    answer_accuracy,
    answer_examples,
    dictionary_f1,
    entity_examples,
    entity_f1,
    entity_texts,
    is_refusal,
    passage_questions,
    refusal_examples,
    sentiment_examples,
    sentiment_texts,
    train_sentiment_base,
)
