"""The tokenizers of real models, made from the files that come with their weights (lesson 10).

Byte-level BPE is a `tiktoken.Encoding` from the model's own merges; WordPiece is in `bert_words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import regex
import tiktoken

from llmviz.files import read_json
from llmviz.pretrained.bert_tokenizer import BertTokenizer
from llmviz.tokenizers.base import Tokenizer, check_text
from llmviz.tokenizers.bpe import LETTER_TO_BYTE
from llmviz.tokenizers.tiktoken import CONTRACTIONS, GPT2_WORDS

# SmolLM cuts every digit out before GPT-2's pattern runs, so white space before a digit stands at an end, too.
SMOLLM_WORDS = (
    CONTRACTIONS, r" ?\p{L}++", r"\p{N}", r" ?[^\s\p{L}\p{N}]++", r"\s++$", r"\s+(?=\p{N})", r"\s+(?!\S)", r"\s",
)  # fmt: skip
WORDS = {"gpt2": GPT2_WORDS, "smollm": SMOLLM_WORDS}
_GGUF_WORDS = {"gpt-2": "gpt2", "gpt2": "gpt2", "default": "gpt2", "smollm": "smollm"}
_SPECIAL = 3  # the type of a special token in a GGUF file


class TiktokenTokenizer(Tokenizer):
    """A byte-level BPE of a real model: a `tiktoken.Encoding`, with the face of our own tokenizers.

    Attributes:
        encoding: the `tiktoken.Encoding`.
        special_tokens: each special token's text, and its id; in a text that is encoded they are text like any other.
        end_of_text: the id after which a text is over.
        vocab_size: how many ids the model knows. Ids of the encoding from there on stand for bytes that it does not
            know at all (SmolLM2 has none for some control characters); they are left out, as its own library does.
    """

    kind = "bpe"

    def __init__(
        self,
        encoding: tiktoken.Encoding,
        words: Sequence[str],
        special_tokens: Mapping[str, int],
        end_of_text: int,
        vocab_size: int,
    ):
        self.encoding, self.special_tokens, self.end_of_text = encoding, dict(special_tokens), end_of_text
        self.vocab_size = vocab_size
        self._word = regex.compile("|".join(words))
        every = (bytes([byte]) for byte in range(256))
        self._unknown = b"".join(byte for byte in every if encoding.encode_single_token(byte) >= vocab_size)
        self._names = {token_id: name for name, token_id in self.special_tokens.items()}

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids. The names of special tokens in it are plain text."""
        if not self._has_long_white_space(check_text(text)):
            token_ids = self.encoding.encode_ordinary(text)
            if max(token_ids, default=0) < self.vocab_size:
                return token_ids
        return [token_id for word in self._word.findall(text) for token_id in self._merged(word)]

    def _merged(self, word: str) -> list[int]:
        """The ids of one word; bytes that the model does not know are left out before any merge."""
        known = word.encode("utf-8").translate(None, delete=self._unknown)
        return self.encoding._encode_single_piece(known) if known else []

    def token_bytes(self, token_id: int) -> bytes:
        """Give the bytes of one token; of a special one its name."""
        token_id = self._check_id(token_id)
        name = self._names.get(token_id)
        return self.encoding.decode_single_token_bytes(token_id) if name is None else name.encode("utf-8")

    def __repr__(self) -> str:
        return f"EncodingTokenizer({self.encoding.name!r}, vocab_size={self.vocab_size:,})"


def byte_level_bpe(
    tokens: Sequence[str] | Mapping[str, int],
    merges: Sequence[str] | Sequence[Sequence[str]],
    *,
    special_tokens: Mapping[str, int],
    words: str,
    name: str,
    end_of_text: int,
) -> TiktokenTokenizer:
    """Make a tokenizer from a model's own vocabulary and merges.

    Args:
        tokens: in GPT-2's visible letters, one a byte ("Ġthe"), in the order of their ids or with them.
        merges: pairs, "Ġ t", in the order in which they were learned.
        special_tokens: text and id of each; they stand among the `tokens`, or beside them.
        words: how text is cut into words before any merge: "gpt2" or "smollm".
        name: of the encoding.
        end_of_text: the id after which a text is over.

    Raises ValueError where the vocabulary cannot be a byte-level BPE, or its ids are not in the order of the merges.
    """
    if words not in WORDS:
        raise ValueError(f"words are cut as one of {', '.join(map(repr, WORDS))}; given {words!r}")
    ids = tokens if isinstance(tokens, Mapping) else {token: place for place, token in enumerate(tokens)}
    ranks = {_bytes_of(token): place for token, place in ids.items() if token not in special_tokens}
    vocab_size = max(*ranks.values(), *special_tokens.values()) + 1
    last = -1
    for merge in merges:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        place = ranks.get(_bytes_of(left) + _bytes_of(right))
        if place is None or place <= last:
            raise ValueError(f"the merge of {left!r} and {right!r} is not in the order of the ids; tiktoken needs that")
        last = place
    unknown = [bytes([byte]) for byte in range(256) if bytes([byte]) not in ranks]
    ranks |= {byte: vocab_size + place for place, byte in enumerate(unknown)}
    encoding = tiktoken.Encoding(
        name, pat_str="|".join(WORDS[words]), mergeable_ranks=ranks, special_tokens=dict(special_tokens)
    )
    return TiktokenTokenizer(encoding, WORDS[words], special_tokens, end_of_text, vocab_size)


