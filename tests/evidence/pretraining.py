"""Lesson 5: what it says about losses, skills, rates, copies and sizes holds on other seeds too.

The long live run is held by its own notebook on one seed (gap below 0.3 nats a word); data/README.md says what else
was measured of it.
"""

from functools import cache

import torch
from claims import above, below, between, demo

from llmviz import artifacts, corpora, evaluation, generation, training
from llmviz.evaluation.text_overlap import SubstringIndex
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.training import masked_lm, runs, scaling
from llmviz.training.loop import TrainingSettings

TOWN = Tinyville({"story": 5000, "copy": 5000})
TOKENIZER = artifacts.load_model("tiny").tokenizer
FEW = 40  # stories that are read over and over


@cache
def reading(seed: int, counts: tuple = tuple(TOWN.counts.items())):
    """A corpus of the town as tokens, and where its texts begin."""
    corpus = corpora.tinyville(seed=seed, counts=dict(counts))
    token_ids = runs.corpus_tokens(corpus, TOKENIZER)
    return corpus, token_ids, training.document_starts(token_ids, TOKENIZER.end_of_text)


def loss_per_token(model, texts) -> float:
    n_tokens = sum(len(TOKENIZER.encode(text)) + 1 for text in texts)
    return sum(training.document_nats(model, TOKENIZER, texts)) / n_tokens


@demo(exact_entropy=above(0.1), bigram_over_entropy=above(2), unigram_over_bigram=above(2), blind_over_unigram=above(1),
      initial_minus_blind=between(-1e-4, 1e-4), unigram_passed=below(30), bigram_passed=below(100))  # fmt: skip
def the_first_baselines_fall_at_once(seed: int) -> dict[str, float]:
    """The initial model guesses blindly; counting is learned within dozens of steps; the last baseline is not 0."""
    corpus, token_ids, starts = reading(seed)
    lines = training.baselines(corpus, TOWN.texts(seed + 1, counts={"story": 60, "copy": 60}), TOKENIZER)
    model = DecoderOnly(ModelConfig(vocab_size=TOKENIZER.vocab_size), seed=seed)
    settings = TrainingSettings(steps=150, optimizer="adamw", learning_rate=0.006, decay=1.0, seed=seed)
    losses = [step.loss for step in training.train_steps(model, token_ids, settings, starts=starts)]
    return {
        "exact_entropy": lines["exact entropy"],
        "bigram_over_entropy": lines["bigram"] / lines["exact entropy"],
        "unigram_over_bigram": lines["unigram"] / lines["bigram"],
        "blind_over_unigram": lines["ln V"] / lines["unigram"],
        "initial_minus_blind": losses[0] - lines["ln V"],
        "unigram_passed": next((i for i, loss in enumerate(losses, 1) if loss < lines["unigram"]), 999),
        "bigram_passed": next((i for i, loss in enumerate(losses, 1) if loss < lines["bigram"]), 999),
    }


@demo(spelling=below(100), facts_after_spelling=above(0), copying_after_facts=above(0), copied_at_300=below(0.1),
      copied_at_1440=above(0.7))  # fmt: skip
def spelling_then_facts_then_copying(seed: int) -> dict[str, float]:
    """Accuracy passes one half for spelling at the first test, then for facts, last for copying (mean of four classes).

    Read from the recordings of three tiny GPTs (`make models`), which a test compares with a new run.
    """
    found = evaluation.load_capabilities(seed)
    classes = [shares for name, shares in found.shares.items() if name.startswith("copies")]
    copying = dict(zip(found.steps, torch.tensor(classes).mean(dim=0).tolist(), strict=True))
    spelling, facts = found.first_above("spells words", 0.5), found.first_above("knows facts", 0.5)
    return {
        "spelling": spelling,
        "facts_after_spelling": facts - spelling,
        "copying_after_facts": next(step for step, share in copying.items() if share > 0.5) - facts,
        "copied_at_300": copying[300],
        "copied_at_1440": copying[1440],
    }


@demo(verb_from_both_sides=above(0.95), verb_from_the_left=between(0.05, 0.2), names=below(0.5),
      ahead_by=above(0.02))  # fmt: skip
def both_sides_give_the_verb(seed: int) -> dict[str, float]:
    """Of the shipped pair (objectives.py trains three): "Ella ___ in the lighthouse." is clear from both sides only;
    the names of "___ lives in the …" are mostly wrong; more hidden tokens are recovered (seeds draw other texts)."""
    masked, tiny, town = artifacts.load_model("masked_long").model, artifacts.load_model("tiny").model, Tinyville()
    filler = generation.FillMask(masked, tiny, TOKENIZER, world=town)
    [filling] = filler.fill("Ella ___ in the lighthouse.")
    homes: dict[str, set[str]] = {}
    for fact in town.facts:
        if fact.known and fact.attribute == "house":
            homes.setdefault(fact.value, set()).add(fact.person)
    names = [next(iter(filler.fill(f"___ lives in the {home}.")[0].both_sides)) in people
             for home, people in homes.items()]  # fmt: skip
    texts = town.texts(99 + seed, counts={"story": 60, "fact": 100, "work": 40})
    both, left = (masked_lm.masked_accuracy(model, TOKENIZER, [text.text for text in texts]).float().mean().item()
                  for model in (masked, tiny))  # fmt: skip
    return {
        "verb_from_both_sides": filling.both_sides["lives"],
        "verb_from_the_left": filling.left_side["lives"],
        "names": sum(names) / len(names),
        "ahead_by": both - left,
    }


