"""The recordings of lesson 3, as `tools/record.py` saves them.

Where *it* looks in a real encoder and a real decoder; how long a list self-attention and a GRU can repeat.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from llmviz.pretrained import Pretrained, load

LAYER, HEADS = 3, (1, 8)  # of MiniLM, counted from 0: the heads that are recorded as matrices
DECODER_HEAD = 13, 8  # of SmolLM2: layer, head
PAIRS = (
    ("The donkey would not climb the hill because it was too {}.", ("donkey", "hill"), ("old", "steep")),
    ("The dog could not jump over the fence because it was too {}.", ("dog", "fence"), ("tired", "high")),
    ("The horse did not cross the river because it was too {}.", ("horse", "river"), ("afraid", "deep")),
    ("The cat did not climb the tree because it was too {}.", ("cat", "tree"), ("lazy", "tall")),
    ("The robot could not lift the stone because it was too {}.", ("robot", "stone"), ("weak", "heavy")),
    ("The truck could not pass the tunnel because it was too {}.", ("truck", "tunnel"), ("wide", "narrow")),
    ("The cow did not enter the barn because it was too {}.", ("cow", "barn"), ("scared", "dark")),
    ("The bear could not swim across the lake because it was too {}.", ("bear", "lake"), ("tired", "cold")),
    ("The bird did not eat the bread because it was too {}.", ("bird", "bread"), ("sick", "dry")),
    ("The boy's dog did not eat the soup because it was too {}.", ("dog", "soup"), ("full", "hot")),
    ("The child did not read the book because it was too {}.", ("child", "book"), ("sleepy", "boring")),
    ("The key did not fit the lock because it was too {}.", ("key", "lock"), ("big", "small")),
    ("The sheep did not walk on the road because it was too {}.", ("sheep", "road"), ("weak", "busy")),
    ("The mouse could not carry the cheese because it was too {}.", ("mouse", "cheese"), ("weak", "heavy")),
    ("The cup did not fit on the shelf because it was too {}.", ("cup", "shelf"), ("big", "small")),
    ("The animal did not cross the street because it was too {}.", ("animal", "street"), ("tired", "wide")),
    ("The lion did not chase the deer because it was too {}.", ("lion", "deer"), ("lazy", "fast")),
    ("The wolf did not enter the cave because it was too {}.", ("wolf", "cave"), ("nervous", "dark")),
)
"""Sentence, the two nouns that *it* can mean, and the last words: with the first one *it* means the first noun."""
N_TOKENS, D_MODEL = 10, 32
LENGTHS, SEEDS, LEARNING_RATES = (4, 8, 16, 32), (0, 1, 2), (0.003, 0.01)
STEPS, BATCH_SIZE, N_TEST = 1_000, 32, 200


class Reading(NamedTuple):
    """What a model does with a sentence: its tokens, weights (layer, head, query, key), stream (layer, token, d)."""

    tokens: list[str]
    weights: np.ndarray
    residuals: Tensor

    def looks(self, nouns: tuple[str, str], space: str = "") -> np.ndarray:
        """The weights from *it* to each noun: (layer, head, noun)."""
        keys = [self.tokens.index(space + noun) for noun in nouns]
        return self.weights[:, :, self.tokens.index(f"{space}it")][..., keys]


@torch.inference_mode()
def read(real: Pretrained, text: str) -> Reading:
    """Let a model read a text."""
    token_ids = real.tokenizer.encode(text)
    trace = real.model.trace(torch.tensor(token_ids))
    return Reading(real.tokenizer.tokens(token_ids), trace.attention_weights[:, 0].numpy(), trace.residuals[:, 0])


def coreference() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Where *it* looks in pairs of sentences that differ in the last word: data and arrays for `save_data`.

    "looks" (pair, last word, layer, head, noun) of the encoder, "decoder_looks" (pair, last word, noun) of one head;
    of the first pair "from_it" (last word, key), the weights of the first recorded head; "x" (last word, token,
    d_model), what the layer reads; and "W_q", "W_k", "W_v" (head, d_model, d_head).
    """
    encoder, decoder = load("minilm"), load("smollm2")
    looks, decoder_looks, first = [], [], []
    for text, nouns, words in PAIRS:
        read_by_encoder = [read(encoder, text.format(word)) for word in words]
        read_by_decoder = [read(decoder, text.format(word)) for word in words]
        looks.append([one.looks(nouns) for one in read_by_encoder])
        decoder_looks.append([one.looks(nouns, space=" ")[DECODER_HEAD] for one in read_by_decoder])
        first = first or read_by_encoder
    data = {
        "encoder": "minilm", "layer": LAYER, "heads": HEADS, "decoder": "smollm2", "decoder_head": DECODER_HEAD,
        "pairs": [{"text": text, "nouns": nouns, "words": words} for text, nouns, words in PAIRS],
        "tokens": [one.tokens for one in first],
    }  # fmt: skip
    arrays = {
        "looks": np.array(looks), "decoder_looks": np.array(decoder_looks),
        "from_it": np.stack([one.weights[LAYER, HEADS[0], one.tokens.index("it")] for one in first]),
        "x": np.stack([one.residuals[LAYER].numpy() for one in first]), **head_matrices(encoder.model),
    }  # fmt: skip
    return data, {name: array.astype(np.float16) for name, array in arrays.items()}


