"""Training against two judges: the definition, counted anew at every step, and Hugging Face's trainer."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from llmviz.tokenizers.bpe import WORD, BytePairTokenizer, Merge


def merges_by_definition(texts, n_merges):
    """Count all pairs anew before each merge: slow, and nothing to keep up to date."""
    words = [[byte for byte in word.encode()] for text in texts for word in WORD.findall(text)]
    tokens = {number: bytes([number]) for number in range(256)}
    merges = []
    while len(merges) < n_merges:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        joined = tokens[pair[0]] + tokens[pair[1]]
        assert joined not in tokens.values()
        merges.append(Merge((tokens[pair[0]], tokens[pair[1]]), counts[pair], len(tokens)))
        words = [replace_pair(word, pair, len(tokens)) for word in words]
        tokens[len(tokens)] = joined
    return merges


def replace_pair(word, pair, new):
    result, place = [], 0
    while place < len(word):
        if tuple(word[place : place + 2]) == pair:
            result.append(new)
            place += 2
        else:
            result.append(word[place])
            place += 1
    return result


@given(texts=st.lists(st.text("ab ", min_size=1), min_size=1), n_merges=st.integers(0, 40))
def test_merges_are_those_of_the_definition_on_many_repetitions(texts, n_merges):
    assert list(BytePairTokenizer.train_steps(texts, 257 + n_merges)) == merges_by_definition(texts, n_merges)


@given(texts=st.lists(st.text(min_size=1), min_size=1))
def test_merges_are_those_of_the_definition_on_any_text(texts):
    assert list(BytePairTokenizer.train_steps(texts, 277)) == merges_by_definition(texts, 20)


def test_merges_are_those_of_the_definition_on_a_real_text(training_texts):
    text = "".join(training_texts)[:30_000]
    assert list(BytePairTokenizer.train_steps(text, 257 + 150)) == merges_by_definition([text], 150)


def test_hugging_face_learns_the_same_tokens_but_for_ties(training_texts):
    judge = Tokenizer(models.BPE())
    judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=256 + 500, initial_alphabet=alphabet, show_progress=False)
    judge.train_from_iterator(training_texts, trainer)
    theirs = {"".join(pair) for pair in json.loads(judge.to_str())["model"]["merges"]}
    saved = BytePairTokenizer.train(training_texts, 257 + 500).to_dict()["merges"]
    ours = {merge.replace(" ", "") for merge in saved}
    assert len(ours) == 500 and len(ours & theirs) >= 485
    assert saved[0].split(" ") == list(json.loads(judge.to_str())["model"]["merges"][0])


def test_equally_frequent_pairs_are_taken_in_the_order_of_their_ids():
    assert [merge.pair for merge in BytePairTokenizer.train_steps("cd ab", 259)] == [(b" ", b"a"), (b"c", b"d")]


def test_counts_are_those_of_neighbors_when_chosen():
    steps = list(BytePairTokenizer.train_steps(["abab abab", "ab"], 257 + 2))
    assert steps == [Merge((b"a", b"b"), 5, 256), Merge((b"ab", b"ab"), 2, 257)]
    assert steps[1].token == b"abab"


def test_a_pair_is_never_joined_across_words_or_documents():
    assert list(BytePairTokenizer.train_steps(["a", "b", "c!", "1a"], 1000)) == []


def test_steps_are_yielded_one_by_one(training_texts):
    steps = BytePairTokenizer.train_steps(training_texts, 1024)
    first, second = next(steps), next(steps)
    assert (first.token_id, second.token_id) == (256, 257) and first.count >= second.count


def test_a_bad_size_is_refused_before_the_first_step():
    with pytest.raises(ValueError, match="256 bytes and one special token"):
        BytePairTokenizer.train_steps("text", 256)
