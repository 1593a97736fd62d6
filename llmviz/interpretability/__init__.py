"""Interpretability: head scores, ablation, the logit lens, induction heads (lessons 3 and 4)."""

from llmviz.interpretability.heads import (
    all_heads,
    head_effects,
    head_scores,
    induction_score,
    repeat_tokens,
    repeated_sequences,
    token_losses,
)
from llmviz.interpretability.lens import logit_lens, parameters_by_part