@torch.inference_mode()
def head_matrices(model: nn.Module) -> dict[str, np.ndarray]:
    """The projections of `HEADS`: "W_q", "W_k", "W_v", each (head, d_model, d_head), with the biases in them.

    The layer before ends in a LayerNorm with gain g and shift s, so all rows x lie in one hyperplane: x·u = 1 for
    u = (1/g) / Σ(s/g). A bias b can therefore be part of the matrix: x W + b = x (W + u bᵀ).
    """
    norm, attention = model.blocks[LAYER - 1].feed_forward_norm, model.blocks[LAYER].attention
    plane = 1 / norm.weight / (norm.bias / norm.weight).sum()
    parts = {"W_q": attention.query, "W_k": attention.key, "W_v": attention.value}
    with_bias = {name: part.weight.T + plane[:, None] * part.bias for name, part in parts.items()}
    return {
        name: torch.stack([matrix.split(attention.d_head, dim=1)[head] for head in HEADS]).numpy()
        for name, matrix in with_bias.items()
    }


class Attention(nn.Module):
    """One head of causal self-attention with learned positions, and an output layer."""

    def __init__(self, n_positions: int):
        super().__init__()
        self.embedding = nn.Embedding(N_TOKENS + 1, D_MODEL)
        self.positions = nn.Embedding(n_positions, D_MODEL)
        self.query, self.key, self.value = (nn.Linear(D_MODEL, D_MODEL, bias=False) for _ in range(3))
        self.output = nn.Linear(D_MODEL, N_TOKENS)

    def forward(self, token_ids: Tensor) -> Tensor:
        """(batch, position) → logits (batch, position, token)."""
        x = self.embedding(token_ids) + self.positions.weight[: token_ids.shape[1]]
        mixed = F.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), is_causal=True)
        return self.output(mixed)


class Recurrent(nn.Module):
    """A GRU (Cho et al. 2014) of about `n_parameters`, and an output layer: its state carries all that it has read."""

    def __init__(self, n_parameters: int):
        super().__init__()
        self.embedding = nn.Embedding(N_TOKENS + 1, D_MODEL)
        d_state = 1
        while (N_TOKENS + 1) * D_MODEL + recurrent_size(d_state + 1) <= n_parameters:
            d_state += 1
        self.gru = nn.GRU(D_MODEL, d_state, batch_first=True)
        self.output = nn.Linear(d_state, N_TOKENS)

    def forward(self, token_ids: Tensor) -> Tensor:
        """(batch, position) → logits (batch, position, token)."""
        return self.output(self.gru(self.embedding(token_ids))[0])


def recurrent_size(d_state: int) -> int:
    """The parameters of a GRU with this state, and of its output layer."""
    return 3 * d_state * (D_MODEL + d_state + 2) + N_TOKENS * (d_state + 1)


def n_parameters(model: nn.Module) -> int:
    """The number of parameters of a model."""
    return sum(one.numel() for one in model.parameters())


def networks(length: int) -> dict[str, nn.Module]:
    """Both networks, of nearly the same size, for lists of this length."""
    attention = Attention(2 * length)
    return {"self-attention": attention, "recurrent (GRU)": Recurrent(n_parameters(attention))}


def list_batch(n_lists: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random lists, a separator and the lists again without their last token, as ids; and the lists."""
    lists = torch.randint(N_TOKENS, (n_lists, length), generator=generator)
    separator = torch.full((n_lists, 1), N_TOKENS)
    return torch.cat((lists, separator, lists[:, :-1]), dim=1), lists


def copied(model: nn.Module, length: int, learning_rate: float, seed: int) -> float:
    """Train a network to repeat lists; the share of tokens of new lists that it repeats correctly."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    for _ in range(STEPS):
        token_ids, lists = list_batch(BATCH_SIZE, length, generator)
        optimizer.zero_grad()
        F.cross_entropy(model(token_ids)[:, length:].flatten(0, 1), lists.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    token_ids, lists = list_batch(N_TEST, length, generator)
    with torch.inference_mode():
        right = model(token_ids)[:, length:].argmax(dim=-1) == lists
    return round(right.float().mean().item(), 3)


def long_range() -> dict[str, Any]:
    """How well two networks repeat lists of random tokens: "right" {network: (learning rate, seed, length)}."""
    right: dict[str, list] = {name: [] for name in networks(1)}
    for rate in tqdm(LEARNING_RATES, unit=" learning rates"):
        for found in right.values():
            found.append([])
        for seed in SEEDS:
            torch.manual_seed(seed)
            made = [networks(length) for length in LENGTHS]
            for name, found in right.items():
                runs = zip(made, LENGTHS, strict=True)
                found[-1].append([copied(models[name], length, rate, seed) for models, length in runs])
    sizes = {name: [n_parameters(networks(length)[name]) for length in LENGTHS] for name in right}
    return {"lengths": LENGTHS, "learning_rates": LEARNING_RATES, "seeds": SEEDS, "steps": STEPS,
            "n_tokens": N_TOKENS, "parameters": sizes, "right": right}  # fmt: skip
