"""Summarization: a GPT that has learned to write is taught to end a story with its headline (lesson 7).

A decoder needs no encoder for this: story and headline are one text, and the words of the headline look back at those
of the story. Source: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.3.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz import artifacts, training
from llmviz.evaluation.text_overlap import exact_share, overlap
from llmviz.generation.sampling import complete
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.headlines import MARK, Headlined, headlined_stories, unsupported
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import words
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import TrainingSettings, TrainingStep

STEPS = 200
SHIPPED_STEPS = 400
BATCH_SIZE = 8  # many small steps teach this sooner than few large ones
LEARNING_RATE = 0.02
EMBEDDING_LEARNING_RATE = 0.001
STORIES = 1500
TEST_STORIES = 100
TEST_SEED_SHIFT = 500_000
MOST_NEW_TOKENS = 24


@dataclass(frozen=True)
class Score:
    """How good summaries are, as shares from 0 to 1.

    Attributes:
        exact: those that are the headline, to the last sign.
        f1: how many words they share with the headline, in the mean (ROUGE-1).
        unfaithful: those that name somebody or something of which the story says nothing.
    """

    exact: float
    f1: float
    unfaithful: float


def encode_texts(tokenizer: Tokenizer, texts: Sequence[Headlined], context_length: int) -> Tensor:
    """Write each story with its headline as one row of tokens: (text, context_length + 1), filled up with ends."""
    end, rows = tokenizer.end_of_text, []
    for text in texts:
        row = [end, *tokenizer.encode(text.text), end]
        if len(row) > context_length + 1:
            raise ValueError(f"story and headline have {len(row)} tokens, and the model sees {context_length}")
        rows.append(row + [end] * (context_length + 1 - len(row)))
    return torch.tensor(rows)


class HeadlineLoss:
    """The mean surprise at the tokens of the headline alone, in nats; an objective for `training.train_steps`.

    The story is given, so nobody has to predict it: its positions are left out.
    """

    def __init__(self, tokenizer: Tokenizer):
        self.mark, self.end = torch.tensor(tokenizer.encode(MARK)), tokenizer.end_of_text

    def __call__(self, model: DecoderOnly, rows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Rows as `encode_texts` makes them, (text, context_length + 1)."""
        given, wanted = rows[:, :-1], rows[:, 1:]
        is_told = self.is_headline(rows)[:, 1:]
        longest = int(is_told.any(dim=0).nonzero().max()) + 1
        given, wanted, is_told = given[:, :longest], wanted[:, :longest], is_told[:, :longest]
        return F.cross_entropy(model(given)[is_told], wanted[is_told])

    def is_headline(self, rows: Tensor) -> Tensor:
        """Which tokens come after the mark, up to the first end: (text, position), bool."""
        n_mark = len(self.mark)
        marks = (rows.unfold(1, n_mark, 1) == self.mark).all(dim=-1)  # (text, position where a mark would begin)
        places = torch.arange(rows.shape[1])
        after = places >= (marks.int().argmax(dim=1) + n_mark)[:, None]
        n_ends = ((rows == self.end) & after).cumsum(dim=1)
        return after & ((n_ends == 0) | ((n_ends == 1) & (rows == self.end)))


def default_settings(steps: int = STEPS, *, seed: int = 0) -> TrainingSettings:
    """The fine-tuning that was measured (data/README.md has the numbers)."""
    return TrainingSettings(
        steps=steps,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        embedding_learning_rate=EMBEDDING_LEARNING_RATE,
        seed=seed,
    )


def stories_to_learn(n: int = STORIES, *, seed: int = 0) -> tuple[Headlined, ...]:
    """Stories with headlines to learn from."""
    return headlined_stories(n, seed=seed)


def stories_to_test(n: int = TEST_STORIES, *, seed: int = 0) -> tuple[Headlined, ...]:
    """Other stories with headlines, from another stream than those to learn from."""
    return headlined_stories(n, seed=TEST_SEED_SHIFT + seed)


def finetune_steps(
    model: DecoderOnly, tokenizer: Tokenizer, texts: Sequence[Headlined], settings: TrainingSettings
) -> Iterator[TrainingStep]:
    """Teach a model to write headlines, and hand back control after each step; the model is changed in place."""
    rows = encode_texts(tokenizer, texts, model.config.context_length)
    starts = torch.arange(len(rows) + 1) * rows.shape[1]
    token_ids = torch.cat((rows.flatten(), rows[:1, 0]))
    return training.train_steps(model, token_ids, settings, objective=HeadlineLoss(tokenizer), starts=starts)


def finetuned(model: DecoderOnly, tokenizer: Tokenizer, *, steps: int = STEPS, seed: int = 0) -> DecoderOnly:
    """A copy of a model that has learned headlines for so many steps."""
    copied = copy.deepcopy(model)
    for _ in finetune_steps(copied, tokenizer, stories_to_learn(seed=seed), default_settings(steps, seed=seed)):
        pass
    return copied


def summarize_all(model: DecoderOnly, tokenizer: Tokenizer, stories: Sequence[str]) -> list[str]:
    """Write a headline for each story, always taking the best next token."""
    settings = {"temperature": 0, "max_new_tokens": MOST_NEW_TOKENS}
    return [complete(model, tokenizer, story + MARK, **settings).strip() for story in stories]


def first_sentence(story: str) -> str:
    """The simplest summary: the story's first sentence.

    >>> first_sentence('Mia lost a red kite. She looked under the bed.')
    'Mia lost a red kite.'
    """
    return story.partition(". ")[0].rstrip(".") + "."


def score(summaries: Sequence[str], texts: Sequence[Headlined]) -> Score:
    """Hold summaries against the headlines and against the stories."""
    f1 = [overlap(words(one), words(text.headline)).f1 for one, text in zip(summaries, texts, strict=True)]
    made_up = [bool(unsupported(text.story, one)) for one, text in zip(summaries, texts, strict=True)]
    exact = exact_share(summaries, [text.headline for text in texts])
    return Score(exact, sum(f1) / len(f1), sum(made_up) / len(made_up))


def trained(steps: int = SHIPPED_STEPS, *, seed: int = 0) -> Checkpoint:
    """Teach the tiny GPT headlines, and examine it beside the baselines on stories that it has never read."""
    tiny, tests = artifacts.load_model("tiny"), stories_to_test(seed=seed)
    stories = [text.story for text in tests]
    model = finetuned(tiny.model, tiny.tokenizer, steps=steps, seed=seed)
    scores = {
        "headlines": score(summarize_all(model, tiny.tokenizer, stories), tests),
        "first_sentence": score([first_sentence(story) for story in stories], tests),
        "without_fine_tuning": score(summarize_all(tiny.model, tiny.tokenizer, stories), tests),
    }
    measured = {name: {key: round(value, 3) for key, value in asdict(one).items()} for name, one in scores.items()}
    recipe = {"source": "headlines", "seed": seed, "stories": STORIES, "base": "models/tiny"}
    record = {"n_parameters": model.n_parameters, "measured": measured}
    return Checkpoint(model, tiny.tokenizer, recipe, default_settings(steps, seed=seed), steps, record)
