"""20,000 odd texts for each tokenizer: what it promises of `encode`, `decode` and `token_spans` holds for all."""

import random
import sys

import pytest

from llmviz import corpora
from llmviz.tokenizers import TOKENIZERS, UNKNOWN, tiktoken_encoding

pytestmark = pytest.mark.slow
N_TEXTS = 20_000
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz", "ABC xyz ", "0123456789.,-", " ", " \t\n\r\v\f\x1c\x85\u00a0\u2003\u2028\u3000",
    "éüñßçøåıİẞſ",
    "e\u0301\u0308\u0330o\u20dd", "안녕하세요한국어", "你好世界𠀀𪚥", "مرحباשלום\u202e\u200f", "नमस्तेกำลัง",
    "👩‍👩‍👧👍🏽🇫🇷❤️🙂", "\x00\x07\x1b\x7f\ufeff\ufffd\ufffe\u200b\u2060", "'’\"“”`<>&|#▁Ġ·", "<|endoftext|>",
    "<unk>[CLS]##",
]  # fmt: skip
DOCUMENTS = corpora.tinyville(counts={"story": 60, "fact": 60}).documents
WORDS = " ".join(DOCUMENTS[:40]).split()


def odd_text(dice: random.Random) -> str:
    """A short text of several scripts, words of Tinyville, and any code points (half characters not among them)."""
    pieces = []
    for _ in range(dice.randrange(6)):
        kind = dice.random()
        if kind < 0.3:
            pieces.append(dice.choice(["", " ", "  "]) + dice.choice(WORDS))
        elif kind < 0.45:
            codes = (dice.randrange(sys.maxunicode + 1) for _ in range(3))
            pieces += [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
        else:
            alphabet = dice.choice(ALPHABETS)
            pieces.append("".join(dice.choices(alphabet, k=dice.randrange(8))) if kind < 0.9 else alphabet)
    return "".join(pieces)


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("vocab_size", [300, 600])
def test_our_tokenizers(kind, vocab_size):
    tokenizer = TOKENIZERS[kind].train(DOCUMENTS, vocab_size)
    unknown, dice, n_unknown = getattr(tokenizer, "unknown", None), random.Random(vocab_size), 0
    unknown_text = f" {UNKNOWN}" if kind in ("word", "wordpiece") else UNKNOWN
    for _ in range(N_TEXTS):
        text = odd_text(dice)
        ids, spans = tokenizer.encode(text), tokenizer.token_spans(text)
        spans = [span.decode("utf-8", "surrogateescape") if isinstance(span, bytes) else span for span in spans]
        assert len(ids) == len(spans), text
        assert "".join(spans).encode("utf-8", "surrogateescape") == text.encode(), text
        n_unknown += unknown in ids
        written = "".join(unknown_text if one == unknown else span for one, span in zip(ids, spans, strict=True))
        written = written.removeprefix(" ") if ids[:1] == [unknown] else written
        assert tokenizer.decode(ids).encode() == written.encode("utf-8", "surrogateescape"), text
        assert all(tokenizer.tokens(ids)), text
    for place in range(200):
        text = odd_text(dice)
        with pytest.raises(ValueError, match=r"half a character \(the lone surrogate U\+D83D\)"):
            tokenizer.encode(text[:place] + "\ud83d" + text[place:])
    print(f"{kind}, {tokenizer.vocab_size} ids: {N_TEXTS} texts, {n_unknown} of them with {UNKNOWN}; 200 refused")


@pytest.mark.parametrize("name", ["gpt2", "gpt-4", "gpt-4o"])
def test_real_vocabularies(name):
    encoding, dice = tiktoken_encoding(name), random.Random(name)
    for _ in range(N_TEXTS):
        text = odd_text(dice)
        ids = encoding.encode_ordinary(text)
        assert encoding.decode(ids) == text and b"".join(encoding.decode_tokens_bytes(ids)) == text.encode()
    print(f"{name}: {N_TEXTS} texts")
