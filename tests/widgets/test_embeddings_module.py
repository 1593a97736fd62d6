"""The module's own arithmetic, run by node, with the library as judge."""

import json

import numpy as np
import pytest
from nodes import needs_node, node
from sklearn.neighbors import NearestNeighbors

from llmviz.embeddings import vectors
from llmviz.widgets import EmbeddingExplorer
from llmviz.widgets.base import JS

RNG = np.random.default_rng(1)
WORDS = [f"w{i}" for i in range(40)]
FILM = RNG.normal(size=(3, 40, 5))
SPACE = vectors.WordVectors(WORDS, FILM[-1])
EXPLORER = EmbeddingExplorer(FILM, WORDS, n_neighbors=6)
pytestmark = needs_node


def run(expression: str, module: str = "embeddings_data.js"):
    """What an expression gives in node, with the explorer's payload read into `space`."""
    read = "const space = readSpace(given); " if module == "embeddings_data.js" else ""
    return node(JS / module, f"{read}return ({expression});", EXPLORER.traits()["payload"])


def test_neighbors_are_those_of_the_library():
    found = run("space.labels.map((_, word) => neighborsOf(space, 2, word).slice(0, 6))")
    for word, near in zip(WORDS, found, strict=True):
        expected = SPACE.neighbors(word, 6)
        assert [WORDS[one["word"]] for one in near] == [name for name, _ in expected]
        assert [one["cosine"] for one in near] == pytest.approx([cosine for _, cosine in expected], abs=1e-3)


def test_analogies_are_those_of_the_library_with_and_without_the_question():
    found = run(
        "[[], [3, 8, 21]].map((without) => rankedBy(cosinesWith(space, 2, "
        "walkFrom(space, 2, [3, 8, 21])), without).slice(0, 5).map((one) => one.word))"
    )
    for words, exclude in zip(found, (False, True), strict=True):
        expected = SPACE.analogy("w3", "w8", "w21", 5, exclude_inputs=exclude)
        assert [WORDS[word] for word in words] == [name for name, _ in expected]


def test_the_points_and_their_neighbors_are_those_of_the_map():
    expression = (
        "[2].map((frame) => { const points = space.map.points(frame); "
        "return [points, points.map((_, word) => nearInPicture(points, word, 6))] })"
    )
    for (points, near), map_ in zip(run(expression), [EXPLORER.map], strict=True):
        truth = map_["points"][-1]
        spread = np.ptp(map_["points"], axis=(0, 1)).max()
        assert np.diff(points, axis=0) == pytest.approx(np.diff(truth, axis=0) / spread, abs=2e-3)
        judged = NearestNeighbors(n_neighbors=6).fit(truth).kneighbors(return_distance=False)
        assert np.mean([len({*a} & {*b}) / 6 for a, b in zip(near, judged.tolist(), strict=True)]) > 0.98


def test_between_two_frames_points_are_between():
    first, half, second = run("[0, 0.5, 1].map((frame) => space.map.points(frame)[7])")
    assert half == pytest.approx((np.array(first) + second) / 2)


def test_the_view_holds_every_point():
    for frame, (view, points) in enumerate(
        run("[0, 1, 2].map((frame) => [space.map.view(frame), space.map.points(frame)])")
    ):
        away = np.abs(np.array(points) - view["middle"])
        assert (away <= np.array(view["reach"]) / 2 + 1e-9).all(), frame


@pytest.mark.parametrize(
    ("key", "word"), [("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 0), ("ArrowDown", 0)], ids=lambda one: str(one)
)
def test_arrow_keys_lead_to_the_next_point_in_their_direction(key, word):
    assert run(f"stepToward([[0, 0], [1, 0.1], [0.1, 1], [5, 0]], 0, {key!r})") == word


def test_searching_prefers_the_exact_word():
    labels = '["Maya", "may", "May", "Mia", "queen", "a<b"]'
    for typed, index in (("May", 2), ("may", 1), ("MAY", 1), ("ma", 0), ("uee", 4), ("<", 5), ("zz", -1), ("  ", -1)):
        assert run(f"foundWord({labels}, {json.dumps(typed)})") == index


def test_labels_never_cover_one_another_unless_they_must():
    spots = (RNG.random((80, 2)) * [600, 400]).tolist()
    places = [{"x": x, "y": y, "width": 40, "must": i < 2} for i, (x, y) in enumerate(spots)]
    written = run(f"labelPlaces({json.dumps(places)}, {{ width: 600, height: 400 }})")
    assert {0, 1} <= {one["index"] for one in written} and len(written) > 15
    boxes = [(one["x"], one["y"] - 6.5, one["x"] + 40, one["y"] + 6.5) for one in written if one["index"] > 1]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_every_question_has_one_right_answer_among_different_ones():
    asked = run("Array.from({length: 60}, (_, i) => questionOf(space, space.map.points(2), 2, i))")
    assert len({one["word"] for one in asked}) > 20
    for one in asked:
        nearest, _ = SPACE.neighbors(WORDS[one["word"]], 1)[0]
        assert WORDS[one["options"][one["right"]]] == nearest
        assert len(set(one["options"])) == 4 and one["word"] not in one["options"]
    assert len({one["right"] for one in asked}) > 2
