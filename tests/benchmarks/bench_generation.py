"""Writing text: our cache against none, and against transformers' `generate` on a GPT-2 of equal layers and width."""

import warnings
from collections.abc import Callable, Iterator

import torch
from measuring import Finding, Target, compare, seconds_of, take_turns
from peers import GPT2

from llmviz.generation.sampling import generate
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly

N_NEW_TOKENS = 120
PROMPT = [1, 2, 3, 4]
SIZES = {
    "1 M": ModelConfig(vocab_size=1024, context_length=128, d_model=128, n_layers=4, n_heads=4, d_ff=512),
    "5 M": ModelConfig(vocab_size=1024, context_length=128, d_model=256, n_layers=6, n_heads=8, d_ff=1024),
}
TARGETS = {"1 M": Target(2.0), "5 M": None}


def findings(quick: bool) -> Iterator[Finding]:
    """Let all write texts of the same length in turn, by chance and greedily."""
    for size, config in SIZES.items():
        ours, peer = _with_random_scores(DecoderOnly(config)), GPT2(config).eval()
        sizes = f"ours {ours.n_parameters / 1e6:.2f} M parameters, theirs {peer.n_parameters / 1e6:.2f} M"
        for way in ("drawn", "greedy"):
            yield from _one_way(f"{size}, {way}", ours, peer, 3 if quick else 11, TARGETS[size], sizes)


def _one_way(
    name: str, ours: DecoderOnly, peer: GPT2, turns: int, target: Target | None, sizes: str
) -> Iterator[Finding]:
    is_drawn = name.endswith("drawn")
    settings = {"max_new_tokens": N_NEW_TOKENS, "temperature": 1.0 if is_drawn else 0.0}
    players = {
        "cached": _speed(lambda: generate(ours, PROMPT, **settings)),
        "transformers": _speed(lambda: peer.continue_text(PROMPT, N_NEW_TOKENS, sample=is_drawn)),
        "uncached": _speed(lambda: generate(ours, PROMPT, use_cache=False, **settings)),
    }
    speeds = take_turns(players, turns, label=f"writing, {name}")
    yield compare(
        f"{name}: against transformers' generate ({sizes})", speeds["cached"], speeds["transformers"],
        peer_name="transformers", unit="tokens/s", per="speed", target=target,
    )  # fmt: skip
    yield compare(
        f"{name}: cached against uncached", speeds["cached"], speeds["uncached"], peer_name="uncached",
        unit="tokens/s", per="speed",
    )  # fmt: skip


def _speed(write: Callable[[], list[int]]) -> Callable[[], float]:
    """Tokens per second of one text, which must have its full length."""

    def turn() -> float:
        written: list[int] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seconds = seconds_of(lambda: written.extend(write()))
        if len(written) != N_NEW_TOKENS:
            raise RuntimeError(f"{N_NEW_TOKENS} tokens were asked for, {len(written)} came: nothing to compare")
        return N_NEW_TOKENS / seconds

    return turn


@torch.no_grad()
def _with_random_scores(model: DecoderOnly) -> DecoderOnly:
    """An untrained model of ours scores all tokens alike; give it opinions, as a trained one has."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if not parameter.any():
            parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model
