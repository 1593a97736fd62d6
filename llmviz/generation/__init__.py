"""Text generation: sampling, beam search, trees of continuations, mask filling, and what it costs (lesson 7)."""

from llmviz.generation.beam import beam_search, continuation_log_probability, extend_beams
from llmviz.generation.fill_mask import FillMask
from llmviz.generation.flops import cache_bytes, reading_cost, step_costs
from llmviz.generation.sampling import apply_temperature, generate, generate_steps, keep_top_p

__all__ = [
    "FillMask",
    "apply_temperature",
    "beam_search",
    "cache_bytes",
    "continuation_log_probability",
    "extend_beams",
    "generate",
    "generate_steps",
    "keep_top_p",
    "reading_cost",
    "step_costs",
]
