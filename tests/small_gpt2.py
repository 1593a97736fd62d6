"""transformers as a judge: a GPT-2 with random weights, behind the face of our `DecoderOnly`, without a network."""

import os
import warnings
from types import SimpleNamespace

import torch
from torch import nn


class SmallGPT2(nn.Module):
    """Token ids in, logits out; and its own beam search."""

    def __init__(self, transformers, vocab_size: int, context_length: int, seed: int):
        super().__init__()
        self.config = SimpleNamespace(context_length=context_length)
        sizes = {"n_positions": context_length, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            config = transformers.GPT2Config(vocab_size=vocab_size, bos_token_id=None, eos_token_id=None, **sizes)
            self.model = transformers.GPT2LMHeadModel(config).eval()
        self.embedding = self.model.transformer.wte

    def forward(self, token_ids, cache=None):
        return self.model(token_ids).logits

    def beam_search(self, prompt, n_beams, max_new_tokens, end, length_penalty=0.0):
        """All finished texts, best first, without what fills up short ones, and their scores."""
        options = {"num_return_sequences": n_beams, "do_sample": False, "output_scores": True, "pad_token_id": end}
        found = self.model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), num_beams=n_beams,
            max_new_tokens=max_new_tokens, eos_token_id=end, length_penalty=length_penalty,
            early_stopping=False, return_dict_in_generate=True, **options,
        )  # fmt: skip
        texts = []
        for row in found.sequences[:, len(prompt) :].tolist():
            texts.append(row[: row.index(end) + 1] if end in row else row)
        return texts, found.sequences_scores.tolist()


def small_gpt2(vocab_size: int, context_length: int, seed: int) -> SmallGPT2:
    """Build one; transformers neither warns, nor shows bars, nor asks the network for anything."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        return SmallGPT2(transformers, vocab_size, context_length, seed)
