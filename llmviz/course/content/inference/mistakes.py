"""The typical mistakes of lesson 7: its functions with one thing done otherwise."""

import torch

from llmviz.generation.sampling import apply_temperature


def tempered(logits, temperature, *, times=False, after=False, counted=False):
    """The temperature applied at the wrong place."""
    if temperature == 0:
        return apply_temperature(logits, 0)
    if after:
        return logits.softmax(-1) / temperature
    if counted:
        return (logits / temperature).exp()
    return (logits * temperature if times else logits / temperature).softmax(-1)


def nucleus(probabilities, top_p, *, crossing=True, sort=True, back=True, threshold=False):
    """The nucleus with one step left out."""
    if threshold:
        return probabilities >= top_p
    ordered, order = probabilities.sort(descending=True, stable=True)
    if not sort:
        ordered, order = probabilities, torch.arange(len(probabilities))
    sums = ordered.cumsum(-1)
    chosen = sums - ordered < top_p if crossing else sums <= top_p
    if not back:
        return chosen
    kept = torch.zeros_like(chosen)
    kept[order] = chosen
    return kept


def longer(beams, log_probabilities, n_best, *, add=True, each=False, ascending=False, exponent=False):
    """Beams lengthened with one thing forgotten."""
    found = []
    for (ids, so_far), row in zip(beams, log_probabilities.tolist(), strict=True):
        ways = [((*ids, token), so_far + nats if add else nats) for token, nats in enumerate(row)]
        found += sorted(ways, key=lambda way: -way[1])[:1] if each else ways
    found.sort(key=lambda way: way[1] if ascending else -way[1])
    if exponent:
        found = [(ids, torch.tensor(nats).exp().item()) for ids, nats in found]
    return found[:n_best]
