"""Lesson 2: what it says about word vectors holds on other seeds too."""

import numpy as np
import torch
from claims import above, below, between, demo
from torch.nn.functional import cosine_similarity, logsigmoid

from llmviz import artifacts, embeddings
from llmviz.embeddings import contextual, counts, projection
from llmviz.tinyville import Tinyville

TOWN = Tinyville()
MAP = (
    "dog cat horse rabbit lion sheep cow", "bread cheese apple soup coffee rice butter",
    "red blue green yellow white brown pink", "france japan brazil egypt germany india kenya",
    "mother father sister uncle aunt daughter son", "teacher lawyer nurse engineer pilot judge doctor",
)  # fmt: skip
HE = ("he", "him", "his", "man", "boy", "brother", "son", "male")
SHE = ("she", "her", "hers", "woman", "girl", "sister", "daughter", "female")
MATHS = ("math", "algebra", "geometry", "calculus", "equations", "computation", "numbers", "addition")
ARTS = ("poetry", "art", "dance", "literature", "novel", "symphony", "drama", "sculpture")
ANALOGIES = {
    "family": "man woman, king queen, uncle aunt, brother sister, actor actress, son daughter",
    "capitals": "france paris, japan tokyo, egypt cairo, germany berlin, spain madrid, greece athens",
    "plurals": "cat cats, dog dogs, car cars, house houses, child children, tree trees",
    "comparatives": "good better, bad worse, big bigger, small smaller, slow slower, fast faster",
}
COUNTS = {"family": 2400, "story": 500, "fact": 400, "sense": 400}
PAIRS = [[(a.lower(), b.lower()) for a, b in family.pairs] for family in TOWN.families]
QUESTIONS = [question for pairs in PAIRS for question in embeddings.analogy_questions(pairs)]


def texts_of(seed: int) -> list[str]:
    return [text.text for text in TOWN.texts(seed, counts=COUNTS)]


def first_axis_gap(vectors: embeddings.WordVectors, n_words: int) -> float:
    """How far apart the words of the family texts and all others lie on the first axis; below 0 where they overlap."""
    others = [word.lower() for members in TOWN.word_classes.values() for word in members[:n_words]]
    family = [word for pairs in PAIRS for pair in pairs for word in pair]
    axis = projection.pca(vectors.subset([*family, *others]).directions).points[:, 0]
    inside, outside = axis[: len(family)], axis[len(family) :]
    return max(inside.min() - outside.max(), outside.min() - inside.max())


def same_kind(vectors: embeddings.WordVectors) -> float:
    """Of the five nearest neighbors of a name, thing, color or place, the share of its own kind."""
    kind_of = {word.lower(): kind for kind, members in TOWN.word_classes.items() for word in members[:16]}
    classes = vectors.subset(list(kind_of))
    kinds = np.array([kind_of[word] for word in classes.words])
    return (kinds[projection.nearest_rows(classes.vectors, 5)] == kinds[:, None]).mean()


def same_side(vectors: embeddings.WordVectors) -> tuple[float, float]:
    """Of a he- or she-word's five nearest, the share on its side: in all dimensions and in the PCA map."""
    kinds = [word.lower() for members in TOWN.word_classes.values() for word in members[:16]]
    shown = vectors.subset(list(dict.fromkeys([*kinds, *(word for pairs in PAIRS for pair in pairs for word in pair)])))
    sided = [shown.row(word) for pair in PAIRS[0] for word in pair]
    side, flat = np.arange(len(sided)) % 2, projection.pca(shown.directions).points[sided]
    far = np.linalg.norm(flat[:, None] - flat[None], axis=-1) + np.diag([np.inf] * len(flat))
    nearest = projection.nearest_rows(shown.vectors[sided], 5), far.argsort(axis=1)[:, :5]
    return tuple(float((side[near] == side[:, None]).mean()) for near in nearest)


def same_kind_of_all(vectors: embeddings.WordVectors) -> float:
    """Of the five nearest of all words, the share of a name's, thing's, color's or place's own kind."""
    kind_of = {word.lower(): kind for kind, members in TOWN.word_classes.items() for word in members}
    asked = [word for word in kind_of if word in vectors]
    return np.mean([kind_of.get(near) == kind_of[word] for word in asked for near, _ in vectors.neighbors(word, 5)])


