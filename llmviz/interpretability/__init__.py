"""Interpretability: head scores, ablation, the logit lens, induction heads (lessons 3 and 4)."""

from llmviz.interpretability.ablation import all_heads, head_effects, token_losses
from llmviz.interpretability.heads import (
    copying_score,
    first_token_score,
    head_scores,
    induction_score,
    previous_token_score,
)
from llmviz.interpretability.lens import logit_lens, parameters_by_part, shuffle_gaps

__all__ = [
    "all_heads",
    "copying_score",
    "first_token_score",
    "head_effects",
    "head_scores",
    "induction_score",
    "logit_lens",
    "parameters_by_part",
    "previous_token_score",
    "shuffle_gaps",
    "token_losses",
]
