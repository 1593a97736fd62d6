"""Sizes and architectural choices of a model, and those of published models (lessons 4 and 10)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

_CHOICES = {
    "positions": ("none", "sinusoidal", "learned", "rotary"),
    "norm": ("pre", "post"),
    "normalization": ("plain", "layer", "rms"),
    "activation": ("squared_relu", "gelu", "gelu_tanh", "swiglu"),
    "unembedding": ("untied", "tied", "none"),
}
_SIZES = ("vocab_size", "context_length", "d_model", "n_layers", "n_heads", "d_ff")
_SWITCHES = ("query_key_norm", "biases", "embedding_norm")


@dataclass(frozen=True)
class ModelConfig:
    """Everything that decides the shape of a model. The fields after `query_key_norm` are lesson 10's.

    Attributes:
        vocab_size, context_length: number of different tokens, and the longest input in tokens.
        d_model, d_ff: widths of the residual stream and of the hidden layer of the MLP.
        n_layers, n_heads: blocks, and attention heads of a block; d_model / n_heads is a whole, even number.
        positions: "sinusoidal" or "learned" vectors added to the embeddings, "rotary" queries and keys, or "none".
        norm: "pre" normalizes the input of each sub-layer, "post" the residual stream after each addition.
        query_key_norm: whether queries and keys are normalized.
        normalization: "plain" (mean 0, variance 1), "layer" (the same with learned weight and bias) or "rms" (divided
            by the root mean square, with a learned weight).
        activation: of the MLP: "squared_relu", "gelu", "gelu_tanh" or "swiglu".
        biases: whether linear layers have biases.
        n_key_value_heads: heads of keys and values, each shared by several query heads (grouped-query attention);
            None: n_heads.
        unembedding: the output matrix: "untied" (its own), "tied" (the embedding matrix) or "none" (the model returns
            its residual stream).
        embedding_norm: whether the embeddings are normalized.
        rotary_base: base of the rotary frequencies. Su et al. 2021 take 10,000; for 128 tokens 500 is learned sooner.
        norm_epsilon: added to the variance.
    """

    vocab_size: int
    context_length: int = 128
    d_model: int = 128
    n_layers: int = 2
    n_heads: int = 4
    d_ff: int = 512
    positions: str = "rotary"
    norm: str = "pre"
    query_key_norm: bool = True
    normalization: str = "plain"
    activation: str = "squared_relu"
    biases: bool = False
    n_key_value_heads: int | None = None
    unembedding: str = "untied"
    embedding_norm: bool = True
    rotary_base: float = 500.0
    norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in _SIZES:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; given {value!r}")
        if self.d_model % self.n_heads or self.d_head % 2:
            given = f"d_model {self.d_model} and {self.n_heads} heads"
            raise ValueError(f"d_model must split into n_heads parts of even size; given {given}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(map(repr, known))}; given {getattr(self, name)!r}")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is True or False; given {getattr(self, name)!r}")
        for name, lowest in (("rotary_base", 1.0), ("norm_epsilon", 0.0)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not lowest < value < float("inf"):
                raise ValueError(f"{name} must be a number above {lowest:g}; given {value!r}")
        shared = self.n_key_value_heads
        if shared is not None and (not isinstance(shared, int) or shared < 1 or self.n_heads % shared):
            message = f"n_key_value_heads must divide the {self.n_heads} heads, so that each serves as many of them"
            raise ValueError(f"{message}; given {shared!r}")

    @property
    def is_default(self) -> bool:
        """Whether all choices are those of the tiny GPT; sizes may differ."""
        return all(getattr(self, one.name) == one.default for one in fields(self) if one.name not in _SIZES)

    @property
    def has_default_blocks(self) -> bool:
        """Whether the blocks are built like the tiny GPT's, whatever comes before and after them."""
        around = {"positions": "rotary", "query_key_norm": True, "unembedding": "untied", "embedding_norm": True}
        return replace(self, **around, rotary_base=ModelConfig.rotary_base).is_default

    @property
    def d_head(self) -> int:
        """Width of one head: of its queries, keys and values."""
        return self.d_model // self.n_heads

    @property
    def key_value_width(self) -> int:
        """Width of all keys of one token in one layer; less than d_model with grouped-query attention."""
        return (self.n_key_value_heads or self.n_heads) * self.d_head

    @property
    def n_norm_parameters(self) -> int:
        """Parameters of one normalization."""
        return {"plain": 0, "rms": 1, "layer": 2}[self.normalization] * self.d_model

    @property
    def n_attention_parameters(self) -> int:
        """Parameters of one attention: four matrices, perhaps with biases."""
        d_model, d_key = self.d_model, self.key_value_width
        return 2 * d_model * (d_model + d_key) + (2 * (d_model + d_key) if self.biases else 0)

    @property
    def n_block_parameters(self) -> int:
        """Parameters of one block without cross-attention."""
        n_up = 2 if self.activation == "swiglu" else 1
        feed_forward = (n_up + 1) * self.d_model * self.d_ff
        feed_forward += n_up * self.d_ff + self.d_model if self.biases else 0
        return self.n_attention_parameters + feed_forward + 2 * self.n_norm_parameters

    @property
    def n_parameters(self) -> int:
        """Parameters of a GPT or BERT of these sizes.

        >>> ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16).n_parameters
        272
        """
        embeddings = (1 + (self.unembedding == "untied")) * self.vocab_size * self.d_model
        positions = self.context_length * self.d_model if self.positions == "learned" else 0
        norms = (self.embedding_norm + (self.norm == "pre")) * self.n_norm_parameters
        return embeddings + positions + norms + self.n_layers * self.n_block_parameters


