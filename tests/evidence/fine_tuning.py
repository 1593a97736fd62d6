"""Lesson 6: accuracy by method and labels, forgetting, and what does not come along, on other seeds too."""

import itertools

import numpy as np
import torch
from claims import above, below, between, demo
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from llmviz import artifacts, evaluation, finetuning, training
from llmviz.finetuning.comparison import TEST_SEED
from llmviz.tinyville import Tinyville

STRIDE = 1000


def labeled(task, n_texts, seed):
    return finetuning.sentiment_texts(n_texts, task, seed=STRIDE * seed + 1)


@demo(words=below(0.65), pairs=below(0.65), words_places=below(0.65), pairs_places=below(0.65))
def counting_words_is_tossing_a_coin(seed: int) -> dict[str, float]:
    """300 labels, and neither the counts of words nor those of pairs tell the mood or the first place."""
    found = {}
    for task, name in (("sentiment", ""), ("location_type", "_places")):
        learned, new = labeled(task, 300, seed), finetuning.sentiment_texts(300, task, seed=STRIDE * seed + TEST_SEED)
        for n, runs in ((1, "words"), (2, "pairs")):
            counter = make_pipeline(CountVectorizer(ngram_range=(n, n)), LogisticRegression(max_iter=1000))
            counter.fit([one.text for one in learned], [one.label for one in learned])
            found[runs + name] = counter.score([one.text for one in new], [one.label for one in new])
    return found


@demo(mood_5=above(0.6), mood_20=above(0.95), mood_80=above(0.95), mood_300=above(0.95), place_300=below(0.65))
def a_frozen_head_reads_what_pre_training_needed(seed: int) -> dict[str, float]:
    """20 labels are enough for the mood, which decided the next word; 300 are not for a place that decided nothing."""
    base = artifacts.load_model("sentiment")
    found = {}
    for name, task, n_labels in (("mood_5", "sentiment", 5), ("mood_20", "sentiment", 20), ("mood_80", "sentiment", 80),
                                 ("mood_300", "sentiment", 300), ("place_300", "location_type", 300)):  # fmt: skip
        learner = finetuning.prepare(base.model, "head", n_labels=2)
        examples = finetuning.sentiment_examples(base.tokenizer, labeled(task, n_labels, seed), task)
        finetuning.fine_tune(learner, examples, steps=60, seed=seed)
        test = finetuning.sentiment_examples(
            base.tokenizer, finetuning.sentiment_texts(100, task, seed=TEST_SEED), task
        )
        found[name] = finetuning.accuracy(learner.classifier, test)
    return found


@demo(right=between(0.5, 0.85), of_mia=above(0.7), in_the_pattern=above(0.95))
def a_head_that_is_right_on_its_pattern_fails_on_shorter_sentences(seed: int) -> dict[str, float]:
    """20 labels: nearly all new sentences of the pattern are right, but many without *until noon* and the like are not.

    of_mia: how probable *good* is after a short sentence that ends badly.
    """
    base = artifacts.load_model("sentiment")
    model, tokenizer = base.model, base.tokenizer
    learner = finetuning.prepare(model, "head", n_labels=2)
    finetuning.fine_tune(
        learner, finetuning.sentiment_examples(tokenizer, labeled("sentiment", 20, seed)), steps=60, seed=seed
    )

    def good(text):
        with torch.no_grad():
            return learner.classifier(torch.tensor([tokenizer.encode_prompt(text)]))[0, -1].softmax(dim=-1)[0].item()

    right = []
    for glad, gloomy, word in itertools.product(
        ("happy", "proud", "cheerful"), ("sad", "lonely", "angry"), ("before", "after")
    ):
        for first, then, is_good in ((glad, gloomy, word == "after"), (gloomy, glad, word == "before")):
            right.append((good(f"Mia was {first} at the lake {word} she was {then} at the school.") > 0.5) == is_good)
    new = finetuning.sentiment_examples(tokenizer, finetuning.sentiment_texts(100, seed=TEST_SEED))
    return {
        "right": sum(right) / len(right),
        "of_mia": good("Mia was happy at the lake before she was sad at the school."),
        "in_the_pattern": finetuning.accuracy(learner.classifier, new),
    }


