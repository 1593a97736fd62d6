"""What reading and writing cost, in multiplications: with and without a cache of keys and values (lesson 7)."""

from __future__ import annotations

from llmviz.model.config import ModelConfig


def reading_cost(n_new: int, n_keys: int, d_model: int, d_ff: int, n_layers: int, vocab_size: int) -> int:
    """How many multiplications a GPT needs to read some tokens and score what comes after each (lesson 7).

    Per layer each new token is multiplied by four matrices of attention (d_model × d_model) and two of the
    feed-forward network (d_model × d_ff), is compared with every key, and takes from every value. At the end it is
    compared with the whole vocabulary. Normalization, softmax and positions are left out: they cost next to nothing.

    Args:
        n_new: the tokens that are read now.
        n_keys: the tokens that they look at, themselves included; more than `n_new` when a cache holds the past.

    >>> reading_cost(1, 10, d_model=4, d_ff=16, n_layers=1, vocab_size=5)
    292
    """
    matrices = 4 * d_model**2 + 2 * d_model * d_ff
    looks = 2 * n_keys * d_model
    return n_new * (n_layers * (matrices + looks) + d_model * vocab_size)


def step_costs(config: ModelConfig, n_prompt: int, n_new: int, *, use_cache: bool) -> list[int]:
    """The multiplications of each step of `generate`, which writes `n_new` tokens after a prompt.

    With a cache the prompt is read once, and then each new token; without one, everything is read at each step.
    """
    sizes = (config.d_model, config.d_ff, config.n_layers, config.vocab_size)
    lengths = range(n_prompt, n_prompt + n_new)
    if not use_cache:
        return [reading_cost(length, length, *sizes) for length in lengths]
    return [reading_cost(n_prompt if length == n_prompt else 1, length, *sizes) for length in lengths]


def cache_bytes(n_tokens: int, *, n_layers: int, d_kv: int, bytes_per_number: int = 2) -> int:
    """How much memory the keys and values of so many tokens take.

    `d_kv` is the width of all keys of one token in one layer: d_model, or less where heads share their keys
    ("grouped-query attention", Ainslie et al. 2023, section 2).

    >>> cache_bytes(1, n_layers=2, d_kv=128, bytes_per_number=4)
    2048
    """
    return 2 * n_tokens * n_layers * d_kv * bytes_per_number
