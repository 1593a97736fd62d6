"""EmbeddingExplorer in Python: what it sends is the space itself, and any input is answered in a sentence."""

import base64
import json

import numpy as np
import pytest
from explorer_pages import HOSTILE, data_in, stays_data

from llmviz.embeddings import projection, train_word2vec_steps, vectors
from llmviz.widgets import EmbeddingExplorer
from llmviz.widgets.embeddings import _packed_vectors

RNG = np.random.default_rng(0)
WORDS = [f"w{i}" for i in range(30)]
FILM = RNG.normal(size=(4, 30, 6))
GROUPS = ["even" if i % 2 == 0 else "odd" for i in range(30)]


def unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).reshape(packed["shape"])


def payload_of(explorer):
    return explorer.traits()["payload"]


def test_the_vectors_that_are_sent_have_the_cosines_of_the_originals():
    payload = payload_of(EmbeddingExplorer(FILM, WORDS))
    sent = unpacked(payload["vectors"]) * payload["scale"]
    for frame, original in zip(sent, FILM, strict=True):
        space = vectors.WordVectors(WORDS, original)
        likeness = frame @ frame.T
        assert likeness == pytest.approx(space.directions @ space.directions.T, abs=1e-3)


def test_large_films_are_sent_in_eight_bits_and_still_have_their_cosines():
    big = RNG.normal(size=(20, 400, 32))
    scale, packed = _packed_vectors(vectors.directions(big))
    assert packed["dtype"] == "int8"
    rows = vectors.directions(big)
    sent = unpacked(packed) * scale
    assert (sent[0] * sent[0, :1]).sum(axis=1) == pytest.approx((rows[0] * rows[0, :1]).sum(axis=1), abs=0.02)


def test_the_map_and_its_honesty_are_those_of_the_library():
    explorer = EmbeddingExplorer(FILM, WORDS, n_neighbors=5)
    payload = payload_of(explorer)
    for frame, name in enumerate(payload["kept"]):
        projected = projection.pca(vectors.directions(FILM[frame]))
        kept = projection.neighbors_kept(FILM[frame], projected.points, n=5).mean()
        assert name == pytest.approx(kept, abs=1e-4)
        assert payload["variance"][frame] == pytest.approx(projected.variance_shown, abs=1e-4)


def test_frames_are_turned_to_fit_one_another():
    turn, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    film = np.stack([FILM[0], FILM[0] @ turn])
    first, second = unpacked(payload_of(EmbeddingExplorer(film, WORDS))["points"]).astype(int)
    assert np.abs(first - second).max() <= 2


def test_an_earlier_picture_can_be_fitted():
    before = EmbeddingExplorer(FILM[0], WORDS).map["points"][-1]
    mirrored = before * [-1, 1]
    after = EmbeddingExplorer(FILM[0], WORDS)
    after.fit_to = mirrored
    assert after.map["points"][-1] == pytest.approx(mirrored)


def test_the_sentence_holds_inputs_only():
    explorer = EmbeddingExplorer(FILM, WORDS, groups=GROUPS, chosen="w3", analogy=("w0", "w1", "w2"))
    assert repr(explorer) == (
        "30 words, 6 numbers each, in 4 frames; 2 groups: even and odd. Chosen: “w3”. "
        "Asked: “w0” is to “w1” as “w2” is to …?"
    )


def test_the_table_is_the_accessible_twin():
    table = EmbeddingExplorer(FILM[-1], WORDS).table()
    space = vectors.WordVectors(WORDS, FILM[-1])
    word, cosine = space.neighbors("w5", 1)[0]
    assert table.rows[5][:2] == ["w5", f"{word} {cosine:.2f}"]
    assert table.is_computed


def test_groups_by_mapping_words_from_vectors_and_the_code_line():
    space = vectors.WordVectors(("red", "blue", "Mia"), np.eye(3))
    groups = {"red": "color", "blue": "color", "Mia": "name"}
    explorer = EmbeddingExplorer([space, space], groups=groups, chosen="Mia")
    payload = payload_of(explorer)
    assert (payload["groups"], payload["group_of"]) == (["color", "name"], [0, 0, 1])
    assert payload["code"][2] == "vectors.neighbors('Mia')"
    assert eval(payload["code"][2], {"vectors": space}) == space.neighbors("Mia")


