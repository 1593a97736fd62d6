"""The attention explorer's pure functions in node, held against numpy and torch."""

import numpy as np
import pytest
import torch
from nodes import needs_node, node

from llmviz.widgets import AttentionExplorer
from llmviz.widgets.base import JS

DATA, WORDS = JS / "attention_data.js", JS / "attention_words.js"
TOKENS = ["a", " b", " c", " d", " e"]
pytestmark = needs_node


def explorer(*, causal: bool = True, seed: int = 0, **options) -> AttentionExplorer:
    weights = np.random.default_rng(seed).random((2, 3, 5, 5)) ** 3 + 1e-3
    weights = np.tril(weights) if causal else weights
    return AttentionExplorer(weights / weights.sum(-1, keepdims=True), TOKENS, **options)


def payload(**options) -> dict:
    return explorer(**options).traits()["payload"]


@pytest.mark.parametrize("causal", [True, False])
def test_every_weight_is_read_from_its_place(causal):
    program = """
        const { one } = readViews(given);
        const all = (size) => [...Array(size).keys()];
        return all(2).map((l) => all(3).map((h) => all(5).map((q) => rowOf(one, l, h, q))));
    """
    found = np.array(node(DATA, program, payload(causal=causal)))
    assert np.abs(found - explorer(causal=causal).weights).max() < 1e-5


def test_the_difference_is_the_second_minus_the_first():
    other = explorer(seed=1)
    given = payload(compare=(other.weights, ["x", *TOKENS[1:]]))
    program = """
        const { difference } = readViews(given);
        return [difference.labels[0], difference.range, columnOf(difference, 1, 2, 0)];
    """
    label, span, column = node(DATA, program, given)
    expected = other.weights - explorer().weights
    assert label == "a → x"
    assert span == pytest.approx(np.abs(expected).max(), abs=1e-4)
    assert np.allclose(column, expected[1, 2, :, 0], atol=1e-4)


def test_the_steps_end_at_torch_s_weights():
    generator = torch.Generator().manual_seed(2)
    query, key = torch.randn(8, generator=generator), torch.randn(5, 8, generator=generator)
    program = "return attentionSteps(given.query, given.key, (place) => place < 4)"
    steps = node(DATA, program, {"query": query.tolist(), "key": key.tolist()})
    scores = key @ query / 8**0.5
    assert np.allclose([step["product"] for step in steps], (key @ query).numpy(), atol=1e-5)
    assert np.allclose([step["scaled"] for step in steps], scores.numpy(), atol=1e-5)
    scores[4] = -torch.inf
    assert np.allclose([step["weight"] for step in steps], scores.softmax(0).numpy(), atol=1e-6)


def test_questions_are_clear_and_their_options_hold_the_answer():
    program = """
        const { one } = readViews(given);
        return questionsOf(one, 0, 1).map(({ query, right }) => [query, right, optionsOf(one, 0, 1, query, 3)]);
    """
    found = node(DATA, program, payload())
    weights = explorer().weights[0, 1]
    assert sorted(query for query, _, _ in found) == [1, 2, 3, 4]
    for query, right, options in found:
        assert right == weights[query].argmax() and right in options
        assert options == sorted(set(options)) and len(options) <= 3 and max(options) <= query


def test_the_sentences():
    weights = np.tril(np.ones((5, 5)))
    weights[4] = [0.5, 0.25, 0.125, 0.125, 0]
    weights /= weights.sum(-1, keepdims=True)
    given = AttentionExplorer(weights, TOKENS).traits()["payload"]
    program = """
        const views = readViews(given);
        const say = (query, key) => targetSentence(views.one, { layer: 0, head: 0, query, key });
        const code = codeLine(given.code, views.one, { layer: 0, head: 0, query: 4 });
        return [say(4, 1), say(1, 4), say(4, null), say(null, 4), code];
    """
    cell, hidden, row, column, code = node(WORDS, program, given)
    assert cell == "“·e” (position 4) looks at “·b” (position 1): 0.250."
    assert hidden == "“·b” (position 1) may not look at “·e” (position 4): the mask hides it."
    assert row == "“·e” (position 4) looks most at “a” 0.500, “·b” 0.250, “·c” 0.125."
    assert column == "“·e” (position 4): no token looks at it."
    assert code == "trace.attention_weights[0, 0, 0][4, 0]  # 0.500"


def test_two_pinned_cells_are_compared():
    program = """
        const views = readViews(given);
        const pin = (query, key) => ({ layer: 0, head: 0, view: "one", query, key });
        const pins = [pin(3, 0), pin(4, 0)];
        return wholeSentence(views, { layer: 0, head: 0, view: "one", names: given.names, target: null, pins });
    """
    said = node(WORDS, program, payload())
    change = explorer().weights[0, 0, 4, 0] - explorer().weights[0, 0, 3, 0]
    assert said.startswith("1: In layer 0, head 0, “·d”")
    assert said.endswith(f"From 1 to 2: {change:+.3f}.".replace("-", "−"))
