"""Lesson 1: what it says about three ways to learn pieces holds for other texts of the town too."""

from functools import cache

import tiktoken
from claims import above, below, between, demo

from llmviz import corpora
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.tiktoken import VOCABULARIES, token_ranks
from llmviz.tokenizers.unigram import UnigramTokenizer
from llmviz.tokenizers.wordpiece import WordPieceTokenizer
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer

MIX = {"story": 600, "fact": 1000, "visit": 600, "work": 200, "copy": 450}


@cache
def texts(seed: int) -> tuple[tuple[str, ...], str]:
    """What is learned from, and stories that are not in it."""
    fresh = corpora.tinyville(seed=seed + 1000, counts={"story": 100}).text
    return corpora.tinyville(seed=seed, counts=MIX).documents, fresh


@demo(letters_to_words=above(3), unknown_words=above(0))
def letters_are_long_and_words_get_lost(seed: int) -> dict[str, float]:
    """Letters: a sequence several times as long; words: what was not learned becomes <unk>."""
    documents, fresh = texts(seed)
    letters, words = CharacterTokenizer.train(documents), WordTokenizer.train(documents)
    lost = words.encode("Mia painted a submarine").count(words.unknown)
    return {"letters_to_words": len(letters.encode(fresh)) / len(words.encode(fresh)), "unknown_words": float(lost)}


@demo(saved_first_to_last=above(2), the_before_mia=above(1))
def the_first_merges_save_most(seed: int) -> dict[str, float]:
    """The first 64 merges save more than twice as many tokens as the last 255; short pieces come before frequent words.

    The smaller value of two mixes of texts.
    """
    saved, later = [], []
    for mix in (MIX, {"story": 600, "fact": 600}):
        documents = corpora.tinyville(seed=seed, counts=mix).documents
        merges = [merge.pair for merge in BytePairTokenizer.train_steps(documents, 1024)]
        counts = (0, 64, len(merges) - 255, len(merges))
        none, few, most, every = (len(BytePairTokenizer(merges[:n]).encode(texts(seed)[1])) for n in counts)
        learned = [left + right for left, right in merges]
        saved.append((none - few) / (most - every))
        later.append(learned.index(b" Mia") / learned.index(b" the"))
    return {"saved_first_to_last": min(saved), "the_before_mia": min(later)}


@demo(ratio_to_count=above(1.4), likelihood_to_count=between(1, 1.2), unigram_to_count=below(0.8))
def three_ways_to_learn_the_same_number_of_pieces(seed: int) -> dict[str, float]:
    """The ratio makes texts at least 1.4 times as long as the count does, the likelihood less than 1.2 times.

    The worst of 300, 500 and 600 pieces. With 500 pieces, Unigram's texts are shorter by more than a fifth.
    """
    documents, fresh = texts(seed)

    def n_tokens(kind, size, **options) -> int:
        return len(kind.train(documents, size, **options).encode(fresh))

    count, ratio, likelihood = (
        {size: n_tokens(WordPieceTokenizer, size, score=score) for size in (300, 500, 600)}
        for score in ("count", "ratio", "gain")
    )
    return {
        "ratio_to_count": min(ratio[size] / count[size] for size in count),
        "likelihood_to_count": max(likelihood[size] / count[size] for size in count),
        "unigram_to_count": n_tokens(UnigramTokenizer, 500) / count[500],
    }


@demo(gpt2=between(31, 33), gpt_4o_at_the_same_size=between(15, 17), gpt_4o=between(10, 12))
def greek_is_cheaper_by_the_training_text_and_by_the_size(seed: int) -> dict[str, float]:
    """GPT-4o's list, cut after as many entries as GPT-2 has, halves the tokens of a Greek greeting."""

    def n_tokens(name: str, size: int) -> int:
        ranks = {token: rank for token, rank in token_ranks(name).items() if rank < size}
        pattern = "|".join(VOCABULARIES[name].words)
        encoding = tiktoken.Encoding("cut", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        return len(encoding.encode("Καλημέρα! Τι κάνεις σήμερα;"))

    size = len(token_ranks("gpt2"))
    cut, whole = n_tokens("gpt-4o", size), n_tokens("gpt-4o", 200_000)
    return {"gpt2": n_tokens("gpt2", size), "gpt_4o_at_the_same_size": cut, "gpt_4o": whole}
