"""Tokenizers of real models from each kind of file; special names are plain text; the chat template."""

import itertools
import json

import jinja2
import pytest
import tokenizers as library
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from llmviz import pretrained
from llmviz.pretrained import chat_prompt, registry
from llmviz.pretrained.convert import _GGUFFile
from llmviz.pretrained.tokenizer import _byte_level_bpe, tokenizer_from_folder, tokenizer_from_gguf
from llmviz.tokenizers.bpe import BYTE_TO_LETTER
from llmviz.tokenizers.tiktoken import tiktoken_encoding
from llmviz.widgets import TokenExplorer

END = "<|endoftext|>"
LEARNED_FROM = [
    "The 25 kites of Zoë's café cost 1,250 euros; they'll fly on 24.12.2025, won't they?",
    "naïve façade – 日本語のテキスト, ключ и замок 🎈🎈",
]
# As it stands in the file of SmolLM2-135M-Instruct; the last test compares it with the file where that is here.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text(max_size=20)}
)


@pytest.fixture(scope="module", params=["gpt2", "smollm"])
def bpe(request, tmp_path_factory):
    """A byte-level BPE trained by the library, and ours from the file that it wrote."""
    trained = library.Tokenizer(models.BPE())
    parts = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if request.param == "smollm":
        parts.insert(0, pre_tokenizers.Digits(individual_digits=True))
    trained.pre_tokenizer = pre_tokenizers.Sequence(parts)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=[END], show_progress=False, initial_alphabet=alphabet
    )  # fmt: skip
    trained.train_from_iterator(LEARNED_FROM, trainer)
    folder = tmp_path_factory.mktemp(request.param)
    trained.save(str(folder / "tokenizer.json"))
    return trained, tokenizer_from_folder(folder)


@given(written=st.text(st.characters(codec="utf-8"), max_size=40))
def test_byte_level_bpe_loses_nothing(bpe, written):
    trained, ours = bpe
    assert ours.encode(written) == trained.encode(written, add_special_tokens=False).ids
    assert ours.decode(ours.encode(written)) == written
    assert b"".join(ours.token_spans(written)) == written.encode("utf-8")


def test_special_tokens_in_a_text_are_plain_text(bpe):
    _, ours = bpe
    assert ours.end_of_text not in ours.encode(f"a{END}b")
    assert ours.decode([*ours.encode("a"), ours.end_of_text]) == f"a{END}"
    assert ours.tokens([ours.end_of_text]) == [END]


def _sentencepiece(model):
    """Llama 2: ▁ before a text and for each space, letters that are not known as bytes, and <s> before a text."""
    built = library.Tokenizer(model)
    built.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    built.decoder = decoders.Sequence(parts)
    return built


