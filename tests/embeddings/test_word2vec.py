"""word2vec and GloVe: the gradients against torch's, and what is learned against what was planted."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmviz import embeddings
from llmviz.embeddings.trained import _add_to_rows, _negative_sampling
from llmviz.tinyville import Tinyville

WORLD = Tinyville()
COUNTS = {"family": 1600}
TEXTS = [text.text for text in WORLD.texts(counts=COUNTS)]
QUESTIONS = {
    family.name: embeddings.analogy_questions([(a.lower(), b.lower()) for a, b in family.pairs])
    for family in WORLD.families
}


def tensors(*arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_the_slopes_of_negative_sampling_are_those_of_torch(n_pairs, d_model, n_negatives, seed):
    rng = np.random.default_rng(seed)
    middle, context = rng.normal(size=(n_pairs, d_model)), rng.normal(size=(n_pairs, 1 + n_negatives, d_model))
    loss, by_middle, by_context = _negative_sampling(middle, context)
    m, c = tensors(middle, context)
    truth = torch.zeros(n_pairs, 1 + n_negatives, dtype=torch.float64)
    truth[:, 0] = 1
    scores = (m[:, None] * c).sum(dim=-1)
    judged = F.binary_cross_entropy_with_logits(scores, truth, reduction="none").sum(dim=1)
    judged.sum().backward()
    assert loss == pytest.approx(judged.detach().numpy())
    assert by_middle == pytest.approx(m.grad.numpy())
    assert by_context == pytest.approx(c.grad.numpy())


@pytest.mark.parametrize("is_true", [True, False])
def test_a_nudge_is_a_step_of_negative_sampling(is_true):
    middle, other = np.random.default_rng(0).normal(size=(2, 4))
    true, false = (other, np.zeros(4)) if is_true else (np.zeros(4), other)
    _, by_middle, by_context = _negative_sampling(middle[None], np.stack([true, false])[None])
    new_middle, new_other = embeddings.nudge(middle, other, is_true, 0.1)
    assert new_middle == pytest.approx(middle - 0.1 * by_middle[0])
    assert new_other == pytest.approx(other - 0.1 * by_context[0, 0 if is_true else 1])


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 99))
def test_the_slopes_of_glove_are_those_of_torch(n_pairs, d_model, seed):
    rng = np.random.default_rng(seed)
    word, context = rng.normal(size=(2, n_pairs, d_model))
    biases, counts = rng.normal(size=(2, n_pairs)), rng.random(n_pairs) * 200 + 0.1
    loss, *slopes = embeddings.glove_loss(word, context, *biases, counts, 100.0)
    w, c, b, e = given_ = tensors(word, context, *biases)
    x = torch.tensor(counts)
    judged = (x / 100).clamp(max=1) ** 0.75 * ((w * c).sum(dim=1) + b + e - x.log()) ** 2
    judged.sum().backward()
    assert loss == pytest.approx(judged.detach().numpy())
    for slope, tensor in zip((*slopes, slopes[-1]), given_, strict=True):
        assert slope == pytest.approx(tensor.grad.numpy())


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 99))
def test_changes_of_one_row_add_up(rows, seed):
    changes = np.random.default_rng(seed).normal(size=(len(rows), 3))
    ours, theirs = np.zeros((6, 3)), np.zeros((6, 3))
    _add_to_rows(ours, np.array(rows), changes)
    np.add.at(theirs, rows, changes)
    assert ours == pytest.approx(theirs)


@pytest.fixture(scope="module")
def word2vec_steps():
    return list(embeddings.train_word2vec_steps(TEXTS, n_frames=8))


def test_word2vec_finds_the_planted_analogies(word2vec_steps):
    before, after = word2vec_steps[0].vectors, word2vec_steps[-1].vectors
    for questions in QUESTIONS.values():
        assert embeddings.analogy_accuracy(before, questions) < 0.15
        assert embeddings.analogy_accuracy(after, questions) > 0.6
        control = [after.neighbors(c, 1)[0][0] == wanted for _, _, c, wanted in questions]
        assert np.mean(control) < 0.3  # not merely the nearest neighbor of the third word


def test_the_steps_show_how_the_loss_falls(word2vec_steps):
    losses = [step.loss for step in word2vec_steps[1:]]
    assert len(word2vec_steps) == 9
    assert np.isnan(word2vec_steps[0].loss)
    assert losses[0] > losses[-1]
    assert losses[0] < 6 * np.log(2) + 0.1  # six coins, when nothing is known
    steps = [step.step for step in word2vec_steps]
    assert steps == sorted(set(steps)) and steps[-1] == word2vec_steps[-1].n_steps
    assert not np.shares_memory(word2vec_steps[1].vectors.vectors, word2vec_steps[2].vectors.vectors)


def test_counting_finds_them_too():
    vectors = embeddings.count_vectors(TEXTS)
    for questions in QUESTIONS.values():
        assert embeddings.analogy_accuracy(vectors, questions) > 0.6


def test_glove_finds_kinds_of_words():
    vectors = embeddings.train_glove(TEXTS, epochs=8)
    women = {b.lower() for family in WORLD.families for _, b in family.pairs} & set(vectors.words)
    share = np.mean([word in women for c in women for word, _ in vectors.neighbors(c, 3)])
    assert share > len(women) / len(vectors.words) + 0.2


def word2vec_vectors(texts, seed=0):
    *_, last = embeddings.train_word2vec_steps(texts, seed=seed)
    return last.vectors


TRAIN = pytest.mark.parametrize("train", [word2vec_vectors, embeddings.train_glove])


@TRAIN
def test_the_seed_decides_all(train):
    texts = ["a b c d e f g h"] * 40
    first, same, other = (train(texts, seed=seed).vectors for seed in (0, 0, 1))
    assert np.array_equal(first, same) and not np.allclose(first, other)


@settings(max_examples=20)
@example(["a a", "a b", "a a a"])
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=5).map(" ".join), min_size=3, max_size=9))
@TRAIN
def test_training_on_few_frequent_words_does_not_diverge(train, texts):
    if len({letter for text in texts for letter in text.split()}) < 2:
        return
    assert np.abs(train(texts * 100).vectors).max() < 50


def test_glove_hears_of_pairs_that_never_met_only_when_told():
    texts, gaps = ["a x", "b x", "c y", "d y"] * 40, []
    for unseen_as in (0.1, 0):
        vectors = embeddings.train_glove(texts, epochs=400, unseen_as=unseen_as, seed=1)
        gaps.append(vectors.cosine("a", "b") - vectors.cosine("a", "c"))
    told, untold = gaps
    assert told > untold + 0.3
    with pytest.raises(ValueError, match="0 or more; given -1"):
        embeddings.train_glove(["a b"] * 9, unseen_as=-1)


def test_texts_of_one_word_teach_nothing():
    with pytest.raises(ValueError, match="no neighbors to learn from"):
        embeddings.train_glove(["a", "b"] * 9)
