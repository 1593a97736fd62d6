"""Wrong answers of lesson 4, written as learners write them."""

import torch


def by_the_variance(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-5)


def with_std(x):
    return (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)


def over_everything(x):
    return (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()


def over_tokens(x):
    return (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5) ** 0.5


def not_centerd(x):
    return x / torch.sqrt(x.var(-1, keepdim=True, correction=0) + 1e-5)


def without_keepdim(x):
    return (x - x.mean(-1)) / (x.var(-1, correction=0) + 1e-5) ** 0.5


def without_the_small_number(x):
    return (x - x.mean(-1, keepdim=True)) / x.var(-1, keepdim=True, correction=0) ** 0.5


def one_layer(vocab_size, d_model, n_layers, d_ff):
    table = vocab_size * d_model
    return {"embedding": table, "attention": 4 * d_model * d_model, "feed-forward": 2 * d_model * d_ff,
            "unembedding": table}  # fmt: skip


def no_output(vocab_size, d_model, n_layers, d_ff):
    return {**one_layer(vocab_size, d_model, n_layers, d_ff), "attention": n_layers * 3 * d_model * d_model,
            "feed-forward": n_layers * 2 * d_model * d_ff}  # fmt: skip


def only_widens(vocab_size, d_model, n_layers, d_ff):
    return {**one_layer(vocab_size, d_model, n_layers, d_ff), "attention": n_layers * 4 * d_model**2,
            "feed-forward": n_layers * d_model * d_ff}  # fmt: skip


def no_last_table(vocab_size, d_model, n_layers, d_ff):
    return {**one_layer(vocab_size, d_model, n_layers, d_ff), "attention": n_layers * 4 * d_model**2,
            "feed-forward": n_layers * 2 * d_model * d_ff, "unembedding": 0}  # fmt: skip


def the_sum(vocab_size, d_model, n_layers, d_ff):
    return 2 * vocab_size * d_model + n_layers * (4 * d_model**2 + 2 * d_model * d_ff)


def not_normalized(residuals, unembedding):
    return torch.softmax(residuals @ unembedding.T, dim=-1)


def normalize(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def over_the_layers(residuals, unembedding):
    return torch.softmax(normalize(residuals) @ unembedding.T, dim=0)


def scores(residuals, unembedding):
    return normalize(residuals) @ unembedding.T


def only_the_best(residuals, unembedding):
    return (normalize(residuals) @ unembedding.T).argmax(dim=-1)


def table_upside_down(residuals, unembedding):
    return (normalize(residuals) @ unembedding).softmax(-1)


WRONG = {
    "normalize": [
        (by_the_variance, "by the variance"),
        (with_std, "divide by n − 1"),
        (over_everything, "one mean over everything"),
        (over_tokens, "over the tokens"),
        (not_centerd, "subtract the mean"),
        (without_keepdim, "lost its axis"),
        (without_the_small_number, "0 by 0"),
    ],
    "parameters_by_part": [
        (one_layer, "one layer"),
        (no_output, "fourth matrix"),
        (only_widens, "two matrices"),
        (no_last_table, "last table"),
        (the_sum, "dict is asked"),
    ],
    "logit_lens": [
        (not_normalized, "forget to normalize"),
        (over_the_layers, "over the layers"),
        (scores, "those are scores"),
        (only_the_best, "only the best token"),
        (table_upside_down, "wrong way round"),
    ],
}
