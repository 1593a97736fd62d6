"""AttentionExplorer in a real browser: heads, lines, map, difference, steps."""

import numpy as np
from fakes import noisy_model, random_ids

from llmviz.widgets import AttentionExplorer

TOKENS = ["Mia", " found", " a", " red", " kite", "."]


def some_weights(seed: int = 0) -> np.ndarray:
    weights = np.tril(np.random.default_rng(seed).random((2, 3, 6, 6)) ** 3 + 1e-3)
    return weights / weights.sum(-1, keepdims=True)


def from_trace() -> AttentionExplorer:
    """The explorer of a trace, with queries, keys and losses."""
    model = noisy_model()
    return AttentionExplorer(model.trace(random_ids(6)), TOKENS)


def test_arrows_choose_a_head_and_the_map_follows(show, page):
    [shown] = show(AttentionExplorer(some_weights(), TOKENS))
    before = shown.frame.locator(".map").screenshot()
    shown.frame.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert shown.frame.locator(".chosen").inner_text().startswith("Layer 1, head 1")
    assert shown.frame.get_by_role("radio", checked=True).get_attribute("aria-label").startswith("layer 1, head 1")
    assert shown.said().startswith("Layer 1, head 1")
    assert shown.frame.locator(".map").screenshot() != before


def test_of_270_heads_the_chosen_one_is_in_sight(show, page):
    weights = np.tril(np.random.default_rng(1).random((30, 9, 6, 6)) + 1e-3)
    explorer = AttentionExplorer(weights / weights.sum(-1, keepdims=True), TOKENS)
    live = AttentionExplorer.live(explore=lambda *_: explorer, layer=18, head=6)
    [shown] = show(live._repr_mimebundle_()["text/html"])  # the saved form
    assert shown.frame.locator(".chosen").inner_text().startswith("Layer 18, head 6")
    where = """thumb => {
        const [seen, own] = [thumb.closest('.headbox'), thumb].map((one) => one.getBoundingClientRect());
        return own.top >= seen.top && own.bottom <= seen.bottom + 1 && scrollY === 0;
    }"""
    chosen = shown.frame.get_by_role("radio", checked=True)
    assert chosen.get_attribute("aria-label").startswith("layer 18, head 6")
    assert chosen.evaluate(where)
    chosen.focus()
    for _ in range(11):
        page.keyboard.press("ArrowDown")
    assert chosen.get_attribute("aria-label").startswith("layer 29, head 6")
    assert chosen.evaluate(where.replace("&& scrollY === 0", ""))


def test_both_directions_and_the_exact_number(show):
    weights = some_weights()
    [shown] = show(AttentionExplorer(weights, TOKENS))
    shown.frame.locator(".left .token").nth(4).hover()
    best = weights[0, 0, 4].argmax()
    assert f"“·kite” (position 4) looks most at “{[t.replace(' ', '·') for t in TOKENS][best]}”" in shown.said()
    assert f"{weights[0, 0, 4, best]:.3f}" in shown.said()
    shown.frame.locator(".right .token").nth(0).hover()
    assert "“Mia” (position 0) is looked at most by “Mia” 1.000" in shown.said()


def test_the_map_is_walked_by_arrows_pinned_and_compared(show, page):
    weights = some_weights()
    [shown] = show(AttentionExplorer(weights, TOKENS))
    shown.frame.locator(".map").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert f"looks at “·found” (position 1): {weights[0, 0, 4, 1]:.3f}." in shown.said()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    shown.frame.get_by_role("radio", checked=True).focus()
    change = weights[0, 0, 4, 1] - weights[0, 0, 3, 1]
    assert shown.said().endswith(f"From 1 to 2: {change:+.3f}.".replace("-", "−"))
    page.keyboard.press("Escape")
    assert shown.said().startswith("Layer 0, head 0")


def test_the_steps_end_at_the_weight_that_the_map_shows(show, page):
    explorer = from_trace()
    [shown] = show(explorer)
    shown.frame.locator(".steps summary").click()
    shown.frame.locator(".left .token").nth(3).click()
    rows = shown.frame.locator(".steps tbody tr")
    shares = [float(text) for text in rows.locator("td:last-child").all_inner_texts()]
    assert np.allclose(shares, explorer.weights[0, 0, 3], atol=0.0006)
    masks = rows.locator("td:nth-child(4)").all_inner_texts()
    assert masks == ["may look"] * 4 + ["−∞"] * 2
    loss = explorer.losses.mean()
    assert shown.frame.locator(".loss").inner_text() == f"Loss: {loss:.2f} nats per token."
