"""Wrong answers as learners write them, with the mistake that must be recognized."""

import torch


def one_layer(vocab_size, d_model, n_layers, d_ff):
    table = vocab_size * d_model
    return {"embedding": table, "attention": 4 * d_model * d_model, "feed-forward": 2 * d_model * d_ff,
            "unembedding": table}  # fmt: skip


def normalize(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


WRONG_ANSWERS = {
    "normalize": [
        ("variance", lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-5)),
        ("n_minus_1", lambda x: (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)),
        ("mean_over_everything", lambda x: (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()),
        ("over_tokens", lambda x: (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5) ** 0.5),
        ("no_mean", lambda x: x / torch.sqrt(x.var(-1, keepdim=True, correction=0) + 1e-5)),
        ("lost_axis", lambda x: (x - x.mean(-1)) / (x.var(-1, correction=0) + 1e-5) ** 0.5),
        ("zero_by_zero", lambda x: (x - x.mean(-1, keepdim=True)) / x.var(-1, keepdim=True, correction=0) ** 0.5),
    ],
    "parameters_by_part": [
        (
            "three_attention_matrices",
            lambda vocab_size, d_model, n_layers, d_ff: (
                {
                    **one_layer(vocab_size, d_model, n_layers, d_ff),
                    "attention": n_layers * 3 * d_model * d_model,
                    "feed-forward": n_layers * 2 * d_model * d_ff,
                }
            ),
        ),
        (
            "one_feed_forward_matrix",
            lambda vocab_size, d_model, n_layers, d_ff: (
                {
                    **one_layer(vocab_size, d_model, n_layers, d_ff),
                    "attention": n_layers * 4 * d_model**2,
                    "feed-forward": n_layers * d_model * d_ff,
                }
            ),
        ),
        (
            "no_unembedding",
            lambda vocab_size, d_model, n_layers, d_ff: (
                {
                    **one_layer(vocab_size, d_model, n_layers, d_ff),
                    "attention": n_layers * 4 * d_model**2,
                    "feed-forward": n_layers * 2 * d_model * d_ff,
                    "unembedding": 0,
                }
            ),
        ),
        (
            "not_a_dict",
            lambda vocab_size, d_model, n_layers, d_ff: (
                2 * vocab_size * d_model + n_layers * (4 * d_model**2 + 2 * d_model * d_ff)
            ),
        ),
    ],
    "logit_lens": [
        ("no_normalization", lambda residuals, unembedding: torch.softmax(residuals @ unembedding.T, dim=-1)),
        (
            "softmax_over_layers",
            lambda residuals, unembedding: torch.softmax(normalize(residuals) @ unembedding.T, dim=0),
        ),
        ("no_softmax", lambda residuals, unembedding: normalize(residuals) @ unembedding.T),
        ("best_token", lambda residuals, unembedding: (normalize(residuals) @ unembedding.T).argmax(dim=-1)),
        ("not_transposed", lambda residuals, unembedding: (normalize(residuals) @ unembedding).softmax(-1)),
    ],
}
