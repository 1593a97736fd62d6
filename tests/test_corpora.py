"""Where text comes from, what is said about bad files."""

import hashlib
import json
import os
import re
import shutil

import pooch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmviz import corpora, files
from llmviz.tinyville import Tinyville

SENTENCES = "".join(f"Mia found {number} red kites.\n" for number in range(100))


@pytest.mark.parametrize("text, sentence", [
    ("Mia found a kite.\nShe ran.", "is a text, not the path of a file; corpora.from_text takes a text"),
    ("Mia " * 999, "is a text, not the path of a file"),
    ("Mia found a kite", r"There is no file .*\(A text itself goes into corpora.from_text\.\)"),
])  # fmt: skip
def test_a_text_in_place_of_a_path_is_told_where_it_goes(text, sentence):
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        corpora.from_file(text)


def test_a_file_becomes_one_text(tmp_path):
    path = tmp_path / "kites.txt"
    path.write_text(SENTENCES + "연 🪁", "utf-8")
    corpus = corpora.from_file(path)
    assert (corpus.name, corpus.documents) == ("kites.txt", (SENTENCES + "연 🪁",))
    assert corpora.from_file(str(path)) == corpus
    assert repr(corpus) == f"Corpus('kites.txt', 1 text, {len(SENTENCES) + 3:,} characters)"


def test_line_ends_become_one_kind_and_the_recipe_says_so(tmp_path):
    path = tmp_path / "windows.txt"
    path.write_bytes("\ufeffMia\r\nfound\ra\n\rkite\r\n".encode())
    corpus = corpora.from_file(path)
    assert corpus.text == "Mia\nfound\na\n\nkite\n"
    assert corpus.recipe["line_ends_changed"] == 4
    path.write_bytes(b"Mia\nfound\n")
    assert "line_ends_changed" not in corpora.from_file(path).recipe