CHANGES = {
    "rotary positions": {"positions": "rotary"},
    "RMSNorm": {"normalization": "rms"},
    "SwiGLU": {"activation": "swiglu"},
    "grouped-query attention": {"n_key_value_heads": 2},
    "no biases": {"biases": False},
}
"""From GPT-2 to Llama 3, for a tiny model with 4 heads. Sources: Su et al. 2021 (rotary positions), Zhang and Sennrich
2019 (RMSNorm), Shazeer 2020 (SwiGLU), Ainslie et al. 2023 (grouped-query attention). Llama 1 has all but grouped-query
attention (Touvron et al. 2023, section 2.2); of Llama 2 only 34B and 70B have it ("Llama 2", table 1)."""

_GPT2 = {
    "positions": "learned", "norm": "pre", "query_key_norm": False, "normalization": "layer",
    "activation": "gelu_tanh", "biases": True, "unembedding": "tied", "embedding_norm": False,
}  # fmt: skip
_LLAMA = _GPT2 | {"positions": "rotary", "normalization": "rms", "activation": "swiglu", "biases": False}
_LLAMA_2 = _LLAMA | {"unembedding": "untied", "rotary_base": 1e4}
_LLAMA_3 = _LLAMA_2 | {"rotary_base": 5e5}
PUBLISHED = {
    "GPT-2": ModelConfig(50_257, 1024, 768, 12, 12, 3072, **_GPT2),
    "SmolLM2 135M": ModelConfig(49_152, 8192, 576, 30, 9, 1536, n_key_value_heads=3, rotary_base=1e5, **_LLAMA),
    "Llama 2 7B": ModelConfig(32_000, 4096, 4096, 32, 32, 11_008, **_LLAMA_2),
    "Llama 2 70B": ModelConfig(32_000, 4096, 8192, 80, 64, 28_672, n_key_value_heads=8, **_LLAMA_2),
    "Llama 3 8B": ModelConfig(128_256, 8192, 4096, 32, 32, 14_336, n_key_value_heads=8, **_LLAMA_3),
}
"""Published sizes: Radford et al. 2019, table 2; Ben Allal et al. 2025, "SmolLM2", table 6; Touvron et al. 2023,
"Llama 2", table 1; Grattafiori et al. 2024, "The Llama 3 Herd of Models", table 3; and their configurations."""


def gpt2_like(vocab_size: int) -> ModelConfig:
    """A tiny model with the choices of GPT-2: two layers, four heads, 32 wide, 64 tokens."""
    return ModelConfig(vocab_size, context_length=64, d_model=32, n_layers=2, n_heads=4, d_ff=128, **_GPT2)


def with_changes(config: ModelConfig, *names: str) -> ModelConfig:
    """Apply some of the five `CHANGES`, by name.

    SwiGLU has three matrices instead of two, so d_ff is cut to two thirds: as many parameters as before.

    >>> with_changes(gpt2_like(1024), "SwiGLU").d_ff
    85
    """
    if unknown := [name for name in names if name not in CHANGES]:
        raise ValueError(f"{unknown[0]!r} is not one of the changes; these are {', '.join(map(repr, CHANGES))}")
    for name in names:
        config = replace(config, **CHANGES[name])
    return replace(config, d_ff=2 * config.d_ff // 3) if "SwiGLU" in names else config
