"""Real models: the weights of GPT-2, Llama and BERT models in our own model classes (lesson 10).

`load("smollm2")` opens a model that `llmviz models add smollm2` installed; a folder of safetensors, a GGUF file and an
address of the hub will do as well.
"""

from llmviz.pretrained.convert import Pretrained, load
from llmviz.pretrained.registry import KNOWN, add, installed, models_folder, remove
from llmviz.pretrained.tokenizer import PretrainedTokenizer, chat_prompt

__all__ = [
    "KNOWN",
    "Pretrained",
    "PretrainedTokenizer",
    "add",
    "chat_prompt",
    "installed",
    "load",
    "models_folder",
    "remove",
]