def nearest_is_right(vectors: embeddings.WordVectors) -> float:
    """What an analogy machine would reach that only names the third word's nearest neighbor."""
    return np.mean([vectors.neighbors(c, 1)[0][0] == wanted for _, _, c, wanted in QUESTIONS])


@demo(same_kind=above(0.9))
def counting_finds_kinds(seed: int) -> dict[str, float]:
    """Counted vectors put colors beside colors, things beside things, people beside people."""
    return {"same_kind": same_kind(counts.count_vectors(texts_of(seed)))}


@demo(king_and_queen=above(0.6), throne=above(0.9), kite=below(0.1))
def words_with_the_same_neighbors_come_together(seed: int) -> dict[str, float]:
    """Two middle words with the same true neighbor and the same random word become similar; they never meet."""
    rng = torch.Generator().manual_seed(seed)
    king, queen, throne, kite = vectors = [(0.3 * torch.randn(8, generator=rng)).requires_grad_() for _ in range(4)]
    optimizer = torch.optim.SGD(vectors, lr=(0.5, 0.3, 1.0)[seed])
    for _ in range(21):
        optimizer.zero_grad()
        sum(-logsigmoid(middle @ throne) - logsigmoid(-(middle @ kite)) for middle in (king, queen)).backward()
        optimizer.step()
    return {
        "king_and_queen": cosine_similarity(king, queen, dim=0).item(),
        "throne": torch.sigmoid(king @ throne).item(),
        "kite": torch.sigmoid(king @ kite).item(),
    }


@demo(
    same_kind=above(0.9),
    same_kind_of_all_words=above(0.9),
    red_and_blue_in_one_text=below(10),
    safe_and_ducks_near_bank=above(1),
    same_kind_before=below(0.5),
    kinds_come_first=above(0.2),
    right=above(0.8),
    right_before=below(0.1),
    right_with_all_words_allowed=above(0.8),
    sides_part=above(0.6),
    sides_part_more_in_all_dimensions=above(0.1),
    only_nearest=below(0.3),
    queen_throne_crown_near_king=above(2),
    wet_near_bank=above(0),
    rich_near_bank=above(0),
    gap_on_the_first_axis=above(0.05),
)
def word2vec_learns_the_town(seed: int) -> dict[str, float]:
    """Word2Vec finds kinds and analogies, and mixes the two banks; the first PCA axis separates two kinds of text."""
    texts = texts_of(seed)
    before, early, *_, last = embeddings.train_word2vec_steps(texts, n_frames=9, seed=seed)
    vectors = last.vectors
    near, near_king = ({word for word, _ in vectors.neighbors(name, 30)} for name in ("bank", "king"))
    sides, sides_in_the_picture = same_side(vectors)
    return {
        "same_kind": same_kind(vectors),
        "same_kind_of_all_words": same_kind_of_all(vectors),
        "red_and_blue_in_one_text": sum({"red", "blue"} <= set(text.split()) for text in texts),
        "safe_and_ducks_near_bank": len(near & {"safe", "ducks"}),
        "same_kind_before": same_kind(before.vectors),
        "kinds_come_first": same_kind(early.vectors) - embeddings.analogy_accuracy(early.vectors, QUESTIONS),
        "right": embeddings.analogy_accuracy(vectors, QUESTIONS),
        "right_before": embeddings.analogy_accuracy(before.vectors, QUESTIONS),
        "right_with_all_words_allowed": embeddings.analogy_accuracy(vectors, QUESTIONS, exclude_inputs=False),
        "sides_part": sides,
        "sides_part_more_in_all_dimensions": sides - sides_in_the_picture,
        "only_nearest": nearest_is_right(vectors),
        "queen_throne_crown_near_king": len(near_king & {"queen", "throne", "crown"}),
        "wet_near_bank": len(near & {"ducks", "fishing", "oars"}),
        "rich_near_bank": len(near & {"safe", "borrow", "money"}),
        "gap_on_the_first_axis": min(first_axis_gap(vectors, n_words) for n_words in (8, 12, 16)),
    }


