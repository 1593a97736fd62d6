"""What real models need beyond the core's blocks: options of their own, built from the same classes (lesson 10)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly


@dataclass(frozen=True)
class RealConfig(ModelConfig):
    """The configuration of a real model: the core's fields, and options that only real models have.

    Attributes:
        masked_lm: whether the logits come from a masked-LM head: one more layer before the embedding matrix.
    """

    masked_lm: bool = False

    @property
    def n_parameters(self) -> int:
        """Parameters of the model."""
        head = self.d_model**2 + self.d_model + self.n_norm_parameters + self.vocab_size
        return super().n_parameters + (head if self.masked_lm else 0)


class _MaskedLMHead(nn.Module):
    """The output of BERT: a linear layer, GELU, a normalization, and the embedding matrix with a bias.

    Source: Devlin et al. 2019, "BERT", section 3.1 and its published code. Lesson 10.
    """

    def __init__(self, config: RealConfig, embedding: nn.Embedding):
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.norm = nn.LayerNorm(config.d_model, eps=config.norm_epsilon)
        self.weight = embedding.weight
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, stream: Tensor) -> Tensor:
        """(..., d_model) → (..., vocab)."""
        return F.linear(self.norm(F.gelu(self.dense(stream))), self.weight, self.bias)


class RealEncoder(EncoderOnly):
    """A BERT with a masked-LM head."""

    def _new_unembedding(self) -> nn.Module:
        return _MaskedLMHead(self.config, self.embedding)
