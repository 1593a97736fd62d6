"""Peers from Hugging Face transformers: a GPT-2 of our model's size, quiet and without a network."""

import os
import warnings

import torch
from torch import Tensor, nn

from llmviz.model.config import ModelConfig


def quiet_transformers():
    """Import transformers so that it neither warns, nor shows bars, nor asks the network for anything."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    warnings.filterwarnings("ignore", module=r"(transformers|huggingface_hub|torch)\b")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


class GPT2(nn.Module):
    """GPT-2 as transformers builds it, behind the face of our `DecoderOnly`: token ids in, logits out.

    Same vocabulary, context, width, layers, heads and hidden width as `config`, no dropout, torch's fused
    attention, and two tables like ours (`tie_word_embeddings=False`), so that the sizes are equal.
    """

    def __init__(self, config: ModelConfig, *, seed: int = 0):
        super().__init__()
        transformers = quiet_transformers()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = transformers.GPT2LMHeadModel(
                transformers.GPT2Config(
                    vocab_size=config.vocab_size,
                    n_positions=config.context_length,
                    n_embd=config.d_model,
                    n_layer=config.n_layers,
                    n_head=config.n_heads,
                    n_inner=config.d_ff,
                    resid_pdrop=0.0,
                    embd_pdrop=0.0,
                    attn_pdrop=0.0,
                    tie_word_embeddings=False,
                    bos_token_id=None,
                    eos_token_id=None,
                    attn_implementation="sdpa",
                )
            )
        self.embedding = self.model.transformer.wte

    @property
    def n_parameters(self) -> int:
        """How many numbers training may change."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, token_ids: Tensor) -> Tensor:
        """(batch, position) → (batch, position, vocab)."""
        return self.model(input_ids=token_ids, use_cache=False).logits

    def continue_text(self, token_ids: list[int], max_new_tokens: int, *, sample: bool) -> list[int]:
        """transformers' own `generate`, with its cache, over the whole vocabulary and without an end token."""
        settings = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0} if sample else {"do_sample": False}
        prompt = torch.tensor([token_ids])
        with torch.inference_mode():
            written = self.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=max_new_tokens,
                eos_token_id=None,
                pad_token_id=0,
                use_cache=True,
                **settings,
            )
        return written[0, len(token_ids) :].tolist()
