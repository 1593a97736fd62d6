"""The vocabularies of real models: known ids, tiktoken's own definitions as judge, damaged files, offline."""

import base64
import hashlib
import socket
import zlib
from pathlib import Path

import pack_vocabularies
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from llmviz.files import data_path
from llmviz.tokenizers.tiktoken import tiktoken_encoding, token_ranks

DEFINED_BY = {"gpt2": "r50k_base", "gpt-4": "cl100k_base", "gpt-4o": "o200k_base"}


@pytest.fixture
def nothing_in_memory(monkeypatch):
    for reader in (tiktoken_encoding, token_ranks):
        reader.cache_clear()
    yield
    for reader in (tiktoken_encoding, token_ranks):
        reader.cache_clear()


@pytest.mark.parametrize(("name", "text", "token_ids", "n_vocab"), [
    ("gpt2", "Hello world", [15496, 995], 50257),
    ("gpt-4", "hello world", [15339, 1917], 100277),
    ("gpt-4o", "hello world", [24912, 2375], 200019),
])  # fmt: skip
def test_known_sentences_have_their_known_ids_and_vocabularies_their_sizes(name, text, token_ids, n_vocab):
    encoding = tiktoken_encoding(name)
    assert encoding.encode(text) == token_ids and encoding.n_vocab == n_vocab
    assert tiktoken_encoding(name) is encoding  # read once


@pytest.fixture(scope="module")
def judges():
    """tiktoken's own encodings, with its download replaced by the tables from data/."""
    encodings = {}
    for name, defined_by in DEFINED_BY.items():
        table = {token: tiktoken_encoding(name).encode_single_token(token) for token in byte_strings(name)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, table=table, **__: table)
            encodings[name] = tiktoken.Encoding(**getattr(openai_public, defined_by)())
    return encodings


def byte_strings(name):
    special = {token.encode() for token in tiktoken_encoding(name).special_tokens_set}
    return [token for token in tiktoken_encoding(name).token_byte_values() if token not in special]


pieces = st.one_of(
    st.sampled_from(["Hello", " WORLD", "'ll", "'LL", "don'T", " 12345", "\r\n", "  \n ", "?!/\n", "\t"]),
    st.sampled_from(["한국어", "مرحبا", "👩‍👩‍👧", "ǅe"]),
)


@pytest.mark.parametrize("name", DEFINED_BY)
@given(text=st.lists(st.one_of(pieces, st.text())).map("".join))
def test_every_text_has_the_ids_that_tiktokens_own_definition_gives(judges, name, text):
    assert tiktoken_encoding(name).encode_ordinary(text) == judges[name].encode_ordinary(text)


@pytest.mark.parametrize("name", DEFINED_BY)
def test_special_tokens_are_those_of_tiktokens_own_definition(judges, name):
    ours, judge = tiktoken_encoding(name), judges[name]
    assert ours.special_tokens_set == judge.special_tokens_set
    for token in ours.special_tokens_set:
        assert ours.encode(token, allowed_special="all") == judge.encode(token, allowed_special="all")


def test_the_network_is_not_touched(nothing_in_memory, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert tiktoken_encoding("gpt-4o").decode([24912, 2375]) == "hello world"


def test_an_unknown_name_is_answered_with_the_known_ones():
    for read in (tiktoken_encoding, token_ranks):
        with pytest.raises(ValueError, match="'gpt2', 'gpt-4', 'gpt-4o'"):
            read("gpt-5")


def cut_short(data):
    return data[: len(data) // 2]


def another_table(data):
    return zlib.compress(zlib.decompress(data).replace(b"abc", b"cba"))


@pytest.mark.parametrize("damage", [cut_short, another_table, lambda data: b"", lambda data: b"no vocabulary at all"])
def test_a_damaged_file_is_refused_in_a_sentence(nothing_in_memory, monkeypatch, tmp_path, damage):
    file = "gpt2.merges.zlib"
    (tmp_path / file).write_bytes(damage(data_path(file).read_bytes()))
    monkeypatch.setenv("LLMVIZ_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"gpt2\.merges\.zlib is damaged.* git checkout"):
        tiktoken_encoding("gpt2")


@pytest.mark.parametrize(("name", "source"), pack_vocabularies.SOURCES.items())
def test_each_file_holds_the_vocabulary_that_openai_publishes(name, source):
    """Unpacked, it is their file, whose sha256 tiktoken knows; packed anew, it is ours."""
    lines = b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in token_ranks(name).items())
    assert hashlib.sha256(lines).hexdigest() in Path(openai_public.__file__).read_text(), source
    if name == "gpt2":  # the others take longer
        ours = data_path("gpt2.merges.zlib").read_bytes()
        assert zlib.decompress(pack_vocabularies.packed(lines)) == zlib.decompress(ours)
