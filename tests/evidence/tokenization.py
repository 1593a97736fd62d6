"""Lesson 1: what it says about three ways to learn pieces holds for other texts of the town too."""

from functools import cache

from claims import above, below, demo

from llmviz import corpora
from llmviz.tokenizers.bpe import BytePairTokenizer
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


@demo(saved_first_to_later=above(1), the_before_mia=above(1))
def the_first_merges_save_most(seed: int) -> dict[str, float]:
    """The first 64 merges save more tokens than all others together; scraps come first, then frequent words."""
    documents, fresh = texts(seed)
    merges = [merge.pair for merge in BytePairTokenizer.train_steps(documents, 1024)]
    none, few, every = (len(BytePairTokenizer(merges[:n]).encode(fresh)) for n in (0, 64, len(merges)))
    learned = [left + right for left, right in merges]
    return {
        "saved_first_to_later": (none - few) / (few - every),
        "the_before_mia": learned.index(b" Mia") / learned.index(b" the"),
    }


@demo(ratio_to_gain=above(4 / 3), unigram_to_best_other=below(0.9))
def three_ways_to_learn_the_same_number_of_pieces(seed: int) -> dict[str, float]:
    """Asked for the ratio, texts become longer by more than a third; Unigram's are the shortest by over a tenth."""
    documents, fresh = texts(seed)

    def n_tokens(tokenizer) -> int:
        return len(tokenizer.encode(fresh))

    ratio = n_tokens(WordPieceTokenizer.train(documents, 500, score="ratio"))
    gain = n_tokens(WordPieceTokenizer.train(documents, 500))
    pairs = n_tokens(BytePairTokenizer.train(documents, 500))
    unigram = n_tokens(UnigramTokenizer.train(documents, 500))
    return {"ratio_to_gain": ratio / gain, "unigram_to_best_other": unigram / min(gain, pairs)}