GERMAN = "Der Bäcker öffnet früh. Süße Brötchen für alle.\n" * 20
UTF_8 = GERMAN.encode()
BAD_FILES = {
    "empty": (b"", "is empty"),
    "white space": (b" \n\t\r\n", "only white space"),
    "binary": (b"some text\x00and more", "binary, not text: byte 9 is 0"),
    "random bytes": (bytes(range(256)) * 20, "binary, not text"),
    "a pdf": (b"%PDF-1.7 ...", "is a PDF"),
    "a docx": (b"PK\x03\x04rest", "Word"),
    "an old Word file": (b"\xd0\xcf\x11\xe0rest", "old Word file"),
    "rtf": (b"{\\rtf1 kite}", "RTF"),
    "gzip": (b"\x1f\x8b\x08", "gzip"),
    "one bad byte": (UTF_8[:60] + b"\xff" + UTF_8[60:], r"damaged bytes \(1\), the first in line 2, column 6,"),
    "cut in a character": (UTF_8[: UTF_8.rindex("ü".encode()) + 1], r"bytes \(1\), the first in line 20, column 40"),
    "cut short": ("Mia 🪁".encode()[:-1], "is not UTF-8"),
    "a surrogate": (b"Mia \xed\xa0\xbd", "is not UTF-8"),
}
TEXTS = {
    "german": (GERMAN, ("cp1252", "latin-1", "mac_roman", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")),
    "polish": ("Żółta łódź płynęła wzdłuż rzeki, a gęsi krzyczały.\n" * 20, ("cp1250",)),
    "russian": ("Мальчик нашёл жёлтый зонт у старого моста.\n" * 20, ("cp1251", "koi8-r", "utf-16-le")),
    "greek": ("Το κορίτσι βρήκε ένα κλειδί κάτω από το δέντρο.\n" * 20, ("cp1253",)),
    "chinese": ("小猫在窗台上睡觉。太阳照着它的尾巴。\n" * 20, ("gb18030", "utf-16-be")),
    "traditional": ("小貓在窗台上睡覺。太陽照著牠的尾巴。\n" * 20, ("big5",)),
    "japanese": ("子犬が庭で遊んでいる。雨が降りそうだ。\n" * 20, ("shift-jis", "euc-jp")),
    "korean": ("아이가 공원에서 빨간 연을 찾았다.\n" * 20, ("cp949",)),
    "english": ("Mia found a red kite – “fine”, she said.\n" * 20, ("cp1252", "utf-16-le", "utf-32-be")),
}
ENCODED = [(name, encoding) for name, (_, encodings) in TEXTS.items() for encoding in encodings]


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_no_text_gets_a_sentence_with_its_path(tmp_path, kind):
    data, sentence = BAD_FILES[kind]
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"bad\.txt.*{sentence}"):
        corpora.from_file(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize(("name", "encoding"), ENCODED)
def test_another_encoding_is_shown_as_it_reads_and_taken_by_name(tmp_path, name, encoding):
    """One of the encodings that the sentence names gives the text back."""
    text, path = TEXTS[name][0], tmp_path / "FILE"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match=r"is not UTF-8\. Read as ") as caught:
        corpora.from_file(path)
    assert text[:15] in str(caught.value)
    named = re.findall(r"as ([\w-]+): ['\"]", str(caught.value))
    assert text in [corpora.from_file(path, encoding=one).text for one in named]
    corpus = corpora.from_file(path, encoding=encoding)
    assert corpus.text == text and corpora.from_recipe(corpus.recipe) == corpus


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides(tmp_path, encoding):
    (tmp_path / "FILE").write_bytes(GERMAN.encode(encoding))
    assert corpora.from_file(tmp_path / "FILE").text == GERMAN


def test_a_wrong_name_of_an_encoding_gets_a_sentence(tmp_path):
    (tmp_path / "FILE").write_bytes(GERMAN.encode("cp1252"))
    with pytest.raises(ValueError, match="There is no encoding 'nonsense'"):
        corpora.from_file(tmp_path / "FILE", encoding="nonsense")
    with pytest.raises(ValueError, match="FILE is not ascii: "):
        corpora.from_file(tmp_path / "FILE", encoding="ascii")


@pytest.mark.parametrize(("name", "data", "text", "remark"), [
    ("a.html", b"<!DOCTYPE html><p>Mia &amp; <b>Tom</b></p>", "Mia & \nTom", "is a web page"),
    ("a.csv", b"day,weather\nMonday,rain\n", "day,weather\nMonday,rain\n", "it is a table"),
    ("a.txt", GERMAN.encode().decode("cp1252").encode(), None, "a line should read 'Der Bäcker"),
    ("a.txt", b"caf\xef\xbf\xbd", "caf\ufffd", "1 of its characters were lost"),
])  # fmt: skip
def test_what_is_read_with_a_warning(tmp_path, name, data, text, remark):
    (tmp_path / name).write_bytes(data)
    with pytest.warns(UserWarning, match=remark):
        corpus = corpora.from_file(tmp_path / name)
    assert text is None or corpus.text == text


def test_a_missing_file_a_folder_a_pipe_and_a_huge_file_get_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*nothing\.txt"):
        corpora.from_file(tmp_path / "nothing.txt")
    with pytest.raises(ValueError, match="is a folder"):
        corpora.from_file(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="is a device or a pipe"):
            corpora.from_file(tmp_path / "pipe")
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(files.LARGEST_FILE + 1)  # a hole: takes no room on the disk
    monkeypatch.setattr(type(path), "open", lambda *_, **__: pytest.fail("the file was opened"))
    with pytest.raises(ValueError, match=r"huge\.txt has 200 MB; at most 200 MB are read"):
        corpora.from_file(path)


def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.txt"
    path.write_text("kite", "utf-8")
    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(ValueError, match="cannot be read: Permission denied"):
        corpora.from_file(path)


@pytest.mark.parametrize("text", ["", " \n", "kite \ud83d", None, b"kite"])
def test_a_string_without_text_gets_a_sentence(text):
    with pytest.raises(ValueError, match=r"empty|lone surrogate|takes text"):
        corpora.from_text(text)


@given(lengths=st.lists(st.integers(1, 900), min_size=3).filter(lambda lengths: sum(lengths) >= 1000))
def test_plain_text_is_split_at_nine_tenths_of_its_characters(lengths):
    documents = tuple(chr(97 + number % 26) * length for number, length in enumerate(lengths))
    corpus = corpora.Corpus("letters", documents, {"source": "text"})
    training, validation = corpora.split(corpus)
    assert "".join(training.documents) + "".join(validation.documents) == "".join(documents)
    assert validation.n_characters == sum(lengths) // 10
    assert all(training.documents) and all(validation.documents)
    assert len(documents) <= len(training.documents) + len(validation.documents) <= len(documents) + 1


def test_a_tiny_text_cannot_be_split():
    with pytest.raises(ValueError, match=r"your text has 17 characters, too few: give at least 1,000"):
        corpora.split(corpora.from_text("Mia found a kite."))


def test_tinyville_is_validated_on_fresh_texts_of_the_same_mix():
    counts = {"story": 30, "fact": 10}
    corpus = corpora.tinyville(0, counts)
    assert list(corpus.documents) == [text.text for text in Tinyville().texts(0, counts=counts)]
    training, validation = corpora.split(corpus)
    assert training == corpus
    assert validation.recipe["seed"] != corpus.recipe["seed"]
    stories = {text for text in validation.documents if len(text) > 60}
    assert (len(stories), len(validation.documents)) == (750, 1000) and not stories & set(corpus.documents)


@pytest.mark.parametrize(
    ("counts", "seed"), [({"storm": 3}, 0), ({"story": 0}, 0), ({"story": -1}, 0), ({"story": 3}, "one")]
)
def test_impossible_mixes_are_refused(counts, seed):
    with pytest.raises(ValueError, match=r"storm|counts|whole number"):
        corpora.tinyville(seed, counts)


def test_a_recipe_in_json_makes_the_same_corpus_again(tmp_path):
    (tmp_path / "kites.txt").write_text(SENTENCES, "utf-8")
    tinyville = corpora.tinyville(1, {"story": 5})
    for whole in (corpora.from_file(tmp_path / "kites.txt"), corpora.python_documentation(), tinyville):
        parts = corpora.split(whole)
        for corpus in (whole, *parts, *(corpora.split(parts[1]) if parts[1].n_characters >= 1000 else ())):
            assert corpora.from_recipe(json.loads(json.dumps(corpus.recipe))) == corpus


def test_a_recipe_says_when_its_text_is_gone_or_changed(tmp_path):
    path = tmp_path / "kites.txt"
    path.write_text(SENTENCES, "utf-8")
    corpus = corpora.from_file(path)
    recipes = [corpus.recipe, corpora.split(corpus)[0].recipe]
    path.write_text(SENTENCES + "Ben, too.", "utf-8")
    for recipe in recipes:
        with pytest.raises(ValueError, match=r"kites\.txt was changed"):
            corpora.from_recipe(recipe)
    path.unlink()
    for recipe in recipes:
        with pytest.raises(FileNotFoundError, match=r"There is no file .*kites\.txt"):
            corpora.from_recipe(recipe)
    with pytest.raises(ValueError, match="was given as a string"):
        corpora.from_recipe(corpora.from_text(SENTENCES).recipe)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sha256": "0"}, r"came with Python 3\.\d"),
        ({"source": "tinyville", "seed": 0, "counts": {"story": 2}}, "another version of llmviz"),
        ({"source": "moon"}, "source 'moon'"),
        ({"source": "file"}, "'path' is missing"),
        ({"source": "part", "part": "third", "of": {}}, "not the recipe of a corpus"),
    ],
)
def test_a_wrong_recipe_gets_a_sentence(change, sentence):
    recipe = corpora.python_documentation().recipe | change
    with pytest.raises(ValueError, match=sentence):
        corpora.from_recipe(recipe)


