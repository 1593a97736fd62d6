"""Mask filling: a masked and a causal language model predict the same hidden words (lesson 5).

The masked model (BERT) gets one mask token for each token of the hidden word and fills them from left to right:
P(word) = P(first | both sides) · P(second | first, both sides) · …
The causal model (GPT) has no mask token: it reads what comes before, and continues until a word is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from numbers import Integral

import torch
from torch import Tensor

from llmviz.generation.sampling import _check_model
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.token_distributions import masked_words, next_pieces, word_spans
from llmviz.tokenizers.base import Tokenizer, check_text
from llmviz.tokenizers.words import WORD
from llmviz.training.masked_lm import MASK_TOKEN, mask_token_id

_MAX_WORD_TOKENS = 6


@dataclass(frozen=True)
class _Word:
    """A word or punctuation mark that can be hidden, and its tokens, counted from the end-of-text token (0).

    text: without the space before it; None for a mask that was typed as "___".
    """

    text: str | None
    start: int
    stop: int


@dataclass(frozen=True)
class _FillMaskResult:
    """Predictions for one hidden word; each mapping is {word: probability}, the most probable first.

    both_sides: of the masked model, which sees all words that are not hidden. left_side: of the causal model, which
    sees the words before; where an earlier word is hidden too, it reads its own best prediction there.
    exact_both, exact_left: the exact ones of Tinyville; empty where it has no such text.
    """

    word: _Word
    both_sides: dict[str, float]
    left_side: dict[str, float]
    exact_both: dict[str, float]
    exact_left: dict[str, float]


class FillMask:
    """Predicts hidden words with a masked and a causal model of the same tokenizer.

    The masked model has one token more than the tokenizer: the mask token. world: the Tinyville whose exact answers are
    given beside theirs; None gives none.

    >>> from llmviz import artifacts
    >>> tiny, masked = artifacts.load_model("tiny"), artifacts.load_model("masked_long")
    >>> filler = FillMask(masked.model, tiny.model, tiny.tokenizer, world=Tinyville())
    >>> [filling] = filler.fill("Ella ___ in the lighthouse.")
    >>> next(iter(filling.both_sides)), filling.exact_both
    ('lives', {'lives': 1.0})
    """

    def __init__(
        self, masked: EncoderOnly, causal: DecoderOnly, tokenizer: Tokenizer, *, world: Tinyville | None = None
    ):
        if not isinstance(masked, EncoderOnly) or masked.unembedding is None:
            raise ValueError(f"the masked model is an EncoderOnly with an unembedding; given {type(masked).__name__}")
        _check_model(causal, tokenizer)
        sizes = (masked.config.vocab_size - 1, causal.config.vocab_size, tokenizer.vocab_size)
        if len(set(sizes)) > 1:
            raise ValueError(f"give models of the same tokenizer: masked, causal and tokenizer know {sizes} tokens")
        self.masked, self.causal, self.tokenizer, self.world = masked, causal, tokenizer, world
        self.beam_width = 16

    def read(self, text: str) -> tuple[list[int], list[_Word]]:
        """Split a text: its token ids, with an end-of-text token at either end, and its words; "___" is one mask."""
        ids, words = [self.tokenizer.end_of_text], []
        pieces = check_text(text).split(MASK_TOKEN)
        for number, piece in enumerate(pieces):
            if number:
                words.append(_Word(None, len(ids), len(ids) + 1))
                ids.append(mask_token_id(self.masked))
            piece = piece if piece is pieces[-1] else piece.removesuffix(" ")  # a token begins with its space
            for word_ids in self._split(piece):
                words.append(_Word(self._word_text(word_ids), len(ids), len(ids) + len(word_ids)))
                ids += word_ids
        limit, n_tokens = min(self.masked.config.context_length, self.causal.config.context_length), len(ids) + 1
        if n_tokens > limit:
            raise ValueError(f"these models see {limit} tokens at once; the text has {n_tokens}. Type less.")
        return [*ids, self.tokenizer.end_of_text], words

    def fill(self, text: str, hidden: Collection[int] = ()) -> list[_FillMaskResult]:
        """Predict the words of a text with these numbers (from 0), and those written "___": a result for each.

        Raises ValueError where nothing is hidden, a number is no word's, or the text is too long for the models.
        """
        ids, words = self.read(text)
        places = self.hidden_places(words, hidden)
        both, left = self._both_sides(ids, words, places), self._left_side(ids, words, places)
        found = zip(places, both, left, *self._exact(ids, words, places), strict=True)
        return [_FillMaskResult(words[place], *rest) for place, *rest in found]

    @staticmethod
    def hidden_places(words: Sequence[_Word], hidden: Collection[int]) -> list[int]:
        """The numbers of all hidden words, from left to right: those given, and the masks in the text."""
        if not isinstance(hidden, Iterable) or isinstance(hidden, str):
            raise ValueError(f"hidden are the numbers of words, such as [1, 3]; given {hidden!r:.60}")
        if wrong := [one for one in hidden if not isinstance(one, Integral) or one not in range(len(words))]:
            raise ValueError(f"the text has {len(words)} words, numbered from 0; there is no number {wrong[0]!r}")
        places = sorted({*hidden, *(place for place, word in enumerate(words) if word.text is None)})
        if not places:
            raise ValueError(f'hide a word: give its number (from 0), or write "{MASK_TOKEN}" in its place')
        return places

    @torch.inference_mode()
    def _both_sides(self, ids: list[int], words: Sequence[_Word], places: Sequence[int]) -> list[dict[str, float]]:
        row = torch.tensor(ids, device=self.masked.embedding.weight.device)
        for place in places:
            row[words[place].start : words[place].stop] = mask_token_id(self.masked)
        return [self._fill_word(row, words[place]) for place in places]

    def _fill_word(self, row: Tensor, word: _Word) -> dict[str, float]:
        beams: list[tuple[list[int], float]] = [([], 1.0)]
        for at in range(word.start, word.stop):
            rows = row.repeat(len(beams), 1)
            for number, (partial, _) in enumerate(beams):
                rows[number, word.start : at] = torch.tensor(partial, dtype=row.dtype)
            probabilities = self.masked(rows)[:, at, : self.tokenizer.vocab_size].softmax(dim=-1).cpu()
            beams = self._extend(beams, probabilities)
        return self._sum_by_word(beams)

    @torch.inference_mode()
    def _left_side(self, ids: list[int], words: Sequence[_Word], places: Sequence[int]) -> list[dict[str, float]]:
        found: list[dict[str, float]] = []
        before, place = [], 0
        for hidden in places:
            before += ids[place : words[hidden].start]
            place = words[hidden].stop
            complete = self._next_words(before)
            found.append(self._sum_by_word(complete))
            before += max(complete, key=lambda one: one[1])[0]
        return found

    def _next_words(self, before: list[int]) -> list[tuple[list[int], float]]:
        """The most probable next words: their tokens and probabilities."""
        complete: list[tuple[list[int], float]] = []
        beams: list[tuple[list[int], float]] = [([], 1.0)]
        for n_tokens in range(_MAX_WORD_TOKENS):
            limit = self.causal.config.context_length
            batch = torch.tensor([[*before, *partial][-limit:] for partial, _ in beams])
            probabilities = self.causal(batch.to(self.causal.embedding.weight.device))[:, -1].softmax(dim=-1).cpu()
            if not n_tokens and self._may_continue[before[-1]]:  # the word before is complete
                probabilities = probabilities * ~self._continues_word
                probabilities = probabilities / probabilities.sum()
            if n_tokens:
                ends = (1 - probabilities[:, self._continues_word].sum(dim=-1)).tolist()
                complete += [(ids, share * end) for (ids, share), end in zip(beams, ends, strict=True)]
                probabilities = probabilities * self._continues_word
            grown = self._extend(beams, probabilities)
            complete += [one for one in grown if not self._may_continue[one[0][-1]]]
            beams = [one for one in grown if self._may_continue[one[0][-1]]]
            if not beams:
                break
        return complete

    def _extend(self, beams: list[tuple[list[int], float]], probabilities: Tensor) -> list[tuple[list[int], float]]:
        """Extend each partial word by each token, and keep the most probable; `probabilities` is (beam, vocab)."""
        joint = probabilities * torch.tensor([[probability] for _, probability in beams])
        best = joint.flatten().topk(min(self.beam_width, joint.numel()))
        places = [divmod(place, joint.shape[1]) for place in best.indices.tolist()]
        grown = ([*beams[row][0], token_id] for row, token_id in places)
        return list(zip(grown, best.values.tolist(), strict=True))

    def _sum_by_word(self, beams: list[tuple[list[int], float]]) -> dict[str, float]:
        """Sum over token sequences with the same spelling."""
        total: Counter[str] = Counter()
        for ids, probability in beams:
            total[self._word_text(ids)] += probability
        return dict(total.most_common())

    def _word_text(self, ids: list[int]) -> str:
        text = self.tokenizer.decode(ids)
        return text.strip() or text

    @cached_property
    def _continues_word(self) -> Tensor:
        """Which tokens continue the word before them: (vocab,), bool."""
        letter = self.tokenizer.encode("a")
        alone = WORD.search(self.tokenizer.decode(letter))
        return torch.tensor([
            WORD.search(self.tokenizer.decode([*letter, token_id]))[0] != alone[0]
            for token_id in range(self.tokenizer.vocab_size)
        ])  # fmt: skip

    @cached_property
    def _may_continue(self) -> list[bool]:
        """Which tokens end in a letter or a digit, so that the word may continue."""
        texts = (self.tokenizer.decode([token_id]) for token_id in range(self.tokenizer.vocab_size))
        return [bool(text) and (text[-1].isalnum() or text[-1] == "_") for text in texts]

    def _exact(self, ids: list[int], words: Sequence[_Word], places: Sequence[int]):
        """The exact answers from both sides, and from the left for the first hidden word."""
        nothing: list[dict[str, float]] = [{} for _ in places]
        if self.world is None:
            return nothing, nothing
        # Tinyville's words; one of ours is one of them, or several punctuation marks.
        parts = [self.world.words(MASK_TOKEN if word.text is None else word.text) for word in words]
        starts = [0, *accumulate(map(len, parts))]
        spans = [(starts[place], starts[place + 1]) for place in places]
        both = masked_words(
            self.world, [*chain(*parts)], spans, lambda text: len(self.tokenizer.encode(text)) + 2 == len(ids)
        )
        before = self.tokenizer.decode(ids[1 : words[places[0]].start])
        left = next_pieces(self.world, before, lambda text: [self.tokenizer.decode(one) for one in self._split(text)])
        return both, [left, *nothing[1:]]

    def _split(self, text: str) -> list[list[int]]:
        """The token ids of each word."""
        ids = self.tokenizer.encode(text)
        return [ids[first:last] for first, last in word_spans(self.tokenizer.token_spans(text))]