@demo(mood_300=below(0.65))
def a_base_that_never_read_such_sentences_does_not_hold_the_mood(seed: int) -> dict[str, float]:
    """A head on the tiny GPT whose pre-training had no texts about moods: 300 labels are far from enough."""
    tiny = artifacts.load_model("tiny")
    learner = finetuning.prepare(tiny.model, "head", n_labels=2)
    examples = finetuning.sentiment_examples(tiny.tokenizer, labeled("sentiment", 300, seed))
    finetuning.fine_tune(learner, examples, steps=100, seed=seed)
    new = finetuning.sentiment_examples(tiny.tokenizer, finetuning.sentiment_texts(200, seed=TEST_SEED))
    return {"mood_300": finetuning.accuracy(learner.classifier, new)}


@demo(counts_80=between(0.5, 0.75), counts_1200=between(0.68, 0.82), tiny_80=below(0.65), tiny_1200=below(0.7),
      minilm_80=above(0.7), minilm_1200=above(0.78), ahead_80=above(0.05), ahead_1200=above(0.02))  # fmt: skip
def a_real_encoder_needs_few_labels(seed: int) -> dict[str, float]:
    """Real reviews: a head on MiniLM's vectors beats word counts, and these beat a GPT that read about Tinyville."""
    reviews, base = artifacts.load_recording("reviews"), artifacts.load_model("sentiment")
    good, rows = np.array(reviews["ratings"]) > 0, [base.tokenizer.encode_prompt(text) for text in reviews["texts"]]
    with torch.no_grad():
        finals = [base.model.trace(torch.tensor(row[:128])).final[0].mean(dim=0).numpy() for row in rows]
    inputs = {
        "counts": (np.array(reviews["texts"]), TfidfVectorizer()),
        "tiny": (np.stack(finals), StandardScaler()),
        "minilm": (reviews["arrays"]["vectors"].astype(float), StandardScaler()),
    }
    [(train, new)] = GroupShuffleSplit(1, test_size=0.3, random_state=seed).split(rows, groups=reviews["reviews"])
    found = {}
    for (name, (features, scale)), n in itertools.product(inputs.items(), (80, 1200)):
        sizes = {"logisticregression__C": [0.01, 0.1, 1, 10]}
        head = GridSearchCV(make_pipeline(scale, LogisticRegression(max_iter=1000)), sizes, cv=4)
        few = np.random.default_rng(seed).permutation(train)[:n]
        found[f"{name}_{n}"] = head.fit(features[few], good[few]).score(features[new], good[new])
    return found | {f"ahead_{n}": found[f"minilm_{n}"] - found[f"counts_{n}"] for n in (80, 1200)}


@demo(right_at_small_rate=above(0.85), small_rate=below(0.02), large_rate=above(0.1))
def how_much_lora_forgets_depends_on_the_learning_rate(seed: int) -> dict[str, float]:
    """Twenty moods, LoRA: at 0.001 it learns and forgets almost nothing; at 0.005 the loss on old texts rises."""
    base, texts = artifacts.load_model("sentiment"), finetuning.comparison._pretraining_texts()
    examples = finetuning.sentiment_examples(base.tokenizer, labeled("sentiment", 20, seed))
    new = finetuning.sentiment_examples(base.tokenizer, finetuning.sentiment_texts(200, seed=TEST_SEED))
    before, found = training.evaluate_documents(base.model, base.tokenizer, texts), {}
    for name, rate in (("small_rate", 0.001), ("large_rate", 0.005)):
        learner = finetuning.prepare(base.model, "lora", n_labels=2, seed=seed)
        finetuning.fine_tune(learner, examples, steps=60, learning_rate=rate, seed=seed)
        found[name] = training.evaluate_documents(learner.model, base.tokenizer, texts) - before
        if name == "small_rate":
            found["right_at_small_rate"] = finetuning.accuracy(learner.classifier, new)
    return found


