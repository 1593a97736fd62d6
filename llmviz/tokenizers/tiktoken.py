"""The tokenizers of GPT-2, GPT-4 and GPT-4o, from `data/`, without a network.

The vocabularies are the files that OpenAI publishes (see data/README.md); the patterns that cut text into words are the
published ones. Tests compare them with tiktoken's own definitions.
"""

import base64
import hashlib
import lzma
from dataclasses import dataclass
from functools import cache

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
    file: str
    sha256: str
    words: tuple[str, ...]
    special_tokens: dict[str, int]


VOCABULARIES = {
    "gpt2": _Vocabulary(
        "r50k_base.tiktoken.xz", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", GPT2_WORDS,
        {"<|endoftext|>": 50256},
    ),
    "gpt-4": _Vocabulary(
        "cl100k_base.tiktoken.xz", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", _GPT4_WORDS,
        {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260,
         "<|endofprompt|>": 100276},
    ),
    "gpt-4o": _Vocabulary(
        "o200k_base.tiktoken.xz", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", _GPT4O_WORDS,
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
    vocabulary = VOCABULARIES[name]
    path = data_path(vocabulary.file)
    try:
        content = lzma.decompress(path.read_bytes())
    except (lzma.LZMAError, EOFError):
        content = b""
    if hashlib.sha256(content).hexdigest() != vocabulary.sha256:
        raise ValueError(f"The vocabulary file {path} is damaged. Bring it back: {REPAIR}")
    lines = (line.split() for line in content.splitlines())
    return {base64.b64decode(token): int(rank) for token, rank in lines}
