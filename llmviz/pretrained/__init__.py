"""Real models: their weights in our own model classes, and their own tokenizers (lesson 10).

`load("smollm2")` opens a model that `llmviz models add smollm2` installed; a folder of safetensors, a GGUF file and a
name of the hub will do as well. docs/pretrained_models.md lists the families.
"""

from llmviz.pretrained.convert import Pretrained, load
from llmviz.pretrained.tokenizer import PretrainedTokenizer, chat_prompt
