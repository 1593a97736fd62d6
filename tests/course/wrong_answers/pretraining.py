"""Wrong answers as learners write them, with the mistake that must be recognized."""

import numpy as np
import torch


def added_up(logits, token_ids):
    surprise = 0
    for row, token_id in zip(logits, token_ids, strict=True):
        surprise = surprise - row.log_softmax(-1)[token_id]
    return surprise


def letter_by_letter(words, corpus):
    best = 0
    for start in range(len(words)):
        for stop in range(start + 1, len(words) + 1):
            piece = " ".join(words[start:stop])
            if piece in " ".join(corpus):
                best = max(best, len(piece))
    return best


def place_by_place(words, corpus):
    longest = run = 0
    for i in range(min(len(words), len(corpus))):
        run = run + 1 if words[i] == corpus[i] else 0
        longest = max(longest, run)
    return longest


def subsequence(words, corpus):
    if not words or not corpus:
        return 0
    if words[0] == corpus[0]:
        return 1 + subsequence(words[1:], corpus[1:])
    return max(subsequence(words[1:], corpus), subsequence(words, corpus[1:]))


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


def rising(sizes, excess_losses):
    slope, height = np.polyfit(np.log(sizes), np.log(excess_losses), 1)
    return np.exp(height), slope


def still_a_logarithm(sizes, excess_losses):
    slope, height = np.polyfit(np.log(sizes), np.log(excess_losses), 1)
    return height, -slope


def no_logarithms(sizes, excess_losses):
    slope, height = np.polyfit(sizes, excess_losses, 1)
    return height, -slope


def exponential(sizes, excess_losses):
    slope, height = np.polyfit(sizes, np.log(excess_losses), 1)
    return np.exp(height), -slope


def swapped(sizes, excess_losses):
    slope, height = np.polyfit(np.log(sizes), np.log(excess_losses), 1)
    return -slope, np.exp(height)


def first_and_last(sizes, excess_losses):
    slope = np.log(excess_losses[-1] / excess_losses[0]) / np.log(sizes[-1] / sizes[0])
    return excess_losses[0] / sizes[0] ** slope, -slope


def base_ten(sizes, excess_losses):
    slope, height = np.polyfit(np.log10(sizes), np.log10(excess_losses), 1)
    return np.exp(height), -slope


WRONG_ANSWERS = {
    "cross_entropy": [
        (
            "bits",
            lambda logits, token_ids: -torch.log2(logits.softmax(-1))[torch.arange(len(token_ids)), token_ids].mean(),
        ),
        ("wrong_sign", lambda logits, token_ids: logits.log_softmax(-1)[range(len(token_ids)), token_ids].mean()),
        ("sum", added_up),
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
        ("shared_words", lambda words, corpus: len(set(words).intersection(corpus))),
        ("shared_words", lambda words, corpus: len([word for word in words if word in corpus])),
        ("letters", letter_by_letter),
        ("equal_places_only", place_by_place),
        ("gaps_allowed", subsequence),
        ("true_or_false", lambda words, corpus: " ".join(words) in " ".join(corpus)),
        ("passage", the_passage),
        ("past_the_end", past_the_end),
    ],
    "power_law": [
        ("negative_exponent", rising),
        ("log_of_factor", still_a_logarithm),
        ("no_logarithms", no_logarithms),
        ("log_of_losses_only", exponential),
        ("swapped", swapped),
        ("two_points", first_and_last),
        ("base_10", base_ten),
    ],
}
