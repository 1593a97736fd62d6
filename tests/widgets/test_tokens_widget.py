"""TokenExplorer in Python: what it says, what it sends to the page, and that typing anything is no trouble."""

import base64
import json

import numpy as np
import pytest
from explorer_pages import HOSTILE, stays_data

from llmviz import corpora
from llmviz.pretrained.tokenizer import tokenizer_from_folder
from llmviz.tokenizers import TOKENIZERS
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.tiktoken import tiktoken_encoding
from llmviz.tokenizers.unigram import UnigramTokenizer
from llmviz.tokenizers.wordpiece import WordPieceTokenizer
from llmviz.tokenizers.words import CharacterTokenizer, WordTokenizer
from llmviz.widgets import TokenExplorer
from llmviz.widgets.tokens import _NEVER, _TokenSource

TEXT = "Mia found a red kite. 안녕 👩‍👩‍👧!"
DOCUMENTS = corpora.tinyville(counts={"story": 60, "fact": 60}).documents
OURS = [
    BytePairTokenizer.train(DOCUMENTS, 500),
    WordPieceTokenizer.train(DOCUMENTS, 300),
    UnigramTokenizer.train(DOCUMENTS, 300),
    WordTokenizer.train(DOCUMENTS),
    CharacterTokenizer.train(DOCUMENTS),
]
ALL = [*OURS, "gpt2", "gpt-4o"]


def unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"]).tolist()


def test_the_sentence_is_the_bill_and_the_table_names_every_token():
    explorer = TokenExplorer("Mia found a kite.", {"bytes": BytePairTokenizer([]), "GPT-4o": "gpt-4o"})
    assert repr(explorer) == "“Mia found a kite.”: 17 characters, 17 bytes. bytes: 17 tokens. GPT-4o: 6 tokens."
    table = explorer.table()
    assert table.columns[2] == "tokens"
    assert table.rows[1] == ["GPT-4o", "200,019", "6", "M | ia | ·found | ·a | ·kite | ."]


@pytest.mark.parametrize("tokenizer", [*OURS, tiktoken_encoding("gpt-4")], ids=lambda one: getattr(one, "kind", "real"))
def test_what_is_sent_are_the_tokenizers_own_ids(tokenizer):
    [row] = TokenExplorer(TEXT, tokenizer).traits()["payload"]["rows"]
    encode = getattr(tokenizer, "encode_ordinary", tokenizer.encode)
    assert unpacked(row["ids"]) == encode(TEXT) and row["n_tokens"] == len(encode(TEXT))
    assert sum(unpacked(row["sizes"])) == len(TEXT.encode()) == row["n_bytes"]


def test_of_a_real_model_whose_special_tokens_come_first_each_piece_covers_its_letters(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nriver\nbank\n##s\n", encoding="utf-8")
    shown = TokenExplorer("River banks", tokenizer_from_folder(tmp_path))
    assert (shown.rows[0].token_ids, shown.rows[0].labels) == ([4, 5, 6], ["river", "bank", "##s"])
    assert shown.rows[0].sizes == [5, 5, 1] and shown.traits()["payload"]["rows"][0]["joined_by"] is None


def test_joins_name_the_token_that_took_each_border_away():
    source = _TokenSource(BytePairTokenizer([(b"l", b"o"), (b"e", b"r"), (b"lo", b"w"), (b"low", b"er")]))
    assert source.joins(b"lower") == (256, 258, 259, 257)
    assert source.joins(b"l") == () and source.joins(b"xy") == (_NEVER,)


def test_uses_are_counted_in_the_corpus_or_else_in_the_text():
    words = WordTokenizer.train(["Mia ran. Leo ran."])
    [row] = TokenExplorer("Mia ran", words, corpus=["Leo ran. Leo ran."]).traits()["payload"]["rows"]
    uses = dict(map(tuple, row["uses"]))
    assert [uses[token_id] for token_id in words.encode("Mia ran")] == [0, 2]
    assert (row["n_uses"], row["where"]) == (6, "the corpus")
    [row] = TokenExplorer("Mia ran Mia", words).traits()["payload"]["rows"]
    assert dict(map(tuple, row["uses"]))[words.encode("Mia")[0]] == 2 and row["where"] == "this text"


def test_a_long_text_is_cut_for_the_picture_but_not_for_the_bill():
    explorer = TokenExplorer("kite " * 5000, OURS)
    payload = explorer.traits()["payload"]
    assert len(unpacked(payload["ends"])) == 300 and payload["n_characters"] == 25_000
    assert payload["rows"][0]["n_tokens"] == len(OURS[0].encode("kite " * 5000))
    assert len(json.dumps(payload)) < 60_000
    assert "25,000 bytes. The picture shows the first 300 of 25,000 characters. BPE:" in repr(explorer)
    assert "shows the first" not in repr(TokenExplorer("k" * 300, OURS))


def test_half_a_character_is_mended_and_said():
    explorer = TokenExplorer("kite\ud83d", OURS)
    assert "Half a character in it was replaced by U+FFFD" in repr(explorer)
    assert explorer.text == "kite\ufffd"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((3, OURS), "text must be a str, but is int: 3"),
        (("a" * 100_001, OURS), "100,001 characters; at most 100,000"),
        (("a", []), "give at least one"),
        (("a", None), "A tokenizer is one of llmviz.tokenizers"),
        (("a", [3]), "but this is 3"),
        (("a", "gpt-5"), "There is no vocabulary 'gpt-5' here"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        TokenExplorer(*arguments)


@pytest.mark.parametrize("merges", [-1, 2.5, "all", True])
def test_impossible_merges_are_refused(merges):
    with pytest.raises(ValueError, match="merges must be a whole number from 0 to 243"):
        TokenExplorer("a", OURS[0], merges=merges)


def test_names_tell_the_kinds_apart_and_the_sizes_of_twins():
    small = BytePairTokenizer([])
    names = [source.name for source in TokenExplorer("a", [OURS[0], small, *OURS[1:], "gpt2", small]).sources]
    assert names == [
        "BPE 500", "BPE 257", "WordPiece", "Unigram", "Words", "Characters", "gpt2", "BPE 257 (8)",
    ]  # fmt: skip
    assert len(OURS) == len(TOKENIZERS)


@pytest.mark.parametrize("text", [*HOSTILE, "", "שלום <b>עולם</b>", "e" + "\u0301" * 500, "👩‍👩‍👧" * 50])
def test_hostile_text_is_inert_in_the_page(text):
    stays_data(TokenExplorer(text, ALL)._repr_mimebundle_()["text/html"])


def test_typing_is_answered_and_what_is_wrong_is_said_in_its_place():
    shown = TokenExplorer("Mia", OURS, corpus=DOCUMENTS, merges=7)
    live = shown.live()
    live.text = "a red kite"
    assert repr(live).startswith("“a red kite”: 10 characters") and live.problem == ""
    assert live.payload["n_characters"] == 10 and live.merges == 7
    live.text = "x" * 100_001
    assert "at most 100,000" in live.problem and live.payload["n_characters"] == 10
    live.text = ""
    assert live.problem == "" and live.payload["n_characters"] == 0
    assert live.explorer.sources is shown.sources
