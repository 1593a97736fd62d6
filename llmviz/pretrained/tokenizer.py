"""The tokenizers of real models, run by Hugging Face's `tokenizers`, and the chat template of SmolLM2 (lesson 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import models, pre_tokenizers

from llmviz.files import read_json
from llmviz.tokenizers.base import Tokenizer, check_text
from llmviz.tokenizers.bpe import LETTER_TO_BYTE

_GGUF_SPECIAL = 3  # the type of a special token in a GGUF file
_BERT_SPECIAL = ("[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]")
_START, _END = "<|im_start|>", "<|im_end|>"
_ROLES = ("system", "user", "assistant")
_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


class PretrainedTokenizer(Tokenizer):
    """The tokenizer of a real model, with the methods of our own tokenizers: byte-level BPE or WordPiece.

    Attributes:
        kind: "bpe" or "wordpiece"; WordPiece puts [CLS] before and [SEP] after a text, as BERT does.
        special_tokens: name → id; in a text that is encoded they are plain text.
        end_of_text: the id of the special token after which a text is over.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, end_of_text: str):
        self.kind = "wordpiece" if isinstance(tokenizer.model, models.WordPiece) else "bpe"
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        vocabulary = tokenizer.get_vocab()
        self._tokenizer, self.vocab_size = tokenizer, max(vocabulary.values()) + 1
        special = {one.content for one in tokenizer.get_added_tokens_decoder().values() if one.special}
        special |= {name for name in _BERT_SPECIAL if self.kind == "wordpiece" and name in vocabulary}
        self.special_tokens = {name: vocabulary[name] for name in sorted(special)}
        if end_of_text not in vocabulary:
            raise ValueError(
                f"this tokenizer has no token {end_of_text!r} to end a text; its special tokens are "
                f"{sorted(self.special_tokens)}"
            )
        self.end_of_text = vocabulary[end_of_text]

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids."""
        return self._tokenizer.encode(check_text(text), add_special_tokens=self.kind == "wordpiece").ids

    def encode_prompt(self, text: str) -> list[int]:
        """Turn text into token ids, with a token before them that begins a text."""
        return self.encode(text) if self.kind == "wordpiece" else super().encode_prompt(text)

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text; bytes that are not valid UTF-8 become hex, such as ⟨e2 98⟩.

        WordPiece loses capitals, accents and the spaces around marks; its special tokens are left out.
        """
        if self.kind == "bpe":
            return super().decode(token_ids)
        special = self.special_tokens.values()
        return " ".join(self.tokens(one for one in token_ids if one not in special)).replace(" ##", "")

    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes of one token; of a special one its name."""
        name = self._tokenizer.id_to_token(self._check_id(token_id)) or ""
        if self.kind == "wordpiece" or name in self.special_tokens:
            return name.encode("utf-8")
        return bytes(LETTER_TO_BYTE[letter] for letter in name)


def _byte_level_bpe(
    vocabulary: Mapping[str, int], merges: Sequence[str], special_tokens: Sequence[str], *, split_digits: bool, end: str
) -> PretrainedTokenizer:
    """A byte-level BPE from a model's vocabulary, in GPT-2's letters, and merges, each as "Ġ t".

    split_digits: each digit is a word of its own (SmolLM). Raises ValueError where they do not fit together.
    """
    pairs = [tuple(merge.split(" ")) for merge in merges]
    if bad := [pair for pair in pairs if len(pair) != 2 or not {*pair, "".join(pair)} <= vocabulary.keys()]:
        raise ValueError(f"the merge {' '.join(bad[0])!r} does not fit the vocabulary")
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=dict(vocabulary), merges=pairs))
    parts = [pre_tokenizers.Digits(individual_digits=True)] if split_digits else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.add_special_tokens(list(special_tokens))
    return PretrainedTokenizer(tokenizer, end)


def tokenizer_from_gguf(fields: Mapping[str, Any]) -> PretrainedTokenizer:
    """The tokenizer that a GGUF file carries; raises ValueError for a kind that is not byte-level BPE."""
    kind, words = fields.get("tokenizer.ggml.model"), fields.get("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or words not in ("gpt-2", "gpt2", "default", "smollm"):
        raise ValueError(
            f"the tokenizer in this GGUF file is of the kind {kind!r}, its words cut as {words!r}; read are 'gpt2' "
            f"with 'gpt-2' and 'smollm'"
        )
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields.get("tokenizer.ggml.token_type", [])
    return _byte_level_bpe(
        {token: place for place, token in enumerate(tokens)},
        fields["tokenizer.ggml.merges"],
        special_tokens=[token for token, one in zip(tokens, kinds, strict=False) if one == _GGUF_SPECIAL],
        split_digits=words == "smollm",
        end=tokens[fields["tokenizer.ggml.eos_token_id"]],
    )


def tokenizer_from_folder(folder: str | Path) -> PretrainedTokenizer:
    """The tokenizer of a model's folder, as the hub has it.

    Read are `vocab.txt` (BERT), `tokenizer.json` with byte-level BPE or WordPiece, and GPT-2's `vocab.json` with
    `merges.txt`. Raises FileNotFoundError where there is none of these, ValueError for a kind that is not read.
    """
    folder = Path(folder)
    path = folder / "tokenizer_config.json"
    settings = read_json(path) if path.is_file() else {}
    end = settings.get("eos_token") or "<|endoftext|>"
    end = end["content"] if isinstance(end, dict) else end
    if (folder / "vocab.txt").is_file():
        return _bert(folder / "vocab.txt", settings)
    if (folder / "tokenizer.json").is_file():
        return _from_json(folder / "tokenizer.json", end)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        merges = [line for line in lines if line and not line.startswith("#version")]
        return _byte_level_bpe(read_json(folder / "vocab.json"), merges, [end], split_digits=False, end=end)
    raise FileNotFoundError(f"{folder} holds no tokenizer: vocab.txt, tokenizer.json, vocab.json are not there")


def _bert(path: Path, settings: Mapping[str, Any]) -> PretrainedTokenizer:
    pieces = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    if missing := [token for token in _BERT_SPECIAL[:3] if token not in vocabulary]:
        raise ValueError(f"{path} has no {missing[0]}: it is not a vocabulary of BERT")
    built = tokenizers.BertWordPieceTokenizer(
        vocabulary,
        lowercase=settings.get("do_lower_case", True),
        strip_accents=settings.get("strip_accents"),
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
    )
    return PretrainedTokenizer(built._tokenizer, "[SEP]")


def _from_json(path: Path, end: str) -> PretrainedTokenizer:
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise ValueError(f"{path} is not a whole tokenizer ({error})") from None
    if isinstance(tokenizer.model, models.WordPiece):
        return PretrainedTokenizer(tokenizer, "[SEP]")
    special = {one.content for one in tokenizer.get_added_tokens_decoder().values() if one.special}
    letters = set().union(*(token for token in tokenizer.get_vocab() if token not in special))
    if not isinstance(tokenizer.model, models.BPE) or letters - set(LETTER_TO_BYTE):
        raise ValueError(
            f"the tokenizer in {path} is of the kind {type(tokenizer.model).__name__!r}; read are byte-level BPE and "
            f"WordPiece"
        )
    return PretrainedTokenizer(tokenizer, end)


def chat_prompt(messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation as SmolLM2 reads it ("ChatML"), up to where the assistant is to answer.

    A message has a "role" and a "content", else ValueError. The template begins with a message of the system.

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
    turns = "".join(f"{_START}{one['role']}\n{one['content']}{_END}\n" for one in [*first, *messages])
    return f"{turns}{_START}assistant\n"
