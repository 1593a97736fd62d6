"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch


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
        ("shapes_do_not_match", lambda a, b, alpha: alpha / len(a) * a.T @ b),
        ("no_scaling", lambda a, b, alpha: b @ a),
        ("not_divided_by_rank", lambda a, b, alpha: alpha * (b @ a)),
        ("multiplied_by_rank", lambda a, b, alpha: alpha * a.shape[0] * (b @ a)),
        ("divided_by_width", lambda a, b, alpha: alpha / a.shape[-1] * b.matmul(a)),
        ("wrong_order", lambda a, b, alpha: alpha / len(a) * (a @ b)),
    ],
    "answer_labels": [
        ("not_a_list", lambda prompt, answer, end: -100 * (len(prompt) - 1) + answer),
        ("not_shifted", lambda prompt_ids, answer_ids, end_of_text: [-100 for _ in prompt_ids] + list(answer_ids)),
        (
            "wrong_length",
            lambda prompt_ids, answer_ids, end_of_text: [-100] * len(prompt_ids) + list(answer_ids) + [end_of_text],
        ),
    ],
    "f1": [
        (
            "nan",
            lambda found, right, label: (
                2 * ((found == label) & (right == label)).sum() / ((found == label).sum() + (right == label).sum())
            ),
        ),
        ("accuracy", lambda found, right, label: (found == right).float().mean()),
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
