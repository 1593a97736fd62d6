"""Wrong answers as learners write them, with the mistake that must be recognized."""

import math

import torch


def without_zero_in_python(logits, temperature):
    powers = torch.tensor([math.exp(score * (1 / temperature)) for score in logits.tolist()])
    return powers / powers.sum()


def renormalized(probabilities, top_p):
    ordered, order = probabilities.sort(descending=True)
    kept = torch.zeros(len(probabilities))
    kept[order] = torch.where(ordered.cumsum(0) - ordered < top_p, ordered, 0.0)
    return kept / kept.sum()


def worst_first(beams, log_probabilities, n_best):
    ways = [((*ids, token), so_far + log_probabilities[row, token].item())
            for row, (ids, so_far) in enumerate(beams) for token in range(log_probabilities.shape[1])]  # fmt: skip
    return sorted(ways, key=lambda way: way[1])[:n_best]


WRONG_ANSWERS = {
    "apply_temperature": [
        ("zero_temperature", lambda logits, temperature: (logits / temperature).softmax(dim=-1)),
        ("zero_temperature", without_zero_in_python),
        ("one_token", lambda logits, temperature: (logits / max(temperature, 0.01)).softmax(dim=-1).argmax()),
    ],
    "keep_top_p": [
        ("each_above_top_p", lambda probabilities, top_p: probabilities >= top_p),
        ("not_sorted", lambda probabilities, top_p: probabilities.cumsum(0) - probabilities < top_p),
        ("not_boolean", renormalized),
    ],
    "extend_beams": [
        ("too_many", lambda beams, log_probabilities, n_best: worst_first(beams, log_probabilities, 10**6)[::-1]),
    ],
}
