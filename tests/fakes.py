"""Models whose every answer is known beforehand, and real ones filled with noise: what several tests use."""

from types import SimpleNamespace

import torch
from torch import nn

from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.training.masked_lm import MASK_TOKEN, mask_token_id

# Models this small are computed fastest by one thread; several wait for each other, above all on a busy machine.
torch.set_num_threads(1)

SMALL = ModelConfig(vocab_size=11, context_length=8, d_model=24, n_layers=2, n_heads=3, d_ff=20)


def noisy_model(
    config: ModelConfig = SMALL, seed: int = 0, kind: type[TransformerBase] = DecoderOnly
) -> TransformerBase:
    """A model in which every weight is random, also those that begin at zero."""
    model = kind(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return model


def random_ids(*shape: int, vocab_size: int = SMALL.vocab_size, seed: int = 0) -> torch.Tensor:
    """Random token ids of this shape."""
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two models have the same weights, bit for bit."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@torch.inference_mode()
def predict_masked(model, tokenizer, text: str) -> torch.Tensor:
    """Probabilities of all tokens at each "___" of a text: (masked token, vocab), each row with sum 1."""
    *before, last = text.split(MASK_TOKEN)
    mask_id, ids = mask_token_id(model), [tokenizer.end_of_text]
    for piece in before:
        ids += [*tokenizer.encode(piece.removesuffix(" ")), mask_id]  # a token begins with its space
    row = torch.tensor([[*ids, *tokenizer.encode(last), tokenizer.end_of_text]])
    return model(row)[row == mask_id][:, :mask_id].softmax(dim=-1)


class FakeModel(nn.Module):
    """A model that answers with `next_logits(ids so far)`; its cache holds nothing. It counts how often it is asked."""

    def __init__(self, vocab_size: int, next_logits, context_length: int = 128):
        super().__init__()
        self.config = SimpleNamespace(vocab_size=vocab_size, context_length=context_length)
        self.embedding = nn.Embedding(1, 1)
        self.next_logits = next_logits
        self.n_calls = 0

    def new_cache(self):
        return [SimpleNamespace(length=0)]

    def forward(self, token_ids, cache=None):
        self.n_calls += 1
        return torch.stack(
            [torch.stack([self.next_logits(row[: stop + 1]) for stop in range(len(row))]) for row in token_ids.tolist()]
        )


def uniform_model(vocab_size: int, **settings) -> FakeModel:
    """Every token is as probable as every other."""
    return FakeModel(vocab_size, lambda token_ids: torch.zeros(vocab_size), **settings)


def bigram_model(logits: torch.Tensor, **settings) -> FakeModel:
    """The next token depends on the last one alone: logits (last, next)."""
    return FakeModel(logits.shape[1], lambda token_ids: logits[token_ids[-1]], **settings)


def scripted_model(vocab_size: int, script: list[int], prompt_length: int, **settings) -> FakeModel:
    """After a prompt of this length, token i of the script is practically certain to come as the i-th."""

    def next_logits(token_ids: list[int]) -> torch.Tensor:
        logits = torch.zeros(vocab_size)
        logits[script[min(max(0, len(token_ids) - prompt_length), len(script) - 1)]] = 50.0
        return logits

    return FakeModel(vocab_size, next_logits, **settings)
