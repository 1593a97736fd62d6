"""Tokenizers of real models give the ids of Hugging Face tokenizers, whatever the text."""

import json
import unicodedata

import pytest
import tokenizers as judges
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from llmviz import pretrained
from llmviz.pretrained import registry, tokenizer
from llmviz.pretrained.bert_tokenizer import BertTokenizer
from llmviz.tokenizers.bpe import BYTE_TO_LETTER
from llmviz.tokenizers.tiktoken import tiktoken_encoding

END = "<|endoftext|>"
LEARNED_FROM = [
    "The 25 kites of Zoë's café cost 1,250 euros; they'll fly on 24.12.2025, won't they?",
    "the kite the kites the kite's   tail\n\n  and   7 more kites, kites, KITES 12 3 45  6",
    "naïve façade – 日本語のテキスト, ключ и замок 🎈🎈",
]
NASTY = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(" \n\t\u00a0\u200b\u0301\u3000  0123456789٣½²'’.,!?-_@#aäßİKﬁé日🎈\x00\x07\ufffd"),
    ),
    max_size=40,
)


def digits_and_bytes():
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


@pytest.fixture(scope="module", params=["gpt2", "smollm"])
def bpe(request, tmp_path_factory):
    """A byte-level BPE learned by the judge, and ours from the file that it wrote."""
    judge = judges.Tokenizer(models.BPE())
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    judge.pre_tokenizer = plain if request.param == "gpt2" else digits_and_bytes()
    judge.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    judge.train_from_iterator(LEARNED_FROM, trainer)
    folder = tmp_path_factory.mktemp(request.param)
    judge.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    return judge, tokenizer.from_folder(folder)


@given(written=NASTY)
@example(written="a  5   7\n 12 ")
@example(written="a   b 's  'll \n\n x")
@example(written="5  ")
def test_byte_pairs_are_those_of_the_judge(bpe, written):
    judge, ours = bpe
    assert ours.encode(written) == judge.encode(written, add_special_tokens=False).ids
    assert ours.decode(ours.encode(written)) == written
    assert b"".join(ours.token_spans(written)) == written.encode("utf-8")


def test_special_tokens_in_a_text_are_plain_text(bpe):
    _, ours = bpe
    assert ours.end_of_text not in ours.encode(f"a{END}b")
    assert ours.decode([*ours.encode("a"), ours.end_of_text]) == f"a{END}"
    assert ours.tokens([ours.end_of_text]) == [END]


def test_gpt2_from_its_own_two_files(tmp_path):
    real = tiktoken_encoding("gpt2")
    def letters(data):
        return "".join(BYTE_TO_LETTER[byte] for byte in data)

    ids = {letters(real.decode_single_token_bytes(place)): place for place in range(50_256)} | {END: 50_256}
    (tmp_path / "vocab.json").write_text(json.dumps(ids))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")  # the ranks alone decide; merges are only checked
    ours = tokenizer.from_folder(tmp_path)
    written = "Zoë's 25 kites\n\n   fly 🎈"
    assert ours.encode(written) == real.encode(written)
    assert (ours.vocab_size, ours.end_of_text) == (50_257, 50_256)


def test_bytes_that_a_vocabulary_does_not_know_are_left_out():
    tokens = [END, *(letter for byte, letter in BYTE_TO_LETTER.items() if byte != 4)]
    ours = tokenizer.byte_level_bpe(tokens, [], special_tokens={END: 0}, words="gpt2", name="x", end_of_text=0)
    assert ours.decode(ours.encode("a\x04b")) == "ab"
    assert ours.vocab_size == 256


@given(written=st.text(st.sampled_from("ab \x04\x06é!1"), max_size=20))
@example(written="!\x04a\x04\x04 ")
def test_what_stands_around_an_unknown_byte_is_merged_as_by_the_judge(written):
    letters = [letter for byte, letter in BYTE_TO_LETTER.items() if byte not in (4, 6)]
    merges = [("!", "!"), ("Ġ", "!"), ("a", "b"), ("Ġ", "ab"), ("!!", "!")]
    ids = {token: place for place, token in enumerate([*letters, *map("".join, merges), END])}
    judge = judges.Tokenizer(models.BPE(vocab=ids, merges=merges))
    judge.pre_tokenizer = digits_and_bytes()
    special = {END: ids[END]}
    ours = tokenizer.byte_level_bpe(ids, merges, special_tokens=special, words="smollm", name="x", end_of_text=ids[END])
    assert ours.encode(written) == judge.encode(written).ids


def test_two_million_spaces_before_a_digit(bpe):
    _, ours = bpe
    written = " " * 2_000_000 + "5"
    assert ours.decode(ours.encode(written)) == written


@pytest.fixture(scope="module", params=[True, False], ids=["lowercase", "cased"])
def bert(request, tmp_path_factory):
    """A WordPiece learned by the judge, and ours from its vocab.txt."""
    judge = judges.BertWordPieceTokenizer(lowercase=request.param)
    judge.train_from_iterator(LEARNED_FROM, vocab_size=200, min_frequency=1, show_progress=False)
    folder = tmp_path_factory.mktemp("bert")
    judge.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": request.param}))
    judge = judges.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=request.param)
    return judge, tokenizer.from_folder(folder)


