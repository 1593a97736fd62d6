"""Tokenizers: text to token ids and back, by characters, by words, and by pieces of words learned from text.

All have `train`, `encode`, `decode`, `tokens` and `to_dict`.
"""

from typing import Any

from llmviz.tokenizers.base import END_OF_TEXT, UNKNOWN, Tokenizer, displayable
from llmviz.tokenizers.bpe import BytePairTokenizer, Merge
from llmviz.tokenizers.tiktoken import tiktoken_encoding, token_ranks
from llmviz.tokenizers.unigram import UnigramTokenizer
from llmviz.tokenizers.wordpiece import WordPieceTokenizer, gain
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer

_ALL = (BytePairTokenizer, WordPieceTokenizer, UnigramTokenizer, WordTokenizer, CharacterTokenizer)
TOKENIZERS: dict[str, type[Tokenizer]] = {tokenizer.kind: tokenizer for tokenizer in _ALL}


def from_dict(saved: dict[str, Any]) -> Tokenizer:
    """Restore a tokenizer from its `to_dict`; raises ValueError for anything else.

    >>> tokenizer = CharacterTokenizer.train("a red kite")
    >>> from_dict(tokenizer.to_dict()) == tokenizer
    True
    """
    if not isinstance(saved, dict):
        raise ValueError(f"A saved tokenizer is a dictionary, but this is a {type(saved).__name__}.")
    kind = saved.get("kind")
    if not isinstance(kind, str) or kind not in TOKENIZERS:
        known = ", ".join(map(repr, TOKENIZERS))
        raise ValueError(f'A saved tokenizer names its "kind", one of {known}; this one says {kind!r}.')
    return TOKENIZERS[kind].from_dict(saved)
