"""The tokenizers of real models, run by Hugging Face's `tokenizers`, and the chat template of SmolLM2 (lesson 10)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise, takewhile
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, pre_tokenizers, processors

from llmviz.files import read_json
from llmviz.tokenizers.base import Tokenizer, check_text
from llmviz.tokenizers.bpe import LETTER_TO_BYTE

_KINDS = {models.BPE: "bpe", models.WordPiece: "wordpiece", models.Unigram: "unigram"}
_GGUF_SPECIAL, _GGUF_UNUSED = 3, 5  # types of tokens in a GGUF file
_BERT_SPECIAL = ("[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]")
# Which special token ends a text, and which stands before it in pretraining, where the files say nothing.
_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")
_STARTS = ("<|endoftext|>", "<|begin_of_text|>", "<s>", "<bos>")
_BYTE = re.compile("<0x([0-9A-F]{2})>")
_START, _END = "<|im_start|>", "<|im_end|>"
_ROLES = ("system", "user", "assistant")
_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


class PretrainedTokenizer(Tokenizer):
    """The tokenizer of a real model, with the methods of our own tokenizers.

    Attributes:
        kind: "bpe", "wordpiece" or "unigram".
        special_tokens: name → id; in a text that is encoded they are plain text.
        known_ids: all ids that have a token.
        end_of_text: the id of the special token after which a text is over.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, settings: Mapping[str, Any], *, style: str = "byte-level"):
        """settings: as in tokenizer_config.json. style: how tokens are written: "byte-level" (in GPT-2's letters),
        "wordpiece" (## inside of a word) or "metaspace" (▁ for a space, as in SentencePiece).
        """
        self.kind, self._tokenizer, self._style = _KINDS[type(tokenizer.model)], tokenizer, style
        self._has_prefix = False
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        vocabulary, added = tokenizer.get_vocab(), tokenizer.get_added_tokens_decoder()
        self._added = {place: one.content for place, one in added.items()}
        self.known_ids, self.vocab_size = frozenset(vocabulary.values()), max(vocabulary.values(), default=0) + 1
        special = {one.content for one in added.values() if one.special}
        special |= {name for name in _BERT_SPECIAL if self.kind == "wordpiece" and name in vocabulary}
        self.special_tokens = {name: vocabulary[name] for name in sorted(special)}
        framed = tokenizer.encode("a")
        n_before, n_after = (len(list(takewhile(bool, mask)))
                             for mask in (framed.special_tokens_mask, framed.special_tokens_mask[::-1]))  # fmt: skip
        self._before, self._after = framed.ids[:n_before], framed.ids[max(n_before, len(framed.ids) - n_after) :]
        self.end_of_text = self._after[-1] if self._after else self._special(settings.get("eos_token"), _ENDS)
        says_bos = settings.get("add_bos_token")
        if not self._after and (says_bos is False or not self._before):
            self._before = [self._special(settings.get("bos_token") if says_bos else None, _STARTS, self.end_of_text)]
        self._has_prefix = style == "metaspace" and self.decode(self.encode_ordinary("a")).startswith(" ")

    def _special(self, name: str | Mapping | None, usual: Sequence[str], default: int | None = None) -> int:
        """The id of a special token: of this name, else of the first usual one, else the default."""
        name = name.get("content") if isinstance(name, Mapping) else name
        found = name or next((one for one in usual if one in self.special_tokens), None)
        if found is None and default is not None:
            return default
        found = found or usual[0]
        place = self._tokenizer.token_to_id(found) if isinstance(found, str) else None
        if place is None:
            raise ValueError(f"no token {found!r} to begin or end a text among {sorted(self.special_tokens)}")
        return place

    def _encoding(self, text: str) -> tokenizers.Encoding:
        check_text(text)
        try:
            return self._tokenizer.encode(text, add_special_tokens=False)
        except Exception as error:  # the library raises nothing more special
            raise ValueError(f"this tokenizer cannot cut the text {text!r:.60} ({error})") from None

    def encode_ordinary(self, text: str) -> list[int]:
        """Turn text into token ids, without the special tokens around it."""
        return self._encoding(text).ids

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids; between special tokens if the model reads every text so, as BERT does."""
        ids = self.encode_ordinary(text)
        return [*self._before, *ids, *self._after] if self._after else ids

    def encode_prompt(self, text: str) -> list[int]:
        """Turn text into token ids, with the token before them after which a text begins in pretraining."""
        return self.encode(text) if self._after else [*self._before, *self.encode_ordinary(text)]

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; bytes that are not valid UTF-8 become hex, such as ⟨e2 98⟩.

        WordPiece loses capitals, accents and the spaces around marks. Special tokens around a text are left out.
        """
        around = {*self._before, *self._after} if self._after else ()
        ids = [one for one in token_ids if one not in around]
        if self._style == "wordpiece":
            return " ".join(self.tokens(ids)).replace(" ##", "")
        return super().decode(ids).removeprefix(" " if self._has_prefix else "")

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes of one token; of a special one its name."""
        place = self._check_id(token_id)
        name = self._tokenizer.id_to_token(place) or ""
        if place in self._added or self._style == "wordpiece":
            return name.encode("utf-8")
        if self._style == "byte-level":
            return bytes(LETTER_TO_BYTE[letter] for letter in name)
        byte = _BYTE.fullmatch(name)
        return bytes([int(byte[1], 16)]) if byte else name.replace("▁", " ").encode("utf-8")

    def token_spans(self, text: str) -> list[bytes]:
        """The span of the text that each token of `encode_ordinary` covers; joined, they are the text."""
        encoding = self._encoding(text)
        pieces, whole = [self.token_bytes(one) for one in encoding.ids], text.encode("utf-8")
        if pieces and b"".join(pieces) == b" " + whole:
            pieces[0] = pieces[0][1:]
        if b"".join(pieces) == whole or not pieces:
            return pieces
        ends = [*accumulate((end for _, end in encoding.offsets[:-1]), max), len(text)]
        return [text[start:end].encode("utf-8") for start, end in pairwise([0, *ends])]


def _byte_level_bpe(
    vocabulary: Mapping[str, int], merges: Sequence[str], settings: Mapping, special_tokens: Sequence[str], *,
    split_digits: bool = False,
) -> PretrainedTokenizer:  # fmt: skip
    """A byte-level BPE from a model's vocabulary, in GPT-2's letters, and merges, each as "Ġ t".

    split_digits: each digit is a word of its own (SmolLM). Raises ValueError where they do not fit together.
    """
    pairs = [tuple(str(merge).split(" ")) for merge in merges]
    if bad := [pair for pair in pairs if len(pair) != 2 or not {*pair, "".join(pair)} <= vocabulary.keys()]:
        raise ValueError(f"the merge {' '.join(bad[0])!r} does not fit the vocabulary; expected are two of its tokens")
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=dict(vocabulary), merges=pairs))
    parts = [pre_tokenizers.Digits(individual_digits=True)] if split_digits else []
    letters = pre_tokenizers.ByteLevel(add_prefix_space=bool(settings.get("add_prefix_space", False)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, letters])
    tokenizer.add_special_tokens([name for name in special_tokens if name in vocabulary])
    if {"<s>", "</s>", "<mask>"} <= vocabulary.keys():  # RoBERTa
        ends = ("</s>", vocabulary["</s>"]), ("<s>", vocabulary["<s>"])
        tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False)
    return PretrainedTokenizer(tokenizer, settings)


def tokenizer_from_gguf(fields: Mapping[str, Any]) -> PretrainedTokenizer:
    """The tokenizer that a GGUF file carries; raises ValueError for a kind that is not byte-level BPE."""
    said = {name.removeprefix("tokenizer.ggml."): value for name, value in fields.items()}
    kind, words = said.get("model"), said.get("pre", "default")
    if kind != "gpt2" or words not in ("gpt-2", "gpt2", "default", "smollm"):
        found = f"is of the kind {kind!r}, its words cut as {words!r}"
        raise ValueError(f"the tokenizer in this GGUF file {found}; read are 'gpt2' with 'gpt-2' and 'smollm'")
    if missing := [name for name in ("tokens", "merges", "eos_token_id") if name not in said]:
        raise ValueError(f"this GGUF file says nothing about tokenizer.ggml.{missing[0]}, which its tokenizer needs")
    tokens, kinds = said["tokens"], said.get("token_type", [])
    names = {place: token for place, token in enumerate(tokens) if [*kinds[place : place + 1]] != [_GGUF_UNUSED]}
    settings = {"add_bos_token": said.get("add_bos_token", False), "add_prefix_space": said.get("add_space_prefix")}
    for name in ("bos_token", "eos_token"):
        if (place := said.get(f"{name}_id")) is not None and place not in names:
            raise ValueError(f"this GGUF file says that its {name} is {place!r}; it has {len(tokens):,} tokens")
        settings[name] = names.get(place)
    vocabulary = {token: place for place, token in names.items()}
    special = [token for token, one in zip(tokens, kinds, strict=False) if one == _GGUF_SPECIAL]
    return _byte_level_bpe(vocabulary, said["merges"], settings, special, split_digits=words == "smollm")


def tokenizer_from_folder(folder: str | Path) -> PretrainedTokenizer:
    """The tokenizer of a model's folder, as the hub has it.

    Read are `tokenizer.json` with BPE, WordPiece or Unigram, `vocab.txt` (BERT), and `vocab.json` with `merges.txt`
    (GPT-2, RoBERTa). Raises FileNotFoundError where there is none of these, ValueError for a kind that is not read.
    """
    folder = Path(folder)
    settings = read_object(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    if (folder / "tokenizer.json").is_file():
        return _from_json(folder / "tokenizer.json", settings)
    if (path := folder / "added_tokens.json").is_file() and read_json(path):
        raise ValueError(f"{folder} has tokens of its own in {path.name}; these are read from a tokenizer.json only")
    if (folder / "vocab.txt").is_file():
        return _bert(folder / "vocab.txt", settings)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return _gpt2(folder, settings)
    raise FileNotFoundError(f"{folder} holds no tokenizer: tokenizer.json, vocab.txt, vocab.json are not there")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; raises ValueError for another one."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path} should hold a JSON object, and holds a {type(found).__name__}")
    return found


def _gpt2(folder: Path, settings: Mapping[str, Any]) -> PretrainedTokenizer:
    name = settings.get("tokenizer_class") or "GPT2Tokenizer"
    if name.removesuffix("Fast") not in ("GPT2Tokenizer", "RobertaTokenizer"):
        raise ValueError(f"{folder} has a {name}; without tokenizer.json only those of GPT-2 and RoBERTa are read")
    vocabulary, path = read_object(folder / "vocab.json"), folder / "merges.txt"
    places = {place for place in vocabulary.values() if isinstance(place, int) and 0 <= place < 2**31}
    if len(places) < len(vocabulary):
        raise ValueError(f"{folder / 'vocab.json'} should say for each token its id, a whole number of its own")
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    merges = [line.rstrip("\r") for line in lines if line.strip() and not line.startswith("#version")]
    special = ["<|endoftext|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    try:
        return _byte_level_bpe(vocabulary, merges, settings, special)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _bert(path: Path, settings: Mapping[str, Any]) -> PretrainedTokenizer:
    pieces = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    if missing := [token for token in _BERT_SPECIAL[:3] if token not in vocabulary]:
        raise ValueError(f"{path} has no {missing[0]}: it is not a vocabulary of BERT")
    if settings.get("never_split") or settings.get("do_basic_tokenize") is False:
        raise ValueError(f"{path.with_name('tokenizer_config.json')} asks for words that are not cut as BERT's are")
    built = tokenizers.BertWordPieceTokenizer(
        vocabulary,
        lowercase=settings.get("do_lower_case", True),
        strip_accents=settings.get("strip_accents"),
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
    )
    return PretrainedTokenizer(built._tokenizer, settings, style="wordpiece")


def _from_json(path: Path, settings: Mapping[str, Any]) -> PretrainedTokenizer:
    data = read_object(path)
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise ValueError(f"{path} is not a whole tokenizer ({error})") from None
    lowercase = getattr(tokenizer.normalizer, "lowercase", None)
    if lowercase is not None and lowercase != settings.get("do_lower_case", lowercase):
        raise ValueError(f"{path} and tokenizer_config.json do not agree whether capitals become small letters")
    if getattr(tokenizer.model, "dropout", None):
        raise ValueError(f"{path} leaves merges out at random (dropout): no text would be cut twice in the same way")
    try:
        return PretrainedTokenizer(tokenizer, settings, style=_style(tokenizer, data))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _style(tokenizer: tokenizers.Tokenizer, data: Mapping[str, Any]) -> str:
    """How the tokens of a tokenizer.json are written, by its decoder; raises ValueError for another way."""
    decoder = data.get("decoder") or {}
    parts = decoder.get("decoders", [decoder])
    kinds = {part.get("type") for part in parts}
    if isinstance(tokenizer.model, models.WordPiece) and tokenizer.model.continuing_subword_prefix == "##":
        return "wordpiece"
    if "Metaspace" in kinds or any(part.get("pattern") == {"String": "▁"} for part in parts):
        return "metaspace"
    added = {one.content for one in tokenizer.get_added_tokens_decoder().values()}
    letters = set().union(*(token for token in tokenizer.get_vocab() if token not in added))
    if isinstance(tokenizer.model, models.BPE) and letters <= set(LETTER_TO_BYTE):
        return "byte-level"
    kind = type(tokenizer.model).__name__
    raise ValueError(f"this tokenizer is of the kind {kind!r}; read are byte-level BPE, WordPiece, and SentencePiece")


def chat_prompt(messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation as SmolLM2 reads it ("ChatML"), up to where the assistant is to answer.

    A message has a "role" and a "content", else ValueError; the content is a text, or a list of parts such as
    {"type": "text", "text": "Hello!"}, which are joined. The template begins with a message of the system.

    >>> print(chat_prompt([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]))
    <|im_start|>system
    Be brief.<|im_end|>
    <|im_start|>user
    Hello!<|im_end|>
    <|im_start|>assistant
    <BLANKLINE>
    """
    for one in messages:
        if not isinstance(one, Mapping) or set(one) != {"role", "content"} or one["role"] not in _ROLES:
            raise ValueError(f'a message is {{"role": …, "content": …}}, its role one of {_ROLES}; given {one!r:.80}')
    if not messages:
        raise ValueError("a conversation needs at least one message")
    first = [] if messages[0]["role"] == "system" else [{"role": "system", "content": _SYSTEM}]
    turns = "".join(f"{_START}{one['role']}\n{_content(one['content'])}{_END}\n" for one in [*first, *messages])
    return f"{turns}{_START}assistant\n"


def _content(content: str | Sequence[Mapping[str, str]]) -> str:
    parts = content if isinstance(content, list | tuple) else [{"type": "text", "text": content}]
    texts = [one.get("text") if isinstance(one, Mapping) and one.get("type") == "text" else None for one in parts]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"the content of a message is a text, or a list of text parts; given {content!r:.80}")
    return "".join(texts)
