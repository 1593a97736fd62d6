"""Generation: sampling, beam search, the tree of sampled texts, mask filling, and what generation costs."""

from llmviz.generation.beam import Beam, beam_search, continuation_log_probability, extend_beams
from llmviz.generation.fill_mask import FillMask
from llmviz.generation.flops import cache_bytes, forward_cost, generation_costs
from llmviz.generation.sampling import (
    GenerationStep,
    apply_temperature,
    complete,
    filter_logits,
    generate,
    generate_steps,
    keep_top_p,
    look_ahead,
    new_text,
    sample_texts,
    sample_token,
)  # fmt: skip
from llmviz.generation.sampling_tree import Sampling, SamplingTree, TokenDistribution

__all__ = [
    "Beam", "FillMask", "GenerationStep", "Sampling", "SamplingTree", "TokenDistribution", "apply_temperature",
    "beam_search", "cache_bytes", "complete", "continuation_log_probability", "extend_beams", "filter_logits",
    "forward_cost", "generate", "generate_steps", "generation_costs", "keep_top_p", "look_ahead", "new_text",
    "sample_texts", "sample_token",
]  # fmt: skip
