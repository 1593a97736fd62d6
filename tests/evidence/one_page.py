"""Lesson 9: what the page shows holds with other first weights too."""

import contextlib
import io
import math
from pathlib import Path

from claims import above, below, between, demo

from llmviz.model import sliding_window_mask

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "one_page.py"


def run_page(seed: int) -> dict:
    """Everything that the page made, with other first weights."""
    source = SCRIPT.read_text(encoding="utf-8").replace("init_weights(seed=0)", f"init_weights(seed={seed})")
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(source, scope)
    return scope


def quiet_training(page: dict, seed: int, *settings) -> dict:
    """A new model of the page, trained without printing."""
    new = page["init_weights"](seed)
    with contextlib.redirect_stdout(io.StringIO()):
        page["train"](new, *settings)
    return new


@demo(
    share_of_bigram=below(0.5),
    above_entropy=above(0.05),
    test_minus_training_loss=below(0.1),
    right_before=below(0.2),
    right_after=above(0.5),
    right_without_pretraining=below(0.4),
    by_heart_without_pretraining=above(0.5),
    strangers_given_a_home=above(0.99),
    window_of_4_costs=above(1.2),
    window_of_16_costs=below(1.15),
)
def the_page_learns(seed: int) -> dict[str, float]:
    """Less than half of a bigram's loss; few questions open up what pre-training taught; strangers get a home."""
    page = run_page(seed)
    w, tuned, test_names, context = page["w"], page["tuned"], page["test_names"], page["CONTEXT"]
    tokens, loss = page["train_tokens"][: 100 * context + 1], page["test_loss"](w)
    training_loss = page["compute_loss"](w, tokens[:-1].view(-1, context), tokens[1:].view(-1, context)).item()
    questions = page["make_questions"](page["train_names"])
    alone = quiet_training(page, seed + 100, lambda step: questions, 80, 0.003)
    homes = [page["most_probable_home"](tuned, name)[0].strip() for name in page["NO_HOME"]]
    return {
        "share_of_bigram": loss / page["bigram_loss"],
        "above_entropy": loss - entropy(page),
        "test_minus_training_loss": abs(loss - training_loss),
        "right_before": page["accuracy"](w, test_names),
        "right_after": page["accuracy"](tuned, test_names),
        "right_without_pretraining": page["accuracy"](alone, test_names),
        "by_heart_without_pretraining": page["accuracy"](alone, page["train_names"]),
        "strangers_given_a_home": sum(home in page["TOWN"] for home in homes) / len(homes),
        "window_of_4_costs": loss_with_a_window(page, 4) / loss,
        "window_of_16_costs": loss_with_a_window(page, 16) / loss,
    }


def entropy(page: dict) -> float:
    """Of the texts, in nats per token: the logarithms of the numbers of choices."""
    kind = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    fact = math.log(len(page["HOME"]) * len(page["FACTS"]))
    story = math.log(30 * 29 * len(page["COLORS"]) * len(page["THINGS"]))
    return (kind + 2 / 3 * fact + 1 / 3 * story) * len(page["texts"]) / len(page["stream"])


def loss_with_a_window(page: dict, window: int) -> float:
    """The test loss of the trained model when each token attends to the last few only."""

    def attention(query, key, value):
        scores = query @ key.mT / query.shape[-1] ** 0.5
        return scores.masked_fill(~sliding_window_mask(scores.shape[-1], window), -math.inf).softmax(-1) @ value

    usual, page["attention"] = page["attention"], attention
    loss = page["test_loss"](page["w"])
    page["attention"] = usual
    return loss


@demo(
    loss_without_mask=below(0.5),
    later_hidden=above(1.3),
    loss_without_mask_after_100_steps=below(0.8),
    quarter_of_the_width=between(1.15, 2),
)
def one_line_is_changed(seed: int) -> dict[str, float]:
    """Without the mask: under half of the loss in training, and far above it when later tokens are hidden."""
    source = SCRIPT.read_text(encoding="utf-8").split("\nlosses = train(")[0]
    page = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(source, page)
    masked, get_batch, test_loss = page["attention"], page["get_batch"], page["test_loss"]
    usual = {steps: test_loss(quiet_training(page, seed, get_batch, steps, 0.005)) for steps in (100, 150)}
    page["attention"] = lambda query, key, value: (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1) @ value
    models = {steps: quiet_training(page, seed, get_batch, steps, 0.005) for steps in (100, 150)}
    leaking = {steps: test_loss(model) for steps, model in models.items()}
    page["attention"] = masked
    page["D_MODEL"] = 32
    narrow = test_loss(quiet_training(page, seed, get_batch, 150, 0.005))
    page["D_MODEL"] = 128
    return {
        "loss_without_mask": leaking[150] / usual[150],
        "later_hidden": test_loss(models[150]) / usual[150],
        "loss_without_mask_after_100_steps": leaking[100] / usual[100],
        "quarter_of_the_width": narrow / usual[150],
    }
