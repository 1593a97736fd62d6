"""Floor 2: going on with a model that has been trained, on a few labelled examples: heads, LoRA, full (lesson 6).

>>> from llmviz import checkpoints, fine_tuning
>>> base = checkpoints.load_moods()
>>> texts = fine_tuning.mood_texts(20)
>>> learner = fine_tuning.begin(base.model, "head", n_labels=2)
>>> done = fine_tuning.fine_tune(learner, fine_tuning.mood_examples(base.tokenizer, texts), steps=30)
>>> test = fine_tuning.mood_examples(base.tokenizer, fine_tuning.mood_texts(50, seed=1))
>>> fine_tuning.accuracy(learner.classifier, test) > 0.9
True
"""

from llmviz.fine_tuning.baselines import (
    ngram_accuracy,
    ngram_counts,
    ngrams,
    probe_accuracy,
    train_probe,
)
from llmviz.fine_tuning.cities import CONTINENTS, labelled_cities
from llmviz.fine_tuning.entities import (
    ENTITY_LABELS,
    dictionary_f1,
    entity_examples,
    entity_f1,
    f1,
    sense_entities,
    story_entities,
)
from llmviz.fine_tuning.lora import (
    MATRICES,
    add_lora,
    changes_of,
    load_lora,
    low_rank_change,
    merged,
    save_lora,
    singular_values,
    switched_off,
    weight_change,
)
from llmviz.fine_tuning.race import BUDGETS, Race, load_races, old_loss, old_texts, race_steps, run_race
from llmviz.fine_tuning.tasks import (
    LABELS,
    Labelled,
    Question,
    answer_accuracy,
    answer_examples,
    answer_labels,
    mood_examples,
    mood_texts,
    questions,
    sentence_examples,
)
from llmviz.fine_tuning.tuning import (
    METHODS,
    Examples,
    Learner,
    accuracy,
    begin,
    fine_tune,
    fine_tune_steps,
    label_loss,
    n_different,
    predicted,
    text_examples,
    with_head,
)

__all__ = [
    "BUDGETS",
    "CONTINENTS",
    "ENTITY_LABELS",
    "LABELS",
    "MATRICES",
    "METHODS",
    "Examples",
    "Labelled",
    "Learner",
    "Question",
    "Race",
    "accuracy",
    "add_lora",
    "answer_accuracy",
    "answer_examples",
    "answer_labels",
    "begin",
    "changes_of",
    "dictionary_f1",
    "entity_examples",
    "entity_f1",
    "f1",
    "fine_tune",
    "fine_tune_steps",
    "label_loss",
    "labelled_cities",
    "load_lora",
    "load_races",
    "low_rank_change",
    "merged",
    "mood_examples",
    "mood_texts",
    "n_different",
    "ngram_accuracy",
    "ngram_counts",
    "ngrams",
    "old_loss",
    "old_texts",
    "predicted",
    "probe_accuracy",
    "questions",
    "race_steps",
    "run_race",
    "save_lora",
    "sense_entities",
    "sentence_examples",
    "singular_values",
    "story_entities",
    "switched_off",
    "text_examples",
    "train_probe",
    "weight_change",
    "with_head",
]