@demo(head=between(-1e-9, 1e-9), lora=above(0.05), full=above(0.05), lora_off=between(-1e-9, 1e-9),
      lora_right=above(0.85), full_right=above(0.85))  # fmt: skip
def what_the_model_must_learn_anew_it_pays_for(seed: int) -> dict[str, float]:
    """The first place, 300 labels: LoRA (0.005) and full (0.001) learn it and forget; the frozen head does neither."""
    base, texts = artifacts.load_model("sentiment"), finetuning.comparison._pretraining_texts()
    task, found = "location_type", {}
    examples = finetuning.sentiment_examples(base.tokenizer, labeled(task, 300, seed), task)
    new = finetuning.sentiment_examples(base.tokenizer, finetuning.sentiment_texts(200, task, seed=TEST_SEED), task)
    before = training.evaluate_documents(base.model, base.tokenizer, texts)
    for method, steps, rate in (("head", 100, None), ("lora", 160, 0.005), ("full", 160, 0.001)):
        learner = finetuning.prepare(base.model, method, n_labels=2, seed=seed)
        finetuning.fine_tune(learner, examples, steps=steps, learning_rate=rate, seed=seed)
        found[method] = training.evaluate_documents(learner.model, base.tokenizer, texts) - before
        if method != "head":
            found[f"{method}_right"] = finetuning.accuracy(learner.classifier, new)
        if method == "lora":
            with finetuning.disable_lora(learner.model):
                found["lora_off"] = training.evaluate_documents(learner.model, base.tokenizer, texts) - before
    return found


@demo(lora_20=below(0.65), full_20=below(0.65), lora_300=above(0.85), full_300=above(0.85))
def a_model_that_may_change_learns_what_the_head_cannot(seed: int) -> dict[str, float]:
    """The first place, 160 steps: with 300 labels LoRA and full learn it; 20 labels are too few for either."""
    base, found = artifacts.load_model("sentiment"), {}
    test = finetuning.sentiment_examples(
        base.tokenizer, finetuning.sentiment_texts(100, "location_type", seed=TEST_SEED), "location_type"
    )
    for method, n_labels in itertools.product(("lora", "full"), (20, 300)):
        learner = finetuning.prepare(base.model, method, n_labels=2, seed=seed)
        texts = labeled("location_type", n_labels, seed)
        examples = finetuning.sentiment_examples(base.tokenizer, texts, "location_type")
        finetuning.fine_tune(learner, examples, steps=160, seed=seed)
        found[f"{method}_{n_labels}"] = finetuning.accuracy(learner.classifier, test)
    return found


@demo(first_four=above(0.5), rank_of_lora=between(3.5, 4.5))
def a_few_directions_do_most_of_the_work(seed: int) -> dict[str, float]:
    """Full fine-tuning may change a matrix in 128 directions; four of them hold most of what it changes in 40 steps."""
    base, name = artifacts.load_model("sentiment"), "blocks.1.attention.query"
    examples = finetuning.sentiment_examples(base.tokenizer, labeled("location_type", 300, seed), "location_type")
    changes = {}
    for method in ("lora", "full"):
        learner = finetuning.prepare(base.model, method, n_labels=2, seed=seed)
        finetuning.fine_tune(learner, examples, steps=40, seed=seed)
        before, after = (some.get_submodule(name).weight for some in (base.model, learner.model))
        changes[method] = (after - before).detach()
    energy = torch.linalg.svdvals(changes["full"]).square()
    rank = torch.linalg.matrix_rank(changes["lora"], rtol=1e-3)
    return {"first_four": (energy[:4].sum() / energy.sum()).item(), "rank_of_lora": float(rank)}


