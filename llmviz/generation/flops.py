"""What generation costs in multiplications and memory, with and without a key–value cache (lesson 7)."""

from __future__ import annotations

from llmviz.model.config import ModelConfig


def forward_cost(n_new: int, n_keys: int, d_model: int, d_ff: int, n_layers: int, vocab_size: int) -> int:
    """Multiplications of a GPT's forward pass over some new tokens (lesson 7).

    Per layer each new token is multiplied by four matrices of attention (d_model × d_model) and two of the MLP
    (d_model × d_ff), compared with every key, and takes from every value; at the end it is compared with the whole
    vocabulary. Normalization, softmax and positions are left out: they cost next to nothing.

    Args:
        n_new: new tokens.
        n_keys: the tokens that they attend to, themselves included; more than `n_new` when a cache holds the past.

    >>> forward_cost(1, 10, d_model=4, d_ff=16, n_layers=1, vocab_size=5)
    292
    """
    matrices = 4 * d_model**2 + 2 * d_model * d_ff
    attention = 2 * n_keys * d_model
    return n_new * (n_layers * (matrices + attention) + d_model * vocab_size)


def generation_costs(config: ModelConfig, n_prompt: int, n_new: int, *, use_cache: bool) -> list[int]:
    """Multiplications of each step of `generate`, which adds `n_new` tokens to a prompt.

    With a cache each step computes one new token (the first step: the prompt); without one, the whole text.
    """
    sizes = (config.d_model, config.d_ff, config.n_layers, config.vocab_size)
    lengths = range(n_prompt, n_prompt + n_new)
    if not use_cache:
        return [forward_cost(length, length, *sizes) for length in lengths]
    return [forward_cost(n_prompt if length == n_prompt else 1, length, *sizes) for length in lengths]


def cache_bytes(n_tokens: int, *, n_layers: int, d_kv: int) -> int:
    """Memory of the keys and values of so many tokens, at two bytes a number.

    `d_kv` is the width of all keys of one token in one layer: d_model, or less where heads share their keys
    ("grouped-query attention", Ainslie et al. 2023, section 2); `config.key_value_width`.

    >>> cache_bytes(1, n_layers=2, d_kv=128)
    1024
    """
    return 2 * n_tokens * n_layers * d_kv * 2
