"""Interpretability: head scores, ablation, the logit lens, induction heads (lessons 3 and 4)."""

from llmviz.interpretability.ablation import all_heads, head_effects, token_losses
from llmviz.interpretability.heads import head_scores, induction_score
from llmviz.interpretability.induction import induction_config, induction_steps, repeat_tokens, repeated_sequences
from llmviz.interpretability.lens import logit_lens, parameters_by_part, shuffle_gaps

__all__ = [
    "all_heads", "head_effects", "head_scores", "induction_config", "induction_score", "induction_steps",
    "logit_lens", "parameters_by_part", "repeat_tokens", "repeated_sequences", "shuffle_gaps", "token_losses",
]  # fmt: skip
