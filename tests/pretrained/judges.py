"""transformers as a judge: small models of each family with random weights, saved as the hubs lay them out."""

import os
import warnings
from pathlib import Path

import torch

from llmviz.pretrained.convert import _load_weights, _open_weights

VOCAB, CONTEXT = 61, 24


def read(path: Path):
    """The model in a folder or a GGUF file, as ours."""
    return _load_weights(_open_weights(path))


def library():
    """transformers; it neither warns, nor shows bars, nor asks the network for anything."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    return transformers


_SIZES = {
    "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": 24, "num_hidden_layers": 3,
    "num_attention_heads": 6, "intermediate_size": 40,
}  # fmt: skip
_GPT2 = {"vocab_size": VOCAB, "n_positions": CONTEXT, "n_embd": 24, "n_layer": 3, "n_head": 4}
_LLAMA = _SIZES | {"num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_parameters": {"rope_theta": 100_000.0}}
_BERT = _SIZES | {"num_attention_heads": 4}
_DISTILBERT = {"vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "dim": 24, "n_layers": 3, "n_heads": 4,
               "hidden_dim": 40}  # fmt: skip
_LLAMA3 = {"rope_type": "llama3", "rope_theta": 100.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 30}  # fmt: skip
_GEMMA = {"head_dim": 8, "query_pre_attn_scalar": 20, "sliding_window": 5, "layer_types": None}
_GEMMA_ROPES = {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}  # fmt: skip
_WINDOW = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}
# Kind → the family as the library calls it, the head, and what makes each choice of the family count.
KINDS = {
    "gpt2": ("GPT2", "LMHeadModel", _GPT2),
    "gpt2 without its head": ("GPT2", "Model", _GPT2),
    "gpt2 untied": ("GPT2", "LMHeadModel", _GPT2 | {"tie_word_embeddings": False}),
    "llama": ("Llama", "ForCausalLM", _LLAMA),
    "llama tied": ("Llama", "ForCausalLM", _LLAMA | {"tie_word_embeddings": True}),
    "llama wide": ("Llama", "ForCausalLM",
                   _LLAMA | {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4}),
    "llama without groups": ("Llama", "ForCausalLM", _LLAMA | {"num_key_value_heads": 6}),
    "llama with biases": ("Llama", "ForCausalLM", _LLAMA | {"attention_bias": True, "mlp_bias": True, "head_dim": 8}),
    "llama 3": ("Llama", "ForCausalLM", _LLAMA | {"head_dim": 16, "rope_parameters": _LLAMA3}),
    "llama linear": ("Llama", "ForCausalLM",
                     _LLAMA | {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}}),
    "mistral": ("Mistral", "ForCausalLM", _LLAMA | {"sliding_window": 5, "head_dim": 8}),
    "qwen2": ("Qwen2", "ForCausalLM", _LLAMA),
    "qwen2 with windows": ("Qwen2", "ForCausalLM", _LLAMA | _WINDOW),
    "qwen3": ("Qwen3", "ForCausalLM", _LLAMA | {"head_dim": 8, "tie_word_embeddings": True}),
    "qwen3 with windows": ("Qwen3", "ForCausalLM", _LLAMA | _WINDOW | {"head_dim": 8, "attention_bias": True}),
    "olmo2": ("Olmo2", "ForCausalLM", _LLAMA),
    "smollm3": ("SmolLM3", "ForCausalLM", _LLAMA | {"no_rope_layer_interval": 2, "pad_token_id": 0}),
    "smollm3 with windows": ("SmolLM3", "ForCausalLM",
                             _LLAMA | _WINDOW | {"no_rope_layers": [0, 1, 1], "mlp_bias": True,
                                               "pad_token_id": 0}),
    "gemma3": ("Gemma3Text", "Gemma3ForCausalLM", _LLAMA | _GEMMA | {"rope_parameters": _GEMMA_ROPES,
               "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}),
    "gemma3 untied": ("Gemma3Text", "Gemma3ForCausalLM", _LLAMA | _GEMMA | {"tie_word_embeddings": False,
                      "rope_parameters": None}),
    "bert": ("Bert", "ForMaskedLM", _BERT),
    "bert of few tokens": ("Bert", "ForMaskedLM", _BERT | {"vocab_size": 20}),
    "bert without a head": ("Bert", "Model", _BERT),
    "bert for two tasks": ("Bert", "ForPreTraining", _BERT),
    "bert untied": ("Bert", "ForMaskedLM", _BERT | {"tie_word_embeddings": False, "hidden_act": "gelu_new"}),
    "roberta": ("Roberta", "ForMaskedLM", _BERT | {"hidden_act": "gelu_pytorch_tanh"}),
    "roberta without a head": ("Roberta", "Model", _BERT | {"pad_token_id": 3}),
    "distilbert": ("DistilBert", "ForMaskedLM", _DISTILBERT),
    "distilbert untied": ("DistilBert", "ForMaskedLM",
                          _DISTILBERT | {"tie_word_embeddings": False, "activation": "gelu_new"}),
}  # fmt: skip


def judge(kind: str, folder: Path, seed: int = 0):
    """Make a model of the library whose every number counts, and save it."""
    return made(*KINDS[kind], folder, seed)


def made(family: str, head: str, choices: dict, folder: Path, seed: int = 0):
    """A model of the library with random weights, saved."""
    lib = library()
    config = getattr(lib, f"{family}Config")(**choices)
    config._attn_implementation = "eager"  # so that it tells its attention weights
    model_class = getattr(lib, head if family in head or head.startswith("Gemma") else family + head)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(config).eval()
        for parameter in model.parameters():
            parameter.data.normal_(0, 0.4)  # gains and biases too
    model.save_pretrained(folder)
    return model


def verdict(model, token_ids):
    """What the library says: the scores (or the last stream), and the attention weights (layer, batch, head, …)."""
    with torch.no_grad():
        said = model(token_ids, output_attentions=True)
    first = next(getattr(said, name) for name in ("logits", "prediction_logits", "last_hidden_state") if name in said)
    return first, torch.stack(said.attentions)


def of_gguf(path: Path):
    """The library's own reading of a GGUF file with a Llama."""
    lib = library()
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    said = load_gguf_checkpoint(path)["config"]
    config = lib.LlamaConfig(**{name: value for name, value in said.items() if name != "architectures"})
    config._attn_implementation = "eager"
    model = lib.LlamaForCausalLM(config).eval()
    tensors = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    missing, left = model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    assert not left and set(missing) <= {"lm_head.weight"}
    return model
