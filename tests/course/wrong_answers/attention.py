"""Wrong answers as learners write them, with the mistake that must be recognized."""

import math

import torch


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


def columns_for_rows(attention_weights, tokens):
    found = []
    for query, token in enumerate(tokens):
        places = [place for place in range(query) if tokens[place] == token]
        if places:
            found.append(attention_weights[places[-1] + 1][query])
    return sum(found) / len(found)


WRONG_ANSWERS = {
    "causal_mask": [
        ("inverted", lambda n: torch.triu(torch.ones(n, n), diagonal=1) == 1),
        ("future_visible", lambda n: torch.triu(torch.ones(n, n)) == 1),
        ("not_itself", lambda n: torch.tensor([[key < query for key in range(n)] for query in range(n)])),
        ("numbers", lambda n: torch.tril(torch.ones(n, n))),
    ],
    "scaled_dot_product_attention": [
        ("no_scaling", no_root),
        ("divided_by_d", by_d),
        ("softmax_over_queries", wrong_axis),
        ("mask_after_softmax", too_late),
        ("zero_instead_of_minus_infinity", zero_for_hidden),
        ("inverted_mask", hides_the_past),
        ("output_only", only_the_output),
        ("masked_scores", scores_already_hidden),
    ],
    "induction_score": [
        ("token_itself", looks_at_itself_before),
        ("first_occurrence", first_time),
        ("divided_by_all_tokens", over_all_tokens),
        (
            "list_of_weights",
            lambda attention_weights, tokens: (
                [
                    attention_weights[query, max(place for place in range(query) if tokens[place] == token) + 1]
                    for query, token in enumerate(tokens)
                    if token in tokens[:query]
                ]
            ),
        ),
        ("transposed", columns_for_rows),
    ],
}
