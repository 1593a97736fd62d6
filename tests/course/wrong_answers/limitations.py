"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch
import torch.nn.functional as F


def divides_by_nothing(confidence, right, threshold):
    answered = confidence >= threshold
    return answered.float().mean().item(), (right & answered).sum().item() / answered.sum().item()


def nan_for_nothing(confidence, right, threshold):
    answered = confidence >= threshold
    return answered.float().mean().item(), right[answered].float().mean().item()


WRONG_ANSWERS = {
    "hallucination_rate": [
        (
            "silence_counted",
            lambda answers, truths: sum(a != t for a, t in zip(answers, truths, strict=True)) / len(answers),
        ),
        ("accuracy", lambda answers, truths: sum(a == t for a, t in zip(answers, truths, strict=True)) / len(answers)),
        (
            "count",
            lambda answers, truths: 2 + sum(a is not None and a != t for a, t in zip(answers, truths, strict=True)),
        ),
    ],
    "coverage_and_accuracy": [
        ("zero_division", divides_by_nothing),
        ("nan", nan_for_nothing),
    ],
    "preference_loss": [
        (
            "no_reference",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: (
                -F.logsigmoid(beta * (chosen - rejected)).mean()
            ),
        ),
        (
            "wrong_sign",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: (
                -F.logsigmoid(beta * ((rejected - reference_rejected) - (chosen - reference_chosen))).mean()
            ),
        ),
        (
            "beta_outside",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: (
                -beta * F.logsigmoid((chosen - reference_chosen) - (rejected - reference_rejected)).mean()
            ),
        ),
        (
            "no_beta",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: (
                -F.logsigmoid((chosen - reference_chosen) - (rejected - reference_rejected)).mean()
            ),
        ),
        (
            "one_loss_per_pair",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: (
                -F.logsigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected)))
            ),
        ),
        (
            "negative",
            lambda chosen, rejected, reference_chosen, reference_rejected, beta: torch.log(
                torch.sigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected)))
            ).mean(),
        ),
    ],
}
