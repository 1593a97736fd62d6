"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch
import torch.nn.functional as F


def of_those_answered(answers, truths):
    spoken = [(a, t) for a, t in zip(answers, truths, strict=True) if a is not None]
    return sum(a != t for a, t in spoken) / len(spoken)


def only_where_there_is_a_truth(answers, truths):
    pairs = [(a, t) for a, t in zip(answers, truths, strict=True) if t is not None]
    return sum(a is not None and a != t for a, t in pairs) / len(pairs)


def strictly_above(confidence, right, threshold):
    answered = confidence > threshold
    n = answered.sum().item()
    return n / len(confidence), (right & answered).sum().item() / n if n else 1.0


def over_all(confidence, right, threshold):
    answered = confidence >= threshold
    if not answered.any():
        return 0.0, 1.0
    return answered.float().mean().item(), (right & answered).float().mean().item()


def swapped(confidence, right, threshold):
    answered = confidence >= threshold
    n = answered.sum().item()
    return ((right & answered).sum().item() / n if n else 1.0), n / len(confidence)


def where_it_is_unsure(confidence, right, threshold):
    answered = confidence < threshold
    n = answered.sum().item()
    return n / len(confidence), (right & answered).sum().item() / n if n else 1.0


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
        ("divided_by_answers", of_those_answered),
        ("accuracy", lambda answers, truths: sum(a == t for a, t in zip(answers, truths, strict=True)) / len(answers)),
        ("known_questions_only", only_where_there_is_a_truth),
        (
            "count",
            lambda answers, truths: 2 + sum(a is not None and a != t for a, t in zip(answers, truths, strict=True)),
        ),
    ],
    "coverage_and_accuracy": [
        ("strictly_above", strictly_above),
        ("divided_by_all", over_all),
        ("swapped", swapped),
        ("low_confidence", where_it_is_unsure),
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
