"""A model as data of a page, for `js/model.js`: the widgets then answer without Python."""

import dataclasses
import hashlib
import json
import math

from torch import Tensor, nn

from llmviz.model.transformer import DecoderOnly
from llmviz.plots._labels import token_text
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets.base import pack

_GROUP = 32  # weights that share a scale


def page_model(model: nn.Module, tokenizer: Tokenizer) -> dict:
    """Config, weights, merges and labels of a model, as `unpackModel` in model.js and `bytePairTokenizer` read them.

    Weights are whole numbers of 8 bits with one scale for 32 of them: probabilities of the tiny GPT
    within .005 on texts like those of its training (on other texts .03 was seen).
    """
    return {
        "config": dataclasses.asdict(model.config),
        "merges": tokenizer.to_dict()["merges"],
        "labels": [token_text(token) for token in tokenizer.tokens(range(tokenizer.vocab_size))],
        "weights": {name: _rows(weight.detach()) for name, weight in model.named_parameters()},
    }


def page_model_name(model, tokenizer) -> str:
    """Names a model of ours by its config and weights, so that a page holds each once; empty for other models."""
    if not isinstance(model, DecoderOnly) or not isinstance(tokenizer, BytePairTokenizer):
        return ""
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(model.config)).encode())
    for weight in model.parameters():
        digest.update(weight.detach().numpy().tobytes())
    return digest.hexdigest()[:12]


def _rows(weight: Tensor) -> dict:
    groups = weight.reshape(-1, math.gcd(weight.shape[-1], _GROUP))
    scales = groups.abs().amax(dim=1).clamp_min(1e-12) / 127
    return {"rows": pack((groups / scales[:, None]).round(), "int8"), "scales": pack(scales, "float32")}
