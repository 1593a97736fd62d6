"""Fine-tuning of a pretrained model: heads, LoRA, all weights, preferences, rewards (lessons 6, 7, 8 and 12)."""

from llmviz.finetuning.alignment import (
    UNKNOWN,
    VERIFIERS,
    chat_examples,
    chat_labels,
    chat_questions,
    chat_scores,
    chat_split,
    fact_answer,
    group_advantages,
    grpo_steps,
    is_right,
    looks_like_an_answer,
    preference_pairs,
    reward_loss,
    rewards_of,
    sample_answers,
    says_nothing_false,
    train_chat,
    train_reward_model,
)
from llmviz.finetuning.comparison import BUDGETS, MethodComparison, load_comparisons, run_comparison
from llmviz.finetuning.dpo import Preference, answer_log_probability, dpo_loss, preference_steps, tune_on_answers
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