class TestTinyShakespeare:
    """Without a network: pooch's download is replaced; its cache and its check of the hash are real."""

    @pytest.fixture
    def served(self, monkeypatch, tmp_path):
        """A stand-in for the file on the network; what it holds decides its hash."""
        data = ("First Citizen:\nSpeak, speak.\n\n" * 50).encode()
        monkeypatch.setenv("LLMVIZ_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(corpora, "_SHAKESPEARE_SHA256", hashlib.sha256(data).hexdigest())
        (tmp_path / "served.txt").write_bytes(data)
        monkeypatch.setattr(pooch.core, "choose_downloader", lambda *_, **__: self.copy_from(tmp_path))
        return tmp_path / "served.txt"

    @staticmethod
    def copy_from(folder):
        def download(_url, output, _pooch):
            if not (folder / "served.txt").exists():
                raise ConnectionError("no network")
            shutil.copy(folder / "served.txt", output)

        return download

    def test_it_is_fetched_once_and_then_kept(self, served):
        corpus = corpora.tiny_shakespeare()
        served.unlink()
        assert corpora.tiny_shakespeare() == corpus == corpora.from_recipe(corpus.recipe)
        assert corpus.text.startswith("First Citizen:\n")

    def test_without_a_network_one_sentence_says_where_to_put_the_file(self, served, tmp_path):
        content = served.read_bytes()
        served.unlink()
        with pytest.raises(FileNotFoundError, match=r"put the file https://.* by hand") as caught:
            corpora.tiny_shakespeare()
        place = tmp_path / "cache" / "tinyshakespeare.txt"
        assert str(place) in str(caught.value)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        assert corpora.tiny_shakespeare().documents == (content.decode(),)

    def test_a_damaged_file_in_the_cache_is_fetched_anew_and_another_file_is_refused(self, served, tmp_path):
        corpus, kept = corpora.tiny_shakespeare(), tmp_path / "cache" / "tinyshakespeare.txt"
        kept.write_bytes(b"damaged")
        assert corpora.tiny_shakespeare() == corpus
        served.write_bytes(b"something else")
        kept.unlink()
        with pytest.raises(FileNotFoundError, match="sha256 must be"):
            corpora.tiny_shakespeare()
        assert not kept.exists()