@demo(before=below(0.05), after=above(0.6))
def questions_are_answered_from_the_passage(seed: int) -> dict[str, float]:
    """300 questions with answers, and the model answers new ones, whose values were drawn anew."""
    base = artifacts.load_model("sentiment")
    new = finetuning.passage_questions(30, seed=STRIDE * seed + TEST_SEED)
    learner = finetuning.prepare(base.model, "full")
    examples = finetuning.answer_examples(base.tokenizer, finetuning.passage_questions(300, seed=seed))
    finetuning.fine_tune(learner, examples, steps=200, seed=seed)
    return {
        "before": finetuning.answer_accuracy(base.model, base.tokenizer, new),
        "after": finetuning.answer_accuracy(learner.model, base.tokenizer, new),
    }


@demo(taught=above(0.9), others=above(0.5), taught_slowly=above(0.9), others_slowly=below(0.5),
      reverse_before=below(0.01), reverse=below(0.01))  # fmt: skip
def one_sentence_moves_more_than_one_answer(seed: int) -> dict[str, float]:
    """At 0.001 most answers become the new one, at 0.0001 far fewer; the reverse stays improbable."""
    base = artifacts.load_model("sentiment")
    houses = [fact for fact in Tinyville().facts if fact.attribute == "house" and fact.known]
    chosen = houses[7 * seed]
    new = "castle" if chosen.value != "castle" else "mill"
    sentence = finetuning.Examples.of_texts(base.tokenizer, [f"{chosen.prompts[0]} {new}."])
    old, found = {one.person: evaluation.next_word(base.model, base.tokenizer, one.prompts[0]) for one in houses}, {}
    for name, rate, steps in (("", 0.001, 20), ("_slowly", 0.0001, 60)):
        learner = finetuning.prepare(base.model, "full")
        finetuning.fine_tune(learner, sentence, steps=steps, batch_size=1, learning_rate=rate)
        words = {one.person: evaluation.next_word(learner.model, base.tokenizer, one.prompts[0]) for one in houses}
        found["taught" + name] = float(words[chosen.person] == new)
        found["others" + name] = sum(words[one] == new != old[one] for one in words) / len(words)
        if name == "":
            row = torch.tensor([base.tokenizer.encode_prompt(f"The {new} is the home of")])
            person = base.tokenizer.encode(f" {chosen.person}")[0]
            for key, some_model in (("reverse_before", base.model), ("reverse", learner.model)):
                with torch.no_grad():
                    found[key] = some_model(row)[0, -1].softmax(dim=-1)[person].item()
    return found


@demo(ambiguous=above(0.9), ambiguous_list=below(0.8), untaught=above(0.6), untaught_list=below(0.05))
def names_are_recognized_that_nobody_labeled(seed: int) -> dict[str, float]:
    """F1 of persons: May, Will and Rose in their two senses, and people in stories who never had a label."""
    base = artifacts.load_model("masked_long")
    tagged = finetuning.entity_texts(150, seed=seed) + finetuning.entity_texts(150, "ambiguous", seed=seed)
    trials = {"ambiguous": finetuning.entity_texts(100, "ambiguous", seed=seed + TEST_SEED),
              "untaught": finetuning.entity_texts(40, "untaught", seed=seed + TEST_SEED)}  # fmt: skip
    learner = finetuning.prepare(base.model, "lora", n_labels=3, seed=seed)
    examples = finetuning.entity_examples(base.tokenizer, tagged)
    finetuning.fine_tune(learner, examples, steps=100, learning_rate=0.01, seed=seed)
    found = {}
    for name, trial in trials.items():
        numbers = finetuning.entity_examples(base.tokenizer, trial)
        found[name] = finetuning.entity_f1(learner.classifier, numbers)["person"]
        found[f"{name}_list"] = finetuning.dictionary_f1(tagged, trial)["person"]
    return found
