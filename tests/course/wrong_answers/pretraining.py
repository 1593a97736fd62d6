"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch


def the_passage(words, corpus):
    best = []
    for i in range(len(words)):
        for j in range(len(corpus)):
            n = 0
            while words[i + n : i + n + 1] == corpus[j + n : j + n + 1] != []:
                n += 1
            best = max(best, words[i : i + n], key=len)
    return best


def past_the_end(words, corpus):
    best = 0
    for i in range(len(words)):
        for j in range(len(corpus)):
            n = 0
            while words[i + n] == corpus[j + n]:
                n += 1
            best = max(best, n)
    return best


WRONG_ANSWERS = {
    "cross_entropy": [
        (
            "bits",
            lambda logits, token_ids: -torch.log2(logits.softmax(-1))[torch.arange(len(token_ids)), token_ids].mean(),
        ),
        ("wrong_sign", lambda logits, token_ids: logits.log_softmax(-1)[range(len(token_ids)), token_ids].mean()),
        (
            "softmax_over_positions",
            lambda logits, token_ids: -torch.log_softmax(logits, dim=0).gather(1, token_ids[:, None]).mean(),
        ),
        ("no_softmax", lambda logits, token_ids: -logits.gather(1, token_ids[:, None]).mean()),
        (
            "one_minus_probability",
            lambda logits, token_ids: 1 - torch.softmax(logits, dim=1)[torch.arange(len(token_ids)), token_ids].mean(),
        ),
        (
            "log_of_mean",
            lambda logits, token_ids: (
                -torch.log(torch.softmax(logits, dim=1)[torch.arange(len(token_ids)), token_ids].mean())
            ),
        ),
        (
            "infinite",
            lambda logits, token_ids: (
                -torch.log(torch.softmax(logits, dim=1))[torch.arange(len(token_ids)), token_ids].mean()
            ),
        ),
        ("one_per_position", lambda logits, token_ids: -logits.log_softmax(-1)[range(len(token_ids)), token_ids]),
    ],
    "longest_run": [
        (
            "no_shared_word",
            lambda words, corpus: max(
                j - i
                for i in range(len(words))
                for j in range(i + 1, len(words) + 1)
                if words[i:j] in [corpus[k : k + j - i] for k in range(len(corpus))]
            ),
        ),
        ("shared_words", lambda words, corpus: len(set(words).intersection(corpus))),
        ("shared_words", lambda words, corpus: len([word for word in words if word in corpus])),
        ("true_or_false", lambda words, corpus: " ".join(words) in " ".join(corpus)),
        ("passage", the_passage),
        ("past_the_end", past_the_end),
    ],
    "power_law": [
        ("lists", lambda sizes, excess_losses: (excess_losses[0] * sizes**0.5, 0.5)),
    ],
}
