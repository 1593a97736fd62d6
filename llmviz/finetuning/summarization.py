"""Summarization: fine-tune a GPT to end each story with its headline (lesson 7).

A decoder needs no encoder for this: story and headline are one text, and the headline attends to the story.
Source: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz.evaluation.text_overlap import exact_match, rouge_1
from llmviz.generation.sampling import complete
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.stories import COLORS, HEADLINES, HEROES, OBJECTS, PARTNERS, PLACES
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import words
from llmviz.training.loop import TrainingSettings, TrainingStep, pad_rows, train_steps

MARK = " Headline:"
"""Separates a story from its headline."""
_SEED_SHIFT = 3_000_000  # other stories than those of the corpus and of its validation part

_FROM_THE_STORY = frozenset([*(person.name for person in (*HEROES, *PARTNERS)), *OBJECTS, *COLORS, *PLACES])


@dataclass(frozen=True)
class _Headlined:
    """A story and its headline."""

    story: str
    headline: str

    @property
    def text(self) -> str:
        """The story, the mark, the headline, as a model reads them."""
        return f"{self.story}{MARK} {self.headline}"


def _headlined_stories(n: int, *, seed: int = 0) -> tuple[_Headlined, ...]:
    """Stories with their headlines; the same seed gives the same ones."""
    texts = Tinyville().texts(_SEED_SHIFT + seed, counts={"story": n})
    return tuple(_Headlined(one.text, HEADLINES[one.labels["schema"]].format_map(one.labels)) for one in texts)


def _unsupported(story: str, summary: str) -> list[str]:
    """The names, objects, colors and places of a summary that its story does not mention: hallucinations.

    >>> _unsupported("Mia tried to sell a red kite at the park.", "Mia sells a blue kite to Leo.")
    ['blue', 'Leo']
    """
    told = set(words(story))
    return [word for word in words(summary) if word in _FROM_THE_STORY and word not in told]


N_STORIES = 1500
_TEST_SEED_SHIFT = 500_000


@dataclass(frozen=True)
class _SummaryScores:
    """Shares from 0 to 1: summaries equal to the headline, words shared with it in the mean (ROUGE-1), and summaries
    that name a person or thing that the story does not mention."""

    exact: float
    f1: float
    unfaithful: float


def _encode(tokenizer: Tokenizer, texts: Sequence[_Headlined], context_length: int) -> Tensor:
    """Each story with its headline as one row of tokens: (text, context_length + 1), padded with end-of-text tokens."""
    end = tokenizer.end_of_text
    rows = [[*tokenizer.encode_prompt(text.text), end] for text in texts]
    if (longest := max(map(len, rows))) > context_length + 1:
        raise ValueError(f"story and headline have {longest} tokens, and the model sees {context_length}")
    return pad_rows([*rows, [end] * (context_length + 1)], end)[:-1]


class _HeadlineLoss:
    """The mean of −ln p over the tokens of the headline alone, in nats: the story is given, and has no targets."""

    def __init__(self, tokenizer: Tokenizer):
        self.mark, self.end = torch.tensor(tokenizer.encode(MARK)), tokenizer.end_of_text

    def __call__(self, model: DecoderOnly, rows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Rows as `_encode` makes them, (text, context_length + 1)."""
        is_target = self._is_headline(rows)[:, 1:]
        longest = int(is_target.any(dim=0).nonzero().max()) + 1
        inputs, targets, is_target = rows[:, :longest], rows[:, 1 : longest + 1], is_target[:, :longest]
        return F.cross_entropy(model(inputs)[is_target], targets[is_target])

    def _is_headline(self, rows: Tensor) -> Tensor:
        """Which tokens come after the mark, up to the first end: (text, position), bool."""
        n_mark = len(self.mark)
        marks = (rows.unfold(1, n_mark, 1) == self.mark).all(dim=-1)  # (text, position where a mark would begin)
        after = torch.arange(rows.shape[1]) >= (marks.int().argmax(dim=1) + n_mark)[:, None]
        n_ends = ((rows == self.end) & after).cumsum(dim=1)
        return after & ((n_ends == 0) | ((n_ends == 1) & (rows == self.end)))


def headline_settings(steps: int, *, seed: int = 0) -> TrainingSettings:
    """The settings that were measured: many small steps train faster than few large ones."""
    return TrainingSettings(steps, batch_size=8, learning_rate=0.02, embedding_learning_rate=0.001, seed=seed)


def headline_steps(model: DecoderOnly, tokenizer: Tokenizer, settings: TrainingSettings) -> Iterator[TrainingStep]:
    """Fine-tune a model in place to write headlines, yielding after each step; the settings' seed draws the stories."""
    rows = _encode(tokenizer, _headlined_stories(N_STORIES, seed=settings.seed), model.config.context_length)
    return train_steps(model, rows, settings, objective=_HeadlineLoss(tokenizer))


def new_stories(n: int = 100, *, seed: int = 0) -> tuple[_Headlined, ...]:
    """Stories with headlines, none of which are trained on."""
    return _headlined_stories(n, seed=_TEST_SEED_SHIFT + seed)


def summarize(model: DecoderOnly, tokenizer: Tokenizer, stories: Sequence[str]) -> list[str]:
    """A headline for each story, by greedy decoding."""
    settings = {"temperature": 0, "max_new_tokens": 24}
    return [complete(model, tokenizer, story + MARK, **settings).strip() for story in stories]


def score_summaries(summaries: Sequence[str], texts: Sequence[_Headlined]) -> _SummaryScores:
    """Compare summaries with the headlines and with the stories."""
    f1 = [rouge_1(words(one), words(text.headline)) for one, text in zip(summaries, texts, strict=True)]
    made_up = [bool(_unsupported(text.story, one)) for one, text in zip(summaries, texts, strict=True)]
    exact = exact_match(summaries, [text.headline for text in texts])
    return _SummaryScores(exact, sum(f1) / len(f1), sum(made_up) / len(made_up))