def _bytes_of(letters: str) -> bytes:
    try:
        return bytes(LETTER_TO_BYTE[letter] for letter in letters)
    except KeyError:
        raise ValueError(f"{letters!r:.60} is not written in GPT-2's letters: no byte-level BPE") from None


def from_gguf_fields(fields: Mapping[str, Any]) -> TiktokenTokenizer:
    """Make the tokenizer that a GGUF file carries; raises ValueError for a kind that is not byte-level BPE."""
    kind, words = fields.get("tokenizer.ggml.model"), fields.get("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or words not in _GGUF_WORDS:
        raise ValueError(
            f"the tokenizer in this GGUF file is of the kind {kind!r}, its words cut as {words!r}; read are 'gpt2' "
            f"with {', '.join(map(repr, _GGUF_WORDS))}"
        )
    tokens = fields["tokenizer.ggml.tokens"]
    kinds = fields.get("tokenizer.ggml.token_type", [])
    special = {token: place for place, (token, one) in enumerate(zip(tokens, kinds, strict=False)) if one == _SPECIAL}
    return byte_level_bpe(
        tokens, fields["tokenizer.ggml.merges"], special_tokens=special, words=_GGUF_WORDS[words],
        name=str(fields.get("general.name", "gguf")), end_of_text=fields["tokenizer.ggml.eos_token_id"],
    )  # fmt: skip


def from_folder(folder: str | Path) -> TiktokenTokenizer | BertTokenizer:
    """Make the tokenizer of a model's folder, as the hubs lay it out.

    Read are `vocab.txt` (BERT), `tokenizer.json` with a byte-level BPE, and GPT-2's `vocab.json` with `merges.txt`.
    Raises FileNotFoundError where there is none of these, ValueError for a kind that is not read.
    """
    folder = Path(folder)
    if (folder / "vocab.txt").is_file():
        settings = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
        lowercase = settings.get("do_lower_case", True)
        _check_bert(settings.get("strip_accents"), settings.get("tokenize_chinese_chars"), lowercase, folder)
        pieces = (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        return BertTokenizer(pieces, lowercase=lowercase)
    if (folder / "tokenizer.json").is_file():
        return _from_tokenizer_json(folder / "tokenizer.json", folder)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        merges = [line for line in merges if line and not line.startswith("#version")]
        ids = read_json(folder / "vocab.json")
        special = {token: ids[token] for token in ("<|endoftext|>",) if token in ids}
        return byte_level_bpe(
            ids, merges, special_tokens=special, words="gpt2", name=folder.name, end_of_text=_end(special, folder)
        )
    raise FileNotFoundError(f"{folder} holds no tokenizer: vocab.txt, tokenizer.json, vocab.json are not there")


def _from_tokenizer_json(path: Path, folder: Path) -> TiktokenTokenizer | BertTokenizer:
    said = read_json(path)
    model = said.get("model", {})
    if model.get("type") == "WordPiece":
        pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
        how = said.get("normalizer") or {}
        lowercase = how.get("lowercase", True)
        _check_bert(how.get("strip_accents"), how.get("handle_chinese_chars"), lowercase, path)
        return BertTokenizer(pieces, lowercase=lowercase)
    words = _words_of(said.get("pre_tokenizer") or {})
    if model.get("type") != "BPE" or words is None or said.get("normalizer"):
        raise ValueError(
            f"the tokenizer in {path} is of the kind {model.get('type')!r} with a way of cutting words that is not "
            f"read here; read are byte-level BPE as GPT-2 and SmolLM have it, and WordPiece"
        )
    if plain := [one["content"] for one in said.get("added_tokens", []) if not one.get("special")]:
        raise ValueError(f"the tokenizer in {path} has tokens beside its merges, such as {plain[0]!r}; not read here")
    special = {one["content"]: one["id"] for one in said.get("added_tokens", [])}
    return byte_level_bpe(
        model["vocab"], model["merges"], special_tokens=special, words=words, name=folder.name,
        end_of_text=_end(special, folder),
    )  # fmt: skip


def _check_bert(strips_accents: bool | None, chinese_apart: bool | None, lowercase: bool, where: Path) -> None:
    if strips_accents not in (None, lowercase) or chinese_apart is False:
        raise ValueError(
            f"the tokenizer in {where} cleans text in another way than BERT's: strip_accents={strips_accents} with "
            f"lower case {lowercase}, Chinese characters apart: {chinese_apart}; read is BERT's own way"
        )


def _words_of(pre_tokenizer: Mapping[str, Any]) -> str | None:
    """How a `tokenizer.json` cuts words, in our name for it; None for another way."""

    def is_gpt2(part: Mapping[str, Any]) -> bool:
        return part.get("type") == "ByteLevel" and not part.get("add_prefix_space") and part.get("use_regex", True)

    if is_gpt2(pre_tokenizer):
        return "gpt2"
    match pre_tokenizer:
        case {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, after]}:
            return "smollm" if is_gpt2(after) else None
    return None


def _end(special: Mapping[str, int], folder: Path) -> int:
    """The id after which a text is over: what the model's configuration says, else its <|endoftext|>."""
    settings = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    name = settings.get("eos_token", "<|endoftext|>")
    name = name.get("content") if isinstance(name, dict) else name
    if name not in special:
        raise ValueError(f"{folder} does not say which token ends a text; its special tokens are {sorted(special)}")
    return special[name]
