"""WordPiece against its judges: the definition, and Hugging Face's model and trainer."""

import math
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_judges import merged, over_our_words, share_fixture, split_words, texts, their_ids, words_joined
from tokenizers import Tokenizer, models, trainers

from llmviz import corpora
from llmviz.tokenizers.base import UNKNOWN
from llmviz.tokenizers.wordpiece import WordPieceTokenizer, _letters, _PieceMerge, gain

SCORES = {
    "ratio": lambda both, left, right, n: both / (left * right),
    "gain": gain,
    "count": lambda both, left, right, n: both,
}


@pytest.fixture(scope="module")
def trained(training_texts):
    return WordPieceTokenizer.train(training_texts, 1000)


def merges_by_definition(texts, n_merges, score):
    """Count all pieces and pairs anew before each merge: slow, and nothing to keep up to date."""
    words = [_letters(word) for text in texts for word in split_words(text)]
    letters = Counter(piece for word in words for piece in word)
    ids = {piece: number for number, piece in enumerate(sorted(letters, key=lambda p: (-letters[p], p)))}
    merges = []
    while len(merges) < n_merges:
        pieces = Counter(piece for word in words for piece in word)
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        n = pieces.total()
        scores = {(a, b): SCORES[score](count, pieces[a], pieces[b], n) for (a, b), count in pairs.items()}
        pair = min(scores, key=lambda pair: (-scores[pair], ids[pair[0]], ids[pair[1]]))
        merges.append(_PieceMerge(pair, pairs[pair], scores[pair], len(ids)))
        assert merges[-1].token not in ids
        ids[merges[-1].token] = len(ids)
        words = [merged(word, pair, merges[-1].token) for word in words]
    return merges


@pytest.mark.parametrize("score", SCORES)
@given(texts=st.lists(st.text("ab ", min_size=1), min_size=1), n_merges=st.integers(0, 20))
def test_merges_are_those_of_the_definition_on_many_repetitions(score, texts, n_merges):
    n_letters = len({piece for text in texts for word in split_words(text) for piece in _letters(word)})
    found = list(WordPieceTokenizer.train_steps(texts, n_letters + n_merges + 2, score=score))
    assert found == merges_by_definition(texts, n_merges, score)


@pytest.mark.parametrize("both, left, right", [(200, 500, 400), (10, 10, 10), (100, 500, 500), (3, 3, 7)])
def test_the_gain_is_the_growth_of_the_log_likelihood(both, left, right):
    counts = Counter({"a": left, "b": right, "other": 4000})
    after = Counter({"a": left - both, "b": right - both, "ab": both, "other": 4000})

    def log_likelihood(pieces):
        return sum(count * math.log(count / pieces.total()) for count in pieces.values() if count)

    assert gain(both, left, right, counts.total()) == pytest.approx(log_likelihood(after) - log_likelihood(counts))


@cache
def hugging_face(tokenizer):
    """Hugging Face's WordPiece with our pieces, over our words."""
    vocab = {piece: number for number, piece in enumerate((*tokenizer.pieces, UNKNOWN))}
    return over_our_words(Tokenizer(models.WordPiece(vocab, unk_token=UNKNOWN, max_input_chars_per_word=10**9)))


@share_fixture
@given(text=texts)
def test_hugging_face_with_our_pieces_gives_our_ids(trained, text):
    assert trained.encode(text) == their_ids(hugging_face(trained), text)


def test_hugging_face_gives_our_ids_on_a_corpus(trained):
    text = corpora.python_documentation().text[:150_000]
    ids = trained.encode(text)
    assert ids == their_ids(hugging_face(trained), text)
    assert 0 < ids.count(trained.unknown) < len(ids) / 100


def theirs_trained(texts, vocab_size):
    """Their trainer, which scores by count, on our words; a space before a word goes into its first letter."""
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, show_progress=False, special_tokens=[])
    judge = over_our_words(Tokenizer(models.WordPiece(unk_token=UNKNOWN)))
    joined = ["\x00".join(map(hidden_space, text.split("\x00"))) for text in words_joined(texts)]
    judge.train_from_iterator(joined, trainer)
    return {shown_space(piece) for piece in judge.get_vocab()}


def hidden_space(word):
    return chr(0xF0000 + ord(word[1])) + word[2:] if word[0] == " " and len(word) > 1 else word


def shown_space(piece):
    hidden = ord(piece[0]) >= 0xF0000
    return " " + chr(ord(piece[0]) - 0xF0000) + piece[1:] if hidden else piece


def test_hugging_faces_trainer_learns_what_ours_learns_by_count_but_for_ties():
    documents = corpora.python_documentation().documents[:40]
    theirs = theirs_trained(documents, 600)
    ours = set(WordPieceTokenizer.train(documents, 602, score="count").pieces)
    assert len(ours) == len(theirs) == 600 and len(ours & theirs) >= 585
    by_gain = set(WordPieceTokenizer.train(documents, 602).pieces)
    assert len(by_gain & theirs) < 550  # so the comparison above can fail


def test_by_gain_the_text_becomes_likelier_than_by_count_at_first_and_by_the_ratio_much_longer():
    """The three scores at the same number of pieces: log-likelihood of the text in nats."""
    documents = corpora.tinyville(counts={"story": 150, "fact": 150}).documents
    n_tokens, likelihood = {}, {}
    for score in SCORES:
        tokenizer = WordPieceTokenizer.train(documents, 200, score=score)
        used = Counter(token_id for text in documents for token_id in tokenizer.encode(text))
        n_tokens[score] = used.total()
        likelihood[score] = sum(count * math.log(count / used.total()) for count in used.values())
    assert likelihood["gain"] > likelihood["count"] > likelihood["ratio"]
    assert n_tokens["ratio"] > 1.2 * n_tokens["gain"] and n_tokens["gain"] < 1.2 * n_tokens["count"]


def test_a_word_with_a_rest_that_fits_no_piece_is_one_unk():
    tokenizer = WordPieceTokenizer([" k", " kite", "##it", "##e", "##s", "."])
    assert tokenizer.decode(tokenizer.encode("kites kitt.")) == "kites <unk>."
    assert tokenizer.token_spans("kites kitt.") == ["kite", "s", " kitt", "."]


def test_a_word_of_a_hundred_thousand_letters_is_no_trouble_and_another_score_is_refused():
    tokenizer = WordPieceTokenizer.train("aaaaaaa", 10)
    assert tokenizer.decode(tokenizer.encode("a" * 100_000)) == "a" * 100_000
    with pytest.raises(ValueError, match="score must be one of 'gain', 'ratio', 'count', but was 'size'"):
        WordPieceTokenizer.train("kite", score="size")
