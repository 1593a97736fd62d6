"""What learners write first in lesson 3, and the words that must come."""

import math

import torch


def upside_down(n):
    return torch.triu(torch.ones(n, n), diagonal=1) == 1


def sees_the_future(n):
    return torch.triu(torch.ones(n, n)) == 1


def not_even_itself(n):
    return torch.tensor([[key < query for key in range(n)] for query in range(n)])


def ones_and_zeros(n):
    return torch.tril(torch.ones(n, n))


def no_root(query, key, value, mask):
    scores = query @ key.mT
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    return scores, weights, weights @ value


def by_d(query, key, value, mask):
    scores = query @ key.mT / query.size(-1)
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    return scores, weights, weights @ value


def wrong_axis(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    weights = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-2)
    return scores, weights, weights @ value


def too_late(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    weights = torch.softmax(scores, dim=-1) * mask
    return scores, weights, weights @ value


def zero_for_hidden(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    weights = torch.softmax(scores * mask, dim=-1)
    return scores, weights, weights @ value


def hides_the_past(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    weights = scores.masked_fill(mask, -math.inf).softmax(-1)
    return scores, weights, weights @ value


def only_the_output(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ value


def scores_already_hidden(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return scores, weights, weights @ value


def looks_at_itself_before(attention_weights, tokens):
    found = []
    for query in range(len(tokens)):
        for place in reversed(range(query)):
            if tokens[place] == tokens[query]:
                found.append(attention_weights[query, place])
                break
    return sum(found) / len(found)


def first_time(attention_weights, tokens):
    found = [
        attention_weights[query, tokens.index(token) + 1]
        for query, token in enumerate(tokens)
        if token in tokens[:query]
    ]
    return sum(found) / len(found)


def over_all_tokens(attention_weights, tokens):
    total = 0
    for query in range(len(tokens)):
        places = [place for place in range(query) if tokens[place] == tokens[query]]
        if places:
            total += attention_weights[query, places[-1] + 1]
    return total / len(tokens)


def a_list(attention_weights, tokens):
    return [
        attention_weights[query, max(place for place in range(query) if tokens[place] == token) + 1]
        for query, token in enumerate(tokens)
        if token in tokens[:query]
    ]


def columns_for_rows(attention_weights, tokens):
    found = []
    for query, token in enumerate(tokens):
        places = [place for place in range(query) if tokens[place] == token]
        if places:
            found.append(attention_weights[places[-1] + 1][query])
    return sum(found) / len(found)


WRONG = {
    "causal_mask": [
        (upside_down, "upside down"),
        (sees_the_future, "see the future"),
        (not_even_itself, "not look at itself"),
        (ones_and_zeros, "holds numbers"),
    ],
    "scaled_dot_product_attention": [
        (no_root, "not divide by"),
        (by_d, "its square root"),
        (wrong_axis, "runs over the queries"),
        (too_late, "after the softmax"),
        (zero_for_hidden, "is a share"),
        (hides_the_past, "upside down"),
        (only_the_output, "three are asked for"),
        (scores_already_hidden, "already in them"),
    ],
    "induction_score": [
        (looks_at_itself_before, "one place further on"),
        (first_time, "the last time before now"),
        (over_all_tokens, "all tokens"),
        (a_list, "one number"),
        (columns_for_rows, "wrong way round"),
    ],
}
