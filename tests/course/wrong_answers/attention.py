"""Wrong answers as learners write them, with the mistake that must be recognized."""

import math

import torch


def only_the_output(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ value


def scores_already_hidden(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return scores, weights, weights @ value


WRONG_ANSWERS = {
    "causal_mask": [
        ("inverted", lambda n: torch.triu(torch.ones(n, n), diagonal=1) == 1),
        ("future_visible", lambda n: torch.triu(torch.ones(n, n)) == 1),
        ("not_itself", lambda n: torch.tensor([[key < query for key in range(n)] for query in range(n)])),
        ("numbers", lambda n: torch.tril(torch.ones(n, n))),
    ],
    "scaled_dot_product_attention": [
        ("output_only", only_the_output),
        ("masked_scores", scores_already_hidden),
    ],
    "induction_score": [
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
    ],
}
