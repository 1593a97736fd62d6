"""Filling in: a word is hidden, and two models say what stood there, one from both sides, one from the left (lesson 5).

A masked model (BERT) gets one blank for each token of the hidden word, and fills the blanks from left to right, each
choice visible to the next: P(word) = P(first | all around) · P(second | first, all around) · …
A next-token model (GPT) has no sign for a blank. It reads what stands before, and goes on until a word is complete.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.grammar import WORD
from llmviz.tinyville.masked_words import hidden_words, next_stretches, word_stretches
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.masked_lm import MASK_TOKEN, mask_token_id

WIDTH = 16
MOST_TOKENS = 6


@dataclass(frozen=True)
class Word:
    """A word or mark that can be hidden.

    Attributes:
        text: as it stands there, without the space before it; None for a blank that was typed as "___".
        start, stop: its tokens, counted from the end-of-text token that begins the text (0).
    """

    text: str | None
    start: int
    stop: int


@dataclass(frozen=True)
class FillMaskResult:
    """What can stand at one hidden word; in each mapping {word: probability}, the most probable first.

    Attributes:
        both_sides: of the masked model, which sees all other words that are not hidden.
        left_side: of the next-token model, which sees the words before. Where an earlier word is hidden too, it reads
            its own best guess there, as it would when writing.
        exact_both, exact_left: the world's own; empty where it says no such text.
    """

    word: Word
    both_sides: dict[str, float]
    left_side: dict[str, float]
    exact_both: dict[str, float]
    exact_left: dict[str, float]


class FillMask:
    """Two models before the same hidden words.

    Args:
        masked: the model that fills in, with one token more than the tokenizer: the blank.
        causal: the model that goes on.
        tokenizer: the one of both.
        world: whose exact answers stand beside theirs; without it there are none.
        width: how many beginnings of a word are followed.

    >>> from llmviz.training import checkpoints
    >>> tiny, masked = checkpoints.load_tiny(), checkpoints.load_masked_long()
    >>> filler = FillMask(masked.model, tiny.model, tiny.tokenizer, world=Tinyville())
    >>> [filling] = filler.fill("Ella ___ in the lighthouse.")
    >>> next(iter(filling.both_sides)), filling.exact_both
    ('lives', {'lives': 1.0})
    """

    def __init__(
        self,
        masked: EncoderOnly,
        causal: DecoderOnly,
        tokenizer: Tokenizer,
        *,
        world: Tinyville | None = None,
        width: int = WIDTH,
    ):
        sizes = (masked.config.vocab_size - 1, causal.config.vocab_size, tokenizer.vocab_size)
        if len(set(sizes)) > 1:
            raise ValueError(
                f"the masked model knows {sizes[0]} tokens and the blank, the next-token model {sizes[1]}, the "
                f"tokenizer {sizes[2]}: all three must be of one size, so give models of the same tokenizer"
            )
        self.masked, self.causal, self.tokenizer, self.world, self.width = masked, causal, tokenizer, world, width

    def read(self, text: str) -> tuple[list[int], list[Word]]:
        """Cut a text into words: its token ids, with an end-of-text token at either end, and the words.

        "___" is a blank of one token.
        """
        ids, words = [self.tokenizer.end_of_text], []
        pieces = text.split(MASK_TOKEN)
        for number, piece in enumerate(pieces):
            if number:
                words.append(Word(None, len(ids), len(ids) + 1))
                ids.append(mask_token_id(self.masked))
            piece = piece if piece is pieces[-1] else piece.removesuffix(" ")  # a token begins with its space
            for first, last in word_stretches(self.tokenizer.token_spans(piece)):
                ids_here = self.tokenizer.encode(piece)[first:last]
                start = len(ids)
                ids += ids_here
                words.append(Word(self._said(ids_here), start, len(ids)))
        self._check_length(len(ids) + 1)
        return [*ids, self.tokenizer.end_of_text], words

    def fill(self, text: str, hidden: Collection[int] = ()) -> list[FillMaskResult]:
        """Hide words of a text, by their number from 0, beside those written "___"; a `Filling` for each.

        Raises ValueError where nothing is hidden, a number is no word's, or the text is too long for the models.
        """
        ids, words = self.read(text)
        places = hidden_places(words, hidden)
        both, left = self._both_sides(ids, words, places), self._left_side(ids, words, places)
        exact_both, exact_left = self._exact(text, ids, words, places)
        found = zip(places, both, left, exact_both, exact_left, strict=True)
        return [FillMaskResult(words[place], *rest) for place, *rest in found]

    @torch.inference_mode()
    def _both_sides(self, ids: list[int], words: Sequence[Word], places: Sequence[int]) -> list[dict[str, float]]:
        row = torch.tensor(ids, device=self.masked.embedding.weight.device)
        for place in places:
            row[words[place].start : words[place].stop] = mask_token_id(self.masked)
        return [self._fill_one(row, words[place]) for place in places]

    def _fill_one(self, row: Tensor, word: Word) -> dict[str, float]:
        beams: list[tuple[list[int], float]] = [([], 1.0)]
        for at in range(word.start, word.stop):
            rows = row.repeat(len(beams), 1)
            for number, (said, _) in enumerate(beams):
                rows[number, word.start : at] = torch.tensor(said, dtype=row.dtype)
            chances = self.masked(rows)[:, at, : self.tokenizer.vocab_size].softmax(dim=-1).cpu()
            beams = self._best(beams, chances)
        return self._by_word(beams)

    @torch.inference_mode()
    def _left_side(self, ids: list[int], words: Sequence[Word], places: Sequence[int]) -> list[dict[str, float]]:
        found: list[dict[str, float]] = []
        before, place = [], 0
        for hidden in places:
            before += ids[place : words[hidden].start]
            place = words[hidden].stop
            complete = self._go_on(before)
            found.append(self._by_word(complete))
            before += max(complete, key=lambda one: one[1])[0]
        return found

    def _go_on(self, before: list[int]) -> list[tuple[list[int], float]]:
        """The most probable next words: their tokens and probabilities."""
        complete: list[tuple[list[int], float]] = []
        beams: list[tuple[list[int], float]] = [([], 1.0)]
        for n_tokens in range(MOST_TOKENS):
            limit = self.causal.config.context_length
            batch = torch.tensor([[*before, *said][-limit:] for said, _ in beams])
            chances = self.causal(batch.to(self.causal.embedding.weight.device))[:, -1].softmax(dim=-1).cpu()
            if not n_tokens and self._is_open[before[-1]]:  # the word before is complete
                chances = chances * ~self._goes_on
                chances = chances / chances.sum()
            if n_tokens:
                ends = 1 - chances[:, self._goes_on].sum(dim=-1)
                complete += [(said, chance * end) for (said, chance), end in zip(beams, ends.tolist(), strict=True)]
                chances = chances * self._goes_on
            grown = self._best(beams, chances)
            complete += [one for one in grown if not self._is_open[one[0][-1]]]
            beams = [one for one in grown if self._is_open[one[0][-1]]]
            if not beams:
                break
        return complete

    def _best(self, beams: list[tuple[list[int], float]], chances: Tensor) -> list[tuple[list[int], float]]:
        """Lengthen each beginning by each token, and keep the most probable: `chances` is (beginning, vocab)."""
        joint = chances * torch.tensor([[chance] for _, chance in beams])
        best = joint.flatten().topk(min(self.width, joint.numel()))
        size = joint.shape[1]
        return [
            ([*beams[place // size][0], place % size], chance)
            for chance, place in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def _by_word(self, beams: list[tuple[list[int], float]]) -> dict[str, float]:
        """Add up what is spelled alike."""
        total: dict[str, float] = {}
        for ids, chance in beams:
            word = self._said(ids)
            total[word] = total.get(word, 0.0) + chance
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def _said(self, ids: list[int]) -> str:
        said = self.tokenizer.decode(ids)
        return said.strip() or said

    @cached_property
    def _goes_on(self) -> Tensor:
        """Which tokens go on with the word that stands before them: (vocab,), bool."""
        letter = self.tokenizer.encode("a")
        alone = WORD.search(self.tokenizer.decode(letter))
        return torch.tensor([
            WORD.search(self.tokenizer.decode([*letter, token_id]))[0] != alone[0]
            for token_id in range(self.tokenizer.vocab_size)
        ])  # fmt: skip

    @cached_property
    def _is_open(self) -> list[bool]:
        """Which tokens end in a letter or a digit, so that the word may go on."""
        texts = (self.tokenizer.decode([token_id]) for token_id in range(self.tokenizer.vocab_size))
        return [bool(text) and (text[-1].isalnum() or text[-1] == "_") for text in texts]

    def _exact(self, text: str, ids: list[int], words: Sequence[Word], places: Sequence[int]):
        """The world's answers from both sides, and from the left for the first hidden word."""
        nothing: list[dict[str, float]] = [{} for _ in places]
        if self.world is None:
            return nothing, nothing
        # The world's words; a stretch of ours is one of them, or several marks.
        said = [self.world.words(MASK_TOKEN if word.text is None else word.text) for word in words]
        starts = [sum(map(len, said[:number])) for number in range(len(words))]
        stretches = [(starts[place], starts[place] + len(said[place])) for place in places]
        both = hidden_words(self.world, [one for word in said for one in word], stretches, self._same_size(len(ids)))
        first = words[places[0]]
        before = self.tokenizer.decode(ids[1 : first.start])
        left = next_stretches(self.world, before, self._cut)
        return both, [left, *nothing[1:]]

    def _same_size(self, n_tokens: int):
        return lambda text: len(self.tokenizer.encode(text)) + 2 == n_tokens

    def _cut(self, text: str) -> list[str]:
        ids = self.tokenizer.encode(text)
        return [self.tokenizer.decode(ids[first:last])
                for first, last in word_stretches(self.tokenizer.token_spans(text))]  # fmt: skip

    def _check_length(self, n_tokens: int) -> None:
        limit = min(self.masked.config.context_length, self.causal.config.context_length)
        if n_tokens > limit:
            raise ValueError(
                f"these models see {limit} tokens at once; the text has {n_tokens} with its two ends. Type less."
            )


def hidden_places(words: Sequence[Word], hidden: Collection[int]) -> list[int]:
    """The numbers of all hidden words, from left to right: those that are asked for, and the blanks of the text."""
    if wrong := [place for place in hidden if place not in range(len(words))]:
        raise ValueError(f"the text has {len(words)} words and marks, numbered from 0; there is no number {wrong[0]!r}")
    places = sorted({*hidden, *(place for place, word in enumerate(words) if word.text is None)})
    if not places:
        raise ValueError(f'hide a word: give its number (from 0), or write "{MASK_TOKEN}" in its place')
    return places