def _byte_level(normalizer, pattern):
    """Qwen and Llama 3: words are cut by a pattern of their own."""
    built = library.Tokenizer(models.BPE())
    built.normalizer = normalizer
    parts = [pre_tokenizers.Split(library.Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    built.pre_tokenizer, built.decoder = pre_tokenizers.Sequence(parts), decoders.ByteLevel()
    return built


def _unigram():
    """T5, XLM-R: Unigram with ▁."""
    built = library.Tokenizer(models.Unigram())
    built.normalizer, built.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    return built


def _gemma():
    built = library.Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    built.normalizer = normalizers.Replace(" ", "▁")
    built.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return built


BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
VARIANTS = {
    "llama 2": lambda: _sentencepiece(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>")),
    "gemma": _gemma,
    "unigram": _unigram,
    "qwen": lambda: _byte_level(normalizers.NFC(), r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    "llama 3": lambda: _byte_level(None, r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+|[^\s]+"),
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, tmp_path_factory):
    """A tokenizer of the library in the manner of a family, and ours from its file."""
    built = VARIANTS[request.param]()
    special = ["<s>", END, "<unk>"] + (BYTES if getattr(built.model, "byte_fallback", False) else [])
    options = {"vocab_size": 700, "special_tokens": special, "show_progress": False}
    if request.param == "unigram":
        trainer = trainers.UnigramTrainer(**options, unk_token="<unk>")
    else:
        alphabet = pre_tokenizers.ByteLevel.alphabet() if request.param in ("qwen", "llama 3") else []
        trainer = trainers.BpeTrainer(**options, initial_alphabet=alphabet)
    built.train_from_iterator([*LEARNED_FROM, "the kites of the town " * 3], trainer)
    built.add_tokens(["<think>"])
    if request.param in ("llama 2", "llama 3"):
        start = ("<s>", built.token_to_id("<s>"))
        built.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[start])
    folder = tmp_path_factory.mktemp("variant")
    data = json.loads(built.to_str())
    data["added_tokens"] = [one for one in data["added_tokens"] if one["content"] not in BYTES]  # plain tokens there
    (folder / "tokenizer.json").write_text(json.dumps(data))
    return library.Tokenizer.from_file(str(folder / "tokenizer.json")), tokenizer_from_folder(folder)


@given(written=st.text(st.characters(codec="utf-8"), max_size=30) | st.text("ab é▁<think>\u0301 🎈\n", max_size=20))
def test_other_kinds_cut_as_the_library_does(variant, written):
    trained, ours = variant
    trained.encode_special_tokens = True
    ids = trained.encode(written, add_special_tokens=False).ids
    assert ours.encode(written) == ours.encode_ordinary(written) == ids
    assert b"".join(ours.token_spans(written)) == (written.encode() if ids else b"")
    assert len(ours.token_spans(written)) == len(ours.tokens(ids)) == len(ids)
    theirs = trained.decode(ids, skip_special_tokens=False)
    if "\ufffd" not in theirs and "<unk>" not in theirs:
        assert ours.decode(ids) == theirs


def test_the_token_explorer_takes_each_and_its_tokens_add_up_to_the_text(variant):
    text = "The kites of Zoë's café <think> cost 1,250 euros."
    shown = TokenExplorer(text, [variant[1], "gpt2"])
    assert shown.rows[0].token_ids == variant[1].encode_ordinary(text)
    assert sum(shown.rows[0].sizes) == len(text.encode()) and "as a table" in shown._repr_mimebundle_()["text/html"]


def _wordpiece(vocabulary, **options):
    """A WordPiece that is not BERT's: another unknown token, longest word, normalizer, kind of words."""
    built = library.Tokenizer(models.WordPiece(vocabulary, **options))
    built.normalizer, built.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.WhitespaceSplit()
    built.decoder = decoders.WordPiece()
    return built


@given(written=st.text("abcAB é,\u2460\n", max_size=20))
def test_a_wordpiece_of_another_kind_is_cut_as_its_file_says(tmp_path_factory, written):
    pieces = ["<u>", "a", "##a", "ab", "##b", "b", "é", "##c", "A", "##,", "1", "[END]"]
    built = _wordpiece({piece: 2 * place + 3 for place, piece in enumerate(pieces)}, unk_token="<u>",
                       max_input_chars_per_word=4)  # fmt: skip
    built.post_processor = processors.TemplateProcessing(single="$A [END]", special_tokens=[("[END]", 25)])
    folder = tmp_path_factory.mktemp("wordpiece")
    built.save(str(folder / "tokenizer.json"))
    ours = tokenizer_from_folder(folder)
    assert ours.encode(written) == built.encode(written).ids
    assert ours.encode_ordinary(written) == built.encode(written, add_special_tokens=False).ids
    assert b"".join(ours.token_spans(written)) == (written.encode() if ours.encode_ordinary(written) else b"")
    assert ours.end_of_text == 25 and ours.known_ids == {*range(3, 26, 2)}


def test_another_prefix_of_wordpiece_is_refused(tmp_path):
    _wordpiece({"[UNK]": 0, "a": 1, "@@b": 2}, continuing_subword_prefix="@@").save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="is of the kind 'WordPiece'; read are"):
        tokenizer_from_folder(tmp_path)


def test_the_token_before_a_text_is_the_one_in_the_file(variant):
    trained, ours = variant
    start = ours.encode_prompt("a")[:-len(ours.encode("a"))]
    assert start == [ours.special_tokens["<s>" if trained.post_processor else END]]
    assert ours.end_of_text == ours.special_tokens[END]


@pytest.mark.parametrize(
    ("settings", "start"),
    [
        ({}, END),
        ({"add_bos_token": True, "bos_token": "<s>"}, "<s>"),
        ({"add_bos_token": False, "bos_token": "<s>"}, END),
    ],
)
def test_whether_a_start_token_is_added_is_what_the_settings_say(settings, start):
    ids = {token: place for place, token in enumerate([END, "<s>", "a"])}
    ours = _byte_level_bpe(ids, [], settings, special_tokens=[END, "<s>"])
    assert ours.encode_prompt("a") == [ids[start], ids["a"]]


def test_very_many_spaces_before_a_digit(bpe):
    _, ours = bpe
    written = " " * 300_000 + "5"
    assert ours.decode(ours.encode(written)) == written


def test_gpt2_from_its_own_two_files_agrees_with_tiktoken(tmp_path):
    real = tiktoken_encoding("gpt2")

    def letters(data):
        return "".join(BYTE_TO_LETTER[byte] for byte in data)

    pieces = [real.decode_single_token_bytes(place) for place in range(50_256)]
    ids = {letters(data): place for place, data in enumerate(pieces)}
    merges = []
    for data in pieces[256:]:  # the merge that made a token joins the two parts that are left without it
        parts = [bytes([byte]) for byte in data]
        while len(parts) > 2:
            ranks = [ids.get(letters(a + b), 1 << 30) for a, b in itertools.pairwise(parts)]
            at = min((rank, place) for place, rank in enumerate(ranks) if rank < ids[letters(data)])[1]
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        merges.append(" ".join(map(letters, parts)))
    (tmp_path / "vocab.json").write_text(json.dumps(ids | {END: 50_256}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges))
    ours = tokenizer_from_folder(tmp_path)
    for written in ("Zoë's 25 kites\n\n   fly 🎈", *LEARNED_FROM):
        assert ours.encode(written) == real.encode(written)
    assert (ours.vocab_size, ours.end_of_text) == (50_257, 50_256)
    assert ours.tokens(ours.encode("🎈")) == [f"⟨{piece.hex(' ')}⟩" for piece in ours.token_spans("🎈")]


def test_bytes_that_a_vocabulary_does_not_know_are_left_out():
    tokens = [END, *(letter for byte, letter in BYTE_TO_LETTER.items() if byte != 4)]
    ids = {token: place for place, token in enumerate(tokens)}
    ours = _byte_level_bpe(ids, [], {}, special_tokens=[END])
    assert ours.decode(ours.encode("a\x04b")) == "ab"
    assert ours.vocab_size == 256


class TestBert:
    PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "kit", "##es", ",", "2", "##5", "e", "##\u2028")

    def test_longest_pieces_between_its_special_tokens(self, tmp_path):
        (tmp_path / "vocab.txt").write_text("\n".join(self.PIECES) + "\n", encoding="utf-8")
        ours = tokenizer_from_folder(tmp_path)
        token_ids = ours.encode("The  Kités, 25 é x")
        assert ours.tokens(token_ids) == (["[CLS]", "the", "kit", "##es", ",", "2", "##5", "e", "[UNK]", "[SEP]"])
        assert ours.decode(ours.encode("the kites, 25")) == "the kites , 25"
        assert ours.end_of_text == 3 and ours.special_tokens["[MASK]"] not in ours.encode("[MASK]")
        assert ours.tokens(range(ours.vocab_size)) == list(self.PIECES)

    def test_a_cased_one_keeps_capitals_and_accents(self, tmp_path):
        (tmp_path / "vocab.txt").write_text("\n".join([*self.PIECES, "É"]) + "\n", encoding="utf-8")
        (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
        ours = tokenizer_from_folder(tmp_path)
        assert ours.tokens(ours.encode("É E e")) == ["[CLS]", "É", "[UNK]", "e", "[SEP]"]


class TestRefused:
    def test_folders_without_a_tokenizer_that_is_read(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no tokenizer"):
            tokenizer_from_folder(tmp_path)
        other = library.Tokenizer(models.Unigram([("a", 0.0)], unk_id=0))
        other.normalizer = normalizers.NFKC()
        other.save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(ValueError, match="is of the kind 'Unigram'; read are byte-level BPE, WordPiece, and"):
            tokenizer_from_folder(tmp_path)
        library.Tokenizer(models.BPE(vocab={"日": 0}, merges=[])).save(str(tmp_path / "tokenizer.json"))
        with pytest.raises(ValueError, match="is of the kind 'BPE'; read are byte-level BPE"):
            tokenizer_from_folder(tmp_path)
        (tmp_path / "tokenizer.json").write_text('{"model": 3}')
        with pytest.raises(ValueError, match="is not a whole tokenizer"):
            tokenizer_from_folder(tmp_path)
        (tmp_path / "tokenizer.json").unlink()
        (tmp_path / "vocab.txt").write_text("a\nb\n")
        with pytest.raises(ValueError, match=r"has no \[UNK\]: it is not a vocabulary of BERT"):
            tokenizer_from_folder(tmp_path)

    @pytest.mark.parametrize(("files", "sentence"), [
        ({"tokenizer.json": "[1]"}, r"tokenizer.json should hold a JSON object, and holds a list"),
        ({"tokenizer.json": "{"}, "tokenizer.json is damaged or is not JSON"),
        ({"tokenizer_config.json": "[1]"}, r"tokenizer_config.json should hold a JSON object, and holds a list"),
        ({"vocab.json": '{"a": 0, "b": 1}', "merges.txt": "a b c"}, "merges.txt: the merge 'a b c' does not fit"),
        ({"vocab.json": '{"a": 0, "b": 1}', "merges.txt": "ab"}, "merges.txt: the merge 'ab' does not fit"),
        ({"vocab.json": '{"a": "0"}', "merges.txt": ""}, "vocab.json should say for each token its id, a whole number"),
        ({"vocab.json": '{"a": 0, "b": -1}', "merges.txt": ""}, "a whole number of its own"),
        ({"vocab.json": '{"a": 0, "b": 0}', "merges.txt": ""}, "a whole number of its own"),
        ({"vocab.json": "[1]", "merges.txt": ""}, "vocab.json should hold a JSON object, and holds a list"),
        ({"vocab.json": "{}", "merges.txt": "", "tokenizer_config.json": '{"tokenizer_class": "Qwen2Tokenizer"}'},
         "has a Qwen2Tokenizer; without tokenizer.json"),
        ({"vocab.txt": "[UNK]\n[CLS]\n[SEP]", "added_tokens.json": '{"<x>": 3}'}, "read from a tokenizer.json only"),
        ({"vocab.txt": "[UNK]\n[CLS]\n[SEP]", "tokenizer_config.json": '{"never_split": ["a"]}'}, "words that are not"),
    ])  # fmt: skip
    def test_files_that_are_damaged_or_not_understood(self, tmp_path, files, sentence):
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=sentence):
            tokenizer_from_folder(tmp_path)

    @pytest.mark.parametrize(("change", "settings", "sentence"), [
        ({"model": {"dropout": 0.1}}, {}, "leaves merges out at random"),
        ({"decoder": {"type": "BPEDecoder", "suffix": "</w>"}, "model": {"vocab": {"日": 0}}}, {}, "of the kind 'BPE'"),
        ({"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                         "strip_accents": None, "lowercase": True}}, {"do_lower_case": False}, "do not agree whether"),
        ({}, {"eos_token": "<x>"}, "no token '<x>' to begin or end"), ({}, {"eos_token": 3}, "no token 3 to begin"),
    ])  # fmt: skip
    def test_a_tokenizer_json_that_is_not_understood(self, tmp_path, change, settings, sentence):
        data = json.loads(library.Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[])).to_str())
        model = data["model"] | change.get("model", {})
        (tmp_path / "tokenizer.json").write_text(json.dumps(data | change | {"model": model}))
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        with pytest.raises(ValueError, match=sentence):
            tokenizer_from_folder(tmp_path)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"tokenizer.ggml.model": "llama"}, "of the kind 'llama', its words cut as 'default'"),
            ({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2"}, "its words cut as 'qwen2'"),
        ],
    )
    def test_another_kind_in_a_gguf_file(self, fields, sentence):
        with pytest.raises(ValueError, match=sentence):
            tokenizer_from_gguf(fields)

    def test_merges_and_ends_that_are_not_in_the_vocabulary(self):
        with pytest.raises(ValueError, match="the merge 'a b' does not fit the vocabulary"):
            _byte_level_bpe({"a": 0, "b": 1}, ["a b"], {}, special_tokens=[])
        with pytest.raises(ValueError, match=r"no token '<.endoftext.>' to begin or end a text"):
            _byte_level_bpe({"a": 0, "b": 1}, [], {}, special_tokens=[])


@given(messages=st.lists(MESSAGE, min_size=1, max_size=4))
def test_a_conversation_is_written_as_by_the_template_of_the_model(messages):
    template = jinja2.Template(TEMPLATE, keep_trailing_newline=True)
    assert chat_prompt(messages) == template.render(messages=messages, add_generation_prompt=True)


def test_a_content_of_several_text_parts_is_joined():
    parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": ", you!"}]
    joined = chat_prompt([{"role": "user", "content": "Hello, you!"}])
    assert chat_prompt([{"role": "user", "content": parts}]) == joined


@pytest.mark.parametrize("content", [
    None, 3, [], b"x", {"type": "text", "text": "x"}, ["x"], [{"type": "image"}], [{"type": "text", "text": None}],
])  # fmt: skip
def test_a_content_that_is_no_text(content):
    with pytest.raises(ValueError, match="the content of a message is a text, or a list of text parts; given"):
        chat_prompt([{"role": "user", "content": content}])


@pytest.mark.parametrize("messages", [[{"role": "teacher", "content": "x"}], [{"role": "user"}], ["Hello"], []])
def test_what_is_no_conversation(messages):
    with pytest.raises(ValueError, match=r"a message is |at least one message"):
        chat_prompt(messages)


def real(name):
    """A real model; the test is counted as skipped where nobody has added it."""
    if registry.installed(name) is None:
        pytest.skip(f"not installed: llmviz models add {name}")
    return pretrained.load(name)


@pytest.mark.slow
def test_the_capital_of_france():
    smollm2 = real("smollm2")
    token_ids = smollm2.tokenizer.encode("The capital of France is")
    best = smollm2.model(torch.tensor([token_ids]))[0, -1].softmax(dim=-1).max(dim=-1)
    assert smollm2.tokenizer.tokens([int(best.indices)]) == [" Paris"]
    assert float(best.values) == pytest.approx(0.773, abs=0.002)
    assert smollm2.tokenizer.tokens(smollm2.tokenizer.encode_prompt("The")) == [END, "The"]
    file = _GGUFFile(registry.installed("smollm2"))
    assert file.fields["tokenizer.chat_template"].strip() == TEMPLATE.strip()
