"""Wrong answers of lesson 7, written as learners write them."""

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


def without_zero(logits, temperature):
    return (logits / temperature).softmax(dim=-1)


def without_zero_in_python(logits, temperature):
    powers = torch.tensor([math.exp(score * (1 / temperature)) for score in logits.tolist()])
    return powers / powers.sum()


def the_best(logits, temperature):
    return (logits / max(temperature, 0.01)).softmax(dim=-1).argmax()


def without_the_last(probabilities, top_p):
    order = probabilities.argsort(descending=True)
    kept = torch.zeros(len(probabilities), dtype=torch.bool)
    kept[order[probabilities[order].cumsum(0) <= top_p]] = True
    return kept


def each_above(probabilities, top_p):
    return probabilities >= top_p


def not_sorted(probabilities, top_p):
    return probabilities.cumsum(0) - probabilities < top_p


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


def all_of_them(beams, log_probabilities, n_best):
    return worst_first(beams, log_probabilities, 10**6)[::-1]


WRONG = {
    "apply_temperature": [
        (times_the_temperature, "you multiply"),
        (after_the_softmax, "divide the probabilities"),
        (not_shared_out, "share out"),
        (without_zero, "divide by 0"),
        (without_zero_in_python, "divide by 0"),
        (the_best, "give a token"),
    ],
    "keep_top_p": [
        (without_the_last, "lifts the sum"),
        (each_above, "their sum that counts"),
        (not_sorted, "sort first"),
        (not_carried_back, "sorted order"),
        (renormalized, "true or false"),
    ],
    "extend_beams": [
        (this_step_only, "so far"),
        (best_of_each, "in one list"),
        (worst_first, "worst comes"),
        (as_probabilities, "their logarithms"),
        (all_of_them, "all ways"),
    ],
}
