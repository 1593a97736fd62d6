"""Wrong answers to lesson 6's exercises, as learners write them, with words of the sentence that must come."""

import torch


def no_scale(a, b, alpha):
    return b @ a


def no_rank(a, b, alpha):
    return alpha * (b @ a)


def times_rank(a, b, alpha):
    return alpha * a.shape[0] * (b @ a)


def width_for_rank(a, b, alpha):
    return alpha / a.shape[-1] * b.matmul(a)


def wrong_order(a, b, alpha):
    return alpha / len(a) * (a @ b)


def under_itself(prompt_ids, answer_ids, end_of_text):
    return [-100 for _ in prompt_ids] + list(answer_ids)


def learns_the_prompt(prompt_ids, answer_ids, end_of_text):
    together = list(prompt_ids) + list(answer_ids) + [end_of_text]
    return together[1:]


def no_end(prompt_ids, answer_ids, end_of_text):
    labels = [-100] * (len(prompt_ids) + len(answer_ids))
    for place, token in enumerate(answer_ids):
        labels[len(prompt_ids) - 1 + place] = token
    return labels


def too_long(prompt_ids, answer_ids, end_of_text):
    return [-100] * len(prompt_ids) + list(answer_ids) + [end_of_text]


def accuracy_of_all(found, right, label):
    return (found == right).float().mean()


def only_precision(found, right, label):
    claimed = found == label
    return ((right == label) & claimed).sum() / claimed.sum() if claimed.any() else 1.0


def only_recall(found, right, label):
    true = right == label
    return ((found == label) & true).sum() / true.sum() if true.any() else 1.0


def mean_of_both(found, right, label):
    return (float(only_precision(found, right, label)) + float(only_recall(found, right, label))) / 2


def divides_by_zero(found, right, label):
    hits = torch.sum((found == label) * (right == label)).item()
    return 2 * hits / ((found == label).sum().item() + (right == label).sum().item())


def makes_nan(found, right, label):
    hits = ((found == label) & (right == label)).sum()
    return 2 * hits / ((found == label).sum() + (right == label).sum())


WRONG = {
    "low_rank_change": [
        (no_scale, "leave α and the rank out"),
        (no_rank, "do not divide by the rank"),
        (times_rank, "multiply by the rank"),
        (width_for_rank, "how many *rows* A has"),
        (wrong_order, "A B instead of B A"),
    ],
    "answer_labels": [
        (under_itself, "under its own token"),
        (learns_the_prompt, "also teach the prompt"),
        (no_end, "The end is missing"),
        (too_long, "as many as prompt and answer have"),
    ],
    "f1": [
        (accuracy_of_all, "share of all words"),
        (only_precision, "That is precision"),
        (only_recall, "That is recall"),
        (mean_of_both, "harmonic mean"),
        (divides_by_zero, "divide by zero"),
        (makes_nan, "divide by zero"),
    ],
}