@demo(same_kind=above(0.8), right=below(0.5))
def glove_finds_kinds_but_few_analogies_here(seed: int) -> dict[str, float]:
    """GloVe learns only from pairs that met: in a small town enough for kinds of words, not for the analogies."""
    vectors = embeddings.train_glove(texts_of(seed), seed=seed)
    return {"same_kind": same_kind(vectors), "right": embeddings.analogy_accuracy(vectors, QUESTIONS)}


@demo(right=between(0.2, 0.6))
def unseen_pairs_are_one_reason_for_glove(seed: int) -> dict[str, float]:
    """Counting the pairs that never met helps GloVe, though not to more than half: its rate and x_max matter, too."""
    vectors = embeddings.train_glove(texts_of(seed), seed=seed, unseen_as=0.5)
    return {"right": embeddings.analogy_accuracy(vectors, QUESTIONS)}


@demo(right=above(0.8))
def glove_needs_to_hear_who_never_met(seed: int) -> dict[str, float]:
    """With each pair that never met counted as half a meeting, GloVe solves the analogies, too."""
    vectors = embeddings.train_glove(texts_of(seed), seed=seed, unseen_as=0.5, epochs=6, learning_rate=0.1, x_max=10)
    return {"right": embeddings.analogy_accuracy(vectors, QUESTIONS)}


@demo(in_the_table=between(-1e-6, 1e-6), least_apart=above(0.02), may_after_layer_1=above(0.1))
def ambiguous_words_walk_apart(seed: int) -> dict[str, float]:
    """All five ambiguous words begin as one vector and are apart later, whichever half of their uses one takes."""
    tiny, rng = artifacts.load_model("tiny"), np.random.default_rng(seed)
    gaps = {}
    for word in dict.fromkeys(sense.word for sense in TOWN.senses):
        uses = [(s.name, text) for s in TOWN.senses if s.word == word for text in rng.permutation(s.beginnings)[:12]]
        labels, beginnings = zip(*uses, strict=True)
        vectors = contextual.contextual_vectors(tiny.model, tiny.tokenizer, list(map(str, beginnings)), word)
        gaps[word] = contextual.separation(vectors, labels)
    return {
        "in_the_table": max(abs(gap[0]) for gap in gaps.values()),
        "least_apart": min(gap[1:].max() for gap in gaps.values()),
        "may_after_layer_1": gaps["May"][1],
    }


@demo(share_of_random_splits=below(0.02))
def the_separations_are_not_chance(seed: int) -> dict[str, float]:
    """Divided at random into two groups, the twelve cues of a word hardly ever separate as much as by sense."""
    tiny, rng, shares = artifacts.load_model("tiny"), np.random.default_rng(seed), []
    for word in dict.fromkeys(sense.word for sense in TOWN.senses):
        uses = [(sense.name, text) for sense in TOWN.senses if sense.word == word for text in sense.beginnings]
        labels, beginnings = zip(*uses, strict=True)
        vectors = contextual.contextual_vectors(tiny.model, tiny.tokenizer, beginnings, word)
        gaps, cue_of_use = contextual.separation(vectors, labels), np.arange(len(labels)) // 4
        splits = [rng.permutation(12)[cue_of_use] < 6 for _ in range(200)]
        chance = [contextual.separation(vectors[[gaps.argmax()]], split)[0] for split in splits]
        shares.append(np.mean(np.array(chance) >= gaps.max()))
    return {"share_of_random_splits": max(shares)}


@demo(least_right=above(0.5), comparatives_lost=above(0.2))
def analogies_depend_on_the_kind_of_question(seed: int) -> dict[str, float]:
    """Most answers are right without the words of the question; with them comparatives lose many."""
    glove, rng = embeddings.load_glove(), np.random.default_rng(seed)
    frequent = embeddings.WordVectors(glove.words[:20_000], glove.vectors[:20_000])
    removed, lost = {}, {}
    for name, pairs in ANALOGIES.items():
        chosen = [tuple(pair.split()) for pair in rng.choice(pairs.split(", "), 4, replace=False)]
        questions = embeddings.analogy_questions(chosen)
        removed[name] = embeddings.analogy_accuracy(frequent, questions)
        lost[name] = removed[name] - embeddings.analogy_accuracy(frequent, questions, exclude_inputs=False)
    return {"least_right": min(removed.values()), "comparatives_lost": lost["comparatives"]}


