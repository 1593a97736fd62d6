"""The tokenizers of GPT-2, GPT-4 and GPT-4o, from `data/`, without a network.

The vocabularies are those that OpenAI publishes, as lists of merges (see data/README.md); the patterns that cut text
into words are the published ones. Tests compare them with tiktoken's own definitions.
"""

import hashlib
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
import tiktoken

from llmviz.files import REPAIR, data_path

CONTRACTIONS = r"'(?:[sdmt]|ll|ve|re)"
_ANY_CASE_CONTRACTIONS = r"'(?i:[sdmt]|ll|ve|re)"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE_LETTERS = r"[^\r\n\p{L}\p{N}]?"

GPT2_WORDS = (CONTRACTIONS, r" ?\p{L}++", r" ?\p{N}++", r" ?[^\s\p{L}\p{N}]++", r"\s++$", r"\s+(?!\S)", r"\s")
_GPT4_WORDS = (
    _ANY_CASE_CONTRACTIONS, _BEFORE_LETTERS + r"+\p{L}++", r"\p{N}{1,3}+", r" ?[^\s\p{L}\p{N}]++[\r\n]*+", r"\s++$",
    r"\s*[\r\n]", r"\s+(?!\S)", r"\s",
)  # fmt: skip
_GPT4O_WORDS = (
    f"{_BEFORE_LETTERS}{_UPPER}*{_LOWER}+(?:{_ANY_CASE_CONTRACTIONS})?",
    f"{_BEFORE_LETTERS}{_UPPER}+{_LOWER}*(?:{_ANY_CASE_CONTRACTIONS})?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
)  # fmt: skip


@dataclass(frozen=True)
class _Vocabulary:
    sha256: str
    words: tuple[str, ...]
    special_tokens: dict[str, int]


VOCABULARIES = {
    "gpt2": _Vocabulary(
        "bd43fbb12323179c326ed61cbe4b729e23016f9c6d58909c082a41c1e77a4856", GPT2_WORDS, {"<|endoftext|>": 50256},
    ),
    "gpt-4": _Vocabulary(
        "eba8a5c17c71193b82e434f0e4b8536a0963209ad5601568d750d1f525cda0f3", _GPT4_WORDS,
        {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260,
         "<|endofprompt|>": 100276},
    ),
    "gpt-4o": _Vocabulary(
        "00bf1fd4be8ef37d607b26885d8e3058ce64496d809d84bbc598319775f7d54b", _GPT4O_WORDS,
        {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
}  # fmt: skip


@cache
def tiktoken_encoding(name: str) -> tiktoken.Encoding:
    """The real tokenizer of "gpt2", "gpt-4" or "gpt-4o"; read once, then kept in memory.

    >>> tiktoken_encoding("gpt2").encode("Hello world")
    [15496, 995]
    """
    ranks, vocabulary = token_ranks(name), VOCABULARIES[name]
    pattern, special = "|".join(vocabulary.words), vocabulary.special_tokens
    return tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)


@cache
def token_ranks(name: str) -> dict[bytes, int]:
    """The bytes of each token of `tiktoken_encoding(name)` and its id (rank), without special tokens.

    >>> token_ranks("gpt2")[b" world"]
    995
    """
    if name not in VOCABULARIES:
        known = ", ".join(map(repr, VOCABULARIES))
        raise ValueError(f"There is no vocabulary {name!r} here; there are {known}.")
    path = data_path(f"{name}.merges.zlib")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != VOCABULARIES[name].sha256:
        raise ValueError(f"The vocabulary file {path} is damaged. Bring it back: {REPAIR}")
    content = zlib.decompress(content)
    tokens = [content[byte : byte + 1] for byte in range(256)]
    planes = np.frombuffer(content, np.uint8, offset=256).reshape(2, 3, -1)
    for left, right in (planes * np.array([[1], [256], [256**2]])).sum(axis=1).T.tolist():
        tokens.append(tokens[left] + tokens[right])
    return {token: token_id for token_id, token in enumerate(tokens)}
