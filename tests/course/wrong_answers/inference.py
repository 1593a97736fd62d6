"""Wrong answers as learners write them, with the mistake that must be recognized."""

import math

import torch


def times_the_temperature(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    return torch.softmax(logits * temperature, dim=-1)


def after_the_softmax(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    return torch.softmax(logits, dim=-1) / temperature


def not_shared_out(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    return torch.exp(logits / temperature)


def without_zero_in_python(logits, temperature):
    powers = torch.tensor([math.exp(score * (1 / temperature)) for score in logits.tolist()])
    return powers / powers.sum()


def without_the_last(probabilities, top_p):
    order = probabilities.argsort(descending=True)
    kept = torch.zeros(len(probabilities), dtype=torch.bool)
    kept[order[probabilities[order].cumsum(0) <= top_p]] = True
    return kept


def not_carried_back(probabilities, top_p):
    ordered = probabilities.sort(descending=True).values
    return ordered.cumsum(0) - ordered < top_p


def renormalized(probabilities, top_p):
    ordered, order = probabilities.sort(descending=True)
    kept = torch.zeros(len(probabilities))
    kept[order] = torch.where(ordered.cumsum(0) - ordered < top_p, ordered, 0.0)
    return kept / kept.sum()


def this_step_only(beams, log_probabilities, n_best):
    ways = [([*ids, token], log_probabilities[row, token].item())
            for row, (ids, _) in enumerate(beams) for token in range(log_probabilities.shape[1])]  # fmt: skip
    return sorted(ways, key=lambda way: way[1], reverse=True)[:n_best]


def best_of_each(beams, log_probabilities, n_best):
    best = log_probabilities.max(dim=-1)
    ways = [((*ids, int(token)), so_far + float(nats))
            for (ids, so_far), token, nats in zip(beams, best.indices, best.values, strict=True)]  # fmt: skip
    return sorted(ways, key=lambda way: -way[1])[:n_best]


def worst_first(beams, log_probabilities, n_best):
    ways = [((*ids, token), so_far + log_probabilities[row, token].item())
            for row, (ids, so_far) in enumerate(beams) for token in range(log_probabilities.shape[1])]  # fmt: skip
    return sorted(ways, key=lambda way: way[1])[:n_best]


def as_probabilities(beams, log_probabilities, n_best):
    ways = worst_first(beams, log_probabilities, 10**6)[::-1][:n_best]
    return [(ids, math.exp(nats)) for ids, nats in ways]


WRONG_ANSWERS = {
    "apply_temperature": [
        ("multiplied", times_the_temperature),
        ("divided_after_softmax", after_the_softmax),
        ("not_normalized", not_shared_out),
        ("zero_temperature", lambda logits, temperature: (logits / temperature).softmax(dim=-1)),
        ("zero_temperature", without_zero_in_python),
        ("one_token", lambda logits, temperature: (logits / max(temperature, 0.01)).softmax(dim=-1).argmax()),
    ],
    "keep_top_p": [
        ("crossing_token_dropped", without_the_last),
        ("each_above_top_p", lambda probabilities, top_p: probabilities >= top_p),
        ("not_sorted", lambda probabilities, top_p: probabilities.cumsum(0) - probabilities < top_p),
        ("sorted_order", not_carried_back),
        ("not_boolean", renormalized),
    ],
    "extend_beams": [
        ("no_earlier_score", this_step_only),
        ("best_child_of_each", best_of_each),
        ("worst_first", worst_first),
        ("probabilities", as_probabilities),
        ("too_many", lambda beams, log_probabilities, n_best: worst_first(beams, log_probabilities, 10**6)[::-1]),
    ],
}
