"""What a trained model does inside: head scores, ablation, the logit lens, induction (lessons 3 and 4)."""

from llmviz.interpretability.logit_lens import parameters_by_part, shuffle_gaps

__all__ = [
    "parameters_by_part",
    "shuffle_gaps",
]
