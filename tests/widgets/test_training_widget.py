"""TrainingExplorer: what the page gets is what was recorded; its words hold; what does not fit is refused."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from explorer_pages import HOSTILE, PRELUDE, TEXTS, stays_data
from nodes import needs_node, node

from llmviz import training
from llmviz.training import Recording, Sample
from llmviz.widgets import TrainingExplorer
from llmviz.widgets.training import _segments

SCOPE: dict = {}
exec(PRELUDE, SCOPE)
RUN = SCOPE["run_of"](TEXTS)
STATIC = Path(__file__).parents[2] / "llmviz" / "widgets" / "js"
DATA, LOSS = STATIC / "training_data.js", STATIC / "training_loss.js"
READ = "const run = readRun(given.payload.runs[0], given.payload.steps.length);"


@needs_node
def test_the_module_reads_every_film_as_it_was_recorded():
    program = f"""{READ}
    const films = run.attention[0], frames = [0, 3, 5], {{ n }} = films.frames;
    return {{ bars: frames.map((frame) => run.nextTokens[1].at(frame)), points: run.pointsAt(5),
      weights: frames.map((frame) => {{ const data = attentionAt(films, frame);
        return [data.weight(1, 2, n - 1, 0), data.weight(0, 1, 4, 2), data.weight(0, 0, 0, 1)]; }}) }};"""
    found = node(DATA, program, TrainingExplorer(RUN).traits())
    frames, weights, n = [0, 3, 5], RUN.attention[0].weights, len(TEXTS)
    np.testing.assert_allclose(found["bars"], RUN.next_tokens[1].probabilities[frames], atol=1e-4)
    expected = [[weights[frame, 1, 2, n - 1, 0], weights[frame, 0, 1, 4, 2], 0] for frame in frames]
    np.testing.assert_allclose(found["weights"], expected, atol=0.01)
    shown, wanted = np.array(found["points"]), RUN.points[5]
    np.testing.assert_allclose((shown - shown[0]) * (wanted[1, 0] - wanted[0, 0]),
                               (wanted - wanted[0]) * (shown[1, 0] - shown[0, 0]), atol=4e-3)  # fmt: skip


@needs_node
def test_between_two_saved_steps_the_points_are_half_way():
    program = f"{READ} return [0, 1, 0.5].map((frame) => run.pointsAt(frame));"
    first, second, half = map(np.array, node(DATA, program, TrainingExplorer(RUN).traits()))
    np.testing.assert_allclose(half, (first + second) / 2)


@needs_node
@pytest.mark.parametrize("number", range(6))
def test_a_question_has_one_right_answer_among_texts_of_other_steps(number):
    options = [f"text {index}" for index in range(22)]
    found = node(DATA, f"return scrubQuestion([...given.keys()], given, {number})", options)
    assert len(set(found["frames"])) == 4 and found["frames"][found["right"]] == found["asked"]
    assert all(abs(frame - found["asked"]) > 3 for frame in found["frames"] if frame != found["asked"])


@needs_node
def test_a_loss_is_placed_between_its_baselines():
    lines = [["unigram", 5.0], ["floor", 1.0], ["ln V", 7.0]]
    said = node(DATA, "return given[1].map((loss) => amongBaselines(loss, given[0]))", [lines, [8, 6, 0.5]])
    assert said == [", above every baseline", ", below ln V and above unigram", ", below floor"]


@needs_node
def test_names_of_baselines_do_not_overlap_and_keep_their_order():
    found = node(LOSS, "return spreadOut(given, 14, 200)", [100, 101, 20, 199, 198])
    ordered = [found[index] for index in (2, 0, 1, 4, 3)]
    assert all(after - before >= 14 for before, after in pairwise(ordered))
    assert max(found) <= 200


def test_a_sample_is_cut_where_its_marks_begin_and_end():
    pieces = _segments(Sample("Mia has a blue dog.", copied=(0, 9), wrong=(8, 14)))
    assert pieces == [["Mia has ", True, False], ["a", True, True], [" blue", False, True], [" dog.", False, False]]
    assert "".join(text for text, *_ in _segments(Sample("x" * 5000, copied=(0, 5000)))) == "x" * 600
    assert _segments(Sample("")) == [["", False, False]]


def test_what_a_recording_lacks_is_not_shown():
    bare = Recording("mine", np.array([0, 2]), np.array([4.0, 2.0]), np.array([5.0, 3.0]))
    explorer = TrainingExplorer(bare)
    [run] = explorer.traits()["payload"]["runs"]
    assert run["next_tokens"] == run["attention"] == run["samples"] == [] and run["points"] is None
    assert explorer.table().columns == ["step", "training loss", "loss on unseen texts"]
    assert explorer.picture().startswith(b"\x89PNG")


def test_the_sentence_says_where_it_ends_without_a_number_that_could_differ():
    whole, few = map(training.load_recording, ("tinyville", "overfitted"))
    said = repr(TrainingExplorer(whole, compare=few))
    assert "32,000 texts of Tinyville: the loss on unseen texts ends below ln V, unigram and bigram." in said
    assert said.endswith("300 texts of Tinyville: the loss on unseen texts ends below ln V and unigram, after it has "
                         "risen again.")  # fmt: skip


def test_two_runs_stand_side_by_side_only_step_by_step():
    explorer = TrainingExplorer(RUN, compare=replace(RUN, name="other"))
    assert len(explorer.traits()["payload"]["runs"]) == 2
    assert explorer.table().columns[1] == "a run: training loss" and len(explorer.table().rows) == 6
    assert explorer.picture() != TrainingExplorer(RUN).picture()
    with pytest.raises(ValueError, match=r"same saved steps; 'a run' has 6 up to 125, 'a run' has 6 up to 126"):
        TrainingExplorer(RUN, compare=replace(RUN, steps=np.array([0, 1, 8, 27, 64, 126])))


def test_a_frame_that_is_not_there_is_refused():
    assert TrainingExplorer(RUN, frame=-1).traits()["frame"] == 5
    with pytest.raises(ValueError, match="frame must be a whole number from -6 to 5, but is 6"):
        TrainingExplorer(RUN, frame=6)


def test_the_page_is_one_piece_and_no_text_breaks_out_of_it():
    stays_data(TrainingExplorer(SCOPE["run_of"](HOSTILE))._repr_mimebundle_()["text/html"])
    shipped = TrainingExplorer(
        *map(training.load_recording, ["tinyville"]), compare=training.load_recording("overfitted")
    )._repr_mimebundle_()["text/html"]
    assert len(shipped) < 700_000
    assert "http://" not in shipped.replace("http://www.w3.org", "") and "https://" not in shipped
