"""The Transformer: configuration, attention, blocks, whole models and their traces (lessons 3, 4 and 10)."""

from llmviz.model.attention import (
    QUERY_GAIN,
    RotaryEmbedding,
    apply_rotary,
    causal_mask,
    rotary_angles,
    scaled_dot_product_attention,
    sliding_window_mask,
)
from llmviz.model.block import normalize
from llmviz.model.config import CHANGES, PUBLISHED, ModelConfig, gpt2_like, with_changes
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly
