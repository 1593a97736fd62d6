"""Every choice of a model: counted right, saved and read back, and the tables are tied where they should be."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn

from llmviz.model.block import _FeedForward, _Norm
from llmviz.model.config import _CHOICES, ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training import checkpoints
from llmviz.training.loop import TrainingSettings, make_optimizers, train_steps

TOKENIZER = CharacterTokenizer.train("a red kite")
SMALL = ModelConfig(TOKENIZER.vocab_size, context_length=12, d_model=16, n_layers=2, n_heads=4, d_ff=20)
OTHERS = [
    replace(SMALL, normalization=normalization, activation=activation, biases=biases, norm=norm)
    for normalization, activation, biases, norm in product(
        _CHOICES["normalization"], _CHOICES["activation"], (False, True), _CHOICES["norm"]
    )
] + [
    replace(SMALL, unembedding="tied", positions="learned", embedding_norm=False, query_key_norm=False),
    replace(SMALL, n_key_value_heads=1, rotary_base=1e4),
    replace(SMALL, n_key_value_heads=2, biases=True, query_key_norm=False),
]
IDS = torch.randint(SMALL.vocab_size, (2, 9), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("config", OTHERS, ids=str)
def test_counts_and_both_paths(config):
    for kind in (DecoderOnly, EncoderOnly, EncoderDecoder):
        assert kind(config).n_parameters == kind.count_parameters(config)
    model = DecoderOnly(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(4))
        torch.testing.assert_close(model(IDS), model.trace(IDS).logits, rtol=1e-4, atol=1e-5)
        cache = model.new_cache()
        pieces = [model(IDS[:, :3], cache), *(model(IDS[:, place : place + 1], cache) for place in range(3, 9))]
        torch.testing.assert_close(torch.cat(pieces, dim=1), model(IDS), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.unembed(model.trace(IDS).residuals[-1]), model(IDS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", OTHERS[-3:], ids=str)
def test_a_run_learns_and_can_be_saved_and_gone_on_with(config, tmp_path):
    token_ids = torch.tensor(TOKENIZER.encode("a red kite " * 40))
    model, settings = DecoderOnly(config), TrainingSettings(steps=12, batch_size=4)
    optimizers = make_optimizers(model, settings)
    steps = list(train_steps(model, token_ids, settings, optimizers=optimizers))
    assert steps[-1].loss < steps[0].loss
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    changed = {id(weight) for group in groups for weight in group["params"]}
    assert changed == {id(weight) for weight in model.parameters()}
    checkpoint = checkpoints.Checkpoint(model, TOKENIZER, {"source": "text"}, settings, 12, {}, optimizers)
    checkpoints.save(tmp_path, checkpoint)
    again = checkpoints.load(tmp_path)
    assert again.model.config == config
    assert torch.equal(again.model(IDS), model(IDS))
    if config.unembedding == "tied":
        assert again.model.unembedding.weight is again.model.embedding.weight


def test_an_encoder_without_unembedding_returns_its_stream():
    config = replace(SMALL, unembedding="none", norm="post", normalization="layer")
    model = EncoderOnly(config)
    assert model(IDS).shape == (2, 9, 16)
    trace = model.trace(IDS)
    assert trace.logits is None
    torch.testing.assert_close(trace.final, model(IDS), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="has no unembedding"):
        model.unembed(trace.final)
    with pytest.raises(ValueError, match="a GPT scores the next token, so it needs an unembedding"):
        DecoderOnly(config)


@pytest.mark.parametrize(("kind", "judge"), [("layer", nn.LayerNorm), ("rms", nn.RMSNorm)])
def test_normalizations_are_torchs(kind, judge):
    ours = _Norm(replace(SMALL, normalization=kind, norm_epsilon=1e-3))
    theirs = judge(16, eps=1e-3)
    with torch.no_grad():
        theirs.weight.copy_(ours.weight.normal_())
        if kind == "layer":
            theirs.bias.copy_(ours.bias.normal_())
        x = torch.randn(2, 5, 16) * 0.05
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("activation", "judge"), [("gelu", nn.GELU()), ("gelu_tanh", nn.GELU("tanh")), ("swiglu", nn.SiLU())]
)
def test_activations_are_torchs(activation, judge):
    network, x = _FeedForward(replace(SMALL, activation=activation, biases=True)), torch.randn(3, 16)
    opened = judge(network.gate_proj(x)) * network.up_proj(x) if activation == "swiglu" else judge(network.up_proj(x))
    torch.testing.assert_close(network.hidden(x), opened)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"normalization": "batch"}, "normalization is one of 'plain', 'layer', 'rms'; given 'batch'"),
        ({"activation": "relu"}, "activation is one of 'squared_relu', .*; given 'relu'"),
        ({"unembedding": "shared"}, "unembedding is one of 'untied', 'tied', 'none'; given 'shared'"),
        ({"biases": 1}, "biases is True or False; given 1"),
        ({"embedding_norm": None}, "embedding_norm is True or False; given None"),
        ({"n_key_value_heads": 3}, "must divide the 4 heads, so that each serves as many of them; given 3"),
        ({"n_key_value_heads": 0}, "must divide the 4 heads"),
        ({"n_key_value_heads": "2"}, "must divide the 4 heads"),
        ({"rotary_base": 1}, "rotary_base must be a number above 1; given 1"),
        ({"norm_epsilon": 0}, "norm_epsilon must be a number above 0; given 0"),
        ({"norm_epsilon": float("nan")}, "norm_epsilon must be a number above 0; given nan"),
    ],
)
def test_refused_choices(choice, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **choice)