@demo(own_kind=above(0.75), kept_by_pca=between(2, 3.2), kept_by_tsne=above(3.8))
def a_flat_map_of_real_words_loses_neighbors(seed: int) -> dict[str, float]:
    """Of five true neighbors PCA keeps between 2 and 3.2, t-SNE about 4, whichever six words of each kind one takes."""
    rng, kinds = np.random.default_rng(seed), [words.split() for words in MAP]
    kind_of = {word: i for i, words in enumerate(kinds) for word in rng.choice(words, 6, replace=False)}
    shown, kind = embeddings.load_glove().subset(list(kind_of)), np.array(list(kind_of.values()))
    maps = projection.pca(shown.directions), projection.tsne(shown.vectors)
    kept = [5 * projection.neighbors_kept(shown.vectors, one.points, n=5).mean() for one in maps]
    own = (kind[projection.nearest_rows(shown.vectors, 5)] == kind[:, None]).mean()
    return {"own_kind": own, "kept_by_pca": kept[0], "kept_by_tsne": kept[1]}


@demo(plane_prefers_queen=above(0.1), space_prefers_king=above(0), hidden_by_the_plane=above(0.2))
def the_plane_says_queen_and_the_space_says_king(seed: int) -> dict[str, float]:
    """Where king − man + woman lands: nearer to queen in the plane of the walk, nearer to king in all dimensions."""
    low, other = [("man", "woman"), ("he", "she"), ("father", "mother")][seed]
    start, third, king, queen = embeddings.load_glove().subset([low, other, "king", "queen"]).directions
    landing = king - start + third
    plane, _ = np.linalg.qr(np.stack([king - start, third - start], axis=1))
    drawn = [np.linalg.norm((landing - word) @ plane) for word in (king, queen)]
    true = [np.linalg.norm(landing - word) for word in (king, queen)]
    return {
        "plane_prefers_queen": drawn[0] - drawn[1],
        "space_prefers_king": true[1] - true[0],
        "hidden_by_the_plane": true[1] - drawn[1],
    }


@demo(gpt=above(0.999), masked=below(0.85))
def a_later_cue_changes_only_the_masked_model(seed: int) -> dict[str, float]:
    """The end of a sentence changes the vector of bank in the masked model, and never in the GPT."""
    start = ("walked to", "stopped near", "waited at")[seed]
    ends = [end for sense in TOWN.senses if sense.word == "bank" for end in sense.continuations]
    found = {}
    for name, reader in (("gpt", artifacts.load_model("tiny")), ("masked", artifacts.load_model("masked_long"))):
        texts = [f"Somebody {start} the bank {end}" for end in ends]
        last = contextual.contextual_vectors(reader.model, reader.tokenizer, texts, "bank")[-1]
        rows = embeddings.directions(last)
        found[name] = (rows @ rows.T)[~np.eye(len(rows), dtype=bool)].mean()
    return found


@demo(effect_size=above(1), p_value=below(0.01), median_lean=below(-0.05), nurse_before_pilot=above(0.2))
def the_association_test_does_not_hang_on_single_words(seed: int) -> dict[str, float]:
    """Mathematics leans to he, arts to she, whichever six words of each are taken; 0 is not the middle of the words."""
    rng, glove = np.random.default_rng(seed), embeddings.load_glove()
    test = embeddings.weat(glove, tuple(rng.choice(words, 6, replace=False) for words in (MATHS, ARTS)), (HE, SHE))
    toward_she = embeddings.direction(glove, [(HE[i], SHE[i]) for i in rng.permutation(8)[:6]])
    others = glove.directions[:5000] @ toward_she
    nurse, pilot = ((others < glove.directions[glove.row(job)] @ toward_she).mean() for job in ("nurse", "pilot"))
    return {
        "effect_size": test.effect_size, "p_value": test.p_value,
        "median_lean": np.median(others), "nurse_before_pilot": nurse - pilot,
    }  # fmt: skip