LETTERS = (
    "kites the 25 Zoëcaféæß日本ключ🎈İΑΣσ.,!?'’$+~|_-\t\n\r\x0b\x0c\x1c\x1f\x85\u00a0\u200b\u2028\u3000"
    "\u0301\x00\x07\ufffd\ue000\u0378"
)
# Characters on whose kind every table of Unicode agrees: known in 2002, and of the same kind today.
OLD = st.characters(codec="utf-8").filter(
    lambda one: unicodedata.category(one) == unicodedata.ucd_3_2_0.category(one) != "Cn"
)


@given(written=st.text(st.sampled_from(LETTERS) | OLD, max_size=40))
@example(written="ΟΔΟΣ a\x0bb\x0c\x1c\x85c\u2028d")
@example(written="un" * 60)
@example(written="Kité's  café—日本語! 🎈🎈 ½²")
def test_word_pieces_are_those_of_the_judge(bert, written):
    judge, ours = bert
    assert ours.encode(written) == judge.encode(written).ids


def test_word_pieces_read_as_text(bert):
    _, ours = bert
    assert ours.decode(ours.encode("the kites, 25")) == "the kites , 25"
    assert ours.tokens([ours.start, ours.end_of_text, ours.mask]) == ["[CLS]", "[SEP]", "[MASK]"]
    assert ours.mask not in ours.encode("[MASK]")


def test_a_piece_may_be_a_line_break_of_unicode(tmp_path):
    pieces = ["[UNK]", "[CLS]", "[SEP]", "\u2028", "\x85", "kite"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    assert tokenizer.from_folder(tmp_path).tokens(range(6)) == pieces


class TestRefused:
    def test_a_folder_without_a_tokenizer(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no tokenizer"):
            tokenizer.from_folder(tmp_path)

    def test_another_kind(self, tmp_path):
        judge = judges.Tokenizer(models.Unigram([("a", 0.0)], unk_id=0))
        judge.normalizer = normalizers.NFKC()
        judge.save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(ValueError, match="is of the kind 'Unigram' with a way of cutting words that is not read"):
            tokenizer.from_folder(tmp_path)

    @pytest.mark.parametrize("settings", [{"strip_accents": False}, {"tokenize_chinese_chars": False}])
    def test_a_bert_that_cleans_in_another_way(self, tmp_path, settings):
        (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n")
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        with pytest.raises(ValueError, match="cleans text in another way than BERT's"):
            tokenizer.from_folder(tmp_path)

    def test_tokens_beside_the_merges(self, tmp_path):
        judge = judges.Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
        judge.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        judge.add_tokens(["  "])
        judge.save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(ValueError, match="has tokens beside its merges, such as '  '"):
            tokenizer.from_folder(tmp_path)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"tokenizer.ggml.model": "llama"}, "of the kind 'llama', its words cut as 'default'"),
            ({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2"}, "its words cut as 'qwen2'"),
        ],
    )
    def test_another_kind_in_a_gguf_file(self, fields, sentence):
        with pytest.raises(ValueError, match=sentence):
            tokenizer.from_gguf_fields(fields)

    def test_merges_in_another_order_than_the_ids(self):
        tokens = ["a", "b", "c", "bc", "ab", END]
        options = {"special_tokens": {END: 5}, "words": "gpt2", "name": "x", "end_of_text": 5}
        with pytest.raises(ValueError, match="the merge of 'b' and 'c' is not in the order of the ids"):
            tokenizer.byte_level_bpe(tokens, ["a b", "b c"], **options)
        with pytest.raises(ValueError, match="is not written in GPT-2's letters"):
            tokenizer.byte_level_bpe(["日", END], [], **options)
        with pytest.raises(ValueError, match="words are cut as one of 'gpt2', 'smollm'; given 'llama3'"):
            tokenizer.byte_level_bpe(tokens, [], **options | {"words": "llama3"})

    def test_a_vocabulary_that_is_not_of_bert(self):
        with pytest.raises(ValueError, match=r"this vocabulary has no \[UNK\]: it is not one of BERT"):
            BertTokenizer(["a", "b"])


def real(name):
    """A real model; the test is counted as skipped where nobody has added it."""
    if registry.installed(name) is None:
        pytest.skip(f"not installed: llmviz models add {name}")
    return pretrained.load(name, context_length=64)


def test_the_capital_of_france():
    smollm2 = real("smollm2")
    token_ids = smollm2.tokenizer.encode("The capital of France is")
    best = smollm2.model(torch.tensor([token_ids]))[0, -1].softmax(dim=-1).max(dim=-1)
    assert smollm2.tokenizer.tokens([int(best.indices)]) == [" Paris"]
    assert float(best.values) == pytest.approx(0.773, abs=0.002)


def test_minilm_reads_as_its_own_file_says():
    minilm = real("minilm")
    judge = judges.BertWordPieceTokenizer(str(registry.installed("minilm") / "vocab.txt"))
    for written in LEARNED_FROM:
        assert minilm.tokenizer.encode(written) == judge.encode(written).ids
