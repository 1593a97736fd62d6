"""The picture of a block: what is drawn where, what it says, what it refuses."""

import numpy as np
import pytest
from hostile import NASTY

from llmviz import plots

TOKENS = ["Mia", " found", " a"]
WIDTHS = {"before": 8, "middle": 8, "after": 8, "attention weights": 3, "attention adds": 8, "hidden": 20,
          "feed-forward adds": 8}  # fmt: skip


def stages(n_tokens=3, **changed):
    generator = np.random.default_rng(0)
    made = {name: generator.normal(size=(n_tokens, width)) for name, width in WIDTHS.items()}
    made["attention weights"] = np.tri(n_tokens) / np.arange(1, n_tokens + 1)[:, None]
    return {**made, **changed}


def drawn(axes, number):
    return np.asarray(axes[number].images[0].get_array())


def test_seven_pictures_in_the_order_of_the_flow_of_which_three_are_the_stream():
    axes = plots.block_flow(stages(), TOKENS, title="Block 0")
    captions = [part.get_title() or part.get_xlabel() for part in axes]
    assert [caption.split("\n")[0] for caption in captions] == [
        "stream before", "who looks at whom", "attention adds", "stream middle", "hidden layer", "feed-forward adds",
        "stream after",
    ]  # fmt: skip
    rows = [part.get_subplotspec().rowspan.start for part in axes]
    assert rows == [1, 0, 0, 1, 0, 0, 1]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["Mia", "·found", "·a"]
    assert len(axes[0].figure.artists) == 8  # six arrows of the branches, two of the stream


def test_each_row_has_its_own_scale_and_keeps_its_signs():
    giants = stages()
    giants["before"] = giants["before"] * np.array([[1.0], [1e4], [1e-4]])
    image = drawn(plots.block_flow(giants, TOKENS), 0)
    np.testing.assert_array_equal(np.sign(image), np.sign(giants["before"]))
    spans = np.abs(image).max(axis=1)
    assert (spans >= 1).all() and spans.max() < 3
    np.testing.assert_allclose(drawn(plots.block_flow(giants, TOKENS), 1), giants["attention weights"])


def test_an_empty_row_stays_white():
    silent = stages(hidden=np.zeros((3, 20)))
    assert (drawn(plots.block_flow(silent, TOKENS), 4) == 0).all()


def test_the_sentence_tells_the_lengths():
    ones = {name: np.ones((3, width)) for name, width in WIDTHS.items()}
    sentence = plots.alt_text(plots.block_flow({**ones, "after": 2 * ones["after"]}, TOKENS))
    assert sentence == (
        "One block over 3 tokens: the residual stream runs through, 8 wide. Mean length of a token's vector: 3 before; "
        "attention adds 3; 3 in the middle; the feed-forward network (20 wide) adds 3; 6 after."
    )


def test_captions_do_not_cover_one_another(overlaps):
    axes = plots.block_flow(stages(), TOKENS)
    assert not overlaps([part.title for part in axes if part.get_title()])
    assert not overlaps([part.xaxis.label for part in axes if part.get_xlabel()])


@pytest.mark.parametrize(("given", "sentence"), [
    ({}, "given none"),
    ({name: value for name, value in stages().items() if name != "hidden"}, "a block has the stages before, .*hidden"),
    (stages(middle=np.ones((3, 7))), r"'middle'\] must have the shape \(3, 8\), but has \(3, 7\)"),
    (stages(**{"attention weights": np.ones((3, 4))}), r"must have the shape \(3, 3\), but has \(3, 4\)"),
    (stages(hidden=np.ones((2, 20))), r"must have the shape \(3, 20\), but has \(2, 20\)"),
    (stages(after=np.full((3, 8), np.nan)), "must be finite"),
    (stages(2), "tokens has 3 entries, but the stream has 2"),
])  # fmt: skip
def test_what_does_not_fit_gets_a_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.block_flow(given, TOKENS)


def test_too_many_tokens_get_a_sentence():
    with pytest.raises(ValueError, match=r"at most 24 tokens fit .* given 25"):
        plots.block_flow(stages(25), ["a"] * 25)


def test_any_token_can_be_named():
    few = NASTY[:24]
    assert plots.to_png(plots.block_flow(stages(len(few)), few, title="$ <b>"))
