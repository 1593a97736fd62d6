"""Generation: sampling, beam search, the tree of sampled texts, mask filling, and what generation costs."""

from llmviz.generation.beam import beam_search, continuation_log_probability, extend_beams
from llmviz.generation.fill_mask import FillMask
from llmviz.generation.flops import cache_bytes, forward_cost, generation_costs
from llmviz.generation.sampling import apply_temperature, complete, generate, generate_steps, sample_texts
from llmviz.generation.sampling_tree import Sampling, SamplingTree, look_ahead
