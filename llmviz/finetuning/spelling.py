"""Which letter does a word end in? Asked with the word as its token, and with its letters one by one (lesson 8)."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from string import ascii_lowercase

from llmviz.evaluation.facts import last_logits
from llmviz.finetuning.dpo import answer_steps
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tokenizers.base import Tokenizer

SHORTEST, LONGEST = 3, 9
N_HELD_OUT, N_STEPS = 80, 90


def words_of_one_token(tokenizer: Tokenizer) -> list[str]:
    """The words of Tinyville, three to nine letters long, that the tokenizer has as one token (a space before)."""
    tokens = set(tokenizer.tokens(range(tokenizer.vocab_size)))
    texts = Tinyville().texts(0, counts={"story": 300, "work": 100, "sense": 200, "visit": 100})
    words = {word for text in texts for word in Tinyville.words(text.text) if word.isalpha() and word.islower()}
    return sorted(word for word in words if SHORTEST <= len(word) <= LONGEST and f" {word}" in tokens)


def split_words(tokenizer: Tokenizer, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """The words to learn from, and those to be tested with."""
    words = words_of_one_token(tokenizer)
    random.Random(seed).shuffle(words)
    return words[N_HELD_OUT:], words[:N_HELD_OUT]


def spelling_prompt(word: str, *, spelled: bool) -> str:
    """The question, with the word whole or letter by letter.

    >>> spelling_prompt("cat", spelled=False), spelling_prompt("cat", spelled=True)
    ('The word cat ends in', 'The word c a t ends in')
    """
    return f"The word {' '.join(word) if spelled else word} ends in"


def teach_last_letters(
    model: DecoderOnly,
    tokenizer: Tokenizer,
    words: Sequence[str],
    *,
    spelled: bool,
    steps: int = N_STEPS,
    seed: int = 0,
) -> DecoderOnly:
    """A copy of the model that has been shown these words with their last letters."""
    model = copy.deepcopy(model)
    examples = [(spelling_prompt(word, spelled=spelled), f" {word[-1]}") for word in words]
    for _ in answer_steps(model, tokenizer, examples, steps=steps, learning_rate=1e-3, seed=seed):
        pass
    return model


def last_letter_accuracy(model: DecoderOnly, tokenizer: Tokenizer, words: Sequence[str], *, spelled: bool) -> float:
    """The share of words whose last letter the model says: the best of the 26 letters is the right one."""
    letters = [tokenizer.encode(f"in {letter}")[-1] for letter in ascii_lowercase]
    scores = last_logits(model, tokenizer, [spelling_prompt(word, spelled=spelled) for word in words])
    best = scores[:, letters].argmax(dim=-1).tolist()
    return sum(ascii_lowercase[place] == word[-1] for place, word in zip(best, words, strict=True)) / len(words)


def most_frequent_ending(words: Sequence[str]) -> str:
    """The letter to guess when one knows nothing of the word."""
    endings = [word[-1] for word in words]
    return max(sorted(set(endings)), key=endings.count)
