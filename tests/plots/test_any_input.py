"""Every plot: any text can be drawn, and what does not fit is refused with a message."""

import numpy as np
import pytest
from hostile import NASTY

from llmviz import plots

N = len(NASTY)
EYE, ONES = np.eye(N), np.ones(N)

DRAWN = {
    "map": lambda: plots.attention_heatmap(EYE, NASTY, title="$ <b>"),
    "arcs": lambda: plots.attention_arcs(ONES[:6] / 6, NASTY[:6], 0, title="$ <b>"),
    "heads": lambda: plots.attention_heads([[EYE, EYE]], NASTY),
    "alignment": lambda: plots.alignment_map(EYE[:12], NASTY[:12], NASTY),
    "strips": lambda: plots.token_strips({text or " ": NASTY for text in NASTY[::9]}),
    "token losses": lambda: plots.token_losses({"$ <b>": ONES}, NASTY),
    "next tokens": lambda: plots.next_token_bars(ONES / N, NASTY, top=N, reference=ONES / N),
    "confidence": lambda: plots.confidence_marks(ONES / 2, ONES, NASTY, title="$ <b>"),
    "bars": lambda: plots.bars(NASTY[:40], {"_a": range(40), "$": range(40)}, x_label="\ud83d"),
    "curves": lambda: plots.curves([0, 1], {NASTY[n]: [0, 1] for n in range(8)}, x_label="$", y_label="\ud83d"),
    "loss": lambda: plots.loss_curve([1, 2], [2, 1], baselines=dict.fromkeys(NASTY[:12], 1.0), title="$ <b>"),
    "flow": lambda: plots.block_flow(dict.fromkeys(NASTY[:12], ONES), title="$ <b>"),
    "lens": lambda: plots.lens_table(np.ones((1, N)), [NASTY], NASTY),
    "shuffle": lambda: plots.shuffle_table(np.ones((2, N)), NASTY[5:7], NASTY),
    "changes": lambda: plots.weight_changes({NASTY[7]: EYE}, title="$ <b>"),
    "scatter": lambda: plots.embedding_scatter(np.stack([ONES, ONES], axis=1), NASTY, title="$ <b>"),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_any_text_can_be_drawn(draw):
    axes = draw()
    assert plots.to_png(axes, 30)
    assert plots.alt_text(axes).encode("utf-8")


HALF, AB = [[1.0, 0], [0.5, 0.5]], ["a", "b"]
XY = {"x_label": "x", "y_label": "y"}
LAW = {"at": [1.0, 2], "band": ([1.0, 1], [1.0, 1], [1.0, 1])}
SCATTER = [[0, 0], [1, 0]]
REFUSED = [
    (plots.attention_arcs, ([1.0], AB, 0), {}, "tokens has 2 entries, but attention_weights has 1"),
    (plots.attention_arcs, ([1.0, 0], AB, 2), {}, "query must be a whole number from 0 to 1"),
    (plots.attention_arcs, ([0.0] * 99, ["word"] * 99, 0), {}, "99 tokens do not fit into one line"),
    (plots.attention_heatmap, ([[1.0]], AB), {}, "1 × 1 .*but there are 2 tokens"),
    (plots.attention_heatmap, ([[1.0, 0], [0.5, 0.4]], AB), {}, "row 1 adds up to 0.9: rows are queries"),
    (plots.attention_heatmap, ([[1.0, 0], [1.5, -0.5]], AB), {}, "not be negative"),
    (plots.attention_heatmap, ([[1.0, 0], [np.nan, 1]], AB), {}, r"finite, but is nan at \[1, 0\]"),
    (plots.attention_heatmap, ([[1.0, 0], [0.5]], AB), {}, "unequal length"),
    (plots.attention_heatmap, ([1.0, 0], AB), {}, r"2 dimensions, but has shape \(2,\)"),
    (plots.attention_heatmap, (HALF, AB), {"mask": [[1, 0], [1, 1]]}, "boolean"),
    (plots.attention_heatmap, (HALF, AB), {"mask": [[True, False]]}, r"shape \(1, 2\), but attention_weights are"),
    (plots.attention_heatmap, (HALF, AB), {"mask": [[False, True], [False, False]]}, "upside down"),
    (plots.attention_heads, (np.eye(2), AB), {}, r"4 dimensions, but has shape \(2, 2\)"),
    (plots.attention_heads, ([[HALF] * 9] * 2, AB), {}, "at most 16 heads .* given 2 layers × 9 heads"),
    (plots.alignment_map, ([[1], [1.0]], ["a"], ["b"]), {}, "target has 1 entry, but cross_attention .its rows. has"),
    (plots.alignment_map, ([[0.5, 0.4]], ["a"], AB), {}, "adds up to 0.9: rows are target words"),
    (plots.token_strip, ([],), {}, "no tokens"),
    (plots.token_strip, ("Mia found",), {}, "list of strings, not one string"),
    (plots.token_strip, ([1, 2],), {}, "number 0 is int"),
    (plots.token_strip, (7,), {}, "list of strings"),
    (plots.token_strip, (AB, [1]), {}, "token_ids has 1 entry, but tokens has 2"),
    (plots.token_strip, (["a"], [0.5]), {}, "whole numbers"),
    (plots.token_strips, ({},), {}, "give at least one title"),
    (plots.token_losses, ([1, 2], ["a"]), {}, "losses 'loss' has 2 entries, but tokens has 1"),
    (plots.token_losses, ({"a": [1], "b": [1, 2]}, ["a"]), {}, "losses 'b' has 2 entries, but tokens has 1"),
    (plots.token_losses, ([-1.0], ["a"]), {}, "never negative, but one of losses is -1"),
    (plots.token_losses, ([1, 2], AB), {"rounds": [2]}, r"between 1 and 1, but are \[2\]"),
    (plots.next_token_bars, ([0.5], AB), {}, "tokens has 2 entries, but probabilities has 1"),
    (plots.next_token_bars, ([0.5, -0.1], AB), {}, "negative, but number 1 is -0.1: are these logits"),
    (plots.next_token_bars, ([0.5, 0.8], AB), {}, "adds up to 1.3"),
    (plots.next_token_bars, ([], AB), {}, "empty"),
    (plots.next_token_bars, (["x", "y"], AB), {}, "real numbers"),
    (plots.next_token_bars, ([0.5, 0.5], AB), {"top": 0}, "top must be a whole number"),
    (plots.next_token_bars, ([0.5, 0.5], AB), {"reference": [1.0]}, "reference has 1 entry, but tokens has 2"),
    (plots.confidence_marks, ([1.2], [True], ["a"]), {}, "between 0 and 1; given 1.2"),
    (plots.confidence_marks, ([0.2, 0.3], [True], AB), {}, "right has 1 entry, but confidence has 2"),
    (plots.bars, (["a"], {"b": [1]}), {"x_label": "x", "intervals": {"b": [1, 2]}}, "has 2 entries, but labels has 1"),
    (plots.bars, (["a"], {"b": [1, 2]}), {"x_label": "x"}, "'b' has 2 entries, but labels has 1"),
    (plots.bars, (["a"] * 41, {"b": range(41)}), {"x_label": "x"}, "at most 40 groups"),
    (plots.curves, ([0, 1], {"a": [1.0]}), XY, "'a' has 1 entry, but x has 2"),
    (plots.curves, ([1, 0], {"a": [1, 2]}), XY, "must not go back"),
    (plots.curves, ([0, 1], {}), XY, "from 1 to 8 of them; given 0"),
    (plots.curves, ([0, 1], {"a": [1, 2]}), {**XY, "x_scale": "cubic"}, "'cubic'"),
    (plots.rate_finder, ([1.0, 1.0], [1.0, 2.0]), {"smoothed": [1.0, 2.0]}, "must rise from step to step"),
    (plots.loss_curve, ([1, 2], [3.0]), {}, "steps has 2 entries, but losses has 1"),
    (plots.loss_curve, ([2, 1], [3.0, 2.0]), {}, "upwards, but number 1 is 1"),
    (plots.loss_curve, ([1], [2.0]), {"scale": "cubic"}, "'linear', 'log'.*'cubic'"),
    (plots.loss_curve, ([1], [2.0]), {"validation": [1, 2, 3]}, r"a pair: \(steps, losses\)"),
    (plots.loss_curve, ([1], [2.0]), {"baselines": [1.0]}, "dict from a name"),
    (plots.loss_curve, ([1], [2.0]), {"baselines": {str(n): n for n in range(13)}}, "from 1 to 12 of them; given 13"),
    (plots.power_law, ([1.0, 0.0], [1.0, 2.0]), LAW, "sizes must be above 0"),
    (plots.power_law, ([1.0, 2.0], [1.0]), LAW, "losses has 1 entry, but sizes has 2"),
    (plots.block_flow, ({},), {}, "stages must be a dict .* given 0"),
    (plots.block_flow, ({"a": [1.0, 2], "b": [1.0]},), {}, "'b'.* has 1 entry, but the first stage has 2"),
    (plots.lens_table, ([[0.2, 0.4]], [], AB), {}, "best has 0 entries, but probabilities .its layers. has 1"),
    (plots.shuffle_table, ([[0, -1]], ["a"], AB), {}, "never negative; given -1"),
    (plots.weight_changes, ([1],), {}, "given list"),
    (plots.embedding_scatter, ([[0, 0]], AB), {}, "labels has 2 entries, but points has 1"),
    (plots.embedding_scatter, ([[0, 0, 0], [1, 1, 1]], AB), {}, r"shape \(n, 2\), but have \(2, 3\)"),
    (plots.embedding_scatter, ([[0, 0], [1e300, 0]], AB), {}, "cannot be drawn"),
    (plots.embedding_scatter, (np.ones((9, 2)), ["w"] * 9), {"groups": list("abcdefghi")}, "at most 8 groups"),
]


@pytest.mark.parametrize(("plot", "arguments", "options", "message"), REFUSED)
def test_what_does_not_fit_is_refused(plot, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot(*arguments, **options)
