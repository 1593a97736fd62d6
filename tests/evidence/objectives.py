"""Lesson 5: the masked and the next-token objective, on the same text, at the same size, for the same minute.

Each of the six models is trained for 700 steps: 61 to 70 s of one core, measured. In every `make test` the shipped
pair (`masked_long` and `tiny`, 5,000 steps each) is held against the same claims.
"""

from __future__ import annotations

from functools import cache, partial

import torch
from claims import above, below, demo

from llmviz import artifacts, corpora, generation, training
from llmviz.model.transformer import DecoderOnly, EncoderOnly, TransformerBase
from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import NAME_FIRST
from llmviz.tokenizers import Tokenizer
from llmviz.training import masked_lm, runs
from llmviz.training.loop import TrainingSettings

STEPS = 700
SAMPLES = 40
N_TEXTS = {"test": 400, "evidence": 2_000}


@cache
def read():
    """The tiny GPT, and what it read."""
    tiny = artifacts.load_model("tiny")
    corpus, _ = corpora.split(corpora.from_recipe(tiny.corpus))
    token_ids = runs.corpus_tokens(corpus, tiny.tokenizer)
    return tiny, token_ids, training.document_starts(token_ids, tiny.tokenizer.end_of_text)


@cache
def trained(seed: int) -> tuple[EncoderOnly, DecoderOnly]:
    """Both models after their minute."""
    tiny, token_ids, starts = read()
    settings = TrainingSettings(steps=STEPS, seed=seed)
    alone = partial(masked_lm.masked_token_loss, end_of_text=tiny.tokenizer.end_of_text)
    masked, causal = masked_lm.new_model(tiny.model.config, seed=seed), DecoderOnly(tiny.model.config, seed=seed)
    for model, objective in ((masked, alone), (causal, training.next_token_loss)):
        training.train(model, token_ids, settings, starts=starts, objective=objective)
    return masked, causal


@cache
def shipped() -> tuple[EncoderOnly, DecoderOnly]:
    """The pair that the lessons open."""
    return artifacts.load_model("masked_long").model, artifacts.load_model("tiny").model


def on_the_same_positions(pair: tuple[EncoderOnly, DecoderOnly], n_texts: int) -> dict[str, float]:
    """One token of each unseen text is hidden from both."""
    tokenizer = artifacts.load_model("tiny").tokenizer
    unseen = [text.text for text in Tinyville().texts(5_005, counts={"story": n_texts // 5, "fact": n_texts // 2,
              "visit": n_texts // 7, "work": n_texts // 10, "sense": n_texts // 20})]  # fmt: skip
    masked, causal = (masked_lm.masked_accuracy(model, tokenizer, unseen).float().mean().item() for model in pair)
    return {"masked": masked, "next_token": causal, "masked_is_ahead_by": masked - causal}


@demo(
    stand_in=lambda: on_the_same_positions(shipped(), N_TEXTS["test"]),
    masked=above(0.7),
    next_token=below(0.85),
    masked_is_ahead_by=above(0.01),
)
def both_sides_know_more(seed: int) -> dict[str, float]:
    """On the same hidden tokens the model that reads both sides is right more often than the one that reads the
    left."""
    return on_the_same_positions(trained(seed), N_TEXTS["evidence"])


@torch.inference_mode()
def where_the_right_decides(pair: tuple[EncoderOnly, DecoderOnly]) -> dict[str, float]:
    """The verb of each known fact, "Mia ___ in the lighthouse.": its kind of place, pet or dish comes after it."""
    tokenizer, right = artifacts.load_model("tiny").tokenizer, []
    for fact in Tinyville().facts:
        if not fact.known:
            continue
        text = NAME_FIRST[fact.attribute][0].format(name=fact.person, value=fact.value)
        ids = torch.tensor([[*tokenizer.encode_prompt(text), tokenizer.end_of_text]])
        place = 1 + len(tokenizer.encode(fact.person))
        right.append([_says(model, tokenizer, ids, place) for model in pair])
    masked, causal = torch.tensor(right).float().mean(dim=0).tolist()
    return {"masked": masked, "next_token": causal}


def _says(model: TransformerBase, tokenizer: Tokenizer, ids: torch.Tensor, place: int) -> bool:
    """Whether the model's best guess for one token is right."""
    if isinstance(model, DecoderOnly):
        logits = model(ids[:, :place])[0, -1]
    else:
        logits = model(ids.index_fill(1, torch.tensor([place]), masked_lm.mask_token_id(model)))[0, place]
    return bool(logits[: tokenizer.vocab_size].argmax() == ids[0, place])


@demo(
    stand_in=lambda: where_the_right_decides(shipped()),
    masked=above(0.95),
    next_token=below(0.5),
)
def a_cue_on_the_right_is_seen_by_one_alone(seed: int) -> dict[str, float]:
    """Where the deciding word stands on the right, the masked model is nearly always right, the other seldom."""
    return where_the_right_decides(trained(seed))


@torch.inference_mode()
def generate_by_mask_filling(model: EncoderOnly, tokenizer: Tokenizer, *, seed: int) -> list[str]:
    """Texts by an encoder from left to right: a mask token at the end, filled, and again, until each text ends."""
    generator, mask_id, end = torch.Generator().manual_seed(seed), masked_lm.mask_token_id(model), tokenizer.end_of_text
    rows = torch.full((SAMPLES, 1), end)
    has_ended = torch.zeros(SAMPLES, dtype=torch.bool)
    while rows.shape[1] < model.config.context_length and not has_ended.all():
        asked = torch.cat([rows, torch.full((SAMPLES, 1), mask_id)], dim=1)
        shares = (model(asked)[:, -1, :mask_id] / 0.8).softmax(dim=-1)
        drawn = torch.multinomial(shares, 1, generator=generator)
        has_ended |= drawn[:, 0] == end
        rows = torch.cat([rows, drawn.masked_fill(has_ended[:, None], end)], dim=1)
    return [tokenizer.decode([token_id for token_id in row if token_id != end]) for row in rows.tolist()]


def written(pair: tuple[EncoderOnly, DecoderOnly], seed: int) -> dict[str, float]:
    """The share of texts, written from left to right, that the world could have said."""
    masked, causal = pair
    tokenizer, world = artifacts.load_model("tiny").tokenizer, Tinyville()
    texts = generate_by_mask_filling(masked, tokenizer, seed=seed)
    others = generation.sample_texts(causal, tokenizer, SAMPLES, temperature=0.8, seed=1_000 * seed)
    by_masked, by_causal = (sum(world.check(text).valid for text in some) / SAMPLES for some in (texts, others))
    return {"masked": by_masked, "next_token": by_causal, "next_token_is_ahead_by": by_causal - by_masked}


@demo(
    stand_in=lambda: written(shipped(), 0),
    masked=below(0.2),
    next_token=above(0.4),
    next_token_is_ahead_by=above(0.2),
)
def only_one_of_them_writes(seed: int) -> dict[str, float]:
    """Writing from left to right, the next-token model says what the world could say far more often."""
    return written(trained(seed), seed)