def test_long_labels_are_cut_where_their_ends_stay_to_be_seen():
    texts = [f"waited at the bank where the ducks {end}" for end in ("swim", "sleep")]
    assert EmbeddingExplorer(np.eye(2), texts).labels == [
        "waited at the b…e the ducks swim", "waited at the b… the ducks sleep",
    ]  # fmt: skip


def test_hostile_words_are_inert_and_never_leave_the_json():
    explorer = EmbeddingExplorer(RNG.normal(size=(len(HOSTILE), 3)), HOSTILE, groups=HOSTILE)
    page = explorer._repr_mimebundle_()["text/html"]
    stays_data(page)
    assert max(map(len, data_in(page)["payload"]["labels"])) <= 40


@pytest.mark.parametrize("array", [np.zeros((2, 5, 3)), np.ones((1, 2, 1)), np.full((2, 4, 2), 1e14)])
def test_vectors_without_differences_make_a_page_too(array):
    explorer = EmbeddingExplorer(array, WORDS[: array.shape[1]], n_neighbors=12)
    assert json.loads(json.dumps(explorer.traits(), allow_nan=False))["payload"]["labels"]
    assert explorer.sentence() and explorer.table().rows


@pytest.mark.parametrize(
    ("arguments", "settings_", "sentence"),
    [
        ((FILM,), {}, "need labels"),
        ((FILM, WORDS[:3]), {}, "labels has 3 entries, but vectors has 30"),
        ((FILM[0, 0], WORDS), {}, r"\(word, d_model\) or \(frame, word, d_model\)"),
        ((RNG.normal(size=(601, 2)), list(map(str, range(601)))), {}, "2 to 600 words in up to 120 frames; given 601"),
        ((FILM, WORDS), {"groups": list(map(str, range(30)))}, "at most 8 groups"),
        ((FILM, WORDS), {"groups": {"w0": "a"}}, "no entry for “w1”"),
        ((FILM, WORDS), {"chosen": "cat"}, "“cat” is not among the 30 words"),
        ((FILM, WORDS), {"analogy": ("w0", "w1")}, "an analogy is three words"),
        ((FILM, WORDS), {"frame_names": ["one"]}, "frame_names has 1 entry, but vectors has 4"),
        ((FILM, WORDS), {"n_neighbors": 0}, "n_neighbors must be a whole number from 1 to 600, but is 0"),
        ((FILM * np.nan, WORDS), {}, "must be finite"),
        ((vectors.WordVectors(("a", "b"), np.eye(2)), ["a", "b"]), {}, "bring their words along"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, settings_, sentence):
    with pytest.raises(ValueError, match=sentence):
        EmbeddingExplorer(*arguments, **settings_)


def test_live_training_shows_each_step_and_ends_as_a_film():
    texts = ["king he crown", "queen she crown", "red kite he", "blue kite she"] * 30
    steps = train_word2vec_steps(texts, n_frames=5)
    live = EmbeddingExplorer.live(steps, ["king", "queen", "red", "blue"], chosen="king")
    assert (live.chosen, live.frame, live.problem) == (0, 0, "")
    before = live.payload
    seen = []
    last = live.run(progress=lambda step: seen.append((step.step, live.payload["frame_names"])))
    assert last.step == last.n_steps == seen[-1][0]
    assert all(names == [f"step {step:,}"] for step, names in seen)
    assert live.payload["vectors"]["shape"] == [len(seen) + 1, 4, 32] != before["vectors"]["shape"]
    assert live.frame == len(seen)
    assert "frames" in repr(live)
    assert live.run() is last


def test_live_says_what_is_wrong():
    steps = train_word2vec_steps(["a b c"] * 90, n_frames=2)
    with pytest.raises(ValueError, match="'x' is not among the 3 words"):
        EmbeddingExplorer.live(steps, ["a", "x"])
    with pytest.raises(ValueError, match="groups has 1 entry"):
        EmbeddingExplorer.live(steps, ["a", "b"], groups=["only one"])
    with pytest.raises(ValueError, match="steps yields nothing"):
        EmbeddingExplorer.live([], ["a", "b"])