@demo(stories_that_are_copies=below(10), longer_passages_than_new_stories=between(-0.15, 0.15))
def the_tiny_gpt_does_not_look_stories_up(seed: int) -> dict[str, float]:
    """Fewer than half of its stories stand in the corpus, and they share no longer passages with it than new ones."""
    tiny = artifacts.load_model("tiny")
    finder = SubstringIndex(corpora.from_recipe(tiny.corpus).documents)
    written = generation.sample_texts(
        tiny.model, TOKENIZER, 20, prompt="On Monday,", temperature=0.8, seed=1000 * seed
    )
    told = [text.text for text in Tinyville().texts(seed + 5, counts={"story": 400})]
    new = [text for text in told if text.startswith("On Monday,")][:20]
    return {
        "stories_that_are_copies": sum(finder.longest(text).share == 1 for text in written),
        "longer_passages_than_new_stories": finder.mean_share(written) - finder.mean_share(new),
    }


@demo(training_loss_over_entropy=below(0.9), unseen_over_its_lowest=above(1.1), copied=above(0.8))
def a_few_texts_are_learned_by_heart(seed: int) -> dict[str, float]:
    """Few texts, read over and over: the loss sinks below the entropy, on unseen texts it rises again, copies come."""
    told = [text.text for text in TOWN.texts(seed, counts={"story": FEW})]
    fresh = TOWN.texts(seed + 100, counts={"story": FEW})
    unseen = [text.text for text in fresh]
    entropy = -sum(text.log_probability for text in fresh) / sum(len(TOKENIZER.encode(text)) + 1 for text in unseen)
    token_ids = runs.corpus_tokens(corpora.tinyville(seed, {"story": FEW}), TOKENIZER)
    starts = training.document_starts(token_ids, TOKENIZER.end_of_text)
    model = DecoderOnly(scaling.config_of_width(64, TOKENIZER.vocab_size), seed=seed)
    settings = TrainingSettings(steps=300, batch_size=4, seed=seed)
    steps = training.train_steps(model, token_ids, settings, starts=starts)
    on_unseen = [loss_per_token(model, unseen) for step in steps if step.step % 30 == 0]
    written = generation.sample_texts(model, TOKENIZER, 10, temperature=0.8, seed=seed)
    return {
        "training_loss_over_entropy": loss_per_token(model, told) / entropy,
        "unseen_over_its_lowest": on_unseen[-1] / min(on_unseen),
        "copied": SubstringIndex(told).mean_share(written),
    }


@demo(chosen=between(0.003, 0.3), crawls=below(1), walks=above(2), jumps=above(2))
def a_range_test_finds_a_rate_that_walks(seed: int) -> dict[str, float]:
    """At the chosen rate 40 steps gain nats; at a hundredth of it hardly any; at a hundred times it all is worse."""
    _, token_ids, starts = reading(seed)
    config = scaling.config_of_width(32, TOKENIZER.vocab_size)
    test = scaling.RangeTest(
        steps=100, batch_size=4, optimizer="adamw", lowest=1e-5, learning_rate=3.0, seed=seed
    )
    chosen = scaling.range_test(DecoderOnly(config, seed=seed), token_ids, test, starts=starts).chosen
    blind = torch.tensor(float(TOKENIZER.vocab_size)).log().item()

    def last(factor):
        settings = TrainingSettings(
            steps=40, batch_size=4, optimizer="adamw", learning_rate=factor * chosen, seed=seed
        )
        model = DecoderOnly(config, seed=seed)
        return [step.loss for step in training.train_steps(model, token_ids, settings, starts=starts)][-1]

    return {"chosen": chosen, "crawls": blind - last(0.01), "walks": blind - last(1), "jumps": last(100) / blind}


@demo(exponent=between(0.25, 0.6), exponent_without_a_floor=above(0.1), sixth_over_predicted=between(0.7, 1.3),
      without_the_floor=below(0))  # fmt: skip
def five_small_models_predict_a_sixth(seed: int) -> dict[str, float]:
    """The law of five widths predicts the sixth within a third; the exponent without a floor is larger than the
    published one; without the floor it predicts a loss that no model can have."""
    town = Tinyville()
    _, token_ids, starts = reading(seed, tuple(town.counts.items()))
    texts = town.texts(seed + 1, counts={kind: count // 400 for kind, count in town.counts.items()})
    unseen = [text.text for text in texts]
    n_tokens = sum(len(TOKENIZER.encode(text)) + 1 for text in unseen)
    floor = -sum(text.log_probability for text in texts) / n_tokens
    settings = TrainingSettings(steps=100, batch_size=4, seed=seed)
    trials = [scaling.try_width(width, token_ids, settings, tokenizer=TOKENIZER, held_out=unseen, starts=starts)
              for width in (8, 12, 16, 24, 32, 64)]  # fmt: skip
    sizes, losses = [one.n_parameters for one in trials], [one.loss for one in trials]
    law = scaling.fit_law(sizes[:5], [loss - floor for loss in losses[:5]])
    factor, exponent = scaling.power_law(sizes[:5], losses[:5])
    return {
        "exponent": law.exponent,
        "exponent_without_a_floor": exponent,
        "sixth_over_predicted": (losses[5] - floor) / float(law.predict(sizes[5])),
        "without_the_floor": factor * 1e8**-exponent - floor,
    }
