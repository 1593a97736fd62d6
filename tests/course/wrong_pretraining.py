"""Wrong answers of lesson 5, written as learners write them."""

import numpy as np
import torch


def in_bits(logits, token_ids):
    return -torch.log2(logits.softmax(-1))[torch.arange(len(token_ids)), token_ids].mean()


def no_minus(logits, token_ids):
    return logits.log_softmax(-1)[range(len(token_ids)), token_ids].mean()


def added_up(logits, token_ids):
    surprise = 0
    for row, token_id in zip(logits, token_ids, strict=True):
        surprise = surprise - row.log_softmax(-1)[token_id]
    return surprise


def over_positions(logits, token_ids):
    return -torch.log_softmax(logits, dim=0).gather(1, token_ids[:, None]).mean()


def without_softmax(logits, token_ids):
    return -logits.gather(1, token_ids[:, None]).mean()


def one_minus_p(logits, token_ids):
    return 1 - torch.softmax(logits, dim=1)[torch.arange(len(token_ids)), token_ids].mean()


def log_of_the_mean(logits, token_ids):
    return -torch.log(torch.softmax(logits, dim=1)[torch.arange(len(token_ids)), token_ids].mean())


def log_after_softmax(logits, token_ids):
    return -torch.log(torch.softmax(logits, dim=1))[torch.arange(len(token_ids)), token_ids].mean()


def no_mean(logits, token_ids):
    return -logits.log_softmax(-1)[range(len(token_ids)), token_ids]


def words_in_common(words, corpus):
    return len(set(words).intersection(corpus))


def words_found(words, corpus):
    return len([word for word in words if word in corpus])


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


def all_or_nothing(words, corpus):
    return " ".join(words) in " ".join(corpus)


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


WRONG = {
    "cross_entropy": [
        (in_bits, "natural logarithm"),
        (no_minus, "sign is missing"),
        (added_up, "add the surprises up"),
        (over_positions, "over the positions"),
        (without_softmax, "softmax is missing"),
        (one_minus_p, "two coin tosses"),
        (log_of_the_mean, "first the logarithm"),
        (log_after_softmax, "rounded to 0"),
        (no_mean, "for each position"),
    ],
    "longest_run": [
        (words_in_common, "wherever they stand"),
        (words_found, "wherever they stand"),
        (letter_by_letter, "count letters"),
        (place_by_place, "equal places only"),
        (subsequence, "gaps pass"),
        (all_or_nothing, "only say whether"),
        (the_passage, "its length"),
        (past_the_end, "past an end"),
    ],
    "power_law": [
        (rising, "slope is below 0"),
        (still_a_logarithm, "still a logarithm"),
        (no_logarithms, "both sides first"),
        (exponential, "one side only"),
        (swapped, "swap the two"),
        (first_and_last, "first and the last point"),
        (base_ten, "base 10"),
    ],
}
