"""How far back does a model see? A fact told some sentences ago, and a list longer than the window (lesson 8)."""

from __future__ import annotations

import random

import torch

from llmviz.evaluation.facts import Question, question_text
from llmviz.interpretability.induction import RANK_SHIFT
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.facts import NAME_FIRST, PAUSES, THEMES, VALUES, fact_sentence

N_LISTS, N_ASKED = 24, 6


def facts_at_distance(n_sentences: int, *, seed: int = 0) -> list[Question]:
    """Questions about each guest: two things are told, then so many sentences about nothing, then one is asked back.

    In the texts of the world there is always exactly one sentence between.
    """
    draw = random.Random(f"{seed}/{n_sentences}")
    asked = []
    for guest in Tinyville.guests:
        for theme in THEMES.values():
            values = {attribute: draw.choice(VALUES[attribute]) for attribute in theme}
            told = " ".join(fact_sentence(NAME_FIRST[key][0], guest.name, value) for key, value in values.items())
            pauses = "".join(f"{draw.choice(PAUSES)} " for _ in range(n_sentences))
            prompt = f"{guest.name} is visiting Tinyville this week. {told} {pauses}Remember, "
            asked += [
                Question(guest.name, attribute, "guest", prompt + question_text(guest.name, attribute), value)
                for attribute, value in values.items()
            ]
    return asked


@torch.inference_mode()
def repeat_accuracy(model: DecoderOnly, length: int, *, seed: int = 0) -> float:
    """Say a list of random tokens, then begin it again: how often does the model say the right next token?

    It sees only its last `context_length` tokens. From a list of that length on, what it should repeat has left.

    Args:
        length: tokens in the list, at least 8; so far back lies what has to be copied.
    """
    generator = torch.Generator().manual_seed(seed)
    shares = 1 / (torch.arange(model.config.vocab_size - 1) + float(RANK_SHIFT))
    lists = torch.multinomial(shares.expand(N_LISTS, -1), length, generator=generator)
    texts = torch.cat((lists, lists[:, : N_ASKED + 2]), dim=1)
    right = []
    for place in range(length + 2, length + 2 + N_ASKED):
        window = texts[:, max(0, place - model.config.context_length) : place]
        right.append(model(window)[:, -1].argmax(dim=-1) == texts[:, place])
    return torch.stack(right).float().mean().item()
