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


def _configs() -> dict:
    """A class of the library, and a configuration that makes each of its choices count."""
    lib = library()
    gpt2 = {"vocab_size": VOCAB, "n_positions": CONTEXT, "n_embd": 24, "n_layer": 3, "n_head": 4}
    llama = {
        "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": 24, "num_hidden_layers": 3,
        "num_attention_heads": 6, "num_key_value_heads": 2, "intermediate_size": 40, "rms_norm_eps": 1e-6,
    }  # fmt: skip
    wide = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4}
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0}}
    bert = {
        "vocab_size": VOCAB, "max_position_embeddings": CONTEXT, "hidden_size": 24, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 40,
    }  # fmt: skip
    return {
        "gpt2": (lib.GPT2LMHeadModel, lib.GPT2Config(**gpt2)),
        "gpt2 without its head": (lib.GPT2Model, lib.GPT2Config(**gpt2)),
        "gpt2 with a table of its own": (lib.GPT2LMHeadModel, lib.GPT2Config(**gpt2, tie_word_embeddings=False)),
        "llama": (lib.LlamaForCausalLM, lib.LlamaConfig(**llama, **rope)),
        "llama tied": (lib.LlamaForCausalLM, lib.LlamaConfig(**llama, **rope, tie_word_embeddings=True)),
        "llama wide": (lib.LlamaForCausalLM, lib.LlamaConfig(**llama | wide)),
        "llama without groups": (lib.LlamaForCausalLM, lib.LlamaConfig(**llama | {"num_key_value_heads": 6})),
        "bert": (lib.BertForMaskedLM, lib.BertConfig(**bert)),
        "bert without a head": (lib.BertModel, lib.BertConfig(**bert)),
        "bert for two tasks": (lib.BertForPreTraining, lib.BertConfig(**bert)),
    }


KINDS = ("gpt2", "gpt2 without its head", "gpt2 with a table of its own", "llama", "llama tied", "llama wide",
         "llama without groups", "bert", "bert without a head", "bert for two tasks")  # fmt: skip


def judge(kind: str, folder: Path, seed: int = 0):
    """Make a model of the library whose every number counts, and save it."""
    model_class, config = _configs()[kind]
    config._attn_implementation = "eager"  # so that it tells its attention weights
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
