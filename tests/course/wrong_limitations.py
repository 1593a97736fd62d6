"""Wrong answers of lesson 8, written as learners write them."""

import torch
import torch.nn.functional as F


def silence_is_wrong(answers, truths):
    return sum(a != t for a, t in zip(answers, truths, strict=True)) / len(answers)


def of_those_answered(answers, truths):
    spoken = [(a, t) for a, t in zip(answers, truths, strict=True) if a is not None]
    return sum(a != t for a, t in spoken) / len(spoken)


def accuracy(answers, truths):
    return sum(a == t for a, t in zip(answers, truths, strict=True)) / len(answers)


def only_where_there_is_a_truth(answers, truths):
    pairs = [(a, t) for a, t in zip(answers, truths, strict=True) if t is not None]
    return sum(a is not None and a != t for a, t in pairs) / len(pairs)


def a_count(answers, truths):
    return 2 + sum(a is not None and a != t for a, t in zip(answers, truths, strict=True))


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


def without_reference(chosen, rejected, reference_chosen, reference_rejected, beta):
    return -F.logsigmoid(beta * (chosen - rejected)).mean()


def turned_round(chosen, rejected, reference_chosen, reference_rejected, beta):
    return -F.logsigmoid(beta * ((rejected - reference_rejected) - (chosen - reference_chosen))).mean()


def beta_outside(chosen, rejected, reference_chosen, reference_rejected, beta):
    return -beta * F.logsigmoid((chosen - reference_chosen) - (rejected - reference_rejected)).mean()


def without_beta(chosen, rejected, reference_chosen, reference_rejected, beta):
    return -F.logsigmoid((chosen - reference_chosen) - (rejected - reference_rejected)).mean()


def one_a_pair(chosen, rejected, reference_chosen, reference_rejected, beta):
    return -F.logsigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected)))


def without_minus(chosen, rejected, reference_chosen, reference_rejected, beta):
    return torch.log(torch.sigmoid(beta * ((chosen - reference_chosen) - (rejected - reference_rejected)))).mean()


WRONG = {
    "hallucination_rate": [
        (silence_is_wrong, "count silence"),
        (of_those_answered, "answers given"),
        (accuracy, "share of right ones"),
        (only_where_there_is_a_truth, "leave out questions"),
        (a_count, "number of questions"),
    ],
    "coverage_and_accuracy": [
        (strictly_above, "at least"),
        (over_all, "by all questions"),
        (swapped, "wrong way round"),
        (where_it_is_unsure, "you answer where"),
        (divides_by_nothing, "divide by 0"),
        (nan_for_nothing, "divide 0 by 0"),
    ],
    "preference_loss": [
        (without_reference, "forget the reference"),
        (turned_round, "sign is turned"),
        (beta_outside, "outside the sigmoid"),
        (without_beta, "forget beta"),
        (one_a_pair, "for each pair"),
        (without_minus, "cannot be negative"),
    ],
}
