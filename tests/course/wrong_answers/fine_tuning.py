"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch


def learns_the_prompt(prompt_ids, answer_ids, end_of_text):
    together = list(prompt_ids) + list(answer_ids) + [end_of_text]
    return together[1:]


def no_end(prompt_ids, answer_ids, end_of_text):
    labels = [-100] * (len(prompt_ids) + len(answer_ids))
    for place, token in enumerate(answer_ids):
        labels[len(prompt_ids) - 1 + place] = token
    return labels


def only_precision(found, right, label):
    claimed = found == label
    return ((right == label) & claimed).sum() / claimed.sum() if claimed.any() else 1.0


def only_recall(found, right, label):
    true = right == label
    return ((found == label) & true).sum() / true.sum() if true.any() else 1.0


def divides_by_zero(found, right, label):
    hits = torch.sum((found == label) * (right == label)).item()
    return 2 * hits / ((found == label).sum().item() + (right == label).sum().item())


def makes_nan(found, right, label):
    hits = ((found == label) & (right == label)).sum()
    return 2 * hits / ((found == label).sum() + (right == label).sum())


WRONG_ANSWERS = {
    "low_rank_change": [
        ("no_scaling", lambda a, b, alpha: b @ a),
        ("not_divided_by_rank", lambda a, b, alpha: alpha * (b @ a)),
        ("multiplied_by_rank", lambda a, b, alpha: alpha * a.shape[0] * (b @ a)),
        ("divided_by_width", lambda a, b, alpha: alpha / a.shape[-1] * b.matmul(a)),
        ("wrong_order", lambda a, b, alpha: alpha / len(a) * (a @ b)),
    ],
    "answer_labels": [
        ("not_shifted", lambda prompt_ids, answer_ids, end_of_text: [-100 for _ in prompt_ids] + list(answer_ids)),
        ("prompt_learned", learns_the_prompt),
        ("no_end", no_end),
        (
            "wrong_length",
            lambda prompt_ids, answer_ids, end_of_text: [-100] * len(prompt_ids) + list(answer_ids) + [end_of_text],
        ),
    ],
    "f1": [
        ("accuracy", lambda found, right, label: (found == right).float().mean()),
        ("precision", only_precision),
        ("recall", only_recall),
        (
            "arithmetic_mean",
            lambda found, right, label: (
                (float(only_precision(found, right, label)) + float(only_recall(found, right, label))) / 2
            ),
        ),
        ("zero_division", divides_by_zero),
        ("zero_division", makes_nan),
    ],
}
