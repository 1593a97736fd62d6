"""The sizes and choices of a model (lessons 4 and 10)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

CHOICES = {
    "positions": ("none", "sinusoidal", "learned", "rotary"),
    "norm": ("pre", "post"),
    "normalization": ("plain", "layer", "rms"),
    "activation": ("squared_relu", "gelu", "gelu_tanh", "swiglu"),
    "unembedding": ("untied", "tied", "masked_lm", "none"),
}
SIZES = ("vocab_size", "context_length", "d_model", "n_layers", "n_heads", "d_ff")
SWITCHES = ("query_key_norm", "biases", "embedding_norm")


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a model, and its choices: everything needed to build it again, empty.

    The choices up to `query_key_norm` are lesson 4's; those after it tell the families of real models apart, and are
    lesson 10's.

    Attributes:
        vocab_size: how many different tokens there are.
        context_length: how many tokens the model can see at once.
        d_model: the width of the residual stream.
        n_layers: how many blocks stand on top of one another.
        n_heads: how many attentions work side by side in a block; divides d_model, and d_model / n_heads is even.
        d_ff: the width of the feed-forward network's hidden layer.
        positions: how a token learns where it stands: "none", "sinusoidal" or "learned" (a vector is added to its
            embedding), or "rotary" (its queries and keys are turned).
        norm: "pre" normalizes what a sub-layer reads, "post" the stream after it was added.
        query_key_norm: whether queries and keys are normalized before they are compared.
        normalization: "plain" (mean 0, variance 1), "layer" (the same, with a learned gain and shift), or "rms"
            (divided by the root of the mean square, with a learned gain).
        activation: what bends in the feed-forward network: "squared_relu", "gelu", "gelu_tanh" or "swiglu".
        biases: whether each matrix adds a learned vector to what it gives.
        n_key_value_heads: how many heads of keys and values there are; several heads of queries share one ("grouped
            queries"). None: as many as n_heads.
        unembedding: the output matrix: "untied" (its own), "tied" (the embedding matrix), "masked_lm" (tied, after one
            more layer, as in BERT) or "none" (the model returns its residual stream).
        embedding_norm: whether the first stream is normalized.
        rotary_base: how slowly the slowest pairs of numbers turn, where positions are rotary.
        norm_epsilon: what keeps a normalization from dividing by 0.
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
        for name in SIZES:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; given {value!r}")
        if self.d_model % self.n_heads or (self.d_model // self.n_heads) % 2:
            raise ValueError(
                f"d_model must split into n_heads parts of even size; "
                f"given d_model {self.d_model} and {self.n_heads} heads"
            )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(map(repr, known))}; given {getattr(self, name)!r}")
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is True or False; given {getattr(self, name)!r}")
        for name, lowest in (("rotary_base", 1.0), ("norm_epsilon", 0.0)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not lowest < value < float("inf"):
                raise ValueError(f"{name} must be a number above {lowest:g}; given {value!r}")
        shared = self.n_key_value_heads
        if shared is not None and (not isinstance(shared, int) or shared < 1 or self.n_heads % shared):
            raise ValueError(
                f"n_key_value_heads must divide the {self.n_heads} heads, so that each serves as many of them; "
                f"given {shared!r}"
            )

    @property
    def is_default(self) -> bool:
        """Whether all choices are the ones of the tiny GPT; the sizes may differ."""
        return all(getattr(self, one.name) == one.default for one in fields(self) if one.name not in SIZES)

    @property
    def has_plain_blocks(self) -> bool:
        """Whether the blocks are built like the tiny GPT's, whatever stands before and after them."""
        around = {"positions": "rotary", "query_key_norm": True, "unembedding": "untied", "embedding_norm": True}
        return replace(self, **around, rotary_base=ModelConfig.rotary_base).is_default

    @property
    def key_value_width(self) -> int:
        """How many numbers all heads of keys have together; d_model, unless queries are grouped."""
        return (self.n_key_value_heads or self.n_heads) * self.d_model // self.n_heads

    @property
    def n_norm_parameters(self) -> int:
        """How many numbers one normalization learns."""
        return {"plain": 0, "rms": 1, "layer": 2}[self.normalization] * self.d_model

    @property
    def n_attention_parameters(self) -> int:
        """How many numbers one attention learns: four matrices, and perhaps their biases."""
        d_model, d_key = self.d_model, self.key_value_width
        return 2 * d_model * (d_model + d_key) + (2 * (d_model + d_key) if self.biases else 0)

    @property
    def n_block_parameters(self) -> int:
        """How many numbers a block learns, without a second attention: `EncoderDecoder` counts that."""
        n_wide = 2 if self.activation == "swiglu" else 1
        feed_forward = (n_wide + 1) * self.d_model * self.d_ff
        feed_forward += n_wide * self.d_ff + self.d_model if self.biases else 0
        return self.n_attention_parameters + feed_forward + 2 * self.n_norm_parameters

    @property
    def n_parameters(self) -> int:
        """How many numbers a GPT or a BERT of these sizes learns: its tables, its blocks, its normalizations.

        >>> ModelConfig(vocab_size=10, d_model=4, n_layers=1, n_heads=1, d_ff=16).n_parameters
        272
        """
        table = self.vocab_size * self.d_model
        last_tables = {
            "untied": table, "tied": 0, "none": 0,
            "masked_lm": self.d_model**2 + self.d_model + self.n_norm_parameters + self.vocab_size,
        }  # fmt: skip
        positions = self.context_length * self.d_model if self.positions == "learned" else 0
        norms = (self.embedding_norm + (self.norm == "pre")) * self.n_norm_parameters
        return table + positions + last_tables[self.unembedding] + norms + self.n_layers * self.n_block_parameters
